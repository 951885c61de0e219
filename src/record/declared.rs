//! Values of a record whose class the caller's types state: kept apart from the others until a policy has seen them.

use std::fmt;

use zeroize::Zeroizing;

use super::frame::MAX_VALUE;
use crate::memory;

/// An attribute whose value has a class by its type. What names class and action is `redact`'s own language.
#[derive(Clone, PartialEq)]
pub(crate) struct Declared {
    pub(crate) name: String,
    /// The kind and the label of the class.
    pub(crate) class: [&'static str; 2],
    /// What the code asks for, where it does.
    pub(crate) action: Option<String>,
    /// `None` where the value has no text.
    pub(crate) text: Option<Plaintext>,
}

impl Declared {
    /// About how much memory a copy takes.
    pub(crate) fn weight(&self) -> usize {
        let action = self.action.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.name.len() + action + self.text.as_ref().map_or(0, Plaintext::weight)
    }
}

impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declared")
            .field("name", &self.name)
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

/// A text in memory that is wiped: when it is dropped, and what it grows out of too.
#[derive(Clone, PartialEq, Default)]
pub(crate) struct Plaintext {
    bytes: Zeroizing<Vec<u8>>,
    is_cut: bool,
    /// Its end is missing for want of memory.
    lacks: bool,
}

/// What a text has room for at first; most never grow.
const ROOM: usize = 64;

impl Plaintext {
    /// The text of a value; `None` where its code reports an error.
    pub(crate) fn of(show: &dyn Fn(&mut dyn fmt::Write) -> fmt::Result) -> Option<Self> {
        let mut text = Self::default();
        show(&mut text).ok().map(|()| text)
    }

    /// As [`Self::of`], for a record that is handed over later, or never: what there is no memory for is noted when it is,
    /// and not on this thread now, where the next record would be given up for it.
    pub(crate) fn ahead(show: &dyn Fn(&mut dyn fmt::Write) -> fmt::Result) -> Option<Self> {
        let (mut text, lacks) = memory::apart(|| Self::of(show));
        text.iter_mut().for_each(|text| text.lacks |= lacks);
        text
    }

    /// About how much memory a copy takes.
    pub(crate) fn weight(&self) -> usize {
        self.bytes.len()
    }

    /// Notes that there was no memory for all of it, where there was none.
    pub(crate) fn note(&self) {
        if self.lacks {
            memory::lack();
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    /// Whether the text was longer than any value may be, so that its end is missing.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    fn push(&mut self, more: &[u8]) {
        let needed = self.bytes.len() + more.len();
        if needed > self.bytes.capacity() {
            // A vector that grows by itself leaves its old memory as it was.
            let room = needed.max(2 * self.bytes.capacity()).max(ROOM);
            let mut grown = Zeroizing::new(Vec::new());
            if !memory::room(&mut grown, room) {
                self.is_cut = true;
                return;
            }
            grown.extend_from_slice(&self.bytes);
            self.bytes = grown;
        }
        self.bytes.extend_from_slice(more);
    }
}

impl fmt::Write for Plaintext {
    /// Takes what there is room for, and never reports an error, for which other code would panic.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_cut {
            return Ok(());
        }
        let kept = super::frame::cut(text, MAX_VALUE.saturating_sub(self.bytes.len()));
        self.is_cut = kept.len() < text.len();
        self.push(kept.as_bytes());
        Ok(())
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plaintext")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn a_text_is_taken_up_to_the_length_of_a_value_and_shown_to_nobody() {
        let mut text = Plaintext::default();
        for _ in 0..40 {
            text.write_str("ab").unwrap();
        }
        assert_eq!((text.as_str().len(), text.is_cut()), (80, false));
        assert_eq!(format!("{text:?}"), "Plaintext");
        text.write_str(&"é".repeat(MAX_VALUE)).unwrap();
        assert!(text.is_cut() && text.as_str().len() <= MAX_VALUE);
        let len = text.as_str().len();
        text.write_str("x").unwrap();
        assert_eq!(text.as_str().len(), len);
    }

    #[test]
    fn what_a_record_has_no_memory_for_is_noted_when_it_is_handed_over() {
        let without = |out: &mut dyn fmt::Write| {
            memory::lack();
            out.write_str("shown")
        };
        let text = Plaintext::ahead(&without).unwrap();
        assert!(!memory::take_lack(), "the next record is another one");
        text.note();
        assert!(memory::take_lack());
        memory::lack();
        assert!(Plaintext::ahead(&without).is_some());
        assert!(memory::take_lack(), "what somebody else noted stands");
        let text = Plaintext::ahead(&|out| out.write_str("shown")).unwrap();
        text.note();
        assert!(!memory::take_lack());
    }
}
