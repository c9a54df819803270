//! What the last panic of a thread said, kept by a panic hook for the spans that it unwinds.

use super::extra::{Extra, Key};
use super::tick;
use crate::record::Value;
use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Clone)]
struct Last {
    message: String,
    location: String,
    /// When it began, in ticks.
    began: u64,
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// Sets the hook, once. It remembers, then calls the hook that was there.
pub(crate) fn install_hook() {
    static IS_SET: AtomicBool = AtomicBool::new(false);
    if !IS_SET.swap(true, Ordering::Relaxed) {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            remember(info);
            before(info);
        }));
    }
}

fn remember(info: &PanicHookInfo<'_>) {
    let last = Last {
        message: info.payload_as_str().unwrap_or("a panic without a message").to_owned(),
        location: info.location().map(ToString::to_string).unwrap_or_default(),
        began: tick::now(),
    };
    // A thread that is being torn down forgets its panic.
    let _ = LAST.try_with(|slot| slot.replace(Some(last)));
}

/// Makes the record the `exception` event of the panic that unwinds this thread; not if that began before `start`, in ticks.
pub(super) fn describe(start: u64, exception: &mut Extra) -> bool {
    let last = LAST.try_with(|slot| slot.borrow().clone()).ok().flatten();
    match &last {
        Some(last) if last.began < start => return false,
        Some(Last { message, location, .. }) => {
            exception.exception("panic", format_args!("{message}"));
            exception.value(Key::Text("exception.stacktrace"), Value::Str(location));
        }
        // Somebody has replaced the hook.
        None => exception.exception("panic", format_args!("a panic that no hook saw")),
    }
    true
}
