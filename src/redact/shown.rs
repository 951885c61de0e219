//! Values that only their own code can show: user code runs here, bounded, and its panics leave a marker.

use std::error::Error as StdError;
use std::fmt::Debug;

use super::field::FieldPlan;
use super::policy::Action;
use super::redacting::{MAX_FRAME, Redacting};
use super::text;
use crate::record::frame::tag;
use crate::record::{Kind, Naming, Slot, TraceContext};

impl Redacting<'_> {
    /// A value that only `Debug` or `Display` can show. User code runs here: no lock of ours is held, and what
    /// panics leaves a marker.
    pub(crate) fn debug(&mut self, plan: &FieldPlan, value: &dyn Debug) {
        match plan.decision.action {
            Action::Drop | Action::Marker => return self.act(plan, true, &[]),
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
        if plan.is_kept() {
            text::close(&mut self.ink, text_at);
            if let Some(len) = formatted.cut_from {
                self.cut(plan, len);
            }
            return self.done(plan, fits, start);
        }
        self.replace_text(plan, fits, start, text_at);
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
        let has_chain = plan.slot == Some(Slot::ErrorMessage) && plan.is_kept();
        let Some(source) = text::source_of(error).filter(|_| has_chain) else {
            return;
        };
        self.ink.put([Slot::ErrorChain.index()], &[]);
        let panicked = text::chain(&mut self.ink, error, source, MAX_FRAME);
        self.tally.panicked += u32::from(panicked);
    }
}
