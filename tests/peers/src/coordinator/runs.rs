//! Runs of one plan each: how they are started, repeated and summed up.

use super::child::Child;
use super::options::Options;
use crate::configurations::Configuration;
use crate::run::{Outcome, PATIENCE, Plan};
use crate::statistics;
use std::io;
use std::time::Duration;

/// How much longer than production and flush a process may take.
const GRACE: Duration = Duration::from_secs(20);

/// Carries out a plan in a process of its own.
pub(super) fn run(plan: &Plan) -> io::Result<Outcome> {
    let words = plan.words();
    let arguments: Vec<&str> = std::iter::once("run").chain(words.iter().map(String::as_str)).collect();
    let line = Child::start_self(&arguments)?.answer(plan.duration + PATIENCE + GRACE)?;
    Outcome::from_line(&line).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The runs of each configuration.
pub(super) type Runs<R> = Vec<(&'static Configuration, Vec<R>)>;

/// Runs each configuration so many times, beginning with another one each time.
pub(super) fn in_rotation<R>(
    configurations: &[&'static Configuration],
    repeats: usize,
    mut run: impl FnMut(&'static Configuration) -> io::Result<R>,
) -> io::Result<Runs<R>> {
    let mut all: Runs<R> = configurations.iter().map(|configuration| (*configuration, Vec::new())).collect();
    for repeat in 0..repeats {
        for place in 0..all.len() {
            let place = (repeat + place) % configurations.len();
            let (configuration, runs) = &mut all[place];
            runs.push(run(configuration)?);
        }
    }
    Ok(all)
}

/// The median of a figure over some runs.
pub(super) fn median<R>(runs: &[R], of: impl Fn(&R) -> f64) -> f64 {
    statistics::median(runs.iter().map(of))
}

/// What some runs have to say besides numbers.
pub(super) fn remarks<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> String {
    let mut remarks: Vec<&str> = outcomes.into_iter().map(Outcome::remark).collect();
    remarks.sort_unstable();
    remarks.dedup();
    remarks.retain(|remark| !remark.is_empty());
    remarks.join("; ")
}

/// How often everything was run.
pub(super) fn note(options: &Options) -> String {
    match options.repeats {
        1 => "one run".to_owned(),
        repeats => format!("medians of {repeats} runs"),
    }
}

/// Prints the settings of configurations.
pub(super) fn print_settings<'a>(configurations: impl IntoIterator<Item = &'a Configuration>) {
    for Configuration { name, settings, .. } in configurations {
        println!("* {name}: {settings}.");
    }
}
