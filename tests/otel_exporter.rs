//! Records through exporters of the OpenTelemetry SDK: the same mapping as the OTLP sink's, and what such an exporter can
//! not tell or hold.

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

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use collector::{Collector, Reply};
use opentelemetry::logs::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue as Wire, KeyValue};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{InMemoryLogExporter, LogBatch, LogExporter};
use otlp::Held;
use proptest::prelude::*;
use prost::Message as _;
use tracing_audit::format::Entry;
use tracing_audit::record::{Record, TraceContext, Value};
use tracing_audit::sink::{ExporterSink, OtlpSink, Sink, SinkError};
use tracing_audit::{Audit, ErrorKind};

const LONG: Duration = Duration::from_secs(60);

fn through_otlp(collector: &Collector) -> ExporterSink<opentelemetry_otlp::LogExporter> {
    ExporterSink::otlp(Some(&format!("{}/v1/logs", collector.url()))).unwrap()
}

/// The attributes sorted, what the SDK has for a null a null again, and a span id of zeros none.
fn settled(mut held: Held) -> Held {
    fn null(wire: &mut Wire) {
        match &mut wire.value {
            Some(Any::KvlistValue(map)) => {
                let is_null = |pair: &KeyValue| {
                    pair.key == "$null"
                        && pair.value
                            == Some(Wire {
                                value: Some(Any::BoolValue(true)),
                            })
                };
                if map.values.len() == 1 && map.values.iter().all(is_null) {
                    wire.value = None;
                    return;
                }
                map.values.sort_by(|one, other| one.key.cmp(&other.key));
                map.values
                    .iter_mut()
                    .filter_map(|pair| pair.value.as_mut())
                    .for_each(null);
            }
            Some(Any::ArrayValue(list)) => list.values.iter_mut().for_each(null),
            _ => {}
        }
    }
    let record = &mut held.record;
    record
        .attributes
        .iter_mut()
        .filter_map(|pair| pair.value.as_mut())
        .for_each(null);
    record.body.iter_mut().for_each(null);
    if record.span_id.iter().all(|byte| *byte == 0) {
        record.span_id.clear();
    }
    record.attributes.sort_by(|one, other| one.key.cmp(&other.key));
    held.resource.sort_by(|one, other| one.key.cmp(&other.key));
    held
}

#[test]
fn whatever_a_record_says_the_exporter_of_opentelemetry_otlp_sends_what_our_sink_sends() {
    let collector = Collector::good();
    let mut direct = OtlpSink::builder()
        .endpoint(collector.url())
        .severity(true)
        .build_with(|_| None)
        .unwrap();
    let mut exporting = through_otlp(&collector).severity(true).event_names(usize::MAX);
    let both = std::cell::RefCell::new((&mut direct, &mut exporting));
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut next = 0;
    let next = std::cell::RefCell::new(&mut next);
    proptest::test_runner::TestRunner::new(config)
        .run(&records::record(), |record| {
            let line = records::line(&record);
            let entry = Entry::new(**next.borrow(), records::OBSERVED_AT, &line);
            **next.borrow_mut() += 1;
            both.borrow_mut().0.deliver(&[entry]).unwrap();
            both.borrow_mut().1.deliver(&[entry]).unwrap();
            let [ours, theirs]: [Held; 2] = collector.took().try_into().unwrap();
            collector.forget();
            let (ours, theirs) = (settled(ours), settled(theirs));
            prop_assert_eq!(ours.resource, theirs.resource);
            // As bytes: a NaN is not equal to itself.
            let same = ours.record.encode_to_vec() == theirs.record.encode_to_vec();
            prop_assert!(same, "{:?}\n{:?}", ours.record, theirs.record);
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_sink_keeps_the_contract() {
    let collector = Collector::good();
    tracing_audit::testing::sink_conformance(
        || {
            collector.forget();
            through_otlp(&collector)
        },
        |_| {
            Some(
                collector
                    .took()
                    .into_iter()
                    .map(|held| settled(held).line())
                    .collect(),
            )
        },
    );
}

#[test]
fn a_batch_of_several_services_reaches_the_exporter_under_the_resource_of_each() {
    let collector = Collector::good();
    let mut sink = through_otlp(&collector).resource("deployment.environment.name", "test");
    let line = |service: &str| format!(r#"{{"event":"e","host":"h","service":"{service}"}}"#);
    let lines = [line("one"), line("one"), line("two")];
    let entries: Vec<_> = lines
        .iter()
        .zip(0..)
        .map(|(line, seq)| Entry::new(seq, 7, line.as_bytes()))
        .collect();
    sink.deliver(&entries).unwrap();
    let service = |held: &Held| {
        assert_eq!(held.resource.len(), 3, "{:?}", held.resource);
        let found = held
            .resource
            .iter()
            .find(|pair| pair.key == "service.name")
            .unwrap();
        found.value.clone().unwrap().value.unwrap()
    };
    let services: Vec<_> = collector.took().iter().map(service).collect();
    assert_eq!(
        services,
        ["one", "one", "two"].map(|name| Any::StringValue(name.into()))
    );
}

#[test]
fn every_record_has_an_observed_timestamp_and_its_ids_in_the_fields_for_them() {
    let exporter = InMemoryLogExporter::default();
    let audit = Audit::builder()
        .without_journal()
        .sink(ExporterSink::new(exporter.clone()))
        .start()
        .unwrap();
    let trace = TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    let record = Record::builder("doc.read")
        .trace(trace)
        .attribute("nothing", Value::Null)
        .build();
    audit.emit(record).unwrap();
    let logs = exporter.get_emitted_logs().unwrap();
    assert!(
        logs.iter()
            .all(|log| log.record.observed_timestamp().is_some() && log.record.timestamp().is_some())
    );
    let log = logs
        .iter()
        .find(|log| log.record.event_name() == Some("doc.read"))
        .unwrap();
    let context = log.record.trace_context().unwrap();
    assert_eq!(context.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(context.span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(context.trace_flags.map(|flags| flags.to_u8()), Some(1));
    let nothing = log
        .record
        .attributes_iter()
        .find(|(key, _)| key.as_str() == "nothing")
        .unwrap();
    assert!(
        matches!(&nothing.1, AnyValue::Map(map) if map.len() == 1 && map.keys().all(|key| key.as_str() == "$null"))
    );
    assert!(log.resource.get(&"service.name".into()).is_some());
    audit.shutdown(LONG).unwrap();
}

#[test]
fn names_of_events_beyond_the_bound_are_attributes() {
    let exporter = InMemoryLogExporter::default();
    let mut sink = ExporterSink::new(exporter.clone()).event_names(0);
    sink.deliver(&[Entry::new(0, 0, br#"{"event":"a.name.of.this.test.alone"}"#)])
        .unwrap();
    let logs = exporter.get_emitted_logs().unwrap();
    assert_eq!(logs[0].record.event_name(), None);
    let attributes: Vec<_> = logs[0].record.attributes_iter().collect();
    assert!(
        matches!(attributes[..], [(key, AnyValue::String(name))] if key.as_str() == "audit.event" && name.as_str() == "a.name.of.this.test.alone"),
        "{attributes:?}"
    );
}

/// Whether a record is one that the collector of these tests will never take.
fn is_bad(held: &Held) -> bool {
    held.number("n").is_some_and(|n| n % 7 == 3)
}

/// Through our client, with a collector that refuses some records in its own way: which were taken, and the sink's counts.
fn refusing(reply: fn(u64) -> Reply) -> (Vec<i64>, u64) {
    let collector = Collector::start(move |call| {
        let bad = call.records.iter().filter(|held| is_bad(held)).count();
        match bad {
            0 => (true, Reply::ok()),
            bad => (false, reply(u64::try_from(bad).unwrap())),
        }
    });
    let place = tempfile::tempdir().unwrap();
    let audit = Audit::builder()
        .directory(place.path())
        .diagnostics(|_| {})
        .sink(through_otlp(&collector))
        .start()
        .unwrap();
    for n in 0..40_u64 {
        audit
            .submit(Record::builder("e").actor("user", "u").attribute("n", n).build())
            .unwrap();
    }
    let _told_that_some_were_refused = audit.flush(LONG);
    let refused = audit.stats().sinks[0].refused;
    let _the_same_once_more = audit.shutdown(LONG);
    let mut took: Vec<_> = collector
        .took()
        .iter()
        .filter_map(|held| held.number("n"))
        .collect();
    took.dedup();
    (took, refused)
}

#[test]
fn what_a_collector_refuses_is_seen_by_our_client_and_nothing_else_is_lost() {
    let good: Vec<i64> = (0..40).filter(|n| n % 7 != 3).collect();
    // A collector that takes a part: the exporter itself says that all went well.
    let (took, refused) = refusing(|bad| Reply::partial(bad.cast_signed()));
    assert_eq!((took, refused), (good.clone(), 6));
    let (took, refused) = refusing(|_| Reply::status(400));
    assert_eq!((took, refused), (good, 6));
}

#[test]
fn what_may_pass_is_offered_again_by_the_sink_alone() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let collector = Collector::start(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => (false, Reply::status(503)),
        _ => (true, Reply::ok()),
    });
    let mut sink = through_otlp(&collector);
    let entry = Entry::new(0, 0, br#"{"event":"e"}"#);
    for call in 1..=2 {
        let error = sink.deliver(&[entry]).unwrap_err();
        assert!(
            matches!(error, SinkError::Retry { .. }) && error.to_string().contains("503"),
            "{error}"
        );
        assert_eq!(calls.load(Ordering::SeqCst), call, "nobody else tries again");
    }
    sink.deliver(&[entry]).unwrap();
    assert_eq!(collector.took().len(), 1);
}

/// An exporter that behaves as a test wants.
#[derive(Debug)]
struct Odd<F>(F, AtomicBool);

impl<F: Fn() -> OTelSdkResult + Send + Sync + std::fmt::Debug> LogExporter for Odd<F> {
    async fn export(&self, _: LogBatch<'_>) -> OTelSdkResult {
        if self.1.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        assert!(opentelemetry::Context::is_current_telemetry_suppressed());
        (self.0)()
    }
}

fn answer_of(answer: fn() -> OTelSdkResult, hangs: bool) -> SinkError {
    let mut sink = ExporterSink::new(Odd(answer, AtomicBool::new(hangs))).timeout(Duration::from_millis(20));
    sink.deliver(&[Entry::new(0, 0, br#"{"event":"e"}"#)])
        .unwrap_err()
}

#[test]
fn an_exporter_that_fails_hangs_or_panics_is_asked_again_and_one_that_was_shut_down_never() {
    for (answer, hangs, says) in [
        (
            (|| Err(OTelSdkError::InternalFailure("broken".into()))) as fn() -> OTelSdkResult,
            false,
            "broken",
        ),
        (|| Ok(()), true, "did not end"),
        (|| panic!("on purpose"), false, "panicked"),
    ] {
        let error = answer_of(answer, hangs);
        assert!(
            matches!(error, SinkError::Retry { .. }) && error.to_string().contains(says),
            "{error}"
        );
    }
    let error = answer_of(|| Err(OTelSdkError::AlreadyShutdown), false);
    assert!(
        matches!(error, SinkError::Fatal { .. }) && error.to_string().contains("one of its own"),
        "{error}"
    );
}

#[test]
fn an_endpoint_that_cannot_be_one_is_an_error_of_the_configuration() {
    let error = ExporterSink::otlp(Some("not a url")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
}
