//! Typed values whose code takes detours while they are recorded: strings of its own, reports to others, more records.

#[path = "support/typed.rs"]
mod typed;

use std::fmt;
use std::sync::OnceLock;

use tracing::info;
use tracing_audit::record::Slot;
use tracing_audit::redact::sensitive::{Email, IpAddress, Phone};
use tracing_audit::redact::{Class, Classified, Policy};
use tracing_audit::testing::{Captured, Recording};
use typed::{ADDRESS, MARKER, Written, beside, email, keyed, pseudonym, remarks, with};

/// The trail and the `fmt` layer of the whole process: only with a global subscriber `tracing` lets code report while
/// it is being recorded.
fn global() -> &'static (Recording, Written) {
    static GLOBAL: OnceLock<(Recording, Written)> = OnceLock::new();
    GLOBAL.get_or_init(|| {
        let recording = with(keyed(Policy::balanced()));
        let (dispatch, written) = beside(&recording);
        tracing::dispatcher::set_global_default(dispatch).unwrap();
        (recording, written)
    })
}

/// The records of this event, and all that was written so far.
fn seen(event: &str) -> (Captured, String) {
    let (recording, written) = global();
    (recording.captured().with_event(event), written.text())
}

/// Formats into strings first, and reports while it is being recorded.
struct Detour;

impl fmt::Display for Detour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", email())?;
        info!(contact = ?email(), "a report in between");
        info!(target: "audit", event = "inner", from = %IpAddress::of("203.0.113.77"), "{}", email());
        f.write_str(&format!("{} ", email()))?;
        write!(f, "{}", Phone::of("1"))
    }
}

#[test]
fn only_the_trails_own_writer_gets_more_than_the_marker() {
    global();
    info!(target: "audit", event = "outer", detour = %Detour);
    let (outer, written) = seen("outer");
    let email = pseudonym(Class::personal("email"), ADDRESS);
    let phone = pseudonym(Class::personal("phone"), "1");
    outer
        .only()
        .assert_attribute("detour", format!("{email} {MARKER} {phone}"));
    assert_eq!(remarks(outer.only()), ["detour type hmac 2"]);
    assert!(
        written.contains("a report in between") && written.contains(MARKER),
        "{written}"
    );
    for plain in ["hmac", "203.0.113", "ann@"] {
        assert!(!written.contains(plain), "{written}");
    }
    let (inner, _) = seen("inner");
    assert!(!inner.records().is_empty());
    for inner in &inner {
        inner
            .assert_attribute("from", "203.0.113.0/24")
            .assert_has(Slot::Summary, email.as_str());
    }
}

#[test]
fn a_typed_value_whose_own_text_takes_detours_is_still_one_value() {
    global();
    info!(target: "audit", event = "whole", detour = %Email::of(Detour));
    let (whole, _) = seen("whole");
    let text = format!("{MARKER} {MARKER} [REDACTED:phone]");
    let expected = pseudonym(Class::personal("email"), &text);
    whole.only().assert_attribute("detour", expected.as_str());
}

#[test]
fn a_text_that_was_made_before_the_event_has_the_marker_only() {
    global();
    let made_before = format!("for {}", email());
    info!(target: "audit", event = "before", "{made_before}");
    let (before, _) = seen("before");
    before
        .only()
        .assert_has(Slot::Summary, format!("for {MARKER}"))
        .assert_lacks(Slot::Redaction);
}
