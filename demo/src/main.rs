//! The demo: a small order service on Warp whose every request can be followed through its trace.

mod check;
mod cli;
mod error;
mod fields;
mod order;
mod relay;
mod routes;
mod server;
mod settings;
mod shutdown;
mod startup;
mod store;

use clap::Parser;
use cli::{Cli, Command};
use settings::ServerSettings;
use startup::StartError;
use std::process::ExitCode;
use std::time::Duration;
use store::Store;
use telemetry_runtime::{Guard, Settings};

/// How long the last spans may take to leave when the demo ends.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(1500);

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

fn run(cli: &Cli) -> Result<(), StartError> {
    let settings = Settings::find(cli.config.as_deref()).map_err(StartError::settings)?;
    let server = settings.section::<ServerSettings>("server").map_err(StartError::settings)?;
    let server = server.unwrap_or_default().overridden_by(cli);
    let is_relay = match cli.command {
        Some(Command::CheckConfig) => return check::check(settings),
        Some(Command::Relay) => true,
        None => false,
    };
    let telemetry =
        telemetry_runtime::builder().settings(settings).install().map_err(StartError::telemetry)?;
    let runtime = tokio::runtime::Runtime::new().map_err(StartError::runtime)?;

    let outcome = runtime.block_on(async {
        match is_relay {
            true => serve_relay(&server, &telemetry).await,
            false => serve(&server, &telemetry).await,
        }
    });

    // The runtime still runs: a second signal is heard while the last spans leave.
    let report = telemetry.shutdown(FLUSH_TIMEOUT);
    startup::farewell(&report, &telemetry.status());
    runtime.shutdown_background();
    outcome
}

/// From the bound port to the last answer.
async fn serve(settings: &ServerSettings, telemetry: &Guard) -> Result<(), StartError> {
    let stop = shutdown::requested().map_err(StartError::runtime)?;
    let store = Store::open(settings.data_dir.as_deref()).map_err(StartError::store)?;
    let listener = server::bind(settings).await?;
    startup::announce(&listener, &store, &telemetry.status());
    server::serve(listener, routes::service(store), stop).await;
    Ok(())
}

/// The same for the relay.
async fn serve_relay(settings: &ServerSettings, telemetry: &Guard) -> Result<(), StartError> {
    let stop = shutdown::requested().map_err(StartError::runtime)?;
    let listener = server::bind(settings).await?;
    startup::announce_relay(&listener, &telemetry.status());
    server::serve(listener, relay::service(), stop).await;
    Ok(())
}
