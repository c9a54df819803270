use telemetry_runtime::instrument;

struct Opaque;

#[instrument(fields(typed))]
fn typed(typed: Opaque) {
    let _ = typed;
}

#[instrument(fields(?debug))]
fn debug(debug: Opaque) {
    let _ = debug;
}

#[instrument(fields(shown = %(display)))]
fn display(display: Opaque) {
    let _ = display;
}

fn main() {
    typed(Opaque);
    debug(Opaque);
    display(Opaque);
}
