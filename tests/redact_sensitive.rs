//! Values whose class is part of their type: a marker for everybody, and what the policy leaves for the trail.

#[path = "support/typed.rs"]
mod typed;

use std::error::Error;
use std::fmt;

use tracing::{field, info, info_span};
use tracing_audit::record::{Slot, Value};
use tracing_audit::redact::sensitive::{Card, Email, Internal, IpAddress, Public, Secret};
use tracing_audit::redact::{Class, Classified, Policy, Sensitive};
use typed::{ADDRESS, MARKER, beside_fmt, email, keyed, pseudonym, remarks, user, with};

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

/// An error that names somebody, and may have another below it.
#[derive(Debug)]
struct NoAccount(Sensitive<&'static str, Email>, Option<Box<NoAccount>>);

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

#[test]
fn within_a_struct_and_a_message_it_is_replaced_in_its_place() {
    let recording = with(keyed(Policy::balanced()));
    let written = beside_fmt(&recording, || {
        info!(target: "audit", event = "struct", user = ?user());
        info!(target: "audit", event = "pretty", user = field::display(format_args!("{:#?}", user())));
        info!(target: "audit", event = "message", "{} wrote to {} from {}", email(), email(), IpAddress::of("203.0.113.77"));
    });
    let captured = recording.captured();
    let email = pseudonym(Class::personal("email"), ADDRESS);
    let phone = pseudonym(Class::personal("phone"), "+4930123456");
    let user = captured.with_event("struct");
    let expected = format!("User {{ id: 7, email: {email}, phone: Some({phone}) }}");
    user.only().assert_attribute("user", expected.as_str());
    assert_eq!(remarks(user.only()), ["user type hmac 2"]);
    let expected =
        format!("User {{\n    id: 7,\n    email: {email},\n    phone: Some(\n        {phone},\n    ),\n}}");
    let pretty = captured.with_event("pretty");
    pretty.only().assert_attribute("user", expected.as_str());
    let message = captured.with_event("message");
    let expected = format!("{email} wrote to {email} from 203.0.113.0");
    message.only().assert_has(Slot::Summary, expected.as_str());
    assert_eq!(
        remarks(message.only()),
        ["message type hmac 2", "message type truncate-ip 1"]
    );
    for record in &captured {
        let line: serde_json::Value = serde_json::from_str(record.line()).unwrap();
        assert_eq!(line["pii"]["categories"][0], "email", "{record:?}");
        record.assert_hides(ADDRESS);
    }
    for plain in [ADDRESS, "hmac", "203.0"] {
        assert!(!written.contains(plain), "{written}");
    }
}

#[test]
fn within_an_error_and_its_sources_it_is_replaced_in_its_place() {
    let recording = with(keyed(Policy::balanced()));
    let inner = NoAccount(Email::of("bob@example.com"), None);
    let error = NoAccount(email(), Some(Box::new(inner)));
    let error: &(dyn Error + 'static) = &error;
    let written = beside_fmt(&recording, || info!(target: "audit", event = "error", error));
    let captured = recording.captured();
    let links = [ADDRESS, "bob@example.com"].map(|address| {
        let who = pseudonym(Class::personal("email"), address);
        format!("no account for {who} here")
    });
    let record = captured.only();
    record
        .assert_has(Slot::ErrorMessage, links[0].as_str())
        .assert_hides("@example.com");
    assert_eq!(record.texts(Slot::ErrorChain).unwrap(), links);
    assert_eq!(remarks(record), ["error type hmac 1", "error.chain type hmac 2"]);
    assert!(
        !written.contains("@example.com") && !written.contains("hmac"),
        "{written}"
    );
}

#[test]
fn the_places_of_a_record_take_typed_values_too() {
    let recording = with(keyed(Policy::balanced()));
    recording.run(|| {
        info!(
            target: "audit",
            event = "x",
            actor.id = %email(),
            actor.ip = %IpAddress::of("203.0.113.77"),
            resource.id = %Internal::of("o-7"),
        );
    });
    recording
        .captured()
        .only()
        .assert_has(Slot::ActorId, pseudonym(Class::personal("email"), ADDRESS))
        .assert_has(Slot::ActorIp, "203.0.113.0")
        .assert_has(Slot::ActorIpPrefixLen, 24_u64)
        .assert_has(Slot::ResourceId, "o-7");
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
fn code_that_panics_or_fails_leaves_a_marker() {
    struct Panics;

    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no text today")
        }
    }

    let recording = with(keyed(Policy::balanced()));
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
        .assert_has(
            Slot::Summary,
            format!("ok {}", pseudonym(Class::personal("email"), ADDRESS)),
        );
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
