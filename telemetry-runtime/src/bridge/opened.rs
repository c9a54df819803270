//! What a span of `tracing` says of itself, at its start and later.

use super::otel::{KindOnly, Said};
use super::place::{self, Place, Secrets};
use crate::record::{Callsite, Chain, REDACTED, SpanKind, Value};
use crate::span::slots::Recorded;
use crate::span::{Below, Foreign, Held, Span, twin_of};
use std::error::Error;
use std::fmt::{self, Debug};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tracing::Metadata;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};

/// Starts a span in the slot where it says it belongs, with all that it is given at its start. `held` knows other spans. The context
/// below it is returned.
///
/// Whoever has the slot holds no lock meanwhile: `Debug` implementations log, make spans, and panic.
/// [tracing#763](https://github.com/tokio-rs/tracing/issues/763) and its likes are what happens otherwise.
pub(super) fn open(
    slot: &mut Option<Recorded>,
    attributes: &Attributes<'_>,
    held: impl FnOnce(&Id) -> Option<Held>,
) -> Held {
    let metadata = attributes.metadata();
    if let Some(twin) = twin_of(metadata.name(), metadata.file(), metadata.line()) {
        return twin;
    }
    let parent = attributes.parent().and_then(held).map(|parent| parent.context());
    let below = match &parent {
        Some(parent) => Below::Context(parent),
        None if attributes.is_contextual() => Below::Current,
        None => Below::Nothing,
    };
    let mut secrets = Secrets::default();
    let callsite = || {
        let place = place_of(attributes);
        secrets = place.secrets;
        place.callsite
    };
    let held = Recorded::open(slot, &below, callsite);
    if let Some(recorded) = slot {
        fill(recorded, secrets, attributes);
    }
    held
}

/// Adds to a span what is recorded while it runs; its place, if it says that it has another kind.
pub(super) fn record(
    held: &Held,
    metadata: &'static Metadata<'static>,
    values: &Record<'_>,
) -> Option<&'static Callsite> {
    let mut handle = held.handle();
    // A twin of ours has the value already.
    if !handle.is_recording() || twin_of(metadata.name(), metadata.file(), metadata.line()).is_some() {
        return None;
    }
    let secrets = place::of(metadata, SpanKind::Internal).secrets;
    let mut fields = Fields { recorder: &mut handle, secrets, said: Said::default() };
    shielded(|| values.record(&mut fields));
    let kind = fields.said.kind;
    fields.said.tell(fields.recorder);
    kind.map(|kind| place::of(metadata, kind).callsite)
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

/// Gives the span all that it is given at its start.
fn fill(recorded: &mut Recorded, secrets: Secrets, attributes: &Attributes<'_>) {
    let mut fields = Fields { recorder: recorded, secrets, said: Said::default() };
    shielded(|| attributes.record(&mut fields));
    if fields.said != Said::default() {
        fields.said.tell(&fields.recorder.handle());
    }
}

/// Has fields evaluated. A panic, which without us would not have happened, ends that and nothing else: a registry that it left in the
/// middle of a span's start would never close the span's parents.
fn shielded(record: impl FnOnce()) {
    // The panic hook has told of it.
    let _ = catch_unwind(AssertUnwindSafe(record));
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

struct Fields<'a, R> {
    recorder: &'a mut R,
    secrets: Secrets,
    said: Said,
}

impl<R: Recorder> Fields<'_, R> {
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

impl<R: Recorder> Visit for Fields<'_, R> {
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
