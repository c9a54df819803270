use telemetry_runtime::instrument;

#[instrument]
const fn f() -> u8 {
    1
}

const ONE: u8 = f();

fn main() {
    println!("{ONE}");
}
