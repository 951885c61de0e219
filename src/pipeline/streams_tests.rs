//! Several streams on disks that fail apart: what happens to one holds no other up, and its callers are told.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tracing::{info, subscriber};

use super::{Audit, AuditBuilder, AuditedExt, Failure, State, Submitted};
use crate::config::{Mode, Stream};
use crate::error::ErrorKind;
use crate::format::read_line;
use crate::record::{Record, Slot};
use crate::sink::file::memfs::{Fault, MemFs};
use crate::stats::Stats;

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

/// So many calls in a row are for ever.
const EVER: u64 = 1 << 40;

fn event(name: &str) -> Record {
    Record::builder(name).actor("user", "u-1").build()
}

/// A trail whose events `side.*` go to a stream on a disk of its own.
fn builder(main: &MemFs, side: &MemFs) -> AuditBuilder {
    Audit::builder()
        .directory("/audit")
        .file_system(main)
        .file_system_of("side", side)
        .stream_beside(Stream::named("side"))
        .stream_of_event("side.*", "side")
        .keep_days(0)
        .diagnostics(|_| {})
}

/// The records in the segments of a stream, by event.
fn events(fs: &MemFs, stream: &str, event: &str) -> Vec<Record> {
    let home = Path::new("/audit").join(stream);
    let names = fs.names().into_iter().filter(|name| name.ends_with(".jsonl"));
    let bytes: Vec<u8> = names.flat_map(|name| fs.get(&home.join(name))).collect();
    let records = bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| read_line(line).ok());
    records.filter(|record| record.event() == event).collect()
}

#[track_caller]
fn identity(stats: &Stats, submitted: u64) {
    assert_eq!(stats.submitted(), submitted, "{stats:?}");
    let settled = stats.durable + stats.unconfirmed + stats.lost_taken;
    assert_eq!(stats.taken, settled, "{stats:?}");
    assert_eq!(stats.in_memory(), 0, "{stats:?}");
}

#[test]
fn a_disk_that_takes_nothing_holds_up_its_own_stream_and_no_other_and_its_callers_are_told() {
    for fault in [Fault::Enospc, Fault::Erofs, Fault::Eio, Fault::Eacces] {
        let (main, side) = (MemFs::default(), MemFs::default());
        let told_of = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told_of);
        let (failed, has_failed) = std::sync::mpsc::channel();
        let builder = builder(&main, &side).queue_records(16).room_timeout(SHORT);
        let builder = builder.on_failure(move |failure| {
            heard.lock().push(failure.clone());
            let _ = failed.send(());
        });
        let audit = builder.start().unwrap();
        audit.flush(LONG).unwrap();
        side.fail(0, EVER, fault);
        // Who emits there waits; who submits is told as soon as its queue is full.
        let waiting = std::thread::spawn({
            let audit = audit.clone();
            move || audit.emit(event("side.door"))
        });
        let full = (0..EVER)
            .find_map(|_| audit.submit(event("side.step")).err())
            .unwrap();
        assert_eq!(full.kind(), ErrorKind::Full, "{fault:?}");
        for _ in 0..50 {
            let receipt = audit.emit(event("load.step")).unwrap();
            assert_eq!(
                (receipt.state(), receipt.stream()),
                (State::Durable, audit.stream())
            );
        }
        // Its writer need not have come to it: the queue is full without it.
        has_failed.recv_timeout(LONG).unwrap();
        side.heal();
        let receipt = waiting.join().unwrap().unwrap();
        assert_eq!(receipt.stream(), Some(audit.streams()[1].id()));
        audit.flush(LONG).unwrap();
        audit.shutdown(LONG).unwrap();
        let told_of = told_of.lock();
        let is_named = |failure: &Failure| failure.message.starts_with("stream `side`: ");
        assert!(!told_of.is_empty() && told_of.iter().all(is_named), "{told_of:?}");
        let stats = audit.stats();
        identity(&stats, stats.submitted());
        assert_eq!((stats.durable, stats.rejected_full), (stats.taken, 1));
        assert_eq!(events(&main, "main", "load.step").len(), 50);
        assert_eq!(events(&side, "side", "side.door").len(), 1);
        for (fs, stream) in [(&main, "main"), (&side, "side")] {
            assert_eq!(events(fs, stream, "audit.close").len(), 1, "{stream}, {fault:?}");
        }
    }
}

#[test]
fn what_is_lost_on_the_way_to_a_stream_is_a_gap_there_and_what_was_never_complete_one_in_the_main_stream() {
    let (main, side) = (MemFs::default(), MemFs::default());
    let builder = builder(&main, &side)
        .queue_records(16)
        .mode(Mode::Lossy)
        .require_actor(true);
    let audit = builder.start().unwrap();
    audit.flush(LONG).unwrap();
    side.fail(0, EVER, Fault::Enospc);
    let mut sent = 0;
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        while audit.stats().lost_full < 7 {
            info!(target: "audit", event = "side.step", actor.id = "u-1");
            sent += 1;
        }
        info!(target: "audit", event = "side.step");
        sent += 1;
    });
    side.heal();
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    let gaps = |fs: &MemFs, stream: &str| -> Vec<(u64, String)> {
        let lost = |gap: &Record, name: &str| gap.attribute(name).cloned().unwrap();
        let gaps = events(fs, stream, "audit.gap");
        gaps.iter()
            .map(|gap| {
                let cause = lost(gap, "cause").as_str().unwrap().to_owned();
                (lost(gap, "lost").as_u64().unwrap(), cause)
            })
            .collect()
    };
    let in_side: u64 = gaps(&side, "side").iter().map(|(lost, _)| lost).sum();
    assert_eq!(in_side, audit.stats().lost_full);
    assert_eq!(gaps(&main, "main"), [(1, "actor_required".to_owned())]);
    let stats = audit.stats();
    identity(&stats, sent);
    assert_eq!(stats.gap_recorded, stats.lost());
    let [of_main, of_side] = audit.streams().try_into().unwrap();
    assert_eq!((of_main.stats().lost_full, of_side.stats().lost_policy), (0, 0));
}

#[test]
fn a_trail_that_cannot_open_one_of_its_streams_does_not_start_and_leaves_the_others_free() {
    let (main, side) = (MemFs::default(), MemFs::default());
    side.fail(0, EVER, Fault::Eacces);
    let error = builder(&main, &side).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(
        error.to_string().contains("could not look at `/audit`"),
        "{error}"
    );
    side.heal();
    let audit = builder(&main, &side).start().unwrap();
    audit.shutdown(LONG).unwrap();
    assert_eq!(events(&main, "main", "audit.open").len(), 1);
}

#[test]
fn an_end_that_one_stream_cannot_have_in_time_is_an_error_and_the_others_have_theirs() {
    let (main, side) = (MemFs::default(), MemFs::default());
    let audit = builder(&main, &side).start().unwrap();
    audit.flush(LONG).unwrap();
    side.fail(0, EVER, Fault::Enospc);
    assert_eq!(audit.submit(event("side.step")).unwrap(), Submitted::Queued);
    assert_eq!(audit.submit(event("load.step")).unwrap(), Submitted::Queued);
    audit.streams()[0].rotate().unwrap();
    let error = audit.shutdown(SHORT * 10).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("stream `side`: "), "{error}");
    // It says the same when it is asked again.
    let error = audit.shutdown(LONG).unwrap_err();
    assert!(error.to_string().contains("1 records"), "{error}");
    let stats = audit.stats();
    assert_eq!(
        (stats.submitted(), stats.durable, stats.in_memory()),
        (2, 1, 0),
        "{stats:?}"
    );
    assert_eq!(events(&main, "main", "audit.close").len(), 1);
    assert_eq!(events(&main, "main", "load.step").len(), 1);
}

/// What a caller was told is durable: the stream's number, the record's number there, and what it says.
type Acknowledged = Vec<(usize, u64, u64)>;

/// A life over two disks, of which either or both fail at some calls and for a while. Every call to a disk that does not fail
/// must succeed.
fn live(random: &mut impl rand::RngExt, disks: [&MemFs; 2], from: u64) -> Acknowledged {
    const FAULTS: [Fault; 6] = [
        Fault::Enospc,
        Fault::Eio,
        Fault::Erofs,
        Fault::Short,
        Fault::Sync,
        Fault::Zeros,
    ];
    let audit = builder(disks[0], disks[1]).commit_timeout(LONG).start().unwrap();
    let failing = random.random_range(0..3_usize);
    for (at, fs) in disks.iter().enumerate() {
        if failing == at || failing == 2 {
            let (nth, count) = (random.random_range(0..40), random.random_range(1..6));
            fs.fail(nth, count, FAULTS[random.random_range(0..FAULTS.len())]);
        }
    }
    let mut acknowledged = Acknowledged::new();
    for n in from..from + 40 {
        let stream = random.random_range(0..2_usize);
        let record = Record::builder(["load.step", "side.step"][stream]).actor("user", "u-1");
        let record = record.attribute("n", n).build();
        match random.random_range(0..8) {
            0 => drop(audit.rotate()),
            1 => drop(audit.streams()[stream].cleanup()),
            2..5 => drop(audit.submit(record).unwrap()),
            _ => match audit.emit(record) {
                Ok(receipt) => {
                    assert_eq!(receipt.stream(), Some(audit.streams()[stream].id()));
                    acknowledged.push((stream, receipt.seq().unwrap(), n));
                }
                Err(error) => assert!(failing == 2 || failing == stream, "{error}"),
            },
        }
    }
    disks.iter().for_each(|fs| fs.heal());
    audit.shutdown(LONG).unwrap();
    let stats = audit.stats();
    let settled = stats.durable + stats.unconfirmed;
    assert_eq!(
        (stats.taken, stats.in_memory(), stats.lost()),
        (settled, 0, 0),
        "{stats:?}"
    );
    disks.iter().for_each(|fs| fs.crash());
    acknowledged
}

#[test]
fn whichever_disk_fails_what_was_acknowledged_stands_in_its_stream_and_the_other_stream_never_fails() {
    use rand::SeedableRng as _;
    let one = std::env::var("TRACING_AUDIT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seeds: Vec<u64> = one.map_or_else(|| (0..25).collect(), |seed| vec![seed]);
    for seed in seeds {
        let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed);
        let (main, side) = (MemFs::default(), MemFs::default());
        let mut acknowledged = Acknowledged::new();
        println!("seed {seed}");
        for life in 0..2 {
            acknowledged.extend(live(&mut random, [&main, &side], life * 40));
        }
        for (stream, fs, name, event) in [(0, &main, "main", "load.step"), (1, &side, "side", "side.step")] {
            let there = events(fs, name, event);
            for (_, seq, n) in acknowledged.iter().filter(|(of, ..)| *of == stream) {
                let is_it = |record: &&Record| {
                    let said = record.attribute("n").and_then(|n| n.as_u64());
                    said == Some(*n) && record.uint(Slot::Seq) == Some(*seq)
                };
                assert!(
                    there.iter().any(|record| is_it(&record)),
                    "seed {seed}: {name} has lost {n} at {seq}"
                );
            }
        }
    }
}
