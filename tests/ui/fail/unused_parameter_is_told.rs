#![deny(unused)]

use telemetry_runtime::instrument;

#[instrument]
pub fn plain(id: u64, mut changed: u64) {}

#[instrument]
pub fn watched(id: u64, text: &str) -> Result<(), String> {
    Ok(())
}

#[instrument]
pub async fn later(id: u64, mut changed: Vec<u8>) {}

fn main() {}
