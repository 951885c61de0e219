//! The file sink over a file system whose every call fails in turn, and whose power fails.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use super::memfs::{Fault, MemFs};
use super::*;
use crate::clock::ManualClock;
use crate::{Error, ErrorKind};

/// 2026-11-21T23:59:00Z.
pub(super) const START: u64 = 1_795_305_540_000_000_000;
const SECOND: u64 = 1_000_000_000;
pub(super) const HOME: &str = "/audit/main";

pub(super) fn line(seq: u64, observed_at: u64) -> Vec<u8> {
    let time = lock::rfc3339(observed_at);
    let pad = "x".repeat(2000);
    format!("{{\"event\":\"test.step\",\"observed_at\":\"{time}\",\"pad\":\"{pad}\",\"seq\":{seq}}}")
        .into_bytes()
}

pub(super) fn time_of(seq: u64) -> u64 {
    START + seq * SECOND
}

/// A caller that keeps its entries until the sink confirmed them, as the pipeline does.
pub(super) struct Caller {
    pub(super) fs: MemFs,
    pub(super) sink: FileSink,
    /// Entries below this were confirmed.
    pub(super) acknowledged: u64,
    pub(super) unconfirmed: Vec<RangeInclusive<u64>>,
    missing: Vec<RangeInclusive<u64>>,
}

pub(super) fn builder(fs: &MemFs) -> FileSinkBuilder {
    let clock = ManualClock::new(START);
    FileSink::builder("/audit")
        .segment_bytes(65_536)
        .keep_days(0)
        .clock(clock)
        .fs(fs.clone())
}

pub(super) fn open(fs: &MemFs) -> FileSink {
    for _ in 0..60 {
        match builder(fs).open() {
            Ok(sink) => return sink,
            Err(error) => assert!(fs.hit(), "{error}"),
        }
    }
    panic!("the stream does not open although the faults are over");
}

impl Caller {
    pub(super) fn new(fs: MemFs) -> Self {
        let sink = open(&fs);
        Self::with(fs, sink)
    }

    pub(super) fn with(fs: MemFs, sink: FileSink) -> Self {
        let missing = sink
            .opened()
            .missing
            .map(|(first, last)| first..=last)
            .into_iter()
            .collect();
        Self {
            fs,
            acknowledged: sink.next_seq(),
            sink,
            unconfirmed: Vec::new(),
            missing,
        }
    }

    /// Delivers `count` entries in one batch, until the sink takes them.
    pub(super) fn deliver(&mut self, count: u64) {
        let from = self.sink.next_seq();
        let lines: Vec<_> = (from..from + count).map(|seq| line(seq, time_of(seq))).collect();
        let entries: Vec<_> = (from..)
            .zip(&lines)
            .map(|(seq, line)| Entry::new(seq, time_of(seq), line))
            .collect();
        self.until_ok(|sink| sink.deliver(&entries).map(drop));
        assert_eq!(self.sink.next_seq(), from + count);
    }

    pub(super) fn flush(&mut self) {
        self.until_ok(Sink::flush);
        self.take_events();
        self.acknowledged = self.sink.next_seq();
    }

    pub(super) fn until_ok(&mut self, mut call: impl FnMut(&mut FileSink) -> Result<(), SinkError>) {
        for _ in 0..60 {
            // A sync that was begun before may have met an earlier fault.
            let is_late = self.sink.is_confirming();
            match call(&mut self.sink) {
                Ok(()) => return,
                Err(SinkError::Retry { cause, .. }) => assert!(is_late || self.fs.hit(), "{cause}"),
                Err(SinkError::Fatal { cause }) => panic!("{cause}"),
            }
        }
        panic!("the sink does not recover although the faults are over");
    }

    pub(super) fn take_events(&mut self) {
        for event in self.sink.take_events() {
            if let FileEvent::Unconfirmed { first, last } = event {
                self.unconfirmed.push(first..=last);
            }
        }
    }

    /// Asks the disk without waiting for it. What it says that is durable counts as acknowledged.
    pub(super) fn confirm_behind(&mut self) {
        let is_late = self.sink.is_confirming();
        if let Err(error) = self.sink.confirm_behind(true) {
            assert!(is_late || self.fs.hit(), "{error}");
        }
        self.take_events();
        self.acknowledged = self.acknowledged.max(self.sink.durable_seq());
    }

    /// One life of a trail: batches, flushes, a roll by size, by midnight and on demand.
    pub(super) fn live(&mut self) {
        for step in 0..8 {
            self.deliver(step % 3 + 1);
            self.flush();
        }
        self.deliver(40);
        self.confirm_behind();
        self.deliver(1);
        self.confirm_behind();
        self.flush();
        self.until_ok(|sink| sink.rotate().map(drop).map_err(SinkError::retry));
        self.deliver(30);
        self.flush();
    }

    fn excused(&self, seq: u64) -> bool {
        self.unconfirmed
            .iter()
            .chain(&self.missing)
            .any(|range| range.contains(&seq))
    }

    /// Reads the trail by the rule of docs/failure-modes.md and compares it with what was delivered.
    pub(super) fn check(&self, upto: u64, what: &str) {
        let found = read(&self.fs);
        for seq in 0..upto {
            match found.get(&seq) {
                Some(there) => assert!(
                    *there == line(seq, time_of(seq)) || self.excused(seq) && is_gap(there),
                    "{what}: line {seq} was changed"
                ),
                None => assert!(self.excused(seq), "{what}: line {seq} is lost"),
            }
        }
    }
}

/// Whether a line says that the one that had its number is lost.
pub(super) fn is_gap(line: &[u8]) -> bool {
    let value: serde_json::Value = serde_json::from_slice(line).unwrap();
    value["event"] == "audit.gap" && value["attributes"]["cause"] == "unconfirmed"
}

fn names_of(fs: &MemFs) -> Vec<SegmentName> {
    let mut names: Vec<_> = fs
        .names()
        .iter()
        .filter_map(|name| SegmentName::parse(name))
        .collect();
    names.sort_by_key(|name| (name.first_seq, name.date));
    names
}

pub(super) fn segments_of(fs: &MemFs) -> Vec<Vec<u8>> {
    names_of(fs)
        .iter()
        .map(|name| fs.get(&Path::new(HOME).join(name.to_string())))
        .collect()
}

/// The lines in the order of the segments, without those that are dead; a repetition is the same line.
pub(super) fn read(fs: &MemFs) -> BTreeMap<u64, Vec<u8>> {
    let mut found = BTreeMap::new();
    let names = names_of(fs);
    for (at, bytes) in segments_of(fs).into_iter().enumerate() {
        let limit = names.get(at + 1).map_or(u64::MAX, |next| next.first_seq);
        for text in bytes.split(|byte| *byte == b'\n') {
            let Ok(value) = serde_json::from_slice::<serde_json::Value>(text) else {
                continue;
            };
            let seq = value["seq"].as_u64().unwrap();
            if seq >= limit {
                continue;
            }
            if let Some(before) = found.insert(seq, text.to_vec()) {
                assert!(before == text, "two different lines have the number {seq}");
            }
        }
    }
    found
}

#[test]
fn a_power_failure_after_any_number_of_steps_keeps_what_was_confirmed() {
    for steps in 0..40 {
        let fs = MemFs::default();
        let mut caller = Caller::new(fs.clone());
        for step in 0..steps {
            caller.deliver(step % 5 + 1);
            if step % 3 == 0 {
                caller.flush();
            }
        }
        fs.crash();
        caller.check(caller.acknowledged, &format!("power failed after {steps} steps"));
        let acknowledged = caller.acknowledged;
        drop(caller);
        let mut next = Caller::new(fs.clone());
        assert!(next.sink.next_seq() >= acknowledged);
        next.live();
        next.check(next.acknowledged, "second life");
        assert!(next.missing.is_empty());
    }
}

#[test]
fn faults_and_power_failures_in_any_order_lose_nothing_that_was_acknowledged() {
    use rand::{RngExt as _, SeedableRng as _};
    for seed in 0..600_u64 {
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let fs = MemFs::default();
        let mut caller = Caller::new(fs.clone());
        let mut excused = Vec::new();
        for _ in 0..random.random_range(5..40) {
            match random.random_range(0..10) {
                0..5 => caller.deliver(random.random_range(0..20)),
                5 => caller.flush(),
                6 => caller.confirm_behind(),
                7..9 => {
                    let fault =
                        [Fault::Enospc, Fault::Eio, Fault::Short, Fault::Sync][random.random_range(0..4)];
                    fs.fail(random.random_range(1..12), random.random_range(1..6), fault);
                }
                _ => {
                    caller.take_events();
                    fs.crash();
                    caller.check(caller.acknowledged, &format!("seed {seed}"));
                    excused.append(&mut caller.unconfirmed);
                    excused.append(&mut caller.missing);
                    let acknowledged = caller.acknowledged;
                    drop(caller);
                    caller = Caller::new(fs.clone());
                    assert!(caller.sink.next_seq() >= acknowledged, "seed {seed}");
                    excused.append(&mut caller.missing);
                    caller.missing = excused.clone();
                }
            }
        }
        fs.heal();
        caller.flush();
        caller.check(caller.acknowledged, &format!("seed {seed}"));
    }
}

#[test]
fn the_power_can_fail_while_unconfirmed_lines_are_copied_and_no_number_is_left_out() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(3);
    caller.flush();
    caller.deliver(4);
    // The sync fails, the lines are copied, and the power goes before the copy is confirmed.
    fs.fail(1, 1_000, Fault::Sync);
    caller.sink.flush().unwrap_err();
    fs.heal();
    let end = caller.sink.next_seq();
    caller.sink.begin(time_of(end)).unwrap();
    assert_eq!(
        caller.sink.segment().unwrap().first_seq,
        3,
        "named by its first line"
    );
    let acknowledged = caller.acknowledged;
    drop(caller);
    fs.crash();
    let sink = open(&fs);
    let opened = sink.opened();
    assert_eq!((opened.next_seq, opened.missing), (acknowledged, None));
    drop(sink);
    let mut next = Caller::new(fs.clone());
    next.live();
    next.check(next.acknowledged, "a second life");
}

#[test]
fn lines_that_the_system_dropped_after_a_failed_sync_are_not_copied_but_named() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(2);
    caller.flush();
    caller.deliver(3);
    fs.fail(1, 20, Fault::Zeros);
    caller.sink.flush().unwrap_err();
    fs.heal();
    caller.flush();
    assert_eq!(caller.unconfirmed, [2..=4]);
    caller.deliver(1);
    caller.flush();
    caller.check(6, "after the zeros");
}

#[test]
fn a_torn_last_line_stays_is_named_and_the_next_segment_goes_on_behind_it() {
    let fs = MemFs::default();
    drop(open(&fs));
    let name = "audit-2026-11-21-00000000000000000000.jsonl";
    let path = Path::new(HOME).join(name);
    let whole = line(0, time_of(0));
    let mut bytes = whole.clone();
    bytes.extend_from_slice(b"\nnot a record\n\n{\"observed_at\":\"2026-11-21T23:5");
    fs.put(&path, &bytes);
    let mut sink = open(&fs);
    let opened = sink.opened().clone();
    assert_eq!((opened.next_seq, opened.clean, opened.first), (1, false, false));
    assert_eq!(opened.last_observed_at, Some(time_of(0)));
    let torn = opened.torn.unwrap();
    let behind = &bytes[whole.len() + 1..];
    assert_eq!(torn.segment.to_string(), name);
    assert_eq!(
        (torn.offset, torn.len),
        (whole.len() as u64 + 1, behind.len() as u64)
    );
    assert_eq!(torn.sha256_hex, sha256(behind));
    bytes.push(b'\n');
    assert!(
        fs.get(&path) == bytes,
        "the fragment was ended, and nothing else changed"
    );
    let next = line(1, time_of(1));
    sink.deliver(&[Entry::new(1, time_of(1), &next)]).unwrap();
    assert_eq!(sink.segment().unwrap().first_seq, 1);
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn a_segment_of_nothing_but_a_fragment_is_continued_behind_it() {
    let fs = MemFs::default();
    drop(open(&fs));
    let path = Path::new(HOME).join("audit-2026-11-21-00000000000000000000.jsonl");
    fs.put(&path, b"{\"ev");
    let mut sink = open(&fs);
    assert_eq!(sink.opened().next_seq, 0);
    let first = line(0, time_of(0));
    sink.deliver(&[Entry::new(0, time_of(0), &first)]).unwrap();
    assert_eq!(fs.get(&path), [b"{\"ev\n", first.as_slice(), b"\n"].concat());
}

#[test]
fn a_read_only_file_system_is_an_error_that_passes_when_it_is_writable_again() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(2);
    caller.flush();
    fs.fail(1, 1_000, Fault::Erofs);
    let next = line(2, time_of(2));
    let entry = [Entry::new(2, time_of(2), &next)];
    for _ in 0..10 {
        assert!(matches!(
            caller.sink.deliver(&entry),
            Err(SinkError::Retry { .. })
        ));
    }
    fs.heal();
    caller.sink.deliver(&entry).unwrap();
    caller.flush();
    caller.check(3, "after the read-only time");
    let rolls = fs.names().iter().filter(|name| name.ends_with(".jsonl")).count();
    assert_eq!(rolls, 2, "failing for long does not fill the directory");
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_with_the_remedy() {
    for nth in 1..40 {
        let fs = MemFs::default();
        fs.fail(nth, 1_000, Fault::Erofs);
        match builder(&fs).open() {
            Err(error) => {
                assert!(
                    matches!(error.kind(), ErrorKind::Config | ErrorKind::Io),
                    "{error:?}"
                );
                assert!(error.to_string().contains("/audit"), "{error}");
            }
            Ok(_) => {
                assert!(nth > 5, "opening makes more calls than {nth}");
                return;
            }
        }
    }
    panic!("opening never succeeds");
}

#[test]
fn a_directory_that_everybody_may_write_is_refused_with_the_remedy() {
    let fs = MemFs::default();
    drop(open(&fs));
    fs.dir_mode(0o777);
    let error: Error = builder(&fs).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("chmod o-w /audit"), "{error}");
}

#[test]
fn a_batch_is_appended_as_it_is_and_split_only_where_a_segment_ends() {
    let fs = MemFs::default();
    let mut sink = open(&fs);
    let mut batch = crate::format::Batch::default();
    for seq in 0..100 {
        batch.push(seq, time_of(seq), |bytes| {
            bytes.extend_from_slice(&line(seq, time_of(seq)))
        });
    }
    sink.append(&batch).unwrap();
    sink.append(&batch).unwrap();
    assert_eq!(sink.next_seq(), 100);
    let firsts: Vec<_> = sink
        .take_events()
        .into_iter()
        .map(|event| match event {
            FileEvent::Rolled { cause, opened, .. } => (cause, opened.first_seq),
            other => panic!("{other:?}"),
        })
        .collect();
    // 31 lines of 2,0xx bytes fill 64 KiB; midnight comes at entry 60.
    assert_eq!(
        firsts,
        [
            (RollCause::Size, 31),
            (RollCause::Midnight, 60),
            (RollCause::Size, 91)
        ]
    );
    assert_eq!(read(&fs).len(), 100);
}

#[test]
fn a_write_that_is_cut_short_before_a_newline_leaves_one_line_and_it_is_counted() {
    let fs = MemFs::default();
    let mut sink = open(&fs);
    let text = |seq: u64, pad: &str| format!("{{\"event\":\"e{pad}\",\"seq\":{seq}}}").into_bytes();
    // The second is two bytes shorter: the half of both, with their newlines, is the first without its own.
    let lines = [text(0, "xx"), text(1, "")];
    let entries = [0, 1].map(|at| Entry::new(at, START, &lines[at as usize]));
    // A segment that is there already, so that the first call is the write.
    sink.rotate().unwrap();
    fs.fail(1, 1, Fault::Short);
    sink.deliver(&entries).unwrap_err();
    assert!(fs.hit());
    assert_eq!(sink.next_seq(), 1, "the first stands there");
    sink.deliver(&entries).unwrap();
    sink.flush().unwrap();
    let found: Vec<u8> = segments_of(&fs).concat();
    let expected = [&lines[0][..], b"\n", &lines[1][..], b"\n"].concat();
    assert_eq!(
        String::from_utf8_lossy(&found),
        String::from_utf8_lossy(&expected)
    );
}
