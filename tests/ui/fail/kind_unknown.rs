use telemetry_runtime::instrument;

#[instrument(kind = "sever")]
fn near() {}

#[instrument(kind = "worker")]
fn far() {}

fn main() {
    near();
    far();
}
