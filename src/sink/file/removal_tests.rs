//! Removals that a record states first, over a file system whose every call fails in turn and whose power fails: whatever
//! is gone from the trail, a record on disk says so, and what a stop cut short is made good.

use std::path::Path;

use super::fault_tests::{START, builder, line, read, time_of};
use super::memfs::{Fault, MemFs};
use super::*;
use crate::ErrorKind;

/// A caller that states removals, as the pipeline does.
struct Stating {
    fs: MemFs,
    sink: FileSink,
    /// The last number that each statement lets go, and where it stands.
    stated: Vec<(u64, u64)>,
    what: String,
}

impl Stating {
    fn new(fs: &MemFs, what: &str) -> Self {
        let open = || builder(fs).keep_segments(2).states_removal().open();
        let sink = (0..60).find_map(|_| match open() {
            Ok(sink) => Some(sink),
            Err(error) => {
                assert!(fs.hit(), "{what}: {error}");
                None
            }
        });
        Self {
            fs: fs.clone(),
            sink: sink.expect("it opens when the faults are over"),
            stated: Vec::new(),
            what: what.to_owned(),
        }
    }

    fn deliver(&mut self, count: u64) {
        let from = self.sink.next_seq();
        for seq in from..from + count {
            let bytes = line(seq, time_of(seq));
            let entries = [Entry::new(seq, time_of(seq), &bytes)];
            self.until_ok(|sink| sink.deliver(&entries).map(drop));
        }
    }

    fn until_ok(&mut self, mut call: impl FnMut(&mut FileSink) -> Result<(), SinkError>) {
        for _ in 0..60 {
            match call(&mut self.sink) {
                Ok(()) => return,
                Err(SinkError::Retry { cause, .. }) => assert!(self.fs.hit(), "{}: {cause}", self.what),
                Err(SinkError::Fatal { cause }) => panic!("{}: {cause}", self.what),
            }
        }
        panic!("{}: it does not recover although the faults are over", self.what);
    }

    /// States what is due, has the disk confirm it and the seal cover it, and lets it go.
    fn settle(&mut self) {
        for event in self.sink.take_events() {
            if let FileEvent::Removing {
                segments, records, ..
            } = event
            {
                let at = self.sink.next_seq();
                self.deliver(1);
                self.sink.removal_stands_at(&segments, at);
                self.stated.push((records.map_or(0, |(_, last)| last), at));
            }
        }
        self.as_stated();
        self.until_ok(Sink::flush);
        self.as_stated();
        let sealed = self.sink.seal();
        assert!(sealed.is_ok() || self.fs.hit(), "{}: {sealed:?}", self.what);
        self.sink.remove_stated();
        self.as_stated();
    }

    /// What is gone, a record on disk states.
    fn as_stated(&self) {
        let first = first(&self.fs);
        let safe = self.sink.durable_seq();
        let known = self.stated.iter().filter(|(_, at)| *at < safe);
        let may_go = known.map(|(last, _)| last + 1).max().unwrap_or(0);
        let what = &self.what;
        assert!(
            first <= may_go,
            "{what}: it begins at {first}, and only {may_go} may be gone"
        );
    }
}

fn first(fs: &MemFs) -> u64 {
    let names = fs.names_in(Path::new("/audit/main"));
    let names = names.iter().filter_map(|name| SegmentName::parse(name));
    names.map(|name| name.first_seq).min().unwrap_or(0)
}

/// Segments that come and go, with `count` failing calls from the `nth` on; then the power fails, and the next life makes
/// good what was cut short. `false` where fewer calls are made.
fn removal(fault: Fault, nth: u64, count: u64) -> bool {
    let what = format!("{fault:?} at call {nth}, {count} times");
    let fs = MemFs::default();
    let mut caller = Stating::new(&fs, &what);
    for _ in 0..2 {
        caller.deliver(2);
        caller.until_ok(|sink| sink.rotate().map(drop).map_err(SinkError::retry));
        caller.settle();
    }
    fs.fail(nth, count, fault);
    for _ in 0..2 {
        caller.deliver(2);
        caller.until_ok(|sink| sink.rotate().map(drop).map_err(SinkError::retry));
        caller.settle();
    }
    let hit = fs.hit();
    if nth.is_multiple_of(2) {
        fs.heal();
    }
    let stated = std::mem::take(&mut caller.stated);
    drop(caller);
    fs.crash();
    let mut next = Stating::new(&fs, &format!("{what}, then the power failed"));
    next.stated = stated;
    next.as_stated();
    for _ in 0..4 {
        next.until_ok(|sink| match sink.cleanup() {
            Err(error) if error.kind() == ErrorKind::Io => Err(SinkError::retry(error)),
            other => other.map(drop).map_err(SinkError::fatal),
        });
        next.settle();
    }
    let held = read(&fs);
    let (first, end) = (first(&fs), next.sink.next_seq());
    assert!(first > 0, "{what}: nothing was removed");
    // What the system made zeros of is named, and its numbers are those of gap records or of nothing.
    if fault != Fault::Zeros {
        assert_eq!(held.len() as u64, end - first, "{what}: a hole in the middle");
    }
    hit
}

#[test]
fn whatever_call_fails_around_a_stated_removal_nothing_is_gone_that_no_record_on_disk_states() {
    for fault in Fault::ALL {
        for count in [1, 4] {
            let calls = (1..2000).take_while(|nth| removal(fault, *nth, count)).count();
            assert!(calls > 40, "only {calls} calls were tried");
        }
    }
}

#[test]
fn a_follower_that_is_away_keeps_the_entries_of_a_segment_that_no_checkpoint_covers_yet() {
    let fs = MemFs::default();
    let dropping = || builder(&fs).keep_segments(9).unshipped(Unshipped::Drop);
    let mut sink = dropping().open().unwrap();
    let away = sink.follow("away", Begin::Oldest).unwrap().0;
    drop((away.reader, away.hold, sink));
    let mut sink = dropping().open().unwrap();
    // No checkpoint can be written from here on.
    fs.block(Path::new("/audit/main/.checkpoint.unsigned"));
    for seq in 0..3 {
        let bytes = line(seq, START);
        sink.deliver(&[Entry::new(seq, START, &bytes)]).unwrap();
    }
    sink.rotate().unwrap();
    let _ = sink.cleanup();
    let cursors = cursor::all(&fs, Path::new("/audit/main"), sink.stream_id(), &[]).unwrap();
    assert_eq!(cursors, [("away".to_owned(), 0)], "{:?}", sink.take_events());
}
