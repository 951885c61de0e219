//! A whole trail over a disk that fails and a clock that steps: nothing acknowledged is lost, the rest follows in order.
//!
//! The failures are the kernel's own: children run in a mount namespace of their own, over a file system that is small,
//! or under one that is read-only. Where the system does not let a user make one, these tests are skipped, and say so.

#![cfg(unix)]

#[path = "support/child.rs"]
mod child;
#[path = "support/torture.rs"]
mod torture;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use child::{directory, report};
use serde_json::Value;
use torture::{PATIENCE, Told, Watchdog, journal, scenario, succeed};
use tracing::info;
use tracing_audit::clock::{MAX_TIME, ManualClock};
use tracing_audit::config::Mode;
use tracing_audit::record::Record;
use tracing_audit::store::{DirStore, Direction, Item, Store as _};
use tracing_audit::{Audit, AuditedExt, ErrorKind, Query};

/// Runs a test as its own child in a mount namespace, with a small file system of its own at a directory that only the
/// child sees. The child's verdict is the test's. `None`: skipped.
fn in_namespace(test: &str) -> Option<()> {
    const MOUNT: &str =
        r#"mount -t tmpfs -o size=1m,mode=0700 none "$TRACING_AUDIT_TORTURE_DIRECTORY" && exec "$@""#;
    let can = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "none", "/tmp"])
        .output();
    if !can.is_ok_and(|output| output.status.success()) {
        println!(
            "SKIPPED: a full or read-only disk under a whole trail: no mount namespace can be made here"
        );
        return None;
    }
    let place = tempfile::tempdir().expect("there is room for a directory");
    let inner = child::in_directory(test, "inside", place.path());
    let mut outer = Command::new("unshare");
    outer.args(["-rm", "sh", "-c", MOUNT, "sh"]);
    outer.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    succeed(outer);
    Some(())
}

fn shell(line: &str) {
    let status = Command::new("sh")
        .args(["-c", line])
        .env("DIR", directory())
        .status();
    assert!(status.expect("there is a shell").success(), "{line}");
}

#[test]
#[cfg(target_os = "linux")]
fn on_a_full_disk_records_wait_in_memory_and_follow_in_order_when_there_is_room() {
    let test = "on_a_full_disk_records_wait_in_memory_and_follow_in_order_when_there_is_room";
    if scenario().is_none() {
        in_namespace(test);
        return;
    }
    let _watchdog = Watchdog::start("a full disk");
    let told = Told::default();
    let ear = told.clone();
    let audit = child::start_with(|builder| {
        builder
            .commit_timeout(Duration::from_millis(200))
            .diagnostics(move |sentence| ear.hear(sentence))
    });
    report(0..100);
    audit.flush(PATIENCE).unwrap();
    // Not one byte is free, nor room for the smallest file.
    shell(r#"cat /dev/zero > "$DIR/ballast" 2> /dev/null; test -s "$DIR/ballast""#);
    // What the last block still holds goes in; then nothing does.
    report(100..2_000);
    let error = audit.flush(Duration::from_millis(300)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let waits = Record::builder("e").actor("user", "u").summary("waited").build();
    let error = audit.emit(waits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(torture::count(&whole(&directory()), "acknowledged") < 2_000);
    let sentences = told.sentences();
    assert_eq!(sentences.len(), 1, "one sentence when it begins: {sentences:?}");
    assert!(sentences[0].contains("is the disk full?"), "{sentences:?}");
    shell(r#"rm "$DIR/ballast""#);
    audit.flush(PATIENCE).unwrap();
    audit.shutdown(PATIENCE).unwrap();
    assert_eq!(
        told.sentences().len(),
        2,
        "and one when it ends: {:?}",
        told.sentences()
    );
    let events: Vec<_> = once(&directory());
    assert_eq!(
        events.iter().filter(|event| *event == "acknowledged").count(),
        2_000
    );
    assert_eq!(
        events.iter().filter(|event| *event == "waited").count(),
        1,
        "it was on its way"
    );
    assert_eq!(audit.stats().lost(), 0);
}

#[test]
#[cfg(target_os = "linux")]
fn under_a_read_only_disk_records_wait_and_nothing_is_lost_or_doubled() {
    let test = "under_a_read_only_disk_records_wait_and_nothing_is_lost_or_doubled";
    if scenario().is_none() {
        in_namespace(test);
        return;
    }
    let _watchdog = Watchdog::start("a read-only disk");
    let audit = child::start_with(|builder| builder.diagnostics(|_| {}));
    report(0..100);
    audit.flush(PATIENCE).unwrap();
    // Over the directory lies a file system that is empty and takes nothing: the segment cannot be found, nor made.
    shell(r#"mount -t tmpfs -o ro,mode=0700 none "$DIR""#);
    report(100..200);
    let error = audit.flush(Duration::from_millis(300)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    shell(r#"umount "$DIR""#);
    audit.flush(PATIENCE).unwrap();
    audit.shutdown(PATIENCE).unwrap();
    let events = once(&directory());
    assert_eq!(
        events.iter().filter(|event| *event == "acknowledged").count(),
        200
    );
    assert_eq!(audit.stats().lost(), 0);
}

/// The complete lines of a journal whose last line may be cut off.
fn whole(directory: &Path) -> Vec<String> {
    let mut lines = journal(directory);
    lines.retain(|line| serde_json::from_str::<Value>(line).is_ok());
    lines
}

/// What a trail holds as the library's reader gives it: fragments stepped over, repetitions given once, no hole.
fn once(directory: &Path) -> Vec<String> {
    let store = DirStore::open(directory).expect("it can be read");
    let mut seqs = Vec::new();
    let mut told = Vec::new();
    for item in store
        .walk(&Query::all(), Direction::OldestFirst, None)
        .expect("it can be read")
    {
        if let Item::Record(stored) = item.expect("it can be read") {
            seqs.push(stored.place.seq);
            let text: Value = serde_json::from_slice(&stored.line).expect("a line is JSON");
            told.push(
                text["summary"]
                    .as_str()
                    .or(text["event"].as_str())
                    .expect("it says what")
                    .to_owned(),
            );
        }
    }
    assert!(seqs.iter().copied().eq(0..seqs.len() as u64), "{seqs:?}");
    told
}

#[test]
fn a_directory_that_is_removed_under_a_trail_comes_back_with_its_lines_and_the_trail_goes_on() {
    let place = tempfile::tempdir().expect("there is room for a directory");
    let directory = place.path().join("audit");
    let audit = Audit::builder().directory(&directory).start().expect("it starts");
    let dispatch: tracing::Dispatch = tracing_subscriber::registry().audited(&audit).into();
    tracing::dispatcher::with_default(&dispatch, || {
        report(0..100);
        audit.flush(PATIENCE).expect("the disk works");
        // The thread that seals can put a file into it at any moment.
        while std::fs::remove_dir_all(&directory).is_err() {
            std::thread::yield_now();
        }
        report(100..200);
        audit.flush(PATIENCE).expect("it is made again");
    });
    audit.shutdown(PATIENCE).expect("the disk works");
    let events = once(&directory);
    assert_eq!(
        events.iter().filter(|event| *event == "acknowledged").count(),
        200
    );
    assert_eq!(audit.stats().lost(), 0);
}

#[test]
fn a_trail_cannot_start_where_it_cannot_write_and_says_what_to_do() {
    let place = tempfile::tempdir().expect("there is room for a directory");
    let file = place.path().join("file");
    std::fs::write(&file, "").expect("a file can be written");
    for directory in [file.clone(), file.join("below"), "/proc/nowhere".into()] {
        let error = Audit::builder()
            .directory(&directory)
            .start()
            .map(drop)
            .unwrap_err();
        let is_known = matches!(error.kind(), ErrorKind::Config | ErrorKind::Io);
        assert!(is_known, "{error:?}");
        let told = error.to_string();
        assert!(told.contains(&*directory.to_string_lossy()), "{told}");
        assert!(!file.with_extension("jsonl").exists());
    }
}

/// The lines of a journal.
fn parsed(directory: &Path) -> Vec<Value> {
    let parsed = |line: &String| serde_json::from_str(line).expect("a line is JSON");
    journal(directory).iter().map(parsed).collect()
}

/// What each line of a kind states for a key.
fn stated(lines: &[Value], is_wanted: impl Fn(&Value) -> bool, key: &str) -> Vec<String> {
    let wanted = lines.iter().filter(|line| is_wanted(line));
    wanted
        .map(|line| line[key].as_str().expect("it is stated").to_owned())
        .collect()
}

#[test]
fn a_clock_that_steps_to_1970_and_2262_under_a_trail_loses_nothing_and_keeps_the_order() {
    const NOW: u64 = 1_795_219_200_000_000_000;
    let place = tempfile::tempdir().expect("there is room for a directory");
    let clock = ManualClock::new(NOW);
    let builder = Audit::builder().directory(place.path()).clock(clock.clone());
    let audit = builder.mode(Mode::Durable).start().expect("it starts");
    let dispatch: tracing::Dispatch = tracing_subscriber::registry().audited(&audit).into();
    let steps = [NOW, 0, NOW + 1, MAX_TIME, u64::MAX, NOW + 2, 0, NOW + 3];
    tracing::dispatcher::with_default(&dispatch, || {
        for (n, now) in steps.into_iter().enumerate() {
            clock.set(now);
            // In the file when the macro returns, so that the clock does not move in between.
            info!(target: "audit", n, "acknowledged");
            let _span = tracing::info_span!(target: "audit", "work").entered();
        }
    });
    audit.shutdown(PATIENCE).expect("the disk works");
    assert!(audit.stats().clock_backwards >= 3);
    let (epoch, last) = ("1970-01-01T00:00:00.000000000Z", "2262-04-11T23:47:16.854775807Z");
    let now = |n: u8| format!("2026-11-21T00:00:00.00000000{n}Z");
    let expected = [&now(0), epoch, &now(1), last, last, &now(2), epoch, &now(3)];
    let lines = parsed(place.path());
    let is_event = |line: &Value| line["summary"] == "acknowledged";
    assert_eq!(stated(&lines, is_event, "time"), expected);
    assert_eq!(
        stated(&lines, |line| line["event"] == "work", "time").len(),
        steps.len()
    );
    // The next process goes on behind it, whatever its clock says.
    let clock = ManualClock::new(NOW + 4);
    let again = Audit::builder().directory(place.path()).clock(clock).start();
    again
        .expect("it starts")
        .shutdown(PATIENCE)
        .expect("the disk works");
    let events = once(place.path());
    let acknowledged = events.iter().filter(|event| *event == "acknowledged").count();
    assert_eq!(acknowledged, steps.len());
    assert_eq!(events.last().map(String::as_str), Some("audit.close"));
    let observed = stated(&parsed(place.path()), |_| true, "observed_at");
    assert!(observed.is_sorted(), "observed_at never decreases: {observed:?}");
}

/// Lets files only grow, or lets them go again; `false` where that cannot be done here.
fn append_only(sign: &str, files: &[std::path::PathBuf]) -> bool {
    let change = Command::new("chattr")
        .arg(format!("{sign}a"))
        .args(files)
        .output();
    change.is_ok_and(|output| output.status.success())
}

#[test]
fn a_trail_whose_segments_only_take_appends_is_gone_on_with_after_an_unclean_end() {
    let test = "a_trail_whose_segments_only_take_appends_is_gone_on_with_after_an_unclean_end";
    if scenario().is_some() {
        let audit = child::start();
        report(0..5);
        audit.flush(PATIENCE).expect("the disk has them");
        std::process::abort();
    }
    let place = tempfile::tempdir().expect("there is room for a directory");
    let ended = child::in_directory(test, "aborts", place.path()).output();
    assert!(!ended.expect("it can be started").status.success());
    let listed = tracing_audit::format::segments(&place.path().join("main")).expect("listed");
    let files: Vec<_> = listed.into_iter().map(|segment| segment.path).collect();
    if !append_only("+", &files) {
        return println!(
            "SKIPPED: files that only take appends: `chattr +a` needs root and a file system that knows it"
        );
    }
    let refused = std::fs::OpenOptions::new().write(true).open(&files[0]);
    let audit = Audit::builder().directory(place.path()).start();
    if audit.is_err() {
        append_only("-", &files);
    }
    let audit = audit.expect("it starts");
    audit
        .emit(Record::builder("second.life").build())
        .expect("it is taken");
    audit.shutdown(PATIENCE).expect("in order");
    let told = journal(place.path());
    assert!(append_only("-", &files));
    assert!(refused.is_err(), "the flag does what it says");
    let count = |what: &str| told.iter().filter(|line| line.contains(what)).count();
    assert_eq!((count("acknowledged"), count("second.life")), (5, 1), "{told:?}");
}
