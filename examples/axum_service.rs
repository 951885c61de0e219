//! A web service whose records name who asked, in which request, and what became of it; and that ends well on SIGTERM.
//!
//! `cargo run --example axum_service --features tower`

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use tracing::{Span, field::Empty, instrument};
use tracing_audit::record::Slot;
use tracing_audit::store::{DirStore, List, Store};
use tracing_audit::{Actor, Audit, AuditContextLayer, AuditedExt, Query};
use tracing_subscriber::util::SubscriberInitExt;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A handler answers a status, not a `Result`; so it says itself how it ended.
#[instrument(target = "audit", name = "document.read", skip_all,
             fields(resource.type = "document", resource.id = id, outcome = Empty))]
async fn read(Path(id): Path<u64>) -> (StatusCode, String) {
    let (outcome, answer) = match id {
        1 => ("success", (StatusCode::OK, "the plan\n".to_owned())),
        2 => ("denied", (StatusCode::FORBIDDEN, "not yours\n".to_owned())),
        _ => ("failure", (StatusCode::NOT_FOUND, format!("no document {id}\n"))),
    };
    Span::current().record("outcome", outcome);
    answer
}

/// SIGTERM is how service managers and container engines end a service. Listens from the call on, not from the first
/// poll, so that a signal that comes early is not missed.
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    #[cfg(windows)]
    let mut signal = tokio::signal::windows::ctrl_close()?;
    Ok(async move {
        signal.recv().await;
    })
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let audit = Audit::builder().service("documents").start()?;
    tracing_subscriber::registry().audited(&audit).try_init()?;
    print!("{}", audit.check());

    // Who asked is found out by authentication. Here a header stands for that; a real service must not believe one.
    let context = AuditContextLayer::new().actor(|request| {
        let user = request.headers.get("x-user")?.to_str().ok()?;
        Some(Actor::user(user).role("reader"))
    });
    let app = Router::new().route("/documents/{id}", get(read)).layer(context);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    let ending = told_to_end()?;
    let client = tokio::task::spawn_blocking(move || use_the_service(address));
    axum::serve(listener, app).with_graceful_shutdown(ending).await?;
    client.await??;

    // After the last request has been answered. `shutdown` blocks, so it does not run on the runtime's own threads.
    let path = audit.path().ok_or("the trail has a directory")?.to_owned();
    let report = tokio::task::spawn_blocking(move || audit.shutdown(Duration::from_secs(5))).await??;
    println!("ended with {} records, {} on disk", report.taken, report.durable);
    let newest = DirStore::open(path)?.list(&Query::parse("event=document.*")?, &List::default().limit(4))?;
    for stored in newest.records.iter().rev() {
        let text = |slot| stored.record.text(slot).unwrap_or("-");
        let [actor, outcome, request] = [Slot::ActorId, Slot::Outcome, Slot::RequestId].map(text);
        println!(
            "{actor:<8} {outcome:<8} document {}  request {request}",
            text(Slot::ResourceId)
        );
    }
    Ok(())
}

/// Four requests, then the signal.
fn use_the_service(address: SocketAddr) -> Result<(), Failure> {
    for (id, headers) in [
        (1, "X-User: ana\r\nX-Request-ID: req-17\r\n"),
        (
            2,
            "X-User: ben\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
        ),
        (3, "X-User: ana\r\n"),
        (1, ""),
    ] {
        let mut connection = TcpStream::connect(address)?;
        let request =
            format!("GET /documents/{id} HTTP/1.1\r\nHost: example\r\n{headers}Connection: close\r\n\r\n");
        connection.write_all(request.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let interesting = |line: &&str| line.starts_with("HTTP") || line.starts_with("x-request-id");
        println!(
            "GET /documents/{id}: {}",
            answer.lines().filter(interesting).collect::<Vec<_>>().join(", ")
        );
    }
    let end = format!("kill -TERM {}", std::process::id());
    std::process::Command::new("sh").args(["-c", &end]).status()?;
    Ok(())
}
