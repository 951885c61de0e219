//! Sinks beside a journal: they are given what stands there, from where they were, through restarts, rolls and removals.

#[path = "support/told.rs"]
mod told;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing_audit::clock::ManualClock;
use tracing_audit::format::segments;
use tracing_audit::record::Record;
use tracing_audit::sink::file::Unshipped;
use tracing_audit::sink::{MemorySink, StdoutSink};
use tracing_audit::store::{DirStore, Direction, List, Store};
use tracing_audit::{Audit, AuditBuilder, ErrorKind, FailureKind, Query};

use told::{Deed, Told, record};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

/// 2026-11-21T12:00:00Z.
const NOON: u64 = 1_795_262_400_000_000_000;

fn builder(place: &Path) -> AuditBuilder {
    Audit::builder().directory(place).diagnostics(|_| {})
}

fn numbers(told: &Told) -> Vec<u64> {
    told.kept.entries().iter().map(|entry| entry.seq()).collect()
}

fn on_disk(place: &Path, query: &str) -> Vec<Record> {
    let list = List::default().direction(Direction::OldestFirst).limit(0);
    let query = Query::parse(query).unwrap();
    let found = DirStore::open(place).unwrap().list(&query, &list).unwrap();
    found.records.into_iter().map(|stored| stored.record).collect()
}

/// The text of an attribute.
fn text<'r>(record: &'r Record, name: &str) -> Option<&'r str> {
    record.attribute(name).and_then(|value| value.as_str())
}

fn count(record: &Record, name: &str) -> u64 {
    record.attribute(name).and_then(|value| value.as_u64()).unwrap()
}

/// A trail with several segments, closed. Gives back how many lines it has.
fn written(place: &Path) -> u64 {
    let audit = builder(place).start().unwrap();
    for _ in 0..5 {
        for _ in 0..400 {
            audit.submit(record("load.step")).unwrap();
        }
        audit.flush(LONG).unwrap();
        audit.rotate().unwrap();
    }
    audit.shutdown(LONG).unwrap();
    let stats = audit.stats();
    assert!(segments(&place.join("main")).unwrap().len() > 5);
    stats.taken + stats.control
}

fn cursor(place: &Path, sink: &str) -> serde_json::Value {
    let text = std::fs::read(place.join("main/cursors").join(sink)).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// T003-26, T003-43.
#[test]
fn a_sink_that_is_new_to_a_trail_is_given_all_of_it_and_later_only_what_it_has_not_taken() {
    let place = tempfile::tempdir().unwrap();
    let lines = written(place.path());
    let mut due = 0;
    for run in 0..3 {
        let sink = Told::new("shipper", Deed::Take);
        let audit = builder(place.path()).sink(sink.clone()).start().unwrap();
        let stream = audit.stream().unwrap().to_owned();
        audit.submit(record("one.more")).unwrap();
        audit.flush(LONG).unwrap();
        let taken = numbers(&sink).len() as u64;
        assert_eq!(cursor(place.path(), "shipper")["next"], due + taken);
        audit.shutdown(LONG).unwrap();
        let given = numbers(&sink);
        let end = lines + 3 * (run + 1);
        assert_eq!(given, (due..end).collect::<Vec<u64>>(), "run {run}");
        due = end;
        let expected = serde_json::json!({"next": end, "schema": 1, "sink": "shipper", "stream": stream});
        assert_eq!(cursor(place.path(), "shipper"), expected);
        let stats = audit.stats();
        assert_eq!((stats.sinks[0].waiting, stats.sinks[0].missed), (0, 0));
        assert_eq!(stats.sinks[0].accepted, given.len() as u64);
    }
}

#[test]
fn a_sink_can_begin_with_what_is_written_from_now_on_and_then_resumes() {
    let place = tempfile::tempdir().unwrap();
    let lines = written(place.path());
    let run = |due: std::ops::Range<u64>| {
        let sink = Told::new("late", Deed::Take);
        let audit = builder(place.path()).sink_from_now(sink.clone()).start().unwrap();
        audit.shutdown(LONG).unwrap();
        assert_eq!(numbers(&sink), due.collect::<Vec<u64>>());
    };
    run(lines..lines + 2);
    // A run of the trail without it.
    builder(place.path()).start().unwrap().shutdown(LONG).unwrap();
    run(lines + 2..lines + 6);
}

#[test]
fn a_sink_that_keeps_nothing_beyond_the_process_begins_with_the_start_and_has_no_cursor() {
    let place = tempfile::tempdir().unwrap();
    let lines = written(place.path());
    let memory = MemorySink::new();
    let builder = builder(place.path())
        .sink(memory.clone())
        .sink(StdoutSink::to(Vec::new()));
    let audit = builder.sink(MemorySink::new()).start().unwrap();
    audit.emit(record("x")).unwrap();
    audit.shutdown(LONG).unwrap();
    let numbers: Vec<u64> = memory.entries().iter().map(|entry| entry.seq()).collect();
    assert_eq!(numbers, [lines, lines + 1, lines + 2]);
    assert!(!place.path().join("main/cursors").exists());
}

#[test]
fn sinks_that_would_share_a_cursor_or_could_have_none_are_refused_before_anything_is_created() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("audit");
    let start = |names: &[&'static str]| {
        let sinks = names.iter().map(|name| Told::new(name, Deed::Take));
        sinks.fold(builder(&directory), AuditBuilder::sink).start()
    };
    for names in [&["otlp", "otlp"][..], &["otlp", "OTLP"], &["a/b"], &[".a"], &[""]] {
        let error = start(names).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("have `Sink::name` give"), "{error}");
        assert!(!directory.exists());
    }
    start(&["otlp", "sqlite"]).unwrap().shutdown(LONG).unwrap();
    // Without a journal there are no cursors.
    let told = Told::new("a/b", Deed::Take);
    let audit = Audit::builder().without_journal().sink(told.clone()).sink(told);
    audit.start().unwrap().shutdown(LONG).unwrap();
}

#[test]
fn a_batch_that_was_taken_and_not_flushed_is_offered_again_after_the_next_start() {
    let place = tempfile::tempdir().unwrap();
    let mute = Told::new("mute", Deed::FailToFlush);
    let audit = builder(place.path()).sink(mute.clone()).start().unwrap();
    audit.emit(record("x")).unwrap();
    let why = "sink `mute` could not flush: the receiver does not answer; the journal has every record";
    for _ in 0..2 {
        assert_eq!(audit.flush(LONG).unwrap_err().to_string(), why);
    }
    assert_eq!(audit.shutdown(LONG).unwrap_err().to_string(), why);
    assert!(!numbers(&mute).is_empty());
    assert_eq!(cursor(place.path(), "mute")["next"], 0);
    let again = Told::new("mute", Deed::Take);
    let audit = builder(place.path()).sink(again.clone()).start().unwrap();
    audit.shutdown(LONG).unwrap();
    assert_eq!(numbers(&again), (0..5).collect::<Vec<u64>>());
    assert_eq!(cursor(place.path(), "mute")["next"], 5);
}

#[test]
fn a_sink_that_hangs_delays_neither_callers_nor_the_disk_nor_the_other_sink() {
    let place = tempfile::tempdir().unwrap();
    let (hung, good) = (Told::new("hung", Deed::Stand), Told::new("good", Deed::Take));
    let builder = builder(place.path()).sink(hung.clone()).sink(good.clone());
    // Without a queue that could hide it, and for ever: a caller that waited for the sink would not come back.
    let builder = builder.queue_records(64).room_timeout(Duration::MAX);
    let audit = builder.commit_timeout(Duration::MAX).start().unwrap();
    hung.wait_until_it_stands();
    let until = Instant::now() + LONG;
    for n in 0..5_000 {
        if n % 100 == 0 {
            audit.emit(record("load.step")).unwrap();
        }
        // The queue is full for a moment where the disk is slow, and for ever where the sink held it up.
        while n % 100 > 0 && audit.submit(record("load.step")).is_err() {
            assert!(Instant::now() < until, "{:?}", audit.stats());
            std::thread::yield_now();
        }
    }
    while numbers(&good).len() < 5_001 {
        assert!(Instant::now() < until, "{:?}", audit.stats());
        std::thread::yield_now();
    }
    let error = audit.flush(SHORT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    assert!(
        error
            .to_string()
            .starts_with("5001 entries wait for sink `hung` after"),
        "{error}"
    );
    let sinks = audit.stats().sinks;
    assert_eq!((sinks[0].waiting, sinks[0].missed), (5_001, 0));
    assert_eq!((sinks[1].waiting, sinks[1].accepted), (0, 5_001));
    assert_eq!(audit.stats().durable, 5_000);
    hung.tell(Deed::Take);
    audit.shutdown(LONG).unwrap();
    assert_eq!(numbers(&hung), numbers(&good));
    assert_eq!(numbers(&hung).len(), 5_002);
}

#[test]
fn what_was_refused_and_not_stated_when_the_process_was_killed_is_stated_by_the_next_one() {
    let place = tempfile::tempdir().unwrap();
    let picky = Told::new("picky", Deed::RefuseOdd);
    let audit = builder(place.path()).sink(picky).start().unwrap();
    let stated = |place: &Path| {
        let said = on_disk(place, "event=audit.refused");
        said.iter()
            .map(|record| count(record, "refused"))
            .collect::<Vec<_>>()
    };
    let refused = |event: &str| {
        audit.emit(record(event)).unwrap();
        audit.flush(LONG).unwrap_err();
    };
    refused("odd.1");
    let given_up = Instant::now() + LONG;
    while stated(place.path()).is_empty() {
        assert!(Instant::now() < given_up);
        audit.flush(LONG).unwrap();
    }
    let said = on_disk(place.path(), "event=audit.refused").remove(0);
    let numbers = format!("{:?}", said.attribute("records").unwrap());
    assert!(numbers.contains('1'), "the first behind the beginning: {numbers}");
    // Stated at once was only the first.
    for number in 2..7 {
        refused(&format!("odd.{number}"));
    }
    assert_eq!(stated(place.path()), [1]);
    // What the disk of a killed process holds.
    let killed = tempfile::tempdir().unwrap();
    copy(place.path(), killed.path());
    audit.shutdown(LONG).unwrap();
    assert_eq!(stated(place.path()), [1, 5], "the end states the rest");
    for _ in 0..2 {
        let healed = builder(killed.path()).sink(Told::new("picky", Deed::Take));
        healed.start().unwrap().shutdown(LONG).unwrap();
        assert_eq!(stated(killed.path()), [1, 5], "once");
    }
}

/// The files of a trail, as they are now.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

#[test]
fn why_a_sink_stands_still_is_stated_in_the_trail_and_told_to_the_program_and_so_is_a_failure_for_good() {
    let place = tempfile::tempdir().unwrap();
    let hands = ManualClock::new(NOON);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let failures = Arc::clone(&heard);
    let away = Told::new("away", Deed::Retry);
    let builder = Audit::builder().directory(place.path()).sink(away.clone());
    let builder = builder.clock(hands.clone()).diagnostics(|_| {});
    let audit = builder
        .on_failure(move |failure| failures.lock().push(failure.clone()))
        .start()
        .unwrap();
    audit.emit(record("x")).unwrap();
    let until = |done: &dyn Fn() -> bool| {
        let given_up = Instant::now() + LONG;
        while !done() {
            assert!(Instant::now() < given_up);
            // The writer looks whenever it takes something.
            audit.emit(record("x")).unwrap();
            std::thread::yield_now();
        }
    };
    let hears_of = |what: &str| heard.lock().iter().any(|failure| failure.message.contains(what));
    until(&|| audit.stats().sinks[0].trouble.is_some());
    hands.advance(Duration::from_secs(61));
    until(&|| hears_of("sink `away` has taken nothing for 60s") && hears_of(": the receiver is away"));
    away.tell(Deed::Take);
    until(&|| hears_of("sink `away` takes entries again"));
    away.tell(Deed::Fail);
    until(&|| hears_of("sink `away` failed for good: "));
    let _ = audit.shutdown(LONG);
    // The machine's disk may be full as well.
    let told = heard.lock();
    let of_sinks = told.iter().filter(|failure| failure.kind == FailureKind::Sink);
    assert_eq!(
        of_sinks.map(|failure| failure.is_over).collect::<Vec<_>>(),
        [false, true, false]
    );
    let stated = on_disk(place.path(), "event=audit.degraded");
    let about = stated
        .iter()
        .filter(|record| text(record, "sink") == Some("away"));
    let said = about.map(|record| (text(record, "cause").unwrap(), text(record, "error")));
    let said: Vec<_> = said.collect();
    assert_eq!(said[0], ("sink_stands_still", Some("the receiver is away")));
    assert_eq!(said[1], ("sink_recovered", None));
    assert_eq!(said[2].0, "sink_failed");
    assert_eq!(said[2].1, Some("the receiver is gone"));
}

#[test]
fn a_sink_that_stands_still_for_a_minute_is_stated_in_the_trail_and_so_is_that_it_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let hands = ManualClock::new(NOON);
    let told = Arc::new(Mutex::new(Vec::new()));
    let sentences = Arc::clone(&told);
    let slow = Told::new("slow", Deed::Stand);
    let builder = Audit::builder()
        .directory(place.path())
        .sink(slow.clone())
        .clock(hands.clone());
    let audit = builder
        .diagnostics(move |sentence| sentences.lock().push(sentence.to_owned()))
        .start()
        .unwrap();
    slow.wait_until_it_stands();
    // The writer looks whenever it takes something.
    let pass = |minutes: u64| {
        for _ in 0..minutes {
            audit.emit(record("x")).unwrap();
            hands.advance(Duration::from_secs(60));
        }
        audit.emit(record("x")).unwrap();
    };
    pass(0);
    assert_eq!(audit.stats().control, 1, "it has only begun");
    // As long as it takes: said once.
    pass(5);
    assert_eq!(audit.stats().control, 2);
    slow.tell(Deed::Take);
    // It has taken everything whenever a minute passes.
    audit.flush(LONG).unwrap();
    hands.advance(Duration::from_secs(60));
    pass(0);
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    let stated = on_disk(place.path(), "event=audit.degraded");
    let causes: Vec<_> = stated
        .iter()
        .map(|record| text(record, "cause").unwrap())
        .collect();
    assert_eq!(causes, ["sink_stands_still", "sink_recovered"]);
    assert!(stated.iter().all(|record| text(record, "sink") == Some("slow")));
    assert!(count(&stated[0], "waiting") > 0 && text(&stated[0], "since").is_some());
    let told = told.lock();
    assert!(
        told.iter()
            .any(|sentence| sentence.contains("has taken nothing for")),
        "{told:?}"
    );
    assert!(on_disk(place.path(), "event=audit.gap").is_empty());
}

#[test]
fn a_sink_whose_entries_were_deleted_is_a_gap_with_the_count_and_goes_on_behind_them() {
    let place = tempfile::tempdir().unwrap();
    let lines = written(place.path());
    let listed = segments(&place.path().join("main")).unwrap();
    // The first two, and one in the middle.
    let gone = [0, 1, 3].map(|at: usize| {
        std::fs::remove_file(&listed[at].path).unwrap();
        listed[at].name.first_seq..listed[at + 1].name.first_seq
    });
    let lost: u64 = gone.iter().map(|range| range.end - range.start).sum();
    let cursors = place.path().join("main/cursors");
    std::fs::create_dir(&cursors).unwrap();
    let stream = builder(place.path()).start().unwrap();
    let id = stream.stream().unwrap().to_owned();
    stream.shutdown(LONG).unwrap();
    let text_of = format!("{{\"next\":3,\"stream\":\"{id}\"}}");
    std::fs::write(cursors.join("shipper"), text_of).unwrap();
    let sink = Told::new("shipper", Deed::Take);
    let audit = builder(place.path()).sink(sink.clone()).start().unwrap();
    let error = audit.flush(LONG).unwrap_err();
    let expected = format!(
        "sink `shipper` missed {} entries and its receiver refused 0",
        lost - 3
    );
    assert!(error.to_string().starts_with(&expected), "{error}");
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    let given = numbers(&sink);
    let missing = |seq: &u64| gone.iter().any(|range| range.contains(seq));
    let expected: Vec<u64> = (0..=*given.last().unwrap()).filter(|seq| !missing(seq)).collect();
    assert_eq!(given, expected);
    assert!(*given.last().unwrap() > lines);
    let gaps = on_disk(place.path(), "event=audit.gap");
    assert!(
        gaps.iter()
            .all(|gap| text(gap, "cause") == Some("not_kept") && text(gap, "sink") == Some("shipper"))
    );
    assert_eq!(gaps.iter().map(|gap| count(gap, "lost")).sum::<u64>(), lost - 3);
}

#[test]
fn retention_keeps_what_a_sink_has_not_taken_also_while_that_sink_does_not_run_and_says_so_once() {
    let place = tempfile::tempdir().unwrap();
    let hung = Told::new("hung", Deed::Retry);
    let audit = builder(place.path()).sink(hung).start().unwrap();
    audit.shutdown(LONG).unwrap_err();
    let lines = written(place.path());
    let kept = || segments(&place.path().join("main")).unwrap().len();
    let before = kept();
    let audit = builder(place.path()).keep_segments(2).start().unwrap();
    for _ in 0..3 {
        audit.emit(record("x")).unwrap();
        audit.rotate().unwrap();
    }
    assert!(kept() > before);
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    let stated = on_disk(place.path(), "event=audit.degraded");
    assert_eq!(stated.len(), 1, "{stated:?}");
    assert_eq!(
        (text(&stated[0], "cause"), text(&stated[0], "limit")),
        (Some("retention_held"), Some("count"))
    );
    let back = Told::new("hung", Deed::Take);
    let audit = builder(place.path())
        .keep_segments(2)
        .sink(back.clone())
        .start()
        .unwrap();
    audit.flush(LONG).unwrap();
    assert!(numbers(&back).len() as u64 > lines, "it was given all of it");
    assert_eq!(numbers(&back)[0], 0);
    audit.cleanup().unwrap();
    assert_eq!(kept(), 2, "and nothing is kept for it any more");
    audit.shutdown(LONG).unwrap();
}

#[test]
fn where_the_unshipped_is_dropped_the_limit_holds_and_each_sink_has_a_gap_with_its_count() {
    let place = tempfile::tempdir().unwrap();
    let away = Told::new("away", Deed::Retry);
    builder(place.path())
        .sink(away)
        .start()
        .unwrap()
        .shutdown(LONG)
        .unwrap_err();
    // More than a sink that stands has by then: a batch in its hands, and the next one, which was read meanwhile.
    written(place.path());
    written(place.path());
    let hung = Told::new("hung", Deed::Stand);
    let builder = builder(place.path()).keep_segments(2).unshipped(Unshipped::Drop);
    let audit = builder.sink(hung.clone()).start().unwrap();
    hung.wait_until_it_stands();
    audit.emit(record("x")).unwrap();
    audit.rotate().unwrap();
    audit.cleanup().unwrap();
    let listed = segments(&place.path().join("main")).unwrap();
    assert_eq!(listed.len(), 2);
    let oldest = listed[0].name.first_seq;
    hung.tell(Deed::Take);
    audit.flush(LONG).unwrap_err();
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    let missed = audit.stats().sinks[0].missed;
    let given = numbers(&hung).len() as u64;
    assert!(missed > 0 && given > 0);
    assert_eq!(missed + given, numbers(&hung).last().unwrap() + 1);
    let gaps = on_disk(place.path(), "event=audit.gap");
    let of = |sink: &str| {
        let gaps = gaps.iter().filter(|gap| text(gap, "sink") == Some(sink));
        gaps.map(|gap| count(gap, "lost")).sum::<u64>()
    };
    assert!(gaps.iter().all(|gap| text(gap, "cause") == Some("not_kept")));
    // The one that does not run has been moved on to what is left; the other one says what it missed itself.
    assert_eq!(of("away"), cursor(place.path(), "away")["next"].as_u64().unwrap());
    assert!(of("away") >= oldest);
    assert_eq!(of("hung"), missed);
}
