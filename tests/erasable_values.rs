//! Which values can be erasable, what is done to them before, and whose they are.

#[path = "support/erasable.rs"]
mod erasable;

use erasable::{Trail, policy};
use tracing::{info, info_span};
use tracing_audit::record::{Map, Record, Slot, Value};
use tracing_audit::redact::sensitive::Email;
use tracing_audit::redact::{Action, Class, FieldRule, Policy, Sensitive};
use tracing_audit::store::ERASED;

#[test]
fn equal_values_have_different_commitments_in_different_records() {
    let trail = Trail::new();
    trail.run(|| {
        for _ in 0..3 {
            info!(target: "audit", event = "user.invite", actor.id = "u-17", email = "ana@example.com");
        }
    });
    let commitments: Vec<_> = trail
        .lines("user.invite")
        .iter()
        .map(|line| line.attribute("email").cloned().unwrap())
        .collect();
    assert!(
        commitments[0] != commitments[1]
            && commitments[1] != commitments[2]
            && commitments[0] != commitments[2]
    );
}

#[test]
fn any_field_can_name_the_subject_wherever_it_stands() {
    let trail = Trail::new();
    trail.run(|| {
        info!(target: "audit", event = "order", actor.id = "clerk", shipping_address = "1 Main St", customer = "c-9");
        info!(target: "audit", event = "order", actor.id = "clerk", customer = 10, shipping_address = "2 Main St");
        info!(target: "audit", event = "order", actor.id = "clerk", shipping_address = "3 Main St");
    });
    assert_eq!(trail.audit.erase("clerk").unwrap().values, 0);
    assert_eq!(trail.audit.erase("c-9").unwrap().values, 1);
    assert_eq!(trail.audit.erase("10").unwrap().values, 1);
    assert_eq!(
        trail.audit.erase("unknown").unwrap().values,
        1,
        "nobody was named"
    );
    assert!(!trail.holds("Main St"));
}

#[test]
fn a_span_hands_erasable_values_down_and_each_record_has_its_own_commitment() {
    let policy = Policy::balanced().field("label.mail", Action::Erasable("actor.id"));
    let trail = Trail::with(policy, |builder| builder);
    trail.run(|| {
        let span = info_span!(target: "audit", "job", actor.id = "u-17", label.mail = "ana@example.com");
        let _entered = span.enter();
        info!(target: "audit", event = "job.step");
        info!(target: "audit", event = "job.step");
    });
    let lines = trail.lines("job.step");
    let of = |record: &Record| {
        record
            .map(Slot::Labels)
            .and_then(|labels| labels.get("mail"))
            .cloned()
    };
    assert!(
        matches!(of(&lines[0]), Some(Value::Commitment(_))),
        "{:?}",
        of(&lines[0])
    );
    assert_ne!(of(&lines[0]), of(&lines[1]));
    assert_eq!(
        of(&trail.read("job.step")[1].record),
        Some(Value::from("ana@example.com"))
    );
    assert_eq!(trail.audit.erase("u-17").unwrap().records, 3);
    assert!(!trail.holds("ana@example.com"));
}

#[test]
fn places_of_the_record_can_be_erasable_and_the_subject_among_them() {
    let policy = Policy::balanced()
        .rule(FieldRule::path("actor.id").action(Action::Erasable("actor.id")))
        .rule(FieldRule::path("actor.ip").action(Action::Erasable("actor.id")))
        .rule(FieldRule::path("message").action(Action::Erasable("actor.id")))
        .rule(FieldRule::path("error").action(Action::Erasable("actor.id")));
    let trail = Trail::with(policy, |builder| builder);
    trail.run(|| {
        let error: Box<dyn std::error::Error> = Box::new(std::io::Error::other("no mailbox of ana's"));
        info!(target: "audit", event = "login", actor.id = "ana", actor.ip = "203.0.113.7", error = &*error, "ana came in");
    });
    assert!(!String::from_utf8(trail.log()).unwrap().contains("ana"));
    assert!(!String::from_utf8(trail.log()).unwrap().contains("203.0.113"));
    let stored = trail.read("login").remove(0);
    assert_eq!(stored.record.text(Slot::ActorId), Some("ana"));
    assert_eq!(stored.record.text(Slot::ActorIp), Some("203.0.113.7"));
    assert_eq!(stored.record.text(Slot::Summary), Some("ana came in"));
    assert_eq!(
        stored.record.text(Slot::ErrorMessage),
        Some("no mailbox of ana's")
    );
    assert_eq!(trail.audit.erase("ana").unwrap().records, 1);
    assert!(!trail.holds("no mailbox") && !trail.holds("ana came in"));
    assert_eq!(trail.read("login")[0].record.text(Slot::ActorId), Some(ERASED));
}

#[test]
fn an_actor_who_is_erasable_keeps_the_rights_of_nobody_else() {
    let policy = Policy::balanced().rule(FieldRule::path("actor.id").action(Action::Erasable("actor.id")));
    let trail = Trail::with(policy, |builder| builder);
    trail.run(|| {
        let span = info_span!(target: "audit", "job", actor.id = "root", actor.roles = "admin");
        let _entered = span.enter();
        info!(target: "audit", event = "same", actor.id = "root");
        info!(target: "audit", event = "other", actor.id = "ana");
    });
    assert_eq!(
        trail.lines("same")[0].texts(Slot::ActorRoles),
        Some(vec!["admin"])
    );
    assert_eq!(trail.lines("other")[0].texts(Slot::ActorRoles), None);
}

#[test]
fn what_says_what_a_record_is_always_stands_in_its_line() {
    let policy = Policy::balanced().rule(FieldRule::glob("**").action(Action::Erasable("actor.id")));
    let trail = Trail::with(policy, |builder| builder);
    trail.run(|| info!(target: "audit", event = "user.login", action = "login", outcome = "denied", category = "user", x = 1));
    let line = &trail.lines("user.login")[0];
    assert_eq!(line.text(Slot::Action), Some("login"));
    assert_eq!(line.text(Slot::Outcome), Some("denied"));
    assert_eq!(line.text(Slot::Category), Some("user"));
    assert!(matches!(line.attribute("x"), Some(Value::Commitment(_))));
    assert_eq!(
        trail.read("user.login")[0].record.attribute("x"),
        Some(&Value::from(1))
    );
}

#[test]
fn no_secret_becomes_erasable() {
    let policy = policy().field("password", Action::Erasable("actor.id"));
    let trail = Trail::with(policy, |builder| builder);
    let secret = ["correct", "horse", "9"].join("-");
    trail.run(|| {
        info!(target: "audit", event = "a", actor.id = "u", password = "hunter2-hunter2");
        info!(target: "audit", event = "a", actor.id = "u", email = format!("ana@example.com password={secret}"));
    });
    assert!(!trail.holds("hunter2") && !trail.holds(&secret));
    let stored = trail.read("a");
    assert_eq!(
        stored[0].record.attribute("password"),
        Some(&Value::from("[REDACTED:secret]"))
    );
    let email = stored[1]
        .record
        .attribute("email")
        .and_then(Value::as_str)
        .unwrap();
    assert!(email.contains("[REDACTED"), "{email}");
}

#[test]
fn every_kind_of_value_comes_back_as_it_was() {
    let policy =
        Policy::balanced().rule(FieldRule::glob("attributes.x*").action(Action::Erasable("actor.id")));
    let policy = policy.rule(FieldRule::glob("x*").action(Action::Erasable("actor.id")));
    let trail = Trail::with(policy, |builder| builder);
    let values = [
        Value::Null,
        Value::from(true),
        Value::from(u128::MAX),
        Value::from(-7),
        Value::from(2.0),
        Value::Bytes(vec![0xDE, 0xAD]),
        Value::from("text"),
        Value::List(vec![Value::from(1), Value::from("a")]),
        Value::Map(Map::from([("$or".to_owned(), Value::from(1))])),
        Value::Map(Map::from([("$commit".to_owned(), Value::from("x"))])),
        Value::Map(Map::from([("value".to_owned(), Value::from(",\"value\":"))])),
    ];
    for (n, value) in values.iter().enumerate() {
        let record = Record::builder("kinds")
            .actor("user", "u")
            .attribute(format!("x{n}"), value.clone());
        trail.audit.emit(record.build()).unwrap();
    }
    for (n, stored) in trail.read("kinds").iter().enumerate() {
        assert!(String::from_utf8_lossy(&stored.line).contains("\"$commit\""));
        assert_eq!(stored.record.attribute(&format!("x{n}")), Some(&values[n]));
    }
    assert_eq!(trail.read("kinds").len(), values.len());
}

#[test]
fn a_value_whose_type_says_what_it_is_can_be_erasable() {
    let policy = Policy::balanced().class(Class::personal("email"), Action::Erasable("actor.id"));
    let trail = Trail::with(policy, |builder| builder);
    let mail: Sensitive<String, Email> = Sensitive::new("ana@example.com".to_owned());
    trail.run(|| {
        info!(target: "audit", event = "typed", actor.id = "u-17", contact = ?mail);
        info!(target: "audit", event = "found", actor.id = "u-17", note = "write to ana@example.com");
    });
    let line = &trail.lines("typed")[0];
    assert!(
        matches!(line.attribute("contact"), Some(Value::Commitment(_))),
        "{line:?}"
    );
    assert_eq!(line.flag(Slot::PiiContains), Some(true));
    assert_eq!(
        trail.read("typed")[0].record.attribute("contact"),
        Some(&Value::from("ana@example.com"))
    );
    // Within a text no commitment can stand.
    let note = trail.read("found")[0].record.attribute("note").cloned();
    assert_eq!(note, Some(Value::from("write to [REDACTED:email]")));
}

#[test]
fn a_member_of_a_structure_that_is_erasable_by_its_name_becomes_the_marker() {
    let trail = Trail::new();
    let inner = Value::Map(Map::from([("email".to_owned(), Value::from("ana@example.com"))]));
    let record = Record::builder("nested")
        .actor("user", "u")
        .attribute("body", inner);
    trail.audit.emit(record.build()).unwrap();
    assert!(!trail.holds("ana@example.com"));
}

#[cfg(feature = "config")]
#[test]
fn a_policy_file_says_erasable_and_whose() {
    let rule = |id: &str, name: &str, action: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\npath = \"{name}\"\naction = \"{action}\"\npositives = [\"{name}\"]\nnegatives = [\"x\"]\n"
        )
    };
    let file = rule("mail", "email", "erasable") + &rule("address", "address", "erasable-customer");
    let policy = Policy::from_toml(&file).unwrap();
    assert_eq!(
        policy.explain("email", None, None).text.action,
        Action::Erasable("actor.id")
    );
    assert_eq!(
        policy.explain("address", None, None).text.action,
        Action::Erasable("customer")
    );
    let trail = Trail::with(policy, |builder| builder);
    trail.run(|| {
        info!(target: "audit", event = "a", actor.id = "u", customer = "c", email = "e@example.com", address = "1 Main St");
    });
    assert_eq!(trail.audit.erase("u").unwrap().values, 1);
    assert_eq!(trail.audit.erase("c").unwrap().values, 1);
    assert!(!trail.holds("Main St"));
}

#[test]
fn what_a_record_does_not_say_of_somebody_outside_is_not_kept_under_the_name_of_another() {
    let policy =
        Policy::balanced().rule(FieldRule::path("actor.user_agent").action(Action::Erasable("actor.id")));
    let trail = Trail::with(policy, |builder| builder);
    trail.run(|| {
        let span = info_span!(target: "audit", "job", actor.id = "ana", actor.user_agent = "browser of ana");
        let _entered = span.enter();
        info!(target: "audit", event = "other", actor.id = "bob");
    });
    assert_eq!(trail.lines("other")[0].text(Slot::ActorId), Some("bob"));
    assert!(trail.holds("browser of ana"), "the span's own record says it");
    let erased = trail.audit.erase("ana").unwrap();
    assert_eq!((erased.records, erased.values), (1, 1));
    assert!(!trail.holds("browser of ana"));
    assert_eq!(trail.audit.erase("bob").unwrap().values, 0);
}

#[test]
fn a_subject_can_stand_inside_of_a_value() {
    let policy = Policy::balanced()
        .field("address", Action::Erasable("order.customer"))
        .field("phone note", Action::Erasable("detail.customer.name"));
    let trail = Trail::with(policy, |builder| builder);
    let order = Map::from([("customer".to_owned(), Value::from("c-9"))]);
    let record = Record::builder("order")
        .actor("user", "clerk")
        .attribute("order", Value::Map(order))
        .attribute("address", "1 Main St");
    trail.audit.emit(record.build()).unwrap();
    let names = Map::from([("name".to_owned(), Value::from("c-10"))]);
    let record = Record::builder("order")
        .actor("user", "clerk")
        .detail(Value::Map(Map::from([(
            "customer".to_owned(),
            Value::Map(names),
        )])))
        .attribute("phone_note", "2 Main St");
    trail.audit.emit(record.build()).unwrap();
    assert_eq!(trail.audit.erase("c-9").unwrap().values, 1);
    assert_eq!(trail.audit.erase("c-10").unwrap().values, 1);
}
