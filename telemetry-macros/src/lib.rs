//! `#[instrument]`: makes a function a span, with its arguments as typed attributes and its error as the span's status.

mod args;
mod errors;
mod event;
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
mod span;
mod style;

use proc_macro::TokenStream;

use style::Style;

/// Makes each call of a function a span.
///
/// The span begins when the function does, an `async` one's when it is first polled, and ends when the function is left: by its
/// value, by a panic or, for a future that is dropped before it is done, by cancellation. Numbers, booleans and chars among the
/// parameters become attributes of their own type, also behind references, in an `Option` or in a newtype that implements
/// `Capture`; everything else only where `fields` or `capture = all` asks for it. If the value is a `Result`, under whatever alias,
/// its `Err` sets the span's status and records an `exception` event, with the messages of the error and of all its sources.
///
/// It goes on functions and methods, `async` or not, on what `#[async_trait]` makes of them, and on functions that return a future.
///
/// On an `impl` block or a `trait` it goes on every function that has a body, and calls its span `Type::method`, in a trait
/// `Trait::method`. What is written there is what the methods have by default: `target`, `level`, `kind`, `capture`, `skip`, `skip_all`,
/// `fields`, `err`, `ret`, `err_if`, `sample`, `keep_if_slower`, `metrics` and `crate`. A method's own `#[instrument(..)]` goes before it, argument by
/// argument and field by field; `#[instrument(skip)]` leaves a method alone, and so are `const fn`s. Where `#[async_trait]` is on the
/// block, too, it may stand before or after.
///
/// # Arguments
/// All are optional, in any order, each at most once.
///
/// | argument | written | meaning |
/// |---|---|---|
/// | `name` | `name = "text"`, `name = CONST`, `name = expr` | The span's name; by default the function's. Any other expression is evaluated while the span is recorded. A text in the first place means the same. |
/// | `target` | `target = "text"`, `target = CONST` | What filters select by; by default the module's path. |
/// | `level` | `level = "debug"`, `level = 2`, `level = Level::Debug` | `trace`, `debug`, `info` (the default), `warn`, `error` in any case, the same as 1 to 5, or a const. |
/// | `kind` | `kind = "client"`, `kind = SpanKind::Client` | `internal` (the default), `server`, `client`, `producer`, `consumer`, or a const. |
/// | `capture` | `capture = all`, `capture = scalars`, `capture = none` | Which parameters that `fields` does not name become attributes: numbers, booleans and chars (the default); `all`, `self` included, with their own type or else as `Debug` text; or `none`. |
/// | `skip` | `skip(a, b)` | Parameters that are not captured. |
/// | `skip_all` | `skip_all` | The same as `capture = none`. |
/// | `fields` | `fields(x, ?y, %z, a.b = expr)` | Attributes: a parameter with its type (`x`), as `Debug` (`?y`) or `Display` (`%z`) text; any value under any name (`a.b = expr`, `a.b = ?expr`, `"a-b" = %expr`, `{CONST} = expr`). A name alone that is no parameter, or `= Empty`, is only declared. |
/// | `err` | `err`, `err(Debug)`, `err(Display, level = "warn")`, `err = false` | How an `Err` becomes the span's status and `exception` event: by its `Display` text (the default) or its `Debug` text, or not at all. With a level it becomes a `tracing` event, too. |
/// | `ret` | `ret`, `ret(Debug)`, `ret(Display, level = "debug")` | Records the value, of a `Result` only an `Ok`, as the attribute `return`: its `Debug` text unless told. With a level it becomes a `tracing` event, too. |
/// | `err_if` | `err_if = \|error\| expr`, `err_if = function` | An `Err` is a failure only where this is true of it. |
/// | `ok_if` | `ok_if = \|value\| expr`, `ok_if = function` | An `Ok` value, or one that is no `Result`, is a success only where this is true of it; else the status is an error. |
/// | `parent` | `parent = expr` | A `SpanContext`, here or from elsewhere, a `Span`, a reference to one, or an `Option` of it: the parent instead of the current span. `None` makes a root. |
/// | `root` | `root` | The span begins a trace of its own. |
/// | `links` | `links = expr` | Spans to link to: anything to iterate over with items that `parent` takes. |
/// | `follows_from` | `follows_from = expr` | The same as `links`. |
/// | `sample` | `sample = 0.1`, `sample = always`, `sample = never` | Whether a trace that begins here is recorded, whatever the policy says: a share of them, all, or none. `never` also leaves out what a recorded trace does here and below. |
/// | `keep_if_slower` | `keep_if_slower = "50ms"` | Says that a trace in which this took longer is one to keep; carried for tail policies, of which there is none yet. Units: `ns`, `us`, `ms`, `s`. |
/// | `metrics` | `metrics` | Asks for calls, failures and durations to be counted; carried for metrics, which do not exist yet. |
/// | `crate` | `crate = path`, `crate = "path"` | Where `telemetry_runtime` is found, if not under that name. |
///
/// Values in `fields`, `links`, `parent` and `name` are evaluated before the body, and only while the span is recorded (`parent`: where
/// spans are recorded at all). All but `parent` are evaluated within the span: `Span::current()` is the new one there. A value before which `tracing` would want a `%` or `?` needs none if its type implements `Capture`.
///
/// # Secrets
/// What has one of these words in its name, between `_`, `-` and `.`, is never captured by itself, and is recorded as `[REDACTED]`
/// where `fields` names it: `password`, `passwd`, `pwd`, `passphrase`, `secret`, `secrets`, `token`, `api_key`, `apikey`,
/// `authorization`, `cookie`, `cookies`, `credential`, `credentials`, `private_key`, `ssn`, `cvv`, `cvc`, `pin`, `otp`. The value is not even looked at,
/// unless it stands in `expose(..)`: `fields(token = expose(token.id))`, `fields(pin = ?expose(pin))`.
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
///
/// #[instrument(level = "debug", fields(store = "memory"))]
/// impl Cart {
///     fn add(&mut self, price: u32) {     // a span `Cart::add` with `price` and `store`
///         self.prices.push(price);
///     }
///
///     #[instrument(skip)]
///     fn is_empty(&self) -> bool {        // none
///         self.prices.is_empty()
///     }
/// }
/// # let mut cart = Cart { prices: vec![1] };
/// # cart.add(2);
/// # assert!(cart.total() == 3 && !cart.is_empty());
/// # drop(charge(1, &Card { digits: String::new() }));
/// ```
///
/// # Returned futures and streams
/// A function that returns `impl Future`, `Pin<Box<dyn Future>>`, `BoxFuture`, `Box<dyn Future + Unpin>` or the like, told by the spelling, is a
/// span from the call until what it returned is ready or dropped, whatever expression makes that; a box is put into another one, which
/// costs an allocation. With the feature `stream` the same holds for `impl Stream`, `Pin<Box<dyn Stream>>` and `BoxStream`: the span lasts
/// until the stream ends, `stream.items` counts what it gave, and an `Err` among that fails the span.
///
/// A function that ends in an `async` block or in `Box::pin(async move { .. })`, and returns nothing before, costs no second box: its span
/// begins when the block is first polled, as that of an `async fn`. A parameter that nobody named is found there only where the block
/// mentions it, or where it is a plain number that the function mentions before.
///
/// # Limits
/// In a `#[track_caller]` function that returns a `Result`, or has `ret`, the body sees itself as the caller.
///
/// # Errors
/// Every mistake is a compile error at what was written, all of them at once, and the function itself stays as it is.
#[proc_macro_attribute]
pub fn instrument(arguments: TokenStream, item: TokenStream) -> TokenStream {
    instrument::instrument(arguments.into(), item.into(), Style::Ours).into()
}

/// `telemetry_runtime::compat::instrument`, documented there.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn compat_instrument(arguments: TokenStream, item: TokenStream) -> TokenStream {
    instrument::instrument(arguments.into(), item.into(), Style::Tracing).into()
}

/// A span around a block: current until the value is dropped.
///
/// First comes the name: a text, the path of a const, or any other expression, which is evaluated while the span is recorded. Then come
/// fields, as in `#[instrument(fields(..))]`, where a name alone is a variable: `x` with its type, `?x` as `Debug` text, `%x.y` as
/// `Display` text. Between them may stand the arguments `target`, `level`, `kind`, `parent`, `root`, `links`, `follows_from`, `sample`,
/// `keep_if_slower` and `crate`, as in [`#[instrument]`](macro@instrument): to link to the span that is current, take its context before; a field of such a name is written in quotes. What is named like a
/// secret is recorded as `[REDACTED]` unless it stands in `expose(..)`.
///
/// It stays on its thread. For a future there is [`detached_span!`].
///
/// # Examples
/// ```
/// use telemetry_runtime::{Span, SpanContext, span};
///
/// fn refund(order: u64, reason: &str) {
///     let _span = span!("refund", order, %reason, currency = "EUR", kind = "client");
///     // everything here is within the span
/// }
///
/// fn handle(message: u64, sender: &SpanContext) {
///     {
///         let _span = span!(format!("message {message}"), parent = sender, kind = "consumer");
///         refund(message, "broken");
///     }
///     // and nothing here
/// }
/// # handle(1, &SpanContext::default());
/// ```
#[proc_macro]
pub fn span(tokens: TokenStream) -> TokenStream {
    span::entered(tokens.into()).into()
}

/// A span that has started and is current nowhere yet: to be given to `instrument` of a future or closure.
///
/// It takes what [`span!`] takes. It ends with the future or closure; one that is given to neither leaves no trace.
///
/// # Examples
/// ```
/// use telemetry_runtime::{Instrument, detached_span};
///
/// async fn fetch(id: u64) -> u64 {
///     id
/// }
///
/// let fetching = fetch(7).instrument(detached_span!("fetch", id = 7, kind = "client")); // to be awaited, or spawned
/// # drop(fetching);
/// ```
#[proc_macro]
pub fn detached_span(tokens: TokenStream) -> TokenStream {
    span::detached(tokens.into()).into()
}

/// An event that happens now, within the current span; where none is recorded, nothing is evaluated.
///
/// First comes the name, a text or the path of a const. Then come fields, as in [`span!`]. Between them may stand the arguments
/// `target`, `level` and `crate`, as in [`#[instrument]`](macro@instrument); a field of such a name is written in quotes. What is named like a
/// secret is recorded as `[REDACTED]` unless it stands in `expose(..)`.
///
/// It is the cheapest way to an event. For names and keys that are known only at run time there is `Span::add_event`.
///
/// # Examples
/// ```
/// use telemetry_runtime::{event, instrument};
///
/// #[instrument]
/// fn find(user: u64) {
///     event!("cache.miss", cache.name = "users", cache.size = 512, user);
/// }
/// # find(7);
/// ```
#[proc_macro]
pub fn event(tokens: TokenStream) -> TokenStream {
    event::event(tokens.into()).into()
}
