//! The automaton: every literal that a closer look begins at, found in one pass over the text.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

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
    Discord,
    /// One of our own markers or pseudonyms.
    Mark,
}

/// The automaton and what each of its patterns means.
pub(super) struct Triggers {
    /// Absent only if the literals could not be compiled; the engine then lets nothing through.
    pub(super) automaton: Option<AhoCorasick>,
    meanings: Vec<Trigger>,
}

pub(super) static TRIGGERS: LazyLock<Triggers> = LazyLock::new(Triggers::new);

impl Triggers {
    fn new() -> Self {
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
        for (literal, trigger) in [
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
            ("[redacted:", Trigger::Mark),
            ("hmac-sha256:", Trigger::Mark),
        ] {
            add(literal, trigger);
        }
        // A bot's id is a decimal number in base64: its first three letters are one of these.
        for first in ["MT", "Mj", "Mz", "ND", "NT", "Nj", "Nz", "OD", "OT"] {
            for third in "AEIMQUYcgk".chars() {
                add(&format!("{first}{third}"), Trigger::Discord);
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(all.iter().map(|(literal, _)| literal))
            .ok();
        Self {
            automaton,
            meanings: all.into_iter().map(|(_, trigger)| trigger).collect(),
        }
    }

    pub(super) fn meaning(&self, pattern: usize) -> Option<Trigger> {
        self.meanings.get(pattern).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_literals_compile_and_each_has_its_meaning() {
        let automaton = TRIGGERS.automaton.as_ref().expect("compiled");
        assert_eq!(automaton.patterns_len(), TRIGGERS.meanings.len());
        assert!(automaton.try_find_overlapping_iter("x").is_ok());
    }
}
