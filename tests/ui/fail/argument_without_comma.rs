use telemetry_runtime::instrument;

#[instrument(name = "a" level = "info")]
fn f() {}

fn main() {
    f();
}
