//! Gives a future or closure a span of its own, made by `detached_span!`.

use super::instrumented::{Instrumented, Opened, instrument};
use super::recording::Recording;

/// Runs a future within a span: current while the future is polled, ended with it. For closures there is [`InstrumentOnce`].
///
/// # Cancel safety
/// Dropping the future before it is ready ends the span, marked `cancelled`.
///
/// # Examples
/// ```
/// use telemetry_runtime::{Instrument, detached_span};
///
/// async fn notify() {}
/// let task = notify().instrument(detached_span!("notify", kind = "producer")); // tokio::spawn(task)
/// # drop(task);
/// ```
pub trait Instrument: Future + Sized {
    /// The same future, within the span.
    fn instrument<const N: usize>(
        self,
        span: Opened<N>,
    ) -> Instrumented<N, Opened<N>, Self, Unobserved<N, Self>> {
        instrument(span, self, |_, _| {})
    }
}

/// Looks at nothing.
type Unobserved<const N: usize, F> = fn(&mut Recording<N>, &<F as Future>::Output);

impl<F: Future> Instrument for F {}

/// Runs a closure within a span, such as one given to `spawn_blocking` or `std::thread::spawn`.
///
/// # Examples
/// ```
/// use telemetry_runtime::{InstrumentOnce, detached_span};
///
/// let thread = std::thread::spawn((|| 6 * 7).instrument(detached_span!("multiply")));
/// assert_eq!(thread.join().unwrap(), 42);
/// ```
pub trait InstrumentOnce<R>: FnOnce() -> R + Sized {
    /// The same closure, within the span.
    fn instrument<const N: usize>(self, mut span: Opened<N>) -> impl FnOnce() -> R {
        move || {
            let value = span.scope(self);
            span.end();
            value
        }
    }
}

impl<F: FnOnce() -> R, R> InstrumentOnce<R> for F {}
