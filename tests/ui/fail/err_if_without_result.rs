use telemetry_runtime::instrument;

#[instrument(err_if = |_| true)]
fn number() -> u8 {
    1
}

#[instrument(err_if = |error: &u16| *error > 1)]
fn wrong_error() -> Result<(), u8> {
    Ok(())
}

#[instrument(ok_if = |value| value.is_empty())]
async fn wrong_value() -> Result<u8, u8> {
    Ok(1)
}

fn main() {
    number();
    let _ = wrong_error();
    drop(wrong_value());
}
