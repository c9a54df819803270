use telemetry_runtime::instrument;

#[instrument(fields(a =, 3, ?b.c, %d = 1, self.e, f g, = 1))]
fn f(a: u8) -> u8 {
    a
}

fn main() {
    f(1);
}
