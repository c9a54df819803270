//! What tests that install telemetry need: to be alone in their process, and a port where nobody is.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::net::TcpSocket;

/// One installation at a time: tests of one process take turns.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The base URL of a port where nobody listens, nor will while this process lives.
///
/// # Panics
/// The loopback interface has no free port.
pub fn unused() -> String {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    // A port that is bound is nobody else's, and refuses connections as long as nobody listens.
    std::mem::forget(socket);
    format!("http://{address}")
}
