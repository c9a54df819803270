//! The demo: a small order service on Warp whose every request can be followed through its trace.

mod cli;
mod error;
mod fields;
mod order;
mod routes;
mod server;
mod settings;
mod shutdown;
mod startup;
mod store;

use clap::Parser;
use cli::Cli;
use settings::ServerSettings;
use startup::StartError;
use std::process::ExitCode;
use store::Store;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

fn run(cli: &Cli) -> Result<(), StartError> {
    let settings = ServerSettings::default().overridden_by(cli);
    let runtime = tokio::runtime::Runtime::new().map_err(StartError::runtime)?;

    let outcome = runtime.block_on(serve(&settings));

    runtime.shutdown_background();
    outcome
}

/// From the bound port to the last answer.
async fn serve(settings: &ServerSettings) -> Result<(), StartError> {
    let stop = shutdown::requested().map_err(StartError::runtime)?;
    let store = Store::open(settings.data_dir.as_deref()).map_err(StartError::store)?;
    let listener = server::bind(settings).await?;
    startup::announce(&listener, &store);
    server::serve(listener, routes::service(store), stop).await;
    Ok(())
}
