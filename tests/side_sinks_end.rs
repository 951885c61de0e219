//! How a trail ends over sinks that are slow, hang or have nobody to give to: in time, and with each record counted once.

#[path = "support/told.rs"]
mod told;

use std::time::Duration;

use tracing::{info_span, subscriber};
use tracing_audit::config::Mode;
use tracing_audit::{Audit, AuditedExt as _, ErrorKind};

use told::{Deed, Told, record, without_journal};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

/// How many batches wait for a sink at most, beside the one that is in its hands.
const PORT: u64 = 64;

/// Fills the port of a sink that stands: the beginning is in its hands, then a batch for each record. Gives back how many
/// records that took.
fn fill(audit: &Audit, hung: &Told, at: usize) -> u64 {
    hung.wait_until_it_stands();
    for _ in 0..PORT {
        let before = audit.stats().sinks[at].waiting;
        audit.submit(record("load.step")).unwrap();
        // Where another sink is fast, it has taken it by then.
        while audit.stats().sinks[at].waiting <= before {
            std::thread::yield_now();
        }
    }
    PORT
}

/// T002-24.
#[test]
fn a_shutdown_waits_for_a_slow_sink_and_says_what_waits_where_its_time_is_up() {
    let place = tempfile::tempdir().unwrap();
    let slow = Told::new("slow", Deed::Stand);
    let builder = Audit::builder().directory(place.path()).sink(slow.clone());
    let audit = builder.diagnostics(|_| {}).start().unwrap();
    audit.emit(record("x")).unwrap();
    let error = audit.shutdown(Duration::from_millis(50)).unwrap_err();
    // Not a timeout: the journal has all of it.
    assert_eq!(error.kind(), ErrorKind::Sink);
    let message = "3 entries wait for sink `slow` after 50ms; the journal has every record";
    assert_eq!(error.to_string(), message);
    assert!(!slow.has("x"));
    // It may still move its cursor, so nobody else may.
    let again = || Audit::builder().directory(place.path()).start();
    assert_eq!(again().unwrap_err().kind(), ErrorKind::Locked);
    slow.tell(Deed::Take);
    audit.shutdown(LONG).unwrap();
    again().unwrap().shutdown(LONG).unwrap();
    assert!(slow.has("x"), "the second call waited for it");
    let sink = audit.stats().sinks.remove(0);
    let stats = audit.stats();
    assert_eq!(sink.waiting, 0);
    assert_eq!(
        sink.accepted + sink.refused + sink.missed,
        stats.taken + stats.control
    );
}

/// T003-28.
#[test]
fn beside_a_journal_a_receiver_that_is_away_at_the_end_is_given_a_last_second_and_the_rest_after_the_next_start()
 {
    let place = tempfile::tempdir().unwrap();
    let away = Told::new("away", Deed::Retry);
    let builder = Audit::builder().directory(place.path()).sink(away.clone());
    let audit = builder.diagnostics(|_| {}).start().unwrap();
    for _ in 0..10 {
        audit.emit(record("x")).unwrap();
    }
    // For ever, where the sink tried for as long as it may.
    let error = audit.shutdown(Duration::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink, "{error}");
    let expected = "sink `away` has not taken 12 entries; they are offered again after the next start; \
                    the journal has every record";
    assert_eq!(error.to_string(), expected);
    assert_eq!(audit.stats().sinks[0].missed, 0);
    assert!(audit.stats().sinks[0].retries > 0);
    // The directory is free: the follower has given its cursor up as well.
    let back = Told::new("away", Deed::Take);
    let builder = Audit::builder().directory(place.path()).sink(back.clone());
    builder.start().unwrap().shutdown(LONG).unwrap();
    let numbers: Vec<u64> = back.kept.entries().iter().map(|entry| entry.seq()).collect();
    assert_eq!(numbers, (0..14).collect::<Vec<u64>>());
}

#[test]
fn a_shutdown_does_not_wait_for_ever_for_entries_that_somebody_cut_off_the_journal() {
    let place = tempfile::tempdir().unwrap();
    let slow = Told::new("slow", Deed::Stand);
    let builder = Audit::builder().directory(place.path()).sink(slow.clone());
    let audit = builder.diagnostics(|_| {}).start().unwrap();
    slow.wait_until_it_stands();
    for _ in 0..10 {
        audit.emit(record("x")).unwrap();
    }
    let error = audit.shutdown(SHORT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink, "{error}");
    let listed = tracing_audit::format::segments(&place.path().join("main")).unwrap();
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&listed[0].path)
        .unwrap();
    file.set_len(listed[0].len / 2).unwrap();
    slow.tell(Deed::Take);
    let error = audit.shutdown(Duration::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink, "{error}");
    assert!(error.to_string().contains("sink `slow` has not taken"), "{error}");
    assert!(audit.stats().sinks[0].waiting > 0);
}

#[test]
fn a_late_shutdown_over_a_hung_sink_counts_each_record_once() {
    let hung = Told::new("hung", Deed::Stand);
    let builder = Audit::builder().without_journal().sink(hung.clone());
    let builder = builder.queue_records(64).room_timeout(Duration::from_millis(1));
    let audit = builder.diagnostics(|_| {}).start().unwrap();
    let mut submitted = fill(&audit, &hung, 0);
    // The writer can hold one batch that nobody takes, and the queue what comes then: sooner or later it is full.
    loop {
        submitted += 1;
        if audit.submit(record("load.step")).is_err() {
            break;
        }
    }
    let error = audit.shutdown(Duration::from_millis(50)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    // The writer may still be at its last steps. It waits for nobody now, and what it takes last has no room in the port.
    while audit.stats().sinks[0].missed == 0 {
        std::thread::yield_now();
    }
    hung.tell(Deed::Take);
    let again = audit.shutdown(LONG);
    let stats = audit.stats();
    assert!(again.is_err(), "{stats:?}");
    assert_eq!(stats.submitted(), submitted, "{stats:?}");
    assert_eq!(stats.lost_taken, 0, "{stats:?}");
    assert_eq!(
        submitted,
        stats.taken + stats.rejected() + stats.lost(),
        "{stats:?}"
    );
    let sink = &stats.sinks[0];
    let handed = sink.accepted + sink.refused + sink.missed + sink.waiting;
    assert_eq!(handed, stats.taken + stats.control, "{stats:?}");
    let kept = hung.kept.records();
    let written = kept.iter().filter(|record| record.event() == "load.step").count() as u64;
    assert_eq!(kept.len() as u64, sink.accepted);
    assert!(written <= stats.taken);
}

#[test]
fn a_sink_that_hangs_holds_up_neither_the_other_nor_the_end_behind_the_time_of_the_shutdown() {
    let (good, hung) = (Told::new("good", Deed::Take), Told::new("hung", Deed::Stand));
    let builder = Audit::builder().without_journal().diagnostics(|_| {});
    // For ever: only the end of the trail ends this wait.
    let builder = builder.room_timeout(Duration::MAX);
    let audit = builder.sink(hung.clone()).sink(good.clone()).start().unwrap();
    fill(&audit, &hung, 0);
    audit.submit(record("last")).unwrap();
    let error = audit.shutdown(SHORT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    // The hung one still stands when the other is given the end.
    while !good.has("audit.close") {
        std::thread::yield_now();
    }
    assert!(good.has("last"));
    hung.tell(Deed::Take);
    let error = audit.shutdown(LONG).unwrap_err();
    // The end is offered to it until then: it may still have taken that.
    let missed = if hung.has("audit.close") { 1 } else { 2 };
    let told = format!("sink `hung` missed {missed} entries");
    assert!(error.to_string().contains(&told), "{error}");
    assert!(hung.has("load.step") && !hung.has("last"));
}

#[test]
fn a_receiver_that_is_away_at_the_end_is_given_a_last_second_and_not_the_whole_time_of_the_shutdown() {
    let away = Told::new("away", Deed::Stand);
    let audit = without_journal(&[&away]);
    let submitted = fill(&audit, &away, 0);
    away.tell(Deed::Retry);
    // For ever, where the sink tried for as long as it may.
    let error = audit.shutdown(Duration::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink, "{error}");
    let stats = audit.stats();
    assert_eq!((stats.taken, stats.lost()), (submitted, 0));
    let missed = stats.sinks[0].missed;
    assert_eq!(missed, stats.taken + stats.control);
    let expected = format!("sink `away` missed {missed} entries");
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn a_durable_span_that_is_open_at_the_end_does_not_have_the_shutdown_or_the_guard_wait_for_its_own_answer() {
    let hung = Told::new("hung", Deed::Stand);
    let builder = Audit::builder().without_journal().diagnostics(|_| {});
    // For ever: who waited for the answer of one span would never come to the end.
    let builder = builder.mode(Mode::Durable).commit_timeout(Duration::MAX);
    let audit = builder.guard_timeout(SHORT).sink(hung.clone()).start().unwrap();
    let guard = audit.guard();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        let _first = info_span!(target: "audit", "stated", actor.id = "u-1");
        drop(guard);
        let _second = info_span!(target: "audit", "concluded", actor.id = "u-1");
        let error = audit.shutdown(SHORT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    });
    hung.tell(Deed::Take);
    audit.shutdown(LONG).unwrap();
    assert!(hung.has("stated") && hung.has("concluded"));
    assert_eq!((audit.stats().taken, audit.stats().lost()), (2, 0));
}
