//! Records as OTLP: an independent decoder gives back every byte of every line, types and order included.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/otlp.rs"]
mod otlp;
#[path = "support/records.rs"]
mod records;

use collector::Collector;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use otlp::Held;
use proptest::prelude::*;
use tracing_audit::format::{Entry, read_line};
use tracing_audit::record::{Map, Record, Slot, Value};
use tracing_audit::sink::otlp::{Compression, OtlpBuilder};
use tracing_audit::sink::{OtlpSink, Sink};
use tracing_audit::testing::sink_conformance;

fn builder(collector: &Collector) -> OtlpBuilder {
    OtlpSink::builder().endpoint(collector.url())
}

fn sink(collector: &Collector) -> OtlpSink {
    builder(collector).build_with(|_| None).unwrap()
}

/// A sink and its collector, for many lines one by one.
struct Way {
    collector: Collector,
    sink: OtlpSink,
    next: u64,
}

impl Way {
    fn new() -> Self {
        let collector = Collector::good();
        let sink = sink(&collector);
        let next = 0;
        Self {
            collector,
            sink,
            next,
        }
    }

    /// The line as it arrives.
    fn through(&mut self, line: &[u8]) -> Held {
        let entry = Entry::new(self.next, records::OBSERVED_AT, line);
        self.next += 1;
        self.sink.deliver(&[entry]).unwrap();
        let mut took = self.collector.took();
        self.collector.forget();
        assert_eq!(took.len(), 1);
        took.remove(0)
    }

    fn record(&mut self, record: &Record) -> Held {
        self.through(&records::line(record))
    }
}

fn same(held: &Held, line: &[u8]) {
    assert_eq!(
        String::from_utf8_lossy(&held.line()),
        String::from_utf8_lossy(line)
    );
}

#[test]
fn whatever_a_record_says_its_line_comes_back_byte_for_byte() {
    let mut way = Way::new();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let way = std::cell::RefCell::new(&mut way);
    runner
        .run(&records::record(), |record| {
            let line = records::line(&record);
            let held = way.borrow_mut().through(&line);
            prop_assert_eq!(
                String::from_utf8(held.line()).unwrap(),
                String::from_utf8(line).unwrap()
            );
            Ok(())
        })
        .unwrap();
}

/// A value within so many lists, maps, or both in turn.
fn within(depth: usize, kind: usize) -> serde_json::Value {
    (0..depth).fold(serde_json::json!([7, "é", {"a": null}]), |inner, level| {
        match (kind + level * (kind / 2)) % 2 {
            0 => serde_json::json!([inner]),
            _ => serde_json::json!({"key": inner, "z": level}),
        }
    })
}

#[test]
fn a_value_of_any_depth_is_taken_by_a_decoder_and_comes_back() {
    let mut way = Way::new();
    for kind in 0..4 {
        for depth in 0..=100 {
            for path in ["attributes.deep", "attributes.deep.deeper"] {
                let line = line_with(&[("attributes.other", 1.into()), (path, within(depth, kind))]);
                let held = way.through(&line);
                let (line, back) = (String::from_utf8(line), String::from_utf8(held.line()));
                assert_eq!(back.unwrap(), line.unwrap(), "{kind} {depth} {path}");
            }
        }
    }
    // One key that begins with `$` is no form of anything.
    let own = serde_json::json!({"$map": {"$json": "[1]"}});
    let line = line_with(&[("attributes.own", own)]);
    assert_eq!(way.through(&line).line(), line);
}

/// A line made by hand, with these values at their paths beside what every line has.
fn line_with(set: &[(&str, serde_json::Value)]) -> Vec<u8> {
    let mut line = serde_json::json!({
        "action": "delete", "event": "document.delete", "id": records::id().to_string(), "schema": 1, "seq": 7,
        "observed_at": "2026-11-21T09:00:00.123456789Z", "stream": "s", "time": "2026-11-21T09:00:00.000000001Z"
    });
    for (path, value) in set {
        let place = path.split('.').fold(&mut line, |place, key| &mut place[key]);
        *place = value.clone();
    }
    serde_jcs::to_vec(&line).unwrap()
}

#[test]
fn every_slot_has_its_place_in_the_record() {
    use tracing_audit::record::Kind;
    let mut way = Way::new();
    let given = |slot: &Slot| match slot.path() {
        "trace_id" => "0102030405060708090a0b0c0d0e0f10".into(),
        "actor.ip" => "203.0.113.0".into(),
        "level" => "warn".into(),
        "trace_flags" => 1.into(),
        path => match slot.kind() {
            Kind::Texts => serde_json::json!(["a", "b"]),
            Kind::Uint => 7.into(),
            Kind::Bool => true.into(),
            Kind::Hex => "0102030405060708".into(),
            Kind::Map | Kind::Any => serde_json::json!({"k": 1}),
            _ => path.into(),
        },
    };
    let is_free = |slot: &&Slot| !matches!(slot.path(), "event" | "schema" | "time" | "observed_at" | "id");
    let set: Vec<_> = Slot::ALL
        .iter()
        .filter(is_free)
        .map(|slot| (slot.path(), given(slot)))
        .collect();
    let line = line_with(&set);
    let held = way.through(&line);
    same(&held, &line);
    let record = &held.record;
    assert_eq!(record.event_name, "document.delete");
    assert_eq!(record.trace_id, (1..=16).collect::<Vec<u8>>());
    assert_eq!(record.span_id, (1..=8).collect::<Vec<u8>>());
    assert_eq!((record.flags, record.severity_number), (1, 0));
    assert_eq!(held.text("audit.level").as_deref(), Some("warn"));
    assert_eq!(held.text("audit.source.type").as_deref(), Some("ipv4"));
    assert_eq!(held.text("audit.target.id").as_deref(), Some("resource.id"));
    assert_eq!(held.text("log.record.uid"), held.text("audit.record.id"));
    assert_eq!(held.seq(), 7);
    assert_eq!(record.observed_time_unix_nano, records::OBSERVED_AT);
}

#[test]
fn types_are_kept() {
    let mut way = Way::new();
    let inner = Map::from([(
        "$or".to_owned(),
        Value::List(vec![Value::Null, Value::Bool(false)]),
    )]);
    let record = Record::builder("types")
        .attribute("int", i64::MIN)
        .attribute("big", u128::MAX)
        .attribute("nan", f64::NAN)
        .attribute("minus_zero", -0.0)
        .attribute("two", 2.0)
        .attribute("bytes", Value::Bytes(vec![0, 255]))
        .attribute("map", Value::Map(inner))
        .attribute("no", false)
        .attribute("nothing", Value::Null)
        .build();
    let held = way.record(&record);
    same(&held, &records::line(&record));
    let any = |name: &str| {
        let pair = held
            .record
            .attributes
            .iter()
            .find(|pair| pair.key == name)
            .unwrap();
        pair.value.clone().unwrap().value
    };
    assert_eq!(any("int"), Some(Any::IntValue(i64::MIN)));
    assert!(matches!(any("nan"), Some(Any::DoubleValue(number)) if number.is_nan()));
    assert!(
        matches!(any("minus_zero"), Some(Any::DoubleValue(number)) if number == 0.0 && number.is_sign_negative())
    );
    assert_eq!(any("two"), Some(Any::DoubleValue(2.0)));
    assert_eq!(any("bytes"), Some(Any::BytesValue(vec![0, 255])));
    assert_eq!(any("no"), Some(Any::BoolValue(false)));
    assert_eq!(any("nothing"), None);
    assert!(matches!(any("big"), Some(Any::KvlistValue(map)) if map.values[0].key == "$int"));
}

#[test]
fn ids_that_are_not_w3cs_are_attributes_and_a_span_is_nothing_without_its_trace() {
    let mut way = Way::new();
    let trace = "0102030405060708090a0b0c0d0e0f10";
    let span = "0102030405060708";
    for (trace_id, span_id, flags, has_trace, has_span) in [
        (trace, span, 1, true, true),
        (trace, span, 0, true, true),
        (trace, span, 256, true, true),
        (&"0".repeat(32), span, 1, false, false),
        (&trace[2..], span, 1, false, false),
        (&trace.replace('a', "A"), span, 1, false, false),
        (trace, &"0".repeat(16), 1, true, false),
        (trace, &span[1..], 1, true, false),
        (trace, "not hex at all..", 1, true, false),
    ] {
        let set = [
            ("trace_id", trace_id.into()),
            ("span_id", span_id.into()),
            ("trace_flags", flags.into()),
        ];
        let line = line_with(&set);
        let held = way.through(&line);
        same(&held, &line);
        assert_eq!(!held.record.trace_id.is_empty(), has_trace, "{trace_id}");
        assert_eq!(!held.record.span_id.is_empty(), has_span, "{span_id}");
        assert_eq!(held.record.flags == 1, has_trace && flags == 1, "{flags}");
    }
}

#[test]
fn a_field_whose_name_is_taken_replaces_nothing() {
    let mut way = Way::new();
    let names = [
        "audit.record.id",
        "audit.sequence.number",
        "error.type",
        "log.record.uid",
        "audit.attribute.x",
        "audit.x",
        "plain.x",
    ];
    let mut builder = Record::builder("taken");
    for name in names {
        builder = builder.attribute(name, "mine");
    }
    let record = builder.build();
    let held = way.record(&record);
    same(&held, &records::line(&record));
    assert_eq!(held.text("audit.record.id"), Some(records::id().to_string()));
    assert_eq!(
        held.text("audit.attribute.audit.record.id").as_deref(),
        Some("mine")
    );
    assert_eq!(held.text("plain.x").as_deref(), Some("mine"));
}

#[test]
fn severity_stands_in_its_fields_only_where_that_was_asked_for() {
    let collector = Collector::good();
    let mut sink = builder(&collector).severity(true).build_with(|_| None).unwrap();
    for (seq, (level, number)) in (0..).zip([
        ("trace", 1),
        ("debug", 5),
        ("info", 9),
        ("warn", 13),
        ("error", 17),
    ]) {
        let line = line_with(&[("level", level.into())]);
        sink.deliver(&[Entry::new(seq, records::OBSERVED_AT, &line)])
            .unwrap();
        let held = collector.took().pop().unwrap();
        assert_eq!(
            (held.record.severity_number, held.record.severity_text.as_str()),
            (number, level)
        );
        assert_eq!(held.text("audit.level"), None);
        same(&held, &line);
    }
}

#[test]
fn the_resource_comes_from_the_lines_and_what_is_configured_replaces_it_without_hiding_it() {
    let collector = Collector::good();
    let line = |seq: u64, service: &str| {
        format!(
            r#"{{"event":"x","host":"h","observed_at":"2026-11-21T09:00:00.000000000Z","schema":1,"seq":{seq},"service":"{service}","stream":"s","time":"2026-11-21T09:00:00.000000000Z"}}"#
        )
    };
    let lines: Vec<String> = ["a", "a", "b", "a"]
        .iter()
        .zip(0..)
        .map(|(service, seq)| line(seq, service))
        .collect();
    let batch: Vec<_> = (0..)
        .zip(&lines)
        .map(|(seq, line)| Entry::new(seq, 1_795_251_600_000_000_000, line.as_bytes()))
        .collect();
    let service = |held: &Held| {
        let found = held
            .resource
            .iter()
            .find(|pair| pair.key == "service.name")
            .unwrap();
        match found.value.clone().unwrap().value {
            Some(Any::StringValue(text)) => text,
            other => panic!("{other:?}"),
        }
    };
    sink(&collector).deliver(&batch).unwrap();
    let took = collector.took();
    assert_eq!(
        took.iter().map(service).collect::<Vec<_>>(),
        ["a", "a", "b", "a"],
        "in their order"
    );
    assert_eq!(collector.calls().len(), 1);
    for (held, line) in took.iter().zip(&lines) {
        same(held, line.as_bytes());
    }

    collector.forget();
    let set = |name: &str| match name {
        "OTEL_SERVICE_NAME" => Some("b".into()),
        "OTEL_RESOURCE_ATTRIBUTES" => Some("service.name=ignored,team=blue".into()),
        _ => None,
    };
    let mut sink = builder(&collector).build_with(set).unwrap();
    sink.deliver(&batch).unwrap();
    let took = collector.took();
    assert!(took.iter().all(|held| service(held) == "b"));
    assert_eq!(took[0].text("audit.service").as_deref(), Some("a"));
    assert_eq!(took[2].text("audit.service"), None);
    for (held, line) in took.iter().zip(&lines) {
        same(held, line.as_bytes());
    }
}

#[test]
fn a_line_that_is_not_a_record_is_sent_as_it_is() {
    let mut way = Way::new();
    for line in [
        &b"0"[..],
        b"[1,2]",
        b"not json",
        b"\xff\xfe",
        b"{\"a\":1,\"a\":2}",
        b"",
    ] {
        let held = way.through(line);
        assert_eq!(held.line(), line);
        assert_eq!(held.record.event_name, "audit.unreadable_line");
    }
    // JSON, but no record: nothing of it is lost.
    let odd = br#"{"actor":{},"actors":{"id":1},"event":5,"schema":"x","time":"yesterday"}"#;
    let held = way.through(odd);
    assert_eq!(held.text("audit.time").as_deref(), Some("yesterday"));
    assert_eq!(held.number("audit.event"), Some(5));
}

#[test]
fn a_checkpoint_reaches_the_collector_and_is_an_anchor() {
    let collector = Collector::good();
    let sink = sink(&collector);
    let (anchors, place) = (sink.anchors(), tempfile::tempdir().unwrap());
    let long = std::time::Duration::from_secs(60);
    let builder = tracing_audit::Audit::builder().directory(place.path()).sink(sink);
    let audit = builder
        .on_checkpoint(move |note| anchors.send(note))
        .start()
        .unwrap();
    audit.emit(Record::builder("document.delete").build()).unwrap();
    let size = |held: &Held| held.text("audit.checkpoint.size")?.parse::<u64>().ok();
    // The first one may cover the begin alone.
    let is_anchor = |held: &Held| {
        held.record.event_name == "audit.checkpoint" && size(held).is_some_and(|size| size >= 2)
    };
    // One is written within about a second, and sent with whatever is flushed next.
    while !collector.took().iter().any(is_anchor) {
        audit.flush(long).unwrap();
    }
    audit.shutdown(long).unwrap();
    let held = collector.took().into_iter().find(is_anchor).unwrap();
    let note = held.text("audit.checkpoint.note").unwrap();
    let size = held.text("audit.checkpoint.size").unwrap();
    assert!(note.starts_with(&format!(
        "{}\n{size}\n",
        held.text("audit.checkpoint.origin").unwrap()
    )));
    let written = std::fs::read_to_string(place.path().join("main/checkpoint.unsigned")).unwrap();
    assert_eq!(
        written.lines().next(),
        note.lines().next(),
        "it is one of this trail's"
    );
}

#[test]
fn the_sink_keeps_the_contract() {
    for compression in [Compression::Gzip, Compression::None] {
        let collector = Collector::good();
        sink_conformance(
            || {
                collector.forget();
                builder(&collector)
                    .compression(compression)
                    .build_with(|_| None)
                    .unwrap()
            },
            |_| Some(collector.took().iter().map(Held::line).collect()),
        );
    }
}

#[test]
fn a_request_says_what_a_collector_expects() {
    let collector = Collector::good();
    let secret = ["Bearer ", "open", "sesame"].concat();
    let set = |name: &str| {
        (name == "OTEL_EXPORTER_OTLP_HEADERS").then(|| "x-tenant=a%20b,authorization=other".into())
    };
    let mut sink = builder(&collector)
        .header("Authorization", &secret)
        .build_with(set)
        .unwrap();
    let line = records::line(&Record::builder("x").attribute("pad", "y".repeat(10_000)).build());
    sink.deliver(&[Entry::new(7, 1, &line)]).unwrap();
    let call = collector.calls().remove(0);
    assert_eq!(call.path, "/v1/logs");
    let header = |name: &str| call.headers.get(name).cloned().unwrap_or_default();
    assert_eq!(header("content-type"), "application/x-protobuf");
    assert_eq!(header("content-encoding"), "gzip");
    assert_eq!(header("x-tenant"), "a b");
    assert_eq!(
        header("authorization"),
        secret,
        "the builder precedes the environment"
    );
    assert!(call.sent < 1_000, "{}", call.sent);
    assert!(read_line(&call.records[0].line()).is_ok());
}
