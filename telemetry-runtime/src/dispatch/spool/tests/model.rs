//! The spool against a plain model of it, over a disk that fails, processes that are killed, power that fails and files that rot.

use super::super::fake::{Fake, Fault};
use super::super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Small, so that segments (a sixteenth) fill and the oldest go.
const MAX_SIZE_BYTES: u64 = 32 << 10;
const MAX_AGE_S: u64 = 1000;

#[derive(Clone, Debug)]
enum Step {
    Append {
        logs: bool,
        items: u16,
        filler: u16,
    },
    /// As a write-ahead does: appends, and has the entry out at once.
    AppendOut {
        items: u16,
    },
    Next,
    Settle(prop::sample::Index),
    /// Two in the place of one.
    Replace(prop::sample::Index),
    GiveBack(prop::sample::Index),
    Sync,
    Pass {
        seconds: u64,
    },
    Fail {
        after: u32,
        fault: Fault,
    },
    End,
    Kill,
    LosePower(u32),
    Flip {
        file: prop::sample::Index,
        bit: prop::sample::Index,
    },
    Cut {
        file: prop::sample::Index,
        len: prop::sample::Index,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..120)
}

fn steps_with_damage() -> impl Strategy<Value = Vec<Step>> {
    use prop::sample::Index;
    let damage = prop_oneof![
        (any::<Index>(), any::<Index>()).prop_map(|(file, bit)| Step::Flip { file, bit }),
        (any::<Index>(), any::<Index>()).prop_map(|(file, len)| Step::Cut { file, len }),
    ];
    vec(prop_oneof![8 => step(), 1 => damage], 1..120)
}

fn step() -> impl Strategy<Value = Step> {
    use prop::sample::Index;
    let append = (any::<bool>(), 1..50_u16, 0..1500_u16);
    let fault = prop_oneof![Just(Fault::Error), Just(Fault::Kill)];
    prop_oneof![
        12 => append.prop_map(|(logs, items, filler)| Step::Append { logs, items, filler }),
        2 => (1..50_u16).prop_map(|items| Step::AppendOut { items }),
        8 => Just(Step::Next),
        6 => any::<Index>().prop_map(Step::Settle),
        2 => any::<Index>().prop_map(Step::Replace),
        2 => any::<Index>().prop_map(Step::GiveBack),
        1 => Just(Step::Sync),
        1 => (0..MAX_AGE_S).prop_map(|seconds| Step::Pass { seconds }),
        1 => (0..12_u32, fault).prop_map(|(after, fault)| Step::Fail { after, fault }),
        1 => Just(Step::End),
        1 => Just(Step::Kill),
        1 => any::<u32>().prop_map(Step::LosePower),
    ]
}

/// What the model knows of a batch.
#[derive(Clone, Debug)]
struct Known {
    signal: Signal,
    items: u32,
    payload: Vec<u8>,
    /// Whether an append of it was acknowledged.
    acknowledged: bool,
    /// Whether it was settled, and whether it is out or was sent by this process.
    settled: bool,
    taken: bool,
    /// Where it was when it was settled: process and segment.
    settled_in: (u32, u64),
}

impl Known {
    fn new(signal: Signal, items: u32, payload: Vec<u8>, acknowledged: bool) -> Self {
        Self { signal, items, payload, acknowledged, settled: false, taken: false, settled_in: (0, 0) }
    }
}

/// A spool, the model of it, and what has happened.
struct Run {
    disk: Fake,
    spool: Option<Spool<Fake>>,
    options: Options,
    now: u64,
    known: Vec<Known>,
    out: BTreeMap<Place, usize>,
    last_read: Option<usize>,
    /// What was given back: it is read again behind all others, in order; what is given back meanwhile comes in a next round.
    again: BTreeSet<usize>,
    round: BTreeSet<usize>,
    last_again: Option<usize>,
    process: u32,
    appended: PerSignal<u64>,
    settled: OnDisk,
    losses: Losses,
    /// Of earlier processes, when this one began.
    earlier: PerSignal<u64>,
    /// Something happened after which a settled entry may be read again: how many segments it may be in.
    repeats_from: usize,
    repeated: BTreeSet<(u32, u64)>,
    /// Something happened after which an entry may be missing.
    may_miss: bool,
    /// The operation of a fault may have gone wrong in a way that the books of this process do not show.
    faulty: bool,
}

impl Run {
    fn new(fsync: Fsync) -> Self {
        let options =
            Options { max_size_bytes: MAX_SIZE_BYTES, max_age: Duration::from_secs(MAX_AGE_S), fsync };
        let disk = Fake::default();
        let spool = Spool::open(disk.clone(), options, 0).expect("an empty folder");
        Self {
            disk,
            spool: Some(spool),
            options,
            now: 0,
            known: Vec::new(),
            out: BTreeMap::new(),
            last_read: None,
            again: BTreeSet::new(),
            round: BTreeSet::new(),
            last_again: None,
            process: 0,
            appended: PerSignal::default(),
            settled: OnDisk::default(),
            losses: Losses::default(),
            earlier: PerSignal::default(),
            repeats_from: 0,
            repeated: BTreeSet::new(),
            may_miss: false,
            faulty: false,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Append { logs, items, filler } => drop(self.append(logs, items, filler)),
            Step::AppendOut { items } => self.append_out(items),
            Step::Next => drop(self.next()),
            Step::Settle(index) => self.settle(index),
            Step::Replace(index) => self.replace(index),
            Step::GiveBack(index) => self.give_back(index),
            Step::Sync => drop(self.spool().sync()),
            Step::Pass { seconds } => self.now += seconds,
            Step::Fail { after, fault } => {
                self.disk.fail(after, fault);
                self.faulty = true;
            }
            Step::End => self.end(),
            Step::Kill => self.kill(),
            Step::LosePower(seed) => self.lose_power(seed),
            Step::Flip { file, bit } => self.damage(file, |bytes| {
                let bit = bit.index(8 * bytes.len());
                bytes[bit / 8] ^= 1 << (bit % 8);
            }),
            Step::Cut { file, len } => self.damage(file, |bytes| bytes.truncate(len.index(bytes.len()))),
        }
        if self.disk.is_dead() {
            self.kill();
        }
        self.check_books();
    }

    fn spool(&mut self) -> &mut Spool<Fake> {
        self.spool.as_mut().expect("between steps there is a spool")
    }

    fn append(&mut self, logs: bool, items: u16, filler: u16) -> Option<Place> {
        let signal = if logs { Signal::Logs } else { Signal::Traces };
        let id = self.known.len();
        let payload = [&(id as u32).to_le_bytes()[..], &vec![id as u8; filler.into()]].concat();
        let now = self.now;
        let place = self.spool().append(signal, items.into(), &payload, now).ok();
        let acknowledged = place.is_some();
        let items = u32::from(items);
        self.appended[signal] += if acknowledged { u64::from(items) } else { 0 };
        self.known.push(Known::new(signal, items, payload, acknowledged));
        place
    }

    fn append_out(&mut self, items: u16) {
        let id = self.known.len();
        if let Some(place) = self.append(false, items, 100) {
            self.spool().hold(place, Signal::Traces, items.into());
            self.known[id].taken = true;
            self.out.insert(place, id);
        }
    }

    fn next(&mut self) -> Option<usize> {
        let now = self.now;
        let entry = self.spool().next(now).ok().flatten()?;
        let id = u32::from_le_bytes(entry.payload[..4].try_into().expect("four bytes")) as usize;
        let known = &mut self.known[id];
        assert_eq!((entry.signal, entry.items, &entry.payload), (known.signal, known.items, &known.payload));
        assert!(!known.taken, "sent twice by one process");
        assert!(known.acknowledged || self.faulty, "never acknowledged");
        assert!(known.settled <= (self.repeats_from > 0 || self.faulty), "settled, and read again");
        known.settled.then(|| self.repeated.insert(known.settled_in));
        known.taken = true;
        // Without fsync, what had been removed may be there again, beside numbers used anew.
        let never = self.options.fsync == Fsync::Never;
        if self.again.contains(&id) {
            self.round.append(&mut self.again);
            self.last_again = None;
        }
        let is_again = self.round.remove(&id);
        let last = if is_again { &mut self.last_again } else { &mut self.last_read };
        // What was given back is read early where the rest of its segment was damaged.
        let is_excused = (never && self.repeats_from > 0) || (is_again && self.may_miss);
        assert!(last.replace(id) < Some(id) || is_excused, "out of order");
        self.out.insert(entry.place, id);
        Some(id)
    }

    fn settle(&mut self, index: prop::sample::Index) {
        if self.out.is_empty() {
            return;
        }
        let (place, id) =
            self.out.iter().nth(index.index(self.out.len())).map(|(p, i)| (*p, *i)).expect("one");
        self.out.remove(&place);
        self.settle_at(place, id);
    }

    fn settle_at(&mut self, place: Place, id: usize) {
        let earlier = self.spool().segments[&place.segment].earlier;
        // If the mark is not written, a fault is what it is due to.
        let _ = self.spool().settle(place);
        let known = &mut self.known[id];
        (known.settled, known.settled_in) = (true, (self.process, place.segment));
        let settled = if earlier { &mut self.settled.earlier } else { &mut self.settled.own };
        settled[known.signal] += u64::from(known.items);
    }

    fn replace(&mut self, index: prop::sample::Index) {
        if self.out.is_empty() {
            return;
        }
        let (place, id) =
            self.out.iter().nth(index.index(self.out.len())).map(|(p, i)| (*p, *i)).expect("one");
        let Known { signal, items, payload, .. } = self.known[id].clone();
        let earlier = self.spool().segments[&place.segment].earlier;
        let entry = Entry { signal, items, payload, written_unix_s: self.now, earlier, place };
        let next = self.known.len() as u32;
        let payloads = [next, next + 1].map(|id| [&id.to_le_bytes()[..], &entry.payload[4..]].concat());
        let counts = [items / 2, items - items / 2];
        let halves = [0, 1].map(|half| (counts[half] as usize, payloads[half].as_slice()));
        let acknowledged = self.spool().replace(&entry, halves).is_ok();
        for (items, payload) in counts.into_iter().zip(payloads) {
            self.known.push(Known::new(signal, items, payload, acknowledged));
        }
        if acknowledged {
            self.out.remove(&place);
            let known = &mut self.known[id];
            (known.settled, known.settled_in) = (true, (self.process, place.segment));
        }
    }

    fn give_back(&mut self, index: prop::sample::Index) {
        if self.out.is_empty() {
            return;
        }
        let place = *self.out.keys().nth(index.index(self.out.len())).expect("one");
        let id = self.out.remove(&place).expect("it is out");
        self.spool().give_back(place);
        self.known[id].taken = false;
        self.again.insert(id);
    }

    /// `created = settled + lost + on disk`, for this process's and for earlier ones'.
    fn check_books(&mut self) {
        self.note_losses();
        let on_disk = self.spool().on_disk();
        for signal in Signal::ALL {
            let lost = |loss: Loss| loss.disk_full + loss.expired + loss.corrupt;
            let own = self.settled.own[signal] + lost(self.losses.own[signal]) + on_disk.own[signal];
            let earlier =
                self.settled.earlier[signal] + lost(self.losses.earlier[signal]) + on_disk.earlier[signal];
            assert_eq!((self.appended[signal], self.earlier[signal]), (own, earlier), "{signal}");
        }
        let sizes: u64 = self.spool().segments.values().map(|segment| segment.len_bytes).sum();
        assert!(sizes <= MAX_SIZE_BYTES);
    }

    fn note_losses(&mut self) {
        let new = self.spool().take_losses();
        for signal in Signal::ALL {
            for (all, new) in [(&mut self.losses.own, new.own), (&mut self.losses.earlier, new.earlier)] {
                all[signal].disk_full += new[signal].disk_full;
                all[signal].expired += new[signal].expired;
                all[signal].corrupt += new[signal].corrupt;
            }
        }
        self.losses.unreadable_entries += new.unreadable_entries;
    }

    fn end(&mut self) {
        let _ = self.spool.take().expect("a spool").close();
        self.restart(0);
    }

    fn kill(&mut self) {
        self.disk.restart();
        self.restart(0);
    }

    fn lose_power(&mut self, seed: u32) {
        let mut luck = seed;
        self.disk.lose_power(|| {
            luck = luck.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            luck >> 8
        });
        self.may_miss |= self.options.fsync != Fsync::Always;
        // The two that were open; or whatever was thrown away, which may be there again.
        let thrown_away =
            self.losses != Losses { unreadable_entries: self.losses.unreadable_entries, ..Losses::default() };
        let any = self.options.fsync == Fsync::Never || thrown_away || self.faulty;
        self.restart(if any { usize::MAX } else { 2 });
    }

    /// The next process.
    fn restart(&mut self, repeats_from: usize) {
        let before = self.spool.take().map(|spool| spool.on_disk());
        self.disk.restart();
        self.spool =
            Some(Spool::open(self.disk.clone(), self.options, self.now).expect("a disk without faults"));
        (self.losses, self.settled, self.appended) = Default::default();
        self.note_losses();
        self.repeats_from = self.repeats_from.saturating_add(repeats_from);
        (self.process, self.last_read, self.last_again) = (self.process + 1, None, None);
        self.again.clear();
        self.round.clear();
        self.out.clear();
        self.known.iter_mut().for_each(|known| known.taken = false);
        let on_disk = self.spool().on_disk().earlier;
        let earlier = self.losses.earlier;
        self.earlier = PerSignal::of(|signal| {
            let Loss { disk_full, expired, corrupt } = earlier[signal];
            on_disk[signal] + disk_full + expired + corrupt
        });
        if let Some(before) = before.filter(|_| !self.may_miss) {
            for signal in Signal::ALL {
                let expected = before.own[signal] + before.earlier[signal];
                let may_be_there =
                    self.known.iter().filter(|known| known.signal == signal && !known.acknowledged);
                let may_be_there: u64 = may_be_there.map(|known| u64::from(known.items)).sum();
                assert!(self.earlier[signal] + may_be_there >= expected, "acknowledged, and gone");
                assert!(
                    self.earlier[signal] == expected || self.faulty || self.repeats_from > 0,
                    "more than there was"
                );
            }
        }
    }

    fn damage(&mut self, file: prop::sample::Index, damage: impl FnOnce(&mut Vec<u8>)) {
        let files: Vec<_> = self.disk.files().into_iter().filter(|(_, len)| *len > 0).collect();
        if !files.is_empty() {
            self.disk.damage(files[file.index(files.len())].0, damage);
            self.may_miss = true;
            // A mark may be among what was damaged.
            self.repeats_from = usize::MAX;
        }
    }

    /// Sends all there is; afterwards nothing is left, and nothing is missing in the books.
    fn drain(mut self) {
        self.disk.restart();
        self.out.clone().into_iter().for_each(|(place, id)| self.settle_at(place, id));
        self.out.clear();
        while self.next().is_some() {
            let (place, id) = self.out.pop_first().expect("the one that was read");
            self.settle_at(place, id);
        }
        self.check_books();
        assert_eq!(self.spool().on_disk(), OnDisk::default());
        assert!(self.repeated.len() <= self.repeats_from || self.faulty, "{:?} repeated", self.repeated);
        let damaged = self.losses.own.traces.corrupt + self.losses.own.logs.corrupt;
        assert!(damaged == 0 || self.may_miss || self.faulty, "nothing was damaged");
        self.end();
        // A file that could not be removed stays for the next process.
        assert!(self.disk.files().is_empty() || self.faulty, "settled segments stay");
    }
}

fn check(fsync: Fsync, steps: Vec<Step>) {
    let mut run = Run::new(fsync);
    steps.into_iter().for_each(|step| run.step(step));
    run.drain();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_is_sent_once_in_order_or_counted_as_lost(steps in steps()) {
        check(Fsync::Always, steps);
    }

    #[test]
    fn without_fsync_a_power_failure_loses_and_repeats_entries_and_nothing_else_goes_wrong(steps in steps()) {
        check(Fsync::Never, steps);
    }

    #[test]
    fn damaged_entries_are_never_sent_and_never_fatal(steps in steps_with_damage()) {
        check(Fsync::Always, steps);
    }
}
