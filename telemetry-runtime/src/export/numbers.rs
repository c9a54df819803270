//! The numbers that OTLP has for what spans say, in whatever encoding.
//!
//! Source: opentelemetry-proto 1.x, `trace/v1/trace.proto`.

use crate::record::{SpanKind, SpanView, StatusCode};

/// `Span.SpanKind`.
pub(super) const fn kind(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// `Status.StatusCode`; `None` if the span has no status.
pub(super) const fn status_code(code: StatusCode) -> Option<u8> {
    match code {
        StatusCode::Unset => None,
        StatusCode::Ok => Some(1),
        StatusCode::Error => Some(2),
    }
}

/// `Span.flags`: the W3C flags, and whether the parent is remote.
#[inline(always)]
pub(super) fn flags(span: &SpanView<'_>) -> u32 {
    const PARENT_IS_KNOWN: u32 = 0x100;
    const PARENT_IS_REMOTE: u32 = 0x200;
    let remote = if span.parent_is_remote() { PARENT_IS_REMOTE } else { 0 };
    u32::from(span.flags().to_byte()) | PARENT_IS_KNOWN | remote
}
