//! Zipkin's B3 in one header, `b3`: `{trace id}-{span id}-{sampling state}-{parent span id}`.
//!
//! Source: openzipkin/b3-propagation, "Single Header"; OpenTelemetry specification, "Propagators API", B3 requirements.

use super::headers::{Headers, Injected, only};
use crate::record::{SpanContext, SpanId, TraceFlags, TraceId};

pub(super) const NAME: &str = "b3";

/// What a caller says about sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Deny,
    Accept,
    Debug,
    /// Left to the receiver.
    Defer,
}

/// A header that is a sampling state alone names no span: it is none.
pub(super) fn extract(headers: &Headers<'_>) -> Option<SpanContext> {
    let parts: Vec<_> = only(headers, NAME)?.split('-').take(5).collect();
    let (ids, state) = match parts[..] {
        [trace_id, span_id] => ((trace_id, span_id), State::Defer),
        [trace_id, span_id, state] => ((trace_id, span_id), State::of(state)?),
        [trace_id, span_id, state, parent_id] if is_span_id(parent_id) => {
            ((trace_id, span_id), State::of(state)?)
        }
        _ => return None,
    };
    context(ids.0, ids.1, state)
}

/// The parent span id is not passed on: the specification forbids it.
pub(super) fn inject(context: &SpanContext, into: &mut Injected) {
    let state = match State::from(context) {
        State::Deny => "-0",
        State::Accept => "-1",
        State::Debug => "-d",
        State::Defer => "",
    };
    into.push((NAME.into(), format!("{}-{}{state}", context.trace_id(), context.span_id())));
}

/// The context; a trace id may be half as long, and is filled with zeros.
pub(super) fn context(trace_id: &str, span_id: &str, state: State) -> Option<SpanContext> {
    let trace_id = match trace_id.len() {
        16 => TraceId::from_int(trace_id.parse::<SpanId>().ok()?.to_int().into()),
        _ => trace_id.parse().ok()?,
    };
    let flags = TraceFlags::default().with_sampled(state == State::Accept);
    let context = SpanContext::new(trace_id, span_id.parse().ok()?, flags).remote();
    Some(match state {
        State::Debug => context.debug(),
        State::Defer => context.undecided(),
        State::Deny | State::Accept => context,
    })
}

pub(super) fn is_span_id(text: &str) -> bool {
    text.parse::<SpanId>().is_ok()
}

impl State {
    fn of(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Self::Deny),
            "1" => Some(Self::Accept),
            "d" => Some(Self::Debug),
            _ => None,
        }
    }
}

impl From<&SpanContext> for State {
    fn from(context: &SpanContext) -> Self {
        match (context.is_debug(), context.is_sampled(), context.is_undecided()) {
            (true, _, _) => Self::Debug,
            (_, true, _) => Self::Accept,
            (_, _, true) => Self::Defer,
            _ => Self::Deny,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header that passes on what came in, and whether it is sampled.
    fn passed_on(value: &str) -> Option<(String, bool)> {
        let context = extract(&[("B3", value)])?;
        let mut sent = Vec::new();
        inject(&context, &mut sent);
        Some((sent.remove(0).1, context.is_sampled()))
    }

    #[test]
    fn what_is_well_formed_is_understood() {
        const IDS: &str = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1";
        for (value, passed, sampled) in [
            (IDS.to_owned(), IDS.to_owned(), false),
            (format!("{IDS}-0"), format!("{IDS}-0"), false),
            (format!("{IDS}-1-05e3ac9a4f6e3b90"), format!("{IDS}-1"), true),
            (format!("{IDS}-d"), format!("{IDS}-d"), true),
            (
                "64fe8b2a57d3eff7-e457b5a2e4d86bd1-1".to_owned(),
                "000000000000000064fe8b2a57d3eff7-e457b5a2e4d86bd1-1".to_owned(),
                true,
            ),
        ] {
            assert_eq!(passed_on(&value), Some((passed, sampled)), "{value}");
        }
    }

    #[test]
    fn what_is_malformed_is_no_context() {
        for value in [
            "",
            "0",
            "d",
            "80f198ee56343ba864fe8b2a57d3eff7",
            "80F198EE56343BA864FE8B2A57D3EFF7-e457b5a2e4d86bd1-1",
            "80f198ee56343ba864fe8b2a57d3eff-e457b5a2e4d86bd1-1",
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd-1",
            "00000000000000000000000000000000-e457b5a2e4d86bd1-1",
            "80f198ee56343ba864fe8b2a57d3eff7-0000000000000000-1",
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-",
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-2",
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-true",
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-x",
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90-1",
        ] {
            assert_eq!(passed_on(value), None, "{value}");
        }
    }

    #[test]
    fn two_headers_are_none() {
        const VALUE: &str = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1";
        assert_eq!(extract(&[("b3", VALUE), ("b3", VALUE)]), None);
    }
}
