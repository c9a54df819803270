use futures_util::stream::{self, Stream};
use telemetry_runtime::instrument;

#[instrument(ret, ok_if = |_| true)]
fn count() -> impl Stream<Item = u8> {
    stream::iter(0..3)
}

fn main() {
    drop(count());
}
