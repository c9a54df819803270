//! What of a request's headers is believed: the caller's span and its baggage.

use crate::propagation::{Incoming, Received, installed};
use crate::record::{Baggage, SpanContext};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What a request's span starts with.
#[derive(Debug, Default)]
pub(super) struct Caller {
    /// The caller's span, if its trace is continued.
    pub(super) parent: Option<SpanContext>,
    /// The caller's span, if it is only linked to.
    pub(super) link: Option<SpanContext>,
    /// The caller's baggage, added to what is current.
    pub(super) baggage: Baggage,
}

impl Caller {
    /// As much of the headers as the settings let in.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let options = installed();
        let received = || options.propagators.extract(headers.iter().map(text));
        match options.incoming {
            Incoming::Trust => {
                let Received { context, baggage } = received();
                Self { parent: context, link: None, baggage: Baggage::current().merged(&baggage) }
            }
            Incoming::Link => Self { parent: None, link: received().context, baggage: Baggage::current() },
            Incoming::Ignore => Self { baggage: Baggage::current(), ..Self::default() },
        }
    }
}

/// A value that is no text counts as one that no format takes.
fn text<'a>((name, value): (&'a HeaderName, &'a HeaderValue)) -> (&'a str, &'a str) {
    (name.as_str(), std::str::from_utf8(value.as_bytes()).unwrap_or("\u{fffd}"))
}
