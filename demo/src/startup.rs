//! What the demo says when it starts, and when it cannot.

use crate::settings::ServerSettings;
use crate::store::{Store, StoreError};
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use tokio::net::TcpListener;

/// Why the demo did not start.
#[derive(Debug)]
pub(crate) struct StartError {
    message: String,
    exit_code: u8,
}

/// The exit code for "it does not work here, now".
const FAILURE: u8 = 1;

impl StartError {
    /// The port is taken, or the host has no such address.
    pub(crate) fn bind(settings: &ServerSettings, error: &io::Error) -> Self {
        let ServerSettings { host, port, .. } = settings;
        Self::new(format!("cannot listen on {host}:{port}: {error}; --host and --port name another place"))
    }

    /// The orders cannot be kept where the settings say.
    pub(crate) fn store(error: StoreError) -> Self {
        Self::new(format!("cannot open the store: {error}"))
    }

    /// The operating system refused threads or signals.
    pub(crate) fn runtime(error: io::Error) -> Self {
        Self::new(format!("cannot start: {error}"))
    }

    fn new(message: String) -> Self {
        Self { message, exit_code: FAILURE }
    }

    /// Says why on standard error, and gives the process's exit code.
    pub(crate) fn report(&self) -> ExitCode {
        say(format_args!("telemetry-demo: {self}"));
        ExitCode::from(self.exit_code)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Says where the service listens and what to try first.
pub(crate) fn announce(listener: &TcpListener, store: &Store) {
    let Ok(address) = listener.local_addr() else { return };
    say(format_args!(
        "telemetry-demo listens on http://{address} and keeps its orders in {store}\n\
         documentation: http://{address}/docs\n\
         try: curl -i http://{address}/orders --json '{{\"item\": \"tea\", \"quantity\": 2}}'",
    ));
}

/// Writes to standard error; nobody reading there is no reason to stop.
fn say(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}
