//! What tests that install telemetry need: to be alone in their process, and a port where nobody is.

use std::net::TcpListener;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One installation at a time: tests of one process take turns.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The base URL of a port where nobody listens.
///
/// # Panics
/// The loopback interface has no free port.
pub fn unused() -> String {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    format!("http://{}", address.expect("a free port"))
}
