//! The receiver itself: one thread that listens, one for each connection, and what they have seen.

use crate::answer::{Answer, How};
use crate::request::{Received, ReceivedLog, Request};
use crate::taken::Taken;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::VecDeque;
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io, iter};

/// How long an answer of one byte at a time waits before each.
const BETWEEN_BYTES: Duration = Duration::from_millis(20);

/// An OTLP/HTTP receiver on a port of its own.
///
/// It follows its script answer by answer and takes everything once the script is over. Dropping it closes every connection and
/// ends its threads.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use telemetry_tests::{Answer, Receiver};
///
/// let receiver = Receiver::scripted([Answer::error(503, "busy"), Answer::ok()]);
/// // An exporter sends to `receiver.endpoint()` ...
/// let spans = receiver.wait_for_spans(0, Duration::from_secs(5));
/// assert!(spans.is_empty());
/// ```
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

/// What a receiver thinks of a request.
type Judge = Box<dyn Fn(&Request) -> Answer + Send>;

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    tls: Option<Arc<ServerConfig>>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Answer>,
    judge: Option<Judge>,
    requests: Vec<Request>,
    taken: Taken,
    connections: Vec<TcpStream>,
    closed: bool,
}

impl State {
    fn accept(&mut self, request: &Request) -> io::Result<()> {
        // Whoever tests another protocol, Azure Monitor's or one for credentials, reads the requests.
        match () {
            () if request.line.ends_with("/track") => request.content().map(drop),
            () if request.is_otlp() => self.taken.add(request),
            () => Ok(()),
        }
    }
}

impl Receiver {
    /// A receiver that takes everything.
    pub fn start() -> Self {
        Self::scripted([])
    }

    /// A receiver that gives these answers first.
    ///
    /// # Panics
    /// The loopback interface has no free port.
    pub fn scripted(script: impl IntoIterator<Item = Answer>) -> Self {
        Self::new(script, None)
    }

    /// A receiver that takes everything over TLS.
    ///
    /// # Panics
    /// The loopback interface has no free port.
    pub fn secure(tls: Arc<ServerConfig>) -> Self {
        Self::new([], Some(tls))
    }

    fn new(script: impl IntoIterator<Item = Answer>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared { tls, ..Shared::default() });
        shared.lock().script.extend(script);
        let listener = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.listen(&listener)
        });
        Self { address, shared, listener: Some(listener) }
    }

    /// A receiver that answers as the judge says, who sees each request: a fake of a service that lets in some and not others.
    ///
    /// # Panics
    /// The loopback interface has no free port.
    ///
    /// # Examples
    /// ```
    /// use telemetry_tests::{Answer, Receiver};
    ///
    /// let receiver = Receiver::judged_by(|request| match request.header("authorization") {
    ///     Some("Bearer 1234") => Answer::ok(),
    ///     _ => Answer::error(401, "who are you?"),
    /// });
    /// # drop(receiver);
    /// ```
    pub fn judged_by(judge: impl Fn(&Request) -> Answer + Send + 'static) -> Self {
        let receiver = Self::start();
        receiver.shared.lock().judge = Some(Box::new(judge));
        receiver
    }

    /// The base URL, such as `http://127.0.0.1:40123`.
    pub fn endpoint(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The URL for traces.
    pub fn traces_url(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    /// The URL for log records.
    pub fn logs_url(&self) -> String {
        format!("http://{}/v1/logs", self.address)
    }

    /// Every request so far, whatever the answer was.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// The spans of the requests that were answered with success so far, in the order of their arrival.
    pub fn spans(&self) -> Vec<Received> {
        self.shared.lock().taken.spans.clone()
    }

    /// The log records of the requests that were answered with success so far, in the order of their arrival.
    pub fn logs(&self) -> Vec<ReceivedLog> {
        self.shared.lock().taken.logs.clone()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// Blocks until so many spans were taken, and gives all there are.
    ///
    /// # Panics
    /// They have not come in time.
    pub fn wait_for_spans(&self, count: usize, within: Duration) -> Vec<Received> {
        self.wait(within, |state| {
            (state.taken.spans.len() >= count).then(|| state.taken.spans.clone()).ok_or_else(|| {
                format!("{} of {count} spans, {} requests", state.taken.spans.len(), state.requests.len())
            })
        })
    }

    /// Blocks until a log record was taken that is as wanted, and gives the first one.
    ///
    /// # Panics
    /// None has come in time.
    pub fn wait_for_log(&self, within: Duration, is_wanted: impl Fn(&ReceivedLog) -> bool) -> ReceivedLog {
        self.wait(within, |state| {
            let found = state.taken.logs.iter().find(|log| is_wanted(log)).cloned();
            found.ok_or_else(|| format!("{} other log records", state.taken.logs.len()))
        })
    }

    /// Blocks until so many requests have come, whatever the answer was, and gives all there are.
    ///
    /// # Panics
    /// They have not come in time.
    pub fn wait_for_requests(&self, count: usize, within: Duration) -> Vec<Request> {
        self.wait(within, |state| {
            let complete = state.requests.len() >= count;
            complete
                .then(|| state.requests.clone())
                .ok_or_else(|| format!("{} of {count} requests", state.requests.len()))
        })
    }

    fn wait<T>(&self, within: Duration, ready: impl Fn(&State) -> Result<T, String>) -> T {
        let deadline = Instant::now() + within;
        let mut state = self.shared.lock();
        loop {
            let missing = match ready(&state) {
                Ok(value) => return value,
                Err(missing) => missing,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "only {missing} within {within:?}");
            state = self.shared.wait(state, left);
        }
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        for connection in &state.connections {
            // A connection that is closed already has nothing to shut down.
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(state);
        self.shared.changed.notify_all();
        // The listener looks up from waiting when somebody connects.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Shared {
    fn listen(self: &Arc<Self>, listener: &TcpListener) {
        let mut threads = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            let mut state = self.lock();
            if state.closed {
                break;
            }
            let Ok(clone) = stream.try_clone() else { continue };
            state.connections.push(clone);
            drop(state);
            let shared = Arc::clone(self);
            threads.push(thread::spawn(move || shared.receive(stream)));
        }
        for thread in threads {
            let _ = thread.join();
        }
    }

    /// Answers the requests of one connection, and closes it.
    fn receive(&self, stream: TcpStream) {
        let Ok(clone) = stream.try_clone() else { return };
        match self.tls.clone().map(ServerConnection::new) {
            None => self.serve(clone),
            Some(Ok(tls)) => self.serve(StreamOwned::new(tls, clone)),
            Some(Err(error)) => panic!("{error}"),
        }
        let _ = stream.shutdown(Shutdown::Both);
    }

    /// Until either side closes the connection or sends what it should not.
    fn serve(&self, stream: impl Read + Write) {
        let mut stream = BufReader::new(stream);
        while let Ok(Some(request)) = Request::read(&mut stream) {
            let answer = self.take(request);
            if self.give(&answer, stream.get_mut()).is_err() || !answer.how.keeps_connection() {
                break;
            }
        }
    }

    /// Notes the request and says what to answer.
    fn take(&self, request: Request) -> Answer {
        let mut state = self.lock();
        let judged = || state.judge.as_ref().map(|judge| judge(&request));
        let mut answer = judged().or_else(|| state.script.pop_front()).unwrap_or_else(Answer::ok);
        if answer.accepts()
            && let Err(error) = state.accept(&request)
        {
            answer = Answer::error(400, &error.to_string());
        }
        state.requests.push(request);
        drop(state);
        self.changed.notify_all();
        answer
    }

    fn give(&self, answer: &Answer, stream: &mut impl Write) -> io::Result<()> {
        self.pause(if matches!(answer.how, How::Hang) { None } else { Some(answer.delay) });
        let bytes = answer.how.bytes().unwrap_or_default();
        if !matches!(answer.how, How::Trickle) {
            return stream.write_all(&bytes);
        }
        bytes.chunks(1).chain(iter::repeat(&b" "[..])).try_for_each(|byte| {
            self.pause(Some(BETWEEN_BYTES));
            stream.write_all(byte)
        })
    }

    /// Waits for so long, or for ever, but not beyond the receiver's end.
    fn pause(&self, time: Option<Duration>) {
        let until = time.map(|time| Instant::now() + time);
        let mut state = self.lock();
        while !state.closed {
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return;
            }
            state = self.wait(state, left);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        // Waiting for ever is more than the platform's clock can say.
        let at_most = at_most.min(Duration::from_secs(3600));
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }
}
