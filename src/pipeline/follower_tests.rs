//! Followers of a journal whose disk fails: what they are given, and what their cursors say.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Audit, AuditBuilder};
use crate::error::ErrorKind;
use crate::format::{Entry, SegmentName};
use crate::record::Record;
use crate::sink::file::memfs::{Fault, MemFs};
use crate::sink::{Accepted, MemorySink, Sink, SinkError};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

/// Keeps what it is given, as one that has it still after the process has ended.
#[derive(Debug, Clone)]
struct Keeps(MemorySink);

impl Sink for Keeps {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        self.0.deliver(batch)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn name(&self) -> &str {
        "keeps"
    }
}

fn builder(fs: &MemFs, kept: &MemorySink) -> AuditBuilder {
    let builder = Audit::builder().directory("/audit").file_system(fs);
    let builder = builder.keep_days(0).diagnostics(|_| {});
    builder.sink(Keeps(kept.clone()))
}

fn record(n: u64) -> Record {
    let record = Record::builder("load.step").actor("user", "u-1");
    record.attribute("n", n).build()
}

fn next(fs: &MemFs) -> u64 {
    let text = fs.get(Path::new("/audit/main/cursors/keeps"));
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    value["next"].as_u64().unwrap()
}

#[test]
fn through_failed_syncs_with_copies_a_follower_is_given_each_entry_once_in_order() {
    let (fs, kept) = (MemFs::default(), MemorySink::new());
    let audit = builder(&fs, &kept).start().unwrap();
    let mut n = 0;
    for fault in [Fault::Sync, Fault::Short, Fault::Eio, Fault::Sync, Fault::Enospc] {
        for calls in [2, 12] {
            for _ in 0..20 {
                audit.submit(record(n)).unwrap();
                n += 1;
            }
            fs.fail(0, calls, fault);
            audit.emit(record(n)).unwrap();
            n += 1;
        }
    }
    fs.heal();
    audit.flush(LONG).unwrap();
    let entries = kept.entries();
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.seq()).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<u64>>());
    let steps = kept
        .records()
        .into_iter()
        .filter(|record| record.event() == "load.step");
    let told: Vec<u64> = steps
        .map(|record| record.attribute("n").unwrap().as_u64().unwrap())
        .collect();
    assert_eq!(told, (0..n).collect::<Vec<u64>>());
    let stats = audit.stats();
    assert!(stats.sync_errors + stats.write_errors > 0, "{stats:?}");
    let copied = kept
        .records()
        .iter()
        .any(|record| record.attribute("copied").is_some());
    assert!(copied, "lines were copied into the next segment");
    assert_eq!(next(&fs), entries.len() as u64);
    assert_eq!((stats.sinks[0].waiting, stats.sinks[0].missed), (0, 0));
    audit.shutdown(LONG).unwrap();
    assert_eq!(next(&fs), kept.len() as u64);
}

#[test]
fn a_follower_whose_cursor_cannot_be_written_is_given_nothing_more_and_a_flush_says_why() {
    let (fs, kept) = (MemFs::default(), MemorySink::new());
    let audit = builder(&fs, &kept).start().unwrap();
    audit.flush(LONG).unwrap();
    let begun = next(&fs);
    // Nothing else of the trail fails.
    fs.block(Path::new("/audit/main/cursors/.keeps"));
    audit.emit(record(0)).unwrap();
    let error = audit.flush(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink, "{error}");
    assert!(
        error.to_string().contains("could not write the cursor"),
        "{error}"
    );
    let taken = kept.len();
    audit.emit(record(1)).unwrap();
    assert_eq!(audit.flush(SHORT).unwrap_err().kind(), ErrorKind::Sink);
    assert_eq!(
        kept.len(),
        taken,
        "one batch, and no other before the cursor has moved"
    );
    assert_eq!(next(&fs), begun);
    assert!(audit.stats().sinks[0].waiting > 0);
    fs.unblock();
    audit.flush(LONG).unwrap();
    assert_eq!(next(&fs), kept.len() as u64);
    audit.shutdown(LONG).unwrap();
}

/// Takes nothing.
#[derive(Debug)]
struct Refuses;

impl Sink for Refuses {
    fn deliver(&mut self, _: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        Err(SinkError::retry("not now"))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn name(&self) -> &str {
        "keeps"
    }
}

/// A trail of three segments, of which the first went before the sink had taken its entries. Gives how many these are.
fn trail_that_lacks_its_begin() -> (MemFs, u64) {
    let fs = MemFs::default();
    let builder = Audit::builder().directory("/audit").file_system(&fs);
    let audit = builder.keep_days(0).diagnostics(|_| {}).start().unwrap();
    for n in 0..2 {
        audit.emit(record(n)).unwrap();
        audit.rotate().unwrap();
    }
    let stream = audit.stream().unwrap().to_owned();
    audit.shutdown(LONG).unwrap();
    let text = format!("{{\"next\":0,\"schema\":1,\"sink\":\"keeps\",\"stream\":\"{stream}\"}}\n");
    fs.put(Path::new("/audit/main/cursors/keeps"), text.as_bytes());
    let names = segments(&fs);
    fs.delete(&Path::new("/audit/main").join(&names[0]));
    let missed = SegmentName::parse(&names[1]).unwrap().first_seq;
    (fs, missed)
}

fn segments(fs: &MemFs) -> Vec<String> {
    let mut names = fs.names();
    names.retain(|name| name.ends_with(".jsonl"));
    names.sort();
    names
}

/// The gap records that count what the sink missed, each once.
fn gaps(fs: &MemFs) -> BTreeMap<u64, u64> {
    let read = |name: String| fs.get(&Path::new("/audit/main").join(name));
    let bytes: Vec<u8> = segments(fs).into_iter().flat_map(read).collect();
    let lines = bytes.split(|byte| *byte == b'\n');
    let values = lines.filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
    let gaps = values.filter(|value| value["attributes"]["cause"] == "not_kept");
    gaps.map(|gap| {
        (
            gap["seq"].as_u64().unwrap(),
            gap["attributes"]["lost"].as_u64().unwrap(),
        )
    })
    .collect()
}

#[track_caller]
fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "it does not come");
        std::thread::yield_now();
    }
}

#[test]
fn what_a_sink_missed_that_takes_nothing_is_counted_once_also_where_its_record_is_removed_before_a_start() {
    let (fs, missed) = trail_that_lacks_its_begin();
    let start = || {
        let builder = Audit::builder().directory("/audit").file_system(&fs);
        let builder = builder.keep_days(0).diagnostics(|_| {});
        builder.sink(Refuses).start().unwrap()
    };
    let audit = start();
    until(|| !gaps(&fs).is_empty());
    audit.emit(record(2)).unwrap();
    let stated = gaps(&fs);
    assert_eq!(stated.values().sum::<u64>(), missed);
    let cursor = || String::from_utf8(fs.get(Path::new("/audit/main/cursors/keeps"))).unwrap();
    until(|| !cursor().contains("missed"));
    assert_eq!(next(&fs), missed);
    audit.rotate().unwrap();
    let _behind = audit.shutdown(LONG);
    // As retention does, where it need not wait for the sink.
    let names = segments(&fs);
    let (_, older) = names.split_last().unwrap();
    for name in older {
        fs.delete(&Path::new("/audit/main").join(name));
    }
    let end = SegmentName::parse(names.last().unwrap()).unwrap().first_seq;
    let audit = start();
    until(|| !gaps(&fs).is_empty());
    let _behind = audit.shutdown(LONG);
    assert_eq!(gaps(&fs).values().sum::<u64>(), end - missed, "it was told again");
}

#[test]
fn a_record_of_what_a_sink_missed_that_the_disk_lost_is_written_again() {
    let (fs, missed) = trail_that_lacks_its_begin();
    let kept = MemorySink::new();
    let builder = builder(&fs, &kept).commit_interval(Duration::from_secs(10));
    let audit = builder.start().unwrap();
    until(|| !gaps(&fs).is_empty());
    // The first sync of the trail loses that record.
    fs.fail(0, 1 << 40, Fault::Zeros);
    let emit = {
        let audit = audit.clone();
        std::thread::spawn(move || audit.emit(record(2)))
    };
    until(|| audit.stats().sync_errors > 0);
    fs.heal();
    let _in_doubt = emit.join().unwrap();
    // Entries were missed, which is what a flush says.
    let _missed = audit.flush(LONG);
    let _missed = audit.flush(LONG);
    assert_eq!(gaps(&fs).values().sum::<u64>(), missed);
    let _missed = audit.shutdown(LONG);
    assert_eq!(gaps(&fs).values().sum::<u64>(), missed);
}
