use telemetry_runtime::instrument;

#[instrument(skpi_all)]
fn near() {}

#[instrument(colour = "red")]
fn far() {}

#[instrument(3)]
fn no_word() {}

fn main() {
    near();
    far();
    no_word();
}
