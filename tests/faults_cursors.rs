//! A process that is killed around the move of a cursor over entries that are gone: gap records count each of these
//! entries once, whichever call was the last one.
//!
//! Usually a quarter of the calls, with `TRACING_AUDIT_FULL` each.

#![cfg(target_os = "linux")]

#[path = "support/child.rs"]
mod child;
#[path = "support/faults.rs"]
mod faults;
#[path = "support/torture.rs"]
mod torture;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use child::{directory, in_directory};
use faults::{Writing, has, rounds, traced};
use serde_json::Value;
use torture::{PATIENCE, scenario};
use tracing_audit::format::{Entry, segments};
use tracing_audit::record::Record;
use tracing_audit::sink::file::Unshipped;
use tracing_audit::sink::{Accepted, Sink, SinkError};
use tracing_audit::{Audit, AuditBuilder, ErrorKind};

/// Where the cursor stands before the removal.
const TAKEN: u64 = 3;

/// A sink that takes everything.
#[derive(Debug)]
struct Shipper;

impl Sink for Shipper {
    fn deliver(&mut self, _batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn name(&self) -> &str {
        "shipper"
    }
}

fn builder(directory: &Path) -> AuditBuilder {
    Audit::builder().directory(directory).diagnostics(|_| {})
}

/// A closed trail of five segments, of which a sink has taken the first few entries.
fn prepare(directory: &Path) {
    let audit = builder(directory).start().expect("it starts");
    let stream = audit.stream().expect("it has a stream").to_owned();
    for n in 0..4 {
        for _ in 0..10 {
            let record = Record::builder("cursor.step")
                .actor("user", "u")
                .attribute("n", n);
            audit.emit(record.build()).expect("it is written");
        }
        audit.rotate().expect("it rolls");
    }
    audit.shutdown(PATIENCE).expect("the disk works");
    let cursors = directory.join("main/cursors");
    std::fs::create_dir(&cursors).expect("there is room for a directory");
    let cursor = format!("{{\"next\":{TAKEN},\"schema\":1,\"sink\":\"shipper\",\"stream\":\"{stream}\"}}\n");
    std::fs::write(cursors.join("shipper"), cursor).expect("there is room for a file");
}

/// Starts, as soon as the kernel has closed the last file of a process that strace saw end.
fn start(builder: impl Fn() -> AuditBuilder) -> Audit {
    let begun = Instant::now();
    loop {
        match builder().start() {
            Err(error) if error.kind() == ErrorKind::Locked && begun.elapsed() < PATIENCE => {
                std::thread::yield_now();
            }
            other => return other.expect("it starts"),
        }
    }
}

/// The sink runs, and finds that its entries are gone.
fn running(directory: &Path) {
    let audit = start(|| builder(directory).sink(Shipper));
    let record = Record::builder("cursor.more").actor("user", "u");
    audit.emit(record.build()).expect("it is written");
    // It says that entries were missed; the second one waits for the sink to take what says so.
    let _missed = audit.flush(PATIENCE);
    let _again = audit.flush(PATIENCE);
    let _late = audit.shutdown(PATIENCE);
}

/// The sink does not run, and retention takes what it has not taken.
fn away(directory: &Path) {
    let audit = start(|| builder(directory).keep_segments(2).unshipped(Unshipped::Drop));
    audit.cleanup().expect("it cleans up");
    audit.flush(PATIENCE).expect("the disk works");
    audit.shutdown(PATIENCE).expect("the disk works");
}

/// How many entries gap records say that the sink missed, and where its cursor stands now.
fn told(directory: &Path) -> (u64, u64) {
    let mut lines = BTreeMap::new();
    for segment in segments(&directory.join("main")).expect("it can be listed") {
        let bytes = std::fs::read(&segment.path).expect("it can be read");
        let read = |line| serde_json::from_slice::<Value>(line).ok();
        for line in bytes.split(|byte| *byte == b'\n').filter_map(read) {
            let seq = line["seq"].as_u64().expect("it has a number");
            assert_eq!(lines.insert(seq, line), None, "{seq} stands there twice");
        }
    }
    let gaps = lines.values().filter(|line| line["event"] == "audit.gap");
    let gaps = gaps.map(|line| &line["attributes"]);
    let ours = gaps.filter(|about| about["sink"] == "shipper" && about["cause"] == "not_kept");
    let cursor = std::fs::read(directory.join("main/cursors/shipper")).expect("it is there");
    let cursor: Value = serde_json::from_slice(&cursor).expect("it is whole");
    let next = cursor["next"].as_u64().expect("it has a place");
    (
        ours.map(|about| about["lost"].as_u64().expect("it counts")).sum(),
        next,
    )
}

/// Kills a child at each of these calls, has the next start go on, and compares what was told with what is gone.
fn kills(test: &str, goes: fn(&Path), removes: bool) {
    if !has("strace", "kills around the move of a cursor") {
        return;
    }
    let step = rounds(1, 4, 13);
    let (mut tries, mut amid) = (0, 0);
    for (call, most) in [("rename", 24), ("fsync", 24), ("fdatasync", 16), ("write", 40)] {
        for number in (1..=most).step_by(step) {
            let place = tempfile::tempdir().expect("there is room for a directory");
            prepare(place.path());
            let listed = segments(&place.path().join("main")).expect("it can be listed");
            if removes {
                for segment in &listed[..2] {
                    std::fs::remove_file(&segment.path).expect("it can be removed");
                }
            }
            let inject = format!("inject={call}:signal=KILL:when={number}");
            let command = in_directory(test, "go", place.path());
            let command = traced(&command, &["-e", &format!("trace={call}"), "-e", &inject]);
            Writing::start(command).end();
            let before = told(place.path());
            goes(place.path());
            let (lost, next) = told(place.path());
            let gone = if removes { listed[2].name.first_seq } else { next };
            assert_eq!(lost, gone - TAKEN, "{inject}: {before:?} as it was left");
            tries += 1;
            amid += usize::from(before.1 != TAKEN && before.0 != lost);
        }
    }
    println!("{tries} kills, {amid} of them between the move of the cursor and the record of it");
}

#[test]
fn what_a_running_sink_missed_is_counted_once_whenever_the_process_is_killed() {
    let test = "what_a_running_sink_missed_is_counted_once_whenever_the_process_is_killed";
    if scenario().is_some() {
        return running(&directory());
    }
    kills(test, running, true);
}

#[test]
fn what_a_sink_that_is_away_missed_is_counted_once_whenever_the_process_is_killed() {
    let test = "what_a_sink_that_is_away_missed_is_counted_once_whenever_the_process_is_killed";
    if scenario().is_some() {
        return away(&directory());
    }
    kills(test, away, false);
}
