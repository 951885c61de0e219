//! Ends that come too late, and disks that do not confirm: every record is in exactly one place, and nobody is told more
//! than is true.

use std::time::Duration;

use tracing::{info, subscriber};

use super::{Audit, AuditBuilder, AuditedExt};
use crate::config::Part;
use crate::error::ErrorKind;
use crate::record::Record;
use crate::sink::file::memfs::{Fault, MemFs};
use crate::stats::Stats;

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

/// So many calls in a row are for ever.
const EVER: u64 = 1 << 40;

fn record() -> Record {
    Record::builder("load.step").actor("user", "u-1").build()
}

fn builder(fs: &MemFs) -> AuditBuilder {
    let builder = Audit::builder().directory("/audit").file_system(fs);
    builder.keep_days(0).diagnostics(|_| {})
}

/// What the docs of `Stats` say of a trail that rests or has ended.
#[track_caller]
fn identity(stats: &Stats, submitted: u64) {
    assert_eq!(stats.submitted(), submitted, "{stats:?}");
    let places = stats.taken + stats.in_queue + stats.rejected() + stats.lost() - stats.lost_taken;
    assert_eq!(places, submitted, "{stats:?}");
    let settled = stats.durable + stats.unconfirmed + stats.lost_taken;
    assert_eq!(stats.taken, settled, "{stats:?}");
    assert_eq!(stats.in_memory(), 0, "{stats:?}");
}

/// The lines in all segments.
fn lines(fs: &MemFs) -> Vec<String> {
    let names = fs.names().into_iter().filter(|name| name.ends_with(".jsonl"));
    let read = |name: String| fs.get(&std::path::Path::new("/audit/main").join(name));
    let bytes: Vec<u8> = names.flat_map(read).collect();
    let text = String::from_utf8_lossy(&bytes);
    text.lines()
        .filter(|line| line.starts_with('{'))
        .map(str::to_owned)
        .collect()
}

fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

#[test]
fn a_shutdown_while_the_disk_takes_nothing_counts_each_record_once() {
    let fs = MemFs::default();
    let audit = builder(&fs).queue_records(64).start().unwrap();
    audit.submit(record()).unwrap();
    audit.flush(LONG).unwrap();
    fs.fail(0, EVER, Fault::Enospc);
    let (mut submitted, mut refused) = (1, 0);
    // Some are taken into a batch that the disk does not take, the others stay in the queue.
    while refused < 3 {
        submitted += 1;
        refused += u64::from(audit.submit(record()).is_err());
    }
    until(|| audit.stats().write_errors > 0);
    let error = audit.shutdown(SHORT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    // The writer may still be at its last step; the second call waits for it, and says what it left.
    let again = audit.shutdown(LONG).unwrap_err();
    let stats = audit.stats();
    identity(&stats, submitted);
    assert_eq!((stats.durable, stats.rejected()), (1, refused));
    assert!(stats.lost_taken > 0, "{stats:?}");
    assert_eq!(stats.lost(), submitted - 1 - refused);
    assert_eq!(stats.gap_recorded, 0, "the gap could not be written");
    let expected = format!(
        "the audit trail ended with {} records that could not be written or confirmed; check the disk",
        stats.lost()
    );
    assert_eq!(again.to_string(), expected);
    assert_eq!(audit.flush(LONG).unwrap_err().to_string(), expected);
    assert_eq!(audit.stats(), stats, "and counts nothing twice");
}

#[test]
fn a_shutdown_while_the_disk_does_not_confirm_leaves_records_in_doubt_and_says_so() {
    let fs = MemFs::default();
    let audit = builder(&fs).start().unwrap();
    audit.flush(LONG).unwrap();
    fs.fail(0, EVER, Fault::Sync);
    let emit = {
        let audit = audit.clone();
        std::thread::spawn(move || audit.emit(record()))
    };
    until(|| audit.stats().sync_errors > 0);
    let error = audit.shutdown(SHORT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let error = emit.join().unwrap().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Closed | ErrorKind::Io),
        "{error}"
    );
    let stats = audit.stats();
    identity(&stats, 1);
    assert_eq!((stats.durable, stats.lost()), (0, 0), "{stats:?}");
    assert_eq!(stats.unconfirmed, 1, "it may be in the file or not");
}

#[test]
fn a_late_shutdown_that_can_still_write_says_in_a_gap_what_it_left() {
    let fs = MemFs::default();
    let audit = builder(&fs).queue_records(64).start().unwrap();
    audit.flush(LONG).unwrap();
    fs.fail(0, EVER, Fault::Eio);
    let mut submitted = 0;
    until(|| {
        submitted += 1;
        audit.submit(record()).is_err()
    });
    until(|| audit.stats().write_errors > 0);
    let ends = {
        let audit = audit.clone();
        std::thread::spawn(move || audit.shutdown(Duration::ZERO))
    };
    fs.heal();
    let _ = ends.join().unwrap();
    let answer = audit.shutdown(LONG);
    let stats = audit.stats();
    identity(&stats, submitted);
    // The disk came back before or after the last look at it: what it took is durable, the rest was told.
    assert_eq!(stats.lost() > 0, answer.is_err(), "{stats:?}");
    let gap = lines(&fs)
        .into_iter()
        .find(|line| line.contains("shutdown_timeout"));
    assert_eq!(gap.is_some(), stats.gap_recorded > 0, "{stats:?}");
    if let Some(gap) = gap {
        assert!(gap.contains(&format!("\"lost\":{}", stats.gap_recorded)), "{gap}");
        assert_eq!(stats.gap_recorded, stats.lost_write);
    }
}

#[test]
fn a_loss_is_called_recorded_only_once_the_disk_has_confirmed_its_gap() {
    let fs = MemFs::default();
    let builder = builder(&fs).require_actor(true);
    let audit = builder.commit_interval(SHORT).start().unwrap();
    audit.flush(LONG).unwrap();
    fs.fail(0, EVER, Fault::Sync);
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        info!(target: "audit", event = "document.read");
    });
    until(|| audit.stats().sync_errors > 0);
    let stats = audit.stats();
    assert_eq!((stats.lost_policy, stats.gap_recorded), (1, 0), "{stats:?}");
    fs.heal();
    audit.flush(LONG).unwrap();
    assert_eq!(audit.stats().gap_recorded, 1);
    audit.shutdown(LONG).unwrap();
    assert_eq!(audit.stats().gap_recorded, 1);
    identity(&audit.stats(), 1);
}

#[test]
fn what_the_disk_lost_is_not_acknowledged_and_a_gap_among_it_is_written_again() {
    let fs = MemFs::default();
    let builder = builder(&fs).require_actor(true);
    let audit = builder.commit_interval(LONG / 3).start().unwrap();
    audit.flush(LONG).unwrap();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        info!(target: "audit", event = "document.read");
    });
    until(|| lines(&fs).iter().any(|line| line.contains("audit.gap")));
    // The next sync fails, and what it should have written reads as zeros from then on.
    fs.fail_one_sync(Fault::Zeros);
    let emit = {
        let audit = audit.clone();
        std::thread::spawn(move || audit.emit(record()))
    };
    let error = emit.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(error.to_string().contains("did not confirm"), "{error}");
    audit.shutdown(LONG).unwrap();
    let stats = audit.stats();
    identity(&stats, 2);
    assert_eq!((stats.unconfirmed, stats.durable), (1, 0), "{stats:?}");
    let lines = lines(&fs);
    let found = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!(
        found("actor_required"),
        1,
        "the first one is zeros now: {lines:?}"
    );
    assert_eq!(found("\"event\":\"audit.degraded\""), 1, "{lines:?}");
    assert_eq!(
        found("\"seq\":2"),
        1,
        "a gap record has the number of the record: {lines:?}"
    );
    assert_eq!(stats.gap_recorded, 1);
}

#[test]
fn while_the_disk_takes_nothing_records_wait_and_follow_in_order_and_it_is_said_twice() {
    let fs = MemFs::default();
    let told = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let sentences = std::sync::Arc::clone(&told);
    let builder = builder(&fs).diagnostics(move |sentence| sentences.lock().push(sentence.to_owned()));
    let audit = builder.start().unwrap();
    audit.flush(LONG).unwrap();
    fs.fail(0, EVER, Fault::Enospc);
    for n in 0..100_u64 {
        let record = Record::builder("load.step").attribute("n", n).build();
        audit.submit(record).unwrap();
    }
    until(|| audit.stats().write_errors > 1);
    let error = audit.flush(SHORT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        error
            .to_string()
            .starts_with("100 audit records were not durable after 50ms"),
        "{error}"
    );
    fs.heal();
    assert_eq!(audit.flush(LONG).unwrap().durable, 100);
    audit.shutdown(LONG).unwrap();
    identity(&audit.stats(), 100);
    let lines = lines(&fs);
    let order: Vec<u64> = lines
        .iter()
        .filter_map(|line| {
            crate::format::read_line(line.as_bytes())
                .unwrap()
                .attribute("n")?
                .as_u64()
        })
        .collect();
    assert_eq!(order, (0..100).collect::<Vec<_>>());
    let told = told.lock();
    let [begin, end] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert!(
        begin.contains("cannot be written; records wait in memory"),
        "{begin}"
    );
    assert_eq!(end, "the audit journal can be written again");
}

#[test]
fn a_wait_for_the_disk_that_expires_loses_nothing_and_says_how_many_wait() {
    let fs = MemFs::default();
    let builder = builder(&fs).commit_timeout(SHORT);
    let audit = builder.mode(crate::config::Mode::Durable).start().unwrap();
    audit.flush(LONG).unwrap();
    fs.fail(0, EVER, Fault::Sync);
    let error = audit.emit(record()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        // It blocks for as long, and returns.
        info!(target: "audit", event = "load.step", actor.id = "u-1");
    });
    let error = audit.flush(SHORT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        error.to_string().starts_with("2 audit records were not durable"),
        "{error}"
    );
    fs.heal();
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    identity(&audit.stats(), 2);
    assert_eq!(audit.stats().durable + audit.stats().unconfirmed, 2);
}

#[test]
fn a_sync_that_fails_while_nobody_waits_keeps_no_later_record_from_the_disk() {
    let fs = MemFs::default();
    let audit = builder(&fs).commit_interval(SHORT).start().unwrap();
    audit.flush(LONG).unwrap();
    fs.fail(0, EVER, Fault::Sync);
    audit.submit(record()).unwrap();
    // The disk is asked beside the writing: there is no batch, and nobody whose wait would have it asked again.
    until(|| audit.stats().sync_errors > 0);
    fs.heal();
    audit.submit(record()).unwrap();
    let deadline = std::time::Instant::now() + LONG;
    until(|| {
        let stats = audit.stats();
        let is_late = std::time::Instant::now() > deadline;
        assert!(!is_late, "the writer takes nothing any more: {stats:?}");
        stats.durable + stats.unconfirmed == 2
    });
    audit.shutdown(LONG).unwrap();
    identity(&audit.stats(), 2);
}

#[test]
fn a_pause_that_ends_with_the_trail_while_the_disk_takes_nothing_still_says_what_it_left_out() {
    let fs = MemFs::default();
    let audit = builder(&fs).start().unwrap();
    audit.pause_part(Part::event("load.other"), "a test").unwrap();
    let other = Record::builder("load.other").actor("user", "u-1").build();
    audit.submit(other).unwrap();
    fs.fail(0, EVER, Fault::Enospc);
    audit.submit(record()).unwrap();
    until(|| audit.stats().write_errors > 0);
    let ends = {
        let audit = audit.clone();
        std::thread::spawn(move || audit.shutdown(LONG))
    };
    // The end has been asked for, and cannot come.
    until(|| audit.paused().is_empty());
    let errors = audit.stats().write_errors;
    until(|| audit.stats().write_errors > errors + 1);
    fs.heal();
    ends.join().unwrap().unwrap();
    let lines = lines(&fs);
    let seq = |event: &str| {
        let line = lines.iter().find(|line| line.contains(event)).expect(event);
        crate::format::seq_of(line.as_bytes())
    };
    let resume = lines.iter().find(|line| line.contains("\"audit.resume\""));
    assert!(
        resume.is_some_and(|line| line.contains("\"left_out\":1")),
        "{lines:?}"
    );
    assert!(seq("\"audit.resume\"") < seq("\"audit.close\""));
    assert_eq!(audit.stats().in_memory(), 0);
}

#[test]
fn no_line_is_shorter_than_what_the_bound_of_a_kill_assumes() {
    let fs = MemFs::default();
    let id = uuid::Uuid::nil();
    let audit = builder(&fs).service("s").host("h").stream("m").start().unwrap();
    // As little as a record can say.
    audit.emit(Record::builder("e").id(id).build()).unwrap();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        info!(target: "audit", event = "e");
    });
    audit.shutdown(LONG).unwrap();
    let path = audit.path().unwrap().to_owned();
    let names = fs.names().into_iter().filter(|name| name.ends_with(".jsonl"));
    let bytes: Vec<u8> = names.flat_map(|name| fs.get(&path.join(name))).collect();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.lines().count(), 4);
    for line in text.lines() {
        assert!(line.len() + 1 >= super::writer::SHORTEST_LINE, "{line}");
    }
}

#[test]
fn what_is_lost_of_a_batch_that_was_written_in_part_is_not_counted_as_durable() {
    let fs = MemFs::default();
    // Nothing but the writer uses the disk.
    let audit = builder(&fs).sealed(false).start().unwrap();
    audit.flush(LONG).unwrap();
    // The writer waits for the disk, so that it takes what follows together.
    fs.hold();
    let emit = {
        let audit = audit.clone();
        std::thread::spawn(move || audit.emit(record()))
    };
    fs.until_held();
    for _ in 0..100 {
        audit.submit(record()).unwrap();
    }
    fs.fail(0, EVER, Fault::Short);
    fs.release();
    emit.join().unwrap().unwrap();
    // A part of them stands in a segment that can be neither confirmed nor read, until it is given up.
    until(|| audit.stats().write_errors > 0);
    until(|| {
        let _ = audit.rotate();
        audit.stats().write_errors > 6
    });
    fs.heal();
    // The rest waits for its next try, while the segment that takes it begins.
    audit.rotate().unwrap();
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    let lines = lines(&fs);
    let lost = lines
        .iter()
        .filter(|line| line.contains("\"unconfirmed\"") && line.contains("audit.gap"));
    let stats = audit.stats();
    identity(&stats, 101);
    assert_eq!(stats.unconfirmed, lost.count() as u64, "{stats:?}");
    assert!(stats.unconfirmed > 0, "{stats:?}");
}
