//! What has passed a policy: frames for the queue, fields that wait in a span, and a callsite's own words.

use super::ink::{BLOCK, Ink};
use super::lent::HandedFields;
use super::policy::Policy;
use super::redacting::Redacting;
use crate::record::frame::{HEADER, Out as _, Put, mark, tag};
use crate::record::{Slot, SpanId, TraceContext};

/// A frame that has passed a policy. Only this module makes one, and only this can be queued.
///
/// Most frames are short, and go through the queue by value: the caller fills a buffer that never leaves its core's
/// cache, and the one copy into the queue's own memory waits for nothing. A buffer that went to the writer and back
/// would cost the caller a cache miss for each of its lines.
pub(crate) struct Redacted {
    /// How much of `short` is the frame; of no meaning beside a long one.
    len: u16,
    short: [u8; SHORT],
    /// The frame where it is longer; else nothing.
    long: Ink,
}

/// The longest frame that travels by value.
const SHORT: usize = 512;

impl std::fmt::Debug for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redacted")
            .field("len", &self.bytes().len())
            .finish_non_exhaustive()
    }
}

impl Redacted {
    /// A place for a frame, with none in it.
    pub(crate) fn none() -> Self {
        Self {
            len: 0,
            short: [0; SHORT],
            long: Ink::default(),
        }
    }

    /// Private to redaction: nothing else can say of bytes that they passed. Takes the frame that was written in `ink`,
    /// which keeps its memory if that frame is short. Only what was written is copied.
    #[inline]
    pub(super) fn take(&mut self, ink: &mut Ink) {
        match self.short.get_mut(..ink.len()) {
            Some(place) => {
                place.copy_from_slice(ink.written());
                #[expect(clippy::cast_possible_truncation, reason = "it has its place")]
                let len = ink.len() as u16;
                self.len = len;
            }
            None => self.long = std::mem::take(ink),
        }
    }

    /// Moves the frame to `place`, where none is needed any more, and leaves none. Only what was written is copied.
    #[inline]
    pub(crate) fn leave_in(&mut self, place: &mut Self) {
        if self.long.len() + place.long.len() != 0 {
            place.long = std::mem::take(&mut self.long);
        }
        place.len = std::mem::take(&mut self.len);
        let written = ..usize::from(place.len);
        if let (Some(to), Some(from)) = (place.short.get_mut(written), self.short.get(written)) {
            to.copy_from_slice(from);
        }
    }

    /// Takes the buffer of a long frame for the next one; an empty one where the frame travelled by value. What is left
    /// is no frame.
    #[inline]
    pub(crate) fn take_buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.long).into_memory()
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.long.len() == 0 {
            self.short.get(..usize::from(self.len)).unwrap_or_default()
        } else {
            self.long.written()
        }
    }

    /// How much memory the frame holds: what its credit in the queue is counted by.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        if self.long.len() == 0 {
            size_of::<Self>()
        } else {
            self.long.capacity()
        }
    }

    /// Gives the buffer back for the next frame; an empty one where the frame travelled by value.
    #[inline]
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.long.into_memory()
    }
}

impl<'p> Redacting<'p> {
    /// Begins a frame in `buf`, whose contents are dropped and whose memory is kept. Its time comes next: see [`Self::at`].
    #[inline(always)]
    pub(crate) fn frame(buf: Vec<u8>, policy: &'p Policy) -> Self {
        Self::over(Ink::over(buf), None, policy)
    }

    /// Whether there is a buffer to write in.
    #[inline]
    pub(crate) fn has_memory(&self) -> bool {
        self.ink.capacity() != 0
    }

    /// Gives a frame that has none a buffer.
    #[cold]
    pub(crate) fn give(&mut self, buf: Vec<u8>) {
        self.ink = Ink::over(buf);
    }

    /// Gives a frame its time. Apart from [`Self::frame`]: what is written before a value moves to where it stays makes it move
    /// twice.
    #[inline]
    pub(crate) fn at(&mut self, time: u64) {
        self.ink.put(time.to_le_bytes(), &[]);
    }

    /// Ends a frame in `place`. What it was written in stays here unless the frame keeps it: see
    /// [`Redacting::discard`].
    #[inline]
    pub(crate) fn finish_in(&mut self, place: &mut Redacted) {
        debug_assert!(self.ink.written().len() >= HEADER, "a frame begins with its time");
        self.conclude();
        place.take(&mut self.ink);
    }

    /// Whether there was no memory for all of it so far.
    pub(crate) fn is_lost(&self) -> bool {
        self.ink.is_lost()
    }

    /// What the frame's [`Redacted::capacity`] will be if it ends now; `None` where there was no memory for all of it:
    /// it is no frame then, and must not be ended.
    #[inline]
    pub(crate) fn capacity(&mut self) -> Option<usize> {
        self.conclude();
        if self.ink.len() <= SHORT {
            Some(size_of::<Redacted>())
        } else {
            self.ink.whole().map(|_| self.ink.capacity())
        }
    }
}

/// Fields that have passed a policy and wait in a span for the records inside it.
#[derive(Default)]
pub(crate) struct RedactedFields(Ink);

impl RedactedFields {
    /// Private to redaction, as [`Redacted::new`].
    pub(super) fn new(ink: Ink) -> Self {
        Self(ink)
    }

    /// No fields, in the memory of `buffer`.
    pub(crate) fn empty(buffer: Vec<u8>) -> Self {
        Self(Ink::over(buffer))
    }

    /// Gives the buffer back for the next fields.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.0.into_memory()
    }

    pub(super) fn into_ink(self) -> Ink {
        self.0
    }

    #[inline]
    pub(super) fn swap(&mut self, ink: &mut Ink) {
        ink.swap(&mut self.0);
    }

    #[inline]
    pub(super) fn whole(&self) -> Option<&[u8]> {
        self.0.whole()
    }

    #[inline]
    pub(super) fn append(&mut self, entry: &[u8]) {
        self.0.extend(entry);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        match other.whole() {
            Some(bytes) => self.0.extend(bytes),
            None => self.0.lose(),
        }
    }

    /// As [`Self::extend`], for what can be done without: `false`, and nothing, where there was no memory for `other`.
    #[inline]
    pub(crate) fn try_extend(&mut self, other: HandedFields<'_>) -> bool {
        let whole = other.whole();
        if let Some(bytes) = whole {
            self.0.extend(bytes);
        }
        whole.is_some()
    }

    pub(super) fn lose(&mut self) {
        self.0.lose();
    }

    /// Whether there was no memory for all of them: then there are none, and what takes them over is lost as well.
    #[inline]
    pub(crate) fn is_lost(&self) -> bool {
        self.0.is_lost()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// As [`Redacting::level`](super::Redacting::level).
    pub(crate) fn level(&mut self) {
        self.0.put([mark::LEVEL], &[]);
    }

    /// The ids of a trace, which are nobody's secret. Later ones win.
    pub(crate) fn trace(&mut self, trace: TraceContext, parent: Option<SpanId>) {
        put_trace(&mut self.0, trace, parent);
    }
}

/// A copy of a few fields, in place.
pub(crate) struct KeptFields {
    len: u16,
    bytes: [u8; KEPT],
}

/// The longest fields that are copied.
const KEPT: usize = 384;

impl KeptFields {
    pub(crate) const NONE: Self = Self {
        len: 0,
        bytes: [0; KEPT],
    };

    /// Takes a copy; `false`, and nothing, where the fields are too long or lost.
    #[inline]
    pub(crate) fn keep(&mut self, fields: HandedFields<'_>) -> bool {
        let whole = fields.whole();
        let kept = whole.and_then(|whole| Some((self.bytes.get_mut(..whole.len())?, whole)));
        if let Some((place, whole)) = kept {
            place.copy_from_slice(whole);
            #[expect(clippy::cast_possible_truncation, reason = "it has its place")]
            let len = whole.len() as u16;
            self.len = len;
            return true;
        }
        self.len = 0;
        false
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// Where the texts of an event's name, an action and a category stand in a span's own fields, or in a frame: what rules about
/// records are looked up by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Names {
    pub(super) event: Option<(usize, usize)>,
    pub(super) action: Option<(usize, usize)>,
    pub(super) category: Option<(usize, usize)>,
}

impl Names {
    /// Takes over the places that `later` knows, which lie `by` bytes further on here.
    pub(crate) fn take(&mut self, later: Self, by: usize) {
        let shifted = |(start, end): (usize, usize)| (start + by, end + by);
        self.event = later.event.map(shifted).or(self.event);
        self.action = later.action.map(shifted).or(self.action);
        self.category = later.category.map(shifted).or(self.category);
    }
}

/// What a callsite says about every record of its own: names that stand in the source code, encoded once.
#[derive(PartialEq, Eq)]
pub(crate) struct Constants {
    bytes: Vec<u8>,
    /// The same, where they have room in it.
    block: [u8; BLOCK],
}

impl Default for Constants {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            block: [0; BLOCK],
        }
    }
}

impl Constants {
    #[inline]
    pub(super) fn bytes(&self) -> (&[u8], &[u8; BLOCK]) {
        (&self.bytes, &self.block)
    }

    pub(crate) fn text(mut self, slot: Slot, text: &str) -> Self {
        self.bytes.push(slot.index());
        Put::str(&mut self.bytes, text);
        self.blocked()
    }

    pub(crate) fn uint(mut self, slot: Slot, number: u64) -> Self {
        self.bytes.push(slot.index());
        Put::u64(&mut self.bytes, number);
        self.blocked()
    }

    fn blocked(mut self) -> Self {
        if let Some(place) = self.block.get_mut(..self.bytes.len()) {
            place.copy_from_slice(&self.bytes);
        }
        self
    }
}

/// What happened to fields on the way, for the counters.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) wrong_type: u32,
    pub(crate) redacted: u32,
    pub(crate) truncated: u32,
    pub(crate) panicked: u32,
}

impl Tally {
    #[inline]
    pub(crate) fn is_zero(&self) -> bool {
        self.is_only_redacted() && self.redacted == 0
    }

    /// Whether nothing but redaction happened, or nothing at all.
    #[inline]
    pub(crate) fn is_only_redacted(&self) -> bool {
        self.wrong_type | self.truncated | self.panicked == 0
    }
}

/// Writes the ids of a trace. Later ones win.
pub(super) fn put_trace(ink: &mut Ink, trace: TraceContext, parent: Option<SpanId>) {
    ink.put(
        [Slot::TraceId.index(), tag::BYTES, 16, 0, 0, 0],
        &trace.trace_id.to_bytes(),
    );
    ink.put(
        [Slot::SpanId.index(), tag::BYTES, 8, 0, 0, 0],
        &trace.span_id.to_bytes(),
    );
    ink.put(
        [Slot::TraceFlags.index(), tag::U64],
        &u64::from(trace.flags).to_le_bytes(),
    );
    if let Some(parent) = parent {
        ink.put(
            [Slot::ParentSpanId.index(), tag::BYTES, 8, 0, 0, 0],
            &parent.to_bytes(),
        );
    }
}
