use telemetry_runtime::instrument;

#[instrument(level = "inof")]
fn text() {}

#[instrument(level = 6)]
fn number() {}

fn main() {
    text();
    number();
}
