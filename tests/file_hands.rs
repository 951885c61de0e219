//! Hands in the directory while the sink runs: files deleted, moved, replaced, cut, and the directory removed.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is missing"
)]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tracing_audit::clock::ManualClock;
use tracing_audit::format::{Entry, segments};
use tracing_audit::sink::file::{FileEvent, RollCause};
use tracing_audit::sink::{FileSink, Sink, SinkError};

const NOON: u64 = 1_795_262_400_000_000_000;

struct Bench {
    _place: tempfile::TempDir,
    dir: PathBuf,
    sink: FileSink,
}

impl Bench {
    /// A trail with three confirmed lines and two that are not.
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("audit");
        let sink = FileSink::builder(&dir)
            .clock(ManualClock::new(NOON))
            .open()
            .unwrap();
        let mut bench = Self {
            _place: place,
            dir,
            sink,
        };
        for _ in 0..3 {
            bench.put().unwrap();
        }
        bench.sink.flush().unwrap();
        bench.put().unwrap();
        bench.put().unwrap();
        bench
    }

    fn put(&mut self) -> Result<(), SinkError> {
        let seq = self.sink.next_seq();
        let line = format!("{{\"observed_at\":\"2026-11-21T12:00:00.000000000Z\",\"seq\":{seq}}}");
        self.sink
            .deliver(&[Entry::new(seq, NOON, line.as_bytes())])
            .map(drop)
    }

    fn segment(&self) -> PathBuf {
        self.sink.path().join(self.sink.segment().unwrap().to_string())
    }

    /// Flushes, writes one more, flushes; says why the segment ended and which lines the trail holds.
    fn go_on(&mut self) -> (Vec<RollCause>, Vec<u64>) {
        self.sink.flush().unwrap();
        self.put().unwrap();
        self.sink.flush().unwrap();
        let rolled = |event| match event {
            FileEvent::Rolled { cause, .. } => Some(cause),
            _ => None,
        };
        let causes = self.sink.take_events().into_iter().filter_map(rolled).collect();
        (causes, held(self.sink.path()))
    }
}

fn held(home: &Path) -> Vec<u64> {
    let mut held = BTreeSet::new();
    for segment in segments(home).unwrap() {
        for text in fs::read_to_string(segment.path).unwrap().lines() {
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
                held.insert(value["seq"].as_u64().unwrap());
            }
        }
    }
    held.into_iter().collect()
}

#[test]
fn a_deleted_segment_is_noticed_at_the_next_flush_and_its_lines_are_saved() {
    let mut bench = Bench::new();
    fs::remove_file(bench.segment()).unwrap();
    assert_eq!(bench.go_on(), (vec![RollCause::Deleted], vec![0, 1, 2, 3, 4, 5]));
}

#[test]
fn a_moved_segment_is_noticed_and_its_unconfirmed_lines_are_saved() {
    let mut bench = Bench::new();
    let moved = bench.sink.path().join("audit.jsonl.1");
    fs::rename(bench.segment(), &moved).unwrap();
    assert_eq!(bench.go_on(), (vec![RollCause::Renamed], vec![3, 4, 5]));
    assert_eq!(
        fs::read_to_string(moved).unwrap().lines().count(),
        5,
        "the moved file stays as it is"
    );
}

#[test]
fn a_replaced_segment_is_noticed_and_the_foreign_file_is_left_alone() {
    let mut bench = Bench::new();
    let segment = bench.segment();
    let other = bench.dir.join("other");
    fs::write(&other, "foreign\n").unwrap();
    fs::rename(&other, &segment).unwrap();
    assert_eq!(bench.go_on(), (vec![RollCause::Replaced], vec![0, 1, 2, 3, 4, 5]));
    assert_eq!(fs::read_to_string(segment).unwrap(), "foreign\n");
}

#[test]
fn a_link_in_the_place_of_the_segment_is_noticed() {
    let mut bench = Bench::new();
    let segment = bench.segment();
    let moved = bench.dir.join("moved");
    fs::rename(&segment, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &segment).unwrap();
    let (causes, _) = bench.go_on();
    assert_eq!(causes, [RollCause::Replaced]);
    assert_eq!(fs::read_to_string(moved).unwrap().lines().count(), 5);
}

#[test]
fn a_segment_that_was_cut_is_noticed_and_what_is_gone_is_told() {
    let mut bench = Bench::new();
    fs::File::options()
        .write(true)
        .open(bench.segment())
        .unwrap()
        .set_len(0)
        .unwrap();
    bench.sink.flush().unwrap();
    let events = bench.sink.take_events();
    assert!(
        events.contains(&FileEvent::Unconfirmed { first: 3, last: 4 }),
        "{events:?}"
    );
    assert!(
        events.iter().any(|event| matches!(
            event,
            FileEvent::Rolled {
                cause: RollCause::Truncated,
                ..
            }
        )),
        "{events:?}"
    );
    let (_, held) = bench.go_on();
    assert_eq!(held, [3, 4, 5], "gap records have the numbers of what is gone");
}

#[test]
fn a_removed_directory_is_made_again_with_its_identity_its_lock_and_its_lines() {
    let mut bench = Bench::new();
    let id = bench.sink.stream_id().to_owned();
    fs::remove_dir_all(&bench.dir).unwrap();
    assert_eq!(bench.go_on(), (vec![RollCause::Deleted], vec![0, 1, 2, 3, 4, 5]));
    let identity = fs::read_to_string(bench.sink.path().join("stream")).unwrap();
    assert!(identity.contains(&id), "{identity}");
    let refused = FileSink::builder(&bench.dir).open().unwrap_err();
    assert_eq!(refused.kind(), tracing_audit::ErrorKind::Locked);
}

#[test]
fn a_removed_lock_is_taken_again_and_a_second_writer_that_was_faster_stops_the_first() {
    let mut bench = Bench::new();
    fs::remove_file(bench.sink.path().join("lock")).unwrap();
    bench.sink.flush().unwrap();
    assert!(FileSink::builder(&bench.dir).open().is_err());
    fs::remove_file(bench.sink.path().join("lock")).unwrap();
    let _second = FileSink::builder(&bench.dir).open().unwrap();
    bench.put().unwrap();
    assert!(matches!(bench.sink.flush(), Err(SinkError::Fatal { .. })));
}

#[test]
fn a_directory_of_another_stream_in_the_place_of_ours_is_not_written_to() {
    let mut bench = Bench::new();
    let home = bench.sink.path().to_owned();
    fs::rename(&home, bench.dir.join("old")).unwrap();
    drop(FileSink::builder(&bench.dir).open().unwrap());
    let error = bench.sink.flush().unwrap_err();
    assert!(
        matches!(&error, SinkError::Fatal { cause } if cause.contains("another stream") || cause.contains("belongs")),
        "{error}"
    );
    assert!(segments(&home).unwrap().is_empty());
}

#[test]
fn a_file_under_a_running_sink_may_change_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let mut bench = Bench::new();
    fs::set_permissions(bench.segment(), fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(bench.go_on().0, []);
}
