//! Erasable values: their entries are marked, so that the writer puts a commitment into the line and the value elsewhere.
//!
//! The value passes the policy first, as one that is kept: no secret becomes erasable.

use super::action::Action;
use super::field::FieldPlan;
use super::head::Head;
use super::judge::{Decision, Judged};
use super::redacting::Redacting;
use super::sift::Note;
use crate::record::frame::{Put, mark};
use crate::record::{Naming, Resolved};

impl Head {
    /// The head without the mark that its value is erasable.
    fn unmarked(&self) -> &[u8] {
        match self.as_bytes() {
            [mark::ERASABLE, len, rest @ ..] => rest.get(usize::from(*len)..).unwrap_or_default(),
            bytes => bytes,
        }
    }

    /// The head behind the mark for values of the subject that stands at `path` of the record.
    fn marked(&self, path: &str) -> Self {
        let mut bytes = vec![mark::ERASABLE];
        Put::key(&mut bytes, path);
        bytes.extend_from_slice(self.unmarked());
        Self::new(&bytes)
    }
}

impl FieldPlan {
    /// Marks the entries of a field whose values are erasable, as far as a commitment can stand there.
    pub(super) fn mark_erasable(&mut self) {
        let subject = [self.judged.text.action, self.judged.number.action]
            .into_iter()
            .find_map(|action| match action {
                Action::Erasable(subject) => Some(subject),
                _ => None,
            });
        let takes_it = self.kind.is_none() || self.slot.is_some_and(|slot| slot.is_erasable());
        let subject = subject.filter(|_| takes_it && self.naming == Naming::Plain);
        self.erasable = subject.is_some();
        match subject.map(place_of) {
            Some(path) => {
                self.head = self.head.marked(&path);
                self.fallback = self.fallback.marked(&path);
            }
            None => {
                self.head = Head::new(self.head.unmarked());
                self.fallback = Head::new(self.fallback.unmarked());
            }
        }
    }

    /// What stands before the entries of an erasable field.
    pub(super) fn erasable_mark(&self) -> Option<&[u8]> {
        let head = self.head.as_bytes();
        let mark = head.len().checked_sub(self.head.unmarked().len())?;
        head.get(..mark).filter(|mark| !mark.is_empty())
    }

    /// The same field for a value of which its type says that it is erasable; `None` where it is not, or where no
    /// commitment can stand.
    pub(super) fn committed(&self, decision: Decision) -> Option<Self> {
        if !matches!(decision.action, Action::Erasable(_)) {
            return None;
        }
        let mut plan = self.clone();
        plan.judged.text = Decision {
            look: decision.look.max(super::judge::Look::Secrets),
            ..decision
        };
        plan.mark_erasable();
        Some(plan).filter(|plan| plan.erasable)
    }
}

impl Redacting<'_> {
    /// Says in the record that a value of the field is erasable.
    #[cold]
    pub(super) fn said_erasable(&mut self, plan: &FieldPlan) {
        let Judged { text, number, .. } = &plan.judged;
        let is_text = matches!(text.action, Action::Erasable(_));
        let decision = if is_text { *text } else { *number };
        self.remark(
            &plan.name,
            Note {
                rule: decision.rule,
                class: decision.class,
                action: decision.action,
                n: 1,
            },
        );
    }
}

/// Where the field of this name stands in a record.
fn place_of(name: &str) -> String {
    match Resolved::of(name) {
        Resolved::Slot(slot, _) => slot.path().to_owned(),
        Resolved::Label(key) => format!("labels.{key}"),
        Resolved::Hash(key) => format!("hashes.{key}"),
        Resolved::Detail(path) => format!("detail.{path}"),
        Resolved::Attribute(key) if key.starts_with("attributes.") => key.to_owned(),
        Resolved::Attribute(key) => format!("attributes.{key}"),
    }
}
