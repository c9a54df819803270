use telemetry_runtime::instrument;

#[instrument(name = "a", level = "info", name = "b")]
fn named() {}

#[instrument("a", name = "b")]
fn placed() {}

fn main() {
    named();
    placed();
}
