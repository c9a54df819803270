//! Processes one after another over one spool, each with faults of its own: what none of them delivers or counts as lost is on disk.

use super::properties::acts;
use super::scripted::*;
use crate::dispatch::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What happens to one process, and to its files afterwards.
#[derive(Clone, Debug)]
struct Life {
    acts: Vec<Act>,
    max_items: Option<usize>,
    /// The batches that come before its end is near, while what was before is being settled, then until no more are taken, and afterwards.
    sizes: [Vec<u64>; 4],
    end: End,
    damage: Option<Damage>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    /// As a guard does it, within so many milliseconds.
    Shutdown(u64),
    Abandon,
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    /// Less than an entry of the file's end is missing.
    Cut(u64),
    Flip {
        byte: Index,
        bit: u8,
    },
}

/// What was to be sent, and what became of it over all processes.
#[derive(Default)]
struct Books {
    pushed: u64,
    /// Items that were counted as taken or refused by the other side, and as lost.
    answered: u64,
    lost: u64,
    /// Items on disk.
    kept: u64,
    /// Whether files were: what is unreadable in one stays there as long as the rest does.
    is_damaged: bool,
    /// Which calls of which process took an item.
    taken: BTreeMap<u64, Vec<Taken>>,
}

#[derive(Debug)]
struct Taken {
    process: usize,
    /// Which process may send it again: this one, if the call was given up; the next, if the answer came as this one ended.
    repeats_from: Option<usize>,
}

fn life() -> impl Strategy<Value = Life> {
    let sizes = [0..6, 0..3, 0..2, 0..2].map(|count| vec(1..6_u64, count));
    let end = prop_oneof![3 => (0..20_u64).prop_map(End::Shutdown), 1 => Just(End::Abandon)];
    let damage = prop_oneof![
        (1..40_u64).prop_map(Damage::Cut),
        (any::<Index>(), 0..8_u8).prop_map(|(byte, bit)| Damage::Flip { byte, bit }),
    ];
    (acts(), prop::option::weighted(0.3, 1..5_usize), sizes, end, prop::option::weighted(0.2, damage))
        .prop_map(|(acts, max_items, sizes, end, damage)| Life { acts, max_items, sizes, end, damage })
}

impl Life {
    /// Lives through it; the counts at the end, and the calls.
    fn live(&self, options: Options, books: &mut Books) -> (ExporterStatus, Vec<Call>) {
        let (concurrency, has_spool) = (options.concurrency as u64, options.spool.is_some());
        let acts = Mutex::new(self.acts.iter().copied().collect());
        let script = Script { acts, max_items: self.max_items, ..Script::default() };
        let running = Running::start(Arc::new(script), options, true);
        books.check_found(&running.status());
        let [before, settling, closing, after] = &self.sizes;
        let mut push = |sizes: &[u64]| books.pushed = running.push_all(books.pushed, sizes);
        push(before);
        let started = Instant::now();
        match self.end {
            End::Abandon => running.queue.abandon(),
            End::Shutdown(millis) => {
                let deadline = Instant::now() + Duration::from_millis(millis);
                running.queue.leave();
                push(settling);
                running.queue.wait_until_settled(deadline);
                push(closing);
                end(std::slice::from_ref(&running.queue), deadline);
            }
        }
        push(after);
        let (before, status) = (running.status(), running.join());
        assert_eq!(status.queued, 0, "{status}");
        // The keeper of a queue that is abandoned is still about to close the spool.
        let is_counted = ExporterStatus { breaker: status.breaker, ..before.clone() } == status;
        assert!(is_counted || matches!(self.end, End::Abandon), "{before}, and then {status}");
        let calls = running.script.calls();
        if let End::Shutdown(millis) = self.end
            && has_spool
            && started.elapsed() < Duration::from_millis(millis.max(400))
        {
            // Only the exporter knows what is left of a batch that was taken in part just then.
            let torn = calls.iter().filter(|call| matches!(call.act, Act::FailAfter(1..)));
            let torn = torn.map(|call| call.ids.len() as u64).max().unwrap_or(0) * concurrency;
            let excused = after.iter().sum::<u64>() + torn;
            assert!(status.dropped.shutdown <= excused, "{status} {self:?} {calls:?}");
        }
        (status, calls)
    }

    /// Whether something went to the files of the process that has ended.
    fn damage(&self, folder: &Folder) -> bool {
        let Some(damage) = self.damage else { return false };
        let Ok(files) = fs::read_dir(folder.0.join("scripted/0")) else { return false };
        let files = files.map(|file| file.expect("a file").path());
        let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "spool")).collect();
        files.sort();
        let Some(file) = files.first() else { return false };
        let mut bytes = fs::read(file).expect("ours to read");
        match damage {
            Damage::Cut(most) => bytes.truncate(bytes.len().saturating_sub(most as usize)),
            Damage::Flip { byte, bit } => {
                let at = byte.index(bytes.len());
                // A mark that is flipped repeats its entry, which is another story.
                let at = if bytes[..at].ends_with(b"TSP1") { at - 1 } else { at };
                bytes[at] ^= 1 << bit;
            }
        }
        fs::write(file, bytes).expect("ours to change");
        true
    }
}

impl Books {
    /// What the process before left is what this one finds, less what is so damaged that nobody knows what it was.
    fn check_found(&mut self, status: &ExporterStatus) {
        let (found, lost) = (status.replayed.found, self.kept.saturating_sub(status.replayed.found));
        assert_eq!(found + lost, self.kept, "more than was left: {status}");
        assert!(lost == 0 || status.unreadable_entries > 0, "{lost} are missing: {status}");
        assert!(self.is_damaged || status.unreadable_entries == 0, "nothing was damaged: {status}");
        self.lost += lost;
    }

    fn note(&mut self, process: usize, life: &Life, status: &ExporterStatus, calls: &[Call]) {
        let ExporterStatus { exported, rejected, dropped, spooled, replayed, .. } = status;
        let answered = exported + rejected + replayed.exported + replayed.rejected;
        self.answered += answered;
        self.lost += dropped.total() + replayed.dropped;
        self.kept = spooled + replayed.waiting;
        let named = dropped.permanent_error + dropped.too_large + dropped.shutdown + dropped.timed_out;
        assert_eq!(dropped.total(), named, "{status:?}");
        let mut taken = 0;
        for (index, Call { exporter, ids, act }) in calls.iter().enumerate() {
            assert!(ids.is_sorted(), "order within a batch: {calls:?}");
            let is_last = calls[index + 1..].iter().all(|later| later.exporter != *exporter);
            let repeats_from = match act {
                Act::Hang => Some(process),
                _ => is_last.then_some(process + 1),
            };
            let count = act.taken_of(ids.len());
            taken += count as u64;
            for id in &ids[..count] {
                self.taken.entry(*id).or_default().push(Taken { process, repeats_from });
            }
        }
        assert!(taken >= answered, "counted as taken, but was not: {life:?} {status} {calls:?}");
    }

    /// Once nothing is left on disk, each item has one fate.
    fn check_all(&self, lives: &[Life]) {
        assert_eq!(self.kept, 0);
        assert_eq!(self.pushed, self.answered + self.lost, "{lives:?}");
        for (id, taken) in &self.taken {
            let may_repeat = taken
                .windows(2)
                .all(|pair| pair[0].repeats_from.is_some_and(|process| pair[1].process >= process));
            assert!(may_repeat, "{id} was taken again: {taken:?} {lives:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn over_all_processes_each_item_is_delivered_or_counted_as_lost_and_only_what_was_being_sent_repeats(
        lives in vec(life(), 1..4),
        concurrency in prop_oneof![Just(1_usize), Just(3)],
        mode in prop_oneof![1 => Just(None), 4 => Just(Some(Mode::OnFailure)), 4 => Just(Some(Mode::Always))],
        max_batch_items in 1..8_usize,
    ) {
        let folder = Folder::new();
        let options = Options {
            concurrency,
            max_batch_items,
            spool: mode.and_then(|mode| folder.spool(mode)),
            export_timeout: 10 * SHORT,
            ..quick()
        };
        let mut books = Books::default();
        for (process, life) in lives.iter().enumerate() {
            let (status, calls) = life.live(options.clone(), &mut books);
            books.note(process, life, &status, &calls);
            books.is_damaged |= life.damage(&folder);
        }
        // The last one delivers what there is.
        let running = Running::start(Script::of([]), options, true);
        books.check_found(&running.status());
        wait_for(&running, |status| status.replayed.waiting == 0);
        let last = Life { acts: Vec::new(), max_items: None, sizes: Default::default(), end: End::Abandon, damage: None };
        books.note(lives.len(), &last, &running.join(), &running.script.calls());
        books.check_all(&lives);
    }
}
