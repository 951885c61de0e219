//! Values that only their own code can show: user code runs here, bounded, and its panics leave a marker.

use std::error::Error as StdError;
use std::fmt::Debug;

use super::action::Action;
use super::class::Class;
use super::field::{FieldPlan, fast, sees};
use super::judge::{Judged, Look};
use super::recording::{self, Declaring, Piece};
use super::redacting::{MAX_FRAME, Redacting};
use super::sift::{self, Sifted};
use super::sourced::Sourced;
use super::text;
use crate::memory;
use crate::record::frame::{Out as _, Put, tag};
use crate::record::{Kind, Naming, Plaintext, Slot, TraceContext};

/// More than the copy of a field's plan takes that is made where types list its values.
const LISTED: usize = 4 * size_of::<FieldPlan>();

impl Redacting<'_> {
    /// A value that only `Debug` or `Display` can show. User code runs here: no lock of ours is held, and what
    /// panics leaves a marker.
    pub(crate) fn debug(&mut self, plan: &FieldPlan, value: &dyn Debug) {
        if plan.typed.is_some() {
            return self.carried(plan, value);
        }
        self.shown(plan, value);
    }

    /// A value that says of itself what it is, or has a text.
    pub(super) fn shown(&mut self, plan: &FieldPlan, value: &dyn Debug) {
        if self.ink.is_lost() {
            return self.unshown(plan);
        }
        let sources = self.show(plan, value);
        self.settle();
        if self.ink.is_lost() {
            self.unshown(plan);
        }
        if sources != 0 && plan.slot == Some(Slot::ErrorMessage) && plan.keeps_text() {
            self.chain(plan, value, sources);
            self.settle();
        }
    }

    /// A value for which there is no memory.
    #[cold]
    fn unshown(&mut self, plan: &FieldPlan) {
        if plan.inherited {
            self.hand_down(0);
        }
    }

    /// As [`Self::shown`]. Answers how many sources it has, which are still to be shown, where it is an error.
    fn show(&mut self, plan: &FieldPlan, value: &dyn Debug) -> usize {
        let is_unlisted = plan.judged.is_unlisted();
        match plan.judged.text.action {
            // The types of the values may list it.
            _ if is_unlisted => {}
            Action::Drop | Action::Marker | Action::Mask => {
                self.rehearse(plan, |trial| trial.text);
                self.act(plan, plan.judged.text, true, &[]);
                return 0;
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
        let limit = self.free(plan);
        let mut declaring = Declaring::new(self.policy, &plan.judged);
        let formatted = text::format(&mut self.ink, limit, &mut declaring, format_args!("{value:?}"));
        self.tally.panicked += u32::from(formatted.panicked);
        if self.ink.is_lost() {
            return 0;
        }
        if plan.naming == Naming::Traceparent && self.traceparent_at(text_at) {
            self.ink.wipe_back(start);
            return 0;
        }
        if let Some(carried) = declaring.carried.take() {
            self.ink.wipe_back(start);
            self.value(plan, &carried.value, plan.about());
            return 0;
        }
        let sources = declaring.sources;
        let len = self.ink.len() - text_at;
        if let Some(stated) = declaring.whole(len).filter(|_| formatted.cut_from.is_none()) {
            self.ink.wipe_back(start);
            self.typed(plan, fits, (stated.class, stated.action), stated.text.as_ref());
            return sources;
        }
        if is_unlisted && !memory::is_enough(LISTED) {
            return 0;
        }
        let listed = (is_unlisted && declaring.covers(len)).then(|| plan.listed());
        let plan = listed.as_ref().unwrap_or(plan);
        let would_list = |trial: &Judged| trial.is_unlisted() && declaring.covers(len);
        if !plan.judged.trial.as_deref().is_some_and(would_list) {
            self.rehearse(plan, |trial| trial.text);
        }
        if !plan.keeps_text() {
            self.replace_text(plan, fits, start, text_at);
            return sources;
        }
        declaring.rehearse();
        self.sift_shown(plan, fits, (start, text_at, limit), &formatted, declaring);
        sources
    }

    /// Lets the value engine look at the text that stands in the frame from `text_at` on, of which `limit` bytes may
    /// stay, and completes the entry that begins at `start`.
    fn sift_shown(
        &mut self,
        plan: &FieldPlan,
        fits: bool,
        (start, text_at, limit): (usize, usize, usize),
        formatted: &text::Formatted,
        mut declaring: Declaring<'_>,
    ) {
        if formatted.cut_from.is_some() {
            // Half of a secret could stand at the end, which nobody would recognise.
            self.back_to_gap(text_at);
        }
        let is_silent = declaring.is_silent() && formatted.cut_from.is_none();
        let sifted = if is_silent && plan.fast & fast::LOOK != 0 {
            let shown = self.ink.written().get(text_at..).unwrap_or_default();
            let sifted = sift::sift_shown(self.policy, &plan.judged, plan.memo, shown);
            if sifted.is_none() {
                text::close(&mut self.ink, text_at);
                return self.done(plan, fits, start);
            }
            sifted
        } else {
            self.sifted_at(plan, text_at, &mut declaring.pieces)
        };
        if declaring.pieces.iter().any(|piece| piece.class.is_pii()) {
            self.seen |= sees::PERSONAL;
        }
        let notes = declaring.notes();
        if let Some(mut sifted) = sifted {
            notes
                .into_iter()
                .for_each(|note| memory::push(&mut sifted.notes, note));
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
        notes.iter().for_each(|note| self.remark(&plan.name, *note));
        if let Some(len) = formatted.cut_from {
            self.cut(plan, if notes.is_empty() { len } else { 0 });
        }
        self.done(plan, fits, start);
    }

    /// What the value engine makes of the text that stands in the frame from `text_at` on.
    fn sifted_at(&self, plan: &FieldPlan, text_at: usize, pieces: &mut Vec<Piece>) -> Option<Sifted> {
        let text = std::str::from_utf8(self.ink.written().get(text_at..)?).ok()?;
        pieces.retain(|piece| piece.start < text.len() || piece.start == piece.end);
        sift::sift_around(self.policy, &plan.judged, plan.judged.text.look, text, pieces)
    }

    /// A value whose type states its class, and that is all of its field: what is said of the class counts, or what
    /// the name says where that is stricter.
    pub(super) fn typed(
        &mut self,
        plan: &FieldPlan,
        fits: bool,
        (class, asked): (Class, Option<Action>),
        text: Option<&Plaintext>,
    ) {
        if plan.judged.is_unlisted() && !memory::is_enough(LISTED) {
            return;
        }
        let listed = plan.judged.is_unlisted().then(|| plan.listed());
        let plan = listed.as_ref().unwrap_or(plan);
        let mut decision =
            recording::stricter(recording::decide(self.policy, class, asked), plan.judged.text);
        self.rehearse_typed(plan, class, asked);
        let is_read = |text: &&Plaintext| !text.is_cut() || recording::takes_a_part(decision.action);
        let text = text.filter(is_read).map(Plaintext::as_str);
        if text.is_none() && decision.action != Action::Drop {
            decision.action = Action::Marker;
        }
        let text = text.unwrap_or_default();
        let committed = plan.committed(decision);
        if let Some(plan) = &committed {
            return self.keep_typed(plan, fits, class, text);
        }
        if decision.action != Action::Keep {
            return self.act(plan, decision, fits, text.as_bytes());
        }
        self.keep_typed(plan, fits, class, text);
    }

    /// A value whose type states its class, and that stays, but for the secrets in it.
    fn keep_typed(&mut self, plan: &FieldPlan, fits: bool, class: Class, text: &str) {
        if class.is_pii() {
            self.seen |= sees::PERSONAL;
        }
        let mut pieces = Vec::new();
        memory::push(&mut pieces, Piece::kept(class, text.len()));
        let look = plan.judged.text.look.max(Look::Secrets);
        match sift::sift_around(self.policy, &plan.judged, look, text, &mut pieces) {
            Some(sifted) => self.put_sifted(plan, fits, &sifted, text.len()),
            None => {
                let kept = self.room(text, plan);
                self.put(plan, fits, |buf| Put::str(buf, kept));
            }
        }
    }

    /// Counts what the policy under trial would do to such a value.
    fn rehearse_typed(&self, plan: &FieldPlan, class: Class, asked: Option<Action>) {
        let (Some(trial), Some(judged)) = (self.policy.trial(), &plan.judged.trial) else {
            return;
        };
        let by_type = recording::decide(trial, class, asked);
        let would = if judged.is_unlisted() {
            by_type
        } else {
            recording::stricter(by_type, judged.text)
        };
        if would.action != Action::Keep {
            self.policy.counts().add_trial(would.rule, 1);
        }
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
        self.debug(plan, &Sourced::new(error));
    }

    /// The messages of an error and of its sources, beside its message.
    fn chain(&mut self, plan: &FieldPlan, error: &dyn Debug, sources: usize) {
        let room = MAX_FRAME.saturating_sub(self.ink.len());
        let links = text::links(error, sources, room, (self.policy, &plan.judged));
        self.tally.panicked += u32::from(links.panicked);
        let (texts, mut notes) = sift::sift_chain(self.policy, &plan.judged, links.links);
        links
            .inside
            .into_iter()
            .for_each(|note| sift::note(&mut notes, note));
        if let Some(mark) = plan.erasable_mark() {
            self.ink.extend(mark);
        }
        self.ink.put([Slot::ErrorChain.index()], &[]);
        Put::texts(&mut self.ink, texts.iter().map(String::as_str));
        for note in notes {
            self.remark(Slot::ErrorChain.path(), note);
        }
    }
}
