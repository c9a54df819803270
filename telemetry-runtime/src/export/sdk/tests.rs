//! The adapter, held against the SDK's own exporter in memory and against exporters that misbehave.

use super::*;
use crate::record::sample::{Sample, batch};
use crate::record::{Capture, SpanContext, SpanId, StatusCode, TraceFlags, TraceId, TraceState, Value};
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{Array, KeyValue, Value as ApiValue};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::{Instant, UNIX_EPOCH};

type Outcome = Result<(), OTelSdkError>;

/// Does with a batch what the test says.
struct Fake<F>(F);

impl<F> fmt::Debug for Fake<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl<F, R> SpanExporter for Fake<F>
where
    F: Fn(Vec<SpanData>) -> R + Send + Sync,
    R: Future<Output = Outcome> + Send,
{
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = Outcome> + Send {
        (self.0)(batch)
    }
}

fn exported(sample: Sample) -> SpanData {
    let memory = InMemorySpanExporter::default();
    let outcome = Sdk::new(memory.clone()).export(&batch(&[sample]));
    assert_eq!(outcome.ok(), Some(Exported::all()));
    memory.get_finished_spans().expect("they can be read").remove(0)
}

fn error_of<F, R>(export: F) -> ExportError
where
    F: Fn(Vec<SpanData>) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + Send,
{
    let mut sdk = Sdk::new(Fake(export)).with_timeout(Duration::from_millis(20));
    sdk.export(&batch(&[Sample::root("a", 1)])).expect_err("it fails")
}

#[test]
fn every_field_of_a_span_is_the_same() {
    let elsewhere = SpanContext::new(TraceId::from_int(7), SpanId::from_int(8), TraceFlags::SAMPLED)
        .with_trace_state(TraceState::from_valid("a=1"));
    let span = exported(
        Sample::child("first", 2, 1)
            .trace(5)
            .remote_parent()
            .kind(crate::SpanKind::Client)
            .at(1_000, 500)
            .scope("library::part")
            .dropped_attributes(9)
            .event("cache.miss", 1_100, &[("key", Value::Str("k"))])
            .error("MailError", "mailbox full")
            .renamed("second")
            .trace_state("b=2")
            .link(&elsewhere, &[("why", Value::Bool(true))]),
    );
    let context = &span.span_context;
    assert_eq!(context.trace_id(), 5_u128.into());
    assert_eq!(context.span_id(), 2_u64.into());
    assert!(context.is_sampled() && !context.is_remote());
    assert_eq!(context.trace_state().header(), "b=2");
    assert_eq!(span.parent_span_id, 1_u64.into());
    assert!(span.parent_span_is_remote);
    assert_eq!((span.span_kind, span.name.as_ref()), (SpanKind::Client, "second"));
    assert_eq!(span.start_time, UNIX_EPOCH + Duration::from_nanos(1_000));
    assert_eq!(span.end_time, UNIX_EPOCH + Duration::from_nanos(1_500));
    assert_eq!(span.dropped_attributes_count, 9);
    assert_eq!(span.status, Status::error("mailbox full"));
    assert_eq!(span.instrumentation_scope.name(), "library");
    let names: Vec<_> = span.events.iter().map(|event| event.name.as_ref()).collect();
    assert_eq!(names, ["cache.miss", "exception"]);
    assert_eq!(span.events[0].timestamp, UNIX_EPOCH + Duration::from_nanos(1_100));
    assert_eq!(span.events[0].attributes, [KeyValue::new("key", "k")]);
    assert_eq!(span.links[0].span_context, crate::record::opentelemetry::to_api(&elsewhere));
    assert_eq!(span.links[0].attributes, [KeyValue::new("why", true)]);
}

#[test]
fn a_root_of_an_ordinary_span_has_no_parent_and_no_status() {
    let span = exported(Sample::root("a", 1).status(StatusCode::Unset, ""));
    assert_eq!(span.parent_span_id, opentelemetry::trace::SpanId::INVALID);
    assert!(!span.parent_span_is_remote);
    assert_eq!(span.status, Status::Unset);
    assert_eq!(exported(Sample::root("a", 1).status(StatusCode::Ok, "")).status, Status::Ok);
}

#[test]
fn attributes_keep_their_types() {
    let array = |value: &dyn Fn(Sample) -> Sample| exported(value(Sample::root("a", 1))).attributes.remove(0);
    let with = |value: Value<'_>| array(&|sample| sample.attribute("key", value)).value;
    assert_eq!(with(Value::Bool(true)), true.into());
    assert_eq!(with(Value::I64(-7)), (-7).into());
    assert_eq!(with(Value::F64(0.5)), 0.5.into());
    assert_eq!(with(Value::Str("x")), "x".into());
    assert_eq!(with(Value::Bytes(&[0, 255])), "00ff".into());
    let several = |value: Option<Value<'_>>| with(value.expect("a value"));
    assert_eq!(several([1_i64, 2].capture()), ApiValue::Array(Array::I64(vec![1, 2])));
    assert_eq!(several([true].capture()), ApiValue::Array(Array::Bool(vec![true])));
    assert_eq!(several([0.5].capture()), ApiValue::Array(Array::F64(vec![0.5])));
    assert_eq!(several(["a", "b"].capture()), ApiValue::Array(Array::String(vec!["a".into(), "b".into()])));
}

#[test]
fn members_of_the_trace_state_that_the_api_refuses_are_left_out() {
    let state = exported(Sample::root("a", 1).trace_state("a=1,b=2=3,c=4")).span_context;
    assert_eq!(state.trace_state().header(), "a=1,c=4");
}

#[test]
fn the_place_of_a_span_is_said_by_attributes() {
    let span = exported(Sample::root("work", 1).scope("library::part"));
    let place = [
        KeyValue::new("code.function.name", "library::part::work"),
        KeyValue::new("code.file.path", "src/sample.rs"),
        KeyValue::new("code.line.number", 7),
    ];
    assert_eq!(span.attributes, place);
}

#[test]
fn the_resource_is_told_once_before_the_first_batch() {
    #[derive(Debug)]
    struct Told(mpsc::SyncSender<opentelemetry_sdk::Resource>);
    impl SpanExporter for Told {
        async fn export(&self, _: Vec<SpanData>) -> Outcome {
            Ok(())
        }
        fn set_resource(&mut self, resource: &opentelemetry_sdk::Resource) {
            self.0.send(resource.clone()).expect("somebody listens");
        }
    }
    let (told, heard) = mpsc::sync_channel(2);
    let mut sdk = Sdk::new(Told(told));
    let batch = batch(&[Sample::root("a", 1)]);
    assert!(sdk.export(&batch).is_ok() && sdk.export(&batch).is_ok());
    drop(sdk);
    let resources: Vec<_> = heard.iter().collect();
    let name = resources[0].get(&"service.name".into());
    assert_eq!((resources.len(), name), (1, Some("sample".into())));
}

#[test]
fn shutdown_flushes_and_then_ends_the_exporter_with_the_timeout() {
    #[derive(Debug)]
    struct Ending(mpsc::SyncSender<Option<Duration>>);
    impl SpanExporter for Ending {
        async fn export(&self, _: Vec<SpanData>) -> Outcome {
            Ok(())
        }
        fn force_flush(&self) -> Outcome {
            self.0.send(None).expect("somebody listens");
            Ok(())
        }
        fn shutdown_with_timeout(&self, timeout: Duration) -> Outcome {
            self.0.send(Some(timeout)).expect("somebody listens");
            Ok(())
        }
    }
    let (told, heard) = mpsc::sync_channel(2);
    let timeout = Duration::from_secs(3);
    Sdk::new(Ending(told)).with_timeout(timeout).shutdown();
    assert_eq!(heard.iter().collect::<Vec<_>>(), [None, Some(timeout)]);
}

#[test]
fn a_failure_is_permanent_and_says_why() {
    let error = error_of(async |_| Err(OTelSdkError::InternalFailure("the disk is full".to_owned())));
    assert!(!error.is_retryable());
    assert_eq!(error.to_string(), "the disk is full");
    assert_eq!(
        error_of(async |_| Err(OTelSdkError::AlreadyShutdown)).to_string(),
        "the exporter is shut down already"
    );
}

#[test]
fn a_failure_does_not_tell_secrets_nor_steer_a_terminal() {
    for (said, shown) in [
        ("error for url (https://u:secret@host:4318/v1?key=secret)", "error for url (https://host:4318/…"),
        ("https://host?secret", "https://host/…"),
        ("https://host", "https://host"),
        ("line\nnext\u{1b}[2J", "line\\nnext\\u{1b}[2J"),
    ] {
        assert_eq!(without_secrets(said), shown);
    }
    assert!(without_secrets(&"x".repeat(10_000)).chars().count() <= 501);
}

#[test]
fn an_exporter_that_hangs_is_given_up_after_the_timeout() {
    let began = Instant::now();
    let error = error_of(|_| std::future::pending());
    assert_eq!((error.is_retryable(), error.to_string().as_str()), (false, "no answer within 20ms"));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test's peer is no background thread of ours")]
fn an_answer_from_another_thread_ends_the_wait() {
    let sdk = Fake(|_| {
        let (answer, mut waker) = (Arc::new(AtomicBool::new(false)), None);
        std::future::poll_fn(move |context| {
            if answer.load(Ordering::Acquire) {
                return Poll::Ready(Ok(()));
            }
            waker.get_or_insert_with(|| {
                let (answer, waker) = (answer.clone(), context.waker().clone());
                thread::spawn(move || {
                    answer.store(true, Ordering::Release);
                    waker.wake();
                })
            });
            Poll::Pending
        })
    });
    let outcome = Sdk::new(sdk).export(&batch(&[Sample::root("a", 1)]));
    assert_eq!(outcome.ok(), Some(Exported::all()));
}

#[test]
fn nothing_is_recorded_of_what_the_exporter_does() {
    let outcome = Sdk::new(Fake(async |_| {
        let is_quiet = Context::is_current_telemetry_suppressed();
        is_quiet.then_some(()).ok_or(OTelSdkError::AlreadyShutdown)
    }))
    .export(&batch(&[Sample::root("a", 1)]));
    assert_eq!(outcome.ok(), Some(Exported::all()));
}

#[cfg(feature = "tokio")]
#[test]
fn an_exporter_may_use_tokio_or_block_in_it() {
    let outcome = Sdk::new(Fake(async |_| {
        // As clients that block do, which make a runtime of their own.
        drop(tokio::runtime::Builder::new_current_thread().build().expect("a runtime"));
        tokio::time::sleep(Duration::from_millis(1)).await;
        tokio::spawn(async { Ok(()) }).await.expect("it ran")
    }))
    .export(&batch(&[Sample::root("a", 1)]));
    assert_eq!(outcome.ok(), Some(Exported::all()));
}

#[test]
fn a_panic_leaves_the_exporter_as_it_was() {
    let calls = AtomicUsize::new(0);
    let mut sdk = Sdk::new(Fake(move |_| {
        let is_first = calls.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            assert!(!is_first, "the first batch is too much");
            Ok(())
        }
    }));
    let batch = batch(&[Sample::root("a", 1)]);
    // As the worker does.
    assert!(catch_unwind(AssertUnwindSafe(|| sdk.export(&batch))).is_err());
    assert!(!Context::is_current_telemetry_suppressed());
    assert_eq!(sdk.export(&batch).ok(), Some(Exported::all()));
}
