//! Spawning that carries the current span along: what runs elsewhere stays below it.
//!
//! | instead of | write | needs |
//! |---|---|---|
//! | `tokio::spawn(future)` | `spawn::task(future)` | feature `tokio` |
//! | `tokio::task::spawn_blocking(closure)` | `spawn::blocking(closure)` | feature `tokio` |
//! | `std::thread::spawn(closure)` | `spawn::thread(closure)` | – |
//! | `pool.spawn(closure)`, of rayon or any other pool | `pool.spawn(closure.in_current_span())`, by [`InCurrentSpanOnce`] | – |
//! | `executor.spawn(future)`, of any other executor | `executor.spawn(future.in_current_span())`, by [`InCurrentSpan`] | – |
//!
//! Work that is to have a span of its own takes `future.instrument(detached_span!("name"))` ([`Instrument`](crate::Instrument)), which is
//! below the span that is current where it is made. `in_current_span()` and `instrument(span)` of `tracing` do the same for its own spans, where the
//! layer `bridge::spans` is.

#[cfg(feature = "tokio")]
use crate::span::InCurrentSpan;
use crate::span::InCurrentSpanOnce;

/// As [`tokio::spawn`], below the current span.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use telemetry_runtime::spawn;
///
/// assert_eq!(spawn::task(async { 6 * 7 }).await.unwrap(), 42);
/// # });
/// ```
///
/// # Panics
/// Outside of a Tokio runtime.
#[cfg(feature = "tokio")]
#[track_caller]
pub fn task<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    tokio::spawn(future.in_current_span())
}

/// As [`tokio::task::spawn_blocking`], below the current span.
///
/// # Panics
/// Outside of a Tokio runtime.
#[cfg(feature = "tokio")]
#[track_caller]
pub fn blocking<R>(work: impl FnOnce() -> R + Send + 'static) -> tokio::task::JoinHandle<R>
where
    R: Send + 'static,
{
    tokio::task::spawn_blocking(work.in_current_span())
}

/// As [`std::thread::spawn`], below the current span.
///
/// # Examples
/// ```
/// use telemetry_runtime::spawn;
///
/// assert_eq!(spawn::thread(|| 6 * 7).join().unwrap(), 42);
/// ```
///
/// # Panics
/// If the operating system has no thread left.
#[expect(clippy::disallowed_methods, reason = "the thread is the caller's, not one of ours")]
pub fn thread<R>(work: impl FnOnce() -> R + Send + 'static) -> std::thread::JoinHandle<R>
where
    R: Send + 'static,
{
    std::thread::spawn(work.in_current_span())
}
