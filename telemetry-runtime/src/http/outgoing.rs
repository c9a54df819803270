//! The current context in the headers of a request that is sent.

use crate::propagation::Propagators;
use crate::record::Baggage;
use crate::span::Span;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Writes the current span and the current baggage into a request's headers, in every format that the settings name.
///
/// It replaces what is there of these formats. Without a current span and baggage it leaves the headers alone, so that a program that
/// records nothing passes on what it received. [`ClientService`](super::ClientService) does this by itself.
///
/// # Examples
/// ```
/// use telemetry_runtime::{SpanContext, TraceFlags, attach, http::inject};
///
/// let trace_id = "0af7651916cd43dd8448eb211c80319c".parse()?;
/// let _attached = attach(&SpanContext::new(trace_id, "b7ad6b7169203331".parse()?, TraceFlags::SAMPLED));
/// let mut headers = http::HeaderMap::new();
/// inject(&mut headers);
/// assert_eq!(headers["traceparent"], "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
/// # Ok::<(), telemetry_runtime::ParseIdError>(())
/// ```
pub fn inject(headers: &mut HeaderMap) {
    let propagators = Propagators::current();
    let sent = propagators.inject(&Span::current().context(), &Baggage::current());
    if sent.is_empty() {
        return;
    }
    let stale: Vec<_> = headers.keys().filter(|name| propagators.owns(name.as_str())).cloned().collect();
    for name in stale {
        headers.remove(name);
    }
    for (name, value) in sent {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(&*name), HeaderValue::try_from(value)) {
            // A map that is full stays as it is.
            let _ = headers.try_insert(name, value);
        }
    }
}
