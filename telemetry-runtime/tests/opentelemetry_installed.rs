//! What `init` makes global for the OpenTelemetry API, and an SDK's exporter at the other end.

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanId, Tracer};
use opentelemetry::{InstrumentationScope, KeyValue, global};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::sync::mpsc;
use std::time::Duration;
use telemetry_runtime::export::sdk::Sdk;
use telemetry_runtime::{Guard, Settings, builder, instrument};

/// Hands on what it is given, and makes spans itself.
#[derive(Debug)]
struct Talkative(mpsc::SyncSender<SpanData>);

impl SpanExporter for Talkative {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        global::tracer("exporter").start("made while exporting").end();
        batch.into_iter().for_each(|span| self.0.send(span).expect("somebody listens"));
        Ok(())
    }
}

fn install(telemetry: &str, exporter: Talkative) -> Guard {
    let settings = Settings::from_text(&format!("telemetry: {{exporters: []{telemetry}}}"), "settings.yaml");
    let builder = builder().settings(settings.expect("they are right")).exporter("sdk", Sdk::new(exporter));
    builder.install().expect("telemetry starts")
}

fn fields() -> usize {
    global::get_text_map_propagator(|propagator: &dyn TextMapPropagator| propagator.fields().count())
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("library::part")
        .with_version("1.2.0")
        .with_schema_url("https://opentelemetry.io/schemas/1.30.0")
        .with_attributes([KeyValue::new("of.library", true)])
        .build()
}

#[instrument]
fn ours() {
    global::tracer_with_scope(scope()).start("theirs").end();
}

/// One test: what is global is the process's.
#[test]
fn the_settings_say_whether_libraries_that_use_the_api_are_recorded() {
    let (exported, spans) = mpsc::sync_channel(100);
    let guard = install(", opentelemetry: false", Talkative(exported.clone()));
    ours();
    assert!(guard.shutdown(Duration::from_secs(10)).is_complete());
    assert_eq!(spans.try_iter().map(|span| span.name).collect::<Vec<_>>(), ["ours"]);
    assert_eq!(fields(), 0);

    let guard = install("", Talkative(exported.clone()));
    ours();
    assert!(guard.flush(Duration::from_secs(10)).is_complete());
    // A second flush would bring what the first one's export has made.
    assert!(guard.shutdown(Duration::from_secs(10)).is_complete());
    let [theirs, ours] = spans.try_iter().collect::<Vec<_>>().try_into().expect("two spans");
    assert_eq!((theirs.name.as_ref(), ours.name.as_ref()), ("theirs", "ours"));
    assert_eq!(theirs.parent_span_id, ours.span_context.span_id());
    assert_eq!(theirs.instrumentation_scope, scope());
    assert_eq!(theirs.attributes, [], "nobody knows where it is in the code");
    assert_eq!(ours.parent_span_id, SpanId::INVALID);
    assert_eq!(fields(), 3);

    let after = global::tracer("library").start("after");
    assert!(!after.is_recording() && !after.span_context().is_valid());
}
