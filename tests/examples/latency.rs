//! Prints how long a span takes its caller with exporters that are dead, slow or healthy, beside none.

use std::time::{Duration, Instant};
use telemetry_runtime::{Settings, builder, instrument};
use telemetry_tests::{Answer, Receiver, unused};

const ROUNDS: usize = 2_000;
const SPANS_IN_ROUND: usize = 100;
/// Between rounds, so that a receiver that answers keeps up: about 100,000 spans a second.
const PAUSE: Duration = Duration::from_millis(1);

#[instrument]
fn work(n: usize) {
    let _ = n;
}

fn main() {
    let slow = Receiver::scripted(vec![Answer::ok().after(Duration::from_secs(1)); 1000]);
    let hangs = Receiver::scripted(vec![Answer::hang(); 1000]);
    let healthy = Receiver::start();
    println!("{:<10} {:>10} {:>10} {:>10} {:>10}", "exporter", "p50 ns", "p99 ns", "p99.9 ns", "max ns");
    // The first fills the caches for all.
    for warm in [false, true] {
        print_row(warm, "none", None);
    }
    for (name, endpoint) in [
        ("healthy", healthy.endpoint()),
        ("slow", slow.endpoint()),
        ("hanging", hangs.endpoint()),
        ("dead", unused()),
    ] {
        print_row(true, name, Some(&endpoint));
    }
}

fn print_row(is_printed: bool, name: &str, endpoint: Option<&str>) {
    let sorted = durations_ns(endpoint);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    if is_printed {
        println!("{name:<10} {:>10} {:>10} {:>10} {:>10}", at(0.5), at(0.99), at(0.999), at(1.0));
    }
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
