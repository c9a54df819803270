//! The `tracing` layer that makes the spans of other libraries spans of ours, in the same traces.
//!
//! [`init`](crate::init) installs it; [`layer`] goes into a registry of one's own.

use super::otel::{KindOnly, Said};
use super::place::{self, Place, Secrets};
use crate::record::{REDACTED, SpanKind, Value};
use crate::span::{Below, Chain, Entrance, Foreign, Held, Span, is_on, leave, twin_of};
use std::error::Error;
use std::fmt::{self, Debug};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Makes every span of `tracing` that the registry shows it a span of ours.
///
/// Spans of `tracing` and of ours nest whichever way: each is below what is current where it is made, unless it names another parent.
/// `parent: None`, or a parent that is not here because a filter left it out, begins a trace. The head policy is asked as for our own
/// spans; what is not recorded evaluates no field. Values keep their types; errors have their sources in their text; what is recorded
/// later and `follows_from`, which becomes a link, count as long as the span runs. The value of a field that is named like a secret is not
/// looked at, and is `[REDACTED]`: the list is that of [`#[instrument]`](macro@crate::instrument#secrets). Spans of `#[instrument]` and `span!` that are shown
/// to `tracing`, by the feature `tracing-spans` or by [`compat::instrument`](macro@crate::compat::instrument), are not recorded a second
/// time, but may be parents, and be entered elsewhere, as any other.
///
/// Some fields say something else than an attribute: `otel.name`, `otel.kind` (`server`, `client`, `producer`, `consumer`, `internal`),
/// `otel.status_code` (`ok`, `error`) and `otel.status_description` (or `otel.status_message`).
///
/// Beside what the registry itself does, a span takes one allocation there, recorded or not; while telemetry is off, none.
///
/// The layer itself leaves nothing out: give it a filter, as [`init`](crate::init) does with the setting `telemetry.tracing`. Libraries
/// make very many spans below `info`.
///
/// # Examples
/// ```
/// use telemetry_runtime::{bridge, instrument, testing};
/// use tracing_subscriber::filter::EnvFilter;
/// use tracing_subscriber::prelude::*;
///
/// #[instrument]
/// fn ours() {}
///
/// let subscriber = tracing_subscriber::registry()
///     .with(bridge::spans::layer().with_filter(EnvFilter::new("info,hyper=warn")));
/// # tracing::subscriber::with_default(subscriber, || {
/// # let spans = testing::capture(|| {
/// tracing::info_span!("theirs", order.id = 7).in_scope(ours);
/// # });
/// # assert_eq!(spans[1].parent_span_id, Some(spans[0].span_id));
/// # });
/// ```
pub fn layer<S>() -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    static COUNT: AtomicU64 = AtomicU64::new(0);
    Bridge { number: COUNT.fetch_add(1, Ordering::Relaxed) }
}

/// What a span of `tracing` has in its extensions is one of two: [`Recorded`], or a [`Held`] context where nothing is recorded, or not by
/// us. No lock on them is held while code that is not ours runs: `Debug` implementations log, make spans, and panic.
///
/// [tracing#763](https://github.com/tokio-rs/tracing/issues/763) and its likes are what happens otherwise.
///
/// A span ends when the registry drops what it has of it.
struct Bridge {
    /// Tells the layer's entrances from those of others: span ids are a registry's own.
    number: u64,
}

type Recorded = Foreign<ROOM_WORDS>;

/// Room for the fields of an ordinary span.
const ROOM_WORDS: usize = 32;

impl<S> Layer<S> for Bridge
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !is_on() {
            return;
        }
        let metadata = attributes.metadata();
        let opened = match twin_of(metadata.name(), metadata.file(), metadata.line()) {
            Some(twin) => Err(twin),
            None => {
                open(attributes, &context).map(|(recorded, secrets)| filled(recorded, secrets, attributes))
            }
        };
        if let Some(span) = context.span(id) {
            keep(&span, opened);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let Some(handle) = held_of(&span).map(|held| held.handle()).filter(Span::is_recording) else {
            return;
        };
        let metadata = span.metadata();
        if twin_of(metadata.name(), metadata.file(), metadata.line()).is_some() {
            // Ours has the value already.
            return;
        }
        let secrets = place::of(metadata, SpanKind::Internal).secrets;
        let mut fields = Fields { recorder: handle, secrets, said: Said::default() };
        shielded(|| values.record(&mut fields));
        if let Some(kind) = fields.said.kind
            && let Some(recorded) = span.extensions_mut().get_mut::<Recorded>()
        {
            recorded.move_to(place::of(metadata, kind).callsite);
        }
        fields.said.tell(&fields.recorder);
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        if let (Some(span), Some(cause)) = (held(id, &context), held(follows, &context)) {
            span.handle().add_link(&cause.context());
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if is_on()
            && let Some(held) = held(id, &context)
        {
            held.enter(self.entrance(id));
        }
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        leave(self.entrance(id));
    }
}

impl Bridge {
    fn entrance(&self, id: &Id) -> Entrance {
        Entrance { owner: self.number, span: id.into_u64() }
    }
}

/// Starts the span where it says it belongs.
fn open<S>(attributes: &Attributes<'_>, context: &Context<'_, S>) -> Result<(Recorded, Secrets), Held>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let mut secrets = Secrets::default();
    let callsite = || {
        let place = place_of(attributes);
        secrets = place.secrets;
        place.callsite
    };
    let opened = if attributes.is_contextual() {
        Foreign::open(Below::Current, callsite)
    } else {
        match attributes.parent().and_then(|parent| held(parent, context)) {
            Some(parent) => Foreign::open(Below::Context(&parent.context()), callsite),
            None => Foreign::open(Below::Nothing, callsite),
        }
    };
    opened.map(|recorded| (recorded, secrets))
}

/// The span's place, for the kind that it says it has.
fn place_of(attributes: &Attributes<'_>) -> Place {
    let place = place::of(attributes.metadata(), SpanKind::Internal);
    if !place.tells_kind {
        return place;
    }
    let mut kind = KindOnly(SpanKind::Internal);
    shielded(|| attributes.record(&mut kind));
    place::of(attributes.metadata(), kind.0)
}

/// The span with all that it is given at its start.
fn filled(recorded: Recorded, secrets: Secrets, attributes: &Attributes<'_>) -> Recorded {
    let mut fields = Fields { recorder: recorded, secrets, said: Said::default() };
    shielded(|| attributes.record(&mut fields));
    if fields.said != Said::default() {
        fields.said.tell(&fields.recorder.handle());
    }
    fields.recorder
}

/// Has fields evaluated. A panic, which without us would not have happened, ends that and nothing else: a registry that it left in the
/// middle of a span's start would never close the span's parents.
fn shielded(record: impl FnOnce()) {
    // The panic hook has told of it.
    let _ = catch_unwind(AssertUnwindSafe(record));
}

/// Has the registry keep the span, or the context that stands for it.
fn keep<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, opened: Result<Recorded, Held>) {
    let mut extensions = span.extensions_mut();
    match opened {
        // A registry may have this layer twice: then the one that came last has the span.
        Ok(recorded) => extensions.replace(recorded).map_or((), Foreign::discard),
        Err(held) if held.is_active() => drop(extensions.replace(held)),
        Err(_) => {}
    }
}

fn held<S>(id: &Id, context: &Context<'_, S>) -> Option<Held>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    held_of(&context.span(id)?)
}

fn held_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Held> {
    let extensions = span.extensions();
    extensions.get::<Recorded>().map(Recorded::held).or_else(|| extensions.get::<Held>().cloned())
}

/// Takes the values of fields.
trait Recorder {
    fn value(&mut self, field: &Field, value: Value<'_>);

    fn text(&mut self, field: &Field, text: fmt::Arguments<'_>);
}

/// At the start of a span.
impl Recorder for Recorded {
    fn value(&mut self, field: &Field, value: Value<'_>) {
        match index(field) {
            Some(index) => Foreign::value(self, index, value),
            None => self.attribute(place::key(field.name()), value),
        }
    }

    fn text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        match index(field) {
            Some(index) => self.formatted(index, text),
            None => self.attribute(place::key(field.name()), Value::Str(&text.to_string())),
        }
    }
}

/// Which of the callsite's keys the field is, if it has a number that a record can hold.
fn index(field: &Field) -> Option<u8> {
    u8::try_from(field.index()).ok().filter(|index| *index < u8::MAX)
}

/// While a span runs.
impl Recorder for Span {
    fn value(&mut self, field: &Field, value: Value<'_>) {
        self.set_value(place::key(field.name()), value);
    }

    fn text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        self.set_text(place::key(field.name()), text);
    }
}

struct Fields<R> {
    recorder: R,
    secrets: Secrets,
    said: Said,
}

impl<R: Recorder> Fields<R> {
    fn value(&mut self, field: &Field, value: Value<'_>) {
        let value = if self.secrets.has(field) { Value::Str(REDACTED) } else { value };
        self.recorder.value(field, value);
    }

    fn text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        if self.secrets.has(field) {
            self.recorder.value(field, Value::Str(REDACTED));
        } else {
            self.recorder.text(field, text);
        }
    }
}

impl<R: Recorder> Visit for Fields<R> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, Value::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field, Value::U64(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.value(field, Value::I128(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.value(field, Value::U128(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, Value::F64(value));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.value(field, Value::Bytes(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.said.takes(field, &format_args!("{value}")) {
            self.value(field, Value::Str(value));
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, format_args!("{}", Chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if !self.said.takes(field, value) {
            self.text(field, format_args!("{value:?}"));
        }
    }
}
