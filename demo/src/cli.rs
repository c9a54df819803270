//! The command line.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// A small order service that shows what Telemetry does: every request becomes a trace.
#[derive(Debug, Parser)]
#[command(name = "telemetry-demo", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// The settings file [default: $SETTINGS_FILE, else ./settings.yaml if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The host name or address to listen on [default: the settings', else 127.0.0.1]
    #[arg(long, global = true, value_name = "HOST")]
    pub(crate) host: Option<String>,

    /// The port to listen on, 0 for any free one [default: the settings', else 8000]
    #[arg(long, global = true, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// What to do instead of serving orders
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do instead of serving orders.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Command {
    /// Post what requests say to other services on this machine: `POST /relay` with [{"url": "..", "arguments": [..]}]
    Relay,
    /// Print every setting with its origin, secrets masked, and whether each enabled exporter answers an empty export
    CheckConfig,
}

const AFTER_HELP: &str = "\
What the command line says wins over the settings file, which wins over the defaults.

Exit codes: 0 after Ctrl-C or SIGTERM, 1 if it cannot start, 2 for a wrong command line, 78 for wrong settings; of check-config\n\
0 if all is well, 78 for wrong settings, 69 if an exporter does not answer.";
