//! Whatever fails, and in whatever order: everything adds up, nothing doubles, and order is kept.

use super::scripted::*;
use crate::dispatch::*;
use proptest::prelude::*;
use std::collections::HashSet;

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Take),
        1 => (0..4_usize).prop_map(Act::Reject),
        3 => Just(Act::Fail),
        2 => (0..4_usize).prop_map(Act::FailAfter),
        1 => Just(Act::Refuse),
        1 => (0..4_usize).prop_map(Act::RefuseAfter),
        1 => Just(Act::Panic),
        1 => Just(Act::TooLarge),
    ]
}

/// Acts among which a few never end: not more than exporters can be made anew.
pub(super) fn acts() -> impl Strategy<Value = Vec<Act>> {
    (prop::collection::vec(act(), 0..40), prop::collection::vec(any::<prop::sample::Index>(), 0..3)).prop_map(
        |(mut acts, hangs)| {
            hangs.into_iter().for_each(|at| acts.insert(at.index(acts.len() + 1), Act::Hang));
            acts
        },
    )
}

/// How many spans were taken, as far as anybody has said so, unless one was twice.
fn taken_once(calls: &[Call]) -> Option<u64> {
    let mut taken = HashSet::new();
    let mut said = calls.iter().filter(|call| !matches!(call.act, Act::Hang));
    let is_new = said
        .all(|Call { ids, act, .. }| ids.iter().take(act.taken_of(ids.len())).all(|id| taken.insert(*id)));
    is_new.then_some(taken.len() as u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_fails_everything_adds_up_nothing_doubles_and_order_is_kept(
        acts in acts(),
        sizes in prop::collection::vec(1..6_u64, 1..12),
        concurrency in prop_oneof![Just(1_usize), Just(3)],
        max_batch_items in 1..8_usize,
    ) {
        // Long enough that a call which only panics, and says where, is not taken for one that hangs.
        let options = Options { concurrency, max_batch_items, export_timeout: 10 * SHORT, ..quick() };
        let running = Running::start(Script::of(acts), options, true);
        let pushed = running.push_all(0, &sizes);
        let status = running.settle();
        prop_assert_eq!((status.created, status.queued), (pushed, 0));

        let calls = running.script.calls();
        prop_assert!(calls.iter().all(|call| call.ids.is_sorted()), "order within a batch: {:?}", calls);
        // What the other side has said it took is never sent again; only a call that hangs leaves that open.
        prop_assert_eq!(taken_once(&calls), Some(status.exported + status.rejected), "{:?}", calls);
    }

    #[test]
    fn with_a_spool_whatever_fails_is_sent_later_once_and_everything_adds_up(
        acts in acts(),
        sizes in prop::collection::vec(1..6_u64, 1..12),
        concurrency in prop_oneof![Just(1_usize), Just(3)],
        mode in prop_oneof![Just(Mode::OnFailure), Just(Mode::Always)],
        max_batch_items in 1..8_usize,
    ) {
        let folder = Folder::new();
        let spool = folder.spool(mode);
        let options = Options { concurrency, max_batch_items, spool, export_timeout: 10 * SHORT, ..quick() };
        let running = Running::start(Script::of(acts), options, true);
        let pushed = running.push_all(0, &sizes);
        let status = wait_for(&running, |status| status.queued + status.spooled == 0);
        prop_assert_eq!(status.created, pushed);
        let Dropped { permanent_error, too_large, .. } = status.dropped;
        prop_assert_eq!(status.dropped.total(), permanent_error + too_large, "{}", status);
        let calls = running.script.calls();
        prop_assert!(calls.iter().all(|call| call.ids.is_sorted()), "order within a batch: {:?}", calls);
        prop_assert_eq!(taken_once(&calls), Some(status.exported + status.rejected), "{:?}", calls);
    }
}
