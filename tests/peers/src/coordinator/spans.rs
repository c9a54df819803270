//! The tables of what one span costs the thread that makes it.

use super::allocations;
use super::child::Child;
use super::markdown::{Table, number, ratio};
use super::options::Options;
use super::runs;
use crate::configurations::{Configuration, Group, Part};
use crate::scenario::Scenario;
use crate::statistics::{median, minimum};
use crate::worker::Answer;
use std::io;
use std::time::Duration;

/// Measures and prints.
pub(super) fn report(options: &Options) -> io::Result<()> {
    let mut rows = start(options)?;
    for round in 0..options.rounds {
        eprintln!("spans: round {} of {}", round + 1, options.rounds);
        for (index, scenario) in Scenario::ALL.into_iter().enumerate() {
            measure(&mut rows, index, scenario, round, options.bursts)?;
        }
    }
    rows.iter_mut().for_each(|row| row.worker = None);
    count_allocations(&mut rows)?;
    print(&rows, options);
    Ok(())
}

/// What is known of a configuration.
struct Row {
    configuration: &'static Configuration,
    worker: Option<Child>,
    /// For each scenario, one answer a round.
    answers: Vec<Vec<Answer>>,
    /// For each scenario.
    allocations: Vec<f64>,
}

const PATIENCE: Duration = Duration::from_secs(120);

fn start(options: &Options) -> io::Result<Vec<Row>> {
    let start = |configuration: &'static Configuration| {
        Ok(Row {
            configuration,
            worker: Some(Child::start_self(&["worker", configuration.name])?),
            answers: vec![Vec::new(); Scenario::ALL.len()],
            allocations: Vec::new(),
        })
    };
    options.configurations(Part::Spans).into_iter().map(start).collect()
}

/// Has one worker after the other run the scenario, beginning with another one each time.
fn measure(
    rows: &mut [Row],
    index: usize,
    scenario: Scenario,
    round: usize,
    bursts: usize,
) -> io::Result<()> {
    let order = format!("{};{bursts}", scenario.title());
    for place in 0..rows.len() {
        let first = (round + index) % rows.len();
        let length = rows.len();
        let row = &mut rows[(first + place) % length];
        let worker = row.worker.as_mut().expect("workers run until all rounds are over");
        let line = worker.ask(&order, PATIENCE)?;
        row.answers[index].push(Answer::from_line(&line).ok_or(io::ErrorKind::InvalidData)?);
    }
    Ok(())
}

fn count_allocations(rows: &mut [Row]) -> io::Result<()> {
    eprintln!("spans: allocations");
    let program = allocations::build()?;
    for row in rows {
        row.allocations = allocations::count(&program, row.configuration.name)?;
    }
    Ok(())
}

fn print(rows: &[Row], options: &Options) {
    let Options { rounds, bursts, .. } = options;
    println!("\n## What one span costs its thread\n");
    println!(
        "Nanoseconds per span: median of {rounds} rounds of the median of {bursts} bursts / the fastest burst"
    );
    println!(
        "(a = heap allocations per span on its thread, from a pass of its own). Bursts of up to 505 spans,"
    );
    println!("each followed by a flush that is not timed, so that nothing is dropped.\n");
    println!("{}", costs(rows));
    runs::print_settings(rows.iter().map(|row| row.configuration));
    println!("\n### Ratios\n");
    println!(
        "Median over the rounds of the ratio within a round, to each of the two configurations named.\n"
    );
    println!("{}", ratios(rows));
    println!("### Created and delivered\n\n{}", deliveries(rows));
}

fn header(first: &'static [&'static str]) -> Table {
    Table::new(first.iter().copied().chain(Scenario::ALL.map(Scenario::title)))
}

fn costs(rows: &[Row]) -> Table {
    let mut table = header(&["configuration"]);
    for row in rows {
        let cell = |(answers, allocations): (&Vec<Answer>, &f64)| {
            let median = median(answers.iter().map(|answer| answer.median));
            let minimum = minimum(answers.iter().map(|answer| answer.minimum));
            format!("{} / {} ({}a)", number(median), number(minimum), number(*allocations))
        };
        let cells = row.answers.iter().zip(&row.allocations).map(cell);
        table.push(std::iter::once(row.configuration.name.to_owned()).chain(cells));
    }
    table
}

fn ratios(rows: &[Row]) -> Table {
    let mut table = header(&["configuration", "compared with"]);
    for row in rows {
        for name in row.configuration.group.baselines() {
            let baseline = rows.iter().find(|other| other.configuration.name == *name);
            let Some(baseline) = baseline.filter(|other| other.configuration.name != row.configuration.name)
            else {
                continue;
            };
            let cells = row.answers.iter().zip(&baseline.answers).map(|(own, other)| same_round(own, other));
            table.push([row.configuration.name.to_owned(), (*name).to_owned()].into_iter().chain(cells));
        }
    }
    table
}

fn same_round(own: &[Answer], other: &[Answer]) -> String {
    ratio(median(own.iter().zip(other).map(|(own, other)| own.median / other.median)))
}

/// Where the delivered share is not what it should be: all of the sampled spans, none of the others.
fn deliveries(rows: &[Row]) -> String {
    let mut lines = String::new();
    for row in rows {
        let expected = if row.configuration.group == Group::Sampled { "1.000" } else { "0.000" };
        for (scenario, answers) in Scenario::ALL.into_iter().zip(&row.answers) {
            let share = format!("{:.3}", share(answers));
            if share != expected {
                lines += &format!("* {}, {}: {share}\n", row.configuration.name, scenario.title());
            }
        }
    }
    if lines.is_empty() {
        return "Delivered / created is 1.000 in every cell of every sampled row, and 0.000 in all others.\n"
            .to_owned();
    }
    format!(
        "Delivered / created is 1.000 in every cell of every sampled row, and 0.000 in all others, but:\n\n{lines}"
    )
}

fn share(answers: &[Answer]) -> f64 {
    let sum = |count: fn(&Answer) -> u64| answers.iter().map(count).sum::<u64>() as f64;
    sum(|answer| answer.delivered) / sum(|answer| answer.created)
}
