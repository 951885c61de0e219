//! Values whose class is part of their type: a marker for everybody, and what the policy leaves for the trail.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tracing::{field, info, info_span};
use tracing_audit::AuditedExt;
use tracing_audit::record::{Record, Slot, Value};
use tracing_audit::redact::sensitive::{Card, Email, Health, Internal, IpAddress, Phone, Public, Secret};
use tracing_audit::redact::{
    Action, AuditField, AuditFields, Class, ClassKind, Classified, FieldRule, Policy, Sensitive,
};
use tracing_audit::testing::{CapturedRecord, Recording};
use tracing_subscriber::prelude::*;

const KEY: [u8; 32] = [7; 32];
const ADDRESS: &str = "ann@example.com";
const MARKER: &str = "[REDACTED:email]";

fn keyed(policy: Policy) -> Policy {
    policy.key("k1", &KEY).unwrap()
}

fn with(policy: Policy) -> Recording {
    Recording::with(|audit| audit.policy(policy))
}

fn pseudonym(class: Class, value: &str) -> String {
    keyed(Policy::balanced()).pseudonym(class, None, value).unwrap()
}

fn email() -> Sensitive<&'static str, Email> {
    Email::of(ADDRESS)
}

/// Field, rule, action, number and category of each remark, sorted.
fn remarks(record: &CapturedRecord) -> Vec<String> {
    let line: serde_json::Value = serde_json::from_str(record.line()).unwrap();
    let list = line["redaction"]["fields"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let word = |remark: &serde_json::Value, key: &str| {
        let value = &remark[key];
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    };
    let mut remarks: Vec<_> = list
        .iter()
        .map(|remark| {
            ["field", "rule", "action", "n"]
                .map(|key| word(remark, key))
                .join(" ")
        })
        .collect();
    remarks.sort();
    remarks
}

#[derive(Debug)]
#[expect(dead_code, reason = "its Debug form is what counts")]
struct User {
    id: u64,
    email: Sensitive<String, Email>,
    phone: Option<Sensitive<String, Phone>>,
}

fn user() -> User {
    User {
        id: 7,
        email: Sensitive::new(ADDRESS.to_owned()),
        phone: Some(Phone::of("+49 30 123456".to_owned())),
    }
}

/// Standard output of a neighbour.
#[derive(Clone, Default)]
struct Neighbour(Arc<Mutex<Vec<u8>>>);

impl Neighbour {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Neighbour {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs under a trail and a stock `fmt` layer, and gives back what that wrote.
fn beside_fmt(recording: &Recording, run: impl FnOnce()) -> String {
    let neighbour = Neighbour::default();
    let writer = neighbour.clone();
    let fmt = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry()
        .with(fmt)
        .audited(recording.audit());
    tracing::subscriber::with_default(subscriber, run);
    neighbour.text()
}

#[test]
fn whoever_shows_a_typed_value_shows_the_marker_of_its_class() {
    let value = email();
    assert_eq!(
        format!("{value} {value:?} {value:#?} {value:>40} {value:.3}"),
        [MARKER; 5].join(" ")
    );
    assert_eq!(Secret::of("hunter2").to_string(), "[REDACTED:secret]");
    assert_eq!(Public::of("hello").to_string(), "[REDACTED:public]");
    assert_eq!(Sensitive::<_, Email>::opaque(7).to_string(), MARKER);
    assert_eq!(
        format!("{:?}", user()),
        format!("User {{ id: 7, email: {MARKER}, phone: Some([REDACTED:phone]) }}")
    );
    assert_eq!((*value.expose(), value.into_exposed()), (ADDRESS, ADDRESS));
}

#[test]
fn the_class_is_secret_where_none_is_given() {
    let value: Sensitive<String> = "hunter2".to_owned().into();
    assert_eq!(value.to_string(), "[REDACTED:secret]");
    assert_eq!(Sensitive::<String>::default().expose(), "");
}

#[cfg(feature = "config")]
#[test]
fn serde_writes_the_marker_and_reads_the_value() {
    let value: Sensitive<String, Email> = serde_json::from_str(&format!("{ADDRESS:?}")).unwrap();
    assert_eq!(value.expose(), ADDRESS);
    assert_eq!(serde_json::to_value(&value).unwrap(), MARKER);
}

#[test]
fn a_field_that_is_a_typed_value_is_exactly_what_the_policy_leaves_of_it() {
    let recording = with(keyed(Policy::balanced()));
    let written = beside_fmt(&recording, || {
        info!(
            target: "audit",
            event = "x",
            contact = ?email(),
            shown = %email(),
            token = %Secret::of("hunter2"),
            card = %Card::of("4111 1111 1111 1111"),
            from = %IpAddress::of("203.0.113.77"),
            garbage = %IpAddress::of("not-an-address"),
            state = %Internal::of("open for business"),
        );
    });
    let captured = recording.captured();
    let record = captured.only();
    let expected = pseudonym(Class::personal("email"), ADDRESS);
    record
        .assert_attribute("contact", expected.as_str())
        .assert_attribute("shown", expected.as_str())
        .assert_attribute("token", "[REDACTED:secret]")
        .assert_attribute("card", "****1111")
        .assert_attribute("from", "203.0.113.0/24")
        .assert_attribute("garbage", "[REDACTED:network]")
        .assert_attribute("state", "open for business");
    assert_eq!(
        remarks(record),
        [
            "card type keep-last 1",
            "contact type hmac 1",
            "from type truncate-ip 1",
            "garbage type truncate-ip 1",
            "shown type hmac 1",
            "token name.secret marker 1",
        ]
    );
    assert_eq!(written.matches("[REDACTED:").count(), 7, "{written}");
    for plain in [
        ADDRESS,
        "hunter2",
        "4111",
        "203.0.113",
        "not-an-address",
        "open for",
    ] {
        assert!(!written.contains(plain), "{written}");
    }
}

#[test]
fn within_a_struct_a_message_and_an_error_it_is_replaced_in_its_place() {
    #[derive(Debug)]
    struct NoAccount(Sensitive<String, Email>, Option<Box<NoAccount>>);

    impl fmt::Display for NoAccount {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "no account for {} here", self.0)
        }
    }

    impl Error for NoAccount {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|error| error as &dyn Error)
        }
    }

    let recording = with(keyed(Policy::balanced()));
    let inner = NoAccount(Sensitive::new("bob@example.com".to_owned()), None);
    let error = NoAccount(Sensitive::new(ADDRESS.to_owned()), Some(Box::new(inner)));
    let error: &(dyn Error + 'static) = &error;
    let written = beside_fmt(&recording, || {
        info!(target: "audit", event = "struct", user = ?user());
        info!(target: "audit", event = "pretty", user = field::display(format_args!("{:#?}", user())));
        info!(target: "audit", event = "message", "{} wrote to {} from {}", email(), email(), IpAddress::of("203.0.113.77"));
        info!(target: "audit", event = "error", error);
    });
    let captured = recording.captured();
    let [first, second] =
        [ADDRESS, "bob@example.com"].map(|address| pseudonym(Class::personal("email"), address));
    let phone = pseudonym(Class::personal("phone"), "+4930123456");
    let user = captured.with_event("struct");
    let expected = format!("User {{ id: 7, email: {first}, phone: Some({phone}) }}");
    user.only().assert_attribute("user", expected.as_str());
    assert_eq!(remarks(user.only()), ["user type hmac 2"]);
    let expected =
        format!("User {{\n    id: 7,\n    email: {first},\n    phone: Some(\n        {phone},\n    ),\n}}");
    captured
        .with_event("pretty")
        .only()
        .assert_attribute("user", expected.as_str());
    let message = captured.with_event("message");
    let expected = format!("{first} wrote to {first} from 203.0.113.0");
    message.only().assert_has(Slot::Summary, expected.as_str());
    assert_eq!(
        remarks(message.only()),
        ["message type hmac 2", "message type truncate-ip 1"]
    );
    let error = captured.with_event("error");
    let links = [&first, &second].map(|who| format!("no account for {who} here"));
    error.only().assert_has(Slot::ErrorMessage, links[0].as_str());
    assert_eq!(error.only().texts(Slot::ErrorChain).unwrap(), links);
    assert_eq!(
        remarks(error.only()),
        ["error type hmac 1", "error.chain type hmac 2"]
    );
    for record in captured.records() {
        let line: serde_json::Value = serde_json::from_str(record.line()).unwrap();
        assert_eq!(line["pii"]["categories"][0], "email", "{record:?}");
        record.assert_hides("@example.com");
    }
    assert!(
        !written.contains("@example.com") && !written.contains("hmac") && !written.contains("203.0"),
        "{written}"
    );
}

#[test]
fn a_span_redacts_typed_fields_when_they_are_recorded() {
    let recording = with(keyed(Policy::balanced()));
    recording.run(|| {
        let span = info_span!(target: "audit", "order", label.who = ?email(), later = field::Empty);
        span.in_scope(|| info!(target: "audit", event = "inside"));
        span.record("later", field::debug(email()));
    });
    let captured = recording.captured();
    let expected = pseudonym(Class::personal("email"), ADDRESS);
    captured
        .with_event("order")
        .only()
        .assert_attribute("later", expected.as_str());
    for record in &captured {
        assert_eq!(
            record.map(Slot::Labels).unwrap()["who"],
            Value::from(expected.as_str()),
            "{record:?}"
        );
    }
}

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
    record
        .assert_attribute("contact", pseudonym(Class::personal("email"), ADDRESS).as_str())
        .assert_attribute("step", "open")
        .assert_attribute(
            "view",
            "Account { owner: [REDACTED:owner], note: \"a password=[REDACTED:secret]\" }",
        )
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
        ]
    }
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
fn code_that_panics_or_fails_leaves_a_marker() {
    struct Panics;

    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no text today")
        }
    }

    let recording = Recording::new();
    let failing = Sensitive::<_, Email>::with(ADDRESS, |value, out| {
        out.write_str(value)?;
        Err(fmt::Error)
    });
    recording.run(|| {
        info!(target: "audit", event = "panics", contact = %Email::of(Panics), "ok {}", email());
        info!(target: "audit", event = "fails", contact = %failing);
        info!(target: "audit", event = "opaque", contact = %Sensitive::<_, Internal>::opaque(ADDRESS));
    });
    let captured = recording.captured();
    let panics = captured.with_event("panics");
    panics
        .only()
        .assert_attribute("contact", "[PANICKED]")
        .assert_has(Slot::Summary, format!("ok {MARKER}"));
    captured
        .with_event("fails")
        .only()
        .assert_attribute("contact", MARKER);
    captured
        .with_event("opaque")
        .only()
        .assert_attribute("contact", "[REDACTED:internal]");
    assert!(
        captured
            .records()
            .iter()
            .all(|record| !record.line().contains(ADDRESS))
    );
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
        .assert_attribute("acc.owner", "[REDACTED:owner]");
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

#[test]
fn a_value_longer_than_any_record_is_not_made_a_pseudonym_of_its_beginning() {
    let recording = with(keyed(Policy::balanced()));
    let long = "x".repeat(100_000);
    recording.run(
        || info!(target: "audit", event = "x", contact = %Email::of(&long), note = %Internal::of(&long)),
    );
    let captured = recording.captured();
    captured.only().assert_attribute("contact", MARKER);
    let kept = captured
        .only()
        .attribute("note")
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned();
    assert!(kept.len() < long.len() && kept.bytes().all(|byte| byte == b'x'));
}

/// Whether four bytes in a row of the value stand in the text.
fn shows(text: &str, value: &[u8]) -> bool {
    value
        .windows(4)
        .any(|window| text.as_bytes().windows(4).any(|seen| seen == window))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Only what types state decides here: nothing is found by the value engine, or by names.
    #[test]
    fn no_four_bytes_of_a_typed_value_reach_a_trail_or_a_neighbour(
        value in prop_oneof![
            proptest::collection::vec(any::<u8>(), 4..64),
            // Bytes that no form of ours is made of.
            "[G-QS-Zg-z!#$&]{4,40}".prop_map(String::into_bytes),
        ],
        action in 0..3_usize,
    ) {
        let words = ["type", "hmac", "marker", "mask", "redact", "audit", "test", "text", "true", "false", "neighbour"];
        let actions = [Action::Hmac, Action::Marker, Action::Mask];
        let classes = [Class::PUBLIC, Class::SECRET, Class::personal("email"), Class::special("health"), Class::NETWORK];
        let policy = classes.into_iter().fold(keyed(Policy::balanced()), |policy, class| policy.class(class, actions[action]));
        let hidden = with(policy);
        let open = with(Policy::off("the control"));
        let typed = || Sensitive::<_, Health>::bytes(value.clone());
        let public = || Sensitive::<_, Public>::bytes(value.clone());
        let report = || {
            info!(target: "audit", event = "x", one = ?typed(), two = ?Some(public()), "m {} {}", typed(), public());
            let span = info_span!(target: "audit", "span", label.x = %typed(), later = field::Empty);
            span.record("later", field::debug([public()]));
        };
        let lines = |recording: &Recording| {
            let emitted = Record::builder("e").sensitive("one", &typed()).sensitive("two", &public());
            recording.audit().emit(emitted.build()).unwrap();
            recording.captured().records().iter().map(|record| record.line().to_owned()).collect::<Vec<_>>().join("\n")
        };
        // Times, ids and pseudonyms may hold any four hexadecimal digits, and the line has words of its own.
        let mine = |window: &[u8]| {
            window.iter().all(u8::is_ascii_hexdigit)
                || words.iter().any(|word| word.as_bytes().windows(4).any(|part| part == window))
        };
        let telling: Vec<&[u8]> = value.windows(4).filter(|window| !mine(window)).collect();
        let written = beside_fmt(&hidden, report);
        let recorded = lines(&hidden);
        beside_fmt(&open, report);
        let control = lines(&open);
        let as_text = std::str::from_utf8(&value).is_ok_and(|text| !text.contains(|char: char| char.is_control() || "\"\\".contains(char)));
        if as_text {
            prop_assert!(shows(&control, &value), "the control shows it: {control}");
        }
        let static_text = beside_fmt(&with(Policy::balanced()), || {
            info!(target: "audit", event = "x", one = ?Health::of(""), two = ?Some(Public::of("")), "m {} {}", Health::of(""), Public::of(""));
        });
        for window in telling {
            let seen = |text: &str| text.as_bytes().windows(4).any(|seen| seen == window);
            prop_assert!(!seen(&written) || seen(&static_text), "{window:?} in {written}");
            prop_assert!(!seen(&recorded) || seen(&blank_lines()), "{window:?} in {recorded}");
        }
    }
}

/// The same records with empty values: what a line says whatever the values are.
fn blank_lines() -> String {
    let recording = with(keyed(Policy::balanced()));
    recording.run(|| {
        info!(target: "audit", event = "x", one = ?Health::of(""), two = ?Some(Public::of("")), "m {} {}", Health::of(""), Public::of(""));
        let span = info_span!(target: "audit", "span", label.x = %Health::of(""), later = field::Empty);
        span.record("later", field::debug([Public::of("")]));
    });
    let emitted = Record::builder("e")
        .sensitive("one", &Health::of(""))
        .sensitive("two", &Public::of(""));
    recording.audit().emit(emitted.build()).unwrap();
    recording
        .captured()
        .records()
        .iter()
        .map(|record| record.line().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}
