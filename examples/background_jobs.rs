//! Work that no request asks for: jobs on threads, as the system or on behalf of the user who ordered them.
//!
//! `cargo run --features derive --example background_jobs`

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tracing_audit::record::{Record, Slot};
use tracing_audit::sink::MemorySink;
use tracing_audit::{Actor, Audit, AuditedExt, CurrentContext, WithContext, audited};
use tracing_subscriber::util::SubscriberInitExt;

type Failure = Box<dyn std::error::Error>;

/// `start = true` writes a record when the job begins and another when it ends, tied by `execution_id`. A job that was
/// killed, or that hangs, is the start without an end: `tracing-audit show ./audit --open` lists those.
#[audited(name = "job.purge", resource = ("table", table), start = true)]
fn purge(table: &str) -> Result<u32, String> {
    match table {
        "sessions" => Ok(17),
        _ => Err(format!("no table {table}")),
    }
}

/// Hangs until the program ends: its span is still open when the trail is shut down, and the record says so.
#[audited(name = "job.reindex", resource = "index", start = true)]
fn reindex(has_begun: &mpsc::Sender<()>) {
    let _ = has_begun.send(());
    loop {
        thread::park();
    }
}

#[audited(name = "report.build", resource = ("report", id))]
fn build_report(id: u32) -> usize {
    id as usize * 1000
}

#[audited(name = "report.send", resource = ("report", id))]
async fn send_report(id: u32) -> bool {
    tokio::task::yield_now().await;
    id > 0
}

/// What a cron daemon does: each run of a job is a thread of its own, under the system's name.
fn run_as_system(job: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    thread::spawn(|| Actor::system().sync_scope(job))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    // A service would leave `.memory(…)` out and write to `./audit`; here the records are looked at below.
    let records = MemorySink::new();
    let audit = Audit::builder().memory(&records).start()?;
    tracing_subscriber::registry().audited(&audit).try_init()?;

    for table in ["sessions", "sesions"] {
        let job = run_as_system(move || drop(purge(table)));
        job.join().map_err(|_| "the purge panicked")?;
    }
    let (has_begun, begun) = mpsc::channel();
    let _still_running = run_as_system(move || reindex(&has_begun));
    begun.recv()?;

    // Work that a user ordered stays the user's, on whichever thread or task it is done.
    let order = Actor::user("ana").scope(async {
        let ordered_by = CurrentContext::capture();
        let built = thread::spawn(move || ordered_by.sync_scope(|| build_report(7))).join();
        let sent = tokio::spawn(send_report(7).with_current_actor()).await;
        (built, sent)
    });
    let (built, sent) = order.await;
    println!(
        "built {} bytes, sent: {}",
        built.map_err(|_| "the report panicked")?,
        sent?
    );

    tokio::task::spawn_blocking(move || audit.shutdown(Duration::from_secs(5))).await??;
    let told: Vec<String> = records.records().iter().filter_map(sentence).collect();
    println!("{}", told.join("\n"));
    assert!(
        told.contains(&"system reindex: unknown, still_open".to_owned()),
        "the hanging job is in the trail"
    );
    assert!(
        told.contains(&"ana send: success".to_owned()),
        "the task acted as the user"
    );
    Ok(())
}

/// One record in words; `None` for what the trail says about itself.
fn sentence(record: &Record) -> Option<String> {
    if record.event().starts_with("audit.") {
        return None;
    }
    let text = |slot| record.text(slot).unwrap_or_default();
    let why = [Slot::ReasonCode, Slot::ErrorMessage].map(text);
    let why = why
        .iter()
        .find(|why| !why.is_empty())
        .map_or(String::new(), |why| format!(", {why}"));
    Some(format!(
        "{} {}: {}{why}",
        text(Slot::ActorId),
        text(Slot::Action),
        text(Slot::Outcome)
    ))
}
