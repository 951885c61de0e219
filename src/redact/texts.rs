//! Texts and bytes through a policy.

use super::field::{FieldPlan, fast};
use super::redacting::Redacting;
use super::scan::Counted;
use super::{instead, sift};
use crate::record::frame::{Put, tag};
use crate::record::{Kind, Naming, TraceContext};

impl Redacting<'_> {
    #[inline]
    pub(crate) fn str(&mut self, plan: &FieldPlan, text: &str) {
        // Each in another function, at the end: who only asks has no registers to save.
        match plan.marked.as_deref().filter(|_| plan.fast & fast::MARKED != 0) {
            Some(marked) if !instead::may_be_own(text) => self.mark(plan, marked),
            _ => self.unmarked_str(plan, text),
        }
    }

    #[inline(never)]
    fn unmarked_str(&mut self, plan: &FieldPlan, text: &str) {
        if plan.fast & fast::WORD == 0 {
            return self.unlooked_str(plan, text);
        }
        self.counted_str(plan, text, Counted::of(text));
    }

    /// As [`Self::str`], for a field in which a word is enough to know. `counted` is the text's.
    pub(crate) fn counted_str(&mut self, plan: &FieldPlan, text: &str, counted: Counted) {
        let passes = counted.is_word(plan.fast & fast::SECRETS != 0)
            || counted.is_harmless(text)
            || sift::passes(self.policy, &plan.judged, plan.memo, text);
        if !(passes && self.keep_str(plan, text)) {
            self.any_str(plan, text);
        }
    }

    /// A text of a field in which a word is not enough to know, or in which nobody looks for anything.
    fn unlooked_str(&mut self, plan: &FieldPlan, text: &str) {
        let passes = plan.fast & fast::LOOK == 0 || sift::passes(self.policy, &plan.judged, plan.memo, text);
        if !(passes && self.keep_str(plan, text)) {
            self.any_str(plan, text);
        }
    }

    #[inline]
    fn keep_str(&mut self, plan: &FieldPlan, text: &str) -> bool {
        self.keep(plan, fast::STR, tag::STR, len_of(text), text.as_bytes())
    }

    /// What is no text that stays at a glance: mostly one that becomes a marker or a pseudonym.
    #[inline(never)]
    fn any_str(&mut self, plan: &FieldPlan, text: &str) {
        if !self.ready(plan, text) {
            self.considered_str(plan, text);
        }
        self.settle();
    }

    #[inline(never)]
    fn considered_str(&mut self, plan: &FieldPlan, text: &str) {
        match plan.naming {
            Naming::Plain => {}
            Naming::Traceparent => {
                if let Some(trace) = TraceContext::parse(text) {
                    self.trace = Some(trace);
                    return;
                }
            }
            // No slot takes a text there: it becomes an attribute.
            Naming::Millis | Naming::Start => {}
        }
        let fits = plan.naming == Naming::Plain
            && plan
                .kind
                .is_none_or(|kind| matches!(kind, Kind::Text | Kind::Id | Kind::Texts | Kind::Any));
        self.rehearse(plan, |trial| trial.text);
        if !plan.keeps_text() {
            self.act_text(plan, plan.judged.text, fits, text, text.len());
            return;
        }
        if let Some(sifted) = sift::sift(self.policy, &plan.judged, plan.judged.text.look, text) {
            self.put_sifted(plan, fits, &sifted, text.len());
            return;
        }
        let kept = self.room(text, plan);
        self.put(plan, fits, |buf| Put::str(buf, kept));
    }

    pub(crate) fn bytes(&mut self, plan: &FieldPlan, bytes: &[u8]) {
        self.considered_bytes(plan, bytes);
        self.settle();
    }

    fn considered_bytes(&mut self, plan: &FieldPlan, bytes: &[u8]) {
        let fits = plan.naming == Naming::Plain && plan.kind.is_none_or(|kind| kind == Kind::Any);
        self.rehearse(plan, |trial| trial.text);
        if !plan.keeps_text() {
            return self.act(plan, plan.judged.text, fits, bytes);
        }
        if let Some(sifted) = sift::sift_bytes(self.policy, &plan.judged, bytes) {
            let start = self.ink.len();
            let kept = sifted.text.len().min(self.free(plan));
            self.head(plan, fits);
            Put::bytes(
                &mut self.ink,
                sifted.text.as_bytes().get(..kept).unwrap_or_default(),
            );
            self.notes(plan, &sifted, kept, bytes.len());
            return self.done(plan, fits, start);
        }
        let room = self.free(plan).min(bytes.len());
        if room < bytes.len() {
            self.cut(plan, bytes.len());
        }
        self.put(plan, fits, |buf| {
            Put::bytes(buf, bytes.get(..room).unwrap_or_default());
        });
    }
}

fn len_of(text: &str) -> [u8; 4] {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is longer has no room and goes the long way"
    )]
    let len = text.len() as u32;
    len.to_le_bytes()
}
