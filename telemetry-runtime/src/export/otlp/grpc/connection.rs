//! One HTTP/2 connection and the small runtime that drives it, on the exporter's own thread and while that waits only.

use crate::export::http::{MAX_ANSWER_BYTES, Tls};
use bytes::Bytes;
use h2::Reason;
use h2::client::{Builder, SendRequest};
use rustls::pki_types::ServerName;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::runtime::{self, Handle, Runtime};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use ureq::http::uri::Scheme;
use ureq::http::{HeaderMap, Request, StatusCode, Uri};

/// As much as headers or trailers may take, in bytes: a status with its details takes a few hundred.
const MAX_HEADER_BYTES: u32 = 64 << 10;
/// What was idle for longer, something in between has likely forgotten: nothing would answer, not even by closing it.
const MAX_IDLE: Duration = Duration::from_secs(60);

pub(super) struct Connection {
    host: String,
    port: u16,
    tls: Option<Tls>,
    connector: Option<TlsConnector>,
    runtime: Option<Runtime>,
    kept: Option<Kept>,
}

/// An answer to its last byte.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) trailers: HeaderMap,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    NoAddress(io::Error),
    NotSecure(io::Error),
    Connection(io::Error),
    /// The receiver ended the call by itself.
    Reset(h2::Error),
    NotHttp2,
    TooLong,
    Timeout,
    NoRuntime(io::Error),
}

/// How long a call may take, from when on.
#[derive(Clone, Copy)]
struct Patience {
    since: Instant,
    timeout: Duration,
}

/// A connection with nothing to do.
struct Kept {
    sender: SendRequest<Bytes>,
    driver: JoinHandle<Result<(), h2::Error>>,
    since: Instant,
}

impl Connection {
    pub(super) fn new(url: &Uri, tls: Tls) -> Self {
        let is_secure = url.scheme() == Some(&Scheme::HTTPS);
        Self {
            host: url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            port: url.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
            tls: is_secure.then_some(tls),
            connector: None,
            runtime: None,
            kept: None,
        }
    }

    /// Sends the request and waits for its answer, no longer than told. A call that fails takes the connection with it.
    pub(super) fn call(
        &mut self,
        request: &Request<()>,
        message: &Bytes,
        timeout: Duration,
    ) -> Result<Reply, Failure> {
        if Handle::try_current().is_ok() {
            return Err(Failure::NoRuntime(io::Error::other("this thread runs another runtime")));
        }
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => {
                runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::NoRuntime)?
            }
        };
        let patience = Patience { since: Instant::now(), timeout };
        let exchange =
            async { tokio::time::timeout(timeout, self.exchange(request, message, patience)).await };
        let answer = runtime.block_on(exchange).unwrap_or(Err(Failure::Timeout));
        self.runtime = Some(runtime);
        answer
    }

    /// A connection that was kept may be dead by now, which shows when it is used: then once more over a new one.
    async fn exchange(
        &mut self,
        request: &Request<()>,
        message: &Bytes,
        patience: Patience,
    ) -> Result<Reply, Failure> {
        if let Some(kept) = self.kept.take().filter(|kept| kept.since.elapsed() < MAX_IDLE) {
            match self.over(kept, request, message).await {
                Err(Failure::Connection(_)) => {}
                answered => return answered,
            }
        }
        let fresh = self.connect(patience).await?;
        self.over(fresh, request, message).await
    }

    async fn over(
        &mut self,
        mut kept: Kept,
        request: &Request<()>,
        message: &Bytes,
    ) -> Result<Reply, Failure> {
        match converse(&mut kept.sender, request.clone(), message.clone()).await {
            Ok(reply) => {
                kept.since = Instant::now();
                self.kept = Some(kept);
                Ok(reply)
            }
            Err(failure @ Failure::Connection(_)) => Err(kept.end().await.unwrap_or(failure)),
            Err(failure) => Err(failure),
        }
    }

    /// Looks the host up each time: it may have moved.
    async fn connect(&mut self, patience: Patience) -> Result<Kept, Failure> {
        let addresses = lookup_host((&*self.host, self.port)).await.map_err(Failure::NoAddress)?;
        let stream = reach(addresses, patience, TcpStream::connect).await.map_err(Failure::Connection)?;
        stream.set_nodelay(true).map_err(Failure::Connection)?;
        let Some(connector) = self.connector()? else { return handshake(stream).await };
        let name = ServerName::try_from(self.host.clone())
            .map_err(|error| Failure::NotSecure(io::Error::other(error)))?;
        handshake(connector.connect(name, stream).await.map_err(of_io)?).await
    }

    fn connector(&mut self) -> Result<Option<TlsConnector>, Failure> {
        let Some(tls) = &self.tls else { return Ok(None) };
        if self.connector.is_none() {
            let config =
                tls.for_rustls(&[b"h2"]).map_err(|error| Failure::NotSecure(io::Error::other(error)))?;
            self.connector = Some(Arc::new(config).into());
        }
        Ok(self.connector.clone())
    }
}

/// Waits for nothing that still runs in it, such as the lookup of a name.
impl Drop for Connection {
    fn drop(&mut self) {
        self.kept = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Kept {
    /// How the connection ended, if it has: that says more than what a call sees of it.
    async fn end(&mut self) -> Option<Failure> {
        if !self.driver.is_finished() {
            return None;
        }
        (&mut self.driver).await.ok()?.err().map(Failure::from)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Patience {
    fn left(self) -> Duration {
        self.timeout.saturating_sub(self.since.elapsed())
    }
}

/// The first address that lets us in. Each but the last has half of what is left of the time, lest one that swallows everything keep us
/// from those behind it.
async fn reach<S>(
    addresses: impl Iterator<Item = SocketAddr>,
    patience: Patience,
    connect: impl AsyncFn(SocketAddr) -> io::Result<S>,
) -> io::Result<S> {
    let mut addresses = addresses.peekable();
    let mut outcome = Err(io::Error::other("the name has no address"));
    while let Some(address) = addresses.next() {
        let is_last = addresses.peek().is_none();
        let limit = if is_last { patience.left() } else { patience.left() / 2 };
        let attempt = tokio::time::timeout(limit, connect(address)).await;
        outcome = attempt.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

async fn handshake(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Kept, Failure> {
    let mut builder = Builder::new();
    builder.enable_push(false).max_header_list_size(MAX_HEADER_BYTES);
    let (sender, connection) = builder.handshake(stream).await?;
    let driver = tokio::spawn(connection);
    Ok(Kept { sender, driver, since: Instant::now() })
}

async fn converse(
    sender: &mut SendRequest<Bytes>,
    request: Request<()>,
    message: Bytes,
) -> Result<Reply, Failure> {
    poll_fn(|context| sender.poll_ready(context)).await?;
    let (response, mut stream) = sender.send_request(request, false)?;
    stream.send_data(message, true)?;
    let (head, mut incoming) = response.await?.into_parts();
    let mut body = Vec::new();
    while let Some(chunk) = incoming.data().await.transpose()? {
        incoming.flow_control().release_capacity(chunk.len())?;
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(Failure::TooLong);
        }
    }
    let trailers = incoming.trailers().await?.unwrap_or_default();
    Ok(Reply { status: head.status, headers: head.headers, body, trailers })
}

fn of_io(error: io::Error) -> Failure {
    match error.kind() {
        // This is how TLS reports what it does not accept.
        io::ErrorKind::InvalidData => Failure::NotSecure(error),
        _ => Failure::Connection(error),
    }
}

impl From<h2::Error> for Failure {
    fn from(error: h2::Error) -> Self {
        let is_refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
        if error.is_io() {
            error.into_io().map_or(Self::NotHttp2, of_io)
        } else if is_refused || (error.is_go_away() && error.is_remote()) {
            // The error itself would repeat what the receiver writes, which may be a key of ours.
            let reason = error.reason().map(|reason| reason.to_string());
            Self::Connection(io::Error::other(reason.unwrap_or_default()))
        } else if error.is_reset() && error.is_remote() {
            Self::Reset(error)
        } else {
            Self::NotHttp2
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(addresses: &[&str], timeout: Duration) -> io::Result<SocketAddr> {
        let addresses = addresses.iter().map(|address| address.parse().expect("an address"));
        let connect = async |address: SocketAddr| match address.port() {
            1 => std::future::pending().await,
            2 => Err(io::ErrorKind::ConnectionRefused.into()),
            // No answer is there at once.
            _ => {
                tokio::task::yield_now().await;
                Ok(address)
            }
        };
        let patience = Patience { since: Instant::now(), timeout };
        let runtime = runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        // As a call has it: what the first address takes too much, no other gets.
        let reached = async { tokio::time::timeout(timeout, reach(addresses, patience, connect)).await };
        runtime.block_on(reached).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    #[test]
    fn an_address_that_swallows_everything_or_refuses_leaves_time_for_the_next() {
        for addresses in [&["[::1]:1", "127.0.0.1:3"][..], &["[::1]:2", "[::1]:1", "127.0.0.1:3"]] {
            let address = reached(addresses, Duration::from_millis(200)).expect("the last one answers");
            assert_eq!(address.to_string(), "127.0.0.1:3");
        }
    }

    #[test]
    fn without_an_address_that_answers_the_last_one_s_error_is_told() {
        let kind = |addresses| reached(addresses, Duration::from_millis(20)).map_err(|error| error.kind());
        assert_eq!(kind(&["[::1]:1", "127.0.0.1:2"]), Err(io::ErrorKind::ConnectionRefused));
        assert_eq!(kind(&["127.0.0.1:1"]), Err(io::ErrorKind::TimedOut));
        assert_eq!(kind(&[]), Err(io::ErrorKind::Other));
    }
}
