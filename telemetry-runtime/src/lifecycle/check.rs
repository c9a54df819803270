//! Whether exporters answer, found out without recording anything.

use super::builder::{Builder, Planned};
use super::threads::Threads;
use crate::config::{ExporterSettings, Settings};
use crate::export::{ExportError, Exporter};
use crate::record::Chain;
use std::fmt;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Whether one exporter answers.
///
/// `Display` is a line for people, with the causes of an error; it shows no secrets.
#[derive(Debug)]
#[non_exhaustive]
pub struct ExporterCheck {
    /// The exporter's name, as in [`Status`](crate::Status).
    pub name: String,
    /// What came of its [`check`](Exporter::check). An exporter that could not even be made does not answer, either.
    pub outcome: Result<(), ExportError>,
}

/// A check that is under way.
struct Pending {
    name: String,
    answer: Receiver<Result<(), ExportError>>,
    timeout: Duration,
}

impl Builder {
    /// Asks every exporter whether it answers, all at the same time, each for as long as its `export_timeout` allows: 30 s by default, also
    /// for those given in code. Nothing is installed or recorded, and nobody is asked but those whom the settings and the code name. What the
    /// exporters of the settings send is an empty export: see [`Otlp`](crate::export::otlp::Otlp),
    /// [`AzureMonitor`](crate::export::azure::AzureMonitor) and [`File`](crate::export::file::File). A console always answers. With settings that
    /// disable telemetry nobody is asked.
    ///
    /// For a command that checks a deployment, beside [`Settings::resolved`]; a program should start whether or not a back-end answers.
    ///
    /// # Examples
    /// ```
    /// use telemetry_runtime::Settings;
    ///
    /// let settings = Settings::from_text("telemetry: {exporters: [{provider: console}]}", "settings.yaml")?;
    /// println!("{}", settings.resolved());
    /// let checks = telemetry_runtime::builder().settings(settings).check();
    /// assert!(checks.iter().all(|check| check.outcome.is_ok()));
    /// assert_eq!(checks[0].to_string(), "console answers");
    /// # Ok::<(), telemetry_runtime::SettingsError>(())
    /// ```
    pub fn check(mut self) -> Vec<ExporterCheck> {
        let settings = self.settings.take();
        if settings.as_ref().is_some_and(|settings| settings.disabled) {
            return Vec::new();
        }
        let named = settings.iter().flat_map(plans);
        let given = self.exporters.into_iter().map(|planned| (planned.name.clone(), Ok(planned)));
        let threads = Threads::default();
        let started = Instant::now();
        let pending: Vec<_> =
            named.chain(given).map(|(name, planned)| ask(name, planned, &threads)).collect();
        pending.into_iter().map(|pending| pending.wait(started)).collect()
    }
}

/// The exporters of the settings, each once.
fn plans(settings: &Settings) -> impl Iterator<Item = (String, Result<Planned, ExportError>)> {
    let recorded = settings.policy.sampling.ratio;
    settings.exporters.iter().cloned().map(move |mut exporter: ExporterSettings| {
        exporter.delivery.concurrency = 1;
        let name = exporter.name.clone();
        let planned = Planned::of(exporter, recorded);
        (name, planned.map_err(|error| ExportError::permanent("it cannot work").with_source(error)))
    })
}

fn ask(name: String, planned: Result<Planned, ExportError>, threads: &Threads) -> Pending {
    let (sender, answer) = mpsc::channel();
    let timeout = planned.as_ref().map(|planned| planned.options.export_timeout).unwrap_or_default();
    let refused = sender.clone();
    let started = planned.and_then(|planned| {
        let body = move || planned.exporters.into_iter().for_each(|exporter| answer_to(exporter, &sender));
        let started = threads.spawn(format!("telemetry-check-{name}"), body);
        started.map_err(|error| ExportError::retryable("no thread could be started", None).with_source(error))
    });
    if let Err(error) = started {
        // The other end is below.
        let _ = refused.send(Err(error));
    }
    Pending { name, answer, timeout }
}

fn answer_to(mut exporter: Box<dyn Exporter>, asked: &mpsc::Sender<Result<(), ExportError>>) {
    // Nobody waits any more if it took too long.
    let _ = asked.send(exporter.check());
    exporter.shutdown();
}

impl Pending {
    fn wait(self, started: Instant) -> ExporterCheck {
        let Self { name, answer, timeout } = self;
        let outcome = answer.recv_timeout(timeout.saturating_sub(started.elapsed()));
        let outcome = outcome.unwrap_or_else(|error| {
            Err(match error {
                RecvTimeoutError::Timeout => {
                    ExportError::retryable(format!("no answer within {timeout:?}"), None)
                }
                RecvTimeoutError::Disconnected => ExportError::permanent("the exporter panicked"),
            })
        });
        ExporterCheck { name, outcome }
    }
}

impl fmt::Display for ExporterCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Err(error) = &self.outcome else { return write!(f, "{} answers", self.name) };
        write!(f, "{} does not answer: {}", self.name, Chain(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch;
    use crate::export::Exported;
    use crate::record::Batch;
    use std::sync::mpsc::Sender;

    /// Does what it is told when it is asked.
    struct Told(Box<dyn FnMut() -> Result<(), ExportError> + Send>);

    impl Exporter for Told {
        fn export(&mut self, _: &Batch) -> Result<Exported, ExportError> {
            Ok(Exported::all())
        }

        fn check(&mut self) -> Result<(), ExportError> {
            self.0()
        }
    }

    fn told(check: impl FnMut() -> Result<(), ExportError> + Send + 'static) -> Told {
        Told(Box::new(check))
    }

    fn settings(exporters: &str) -> Settings {
        let text = format!("telemetry: {{exporters: [{exporters}]}}");
        Settings::from_text(&text, "settings.yaml").expect("valid settings")
    }

    fn lines(checks: &[ExporterCheck]) -> Vec<String> {
        checks.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_exporter_is_asked_and_errors_show_their_causes() {
        let error = || ExportError::retryable("nobody listens", None).with_source("refused");
        let checks = super::super::builder()
            .settings(settings("{provider: console}"))
            .exporter("well", told(|| Ok(())))
            .exporter("ill", told(move || Err(error())))
            .exporter("odd", told(|| panic!("as told")))
            .check();
        let expected = [
            "console answers",
            "well answers",
            "ill does not answer: nobody listens: refused",
            "odd does not answer: the exporter panicked",
        ];
        assert_eq!(lines(&checks), expected);
    }

    #[test]
    fn they_are_asked_at_the_same_time() {
        // Each waits for the other.
        let pair = || -> (Sender<()>, Receiver<()>) { mpsc::channel() };
        let ((to_first, first), (to_second, second)) = (pair(), pair());
        let meet = |to: Sender<()>, from: Receiver<()>| {
            told(move || {
                let met = to.send(()).is_ok() && from.recv().is_ok();
                if met { Ok(()) } else { Err(ExportError::permanent("alone")) }
            })
        };
        let checks = super::super::builder()
            .exporter("first", meet(to_second, first))
            .exporter("second", meet(to_first, second))
            .check();
        assert_eq!(lines(&checks), ["first answers", "second answers"]);
    }

    #[test]
    fn one_that_says_nothing_is_not_waited_for_beyond_its_time() {
        let (_never, said) = mpsc::channel::<()>();
        let exporter = told(move || said.recv().map_err(|_| ExportError::permanent("it ended")));
        let planned = Planned {
            name: "silent".to_owned(),
            options: dispatch::Options {
                export_timeout: Duration::from_millis(10),
                ..dispatch::Options::default()
            },
            exporters: vec![Box::new(exporter)],
            make: None,
        };
        let pending = ask("silent".to_owned(), Ok(planned), &Threads::default());
        let check = pending.wait(Instant::now());
        assert_eq!(check.to_string(), "silent does not answer: no answer within 10ms");
    }

    #[test]
    fn what_cannot_be_made_does_not_answer_and_what_is_disabled_is_not_asked() {
        let nowhere = "{provider: file, signals: [traces], file: {path: no/such/folder/traces.jsonl}}";
        let checks = super::super::builder().settings(settings(nowhere)).check();
        let [line] = &*lines(&checks) else { panic!("one exporter") };
        let expected = "file does not answer: it cannot work: no/such/folder/traces.jsonl: ";
        assert!(line.starts_with(expected), "{line}");

        let off =
            Settings::from_text("telemetry: {enabled: false}", "settings.yaml").expect("valid settings");
        let checks =
            super::super::builder().settings(off).exporter("never", told(|| panic!("asked"))).check();
        assert!(checks.is_empty());
    }
}
