//! The libraries under measure, one file each: the same spans, made as each library's documentation says.

/// Where spans come from attributes on functions: each shape is the function of that name beside the `impl`.
macro_rules! spans_of_functions {
    () => {
        fn plain(&self) {
            plain();
        }

        fn attributes(&self, number: i64, text: &str, owned: &str) {
            attributes(number, text, owned);
        }

        fn formatted(&self, text: &str) {
            formatted(text);
        }

        fn failing(&self) -> Result<(), crate::library::Failure> {
            failing()
        }

        fn event(&self) {
            event();
        }

        fn ready(&self) -> impl Future<Output = ()> {
            ready()
        }

        fn yielding(&self) -> impl Future<Output = ()> {
            yielding()
        }

        fn nested(&self, depth: u32) {
            nested(depth);
        }
    };
}

pub(crate) mod emit;
pub(crate) mod fastrace;
pub(crate) mod floor;
pub(crate) mod project;
pub(crate) mod sdk;
pub(crate) mod tracing;
