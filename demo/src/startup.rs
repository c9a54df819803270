//! What the demo says when it starts, when it cannot, and when it ends.

use crate::settings::ServerSettings;
use crate::store::{Store, StoreError};
use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use telemetry_runtime::{InitError, Report, SettingsError, Signal, Status};
use tokio::net::TcpListener;

/// Why the demo did not start.
#[derive(Debug)]
pub(crate) struct StartError {
    message: String,
    exit_code: u8,
}

/// The exit code for "it does not work here, now".
const FAILURE: u8 = 1;
/// The exit code for an exporter that does not answer: `EX_UNAVAILABLE` of `sysexits.h`.
const UNAVAILABLE: u8 = 69;
/// The exit code for wrong settings: `EX_CONFIG` of `sysexits.h`.
const WRONG_SETTINGS: u8 = 78;

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

    /// The settings are wrong, and the message shows where; or they cannot be read, and the source says why.
    pub(crate) fn settings(error: SettingsError) -> Self {
        let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        Self { message: format!("{error}{cause}"), exit_code: WRONG_SETTINGS }
    }

    /// So many exporters do not answer; which and why was said already.
    pub(crate) fn silent(count: usize) -> Self {
        let message = match count {
            1 => "an exporter does not answer".to_owned(),
            count => format!("{count} exporters do not answer"),
        };
        Self { message, exit_code: UNAVAILABLE }
    }

    /// Telemetry could not be started.
    pub(crate) fn telemetry(error: InitError) -> Self {
        let exit_code = if error.is_settings() { WRONG_SETTINGS } else { FAILURE };
        Self { message: format!("cannot start telemetry: {error}"), exit_code }
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

/// Says where the service listens, where its spans go, and what to try first.
pub(crate) fn announce(listener: &TcpListener, store: &Store, telemetry: &Status) {
    let Ok(address) = listener.local_addr() else { return };
    let (spans, logs) = (takers(telemetry, Signal::Traces), takers(telemetry, Signal::Logs));
    say(format_args!(
        "telemetry-demo listens on http://{address}\n\
         documentation: http://{address}/docs\n\
         orders are kept in {store}\n\
         spans go to: {spans}\n\
         log records go to: {logs}\n\
         try: curl -i http://{address}/orders -H 'content-type: application/json' \
         -d '{{\"item\": \"tea\", \"quantity\": 2}}'",
    ));
}

/// The same for the relay.
pub(crate) fn announce_relay(listener: &TcpListener, telemetry: &Status) {
    let Ok(address) = listener.local_addr() else { return };
    let exporters = takers(telemetry, Signal::Traces);
    say(format_args!(
        "telemetry-demo relays on http://{address}\n\
         spans go to: {exporters}\n\
         try: curl -i http://{address}/relay -H 'content-type: application/json' \
         -d '[{{\"url\": \"http://127.0.0.1:8000/orders\", \"arguments\": {{\"item\": \"tea\", \"quantity\": 2}}}}]'",
    ));
}

/// The names of the exporters that take this signal.
fn takers(telemetry: &Status, signal: Signal) -> String {
    let takers = telemetry.exporters.iter().filter(|exporter| exporter.signal == signal);
    let names: Vec<&str> = takers.map(|exporter| exporter.name.as_str()).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

/// Says which exporters did not deliver everything, and what became of every span and log record.
pub(crate) fn farewell(report: &Report, status: &Status) {
    if report.is_complete() {
        return;
    }
    for exporter in &status.exporters {
        say(format_args!("telemetry-demo: {exporter}"));
    }
}

/// Writes to standard error; nobody reading there is no reason to stop.
fn say(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}
