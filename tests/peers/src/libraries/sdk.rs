//! OpenTelemetry's own API, with its SDK or with this project behind; also what tracing-opentelemetry and fastrace send with.

use super::project;
use crate::counter;
use crate::library::{Failure, Library, Subject, Yield, body};
use crate::sink::Sink;
use opentelemetry::trace::{FutureExt, Span as _, Status, TraceContextExt, Tracer, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanProcessor,
};
use telemetry_runtime::bridge::opentelemetry::TracerProvider;
use telemetry_runtime::policy::Ratio;

/// With a batch processor.
pub(crate) fn start(sampler: Sampler, queue: Queue, sink: &Sink) -> Box<dyn Subject> {
    let provider = provider(sampler, queue, sink);
    Box::new(Api { tracer: provider.tracer("peers"), flush: Box::new(move || flush(&provider)) })
}

/// With this project behind.
pub(crate) fn project(policy: Ratio, sink: &Sink) -> Box<dyn Subject> {
    let project = project::start(policy, true, sink);
    let tracer = TracerProvider::new().tracer("peers");
    Box::new(Api { tracer, flush: Box::new(move || project.flush()) })
}

/// How many spans wait for the batch processor at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// The SDK's default: 2048 spans, batches of 512.
    Default,
    /// 131072 spans, batches of 4096.
    Big,
}

/// A provider that batches for the sink.
pub(crate) fn provider(sampler: Sampler, queue: Queue, sink: &Sink) -> SdkTracerProvider {
    let builder = SdkTracerProvider::builder().with_sampler(sampler);
    match sink {
        Sink::Counter => builder.with_span_processor(batches(Counting, queue)),
        Sink::Otlp(url) => builder.with_span_processor(batches(otlp(url), queue)),
    }
    .build()
}

/// The SDK's exporter over OTLP/HTTP.
pub(crate) fn otlp(url: &str) -> SpanExporter {
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
    exporter.with_endpoint(url).build().expect("the receiver's own URL")
}

fn batches(
    exporter: impl opentelemetry_sdk::trace::SpanExporter + 'static,
    queue: Queue,
) -> impl SpanProcessor + 'static {
    let config = match queue {
        Queue::Default => BatchConfigBuilder::default(),
        Queue::Big => {
            BatchConfigBuilder::default().with_max_queue_size(131_072).with_max_export_batch_size(4096)
        }
    };
    BatchSpanProcessor::builder(exporter).with_batch_config(config.build()).build()
}

#[derive(Debug)]
struct Counting;

impl opentelemetry_sdk::trace::SpanExporter for Counting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        counter::add(batch.len());
        Ok(())
    }
}

struct Api<T> {
    tracer: T,
    flush: Box<dyn Fn() + Send + Sync>,
}

impl<T: Tracer<Span: Send + Sync + 'static>> Api<T> {
    fn context(&self, name: &'static str) -> Context {
        Context::current_with_span(self.tracer.start(name))
    }
}

impl<T: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static> Library for Api<T> {
    fn trace(&self, children: impl FnOnce()) {
        let _current = self.context("trace").attach();
        children();
    }

    #[inline(never)]
    fn plain(&self) {
        let _current = self.context("plain").attach();
        body();
    }

    #[inline(never)]
    fn attributes(&self, number: i64, text: &str, owned: &str) {
        let attributes = vec![
            KeyValue::new("number", number),
            KeyValue::new("text", text.to_owned()),
            KeyValue::new("owned", owned.to_owned()),
        ];
        let span = self.tracer.span_builder("attributes").with_attributes(attributes).start(&self.tracer);
        let _current = Context::current_with_span(span).attach();
        body();
    }

    #[inline(never)]
    fn formatted(&self, text: &str) {
        let attributes = vec![KeyValue::new("text", format!("{text:?}"))];
        let span = self.tracer.span_builder("formatted").with_attributes(attributes).start(&self.tracer);
        let _current = Context::current_with_span(span).attach();
        body();
    }

    #[inline(never)]
    fn failing(&self) -> Result<(), Failure> {
        let context = self.context("failing");
        let _current = context.clone().attach();
        body();
        context.span().record_error(&Failure);
        context.span().set_status(Status::error(Failure.to_string()));
        Err(Failure)
    }

    #[inline(never)]
    fn event(&self) {
        let mut span = self.tracer.start("event");
        span.add_event("cache.miss", vec![KeyValue::new("cache.size", 512_i64)]);
        let _current = Context::current_with_span(span).attach();
    }

    fn ready(&self) -> impl Future<Output = ()> {
        async { body() }.with_context(self.context("ready"))
    }

    fn yielding(&self) -> impl Future<Output = ()> {
        Yield::default().with_context(self.context("yielding"))
    }

    #[inline(never)]
    fn nested(&self, depth: u32) {
        let _current = self.context("nested").attach();
        if depth > 1 {
            self.nested(depth - 1);
        }
        body();
    }

    fn flush(&self) {
        (self.flush)();
    }
}

/// Delivers what has ended, however long it takes: the SDK itself gives up after 5 seconds.
pub(crate) fn flush(provider: &SdkTracerProvider) {
    while let Err(OTelSdkError::Timeout(_)) = provider.force_flush() {}
}
