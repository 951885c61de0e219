//! What a policy does beside cutting: a trial that is counted, one value at a time, plans as plain data, patterns.

use proptest::prelude::*;
use tracing::info;
use tracing_audit::record::{Map, Record, Slot, Value};
use tracing_audit::redact::{Action, Alphabet, Class, FieldRule, Pattern, Policy, Sought, scan};
use tracing_audit::testing::Recording;

const KEY: &[u8] = &[b'k'; 32];

/// A policy that tries the strict one, with a pattern that only that one has.
#[cfg(feature = "config")]
const TRIAL: &str = r#"
    [dry_run]
    mode = "strict"
    [[dry_run.allow]]
    fields = ["listed"]
    [[dry_run.pattern]]
    id = "ticket"
    literal = "T-4"
    alphabet = "digits"
    len = "6"
    positives = ["T-4411822"]
    negatives = ["T-44"]
"#;

/// The policy that is tried there, by the builder.
fn trial() -> Policy {
    let ticket = Pattern::literal("ticket", "T-4", Alphabet::Digits, 6..=6);
    Policy::strict().allow(["listed"]).pattern(ticket).unwrap()
}

/// A trail under the policy, with a record by every door.
fn recorded(policy: Policy) -> Recording {
    let recording = Recording::with(|audit| audit.policy(policy));
    recording.run(|| {
        info!(target: "audit", event = "x", actor.id = "u-1", invoice_id = 7, city = "Ulm", listed = "yes");
        info!(target: "audit", event = "x", message = "mail to canary@example.com from 203.0.113.77 and T-4411822");
        info!(target: "audit", event = "x", password = "canary-2", ratio = 0.5, paid = true);
        let span = tracing::info_span!(target: "audit", "canary-span", city = tracing::field::Empty);
        span.record("city", "Ulm");
    });
    let detail = Value::from(Map::from([("floor".to_owned(), Value::from("Mill"))]));
    let record = Record::builder("x").attribute("listed", detail);
    recording.audit().emit(record.build()).unwrap();
    recording
}

/// What the records say, but for what differs from run to run.
fn said(recording: &Recording) -> Vec<Vec<(Slot, Value)>> {
    let differs = |slot: Slot| {
        matches!(
            slot,
            Slot::Id
                | Slot::ObservedAt
                | Slot::Stream
                | Slot::Time
                | Slot::DurationNs
                | Slot::ExecutionId
                | Slot::SpanId
                | Slot::TraceId
        )
    };
    let captured = recording.captured();
    let records = captured.records().iter().map(|record| {
        let slots = record.record().slots().filter(|(slot, _)| !differs(*slot));
        slots.map(|(slot, value)| (slot, value.clone())).collect()
    });
    records.collect()
}

#[test]
fn a_trial_is_counted_by_rule_and_changes_nothing() {
    let plain = recorded(Policy::balanced());
    let tried = recorded(Policy::balanced().dry_run(trial()));
    assert_eq!(said(&plain), said(&tried));
    let counted = |rule: &str| {
        let stats = tried.audit().stats().redactions;
        let of_rule = stats.iter().find(|stats| stats.rule == rule);
        of_rule.map_or(0, |stats| stats.trial)
    };
    // invoice_id, city of the event and of the span, ratio, paid; and the floor in what is listed.
    assert_eq!(counted("strict.unlisted"), 6);
    let others = ["name.secret", "email", "ip", "ticket"].map(counted);
    assert_eq!(others, [1, 1, 1, 1]);
    let text = format!("{}{:?}", tried.audit().openmetrics(), tried.audit().stats());
    assert!(
        text.contains("audit_redactions_trial_total{rule=\"strict.unlisted\"}"),
        "{text}"
    );
    for value in ["canary@", "canary-2", "Ulm", "4411822", "Mill"] {
        assert!(!text.contains(value), "{text}");
    }
    let of_plain = plain.audit().stats().redactions;
    assert!(of_plain.iter().all(|rule| rule.trial == 0), "{of_plain:?}");
}

#[cfg(feature = "config")]
#[test]
fn a_trial_in_a_file_is_that_of_the_code() {
    let file = Policy::from_toml(TRIAL).unwrap();
    let code = Policy::balanced().dry_run(trial());
    for policy in [&file, &code] {
        let _ = policy.redact("listed", "T-4411822");
        let _ = policy.redact("message", "T-4411822 by mail@example.com");
        let _ = policy.redact("city", "Ulm");
    }
    assert_eq!(file.stats(), code.stats());
    let trials: u64 = file.stats().iter().map(|rule| rule.trial).sum();
    assert_eq!(trials, 4, "{:?}", file.stats());
}

#[test]
fn one_value_is_treated_as_a_record_would_hold_it() {
    let policy = Policy::balanced()
        .field("diagnosis", Action::Drop)
        .field("note", Action::TruncateLen(12))
        .field("badge", Action::Mask)
        .class(Class::personal("email"), Action::Hmac)
        .key("k1", KEY)
        .unwrap();
    let recording = Recording::with(|audit| audit.policy(policy.clone()));
    let values = [
        "plain words",
        "mail to ann@example.com, ip 203.0.113.77",
        "password=hunter2 and a long text behind it",
        "203.0.113.77",
        "[2001:db8:1:2::3]:443",
        "203.0.113.0/24",
        "[REDACTED:email]",
        "****7788",
        "",
    ];
    recording.run(|| {
        for value in values {
            info!(target: "audit", told = value, note = value, badge = value, password = value, diagnosis = value, peer_addr = value, actor.ip = value);
        }
    });
    let captured = recording.captured();
    for (record, value) in captured.records().iter().zip(values) {
        for field in [
            "told",
            "note",
            "badge",
            "password",
            "diagnosis",
            "peer_addr",
            "actor.ip",
        ] {
            let treated = policy.redact(field, value);
            let slot = record
                .record()
                .text(Slot::ActorIp)
                .filter(|_| field == "actor.ip");
            let recorded = record.attribute(field).and_then(Value::as_str).or(slot);
            assert_eq!(treated.value.as_deref(), recorded, "{field} of {value}");
            assert_eq!(
                treated.value.as_deref() == Some(value),
                treated.count() == 0,
                "{field} of {value}"
            );
        }
    }
    let mail = policy.redact("told", values[1]);
    let rules: Vec<_> = mail
        .redactions
        .iter()
        .map(|done| (done.rule, done.action, done.n))
        .collect();
    assert_eq!(rules, [("email", Action::Hmac, 1), ("ip", Action::TruncateIp, 1)]);
    let counted: u64 = policy.stats().iter().map(|rule| rule.redactions).sum();
    assert!(counted >= mail.count(), "{:?}", policy.stats());
}

#[test]
fn a_hash_that_came_with_an_imported_record_stays_as_it_is() {
    let policy = Policy::balanced()
        .field("client_id", Action::Hmac)
        .key("k2", KEY)
        .unwrap();
    let older = Policy::balanced().key("k1", KEY).unwrap();
    let imported = older.pseudonym(Class::UNCLASSIFIED, None, "client-17").unwrap();
    let bare = tracing_audit::redact::sha256(b"client-17");
    let recording = Recording::with(|audit| audit.policy(policy.clone()));
    recording.run(|| {
        info!(target: "audit", client_id = &*imported, params_hash = &*imported, other_hash = &*bare);
        info!(target: "audit", client_id = "client-17");
    });
    let captured = recording.captured();
    let record = captured.records().first().unwrap();
    for field in ["client_id", "params_hash"] {
        assert_eq!(record.attribute(field), Some(&Value::from(&*imported)), "{field}");
        assert_eq!(policy.redact(field, &imported).count(), 0, "{field}");
    }
    assert_eq!(record.attribute("other_hash"), Some(&Value::from(bare)));
    assert_eq!(
        recording.audit().stats().redacted,
        1,
        "the value that was no pseudonym"
    );
}

#[test]
fn without_rules_of_its_own_the_engine_answers_as_before() {
    for value in [
        "token=hunter2hunter2",
        "203.0.113.77",
        "nothing here",
        "mail ann@example.com",
    ] {
        let treated = Policy::balanced().redact("message", value);
        let scanned = scan("message", value);
        assert_eq!(treated.value.as_deref(), Some(&*scanned.value), "{value}");
    }
}

#[test]
fn a_plan_says_slot_class_action_rule_and_what_is_looked_for() {
    let policy = Policy::balanced()
        .rule(
            FieldRule::words("member mail")
                .id("mails")
                .class(Class::personal("email")),
        )
        .key("k1", KEY)
        .unwrap()
        .dry_run(Policy::strict());
    let plan = policy.explain("member_mail", None, None);
    assert_eq!(plan.place, "attributes.member_mail");
    assert_eq!(
        (plan.text.class, plan.text.action),
        (Class::personal("email"), Action::Hmac)
    );
    assert_eq!(
        (plan.text.rule, plan.text.sought),
        (Some("mails"), Sought::Nothing)
    );
    let plan = policy.explain("user.id", None, None);
    assert_eq!(
        (plan.place.as_str(), plan.text.sought),
        ("actor.id", Sought::Secrets)
    );
    let plan = policy.explain("tokens", None, None);
    assert_eq!(
        (plan.text.action, plan.number.action),
        (Action::Marker, Action::Keep)
    );
    let plan = policy.explain("city", None, None);
    assert_eq!(
        (plan.text.action, plan.text.sought, plan.text.rule),
        (Action::Keep, Sought::All, None)
    );
    let trial = plan.trial.as_deref().unwrap();
    assert_eq!(
        (trial.0.action, trial.0.rule),
        (Action::Drop, Some("strict.unlisted"))
    );
    assert_eq!(
        plan.to_string(),
        "city → attributes.city: keep, look for everything; numbers: keep; on trial: drop by strict.unlisted"
    );
}

#[test]
fn a_running_trail_explains_the_callsites_that_it_has_met() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", event = "a", secret_of_explain = "hunter2", city = "Ulm");
        info!(target: "elsewhere", event = "b", other_of_explain = "hunter2");
        drop(tracing::info_span!(target: "audit", "explained.span", client.address = "203.0.113.77"));
    });
    let callsites = recording.audit().explain();
    let of = |field: &str| {
        callsites
            .iter()
            .find(|callsite| callsite.fields.iter().any(|explained| explained.field == field))
    };
    let event = of("secret_of_explain").unwrap();
    let fields: Vec<_> = event.fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["event", "secret_of_explain", "city"]);
    assert_eq!((event.file, event.event.as_str()), (Some(file!()), ""));
    assert_eq!(of("other_of_explain"), None, "no audit record, no plan");
    assert_eq!(of("client.address").unwrap().event, "explained.span");
    let lines: Vec<_> = callsites.iter().map(|callsite| callsite.line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
    let text: String = callsites.iter().map(ToString::to_string).collect();
    let line = "secret_of_explain → attributes.secret_of_explain: marker as secret by name.secret";
    assert!(text.contains(line), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("Ulm"), "{text}");
}

#[test]
fn patterns_cost_a_text_that_none_of_them_fits_nothing_of_its_bytes() {
    let policy = Policy::balanced()
        .pattern(Pattern::literal("acme", "acme_", Alphabet::Alnum, 8..=8))
        .unwrap();
    let treated = policy.redact("told", "acme_short, acmé, ac\u{200b}me");
    assert!(matches!(treated.value, Some(std::borrow::Cow::Borrowed(_))));
    // Actors' ids are looked into for secrets only, and a pattern is one.
    let token = format!("acme_{}", "a1".repeat(4));
    assert_eq!(
        policy.redact("actor.id", &token).value.unwrap(),
        "[REDACTED:secret]"
    );
    let again = policy.redact("actor.id", "[REDACTED:secret]");
    assert_eq!(again.count(), 0);
}

#[test]
fn a_pattern_is_found_in_the_shortest_and_plainest_text_of_a_record() {
    let policy = Policy::balanced()
        .pattern(Pattern::literal("ticket", "tkt", Alphabet::Lower, 3..=3))
        .and_then(|policy| policy.pattern(Pattern::starting("word", Alphabet::Lower, Alphabet::Lower, 8..=8)))
        .unwrap();
    let recording = Recording::with(|audit| audit.policy(policy));
    recording.run(|| {
        for (token, word) in [("tktabc", "abcdefgh"), ("tktab", "abcdefg")] {
            info!(target: "audit", event = "x", actor.id = token, told = token, word, shown = %token, bytes = token.as_bytes());
        }
        info!(target: "audit", event = "y", route = "/x/tktabc");
    });
    let captured = recording.captured();
    let found = captured.first();
    found.assert_has(Slot::ActorId, "[REDACTED:secret]");
    for field in ["told", "word", "shown"] {
        found.assert_attribute(field, "[REDACTED:secret]");
    }
    let hidden = Value::from(&b"[REDACTED:secret]"[..]);
    assert_eq!(found.attribute("bytes"), Some(&hidden));
    captured
        .with_event("y")
        .first()
        .assert_attribute("route", "/x/[REDACTED:secret]");
    assert_eq!(
        recording.audit().stats().redacted,
        6,
        "and nothing of what is too short"
    );
}

/// Texts that look like tokens, hide them, or are what redaction wrote.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop::sample::select(vec![
        "acme_",
        "0a1b2c3d",
        "A1234567",
        " ",
        "=",
        "_",
        "%5F",
        "\u{200b}",
        "é",
        "[REDACTED:secret]",
        "hmac-sha256:k1:",
        "acme_acme_",
        "YWNtZV8wYTFiMmMzZA",
        "\\n",
        "x",
    ]);
    prop::collection::vec(scrap, 0..24).prop_map(|scraps| scraps.concat())
}

proptest! {
    #[test]
    fn what_patterns_cut_stays_cut_and_nothing_else_changes(text in scraps()) {
        let policy = Policy::balanced()
            .pattern(Pattern::literal("acme", "acme_", Alphabet::Hex, 8..=8))
            .and_then(|policy| policy.pattern(Pattern::starting("member", Alphabet::Upper, Alphabet::Digits, 8..=8)))
            .unwrap();
        let once = policy.redact("told", &text);
        let value = once.value.clone().unwrap();
        prop_assert_eq!(once.count() == 0, value == text.as_str());
        // What was glued to a token can be read as an encoding once the token is gone: more is cut then, and never less.
        let again = policy.redact("told", &value).value.unwrap();
        prop_assert!(again.matches("[REDACTED").count() >= value.matches("[REDACTED").count(), "{}", text);
        let settled = policy.redact("told", &again);
        prop_assert_eq!(settled.value.as_deref(), Some(&*again), "once more of {}", text);
        let left = value.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
        for word in left {
            let is_token = word.strip_prefix("acme_").is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
            prop_assert!(!is_token, "{} left of {}", word, text);
        }
    }
}
