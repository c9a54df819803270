//! The `server` section of the settings: where the demo listens and where it keeps its orders.

use crate::cli::Cli;
use serde::Deserialize;
use std::path::PathBuf;

/// Where to listen and where to keep the orders.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerSettings {
    /// The host name or address to listen on. Default: `127.0.0.1`, which only this machine reaches.
    pub(crate) host: String,
    /// The port to listen on; 0 takes any free one. Default: 8000.
    pub(crate) port: u16,
    /// Where the orders are kept. Default: a new temporary directory, removed at the end.
    pub(crate) data_dir: Option<PathBuf>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 8000, data_dir: None }
    }
}

impl ServerSettings {
    /// The same settings where the command line says nothing else.
    pub(crate) fn overridden_by(self, cli: &Cli) -> Self {
        Self {
            host: cli.host.clone().unwrap_or(self.host),
            port: cli.port.unwrap_or(self.port),
            data_dir: self.data_dir,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn the_command_line_wins_over_the_settings() {
        let settings =
            ServerSettings { host: "::1".to_owned(), port: 9000, data_dir: Some(PathBuf::from("orders")) };
        let cli = Cli::parse_from(["telemetry-demo", "--port", "1234"]);

        let effective = settings.overridden_by(&cli);

        assert_eq!(effective.host, "::1");
        assert_eq!(effective.port, 1234);
        assert_eq!(effective.data_dir, Some(PathBuf::from("orders")));
    }
}
