//! A collector that misbehaves, in every way of the table in `docs/opentelemetry.md`: what becomes of every record.

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

use collector::{Call, Collector, Reply, protobuf};
use otlp::Held;
use tracing_audit::format::segments;
use tracing_audit::record::Record;
use tracing_audit::sink::OtlpSink;
use tracing_audit::sink::otlp::OtlpBuilder;
use tracing_audit::{Audit, ErrorKind, SinkStats, State};

const LONG: Duration = Duration::from_secs(60);

fn sink(url: &str) -> OtlpBuilder {
    let builder = OtlpSink::builder().endpoint(url).batch_records(16);
    builder.timeout(Duration::from_millis(400))
}

fn trail(place: &Path, sink: OtlpBuilder) -> Audit {
    let sink = sink.build_with(|_| None).unwrap();
    let builder = Audit::builder().directory(place).diagnostics(|_| {});
    builder.sink(sink).start().unwrap()
}

/// Has the sink take everything, and ends the trail. That records were refused is an error of the flush that says so.
fn settle(audit: &Audit, refused: u64) {
    let flushed = audit.flush(LONG);
    match (refused, flushed) {
        (0, flushed) => drop(flushed.unwrap()),
        (refused, flushed) => {
            let said = flushed.unwrap_err().to_string();
            assert!(said.contains(&format!("refused {refused} ")), "{said}");
        }
    }
    let _told_of_refused_control_records = audit.shutdown(LONG);
}

fn record(event: &str, n: u64) -> Record {
    Record::builder(event)
        .actor("user", "alice")
        .attribute("n", n)
        .build()
}

/// Each line of the trail by its number.
fn on_disk(place: &Path) -> BTreeMap<u64, Vec<u8>> {
    let mut lines = BTreeMap::new();
    for segment in segments(&place.join("main")).unwrap() {
        let text = std::fs::read(segment.path).unwrap();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let value: serde_json::Value = serde_json::from_slice(line).unwrap();
            lines.insert(value["seq"].as_u64().unwrap(), line.to_vec());
        }
    }
    lines
}

fn event(line: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(line).unwrap();
    value["event"].as_str().unwrap().to_owned()
}

fn is_bad(held: &Held) -> bool {
    held.record.event_name.starts_with("bad.")
}

fn has_bad(call: &Call) -> bool {
    call.records.iter().any(is_bad)
}

/// Every line arrived at least once, unchanged, and in order by its first arrival, but for those that were refused. Gives
/// back how many came more than once.
fn arrived(lines: &BTreeMap<u64, Vec<u8>>, took: &[Held], refused: &BTreeSet<u64>) -> usize {
    let mut seen = BTreeSet::new();
    let mut due = lines.keys().copied().filter(|seq| !refused.contains(seq));
    let mut again = 0;
    for held in took {
        let seq = held.seq();
        assert_eq!(
            String::from_utf8_lossy(&held.line()),
            String::from_utf8_lossy(&lines[&seq]),
            "what arrived is what was recorded"
        );
        if seen.insert(seq) {
            assert_eq!(due.next(), Some(seq), "in order, and none skipped");
        } else {
            again += 1;
        }
    }
    assert_eq!(due.next(), None, "every record arrives");
    again
}

/// What came of a trail whose collector answers like this.
struct Came {
    lines: BTreeMap<u64, Vec<u8>>,
    took: Vec<Held>,
    stats: SinkStats,
    /// How many records came more than once.
    again: usize,
}

impl Came {
    fn refused(&self) -> BTreeSet<u64> {
        let is_bad = |(seq, line): (&u64, &Vec<u8>)| event(line).starts_with("bad.").then_some(*seq);
        self.lines.iter().filter_map(is_bad).collect()
    }

    /// How many records the trail says were refused.
    fn stated(&self) -> u64 {
        let stated = self.lines.values().filter(|line| event(line) == "audit.refused");
        stated
            .map(|line| {
                let value: serde_json::Value = serde_json::from_slice(line).unwrap();
                assert_eq!(value["attributes"]["sink"], "otlp");
                value["attributes"]["refused"].as_u64().unwrap()
            })
            .sum()
    }
}

/// A trail of 60 records, of which the 7th, 20th, 21st and 60th are bad, to a collector that answers like this.
fn run(refused: u64, answer: impl FnMut(&Call) -> (bool, Reply) + Send + 'static) -> Came {
    let collector = Collector::start(answer);
    let place = tempfile::tempdir().unwrap();
    let audit = trail(place.path(), sink(&collector.url()));
    for n in 1..=60 {
        let name = if matches!(n, 7 | 20 | 21 | 60) {
            "bad.step"
        } else {
            "good.step"
        };
        audit.submit(record(name, n)).unwrap();
    }
    settle(&audit, refused);
    let stats = audit.stats().sinks.remove(0);
    assert!(!stats.failed);
    assert_eq!((stats.missed, stats.waiting), (0, 0));
    let mut came = Came {
        lines: on_disk(place.path()),
        took: collector.took(),
        stats,
        again: 0,
    };
    let refused = if came.stats.refused > 0 {
        came.refused()
    } else {
        BTreeSet::new()
    };
    came.again = arrived(&came.lines, &came.took, &refused);
    assert_eq!(came.stats.refused, refused.len() as u64);
    assert_eq!(came.stats.accepted, (came.lines.len() - refused.len()) as u64);
    assert_eq!(
        came.stated(),
        came.stats.refused,
        "every refused record is in an `audit.refused`"
    );
    came
}

/// A collector that answers like this three times, and then takes everything.
fn three_times(mut reply: impl FnMut() -> (bool, Reply) + Send + 'static) -> Came {
    let mut count = 0;
    let came = run(0, move |_| {
        count += 1;
        if count <= 3 { reply() } else { (true, Reply::ok()) }
    });
    assert_eq!(came.stats.refused, 0);
    assert!(came.stats.retries >= 3);
    came
}

#[test]
fn a_collector_that_is_well_gets_each_record_once() {
    let came = run(0, |_| (true, Reply::ok()));
    assert_eq!((came.again, came.stats.retries), (0, 0));
}

#[test]
fn answers_429_without_a_time_and_each_record_arrives_once() {
    assert_eq!(three_times(|| (false, Reply::status(429))).again, 0);
}

#[test]
fn answers_429_with_a_time_and_each_record_arrives_once() {
    let reply = || Reply::Answer(429, vec![("retry-after", "1".into())], Vec::new());
    assert_eq!(three_times(move || (false, reply())).again, 0);
}

#[test]
fn answers_408_500_502_503_or_504_and_each_record_arrives_once() {
    for status in [408, 500, 502, 503, 504] {
        assert_eq!(
            three_times(move || (false, Reply::status(status))).again,
            0,
            "{status}"
        );
    }
}

#[test]
fn answers_401_403_or_404_and_nothing_is_discarded() {
    for status in [401, 403, 404] {
        let mut count = 0;
        let came = run(0, move |_| {
            count += 1;
            if count == 1 {
                (false, Reply::status(status))
            } else {
                (true, Reply::ok())
            }
        });
        assert_eq!((came.again, came.stats.refused), (0, 0), "{status}");
    }
}

#[test]
fn answers_400_or_422_to_some_records_and_these_alone_are_refused_and_stated() {
    for status in [400, 422] {
        let came = run(4, move |call| match has_bad(call) {
            true => (false, Reply::status(status)),
            false => (true, Reply::ok()),
        });
        assert_eq!((came.stats.refused, came.again), (4, 0), "{status}");
    }
}

#[test]
fn answers_400_to_everything_and_nothing_is_refused_and_the_cursor_stays() {
    let place = tempfile::tempdir().unwrap();
    let proxy = Collector::start(|_| (false, Reply::status(400)));
    let audit = trail(place.path(), sink(&proxy.url()));
    for n in 0..20 {
        audit.submit(record("good.step", n)).unwrap();
    }
    let error = audit.flush(Duration::from_millis(300)).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Sink | ErrorKind::Timeout),
        "{error}"
    );
    let _behind = audit.shutdown(LONG);
    let stats = audit.stats().sinks.remove(0);
    assert_eq!((stats.refused, stats.accepted), (0, 0));
    let cursor = std::fs::read_to_string(place.path().join("main/cursors/otlp")).unwrap();
    assert!(cursor.contains("\"next\":0,"), "{cursor}");
    assert!(
        proxy.calls().iter().any(|call| call.records.is_empty()),
        "it was asked without records"
    );
    drop(audit);

    let collector = Collector::good();
    let audit = trail(place.path(), sink(&collector.url()));
    audit.shutdown(LONG).unwrap();
    assert_eq!(
        arrived(&on_disk(place.path()), &collector.took(), &BTreeSet::new()),
        0
    );
}

#[test]
fn answers_413_to_what_is_large_and_each_record_arrives_once() {
    let came = run(0, |call| match call.records.len() {
        4.. => (false, Reply::status(413)),
        _ => (true, Reply::ok()),
    });
    assert_eq!((came.stats.refused, came.again), (0, 0));
}

#[test]
fn answers_413_to_one_record_alone_and_it_is_refused_and_stated() {
    let came = run(4, |call| match has_bad(call) {
        true => (false, Reply::status(413)),
        false => (true, Reply::ok()),
    });
    assert_eq!((came.stats.refused, came.again), (4, 0));
}

#[test]
fn takes_a_part_and_says_so_and_the_records_of_the_other_part_are_refused_and_stated() {
    let took = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&took);
    let collector = Collector::start(move |call| {
        let (bad, good): (Vec<_>, Vec<_>) = call.records.iter().cloned().partition(is_bad);
        kept.lock().extend(good);
        match bad.len() {
            0 => (false, Reply::ok()),
            count => (false, Reply::partial(i64::try_from(count).unwrap())),
        }
    });
    let place = tempfile::tempdir().unwrap();
    let audit = trail(place.path(), sink(&collector.url()));
    for n in 1..=40 {
        audit
            .submit(record(if n % 13 == 0 { "bad.step" } else { "good.step" }, n))
            .unwrap();
    }
    settle(&audit, 3);
    let lines = on_disk(place.path());
    let bad: BTreeSet<u64> = lines
        .iter()
        .filter(|(_, line)| event(line).starts_with("bad."))
        .map(|(seq, _)| *seq)
        .collect();
    let stats = audit.stats().sinks.remove(0);
    assert_eq!((stats.refused, bad.len()), (3, 3));
    let took = took.lock().clone();
    let seqs: BTreeSet<u64> = took.iter().map(Held::seq).collect();
    let due: BTreeSet<u64> = lines.keys().copied().filter(|seq| !bad.contains(seq)).collect();
    assert_eq!(seqs, due);
    assert!(
        took.len() > due.len(),
        "a part is offered again to find out which records are meant"
    );
}

#[test]
fn answers_200_with_nothing_in_it_and_the_records_count_as_taken() {
    let came = run(0, |_| (true, Reply::Answer(200, Vec::new(), Vec::new())));
    assert_eq!((came.again, came.stats.retries), (0, 0));
}

#[test]
fn answers_200_as_a_web_page_and_nothing_counts_as_taken() {
    let page = || {
        Reply::Answer(
            200,
            vec![("content-type", "text/html".into())],
            b"<html>welcome</html>".to_vec(),
        )
    };
    assert_eq!(three_times(move || (false, page())).again, 0);
}

#[test]
fn answers_200_with_bytes_that_are_no_answer_and_nothing_counts_as_taken() {
    let odd = || Reply::Answer(200, vec![protobuf()], b"\xff\xff\xff".to_vec());
    assert_eq!(three_times(move || (false, odd())).again, 0);
}

#[test]
fn closes_in_the_middle_of_its_answer_and_what_it_took_arrives_again() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 10\r\n\r\nab";
    let came = three_times(move || (true, Reply::Raw(half.to_vec())));
    assert!(
        came.again > 0 && came.again <= 3 * 16,
        "at most a request for each answer that was lost"
    );
}

#[test]
fn answers_more_slowly_than_it_may_and_what_it_took_arrives_again() {
    let slow = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\na";
    let came = three_times(move || (true, Reply::Hold(slow.to_vec())));
    assert!(came.again > 0 && came.again <= 3 * 16);
}

#[test]
fn reads_and_says_nothing_and_every_record_arrives() {
    assert_eq!(three_times(|| (false, Reply::Hold(Vec::new()))).again, 0);
}

#[test]
fn speaks_something_else_and_every_record_arrives() {
    assert_eq!(
        three_times(|| (false, Reply::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()))).again,
        0
    );
}

/// T003-31.
#[test]
fn is_not_there_at_first_and_every_record_arrives_when_it_is() {
    let gone = Collector::good();
    let (url, port) = (gone.url(), gone.port());
    drop(gone);
    let place = tempfile::tempdir().unwrap();
    let audit = trail(place.path(), sink(&url));
    for n in 0..100 {
        audit.submit(record("good.step", n)).unwrap();
    }
    let error = audit.flush(Duration::from_millis(300)).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Sink | ErrorKind::Timeout),
        "{error}"
    );
    assert!(audit.stats().sinks[0].waiting > 0, "the lag is counted");
    let back = Collector::wrapped(([127, 0, 0, 1], port).into(), None, |_| (true, Reply::ok()));
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    assert_eq!(arrived(&on_disk(place.path()), &back.took(), &BTreeSet::new()), 0);
}

#[test]
fn a_black_hole_delays_no_caller_and_loses_nothing() {
    let hole = Collector::start(|_| (false, Reply::Hold(Vec::new())));
    let place = tempfile::tempdir().unwrap();
    let audit = trail(place.path(), sink(&hole.url()).timeout(LONG));
    for n in 0..5_000 {
        audit.submit(record("good.step", n)).unwrap();
    }
    // Durable in the journal although the collector says nothing.
    assert_eq!(
        audit.emit(record("good.last", 0)).unwrap().state(),
        State::Durable
    );
    drop(hole);
    let _behind = audit.shutdown(LONG);
    drop(audit);
    let collector = Collector::good();
    trail(place.path(), sink(&collector.url()))
        .shutdown(LONG)
        .unwrap();
    arrived(&on_disk(place.path()), &collector.took(), &BTreeSet::new());
}

#[test]
fn without_a_journal_the_caller_is_told_what_the_collector_said_of_the_record() {
    let collector = Collector::start(|call| match has_bad(call) {
        true => (false, Reply::status(400)),
        false => (true, Reply::ok()),
    });
    let sink = sink(&collector.url()).build_with(|_| None).unwrap();
    let audit = Audit::builder()
        .without_journal()
        .diagnostics(|_| {})
        .sink(sink)
        .start()
        .unwrap();
    let receipt = audit.emit(record("good.step", 1)).unwrap();
    assert_eq!(receipt.state(), State::Delivered);
    let error = audit.emit(record("bad.step", 2)).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Sink, "sink `otlp` refused the record")
    );
    audit.emit(record("good.step", 3)).unwrap();
    let told = audit.shutdown(LONG).unwrap_err().to_string();
    assert!(told.contains("refused 1"), "{told}");
    let names: Vec<String> = collector
        .took()
        .iter()
        .map(|held| held.record.event_name.clone())
        .collect();
    assert_eq!(names, ["audit.open", "good.step", "good.step", "audit.close"]);
    let stats = audit.stats();
    assert_eq!((stats.sinks[0].refused, stats.sinks[0].missed), (1, 0));
}

#[test]
fn a_refused_control_record_is_only_counted() {
    // Everything about the trail itself is refused, also what states the refusals: that ends, with a few of them.
    let collector = Collector::start(|call| {
        match call
            .records
            .iter()
            .any(|held| held.record.event_name.starts_with("audit."))
        {
            true => (false, Reply::status(400)),
            false => (true, Reply::ok()),
        }
    });
    let place = tempfile::tempdir().unwrap();
    let audit = trail(place.path(), sink(&collector.url()));
    for n in 0..200 {
        audit.submit(record("good.step", n)).unwrap();
    }
    settle(&audit, 1);
    let lines = on_disk(place.path());
    let own = lines
        .values()
        .filter(|line| event(line).starts_with("audit."))
        .count() as u64;
    let stats = audit.stats().sinks.remove(0);
    assert_eq!(stats.refused, own);
    assert!(
        lines
            .values()
            .filter(|line| event(line) == "audit.refused")
            .count()
            <= 3
    );
    assert_eq!(collector.took().len(), 200);
}
