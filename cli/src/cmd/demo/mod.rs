//! `demo`: a believable trail to look at, written through the library as an application would write its own.

mod scenario;

use std::time::Duration;

use tracing_audit::clock::{Clock as _, ManualClock, SystemClock};
use tracing_audit::record::Record;
use tracing_audit::store::DirStore;
use tracing_audit::{Audit, AuditedExt as _, ErrorKind};

use self::scenario::Scenario;
use crate::args::Demo;
use crate::out::{Failure, Out, code};
use crate::words::counted;

/// The time that the records are spread over: what a day of a small service looks like.
const DAY: u64 = 24 * 60 * 60 * 1_000_000_000;

/// How long the disk may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the queue is emptied on the way, so that the records' observation times are spread as well.
const PORTIONS: u64 = 48;

pub(crate) fn run(demo: &Demo) -> Result<u8, Failure> {
    let dir = &demo.dir;
    // Invented records among real ones could not be told apart later.
    if dir.is_dir() && DirStore::open(dir)?.streams() > 0 {
        return Err(Failure::Usage(format!(
            "`{}` holds a trail already, and invented records do not belong into it; name a new directory",
            dir.display()
        )));
    }
    let now = SystemClock.now();
    let clock = ManualClock::new(now.saturating_sub(DAY));
    let audit = Audit::builder()
        .directory(dir)
        .service("docs-demo")
        .clock(clock.clone())
        .start()?;
    // The trail begins when the day begins.
    audit.flush(PATIENCE)?;
    let portion = (demo.records / PORTIONS).max(1);
    // One of them is the start of a job, late in the day.
    let others = demo.records.saturating_sub(1);
    let job_at = others - others / 40;
    let scenario = Scenario::new(demo.seed, others, now.saturating_sub(DAY), DAY);
    for (index, (time, record)) in (1..).zip(scenario) {
        clock.set(time);
        if index == job_at {
            begin_job(&audit);
        }
        submit(&audit, record)?;
        if index % portion == 0 {
            audit.flush(PATIENCE)?;
        }
    }
    if others == 0 && demo.records > 0 {
        begin_job(&audit);
    }
    clock.set(now);
    let report = audit.flush(PATIENCE)?;
    // The invented service goes on: its job still runs, and its trail has no end yet.
    std::mem::forget(audit);
    tell(demo, report.durable)?;
    Ok(code::OK)
}

/// Says what was written, and how to look at it.
fn tell(demo: &Demo, durable: u64) -> Result<(), Failure> {
    let mut out = Out::new(crate::args::Color::Never);
    let (dir, records) = (demo.dir.display(), counted(demo.records, "invented record"));
    out.line(&format!(
        "{records} of one day, {durable} on disk, in {dir}; the trail adds a few of its own"
    ))?;
    out.line("look at them:")?;
    for command in [
        "show DIR",
        "show DIR outcome=denied --since -6h",
        "show DIR actor.type=agent 'level>=warn'",
        "show DIR --open",
        "tail -f DIR",
    ] {
        out.line(&format!(
            "  tracing-audit {}",
            command.replace("DIR", &dir.to_string())
        ))?;
    }
    out.flush()
}

/// A job begins, as an application reports one, and has not come to its end when the demo does.
fn begin_job(audit: &Audit) {
    let subscriber = tracing_subscriber::registry().audited(audit);
    tracing::subscriber::with_default(subscriber, || {
        let job = tracing::info_span!(
            target: "audit",
            "cron.run",
            start = true,
            action = "run",
            category = "automation",
            actor.type = "service",
            actor.id = "scheduler",
            resource.type = "job",
            resource.id = "index-rebuild",
        );
        std::mem::forget(job);
    });
}

/// Hands a record over; a full queue is emptied first, so that none is refused for good.
fn submit(audit: &Audit, record: Record) -> Result<(), Failure> {
    match audit.submit(record.clone()) {
        Err(error) if error.kind() == ErrorKind::Full => {
            audit.flush(PATIENCE)?;
            audit.submit(record)?;
        }
        done => {
            done?;
        }
    }
    Ok(())
}
