//! What was measured: the machine, the compiler, the versions of all libraries, the day and the command.

use super::markdown::Table;
use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// The packages whose versions matter.
const LIBRARIES: &[&str] = &[
    "telemetry-runtime",
    "tracing",
    "tracing-subscriber",
    "tracing-opentelemetry",
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry-otlp",
    "fastrace",
    "fastrace-opentelemetry",
    "fastant",
    "emit",
    "emit_otlp",
];

/// Prints it.
pub(super) fn print(flags: &[&str]) {
    let flags = if flags.is_empty() { String::new() } else { format!(" -- {}", flags.join(" ")) };
    let mut table = Table::new(["what", "which"]);
    let mut row = |what: &str, which: String| table.push([what.to_owned(), which]);
    row("machine", machine());
    row("compiler", compiler());
    row("build", build());
    row("libraries", versions(include_str!("../../Cargo.lock")).join(", "));
    row("day (UTC)", today());
    row("command", format!("`cargo run --release --manifest-path tests/peers/Cargo.toml{flags}`"));
    println!("# Peers\n\n{table}");
}

fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let clock = fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    format!("{model}, {cores} cores, clocksource {}", clock.unwrap_or_default().trim())
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn build() -> String {
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let flags = if flags.is_empty() { "no `RUSTFLAGS`".to_owned() } else { format!("`{flags}`") };
    format!("`--release`: thin LTO, one codegen unit, {flags}")
}

/// `name version` of each of the [`LIBRARIES`].
fn versions(lock: &str) -> Vec<String> {
    let packages = lock.split("[[package]]").filter_map(|package| {
        let value = |key| {
            package.lines().find_map(|line: &str| line.strip_prefix(key)).map(|value| value.trim_matches('"'))
        };
        Some((value("name = ")?, value("version = ")?))
    });
    let packages: Vec<_> = packages.collect();
    let of = |library| packages.iter().filter(move |(name, _)| name == library);
    LIBRARIES.iter().flat_map(of).map(|(name, version)| format!("{name} {version}")).collect()
}

fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = date(seconds / 86_400);
    format!("{year}-{month:02}-{day:02}")
}

/// Year, month and day, so many days after 1970-01-01.
fn date(mut days: u64) -> (u64, usize, u64) {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    (year, month + 1, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(20_453), (2025, 12, 31));
    }

    #[test]
    fn every_library_is_in_the_lock_once() {
        assert_eq!(versions(include_str!("../../Cargo.lock")).len(), LIBRARIES.len());
    }
}
