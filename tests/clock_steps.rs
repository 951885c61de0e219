//! A wall clock that is set: the trail says so, and order holds.

#[path = "support/trail.rs"]
mod trail;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_audit::clock::{Clock, MAX_TIME};
use tracing_audit::record::Record;
use trail::{LONG, Trail};

const SECOND: u64 = 1_000_000_000;
const NOON: u64 = 1_795_262_400 * SECOND;
const TEN_YEARS: u64 = 3_653 * 86_400 * SECOND;

/// A wall clock and a monotonic clock, moved apart.
#[derive(Debug, Clone, Default)]
struct Hands(Arc<(AtomicU64, AtomicU64)>);

impl Clock for Hands {
    fn now(&self) -> u64 {
        self.0.0.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> u64 {
        self.0.1.load(Ordering::SeqCst)
    }
}

impl Hands {
    fn at_noon() -> Self {
        let hands = Self::default();
        hands.set(NOON);
        hands
    }

    fn set(&self, wall: u64) {
        self.0.0.store(wall, Ordering::SeqCst);
    }

    /// Time passes.
    fn pass(&self, nanos: u64) {
        self.0.1.fetch_add(nanos, Ordering::SeqCst);
        self.0.0.fetch_add(nanos, Ordering::SeqCst);
    }
}

fn trail(hands: &Hands) -> Trail {
    let trail = Trail::with(|audit| audit.clock(hands.clone()).keep_days(0));
    // The writer has looked at the clock where it has written something behind its first record.
    trail.audit.flush(LONG).unwrap();
    trail
}

/// Returns when the writer has looked at the clocks.
fn step(trail: &Trail) {
    // The first may be taken by a turn that looked before the clock was set; the second is taken by a later one.
    for _ in 0..2 {
        trail.audit.emit(Record::builder("step").build()).unwrap();
    }
}

fn told(trail: &Trail) -> Vec<(String, String, String)> {
    trail.audit.flush(LONG).unwrap();
    let store = tracing_audit::store::DirStore::open(trail.path()).unwrap();
    let query = tracing_audit::Query::parse("event=audit.clock").unwrap();
    let list = tracing_audit::store::List::default()
        .direction(tracing_audit::store::Direction::OldestFirst)
        .limit(0);
    let page = tracing_audit::store::Store::list(&store, &query, &list).unwrap();
    let said = |record: &Record, name: &str| {
        let value = record.attribute(name).and_then(|value| value.as_str());
        value.unwrap_or_default().to_owned()
    };
    let records = page.records.iter().map(|stored| &stored.record);
    let steps = records.filter(|record| said(record, "cause") == "step");
    steps
        .map(|record| {
            (
                said(record, "direction"),
                said(record, "before"),
                said(record, "after"),
            )
        })
        .collect()
}

#[test]
fn a_step_of_the_wall_clock_in_either_direction_is_a_record_with_both_times() {
    let hands = Hands::at_noon();
    let trail = trail(&hands);
    step(&trail);
    hands.pass(3600 * SECOND);
    step(&trail);
    assert_eq!(told(&trail), [], "an hour that passes is no step");
    hands.set(NOON + TEN_YEARS);
    step(&trail);
    hands.pass(60 * SECOND);
    hands.set(NOON - TEN_YEARS);
    step(&trail);
    let steps = told(&trail);
    let expected = [
        (
            "forward",
            "2026-11-21T13:00:00.000000000Z",
            "2036-11-21T12:00:00.000000000Z",
        ),
        (
            "backward",
            "2036-11-21T12:01:00.000000000Z",
            "2016-11-20T12:00:00.000000000Z",
        ),
    ];
    let steps: Vec<_> = steps
        .iter()
        .map(|(way, from, to)| (&**way, &**from, &**to))
        .collect();
    assert_eq!(steps, expected);
}

#[test]
fn order_holds_whatever_the_wall_clock_does_and_every_step_is_told() {
    let hands = Hands::at_noon();
    let trail = trail(&hands);
    step(&trail);
    let walls = [
        0,
        NOON + TEN_YEARS,
        NOON - TEN_YEARS,
        MAX_TIME,
        NOON,
        NOON + 2 * SECOND,
    ];
    for wall in walls {
        hands.set(wall);
        step(&trail);
    }
    assert_eq!(told(&trail).len(), walls.len());
    let (mut last, mut numbers) = (0, 0);
    for line in trail.text().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let observed: jiff::Timestamp = line["observed_at"].as_str().unwrap().parse().unwrap();
        assert!(observed.as_nanosecond() >= last, "observed_at never decreases");
        assert_eq!(line["seq"], numbers);
        (last, numbers) = (observed.as_nanosecond(), numbers + 1);
    }
}

#[test]
fn what_is_slewed_or_moved_by_a_second_is_no_step() {
    let hands = Hands::at_noon();
    let trail = trail(&hands);
    step(&trail);
    for n in 1..=20 {
        hands.set(NOON + n * SECOND);
        step(&trail);
    }
    assert_eq!(told(&trail), []);
}

/// Where a child writes.
const DIRECTORY: &str = "TRACING_AUDIT_CLOCK_DIRECTORY";

/// A process whose monotonic clock stands elsewhere, as after a restart of the machine or a move to another, by the kernel's
/// time namespaces. The wall clock of the machine is nobody's to set in a test; its steps are tested with a clock of ours.
#[test]
#[cfg(target_os = "linux")]
fn a_process_whose_monotonic_clock_stands_elsewhere_goes_on_without_a_step() {
    use std::process::Command;
    use tracing_audit::store::{Completeness, DirStore, Window, completeness};

    let write = |directory: &std::path::Path| {
        let audit = tracing_audit::Audit::builder()
            .directory(directory)
            .start()
            .unwrap();
        for _ in 0..4 {
            audit.emit(Record::builder("step").build()).unwrap();
        }
        audit.shutdown(LONG).unwrap();
    };
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return write(directory.as_ref());
    }
    let test = "a_process_whose_monotonic_clock_stands_elsewhere_goes_on_without_a_step";
    let place = tempfile::tempdir().unwrap();
    let apart = |offset: &str| {
        let mut command = Command::new("unshare");
        command.args(["--time", "--fork", "--monotonic", offset, "--boottime", offset]);
        command
    };
    let is_there = apart("1000").arg("true").output();
    if !is_there.is_ok_and(|output| output.status.success()) {
        println!(
            "SKIPPED: {test}: `unshare --time` cannot be used here (it needs root and a kernel with time namespaces)"
        );
        return;
    }
    write(place.path());
    for offset in ["1000000000", "1000", "300000000"] {
        let mut child = apart(offset);
        child
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"]);
        let output = child.env(DIRECTORY, place.path()).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let store = DirStore::open(place.path()).unwrap();
    let query = tracing_audit::Query::parse("event=audit.clock").unwrap();
    let all = tracing_audit::store::List::default().limit(0);
    let page = tracing_audit::store::Store::list(&store, &query, &all).unwrap();
    assert_eq!((page.records.len(), page.findings.len()), (0, 0));
    let query = tracing_audit::Query::parse("event=step").unwrap();
    let page = tracing_audit::store::Store::list(&store, &query, &all).unwrap();
    assert_eq!(page.records.len(), 16);
    let verdict = completeness(&store, Window::ALL).unwrap();
    assert_eq!(verdict.completeness(), Completeness::Complete, "{verdict}");
}
