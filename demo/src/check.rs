//! `check-config`: what holds and why, and whether every exporter answers.

use crate::startup::StartError;
use std::io::{self, Write};
use telemetry_runtime::{ExporterCheck, Settings};

/// Prints the settings and what came of asking the exporters; an error if one does not answer.
pub(crate) fn check(settings: Settings) -> Result<(), StartError> {
    // Who does not read on wants the exit code.
    let _ = writeln!(io::stdout(), "{}", settings.resolved());
    for warning in settings.warnings() {
        let _ = writeln!(io::stderr(), "telemetry-demo: warning: {warning}");
    }
    let checks = telemetry_runtime::builder().settings(settings).check();
    for check in &checks {
        let _ = writeln!(io::stdout(), "{check}");
    }
    match checks.into_iter().filter(is_silent).count() {
        0 => Ok(()),
        silent => Err(StartError::silent(silent)),
    }
}

fn is_silent(check: &ExporterCheck) -> bool {
    check.outcome.is_err()
}
