use telemetry_runtime::instrument;

#[instrument(fields(a, b.c = 1, "b.c" = 2, ?a, "" = 1))]
fn f(a: u8) -> u8 {
    a
}

#[instrument(ret, fields(return = 1))]
fn g() -> u8 {
    1
}

fn main() {
    f(1);
    g();
}
