//! A disk that fills up: the trail says so, and the application hears of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Audit, AuditBuilder, Failure, FailureKind};
use crate::format::read_line;
use crate::record::{Record, Slot};
use crate::sink::file::memfs::{Fault, MemFs};

const LONG: Duration = Duration::from_secs(30);

/// So many calls in a row are for ever.
const EVER: u64 = 1 << 40;

/// What `on_failure` was given.
type Heard = Arc<Mutex<Vec<Failure>>>;

fn start(fs: &MemFs, configure: impl FnOnce(AuditBuilder) -> AuditBuilder) -> (Audit, Heard) {
    let heard = Heard::default();
    let told = Arc::clone(&heard);
    let builder = Audit::builder()
        .directory("/audit")
        .file_system(fs)
        .diagnostics(|_| {});
    let builder = builder.on_failure(move |failure| told.lock().push(failure.clone()));
    (configure(builder).start().unwrap(), heard)
}

fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

/// What `audit.degraded` records say of the disk: state, threshold, used bytes and outcome.
fn told(fs: &MemFs) -> Vec<(String, u64, u64, String)> {
    let names = fs.names().into_iter().filter(|name| name.ends_with(".jsonl"));
    let read = |name: String| fs.get(&Path::new("/audit/main").join(name));
    let bytes: Vec<u8> = names.flat_map(read).collect();
    let records = bytes.split(|byte| *byte == b'\n');
    let records = records.filter_map(|line| read_line(line).ok());
    // The seal cannot be written either, and says so.
    let is_of_disk =
        |record: &Record| record.attribute("cause").and_then(|cause| cause.as_str()) == Some("disk_space");
    let degraded = records.filter(|record| record.event() == "audit.degraded" && is_of_disk(record));
    let number =
        |record: &Record, name: &str| record.attribute(name).and_then(|value| value.as_u64()).unwrap();
    degraded
        .map(|record| {
            let state = record
                .attribute("state")
                .and_then(|state| state.as_str())
                .unwrap()
                .to_owned();
            let outcome = record.text(Slot::Outcome).unwrap().to_owned();
            (
                state,
                number(&record, "threshold_percent"),
                number(&record, "used_bytes"),
                outcome,
            )
        })
        .collect()
}

fn is(failure: &Failure, is_over: bool) -> bool {
    failure.kind == FailureKind::DiskSpace && failure.is_over == is_over
}

#[test]
fn a_disk_that_fills_up_is_told_once_for_each_threshold_and_when_there_is_room_again() {
    let fs = MemFs::default();
    fs.room(50, 50);
    let (audit, heard) = start(&fs, |audit| audit);
    until(|| audit.stats().disk_used_bytes == 50);
    assert_eq!((heard.lock().len(), audit.stats().disk_filled), (0, 0));
    for (free, used, count) in [(20, 80, 1), (10, 90, 2), (9, 91, 2), (60, 40, 3)] {
        fs.room(free, used);
        until(|| audit.stats().disk_used_bytes == used && heard.lock().len() == count);
    }
    let stats = audit.stats();
    assert_eq!((stats.disk_filled, stats.disk_free_bytes), (2, 60));
    assert!(audit.openmetrics().contains("tracing_audit_disk_used_bytes 40\n"));
    audit.shutdown(LONG).unwrap();
    let row =
        |state: &str, threshold, used, outcome: &str| (state.to_owned(), threshold, used, outcome.to_owned());
    let expected = [
        row("warn", 75, 80, "failure"),
        row("critical", 90, 90, "failure"),
        row("enough", 90, 40, "success"),
    ];
    assert_eq!(told(&fs), expected);
    let heard: Vec<bool> = heard
        .lock()
        .iter()
        .map(|failure| is(failure, failure.is_over))
        .collect();
    assert_eq!(heard, [true; 3]);
}

#[test]
fn the_application_hears_of_a_full_disk_while_nothing_can_be_written_and_the_record_follows() {
    let fs = MemFs::default();
    fs.room(50, 50);
    let (audit, heard) = start(&fs, |audit| audit.disk_warn_percent(60).disk_critical_percent(0));
    audit.flush(LONG).unwrap();
    fs.fail(0, EVER, Fault::Enospc);
    fs.room(0, 100);
    audit.submit(Record::builder("load.step").build()).unwrap();
    let heard_of = |kind, is_over| {
        heard
            .lock()
            .iter()
            .any(|failure| failure.kind == kind && failure.is_over == is_over)
    };
    until(|| heard_of(FailureKind::Write, false) && heard_of(FailureKind::DiskSpace, false));
    assert_eq!(told(&fs), []);
    fs.heal();
    until(|| heard_of(FailureKind::Write, true));
    audit.shutdown(LONG).unwrap();
    assert_eq!(told(&fs), [("warn".to_owned(), 60, 100, "failure".to_owned())]);
}

#[test]
fn losses_and_failed_syncs_are_heard_and_a_callback_that_panics_ends_nothing() {
    let fs = MemFs::default();
    let (audit, heard) = start(&fs, |audit| audit.require_actor(true));
    let lose = || {
        let dispatch =
            tracing_core::Dispatch::new(super::AuditedExt::audited(tracing_subscriber::registry(), &audit));
        tracing_core::dispatcher::with_default(&dispatch, || tracing::info!(target: "audit", "nobody"));
    };
    lose();
    until(|| {
        heard
            .lock()
            .iter()
            .any(|failure| failure.kind == FailureKind::Loss)
    });
    fs.fail(0, EVER, Fault::Sync);
    audit
        .submit(Record::builder("load.step").actor("user", "u-1").build())
        .unwrap();
    until(|| {
        heard
            .lock()
            .iter()
            .any(|failure| failure.kind == FailureKind::Sync)
    });
    fs.heal();
    audit.shutdown(LONG).unwrap();
    let fs = MemFs::default();
    fs.room(0, 100);
    let builder = Audit::builder()
        .directory("/audit")
        .file_system(&fs)
        .diagnostics(|_| {});
    let audit = builder
        .on_failure(|_| panic!("the application's own"))
        .start()
        .unwrap();
    until(|| audit.stats().disk_filled == 1);
    audit.emit(Record::builder("load.step").build()).unwrap();
    audit.shutdown(LONG).unwrap();
    assert_eq!(told(&fs), [], "it was full before the trail began");
    let names = fs
        .names()
        .into_iter()
        .find(|name| name.ends_with(".jsonl"))
        .unwrap();
    let text = String::from_utf8(fs.get(&Path::new("/audit/main").join(names))).unwrap();
    let open = text.lines().next().unwrap();
    assert!(open.contains("\"disk_used_percent\":100"), "{open}");
}
