//! AWS X-Ray: the header `X-Amzn-Trace-Id`, such as `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
//!
//! Source: AWS X-Ray developer guide, "Tracing header".

use super::headers::{Headers, Injected, only, trimmed};
use crate::record::{SpanContext, SpanId, TraceFlags, TraceId};

pub(super) const NAME: &str = "x-amzn-trace-id";
const VERSION: &str = "1";
/// The digits of the trace id's first part, which is the time in X-Ray's own ids.
const TIME_DIGITS: usize = 8;
const RANDOM_DIGITS: usize = 24;

/// Fields may come in any order; unknown ones, such as `Self` and `Lineage`, are not looked at. Without `Parent` there is no span.
pub(super) fn extract(headers: &Headers<'_>) -> Option<SpanContext> {
    let value = only(headers, NAME)?;
    let trace_id = trace_id(field(value, "Root").ok()??)?;
    let span_id: SpanId = field(value, "Parent").ok()??.parse().ok()?;
    let context =
        |sampled| SpanContext::new(trace_id, span_id, TraceFlags::default().with_sampled(sampled)).remote();
    match field(value, "Sampled").ok()? {
        Some("1") => Some(context(true)),
        Some("0") => Some(context(false)),
        Some("?") | None => Some(context(false).undecided()),
        Some(_) => None,
    }
}

pub(super) fn inject(context: &SpanContext, into: &mut Injected) {
    let trace_id = context.trace_id().to_string();
    let (time, random) = trace_id.split_at(TIME_DIGITS);
    let sampled = match (context.is_sampled(), context.is_undecided()) {
        (true, _) => "1",
        (false, true) => "?",
        (false, false) => "0",
    };
    let value = format!("Root={VERSION}-{time}-{random};Parent={};Sampled={sampled}", context.span_id());
    into.push((NAME.into(), value));
}

/// The field came twice.
struct Repeated;

fn field<'a>(value: &'a str, name: &str) -> Result<Option<&'a str>, Repeated> {
    let fields = value.split(';').filter_map(|field| field.split_once('='));
    let mut values = fields.filter(|field| trimmed(field.0) == name).map(|field| trimmed(field.1));
    let first = values.next();
    if values.next().is_some() { Err(Repeated) } else { Ok(first) }
}

fn trace_id(root: &str) -> Option<TraceId> {
    let mut parts = root.split('-');
    let (version, time, random) = (parts.next()?, parts.next()?, parts.next()?);
    let fits = version == VERSION && time.len() == TIME_DIGITS && random.len() == RANDOM_DIGITS;
    (fits && parts.next().is_none()).then(|| format!("{time}{random}").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(value: &str) -> Option<String> {
        let mut sent = Vec::new();
        inject(&extract(&[("X-Amzn-Trace-Id", value)])?, &mut sent);
        Some(sent.remove(0).1)
    }

    #[test]
    fn what_is_well_formed_is_understood() {
        const IDS: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8";
        for (value, sampled) in [
            (format!("{IDS};Sampled=1"), "1"),
            (format!("{IDS};Sampled=0"), "0"),
            (format!("{IDS};Sampled=?"), "?"),
            (IDS.to_owned(), "?"),
            (
                "Sampled=1; Parent=53995c3f42cd8ad8; Self=1-2-3; Root=1-5759e988-bd862e3fe1be46a994272793"
                    .to_owned(),
                "1",
            ),
            (format!("{IDS};Sampled=1;Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2;;x"), "1"),
        ] {
            assert_eq!(passed_on(&value), Some(format!("{IDS};Sampled={sampled}")), "{value}");
        }
    }

    #[test]
    fn what_is_malformed_is_no_context() {
        for value in [
            "",
            "Root=1-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
            "Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=1-5759e988bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=1-5759e98-8bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=1-5759e988-bd862e3fe1be46a99427279;Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=1-5759e988-bd862e3fe1be46a994272793-1;Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=1-5759e988-bd862e3fe1be46a99427279é;Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=1-00000000-000000000000000000000000;Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0000000000000000;Sampled=1",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad;Sampled=1",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=2",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Sampled=0",
            "root=1-5759e988-bd862e3fe1be46a994272793;parent=53995c3f42cd8ad8;sampled=1",
        ] {
            assert_eq!(passed_on(value), None, "{value}");
        }
    }
}
