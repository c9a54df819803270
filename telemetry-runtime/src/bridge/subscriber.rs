//! The subscriber of a process that has no other: spans of `tracing` are spans of ours without a registry in between, events go to whom
//! they are for.

use super::opened;
use crate::span::{Entrance, Held, innermost, is_on, leave, slots};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Filter;
use tracing_subscriber::registry::Registry;

/// A process has one, as it has one telemetry. Spans are numbered by their [slots](slots); the places of those
/// that its filter leaves out are turned off.
pub(crate) struct Process<E> {
    /// Which spans are recorded.
    recorded: Targets,
    /// Which events are told of.
    told: Targets,
    tell: E,
}

impl<E: Fn(&Event<'_>)> Process<E> {
    /// Records the spans that `recorded` lets pass, and has `tell` tell of the events that `told` does.
    pub(crate) fn new(recorded: Targets, told: Targets, tell: E) -> Self {
        Self { recorded, told, tell }
    }
}

impl<E: Fn(&Event<'_>) + 'static> Subscriber for Process<E> {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let filter = if metadata.is_span() { &self.recorded } else { &self.told };
        filter.would_enable(metadata.target(), metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let most = Filter::<Registry>::max_level_hint;
        most(&self.recorded).max(most(&self.told))
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let open = || slots::open(attributes.metadata(), |slot| opened::open(slot, attributes, held));
        if is_on() { open() } else { None }.map_or_else(|| Id::from_u64(NOBODY), Id::from_non_zero_u64)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        if let (Some(held), Some(metadata)) = (held(id), slots::metadata(id.into_u64()))
            && let Some(place) = opened::record(&held, metadata, values)
        {
            slots::move_to(id.into_u64(), place);
        }
    }

    fn record_follows_from(&self, id: &Id, follows: &Id) {
        if let (Some(span), Some(cause)) = (held(id), held(follows)) {
            span.handle().add_link(&cause.context());
        }
    }

    fn event(&self, event: &Event<'_>) {
        (self.tell)(event);
    }

    fn enter(&self, id: &Id) {
        if is_on()
            && let Some(held) = held(id)
        {
            held.enter(entrance(id));
        }
    }

    fn exit(&self, id: &Id) {
        leave(entrance(id));
    }

    fn clone_span(&self, id: &Id) -> Id {
        slots::retain(id.into_u64());
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        slots::release(id.into_u64())
    }

    fn current_span(&self) -> Current {
        let current = innermost(OWNER).and_then(|number| slots::metadata(number).zip(Some(number)));
        current.map_or_else(Current::none, |(metadata, number)| Current::new(Id::from_u64(number), metadata))
    }
}

fn held(id: &Id) -> Option<Held> {
    slots::held(id.into_u64())
}

/// The id of all spans that there is nothing to keep of.
const NOBODY: u64 = u64::MAX;

/// Whose entrances are those of the process's subscriber; layers are numbered from 0.
const OWNER: u64 = u64::MAX;

fn entrance(id: &Id) -> Entrance {
    Entrance { owner: OWNER, span: id.into_u64() }
}
