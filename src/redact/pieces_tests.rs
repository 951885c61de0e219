//! What the value engine does around values with a class, in any company.

use proptest::prelude::*;

use super::action::Action;
use super::class::Class;
use super::judge::{Judged, Look};
use super::policy::Policy;
use super::recording::{Piece, RULE, notes_of};
use super::rule::{About, Asked};
use super::sift::{Link, Note, Sifted, sift_around, sift_chain};

/// A part of a text: as it was written, or what a policy left of a value.
#[derive(Debug, Clone)]
enum Part {
    Plain(&'static str),
    Left(&'static str, Class, Action),
}

use Part::{Left, Plain};

const IP: Part = Left("203.0.113.0", Class::NETWORK, Action::TruncateIp);
const MASKED: Part = Left("****1234", Class::FINANCIAL, Action::KeepLast(4));
const MARKER: Part = Left("[REDACTED:email]", Class::personal("email"), Action::Marker);
const HASHED: Part = Left("hmac-sha256:k1:0123abcd", Class::personal("email"), Action::Hmac);
const KEPT: Part = Left("ann@example.com", Class::personal("email"), Action::Keep);

fn judged(policy: &Policy) -> Judged {
    let asked = Asked {
        name: "message",
        path: "message",
        about: About::default(),
    };
    policy.judge(&asked, None)
}

/// The text of the parts, and the values in it.
fn text_of(parts: &[Part]) -> (String, Vec<Piece>) {
    let mut text = String::new();
    let mut pieces = Vec::new();
    for part in parts {
        match part {
            Plain(plain) => text.push_str(plain),
            Left(left, class, action) => {
                let note = Note {
                    rule: RULE,
                    class: *class,
                    action: *action,
                    n: 1,
                };
                let start = text.len();
                text.push_str(left);
                pieces.push(Piece {
                    start,
                    end: text.len(),
                    note: Some(note).filter(|_| *action != Action::Keep),
                    ..Piece::kept(*class, 0)
                });
            }
        }
    }
    (text, pieces)
}

fn sifted(parts: &[Part]) -> (String, Option<Sifted>, Vec<Piece>) {
    let policy = Policy::balanced();
    let (text, mut pieces) = text_of(parts);
    let sifted = sift_around(&policy, &judged(&policy), Look::All, &text, &mut pieces);
    let now = sifted.as_ref().map_or(text, |sifted| sifted.text.clone());
    (now, sifted, pieces)
}

#[test]
fn what_a_policy_left_stays_and_what_stands_beside_it_is_found() {
    for left in [IP, MASKED, MARKER, HASHED, KEPT] {
        let parts = [
            Plain("mail bob@example.com from "),
            left.clone(),
            Plain(" and 198.51.100.7"),
        ];
        let (now, sifted, pieces) = sifted(&parts);
        let Left(form, ..) = left else { unreachable!() };
        assert_eq!(now, format!("mail [REDACTED:email] from {form} and 198.51.100.0"));
        assert_eq!(sifted.unwrap().notes.len(), 2, "{form}");
        assert_eq!(now.get(pieces[0].start..pieces[0].end), Some(form));
    }
}

#[test]
fn a_secrets_name_takes_what_can_still_be_read_and_leaves_what_cannot() {
    for (left, is_taken) in [(MASKED, true), (KEPT, true), (MARKER, false), (HASHED, false)] {
        let (now, _, pieces) = sifted(&[Plain("password="), left.clone()]);
        assert_eq!(now == "password=[REDACTED:secret]", is_taken, "{left:?} {now}");
        assert_eq!(
            (pieces.len(), notes_of(&pieces).len()),
            if is_taken { (0, 0) } else { (1, 1) }
        );
    }
}

#[test]
fn what_lies_across_the_edge_of_a_value_takes_all_of_it() {
    let (now, _, pieces) = sifted(&[Plain("password=abc"), MASKED, Plain("xyz, from "), IP]);
    assert_eq!(now, "password=[REDACTED:secret], from 203.0.113.0");
    assert_eq!(
        notes_of(&pieces).len(),
        1,
        "the address is still counted: {pieces:?}"
    );
}

#[test]
fn marks_that_a_place_needs_move_what_stands_behind_it() {
    let (now, _, pieces) = sifted(&[Plain("\",198.51.100.7}"), IP]);
    assert_eq!(now, "\",\"198.51.100.0\"}203.0.113.0");
    assert_eq!(now.get(pieces[0].start..pieces[0].end), Some("203.0.113.0"));
}

#[test]
fn links_of_a_chain_are_counted_once_each_and_looked_at_together() {
    let policy = Policy::balanced();
    let link = |parts: &[Part]| {
        let (text, pieces) = text_of(parts);
        Link { text, pieces }
    };
    let links = vec![
        link(&[Plain("no mail for "), KEPT, Plain(" at "), IP]),
        link(&[Plain("bob@example.com bounced by "), MASKED]),
    ];
    let (texts, notes) = sift_chain(&policy, &judged(&policy), links);
    assert_eq!(
        texts,
        [
            "no mail for ann@example.com at 203.0.113.0",
            "[REDACTED:email] bounced by ****1234"
        ]
    );
    let mut counted: Vec<_> = notes
        .iter()
        .map(|note| (note.rule, note.action.to_string(), note.n))
        .collect();
    counted.sort();
    let one = |rule, action: &str| (rule, action.to_owned(), 1);
    assert_eq!(
        counted,
        [
            one("email", "marker"),
            one("type", "keep-last-4"),
            one("type", "truncate-ip")
        ]
    );
    let links = vec![link(&[Plain("the password")]), link(&[KEPT])];
    let (texts, _) = sift_chain(&policy, &judged(&policy), links);
    assert_eq!(texts.concat(), "the password: [REDACTED:secret]");
}

fn part() -> impl Strategy<Value = Part> {
    let plain = prop::sample::select(vec![
        "password",
        "=",
        ": ",
        "\"",
        "\\",
        " ",
        "://",
        "bob:",
        "@",
        "/",
        "?",
        "&",
        "Bearer ",
        "hunter2",
        "é",
        "\u{200b}",
        "{",
        "}",
        "bob@example.com",
        "198.51.100.7",
        "4111111111111111",
        "%40",
        "-----BEGIN PRIVATE KEY-----",
        ",",
        "\n",
        "1",
        ".",
        "AbCdEfGh0123456789AbCd",
    ]);
    prop_oneof![
        3 => plain.prop_map(Plain),
        1 => prop::sample::select(vec![IP, MASKED, MARKER, HASHED, KEPT]),
    ]
}

proptest! {
    #[test]
    fn in_any_company_values_are_whole_or_gone(parts in prop::collection::vec(part(), 0..16)) {
        let (text, before) = text_of(&parts);
        let forms: Vec<_> = before.iter().filter_map(|piece| text.get(piece.start..piece.end)).collect();
        let (now, sifted, after) = sifted(&parts);
        let mut from = 0;
        for piece in &after {
            prop_assert!(from <= piece.start && piece.end <= now.len());
            from = piece.end;
            let form = now.get(piece.start..piece.end).unwrap_or_default();
            prop_assert!(forms.contains(&form), "{form} in {now}");
        }
        prop_assert!(after.len() == before.len() || sifted.is_some());
    }
}
