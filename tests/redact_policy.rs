//! What a policy does to records: by name, by shape, by the key inside of a value, by class and by rule.

use std::fmt;

use tracing::{field, info, info_span};
use tracing_audit::record::{Map, Record, Slot, Value};
use tracing_audit::redact::{Action, Alphabet, Class, FieldRule, Pattern, Policy, ValueType};
use tracing_audit::testing::Recording;
use tracing_audit::{Audit, ErrorKind};

const KEY: [u8; 32] = [7; 32];

fn with(policy: Policy) -> Recording {
    Recording::with(|audit| audit.policy(policy))
}

/// Of the shape of a token, and none: assembled, so that it stands nowhere whole.
fn token() -> String {
    ["ghp", "0123456789abcdefghijABCDEFGHIJ012345"].join("_")
}

fn rules(recording: &Recording) -> Vec<(String, u64, u64)> {
    let stats = recording.audit().stats();
    let rules = stats.redactions.into_iter();
    rules
        .map(|rule| (rule.rule, rule.redactions, rule.trial))
        .collect()
}

#[derive(Debug)]
#[expect(dead_code, reason = "shown by its `Debug` form")]
struct Login {
    user: &'static str,
    password: &'static str,
}

#[test]
fn a_secret_in_a_text_is_cut_and_its_surroundings_stay() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", event = "a", "connect with password=hunter2 to the store");
        info!(target: "audit", event = "b", note = %format!("pushed by {} today", token()));
        info!(target: "audit", event = "c", login = ?Login { user: "ann", password: "hunter2" });
        info!(target: "audit", event = "d", url = "https://u:hunter2@example.com/a?page=2");
    });
    let captured = recording.captured();
    captured.count(4);
    for record in captured.records() {
        record.assert_hides("hunter2").assert_hides(&token());
    }
    let records = captured.records();
    let text = |at: usize, slot: Slot| records[at].get(slot).unwrap().as_str().unwrap().to_owned();
    assert_eq!(
        text(0, Slot::Summary),
        "connect with password=[REDACTED:secret] to the store"
    );
    records[1].assert_attribute("note", "pushed by [REDACTED:secret] today");
    records[3].assert_attribute("url", "https://u:[REDACTED:secret]@example.com/a?page=2");
    let login = records[2].attribute("login").unwrap().as_str().unwrap();
    assert!(
        login.contains("\"ann\"") && login.contains("[REDACTED:secret]"),
        "{login}"
    );
    for record in records {
        assert_eq!(
            record.get(Slot::DecisionEnforced),
            Some(&Value::from("redact")),
            "{record:?}"
        );
    }
    assert_eq!(recording.audit().stats().redacted, 4);
    let sum: u64 = rules(&recording)
        .iter()
        .map(|(_, redactions, _)| redactions)
        .sum();
    assert_eq!(sum, 4, "{:?}", rules(&recording));
}

#[test]
fn who_acted_stays_and_a_token_in_its_place_does_not() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", actor = "ann@example.com", resource.id = "4111111111111111", "kept");
        info!(target: "audit", actor = token().as_str(), "cut");
    });
    let captured = recording.captured();
    let [kept, cut] = captured.records() else {
        panic!("{captured:?}")
    };
    assert_eq!(kept.get(Slot::ActorId), Some(&Value::from("ann@example.com")));
    assert_eq!(kept.get(Slot::ResourceId), Some(&Value::from("4111111111111111")));
    assert_eq!(cut.get(Slot::ActorId), Some(&Value::from("[REDACTED:secret]")));
}

#[test]
fn what_a_message_says_of_persons_has_a_marker_or_with_a_key_the_pseudonym_of_the_field() {
    let keyed = Policy::balanced().key("k1", &KEY).unwrap();
    for policy in [Policy::balanced(), keyed.clone()] {
        let has_key = policy.pseudonym(Class::personal("email"), None, "x").is_some();
        let recording = with(policy);
        recording.run(|| {
            info!(target: "audit", email = "Ann@Example.com", "wrote to ann@example.com from 203.0.113.77");
        });
        let captured = recording.captured();
        let record = captured.only();
        record
            .assert_hides("ann@")
            .assert_hides("Ann@")
            .assert_hides("113.77");
        let expected = keyed
            .pseudonym(Class::personal("email"), None, "ann@example.com")
            .unwrap();
        let expected = if has_key {
            expected.as_str()
        } else {
            "[REDACTED:email]"
        };
        record.assert_attribute("email", expected);
        let summary = record.get(Slot::Summary).unwrap().as_str().unwrap();
        assert_eq!(summary, format!("wrote to {expected} from 203.0.113.0"));
        assert_eq!(record.get(Slot::PiiContains), Some(&Value::Bool(true)));
        assert_eq!(record.get(Slot::PiiCategories), Some(&Value::from(vec!["email"])));
    }
}

#[test]
fn a_number_is_judged_by_its_name() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", pin = 4711, tokens = 5, card_number = 4_111_111_111_111_111_u64, amount = 4711);
    });
    let captured = recording.captured();
    let record = captured.only();
    record
        .assert_attribute("pin", "[REDACTED:secret]")
        .assert_attribute("tokens", 5)
        .assert_attribute("card_number", "****1111")
        .assert_attribute("amount", 4711);
}

#[test]
fn bytes_are_looked_at_where_they_are_text() {
    let recording = Recording::new();
    let text = format!("key {} end", token());
    let mixed = [&[0xFF, 0xFE], text.as_bytes(), &[0xFF]].concat();
    recording.run(|| {
        info!(target: "audit", event = "a", body = text.as_bytes());
        info!(target: "audit", event = "b", body = mixed.as_slice());
        info!(target: "audit", event = "c", body = [0xA5_u8; 8].as_slice());
    });
    let captured = recording.captured();
    let bytes = |at: usize| captured.records()[at].attribute("body").unwrap().clone();
    assert_eq!(bytes(0), Value::from(b"key [REDACTED:secret] end".as_slice()));
    assert_eq!(
        bytes(1),
        Value::from("\u{FFFD}\u{FFFD}key [REDACTED:secret] end\u{FFFD}".as_bytes())
    );
    assert_eq!(bytes(2), Value::from([0xA5_u8; 8].as_slice()));
}

#[derive(Debug)]
struct Fails(&'static str, Option<Box<Fails>>);

impl fmt::Display for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Fails {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|error| error as _)
    }
}

#[test]
fn the_links_of_an_errors_chain_are_looked_at_one_by_one_and_together() {
    let recording = Recording::new();
    let inside = Fails("bad url https://a.example/?token=hunter2hunter2", None);
    let split = Fails(
        "login failed, password",
        Some(Box::new(Fails("hunter2hunter2", None))),
    );
    let whole = Fails("cannot send", Some(Box::new(inside)));
    recording.run(|| {
        for error in [&whole, &split] {
            info!(target: "audit", error = error as &(dyn std::error::Error + 'static));
        }
    });
    let captured = recording.captured();
    for record in captured.records() {
        record.assert_hides("hunter2");
    }
    let chain = captured.records()[0]
        .get(Slot::ErrorChain)
        .unwrap()
        .as_list()
        .unwrap()
        .to_vec();
    assert_eq!(chain[0], Value::from("cannot send"));
    assert_eq!(
        chain[1],
        Value::from("bad url https://a.example/?token=[REDACTED:secret]")
    );
}

#[test]
fn values_inside_of_values_are_looked_at_under_their_keys() {
    let recording = Recording::new();
    let inner = Map::from([
        ("apiKey".to_owned(), Value::from("hunter2")),
        (
            "note".to_owned(),
            Value::from(vec![Value::from("password=hunter2")]),
        ),
        ("mail".to_owned(), Value::from("to bob@example.com")),
        ("n".to_owned(), Value::from(7)),
    ]);
    let record = Record::builder("x")
        .actor("user", "ann")
        .attribute("request", Value::Map(inner))
        .build();
    recording.audit().emit(record).unwrap();
    let captured = recording.captured();
    let request = captured
        .only()
        .attribute("request")
        .unwrap()
        .as_map()
        .unwrap()
        .clone();
    assert_eq!(request["apiKey"], Value::from("[REDACTED:secret]"));
    assert_eq!(
        request["note"],
        Value::from(vec![Value::from("password=[REDACTED:secret]")])
    );
    assert_eq!(request["mail"], Value::from("to [REDACTED:email]"));
    assert_eq!(request["n"], Value::from(7));
    assert_eq!(recording.audit().stats().redacted, 3);
}

#[test]
fn the_narrower_rule_decides_and_of_equals_the_stricter() {
    let policy = Policy::balanced()
        .rule(FieldRule::words("note").action(Action::Keep))
        .rule(FieldRule::words("note").action(Action::Mask).id("house.note"))
        .rule(FieldRule::glob("order.*").action(Action::Drop))
        .rule(FieldRule::path("order.id").action(Action::KeepLast(4)))
        .rule(
            FieldRule::words("size")
                .values(ValueType::Text)
                .action(Action::Marker),
        )
        .rule(
            FieldRule::words("remark")
                .event("refund.*")
                .action(Action::TruncateLen(4)),
        );
    let recording = with(policy);
    recording.run(|| {
        info!(target: "audit", event = "a", note = "x", order.id = "123456789012", order.note = "y", size = "big");
        info!(target: "audit", event = "b", size = 7, remark = "in full", order.id = "short");
        drop(info_span!(target: "audit", "refund.paid", remark = "in full"));
        drop(info_span!(target: "audit", "login", remark = "in full"));
    });
    let captured = recording.captured();
    let [a, b, refund, login] = captured.records() else {
        panic!("{captured:?}")
    };
    a.assert_attribute("note", "****")
        .assert_attribute("order.id", "****9012");
    a.assert_attribute("size", "[REDACTED]");
    assert_eq!(a.attribute("order.note"), None);
    // The event's name is a field's there, so a rule about it applies.
    b.assert_attribute("size", 7)
        .assert_attribute("remark", "in f")
        .assert_attribute("order.id", "****");
    refund.assert_attribute("remark", "in f");
    login.assert_attribute("remark", "in full");
    assert!(
        rules(&recording).contains(&("house.note".to_owned(), 1, 0)),
        "{:?}",
        rules(&recording)
    );
}

#[test]
fn a_class_has_the_action_that_the_application_gives_it() {
    let policy = Policy::balanced()
        .class(Class::personal("phone"), Action::Keep)
        .class(Class::SECRET, Action::Keep)
        .class(Class::personal("loyalty-card"), Action::KeepLast(2))
        .rule(FieldRule::words("loyalty").class(Class::personal("loyalty-card")));
    let recording = with(policy);
    recording.run(|| {
        info!(target: "audit", loyalty = "0123456789AB", phone = "+49 30 1234567", password = "hunter2");
    });
    let captured = recording.captured();
    captured
        .only()
        .assert_attribute("loyalty", "****AB")
        .assert_attribute("phone", "+49 30 1234567")
        .assert_attribute("password", "[REDACTED:secret]");
}

#[test]
fn what_is_called_a_secret_and_is_none_can_be_declassified_with_a_reason() {
    let recording = with(Policy::balanced().declassify("token", "the game's coins"));
    recording.run(|| info!(target: "audit", token = "gold", note = format!("and {}", token())));
    let captured = recording.captured();
    captured
        .only()
        .assert_attribute("token", "gold")
        .assert_attribute("note", "and [REDACTED:secret]");
}

#[test]
fn strict_keeps_what_is_listed_and_drops_the_rest() {
    let policy = Policy::strict()
        .key("k1", &KEY)
        .unwrap()
        .allow(["invoice_id", "amount"])
        .rule(FieldRule::words("customer").class(Class::personal("name")));
    let recording = with(policy);
    recording.run(|| {
        info!(
            target: "audit", actor = "u-1", action = "pay", resource.id = "i-7", amount = 12, invoice_id = "i-7",
            customer = "Ann", diagnosis = "flu", password = "hunter2", other = "elsewhere", flag = true, "paid"
        );
    });
    let captured = recording.captured();
    let record = captured.only();
    record
        .assert_attribute("amount", 12)
        .assert_attribute("invoice_id", "i-7");
    let customer = record.attribute("customer").unwrap().as_str().unwrap();
    assert!(customer.starts_with("hmac-sha256:k1:"), "{customer}");
    let keys: Vec<&str> = ["amount", "customer", "invoice_id"].into();
    let attributes = record.get(Slot::Attributes).unwrap().as_map().unwrap();
    assert_eq!(attributes.keys().map(String::as_str).collect::<Vec<_>>(), keys);
    for hidden in ["flu", "hunter2", "elsewhere", "Ann"] {
        record.assert_hides(hidden);
    }
    assert_eq!(record.get(Slot::Summary), Some(&Value::from("paid")));
    assert!(
        rules(&recording).contains(&("strict.unlisted".to_owned(), 2, 0)),
        "{:?}",
        rules(&recording)
    );
}

#[test]
fn strict_refuses_to_start_without_a_key() {
    let error = Audit::builder()
        .without_journal()
        .sink(tracing_audit::sink::MemorySink::default())
        .policy(Policy::strict())
        .start()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("key"), "{error}");
}

#[test]
fn strict_takes_no_address_of_a_person_for_an_actors_id() {
    let recording = with(Policy::strict().key("k1", &KEY).unwrap());
    let record = Record::builder("x").actor("user", "ann@example.com").build();
    let error = recording.audit().emit(record).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(
        error.to_string().contains("actor.id") && !error.to_string().contains("ann@"),
        "{error}"
    );
    // A layer can refuse nobody: there the pseudonym stands.
    recording.run(|| info!(target: "audit", actor = "ann@example.com", "hello"));
    let captured = recording.captured();
    let actor = captured.only().get(Slot::ActorId).unwrap().as_str().unwrap();
    assert!(actor.starts_with("hmac-sha256:k1:"), "{actor}");
    assert_eq!(recording.audit().stats().rejected_policy, 1);
}

#[test]
fn a_policy_under_trial_is_counted_and_changes_nothing() {
    let trial = Policy::strict().key("k1", &KEY).unwrap().allow(["kept"]);
    let recording = with(Policy::balanced().dry_run(trial));
    recording.run(|| {
        info!(target: "audit", kept = "a", unlisted = "b", n = 1, password = "hunter2", "from bob@example.com");
    });
    let captured = recording.captured();
    captured
        .only()
        .assert_attribute("unlisted", "b")
        .assert_attribute("n", 1)
        .assert_attribute("password", "[REDACTED:secret]");
    let counted = rules(&recording);
    assert!(
        counted.contains(&("strict.unlisted".to_owned(), 0, 2)),
        "{counted:?}"
    );
    assert!(counted.contains(&("name.secret".to_owned(), 1, 1)), "{counted:?}");
    assert!(counted.contains(&("email".to_owned(), 1, 1)), "{counted:?}");
}

#[test]
fn a_declaration_that_redaction_contradicts_is_flagged() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", contains_pii = false, "wrote to ann@example.com");
        info!(target: "audit", contains_pii = false, "wrote to nobody");
    });
    let strict = with(Policy::strict().key("k1", &KEY).unwrap());
    strict.run(|| info!(target: "audit", contains_pii = false, "wrote to ann@example.com"));
    let captured = recording.captured();
    let [wrong, right] = captured.records() else {
        panic!("{captured:?}")
    };
    assert_eq!(wrong.get(Slot::PiiContains), Some(&Value::Bool(false)));
    assert_eq!(wrong.get(Slot::PiiUndeclared), Some(&Value::Bool(true)));
    assert_eq!(right.get(Slot::PiiUndeclared), None);
    assert_eq!(
        strict.captured().only().get(Slot::PiiContains),
        Some(&Value::Bool(true))
    );
    assert!(rules(&recording).contains(&("pii.undeclared".to_owned(), 1, 0)));
}

#[test]
fn with_redaction_off_values_stay_and_the_trail_says_why() {
    let recording = with(Policy::off("a laboratory"));
    recording.run(|| info!(target: "audit", password = "hunter2", ip = "203.0.113.77", "to ann@example.com"));
    recording
        .captured()
        .only()
        .assert_attribute("password", "hunter2")
        .assert_attribute("ip", "203.0.113.77");
    assert_eq!(recording.audit().stats().redacted, 0);
}

#[test]
fn what_lies_beyond_the_scan_limit_is_not_kept() {
    let recording = with(Policy::balanced().scan_limit(256));
    let long = format!("{} password=hunter2", "word ".repeat(100));
    recording.run(|| {
        info!(target: "audit", event = "a", note = long.as_str());
        info!(target: "audit", event = "b", note = field::display(&long));
    });
    for record in recording.captured().records() {
        record.assert_hides("hunter2");
        let note = record.attribute("note").unwrap().as_str().unwrap();
        assert!(note.len() <= 256 && note.starts_with("word word"), "{note}");
        let truncated = record.get(Slot::Truncated).unwrap().as_list().unwrap();
        assert_eq!(truncated.len(), 1, "{record:?}");
    }
}

#[test]
fn a_token_of_the_applications_own_is_not_cut_in_half_by_the_scan_limit() {
    let pattern = Pattern::literal("acme", "acme_", Alphabet::Alnum, 32..=64);
    let policy = Policy::balanced().scan_limit(256).pattern(pattern).unwrap();
    for before in 90..140 {
        let (head, tail) = ("x".repeat(before - 1), "y".repeat(400));
        let text = format!("{head}/acme_{}/{tail}", "b7".repeat(20));
        let treated = policy.redact("note", &text);
        let value = treated.value.unwrap();
        assert!(!value.contains("b7b7"), "{before}: {value}");
    }
}
