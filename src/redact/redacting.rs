//! Writing values through a policy: every kind of value, into a frame or into a span's fields.

use super::field::{FieldPlan, fast, sees};
use super::ink::Ink;
use super::lent::HandedFields;
use super::policy::Policy;
use super::redacted::{Constants, KeptFields, Names, Redacted, RedactedFields, Tally, put_trace};
use crate::memory;
use crate::record::frame::{Out as _, Put, mark, tag};
use crate::record::{Slot, TraceContext};

/// The most bytes of one frame; values beyond it are cut to nothing and listed.
pub(super) const MAX_FRAME: usize = 256 * 1024;

/// What a frame above that takes of a value, and how much of such values together.
const SMALL: usize = 1024;
const SPARE: usize = 64 * 1024;

/// What there is always room for of the value of a slot of its own: there are few of them, and a record is found by them.
const SHORT: usize = 256;

/// Writes values through a policy into a frame, or into a span's fields.
pub(crate) struct Redacting<'p> {
    pub(super) ink: Ink,
    /// Copies of the inherited entries, for the spans and events inside; `None` for events.
    handed_down: Option<RedactedFields>,
    pub(super) policy: &'p Policy,
    pub(crate) tally: Tally,
    /// Which slots of consequence were filled: bits of [`sees`].
    pub(crate) seen: u16,
    /// Where the names stand that fields gave.
    names: Names,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) start: bool,
}

impl<'p> Redacting<'p> {
    /// Begins or continues a span's fields, and what it hands down.
    pub(crate) fn fields(own: RedactedFields, handed_down: RedactedFields, policy: &'p Policy) -> Self {
        Self::over(own.into_ink(), Some(handed_down), policy)
    }

    /// Begins the fields of a span that only lends: all that it takes is handed down.
    pub(crate) fn lending(handed_down: RedactedFields, policy: &'p Policy) -> Self {
        Self::over(handed_down.into_ink(), None, policy)
    }

    #[inline(always)]
    pub(super) fn over(ink: Ink, handed_down: Option<RedactedFields>, policy: &'p Policy) -> Self {
        Self {
            ink,
            handed_down,
            policy,
            tally: Tally::default(),
            seen: 0,
            names: Names::default(),
            trace: None,
            start: false,
        }
    }

    /// Ends a frame, and gives back the buffer that it was written in where the frame does not keep it: an empty one
    /// where it does.
    pub(crate) fn finish(&mut self) -> (Redacted, Vec<u8>) {
        let mut frame = Redacted::none();
        self.finish_in(&mut frame);
        (frame, self.discard())
    }

    /// States, once, what follows for the record from what was done to its values.
    #[inline]
    pub(super) fn conclude(&mut self) {
        if self.seen & (sees::HIDDEN | sees::PERSONAL) != 0 {
            self.state();
            self.seen &= !(sees::HIDDEN | sees::PERSONAL);
        }
    }

    #[cold]
    fn state(&mut self) {
        if self.seen & (sees::HIDDEN | sees::DECISION) == sees::HIDDEN {
            // As a word is put, in one piece.
            self.ink
                .put([Slot::DecisionEnforced.index(), tag::STR, 6, 0, 0, 0], b"redact");
        }
        // Where nobody declared anything, the line says what redaction saw.
        const UNDECLARED: u16 = sees::PERSONAL | sees::DECLARED_NONE;
        if self.seen & UNDECLARED == UNDECLARED {
            self.policy.counts().add("pii.undeclared", 1);
            self.ink.put([Slot::PiiUndeclared.index(), tag::TRUE], &[]);
            if self.policy.is_strict() {
                self.ink.put([Slot::PiiContains.index(), tag::TRUE], &[]);
            }
        }
    }

    /// Gives the buffer back that a frame was written in and does not keep, or that of one that nobody wants.
    #[inline]
    pub(crate) fn discard(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.ink).into_memory()
    }

    /// Ends a span's fields: its own, and what it hands down.
    pub(crate) fn finish_fields(self) -> (RedactedFields, RedactedFields) {
        (
            RedactedFields::new(self.ink),
            self.handed_down.unwrap_or_default(),
        )
    }

    /// Ends the fields of a span that only lends.
    pub(crate) fn finish_lending(self) -> RedactedFields {
        RedactedFields::new(self.ink)
    }

    /// As [`Self::finish_lending`], in `place`, from which they were taken.
    #[inline]
    pub(crate) fn finish_lending_in(&mut self, place: &mut RedactedFields) {
        place.swap(&mut self.ink);
    }

    /// Appends fields that passed the policy when their span recorded them.
    #[inline]
    pub(crate) fn inherit(&mut self, fields: &RedactedFields) {
        match fields.whole() {
            Some(bytes) => self.ink.extend(bytes),
            None => self.ink.lose(),
        }
    }

    /// As [`Self::inherit`], for what the record can be without: `false` where there was no memory for it.
    #[inline]
    pub(crate) fn try_inherit(&mut self, fields: HandedFields<'_>) -> bool {
        let whole = fields.whole();
        if let Some(bytes) = whole {
            self.ink.extend(bytes);
        }
        whole.is_some()
    }

    /// Appends a copy of what a span hands down.
    #[inline]
    pub(crate) fn inherit_kept(&mut self, fields: &KeptFields) {
        self.ink.extend(fields.bytes());
    }

    /// Gives the record up where there was no memory for something that its values needed beside the frame. To be asked
    /// before other code runs on the thread.
    pub(super) fn settle(&mut self) {
        if memory::take_lack() {
            self.ink.lose();
            self.hand_down(0);
        }
    }

    /// Appends a span's own fields, and remembers which names they give.
    pub(crate) fn own(&mut self, fields: &RedactedFields, names: Names) {
        self.names.take(names, self.ink.len());
        self.inherit(fields);
    }

    /// Marks that what follows is said further inside than what is there: an actor named here is somebody else.
    pub(crate) fn level(&mut self) {
        let start = self.ink.len();
        self.ink.put([mark::LEVEL], &[]);
        self.hand_down(start);
    }

    /// Appends what the callsite says of every record.
    #[inline]
    pub(crate) fn constants(&mut self, constants: &Constants) {
        let (bytes, block) = constants.bytes();
        self.ink.put_block(bytes, block);
    }

    /// A word of this crate's own vocabulary: an outcome, a phase, a reason code.
    pub(crate) fn word(&mut self, slot: Slot, word: &'static str) {
        let [a, b, c, d] = u32::try_from(word.len()).unwrap_or(u32::MAX).to_le_bytes();
        self.ink
            .put([slot.index(), tag::STR, a, b, c, d], word.as_bytes());
    }

    /// A number of this crate's own: a duration, a count.
    pub(crate) fn number(&mut self, slot: Slot, number: u64) {
        self.ink.put([slot.index(), tag::U64], &number.to_le_bytes());
    }

    /// An id that this crate made, as lower-case hex text.
    pub(crate) fn hex(&mut self, slot: Slot, id: u64) {
        let digit = |shift: u32| {
            b"0123456789abcdef"
                .get((id >> shift & 15) as usize)
                .copied()
                .unwrap_or(b'0')
        };
        let text: [u8; 16] = std::array::from_fn(|at| digit(60 - 4 * u32::try_from(at).unwrap_or(0)));
        self.ink.put([slot.index()], &[]);
        Put::str(&mut self.ink, std::str::from_utf8(&text).unwrap_or_default());
    }

    /// The ids of the trace.
    pub(crate) fn trace_ids(&mut self, trace: TraceContext, parent: Option<crate::record::SpanId>) {
        put_trace(&mut self.ink, trace, parent);
    }

    /// States that the ids of the trace are not known: whatever was inherited of them is not the record's.
    pub(crate) fn no_trace_ids(&mut self) {
        self.ink.put([Slot::TraceUnavailable.index(), tag::TRUE], &[]);
    }

    /// The name that the line will state as the event's: a field's, else `otherwise`, else the action.
    pub(crate) fn event_name<'s>(&'s self, otherwise: &'s str) -> &'s str {
        let otherwise = Some(otherwise).filter(|name| !name.is_empty());
        let given = self.text_at(self.names.event).or(otherwise);
        given
            .or_else(|| self.text_at(self.names.action))
            .unwrap_or_default()
    }

    /// The category that a field gave.
    pub(crate) fn category(&self) -> Option<&str> {
        self.text_at(self.names.category)
    }

    fn text_at(&self, place: Option<(usize, usize)>) -> Option<&str> {
        let (start, end) = place?;
        let text = std::str::from_utf8(self.ink.written().get(start..end)?).ok();
        text.filter(|text| !text.is_empty())
    }

    /// What is written so far: a frame, for whoever looks something up in it.
    pub(crate) fn written(&self) -> &[u8] {
        self.ink.written()
    }

    /// Where in a span's own fields the names stand.
    pub(crate) fn names(&self) -> Names {
        self.names
    }

    #[inline]
    pub(super) fn put(&mut self, plan: &FieldPlan, fits: bool, write: impl FnOnce(&mut Ink)) {
        let start = self.ink.len();
        self.head(plan, fits);
        write(&mut self.ink);
        self.done(plan, fits, start);
    }

    pub(super) fn wrong(&mut self, plan: &FieldPlan, write: impl FnOnce(&mut Ink)) {
        self.put(plan, false, write);
    }

    #[inline]
    pub(super) fn head(&mut self, plan: &FieldPlan, fits: bool) {
        if fits { &plan.head } else { &plan.fallback }.put(&mut self.ink);
    }

    /// Keeps a value as it is, where there is nothing else to consider. `false` where it must go the long way.
    #[inline]
    pub(super) fn keep<const N: usize>(
        &mut self,
        plan: &FieldPlan,
        kind: u16,
        tag: u8,
        bytes: [u8; N],
        more: &[u8],
    ) -> bool {
        let start = self.ink.len();
        let is_put = plan.fast & kind != 0
            && match plan.head.numbered {
                0 => self.ink.put_behind(&plan.head, tag, bytes, more),
                numbered => self.ink.put_numbered(numbered, tag, bytes, more),
            };
        if !is_put {
            return false;
        }
        self.seen |= plan.sees;
        if plan.fast & fast::MORE != 0 {
            self.kept(plan, start);
        }
        true
    }

    /// What depends on an entry that was kept.
    #[cold]
    fn kept(&mut self, plan: &FieldPlan, start: usize) {
        if plan.sees & sees::NAMES != 0 {
            self.named(plan, start);
        }
        if plan.inherited {
            self.hand_down(start);
        }
    }

    /// Copies the entry that begins at `start` to what a span hands down; where there was no memory for it, none of that is
    /// handed down.
    pub(super) fn hand_down(&mut self, start: usize) {
        let Some(fields) = &mut self.handed_down else {
            return;
        };
        match self.ink.whole().and_then(|written| written.get(start..)) {
            Some(entry) => fields.append(entry),
            None => fields.lose(),
        }
    }

    /// Notes what an entry that is now complete means.
    #[inline]
    pub(super) fn done(&mut self, plan: &FieldPlan, fits: bool, start: usize) {
        if plan.erasable {
            self.said_erasable(plan);
        }
        if !fits {
            self.tally.wrong_type += 1;
            return;
        }
        if plan.sees != 0 {
            self.seen |= plan.sees;
            if plan.sees & sees::NAMES != 0 {
                self.named(plan, start);
            }
        }
        if plan.inherited {
            self.hand_down(start);
        }
    }

    /// Notes where the text of the entry that begins at `start` stands: its length is part of it, because a remark may
    /// follow.
    #[cold]
    fn named(&mut self, plan: &FieldPlan, start: usize) {
        let entry = self.ink.written().get(start..).unwrap_or_default();
        let text_at = start + plan.head.end_in(entry) + 5;
        let len = self
            .ink
            .written()
            .get(text_at - 4..)
            .and_then(|len| len.first_chunk());
        let place = len.map(|len| (text_at, text_at + u32::from_le_bytes(*len) as usize));
        match plan.sees {
            sees::EVENT => self.names.event = place,
            sees::ACTION => self.names.action = place,
            _ => self.names.category = place,
        }
    }

    /// How much of the field's next value has room. Long values leave some for the short ones behind them: an actor's id must
    /// not be lost to a body that came first, nor to a thousand attributes.
    #[inline]
    pub(super) fn free(&self, plan: &FieldPlan) -> usize {
        let spare = if self.ink.len() < MAX_FRAME + SPARE {
            SMALL
        } else if plan.is_own_slot() {
            SHORT
        } else {
            0
        };
        let left = MAX_FRAME.saturating_sub(self.ink.len()).max(spare);
        left.min(crate::record::frame::MAX_VALUE)
    }

    #[inline]
    pub(super) fn room<'t>(&mut self, text: &'t str, plan: &FieldPlan) -> &'t str {
        let kept = crate::record::frame::cut(text, self.free(plan));
        if kept.len() < text.len() {
            self.cut(plan, text.len());
        }
        kept
    }

    #[cold]
    pub(super) fn cut(&mut self, plan: &FieldPlan, original_len: usize) {
        self.tally.truncated += 1;
        self.ink.put([mark::CUT], &(original_len as u64).to_le_bytes());
        Put::key(&mut self.ink, &plan.path);
    }
}
