use telemetry_runtime::instrument;

#[instrument(sample = 1.5, keep_if_slower = "50", capture = evrything)]
fn ranges() {}

#[instrument(sample = sometimes, keep_if_slower = 50, capture = "all")]
fn forms() {}

#[instrument(err(level = "loud"), ret(Debg, level = 9))]
fn levels() -> Result<u8, u8> {
    Ok(1)
}

#[instrument(err(Debug, Display), ret(lvl = "info"))]
fn options() -> Result<u8, u8> {
    Ok(1)
}

fn main() {
    ranges();
    forms();
    let _ = levels().and(options());
}
