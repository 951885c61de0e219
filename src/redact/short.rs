//! The short way: values of a callsite's fields that stay as they are, with nothing else to consider. What it needs of a
//! field is twelve bytes, so that those of a callsite stand in a line of memory or two.

use super::field::{FieldPlan, fast};
use super::redacting::Redacting;
use super::scan::{Counted, Limits};
use crate::record::frame::tag;

/// What the short way needs of a field. The default is a field for which there is none, or no field at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shortcut {
    /// The head by its number; see [`super::head::Head`].
    pub(super) numbered: u32,
    /// What makes a text more than a word.
    pub(super) words: Limits,
    /// Which kinds of value take it: bits of [`fast`].
    pub(super) fast: u16,
    pub(super) sees: u16,
}

impl FieldPlan {
    /// The field's short way, if it has one.
    pub(crate) fn shortcut(&self) -> Shortcut {
        if self.head.numbered == 0 || self.fast & fast::MORE != 0 {
            return Shortcut::default();
        }
        Shortcut {
            numbered: self.head.numbered,
            words: Limits::of(self.fast & fast::SECRETS != 0),
            fast: self.fast,
            sees: self.sees,
        }
    }
}

impl Shortcut {
    /// Whether a text that is one short word takes it.
    #[inline(always)]
    pub(crate) fn takes_words(&self) -> bool {
        self.fast & fast::WORD != 0
    }
}

impl Redacting<'_> {
    /// Writes a text that is one short word, which the shortcut takes; `false`, and nothing, where it has to go the long way.
    /// `counted` is the text's.
    #[inline(always)]
    pub(crate) fn short_str(&mut self, cut: &Shortcut, counted: Counted, text: &str) -> bool {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what is longer has no room and goes the long way"
        )]
        let len = (text.len() as u32).to_le_bytes();
        counted.is_within(cut.words) && self.short(cut, tag::STR, len, text.as_bytes())
    }

    #[inline(always)]
    pub(crate) fn short_u64(&mut self, cut: &Shortcut, number: u64) -> bool {
        cut.fast & fast::U64 != 0 && self.short(cut, tag::U64, number.to_le_bytes(), &[])
    }

    #[inline(always)]
    pub(crate) fn short_i64(&mut self, cut: &Shortcut, number: i64) -> bool {
        cut.fast & fast::I64 != 0 && self.short(cut, tag::I64, number.to_le_bytes(), &[])
    }

    #[inline(always)]
    pub(crate) fn short_f64(&mut self, cut: &Shortcut, number: f64) -> bool {
        cut.fast & fast::F64 != 0 && self.short(cut, tag::F64, number.to_bits().to_le_bytes(), &[])
    }

    #[inline(always)]
    pub(crate) fn short_bool(&mut self, cut: &Shortcut, truth: bool) -> bool {
        // The tags of the two follow each other.
        cut.fast & fast::BOOL != 0 && self.short(cut, tag::FALSE + u8::from(truth), [], &[])
    }

    #[inline(always)]
    fn short<const N: usize>(&mut self, cut: &Shortcut, tag: u8, bytes: [u8; N], more: &[u8]) -> bool {
        let is_put = self.ink.put_numbered(cut.numbered, tag, bytes, more);
        if is_put {
            self.seen |= cut.sees;
        }
        is_put
    }
}

const _: () = assert!(tag::TRUE == tag::FALSE + 1);
const _: () = assert!(size_of::<Shortcut>() == 12);
