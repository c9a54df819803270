//! What the command line asks for.

use crate::configurations::{self, Configuration, Part};
use std::io;
use std::str::FromStr;
use std::time::Duration;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    part: Option<Part>,
    only: Vec<String>,
    /// Rounds of all scenarios and configurations.
    pub(super) rounds: usize,
    /// Bursts of a scenario in each round.
    pub(super) bursts: usize,
    /// Runs of each configuration in the other parts.
    pub(super) repeats: usize,
    /// How long spans are made flat out.
    pub(super) sustained: Duration,
    /// How long spans are made and sent.
    pub(super) delivery: Duration,
}

const USAGE: &str = "usage: peers [--quick] [--part spans|sustained|delivery] [--only NAME,NAME] [--rounds N] [--bursts N] \
                     [--repeats N] [--seconds N]; a NAME is a part of a configuration's name";

impl Options {
    /// Reads the flags; later ones count.
    pub(super) fn from_flags(flags: &[&str]) -> io::Result<Self> {
        let mut options = Self::thorough();
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            if *flag == "--quick" {
                options = Self { part: options.part, only: options.only, ..Self::quick() };
            } else {
                let value = flags.next().ok_or_else(usage)?;
                options.set(flag, value)?;
            }
        }
        Ok(options)
    }

    fn thorough() -> Self {
        Self {
            part: None,
            only: Vec::new(),
            rounds: 12,
            bursts: 60,
            repeats: 3,
            sustained: Duration::from_secs(1),
            delivery: Duration::from_secs(2),
        }
    }

    fn quick() -> Self {
        let duration = Duration::from_millis(300);
        Self {
            rounds: 3,
            bursts: 15,
            repeats: 1,
            sustained: duration,
            delivery: duration,
            ..Self::thorough()
        }
    }

    fn set(&mut self, flag: &str, value: &str) -> io::Result<()> {
        match flag {
            "--part" => self.part = Some(part(value).ok_or_else(usage)?),
            "--only" => self.only = value.split(',').map(str::to_owned).collect(),
            "--rounds" => self.rounds = number(value)?,
            "--bursts" => self.bursts = number(value)?,
            "--repeats" => self.repeats = number(value)?,
            "--seconds" => self.last(Duration::try_from_secs_f64(number(value)?).map_err(|_| usage())?),
            _ => return Err(usage()),
        }
        Ok(())
    }

    fn last(&mut self, duration: Duration) {
        self.sustained = duration;
        self.delivery = duration;
    }

    /// The parts of the report.
    pub(super) fn parts(&self) -> Vec<Part> {
        self.part.map_or_else(|| vec![Part::Spans, Part::Sustained, Part::Delivery], |part| vec![part])
    }

    /// The configurations of a part.
    pub(super) fn configurations(&self, part: Part) -> Vec<&'static Configuration> {
        let is_asked_for =
            |name: &str| self.only.is_empty() || self.only.iter().any(|only| name.contains(only));
        let all = configurations::ALL.iter().filter(|configuration| configuration.parts.contains(&part));
        all.filter(|configuration| is_asked_for(configuration.name)).collect()
    }
}

fn part(word: &str) -> Option<Part> {
    match word {
        "spans" => Some(Part::Spans),
        "sustained" => Some(Part::Sustained),
        "delivery" => Some(Part::Delivery),
        _ => None,
    }
}

fn number<N: FromStr>(value: &str) -> io::Result<N> {
    value.parse().map_err(|_| usage())
}

fn usage() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_flags_count() {
        let options = Options::from_flags(&["--part", "spans", "--quick", "--rounds", "2"]).expect("flags");
        assert_eq!(options.parts(), [Part::Spans]);
        assert_eq!((options.rounds, options.bursts), (2, Options::quick().bursts));
    }

    #[test]
    fn only_selects_by_a_part_of_the_name() {
        let options = Options::from_flags(&["--only", "floor,emit"]).expect("flags");
        let names: Vec<_> = options.configurations(Part::Spans).iter().map(|found| found.name).collect();
        assert_eq!(names, ["floor: empty call", "floor: two reads of the time-stamp counter", "emit"]);
    }

    #[test]
    fn unknown_flags_are_refused() {
        for flags in [["--part", "x"], ["--rounds", "x"], ["--x", "1"], ["--seconds", "-1"]] {
            assert!(Options::from_flags(&flags).is_err());
        }
        assert!(Options::from_flags(&["--rounds"]).is_err());
    }
}
