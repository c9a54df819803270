use telemetry_runtime::instrument;

#[instrument(fields(?type, "a-b" = 1, ?"c", {KEY}, {KEY} = 1))]
fn f() {}

const KEY: &str = "key";

fn main() {
    f();
}
