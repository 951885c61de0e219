//! The automaton: every literal that a closer look begins at, found in one pass over the text.

use std::sync::LazyLock;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};

use super::argv::Command;
use super::tokens::{INFIXES, PREFIXES};
use crate::redact::names;

/// What a literal is the beginning, the middle or the end of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A row of the token table.
    Prefix(usize),
    /// A row of the table of infixes.
    Infix(usize),
    /// A word that names of secrets hold.
    Name,
    /// `://`
    Scheme,
    Pem,
    /// An address whose path is the secret, and which part of it.
    Webhook(super::url::Secret),
    /// A path word that a one-time link has before its token.
    Link,
    /// What follows the userinfo in a connection string without a scheme.
    Dsn,
    Oracle,
    Command(Command),
    /// `-p`, `-u`, `-a`
    Option,
    /// `--user`
    User,
    Identified,
    Basic,
    /// The type of a key in JSON.
    Jwk,
    /// The port of a database in a line of its password file.
    Passfile,
    Discord,
    /// A list of numbers.
    Numbers,
    /// `VALUES (`
    Values,
    /// One of our own markers or pseudonyms.
    Mark,
}

/// The automaton and what each of its patterns means.
pub(super) struct Triggers {
    /// Absent only if the literals could not be compiled; the engine then lets nothing through.
    automaton: Option<(DFA, StateID)>,
    /// By pattern: how long it is, and what it means.
    meanings: Vec<(usize, Trigger)>,
}

pub(super) static TRIGGERS: LazyLock<Triggers> = LazyLock::new(Triggers::new);

/// Literals that stand for themselves.
const MARKS: &[(&str, Trigger)] = &[
    ("://", Trigger::Scheme),
    ("-----begin", Trigger::Pem),
    ("@tcp(", Trigger::Dsn),
    ("@unix(", Trigger::Dsn),
    ("thin:", Trigger::Oracle),
    ("-p", Trigger::Option),
    ("-u", Trigger::Option),
    ("-a", Trigger::Option),
    ("--user", Trigger::User),
    ("--proxy-user", Trigger::User),
    ("identified ", Trigger::Identified),
    ("basic ", Trigger::Basic),
    ("auth plain ", Trigger::Basic),
    ("kty\"", Trigger::Jwk),
    ("kty\\", Trigger::Jwk),
    (":5432:", Trigger::Passfile),
    (") values", Trigger::Values),
    (")values", Trigger::Values),
    ("[redacted:", Trigger::Mark),
    ("hmac-sha256:", Trigger::Mark),
];

/// All literals, each with what it means.
pub(super) fn literals() -> Vec<(String, Trigger)> {
    let mut all: Vec<(String, Trigger)> = Vec::new();
    let mut add = |literal: &str, trigger| all.push((literal.to_owned(), trigger));
    for (at, row) in PREFIXES.iter().enumerate() {
        add(row.literal, Trigger::Prefix(at));
    }
    for (at, row) in INFIXES.iter().enumerate() {
        add(row.literal, Trigger::Infix(at));
    }
    for name in names::TRIGGERS {
        add(name, Trigger::Name);
    }
    for (literal, secret) in super::url::WEBHOOKS {
        add(literal, Trigger::Webhook(*secret));
    }
    for word in super::url::LINKS {
        add(word, Trigger::Link);
    }
    for (literal, command) in super::argv::COMMANDS {
        add(literal, Trigger::Command(*command));
    }
    for (literal, trigger) in MARKS {
        add(literal, *trigger);
    }
    for digit in 0..10 {
        add(&format!("[{digit}"), Trigger::Numbers);
    }
    // A bot's id is a decimal number in base64: its first three letters are one of these.
    for first in ["MT", "Mj", "Mz", "ND", "NT", "Nj", "Nz", "OD", "OT"] {
        for third in "AEIMQUYcgk".chars() {
            add(&format!("{first}{third}"), Trigger::Discord);
        }
    }
    all
}

impl Triggers {
    fn new() -> Self {
        let all = literals();
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .prefilter(false)
            .build(all.iter().map(|(literal, _)| literal))
            .ok()
            .and_then(|dfa| {
                let start = dfa.start_state(Anchored::No).ok()?;
                Some((dfa, start))
            });
        Self {
            automaton,
            meanings: all
                .into_iter()
                .map(|(literal, trigger)| (literal.len(), trigger))
                .collect(),
        }
    }

    /// Calls `found` with every literal in the text and where it begins and ends, by end. `false` where the text
    /// could not be searched.
    pub(super) fn each(&self, text: &[u8], mut found: impl FnMut(Trigger, usize, usize)) -> bool {
        let Some((dfa, start)) = &self.automaton else {
            return false;
        };
        let mut state = *start;
        let mut at = 0;
        while let Some((matched, end)) = next(dfa, state, text, at) {
            (state, at) = (matched, end);
            for index in 0..dfa.match_len(state) {
                let pattern = dfa.match_pattern(state, index).as_usize();
                if let Some(&(len, trigger)) = self.meanings.get(pattern) {
                    found(trigger, end - len, end);
                }
            }
        }
        true
    }
}

/// Goes on from `state` before the byte at `at` to the next state that matches, and the place behind its last byte.
/// A function of its own, so that the state stays in a register.
#[inline(never)]
fn next(dfa: &DFA, mut state: StateID, text: &[u8], at: usize) -> Option<(StateID, usize)> {
    let rest = text.get(at..)?;
    for (passed, &byte) in rest.iter().enumerate() {
        state = dfa.next_state(Anchored::No, state, byte);
        if dfa.is_special(state) && dfa.is_match(state) {
            return Some((state, at + passed + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_literals_compile_and_each_has_its_meaning() {
        let mut found = Vec::new();
        let searched = TRIGGERS.each(b"my PASSWORD=x", |trigger, start, end| {
            found.push((trigger, start, end))
        });
        assert!(searched);
        assert!(found.contains(&(Trigger::Name, 3, 7)), "{found:?}");
    }
}
