use telemetry_runtime::event;

fn main() {
    let a = 1;
    event!();
    event!(a = 1);
    event!(format!("miss {a}"), a);
    event!("miss", a, a, level = "loud");
    event!("miss", kind = "client", unknown);
}
