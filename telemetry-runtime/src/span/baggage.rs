//! The baggage of the current context, and what makes other baggage current.

use super::attached::{Attached, attach_snapshot};
use super::context::current;
use crate::record::{Baggage, Luggage};

impl Baggage {
    /// The baggage that is current on this thread: what came with the request that is served, and what code has attached since.
    pub fn current() -> Self {
        current().luggage().baggage()
    }

    /// Makes this the baggage of what runs on this thread until the guard is dropped; the current span stays.
    ///
    /// Do not hold the guard across an `.await`. For a future, make it [carry](crate::InCurrentSpan) the baggage along.
    ///
    /// # Examples
    /// ```
    /// use telemetry_runtime::{Baggage, InCurrentSpan};
    ///
    /// # async fn call() {}
    /// # async fn example() -> Result<(), telemetry_runtime::BaggageError> {
    /// let call = {
    ///     let _attached = Baggage::current().with("tenant", "7")?.attach();
    ///     call().in_current_span()
    /// };
    /// call.await; // with `tenant=7` in the headers that it sends
    /// # Ok(())
    /// # }
    /// ```
    pub fn attach(&self) -> Attached {
        let snapshot = current().snapshot();
        let luggage = Luggage::new(snapshot.luggage.trace_state(), self.clone());
        attach_snapshot(&snapshot.with_luggage(luggage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
    use crate::span::{InCurrentSpanOnce, Span, attach};

    fn tenant() -> Baggage {
        Baggage::default().with("tenant", "7").expect("it is a member")
    }

    fn parent() -> SpanContext {
        SpanContext::new(TraceId::from_int(1), SpanId::from_int(2), TraceFlags::SAMPLED)
            .with_trace_state(TraceState::from_valid("a=1"))
    }

    #[test]
    fn it_is_current_until_the_guard_is_dropped() {
        let attached = tenant().attach();
        assert_eq!(Baggage::current(), tenant());
        assert!(!Span::current().context().is_valid());
        drop(attached);
        assert!(Baggage::current().is_empty());
    }

    #[test]
    fn it_leaves_the_span_alone_and_a_span_leaves_it_alone() {
        let _tenant = tenant().attach();
        let _parent = attach(&parent());
        assert_eq!((Span::current().context(), Baggage::current()), (parent(), tenant()));
        let none = Baggage::default().attach();
        assert_eq!((Span::current().context(), Baggage::current()), (parent(), Baggage::default()));
        drop(none);
        let _root = attach(&SpanContext::default());
        assert_eq!((Span::current().context(), Baggage::current()), (SpanContext::default(), tenant()));
    }

    #[test]
    fn it_is_carried_to_other_threads() {
        let carried = {
            let _attached = tenant().attach();
            Baggage::current.in_current_span()
        };
        assert!(Baggage::current().is_empty());
        assert_eq!(std::thread::scope(|scope| scope.spawn(carried).join()).expect("it runs"), tenant());
    }
}
