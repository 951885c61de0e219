//! The file sink over a file system whose every call fails in turn, with each error, once and many times: appending,
//! rolling, opening, removing.

use super::fault_tests::{Caller, builder, read, segments_of, time_of};
use super::memfs::{Fault, MemFs};
use super::*;

/// Runs one life with `count` failing calls from the `nth` on; `false` when the life makes fewer calls.
fn life(fault: Fault, nth: u64, count: u64) -> bool {
    let what = format!("{fault:?} at call {nth}, {count} times");
    let fs = MemFs::default();
    fs.fail(nth, count, fault);
    let mut caller = Caller::new(fs.clone());
    caller.live();
    let hit = fs.hit();
    fs.heal();
    let end = caller.sink.next_seq();
    caller.check(end, &what);
    assert_eq!(read(&fs).len() as u64, end, "{what}");

    if matches!(fault, Fault::Short) {
        // The newline behind a fragment is the very next call: one fault leaves none open.
        let open = segments_of(&fs)
            .into_iter()
            .filter(|bytes| bytes.last().is_some_and(|last| *last != b'\n'));
        assert!(count > 1 || open.count() == 0, "{what}: a fragment was not ended");
    }
    fs.crash();
    caller.check(caller.acknowledged, &format!("{what}, then the power failed"));
    let unconfirmed = std::mem::take(&mut caller.unconfirmed);
    drop(caller);

    let mut next = Caller::new(fs.clone());
    next.unconfirmed = unconfirmed;
    next.live();
    next.check(next.acknowledged, &format!("{what}, then a second life"));
    hit
}

fn every_call(fault: Fault) {
    every_call_of(fault, &[1, 2, 5, 30]);
}

fn every_call_of(fault: Fault, counts: &[u64]) {
    for &count in counts {
        let calls = (1..2000).take_while(|nth| life(fault, *nth, count)).count();
        assert!(calls > 60, "only {calls} calls were tried");
    }
}

/// T003-41.
#[test]
fn a_full_disk_at_any_call_loses_no_acknowledged_line_and_writes_none_twice() {
    every_call(Fault::Enospc);
}

#[test]
fn an_io_error_at_any_call_loses_no_acknowledged_line_and_writes_none_twice() {
    every_call(Fault::Eio);
}

#[test]
fn a_quota_a_limit_of_files_a_missing_right_or_a_signal_at_any_call_loses_no_acknowledged_line() {
    for fault in [
        Fault::Edquot,
        Fault::Emfile,
        Fault::Eacces,
        Fault::Eintr,
        Fault::Erofs,
    ] {
        every_call_of(fault, &[1]);
    }
}

#[test]
fn a_short_write_at_any_call_loses_no_acknowledged_line_and_writes_none_twice() {
    every_call(Fault::Short);
}

#[test]
fn a_failed_sync_at_any_call_loses_no_acknowledged_line_when_the_power_fails() {
    every_call(Fault::Sync);
}

/// A trail of many segments that keeps three, opened where it was killed, with `count` failing calls from the `nth` on.
fn removal(fault: Fault, nth: u64, count: u64) -> bool {
    let what = format!("{fault:?} at call {nth}, {count} times");
    let fs = MemFs::default();
    let sink = builder(&fs).keep_segments(3).open().unwrap();
    let mut caller = Caller::with(fs.clone(), sink);
    for _ in 0..2 {
        caller.deliver(3);
        caller.flush();
        caller.until_ok(|sink| sink.rotate().map(drop).map_err(SinkError::retry));
    }
    fs.fail(nth, count, fault);
    for _ in 0..3 {
        caller.deliver(3);
        caller.flush();
        caller.until_ok(|sink| sink.rotate().map(drop).map_err(SinkError::retry));
    }
    let hit = fs.hit();
    fs.heal();
    caller.deliver(1);
    caller.flush();
    caller.until_ok(|sink| sink.cleanup().map(drop).map_err(SinkError::retry));
    let end = caller.sink.next_seq();
    let held = read(&fs);
    let first = held.keys().next().copied().unwrap();
    assert_eq!(held.len() as u64, end - first, "{what}: a hole in the middle");
    let names = fs
        .names()
        .iter()
        .filter(|name| SegmentName::parse(name).is_some())
        .count();
    assert!(names <= 4, "{what}: {names} segments");
    assert!(first > 0, "{what}: nothing was removed");
    let last = Entry::new(end, time_of(end), b"{}");
    caller.sink.deliver(&[last]).unwrap();
    hit
}

#[test]
fn any_error_at_any_call_while_segments_are_removed_leaves_a_trail_without_a_hole() {
    for fault in Fault::ALL {
        for count in [1, 3, 10] {
            let calls = (1..1000).take_while(|nth| removal(fault, *nth, count)).count();
            assert!(calls > 30, "only {calls} calls were tried");
        }
    }
}
