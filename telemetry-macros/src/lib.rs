//! `#[instrument]`: makes a function a span, with its arguments as typed attributes and its error as the span's status.

mod args;
mod errors;
mod expand;
mod fallback;
mod instrument;
mod item;
mod model;
mod secret;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod soup;

use proc_macro::TokenStream;

/// Makes each call of a function a span.
///
/// The span begins when the function does, an `async` one's when it is first polled, and ends when the function is left: by its
/// value, by a panic or, for a future that is dropped before it is done, by cancellation. Numbers, booleans and chars among the
/// parameters become attributes of their own type, also behind references, in an `Option` or in a newtype that implements
/// `Capture`; everything else only where `fields` names it. A parameter with a name like `password`, `api_key` or `pin` is never
/// captured unless named. If the value is a `Result`, under whatever alias, its `Err` sets the span's status and records an
/// `exception` event.
///
/// It goes on functions and methods, `async` or not, also on those that `#[async_trait]` has rewritten and on functions that end
/// in `Box::pin(async move { .. })`.
///
/// # Arguments
/// All are optional, in any order, each at most once.
///
/// | argument | written | meaning |
/// |---|---|---|
/// | `name` | `name = "text"`, `name = CONST` | The span's name; by default the function's. A text in the first place means the same. |
/// | `target` | `target = "text"`, `target = CONST` | What filters select by; by default the module's path. |
/// | `level` | `level = "debug"`, `level = 2`, `level = Level::Debug` | `trace`, `debug`, `info` (the default), `warn`, `error` in any case, the same as 1 to 5, or a const. |
/// | `kind` | `kind = "client"`, `kind = SpanKind::Client` | `internal` (the default), `server`, `client`, `producer`, `consumer`, or a const. |
/// | `skip` | `skip(a, b)` | Parameters that are not captured. |
/// | `skip_all` | `skip_all` | No parameter is captured unless `fields` names it. |
/// | `fields` | `fields(x, ?y, %z, a.b = expr)` | Attributes: a parameter with its type (`x`), as `Debug` (`?y`) or `Display` (`%z`) text; any value under any name (`a.b = expr`, `a.b = ?expr`, `"a-b" = %expr`). A name alone that is no parameter is only declared. |
/// | `err` | `err`, `err(Debug)`, `err(Display)`, `err = false` | How an `Err` becomes the span's status and `exception` event: by its `Display` text (the default) or its `Debug` text, or not at all. |
/// | `ret` | `ret`, `ret(Debug)`, `ret(Display)` | Records the value, of a `Result` only an `Ok`, as the attribute `return`: its `Debug` text unless told. |
/// | `crate` | `crate = path`, `crate = "path"` | Where `telemetry_runtime` is found, if not under that name. |
///
/// Values in `fields` are evaluated before the body, and only while the span is recorded.
///
/// # Examples
/// ```
/// use std::fmt;
///
/// use telemetry_runtime::instrument;
/// # #[derive(Debug)] struct Card { digits: String }
/// # #[derive(Debug)] struct Declined;
/// # impl fmt::Display for Declined {
/// #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("declined") }
/// # }
///
/// // `order` is a number and captured by itself, `card` only as the field says. An `Err` marks the span.
/// #[instrument(kind = "client", fields(peer.service = "bank", card.last = %&card.digits[12..]))]
/// async fn charge(order: u64, card: &Card) -> Result<u64, Declined> {
///     if card.digits.starts_with('4') { Ok(order) } else { Err(Declined) }
/// }
///
/// struct Cart {
///     prices: Vec<u32>,
/// }
///
/// impl Cart {
///     #[instrument("cart total", fields(items = self.prices.len()), ret)]
///     fn total(&self) -> u32 {
///         self.prices.iter().sum()
///     }
/// }
/// # assert_eq!(Cart { prices: vec![1, 2] }.total(), 3);
/// # drop(charge(1, &Card { digits: String::new() }));
/// ```
///
/// # Limits
/// A parameter that nobody named is found in a returned `Box::pin(async move { .. })` only where that block mentions it, or where
/// it is a plain number that the function mentions before. In a `#[track_caller]` function that returns a `Result`, or has `ret`,
/// the body sees itself as the caller.
///
/// # Errors
/// Every mistake is a compile error at what was written, all of them at once, and the function itself stays as it is.
#[proc_macro_attribute]
pub fn instrument(arguments: TokenStream, item: TokenStream) -> TokenStream {
    instrument::instrument(arguments.into(), item.into()).into()
}
