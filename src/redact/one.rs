//! One field, one value: what a record would hold of it under a policy.

use std::borrow::Cow;

use super::action::Action;
use super::class::Class;
use super::field::{FieldPlan, Of};
use super::instead;
use super::judge::{Judged, Look};
use super::policy::Policy;
use super::rule::About;
use super::sift::{self, Note};
use crate::memory;
use crate::record::Slot;
use crate::record::frame::cut;
use crate::stats::RuleStats;

/// A value as a policy leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Treated<'v> {
    /// The value, borrowed where it stays as it is; `None` where the field is dropped.
    pub value: Option<Cow<'v, str>>,
    /// What was done, by rule and action.
    pub redactions: Vec<Applied>,
    /// Whether the value's end was left out, because it is longer than is scanned.
    pub is_short: bool,
}

/// What a rule did to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// The rule's id: `name.secret`, `token.github`, `email`, or that of a rule of the application's.
    pub rule: &'static str,
    /// What the value, or the part of it, was taken for.
    pub class: Class,
    /// What was done to it.
    pub action: Action,
    /// How many times.
    pub n: u32,
}

impl Treated<'_> {
    /// Of a value for which there was no memory: what must not stay in it may not all be known, so nothing does.
    fn unknown() -> Self {
        Self {
            value: Some(Cow::Borrowed("")),
            redactions: Vec::new(),
            is_short: true,
        }
    }

    /// How many parts of the value were replaced, cut or dropped.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.redactions.iter().map(|done| u64::from(done.n)).sum()
    }
}

impl Policy {
    /// What a record holds of this text as the value of this field, and what was done to it: for a filter, for a value
    /// that goes elsewhere than to a trail, for a test of the policy. Rules that ask for an event or a category are taken
    /// as for a record of which neither is known: those that remove something apply.
    ///
    /// [`Self::stats`] counts what calls on this policy and its clones did, and what a policy under trial would have done.
    #[must_use]
    pub fn redact<'v>(&self, field: &str, value: &'v str) -> Treated<'v> {
        let of = Of {
            policy: self,
            about: About::default(),
        };
        let plan = FieldPlan::new(field, of);
        let (treated, lacks) = memory::apart(|| self.treat(plan.judged(), plan.slot(), value));
        let treated = if lacks { Treated::unknown() } else { treated };
        for done in &treated.redactions {
            self.counts().add(done.rule, done.n);
        }
        treated
    }

    /// What calls of [`Self::redact`] on this policy, its clones and what it was made from did, by rule. A trail counts for
    /// itself: see [`Stats::redactions`](crate::Stats::redactions).
    #[must_use]
    pub fn stats(&self) -> Vec<RuleStats> {
        self.counts().sums()
    }

    /// What is done to a text under a verdict.
    pub(super) fn treat<'v>(&self, judged: &Judged, slot: Option<Slot>, value: &'v str) -> Treated<'v> {
        let decision = judged.text;
        let whole = Note {
            rule: decision.rule,
            class: decision.class,
            action: decision.action,
            n: 1,
        };
        if let Some(trial) = judged
            .trial
            .as_ref()
            .filter(|trial| trial.text.action != Action::Keep)
        {
            self.counts().add_trial(trial.text.rule, 1);
        }
        let mut treated = match decision.action {
            Action::Keep => return self.sifted(judged, decision.look, value),
            // A value that was redacted before, and is given again.
            action if action != Action::Drop && instead::is_own(value) => {
                return self.sifted(judged, Look::None, value);
            }
            Action::Drop => Treated {
                value: None,
                redactions: Vec::new(),
                is_short: false,
            },
            Action::TruncateLen(len) => match self.shortened(judged, usize::from(len), value) {
                (treated, true) => treated,
                (treated, false) => return treated,
            },
            action => {
                let mut out = String::new();
                let address = (action == Action::TruncateIp)
                    .then(|| address(slot, value))
                    .flatten();
                match address {
                    Some(address) => out = address,
                    None => drop(instead::replace(
                        self,
                        action,
                        decision.class,
                        "",
                        value,
                        &mut out,
                    )),
                }
                if out == value {
                    // A shortened address already.
                    return self.sifted(judged, Look::None, value);
                }
                Treated {
                    value: Some(Cow::Owned(out)),
                    redactions: Vec::new(),
                    is_short: false,
                }
            }
        };
        treated.redactions.push(whole.into());
        treated
    }

    /// At most `len` bytes of what the value engine leaves, and whether that is less than all.
    fn shortened<'v>(&self, judged: &Judged, len: usize, value: &'v str) -> (Treated<'v>, bool) {
        let mut treated = self.sifted(judged, Look::All, value);
        let text = treated.value.unwrap_or_default();
        let kept = cut(&text, len).len();
        let is_cut = kept < text.len() || treated.is_short;
        treated.is_short = is_cut;
        treated.value = Some(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(..kept).unwrap_or_default()),
            Cow::Owned(mut text) => {
                text.truncate(kept);
                Cow::Owned(text)
            }
        });
        (treated, is_cut)
    }

    fn sifted<'v>(&self, judged: &Judged, look: Look, value: &'v str) -> Treated<'v> {
        match sift::sift(self, judged, look, value) {
            None => Treated {
                value: Some(Cow::Borrowed(value)),
                redactions: Vec::new(),
                is_short: false,
            },
            Some(sifted) => Treated {
                value: Some(Cow::Owned(sifted.text)),
                redactions: sifted.notes.into_iter().map(Applied::from).collect(),
                is_short: sifted.is_short,
            },
        }
    }
}

/// An address without its last bits, as a record states it: the slot has a place of its own for how many are left.
fn address(slot: Option<Slot>, text: &str) -> Option<String> {
    let text = text.trim_matches(['"', ' ']);
    if super::ip::STAND_INS.contains(&text) {
        return Some(text.to_owned());
    }
    let (address, bits) = super::ip::truncated(text)?;
    Some(match slot {
        Some(Slot::ActorIp) => address.to_string(),
        _ => format!("{address}/{bits}"),
    })
}

impl From<Note> for Applied {
    fn from(note: Note) -> Self {
        Self {
            rule: note.rule,
            class: note.class,
            action: note.action,
            n: note.n,
        }
    }
}
