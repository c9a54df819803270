//! What a run is to do, as the words of its command line.

use crate::sink::Sink;
use std::time::{Duration, Instant};

/// What a run is to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// The configuration's name.
    pub(crate) configuration: String,
    /// Where the spans go.
    pub(crate) sink: Sink,
    /// How many threads make spans.
    pub(crate) threads: usize,
    /// Whether the children of each trace have three attributes.
    pub(crate) has_attributes: bool,
    /// Spans a second and thread; as many as possible if there is none.
    pub(crate) rate: Option<u32>,
    /// How long spans are made.
    pub(crate) duration: Duration,
}

impl Plan {
    /// Whether a producer has made enough spans for now.
    pub(super) fn is_ahead(&self, created: u64, start: Instant) -> bool {
        self.rate.is_some_and(|rate| created as f64 > start.elapsed().as_secs_f64() * f64::from(rate))
    }

    /// As words of a command line.
    pub(crate) fn words(&self) -> [String; 6] {
        [
            self.configuration.clone(),
            self.sink.word().to_owned(),
            self.threads.to_string(),
            self.has_attributes.to_string(),
            self.rate.unwrap_or_default().to_string(),
            self.duration.as_millis().to_string(),
        ]
    }

    /// Reads what [`words`](Self::words) writes.
    pub(super) fn from_words(words: &[&str]) -> Option<Self> {
        let [configuration, sink, threads, has_attributes, rate, duration_ms] = words else {
            return None;
        };
        Some(Self {
            configuration: (*configuration).to_owned(),
            sink: Sink::from_word(sink),
            threads: threads.parse().ok()?,
            has_attributes: has_attributes.parse().ok()?,
            rate: Some(rate.parse().ok()?).filter(|rate| *rate > 0),
            duration: Duration::from_millis(duration_ms.parse().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rate: Option<u32>) -> Plan {
        Plan {
            configuration: "this project".to_owned(),
            sink: Sink::Otlp("http://127.0.0.1:1/v1/traces".to_owned()),
            threads: 2,
            has_attributes: true,
            rate,
            duration: Duration::from_millis(300),
        }
    }

    #[test]
    fn plan_is_read_as_it_was_written() {
        for plan in [plan(None), plan(Some(20_000)), Plan { sink: Sink::Counter, ..plan(None) }] {
            let words = plan.words();
            assert_eq!(Plan::from_words(&words.each_ref().map(String::as_str)), Some(plan));
        }
    }

    #[test]
    fn only_a_rate_makes_a_producer_wait() {
        let start = Instant::now();
        assert!(plan(Some(1)).is_ahead(1_000_000, start));
        assert!(!plan(None).is_ahead(1_000_000, start));
    }
}
