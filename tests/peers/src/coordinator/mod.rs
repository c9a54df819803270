//! The coordinator: starts the other processes one after the other, and prints what they have measured as Markdown.

mod allocations;
mod child;
mod delivery;
mod header;
mod markdown;
mod options;
mod runs;
mod spans;
mod sustained;

use crate::configurations::Part;
use options::Options;
use std::io;

/// Measures what the flags ask for.
///
/// # Errors
/// If a flag is unknown, a process cannot be started, or one does not answer in time.
pub fn run(flags: &[&str]) -> io::Result<()> {
    if cfg!(debug_assertions) {
        return Err(io::Error::other("only an optimized build tells anything: run with `--release`"));
    }
    let options = Options::from_flags(flags)?;
    header::print(flags);
    for part in options.parts() {
        match part {
            Part::Spans => spans::report(&options)?,
            Part::Sustained => sustained::report(&options)?,
            Part::Delivery => delivery::report(&options)?,
        }
    }
    Ok(())
}
