//! A trail's entries as they come back from elsewhere: out of a SQLite file, and out of what a collector received, read by a
//! decoder that is not ours.

use tracing_audit::Query;
use tracing_audit::format::{Entry, read_line};
use tracing_audit::record::{Record, Slot};
use tracing_audit::sink::{MemorySink, OtlpSink, Sink, SqliteSink};
use tracing_audit::store::{Direction, List, SqliteStore, Store as _};

use crate::collector::Collector;

/// What the trail did not write about itself, oldest first, by the place that it comes back from.
pub(crate) fn elsewhere(trail: &MemorySink) -> [(&'static str, Vec<Record>); 2] {
    let owned = trail.entries();
    let entries: Vec<_> = owned
        .iter()
        .map(|entry| Entry::new(entry.seq(), entry.observed_at(), entry.line()))
        .collect();
    assert!(!entries.is_empty());
    [("SQLite", sqlite(&entries)), ("OTLP", otlp(&entries))].map(|(place, mut records)| {
        assert_eq!(records.len(), entries.len(), "{place}");
        records.retain(|record| record.text(Slot::Category) != Some("audit"));
        (place, records)
    })
}

fn deliver(mut sink: impl Sink, entries: &[Entry<'_>]) {
    let accepted = sink.deliver(entries).unwrap();
    assert_eq!(accepted.refused(), 0);
    sink.flush().unwrap();
}

fn sqlite(entries: &[Entry<'_>]) -> Vec<Record> {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    deliver(SqliteSink::open(&path).unwrap(), entries);
    let list = List::default().direction(Direction::OldestFirst).limit(0);
    let store = SqliteStore::read_only(&path).unwrap();
    let page = store.list(&Query::all(), &list).unwrap();
    assert_eq!(page.findings, []);
    page.records.into_iter().map(|stored| stored.record).collect()
}

fn otlp(entries: &[Entry<'_>]) -> Vec<Record> {
    let collector = Collector::good();
    let sink = OtlpSink::builder().endpoint(collector.url());
    deliver(sink.build_with(|_| None).unwrap(), entries);
    let took = collector.took();
    took.iter().map(|held| read_line(&held.line()).unwrap()).collect()
}
