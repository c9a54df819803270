//! What targets for headers share.

use telemetry_runtime::propagation::{Propagator, Propagators, Received};

/// Reads lines of `name: value` as the headers of a request, and holds the format to its promise: what it writes reads as what it was
/// written from. Returns that.
pub fn stable(format: Propagator, text: &str) -> Received {
    let propagators = Propagators::new([format]);
    let first = propagators.extract(text.lines().filter_map(|line| line.split_once(':')));
    if let Some(context) = &first.context {
        assert!(context.is_valid() && context.is_remote(), "{context:?}");
    }
    let second = written_and_read(&propagators, &first);
    assert_eq!(second.context, first.context);
    // Jaeger's names of baggage lose their case.
    assert_eq!(written_and_read(&propagators, &second), second);
    second
}

fn written_and_read(propagators: &Propagators, received: &Received) -> Received {
    let context = received.context.clone().unwrap_or_default();
    let sent = propagators.inject(&context, &received.baggage);
    assert!(
        sent.iter()
            .all(|(name, value)| propagators.owns(name) && value.bytes().all(|b| matches!(b, b' '..=b'~')))
    );
    propagators.extract(sent.iter().map(|(name, value)| (&**name, &**value)))
}
