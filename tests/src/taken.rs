//! What a receiver has taken, whatever protocol it speaks.

use crate::request::{Received, ReceivedLog, Request};
use std::io;

/// The spans and log records of the requests that were taken, in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) spans: Vec<Received>,
    pub(crate) logs: Vec<ReceivedLog>,
}

impl Taken {
    /// Adds what the request holds.
    pub(crate) fn add(&mut self, request: &Request) -> io::Result<()> {
        match request.is_of_logs() {
            true => self.logs.extend(request.logs()?),
            false => self.spans.extend(request.spans()?),
        }
        Ok(())
    }
}
