//! What is kept from the log while a request is sent: `ureq` repeats requests there, with their URLs and byte by byte.

/// Calls this while nothing on this thread is an event of `tracing`, also of what comes there from the `log` crate.
pub(super) fn quietly<T>(call: impl FnOnce() -> T) -> T {
    // Not a new subscriber that hears nothing: each one has every place of the program asked anew whether it is wanted.
    #[cfg(feature = "tracing")]
    let _quiet = tracing::dispatcher::set_default(&tracing::Dispatch::none());
    call()
}
