use telemetry_runtime::instrument;

#[instrument(nmae = "x", level = "loud", skip(ordr), fields(a, a, ?), kind = 1)]
const fn f(order: u8) -> u8 {
    order
}

fn main() {
    f(1);
}
