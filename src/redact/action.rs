//! What can be done to a value.

use std::fmt;
use std::str::FromStr;

use super::class::interned;
use crate::error::{Error, Result};

/// What is done to a field's value on the calling thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// The value stays as it is.
    Keep,
    /// The field is left out; the record says that it was.
    Drop,
    /// A fixed text that names the class stands in the value's place.
    Marker,
    /// `****` stands in the value's place, however long it was.
    Mask,
    /// `****` and the last characters stand in the value's place: at most four, and only where at least eight others
    /// are hidden; else the mask alone.
    KeepLast(u8),
    /// A keyed pseudonym stands in the value's place: equal values stay equal, and nobody without the key can guess.
    Hmac,
    /// An IP address keeps its first 24 (v4) or 48 (v6) bits; anything else becomes the marker.
    TruncateIp,
    /// A text keeps so many bytes at most, cut between characters; what is cut is listed in `truncated`.
    TruncateLen(u16),
    /// A commitment stands in the value's place, and the value, looked through for secrets, in a side table from which
    /// [`Audit::erase`](crate::Audit::erase) removes it. Names the field that says whose value it is: `actor.id`, or any
    /// other of the record. Needs a journal. What says what a record is (event, action, outcome, times) passes over it;
    /// inside of a value, where no commitment can stand, it is the marker.
    Erasable(&'static str),
}

/// The most characters that [`Action::KeepLast`] leaves, and how many others it must hide.
const LAST: u8 = 4;
const HIDDEN: usize = 8;

impl Action {
    /// The words under which actions stand in a line, by [`Self::code`].
    pub(crate) const WORDS: &[&str] = &[
        "keep",
        "drop",
        "marker",
        "hmac",
        "truncate-ip",
        "mask",
        "keep-last",
        "truncate",
        "erasable",
    ];

    /// The action's number in a frame.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Keep => 0,
            Self::Drop => 1,
            Self::Marker => 2,
            Self::Hmac => 3,
            Self::TruncateIp => 4,
            Self::Mask => 5,
            Self::KeepLast(_) => 6,
            Self::TruncateLen(_) => 7,
            Self::Erasable(_) => 8,
        }
    }

    /// The action's word in a line.
    pub(crate) fn word(self) -> &'static str {
        Self::WORDS
            .get(usize::from(self.code()))
            .copied()
            .unwrap_or("other")
    }

    /// How little is left of a value: of two actions the higher one is taken.
    pub(super) const fn strictness(self) -> u32 {
        match self {
            Self::Drop => 90,
            Self::Marker => 80,
            Self::Mask => 70,
            Self::Hmac => 60,
            Self::KeepLast(n) => 50 - n as u32,
            Self::TruncateIp => 30,
            // What keeps less is stricter.
            Self::TruncateLen(len) => 20 - (len as u32 + 1).ilog2(),
            // All of it can be had, until it is erased.
            Self::Erasable(_) => 2,
            Self::Keep => 0,
        }
    }

    /// Writes the mask, and of `text` what may stay behind it.
    pub(super) fn mask(self, text: &str, out: &mut String) {
        out.push_str(MASK);
        let Self::KeepLast(n) = self else { return };
        let telling = || text.char_indices().filter(|(_, char)| char.is_alphanumeric());
        let n = usize::from(n.min(LAST));
        let count = telling().count();
        if n == 0 || count < n + HIDDEN {
            return;
        }
        let kept = telling().skip(count - n).map(|(_, char)| char);
        out.extend(kept);
    }
}

/// The field that names the subject of an erasable value, where nothing else is said.
const SUBJECT: &str = "actor.id";

/// Stands in the place of a masked value.
pub(super) const MASK: &str = "****";

impl fmt::Display for Action {
    /// The form that a policy file takes: `keep-last-4`, `truncate-64`, else the word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeepLast(n) => write!(f, "keep-last-{n}"),
            Self::TruncateLen(len) => write!(f, "truncate-{len}"),
            Self::Erasable(SUBJECT) => f.write_str("erasable"),
            Self::Erasable(subject) => write!(f, "erasable-{subject}"),
            _ => f.write_str(self.word()),
        }
    }
}

impl FromStr for Action {
    type Err = Error;

    /// Reads `keep`, `drop`, `marker`, `mask`, `keep-last-4`, `hmac`, `truncate-ip`, `truncate-64`, `erasable` (whose
    /// subject is `actor.id`) and `erasable-FIELD`.
    fn from_str(text: &str) -> Result<Self> {
        let last = text.strip_prefix("keep-last-").and_then(|n| n.parse().ok());
        let len = text.strip_prefix("truncate-").and_then(|len| len.parse().ok());
        let subject = text.strip_prefix("erasable-").filter(|field| is_field(field));
        if let Some(field) = subject {
            return Ok(Self::Erasable(interned(field)));
        }
        match (text, last, len) {
            ("erasable", ..) => Ok(Self::Erasable(SUBJECT)),
            ("keep", ..) => Ok(Self::Keep),
            ("drop", ..) => Ok(Self::Drop),
            ("marker", ..) => Ok(Self::Marker),
            ("mask", ..) => Ok(Self::Mask),
            ("hmac", ..) => Ok(Self::Hmac),
            ("truncate-ip", ..) => Ok(Self::TruncateIp),
            (_, Some(n @ 1..=LAST), _) => Ok(Self::KeepLast(n)),
            (_, _, Some(len)) => Ok(Self::TruncateLen(len)),
            _ => Err(Error::config(format!(
                "`{text}` is no action; write keep, drop, marker, mask, keep-last-1 to keep-last-{LAST}, hmac, \
                 truncate-ip, truncate-N with N bytes up to 65535, erasable or erasable-FIELD"
            ))),
        }
    }
}

/// Whether a text can be the name of a field that says whose a value is.
fn is_field(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.chars().any(|char| char.is_whitespace() || char.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_read_back_from_its_text() {
        for action in [
            Action::Keep,
            Action::Drop,
            Action::Marker,
            Action::Mask,
            Action::KeepLast(4),
            Action::Hmac,
            Action::TruncateIp,
            Action::TruncateLen(64),
            Action::Erasable("actor.id"),
            Action::Erasable("customer"),
        ] {
            assert_eq!(action.to_string().parse::<Action>().unwrap(), action);
        }
        for wrong in [
            "",
            "hash",
            "keep-last-5",
            "keep-last-",
            "truncate-x",
            "truncate-70000",
            "erasable-",
            "erasable-a b",
        ] {
            assert!(wrong.parse::<Action>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_last_characters_stay_only_where_enough_others_are_hidden() {
        let masked = |action: Action, text: &str| {
            let mut out = String::new();
            action.mask(text, &mut out);
            out
        };
        assert_eq!(masked(Action::KeepLast(4), "4111 1111 1111 1234"), "****1234");
        assert_eq!(masked(Action::KeepLast(4), "12345678901"), "****");
        assert_eq!(masked(Action::KeepLast(200), "1234567890123456"), "****3456");
        assert_eq!(masked(Action::Mask, "4111111111111111"), "****");
        assert_eq!(masked(Action::KeepLast(2), "ééééééééüñ"), "****üñ");
    }
}
