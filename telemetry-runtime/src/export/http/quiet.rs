//! What is kept from the log while a request is sent: `ureq` repeats requests there, with their URLs and byte by byte.

/// Calls this while nothing on this thread is an event of `tracing`, also of what comes there from the `log` crate.
pub(super) fn quietly<T>(call: impl FnOnce() -> T) -> T {
    #[cfg(feature = "tracing")]
    let _quiet = tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::default());
    call()
}
