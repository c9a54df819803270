//! For code that was written for `tracing`: its attribute, with its defaults, beside a span of ours.

/// `tracing::instrument`, and a span of ours as well.
///
/// Change `use tracing::instrument;` to `use telemetry_runtime::compat::instrument;`, and nothing else: every parameter becomes a field, by
/// its `Debug` text unless it is spelled as a number, a `bool` or a text; `err` and `ret` make events; any subscriber sees the same spans with
/// the same names, targets, levels and fields, entered and left in the same order. Beside that each call is a span of ours, which has the
/// same attributes with their own types, a status, errors and cancellation, and goes where `settings.yaml` says.
///
/// What differs from `#[tracing::instrument]`:
/// - An argument that does not exist is an error and not a warning.
/// - Fields that are named like a secret are `[REDACTED]` in our span; in that of `tracing` they are what they always were.
/// - A field's expression is evaluated for each of the two spans that wants it.
/// - `parent` and `follows_from` are for the span of `tracing`; ours is below the current one, or a root where `parent = None`.
/// - What is said to the span of `tracing` later, by `Span::record` or `follows_from`, is said to ours where the layer
///   [`bridge::spans`](crate::bridge::spans) is, which [`init`](crate::init) installs; and where it is entered, ours is current.
/// - It also takes the arguments of [`#[instrument]`](macro@crate::instrument) that `tracing` does not have, for our span, and goes on blocks.
///
/// It needs the feature `tracing`.
///
/// # Examples
/// ```
/// use telemetry_runtime::compat::instrument;
///
/// #[instrument(skip(password), fields(user.name = %name), err, level = "debug")]
/// async fn login(name: &str, password: &str, attempt: u32) -> Result<(), std::fmt::Error> {
///     Ok(())
/// }
/// # drop(login("anna", "", 1));
/// ```
pub use telemetry_macros::compat_instrument as instrument;
