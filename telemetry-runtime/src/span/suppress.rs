//! Threads whose own work is not recorded: the pipeline's, or what an exporter does would be exported in turn, and so on for ever.

use super::context::{Ids, current, flag};
use std::cell::Cell;

thread_local! {
    static IS_SUPPRESSED: Cell<bool> = const { Cell::new(false) };
}

/// Has nothing recorded of what this thread does from now on: no span of ours, nor of other libraries, and no log record.
pub(crate) fn this_thread() {
    IS_SUPPRESSED.set(true);
    // Our own spans do not look: below one that is not sampled they are not recorded either.
    current().replace_ids(Ids { flags: flag::ACTIVE, ..Ids::default() });
}

/// Whether nothing is to be recorded of what this thread does.
pub(crate) fn is_suppressed() -> bool {
    IS_SUPPRESSED.get()
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::span::{Below, Entered, Foreign};
    use crate::{Callsite, Span, testing};

    #[test]
    fn a_suppressed_thread_records_no_span_of_any_kind() {
        static SITE: Callsite = Callsite::new("f", module_path!(), file!(), line!(), &[]);
        let spans = testing::capture(|| {
            let work = || {
                this_thread();
                let mut ours = Entered::<0>::new();
                ours.enter(&SITE);
                assert!(!Span::current().context().is_valid());
                for below in [Below::Current, Below::Nothing] {
                    let mut slot = None::<Foreign<0>>;
                    assert!(!Foreign::open(&mut slot, &below, || &SITE).is_active() && slot.is_none());
                }
            };
            std::thread::scope(|scope| scope.spawn(work).join().expect("it does not panic"));
        });
        assert!(spans.is_empty());
    }
}
