use telemetry_runtime::{SpanKind, detached_span, span};

fn main() {
    let (a, b) = (1, "b");
    let _span = span!();
    let _span = span!(kind = "client");
    let _span = span!("name", a, a, level = "loud", kind = "clint", = 1);
    let _span = span!("name", skip(a), b = b c, root, parent = None);
    let _span = span!("name", kind = SpanKind::Client, kind = "server", sample = 7);
    let _span = detached_span!("name", id = expose(a));
    let _span = span!("name", a = vec![a], unknown);
    let _span = span!("name", parent = b);
}
