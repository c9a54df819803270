//! Between a context and the text of request headers, in the formats that services agree on.
//!
//! Which formats are spoken is a setting, `telemetry.propagators` or `OTEL_PROPAGATORS`; [`Propagators::current`] is what it says.
//! With the feature `http`, `TraceService` and `ClientService` do what there is to do; other carriers, such as messages, take a few lines.
//!
//! # Examples
//! ```
//! use telemetry_runtime::propagation::Propagators;
//! use telemetry_runtime::{Baggage, Span, attach};
//!
//! // Where a message is sent.
//! let sent = Propagators::current().inject(&Span::current().context(), &Baggage::current());
//!
//! // Where it is received.
//! let received = Propagators::current().extract(sent.iter().map(|(name, value)| (&**name, &**value)));
//! let _baggage = received.baggage.attach();
//! let _parent = received.context.as_ref().map(attach);
//! ```

mod b3;
mod b3multi;
mod baggage;
mod headers;
mod jaeger;
mod options;
mod propagators;
pub mod tracecontext;
mod xray;

pub(crate) use options::{Incoming, Options, install, installed};
pub use propagators::{Propagator, Propagators, Received};
