//! An entry of the spans that a thread has entered.

/// A span that the thread has entered. Whole words: what is written in parts and copied at once waits for the parts.
#[derive(Debug, Clone, Copy)]
pub(in crate::capture) struct Entered {
    pub(super) id: u64,
    /// The nearest span with a context of ours, or 0.
    pub(super) tracked: u64,
    /// The instance; and, in the lowest bit, whether the thread was unwinding already: then the panic is not this span's.
    of: u64,
}

impl Entered {
    pub(super) const NONE: Self = Self {
        id: 0,
        tracked: 0,
        of: 0,
    };

    #[inline]
    pub(in crate::capture) fn new(instance: u32, in_panic: bool, id: u64, tracked: u64) -> Self {
        let of = u64::from(instance) << 1 | u64::from(in_panic);
        Self { id, tracked, of }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "it was made of so many bits")]
    pub(in crate::capture) fn instance(&self) -> u32 {
        (self.of >> 1) as u32
    }

    #[inline]
    pub(super) fn was_in_panic(&self) -> bool {
        self.of & 1 != 0
    }

    #[inline]
    pub(super) fn is(&self, instance: u32, id: u64) -> bool {
        self.id == id && self.instance() == instance
    }
}
