//! Every literal that a closer look begins at, found in one pass over the text.

use std::sync::LazyLock;

use super::argv::Command;
use super::search::{Behind, Literal, Search};
use super::tokens::{INFIXES, Infix, PREFIXES};
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
    /// The number of lines in a file of PuTTY's that are the private key.
    Putty,
    /// An address whose path is the secret, and which part of it.
    Webhook(super::url::Secret),
    /// A path word that a one-time link has before its token.
    Link,
    /// What follows the userinfo in a connection string without a scheme.
    Dsn,
    Oracle,
    Command(Command),
    /// What a line of a tool or protocol begins with.
    Form(super::forms::Form),
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
    /// The head of a column of values above a rule of dashes.
    Table,
    /// The same at the end of its line, and where that end is written in a text of a text.
    Settings,
    Written,
    /// One of our own markers or pseudonyms.
    Mark,
}

/// The literals made ready to be found.
pub(super) struct Triggers(Search<Trigger>);

pub(super) static TRIGGERS: LazyLock<Triggers> = LazyLock::new(Triggers::new);

/// Literals that stand for themselves.
const MARKS: &[(&str, Trigger)] = &[
    ("://", Trigger::Scheme),
    ("-----begin", Trigger::Pem),
    ("---- begin", Trigger::Pem),
    ("private-lines:", Trigger::Putty),
    ("@tcp(", Trigger::Dsn),
    ("@unix(", Trigger::Dsn),
    ("thin:", Trigger::Oracle),
    ("sqlplus ", Trigger::Oracle),
    ("expdp ", Trigger::Oracle),
    ("impdp ", Trigger::Oracle),
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
    ("value\n-", Trigger::Table),
    ("value\r\n-", Trigger::Table),
    ("value \n-", Trigger::Table),
    ("value\n", Trigger::Settings),
    ("value\r\n", Trigger::Settings),
    ("value\"\n", Trigger::Settings),
    ("value\"\r\n", Trigger::Settings),
    ("value\\n", Trigger::Written),
    ("value\\r\\n", Trigger::Written),
    ("value\\\"\\n", Trigger::Written),
    ("value\\\"\\r\\n", Trigger::Written),
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
    for (literal, form) in super::form_table::FORMS {
        add(literal, Trigger::Form(*form));
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
        let all = literals().into_iter().map(|(literal, meaning)| Literal {
            bytes: literal.into_bytes().into(),
            exact: meaning.is_exact(),
            walled: meaning.is_walled(),
            behind: meaning.behind(),
            meaning,
        });
        Self(Search::new(all.collect()))
    }

    /// Calls `found` with every literal in the text that can mean something, and where it begins and ends, by end; of
    /// those that end together, the longest first.
    #[inline]
    pub(super) fn each(&self, text: &[u8], found: impl FnMut(Trigger, usize, usize)) {
        self.0.each(text, found);
    }
}

impl Trigger {
    /// Whether the literal in other letters would be looked at in vain: a vendor's letters are as they are.
    const fn is_exact(self) -> bool {
        matches!(self, Self::Prefix(_) | Self::Infix(_))
    }

    /// Whether the literal would be looked at in vain where no token may begin.
    fn is_walled(self) -> bool {
        match self {
            Self::Prefix(row) => PREFIXES.get(row).is_some_and(|row| row.walled),
            Self::Discord => true,
            _ => false,
        }
    }

    /// What must follow for a closer look to find anything.
    fn behind(self) -> Behind {
        match self {
            Self::Prefix(row) => PREFIXES.get(row).map_or(Behind::Any, |row| Behind::Of(row.body)),
            Self::Infix(row) => INFIXES.get(row).map_or(Behind::Any, Infix::behind),
            Self::Numbers => Behind::Listed,
            _ => Behind::Any,
        }
    }
}

#[cfg(test)]
mod tests {
    use aho_corasick::AhoCorasick;
    use aho_corasick::automaton::OverlappingState;
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::super::alphabet::walled;
    use super::*;

    fn found(text: &str) -> Vec<(Trigger, usize, usize)> {
        let mut found = Vec::new();
        TRIGGERS.each(text.as_bytes(), |trigger, start, end| {
            found.push((trigger, start, end))
        });
        found
    }

    #[test]
    fn each_literal_is_found_alone_and_in_a_text_with_its_meaning() {
        for (literal, trigger) in literals() {
            let behind = match trigger {
                Trigger::Prefix(row) => (0..128_u8).find(|byte| PREFIXES[row].body.has(*byte)),
                Trigger::Infix(row) => (0..128_u8).find(|byte| INFIXES[row].after.has(*byte)),
                _ => Some(b'1'),
            };
            let behind = char::from(behind.unwrap());
            for before in [0, 1, 2, 61, 62, 63, 64, 65, 66, 67, 68, 130] {
                let text = format!("{}{literal}{behind}", "?".repeat(before));
                let wanted = (trigger, before, before + literal.len());
                assert!(found(&text).contains(&wanted), "{text}");
                if !trigger.is_exact() {
                    let end = text.len() - usize::from(!matches!(trigger, Trigger::Numbers));
                    let text = text[..end].to_ascii_uppercase();
                    assert!(found(&text).contains(&wanted), "{text}");
                }
            }
        }
    }

    #[test]
    fn every_body_of_a_token_has_a_first_byte() {
        assert!(PREFIXES.iter().all(|row| row.min > 0));
    }

    /// What an automaton of others finds in a text, as far as it can mean something.
    fn theirs(
        automaton: &AhoCorasick,
        all: &[(String, Trigger)],
        text: &str,
    ) -> Vec<(Trigger, usize, usize)> {
        let mut state = OverlappingState::start();
        let mut wanted = Vec::new();
        loop {
            automaton.find_overlapping(text, &mut state);
            let Some(found) = state.get_match() else {
                return wanted;
            };
            let (literal, trigger) = &all[found.pattern().as_usize()];
            let there = &text.as_bytes()[found.range()];
            let next = text.as_bytes().get(found.end());
            let is_it = (!trigger.is_exact() || there == literal.as_bytes())
                && (!trigger.is_walled() || walled(text.as_bytes(), found.start()))
                && (trigger.behind().is_any() || next.is_some_and(|byte| trigger.behind().has(*byte)));
            if is_it {
                wanted.push((*trigger, found.start(), found.end()));
            }
        }
    }

    #[test]
    fn an_automaton_finds_the_same_in_the_same_order() {
        let all = literals();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(all.iter().map(|(literal, _)| literal))
            .unwrap();
        let part = (
            proptest::sample::select(pieces()),
            any::<bool>(),
            "[ -~é\\n]{0,3}",
        );
        let texts = proptest::collection::vec(part, 0..40);
        let mut runner = TestRunner::default();
        let outcome = runner.run(&texts, |parts| {
            let text: String = parts
                .into_iter()
                .map(|(piece, capital, more)| match capital {
                    true => piece.to_uppercase() + &more,
                    false => piece + &more,
                })
                .collect();
            prop_assert_eq!(found(&text), theirs(&automaton, &all, &text));
            Ok(())
        });
        outcome.unwrap();
    }

    /// The literals, and pieces of them.
    fn pieces() -> Vec<String> {
        let mut pieces = Vec::new();
        for (literal, _) in literals() {
            let half = (0..=literal.len() / 2)
                .rfind(|at| literal.is_char_boundary(*at))
                .unwrap();
            pieces.extend([
                literal[half..].to_owned(),
                literal[..half].to_owned(),
                literal.clone(),
                literal,
            ]);
        }
        pieces
    }
}
