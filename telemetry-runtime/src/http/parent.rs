//! The span of another process that a request continues.

use crate::propagation::tracecontext;
use crate::record::SpanContext;
use http::HeaderMap;

/// The context in the request's headers, if there is a valid one.
///
/// Source: W3C Trace Context Level 2, sections 3.2 and 3.3: `traceparent` may come once, while `tracestate` may be split over several
/// headers.
pub(super) fn of(headers: &HeaderMap) -> Option<SpanContext> {
    let mut parents = headers.get_all("traceparent").iter();
    let parent = parents.next()?.to_str().ok()?;
    if parents.next().is_some() {
        return None;
    }
    let states = headers.get_all("tracestate").iter().map(|state| state.to_str().unwrap_or_default());
    tracecontext::parse(parent, &states.collect::<Vec<_>>().join(","))
}
