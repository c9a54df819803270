use telemetry_runtime::instrument;

struct Opaque;

#[instrument(ret)]
fn f() -> Result<Opaque, String> {
    Ok(Opaque)
}

#[instrument(ret(Display))]
fn g() -> Opaque {
    Opaque
}

fn main() {
    f().unwrap();
    g();
}
