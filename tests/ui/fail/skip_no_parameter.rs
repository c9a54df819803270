use telemetry_runtime::instrument;

#[instrument(skip(oder, self))]
fn f(order: u8, _name: u8) -> u8 {
    order
}

#[instrument(skip(a))]
fn g() {}

#[instrument(skip(a, a))]
fn twice(a: u8) -> u8 {
    a
}

fn main() {
    f(1, 2);
    g();
    twice(1);
}
