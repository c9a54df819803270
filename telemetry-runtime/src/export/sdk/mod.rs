//! Any span exporter of the OpenTelemetry SDK, as an exporter of ours.

mod span;
#[cfg(test)]
mod tests;
mod wait;

use super::{ExportError, Exported, Exporter};
use crate::record::printable::{escaped, shortened};
use crate::record::{Batch, Resource, opentelemetry::to_api_attribute};
use opentelemetry::Context;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::SpanExporter;
use std::fmt;
use std::time::Duration;
use wait::Waiter;

/// How long an [`Sdk`] may take for a batch, or to shut down, unless told otherwise.
///
/// Source: OpenTelemetry specification, trace SDK, "batching processor", `exportTimeoutMillis`.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Exports through a span exporter of the OpenTelemetry SDK, version 0.33.
///
/// The exporter is given the resource before the first batch; it is flushed and shut down after the last one. Trying again is its own
/// business, as the SDK says: a batch that it fails to export, or that takes longer than the timeout, is dropped and counted. Nothing is
/// recorded of what it does itself.
///
/// # Runtimes
/// An exporter that needs nothing, or blocks, runs on its worker thread as it is. For one that needs a Tokio runtime while it exports, as
/// those over asynchronous HTTP clients do, the feature `tokio` adds one to that thread; tasks that it spawns run while it exports. An
/// exporter that needs a runtime when it is *made*, as one over gRPC does, has to be made within one of the program's, which must be of
/// several threads and outlive the [`Guard`](crate::Guard).
///
/// # Examples
/// ```
/// use opentelemetry_sdk::trace::{SpanData, SpanExporter};
/// use telemetry_runtime::export::sdk::Sdk;
///
/// #[derive(Debug)]
/// struct Print;
///
/// impl SpanExporter for Print {
///     async fn export(&self, batch: Vec<SpanData>) -> opentelemetry_sdk::error::OTelSdkResult {
///         batch.iter().for_each(|span| println!("{}", span.name));
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), telemetry_runtime::InitError> {
/// let guard = telemetry_runtime::builder().exporter("print", Sdk::new(Print)).install()?;
/// # drop(guard);
/// # Ok(())
/// # }
/// ```
pub struct Sdk<E> {
    exporter: E,
    timeout: Duration,
    knows_resource: bool,
    waiter: Waiter,
}

impl<E: SpanExporter + 'static> Sdk<E> {
    /// An exporter through `exporter`, with the [`DEFAULT_TIMEOUT`].
    pub fn new(exporter: E) -> Self {
        Self { exporter, timeout: DEFAULT_TIMEOUT, knows_resource: false, waiter: Waiter::default() }
    }

    /// The same exporter with another timeout, for a batch and for the shutdown.
    ///
    /// It ends what waits. An exporter that blocks its thread has to bound that itself; the queue before it is bounded whatever it does.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn tell_resource(&mut self, resource: &Resource) {
        if !self.knows_resource {
            self.exporter.set_resource(&to_sdk_resource(resource));
            self.knows_resource = true;
        }
    }
}

impl<E> fmt::Debug for Sdk<E> {
    /// Without the exporter, which may show its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sdk").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<E: SpanExporter + 'static> Exporter for Sdk<E> {
    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        let _unseen = Context::enter_telemetry_suppressed_scope();
        self.tell_resource(batch.resource());
        let spans = batch.spans().map(|span| span::to_sdk(&span)).collect();
        let Self { exporter, timeout, waiter, .. } = self;
        let outcome = waiter.wait(*timeout, || exporter.export(spans)).map_err(|error| {
            ExportError::permanent("no Tokio runtime could be made for the exporter").with_source(error)
        })?;
        outcome.unwrap_or(Err(OTelSdkError::Timeout(*timeout))).map(|()| Exported::all()).map_err(failure)
    }

    fn shutdown(&mut self) {
        let _unseen = Context::enter_telemetry_suppressed_scope();
        let Self { exporter, timeout, waiter, .. } = self;
        let end = || -> OTelSdkResult {
            let flushed = exporter.force_flush();
            exporter.shutdown_with_timeout(*timeout).and(flushed)
        };
        // Nobody is left to be told.
        let _ = waiter.within(end);
    }
}

fn to_sdk_resource(resource: &Resource) -> opentelemetry_sdk::Resource {
    let attributes = resource.attributes().map(|(key, value)| to_api_attribute(key, value.as_value()));
    opentelemetry_sdk::Resource::builder_empty().with_attributes(attributes).build()
}

fn failure(error: OTelSdkError) -> ExportError {
    match error {
        OTelSdkError::AlreadyShutdown => ExportError::permanent("the exporter is shut down already"),
        OTelSdkError::Timeout(after) => ExportError::permanent(format!("no answer within {after:?}")),
        OTelSdkError::InternalFailure(why) => ExportError::permanent(without_secrets(&why)),
    }
}

/// What an exporter says, in one short line, and of URLs in it only the scheme and the host: paths and queries hold keys.
fn without_secrets(text: &str) -> String {
    const MOST_CHARS: usize = 500;
    let words = text.split(' ').map(|word| match word.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", host(rest)),
        None => word.to_owned(),
    });
    let line = words.collect::<Vec<_>>().join(" ");
    escaped(&shortened(&line, MOST_CHARS)).into_owned()
}

/// The host and port of what follows `://`, and whether anything was left out.
fn host(rest: &str) -> String {
    let authority = rest.split(['/', '?', '#', ')', '"', '\'']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.len() == rest.len() { host.to_owned() } else { format!("{host}/…") }
}
