//! The `tracing` layer that turns events into lines.

use super::ecs::Ecs;
use super::gcp::Gcp;
use super::{Format, Options, json, text};
use crate::span::Span;
use std::cell::Cell;
use std::io::{self, Write};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// Has the process's `tracing` events written as lines on standard error. `false`, and nothing is changed, if the process has a
/// subscriber already: put [`layer`] into that one instead.
///
/// # Examples
/// ```
/// use telemetry_runtime::logging::{self, Options};
///
/// logging::install(&Options::default());
/// ```
pub fn install(options: &Options) -> bool {
    tracing::subscriber::set_global_default(Registry::default().with(layer(options))).is_ok()
}

/// The lines as a layer for a registry of one's own, with the options' filter for this layer only.
///
/// # Examples
/// ```
/// use telemetry_runtime::logging::{self, Options};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry().with(logging::layer(&Options::default()));
/// # drop(subscriber);
/// ```
pub fn layer<S>(options: &Options) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    layer_to(options, io::stderr)
}

fn layer_to<S, W>(options: &Options, writer: W) -> impl Layer<S> + Send + Sync + use<S, W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    lines(options, writer).with_filter(options.filter.to_env_filter())
}

/// The same lines behind another layer that sees an event before them, under one filter for both.
pub(crate) fn layer_behind<S, L>(first: L, options: &Options) -> impl Layer<S> + Send + Sync + use<S, L>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    L: Layer<S> + Send + Sync,
{
    first.and_then(lines(options, io::stderr)).with_filter(options.filter.to_env_filter())
}

/// Writes lines, whatever the filter.
pub(crate) fn writer(options: &Options) -> impl Fn(&Event<'_>) + Send + Sync + use<> {
    let lines = lines(options, io::stderr);
    move |event| lines.write(event)
}

fn lines<W>(options: &Options, writer: W) -> Lines<W> {
    let form = match options.format {
        Format::Json => Form::Json,
        Format::Text => Form::Text { colour: options.colour },
        Format::Gcp => Form::Gcp(Gcp::of(&options.resource)),
        Format::Ecs => Form::Ecs(Ecs::of(&options.resource)),
    };
    Lines { form, writer }
}

struct Lines<W> {
    form: Form,
    writer: W,
}

/// A format, and what it needs to know.
enum Form {
    Json,
    Text { colour: bool },
    Gcp(Gcp),
    Ecs(Ecs),
}

thread_local! {
    /// Taken while a line is written: what is formatted may log, too.
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
}

/// A longer line's memory is not kept.
const LONGEST_KEPT_BYTES: usize = 16 << 10;

impl<W: for<'writer> MakeWriter<'writer>> Lines<W> {
    fn write(&self, event: &Event<'_>) {
        let mut line = BUFFER.try_with(Cell::take).unwrap_or_default();
        line.clear();
        let span = Span::current().context();
        match &self.form {
            Form::Json => json::write(&mut line, event, &span),
            Form::Text { colour } => text::write(&mut line, event, &span, *colour),
            Form::Gcp(gcp) => gcp.write(&mut line, event, &span),
            Form::Ecs(ecs) => ecs.write(&mut line, event, &span),
        }
        // Nobody can be told that the log cannot be written.
        let _ = self.writer.make_writer_for(event.metadata()).write_all(line.as_bytes());
        if line.capacity() <= LONGEST_KEPT_BYTES {
            let _ = BUFFER.try_with(|buffer| buffer.set(line));
        }
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber,
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.write(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::Filter;
    use crate::record::{Resource, SpanContext, TraceFlags};
    use crate::span::attach;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::fmt;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic while writing").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written while `log` runs.
    fn lines(format: Format, directives: &str, log: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let filter = Filter::from_directives(directives).expect("a filter");
        let resource = Resource::new()
            .with("service.name", "orders \"1\"")
            .with("deployment.environment.name", "test")
            .with("cloud.provider", "gcp")
            .with("cloud.account.id", "shop");
        let options = Options { filter, format, colour: false, resource };
        let subscriber = Registry::default().with(layer_to(&options, move || writer.clone()));
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(written.0.lock().expect("no panic while writing").clone()).expect("UTF-8")
    }

    fn json_line(log: impl FnOnce()) -> Value {
        line_as(Format::Json, log)
    }

    fn line_as(format: Format, log: impl FnOnce()) -> Value {
        let lines = lines(format, "trace", log);
        assert_eq!(lines.matches('\n').count(), 1, "{lines}");
        serde_json::from_str(&lines).expect("JSON")
    }

    fn text_line(log: impl FnOnce()) -> String {
        let lines = lines(Format::Text, "trace", log);
        assert_eq!(lines.matches('\n').count(), 1, "{lines}");
        lines.trim_end().split_once(' ').expect("a time first").1.to_owned()
    }

    fn in_span<T>(body: impl FnOnce() -> T) -> T {
        let trace_id = "0af7651916cd43dd8448eb211c80319c".parse().expect("an id");
        let span_id = "b7ad6b7169203331".parse().expect("an id");
        let _attached = attach(&SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED));
        body()
    }

    #[derive(Debug, thiserror::Error)]
    #[error("no order")]
    struct Outer(#[source] fmt::Error);

    #[test]
    fn json_keeps_types() {
        let error = Outer(fmt::Error);
        let line = json_line(|| {
            tracing::warn!(
                target: "orders",
                yes = true, int = -1, big = u64::MAX, wide = u128::MAX, float = 0.5, whole = 2.0, nan = f64::NAN,
                text = "t", debug = ?Some("x"), r#type = %'c', error = &error as &dyn std::error::Error,
                "sold {}", 3
            );
        });
        let timestamp = line["timestamp"].as_str().expect("a text");
        assert!(
            timestamp.starts_with("20") && timestamp.ends_with('Z') && timestamp.contains('.'),
            "{timestamp}"
        );
        let expected = json!({
            "timestamp": timestamp, "level": "WARN", "target": "orders", "message": "sold 3",
            "fields": {
                "yes": true, "int": -1, "big": u64::MAX, "wide": u128::MAX.to_string(), "float": 0.5, "whole": 2.0,
                "nan": "NaN", "text": "t", "debug": "Some(\"x\")", "type": "c",
                "error": format!("no order: {}", fmt::Error),
            },
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn json_has_the_ids_of_the_span_at_its_top() {
        let line = json_line(|| in_span(|| tracing::info!("sold")));
        assert_eq!(line["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(line["span_id"], "b7ad6b7169203331");
        assert_eq!(line["trace_flags"], "01");
        assert_eq!(line.get("fields"), None);
    }

    #[test]
    fn google_s_agents_find_severity_time_and_trace() {
        let line = line_as(Format::Gcp, || in_span(|| tracing::warn!(target: "orders", id = 7, "sold")));
        let time = line["time"].as_str().expect("a time");
        let expected = json!({
            "time": time, "severity": "WARNING", "message": "sold", "target": "orders", "fields": {"id": 7},
            "logging.googleapis.com/sourceLocation": line["logging.googleapis.com/sourceLocation"],
            "logging.googleapis.com/trace": "projects/shop/traces/0af7651916cd43dd8448eb211c80319c",
            "logging.googleapis.com/spanId": "b7ad6b7169203331", "logging.googleapis.com/trace_sampled": true,
        });
        assert_eq!(line, expected);
        let severity = |log: fn()| line_as(Format::Gcp, log)["severity"].clone();
        assert_eq!(severity(|| tracing::error!("x")), "ERROR");
        assert_eq!(severity(|| tracing::info!("x")), "INFO");
        assert_eq!(
            [severity(|| tracing::debug!("x")), severity(|| tracing::trace!("x"))],
            ["DEBUG", "DEBUG"]
        );
        let alone = line_as(Format::Gcp, || tracing::info!("x"));
        assert_eq!(alone.get("logging.googleapis.com/trace"), None);
    }

    #[test]
    fn google_s_agents_find_the_place_in_the_code() {
        let here = line!() + 1;
        let line = line_as(Format::Gcp, || tracing::info!("x"));
        let place = json!({"file": file!(), "line": here.to_string()});
        assert_eq!(line["logging.googleapis.com/sourceLocation"], place);
    }

    #[test]
    fn google_s_agents_get_integers_as_text_that_their_numbers_do_not_hold() {
        const LARGEST: i64 = 1 << 53;
        let log = || {
            tracing::info!(
                most = LARGEST,
                least = -LARGEST,
                beyond = LARGEST + 1,
                below = -LARGEST - 1,
                far = u64::MAX
            )
        };
        let expected = json!({
            "most": LARGEST, "least": -LARGEST, "beyond": "9007199254740993", "below": "-9007199254740993",
            "far": "18446744073709551615",
        });
        assert_eq!(line_as(Format::Gcp, log)["fields"], expected);
    }

    #[test]
    fn elastic_s_labels_have_names_without_what_would_make_them_objects() {
        let line = line_as(Format::Ecs, || tracing::info!(order.id = 7, "a*b\\c" = 0.2, plain = true));
        assert_eq!(line["labels"], json!({"order_id": 7, "a_b_c": 0.2, "plain": true}));
    }

    #[test]
    fn elastic_s_schema_has_its_members_in_order() {
        let log = || in_span(|| tracing::info!(target: "shop", id = 7, "sold"));
        let text = lines(Format::Ecs, "trace", log);
        assert!(text.starts_with("{\"@timestamp\":\""), "{text}");
        let (_, after) = text.split_once("Z\",").expect("a time");
        assert!(after.starts_with("\"log.level\":\"INFO\",\"message\":\"sold\","), "{after}");
        let line = line_as(Format::Ecs, log);
        let expected = json!({
            "@timestamp": line["@timestamp"], "log.level": "INFO", "message": "sold", "ecs.version": "8.11.0",
            "service.name": "orders \"1\"", "event.dataset": "orders \"1\"", "service.environment": "test", "log.logger": "shop", "labels": {"id": 7},
            "trace.id": "0af7651916cd43dd8448eb211c80319c", "span.id": "b7ad6b7169203331",
        });
        assert_eq!(line, expected);
        assert_eq!(line_as(Format::Ecs, || tracing::info!(id = 7))["message"], "");
    }

    #[test]
    fn hostile_text_stays_within_its_line_in_every_dialect() {
        let evil = "a\n{\"severity\":\"ERROR\"}\u{1b}[31m\u{202e}\"";
        for format in [Format::Gcp, Format::Ecs] {
            let line = line_as(format, || tracing::info!(target: "t", evil, "{evil}"));
            let fields = if format == Format::Gcp { "fields" } else { "labels" };
            assert_eq!((&line["message"], &line[fields]["evil"]), (&json!(evil), &json!(evil)));
        }
    }

    #[test]
    fn text_is_for_people() {
        let line = text_line(|| {
            tracing::info!(target: "orders", id = 7, name = "red chair", short = "x", empty = "", debug = ?"q", "sold");
        });
        assert_eq!(line, r#" INFO orders: sold id=7 name="red chair" short=x empty="" debug="q""#);
        let line = text_line(|| in_span(|| tracing::error!(target: "orders", n = 1)));
        assert_eq!(line, "ERROR orders: n=1 trace=0af76519");
    }

    #[test]
    fn hostile_text_stays_within_its_line() {
        let evil = "a\nERROR fake: \u{1b}[31m\u{202e}\"\\\u{9b}\u{e0001}";
        let log = || tracing::info!(target: "t", evil, debug = %evil, "{evil}");
        let line = json_line(log);
        assert_eq!(line["message"], evil);
        assert_eq!((&line["fields"]["evil"], &line["fields"]["debug"]), (&json!(evil), &json!(evil)));
        let escaped = r#"a\nERROR fake: \u{1b}[31m\u{202e}"\\u{9b}\u{e0001}"#;
        let quoted = r#"evil="a\nERROR fake: \u{1b}[31m\u{202e}\"\\\u{9b}\u{e0001}""#;
        assert_eq!(text_line(log), format!(" INFO t: {escaped} {quoted} debug={escaped}"));
    }

    #[test]
    fn a_field_that_is_named_like_a_secret_is_not_looked_at() {
        struct Untouchable;
        impl fmt::Debug for Untouchable {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("a secret was looked at")
            }
        }
        impl fmt::Display for Untouchable {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self:?}")
            }
        }
        impl std::error::Error for Untouchable {}
        let log = || {
            let secret: &(dyn std::error::Error + 'static) = &Untouchable;
            tracing::info!(
                target: "t", pin = 1234, api_key = ?Untouchable, db.token = secret, user.password = "x y", spin = 1
            );
        };
        let fields = json!({
            "pin": "[REDACTED]", "api_key": "[REDACTED]", "db.token": "[REDACTED]", "user.password": "[REDACTED]",
            "spin": 1
        });
        assert_eq!(json_line(log)["fields"], fields);
        let redacted =
            "pin=[REDACTED] api_key=[REDACTED] db.token=[REDACTED] user.password=[REDACTED] spin=1";
        assert_eq!(text_line(log), format!(" INFO t: {redacted}"));
    }

    #[test]
    fn filter_decides_what_is_written() {
        let log = || {
            tracing::info!(target: "orders", "yes");
            tracing::info!(target: "hyper", "no");
            tracing::debug!(target: "orders", "no");
        };
        let written = lines(Format::Text, Filter::default().as_str(), log);
        assert_eq!((written.matches("yes").count(), written.matches("no").count()), (1, 0));
    }

    #[test]
    fn field_that_logs_does_not_spoil_the_line() {
        struct Talkative;
        impl fmt::Debug for Talkative {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                tracing::info!("inner");
                f.write_str("outer")
            }
        }
        let written = lines(Format::Json, "info", || tracing::info!(field = ?Talkative, "outer"));
        for line in written.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn field_that_panics_or_never_ends_is_cut_and_the_line_stays_whole() {
        struct Panics;
        impl fmt::Debug for Panics {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("so far")?;
                panic!("as the test wants it")
            }
        }
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("and so on ")?;
                }
            }
        }
        let log = || tracing::info!(target: "t", panics = ?Panics, endless = %Endless, last = 1, "goes on");
        let fields = &json_line(log)["fields"];
        assert_eq!((&fields["panics"], &fields["last"]), (&json!("so far"), &json!(1)));
        assert_eq!(fields["endless"].as_str().map(str::len), Some(64 << 10));
        let line = text_line(log);
        assert!(line.starts_with(" INFO t: goes on panics=so far endless=and so on "), "{line:.99}");
        assert!(line.ends_with(" last=1") && line.len() < 65 << 10, "{}", line.len());
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_json_and_is_one_line_of_text(message: String, field: String) {
            let log = || tracing::info!(target: "t", field, "{message}");
            let line = json_line(log);
            prop_assert_eq!(&line["message"], &message);
            prop_assert_eq!(&line["fields"]["field"], &field);
            prop_assert!(!text_line(log).contains(crate::record::printable::acts_unseen));
        }
    }
}
