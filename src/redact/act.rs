//! What is done to a value that may not stay as it is, and what the record says of it.

use super::action::Action;
use super::class::Class;
use super::field::{FieldPlan, sees};
use super::instead;
use super::judge::{Decision, Judged, Look};
use super::redacting::Redacting;
use super::sift::{self, Note, Sifted};
use super::{ip, text};
use crate::memory;
use crate::record::Slot;
use crate::record::frame::{Out, Put, cut, mark};

impl Note {
    /// Appends the remark that a frame holds of it.
    pub(super) fn put(self, name: &str, out: &mut impl Out) {
        let [low, high] = u16::try_from(self.n).unwrap_or(u16::MAX).to_le_bytes();
        out.extend(&[mark::REMARK, self.action.code(), low, high]);
        Put::key(out, self.rule);
        Put::key(
            out,
            if self.class.is_pii() {
                self.class.word()
            } else {
                ""
            },
        );
        Put::key(out, name);
    }
}

impl Redacting<'_> {
    /// Does what the policy says to a value whose text is `text`.
    #[cold]
    pub(super) fn act(&mut self, plan: &FieldPlan, decision: Decision, fits: bool, text: &[u8]) {
        // Where it is no text, its form as one is a copy: three bytes for each that has none.
        if std::str::from_utf8(text).is_err() && !memory::is_enough(3 * text.len()) {
            return;
        }
        self.act_text(plan, decision, fits, &String::from_utf8_lossy(text), text.len());
    }

    /// As [`Self::act`], for a text of which `original_len` bytes were given.
    #[cold]
    pub(super) fn act_text(
        &mut self,
        plan: &FieldPlan,
        decision: Decision,
        fits: bool,
        given: &str,
        original_len: usize,
    ) {
        if decision.action != Action::Drop && instead::is_own(given) {
            // A record that was redacted before, and is given again.
            return self.put(plan, fits, |buf| Put::str(buf, given));
        }
        let start = self.ink.len();
        self.head(plan, fits);
        let done = Note {
            rule: decision.rule,
            class: decision.class,
            action: decision.action,
            n: 1,
        };
        if decision.action == Action::Drop {
            self.ink.wipe_back(start);
            self.remark(&plan.name, done);
        } else if let Action::TruncateLen(len) = decision.action {
            self.shorten(plan, given, original_len, usize::from(len), done);
        } else {
            self.replacement(plan, decision, given);
            if decision.action != Action::TruncateIp || !ip::is_truncated(given) {
                self.remark(&plan.name, done);
            }
        }
        self.done(plan, fits, start);
    }

    /// As [`Self::act`], for a text that stands in the frame already and must not stay there.
    #[cold]
    pub(super) fn replace_text(&mut self, plan: &FieldPlan, fits: bool, start: usize, text_at: usize) {
        let shown = self.ink.written().get(text_at..).unwrap_or_default();
        let mut text = zeroize::Zeroizing::new(Vec::new());
        if !memory::room(&mut text, shown.len()) {
            return;
        }
        text.extend_from_slice(shown);
        self.ink.wipe_back(start);
        self.act(plan, plan.judged.text, fits, &text);
    }

    /// Writes what stands in the place of `text`.
    fn replacement(&mut self, plan: &FieldPlan, decision: Decision, text: &str) {
        let Decision {
            action, class, rule, ..
        } = decision;
        let made = match action {
            Action::Hmac => self.policy.short_pseudonym(class, text),
            _ => None,
        };
        if let Some(made) = made {
            return Put::str(&mut self.ink, made.text());
        }
        match action {
            Action::TruncateIp if self.truncate_ip(plan, text) => return,
            Action::Hmac | Action::Mask | Action::KeepLast(_) => {
                let mut out = String::new();
                if action != Action::Hmac || self.policy.keys().id().is_some() {
                    instead::replace(self.policy, action, class, rule, text, &mut out);
                    return Put::str(&mut self.ink, &out);
                }
            }
            _ => {}
        }
        if class == Class::UNCLASSIFIED {
            return Put::str(&mut self.ink, "[REDACTED]");
        }
        let mut small = text::Small::default();
        for part in ["[REDACTED:", class.word(), "]"] {
            let _ = std::fmt::Write::write_str(&mut small, part);
        }
        Put::str(
            &mut self.ink,
            std::str::from_utf8(small.bytes()).unwrap_or_default(),
        );
    }

    /// Writes at most `len` bytes of a text, of which nothing is left that the value engine finds.
    fn shorten(&mut self, plan: &FieldPlan, text: &str, original_len: usize, len: usize, done: Note) {
        let sifted = sift::sift(self.policy, &plan.judged, Look::All, text);
        let (whole, notes, was_short) = match &sifted {
            Some(sifted) => (sifted.text.as_str(), sifted.notes.as_slice(), sifted.is_short),
            None => (text, [].as_slice(), false),
        };
        let kept = cut(whole, len);
        Put::str(&mut self.ink, kept);
        notes.iter().for_each(|note| self.remark(&plan.name, *note));
        if kept.len() < whole.len() || was_short {
            let original_len = if notes.is_empty() { original_len } else { 0 };
            self.cut(plan, original_len);
            self.remark(&plan.name, done);
        }
    }

    fn truncate_ip(&mut self, plan: &FieldPlan, text: &str) -> bool {
        let text = text.trim_matches(['"', ' ']);
        if ip::STAND_INS.contains(&text) {
            Put::str(&mut self.ink, text);
            return true;
        }
        let Some((address, bits)) = ip::truncated(text) else {
            return false;
        };
        let mut small = text::Small::default();
        let is_slot = plan.slot == Some(Slot::ActorIp);
        let suffix = if is_slot {
            format_args!("")
        } else {
            format_args!("/{bits}")
        };
        let _ = std::fmt::Write::write_fmt(&mut small, format_args!("{address}{suffix}"));
        Put::str(
            &mut self.ink,
            std::str::from_utf8(small.bytes()).unwrap_or_default(),
        );
        if is_slot {
            self.ink.put([Slot::ActorIpPrefixLen.index()], &[]);
            Put::u64(&mut self.ink, u64::from(bits));
            self.seen |= sees::SHORTENED;
        }
        true
    }

    /// Writes a text as the value engine left it.
    #[cold]
    pub(super) fn put_sifted(&mut self, plan: &FieldPlan, fits: bool, sifted: &Sifted, original_len: usize) {
        let start = self.ink.len();
        let kept = cut(&sifted.text, self.free(plan));
        self.head(plan, fits);
        Put::str(&mut self.ink, kept);
        self.notes(plan, sifted, kept.len(), original_len);
        self.done(plan, fits, start);
    }

    /// Says what was done to a text, of which `kept` bytes were written.
    pub(super) fn notes(&mut self, plan: &FieldPlan, sifted: &Sifted, kept: usize, original_len: usize) {
        if plan.slot == Some(Slot::ActorId) && sifted.notes.iter().any(|note| note.class.is_pii()) {
            self.seen |= sees::ACTOR_PERSONAL;
        }
        sifted
            .notes
            .iter()
            .for_each(|note| self.remark(&plan.name, *note));
        if sifted.is_short || kept < sifted.text.len() {
            // How long a text was of which something was redacted could tell how long that was.
            let original_len = if sifted.notes.is_empty() { original_len } else { 0 };
            self.cut(plan, original_len);
        }
    }

    /// Says in the record, and counts, what was done to a field.
    pub(super) fn remark(&mut self, name: &str, done: Note) {
        self.noted(done);
        done.put(name, &mut self.ink);
    }

    /// Counts what was done, and sees what follows from it for the record.
    pub(super) fn noted(&mut self, done: Note) {
        self.tally.redacted += done.n;
        self.policy.counts().add(done.rule, done.n);
        self.seen |= done.sees();
    }

    /// Counts what the policy under trial would do to a field by its name. `of` picks the decision that the value falls
    /// under.
    pub(super) fn rehearse(&self, plan: &FieldPlan, of: impl FnOnce(&Judged) -> Decision) {
        let trial = plan.judged.trial.as_deref().map(of);
        if let Some(trial) = trial.filter(|trial| trial.action != Action::Keep) {
            self.policy.counts().add_trial(trial.rule, 1);
        }
    }
}

impl Note {
    /// What follows from it for the record: bits of [`sees`].
    pub(super) fn sees(self) -> u16 {
        let personal = if self.class.is_pii() { sees::PERSONAL } else { 0 };
        let hidden = match super::policy::hides(self.action) {
            true => sees::HIDDEN,
            false => 0,
        };
        personal | hidden
    }
}
