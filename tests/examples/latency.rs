//! Prints how long a span takes its caller with exporters that are dead, slow or healthy, beside none.

use std::time::{Duration, Instant};
use telemetry_runtime::{Settings, builder, instrument};
use telemetry_tests::{Answer, Receiver, unused};

/// So often each exporter has its turn, so that what else happens on the machine meets all of them.
const TURNS: usize = 7;
const ROUNDS: usize = 1_000;
const SPANS_IN_ROUND: usize = 100;
/// Between rounds, so that a receiver that answers keeps up: about 100,000 spans a second.
const PAUSE: Duration = Duration::from_millis(1);
const SHARES: [f64; 4] = [0.5, 0.99, 0.999, 1.0];

#[instrument]
fn work(n: usize) {
    let _ = n;
}

fn main() {
    let slow = Receiver::scripted(vec![Answer::ok().after(Duration::from_secs(1)); 1000]);
    let hangs = Receiver::scripted(vec![Answer::hang(); 1000]);
    let healthy = Receiver::start();
    let exporters = [
        ("none", None),
        ("healthy", Some(healthy.endpoint())),
        ("slow", Some(slow.endpoint())),
        ("hanging", Some(hangs.endpoint())),
        ("dead", Some(unused())),
    ];
    // The first fills the caches for all.
    drop(durations_ns(None));
    let turns: Vec<_> = (0..TURNS)
        .map(|_| exporters.clone().map(|(_, endpoint)| percentiles(&durations_ns(endpoint.as_deref()))))
        .collect();
    println!("medians of {TURNS} turns");
    println!("{:<10} {:>10} {:>10} {:>10} {:>10}", "exporter", "p50 ns", "p99 ns", "p99.9 ns", "max ns");
    for (at, (name, _)) in exporters.iter().enumerate() {
        let [p50, p99, p999, max] =
            std::array::from_fn(|share| median(turns.iter().map(|turn| turn[at][share]).collect()));
        println!("{name:<10} {p50:>10} {p99:>10} {p999:>10} {max:>10}");
    }
}

fn percentiles(sorted: &[u128]) -> [u128; SHARES.len()] {
    SHARES.map(|share| sorted[((sorted.len() - 1) as f64 * share) as usize])
}

fn median(mut values: Vec<u128>) -> u128 {
    values.sort_unstable();
    values[values.len() / 2]
}

/// How long each span took, sorted.
fn durations_ns(endpoint: Option<&str>) -> Vec<u128> {
    let entry = |endpoint| format!("{{provider: otlp, otlp: {{endpoint: \"{endpoint}\"}}}}");
    let exporters = endpoint.map(entry).unwrap_or_default();
    let text = format!("telemetry: {{exporters: [{exporters}]}}\nlogging: {{level: \"off\"}}");
    let settings = Settings::from_text(&text, "settings.yaml").expect("valid settings");
    let guard = builder().settings(settings).install().expect("one installation at a time");
    let mut durations = Vec::with_capacity(ROUNDS * SPANS_IN_ROUND);
    for _ in 0..ROUNDS {
        for n in 0..SPANS_IN_ROUND {
            let started = Instant::now();
            work(n);
            durations.push(started.elapsed().as_nanos());
        }
        std::thread::sleep(PAUSE);
    }
    let _ = guard.shutdown(Duration::from_secs(1));
    durations.sort_unstable();
    durations
}
