//! A small document store and the audit trail that it leaves: `cargo run --example quickstart`.
//!
//! Everything that the store does for somebody is tagged with `target = "audit"`. The trail is written to `./audit`
//! with the built-in defaults, read back, and printed.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tracing::{Span, field::Empty, info, instrument, warn};
use tracing_audit::record::{Record, Slot};
use tracing_audit::store::{DirStore, List, Store};
use tracing_audit::{Actor, Audit, AuditContext, AuditedExt, Query, WithContext};
use tracing_subscriber::{EnvFilter, prelude::*};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone, Default)]
struct Documents(Arc<Mutex<BTreeMap<u64, String>>>);

impl Documents {
    // One record when the function returns, with its duration. `ret` makes a return a success (the value itself is
    // not kept), and the fields `resource.type` and `resource.id` are known names: see docs/fields.md.
    #[instrument(target = "audit", name = "document.create", ret, skip_all,
                 fields(resource.type = "document", resource.id = id))]
    fn create(&self, id: u64, text: &str) -> usize {
        self.0.lock().unwrap().insert(id, text.to_owned());
        text.len()
    }

    // `err` makes an `Err` a failure, with the error's message and its sources.
    #[instrument(target = "audit", name = "document.read", err, ret, skip_all,
                 fields(resource.type = "document", resource.id = id))]
    async fn read(&self, id: u64) -> Result<usize, Failure> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let documents = self.0.lock().unwrap();
        documents
            .get(&id)
            .map(String::len)
            .ok_or_else(|| format!("no document {id}").into())
    }

    // An outcome that the code states itself wins over what was concluded from the return.
    #[instrument(target = "audit", name = "document.delete", err, ret, skip_all,
                 fields(resource.type = "document", resource.id = id, outcome = Empty))]
    fn delete(&self, id: u64, is_editor: bool) -> Result<(), Failure> {
        if !is_editor {
            Span::current().record("outcome", "denied");
            return Err("needs the role editor".into());
        }
        self.0
            .lock()
            .unwrap()
            .remove(&id)
            .map(drop)
            .ok_or_else(|| format!("no document {id}").into())
    }

    // Takes longer than its caller waits: the future is dropped, and nothing says how it ended. Nor does the record.
    #[instrument(target = "audit", name = "archive.export", err, ret, skip_all, fields(resource.type = "archive"))]
    async fn export(&self) -> Result<(), Failure> {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Ok(())
    }
}

/// A job without a user. `start = true` writes a record at its beginning too, so that one that never ends shows.
#[instrument(target = "audit", name = "job.thumbnails", skip_all, fields(resource.type = "job", start = true))]
fn thumbnails(documents: &Documents) {
    let _documents = documents.0.lock().unwrap();
    panic!("the image library does not know this format");
}

/// A day in the life of the store.
async fn serve(documents: &Documents, audit: &Audit) -> Result<(), Failure> {
    // An event is one record. Secrets are recognised by the field's name and never reach the file.
    info!(target: "audit", event = "user.login", actor.id = "ana", outcome = "success", password = "hunter2");
    warn!(target: "audit", event = "user.login", actor.id = "eve", outcome = "denied", reason = "wrong password");

    // All that happens in a scope names its actor, on whichever threads the future runs.
    let ana = Actor::user("ana").role("editor").ip("203.0.113.77");
    ana.scope(async {
        documents.create(1, "plan");
        documents.create(2, "budget");
        let waited = tokio::time::timeout(Duration::from_millis(5), documents.export()).await;
        info!("the export took too long: {}", waited.is_err());
        documents.delete(2, true)
    })
    .await?;

    // A request that continues a trace from elsewhere: its records share the trace id. A spawned task leaves the
    // scope, unless it is told to take the current actor along.
    let (here, there) = (documents.clone(), documents.clone());
    let request = AuditContext::new()
        .actor(Actor::user("ben").role("viewer"))
        .traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let requested = request.scope(async move {
        let task = tokio::spawn(async move { there.read(2).await }.with_current_actor());
        (here.read(1).await, task.await, here.delete(1, false))
    });
    info!("ben's request: {:?}", requested.await);

    // A thread of its own, as the system. The panic ends the thread; the record says so.
    let job = documents.clone();
    let _panicked = std::thread::spawn(move || Actor::system().sync_scope(|| thumbnails(&job))).join();

    // A value instead of a macro, and an answer: the record is on disk when `emit` returns.
    let grant = Record::builder("role.grant")
        .actor("user", "ana")
        .resource("user", "ben")
        .outcome("success")
        .build();
    let receipt = audit.emit(grant)?;
    info!(
        "the grant is {:?}, number {:?} of its stream",
        receipt.state(),
        receipt.seq()
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let begun = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_nanos() as u64;
    // Directory `./audit`, 30 days, secrets redacted: every default is in the README.
    let audit = Audit::builder().service("document-store").start()?;
    let console = tracing_subscriber::fmt::layer().compact().without_time();
    let console = console.with_ansi(std::io::stdout().is_terminal());
    tracing_subscriber::registry()
        // This filter hides every audit event from the console. It cannot hide one from the trail.
        .with(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("quickstart=info")))
        .with(console)
        .audited(&audit)
        .init();
    std::panic::set_hook(Box::new(|panic| {
        warn!("a thread: {}", panic.to_string().replace('\n', " "))
    }));

    let documents = Documents::default();
    serve(&documents, &audit).await?;
    let path = audit.path().ok_or("the trail has a directory")?.to_owned();
    let report = tokio::task::spawn_blocking(move || audit.shutdown(Duration::from_secs(5))).await??;

    println!(
        "{} records taken, {} on disk, {} lost",
        report.taken, report.durable, report.lost
    );
    print_trail(&path, begun)
}

/// What this run added to the trail, read from the files alone as any other program could, newest 30 at most.
fn print_trail(path: &Path, begun: u64) -> Result<(), Failure> {
    let store = DirStore::open(path)?;
    // The trail's records about itself (`audit.open`, `audit.close`, …) are left out of the table.
    let query = Query::parse("event!=audit.*")?.since(begun);
    let mut records = store.list(&query, &List::default().limit(30))?.records;
    records.reverse();
    println!("\nThe trail is in {}. This run added:\n", path.display());
    println!("time (UTC)    outcome  actor   action      resource    took      trace     why");
    let mut outcomes = BTreeMap::<String, u32>::new();
    for record in records.iter().map(|stored| &stored.record) {
        let text = |slot| record.text(slot).unwrap_or_default();
        let time = record.uint(Slot::Time).unwrap_or_default() / 1_000_000;
        let (time, millis) = (time / 1000, time % 1000);
        let (hour, minute, second) = (time / 3600 % 24, time / 60 % 60, time % 60);
        let took = record.uint(Slot::DurationNs).map(Duration::from_nanos);
        let why = [Slot::ReasonCode, Slot::Reason, Slot::ErrorMessage, Slot::Phase].map(text);
        println!(
            "{hour:02}:{minute:02}:{second:02}.{millis:03}  {:<7}  {:<6}  {:<10}  {:<10}  {:<8}  {:<8.8}  {:.24}",
            text(Slot::Outcome),
            text(Slot::ActorId),
            text(Slot::Action),
            format!("{} {}", text(Slot::ResourceType), text(Slot::ResourceId)),
            took.map_or_else(String::new, |took| format!("{took:.1?}")),
            text(Slot::TraceId),
            why.into_iter().find(|why| !why.is_empty()).unwrap_or_default(),
        );
        *outcomes.entry(text(Slot::Outcome).to_owned()).or_default() += 1;
    }
    let counts: Vec<_> = outcomes
        .iter()
        .map(|(outcome, count)| format!("{count} {outcome}"))
        .collect();
    println!("\n{} records: {}. Read on with", records.len(), counts.join(", "));
    println!("    tracing-audit show ./audit        (or: cargo run -p tracing-audit-cli -- show ./audit)");
    println!(
        "    jq -c '[.time, .outcome, .actor.id, .event]' {}/*.jsonl",
        path.display()
    );
    Ok(())
}
