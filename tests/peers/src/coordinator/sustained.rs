//! The table of as many spans as possible for a time, counted by an exporter in the process that makes them.

use super::markdown::{Table, number};
use super::options::Options;
use super::runs;
use crate::configurations::{Configuration, Part};
use crate::run::{Outcome, Plan};
use crate::sink::Sink;
use std::io;

/// Measures and prints.
pub(super) fn report(options: &Options) -> io::Result<()> {
    let configurations = options.configurations(Part::Sustained);
    let mut table = Table::new(COLUMNS);
    for (has_attributes, threads) in [(false, 1), (true, 1), (false, 2), (true, 2)] {
        let runs = runs::in_rotation(&configurations, options.repeats, |configuration| {
            runs::run(&plan(options, configuration, has_attributes, threads))
        })?;
        runs.iter().for_each(|(configuration, outcomes)| {
            let start = [if has_attributes { "3" } else { "0" }.to_owned(), threads.to_string()];
            table.push(start.into_iter().chain(row(configuration, outcomes)));
        });
    }
    print(options, &configurations, &table);
    Ok(())
}

const COLUMNS: [&str; 9] = [
    "attributes",
    "threads",
    "configuration",
    "created M/s",
    "delivered M/s",
    "lost %",
    "CPU s / M delivered",
    "peak resident MiB",
    "remark",
];

fn plan(options: &Options, configuration: &Configuration, has_attributes: bool, threads: usize) -> Plan {
    eprintln!("sustained: {has_attributes} {threads} {}", configuration.name);
    Plan {
        configuration: configuration.name.to_owned(),
        sink: Sink::Counter,
        threads,
        has_attributes,
        rate: None,
        duration: options.sustained,
    }
}

fn row(configuration: &Configuration, outcomes: &[Outcome]) -> [String; 7] {
    let median = |of: fn(&Outcome) -> f64| number(runs::median(outcomes, of));
    [
        configuration.name.to_owned(),
        median(|outcome| outcome.created as f64 / outcome.seconds / 1e6),
        median(|outcome| outcome.delivered_at_stop as f64 / outcome.seconds / 1e6),
        median(|outcome| 100.0 * (1.0 - outcome.delivered as f64 / outcome.created as f64)),
        median(|outcome| outcome.cpu_seconds / (outcome.delivered as f64 / 1e6)),
        median(|outcome| outcome.peak_mib),
        runs::remarks(outcomes),
    ]
}

fn print(options: &Options, configurations: &[&Configuration], table: &Table) {
    println!("\n## Flat out, counted in the process\n");
    println!(
        "Each thread makes traces of a root and 100 children for {:?}, then a flush follows; the",
        options.sustained
    );
    println!(
        "attributes are the children's. Threads live until the flush is over. `delivered M/s` is what had arrived"
    );
    println!(
        "when production stopped, `lost` what had not arrived after the flush: {}.\n",
        runs::note(options)
    );
    println!("{table}");
    runs::print_settings(configurations.iter().copied());
}
