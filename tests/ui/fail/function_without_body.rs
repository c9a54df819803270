use telemetry_runtime::instrument;

trait Store {
    #[instrument]
    fn get(&self, id: u64) -> u64;
}

struct Memory;

impl Store for Memory {
    fn get(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    Memory.get(1);
}
