//! Values that only their own code can show: user code runs here, bounded, and its panics leave a marker.

use std::error::Error as StdError;
use std::fmt::Debug;

use super::action::Action;
use super::field::FieldPlan;
use super::redacting::{MAX_FRAME, Redacting};
use super::sift;
use super::text;
use crate::record::frame::{Out as _, Put, tag};
use crate::record::{Kind, Naming, Slot, TraceContext};

impl Redacting<'_> {
    /// A value that only `Debug` or `Display` can show. User code runs here: no lock of ours is held, and what
    /// panics leaves a marker.
    pub(crate) fn debug(&mut self, plan: &FieldPlan, value: &dyn Debug) {
        self.rehearse(plan, |trial| trial.text);
        match plan.judged.text.action {
            Action::Drop | Action::Marker | Action::Mask => {
                return self.act(plan, plan.judged.text, true, &[]);
            }
            _ => {}
        }
        let fits = plan.naming == Naming::Plain
            && plan
                .kind
                .is_none_or(|kind| matches!(kind, Kind::Text | Kind::Id | Kind::Texts | Kind::Any));
        let start = self.ink.len();
        self.head(plan, fits);
        let text_at = self.ink.len() + 5;
        text::open(&mut self.ink, tag::FORMATTED);
        let limit = self.free();
        let formatted = text::format(&mut self.ink, limit, format_args!("{value:?}"));
        if formatted.panicked {
            self.tally.panicked += 1;
        }
        if plan.naming == Naming::Traceparent && self.traceparent_at(text_at) {
            self.ink.wipe_back(start);
            return;
        }
        if !plan.keeps_text() {
            return self.replace_text(plan, fits, start, text_at);
        }
        if formatted.cut_from.is_some() {
            // Half of a secret could stand at the end, which nobody would recognise.
            self.back_to_gap(text_at);
        }
        if let Some(sifted) = self.sifted_at(plan, text_at) {
            let shown_len = formatted.cut_from.unwrap_or(self.ink.len() - text_at);
            self.ink.wipe_back(text_at);
            let kept = crate::record::frame::cut(&sifted.text, limit);
            self.ink.extend(kept.as_bytes());
            text::close(&mut self.ink, text_at);
            self.notes(plan, &sifted, kept.len(), shown_len);
            if formatted.cut_from.is_some() && !sifted.is_short {
                self.cut(plan, 0);
            }
            return self.done(plan, fits, start);
        }
        text::close(&mut self.ink, text_at);
        if let Some(len) = formatted.cut_from {
            self.cut(plan, len);
        }
        self.done(plan, fits, start);
    }

    /// What the value engine makes of the text that stands in the frame from `text_at` on.
    fn sifted_at(&self, plan: &FieldPlan, text_at: usize) -> Option<sift::Sifted> {
        let text = std::str::from_utf8(self.ink.written().get(text_at..)?).ok()?;
        sift::sift(self.policy, &plan.judged, plan.judged.text.look, text)
    }

    /// Takes the end of a text back to its last gap between words, if there is one near.
    fn back_to_gap(&mut self, text_at: usize) {
        let text = self.ink.written().get(text_at..).unwrap_or_default();
        let gap = text.iter().rev().take(1024).position(u8::is_ascii_whitespace);
        let kept = text.len() - gap.unwrap_or(0);
        self.ink.wipe_back(text_at + kept);
    }

    /// Reads a header that was given by its `Display` or `Debug` form. `false` where it is not one.
    fn traceparent_at(&mut self, text_at: usize) -> bool {
        let text = self.ink.written().get(text_at..).map(std::str::from_utf8);
        let Some(Ok(text)) = text else { return false };
        let parsed = TraceContext::parse(text.trim_matches('"'));
        self.trace = parsed.or(self.trace);
        parsed.is_some()
    }

    /// An error: its message, and the messages of its sources.
    pub(crate) fn error(&mut self, plan: &FieldPlan, error: &(dyn StdError + 'static)) {
        self.debug(plan, &text::Shown(error));
        let has_chain = plan.slot == Some(Slot::ErrorMessage) && plan.keeps_text();
        let Some(source) = text::source_of(error).filter(|_| has_chain) else {
            return;
        };
        let links = text::links(error, source, MAX_FRAME.saturating_sub(self.ink.len()));
        self.tally.panicked += u32::from(links.panicked);
        let sifted = sift::sift_chain(self.policy, &plan.judged, &links.texts);
        let texts = sifted.as_ref().map_or(&links.texts, |sifted| &sifted.texts);
        self.ink.put([Slot::ErrorChain.index()], &[]);
        Put::texts(&mut self.ink, texts.iter().map(String::as_str));
        for note in sifted.iter().flat_map(|sifted| &sifted.notes) {
            self.remark(Slot::ErrorChain.path(), *note);
        }
    }
}
