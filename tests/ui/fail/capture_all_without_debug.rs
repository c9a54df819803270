use telemetry_runtime::instrument;

struct NoDebug;

impl NoDebug {
    #[instrument(capture = all)]
    fn f(&self, other: NoDebug, number: u8) -> u8 {
        drop(other);
        number
    }
}

fn main() {
    NoDebug.f(NoDebug, 1);
}
