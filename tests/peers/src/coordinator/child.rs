//! A process that the coordinator has started and talks with by lines. It ends with its handle.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A process that has been started.
pub(super) struct Child {
    process: process::Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Child {
    /// Starts this program once more, with these arguments.
    pub(super) fn start_self(arguments: &[&str]) -> io::Result<Self> {
        Self::start(&std::env::current_exe()?, arguments)
    }

    /// Starts a program with these arguments.
    pub(super) fn start(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        let mut process =
            Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = process.stdin.take().expect("the input is piped");
        let output = process.stdout.take().expect("the output is piped");
        Ok(Self { process, input, lines: lines(output) })
    }

    /// Sends a line and waits for the answer.
    pub(super) fn ask(&mut self, line: &str, patience: Duration) -> io::Result<String> {
        writeln!(self.input, "{line}")?;
        self.answer(patience)
    }

    /// Waits for a line.
    pub(super) fn answer(&self, patience: Duration) -> io::Result<String> {
        self.lines.recv_timeout(patience).map_err(io::Error::other)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only if it has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the process writes, read on a thread of its own, which ends when the process does.
fn lines(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(output).lines();
        for line in lines.map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
