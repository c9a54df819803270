mod reexports {
    pub use telemetry_runtime as telemetry;
}

use reexports::telemetry::instrument;

#[instrument(crate = reexports::telemetry, ret, level = "debug", kind = "client")]
fn by_path(n: u8) -> Result<u8, String> {
    Ok(n)
}

#[instrument(crate = "crate::reexports::telemetry")]
async fn by_text(n: u8) -> Result<u8, String> {
    Ok(n)
}

fn main() {
    by_path(1).unwrap();
    drop(by_text(1));
}
