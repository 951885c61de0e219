//! What redaction says of itself is exact, the strict policy is closed, and what was redacted stays as it is.

#[path = "support/canary.rs"]
mod canary;
#[path = "support/records.rs"]
mod records;

use std::collections::BTreeMap;

use canary::{Carrier, Dice, Kind, Planted};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tracing::{info, info_span};
use tracing_audit::record::{Fill, Map, Record, Resolved, Slot, Value};
use tracing_audit::redact::{Action, Class, Policy};
use tracing_audit::testing::{CapturedRecord, Recording};

const KEY: [u8; 32] = [7; 32];

/// How many random cases a property is tried with.
fn cases(usual: u32) -> Config {
    let is_quick = std::env::var_os("TRACING_AUDIT_QUICK").is_some();
    Config {
        failure_persistence: None,
        ..Config::with_cases(if is_quick { usual / 8 } else { usual })
    }
}

/// What a record says was redacted: by rule, and the sum.
fn stated(record: &CapturedRecord) -> (BTreeMap<String, u64>, u64) {
    let Some(redaction) = record.map(Slot::Redaction) else {
        return (BTreeMap::new(), 0);
    };
    let mut rules = BTreeMap::new();
    let fields = redaction
        .get("fields")
        .and_then(Value::as_list)
        .unwrap_or_default();
    for field in fields.iter().filter_map(Value::as_map) {
        let rule = field.get("rule").and_then(Value::as_str).unwrap_or_default();
        *rules.entry(rule.to_owned()).or_default() += field.get("n").and_then(Value::as_u64).unwrap_or(0);
    }
    (rules, redaction.get("count").and_then(Value::as_u64).unwrap_or(0))
}

/// A record with so many secrets, each one value that redaction replaces as a whole or in which it finds one thing.
fn with_secrets(planted: &[Planted]) -> Record {
    let mut builder = Record::builder("counted")
        .attribute("harmless", "kept")
        .attribute("n", 17_u64);
    for (at, secret) in planted.iter().enumerate() {
        let text = secret.secret.as_str();
        let shaped = secret.kind.is_token();
        builder = match at % 5 {
            0 => builder.attribute(format!("password{at}"), text),
            1 if shaped => {
                builder.attribute(format!("note{at}"), format!("signed in with {text} and went on"))
            }
            2 if shaped => builder.label(format!("label{at}"), text),
            3 => builder.attribute(
                format!("outer{at}"),
                Map::from([("token".to_owned(), Value::from(text))]),
            ),
            4 if shaped => builder.attribute(format!("list{at}"), vec!["first", text]),
            _ => builder.attribute(format!("api_key{at}"), secret.number),
        };
    }
    builder.build()
}

#[test]
fn what_was_planted_is_what_records_and_counters_state() {
    let recording = Recording::new();
    let mut dice = Dice::new(canary::seed());
    let mut sizes = Vec::new();
    for at in 0..300 {
        let planted: Vec<Planted> = (0..dice.below(14))
            .map(|inner| Planted::new(at * 31 + inner, &mut dice))
            .collect();
        sizes.push(planted.len() as u64);
        recording.audit().submit(with_secrets(&planted)).unwrap();
    }
    let captured = recording.captured();
    captured.count(sizes.len());
    let mut rules: BTreeMap<String, u64> = BTreeMap::new();
    for (record, planted) in captured.records().iter().zip(&sizes) {
        let (by_rule, count) = stated(record);
        assert_eq!(count, *planted, "{record:?}");
        assert_eq!(by_rule.values().sum::<u64>(), count, "{record:?}");
        let decided = record.text(Slot::DecisionEnforced);
        assert_eq!(decided, (count > 0).then_some("redact"), "{record:?}");
        record
            .assert_attribute("harmless", "kept")
            .assert_attribute("n", 17_u64);
        by_rule
            .into_iter()
            .for_each(|(rule, n)| *rules.entry(rule).or_default() += n);
    }
    let stats = recording.audit().stats();
    let counted: BTreeMap<String, u64> = stats
        .redactions
        .into_iter()
        .map(|rule| (rule.rule, rule.redactions))
        .collect();
    assert_eq!(counted, rules);
    assert_eq!(stats.redacted, sizes.iter().sum::<u64>());
    let metrics = recording.audit().openmetrics();
    for (rule, n) in &rules {
        assert!(
            metrics.contains(&format!("{{rule=\"{rule}\"}} {n}\n")),
            "{rule} {n}: {metrics}"
        );
    }
}

#[test]
fn a_decision_that_somebody_gave_stays_although_something_was_hidden() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", event = "given", decision = "allow", password = "hunter2");
        info!(target: "audit", event = "derived", password = "hunter2");
        info!(target: "audit", event = "none", note = "harmless");
        info!(target: "audit", event = "shortened", client.address = "192.0.2.77");
        drop(info_span!(target: "audit", "span", password = "hunter2"));
    });
    let captured = recording.captured();
    let decision = |event: &str| {
        captured
            .with_event(event)
            .only()
            .text(Slot::DecisionEnforced)
            .map(str::to_owned)
    };
    assert_eq!(decision("given").as_deref(), Some("allow"));
    assert_eq!(decision("derived").as_deref(), Some("redact"));
    assert_eq!(decision("span").as_deref(), Some("redact"));
    assert_eq!(decision("none"), None);
    assert_eq!(decision("shortened"), None);
}

#[test]
fn personal_data_is_stated_by_what_was_seen_and_a_false_declaration_is_flagged() {
    let mut dice = Dice::new(canary::seed());
    let mail = Planted::many(576, dice.next())
        .into_iter()
        .find(|secret| secret.kind == Kind::Email)
        .unwrap()
        .secret;
    for is_strict in [false, true] {
        let policy = if is_strict {
            Policy::strict().key("k1", &KEY).unwrap()
        } else {
            Policy::balanced()
        };
        let recording = Recording::with(|audit| audit.policy(policy));
        recording.run(|| {
            info!(target: "audit", event = "seen", summary = format!("sent to {mail}"));
            info!(target: "audit", event = "denied", contains_pii = false, summary = format!("sent to {mail}"));
            info!(target: "audit", event = "told", contains_pii = true, summary = "sent");
            info!(target: "audit", event = "harmless", contains_pii = false, summary = "sent");
        });
        let captured = recording.captured();
        let of = |event: &str| captured.with_event(event).only().clone();
        of("seen")
            .assert_has(Slot::PiiContains, true)
            .assert_has(Slot::PiiCategories, vec!["email"]);
        of("seen").assert_lacks(Slot::PiiUndeclared);
        of("denied")
            .assert_has(Slot::PiiUndeclared, true)
            .assert_has(Slot::PiiContains, is_strict);
        of("told")
            .assert_has(Slot::PiiContains, true)
            .assert_lacks(Slot::PiiUndeclared);
        of("harmless")
            .assert_has(Slot::PiiContains, false)
            .assert_lacks(Slot::PiiUndeclared);
        let rules = recording.audit().stats().redactions;
        let undeclared = rules
            .iter()
            .find(|rule| rule.rule == "pii.undeclared")
            .map(|rule| rule.redactions);
        assert_eq!(undeclared, Some(1));
    }
}

/// The keys inside of a value, with the path to each, but for those whose value redaction has hidden: what a name says
/// is a person's or an address keeps its key, with a pseudonym or a network behind it.
fn keys(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Map(members) => {
            for (key, value) in members {
                let path = format!("{path}.{key}");
                keys(value, &path, found);
                let is_hidden = value
                    .as_str()
                    .is_some_and(|text| text.starts_with("[REDACTED") || text.starts_with("hmac-sha256:k1:"));
                if !is_hidden {
                    found.push(path);
                }
            }
        }
        Value::List(values) => values.iter().for_each(|value| keys(value, path, found)),
        _ => {}
    }
}

/// G4: whatever a record holds, the strict policy lets through what belongs to the vocabulary and what is allowed.
#[test]
fn under_the_strict_policy_every_key_of_every_line_belongs_to_the_vocabulary_or_is_allowed() {
    const ALLOWED: [&str; 3] = ["a", "a.b", "invoice_id"];
    let policy = Policy::strict().allow(ALLOWED).key("k1", &KEY).unwrap();
    let recording = Recording::with(|audit| audit.policy(policy));
    let strategy = (records::record(), records::value(), records::value());
    TestRunner::new(cases(400))
        .run(&strategy, |(record, one, other)| {
            let mut builder = Record::builder("closed")
                .attribute("a", one.clone())
                .attribute("z", other.clone());
            for (slot, value) in record.slots().filter(|(slot, _)| *slot != Slot::Event) {
                builder = match (slot, value) {
                    (Slot::Attributes, Value::Map(members)) => {
                        let mut all = builder;
                        for (key, value) in members {
                            all = all.attribute(key, value.clone());
                        }
                        all
                    }
                    _ => builder.set(slot, value.clone()),
                };
            }
            let _refused = recording
                .audit()
                .submit(builder.detail(one).call_stack(other).build());
            Ok(())
        })
        .unwrap();
    let captured = recording.captured();
    assert!(captured.len() > 20);
    for record in &captured {
        let line: serde_json::Value = serde_json::from_str(record.line()).unwrap();
        for key in line.as_object().unwrap().keys() {
            let is_slot = Slot::ALL
                .iter()
                .any(|slot| slot.place().0.unwrap_or(slot.path()) == key);
            assert!(is_slot, "{key}: {record:?}");
        }
        let mut found = Vec::new();
        for slot in [
            Slot::Attributes,
            Slot::Labels,
            Slot::Hashes,
            Slot::Detail,
            Slot::CallStack,
        ] {
            if let Some(value) = record.get(slot) {
                keys(value, "", &mut found);
            }
        }
        for path in found {
            let path = path.trim_start_matches('.');
            let is_named = matches!(Resolved::of(path), Resolved::Slot(..));
            assert!(ALLOWED.contains(&path) || is_named, "{path:?} passed: {record:?}");
        }
    }
}

/// What an application can give again of a record that was written: without what redaction states of it.
fn content(record: &Record) -> Vec<(Slot, Value)> {
    let own = [
        Slot::Redaction,
        Slot::DecisionEnforced,
        Slot::PiiContains,
        Slot::PiiCategories,
    ];
    let given = [Slot::Attributes, Slot::Labels];
    let slots = record
        .slots()
        .filter(|(slot, _)| !own.contains(slot) && (slot.fill() != Fill::Reserved || given.contains(slot)));
    slots.map(|(slot, value)| (slot, value.clone())).collect()
}

/// Such a record once more.
fn again(content: Vec<(Slot, Value)>) -> Record {
    let builder = content
        .into_iter()
        .fold(Record::builder("once"), |builder, (slot, value)| {
            match (slot, value) {
                (Slot::Attributes, Value::Map(members)) => members
                    .into_iter()
                    .fold(builder, |builder, (key, value)| builder.attribute(key, value)),
                (Slot::Labels, Value::Map(members)) => {
                    members.into_iter().fold(builder, |builder, (key, value)| {
                        builder.label(key, value.as_str().unwrap_or_default())
                    })
                }
                (slot, value) => builder.set(slot, value),
            }
        });
    builder.build()
}

/// G5 for whole records: what was written, given again, is written the same and nothing is found in it.
#[test]
fn a_record_that_was_redacted_is_left_alone_the_second_time() {
    let recording = Recording::new();
    let mut dice = Dice::new(canary::seed());
    for at in 0..200 {
        let planted: Vec<Planted> = (0..6)
            .map(|inner| Planted::new(at * 37 + inner, &mut dice))
            .collect();
        let mut builder = Record::builder("once");
        for (number, secret) in planted.iter().enumerate() {
            let name = if secret.told { "password" } else { "note" };
            let map = Map::from([(name.to_owned(), Value::from(&*secret.text))]);
            builder = builder
                .attribute(format!("{name}{number}"), &*secret.text)
                .label(format!("{name}{number}"), &*secret.text)
                .attribute(format!("map{number}"), map);
            if !secret.told || secret.carrier != Carrier::Bare {
                builder = builder
                    .set(Slot::Reason, &*secret.text)
                    .set(Slot::Summary, &*secret.text);
            }
        }
        recording.audit().submit(builder.build()).unwrap();
    }
    for record in &recording.captured() {
        recording.audit().submit(again(content(record))).unwrap();
    }
    let both = recording.captured();
    both.count(400);
    for (first, second) in both.records()[..200].iter().zip(&both.records()[200..]) {
        second.assert_lacks(Slot::Redaction);
        assert_eq!(content(first), content(second));
    }
}

/// G5 for texts: a JSON text stays one, whether texts or numbers are cut in it.
#[test]
fn a_json_text_stays_one_whatever_is_cut_in_it() {
    let key = prop::sample::select(vec![
        "user", "note", "password", "apiKey", "url", "n", "inner", "x-token", "Cookie", "?token=",
        "secret= ", "token ",
    ]);
    let seeds = any::<u64>();
    let leaf = prop_oneof![
        (0_usize..576, seeds).prop_map(|(at, seed)| {
            let secret = Planted::new(at, &mut Dice::new(seed));
            serde_json::Value::from(secret.text)
        }),
        "[a-z \"\\\\{}:,=&]{0,20}".prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<u64>().prop_map(serde_json::Value::from),
        any::<f32>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::from(4_111_111_111_111_111_u64)),
    ];
    let tree = leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    });
    TestRunner::new(cases(1_500))
        .run(&tree, |tree| {
            let text = tree.to_string();
            let scanned = tracing_audit::redact::scan("message", &text);
            let is_json = serde_json::from_str::<serde_json::Value>(&scanned.value).is_ok();
            // A number that is the whole text is no text of JSON to anybody.
            prop_assert!(
                is_json || tree.is_number() || scanned.dropped > 0,
                "{text}\n{}",
                scanned.value
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_personal_class_without_a_key_is_hidden_and_with_one_it_is_a_pseudonym() {
    let keyed = Policy::balanced().key("k1", &KEY).unwrap();
    for (policy, begins) in [(Policy::balanced(), "[REDACTED"), (keyed, "hmac-sha256:k1:")] {
        let policy = policy.class(Class::personal("name"), Action::Hmac);
        let recording = Recording::with(|audit| audit.policy(policy));
        recording.run(|| info!(target: "audit", event = "x", first_name = "Alice"));
        let captured = recording.captured();
        let shown = captured
            .only()
            .attribute("first_name")
            .and_then(Value::as_str)
            .unwrap()
            .to_owned();
        assert!(shown.starts_with(begins), "{shown}");
        captured.only().assert_hides("Alice");
    }
}
