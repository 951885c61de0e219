//! Patterns of the application's: tokens and numbers of its own making, found in any value by their shape.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::class::{Class, ClassKind, interned};
use super::scan::custom::{Shape, Shapes};
use super::scan::hits::{Hits, Sort};
use crate::error::{Error, Result};

/// The shape of something that the built-in detectors cannot know: a token of the application's own, a customer number.
///
/// It begins with a literal (`acme_`), or else with a byte of a declared alphabet, and goes on with a run of bytes of one
/// alphabet. There is nothing to backtrack into, so a text is searched in time that grows with its length alone.
///
/// ```
/// use tracing_audit::redact::{Alphabet, Pattern, Policy};
///
/// let token = Pattern::literal("acme-token", "acme_", Alphabet::Alnum, 32..=32);
/// let policy = Policy::balanced().pattern(token)?;
/// let value = format!("sent acme_{} to a partner", "a1".repeat(16));
/// let done = policy.redact("message", &value);
/// assert_eq!(done.value.as_deref(), Some("sent [REDACTED:secret] to a partner"));
/// # Ok::<(), tracing_audit::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Pattern {
    id: String,
    start: Start,
    alphabet: Alphabet,
    len: RangeInclusive<usize>,
    class: Class,
}

/// What a pattern begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Start {
    Literal(String),
    Of(Alphabet),
}

/// Bytes that a pattern is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Alphabet {
    /// `0` to `9`.
    Digits,
    /// Digits and `a` to `f`, capital or small.
    Hex,
    /// Capital ASCII letters and digits.
    Upper,
    /// Small ASCII letters and digits.
    Lower,
    /// ASCII letters and digits.
    Alnum,
    /// ASCII letters, digits, `_`.
    Word,
    /// ASCII letters, digits, `+`, `/`, `=`.
    Base64,
    /// ASCII letters, digits, `-`, `_`.
    Base64Url,
}

impl Alphabet {
    /// Every alphabet with its word, in the order of declaration.
    pub(super) const ALL: [(Self, &str); 8] = [
        (Self::Digits, "digits"),
        (Self::Hex, "hex"),
        (Self::Upper, "upper"),
        (Self::Lower, "lower"),
        (Self::Alnum, "alnum"),
        (Self::Word, "word"),
        (Self::Base64, "base64"),
        (Self::Base64Url, "base64url"),
    ];

    /// Whether the byte belongs to it.
    pub(super) const fn has(self, byte: u8) -> bool {
        match self {
            Self::Digits => byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Lower => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Self::Base64Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
        }
    }

    fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(alphabet, _)| *alphabet == self);
        known.map_or("alnum", |(_, word)| word)
    }
}

impl fmt::Display for Alphabet {
    /// The word that a policy file takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Alphabet {
    type Err = Error;

    /// Reads `digits`, `hex`, `upper`, `lower`, `alnum`, `word`, `base64`, `base64url`.
    fn from_str(text: &str) -> Result<Self> {
        match Self::ALL.iter().find(|(_, word)| *word == text) {
            Some(&(alphabet, _)) => Ok(alphabet),
            None => {
                let known: Vec<_> = Self::ALL.iter().map(|(_, word)| *word).collect();
                Err(Error::config(format!(
                    "`{text}` is no alphabet; write one of {}",
                    known.join(", ")
                )))
            }
        }
    }
}

/// The shortest literal that is an anchor, in bytes: a shorter one stands in any text.
const ANCHOR: usize = 3;

/// The shortest run that is searched without a literal, in bytes.
const UNANCHORED: usize = 6;

/// The longest literal, in bytes, and the most bytes that a run may be required to have.
const LITERAL: usize = 64;
const LONGEST: usize = 4096;

impl Pattern {
    /// A literal, case counting, with a run of `len` bytes of `alphabet` behind it. A longer run is something else, and
    /// so is one behind a letter, a digit or `_` where the literal begins with such a byte. Its class is
    /// [`Class::SECRET`] unless [`Self::class`] says otherwise.
    pub fn literal(id: &str, literal: &str, alphabet: Alphabet, len: RangeInclusive<usize>) -> Self {
        Self::new(id, Start::Literal(literal.to_owned()), alphabet, len)
    }

    /// A whole word of `len` bytes of `alphabet`, of which the first belongs to `start`. At least six bytes, and as many
    /// counterexamples as come to mind: without a literal, much looks alike.
    pub fn starting(id: &str, start: Alphabet, alphabet: Alphabet, len: RangeInclusive<usize>) -> Self {
        Self::new(id, Start::Of(start), alphabet, len)
    }

    fn new(id: &str, start: Start, alphabet: Alphabet, len: RangeInclusive<usize>) -> Self {
        Self {
            id: id.to_owned(),
            start,
            alphabet,
            len,
            class: Class::SECRET,
        }
    }

    /// The class of what it finds, from which the policy takes the action.
    pub fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Checks what the types cannot say.
    fn check(&self) -> Result<()> {
        let id = &self.id;
        check_id("pattern", id)?;
        let (min, max) = (*self.len.start(), *self.len.end());
        let least = match &self.start {
            Start::Literal(literal) if !(ANCHOR..=LITERAL).contains(&literal.len()) => {
                return Err(Error::config(format!(
                    "pattern `{id}` has a literal of {} bytes; {ANCHOR} to {LITERAL} are allowed: a shorter one stands in \
                     any text",
                    literal.len()
                )));
            }
            Start::Literal(_) => 1,
            Start::Of(_) => UNANCHORED,
        };
        if min < least || min > max || min > LONGEST {
            return Err(Error::config(format!(
                "pattern `{id}` has a length of {min} to {max} bytes; it must begin at {least} or more, {LONGEST} at most, \
                 and not end before it begins"
            )));
        }
        if matches!(self.class.kind(), ClassKind::Public | ClassKind::Unclassified) {
            return Err(Error::config(format!(
                "pattern `{id}` has the class `{}`; what is searched is to be hidden: name what it is, such as `secret` or \
                 `personal:loyalty-card`",
                self.class
            )));
        }
        Ok(())
    }

    fn shape(&self) -> Shape {
        let (literal, start) = match &self.start {
            Start::Literal(literal) => (literal.as_str(), None),
            Start::Of(start) => ("", Some(*start)),
        };
        Shape {
            rule: interned(&self.id),
            sort: sort(self.class),
            literal: literal.into(),
            start,
            alphabet: self.alphabet,
            len: self.len.clone(),
        }
    }
}

/// What detectors call the kind of thing that has this class.
const fn sort(class: Class) -> Sort {
    match class.kind() {
        ClassKind::Secret => Sort::Secret,
        ClassKind::Financial => Sort::Financial,
        ClassKind::Network => Sort::Network,
        _ => Sort::Personal,
    }
}

/// An id of the application's: not one of ours, which all have a dot or stand in this list.
pub(super) fn check_id(what: &str, id: &str) -> Result<()> {
    const OURS: &[&str] = &[
        "account",
        "allowed",
        "birth",
        "card",
        "custom",
        "email",
        "encoded",
        "iban",
        "ip",
        "mac",
        "pan",
        "phone",
        "ssn",
        "unscanned",
    ];
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if id.is_empty() || id.len() > 48 || !id.bytes().all(allowed) {
        return Err(Error::config(format!(
            "{what} id `{id}` is not 1 to 48 lower-case letters, digits, `-` or `_`"
        )));
    }
    if OURS.contains(&id) {
        return Err(Error::config(format!(
            "{what} id `{id}` is that of a built-in rule; add a word of your own, so that counters tell them apart"
        )));
    }
    Ok(())
}

/// The patterns of a policy, compiled.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns {
    all: Vec<Pattern>,
    shapes: Shapes,
}

/// What they find follows from what they are.
impl PartialEq for Patterns {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Eq for Patterns {}

impl Patterns {
    /// These patterns and one more.
    pub(super) fn and(&self, pattern: Pattern) -> Result<Self> {
        pattern.check()?;
        if self.all.iter().any(|known| known.id == pattern.id) {
            return Err(Error::config(format!(
                "pattern id `{}` is given twice; give each pattern its own, or counters could not tell them apart",
                pattern.id
            )));
        }
        let mut all = self.all.clone();
        all.push(pattern);
        let shapes = Shapes::of(all.iter().map(Pattern::shape).collect()).map_err(|error| {
            Error::config("the literals of the patterns cannot be compiled").because(error)
        })?;
        Ok(Self { all, shapes })
    }

    /// Pushes what they find. `false` where that is nothing.
    pub(super) fn find(&self, text: &str, hits: &mut Hits) -> bool {
        let before = hits.list().len();
        self.shapes.find(text, hits);
        hits.list().len() > before
    }

    /// The class of what the pattern with this id finds.
    pub(super) fn class(&self, rule: &str) -> Option<Class> {
        let found = self.all.iter().find(|pattern| pattern.id == rule);
        found.map(|pattern| pattern.class)
    }

    /// Ids and classes.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Class)> {
        self.all
            .iter()
            .map(|pattern| (pattern.id.as_str(), pattern.class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: Pattern, text: &str) -> Vec<&str> {
        let patterns = Patterns::default().and(pattern).unwrap();
        let mut hits = Hits::default();
        patterns.find(text, &mut hits);
        hits.settle();
        hits.list().iter().map(|hit| &text[hit.start..hit.end]).collect()
    }

    #[test]
    fn a_literal_is_followed_by_a_run_of_the_length_given() {
        let token = || Pattern::literal("acme-token", "acme_", Alphabet::Hex, 4..=6);
        assert_eq!(
            found(token(), "acme_abcd, acme_012345."),
            ["acme_abcd", "acme_012345"]
        );
        for text in [
            "acme_abc",
            "acme_0123456",
            "xacme_abcd",
            "ACME_abcd",
            "acme-abcd",
            "acme_",
            "_acme_abcd",
        ] {
            assert_eq!(found(token(), text), [""; 0], "{text}");
        }
        let open = Pattern::literal("acme-token", "acme_", Alphabet::Alnum, 4..=usize::MAX);
        assert_eq!(found(open, "acme_abcdefghijkl"), ["acme_abcdefghijkl"]);
        let dashed = Pattern::literal("dashed", "-acme-", Alphabet::Digits, 4..=4);
        assert_eq!(found(dashed, "x-acme-1234"), ["-acme-1234"]);
    }

    #[test]
    fn a_word_is_found_by_what_it_begins_with_only_where_it_stands_alone() {
        let number = || Pattern::starting("member", Alphabet::Upper, Alphabet::Alnum, 8..=8);
        assert_eq!(found(number(), "of M1234567, not m1234567"), ["M1234567"]);
        for text in ["M12345678", "xM1234567", "M1234567_x", "aM123456"] {
            assert_eq!(found(number(), text), [""; 0], "{text}");
        }
    }

    #[test]
    fn it_is_found_behind_what_hides_it_from_readers() {
        let token = || Pattern::literal("acme-token", "acme_", Alphabet::Alnum, 8..=8);
        assert_eq!(
            found(token(), "acme_abcd\u{200b}1234 x"),
            ["acme_abcd\u{200b}1234"]
        );
        assert_eq!(found(token(), "acme%5Fabcd1234"), ["acme%5Fabcd1234"]);
        let coded = "c2VudCB0byBhY21lX2FiY2QxMjM0IGhlcmU=";
        assert_eq!(found(token(), coded), [coded], "in base64");
    }

    #[test]
    fn what_redaction_wrote_is_left_alone() {
        let hex = Pattern::starting("hex", Alphabet::Hex, Alphabet::Hex, 64..=64);
        let pseudonym = format!("hmac-sha256:k1:{}", "0a".repeat(32));
        assert_eq!(found(hex, &pseudonym), [""; 0]);
    }

    #[test]
    fn a_pattern_that_cannot_work_is_refused_with_its_id() {
        let literal = |literal: &str, len| Pattern::literal("mine", literal, Alphabet::Alnum, len);
        for (pattern, part) in [
            (literal("ab", 8..=8), "2 bytes"),
            (literal("abc", 0..=8), "0 to 8"),
            #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
            (literal("abc", 9..=8), "9 to 8"),
            (literal("abc", 5000..=6000), "5000"),
            (literal("abc", 8..=8).class(Class::PUBLIC), "`public`"),
            (
                Pattern::starting("mine", Alphabet::Hex, Alphabet::Hex, 5..=9),
                "5 to 9",
            ),
        ] {
            let error = Patterns::default().and(pattern).unwrap_err().to_string();
            assert!(error.contains("`mine`") && error.contains(part), "{error}");
        }
        for id in ["", "Mine", "kv.secret", "email"] {
            let pattern = Pattern::literal(id, "abc", Alphabet::Alnum, 8..=8);
            let error = Patterns::default().and(pattern).unwrap_err().to_string();
            assert!(error.contains(&format!("`{id}`")), "{error}");
        }
    }
}
