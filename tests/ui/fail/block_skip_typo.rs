use telemetry_runtime::instrument;

struct Order;

#[instrument(skip(idd), fields(id, id))]
impl Order {
    #[instrument(skip(jd))]
    fn a(&self, id: u8) -> u8 {
        id
    }

    #[instrument]
    const fn b() -> u8 {
        0
    }
}

fn main() {
    Order.a(Order::b());
}
