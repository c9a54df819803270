//! What an exporter's worker thread waits by for a future, no longer than told.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// What a thread needs in order to wait.
///
/// The future is polled outside of the runtime, if there is one, which runs in between: whoever blocks in a poll may do so.
#[derive(Default)]
pub(super) struct Waiter {
    #[cfg(feature = "tokio")]
    runtime: Option<tokio::runtime::Runtime>,
}

impl Waiter {
    /// The future's output; `None` if that is not there in time.
    pub(super) fn wait<F: Future>(
        &mut self,
        timeout: Duration,
        future: impl FnOnce() -> F,
    ) -> io::Result<Option<F::Output>> {
        let deadline = Instant::now() + timeout.min(LONGEST);
        self.prepare()?;
        Ok(self.within(|| {
            let mut future = pin!(future());
            self.poll_until(deadline, future.as_mut())
        }))
    }

    fn poll_until<F: Future>(&self, deadline: Instant, mut future: Pin<&mut F>) -> Option<F::Output> {
        let signal = Arc::new(Signal::new());
        let waker = Waker::from(signal.clone());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(output);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.sleep(&signal, left);
        }
    }
}

/// A moment that far from now can still be told.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Parks the thread.
#[cfg(not(feature = "tokio"))]
impl Waiter {
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "with a runtime it is otherwise")]
    fn prepare(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Calls it where a future may be made, polled and dropped.
    #[expect(clippy::unused_self, reason = "with a runtime it is otherwise")]
    pub(super) fn within<R>(&self, call: impl FnOnce() -> R) -> R {
        call()
    }

    #[expect(clippy::unused_self, reason = "with a runtime it is otherwise")]
    fn sleep(&self, _signal: &Signal, at_most: Duration) {
        std::thread::park_timeout(at_most);
    }
}

#[cfg(not(feature = "tokio"))]
struct Signal(std::thread::Thread);

#[cfg(not(feature = "tokio"))]
impl Signal {
    fn new() -> Self {
        Self(std::thread::current())
    }
}

#[cfg(not(feature = "tokio"))]
impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs the runtime meanwhile.
#[cfg(feature = "tokio")]
impl Waiter {
    /// Makes the runtime, the first time.
    fn prepare(&mut self) -> io::Result<()> {
        if self.runtime.is_none() {
            self.runtime = Some(tokio::runtime::Builder::new_current_thread().enable_all().build()?);
        }
        Ok(())
    }

    /// Calls it where a future may be made, polled and dropped.
    pub(super) fn within<R>(&self, call: impl FnOnce() -> R) -> R {
        let _inside = self.runtime.as_ref().map(tokio::runtime::Runtime::enter);
        call()
    }

    fn sleep(&self, signal: &Signal, at_most: Duration) {
        if let Some(runtime) = &self.runtime {
            // Whether it was a signal or the time, the future is polled again.
            let _ = runtime.block_on(async { tokio::time::timeout(at_most, signal.0.notified()).await });
        }
    }
}

/// Waits for nothing that still runs in it, such as the lookup of a name.
#[cfg(feature = "tokio")]
impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(feature = "tokio")]
struct Signal(tokio::sync::Notify);

#[cfg(feature = "tokio")]
impl Signal {
    fn new() -> Self {
        Self(tokio::sync::Notify::new())
    }
}

#[cfg(feature = "tokio")]
impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}
