//! What a policy can do to a field: drop, marker, pseudonym, a shorter address; and what stands there if it cannot.

use tracing::{field, info, info_span};
use tracing_audit::ErrorKind;
use tracing_audit::record::{Map, Record, Slot, Value};
use tracing_audit::redact::{Action, Policy};
use tracing_audit::testing::Recording;

const KEY: [u8; 32] = [7; 32];

fn with(policy: Policy) -> Recording {
    Recording::with(|audit| audit.policy(policy))
}

#[test]
fn a_pseudonym_is_the_same_for_the_same_value_by_every_kind_and_door() {
    let policy = Policy::balanced()
        .field("account", Action::Hmac)
        .key("k1", &KEY)
        .unwrap();
    let recording = with(policy);
    recording.run(|| {
        info!(target: "audit", event = "text", account = "4711");
        info!(target: "audit", event = "shown", account = field::display("4711"));
        info!(target: "audit", event = "u64", account = 4711_u64);
        info!(target: "audit", event = "i128", account = 4711_i128);
        drop(info_span!(target: "audit", "span", account = "4711"));
        info!(target: "audit", event = "other", account = "4712");
    });
    let emit = |value: Value| {
        let record = Record::builder("emitted").attribute("account", value).build();
        recording.audit().emit(record).unwrap();
    };
    emit(Value::from("4711"));
    emit(Value::from(4711_u64));
    let captured = recording.captured();
    let pseudonyms: Vec<_> = captured
        .records()
        .iter()
        .map(|record| record.attribute("account").unwrap().as_str().unwrap().to_owned())
        .collect();
    let first = &pseudonyms[0];
    assert!(
        first.starts_with("hmac-sha256:k1:") && first.len() == 15 + 64,
        "{first}"
    );
    for (record, pseudonym) in captured.records().iter().zip(&pseudonyms) {
        assert_eq!(pseudonym == first, record.event() != "other", "{record:?}");
        record.assert_hides("\"4711\"").assert_hides(":4711");
    }
}

#[test]
fn without_a_key_there_is_a_marker_and_never_a_bare_hash() {
    let recording = with(Policy::balanced().field("account", Action::Hmac));
    recording.run(|| info!(target: "audit", account = "4711"));
    recording
        .captured()
        .only()
        .assert_attribute("account", "[REDACTED]")
        .assert_hides("4711");
    assert_eq!(recording.audit().stats().redacted, 1);
}

#[test]
fn a_short_key_is_refused_without_being_shown() {
    let error = Policy::balanced().key("k1", b"sesame").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(!format!("{error} {error:?}").contains("sesame"));
    let policy = Policy::balanced()
        .key("k1", b"0123456789abcdef0123456789abcdef")
        .unwrap();
    assert!(!format!("{policy:?}").contains("0123"));
}

#[test]
fn a_dropped_field_leaves_only_the_remark_that_it_was() {
    let recording = with(Policy::balanced().field("diagnosis", Action::Drop));
    recording.run(|| {
        info!(target: "audit", event = "x", diagnosis = "flu", note = "kept");
        info!(target: "audit", event = "x", diagnosis = ?"flu", note = "kept");
        info!(target: "audit", event = "x", diagnosis = 77, note = "kept");
        drop(info_span!(target: "audit", "x", diagnosis = "flu", note = "kept"));
    });
    let emitted = Map::from([("diagnosis".to_owned(), Value::from("flu"))]);
    let record = Record::builder("x").attribute("note", "kept");
    recording.audit().emit(record.detail(emitted).build()).unwrap();
    let captured = recording.captured();
    captured.count(5);
    for record in &captured {
        assert_eq!(record.attribute("diagnosis"), None);
        record.assert_attribute("note", "kept").assert_hides("flu");
        assert!(!record.line().contains("77,"));
    }
    let first = captured.first().map(Slot::Redaction).unwrap();
    assert!(format!("{first:?}").contains("diagnosis"), "{first:?}");
    assert_eq!(recording.audit().stats().redacted, 5);
}

#[test]
fn a_rule_of_the_applications_cannot_keep_a_secret() {
    let policy = Policy::balanced()
        .field("password", Action::Keep)
        .field("client address", Action::Keep)
        .field("note", Action::Marker);
    let recording = with(policy);
    recording.run(|| {
        info!(target: "audit", password = "hunter2", note = "mine", client.address = "203.0.113.77");
    });
    recording
        .captured()
        .only()
        .assert_hides("hunter2")
        .assert_attribute("note", "[REDACTED]")
        .assert_has(Slot::ActorIp, "203.0.113.77")
        .assert_lacks(Slot::ActorIpPrefixLen);
}

#[test]
fn an_address_is_truncated_in_its_slot_and_in_attributes() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", event = "v4", actor.ip = "203.0.113.77", peer_addr = "203.0.113.77:4711");
        info!(target: "audit", event = "v6", actor.ip = "2001:db8:1:2::3", peer_addr = "[2001:db8:1:2::3]:443");
        info!(target: "audit", event = "typed", actor.ip = %std::net::Ipv4Addr::new(203, 0, 113, 77));
        info!(target: "audit", event = "system", actor.ip = "system");
    });
    let captured = recording.captured();
    for (event, address, attribute, bits) in [
        ("v4", "203.0.113.0", "203.0.113.0/24", 24_u64),
        ("v6", "2001:db8:1::", "2001:db8:1::/48", 48),
    ] {
        captured
            .with_event(event)
            .only()
            .assert_has(Slot::ActorIp, address)
            .assert_has(Slot::ActorIpPrefixLen, bits)
            .assert_attribute("peer_addr", attribute);
    }
    captured
        .with_event("typed")
        .only()
        .assert_has(Slot::ActorIp, "203.0.113.0");
    captured
        .with_event("system")
        .only()
        .assert_has(Slot::ActorIp, "system")
        .assert_lacks(Slot::ActorIpPrefixLen);
}

#[test]
fn what_is_no_address_never_passes_as_one() {
    let recording = Recording::new();
    let garbage = [
        "alice@example.com",
        "203.0.113.7, 198.51.100.9",
        "not an ip",
        "203.0.113",
        "",
    ];
    recording.run(|| {
        for text in garbage {
            info!(target: "audit", event = "text", actor.ip = text, remote_addr = text);
            info!(target: "audit", event = "shown", actor.ip = ?text, remote_addr = %text);
        }
        info!(target: "audit", event = "bytes", actor.ip = &[0xFF_u8, 0xFE][..], remote_addr = &b"\xFFalice"[..]);
        info!(target: "audit", event = "number", remote_addr = 3_405_803_853_u64);
    });
    for text in garbage {
        let record = Record::builder("emitted")
            .set(Slot::ActorIp, text)
            .attribute("remote_addr", text);
        recording.audit().emit(record.build()).unwrap();
    }
    let captured = recording.captured();
    captured.count(17);
    for record in &captured {
        record.assert_attribute("remote_addr", "[REDACTED:network]");
        for text in garbage.into_iter().filter(|text| !text.is_empty()) {
            record.assert_hides(text);
        }
        record.assert_hides("3405803853").assert_hides("alice");
    }
    captured
        .with(Slot::ActorIp, "[REDACTED:network]")
        .count(2 * garbage.len() + garbage.len());
}

/// T003-10.
#[test]
fn redaction_happens_before_the_record_leaves_the_thread() {
    // What waits in a span is redacted already: a policy that a second trail has does not see the value again.
    let recording = with(Policy::balanced().field("case", Action::Marker));
    recording.run(|| {
        let span = info_span!(target: "audit", "span", case = "A-7", label.case = "A-7");
        assert_eq!(recording.audit().stats().redacted, 2, "when it was recorded");
        drop(span);
        assert_eq!(recording.audit().stats().redacted, 2, "once");
    });
    recording.captured().only().assert_hides("A-7");
}

#[test]
fn a_rule_holds_for_names_whose_values_are_read_in_a_way_of_their_own() {
    let policy = ["duration_ms", "latency_ms", "start"]
        .iter()
        .fold(Policy::balanced(), |policy, name| {
            policy.field(name, Action::Drop)
        });
    let recording = with(policy);
    recording.run(|| {
        info!(target: "audit", event = "float", duration_ms = 777_123.5);
        info!(target: "audit", event = "integer", latency_ms = 777_123_u64);
        info!(target: "audit", event = "text", duration_ms = "777123", start = "777123");
    });
    let captured = recording.captured();
    captured.count(3);
    for record in captured.records() {
        record.assert_hides("777123");
        record.assert_lacks(Slot::DurationNs);
    }
}
