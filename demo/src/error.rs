//! Every failed request's answer: a problem document (RFC 9457).

use crate::fields::{Invalid, Violation};
use crate::order::PlaceError;
use crate::store::StoreError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use telemetry_runtime::Span;
use utoipa::ToSchema;
use warp::reject::Reject;
use warp::reply::{Reply, Response};

/// What went wrong with a request, before it is known which.
///
/// As a reply it is only a status that carries the problem along; the edge of the service [renders](Self::render) it.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<Violation>,
}

/// The problem document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document {
    /// What kind of problem it is; `about:blank` means: the one that the status names.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The answer's status.
    #[schema(example = 422)]
    status: u16,
    /// What went wrong this time.
    detail: String,
    /// The path that was asked for.
    #[schema(example = "/orders")]
    instance: String,
    /// The trace of the request, under which a backend shows what happened; absent without telemetry.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0af7651916cd43dd8448eb211c80319c")]
    trace_id: Option<String>,
    /// The fields that were wrong, if that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<Violation>,
}

impl Problem {
    /// A problem of the kind that the status names; the detail is for the client to read.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new() }
    }

    /// The service's own fault, of which the client need not know more.
    pub(crate) fn internal(detail: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    /// Writes the problem into the answer to the request for that path, within the request's span.
    pub(crate) fn render(self, response: &mut Response, path: String) {
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: self.detail,
            instance: path,
            trace_id: trace_id(),
            errors: self.errors,
        };
        *response.body_mut() = warp::reply::json(&document).into_response().into_body();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    }
}

/// The trace that runs, recorded or not.
fn trace_id() -> Option<String> {
    let context = Span::current().context();
    context.is_valid().then(|| context.trace_id().to_string())
}

impl Reply for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Reject for Problem {}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: invalid.to_string(),
            errors: invalid.into_violations(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(_: StoreError) -> Self {
        Self::internal("the store of the orders failed")
    }
}

impl From<PlaceError> for Problem {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::Invalid(invalid) => invalid.into(),
            PlaceError::Store(error) => error.into(),
        }
    }
}
