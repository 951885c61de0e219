//! One OTLP sink behind several streams: each stream's numbers are its own, and so is what the collector refuses of it.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/otlp.rs"]
mod otlp;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use collector::{Call, Collector, Reply};
use otlp::Held;
use serde_json::Value;
use tracing_audit::config::Stream;
use tracing_audit::format::segments;
use tracing_audit::record::Record;
use tracing_audit::sink::OtlpSink;
use tracing_audit::{Audit, SinkStats};

const LONG: Duration = Duration::from_secs(60);

/// Where a record stands: its stream's id and its number there.
type Place = (String, u64);

/// Each line of the streams by its place.
fn on_disk(dir: &Path) -> BTreeMap<Place, Value> {
    let mut lines = BTreeMap::new();
    for stream in ["main", "side"] {
        for segment in segments(&dir.join(stream)).unwrap() {
            let text = std::fs::read(segment.path).unwrap();
            for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let value: Value = serde_json::from_slice(line).unwrap();
                let place = (
                    value["stream"].as_str().unwrap().to_owned(),
                    value["seq"].as_u64().unwrap(),
                );
                lines.insert(place, value);
            }
        }
    }
    lines
}

/// A trail with `count` records in each of two streams, every tenth of them bad, to a collector that answers like this.
/// Gives back what stands on the disk, what arrived, and what is told of the sink.
fn run(
    count: u64,
    answer: impl FnMut(&Call) -> (bool, Reply) + Send + 'static,
) -> (BTreeMap<Place, Value>, Vec<Held>, SinkStats) {
    let collector = Collector::start(answer);
    let dir = tempfile::tempdir().unwrap();
    let sink = OtlpSink::builder().endpoint(collector.url()).batch_records(8);
    let sink = sink
        .timeout(Duration::from_millis(400))
        .build_with(|_| None)
        .unwrap();
    let audit = Audit::builder()
        .directory(dir.path())
        .diagnostics(|_| {})
        .stream_beside(Stream::named("side"))
        .stream_of_event("*.side", "side")
        .sink(sink)
        .start()
        .unwrap();
    for n in 0..count {
        let kind = if n % 10 == 3 { "bad" } else { "good" };
        // The main stream is ahead by far when the other one begins.
        audit
            .submit(Record::builder(format!("{kind}.main")).actor("user", "u").build())
            .unwrap();
        if n == count / 2 {
            let _what_was_refused_so_far = audit.flush(LONG);
        }
        if n >= count / 2 {
            audit
                .submit(Record::builder(format!("{kind}.side")).actor("user", "u").build())
                .unwrap();
        }
    }
    let _what_was_refused = audit.flush(LONG);
    let _what_was_refused = audit.shutdown(LONG);
    let stats = audit.stats().sinks.remove(0);
    (on_disk(dir.path()), collector.took(), stats)
}

fn places(took: &[Held]) -> Vec<Place> {
    let stream = |held: &Held| serde_json::from_slice::<Value>(&held.line()).unwrap()["stream"].clone();
    took.iter()
        .map(|held| (stream(held).as_str().unwrap().to_owned(), held.seq()))
        .collect()
}

#[test]
fn every_record_of_both_streams_arrives_once_and_in_order() {
    let (lines, took, stats) = run(100, |_| (true, Reply::ok()));
    let arrived = places(&took);
    assert_eq!(arrived.len(), lines.len(), "each arrives once");
    for stream in lines.keys().map(|(stream, _)| stream).collect::<BTreeSet<_>>() {
        let numbers: Vec<u64> = arrived
            .iter()
            .filter(|(of, _)| of == stream)
            .map(|(_, seq)| *seq)
            .collect();
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "{stream}");
    }
    assert_eq!((stats.accepted, stats.refused), (lines.len() as u64, 0));
}

#[test]
fn what_the_collector_refuses_of_one_stream_is_stated_there_and_all_else_arrives() {
    let is_bad = |held: &Held| held.record.event_name.starts_with("bad.");
    let mut calls = 0;
    let (lines, took, stats) = run(100, move |call: &Call| {
        calls += 1;
        if calls % 7 == 0 {
            return (false, Reply::status(503));
        }
        if call.records.iter().any(is_bad) {
            return (false, Reply::status(400));
        }
        (true, Reply::ok())
    });
    let event = |value: &Value| value["event"].as_str().unwrap().to_owned();
    let wanted: BTreeSet<&Place> = lines
        .iter()
        .filter(|(_, value)| !event(value).starts_with("bad."))
        .map(|(place, _)| place)
        .collect();
    let arrived = places(&took);
    assert_eq!(arrived.iter().collect::<BTreeSet<_>>(), wanted);
    for stream in lines.keys().map(|(stream, _)| stream).collect::<BTreeSet<_>>() {
        let of = |(place, value): (&Place, &Value)| (place.0 == *stream).then(|| value.clone());
        let own: Vec<Value> = lines.iter().filter_map(of).collect();
        let bad = own
            .iter()
            .filter(|value| event(value).starts_with("bad."))
            .count() as u64;
        let stated = own.iter().filter(|value| event(value) == "audit.refused");
        let stated: u64 = stated
            .map(|value| value["attributes"]["refused"].as_u64().unwrap())
            .sum();
        assert!(bad > 0);
        assert_eq!(stated, bad, "of {stream}");
    }
    assert_eq!(stats.refused, 15);
    assert_eq!(stats.accepted, wanted.len() as u64);
}
