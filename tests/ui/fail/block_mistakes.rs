use telemetry_runtime::instrument;

struct Order {
    id: u64,
}

#[instrument(name = "all", parent = None, skip(idd), levle = "info")]
impl Order {
    #[instrument(skip(nothing), colour = "red")]
    fn id(&self, idle: u8) -> u64 {
        self.id + u64::from(idle)
    }

    #[instrument]
    const fn zero() -> u64 {
        0
    }
}

#[instrument(level = "loud")]
trait Store {
    #[instrument]
    fn get(&self) -> u64;

    #[instrument(skip)]
    fn put(&self) -> u64 {
        self.get()
    }
}

#[instrument]
impl Store for Order {
    fn get(&self) -> u64 {
        self.di
    }
}

fn main() {
    Order { id: Order::zero() }.id(1);
}
