//! The attributes of a callsite, as a list of names and an enum of their numbers.

macro_rules! keys {
    ($($key:ident = $name:literal,)*) => {
        /// The span's attributes.
        #[derive(Clone, Copy)]
        pub(super) enum Key { $($key),* }

        const KEYS: &[&str] = &[$($name),*];
    };
}

pub(super) use keys;
