//! What stands for every text of a field, made beforehand: the same marker for all of them, or their pseudonyms but for the
//! digits.

use std::sync::Arc;

use super::action::Action;
use super::class::Class;
use super::field::FieldPlan;
use super::hmac::Made;
use super::instead;
use super::mac::{Beginning, Short};
use super::normal::is_normal;
use super::redacting::Redacting;
use super::sift::Note;
use crate::record::frame::{Out as _, Put, mark};
use crate::record::heads;

/// A field's entry with the remark behind it, and what follows from that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    entry: Box<[u8]>,
    /// All of that by its number, where it has one: the frame is shorter, and what is not written is not copied twice.
    numbered: Option<[u8; 3]>,
    rule: &'static str,
    /// Bits of [`sees`].
    sees: u16,
}

impl Marked {
    /// `None` where texts of the field become something else, or are looked at by a policy under trial.
    pub(super) fn of(plan: &FieldPlan) -> Option<Box<Self>> {
        let text = plan.judged.text;
        (text.action == Action::Marker && plan.is_ready()).then(|| {
            let mut entry = plan.head.as_bytes().to_vec();
            let marker = match text.class.word() {
                _ if text.class == Class::UNCLASSIFIED => "[REDACTED]".to_owned(),
                word => format!("[REDACTED:{word}]"),
            };
            Put::str(&mut entry, &marker);
            plan.note().put(&plan.name, &mut entry);
            let number = || heads::ready_number(&entry).map(u16::to_le_bytes);
            let number = (plan.head.numbered != 0).then(number).flatten();
            Box::new(Self {
                numbered: number.map(|[low, high]| [mark::READY, low, high]),
                entry: entry.into_boxed_slice(),
                rule: text.rule,
                sees: plan.note().sees(),
            })
        })
    }
}

/// A field's entry with the remark behind it, and where in it the digits stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pseudonymous {
    made: Arc<Made>,
    beginning: Beginning,
    entry: Box<[u8]>,
    digits_at: usize,
}

impl Pseudonymous {
    /// `None` where the field's texts become something else, or are looked at by a policy under trial.
    pub(super) fn of(plan: &FieldPlan, made: Option<&Arc<Made>>) -> Option<Box<Self>> {
        let made = made.filter(|_| plan.judged.text.action == Action::Hmac)?;
        let mut entry = Vec::new();
        plan.head.put(&mut entry);
        Put::str(&mut entry, &made.blank());
        let digits_at = entry.len() - 64;
        plan.note().put(&plan.name, &mut entry);
        Some(Box::new(Self {
            made: Arc::clone(made),
            beginning: made.beginning(plan.judged.text.class)?,
            entry: entry.into_boxed_slice(),
            digits_at,
        }))
    }
}

impl Redacting<'_> {
    /// Writes what stands for a text of a field for which all was made beforehand that can be. `false`, and nothing, where
    /// that is not so, where the text is not in its normal form, or may be one that a policy left already.
    pub(super) fn ready(&mut self, plan: &FieldPlan, text: &str) -> bool {
        if instead::may_be_own(text) {
            return false;
        }
        if let Some(marked) = plan.marked.as_deref() {
            self.mark(plan, marked);
            return true;
        }
        let Some(ready) = plan.pseudonymous.as_deref() else {
            return false;
        };
        if !is_normal(plan.judged.text.class, text) {
            return false;
        }
        let policy = self.policy;
        let Some(key) = policy.keys().under(&ready.made) else {
            return false;
        };
        let mut message = Short::EMPTY;
        if !message.fill(&ready.beginning, text.as_bytes()) {
            return false;
        }
        // What does not need the digits is done before they are: see `Short`.
        let start = self.ink.len();
        self.ink.extend(&ready.entry);
        self.noted(plan.note());
        let digits = key.digits(&mut message);
        // Where there was no memory for the entry, none of it is there.
        let place = self.ink.written_from(start).get_mut(ready.digits_at..);
        if let Some(place) = place.and_then(<[u8]>::first_chunk_mut) {
            *place = digits;
        }
        self.done(plan, true, start);
        true
    }

    /// Writes the marker that stands for every text of the field.
    #[inline(never)]
    pub(super) fn mark(&mut self, plan: &FieldPlan, marked: &Marked) {
        let start = self.ink.len();
        match marked.numbered {
            Some(numbered) => self.ink.put(numbered, &[]),
            None => self.ink.extend(&marked.entry),
        }
        self.tally.redacted += 1;
        self.policy.counts().add(marked.rule, 1);
        self.seen |= marked.sees;
        self.done(plan, true, start);
    }
}

impl FieldPlan {
    /// What is said of a text of the field that does not stay.
    pub(super) fn note(&self) -> Note {
        let text = &self.judged.text;
        Note {
            rule: text.rule,
            class: text.class,
            action: text.action,
            n: 1,
        }
    }
}
