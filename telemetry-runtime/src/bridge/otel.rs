//! The fields of a span of `tracing` that say something else than an attribute.
//!
//! Source: `tracing-opentelemetry`, "special fields".

use crate::record::{SpanKind, StatusCode};
use crate::span::Span;
use std::fmt::Debug;
use tracing::field::{Field, Visit};

pub(super) const KIND: &str = "otel.kind";

/// What such fields have said.
#[derive(Default, PartialEq)]
pub(super) struct Said {
    name: Option<String>,
    pub(super) kind: Option<SpanKind>,
    status: Option<StatusCode>,
    description: Option<String>,
}

impl Said {
    /// Takes the field's value, unless it is an attribute.
    pub(super) fn takes(&mut self, field: &Field, value: &dyn Debug) -> bool {
        let Some(field) = field.name().strip_prefix("otel.") else { return false };
        match field {
            "name" => self.name = Some(format!("{value:?}")),
            "kind" => self.kind = Some(kind(&format!("{value:?}"))),
            "status_code" => self.status = Some(status(&format!("{value:?}"))),
            "status_description" | "status_message" => self.description = Some(format!("{value:?}")),
            _ => return false,
        }
        true
    }

    /// Tells the span all but its kind, which is its place's.
    pub(super) fn tell(self, span: &Span) {
        if let Some(name) = self.name {
            span.set_name(&name);
        }
        match (self.status, self.description) {
            // The description may have been said before.
            (Some(StatusCode::Error), None) => span.set_error_status(),
            // A description alone is one of an error.
            (code, Some(description)) => span.set_status(code.unwrap_or(StatusCode::Error), &description),
            (Some(code), None) => span.set_status(code, ""),
            (None, None) => {}
        }
    }
}

/// Looks for the kind, and at nothing else.
pub(super) struct KindOnly(pub(super) SpanKind);

impl Visit for KindOnly {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == KIND {
            self.0 = kind(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == KIND {
            self.0 = kind(&format!("{value:?}"));
        }
    }
}

/// An unknown kind is the ordinary one.
fn kind(text: &str) -> SpanKind {
    use SpanKind::{Client, Consumer, Internal, Producer, Server};
    let kinds = [Server, Client, Producer, Consumer];
    kinds.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text)).unwrap_or(Internal)
}

fn status(text: &str) -> StatusCode {
    match text {
        ok if ok.eq_ignore_ascii_case("ok") => StatusCode::Ok,
        error if error.eq_ignore_ascii_case("error") => StatusCode::Error,
        _ => StatusCode::Unset,
    }
}
