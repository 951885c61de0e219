//! A process that is killed while four threads write to two streams: what was acknowledged is in its stream, once.
//!
//! Usually 20 kills, with `TRACING_AUDIT_FULL` 300.

#![cfg(unix)]

#[path = "support/child.rs"]
mod child;
#[path = "support/faults.rs"]
mod faults;
#[path = "support/torture.rs"]
mod torture;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use child::{directory, in_directory};
use faults::{Acknowledged, Dice, Key, THREADS, Writing, acknowledge, live, rounds};
use torture::scenario;
use tracing_audit::config::Stream;
use tracing_audit::record::Record;
use tracing_audit::verify::{Options, Outcome, verify};
use tracing_audit::{Audit, State};

/// Every other thread writes to the stream beside the main one.
fn event(thread: u64) -> &'static str {
    if thread.is_multiple_of(2) {
        "fault.step"
    } else {
        "side.step"
    }
}

fn start(directory: &Path) -> tracing_audit::Result<Audit> {
    let builder = Audit::builder().directory(directory).diagnostics(|_| {});
    let builder = builder.stream_beside(Stream::named("side"));
    builder.stream_of_event("side.*", "side").start()
}

/// The child's side: four threads that emit for ever.
fn write(directory: &Path) {
    let audit = start(directory).expect("it starts");
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            let audit = &audit;
            threads.spawn(move || {
                for n in 0_u64.. {
                    let record = Record::builder(event(thread)).actor("user", "u");
                    let record = record.attribute("thread", thread).attribute("n", n);
                    if let Ok(receipt) = audit.emit(record.build())
                        && receipt.state() == State::Durable
                    {
                        acknowledge((thread, n), receipt.seq().expect("it has a place"));
                    }
                }
            });
        }
    });
}

/// What stands in a stream of the child's records, each with its place.
fn found(directory: &Path, stream: &str) -> BTreeMap<Key, u64> {
    let lines = live(&directory.join(stream)).unwrap_or_else(|why| panic!("{stream}: {why}"));
    let mut found = BTreeMap::new();
    for (seq, line) in lines.iter().enumerate() {
        let attributes = &line["attributes"];
        let Some(key) = attributes["thread"].as_u64().zip(attributes["n"].as_u64()) else {
            continue;
        };
        assert_eq!(line["event"], event(key.0), "{key:?} stands in {stream}");
        assert!(found.insert(key, seq as u64).is_none(), "{key:?} is there twice");
    }
    found
}

fn survives(directory: &Path, acknowledged: &Acknowledged) {
    let audit = start(directory).expect("it goes on");
    audit
        .emit(Record::builder("side.again").actor("user", "u").build())
        .expect("it takes more");
    audit.shutdown(Duration::from_secs(60)).expect("it ends");
    let streams = [found(directory, "main"), found(directory, "side")];
    for (key, seq) in acknowledged {
        let there = streams[usize::from(key.0 % 2 == 1)].get(key);
        assert_eq!(there, Some(seq), "{key:?} was acknowledged");
    }
    let report = verify(directory, &Options::new()).expect("it can be read");
    assert_eq!(report.streams.len(), 2);
    assert_eq!(report.outcome(), Outcome::Verified, "{report:?}");
}

#[test]
fn a_kill_takes_nothing_that_was_acknowledged_from_any_of_two_streams() {
    let test = "a_kill_takes_nothing_that_was_acknowledged_from_any_of_two_streams";
    if scenario().is_some() {
        return write(&directory());
    }
    let mut dice = Dice(20_261_122);
    let (mut all, kills) = (0, rounds(300, 20, 5));
    for _ in 0..kills {
        let place = tempfile::tempdir().expect("there is room for a directory");
        let writing = Writing::start(in_directory(test, "write", place.path()));
        writing.until_it_writes();
        std::thread::sleep(Duration::from_millis(dice.below(200)));
        let acknowledged = writing.kill();
        survives(place.path(), &acknowledged);
        all += acknowledged.len();
    }
    println!("{kills} kills, {all} records acknowledged, none lost");
    assert!(all > kills, "the children hardly wrote: {all} records");
}
