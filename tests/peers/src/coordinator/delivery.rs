//! The table of spans over OTLP/HTTP to a receiver on the loopback.

use super::child::Child;
use super::markdown::{Table, number};
use super::options::Options;
use super::runs;
use crate::configurations::{Configuration, Part};
use crate::receiver::Arrivals;
use crate::run::{Outcome, Plan};
use crate::sink::Sink;
use std::io;
use std::time::Duration;

/// Measures and prints.
pub(super) fn report(options: &Options) -> io::Result<()> {
    let configurations = options.configurations(Part::Delivery);
    let mut receiver = Receiver::start()?;
    let mut table = Table::new(COLUMNS);
    for rate in RATES {
        let driver = driver_cpu_per_span(options, rate)?;
        let runs = runs::in_rotation(&configurations, options.repeats, |configuration| {
            let plan = plan(options, configuration.name, receiver.sink(), rate);
            receiver.reset()?;
            Ok(Delivery { outcome: runs::run(&plan)?, arrivals: receiver.arrivals()?, driver })
        })?;
        runs.iter().for_each(|(configuration, deliveries)| {
            table.push(std::iter::once(offer(rate)).chain(row(configuration, deliveries)));
        });
    }
    print(options, &configurations, &table);
    Ok(())
}

/// Spans a second that are offered; at last as many as possible.
const RATES: [Option<u32>; 4] = [Some(20_000), Some(100_000), Some(400_000), None];

const COLUMNS: [&str; 12] = [
    "offered k/s",
    "configuration",
    "created k/s",
    "delivered k/s",
    "delivered %",
    "lost by its own count %",
    "CPU s / M delivered",
    "bytes / span",
    "largest request MiB",
    "% in requests > 4 MiB",
    "peak resident MiB",
    "remark",
];

fn offer(rate: Option<u32>) -> String {
    rate.map_or_else(|| "unlimited".to_owned(), |rate| (rate / 1000).to_string())
}

fn plan(options: &Options, configuration: &str, sink: Sink, rate: Option<u32>) -> Plan {
    eprintln!("delivery: {} {configuration}", offer(rate));
    Plan {
        configuration: configuration.to_owned(),
        sink,
        threads: 1,
        has_attributes: true,
        rate,
        duration: options.delivery,
    }
}

/// What the loop that makes spans costs by itself, in processor seconds per span.
fn driver_cpu_per_span(options: &Options, rate: Option<u32>) -> io::Result<f64> {
    let run = || runs::run(&plan(options, "floor: empty call", Sink::Counter, rate));
    let outcomes = (0..options.repeats).map(|_| run()).collect::<io::Result<Vec<_>>>()?;
    Ok(runs::median(&outcomes, |outcome| outcome.cpu_seconds / outcome.created as f64))
}

/// A run over the loopback.
struct Delivery {
    outcome: Outcome,
    arrivals: Arrivals,
    driver: f64,
}

impl Delivery {
    fn share(&self) -> f64 {
        self.arrivals.spans as f64 / self.outcome.created as f64
    }

    fn cpu_per_million(&self) -> f64 {
        let driver = self.driver * self.outcome.created as f64;
        (self.outcome.cpu_seconds - driver) / (self.arrivals.spans as f64 / 1e6)
    }

    fn lost_by_its_own_count(&self) -> f64 {
        self.outcome.lost.map_or(f64::NAN, |lost| lost as f64 / self.outcome.created as f64)
    }
}

fn row(configuration: &Configuration, runs: &[Delivery]) -> [String; 11] {
    let median = |of: fn(&Delivery) -> f64| number(runs::median(runs, of));
    [
        configuration.name.to_owned(),
        median(|run| run.outcome.created as f64 / run.outcome.seconds / 1e3),
        median(|run| run.arrivals.spans as f64 / run.outcome.settled_seconds / 1e3),
        median(|run| 100.0 * run.share()),
        median(|run| 100.0 * run.lost_by_its_own_count()),
        median(Delivery::cpu_per_million),
        median(|run| run.arrivals.bytes as f64 / run.arrivals.spans as f64),
        median(|run| run.arrivals.largest_bytes as f64 / f64::from(1 << 20)),
        median(|run| 100.0 * run.arrivals.spans_in_large as f64 / run.arrivals.spans as f64),
        median(|run| run.outcome.peak_mib),
        runs::remarks(runs.iter().map(|run| &run.outcome)),
    ]
}

/// The receiver's process.
struct Receiver {
    process: Child,
    port: String,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Receiver {
    fn start() -> io::Result<Self> {
        let process = Child::start_self(&["receiver"])?;
        let port = process.answer(PATIENCE)?;
        Ok(Self { process, port })
    }

    fn sink(&self) -> Sink {
        Sink::Otlp(format!("http://127.0.0.1:{}/v1/traces", self.port))
    }

    fn reset(&mut self) -> io::Result<()> {
        self.arrivals().map(drop)
    }

    /// What has arrived since the last time.
    fn arrivals(&mut self) -> io::Result<Arrivals> {
        let line = self.process.ask("", PATIENCE)?;
        Arrivals::from_line(&line).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

fn print(options: &Options, configurations: &[&Configuration], table: &Table) {
    println!("\n## End to end over OTLP/HTTP, protobuf, not compressed\n");
    println!(
        "One thread makes traces of a root and 100 children with three attributes for {:?}, then a flush",
        options.delivery
    );
    println!(
        "follows. The receiver is a process on the same machine that counts. `delivered k/s` is over the whole time,"
    );
    println!(
        "the flush included; CPU is the client's, less what the empty loop costs: {}.\n",
        runs::note(options)
    );
    println!("{table}");
    runs::print_settings(configurations.iter().copied());
}
