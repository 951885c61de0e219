//! Names that are not slots: labels, hashes, durations in milliseconds, reserved and duplicate names.

use tracing::{info, info_span, instrument};
use tracing_audit::record::{Fill, Map, Slot, Value};
use tracing_audit::testing::{Recording, capture};

fn map(pairs: &[(&str, &str)]) -> Map {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), Value::from(*value));
    pairs.iter().map(pair).collect()
}

#[instrument(
    target = "audit",
    fields(label.region = "eu", labels.tier = "gold", audit.label.zone = "a", hash.body = "sha256:00", hashes.head = "x", audit.hash.tail = "y")
)]
fn instrumented() {}

#[test]
fn labels_and_hashes_go_to_their_maps() {
    let captured = capture(|| {
        info!(
            target: "audit", event = "x", label.region = "eu", labels.tier = "gold", audit.label.zone = "a",
            hash.body = "sha256:00", hashes.head = "x", audit.hash.tail = "y"
        );
        instrumented();
    });
    captured.count(2);
    for record in &captured {
        record
            .assert_has(
                Slot::Labels,
                map(&[("region", "eu"), ("tier", "gold"), ("zone", "a")]),
            )
            .assert_has(
                Slot::Hashes,
                map(&[("body", "sha256:00"), ("head", "x"), ("tail", "y")]),
            )
            .assert_lacks(Slot::Attributes);
    }
}

#[test]
fn a_label_keeps_the_kind_of_its_value() {
    let captured = capture(|| info!(target: "audit", event = "x", label.attempt = 3, label.dry = true));
    let labels = captured.only().map(Slot::Labels).unwrap();
    assert_eq!(labels.get("attempt"), Some(&Value::from(3_u64)));
    assert_eq!(labels.get("dry"), Some(&Value::Bool(true)));
}

#[test]
fn milliseconds_become_nanoseconds() {
    let captured = capture(|| {
        info!(target: "audit", event = "whole", duration_ms = 3);
        info!(target: "audit", event = "broken", latency_ms = 1.25);
        info!(target: "audit", event = "wide", audit.duration_ms = 3_u128);
        info!(target: "audit", event = "most", duration_ms = u64::MAX);
    });
    for (event, nanos) in [
        ("whole", 3_000_000),
        ("broken", 1_250_000),
        ("wide", 3_000_000),
        ("most", u64::MAX),
    ] {
        captured
            .with_event(event)
            .only()
            .assert_has(Slot::DurationNs, nanos);
    }
}

#[test]
fn a_duration_that_is_none_is_an_attribute() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", event = "a", duration_ms = -3);
        info!(target: "audit", event = "b", duration_ms = f64::NAN);
        info!(target: "audit", event = "c", duration_ms = "long");
        info!(target: "audit", event = "d", duration_ms = 1e300);
    });
    let captured = recording.captured();
    captured.count(4).without(Slot::DurationNs).count(4);
    captured
        .with_event("a")
        .only()
        .assert_attribute("duration_ms", -3_i64);
    captured
        .with_event("c")
        .only()
        .assert_attribute("duration_ms", "long");
    assert_eq!(recording.audit().stats().wrong_type, 4);
}

/// Reports every reserved name in an event and in a span, and says which names those were.
macro_rules! reserved {
    ($($($part:ident).+),+ $(,)?) => {{
        $(
            info!(target: "audit", event = "x", $($part).+ = "mine");
            drop(info_span!(target: "audit", "span", audit.$($part).+ = "mine"));
        )+
        [$([$(stringify!($part)),+].join(".")),+]
    }};
}

#[test]
fn a_reserved_name_is_an_attribute_and_counted() {
    let recording = Recording::new();
    let names = recording.run(|| {
        reserved! {
            attributes, call_stack, code.file, code.line, code.module, code.target, detail, error.chain, hashes,
            host, id, labels, level, observed_at, parent_span_id, phase, pii.undeclared, redaction, schema, seq, service, span_id,
            stream, time, trace_flags, trace_id, trace_unavailable, truncated,
        }
    });
    let reserved = Slot::ALL.iter().filter(|slot| slot.fill() == Fill::Reserved);
    let expected: Vec<&str> = reserved.map(|slot| slot.path()).collect();
    assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let captured = recording.captured();
    captured.count(names.len() * 2);
    for (name, pair) in names.iter().zip(captured.records().chunks(2)) {
        pair[0].assert_attribute(name, "mine");
        pair[1].assert_attribute(&format!("audit.{name}"), "mine");
        for record in pair {
            let slot = Slot::at(name).unwrap();
            if slot.kind() != tracing_audit::record::Kind::Map {
                assert_ne!(record.get(slot), Some(&Value::from("mine")), "{record:?}");
            }
        }
    }
    assert_eq!(recording.audit().stats().reserved_name, 2 * names.len() as u64);
}

#[test]
fn a_duplicate_name_is_renamed_and_counted() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", event = "x", n = 1, n = 2, n = "three", actor.id = "alice", actor.id = "bob");
        drop(info_span!(target: "audit", "span", n = 1, n = 2));
    });
    let captured = recording.captured();
    captured
        .with_event("x")
        .only()
        .assert_attribute("n", 1_u64)
        .assert_attribute("n#2", 2_u64)
        .assert_attribute("n#3", "three")
        .assert_has(Slot::ActorId, "alice")
        .assert_attribute("actor.id#2", "bob");
    captured
        .with_event("span")
        .only()
        .assert_attribute("n", 1_u64)
        .assert_attribute("n#2", 2_u64);
    assert_eq!(recording.audit().stats().duplicate_name, 4);
}

#[test]
fn two_names_of_one_slot_are_no_duplicates_and_the_later_wins() {
    let recording = Recording::new();
    recording.run(|| info!(target: "audit", event = "x", user.id = "alice", actor.id = "bob"));
    recording.captured().only().assert_has(Slot::ActorId, "bob");
    assert_eq!(recording.audit().stats().duplicate_name, 0);
}

#[test]
fn a_duplicate_of_a_secret_stays_secret() {
    let captured = capture(|| info!(target: "audit", password = "canary", password = "canary"));
    captured
        .only()
        .assert_attribute("password", "[REDACTED:secret]")
        .assert_attribute("password#2", "[REDACTED:secret]")
        .assert_hides("canary");
}
