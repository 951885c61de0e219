//! The file sink on the real file system: what it refuses to open, one writer, modes, rolling, reopening.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is missing"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tracing_audit::ErrorKind;
use tracing_audit::clock::{MAX_TIME, ManualClock};
use tracing_audit::format::{Entry, SegmentName, segments};
use tracing_audit::sink::file::{FileEvent, FileSinkBuilder, RollCause};
use tracing_audit::sink::{FileSink, Sink, SinkError};

/// 2026-11-21T12:00:00Z.
const NOON: u64 = 1_795_262_400_000_000_000;
const HOUR: u64 = 3_600_000_000_000;

fn line(seq: u64, observed_at: u64, event: &str) -> Vec<u8> {
    let time = jiff::Timestamp::from_nanosecond(i128::from(observed_at)).unwrap();
    format!("{{\"event\":\"{event}\",\"observed_at\":\"{time:.9}\",\"seq\":{seq}}}").into_bytes()
}

fn put(sink: &mut FileSink, observed_at: u64, event: &str) {
    let seq = sink.next_seq();
    sink.deliver(&[Entry::new(seq, observed_at, &line(seq, observed_at, event))])
        .unwrap();
}

fn builder(dir: &Path, clock: &ManualClock) -> FileSinkBuilder {
    FileSink::builder(dir).clock(clock.clone()).keep_days(0)
}

fn names(home: &Path) -> Vec<String> {
    segments(home)
        .unwrap()
        .iter()
        .map(|segment| segment.name.to_string())
        .collect()
}

/// The numbers of the lines, in order, without repetitions.
fn seqs(home: &Path) -> Vec<u64> {
    let mut seqs = Vec::new();
    for segment in segments(home).unwrap() {
        for text in fs::read_to_string(segment.path).unwrap().lines() {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            let seq = value["seq"].as_u64().unwrap();
            if seqs.last().is_none_or(|last| seq > *last) {
                seqs.push(seq);
            }
        }
    }
    seqs
}

fn causes(sink: &mut FileSink) -> Vec<RollCause> {
    let rolled = |event| match event {
        FileEvent::Rolled { cause, .. } => Some(cause),
        _ => None,
    };
    sink.take_events().into_iter().filter_map(rolled).collect()
}

#[test]
fn what_cannot_hold_a_trail_is_refused_with_the_place_and_the_remedy() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    fs::write(at("file"), "").unwrap();
    fs::create_dir(at("taken")).unwrap();
    fs::write(at("taken/main"), "").unwrap();
    type Case = (
        PathBuf,
        fn(FileSinkBuilder) -> FileSinkBuilder,
        &'static str,
        &'static str,
    );
    let cases: Vec<Case> = vec![
        (at("file"), |sink| sink, "file", "choose another directory"),
        (
            at("file/below"),
            |sink| sink,
            "file/below",
            "choose another directory",
        ),
        (at("taken"), |sink| sink, "taken/main", "move the file away"),
        (at("a"), |sink| sink.stream(""), "stream ``", "1 to 64"),
        (at("a"), |sink| sink.stream("../up"), "../up", "a-z"),
        (at("a"), |sink| sink.stream(".hidden"), ".hidden", "dot"),
        (at("a"), |sink| sink.stream("Main"), "Main", "a-z"),
        (at("a"), |sink| sink.stream("x".repeat(65)), "xxxx", "1 to 64"),
        (
            at("a"),
            |sink| sink.segment_bytes(65_535),
            "65535",
            "at least 65536",
        ),
        (at("a"), |sink| sink.mode(0o700), "0o700", "0o600"),
        (at("a"), |sink| sink.mode(0o666), "0o666", "0o600"),
        (at("a"), |sink| sink.mode(0o440), "0o440", "0o600"),
    ];
    for (dir, change, value, remedy) in cases {
        let error = change(FileSink::builder(&dir)).open().expect_err(value);
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        let text = error.to_string();
        assert!(text.contains(value) && text.contains(remedy), "{value}: {text}");
    }
    assert!(
        !at("a").exists(),
        "a setting that cannot work leaves nothing behind"
    );
    if cfg!(target_os = "linux") {
        let error = FileSink::builder("/proc/no-trail-here").open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("/proc/no-trail-here/main"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_directory_that_everybody_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("open");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
    let error = FileSink::builder(&dir).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let remedy = format!("chmod o-w {}", dir.display());
    assert!(error.to_string().contains(&remedy), "{error}");
}

/// T003-37.
#[cfg(unix)]
#[test]
fn directories_and_files_get_their_modes_whatever_the_umask() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let place = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (file, dir) in [(0o600, 0o700), (0o640, 0o750), (0o644, 0o755)] {
        let base = place.path().join(format!("{file:o}/deep"));
        let group = fs::metadata(place.path()).unwrap().gid();
        let mut sink = FileSink::builder(&base).mode(file).group(group).open().unwrap();
        put(&mut sink, NOON, "x");
        assert_eq!((mode(&base), mode(sink.path())), (dir, dir));
        for entry in fs::read_dir(sink.path()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), file, "{}", path.display());
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_segment_is_not_followed() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let victim = place.path().join("victim");
    fs::write(&victim, "mine\n").unwrap();
    let mut sink = builder(&place.path().join("audit"), &clock).open().unwrap();
    let name = "audit-2026-11-21-00000000000000000000.jsonl";
    std::os::unix::fs::symlink(&victim, sink.path().join(name)).unwrap();
    let error = sink
        .deliver(&[Entry::new(0, NOON, &line(0, NOON, "x"))])
        .unwrap_err();
    assert!(error.to_string().contains(name), "{error}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine\n");
}

/// Not a test of its own: what the second process does in the next one.
#[test]
fn a_second_process_that_opens_the_stream_named_in_its_environment() {
    let Some(dir) = std::env::var_os("FILE_SINK_SECOND_PROCESS") else {
        return;
    };
    let error = FileSink::builder(PathBuf::from(dir)).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    println!("refusal: {error}");
}

#[test]
fn a_second_writer_is_refused_with_the_name_of_the_first_and_the_remedy() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("audit");
    let first = FileSink::builder(&dir).open().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_second_process_that_opens_the_stream_named_in_its_environment",
            "--nocapture",
        ])
        .env("FILE_SINK_SECOND_PROCESS", &dir)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let holder = format!("pid {} on ", std::process::id());
    for part in [
        "refusal: ",
        "main/lock",
        &holder,
        " since 20",
        "stop that process",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(
        FileSink::builder(&dir).open().unwrap_err().kind(),
        ErrorKind::Locked,
        "the same process, too"
    );
    let other = FileSink::builder(&dir).stream("other").open().unwrap();
    assert_ne!(first.stream_id(), other.stream_id());
    drop(first);
    FileSink::builder(&dir).open().unwrap();
}

#[test]
fn of_fifty_openers_exactly_one_wins() {
    let place = tempfile::tempdir().unwrap();
    let start = std::sync::Barrier::new(50);
    let open = || {
        start.wait();
        FileSink::builder(place.path().join("audit")).open()
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(
        answers
            .iter()
            .flat_map(|answer| answer.as_ref().err())
            .all(|error| error.kind() == ErrorKind::Locked)
    );
}

#[test]
fn a_stream_keeps_its_identity() {
    let place = tempfile::tempdir().unwrap();
    let open = || FileSink::builder(place.path()).stream("access").open().unwrap();
    let id = open().stream_id().to_owned();
    let (name, digits) = id.split_once('-').unwrap();
    assert_eq!((name, digits.len()), ("access", 12));
    assert!(digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let file = place.path().join("access/stream");
    let value: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(value["stream"], id.as_str());
    assert!(value["created"].as_str().unwrap().ends_with('Z'));
    assert_eq!(open().stream_id(), id);
    // A crash while it was written: the fragment stays, the next line counts.
    fs::write(&file, "{\"created\":\"20").unwrap();
    let second = open().stream_id().to_owned();
    assert_eq!(open().stream_id(), second);
}

/// T003-15, T003-35.
#[test]
fn a_trail_that_was_closed_today_is_continued_in_its_segment() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let mut sink = builder(place.path(), &clock).open().unwrap();
    assert!(sink.opened().first && sink.opened().clean);
    put(&mut sink, NOON, "user.login");
    put(&mut sink, NOON, "audit.close");
    sink.flush().unwrap();
    drop(sink);
    let mut sink = builder(place.path(), &clock).open().unwrap();
    let opened = sink.opened().clone();
    assert_eq!((opened.next_seq, opened.last_observed_at), (2, Some(NOON)));
    assert!(opened.clean && !opened.first && opened.torn.is_none());
    put(&mut sink, NOON, "user.login");
    assert_eq!(names(sink.path()).len(), 1);
    drop(sink);
    // Without an `audit.close` at its end the trail goes on in a segment of its own.
    let mut sink = builder(place.path(), &clock).open().unwrap();
    assert!(!sink.opened().clean);
    put(&mut sink, NOON, "audit.close");
    let home = sink.path().to_owned();
    assert_eq!(names(&home).len(), 2);
    drop(sink);
    // Nor is a segment of another day continued.
    clock.advance(Duration::from_secs(86_400));
    let mut sink = builder(place.path(), &clock).open().unwrap();
    assert!(sink.opened().clean);
    put(&mut sink, NOON + 24 * HOUR, "user.login");
    assert_eq!(names(&home).len(), 3);
    assert_eq!(seqs(&home), [0, 1, 2, 3, 4]);
}

#[test]
fn an_idle_midnight_ends_the_segment_and_an_empty_one_stays() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let mut sink = builder(place.path(), &clock).open().unwrap();
    sink.tick(NOON).unwrap();
    assert_eq!(sink.segment(), None, "nothing is created before the first line");
    put(&mut sink, NOON, "x");
    sink.tick(NOON + 11 * HOUR).unwrap();
    assert_eq!(causes(&mut sink), []);
    sink.tick(NOON + 12 * HOUR).unwrap();
    assert_eq!(causes(&mut sink), [RollCause::Midnight]);
    sink.tick(NOON + 40 * HOUR).unwrap();
    assert_eq!(causes(&mut sink), []);
    put(&mut sink, NOON + 13 * HOUR, "x");
    assert_eq!(
        names(sink.path()),
        [
            "audit-2026-11-21-00000000000000000000.jsonl",
            "audit-2026-11-22-00000000000000000001.jsonl"
        ]
    );
}

/// T003-38.
#[test]
fn a_segment_never_grows_beyond_its_size_and_no_line_is_split() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let mut sink = builder(place.path(), &clock)
        .segment_bytes(65_536)
        .open()
        .unwrap();
    let long = "y".repeat(20_000);
    for _ in 0..10 {
        put(&mut sink, NOON, &long);
    }
    let huge = "z".repeat(70_000);
    put(&mut sink, NOON, &huge);
    put(&mut sink, NOON, "x");
    let lens: Vec<_> = segments(sink.path())
        .unwrap()
        .iter()
        .map(|segment| segment.len)
        .collect();
    let over = lens.iter().filter(|len| **len > 65_536).count();
    assert_eq!(
        (lens.len(), over),
        (6, 1),
        "a line above the size has a segment of its own: {lens:?}"
    );
    assert_eq!(seqs(sink.path()), (0..12).collect::<Vec<_>>());
    assert!(causes(&mut sink).iter().all(|cause| *cause == RollCause::Size));
}

#[test]
fn rotate_says_what_it_did_and_leaves_an_empty_segment_open() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let mut sink = builder(place.path(), &clock).open().unwrap();
    let first = sink.rotate().unwrap();
    assert_eq!((first.closed, first.opened.first_seq), (None, 0));
    assert_eq!(sink.rotate().unwrap(), first);
    put(&mut sink, NOON, "x");
    let second = sink.rotate().unwrap();
    assert_eq!(
        (second.closed, second.cause),
        (Some(first.opened), RollCause::Requested)
    );
    assert_eq!(
        second.opened,
        SegmentName {
            first_seq: 1,
            ..first.opened
        }
    );
}

/// T003-06.
#[test]
fn repetitions_are_skipped_and_a_hole_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let mut sink = builder(place.path(), &clock).open().unwrap();
    let lines: Vec<_> = (0..4).map(|seq| line(seq, NOON, "x")).collect();
    let entries: Vec<_> = (0..)
        .zip(&lines)
        .map(|(seq, line)| Entry::new(seq, NOON, line))
        .collect();
    sink.deliver(&entries[..2]).unwrap();
    sink.deliver(&entries[..3]).unwrap();
    assert_eq!(seqs(sink.path()), [0, 1, 2]);
    let hole = sink.deliver(&[Entry::new(7, NOON, &lines[3])]).unwrap_err();
    assert!(
        matches!(&hole, SinkError::Fatal { cause } if cause.contains('7') && cause.contains('3')),
        "{hole}"
    );
    let two = sink.deliver(&[Entry::new(3, NOON, b"{}\n{}")]).unwrap_err();
    assert!(matches!(two, SinkError::Fatal { .. }));
    sink.deliver(&entries).unwrap();
    assert_eq!(seqs(sink.path()), [0, 1, 2, 3]);
}

#[test]
fn a_clock_that_steps_to_1970_and_2262_breaks_neither_order_nor_names() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOON);
    let mut sink = builder(place.path(), &clock).keep_days(1).open().unwrap();
    for time in [NOON, 0, MAX_TIME, NOON + HOUR, 0, MAX_TIME, MAX_TIME] {
        clock.set(time);
        sink.tick(time).unwrap();
        put(&mut sink, time, "x");
        sink.flush().unwrap();
        sink.rotate().unwrap();
    }
    assert_eq!(
        seqs(sink.path()),
        (0..7).collect::<Vec<_>>(),
        "nothing was removed by age"
    );
    let home = sink.path().to_owned();
    drop(sink);
    let sink = builder(place.path(), &clock).open().unwrap();
    assert_eq!(sink.opened().next_seq, 7);
    assert!(
        names(&home)
            .iter()
            .any(|name| name.starts_with("audit-2262-04-11-"))
    );
    assert!(
        names(&home)
            .iter()
            .any(|name| name.starts_with("audit-1970-01-01-"))
    );
}
