//! Where spans are kept that the process's subscriber knows by their numbers: any thread finds one without a lock, and without writing.
//!
//! ```text
//! open ─▶ number ─▶ held, metadata: whoever has the number
//!             └───▶ retain, release: the last to release it takes it out of the slot, ends the span, and frees the slot
//! ```
//! Slots never move and are never given back to the system, so that a number, however old, may be looked up: the slot says whether it is
//! still that number's. There are as many as there were spans at a time.

use super::context::{Ids, Snapshot, flag};
use super::foreign::{Foreign, Held};
use super::tick;
use crate::record::{Callsite, Luggage};
use std::cell::{RefCell, UnsafeCell};
use std::num::NonZeroU64;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing::Metadata;

/// A span of `tracing`, with room for its fields.
pub(crate) type Recorded = Foreign<32>;

/// Starts a span in a free slot; `None` if there is none, or no context to keep. The first reference is the caller's.
///
/// `start` may run whatever code: the slot is its alone.
pub(crate) fn open(
    metadata: &'static Metadata<'static>,
    start: impl FnOnce(&mut Option<Recorded>) -> Held,
) -> Option<NonZeroU64> {
    let index = free::take()?;
    let slot = slot_at(index)?;
    // SAFETY: the index was free, and is this thread's now.
    let owned = unsafe { &mut *slot.owned.get() };
    let held = start(&mut owned.recorded);
    if !held.is_active() {
        free::put(index);
        return None;
    }
    owned.generation = owned.generation.wrapping_add(1);
    let number = NonZeroU64::new(u64::from(owned.generation) << 32 | u64::from(index + 1))?;
    let start = owned.recorded.as_ref().map_or(u64::MAX, Foreign::started);
    slot.publish(number, metadata, held.snapshot(), start);
    Some(number)
}

/// The context of the span with this number, if there is one.
pub(crate) fn held(number: u64) -> Option<Held> {
    slot_of(number)?.look(number, |slot| Held::new(slot.snapshot()))
}

/// What `tracing` knows of the span with this number, if there is one.
pub(crate) fn metadata(number: u64) -> Option<&'static Metadata<'static>> {
    let metadata = slot_of(number)?.look(number, |slot| slot.metadata.load(Ordering::Relaxed))?;
    // SAFETY: whatever number's it was, what was stored there is a reference for good.
    unsafe { metadata.as_ref() }
}

/// Says that the span is one of another place, which differs in what only a place says: its kind.
pub(crate) fn move_to(number: u64, callsite: &'static Callsite) {
    if let Some(slot) = slot_of(number) {
        slot.look(number, |slot| slot.moved_to.store(callsite.number(), Ordering::Relaxed));
    }
}

/// One more has the number.
pub(crate) fn retain(number: u64) {
    if let Some(slot) = slot_of(number) {
        slot.look(number, |slot| slot.references.fetch_add(1, Ordering::Relaxed));
    }
}

/// One less has the number; whether it was the last, and the span is over.
pub(crate) fn release(number: u64) -> bool {
    let Some(slot) = slot_of(number) else { return false };
    let is_last = |slot: &Slot| {
        // Whoever has the only reference needs not give it back for others to see.
        slot.references.load(Ordering::Acquire) == 1 || slot.references.fetch_sub(1, Ordering::AcqRel) == 1
    };
    slot.look(number, is_last) == Some(true) && slot.close(number)
}

struct Slot {
    /// The number of the span that has the slot, or 0. What is read of the rest counts if the number was there before and after.
    number: AtomicU64,
    references: AtomicU64,
    trace_high: AtomicU64,
    trace_low: AtomicU64,
    span_id: AtomicU64,
    flags: AtomicU8,
    /// When the span started, or the end of time if it is not recorded: nothing of it runs in any process.
    start: AtomicU64,
    metadata: AtomicPtr<Metadata<'static>>,
    /// The number of the place that it turned out to be at, or 0.
    moved_to: AtomicU32,
    luggage: Mutex<Luggage>,
    owned: UnsafeCell<Owned>,
}

/// Belongs to whoever has the slot's index and has not published a number yet, or has taken the number out.
#[derive(Default)]
struct Owned {
    /// Tells the numbers of one slot from each other.
    generation: u32,
    recorded: Option<Recorded>,
}

// SAFETY: `owned` has one owner at a time, as it says; who comes next is on this thread, or got the index, or the number, from an atomic
// or a lock. The rest is shared as it is.
unsafe impl Sync for Slot where Owned: Send {}

impl Slot {
    fn new() -> Self {
        Self {
            number: AtomicU64::new(0),
            references: AtomicU64::new(0),
            trace_high: AtomicU64::new(0),
            trace_low: AtomicU64::new(0),
            span_id: AtomicU64::new(0),
            flags: AtomicU8::new(0),
            start: AtomicU64::new(0),
            metadata: AtomicPtr::new(ptr::null_mut()),
            moved_to: AtomicU32::new(0),
            luggage: Mutex::new(Luggage::NONE),
            owned: UnsafeCell::default(),
        }
    }

    /// Has the slot be that number's.
    fn publish(&self, number: NonZeroU64, metadata: &'static Metadata<'static>, held: &Snapshot, start: u64) {
        // Who reads any of the following while it looks at an older number sees that the number is gone.
        fence(Ordering::Release);
        let Ids { trace_high, trace_low, span_id, flags } = held.ids;
        self.trace_high.store(trace_high, Ordering::Relaxed);
        self.trace_low.store(trace_low, Ordering::Relaxed);
        self.span_id.store(span_id, Ordering::Relaxed);
        self.flags.store(flags, Ordering::Relaxed);
        self.start.store(start, Ordering::Relaxed);
        self.metadata.store(ptr::from_ref(metadata).cast_mut(), Ordering::Relaxed);
        self.moved_to.store(0, Ordering::Relaxed);
        self.references.store(1, Ordering::Relaxed);
        if flags & flag::HAS_LUGGAGE != 0 {
            self.set_luggage(held.luggage.clone());
        }
        self.number.store(number.get(), Ordering::Release);
    }

    /// What `read` finds, if that is the number's.
    #[inline]
    fn look<R>(&self, number: u64, read: impl FnOnce(&Self) -> R) -> Option<R> {
        if self.number.load(Ordering::Acquire) != number {
            return None;
        }
        let found = read(self);
        fence(Ordering::Acquire);
        (self.number.load(Ordering::Relaxed) == number).then_some(found)
    }

    fn snapshot(&self) -> Snapshot {
        let mut flags = self.flags.load(Ordering::Relaxed);
        if tick::is_inherited(self.start.load(Ordering::Relaxed)) {
            // Forked meanwhile: the span runs in the parent process.
            flags |= flag::REMOTE;
        }
        let ids = Ids {
            trace_high: self.trace_high.load(Ordering::Relaxed),
            trace_low: self.trace_low.load(Ordering::Relaxed),
            span_id: self.span_id.load(Ordering::Relaxed),
            flags,
        };
        let luggage = if flags & flag::HAS_LUGGAGE == 0 { Luggage::NONE } else { self.luggage() };
        Snapshot { ids, luggage }
    }

    #[cold]
    fn luggage(&self) -> Luggage {
        self.luggage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[cold]
    fn set_luggage(&self, luggage: Luggage) {
        *self.luggage.lock().unwrap_or_else(PoisonError::into_inner) = luggage;
    }

    /// Ends the span with this number, unless somebody else does.
    fn close(&self, number: u64) -> bool {
        let taken = self.number.compare_exchange(number, 0, Ordering::AcqRel, Ordering::Relaxed);
        if taken.is_err() {
            return false;
        }
        if self.flags.load(Ordering::Relaxed) & flag::HAS_LUGGAGE != 0 {
            self.set_luggage(Luggage::NONE);
        }
        // SAFETY: only one takes the number out, and until a free index leads here nobody else comes.
        let owned = unsafe { &mut *self.owned.get() };
        if let Some(recorded) = &mut owned.recorded {
            recorded.move_to(self.moved_to.load(Ordering::Relaxed));
        }
        owned.recorded = None;
        free::put(index_of(number));
        true
    }
}

/// Each chunk is twice as large as the one before.
static CHUNKS: [OnceLock<Box<[Slot]>>; 26] = [const { OnceLock::new() }; 26];
const FIRST_CHUNK: u32 = 32;

fn index_of(number: u64) -> u32 {
    (number as u32).wrapping_sub(1)
}

fn slot_of(number: u64) -> Option<&'static Slot> {
    let (chunk, at) = place_of(index_of(number))?;
    CHUNKS.get(chunk)?.get()?.get(at)
}

/// The same, which is made if it is not there.
fn slot_at(index: u32) -> Option<&'static Slot> {
    let (chunk, at) = place_of(index)?;
    let length = (FIRST_CHUNK as usize) << chunk;
    let new = || (0..length).map(|_| Slot::new()).collect();
    CHUNKS.get(chunk)?.get_or_init(new).get(at)
}

/// The chunk of a slot, and where in it the slot is.
fn place_of(index: u32) -> Option<(usize, usize)> {
    let from_one = index.checked_add(FIRST_CHUNK)?;
    let chunk = from_one.ilog2() - FIRST_CHUNK.ilog2();
    Some((chunk as usize, (from_one - (FIRST_CHUNK << chunk)) as usize))
}

/// The indexes of slots that nobody has.
mod free {
    use super::*;

    /// A thread's own, which it takes and puts back without meeting others.
    struct Own(Vec<u32>);

    thread_local! {
        static OWN: RefCell<Own> = const { RefCell::new(Own(Vec::new())) };
    }

    /// Those of threads that had too many, or are over. Never waited for: a forked child may find it locked for good.
    static SPARE: Mutex<Vec<u32>> = Mutex::new(Vec::new());

    /// The first that was never used.
    static NEXT: AtomicU32 = AtomicU32::new(0);

    const MOST_OWN: usize = 256;

    pub(super) fn take() -> Option<u32> {
        let own = OWN.try_with(|own| own.borrow_mut().0.pop()).ok().flatten();
        own.or_else(take_more)
    }

    #[cold]
    fn take_more() -> Option<u32> {
        let Some(mut spare) = SPARE.try_lock().ok().filter(|spare| !spare.is_empty()) else {
            let next = |next: u32| next.checked_add(1);
            return NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok();
        };
        let from = spare.len().saturating_sub(MOST_OWN / 2);
        let mut some = spare.split_off(from);
        let one = some.pop();
        let _ = OWN.try_with(|own| own.borrow_mut().0.append(&mut some));
        one
    }

    pub(super) fn put(index: u32) {
        let kept = OWN.try_with(|own| {
            let own = &mut own.borrow_mut().0;
            own.push(index);
            if own.len() > MOST_OWN {
                give(own, MOST_OWN / 2);
            }
        });
        if kept.is_err() {
            give(&mut vec![index], 0);
        }
    }

    /// Gives away all but so many.
    #[cold]
    fn give(own: &mut Vec<u32>, kept: usize) {
        if let Ok(mut spare) = SPARE.try_lock() {
            spare.extend(own.drain(kept..));
        }
    }

    impl Drop for Own {
        fn drop(&mut self) {
            give(&mut self.0, 0);
        }
    }

    /// How many there are.
    #[cfg(all(test, feature = "testing"))]
    pub(super) fn ever_used() -> u32 {
        NEXT.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::record::SpanContext;
    use crate::span::Below;
    use crate::testing::capture;
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc;
    use std::thread;

    static SITE: Callsite = Callsite::new("f", module_path!(), file!(), line!(), &[]);

    /// Those of a span of no test's trace.
    fn some_metadata() -> &'static Metadata<'static> {
        static METADATA: OnceLock<&'static Metadata<'static>> = OnceLock::new();
        let of_a_span = || tracing::info_span!(parent: None, "f").metadata().expect("it is enabled");
        METADATA.get_or_init(of_a_span)
    }

    fn open_one() -> (u64, SpanContext) {
        let mut context = SpanContext::default();
        let number = open(some_metadata(), |slot| {
            let held = Recorded::open(slot, &Below::Current, || &SITE);
            context = held.context();
            held
        });
        (number.expect("there is room").get(), context)
    }

    fn elsewhere<R: Send>(body: impl FnOnce() -> R + Send) -> R {
        thread::scope(|scope| scope.spawn(body).join().expect("it does not panic"))
    }

    #[test]
    fn the_last_to_let_go_ends_the_span() {
        let spans = capture(|| {
            let (number, context) = open_one();
            retain(number);
            assert!(!release(number));
            assert_eq!(held(number).map(|held| held.context()), Some(context));
            assert!(elsewhere(move || release(number)));
            assert!(held(number).is_none() && metadata(number).is_none());
        });
        assert_eq!(spans.len(), 1);
    }

    #[test]
    fn an_old_number_is_nobodys_and_does_nothing_to_whom_the_slot_is_now() {
        let spans = capture(|| {
            let (old, _) = open_one();
            assert!(release(old));
            let (new, context) = open_one();
            assert_eq!(index_of(old), index_of(new));
            retain(old);
            assert!(!release(old) && !release(old));
            assert!(held(old).is_none());
            assert_eq!(held(new).map(|held| held.context()), Some(context));
            assert!(release(new));
        });
        assert_eq!(spans.len(), 2);
    }

    #[test]
    fn numbers_that_never_were_are_nobodys() {
        for number in [0, 1, u64::from(u32::MAX), u64::MAX, 1 << 32, u64::MAX - 1] {
            assert!(held(number).is_none() && metadata(number).is_none() && !release(number), "{number}");
            retain(number);
        }
    }

    #[test]
    fn slots_are_found_in_chunks_that_follow_each_other() {
        let places: Vec<_> = [0, 31, 32, 95, 96, u32::MAX - FIRST_CHUNK].into_iter().map(place_of).collect();
        let expected = [(0, 0), (0, 31), (1, 0), (1, 63), (2, 0), (26, (1 << 31) - 1)];
        assert_eq!(places, expected.map(Some));
        assert_eq!(place_of(u32::MAX), None);
    }

    #[test]
    fn slots_of_threads_that_are_over_are_used_again() {
        let used_by_a_thread = || {
            let open_some = || (0..1000).map(|_| open_one().0).collect::<Vec<_>>();
            let close = |numbers: Vec<u64>| numbers.iter().for_each(|number| assert!(release(*number)));
            let span = crate::Span::current();
            let run = move || {
                let _entered = crate::attach(&span.context());
                close(open_some());
            };
            elsewhere(run);
        };
        capture(|| (0..20).for_each(|_| used_by_a_thread()));
        // Other tests use some besides.
        assert!(free::ever_used() < 10_000, "{}", free::ever_used());
    }

    /// Readers look numbers up while, and after, the spans end and their slots go to others.
    #[test]
    fn what_is_read_by_a_number_is_that_spans_or_nothing() {
        let is_over = AtomicBool::new(false);
        capture(|| {
            let parent = crate::Span::current().context();
            thread::scope(|scope| {
                let mut readers = Vec::new();
                for _ in 0..3 {
                    let (sender, receiver) = mpsc::sync_channel::<(u64, SpanContext)>(64);
                    readers.push(sender);
                    let is_over = &is_over;
                    scope.spawn(move || {
                        let mut known = Vec::new();
                        while !is_over.load(Ordering::Relaxed) {
                            known.extend(receiver.try_iter());
                            known.drain(..known.len().saturating_sub(64));
                            for (number, context) in &known {
                                let found = held(*number).map(|held| held.context());
                                assert!(found.is_none_or(|found| found == *context));
                            }
                        }
                    });
                }
                let _attached = crate::attach(&parent);
                for _ in 0..20_000 {
                    let (number, context) = open_one();
                    for reader in &readers {
                        let _ = reader.try_send((number, context.clone()));
                    }
                    assert!(release(number));
                }
                is_over.store(true, Ordering::Relaxed);
            });
        });
    }

    #[test]
    fn luggage_goes_along_and_goes_with_the_span() {
        let spans = capture(|| {
            let baggage = crate::Baggage::default().with("tenant", "acme").expect("it is right");
            let attached = baggage.attach();
            let (number, _) = open_one();
            drop(attached);
            let found = held(number).expect("it is open").snapshot().luggage.baggage();
            assert_eq!(found.get("tenant"), Some("acme".into()));
            assert!(release(number));
            assert!(slot_of(number).expect("it is there").luggage().is_empty());
        });
        assert_eq!(spans.len(), 1);
    }
}
