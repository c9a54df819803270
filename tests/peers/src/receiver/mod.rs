//! The receiver process: takes OTLP/HTTP on the loopback, counts, and tells the counts when a line on its input says so.

mod http;
mod protobuf;

use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The largest request that a Collector takes by default over gRPC.
const LARGE_BYTES: usize = 4 << 20;

/// Prints its port, then answers each line with what has arrived since the one before, until the input ends.
///
/// # Errors
/// If there is no port, or the coordinator is gone.
pub fn serve() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    let arrivals = Arc::new(Mutex::new(Arrivals::default()));
    let shared = Arc::clone(&arrivals);
    thread::spawn(move || accept(&listener, &shared));
    for line in io::stdin().lock().lines() {
        line?;
        let arrived = std::mem::take(&mut *arrivals.lock().unwrap_or_else(PoisonError::into_inner));
        writeln!(io::stdout(), "{}", arrived.line())?;
    }
    Ok(())
}

fn accept(listener: &TcpListener, arrivals: &Arc<Mutex<Arrivals>>) {
    for connection in listener.incoming().map_while(Result::ok) {
        let arrivals = Arc::clone(arrivals);
        thread::spawn(move || {
            let take = |body: &[u8]| take(body, &arrivals);
            if let Err(error) = http::serve(&connection, take) {
                eprintln!("receiver: {error}");
            }
        });
    }
}

/// Counts what a request brings; whether it is OTLP.
fn take(body: &[u8], arrivals: &Mutex<Arrivals>) -> bool {
    let spans = protobuf::count_spans(body);
    if let Some(spans) = spans {
        arrivals.lock().unwrap_or_else(PoisonError::into_inner).add(body.len(), spans);
    }
    spans.is_some()
}

/// What has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrivals {
    /// Spans in all.
    pub(crate) spans: u64,
    /// Bytes of bodies in all.
    pub(crate) bytes: u64,
    /// The largest body.
    pub(crate) largest_bytes: u64,
    /// Spans in bodies of more than 4 MiB.
    pub(crate) spans_in_large: u64,
}

impl Arrivals {
    fn add(&mut self, length: usize, spans: u64) {
        self.spans += spans;
        self.bytes += length as u64;
        self.largest_bytes = self.largest_bytes.max(length as u64);
        self.spans_in_large += if length > LARGE_BYTES { spans } else { 0 };
    }

    fn line(&self) -> String {
        let Self { spans, bytes, largest_bytes, spans_in_large } = self;
        format!("{spans} {bytes} {largest_bytes} {spans_in_large}")
    }

    /// Reads what a receiver writes.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut numbers = line.split(' ').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Self { spans: next()?, bytes: next()?, largest_bytes: next()?, spans_in_large: next()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_read_as_they_were_written() {
        let mut arrivals = Arrivals::default();
        arrivals.add(10, 1);
        arrivals.add(LARGE_BYTES + 1, 7);
        assert_eq!((arrivals.spans, arrivals.spans_in_large), (8, 7));
        assert_eq!(Arrivals::from_line(&arrivals.line()), Some(arrivals));
    }
}
