//! What a spool does, rule by rule; in [`model`], any steps in any order.

mod model;

use super::entry::HEADER_BYTES;
use super::fake::{Fake, Fault};
use super::*;

/// A spool of this process with these payloads, of one span each.
fn spool_of<const N: usize>(disk: &Fake, payloads: [&[u8]; N]) -> Spool<Fake> {
    let mut spool = Spool::open(disk.clone(), Options::default(), 0).expect("an empty folder");
    for payload in payloads {
        spool.append(Signal::Traces, 1, payload, 0).expect("room");
    }
    spool
}

fn reopen(disk: &Fake) -> Spool<Fake> {
    disk.restart();
    Spool::open(disk.clone(), Options::default(), 0).expect("a folder that can be listed")
}

fn payloads(spool: &mut Spool<Fake>) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| spool.next(0).expect("no faults")).map(|entry| entry.payload).collect()
}

#[test]
fn an_append_that_failed_leaves_nothing_behind() {
    // Creates and forces out the name, unless there is a segment already; writes the header and the payload, and forces them out.
    for after in 0..5 {
        let disk = Fake::default();
        let options = Options { fsync: Fsync::Always, ..Options::default() };
        let mut spool = Spool::open(disk.clone(), options, 0).expect("an empty folder");
        if after < 3 {
            spool.append(Signal::Traces, 1, b"payload", 0).expect("no faults");
        }
        disk.fail(after, Fault::Error);
        assert!(spool.append(Signal::Logs, 1, b"payload", 0).is_err(), "{after}");
        assert_eq!(spool.on_disk().own.logs, 0);
        let mut next = reopen(&disk);
        assert_eq!((next.on_disk().earlier.logs, next.take_losses()), (0, Losses::default()), "{after}");
        assert!(spool.append(Signal::Logs, 1, b"payload", 0).is_ok(), "the spool goes on");
    }
}

#[test]
fn an_entry_whose_mark_could_not_be_written_is_not_read_again() {
    let disk = Fake::default();
    let mut spool = spool_of(&disk, []);
    let place = spool.append(Signal::Traces, 1, b"payload", 0).expect("room");
    spool.hold(place, Signal::Traces, 1);
    disk.fail(0, Fault::Error);
    assert!(spool.settle(place).is_err());
    spool.append(Signal::Traces, 1, b"another", 0).expect("room");
    assert_eq!(payloads(&mut spool), [b"another"]);
}

#[test]
fn entries_that_somebody_else_marked_are_counted_as_corrupt() {
    let disk = Fake::default();
    let mut spool = spool_of(&disk, [b"one", b"two"]);
    disk.damage(0, |bytes| bytes[MARK_AT as usize] = DONE);
    assert_eq!(payloads(&mut spool), [b"two"]);
    assert_eq!((spool.on_disk().own.traces, spool.take_losses().own.traces.corrupt), (1, 1));
}

#[test]
fn each_flipped_bit_costs_no_entry_but_its_own_or_those_behind_its_header() {
    let entries: [&[u8]; 3] = [b"one", b"two", b"three"];
    let disk = Fake::default();
    drop(spool_of(&disk, entries));
    let bits = 8 * disk.files()[0].1;
    for bit in 0..bits {
        let disk = Fake::default();
        drop(spool_of(&disk, entries));
        disk.damage(0, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let mut spool = reopen(&disk);
        let read = payloads(&mut spool);
        let (entry, at) = (bit / 8 / 35, bit / 8 % 35);
        let losses = spool.take_losses();
        let expected: Vec<&[u8]> = match (entry, at) {
            (_, 4) => entries.to_vec(),
            (3, _) | (_, HEADER_BYTES..) => {
                entries.iter().enumerate().filter(|(i, _)| *i != entry.min(2)).map(|(_, e)| *e).collect()
            }
            (_, _) => entries[..entry].to_vec(),
        };
        assert_eq!(read, expected, "bit {bit}");
        let lost = losses.earlier.traces.corrupt + losses.unreadable_entries;
        assert_eq!(lost, u64::from(expected.len() < 3), "bit {bit}");
    }
}

#[test]
fn a_file_cut_anywhere_keeps_the_entries_before_the_cut_and_counts_the_torn_one() {
    for len in 0..=105 {
        let disk = Fake::default();
        drop(spool_of(&disk, [b"one", b"two", b"six"]));
        disk.damage(0, |bytes| bytes.truncate(len));
        let mut spool = reopen(&disk);
        assert_eq!(payloads(&mut spool).len(), len / 35);
        assert_eq!(spool.take_losses().unreadable_entries, u64::from(len % 35 > 0), "{len}");
    }
}

#[test]
fn what_is_given_back_is_read_again_behind_all_others() {
    let mut spool = spool_of(&Fake::default(), [b"one", b"two"]);
    // In a segment of its own.
    spool.options.max_size_bytes = 1 << 10;
    spool.append(Signal::Traces, 1, b"three", 0).expect("room");
    let mut read = || {
        let entry = spool.next(0).expect("no faults").expect("one");
        let payload = String::from_utf8(entry.payload).expect("text");
        // The first is never taken.
        if payload == "one" {
            spool.give_back(entry.place)
        } else {
            spool.settle(entry.place).expect("no faults")
        }
        payload
    };
    assert_eq!([(); 5].map(|()| read()), ["one", "two", "three", "one", "one"]);
    assert_eq!(spool.unread_entries(), 1);
}

#[test]
fn what_takes_an_entry_s_place_is_as_old_and_of_the_same_process() {
    let disk = Fake::default();
    drop(spool_of(&disk, [b"whole"]));
    let mut spool = reopen(&disk);
    spool.append(Signal::Traces, 1, b"own", 5).expect("room");
    let whole = spool.next(0).expect("no faults").expect("one");
    let whole = Entry { items: 3, ..whole };
    spool.replace(&whole, [(1, b"one"), (2, b"other")]).expect("no faults");
    spool.append(Signal::Traces, 1, b"next", 5).expect("room");
    assert_eq!((spool.on_disk().own.traces, spool.on_disk().earlier.traces), (2, 3));
    let day = 24 * 60 * 60;
    let mut read = Vec::new();
    while let Some(entry) = spool.next(0).expect("no faults") {
        read.push((entry.payload, entry.items, entry.earlier));
    }
    let expected: [(&[u8], _, _); 4] =
        [(b"own", 1, false), (b"one", 1, true), (b"other", 2, true), (b"next", 1, false)];
    assert_eq!(read, expected.map(|(payload, items, earlier)| (payload.to_vec(), items, earlier)));
    drop(spool);
    let mut next = reopen(&disk);
    let left = std::iter::from_fn(|| next.next(day + 1).expect("no faults"));
    assert_eq!(left.map(|entry| entry.payload).collect::<Vec<_>>(), [b"own".to_vec(), b"next".to_vec()]);
    assert_eq!(next.take_losses().earlier.traces.expired, 3);
}

#[test]
fn what_cannot_take_an_entry_s_place_leaves_it_there() {
    // Creates the segment and forces out its name, writes two headers and payloads, and forces them out.
    for after in 0..7 {
        let disk = Fake::default();
        drop(spool_of(&disk, [b"whole"]));
        let mut spool = reopen(&disk);
        let whole = Entry { items: 2, ..spool.next(0).expect("no faults").expect("one") };
        disk.fail(after, Fault::Error);
        assert!(spool.replace(&whole, [(1, b"one"), (1, b"other")]).is_err(), "{after}");
        spool.give_back(whole.place);
        assert_eq!(payloads(&mut spool), [b"whole"], "{after}");
        assert_eq!(payloads(&mut reopen(&disk)), [b"whole"], "{after}");
    }
}

#[test]
fn segments_behind_a_corrupt_one_are_sent() {
    let disk = Fake::default();
    drop(spool_of(&disk, [b"one"]));
    reopen(&disk).append(Signal::Traces, 1, b"two", 0).expect("room");
    disk.damage(0, |bytes| bytes.fill(0xFF));
    let mut spool = reopen(&disk);
    assert_eq!(payloads(&mut spool), [b"two"]);
    assert_eq!(spool.take_losses().unreadable_entries, 1);
}

#[test]
fn the_oldest_go_when_there_is_no_more_room() {
    let options = Options { max_size_bytes: 2000, ..Options::default() };
    let mut spool = Spool::open(Fake::default(), options, 0).expect("an empty folder");
    for n in 0..30 {
        spool.append(Signal::Logs, 2, &[n; 68], 0).expect("room is made");
    }
    assert_eq!((spool.on_disk().own.logs, spool.take_losses().own.logs.disk_full), (40, 20));
    assert_eq!(payloads(&mut spool)[0], [10; 68]);
    let too_large = spool.append(Signal::Logs, 1, &[0; 2000], 0).map_err(|error| error.kind());
    assert_eq!(too_large, Err(io::ErrorKind::FileTooLarge));
}

#[test]
fn what_is_out_is_not_thrown_away_for_room() {
    let options = Options { max_size_bytes: 150, ..Options::default() };
    let mut spool = Spool::open(Fake::default(), options, 0).expect("an empty folder");
    spool.append(Signal::Traces, 1, &[0; 68], 0).expect("room");
    let entry = spool.next(0).expect("no faults").expect("one");
    assert!(spool.append(Signal::Traces, 1, &[1; 68], 0).is_err());
    spool.settle(entry.place).expect("no faults");
    assert!(spool.append(Signal::Traces, 1, &[1; 68], 0).is_ok());
}

#[test]
fn the_old_go_even_in_a_segment_with_younger_ones() {
    let mut spool = spool_of(&Fake::default(), [b"old", b"old"]);
    let day = 24 * 60 * 60;
    spool.append(Signal::Traces, 1, b"young", 10).expect("room");
    assert_eq!(spool.next(day + 1).expect("no faults").map(|entry| entry.payload), Some(b"young".to_vec()));
    assert_eq!(spool.take_losses().own.traces.expired, 2);
    drop(spool.next(day + 11));
    assert_eq!(spool.on_disk().own.traces, 1, "what is out is somebody's");
}

#[test]
fn after_a_sync_nothing_is_lost_with_the_power() {
    let disk = Fake::default();
    let options = Options { max_size_bytes: 32 << 10, ..Options::default() };
    let mut spool = Spool::open(disk.clone(), options, 0).expect("an empty folder");
    for n in 0..100 {
        spool.append(Signal::Traces, 1, &[n; 100], 0).expect("room");
    }
    spool.sync().expect("no faults");
    disk.lose_power(|| 0);
    assert_eq!(payloads(&mut reopen(&disk)).len(), 100);
}

#[test]
fn only_an_interval_asks_for_a_sync_and_only_after_a_write() {
    let due = |fsync| {
        let mut spool =
            Spool::open(Fake::default(), Options { fsync, ..Options::default() }, 0).expect("a folder");
        let before = spool.sync_due();
        spool.append(Signal::Traces, 1, b"payload", 0).expect("room");
        let after = spool.sync_due();
        spool.sync().expect("no faults");
        (before.is_some(), after.is_some(), spool.sync_due().is_some())
    };
    assert_eq!(due(Fsync::Every(Duration::from_secs(1))), (false, true, false));
    assert_eq!(due(Fsync::Always), (false, false, false));
    assert_eq!(due(Fsync::Never), (false, false, false));
}
