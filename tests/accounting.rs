//! The identity that the whole project stands on: submitted = written + rejected + counted in gaps, exactly.
//!
//! Submitted is counted by the threads of the test, rejected from returned errors, written and gaps by a script over
//! the files that shares no code with the library. `TRACING_AUDIT_FULL` runs the sizes of the campaign.

#[path = "support/torture.rs"]
mod torture;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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

/// Counted by the script over the files: user records, and records in gaps.
fn in_files(directory: &Path) -> (u64, u64) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/accounting.py");
    let python = std::env::var("TRACING_AUDIT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python)
        .arg(script)
        .arg(directory)
        .output()
        .expect("python3 is there");
    let text = String::from_utf8(output.stdout).expect("the script prints text");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    let mut numbers = text
        .split_whitespace()
        .map(|number| number.parse().expect("a number"));
    (numbers.next().expect("users"), numbers.next().expect("gaps"))
}

fn full() -> bool {
    std::env::var_os("TRACING_AUDIT_FULL").is_some()
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
    let total = if full() { 10_000_000 } else { 400_000 };
    // The threads wait for room as long as it takes: nothing is lost through the layer.
    let lost = holds("bounded", total, false, |builder| {
        builder.mode(Mode::Bounded).room_timeout(PATIENCE)
    });
    assert_eq!(lost, 0);
}

#[test]
fn every_record_of_eight_threads_is_accounted_for_in_mode_lossy() {
    let total = if full() { 10_000_000 } else { 400_000 };
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
    let total = if full() { 100_000 } else { 4_000 };
    let lost = holds("durable", total, true, |builder| builder.mode(Mode::Durable));
    assert_eq!(lost, 0);
}

#[test]
fn every_record_is_accounted_for_where_waits_expire_and_categories_trip() {
    holds("tripping", 100_000, true, |builder| {
        builder
            .mode(Mode::Bounded)
            .queue_records(16)
            .room_timeout(Duration::ZERO)
    });
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

/// Submitted, and what is accounted for, of a trail whose only sink is slow.
fn through_a_slow_sink(
    mode: Mode,
    total: u64,
    pause: Duration,
    swallows: Option<u64>,
) -> (u64, u64, u64, u64) {
    let _watchdog = Watchdog::within("a slow sink", PATIENCE * if full() { 60 } else { 4 });
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let slow = Slow::new(directory.path(), pause, swallows);
    let builder = Audit::builder()
        .without_journal()
        .sink(slow)
        .mode(mode)
        .queue_records(256);
    let audit = builder
        .room_timeout(Duration::from_millis(20))
        .start()
        .expect("it starts");
    let (submitted, rejected) = run(&audit, total, false);
    audit
        .shutdown(PATIENCE * 4)
        .expect("it takes everything in the end");
    let (written, gaps) = in_files(directory.path());
    println!(
        "slow sink, {mode:?}: {submitted} submitted = {written} written + {rejected} rejected + {gaps} in gaps"
    );
    (submitted, written, rejected, gaps)
}

#[test]
fn every_record_is_accounted_for_where_the_only_sink_is_ten_times_too_slow() {
    let total = if full() { 10_000_000 } else { 100_000 };
    for mode in [Mode::Bounded, Mode::Lossy] {
        let (submitted, written, rejected, gaps) =
            through_a_slow_sink(mode, total, Duration::from_micros(20), None);
        assert_eq!(submitted, written + rejected + gaps, "{mode:?}");
        assert!(
            gaps > 0,
            "{mode:?}: the sink must be too slow, or nothing was tested"
        );
    }
}

#[test]
fn one_record_that_is_dropped_between_queue_and_file_breaks_the_identity() {
    let (submitted, written, rejected, gaps) =
        through_a_slow_sink(Mode::Bounded, 8_000, Duration::ZERO, Some(1_234));
    assert_eq!(
        submitted,
        written + rejected + gaps + 1,
        "the count must show the one that was swallowed"
    );
}

#[test]
fn one_line_that_is_removed_from_a_journal_breaks_the_identity() {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let audit = Audit::builder()
        .directory(directory.path())
        .start()
        .expect("it starts");
    let (submitted, rejected) = run(&audit, 8_000, false);
    audit.shutdown(PATIENCE).expect("the disk works");
    assert_eq!(in_files(directory.path()).0, submitted - rejected);
    let lines = torture::journal(directory.path());
    let user = lines
        .iter()
        .rposition(|line| line.contains("through the layer"))
        .expect("there is one");
    let copy = tempfile::tempdir().expect("there is room for a directory");
    let kept: String = lines
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != user)
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    std::fs::write(copy.path().join("copy.jsonl"), kept).expect("a copy can be written");
    assert_eq!(in_files(copy.path()).0, submitted - rejected - 1);
}
