//! Where the recovery says that a trail ends, and how it goes on there.

use std::path::{Path, PathBuf};

use super::fault_tests::{Caller, HOME, builder, line, open, read, time_of};
use super::memfs::{Fault, MemFs};
use super::*;

fn path(day: u32, first_seq: u64) -> PathBuf {
    Path::new(HOME).join(format!("audit-2026-11-{day}-{first_seq:020}.jsonl"))
}

fn lines(seqs: std::ops::Range<u64>) -> Vec<u8> {
    seqs.flat_map(|seq| [line(seq, time_of(seq)), b"\n".to_vec()].concat())
        .collect()
}

/// A disk with these segments, each by its day and first number.
fn with(segments: &[(u32, u64, Vec<u8>)]) -> MemFs {
    let fs = MemFs::default();
    drop(open(&fs));
    for (day, first_seq, bytes) in segments {
        fs.put(&path(*day, *first_seq), bytes);
    }
    fs
}

/// A stretch with a hole in the place of one of its lines.
fn holed(seqs: std::ops::Range<u64>, hole: u64) -> Vec<u8> {
    let mut bytes = lines(seqs.start..hole);
    bytes.extend(vec![0; 1_000]);
    bytes.extend(&lines(hole..hole + 1)[1_000..]);
    bytes.extend(lines(hole + 1..seqs.end));
    bytes
}

/// What a scan from a number finds: the numbers that it gives, and its answer.
fn scan(fs: &MemFs, from_seq: u64) -> (Vec<u64>, recover::Scan) {
    let mut given = Vec::new();
    let scan = recover::scan_forward(fs, Path::new(HOME), from_seq, &mut |seq, bytes| {
        assert!(bytes == line(seq, time_of(seq)), "the line as it stands there");
        given.push(seq);
    });
    (given, scan.unwrap())
}

#[test]
fn behind_a_hole_the_trail_goes_on_in_a_segment_named_by_the_number_that_is_missing() {
    let bytes = holed(0..9, 4);
    let fs = with(&[(21, 0, bytes.clone())]);
    let mut caller = Caller::new(fs.clone());
    let opened = caller.sink.opened().clone();
    assert_eq!((opened.next_seq, opened.clean, opened.missing), (4, false, None));
    assert_eq!(opened.last_observed_at, Some(time_of(3)));
    let torn = opened.torn.unwrap();
    let end = lines(0..4).len() as u64;
    assert_eq!((torn.offset, torn.len), (end, bytes.len() as u64 - end - 1));
    caller.deliver(3);
    caller.flush();
    assert_eq!(caller.sink.segment().unwrap().first_seq, 4);
    assert!(fs.get(&path(21, 0)) == bytes, "nothing is changed or cut off");
    assert_eq!(fs.get(&path(21, 4)), lines(4..7));
    drop(caller);
    let (given, scan) = scan(&fs, 0);
    assert_eq!((given, scan.next_seq), ((0..7).collect(), 7));
    assert_eq!((scan.torn, scan.missing), (None, vec![]));
}

#[test]
fn a_hole_at_the_first_line_of_a_segment_is_followed_by_one_of_the_same_number_and_a_later_day() {
    let dead = holed(3..8, 3);
    let fs = with(&[(20, 0, lines(0..3)), (21, 3, dead.clone())]);
    for _ in 0..2 {
        // The second time there is a segment of that number and a later day, with lines of its own.
        let mut caller = Caller::new(fs.clone());
        caller.deliver(2);
        caller.flush();
    }
    assert!(fs.get(&path(21, 3)) == dead);
    assert_eq!(fs.get(&path(22, 3)), lines(3..5));
    assert_eq!(fs.get(&path(21, 5)), lines(5..7));
    let (given, scan) = scan(&fs, 0);
    assert_eq!((given, scan.missing), ((0..7).collect(), vec![]));
}

#[test]
fn a_scan_from_a_number_gives_what_follows_it_across_segments_and_not_what_is_dead() {
    let fs = with(&[
        (20, 0, lines(0..6)),
        (21, 4, [b"\n".to_vec(), lines(4..9)].concat()),
        (22, 9, [lines(9..12), b"{\"seq\":12".to_vec()].concat()),
    ]);
    let (given, found) = scan(&fs, 0);
    assert_eq!((given, found.next_seq), ((0..12).collect(), 12));
    assert_eq!(found.last.map(|last| last.seq), Some(11));
    assert_eq!(found.torn.map(|region| region.len), Some(9));
    for from in [3, 5, 8, 9, 11, 12] {
        assert_eq!(scan(&fs, from).0, (from..12).collect::<Vec<_>>(), "from {from}");
    }
}

#[test]
fn a_hole_that_no_power_failure_leaves_is_told_and_does_not_end_the_trail() {
    let fs = with(&[(20, 0, holed(0..6, 2)), (21, 8, lines(8..10))]);
    let (given, found) = scan(&fs, 0);
    assert_eq!(given, [0, 1, 3, 4, 5, 8, 9]);
    assert_eq!((found.next_seq, found.missing), (10, vec![(2, 2), (6, 7)]));
    // Below the number that is known to be confirmed nothing ends the log either.
    let fs = with(&[(20, 0, holed(0..6, 2))]);
    assert_eq!((scan(&fs, 0).1.next_seq, scan(&fs, 4).1.next_seq), (2, 6));
}

#[test]
fn a_record_that_speaks_of_numbers_is_known_by_its_own() {
    let time = lock::rfc3339(time_of(0));
    let odd = |seq: u64| {
        format!(
            "{{\"attributes\":{{\"seq\":{}}},\"observed_at\":\"{time}\",\"seq\":{seq}}}\n",
            seq + 1
        )
        .into_bytes()
    };
    let fs = with(&[(21, 0, [odd(0), odd(2)].concat())]);
    let mut given = Vec::new();
    let scan = recover::scan_forward(&fs, Path::new(HOME), 0, &mut |seq, _| given.push(seq)).unwrap();
    assert_eq!((given, scan.next_seq), (vec![0], 1));
}

#[test]
fn where_the_disk_does_not_confirm_what_outlived_a_kill_the_start_fails_and_says_so() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(3);
    caller.flush();
    caller.deliver(4);
    drop(caller);
    fs.fail(1, 1_000, Fault::Sync);
    let error = builder(&fs).open().unwrap_err();
    assert!(error.to_string().contains("the disk did not confirm"), "{error}");
    fs.heal();
    // What an earlier life acknowledged does not depend on a copy.
    fs.crash();
    assert_eq!(read(&fs).len(), 3);
    assert_eq!(open(&fs).next_seq(), 3);
}

#[test]
fn lines_that_cannot_be_read_back_for_a_moment_are_not_given_up() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(2);
    caller.flush();
    caller.deliver(3);
    fs.fail(1, 1_000, Fault::Sync);
    caller.sink.flush().unwrap_err();
    for _ in 0..10 {
        fs.fail(1, 1_000, Fault::Eio);
        caller.sink.flush().unwrap_err();
    }
    fs.heal();
    caller.flush();
    assert!(caller.unconfirmed.is_empty(), "{:?}", caller.unconfirmed);
    fs.crash();
    caller.check(5, "after the crash");
}
