//! The server: connections with limits, the door in front of every route, and the end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;

use super::body::PATIENCE;
use super::guard::{Guard, Verdict};

/// The most clients at a time; others wait to be accepted.
const CLIENTS: usize = 256;

/// How long a request's head may take to arrive, and a connection may wait for its next one.
const HEAD: Duration = Duration::from_secs(15);

/// What every answer says. Nothing is loaded from elsewhere, nothing stands in the page itself that a browser runs, and
/// nothing of it is kept or told to others.
const HEADERS: [(&str, &str); 9] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("x-robots-tag", "noindex, nofollow"),
    ("cache-control", "no-store"),
];

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Puts the door in front of all routes.
pub(super) fn guarded(routes: Router, guard: Guard) -> Router {
    routes.layer(from_fn_with_state(Arc::new(guard), door))
}

async fn door(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let verdict = guard.judge(request.method(), request.uri(), request.headers());
    let mut response = match verdict {
        Verdict::Welcome => next.run(request).await,
        Verdict::Enter { to } => enter(&guard, &to),
        Verdict::Refused(status, word) => (status, word).into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn enter(guard: &Guard, to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let values = [(LOCATION, to.to_owned()), (SET_COOKIE, guard.set_cookie())];
    for (name, value) in values {
        match HeaderValue::from_str(&value) {
            Ok(value) => response.headers_mut().insert(name, value),
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        };
    }
    response
}

/// Serves until the process is told to end.
pub(super) async fn serve(listener: TcpListener, routes: Router) -> io::Result<()> {
    let clients = Arc::new(Semaphore::new(CLIENTS));
    let mut end = std::pin::pin!(interrupted());
    loop {
        let Ok(permit) = Arc::clone(&clients).acquire_owned().await else {
            return Ok(());
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => return Ok(()),
        };
        match accepted {
            Ok((stream, peer)) => {
                tokio::spawn(connection(stream, peer, routes.clone(), permit));
            }
            // A client that has gone already, or too many open files: neither is a reason to end.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, routes: Router, permit: OwnedSemaphorePermit) {
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(PATIENCE));
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        routes.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(64)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
        .await;
    // What a client does wrong is its own affair.
    drop((served, permit));
}

/// Ctrl-C, or what a service manager sends.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
