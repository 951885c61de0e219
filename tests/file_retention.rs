//! Retention: each limit removes whole closed segments, oldest first, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is missing"
)]

use std::fs;
use std::path::Path;

use tracing_audit::clock::ManualClock;
use tracing_audit::format::{Entry, segments};
use tracing_audit::sink::file::{FileEvent, RemoveCause};
use tracing_audit::sink::{FileSink, Sink};

/// 2026-11-21T12:00:00Z.
const NOON: u64 = 1_795_262_400_000_000_000;
const DAY: u64 = 86_400_000_000_000;

const FOREIGN: [&str; 5] = [
    "audit-2020-01-01-00000000000000000000.jsonl.bak",
    "audit-2020-01-01.jsonl",
    "audit-2020-01-01-0000000000000000000.jsonl",
    "other.jsonl",
    "audit.log",
];

fn put(sink: &mut FileSink, observed_at: u64) {
    let seq = sink.next_seq();
    let time = jiff::Timestamp::from_nanosecond(i128::from(observed_at)).unwrap();
    let line = format!(
        "{{\"observed_at\":\"{time:.9}\",\"pad\":\"{}\",\"seq\":{seq}}}",
        "x".repeat(900)
    );
    sink.deliver(&[Entry::new(seq, observed_at, line.as_bytes())])
        .unwrap();
}

fn firsts(home: &Path) -> Vec<u64> {
    segments(home)
        .unwrap()
        .iter()
        .map(|segment| segment.name.first_seq)
        .collect()
}

fn foreign_files_are_there(home: &Path) -> bool {
    FOREIGN
        .iter()
        .all(|name| fs::read_to_string(home.join(name)).unwrap() == "foreign")
}

fn removed(sink: &mut FileSink) -> Vec<(RemoveCause, Vec<u64>)> {
    let of = |event| match event {
        FileEvent::Removed { segments, cause, .. } => {
            Some((cause, segments.iter().map(|name| name.first_seq).collect()))
        }
        _ => None,
    };
    sink.take_events().into_iter().filter_map(of).collect()
}

fn with_foreign_files(sink: &FileSink) {
    for name in FOREIGN {
        fs::write(sink.path().join(name), "foreign").unwrap();
    }
}

/// T001-24, T003-39.
#[test]
fn age_removes_what_is_older_than_the_days_that_are_kept() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let mut sink = FileSink::builder(place.path())
        .keep_days(3)
        .clock(clock.clone())
        .open()
        .unwrap();
    with_foreign_files(&sink);
    for day in 0..8 {
        clock.set(NOON + day * DAY);
        sink.tick(NOON + day * DAY).unwrap();
        put(&mut sink, NOON + day * DAY);
    }
    assert_eq!(firsts(sink.path()), [4, 5, 6, 7]);
    let all: Vec<_> = removed(&mut sink)
        .into_iter()
        .flat_map(|(cause, names)| {
            assert_eq!(cause, RemoveCause::Age);
            names
        })
        .collect();
    assert_eq!(all, [0, 1, 2, 3]);
    assert!(foreign_files_are_there(sink.path()));
}

#[test]
fn number_removes_the_oldest_and_counts_the_open_one() {
    let place = tempfile::tempdir().unwrap();
    let mut sink = FileSink::builder(place.path())
        .keep_segments(2)
        .clock(ManualClock::new(NOON))
        .open()
        .unwrap();
    with_foreign_files(&sink);
    for _ in 0..5 {
        put(&mut sink, NOON);
        sink.rotate().unwrap();
    }
    assert_eq!(firsts(sink.path()), [4, 5]);
    assert!(
        removed(&mut sink)
            .iter()
            .all(|(cause, _)| *cause == RemoveCause::Count)
    );
    assert!(foreign_files_are_there(sink.path()));
}

#[test]
fn size_removes_the_oldest_until_the_stream_fits_and_never_the_open_one() {
    let place = tempfile::tempdir().unwrap();
    let mut sink = FileSink::builder(place.path())
        .keep_bytes(2_500)
        .clock(ManualClock::new(NOON))
        .open()
        .unwrap();
    with_foreign_files(&sink);
    for _ in 0..5 {
        put(&mut sink, NOON);
        sink.rotate().unwrap();
    }
    assert_eq!(firsts(sink.path()), [3, 4, 5]);
    assert_eq!(removed(&mut sink).len(), 3);
    for _ in 0..5 {
        put(&mut sink, NOON);
    }
    let cleaned = sink.cleanup().unwrap();
    assert_eq!((cleaned.removed.len(), cleaned.kept), (2, 1));
    assert!(cleaned.bytes > 1_800);
    assert_eq!(
        firsts(sink.path()),
        [5],
        "the open segment is larger than the limit, and stays"
    );
    assert!(foreign_files_are_there(sink.path()));
}

#[test]
fn without_limits_nothing_is_removed() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let mut sink = FileSink::builder(place.path())
        .keep_days(0)
        .clock(clock.clone())
        .open()
        .unwrap();
    for day in 0..400 {
        clock.set(NOON + day * DAY);
        put(&mut sink, NOON + day * DAY);
    }
    assert_eq!(sink.cleanup().unwrap().kept, 400);
}

#[test]
fn a_forward_step_of_the_clock_removes_nothing_until_it_is_confirmed() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let mut sink = FileSink::builder(place.path())
        .keep_days(30)
        .clock(clock.clone())
        .open()
        .unwrap();
    put(&mut sink, NOON);
    sink.rotate().unwrap();
    put(&mut sink, NOON);
    sink.take_events();
    let far = NOON + 100 * DAY;
    clock.set(far);
    sink.tick(far).unwrap();
    let told = sink.take_events();
    assert!(
        told.contains(&FileEvent::RetentionSuspended {
            before: NOON,
            after: far
        }),
        "the step is told: {told:?}"
    );
    assert_eq!(sink.cleanup().unwrap().removed, []);
    assert!(sink.take_events().is_empty(), "and told once");
    // Back again: the step was a mistake, and nothing is due.
    clock.set(NOON + 1);
    assert_eq!(sink.cleanup().unwrap().removed, []);
    // Once more, and this time somebody says that it is right.
    clock.set(far);
    sink.tick(far).unwrap();
    assert_eq!(sink.cleanup().unwrap().removed, []);
    sink.confirm_clock();
    assert_eq!(sink.cleanup().unwrap().removed.len(), 2);
}

#[test]
fn a_forward_step_is_believed_after_a_day_without_another() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let mut sink = FileSink::builder(place.path())
        .keep_days(30)
        .clock(clock.clone())
        .open()
        .unwrap();
    put(&mut sink, NOON);
    sink.rotate().unwrap();
    let far = NOON + 100 * DAY;
    for hours in 0..24 {
        clock.set(far + hours * DAY / 24);
        sink.tick(clock_now(&clock)).unwrap();
        assert_eq!(sink.cleanup().unwrap().removed, []);
    }
    clock.set(far + DAY);
    sink.tick(clock_now(&clock)).unwrap();
    assert_eq!(sink.cleanup().unwrap().removed.len(), 1);
}

fn clock_now(clock: &ManualClock) -> u64 {
    use tracing_audit::clock::Clock;
    clock.now()
}

#[test]
fn a_start_long_after_the_last_record_does_not_remove_the_whole_trail() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let open = || {
        FileSink::builder(place.path())
            .keep_days(30)
            .clock(clock.clone())
            .open()
            .unwrap()
    };
    let mut sink = open();
    for _ in 0..3 {
        put(&mut sink, NOON);
        sink.rotate().unwrap();
    }
    drop(sink);
    clock.set(NOON + 200 * 365 * DAY);
    let mut sink = open();
    put(&mut sink, NOON + 200 * 365 * DAY);
    assert_eq!(sink.cleanup().unwrap().removed, []);
    assert!(
        sink.take_events()
            .iter()
            .any(|event| matches!(event, FileEvent::RetentionSuspended { .. }))
    );
}

#[test]
fn a_closed_trail_keeps_its_newest_segment_whatever_the_limits() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let mut sink = FileSink::builder(place.path())
        .clock(clock.clone())
        .open()
        .unwrap();
    put(&mut sink, NOON);
    drop(sink);
    let mut sink = FileSink::builder(place.path())
        .keep_bytes(1)
        .keep_segments(1)
        .clock(clock)
        .open()
        .unwrap();
    assert_eq!(sink.cleanup().unwrap().removed, []);
    assert_eq!(sink.opened().next_seq, 1);
}
