//! W3C Trace Context: the headers `traceparent` and `tracestate`.
//!
//! Source: W3C Trace Context Level 2, sections 3.2 and 3.3.

use crate::record::{SpanContext, TraceFlags, TraceState};

/// The bytes of a `traceparent` of version 00.
const LENGTH: usize = 55;
const MAX_STATE_MEMBERS: usize = 32;
const MAX_STATE_BYTES: usize = 512;

/// The remote context that the two headers' values describe; `tracestate` is empty if there is none.
///
/// A `traceparent` that is not well formed gives `None`; a `tracestate` that is not, or that exceeds 32 members or 512 bytes, is left out.
///
/// # Examples
/// ```
/// use telemetry_runtime::propagation::tracecontext;
///
/// let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let context = tracecontext::parse(parent, "vendor=opaque").expect("it is well formed");
/// assert!(context.is_remote() && context.is_sampled());
/// assert_eq!(tracecontext::traceparent(&context), parent);
/// ```
pub fn parse(traceparent: &str, tracestate: &str) -> Option<SpanContext> {
    let text = traceparent.trim_matches([' ', '\t']);
    let mut fields = text.split('-');
    let version = hex_byte(fields.next()?)?;
    let trace_id = fields.next()?.parse().ok()?;
    let span_id = fields.next()?.parse().ok()?;
    let flags = hex_byte(fields.next()?)?;
    // A later version may append fields; this one may not, and 255 is none.
    if version == 0xff || (version == 0 && text.len() != LENGTH) {
        return None;
    }
    let flags = match version {
        0 => TraceFlags::from_byte(flags),
        _ => TraceFlags::default().with_sampled(TraceFlags::from_byte(flags).is_sampled()),
    };
    Some(SpanContext::new(trace_id, span_id, flags).with_trace_state(state(tracestate)).remote())
}

/// The value of `traceparent` that continues the trace below `context`.
pub fn traceparent(context: &SpanContext) -> String {
    format!("00-{}-{}-{}", context.trace_id(), context.span_id(), context.flags())
}

fn hex_byte(text: &str) -> Option<u8> {
    let lower_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 2 || !text.bytes().all(lower_hex) {
        return None;
    }
    u8::from_str_radix(text, 16).ok()
}

fn state(text: &str) -> TraceState {
    let members =
        || text.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty());
    if members().count() > MAX_STATE_MEMBERS || !members().all(is_member) {
        return TraceState::default();
    }
    let state = members().collect::<Vec<_>>().join(",");
    if state.len() > MAX_STATE_BYTES { TraceState::default() } else { TraceState::from_valid(&state) }
}

/// `key=value`, where the key may be `tenant@system`.
fn is_member(text: &str) -> bool {
    text.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value))
}

fn is_key(key: &str) -> bool {
    let part = |part: &str, max: usize| {
        (1..=max).contains(&part.len())
            && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'))
    };
    match key.split_once('@') {
        Some((tenant, system)) => part(tenant, 241) && part(system, 14),
        None => part(key, 256),
    }
}

fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value.bytes().all(|b| matches!(b, b' '..=b'~') && b != b',' && b != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn state_of(tracestate: &str) -> String {
        parse(PARENT, tracestate).expect("the parent is well formed").trace_state().as_str().to_owned()
    }

    #[test]
    fn what_is_malformed_is_no_parent() {
        for text in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "+0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(parse(text, ""), None, "{text}");
        }
    }

    #[test]
    fn later_versions_may_say_more() {
        for text in [
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes",
        ] {
            assert!(parse(text, "").is_some_and(|context| context.is_sampled()), "{text}");
        }
        assert_eq!(parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x", ""), None);
    }

    #[test]
    fn states_are_kept_as_written_but_for_white_space() {
        assert_eq!(state_of("a=1 , ,tenant@sys=x y"), "a=1,tenant@sys=x y");
    }

    #[test]
    fn malformed_or_oversized_states_are_left_out() {
        let many = vec!["a=1"; 33].join(",");
        let long = (0..4).map(|n| format!("k{n}={}", "v".repeat(200))).collect::<Vec<_>>().join(",");
        for tracestate in ["", "a", "a=", "A=1", "a=1=2", "a=\u{e9}", "a@=1", &many, &long] {
            assert_eq!(state_of(tracestate), "", "{tracestate}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(trace_id in 1_u128.., span_id in 1_u64.., flags in 0_u8..4) {
            let text = format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}");
            prop_assert_eq!(traceparent(&parse(&text, "").expect("well formed")), text);
        }

        #[test]
        fn no_text_panics(traceparent in ".{0,80}", tracestate in ".{0,80}") {
            let _ = parse(&traceparent, &tracestate);
        }
    }
}
