//! The command: the coordinator, or one of the processes that it starts.

use peers::{coordinator, receiver, run, worker};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["worker", configuration] => worker::serve(configuration, nanoseconds),
        ["run", plan @ ..] => run::serve(plan),
        ["receiver"] => receiver::serve(),
        flags => coordinator::run(flags),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Nanoseconds since the first call.
fn nanoseconds() -> u64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).expect("no run takes 584 years")
}
