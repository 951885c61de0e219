//! A process that fills a SQLite file beside its journal is killed, again and again, wherever it is then: the file is whole,
//! has no line twice and none that the journal has not, and in the end it has every one.
#![cfg(feature = "sqlite")]

#[path = "support/child.rs"]
mod child;
#[path = "support/torture.rs"]
mod torture;

use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::{Connection, OpenFlags};
use torture::{PATIENCE, scenario};
use tracing_audit::Audit;
use tracing_audit::record::Record;
use tracing_audit::sink::SqliteSink;
use tracing_audit::store::SqliteStore;
use tracing_audit::verify::{Anchor, verify_sqlite};

const TEST: &str = "a_process_that_is_killed_while_it_fills_a_sqlite_file_loses_no_row_and_has_none_twice";

/// So small that many a kill comes while a part is finished.
const PART: u64 = 40;

fn start(place: &Path) -> Audit {
    let sink = SqliteSink::open(place.join("audit.db")).unwrap();
    let builder = Audit::builder().directory(place.join("audit"));
    builder.sink(sink.part_records(PART)).start().unwrap()
}

fn record(n: u64) -> Record {
    let record = Record::builder("load.step").actor("user", format!("u-{}", n % 7));
    let record = record.summary(format!("step {n} of many"));
    record.attribute("n", n).build()
}

/// The child's side: from some record on it may be killed, and it goes on until it is.
fn write_on(until: u64) -> ! {
    let audit = start(&child::directory());
    for n in 0.. {
        let _ = audit.submit(record(n));
        // Some come together, so that a batch is more than one of them.
        if n % 16 == 0 {
            audit.emit(record(n)).unwrap();
        }
        if n == until {
            child::pass();
        }
    }
    unreachable!("there are numbers enough")
}

/// The lines of the file in their order, once it was found to be whole.
fn rows(path: &Path) -> Vec<String> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let whole: String = conn
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    let mut lines = conn.prepare("SELECT line FROM lines ORDER BY seq").unwrap();
    let lines = lines.query_map([], |row| row.get(0)).unwrap();
    lines.collect::<Result<_, _>>().unwrap()
}

/// The records of the journal: a kill can cut a write short, and what is left of that line is no record.
fn journal(place: &Path) -> Vec<String> {
    let mut lines = torture::journal(&place.join("audit"));
    lines.retain(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
    lines
}

#[test]
fn a_process_that_is_killed_while_it_fills_a_sqlite_file_loses_no_row_and_has_none_twice() {
    if let Some(until) = scenario() {
        write_on(until.parse().unwrap());
    }
    let is_full = std::env::var_os("TRACING_AUDIT_FULL").is_some();
    let kills = if is_full { 200 } else { 20 };
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let (mut behind, mut before) = (0, 0);
    for _ in 0..kills {
        let until = random.random_range(0..200_u64).to_string();
        let mut victim = child::halted(child::in_directory(TEST, &until, place.path()));
        victim.kill().unwrap();
        victim.wait().unwrap();
        let (rows, lines) = (rows(&path), journal(place.path()));
        // In order, without a hole: what the file has is how the journal begins.
        assert!(lines.starts_with(&rows), "{} rows", rows.len());
        assert!(rows.len() >= before, "{} rows after {before}", rows.len());
        behind += usize::from(rows.len() < lines.len());
        before = rows.len();
    }
    assert!(
        behind > kills / 4,
        "kills came while rows were under way: {behind}"
    );
    start(place.path()).shutdown(PATIENCE).unwrap();
    let lines = journal(place.path());
    assert_eq!(rows(&path), lines);
    let conn = Connection::open(&path).unwrap();
    let finished: i64 = conn
        .query_row("SELECT count(*) FROM parts WHERE finished", [], |row| row.get(0))
        .unwrap();
    assert!(finished > 1, "{finished} parts");
    let stream = place.path().join("audit/main");
    let notes = ["checkpoint", "checkpoint.unsigned"];
    let note = notes
        .iter()
        .find_map(|name| std::fs::read(stream.join(name)).ok());
    let anchors = Anchor::parse(&note.unwrap()).unwrap();
    let reports = verify_sqlite(&SqliteStore::read_only(&path).unwrap(), &anchors).unwrap();
    let findings: Vec<_> = reports.iter().flat_map(|report| &report.findings).collect();
    assert!(findings.is_empty(), "{findings:?}");
}
