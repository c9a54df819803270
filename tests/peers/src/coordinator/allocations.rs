//! The pass that counts allocations: built when asked for, since `cargo run` builds one program only.

use super::child::Child;
use crate::scenario::Scenario;
use crate::worker::Answer;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Few are enough: counts repeat.
const BURSTS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);

/// Builds the counting worker beside this program.
pub(super) fn build() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("allocations");
    let target = program.parent().and_then(|release| release.parent()).expect("`<target>/release/peers`");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--quiet", "--bin", "allocations"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .arg("--target-dir")
        .arg(target)
        .stdout(Stdio::null())
        .status()?;
    if status.success() { Ok(program) } else { Err(io::Error::other("`allocations` cannot be built")) }
}

/// Allocations per span on the thread that makes it, in the median burst, for each scenario.
pub(super) fn count(program: &Path, configuration: &str) -> io::Result<Vec<f64>> {
    let mut worker = Child::start(program, &[configuration])?;
    let mut count = |scenario: Scenario| {
        let line = worker.ask(&format!("{};{BURSTS}", scenario.title()), PATIENCE)?;
        Ok(Answer::from_line(&line).ok_or(io::ErrorKind::InvalidData)?.median)
    };
    Scenario::ALL.into_iter().map(&mut count).collect()
}
