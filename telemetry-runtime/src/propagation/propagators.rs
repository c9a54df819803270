//! The formats that a process speaks, together.

use super::headers::{Headers, Injected};
use super::{b3, b3multi, baggage, installed, jaeger, tracecontext, xray};
use crate::record::{Baggage, SpanContext};
use std::borrow::Cow;

/// A format in which a context travels in headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Propagator {
    /// W3C Trace Context: `traceparent` and `tracestate`.
    TraceContext,
    /// W3C Baggage: `baggage`.
    Baggage,
    /// Zipkin's B3 in one header, `b3`. Reads several headers, too.
    B3,
    /// Zipkin's B3 in several headers, `X-B3-TraceId` and so on. Reads the single header, too, which wins.
    B3Multi,
    /// Jaeger: `uber-trace-id`, and baggage as `uberctx-<key>`, whose case is lost.
    Jaeger,
    /// AWS X-Ray: `X-Amzn-Trace-Id`.
    XRay,
}

/// The formats that a process speaks, in their order; by default W3C Trace Context and W3C Baggage.
///
/// All are written. All are read, in their order, and of several valid contexts the last one counts; baggage is put together.
///
/// Source: OpenTelemetry specification, "Propagators API", composite propagator.
///
/// # Examples
/// ```
/// use telemetry_runtime::propagation::{Propagator, Propagators};
///
/// let propagators = Propagators::new([Propagator::TraceContext, Propagator::B3]);
/// let received = propagators.extract([("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1")]);
/// let sent = propagators.inject(&received.context.unwrap(), &received.baggage);
/// assert_eq!(sent[0], ("traceparent".into(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()));
/// assert_eq!(sent[1].0, "b3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propagators([Option<Propagator>; Propagator::COUNT]);

/// What came in with a request's headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The caller's span, remote; `None` if there is no valid one.
    pub context: Option<SpanContext>,
    /// The caller's baggage.
    pub baggage: Baggage,
}

impl Propagator {
    const COUNT: usize = 6;

    /// The words of `OTEL_PROPAGATORS` and the settings.
    pub(crate) const WORDS: [(&'static str, Self); Self::COUNT] = [
        ("tracecontext", Self::TraceContext),
        ("baggage", Self::Baggage),
        ("b3", Self::B3),
        ("b3multi", Self::B3Multi),
        ("jaeger", Self::Jaeger),
        ("xray", Self::XRay),
    ];

    fn context(self, headers: &Headers<'_>) -> Option<SpanContext> {
        match self {
            Self::TraceContext => tracecontext::extract(headers),
            Self::Baggage => None,
            Self::B3 | Self::B3Multi => b3::extract(headers).or_else(|| b3multi::extract(headers)),
            Self::Jaeger => jaeger::extract(headers),
            Self::XRay => xray::extract(headers),
        }
    }

    fn baggage(self, headers: &Headers<'_>) -> Baggage {
        match self {
            Self::Baggage => baggage::extract(headers),
            Self::Jaeger => jaeger::extract_baggage(headers),
            _ => Baggage::default(),
        }
    }

    fn inject(self, context: &SpanContext, into: &mut Injected) {
        match self {
            Self::TraceContext => tracecontext::inject(context, into),
            Self::Baggage => {}
            Self::B3 => b3::inject(context, into),
            Self::B3Multi => b3multi::inject(context, into),
            Self::Jaeger => jaeger::inject(context, into),
            Self::XRay => xray::inject(context, into),
        }
    }

    fn inject_baggage(self, baggage: &Baggage, into: &mut Injected) {
        match self {
            Self::Baggage => baggage::inject(baggage, into),
            Self::Jaeger => jaeger::inject_baggage(baggage, into),
            _ => {}
        }
    }

    /// Whether the header is the format's own.
    fn owns(self, name: &str) -> bool {
        let names: &[&str] = match self {
            Self::TraceContext => &tracecontext::NAMES,
            Self::Baggage => &[baggage::NAME],
            Self::B3 | Self::B3Multi => return name.eq_ignore_ascii_case(b3::NAME) || b3multi::owns(name),
            Self::Jaeger => return jaeger::owns(name),
            Self::XRay => &[xray::NAME],
        };
        names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

impl Propagators {
    /// These formats; one that is named again counts once.
    pub fn new(formats: impl IntoIterator<Item = Propagator>) -> Self {
        let mut propagators = Self::none();
        for format in formats {
            let free = propagators.0.iter_mut().find(|slot| slot.is_none_or(|taken| taken == format));
            *free.expect("there are as many slots as formats") = Some(format);
        }
        propagators
    }

    /// No format: nothing is read, and nothing is written.
    pub fn none() -> Self {
        Self([None; Propagator::COUNT])
    }

    /// Those that the settings name; the default before telemetry is installed.
    pub fn current() -> Self {
        installed().propagators
    }

    /// What the headers say, whose names may be of any case. What is malformed is as good as absent.
    pub fn extract<'a>(&self, headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Received {
        let headers: Vec<_> = headers.into_iter().filter(|(name, _)| self.owns(name)).collect();
        Received {
            context: self.formats().filter_map(|format| format.context(&headers)).last(),
            baggage: self
                .formats()
                .map(|format| format.baggage(&headers))
                .reduce(|all, more| if more.is_empty() { all } else { all.merged(&more) })
                .unwrap_or_default(),
        }
    }

    /// The headers that say this, names in lower case. An invalid context, and baggage that is empty, have none.
    pub fn inject(&self, context: &SpanContext, baggage: &Baggage) -> Vec<(Cow<'static, str>, String)> {
        let mut headers = Vec::new();
        if context.is_valid() {
            self.formats().for_each(|format| format.inject(context, &mut headers));
        }
        self.formats().for_each(|format| format.inject_baggage(baggage, &mut headers));
        headers
    }

    /// Whether a header, its name in any case, is one that these formats read or write.
    pub fn owns(&self, name: &str) -> bool {
        self.formats().any(|format| format.owns(name))
    }

    pub(crate) fn formats(&self) -> impl Iterator<Item = Propagator> {
        self.0.into_iter().flatten()
    }
}

impl Default for Propagators {
    fn default() -> Self {
        Self::new([Propagator::TraceContext, Propagator::Baggage])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Propagator; 6] = [
        Propagator::TraceContext,
        Propagator::Baggage,
        Propagator::B3,
        Propagator::B3Multi,
        Propagator::Jaeger,
        Propagator::XRay,
    ];

    const PARENT: (&str, &str) = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    const B3: (&str, &str) = ("b3", "00000000000000000000000000000001-0000000000000002-0");

    fn trace_id(propagators: &Propagators, headers: &[(&str, &str)]) -> Option<String> {
        let context = propagators.extract(headers.iter().copied()).context?;
        Some(context.trace_id().to_string())
    }

    #[test]
    fn of_several_valid_contexts_the_last_format_counts() {
        let first = Propagators::new([Propagator::TraceContext, Propagator::B3]);
        let last = Propagators::new([Propagator::B3, Propagator::TraceContext]);
        let from_b3 = Some("00000000000000000000000000000001".to_owned());
        let from_parent = Some("0af7651916cd43dd8448eb211c80319c".to_owned());
        assert_eq!(trace_id(&first, &[PARENT, B3]), from_b3);
        assert_eq!(trace_id(&last, &[B3, PARENT]), from_parent);
        assert_eq!(trace_id(&first, &[PARENT, ("b3", "malformed")]), from_parent);
    }

    #[test]
    fn baggage_is_put_together() {
        let propagators = Propagators::new([Propagator::Baggage, Propagator::Jaeger]);
        let received = propagators.extract([("baggage", "a=1,b=1"), ("uberctx-b", "2")]);
        assert_eq!(received.baggage.as_str(), "a=1,b=2");
    }

    #[test]
    fn a_format_named_twice_counts_once() {
        let twice = Propagators::new(ALL.into_iter().chain(ALL));
        assert_eq!(twice, Propagators::new(ALL));
    }

    #[test]
    fn none_reads_and_writes_nothing() {
        let received = Propagators::default().extract([PARENT, ("baggage", "a=1")]);
        let none = Propagators::none();
        assert_eq!(none.extract([PARENT, B3]), Received::default());
        assert_eq!(none.inject(&received.context.expect("valid"), &received.baggage), []);
    }

    #[test]
    fn an_invalid_context_has_no_headers() {
        let sent = Propagators::new(ALL).inject(&SpanContext::default(), &Baggage::default());
        assert_eq!(sent, []);
    }

    proptest! {
        #[test]
        fn every_format_reads_what_it_writes(
            trace_id in 1_u128..,
            span_id in 1_u64..,
            sampled in any::<bool>(),
            value in "\\PC{0,20}",
        ) {
            let text = format!("00-{trace_id:032x}-{span_id:016x}-0{}", u8::from(sampled));
            let context = tracecontext::parse(&text, "").expect("well formed");
            let baggage = Baggage::default().with("key", &value).expect("there is room");
            for format in ALL {
                let propagators = Propagators::new([format]);
                let sent = propagators.inject(&context, &baggage);
                prop_assert!(sent.iter().all(|(name, _)| propagators.owns(name)));
                let received = propagators.extract(sent.iter().map(|(name, value)| (&**name, &**value)));
                let carries_baggage = matches!(format, Propagator::Baggage | Propagator::Jaeger);
                prop_assert_eq!(received.context, (format != Propagator::Baggage).then(|| context.clone()));
                prop_assert_eq!(received.baggage, if carries_baggage { baggage.clone() } else { Baggage::default() });
            }
        }

        #[test]
        fn no_text_panics_and_what_is_read_is_valid(
            values in proptest::collection::vec((0_usize..12, "[0-9a-fd:;=,%.\\-]{0,60}|.{0,80}"), 0..6)
        ) {
            let names = ["traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-spanid", "X-B3-Sampled",
                "x-b3-flags", "x-b3-parentspanid", "uber-trace-id", "uberctx-k", "x-amzn-trace-id"];
            let headers = values.iter().map(|(name, value)| (names[*name], &**value));
            let received = Propagators::new(ALL).extract(headers);
            prop_assert!(received.context.is_none_or(|context| context.is_valid() && context.is_remote()));
        }

        #[test]
        fn a_mutated_header_is_read_or_not_but_never_wrongly_valid(format in 0_usize..6, at in 0_usize..80, byte in any::<char>()) {
            let context = tracecontext::parse(PARENT.1, "a=1").expect("well formed");
            let propagators = Propagators::new([ALL[format]]);
            let mut sent = propagators.inject(&context, &Baggage::default().with("k", "v").expect("there is room"));
            let Some((_, value)) = sent.first_mut() else { return Ok(()) };
            let mut chars: Vec<char> = value.chars().collect();
            let at = at % chars.len();
            chars[at] = byte;
            *value = chars.into_iter().collect();
            let received = propagators.extract(sent.iter().map(|(name, value)| (&**name, &**value)));
            prop_assert!(received.context.is_none_or(|context| context.is_valid()));
        }
    }
}
