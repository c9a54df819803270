//! The accept loop: bounded in connections and in patience, and drained in bounded time.
//!
//! `warp::serve` panics when the port is taken, waits for ever for a slow head and without limit for the last connection.

use crate::settings::ServerSettings;
use crate::startup::StartError;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower_service::Service;

/// How many connections are served at once; further ones wait in the operating system's queue.
const MAX_CONNECTIONS: usize = 1024;
/// How long a client may take for a request's head, and keep an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long requests under way may go on when the service stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);
/// How long accepting pauses when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Takes the port.
///
/// # Errors
/// When it is taken, or the host has no such address.
pub(crate) async fn bind(settings: &ServerSettings) -> Result<TcpListener, StartError> {
    TcpListener::bind((settings.host.as_str(), settings.port))
        .await
        .map_err(|error| StartError::bind(settings, &error))
}

/// Serves until `stop` resolves, then finishes what is under way for at most 3 s and cuts off the rest.
pub(crate) async fn serve<S, B>(listener: TcpListener, service: S, stop: impl Future<Output = ()>)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            (slot, stream, peer) = accept(&listener, &slots) => {
                let connection = graceful.watch(connection(stream, peer, service.clone()));
                connections.spawn(async move {
                    // An error here is the client's: it hung up, or it does not speak HTTP.
                    let _ = connection.await;
                    drop(slot);
                });
            }
            Some(_) = connections.join_next() => {}
            () = &mut stop => break,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await;
    connections.shutdown().await;
}

/// The next connection, once there is room for one.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (slot, stream, peer),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// The connection's requests, each with the client's address among its extensions.
fn connection<S, B>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
) -> http1::Connection<
    TokioIo<TcpStream>,
    impl HttpService<Incoming, ResBody = B, Error = Infallible, Future: Send>,
>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        service.clone().call(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
}
