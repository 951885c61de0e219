//! Values with a class under policies: what decides, what is looked at again, and what a strict policy keeps.

#[path = "support/typed.rs"]
mod typed;

use tracing::info;
use tracing_audit::record::{Record, Slot};
use tracing_audit::redact::sensitive::{Card, Health, Internal, IpAddress, Phone, Public, Secret};
use tracing_audit::redact::{
    Action, AuditField, AuditFields, Class, ClassKind, Classified, FieldRule, Policy, Sensitive,
};
use typed::{ADDRESS, MARKER, beside_fmt, email, keyed, pseudonym, remarks, user, with};

#[test]
fn drop_leaves_a_field_out_and_a_marker_within_a_text() {
    let recording = with(Policy::balanced().class(Class::personal("email"), Action::Drop));
    recording.run(|| info!(target: "audit", event = "x", contact = ?email(), "for {}", email()));
    let captured = recording.captured();
    let record = captured.only();
    assert_eq!(record.attribute("contact"), None);
    record.assert_has(Slot::Summary, format!("for {MARKER}"));
    assert_eq!(remarks(record), ["contact type drop 1", "message type marker 1"]);
}

#[test]
fn of_name_and_type_the_stricter_decides() {
    let policy = Policy::balanced()
        .field("note", Action::Hmac)
        .field("kept", Action::Keep)
        .class(Class::personal("email"), Action::Mask);
    let recording = with(keyed(policy));
    recording.run(|| {
        info!(
            target: "audit",
            event = "x",
            password = %Public::of("hunter2"),
            note = %Internal::of("hello"),
            kept = %email(),
            client_email = %Internal::of(ADDRESS),
        );
    });
    recording
        .captured()
        .only()
        .assert_attribute("password", "[REDACTED:secret]")
        .assert_attribute("note", pseudonym(Class::UNCLASSIFIED, "hello").as_str())
        .assert_attribute("kept", "****")
        // Its name only asks for proof, and its type says what it is.
        .assert_attribute("client_email", ADDRESS);
}

#[test]
fn what_stays_is_looked_through_for_secrets_and_for_nothing_else() {
    let recording = with(Policy::balanced().class(Class::NETWORK, Action::Keep));
    let text = format!(
        "call +49 30 1234567 or {ADDRESS}, password={}",
        ["hunter", "2hunter2"].concat()
    );
    recording.run(|| {
        info!(target: "audit", event = "x", note = %Internal::of(&text), "{} from {}", Internal::of(&text), IpAddress::of("203.0.113.77"));
    });
    let captured = recording.captured();
    let record = captured.only();
    let kept = text.split(", ").next().unwrap();
    for seen in [
        record.attribute("note").unwrap().as_str().unwrap(),
        record.text(Slot::Summary).unwrap(),
    ] {
        assert!(seen.starts_with(kept), "{seen}");
        assert!(
            seen.contains("password=[REDACTED:secret]") && !seen.contains("hunter2"),
            "{seen}"
        );
    }
    assert!(
        record.text(Slot::Summary).unwrap().ends_with("from 203.0.113.77"),
        "{record:?}"
    );
}

#[test]
fn a_processed_form_is_not_processed_again_and_is_counted_once() {
    let policy = Policy::balanced()
        .class(Class::personal("phone"), Action::KeepLast(4))
        .class(Class::FINANCIAL, Action::Mask);
    let recording = with(policy);
    recording.run(|| {
        info!(
            target: "audit", event = "x",
            "card={} phone: {} ip={} and {}", Card::of("4111111111111111"), Phone::of("+49301234567890"), IpAddress::of("203.0.113.77"), ADDRESS
        );
        // A secret's name within the text is not loosened by a type that leaves some of the value.
        info!(target: "audit", event = "y", "password={}", Phone::of("+49301234567890"));
    });
    let captured = recording.captured();
    let record = captured.with_event("x");
    record.only().assert_has(
        Slot::Summary,
        format!("card=**** phone: ****7890 ip=203.0.113.0 and {MARKER}"),
    );
    assert_eq!(
        remarks(record.only()),
        [
            "message email marker 1",
            "message type keep-last 1",
            "message type mask 1",
            "message type truncate-ip 1"
        ]
    );
    let record = captured.with_event("y");
    record
        .only()
        .assert_has(Slot::Summary, "password=[REDACTED:secret]");
    assert_eq!(remarks(record.only()), ["message kv.secret marker 1"]);
}

#[test]
fn a_strict_policy_keeps_what_types_list_and_drops_the_rest() {
    let recording = with(keyed(Policy::strict()));
    recording.run(|| {
        info!(
            target: "audit",
            event = "x",
            contact = ?email(),
            step = %Internal::of("open"),
            health = %Health::of("flu"),
            user = ?user(),
            view = ?Account.audit_view(),
            free = "text",
        );
    });
    let captured = recording.captured();
    let record = captured.only();
    let mail = pseudonym(Class::personal("email"), ADDRESS);
    let phone = pseudonym(Class::personal("phone"), "123");
    let view = format!(
        "Account {{ owner: [REDACTED:owner], note: \"a password=[REDACTED:secret]\", mail: {mail}, phone: {phone} }}"
    );
    record
        .assert_attribute("contact", mail.as_str())
        .assert_attribute("step", "open")
        .assert_attribute("view", view.as_str())
        .assert_hides(ADDRESS);
    // A struct of which types state only a part is not listed by them.
    for dropped in ["user", "free", "health"] {
        assert_eq!(record.attribute(dropped), None, "{record:?}");
    }
}

struct Account;

/// A special category of its own, so that the policy for others does not decide.
const OWNER: Class = Class::of(ClassKind::Special, "owner");
const NOTE: &str = concat!("a password=", "hunter2");

impl AuditFields for Account {
    fn audit_name(&self) -> &'static str {
        "Account"
    }

    fn audit_fields(&self) -> Vec<AuditField<'_>> {
        vec![
            AuditField::display("owner", OWNER, &"Ann").action(Action::Marker),
            AuditField::display("note", Class::PUBLIC, &NOTE),
            AuditField::absent("email", Class::personal("email")),
            // Code asks for more to stay than the policy leaves.
            AuditField::display("mail", Class::personal("email"), &ADDRESS).action(Action::Keep),
            AuditField::display("phone", Class::personal("phone"), &"123").action(Action::TruncateLen(64)),
        ]
    }
}

#[test]
fn others_see_of_a_view_what_is_public_or_internal() {
    assert_eq!(
        format!("{:?}", Account.audit_view()),
        format!(
            "Account {{ owner: [REDACTED:owner], note: {NOTE}, mail: {MARKER}, phone: [REDACTED:phone] }}"
        )
    );
}

#[test]
fn with_redaction_off_the_trail_gets_the_value_and_neighbours_the_marker() {
    let recording = with(Policy::off("a control for the tests of hiding"));
    let written = beside_fmt(&recording, || {
        info!(target: "audit", event = "x", contact = ?email(), user = ?user(), "for {}", email());
    });
    recording
        .captured()
        .only()
        .assert_attribute("contact", ADDRESS)
        .assert_attribute(
            "user",
            format!("User {{ id: 7, email: {ADDRESS}, phone: Some(+49 30 123456) }}"),
        )
        .assert_has(Slot::Summary, format!("for {ADDRESS}"));
    assert!(!written.contains(ADDRESS), "{written}");
}

#[test]
fn an_emitted_record_states_classes_too_and_shows_nothing() {
    let policy = keyed(Policy::balanced().rule(FieldRule::path("acc.note").action(Action::Drop)));
    let recording = with(policy);
    let record = Record::builder("x")
        .sensitive("contact", &email())
        .sensitive("password", &Public::of("hunter2"))
        .sensitive("key", &Sensitive::<_, Secret>::bytes([0_u8, 159, 146, 150]))
        .fields("acc", &Account)
        .build();
    assert!(!format!("{record:?}").contains(ADDRESS));
    assert_eq!(record, record.clone());
    recording.audit().emit(record).unwrap();
    let captured = recording.captured();
    captured
        .only()
        .assert_attribute("contact", pseudonym(Class::personal("email"), ADDRESS).as_str())
        .assert_attribute("password", "[REDACTED:secret]")
        .assert_attribute("key", "[REDACTED:secret]")
        .assert_attribute("acc.owner", "[REDACTED:owner]")
        .assert_attribute("acc.mail", pseudonym(Class::personal("email"), ADDRESS).as_str());
    for absent in ["acc.email", "acc.note"] {
        assert_eq!(captured.only().attribute(absent), None);
    }
}

#[test]
fn a_policy_under_trial_counts_what_it_would_do_to_types() {
    let trial = Policy::balanced().class(Class::INTERNAL, Action::Drop);
    let recording = with(Policy::balanced().dry_run(trial));
    recording.run(|| {
        info!(target: "audit", event = "x", state = %Internal::of("open"), "is {} {}", Internal::of("a"), Public::of("b"));
    });
    recording
        .captured()
        .only()
        .assert_attribute("state", "open")
        .assert_has(Slot::Summary, "is a b");
    let stats = recording.audit().stats();
    let rule = stats.redactions.iter().find(|rule| rule.rule == "type").unwrap();
    assert_eq!((rule.redactions, rule.trial), (0, 2));
}

#[test]
fn what_is_cut_to_a_length_was_looked_through_before() {
    let policy = Policy::balanced().class(Class::INTERNAL, Action::TruncateLen(24));
    let recording = with(policy);
    let text = format!("mail {ADDRESS} about it, and about more");
    recording.run(
        || info!(target: "audit", event = "x", whole = %Internal::of(&text), "{}!", Internal::of(&text)),
    );
    recording
        .captured()
        .only()
        .assert_attribute("whole", format!("mail {MARKER} ab"))
        .assert_has(Slot::Summary, format!("mail {MARKER} ab!"));
}
