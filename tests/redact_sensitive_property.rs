//! Whatever the bytes of a value with a class are, and with nothing but its type to go by, no part of it is shown.

#[path = "support/typed.rs"]
mod typed;

use proptest::prelude::*;
use tracing::{field, info, info_span};
use tracing_audit::record::Record;
use tracing_audit::redact::sensitive::{Health, Public};
use tracing_audit::redact::{Action, Class, Policy, Sensitive};
use tracing_audit::testing::Recording;
use typed::{beside_fmt, keyed, with};

/// Reports a value by every door, and gives back what the trail kept and what the `fmt` layer wrote.
fn report(recording: &Recording, value: &[u8]) -> [String; 2] {
    let special = || Sensitive::<_, Health>::bytes(value.to_vec());
    let public = || Sensitive::<_, Public>::bytes(value.to_vec());
    let written = beside_fmt(recording, || {
        info!(target: "audit", event = "x", one = ?special(), two = ?Some(public()), "m {} {}", special(), public());
        let span = info_span!(target: "audit", "span", label.x = %special(), later = field::Empty);
        span.record("later", field::debug([public()]));
    });
    let emitted = Record::builder("e")
        .sensitive("one", &special())
        .sensitive("two", &public());
    recording.audit().emit(emitted.build()).unwrap();
    let captured = recording.captured();
    let lines: Vec<&str> = captured.records().iter().map(|record| record.line()).collect();
    [lines.join("\n"), written]
}

/// The value as it is shown: what the bytes say, or their digits.
fn shown(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// The parts of the value that would tell something: four bytes in a row, or eight of their digits, because ids and
/// pseudonyms have any four.
fn parts(value: &[u8]) -> Vec<Vec<u8>> {
    let text = shown(value);
    let is_digits = |window: &&[u8]| window.iter().all(u8::is_ascii_hexdigit);
    let four = text.as_bytes().windows(4).filter(|window| !is_digits(window));
    let eight = text.as_bytes().windows(8).filter(is_digits);
    let raw = value.windows(4).filter(|window| !is_digits(window));
    four.chain(eight).chain(raw).map(<[u8]>::to_vec).collect()
}

fn has(text: &str, part: &[u8]) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window == part)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_four_bytes_of_a_typed_value_reach_a_trail_or_a_neighbour(
        value in prop_oneof![
            proptest::collection::vec(any::<u8>(), 4..64),
            "[G-QS-Zg-z!#$&]{4,40}".prop_map(String::into_bytes),
        ],
        action in prop_oneof![Just(Action::Hmac), Just(Action::Marker), Just(Action::Mask), Just(Action::Drop)],
    ) {
        let hiding = [Class::PUBLIC, Class::special("health")]
            .into_iter()
            .fold(Policy::balanced(), |policy, class| policy.class(class, action));
        let hidden = report(&with(keyed(hiding.clone())), &value);
        // What a line says whatever the values are: its own words may hold any four letters.
        let blank = report(&with(keyed(hiding)), b"");
        let [control, neighbour] = report(&with(Policy::off("the control")), &value);
        let parts = parts(&value);
        for (surface, blank) in hidden.iter().zip(&blank) {
            for part in &parts {
                prop_assert!(!has(surface, part) || has(blank, part), "{part:?} stands in {surface}");
            }
        }
        let text = shown(&value);
        if !text.contains(|char: char| char.is_control() || "\"\\".contains(char)) {
            prop_assert!(control.contains(&text), "the control hides it: {control}");
        }
        prop_assert!(!parts.iter().any(|part| has(&neighbour, part) && !has(&blank[1], part)));
    }
}
