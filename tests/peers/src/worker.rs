//! A worker process: one configuration, started once, that runs bursts of a scenario when a line on its input says so.

use crate::configurations;
use crate::counter;
use crate::library::Subject;
use crate::pair;
use crate::scenario::Scenario;
use crate::sink::Sink;
use crate::statistics::{median, minimum};
use std::io::{self, BufRead, Write};

/// What a burst costs: nanoseconds, or allocations of this thread.
pub type Meter = fn() -> u64;

/// Bursts before the first that counts: they fill caches, lanes and tables of callsites.
const WARM_UP: usize = 3;

/// Answers each line `<scenario>;<bursts>` until the input ends.
///
/// # Errors
/// If there is no such configuration, or the coordinator is gone.
pub fn serve(configuration: &str, meter: Meter) -> io::Result<()> {
    let configuration = configurations::by_name(configuration)?;
    let subject = (configuration.start)(&Sink::Counter);
    for line in io::stdin().lock().lines() {
        let (scenario, bursts) = order(&line?).ok_or(io::ErrorKind::InvalidInput)?;
        let answer = measure(subject.as_ref(), scenario, bursts, meter);
        writeln!(io::stdout(), "{}", answer.line())?;
    }
    Ok(())
}

fn order(line: &str) -> Option<(Scenario, usize)> {
    let (scenario, bursts) = line.split_once(';')?;
    Some((Scenario::from_title(scenario)?, bursts.parse().ok()?))
}

/// What a worker has measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answer {
    /// Cost of a span in the median burst.
    pub(crate) median: f64,
    /// Cost of a span in the cheapest burst.
    pub(crate) minimum: f64,
    /// Spans made, the warm-up's included.
    pub(crate) created: u64,
    /// Of these, spans that arrived at the counting exporter.
    pub(crate) delivered: u64,
}

fn measure(subject: &dyn Subject, scenario: Scenario, bursts: usize, meter: Meter) -> Answer {
    let before = counter::delivered();
    let costs = costs(subject, scenario, WARM_UP + bursts, meter);
    let spans = (scenario.spans() * scenario.threads()) as f64;
    let per_span = || costs[WARM_UP..].iter().map(|cost| *cost as f64 / spans);
    Answer {
        median: median(per_span()),
        minimum: minimum(per_span()),
        created: scenario.spans() * scenario.threads() * (WARM_UP + bursts) as u64,
        delivered: counter::delivered() - before,
    }
}

/// What each burst cost, summed over its threads; flushes are not counted.
fn costs(subject: &dyn Subject, scenario: Scenario, bursts: usize, meter: Meter) -> Vec<u64> {
    let burst = || {
        let before = meter();
        subject.burst(scenario);
        meter() - before
    };
    if scenario.threads() == 2 {
        return pair::at_once(bursts, burst, || subject.flush());
    }
    let flushed = |cost| {
        subject.flush();
        cost
    };
    (0..bursts).map(|_| flushed(burst())).collect()
}

impl Answer {
    fn line(&self) -> String {
        let Self { median, minimum, created, delivered } = self;
        format!("{median} {minimum} {created} {delivered}")
    }

    /// Reads what a worker writes.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        Some(Self {
            median: words.next()?.parse().ok()?,
            minimum: words.next()?.parse().ok()?,
            created: words.next()?.parse().ok()?,
            delivered: words.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_is_read_as_it_was_written() {
        let answer = Answer { median: 23.5, minimum: 19.25, created: 505, delivered: 505 };
        assert_eq!(Answer::from_line(&answer.line()), Some(answer));
    }
}
