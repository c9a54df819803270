//! The other side of an exporter: a receiver that follows a script, or a port where nobody speaks its protocol.

use crate::cases::{Fault, Kind};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;
use telemetry_runtime::Signal;
use telemetry_tests::{GrpcReceiver, Receiver, Request};

pub(crate) enum Side {
    Http(Receiver),
    Grpc(GrpcReceiver),
    /// Nobody who would note what comes.
    At(String),
}

impl Side {
    /// One that works.
    pub(crate) fn healthy(kind: Kind) -> Self {
        match kind {
            Kind::Grpc => Self::Grpc(GrpcReceiver::start()),
            Kind::Protobuf | Kind::Json | Kind::Azure => Self::Http(Receiver::start()),
        }
    }

    /// One that fails at first, and works then.
    pub(crate) fn failing_once(fault: &Fault) -> Option<Self> {
        match fault.clone() {
            Fault::Http(answer) => Some(Self::Http(Receiver::scripted([answer]))),
            Fault::Grpc(answer) => Some(Self::Grpc(GrpcReceiver::scripted([answer]))),
            Fault::Tls(_) | Fault::At(_) => None,
        }
    }

    /// One that never works.
    pub(crate) fn failing(kind: Kind, fault: &Fault) -> Self {
        match fault.clone() {
            Fault::Http(answer) => Self::Http(Receiver::judged_by(move |_| answer.clone())),
            Fault::Grpc(answer) => Self::Grpc(GrpcReceiver::always(answer)),
            Fault::Tls(server) if kind == Kind::Grpc => Self::Grpc(GrpcReceiver::secure(server)),
            Fault::Tls(server) => Self::Http(Receiver::secure(server)),
            Fault::At(endpoint) => Self::At(endpoint),
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        match self {
            Self::Http(receiver) => receiver.endpoint(),
            Self::Grpc(receiver) => receiver.endpoint(),
            Self::At(endpoint) => endpoint.clone(),
        }
    }

    fn requests(&self) -> Vec<Request> {
        match self {
            Self::Http(receiver) => receiver.requests(),
            Self::Grpc(receiver) => receiver.calls(),
            Self::At(_) => Vec::new(),
        }
    }

    /// How often somebody has tried to send. What does not speak HTTP/2 sees a connection at most.
    pub(crate) fn attempts(&self) -> usize {
        let connections = if let Self::Grpc(receiver) = self { receiver.connections() } else { 0 };
        self.requests().len().max(connections)
    }

    /// How much later the second request came than the first.
    pub(crate) fn pause(&self) -> Duration {
        let requests = self.requests();
        requests[1].at - requests[0].at
    }

    /// How many spans or log records were taken.
    pub(crate) fn taken(&self, kind: Kind, signal: Signal) -> usize {
        let is_logs = signal == Signal::Logs;
        match self {
            Self::Http(receiver) if kind == Kind::Azure => {
                receiver.requests().iter().map(|request| items(request, signal)).sum()
            }
            Self::Http(receiver) if is_logs => receiver.logs().len(),
            Self::Http(receiver) => receiver.spans().len(),
            Self::Grpc(receiver) if is_logs => receiver.logs().len(),
            Self::Grpc(receiver) => receiver.spans().len(),
            Self::At(_) => 0,
        }
    }
}

/// How many items of a request to Azure Monitor are spans, or log records.
fn items(request: &Request, signal: Signal) -> usize {
    let content = request.content().expect("gzip");
    let items: Vec<serde_json::Value> = serde_json::from_slice(&content).expect("a JSON array");
    let wanted = if signal == Signal::Traces { "RemoteDependencyData" } else { "MessageData" };
    items.iter().filter(|item| item["data"]["baseType"] == wanted).count()
}

/// A port where this is done with each connection, for as long as the process lives.
fn port(serve: fn(TcpStream) -> io::Result<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound listener");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(stream));
        }
    });
    address.to_string()
}

/// A port whose connections are reset in the middle of a request.
pub(crate) fn resetting() -> &'static str {
    // What comes behind the first byte is never read: closing resets the connection.
    static PORT: LazyLock<String> = LazyLock::new(|| port(|mut stream| stream.read(&mut [0]).map(drop)));
    &PORT
}

/// A port that reads everything and says nothing.
pub(crate) fn silent() -> &'static str {
    static PORT: LazyLock<String> =
        LazyLock::new(|| port(|mut stream| stream.read_to_end(&mut Vec::new()).map(drop)));
    &PORT
}

/// A port that answers in HTTP whatever comes.
pub(crate) fn plain() -> &'static str {
    static PORT: LazyLock<String> = LazyLock::new(|| {
        port(|mut stream| {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")?;
            // Closing with something unread would take back what was written.
            stream.read_to_end(&mut Vec::new()).map(drop)
        })
    });
    &PORT
}
