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

/// T002-11.
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
        "job.run",
        "audit.close",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_span_that_is_open_when_a_guard_is_dropped_keeps_its_context_and_its_end() {
    let place = tempfile::tempdir().unwrap();
    let audit = Audit::builder().directory(place.path()).start().unwrap();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        let span = info_span!(target: "audit", "job.run", actor.id = "u-1", outcome = tracing::field::Empty);
        let inside = span.enter();
        // Two early drops: what is stated already is not stated again.
        drop(audit.guard());
        drop(audit.guard());
        info!(target: "audit", event = "late.step");
        info_span!(target: "audit", "job.part").in_scope(|| ());
        span.record("outcome", "success");
        drop(inside);
        drop(span);
    });
    audit.shutdown(PATIENCE).unwrap();
    for event in ["late.step", "job.part"] {
        let [record] = on_disk(place.path(), &format!("event={event}"))
            .try_into()
            .unwrap();
        assert_eq!(record.text(Slot::ActorId), Some("u-1"), "{event}");
    }
    let [open, end] = on_disk(place.path(), "event=job.run").try_into().unwrap();
    assert_eq!(
        (open.text(Slot::Outcome), open.text(Slot::ReasonCode)),
        (Some("unknown"), Some("still_open"))
    );
    assert_eq!(
        (end.text(Slot::Outcome), end.text(Slot::ReasonCode)),
        (Some("success"), None)
    );
    assert_eq!(open.text(Slot::ExecutionId), end.text(Slot::ExecutionId));
    assert!(open.text(Slot::ExecutionId).is_some());
    assert_eq!(audit.stats().lost(), 0);
}

#[test]
fn dropping_a_clone_of_the_handle_concludes_no_span_and_the_last_one_only_states_it() {
    let place = tempfile::tempdir().unwrap();
    let audit = Audit::builder().directory(place.path()).start().unwrap();
    let clone = audit.clone();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        let span = info_span!(target: "audit", "job.run", actor.id = "u-1");
        let inside = span.enter();
        drop(clone);
        assert!(on_disk(place.path(), "event=job.run or event=audit.close").is_empty());
        // The subscriber lives on.
        drop(audit);
        let [open] = on_disk(place.path(), "event=job.run").try_into().unwrap();
        assert_eq!(open.text(Slot::ReasonCode), Some("still_open"));
        info!(target: "audit", event = "late.step");
        drop(inside);
    });
    // Nobody is left who could wait for the writer: it ends by itself, and frees the directory.
    let again = loop {
        match Audit::builder().directory(place.path()).start() {
            Ok(audit) => break audit,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Locked),
        }
        std::thread::yield_now();
    };
    let [step] = on_disk(place.path(), "event=late.step").try_into().unwrap();
    assert_eq!(step.text(Slot::ActorId), Some("u-1"));
    let [_, end] = on_disk(place.path(), "event=job.run").try_into().unwrap();
    assert_eq!(end.text(Slot::ReasonCode), Some("not_reported"));
    again.flush(PATIENCE).unwrap();
    let opened = on_disk(place.path(), "event=audit.open").pop().unwrap();
    assert_eq!(
        opened.attribute("clean").and_then(|clean| clean.as_bool()),
        Some(true),
        "the end of the first trail was noted behind its last record"
    );
    again.shutdown(PATIENCE).unwrap();
}

#[test]
fn a_span_that_a_guard_stated_is_not_written_again_by_the_shutdown() {
    let place = tempfile::tempdir().unwrap();
    let audit = Audit::builder().directory(place.path()).start().unwrap();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        let span = info_span!(target: "audit", "job.run", actor.id = "u-1");
        drop(audit.guard());
        audit.shutdown(PATIENCE).unwrap();
        drop(span);
    });
    assert_eq!(on_disk(place.path(), "event=job.run").len(), 1);
    assert_eq!(audit.stats().lost(), 0);
}

#[test]
fn the_longest_time_that_can_be_given_is_no_overflow() {
    let place = tempfile::tempdir().unwrap();
    let audit = Audit::builder()
        .directory(place.path())
        .room_timeout(Duration::MAX)
        .commit_timeout(Duration::MAX)
        .start()
        .unwrap();
    let receipt = audit.emit(Record::builder("x").build()).unwrap();
    assert_eq!(receipt.state(), State::Durable);
    audit.flush(Duration::MAX).unwrap();
    audit.rotate().unwrap();
    audit.shutdown(Duration::MAX).unwrap();
    audit.flush(Duration::MAX).unwrap();
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
