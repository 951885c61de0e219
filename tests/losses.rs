//! What is not written: refused to its caller, or counted in a gap record. Through both doors, by each cause.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tracing::{info, subscriber};
use tracing_audit::config::{Family, Mode};
use tracing_audit::format::Entry;
use tracing_audit::record::{Level, Record, Slot};
use tracing_audit::sink::{Accepted, MemorySink, Sink, SinkError};
use tracing_audit::{Actor, Audit, AuditedExt, Error, ErrorKind, State, Stats, Submitted};

const PATIENCE: Duration = Duration::from_secs(30);

/// A sink that a test can hold shut: it takes nothing while the test has the gate.
#[derive(Debug, Clone, Default)]
struct Gated {
    gate: Arc<Mutex<()>>,
    kept: MemorySink,
}

impl Gated {
    fn shut(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap()
    }
}

impl Sink for Gated {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        let _open = self.gate.lock().unwrap();
        self.kept.deliver(batch)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

fn record() -> Record {
    Record::builder("load.step").actor("user", "u-1").build()
}

/// What the gap records among these account for, by cause.
fn gaps(records: &[Record], cause: &str) -> u64 {
    let gaps = records.iter().filter(|record| record.event() == "audit.gap");
    let lost = gaps.filter(|gap| gap.attribute("cause").and_then(|cause| cause.as_str()) == Some(cause));
    lost.map(|gap| gap.attribute("lost").and_then(|lost| lost.as_u64()).unwrap())
        .sum()
}

fn written(records: &[Record], event: &str) -> u64 {
    records.iter().filter(|record| record.event() == event).count() as u64
}

/// The sink's port, the writer's batch and the queue have room for so many; then a value is refused.
fn submit_until_refused(audit: &Audit, queued: &mut u64) -> Error {
    loop {
        match audit.submit(record()) {
            Ok(Submitted::Queued) => *queued += 1,
            Ok(other) => panic!("{other:?}"),
            Err(error) => return error,
        }
    }
}

/// T003-14.
#[test]
fn a_full_queue_refuses_a_value_and_counts_a_report_in_a_gap_record() {
    let sink = Gated::default();
    let audit = Audit::builder()
        .without_journal()
        .sink(sink.clone())
        .mode(Mode::Lossy)
        .queue_records(64)
        .start()
        .unwrap();
    let mut queued = 0_u64;
    let reported = 1_000;
    {
        let _shut = sink.shut();
        let refused = submit_until_refused(&audit, &mut queued);
        assert_eq!(refused.kind(), ErrorKind::Full);
        assert!(
            refused.to_string().contains("queue_records"),
            "names the remedy: {refused}"
        );
        subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
            for _ in 0..reported {
                info!(target: "audit", event = "load.report", actor.id = "u-1");
            }
        });
    }
    audit.shutdown(PATIENCE).unwrap();
    let (records, stats) = (sink.kept.records(), audit.stats());
    assert_eq!(
        written(&records, "load.step"),
        queued,
        "what was taken is written"
    );
    let lost = reported - written(&records, "load.report");
    assert!(lost > 0, "the queue was full");
    assert_eq!(
        gaps(&records, "queue_full"),
        lost,
        "what is missing is in a gap record"
    );
    assert_eq!(
        (stats.lost_full, stats.gap_recorded, stats.rejected_full),
        (lost, lost, 1)
    );
    assert_eq!(stats.taken, queued + reported - lost);
    let seqs: Vec<_> = records
        .iter()
        .filter_map(|record| record.uint(Slot::Seq))
        .collect();
    assert_eq!(
        seqs,
        (0..records.len() as u64).collect::<Vec<_>>(),
        "no number is skipped"
    );
}

#[test]
fn a_record_without_an_actor_is_refused_where_one_is_required() {
    let sink = MemorySink::new();
    let audit = Audit::builder()
        .memory(&sink)
        .require_actor(true)
        .start()
        .unwrap();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        info!(target: "audit", event = "document.read");
        Actor::user("u-1").sync_scope(|| info!(target: "audit", event = "document.read"));
        let nobody = Record::builder("document.read").build();
        assert_eq!(audit.emit(nobody.clone()).unwrap_err().kind(), ErrorKind::Refused);
        assert_eq!(audit.submit(nobody).unwrap_err().kind(), ErrorKind::Refused);
    });
    audit.shutdown(PATIENCE).unwrap();
    let (records, stats) = (sink.records(), audit.stats());
    assert_eq!(written(&records, "document.read"), 1);
    assert_eq!(
        gaps(&records, "actor_required"),
        1,
        "the caller of `emit` was told; the macro's was not"
    );
    assert_eq!((stats.lost_policy, stats.rejected_policy), (1, 2));
}

#[test]
fn what_comes_after_the_shutdown_is_refused_and_counted() {
    let sink = MemorySink::new();
    let audit = Audit::builder().memory(&sink).start().unwrap();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        audit.shutdown(PATIENCE).unwrap();
        info!(target: "audit", event = "document.read");
        assert_eq!(audit.emit(record()).unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(audit.submit(record()).unwrap_err().kind(), ErrorKind::Closed);
        audit.shutdown(PATIENCE).unwrap();
        audit.flush(PATIENCE).unwrap();
    });
    let Stats {
        lost_closed,
        rejected_closed,
        ..
    } = audit.stats();
    assert_eq!((lost_closed, rejected_closed), (1, 2));
    let events: Vec<_> = sink
        .records()
        .iter()
        .map(|record| record.event().to_owned())
        .collect();
    assert_eq!(events, ["audit.open", "audit.close"]);
}

#[test]
fn a_record_below_its_floor_is_counted_and_no_gap() {
    let sink = MemorySink::new();
    let builder = Audit::builder()
        .memory(&sink)
        .family_floor(Family::Tools, Level::Warn);
    let audit = builder.start().unwrap();
    let tool = |level: &Level| {
        Record::builder("tool.run")
            .actor("agent", "a-1")
            .level(level)
            .build()
    };
    assert_eq!(audit.emit(tool(&Level::Info)).unwrap().state(), State::BelowLevel);
    assert_eq!(audit.emit(tool(&Level::Warn)).unwrap().state(), State::Delivered);
    audit.shutdown(PATIENCE).unwrap();
    assert_eq!(written(&sink.records(), "tool.run"), 1);
    assert_eq!(
        (
            audit.stats().below_level,
            audit.stats().lost(),
            audit.stats().rejected()
        ),
        (1, 0, 0)
    );
}

#[test]
fn a_trail_that_is_off_takes_nothing_says_so_and_makes_no_file() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("audit");
    let audit = Audit::builder().directory(&dir).enabled(false).start().unwrap();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        info!(target: "audit", event = "document.read");
        assert_eq!(audit.emit(record()).unwrap().state(), State::Disabled);
        assert_eq!(audit.submit(record()).unwrap(), Submitted::Disabled);
        assert!(
            audit.check().to_string().contains("configured off"),
            "{}",
            audit.check()
        );
    });
    audit.flush(PATIENCE).unwrap();
    audit.shutdown(PATIENCE).unwrap();
    assert!(!dir.exists());
}
