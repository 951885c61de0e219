//! Pausing a trail while it runs: what is left out is counted exactly, the trail itself says so, and what must never be
//! silenced is not.

#[path = "support/held.rs"]
mod held;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use held::HeldClock;
use tracing::{Dispatch, info, info_span, warn};
use tracing_audit::config::{Family, Mode, Part};
use tracing_audit::record::{Record, Slot, Value};
use tracing_audit::sink::MemorySink;
use tracing_audit::testing::{Captured, CapturedRecord, MemoryEmitter, Recording};
use tracing_audit::{Actor, Audit, AuditedExt, Emitter, ErrorKind, Obstacle, State, Submitted};
use tracing_subscriber::registry;

const LONG: Duration = Duration::from_secs(30);

fn record(event: &str) -> Record {
    Record::builder(event).actor("user", "alice").build()
}

fn events(captured: &Captured) -> Vec<String> {
    captured
        .records()
        .iter()
        .map(|record| record.event().to_owned())
        .collect()
}

/// What an `audit.resume` record says was left out, by category.
fn by_category(resume: &CapturedRecord) -> Vec<(String, u64)> {
    let rows = resume.attribute("by_category").and_then(Value::as_list);
    let row = |row: &Value| {
        let map = row.as_map().expect("a row is a map");
        let category = map["category"].as_str().expect("a text").to_owned();
        (category, map["left_out"].as_u64().expect("a number"))
    };
    rows.expect("the rows are there").iter().map(row).collect()
}

/// What the documentation of `Stats` says, of a trail that rests.
#[track_caller]
fn identity(audit: &Audit, submitted: u64) {
    let stats = audit.stats();
    let places =
        stats.taken + stats.in_queue + stats.rejected() + stats.paused + stats.lost() - stats.lost_taken;
    assert_eq!((places, stats.submitted()), (submitted, submitted), "{stats:?}");
}

#[test]
fn a_pause_leaves_out_macros_spans_and_values_and_its_end_says_how_many_of_each() {
    let recording = Recording::new();
    let audit = recording.audit();
    Actor::user("u-1").sync_scope(|| audit.pause("CHG-7")).unwrap();
    recording.run(|| {
        info!(target: "audit", event = "tool.start", actor.id = "a");
        info!(target: "audit::billing", n = 1, actor.id = "a", "charged");
        drop(info_span!(target: "audit", "session.create", actor.id = "a"));
    });
    assert_eq!(audit.emit(record("tool.error")).unwrap().state(), State::Paused);
    assert_eq!(audit.submit(record("tool.denied")).unwrap(), Submitted::Paused);
    recording.captured().none();
    assert_eq!((audit.stats().paused, audit.stats().pauses), (5, 1));
    assert_eq!(audit.resume().unwrap(), 5);
    recording.run(|| info!(target: "audit", event = "tool.start", actor.id = "a"));
    recording.captured().count(1);
    let control = recording.control();
    assert_eq!(events(&control), ["audit.open", "audit.pause", "audit.resume"]);
    let pause = control.with_event("audit.pause");
    pause
        .only()
        .assert_has(Slot::Reason, "CHG-7")
        .assert_attribute("part", "all");
    pause.only().assert_attribute("by", "u-1");
    let resume = control.with_event("audit.resume");
    let resume = resume.only();
    assert_eq!(resume.attribute("by"), None, "nobody was named");
    resume
        .assert_attribute("left_out", 5_u64)
        .assert_attribute("cause", "resume");
    let expected = [("tool", 3), ("billing", 1), ("session", 1)];
    assert_eq!(
        by_category(resume),
        expected.map(|(name, n)| (name.to_owned(), n))
    );
    identity(audit, 6);
    assert_eq!((audit.stats().paused, audit.stats().pauses), (5, 0));
}

#[test]
fn security_events_durable_records_and_the_trails_own_are_never_left_out() {
    let recording = Recording::with(|audit| audit.mode_of_event("tool.denied", Mode::Durable));
    let audit = recording.audit();
    audit.pause("test").unwrap();
    recording.run(|| {
        info!(target: "audit", event = "security.elevation.enabled", actor.id = "a");
        info!(target: "audit", event = "tool.denied", actor.id = "a");
        info!(target: "audit", event = "tool.start", actor.id = "a");
    });
    assert_eq!(
        audit.emit(record("security.probe")).unwrap().state(),
        State::Delivered
    );
    let captured = recording.captured();
    assert_eq!(
        events(&captured),
        ["security.elevation.enabled", "tool.denied", "security.probe"]
    );
    assert_eq!(audit.resume().unwrap(), 1);
}

#[test]
fn a_pause_of_a_part_leaves_the_rest_alone() {
    for (part, left) in [
        (
            Part::Family(Family::Sessions),
            vec!["tool.start", "user.login", "charge"],
        ),
        (
            Part::category("bill*"),
            vec!["tool.start", "user.login", "session.create"],
        ),
        (
            Part::event("user.*"),
            vec!["tool.start", "session.create", "charge"],
        ),
        (
            Part::category("tool"),
            vec!["user.login", "session.create", "charge"],
        ),
    ] {
        // Where rules go by names and where none does: the names are known in two ways.
        for is_by_names in [false, true] {
            let sink = MemorySink::new();
            let mut builder = Audit::builder().memory(&sink);
            if is_by_names {
                builder = builder.event_floor("nothing", tracing_audit::record::Level::Error);
            }
            let audit = builder.start().unwrap();
            let dispatch = Dispatch::new(registry().audited(&audit));
            audit.pause_part(part.clone(), "test").unwrap();
            assert_eq!(audit.paused(), std::slice::from_ref(&part));
            tracing::dispatcher::with_default(&dispatch, || {
                info!(target: "audit", event = "tool.start", actor.id = "a");
                // The name of an action where no event is named.
                info!(target: "audit", action = "user.login", actor.id = "a");
                drop(info_span!(target: "audit", "session.create", actor.id = "a"));
                warn!(target: "audit", event = "charge", category = "billing", actor.id = "a");
            });
            assert_eq!(audit.resume_part(&part).unwrap(), 1, "{part}");
            audit.flush(LONG).unwrap();
            let names: Vec<_> = sink
                .records()
                .iter()
                .filter(|record| record.text(Slot::ActorId) == Some("a"))
                .map(|record| record.event().to_owned())
                .collect();
            assert_eq!(names, left, "{part}, by names: {is_by_names}");
        }
    }
}

#[test]
fn a_second_pause_of_the_same_part_and_a_resume_of_none_write_nothing() {
    let recording = Recording::new();
    let audit = recording.audit();
    assert_eq!(audit.resume().unwrap(), 0);
    audit.pause("first").unwrap();
    audit.pause("second").unwrap();
    audit.pause_part(Part::category("x"), "another part").unwrap();
    assert_eq!(audit.resume_part(&Part::All).unwrap(), 0);
    assert_eq!(audit.paused(), [Part::category("x")]);
    audit.resume().unwrap();
    audit.resume().unwrap();
    let control = events(&recording.control());
    assert_eq!(
        control,
        [
            "audit.open",
            "audit.pause",
            "audit.pause",
            "audit.resume",
            "audit.resume"
        ]
    );
}

#[test]
fn a_pause_is_seen_by_check_and_holds_in_every_stack_of_the_trail_also_in_one_that_comes_later() {
    let sink = MemorySink::new();
    let audit = Audit::builder().memory(&sink).start().unwrap();
    let first = Dispatch::new(registry().audited(&audit));
    let second = Dispatch::new(registry().audited(&audit));
    audit.pause("test").unwrap();
    let third = Dispatch::new(registry().audited(&audit));
    for dispatch in [&first, &second, &third] {
        tracing::dispatcher::with_default(dispatch, || {
            info!(target: "audit", event = "x.y", actor.id = "a");
            assert!(audit.check().obstacles.contains(&Obstacle::Paused(Part::All)));
        });
    }
    // A stack that goes in the middle of a pause writes its open spans, which the pause covers.
    let open = tracing::dispatcher::with_default(
        &second,
        || info_span!(target: "audit", "open.span", actor.id = "a"),
    );
    drop((open, second));
    assert_eq!(audit.resume().unwrap(), 4);
    for dispatch in [&first, &third] {
        tracing::dispatcher::with_default(dispatch, || {
            info!(target: "audit", event = "x.y", actor.id = "a");
            assert!(audit.check().is_live());
        });
    }
    identity(&audit, 6);
}

#[test]
fn a_shutdown_ends_a_pause_states_it_and_writes_the_spans_that_are_still_open() {
    let directory = tempfile::tempdir().unwrap();
    let audit = Audit::builder().directory(directory.path()).start().unwrap();
    let dispatch = Dispatch::new(registry().audited(&audit));
    audit.pause("test").unwrap();
    let span = tracing::dispatcher::with_default(&dispatch, || {
        info!(target: "audit", event = "x.y", actor.id = "a");
        info_span!(target: "audit", "open.span", actor.id = "a")
    });
    audit.shutdown(LONG).unwrap();
    drop(span);
    let lines = journal(directory.path());
    let at = |event: &str| lines.iter().position(|line| line["event"] == event).expect(event);
    assert_eq!(
        (
            lines.len(),
            at("audit.open"),
            at("audit.pause"),
            at("audit.close")
        ),
        (5, 0, 1, 4)
    );
    // Records are taken again before the writer has said so.
    let resume = &lines[at("audit.resume")]["attributes"];
    assert_eq!(lines[at("open.span")]["reason_code"], "still_open");
    assert_eq!(resume["left_out"], 1);
    assert_eq!(resume["cause"], "shutdown");
    assert_eq!(lines[4]["attributes"]["paused"], 1);
    // After the end a pause is refused, and a resume has nothing to do; neither hangs nor panics.
    assert_eq!(audit.pause("late").unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(audit.resume().unwrap(), 0);
    assert_eq!(audit.emit(record("x.y")).unwrap_err().kind(), ErrorKind::Closed);
    // What the next start says of it: the last end was clean, and nothing is paused.
    drop((audit, dispatch));
    let next = Audit::builder().directory(directory.path()).start().unwrap();
    assert!(next.paused().is_empty());
    next.emit(record("x.z")).unwrap();
    next.shutdown(LONG).unwrap();
    let lines = journal(directory.path());
    assert_eq!(lines[5]["event"], "audit.open");
    assert_eq!(lines[5]["attributes"]["clean"], true);
    assert_eq!(lines[6]["event"], "x.z");
}

/// The lines of a journal, in order.
fn journal(directory: &std::path::Path) -> Vec<serde_json::Value> {
    let mut names: Vec<_> = std::fs::read_dir(directory.join("main"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
        .collect();
    names.sort();
    let text: String = names
        .iter()
        .map(|name| std::fs::read_to_string(name).unwrap())
        .collect();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_dropped_guard_ends_a_pause_and_what_comes_later_is_written() {
    let recording = Recording::new();
    let audit = recording.audit();
    audit.pause("test").unwrap();
    recording.run(|| info!(target: "audit", event = "x.y", actor.id = "a"));
    drop(audit.guard());
    recording.run(|| info!(target: "audit", event = "x.z", actor.id = "a"));
    let captured = recording.captured();
    assert_eq!(events(&captured), ["x.z"]);
    let control = recording.control();
    let resume = control.with_event("audit.resume");
    resume
        .only()
        .assert_attribute("cause", "guard")
        .assert_attribute("left_out", 1_u64);
    // It can be paused again.
    audit.pause("again").unwrap();
    recording.run(|| info!(target: "audit", event = "x.z", actor.id = "a"));
    assert_eq!(audit.resume().unwrap(), 1);
}

#[test]
fn nothing_is_left_out_where_the_pause_cannot_be_written() {
    let (clock, sink) = (HeldClock::new(), MemorySink::new());
    let builder = Audit::builder().memory(&sink).clock(clock.clone());
    let audit = builder.commit_timeout(Duration::from_millis(20)).start().unwrap();
    audit.flush(LONG).unwrap();
    clock.shut();
    audit.submit(record("filler")).unwrap();
    clock.wait_for_the_writer();
    assert_eq!(audit.pause("too late").unwrap_err().kind(), ErrorKind::Timeout);
    assert!(audit.paused().is_empty());
    assert_eq!(audit.submit(record("x.y")).unwrap(), Submitted::Queued);
    clock.open();
    audit.shutdown(LONG).unwrap();
    let events: Vec<_> = sink
        .records()
        .iter()
        .map(|record| record.event().to_owned())
        .collect();
    let own = ["filler", "audit.pause", "audit.resume", "x.y"];
    assert!(
        own.iter().all(|name| events.iter().any(|event| event == name)),
        "{events:?}"
    );
    let resume = sink.records();
    let resume = resume
        .iter()
        .find(|record| record.event() == "audit.resume")
        .unwrap();
    assert_eq!(resume.attribute("cause"), Some(&Value::from("not_begun")));
    assert_eq!(resume.attribute("left_out"), Some(&Value::from(0_u64)));
}

#[test]
fn a_record_below_its_floor_is_not_counted_for_a_pause() {
    let emitter =
        MemoryEmitter::with(|audit| audit.family_floor(Family::Tools, tracing_audit::record::Level::Error));
    emitter.audit().pause("test").unwrap();
    assert_eq!(
        emitter.submit(record("tool.start")).unwrap(),
        Submitted::BelowLevel
    );
    assert_eq!(emitter.audit().resume().unwrap(), 0);
}

#[test]
fn of_two_pauses_that_cover_a_record_the_first_counts_it() {
    let recording = Recording::new();
    let audit = recording.audit();
    audit.pause_part(Part::event("tool.*"), "first").unwrap();
    audit.pause("second").unwrap();
    recording.run(|| info!(target: "audit", event = "tool.start", actor.id = "a"));
    assert_eq!(audit.resume_part(&Part::All).unwrap(), 0);
    assert_eq!(audit.resume().unwrap(), 1);
}

#[test]
fn pauses_that_come_and_go_while_threads_report_leave_an_exact_account() {
    const THREADS: u64 = 8;
    const EACH: u64 = 4_000;
    let directory = tempfile::tempdir().unwrap();
    let builder = Audit::builder().directory(directory.path()).room_timeout(LONG);
    let audit = builder.start().unwrap();
    let dispatch = Dispatch::new(registry().audited(&audit));
    let done = Arc::new(AtomicU64::new(0));
    let (told, mut stated) = (Arc::new(AtomicU64::new(0)), 0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let (audit, dispatch, done, told) = (
                audit.clone(),
                dispatch.clone(),
                Arc::clone(&done),
                Arc::clone(&told),
            );
            scope.spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    for n in 0..EACH {
                        if n.is_multiple_of(4) {
                            let is_paused =
                                matches!(audit.submit(record("work.done")), Ok(Submitted::Paused));
                            told.fetch_add(u64::from(is_paused), Ordering::Relaxed);
                        } else {
                            info!(target: "audit::work", n, actor.id = "alice", "step");
                        }
                    }
                });
                done.fetch_add(1, Ordering::Release);
            });
        }
        while done.load(Ordering::Acquire) < THREADS {
            audit.pause_part(Part::category("work"), "on").unwrap();
            stated += audit.resume().unwrap();
        }
    });
    audit.pause("the last one is ended by the shutdown").unwrap();
    audit.submit(record("work.done")).unwrap();
    let report = audit.shutdown(LONG).unwrap();
    let stats = audit.stats();
    assert_eq!(stats.paused, stated + 1);
    assert!(told.load(Ordering::Relaxed) <= stated);
    identity(&audit, THREADS * EACH + 1);
    let lines = journal(directory.path());
    let left_out: u64 = lines
        .iter()
        .filter(|line| line["event"] == "audit.resume")
        .map(|line| line["attributes"]["left_out"].as_u64().unwrap())
        .sum();
    let written = lines.iter().filter(|line| line["actor"]["id"] == "alice").count() as u64;
    // A full queue refuses a value that never waits.
    assert_eq!(written + left_out + stats.rejected(), THREADS * EACH + 1);
    assert_eq!((report.durable, left_out), (written, stats.paused));
}

#[test]
fn the_counters_of_a_pause_are_exported() {
    let recording = Recording::new();
    recording.audit().pause("test").unwrap();
    recording.run(|| info!(target: "audit", event = "x.y", actor.id = "a"));
    let text = recording.audit().openmetrics();
    assert!(
        text.contains("\ntracing_audit_records_paused_total 1\n"),
        "{text}"
    );
    assert!(text.contains("\ntracing_audit_pauses 1\n"), "{text}");
}
