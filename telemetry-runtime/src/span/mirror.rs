//! The span of `tracing` that stands beside ours where the feature `tracing-spans` is on and somebody is interested.

pub(super) use self::imp::Mirror;

/// Without the feature there is none, and nothing is left of it in the code.
#[cfg(not(feature = "tracing-spans"))]
mod imp {
    use crate::record::{Callsite, Value};
    use crate::span::live::Live;
    use std::fmt::Arguments;

    #[derive(Debug)]
    pub(in crate::span) struct Mirror;

    impl Mirror {
        pub(in crate::span) const NONE: Self = Self;

        #[inline(always)]
        pub(in crate::span) fn open(&mut self, _: &'static Callsite, _: Option<&Live>) {}

        #[inline(always)]
        pub(in crate::span) fn is_on(&self) -> bool {
            false
        }

        #[inline(always)]
        pub(in crate::span) fn value(&self, _: u8, _: &Value<'_>) {}

        #[inline(always)]
        pub(in crate::span) fn text(&self, _: u8, _: Arguments<'_>) {}

        #[inline(always)]
        pub(in crate::span) fn enter(&self) {}

        #[inline(always)]
        pub(in crate::span) fn exit(&self) {}

        #[inline(always)]
        pub(in crate::span) fn close(&mut self) {}
    }
}

#[cfg(feature = "tracing-spans")]
mod imp {
    use crate::record::{Callsite, Value};
    use crate::span::live::Live;
    use crate::span::twin::Twinning;
    use std::collections::HashMap;
    use std::fmt::Arguments;
    use std::ptr::from_ref;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{OnceLock, PoisonError, RwLock};
    use tracing::callsite::{self, Identifier};
    use tracing::field::{FieldSet, display};
    use tracing::level_filters::LevelFilter;
    use tracing::metadata::{Kind, Metadata};
    use tracing::subscriber::Interest;
    use tracing::{Span, dispatcher};

    /// Boxed, so that a span that has none is hardly larger.
    #[derive(Debug)]
    pub(in crate::span) struct Mirror(Option<Box<Span>>);

    impl Mirror {
        pub(in crate::span) const NONE: Self = Self(None);

        /// Opens it beside ours, if any subscriber takes its level: that much is one relaxed load.
        #[inline(always)]
        pub(in crate::span) fn open(&mut self, callsite: &'static Callsite, ours: Option<&Live>) {
            if LevelFilter::current() != LevelFilter::OFF {
                self.0 = open(callsite, ours);
            }
        }

        #[inline(always)]
        pub(in crate::span) fn is_on(&self) -> bool {
            self.0.is_some()
        }

        #[inline(always)]
        pub(in crate::span) fn value(&self, key: u8, value: &Value<'_>) {
            if let Some(span) = &self.0 {
                record(span, key, value);
            }
        }

        #[inline(always)]
        pub(in crate::span) fn text(&self, key: u8, text: Arguments<'_>) {
            if let Some(span) = &self.0 {
                record_value(span, key, &text);
            }
        }

        #[inline(always)]
        pub(in crate::span) fn enter(&self) {
            if let Some(span) = &self.0 {
                span.with_subscriber(|(id, dispatch)| dispatch.enter(id));
            }
        }

        #[inline(always)]
        pub(in crate::span) fn exit(&self) {
            if let Some(span) = &self.0 {
                span.with_subscriber(|(id, dispatch)| dispatch.exit(id));
            }
        }

        #[inline(always)]
        pub(in crate::span) fn close(&mut self) {
            if self.0.is_some() {
                self.0 = None;
            }
        }
    }

    /// A callsite as `tracing` knows it.
    struct Place {
        metadata: OnceLock<Metadata<'static>>,
        is_refused: AtomicBool,
    }

    static PLACES: RwLock<Option<HashMap<usize, &'static Place>>> = RwLock::new(None);

    #[cold]
    #[inline(never)]
    fn open(callsite: &'static Callsite, ours: Option<&Live>) -> Option<Box<Span>> {
        if callsite.has_own_tracing() || callsite.level().to_tracing() > LevelFilter::current() {
            return None;
        }
        let place = known(callsite).unwrap_or_else(|| register(callsite));
        let metadata = place.metadata.get().filter(|_| !place.is_refused.load(Ordering::Relaxed))?;
        let is_enabled = dispatcher::get_default(|dispatch| dispatch.enabled(metadata));
        is_enabled.then(|| {
            let _twin = twin(metadata, ours);
            Box::new(Span::new(metadata, &metadata.fields().value_set(&[])))
        })
    }

    fn known(callsite: &'static Callsite) -> Option<&'static Place> {
        let places = PLACES.read().unwrap_or_else(PoisonError::into_inner);
        places.as_ref()?.get(&from_ref(callsite).addr()).copied()
    }

    fn register(callsite: &'static Callsite) -> &'static Place {
        let mut places = PLACES.write().unwrap_or_else(PoisonError::into_inner);
        let places = places.get_or_insert_default();
        places.entry(from_ref(callsite).addr()).or_insert_with(|| {
            let place: &'static Place =
                Box::leak(Box::new(Place { metadata: OnceLock::new(), is_refused: AtomicBool::new(false) }));
            place.metadata.get_or_init(|| describe(callsite, place));
            place
        });
        let place = places[&from_ref(callsite).addr()];
        callsite::register(place);
        place
    }

    fn describe(callsite: &'static Callsite, place: &'static Place) -> Metadata<'static> {
        Metadata::new(
            callsite.name(),
            callsite.target(),
            callsite.level().to_tracing(),
            Some(callsite.file()),
            Some(callsite.line()),
            Some(callsite.module()),
            FieldSet::new(callsite.keys(), Identifier(place)),
            Kind::SPAN,
        )
    }

    impl callsite::Callsite for Place {
        fn set_interest(&self, interest: Interest) {
            self.is_refused.store(interest.is_never(), Ordering::Relaxed);
        }

        fn metadata(&self) -> &Metadata<'_> {
            self.metadata.get().expect("a place is registered after it is described")
        }
    }

    #[cold]
    fn record(span: &Span, key: u8, value: &Value<'_>) {
        match value {
            Value::Bool(value) => record_value(span, key, value),
            Value::I64(value) => record_value(span, key, value),
            Value::U64(value) => record_value(span, key, value),
            Value::F64(value) => record_value(span, key, value),
            Value::Str(value) => record_value(span, key, value),
            other => record_value(span, key, &display(other)),
        }
    }

    #[cold]
    fn record_value(span: &Span, key: u8, value: &dyn tracing::Value) {
        let Some(metadata) = span.metadata() else { return };
        if let Some(field) = metadata.fields().iter().nth(usize::from(key)) {
            let _twin = twin(metadata, None);
            span.record(field.name(), value);
        }
    }

    /// Says that what happens now to the span of these metadata has happened to ours.
    fn twin(metadata: &'static Metadata<'static>, ours: Option<&Live>) -> Twinning {
        let (file, line) = (metadata.file().unwrap_or_default(), metadata.line().unwrap_or_default());
        Twinning::new(metadata.name(), file, line, ours.map(Live::ids))
    }
}
