//! W3C Trace Context: the headers `traceparent` and `tracestate`.
//!
//! Source: W3C Trace Context Level 2, sections 3.2 and 3.3.

use super::headers::{Headers, Injected, all, only, trimmed};
use crate::record::{SpanContext, TraceFlags, TraceState};

pub(super) const NAMES: [&str; 2] = [TRACEPARENT, TRACESTATE];
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// The bytes of a `traceparent` of version 00.
const LENGTH: usize = 55;
const MAX_STATE_MEMBERS: usize = 32;
/// As much as has to be propagated.
const MAX_STATE_BYTES: usize = 512;
/// Longer members go first where something must go.
const LONG_MEMBER_BYTES: usize = 128;
const MAX_STATE_KEY_BYTES: usize = 256;
const MAX_STATE_VALUE_BYTES: usize = 256;

/// The remote context that the two headers' values describe; `tracestate` is empty if there is none.
///
/// A `traceparent` that is not well formed gives `None`. A `tracestate` with a malformed member, or with more than 32, is left out. Of
/// members with the same key the first one counts, which is the latest. Beyond 512 bytes whole members are left out: those longer than
/// 128 bytes first, then those at the end.
///
/// Keys are those of Level 2, which takes `@` anywhere but in the first place. Level 1 demanded `tenant@system` of certain lengths; every
/// key of it is one of Level 2, so this takes what either kind of caller sends.
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
    let text = trimmed(traceparent);
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

/// `traceparent` may come once, while `tracestate` may be split over several headers.
pub(super) fn extract(headers: &Headers<'_>) -> Option<SpanContext> {
    let states: Vec<_> = all(headers, TRACESTATE).collect();
    parse(only(headers, TRACEPARENT)?, &states.join(","))
}

pub(super) fn inject(context: &SpanContext, into: &mut Injected) {
    into.push((TRACEPARENT.into(), traceparent(context)));
    let state = context.trace_state();
    if !state.is_empty() {
        into.push((TRACESTATE.into(), state.as_str().to_owned()));
    }
}

fn hex_byte(text: &str) -> Option<u8> {
    let lower_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 2 || !text.bytes().all(lower_hex) {
        return None;
    }
    u8::from_str_radix(text, 16).ok()
}

fn state(text: &str) -> TraceState {
    let members = text.split(',').map(trimmed).filter(|member| !member.is_empty());
    let members: Vec<_> = members.take(MAX_STATE_MEMBERS + 1).collect();
    if members.len() > MAX_STATE_MEMBERS || !members.iter().all(|member| is_member(member)) {
        return TraceState::default();
    }
    let mut kept: Vec<&str> = Vec::new();
    for member in members {
        if !kept.iter().any(|earlier| key(earlier) == key(member)) {
            kept.push(member);
        }
    }
    shorten(&mut kept);
    TraceState::from_valid(&kept.join(","))
}

/// Leaves whole members out until the rest is short enough.
fn shorten(members: &mut Vec<&str>) {
    while members.iter().map(|member| member.len() + 1).sum::<usize>() > MAX_STATE_BYTES + 1 {
        let long = members.iter().rposition(|member| member.len() > LONG_MEMBER_BYTES);
        members.remove(long.unwrap_or(members.len() - 1));
    }
}

fn key(member: &str) -> Option<&str> {
    member.split_once('=').map(|(key, _)| key)
}

fn is_member(text: &str) -> bool {
    text.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value))
}

fn is_key(key: &str) -> bool {
    let is_alphanumeric = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9');
    (1..=MAX_STATE_KEY_BYTES).contains(&key.len())
        && is_alphanumeric(key.as_bytes()[0])
        && key.bytes().all(|b| is_alphanumeric(b) || b"_-*/@".contains(&b))
}

/// Without the spaces at its end, which are none of it.
fn is_value(value: &str) -> bool {
    (1..=MAX_STATE_VALUE_BYTES).contains(&value.len())
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
    fn flags_are_those_that_this_version_knows() {
        for (flags, sent) in
            [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("04", "00"), ("ff", "03")]
        {
            let text = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
            let context = parse(&text, "").expect("well formed");
            assert_eq!(traceparent(&context)[53..], *sent, "{flags}");
        }
        let later =
            parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03", "").expect("well formed");
        assert_eq!(later.flags(), TraceFlags::SAMPLED, "only this bit is defined for later versions");
    }

    #[test]
    fn two_parents_are_none_and_states_are_put_together() {
        let headers =
            [("TraceParent", PARENT), ("tracestate", "a=1,b=2"), ("TRACESTATE", ""), ("tracestate", "c=3")];
        let context = extract(&headers).expect("well formed");
        let mut sent = Vec::new();
        inject(&context, &mut sent);
        assert_eq!(
            sent,
            [("traceparent".into(), PARENT.to_owned()), ("tracestate".into(), "a=1,b=2,c=3".to_owned())]
        );
        assert_eq!(extract(&[headers[0], headers[0]]), None);
        assert_eq!(extract(&headers[1..]), None);
    }

    #[test]
    fn states_are_kept_as_written_but_for_white_space_around_members() {
        for (written, kept) in [
            ("a=1 , ,tenant@sys=x y", "a=1,tenant@sys=x y"),
            ("\t a= 1\t,\t,", "a= 1"),
            (
                "0a=1,a_-*/@@z=!#$%&'()*+-./:;<>?@[\\]^_`{|}~\"",
                "0a=1,a_-*/@@z=!#$%&'()*+-./:;<>?@[\\]^_`{|}~\"",
            ),
        ] {
            assert_eq!(state_of(written), kept);
        }
    }

    #[test]
    fn of_equal_keys_the_first_one_counts() {
        assert_eq!(state_of("a=1,b=2,a=3,b=2"), "a=1,b=2");
    }

    #[test]
    fn a_state_with_a_malformed_member_is_left_out() {
        for member in
            ["a", "a=", "a=  ", "=1", "A=1", "a =1", "a.b=1", "@a=1", "-a=1", "a=1=2", "a=\u{e9}", "a=1\t2"]
        {
            assert_eq!(state_of(&format!("b=2,{member}")), "", "{member}");
        }
    }

    #[test]
    fn keys_and_values_have_256_characters_at_most() {
        for (key, value, is_kept) in [(256, 1, true), (257, 1, false), (1, 256, true), (1, 257, false)] {
            let state = format!("{}={}", "k".repeat(key), "v".repeat(value));
            assert_eq!(!state_of(&state).is_empty(), is_kept, "{key} {value}");
        }
    }

    #[test]
    fn a_state_has_32_members_at_most() {
        let members = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        assert_eq!(state_of(&members(32)), members(32));
        assert_eq!(state_of(&members(33)), "");
        assert_eq!(
            state_of(&format!("{},{}", ",".repeat(100), members(32))),
            members(32),
            "empty ones do not count"
        );
    }

    #[test]
    fn beyond_512_bytes_long_members_go_first_and_then_the_last_ones() {
        let member = |key: &str, length: usize| format!("{key}={}", "v".repeat(length - key.len() - 1));
        let (long, longer) = (member("l", 129), member("m", 200));
        let short: Vec<_> = (0..4).map(|n| member(&format!("k{n}"), 128)).collect();
        let fits = [&long, &short[0], &short[1], &member("z", 124)].map(String::as_str).join(",");
        assert_eq!(fits.len(), 512);
        assert_eq!(state_of(&fits), fits);
        let short_ones = [&short[0], &short[1], &member("z", 124)].map(String::as_str).join(",");
        assert_eq!(state_of(&format!("{longer},{fits}")), short_ones, "both long ones had to go");
        assert_eq!(state_of(&format!("{fits},{longer}")), fits, "the last long one was enough");
        assert_eq!(state_of(&short.join(",")), short[..3].join(","));
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
