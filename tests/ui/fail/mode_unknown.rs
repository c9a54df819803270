use telemetry_runtime::instrument;

#[instrument(err(Dbug), ret(level = "info"))]
fn f() -> Result<(), String> {
    Ok(())
}

#[instrument(ret())]
fn g() {}

fn main() {
    f().unwrap();
    g();
}
