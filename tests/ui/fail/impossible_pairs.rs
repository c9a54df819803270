use telemetry_runtime::{SpanContext, instrument};

#[instrument(skip_all, capture = all)]
fn skip_all_and_capture(a: u8) -> u8 {
    a
}

#[instrument(capture = none, skip(a))]
fn capture_none_and_skip(a: u8) -> u8 {
    a
}

#[instrument(parent = parent, root)]
fn root_and_parent(parent: SpanContext) -> SpanContext {
    parent
}

#[instrument(err = false, err_if = |_| true)]
fn err_off_and_err_if() -> Result<(), u8> {
    Ok(())
}

#[instrument(sample = never, keep_if_slower = "1s")]
fn never_and_keep() {}

fn main() {
    skip_all_and_capture(capture_none_and_skip(1));
    root_and_parent(SpanContext::default());
    let _ = err_off_and_err_if();
    never_and_keep();
}
