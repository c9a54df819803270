//! The `tracing` event that `err(level = ..)` and `ret(level = ..)` make; without the feature `tracing`, nothing.

use crate::record::Level;
use std::fmt::{Debug, Display};

/// A place that makes events with one field.
#[derive(Debug)]
pub struct Event {
    #[cfg(feature = "tracing")]
    place: emitted::Place,
}

impl Event {
    /// The place.
    #[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "there are no events"))]
    pub const fn new(
        field: &'static [&'static str; 1],
        target: &'static str,
        level: Level,
        module: &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        Self {
            #[cfg(feature = "tracing")]
            place: emitted::Place::new(field, target, level, module, file, line),
        }
    }

    /// An event with the value's `Display` text.
    #[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "there are no events"))]
    pub fn emit_display(&'static self, value: &dyn Display) {
        #[cfg(feature = "tracing")]
        self.place.emit(&tracing::field::display(value));
    }

    /// An event with the value's `Debug` text.
    #[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "there are no events"))]
    pub fn emit_debug(&'static self, value: &dyn Debug) {
        #[cfg(feature = "tracing")]
        self.place.emit(&tracing::field::debug(value));
    }
}

#[cfg(feature = "tracing")]
mod emitted {
    use crate::record::Level;
    use std::sync::OnceLock;
    use tracing::callsite::{Callsite, Identifier, register};
    use tracing::field::{FieldSet, Value};
    use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
    use tracing::metadata::{Kind, Metadata};
    use tracing::subscriber::Interest;

    /// What `tracing` wants to know, once somebody asks for it.
    #[derive(Debug)]
    pub(super) struct Place {
        field: &'static [&'static str; 1],
        target: &'static str,
        level: Level,
        module: &'static str,
        file: &'static str,
        line: u32,
        metadata: OnceLock<Metadata<'static>>,
    }

    impl Place {
        pub(super) const fn new(
            field: &'static [&'static str; 1],
            target: &'static str,
            level: Level,
            module: &'static str,
            file: &'static str,
            line: u32,
        ) -> Self {
            Self { field, target, level, module, file, line, metadata: OnceLock::new() }
        }

        pub(super) fn emit(&'static self, value: &dyn Value) {
            let level = self.level.to_tracing();
            if level <= STATIC_MAX_LEVEL && level <= LevelFilter::current() {
                self.emit_wanted(value);
            }
        }

        fn emit_wanted(&'static self, value: &dyn Value) {
            let metadata = self.known();
            tracing::dispatcher::get_default(|dispatch| {
                if dispatch.enabled(metadata) {
                    let fields = metadata.fields();
                    for field in fields {
                        let values = [(&field, Some(value))];
                        dispatch.event(&tracing::Event::new(metadata, &fields.value_set(&values)));
                    }
                }
            });
        }

        fn known(&'static self) -> &'static Metadata<'static> {
            let mut is_new = false;
            let metadata = self.metadata.get_or_init(|| {
                is_new = true;
                self.describe()
            });
            if is_new {
                register(self);
            }
            metadata
        }

        fn describe(&'static self) -> Metadata<'static> {
            let Self { field, target, file, line, module, .. } = *self;
            let fields = FieldSet::new(field, Identifier(self));
            let (level, kind) = (self.level.to_tracing(), Kind::EVENT);
            Metadata::new("event", target, level, Some(file), Some(line), Some(module), fields, kind)
        }
    }

    impl Callsite for Place {
        /// Subscribers are asked each time.
        fn set_interest(&self, _: Interest) {}

        fn metadata(&self) -> &Metadata<'_> {
            self.metadata.get().expect("a place is registered after it is described")
        }
    }
}
