//! The `tracing` layer that makes the spans of other libraries spans of ours, in the same traces.
//!
//! [`layer`] goes into a registry of one's own; where there is none, [`init`](crate::init) does the same without one.

use super::opened;
use crate::span::slots::Recorded;
use crate::span::{Entrance, Held, is_on, leave};
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::Subscriber;
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

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
/// Beside what the registry itself does, a span takes one allocation there, recorded or not; while telemetry is off, none. What
/// [`init`](crate::init) installs has the same meaning and takes less than a registry alone: it is not one.
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

/// Has the registry keep what a span of `tracing` is to us in the span's extensions, and end it when it drops them.
struct Bridge {
    /// Tells the layer's entrances from those of others: span ids are a registry's own.
    number: u64,
}

/// What a span is to us.
struct Opened {
    recorded: Option<Recorded>,
    /// Where nothing is recorded, or not by us.
    held: Held,
}

impl Opened {
    /// The context below the span.
    fn held(&self) -> Held {
        self.recorded.as_ref().map_or_else(|| self.held.clone(), Recorded::held)
    }
}

impl<S> Layer<S> for Bridge
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !is_on() {
            return;
        }
        let mut recorded = None;
        let held = opened::open(&mut recorded, attributes, |id| held(id, &context));
        if let Some(span) = context.span(id).filter(|_| held.is_active()) {
            let before = span.extensions_mut().replace(Opened { recorded, held });
            // A registry may have this layer twice: then the one that came last has the span.
            if let Some(Opened { recorded: Some(before), .. }) = before {
                before.discard();
            }
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let Some(held) = span.extensions().get().map(Opened::held) else { return };
        if let Some(place) = opened::record(&held, span.metadata(), values)
            && let Some(Opened { recorded: Some(recorded), .. }) = span.extensions_mut().get_mut()
        {
            recorded.move_to(place.number());
        }
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

fn held<S>(id: &Id, context: &Context<'_, S>) -> Option<Held>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    context.span(id)?.extensions().get().map(Opened::held)
}
