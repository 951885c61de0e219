//! From start to end: what is on disk at which moment, the guard, and a trail that begins again where one ended.

use std::path::Path;
use std::time::Duration;

use tracing::{info, info_span, subscriber};
use tracing_audit::config::Mode;
use tracing_audit::record::{Record, Slot};
use tracing_audit::store::{DirStore, Direction, List, Store};
use tracing_audit::{Audit, AuditedExt, ErrorKind, Query, State};

const PATIENCE: Duration = Duration::from_secs(30);

/// The records of a trail that a query finds, oldest first, as another process would read them now.
fn on_disk(dir: &Path, query: &str) -> Vec<Record> {
    let list = List::default().direction(Direction::OldestFirst).limit(0);
    let query = Query::parse(query).unwrap();
    let found = DirStore::open(dir).unwrap().list(&query, &list).unwrap();
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    found.records.into_iter().map(|stored| stored.record).collect()
}

#[test]
fn what_emit_calls_durable_and_what_flush_covered_stand_in_the_file() {
    let place = tempfile::tempdir().unwrap();
    // Nothing but the calls below may cause a commit.
    let builder = Audit::builder()
        .directory(place.path())
        .commit_interval(Duration::from_secs(10));
    let audit = builder.start().unwrap();
    let receipt = audit
        .emit(Record::builder("first.step").actor("user", "u-1").build())
        .unwrap();
    assert_eq!(receipt.state(), State::Durable);
    let [first] = on_disk(place.path(), "event=first.step").try_into().unwrap();
    assert_eq!(first.uint(Slot::Seq), receipt.seq());
    assert_eq!(
        first.text(Slot::Id),
        receipt.id().map(|id| id.to_string()).as_deref()
    );
    for _ in 0..100 {
        audit.submit(Record::builder("next.step").build()).unwrap();
    }
    let report = audit.flush(PATIENCE).unwrap();
    assert_eq!((report.taken, report.durable, report.lost), (101, 101, 0));
    assert_eq!(on_disk(place.path(), "event=next.step").len(), 100);
    audit.shutdown(PATIENCE).unwrap();
}

#[test]
fn a_durable_event_stands_in_the_file_when_the_macro_returns() {
    let place = tempfile::tempdir().unwrap();
    let builder = Audit::builder()
        .directory(place.path())
        .commit_interval(Duration::from_secs(10));
    let audit = builder.mode_of_event("money.*", Mode::Durable).start().unwrap();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        for count in 1..=20 {
            info!(target: "audit", event = "money.transfer", actor.id = "u-1");
            assert_eq!(on_disk(place.path(), "event=money.transfer").len(), count);
        }
    });
    audit.shutdown(PATIENCE).unwrap();
}

#[test]
fn a_dropped_guard_has_written_everything_and_a_later_record_begins_the_trail_again() {
    let place = tempfile::tempdir().unwrap();
    let audit = Audit::builder().directory(place.path()).start().unwrap();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        let guard = audit.guard();
        let open = info_span!(target: "audit", "job.run", actor.id = "u-1");
        for _ in 0..1_000 {
            info!(target: "audit", event = "first.step", actor.id = "u-1");
        }
        drop(guard);
        assert_eq!(on_disk(place.path(), "event=first.step").len(), 1_000);
        let [job] = on_disk(place.path(), "event=job.run").try_into().unwrap();
        assert_eq!(job.text(Slot::ReasonCode), Some("still_open"));
        info!(target: "audit", event = "late.step", actor.id = "u-1");
        drop(open);
    });
    audit.shutdown(PATIENCE).unwrap();
    let told: Vec<_> = on_disk(place.path(), "event=audit.* or event=late.step or event=job.run")
        .iter()
        .map(|record| record.event().to_owned())
        .collect();
    let expected = [
        "audit.open",
        "job.run",
        "audit.close",
        "audit.open",
        "late.step",
        "audit.close",
    ];
    assert_eq!(
        told, expected,
        "the span that was written as open is not written again"
    );
}

#[test]
fn a_directory_is_free_as_soon_as_its_trail_was_shut_down() {
    // A service that reloads its configuration met `Locked` in two of five restarts: the answer came before the release.
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("audit");
    for round in 0..100_u64 {
        let audit = Audit::builder().directory(&dir).start();
        let audit = audit.unwrap_or_else(|error| panic!("round {round}: {error}"));
        audit
            .emit(Record::builder("round.end").attribute("round", round).build())
            .unwrap();
        audit.shutdown(PATIENCE).unwrap();
    }
    let rounds: Vec<_> = on_disk(&dir, "event=round.end")
        .iter()
        .filter_map(|record| record.attribute("round")?.as_u64())
        .collect();
    assert_eq!(rounds, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_directory_is_not_free_while_its_trail_runs() {
    let place = tempfile::tempdir().unwrap();
    let first = Audit::builder()
        .directory(place.path().join("audit"))
        .start()
        .unwrap();
    let second = Audit::builder().directory(place.path().join("audit")).start();
    let error = second.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(
        error.to_string().contains(&std::process::id().to_string()),
        "{error}"
    );
    first.shutdown(PATIENCE).unwrap();
}
