//! Zipkin's B3 in several headers: `X-B3-TraceId`, `X-B3-SpanId`, `X-B3-Sampled` and `X-B3-Flags`.
//!
//! Source: openzipkin/b3-propagation, "Multiple Headers"; OpenTelemetry specification, "Propagators API", B3 requirements.

use super::b3::{self, State};
use super::headers::{Headers, Injected, all, only};
use crate::record::SpanContext;

const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
/// Read by nobody here, and not passed on: the specification forbids it.
const PARENT_SPAN_ID: &str = "x-b3-parentspanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";

pub(super) fn owns(name: &str) -> bool {
    [TRACE_ID, SPAN_ID, PARENT_SPAN_ID, SAMPLED, FLAGS].iter().any(|own| own.eq_ignore_ascii_case(name))
}

pub(super) fn extract(headers: &Headers<'_>) -> Option<SpanContext> {
    b3::context(only(headers, TRACE_ID)?, only(headers, SPAN_ID)?, state(headers)?)
}

/// Debug implies sampled, so that only one of the two is sent.
pub(super) fn inject(context: &SpanContext, into: &mut Injected) {
    into.push((TRACE_ID.into(), context.trace_id().to_string()));
    into.push((SPAN_ID.into(), context.span_id().to_string()));
    let state = match State::from(context) {
        State::Deny => Some((SAMPLED, "0")),
        State::Accept => Some((SAMPLED, "1")),
        State::Debug => Some((FLAGS, "1")),
        State::Defer => None,
    };
    into.extend(state.map(|(name, value)| (name.into(), value.to_owned())));
}

/// Old callers write `true` and `false`.
fn state(headers: &Headers<'_>) -> Option<State> {
    if only(headers, FLAGS) == Some("1") {
        return Some(State::Debug);
    }
    if all(headers, SAMPLED).next().is_none() {
        return Some(State::Defer);
    }
    match only(headers, SAMPLED)? {
        "1" | "true" => Some(State::Accept),
        "0" | "false" => Some(State::Deny),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [(&str, &str); 3] = [
        ("X-B3-TraceId", "80f198ee56343ba864fe8b2a57d3eff7"),
        ("X-B3-SpanId", "e457b5a2e4d86bd1"),
        ("X-B3-ParentSpanId", "05e3ac9a4f6e3b90"),
    ];

    /// The headers behind the ids that pass on what came in behind them.
    fn passed_on(headers: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        let context = extract(&[&IDS, headers].concat())?;
        let mut sent = Vec::new();
        inject(&context, &mut sent);
        assert_eq!(sent[..2], [(TRACE_ID.into(), IDS[0].1.into()), (SPAN_ID.into(), IDS[1].1.into())]);
        Some(sent.drain(2..).map(|(name, value)| (name.into_owned(), value)).collect())
    }

    #[test]
    fn the_sampling_state_is_passed_on() {
        let none: &[(&str, &str)] = &[];
        for (headers, expected) in [
            (none, none),
            (&[("X-B3-Sampled", "1")], &[("x-b3-sampled", "1")]),
            (&[("X-B3-Sampled", "true")], &[("x-b3-sampled", "1")]),
            (&[("X-B3-Sampled", "0")], &[("x-b3-sampled", "0")]),
            (&[("X-B3-Sampled", "false")], &[("x-b3-sampled", "0")]),
            (&[("X-B3-Flags", "1")], &[("x-b3-flags", "1")]),
            (&[("X-B3-Flags", "1"), ("X-B3-Sampled", "0")], &[("x-b3-flags", "1")]),
            (&[("X-B3-Flags", "0"), ("X-B3-Sampled", "1")], &[("x-b3-sampled", "1")]),
        ] {
            let expected = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            assert_eq!(passed_on(headers), Some(expected.collect()), "{headers:?}");
        }
    }

    #[test]
    fn what_is_malformed_is_no_context() {
        assert_eq!(passed_on(&[("X-B3-Sampled", "yes")]), None);
        assert_eq!(passed_on(&[("X-B3-Sampled", "1"), ("X-B3-Sampled", "0")]), None);
        assert_eq!(passed_on(&[("X-B3-TraceId", "80f198ee56343ba864fe8b2a57d3eff7")]), None);
        assert_eq!(extract(&IDS[..1]), None);
        assert_eq!(extract(&IDS[1..]), None);
    }
}
