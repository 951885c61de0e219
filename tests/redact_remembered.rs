//! A text is not looked through again where the one before it was like it. Here the next one is like it, and is not.

use tracing::info;
use tracing_audit::record::Slot;
use tracing_audit::redact::{Alphabet, Pattern, Policy};
use tracing_audit::testing::Recording;

/// One callsite for all texts: as a text, by its `Display` form, and in words that are formatted around it.
fn report(text: &str) {
    info!(target: "audit", event = "a", note = text, shown = %text, "about {text} so far");
}

/// Reports both kinds of texts in turns, after several of the first kind; the second kind must be in no record.
fn only_the_first_stay(recording: &Recording, stays: &[&str], goes: &[&str], secret: &[&str]) {
    recording.run(|| {
        (0..20).for_each(|round| report(stays[round % stays.len()]));
        for round in 0..40 {
            report(stays[round % stays.len()]);
            report(goes[round % goes.len()]);
        }
    });
    let captured = recording.captured();
    captured.count(100);
    let hidden = |text: &str| text.contains("[REDACTED");
    let mut kept = 0;
    for record in captured.records() {
        secret.iter().for_each(|secret| {
            record.assert_hides(secret);
        });
        let note = record.attribute("note").and_then(|note| note.as_str()).unwrap();
        let shown = record
            .attribute("shown")
            .and_then(|shown| shown.as_str())
            .unwrap();
        assert_eq!(note, shown);
        assert!(stays.contains(&note) != hidden(note), "{note}");
        kept += usize::from(!hidden(note));
    }
    assert_eq!(kept, 60);
}

#[test]
fn a_number_that_is_a_card_is_cut_behind_numbers_that_are_none() {
    let recording = Recording::new();
    let none = [
        "paid by 4111 1111 1111 1112 at noon",
        "paid by 4111 1111 1111 1113 at noon",
    ];
    let card = [
        "paid by 4111 1111 1111 1111 at noon",
        "paid by 5500 0000 0000 0004 at noon",
    ];
    let secret = ["4111 1111 1111 1111", "5500 0000 0000 0004"];
    only_the_first_stay(&recording, &none, &card, &secret);
}

#[test]
fn a_token_of_the_applications_own_whose_word_has_a_digit_is_cut_behind_texts_with_another() {
    let pattern = Pattern::literal("mine", "k9-", Alphabet::Hex, 8..=usize::MAX);
    let policy = Policy::balanced().pattern(pattern).unwrap();
    let recording = Recording::with(|audit| audit.policy(policy));
    only_the_first_stay(
        &recording,
        &["see k8-0123abcd there", "see k7-4567abcd there"],
        &["see k9-0123abcd there", "see k9-4567abcd there"],
        &["k9-0123abcd", "k9-4567abcd"],
    );
}

#[test]
fn what_one_trail_remembers_is_nothing_to_another_whose_policy_finds_more() {
    let pattern = Pattern::literal("mine", "k9-", Alphabet::Hex, 8..=usize::MAX);
    let policy = Policy::balanced().pattern(pattern).unwrap();
    let (plain, strict) = (Recording::new(), Recording::with(|audit| audit.policy(policy)));
    for _ in 0..20 {
        plain.run(|| report("see k9-0123abcd there"));
        strict.run(|| report("see k9-0123abcd there"));
    }
    let shows = |recording: &Recording| {
        let captured = recording.captured();
        let shows = |text: &&str| text.contains("k9-0123abcd");
        let notes = captured
            .records()
            .iter()
            .filter_map(|record| record.attribute("note")?.as_str());
        notes.filter(shows).count()
    };
    assert_eq!((shows(&plain), shows(&strict)), (20, 0));
}

#[test]
fn a_text_that_is_like_the_one_before_is_recorded_with_its_own_digits() {
    let recording = Recording::new();
    let texts: Vec<String> = (0..40).map(|number| format!("took {} ms", 17 * number)).collect();
    recording.run(|| texts.iter().for_each(|text| report(text)));
    let captured = recording.captured();
    captured.count(texts.len());
    for (record, text) in captured.records().iter().zip(&texts) {
        record.assert_attribute("note", text.as_str());
        record.assert_attribute("shown", text.as_str());
        record.assert_has(Slot::Summary, format!("about {text} so far"));
    }
}
