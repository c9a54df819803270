use telemetry_runtime::instrument;

#[instrument(fields(id = expose(id), password = expose(a, b)))]
fn f(id: u8, password: &str) -> usize {
    password.len() + usize::from(id)
}

fn main() {
    f(1, "");
}
