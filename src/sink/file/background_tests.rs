//! Syncs, most of all those beside the writing: what they confirm, and what becomes of it when they fail.

use super::fault_tests::{Caller, builder, line, open, read, time_of};
use super::memfs::{Fault, MemFs};
use super::*;

/// A caller with four acknowledged lines, and a sync of three further ones that is held before it ends. It fails if
/// `fault` says so. Two more lines are written behind it.
fn held(fault: Option<Fault>) -> (MemFs, Caller) {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(4);
    caller.flush();
    caller.deliver(3);
    if let Some(fault) = fault {
        fs.fail(1, 1_000, fault);
    }
    fs.hold();
    caller.confirm_behind();
    fs.until_held();
    fs.heal();
    caller.deliver(2);
    assert!(caller.sink.is_confirming());
    assert_eq!(
        caller.sink.durable_seq(),
        4,
        "a sync that has not ended confirms nothing"
    );
    (fs, caller)
}

/// Runs `call` while another thread lets the sync end.
fn meanwhile<T>(fs: &MemFs, call: impl FnOnce() -> T) -> T {
    std::thread::scope(|scope| {
        scope.spawn(|| fs.release());
        call()
    })
}

#[test]
fn what_is_written_while_a_sync_runs_is_not_taken_for_confirmed() {
    let (fs, mut caller) = held(None);
    fs.release();
    while caller.sink.is_confirming() {
        caller.sink.confirm_behind(false).unwrap();
    }
    assert_eq!(caller.sink.durable_seq(), 7);
    caller.acknowledged = 7;
    fs.crash();
    assert_eq!(
        read(&fs).len(),
        7,
        "the disk has what the sync was begun for, and no more"
    );
    caller.check(7, "after the crash");
}

#[test]
fn a_power_failure_while_a_sync_runs_takes_nothing_that_was_acknowledged() {
    let (fs, caller) = held(None);
    fs.crash();
    caller.check(caller.acknowledged, "after the crash");
    drop(caller);
    fs.release();
    assert_eq!(open(&fs).next_seq(), 4);
}

#[test]
fn a_sync_that_fails_beside_the_writing_is_final_for_its_segment() {
    let (fs, mut caller) = held(Some(Fault::Sync));
    let segment = caller.sink.segment();
    let error = meanwhile(&fs, || caller.sink.flush()).unwrap_err();
    assert!(error.to_string().contains("did not confirm"), "{error}");
    assert_eq!(caller.sink.durable_seq(), 4);
    caller.flush();
    assert_eq!((caller.acknowledged, caller.sink.durable_seq()), (9, 9));
    assert_ne!(
        caller.sink.segment(),
        segment,
        "nothing follows in the segment that failed"
    );
    fs.crash();
    caller.check(9, "after the crash");
}

#[test]
fn a_failed_sync_is_told_to_who_asks_without_waiting_too() {
    let (fs, mut caller) = held(Some(Fault::Zeros));
    fs.release();
    let error = loop {
        match caller.sink.confirm_behind(false) {
            Ok(()) => assert!(caller.sink.is_confirming()),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SinkError::Retry { .. }), "{error}");
    assert_eq!(caller.sink.durable_seq(), 4);
    // What the system dropped reads as zeros: it is named, and nothing behind it is.
    caller.flush();
    assert_eq!(caller.unconfirmed, [4..=8]);
    caller.deliver(1);
    caller.flush();
    fs.crash();
    caller.check(10, "after the crash");
}

#[test]
fn a_segment_does_not_end_before_the_sync_that_is_under_way() {
    let (fs, mut caller) = held(None);
    meanwhile(&fs, || caller.sink.rotate()).unwrap();
    assert!(!caller.sink.is_confirming());
    assert_eq!(caller.sink.durable_seq(), 9);
    fs.crash();
    caller.check(9, "after the crash");

    let (fs, mut caller) = held(Some(Fault::Sync));
    meanwhile(&fs, || caller.sink.rotate()).unwrap();
    let events = caller.sink.take_events();
    let copied = events.iter().find_map(|event| match event {
        FileEvent::Rolled { copied, .. } => *copied,
        _ => None,
    });
    assert_eq!(
        copied,
        Some((4, 8)),
        "what was not confirmed stands in the next segment"
    );
    assert_eq!(caller.sink.durable_seq(), 4);
    caller.flush();
    fs.crash();
    caller.check(9, "after the crash");
}

#[test]
fn a_write_that_fails_beside_a_sync_that_fails_loses_and_doubles_nothing() {
    for fault in [Fault::Short, Fault::Enospc, Fault::Eio] {
        let (fs, mut caller) = held(Some(Fault::Sync));
        fs.fail(1, 1, fault);
        let entries: Vec<_> = (9..12).map(|seq| line(seq, time_of(seq))).collect();
        let entries: Vec<_> = (9..)
            .zip(&entries)
            .map(|(seq, line)| Entry::new(seq, time_of(seq), line))
            .collect();
        meanwhile(&fs, || caller.sink.deliver(&entries)).unwrap_err();
        caller.until_ok(|sink| sink.deliver(&entries).map(drop));
        caller.flush();
        assert_eq!(read(&fs).len(), 12, "{fault:?}");
        fs.crash();
        caller.check(12, "after the crash");
    }
}

#[test]
fn a_dropped_sink_does_not_wait_for_its_sync_and_frees_its_directory() {
    let (fs, caller) = held(None);
    drop(caller);
    fs.release();
    assert_eq!(open(&fs).next_seq(), 9);
}

/// A sink whose segments are large, with `count` lines of two kilobytes.
fn large(count: u64) -> (MemFs, Caller) {
    let fs = MemFs::default();
    let sink = builder(&fs).segment_bytes(1 << 30).open().unwrap();
    let mut caller = Caller::with(fs.clone(), sink);
    for _ in 0..count / 40 {
        caller.deliver(40);
    }
    (fs, caller)
}

#[test]
fn a_sync_begins_by_itself_when_much_waits_for_it_and_what_is_on_disk_is_let_go_of() {
    let (fs, mut caller) = large(40);
    caller.sink.confirm_behind(false).unwrap();
    assert!(!caller.sink.is_confirming(), "little waits, and nothing is due");
    for _ in 0..20 {
        for _ in 0..30 {
            caller.deliver(40);
        }
        caller.sink.confirm_behind(false).unwrap();
    }
    caller.flush();
    assert!(fs.syncs() > 3 && fs.syncs() < 15, "{} syncs", fs.syncs());
    for _ in 0..2 {
        caller.sink.rotate().unwrap();
        caller.deliver(1);
        caller.flush();
    }
    drop(caller.sink);
    // The last step of a segment may be smaller than what is worth telling.
    let whole: u64 = 20 * 30 * 40 * 2_000;
    fs.until_forgotten(whole - 8 * 1024 * 1024);
    assert_eq!(read(&fs).len(), 24_042);
}

#[test]
fn with_much_unconfirmed_the_writer_waits_for_the_disk() {
    // Midnight is behind: no segment ends here.
    let (fs, mut caller) = large(80);
    fs.hold();
    caller.confirm_behind();
    fs.until_held();
    for _ in 0..450 {
        caller.deliver(40);
    }
    meanwhile(&fs, || caller.sink.confirm_behind(false)).unwrap();
    assert!(
        caller.sink.durable_seq() >= 80,
        "the answer of the first sync was waited for"
    );
    caller.flush();
}

#[test]
fn a_flush_without_anything_new_does_not_touch_the_disk() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(1);
    caller.flush();
    let before = fs.syncs();
    caller.flush();
    caller.flush();
    assert_eq!(fs.syncs(), before);
}

#[test]
fn lines_that_outlive_a_kill_are_confirmed_before_new_ones_follow() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(3);
    drop(caller);
    let mut next = Caller::new(fs.clone());
    assert_eq!(next.sink.next_seq(), 3);
    next.deliver(1);
    next.flush();
    fs.crash();
    next.check(4, "killed, restarted, then the power failed");
}
