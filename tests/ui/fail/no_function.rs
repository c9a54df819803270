use telemetry_runtime::instrument;

#[instrument]
struct Order {
    id: u64,
}

impl Order {
    fn id(&self) -> u64 {
        self.id
    }
}

#[instrument]
mod inner {}

#[instrument]
pub(crate) const ONE: u8 = 1;

fn main() {
    Order { id: u64::from(ONE) }.id();
}
