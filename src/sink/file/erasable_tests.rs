//! The side table on a disk that fails: what is confirmed has its rows, whatever happened in between.

use std::path::Path;

use super::memfs::{Fault, MemFs};
use super::{FileSink, FileSinkBuilder};
use crate::format::{Batch, Row};
use crate::sink::Sink as _;

const TIME: u64 = 1_795_000_000_000_000_000;

fn builder(fs: &MemFs) -> FileSinkBuilder {
    FileSink::builder("/t").sealed(false).in_memory(fs)
}

/// A batch of one line, whose record has one erasable value.
fn batch(seq: u64, subject: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push(seq, TIME, |out| {
        out.extend_from_slice(format!("{{\"event\":\"e\",\"seq\":{seq}}}").as_bytes());
    });
    let row = Row {
        field: "attributes.email".to_owned(),
        id: uuid::Uuid::from_u128(u128::from(seq)),
        seq,
        salt: [1; 32],
        subject: subject.to_owned(),
        value: format!("\"value-{seq}\"").into_bytes(),
    };
    let mut lines = Vec::new();
    row.write(&mut lines);
    batch.push_rows(seq, lines);
    batch
}

/// The table's files.
fn files(fs: &MemFs) -> Vec<String> {
    let names = fs.names().into_iter();
    let is_rows = |name: &String| name.starts_with("rows-") || name.starts_with(".new-");
    names
        .filter(is_rows)
        .map(|name| format!("/t/main/erasable/{name}"))
        .collect()
}

/// The bytes of the table's files, as the disk has them.
fn table(fs: &MemFs) -> String {
    let bytes: Vec<u8> = files(fs)
        .iter()
        .flat_map(|name| fs.get(Path::new(name)))
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn write(sink: &mut FileSink, batch: &Batch) {
    for _ in 0..8 {
        if sink.append(batch).is_ok() && sink.flush().is_ok() {
            return;
        }
    }
    panic!("the disk was healed and still refuses");
}

#[test]
fn whatever_call_fails_a_confirmed_line_has_its_row_after_a_power_failure() {
    for fault in [Fault::Eio, Fault::Short, Fault::Sync, Fault::Zeros] {
        for nth in 0..60 {
            let fs = MemFs::default();
            let mut sink = builder(&fs).open().unwrap();
            write(&mut sink, &batch(0, "a"));
            fs.fail(nth, 1, fault);
            for seq in 1..4 {
                write(&mut sink, &batch(seq, "a"));
            }
            fs.heal();
            assert_eq!(sink.durable_seq(), 4, "{fault:?} {nth}");
            fs.crash();
            let rows = table(&fs);
            for seq in 0..4 {
                assert!(
                    rows.contains(&format!("\"value-{seq}\"")),
                    "{fault:?} {nth}: {seq} is not in {rows}"
                );
            }
        }
    }
}

#[test]
fn a_line_whose_row_the_disk_did_not_confirm_is_not_durable() {
    let fs = MemFs::default();
    let mut sink = builder(&fs).open().unwrap();
    write(&mut sink, &batch(0, "a"));
    sink.append(&batch(1, "a")).unwrap();
    // The first call of the flush is the sync of the rows.
    fs.fail(1, 1, Fault::Eio);
    assert!(sink.flush().is_err());
    assert_eq!(sink.durable_seq(), 1);
    fs.heal();
    sink.flush().unwrap();
    assert_eq!(sink.durable_seq(), 2);
}

#[test]
fn an_erasure_that_is_cut_short_by_any_call_can_be_repeated_and_harms_nobody_else() {
    for nth in 0..40 {
        let fs = MemFs::default();
        let mut sink = builder(&fs).open().unwrap();
        for seq in 0..4 {
            write(&mut sink, &batch(seq, if seq % 2 == 0 { "gone" } else { "kept" }));
        }
        fs.fail(nth, 1, Fault::Eio);
        let first = sink.erase("gone");
        let was_hit = fs.hit();
        fs.heal();
        assert!(first.is_ok() || was_hit, "{nth}");
        sink.erase("gone").unwrap();
        fs.crash();
        let rows = table(&fs);
        for (seq, is_kept) in [(0, false), (1, true), (2, false), (3, true)] {
            assert_eq!(
                rows.contains(&format!("\"value-{seq}\"")),
                is_kept,
                "{nth}: {seq} in {rows}"
            );
        }
    }
}

#[test]
fn the_table_goes_on_in_another_file_when_one_is_full() {
    let fs = MemFs::default();
    let mut sink = builder(&fs).open().unwrap();
    for seq in 0..3 {
        write(&mut sink, &batch(seq, "a"));
        sink.fill_table();
    }
    assert_eq!(files(&fs).len(), 3);
    assert_eq!(sink.erase("a").unwrap().values, 3);
    assert_eq!(files(&fs).len(), 0);
}

#[test]
fn the_rows_of_removed_records_go_also_where_a_stop_came_between() {
    let is_cut = |nth: u64| {
        let fs = MemFs::default();
        let kept = || builder(&fs).keep_days(0).keep_segments(1);
        let mut sink = kept().open().unwrap();
        for seq in 0..3 {
            write(&mut sink, &batch(seq, "a"));
        }
        // From here on every call fails, as for a process that was killed.
        fs.fail(nth, 1 << 40, Fault::Eio);
        let _ = sink.rotate();
        let was_hit = fs.hit();
        drop(sink);
        fs.heal();
        let mut sink = kept().open().unwrap();
        write(&mut sink, &batch(3, "a"));
        sink.rotate().unwrap();
        sink.cleanup().unwrap();
        let (rows, removed) = (table(&fs), fs.names_in(Path::new("/t/main")));
        let first = removed
            .iter()
            .filter_map(|name| crate::format::SegmentName::parse(name))
            .map(|name| name.first_seq)
            .min();
        for seq in 0..first.unwrap_or(0) {
            assert!(
                !rows.contains(&format!("\"value-{seq}\"")),
                "{nth}: {seq} in {rows}"
            );
        }
        assert!(first > Some(0), "{nth}: nothing was removed");
        was_hit
    };
    let calls = (1..400).take_while(|nth| is_cut(*nth)).count();
    assert!(calls > 10, "only {calls} calls were tried");
}
