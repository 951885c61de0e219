//! The identity that the whole project stands on: submitted = written + rejected + counted in gaps, exactly.
//!
//! Submitted is counted by the threads of the test, rejected from returned errors, written and gaps by a script over
//! the files that shares no code with the library, and that refuses files which cannot be an exact account. The
//! controls at the end show that it does. `cargo xtask campaign accounting` runs the full sizes.

#[path = "support/torture.rs"]
mod torture;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use torture::{PATIENCE, Watchdog};
use tracing::{Dispatch, info};
use tracing_audit::config::Mode;
use tracing_audit::format::Entry;
use tracing_audit::record::Record;
use tracing_audit::sink::{Accepted, Sink, SinkError};
use tracing_audit::{Audit, AuditBuilder, AuditedExt, ErrorKind};

const THREADS: u64 = 8;

/// Counted by the threads.
#[derive(Default)]
struct Counts {
    submitted: AtomicU64,
    rejected: AtomicU64,
}

/// Counted by the script over the files: user records, records in gaps, and those that pauses left out; or what it says
/// against the files.
fn counted(directory: &Path) -> Result<[u64; 3], String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/accounting.py");
    let python = std::env::var("TRACING_AUDIT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python)
        .arg(script)
        .arg(directory)
        .output()
        .expect("python3 is there");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).expect("the script prints text");
    let numbers: Vec<u64> = text
        .split_whitespace()
        .map(|number| number.parse().expect("a number"))
        .collect();
    Ok(numbers.try_into().expect("three numbers"))
}

/// As [`counted`], of a trail that was never paused.
fn audited(directory: &Path) -> Result<(u64, u64), String> {
    let [users, gaps, paused] = counted(directory)?;
    assert_eq!(paused, 0, "nothing was paused");
    Ok((users, gaps))
}

#[track_caller]
fn in_files(directory: &Path) -> (u64, u64) {
    audited(directory).unwrap_or_else(|told| panic!("the files are no exact account:\n{told}"))
}

fn full() -> bool {
    std::env::var_os("TRACING_AUDIT_FULL").is_some()
}

/// How many records a test reports: at full size, or usually. A tenth of that in the quick lane.
fn total(full_size: u64, usual: u64) -> u64 {
    let is_quick = std::env::var_os("TRACING_AUDIT_QUICK").is_some();
    match (full(), is_quick) {
        (true, _) => full_size,
        (false, true) => usual / 10,
        (false, false) => usual,
    }
}

/// What a thread does for its `n`th record: half through the layer, a quarter each by `submit` and `emit`.
fn report(audit: &Audit, counts: &Counts, thread: u64, n: u64, is_emitting: bool) {
    counts.submitted.fetch_add(1, Ordering::Relaxed);
    if n.is_multiple_of(2) {
        info!(target: "audit::work", thread, n, "through the layer");
        return;
    }
    let record = Record::builder("work.done")
        .actor("user", "u")
        .attribute("thread", thread)
        .attribute("n", n)
        .build();
    let result = if is_emitting && n % 4 == 1 {
        audit.emit(record).map(drop)
    } else {
        audit.submit(record).map(drop)
    };
    if let Err(error) = result {
        assert_eq!(error.kind(), ErrorKind::Full, "{error}");
        counts.rejected.fetch_add(1, Ordering::Relaxed);
    }
}

/// Eight threads report `total` records; the counts of the threads when all is over.
fn run(audit: &Audit, total: u64, is_emitting: bool) -> (u64, u64) {
    let dispatch: Dispatch = tracing_subscriber::registry().audited(audit).into();
    let counts = Arc::new(Counts::default());
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (audit, counts, dispatch) = (audit.clone(), Arc::clone(&counts), dispatch.clone());
            std::thread::spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    for n in 0..total / THREADS {
                        report(&audit, &counts, thread, n, is_emitting);
                    }
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("reporting does not panic");
    }
    (
        counts.submitted.load(Ordering::Acquire),
        counts.rejected.load(Ordering::Acquire),
    )
}

/// Runs a journal set-up and checks the identity; answers how many were lost into gaps.
fn holds(
    name: &'static str,
    total: u64,
    is_emitting: bool,
    set: impl FnOnce(AuditBuilder) -> AuditBuilder,
) -> u64 {
    let _watchdog = Watchdog::within(name, PATIENCE * if full() { 60 } else { 4 });
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let audit = set(Audit::builder().directory(directory.path()).service("accounting"))
        .start()
        .expect("it starts");
    let (submitted, rejected) = run(&audit, total, is_emitting);
    let report = audit.shutdown(PATIENCE * 4).expect("the disk works");
    let (written, gaps) = in_files(directory.path());
    assert_eq!(
        submitted,
        written + rejected + gaps,
        "{name}: {submitted} = {written} + {rejected} + {gaps}"
    );
    assert_eq!(
        (report.durable, report.lost),
        (written, gaps),
        "{name}: what the trail says of itself"
    );
    let stats = audit.stats();
    assert_eq!(
        (stats.rejected(), stats.in_queue, stats.queue_bytes),
        (rejected, 0, 0),
        "{name}"
    );
    println!("{name}: {submitted} submitted = {written} written + {rejected} rejected + {gaps} in gaps");
    gaps
}

#[test]
fn every_record_of_eight_threads_is_accounted_for_in_mode_bounded() {
    let total = total(10_000_000, 400_000);
    // The threads wait for room as long as it takes: nothing is lost through the layer.
    let lost = holds("bounded", total, false, |builder| {
        builder.mode(Mode::Bounded).room_timeout(PATIENCE)
    });
    assert_eq!(lost, 0);
}

#[test]
fn every_record_of_eight_threads_is_accounted_for_in_mode_lossy() {
    let total = total(10_000_000, 400_000);
    let lost = holds("lossy", total, false, |builder| {
        builder.mode(Mode::Lossy).queue_records(64)
    });
    assert!(
        lost > 0,
        "a queue of 64 records must overflow, or nothing was tested"
    );
}

#[test]
fn every_record_of_eight_threads_is_accounted_for_in_mode_durable() {
    let total = total(100_000, 4_000);
    let lost = holds("durable", total, true, |builder| builder.mode(Mode::Durable));
    assert_eq!(lost, 0);
}

#[test]
fn every_record_is_accounted_for_where_waits_expire_and_categories_trip() {
    holds("tripping", total(100_000, 100_000), true, |builder| {
        builder
            .mode(Mode::Bounded)
            .queue_records(16)
            .room_timeout(Duration::ZERO)
    });
}

#[test]
fn every_record_is_accounted_for_while_pauses_come_and_go() {
    let _watchdog = Watchdog::within("pauses", PATIENCE * 4);
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let builder = Audit::builder().directory(directory.path()).mode(Mode::Lossy);
    let audit = builder.queue_records(64).start().expect("it starts");
    let is_over = AtomicU64::new(0);
    let (submitted, rejected) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while is_over.load(Ordering::Acquire) == 0 {
                audit.pause("on").expect("the disk works");
                audit.resume().expect("the disk works");
            }
        });
        let counted = run(&audit, 40_000, true);
        is_over.store(1, Ordering::Release);
        counted
    });
    audit.pause("until the end").expect("the disk works");
    assert_eq!(run(&audit, THREADS, false), (THREADS, 0));
    audit.shutdown(PATIENCE).expect("the disk works");
    let [written, gaps, paused] =
        counted(directory.path()).unwrap_or_else(|told| panic!("the files are no exact account:\n{told}"));
    println!(
        "{submitted} submitted = {written} written + {rejected} rejected + {gaps} in gaps + {paused} paused"
    );
    assert_eq!(submitted + THREADS, written + rejected + gaps + paused);
    let stats = audit.stats();
    assert_eq!((stats.paused, stats.submitted()), (paused, submitted + THREADS));
    assert!(paused >= THREADS, "{paused}");
}

/// A sink that writes lines to a file, slowly, and swallows those that it is told to.
#[derive(Debug)]
struct Slow {
    file: File,
    pause: Duration,
    swallows: Option<u64>,
    seen: u64,
}

impl Slow {
    fn new(directory: &Path, pause: Duration, swallows: Option<u64>) -> Self {
        let file = File::create(directory.join("slow.jsonl")).expect("a file can be made");
        Self {
            file,
            pause,
            swallows,
            seen: 0,
        }
    }
}

impl Sink for Slow {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        let mut bytes = Vec::new();
        for entry in batch {
            self.seen += 1;
            if self.swallows != Some(self.seen) {
                bytes.extend_from_slice(entry.line());
                bytes.push(b'\n');
            }
        }
        // What makes a slow receiver slow is time, so this one takes it: it waits on nothing else.
        std::thread::sleep(self.pause * u32::try_from(batch.len()).unwrap_or(u32::MAX));
        self.file.write_all(&bytes).map_err(SinkError::fatal)?;
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.file.flush().map_err(SinkError::fatal)
    }
}

/// What the threads counted, of a trail whose only sink is slow and writes to `directory`.
fn through_a_slow_sink(
    directory: &Path,
    mode: Mode,
    total: u64,
    pause: Duration,
    swallows: Option<u64>,
) -> (u64, u64) {
    // Where one is to be missed, no other may be lost before it: the machine may be slow, and the queue full for long.
    let room = if swallows.is_some() {
        PATIENCE
    } else {
        Duration::from_millis(20)
    };
    let slow = Slow::new(directory, pause, swallows);
    let builder = Audit::builder()
        .without_journal()
        .sink(slow)
        .mode(mode)
        .queue_records(256);
    let audit = builder.room_timeout(room).start().expect("it starts");
    let counted = run(&audit, total, false);
    audit
        .shutdown(PATIENCE * 4)
        .expect("it takes everything in the end");
    counted
}

fn holds_where_the_only_sink_is_slow(mode: Mode) {
    let _watchdog = Watchdog::within("a slow sink", PATIENCE * if full() { 60 } else { 4 });
    let total = total(10_000_000, 100_000);
    let directory = tempfile::tempdir().expect("there is room for a directory");
    // 50,000 records a second at most, where eight threads report more than ten times as many.
    let pause = Duration::from_micros(20);
    let (submitted, rejected) = through_a_slow_sink(directory.path(), mode, total, pause, None);
    let (written, gaps) = in_files(directory.path());
    println!(
        "slow sink, {mode:?}: {submitted} submitted = {written} written + {rejected} rejected + {gaps} in gaps"
    );
    assert_eq!(submitted, written + rejected + gaps, "{mode:?}");
    assert!(
        gaps > 0,
        "{mode:?}: the sink must be too slow, or nothing was tested"
    );
}

#[test]
fn every_record_is_accounted_for_where_the_only_sink_is_ten_times_too_slow_in_mode_bounded() {
    holds_where_the_only_sink_is_slow(Mode::Bounded);
}

/// T003-27.
#[test]
fn every_record_is_accounted_for_where_the_only_sink_is_ten_times_too_slow_in_mode_lossy() {
    holds_where_the_only_sink_is_slow(Mode::Lossy);
}

#[test]
fn one_record_that_is_dropped_between_queue_and_file_is_a_hole_for_the_script() {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    through_a_slow_sink(
        directory.path(),
        Mode::Bounded,
        8_000,
        Duration::ZERO,
        Some(1_234),
    );
    let told = audited(directory.path()).expect_err("a record is missing");
    assert!(told.contains("a hole in seq: 1234 follows 1232"), "{told}");
}

/// The lines of a small trail that has lost records, and what the threads counted.
fn a_trail_with_gaps() -> (Vec<Value>, u64, u64) {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let builder = Audit::builder().directory(directory.path()).mode(Mode::Lossy);
    let audit = builder.queue_records(16).start().expect("it starts");
    let (submitted, rejected) = run(&audit, 4_000, false);
    audit.shutdown(PATIENCE).expect("the disk works");
    let (written, gaps) = in_files(directory.path());
    assert_eq!(submitted, written + rejected + gaps);
    let line = |line: &String| serde_json::from_str(line).expect("a line is JSON");
    let lines = torture::journal(directory.path()).iter().map(line).collect();
    (lines, submitted, rejected)
}

/// What the script says of lines that a hand has changed.
fn of_a_copy(lines: &[Value]) -> Result<(u64, u64), String> {
    let copy = tempfile::tempdir().expect("there is room for a directory");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(copy.path().join("copy.jsonl"), text).expect("a copy can be written");
    audited(copy.path())
}

/// The place of a record in the middle of its kind.
fn middle(lines: &[Value], is_wanted: impl Fn(&Value) -> bool) -> usize {
    let found: Vec<_> = (0..lines.len()).filter(|at| is_wanted(&lines[*at])).collect();
    found[found.len() / 2]
}

fn is_user(line: &Value) -> bool {
    line["actor"]["id"] != "tracing-audit"
}

fn is_gap(line: &Value) -> bool {
    line["event"] == "audit.gap"
}

/// As if the record had never reached its place: those behind it have the numbers that they would have had then.
fn without(lines: &[Value], at: usize) -> Vec<Value> {
    let mut lines = lines.to_vec();
    lines.remove(at);
    for (seq, line) in lines.iter_mut().enumerate() {
        line["seq"] = seq.into();
    }
    lines
}

#[test]
fn a_build_that_drops_one_frame_breaks_the_identity_by_one() {
    let (lines, submitted, rejected) = a_trail_with_gaps();
    let mut lines = without(&lines, middle(&lines, is_user));
    // Nor would such a build know of it at its end.
    let close = lines.last_mut().expect("there are lines");
    close["attributes"]["records"] = (close["attributes"]["records"].as_u64().expect("a number") - 1).into();
    let (written, gaps) = of_a_copy(&lines).expect("nothing in the files shows it");
    assert_eq!(submitted, written + rejected + gaps + 1);
}

#[test]
fn the_script_fails_for_a_hole_a_repetition_a_repeated_id_and_a_count_that_disagrees() {
    let (lines, ..) = a_trail_with_gaps();
    of_a_copy(&lines).expect("the copy as it is is an exact account");
    let (user, gap, last) = (middle(&lines, is_user), middle(&lines, is_gap), lines.len() - 1);
    let changed = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        of_a_copy(&lines).expect_err("the copy was changed")
    };
    let more = |value: &Value| Value::from(value.as_u64().expect("a number") + 1);
    let told = [
        (changed(&|lines| drop(lines.remove(user))), "a hole in seq"),
        (changed(&|lines| drop(lines.remove(0))), "a hole in seq"),
        (
            changed(&|lines| lines.insert(user, lines[user].clone())),
            "is there twice",
        ),
        (changed(&|lines| lines.swap(user, user + 1)), "out of order"),
        (
            changed(&|lines| lines[user]["id"] = lines[gap]["id"].clone()),
            "the id",
        ),
        (
            changed(&|lines| lines[gap]["attributes"]["lost"] = more(&lines[gap]["attributes"]["lost"])),
            "its gap records count",
        ),
        (
            changed(&|lines| lines[gap]["attributes"]["lost"] = 0.into()),
            "records were lost",
        ),
        (
            changed(&|lines| *lines = without(lines, gap)),
            "its gap records count",
        ),
        (
            changed(&|lines| *lines = without(lines, user)),
            "its audit.close says",
        ),
        (
            changed(&|lines| lines[last]["attributes"]["lost"] = more(&lines[last]["attributes"]["lost"])),
            "its audit.close says",
        ),
        (changed(&|lines| drop(lines.remove(last))), "no audit.close"),
        (changed(&|lines| lines[user] = Value::Null), "line "),
    ];
    for (told, expected) in told {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}
