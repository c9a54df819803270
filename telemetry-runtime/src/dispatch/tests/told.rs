//! What the log says of batches that do not leave.

use super::scripted::*;
use crate::dispatch::*;
use crate::record::Signal;
use crate::record::sample::{Sample, batch};
use std::io;
use std::sync::{Arc, Mutex};

/// What is logged while two spans are sent by an exporter that does this.
fn said(acts: impl IntoIterator<Item = Act>, options: Options) -> (String, ExporterStatus) {
    let (script, queue, lines) = (Script::of(acts), queue(options), Lines::default());
    if queue.has_spool() {
        let keeper = Keeper { queue: queue.clone(), exporter: script.exporter() };
        spawn(move || keeper.run()).expect("a thread starts");
    }
    queue.push(Arc::new(batch(&[Sample::root("s", 1), Sample::root("s", 2)])));
    queue.close();
    let worker = Worker::new(queue.clone(), script.exporter()).expect("there is a place");
    heard_by(&lines, || worker.run());
    let status = queue.status(Signal::Traces).expect("it takes traces").status;
    queue.abandon();
    (lines.text(), status)
}

/// Does it while these lines get what is logged.
fn heard_by(lines: &Lines, body: impl FnOnce()) {
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        // A place that logs for the first time on another test's thread, which has no subscriber, is taken for one that nobody wants.
        // These log here and now, and where they have done so elsewhere, they are asked again.
        for outlook in [stats::Outlook::Again, stats::Outlook::Lost] {
            stats::log_failure("", Signal::Traces, "", outlook);
        }
        tracing::callsite::rebuild_interest_cache();
        lines.0.lock().expect("no test panics with it").clear();
        body();
    });
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no test panics with it").clone()).expect("text")
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics with it").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_log_says_whether_what_does_not_leave_is_tried_again() {
    const AGAIN: &str = "do not leave; trying again";
    const LOST: &str = "do not leave, and are dropped";
    let folder = Folder::new();
    let out_of_time = RetryOptions { budget: Duration::ZERO, ..quick().retry };
    for (acts, options, is, is_not) in [
        (vec![Act::Fail], quick(), AGAIN, LOST),
        (vec![Act::Fail], Options { retry: out_of_time, ..quick() }, LOST, AGAIN),
        (vec![Act::Fail], Options { spool: folder.spool(Mode::OnFailure), ..quick() }, AGAIN, LOST),
        (vec![Act::Refuse], quick(), LOST, AGAIN),
        (vec![Act::Panic], quick(), LOST, AGAIN),
        (vec![Act::TooLarge; 3], quick(), LOST, AGAIN),
    ] {
        let (lines, _) = said(acts.clone(), options);
        assert!(lines.contains(is) && !lines.contains(is_not), "{acts:?}: {lines}");
    }
}

#[test]
fn a_loss_is_told_of_after_attempts_that_were_and_then_not_again_for_a_while() {
    let retry = RetryOptions { budget: SHORT, ..quick().retry };
    let options = Options { retry, max_batch_items: 1, ..quick() };
    let (lines, status) = said([Act::Fail; 1000], options);
    assert_eq!(status.dropped.retry_exhausted, 2, "{status}");
    let told = ["trying again", "are dropped"].map(|text| lines.matches(text).count());
    assert_eq!(told, [1, 1], "{lines}");
}

#[test]
fn a_queue_that_is_full_is_told_of_once_by_a_worker() {
    let (queue, script, lines) =
        (queue(Options { max_queue_items: 1, ..quick() }), Script::of([]), Lines::default());
    heard_by(&lines, || {
        (1..=4).for_each(|id| queue.push(Arc::new(batch(&[Sample::root("s", id)]))));
        assert_eq!(lines.text(), "", "whoever fills queues waits for no log");
        queue.close();
        Worker::new(queue.clone(), script.exporter()).expect("there is a place").run();
    });
    assert_eq!(lines.text().matches("the queue is full").count(), 1, "{}", lines.text());
    let status = queue.status(Signal::Traces).expect("it takes traces").status;
    assert_eq!((status.exported, status.dropped.queue_full, status.last_error), (1, 3, None));
}

#[test]
fn an_item_on_disk_that_is_too_large_is_counted_as_that_and_told_of() {
    let folder = Folder::new();
    let options = Options { spool: folder.spool(Mode::Always), ..quick() };
    // The two together, and each of them.
    let (lines, status) = said([Act::TooLarge; 3], options);
    assert_eq!((status.dropped.too_large, status.spooled), (2, 0), "{status}");
    assert!(lines.contains("do not leave, and are dropped") && lines.contains("too large"), "{lines}");
}
