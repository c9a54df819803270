//! An OTLP/gRPC receiver on the loopback interface that decodes what an exporter sends, and misbehaves as told.

use crate::request::{Received, ReceivedLog, Request};
use crate::taken::Taken;
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Response};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// The receiver's answer to one call.
#[derive(Clone, Debug)]
pub enum GrpcAnswer {
    /// A message, and trailers with the status 0.
    Message(Vec<u8>),
    /// Headers alone, which hold the status: code, message, and details in base64.
    Status(u32, String, Option<String>),
    /// An HTTP status alone, as from something in between.
    Http(u16),
    /// The call is reset.
    Reset(Reason),
    /// The answer, after which the connection is closed by GOAWAY.
    GoAway,
    /// Nothing, for as long as the receiver lives.
    Hang,
    /// Headers, and nothing more for as long as the receiver lives.
    HangAfterHeaders,
    /// These bytes instead of HTTP/2, until the other side hangs up; no bytes: it hangs up.
    Raw(Vec<u8>),
}

impl GrpcAnswer {
    /// Everything was taken.
    pub fn ok() -> Self {
        Self::Message(ExportTraceServiceResponse::default().encode_to_vec())
    }

    /// The call was taken, but so many of its spans were not.
    pub fn partial_success(rejected_spans: i64, error_message: &str) -> Self {
        let partial_success =
            ExportTracePartialSuccess { rejected_spans, error_message: error_message.to_owned() };
        Self::Message(ExportTraceServiceResponse { partial_success: Some(partial_success) }.encode_to_vec())
    }

    /// This status.
    pub fn status(code: u32, message: &str) -> Self {
        Self::Status(code, message.to_owned(), None)
    }

    fn accepts(&self) -> bool {
        matches!(self, Self::Message(_) | Self::GoAway)
    }
}

/// A receiver on a port of its own. It follows its script and takes everything once that is over.
pub struct GrpcReceiver {
    address: SocketAddr,
    is_secure: bool,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    closed: Notify,
    acceptor: Option<TlsAcceptor>,
}

#[derive(Default)]
struct State {
    script: VecDeque<GrpcAnswer>,
    /// What it answers once the script is over; everything is taken unless there is something.
    afterwards: Option<GrpcAnswer>,
    calls: Vec<Request>,
    taken: Taken,
    connections: usize,
}

impl GrpcReceiver {
    /// A receiver that takes everything.
    pub fn start() -> Self {
        Self::scripted([])
    }

    /// A receiver that gives these answers first.
    pub fn scripted(script: impl IntoIterator<Item = GrpcAnswer>) -> Self {
        Self::new(script, None)
    }

    /// A receiver that gives this answer for ever.
    pub fn always(answer: GrpcAnswer) -> Self {
        let receiver = Self::start();
        receiver.shared.lock().afterwards = Some(answer);
        receiver
    }

    /// A receiver that takes everything over TLS.
    pub fn secure(tls: Arc<rustls::ServerConfig>) -> Self {
        Self::new([], Some(tls.into()))
    }

    fn new(script: impl IntoIterator<Item = GrpcAnswer>, acceptor: Option<TlsAcceptor>) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let is_secure = acceptor.is_some();
        let shared = Arc::new(Shared { acceptor, ..Shared::default() });
        shared.lock().script.extend(script);
        let thread = thread::spawn({
            let shared = shared.clone();
            move || listen(&runtime, &listener, &shared)
        });
        Self { address, is_secure, shared, thread: Some(thread) }
    }

    /// The endpoint, such as `http://127.0.0.1:40123`.
    pub fn endpoint(&self) -> String {
        format!("{}://{}", if self.is_secure { "https" } else { "http" }, self.address)
    }

    /// Every call so far, whatever the answer was; the line is the method and the path.
    pub fn calls(&self) -> Vec<Request> {
        self.shared.lock().calls.clone()
    }

    /// The spans of the calls that were taken.
    pub fn spans(&self) -> Vec<Received> {
        self.shared.lock().taken.spans.clone()
    }

    /// The log records of the calls that were taken.
    pub fn logs(&self) -> Vec<ReceivedLog> {
        self.shared.lock().taken.logs.clone()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }
}

impl Drop for GrpcReceiver {
    fn drop(&mut self) {
        self.shared.closed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Dropping the runtime ends every connection.
fn listen(runtime: &Runtime, listener: &TcpListener, shared: &Arc<Shared>) {
    runtime.block_on(async {
        let accept = async {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().connections += 1;
                tokio::spawn(connection(shared.clone(), stream));
            }
        };
        tokio::select! {
            () = shared.closed.notified() => {}
            () = accept => {}
        }
    });
}

async fn connection(shared: Arc<Shared>, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match shared.acceptor.clone() {
        Some(acceptor) => serve(&shared, acceptor.accept(stream).await?).await,
        None => serve(&shared, stream).await,
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(shared: &Arc<Shared>, mut stream: S) -> io::Result<()> {
    if let Some(bytes) = shared.raw() {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await?;
        stream.write_all(&bytes).await?;
        if !bytes.is_empty() {
            // Closing with something unread would take back what was written.
            stream.read_to_end(&mut Vec::new()).await?;
        }
        return Ok(());
    }
    let mut connection = h2::server::handshake(stream).await.map_err(io::Error::other)?;
    while let Some(call) = connection.accept().await {
        let (request, respond) = call.map_err(io::Error::other)?;
        let (head, body) = request.into_parts();
        let line = format!("{} {}", head.method, head.uri.path());
        let (sender, answered) = tokio::sync::oneshot::channel();
        tokio::spawn(call_of(shared.clone(), line, head.headers, body, respond, sender));
        tokio::select! {
            answer = answered => if let Ok(GrpcAnswer::GoAway) = answer { connection.graceful_shutdown() },
            // Drives the connection meanwhile; the client makes one call at a time.
            _ = std::future::poll_fn(|context| connection.poll_closed(context)) => {}
        }
    }
    Ok(())
}

async fn call_of(
    shared: Arc<Shared>,
    line: String,
    headers: HeaderMap,
    mut body: RecvStream,
    respond: SendResponse<Bytes>,
    answered: tokio::sync::oneshot::Sender<GrpcAnswer>,
) -> Result<(), h2::Error> {
    let mut framed = Vec::new();
    while let Some(chunk) = body.data().await.transpose()? {
        body.flow_control().release_capacity(chunk.len())?;
        framed.extend_from_slice(&chunk);
    }
    let answer = shared.take(line, &headers, &framed);
    give(&answer, respond).await?;
    let _ = answered.send(answer);
    Ok(())
}

async fn give(answer: &GrpcAnswer, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    let mut head = Response::new(());
    head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    match answer {
        GrpcAnswer::Message(message) => message_of(message, head, respond)?,
        GrpcAnswer::GoAway => message_of(&[], head, respond)?,
        GrpcAnswer::Status(code, message, details) => {
            let headers = head.headers_mut();
            headers.insert("grpc-status", (*code).into());
            headers.insert("grpc-message", HeaderValue::from_str(message).expect("a header's value"));
            if let Some(details) = details {
                headers.insert("grpc-status-details-bin", HeaderValue::from_str(details).expect("base64"));
            }
            respond.send_response(head, true)?;
        }
        GrpcAnswer::Http(status) => {
            *head.status_mut() = http::StatusCode::from_u16(*status).expect("a status");
            respond.send_response(head, true)?;
        }
        GrpcAnswer::Reset(reason) => respond.send_reset(*reason),
        GrpcAnswer::HangAfterHeaders => {
            let _open = respond.send_response(head, false)?;
            std::future::pending().await
        }
        GrpcAnswer::Hang | GrpcAnswer::Raw(_) => std::future::pending().await,
    }
    Ok(())
}

fn message_of(message: &[u8], head: Response<()>, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    let length = u32::try_from(message.len()).expect("a length of 32 bits");
    let framed = [&[0], &length.to_be_bytes()[..], message].concat();
    let mut stream = respond.send_response(head, false)?;
    stream.send_data(framed.into(), false)?;
    stream.send_trailers(HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]))
}

impl Shared {
    /// What to say instead of HTTP/2, if the script says so.
    fn raw(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        let Some(GrpcAnswer::Raw(bytes)) = state.script.front().or(state.afterwards.as_ref()) else {
            return None;
        };
        let bytes = bytes.clone();
        state.script.pop_front();
        Some(bytes)
    }

    /// Notes the call and says what to answer.
    fn take(&self, line: String, headers: &HeaderMap, framed: &[u8]) -> GrpcAnswer {
        let request = Request::of_grpc(line, headers, framed);
        let mut state = self.lock();
        let answer =
            state.script.pop_front().or_else(|| state.afterwards.clone()).unwrap_or_else(GrpcAnswer::ok);
        if answer.accepts() {
            state.taken.add(&request).expect("spans or log records");
        }
        state.calls.push(request);
        answer
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
