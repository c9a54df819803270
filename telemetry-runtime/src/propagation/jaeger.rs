//! Jaeger's own headers: `uber-trace-id: {trace id}:{span id}:{parent span id}:{flags}`, and `uberctx-{key}` for baggage.
//!
//! Source: Jaeger documentation, "Client Libraries", propagation format; OpenTelemetry specification, "Propagators API", Jaeger.

use super::headers::{Headers, Injected, only, trimmed};
use crate::record::percent::{decoded, encoded};
use crate::record::{Baggage, SpanContext, SpanId, TraceFlags, TraceId};

const NAME: &str = "uber-trace-id";
const BAGGAGE_PREFIX: &str = "uberctx-";
const SAMPLED: u8 = 0x01;
/// Counts together with [`SAMPLED`] only.
const DEBUG: u8 = 0x02;

pub(super) fn owns(name: &str) -> bool {
    name.eq_ignore_ascii_case(NAME) || baggage_key(name).is_some()
}

/// Ids may lack leading zeros. The parent span id, which is deprecated, is not looked at.
pub(super) fn extract(headers: &Headers<'_>) -> Option<SpanContext> {
    let value = decoded(only(headers, NAME)?);
    let parts: Vec<_> = value.split(':').take(5).collect();
    let [trace_id, span_id, _parent_id, flags] = parts[..] else { return None };
    let trace_id = TraceId::from_int(hex(trace_id, 32)?);
    let span_id = SpanId::from_int(u64::try_from(hex(span_id, 16)?).ok()?);
    let flags = u8::try_from(hex(flags, 2)?).ok()?;
    let sampled = flags & SAMPLED != 0;
    let context = SpanContext::new(trace_id, span_id, TraceFlags::default().with_sampled(sampled)).remote();
    let context = if sampled && flags & DEBUG != 0 { context.debug() } else { context };
    context.is_valid().then_some(context)
}

pub(super) fn inject(context: &SpanContext, into: &mut Injected) {
    let sampled = if context.is_sampled() { SAMPLED } else { 0 };
    let debug = if context.is_debug() { DEBUG } else { 0 };
    let (trace_id, span_id) = (context.trace_id(), context.span_id());
    into.push((NAME.into(), format!("{trace_id}:{span_id}:0:{:x}", sampled | debug)));
}

/// What cannot be baggage is left out.
pub(super) fn extract_baggage(headers: &Headers<'_>) -> Baggage {
    let members = headers.iter().filter_map(|(name, value)| Some((baggage_key(name)?, trimmed(value))));
    members.fold(Baggage::default(), |baggage, (key, value)| {
        baggage.with(key, &decoded(value)).unwrap_or(baggage)
    })
}

/// Properties have no place in this format.
pub(super) fn inject_baggage(baggage: &Baggage, into: &mut Injected) {
    into.extend(baggage.iter().map(|member| {
        let name = format!("{BAGGAGE_PREFIX}{}", member.key().to_ascii_lowercase());
        (name.into(), encoded(&member.value(), is_unreserved).into_owned())
    }));
}

fn baggage_key(name: &str) -> Option<&str> {
    let (prefix, key) = name.split_at_checked(BAGGAGE_PREFIX.len())?;
    (prefix.eq_ignore_ascii_case(BAGGAGE_PREFIX) && !key.is_empty()).then_some(key)
}

/// A hexadecimal number of so many digits at most.
fn hex(text: &str, most_digits: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_short = (1..=most_digits).contains(&text.len());
    (is_hex && is_short).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

/// Source: RFC 3986, section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(value: &str) -> Option<String> {
        let mut sent = Vec::new();
        inject(&extract(&[("Uber-Trace-Id", value)])?, &mut sent);
        Some(sent.remove(0).1)
    }

    #[test]
    fn what_is_well_formed_is_understood() {
        for (value, passed) in [
            (
                "80f198ee56343ba864fe8b2a57d3eff7:e457b5a2e4d86bd1:0:1",
                "80f198ee56343ba864fe8b2a57d3eff7:e457b5a2e4d86bd1:0:1",
            ),
            ("abc:1:0:0", "00000000000000000000000000000abc:0000000000000001:0:0"),
            ("ABC:F:05e3ac9a4f6e3b90:01", "00000000000000000000000000000abc:000000000000000f:0:1"),
            ("abc:1:0:3", "00000000000000000000000000000abc:0000000000000001:0:3"),
            ("abc:1:0:2", "00000000000000000000000000000abc:0000000000000001:0:0"),
            ("abc:1:0:9", "00000000000000000000000000000abc:0000000000000001:0:1"),
            ("abc%3A1%3a0%3A1", "00000000000000000000000000000abc:0000000000000001:0:1"),
        ] {
            assert_eq!(passed_on(value).as_deref(), Some(passed), "{value}");
        }
    }

    #[test]
    fn what_is_malformed_is_no_context() {
        for value in [
            "",
            "abc",
            "abc:1",
            "abc:1:0",
            "abc:1:0:1:0",
            "0:1:0:1",
            "abc:0:0:1",
            ":1:0:1",
            "abc::0:1",
            "abc:1:0:",
            "abc:1:0:001",
            "abc:1:0:g",
            "+abc:1:0:1",
            "180f198ee56343ba864fe8b2a57d3eff7:1:0:1",
            "abc:1e457b5a2e4d86bd1:0:1",
        ] {
            assert_eq!(passed_on(value), None, "{value}");
        }
    }

    #[test]
    fn baggage_has_a_header_for_each_key() {
        let headers = [
            ("uberctx-User", "Am%C3%A9lie B."),
            ("UberCtx-b", ""),
            ("uberctx-", "none"),
            ("uberctx", "none"),
        ];
        let baggage = extract_baggage(&headers);
        assert_eq!(baggage.get("User").as_deref(), Some("Amélie B."));
        let mut sent = Vec::new();
        inject_baggage(&baggage, &mut sent);
        assert_eq!(
            sent,
            [("uberctx-user".into(), "Am%C3%A9lie%20B.".to_owned()), ("uberctx-b".into(), String::new())]
        );
    }
}
