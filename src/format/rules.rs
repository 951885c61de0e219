//! What a slot takes, by the slot's number: the table that the first pass over a frame asks.

use crate::record::frame::tag;
use crate::record::{Kind, Slot};

// The bits of a set of slots must suffice for all slots.
const _: () = assert!(Slot::COUNT <= 128);

/// The bit of a slot in [`Scan::present`](super::walk::Scan::present).
#[inline]
pub(super) const fn bit(slot: Slot) -> u128 {
    1 << slot.index()
}

/// Slots that the writer fills; a frame's value for them is not looked at.
const OWNED: u128 = bit(Slot::Time)
    | bit(Slot::ObservedAt)
    | bit(Slot::Seq)
    | bit(Slot::Stream)
    | bit(Slot::Schema)
    | bit(Slot::Service)
    | bit(Slot::Host)
    | bit(Slot::Redaction)
    | bit(Slot::Truncated);

/// Texts and byte strings: a length follows the tag.
const SIZED: u16 = TEXTUAL | 1 << tag::BYTES;

/// What a scalar of each tag takes: the bytes that it always has, and which bits of the length behind its tag count.
/// Containers and what is no tag have no size here.
pub(super) const SIZES: [(u8, u32); 16] = {
    let (fixed, sized, none) = (0, u32::MAX, (0, 0));
    [
        (1, fixed),
        (1, fixed),
        (1, fixed),
        (9, fixed),
        (9, fixed),
        (17, fixed),
        (17, fixed),
        (9, fixed),
        (5, sized),
        (5, sized),
        none,
        none,
        (5, sized),
        (33, fixed),
        none,
        none,
    ]
};

const TEXTUAL: u16 = 1 << tag::STR | 1 << tag::FORMATTED;
const INTEGRAL: u16 = 1 << tag::I64 | 1 << tag::U64 | 1 << tag::I128 | 1 << tag::U128;

/// The tags that a kind takes, as bits.
const fn accepted(kind: Kind) -> u16 {
    match kind {
        Kind::Text => TEXTUAL,
        Kind::Id => TEXTUAL | INTEGRAL,
        Kind::Texts => TEXTUAL | 1 << tag::LIST,
        Kind::Uint | Kind::Time => INTEGRAL,
        Kind::Bool => 1 << tag::FALSE | 1 << tag::TRUE,
        Kind::Hex => 1 << tag::STR | 1 << tag::BYTES,
        Kind::Map => 1 << tag::MAP,
        Kind::Any => u16::MAX,
    }
}

/// What the scan asks about a slot, by its number.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// The slot's bit in [`Scan::present`](super::walk::Scan::present): shifting by the number would take longer.
    pub(super) bit: u128,
    pub(super) accepted: u16,
    /// Whether the tag alone does not decide.
    pub(super) asks: bool,
    pub(super) is_map: bool,
    pub(super) is_owned: bool,
    /// The tags of texts and byte strings that fit without a further look, as bits.
    pub(super) sized: u16,
}

#[allow(
    clippy::indexing_slicing,
    reason = "a constant: an index out of range would not compile"
)]
pub(super) const RULES: [Rule; Slot::COUNT] = {
    let mut rules = [Rule {
        bit: 0,
        accepted: 0,
        asks: false,
        is_map: false,
        is_owned: false,
        sized: 0,
    }; Slot::COUNT];
    let mut index = 0;
    while index < Slot::COUNT {
        let slot = Slot::ALL[index];
        rules[index] = Rule {
            bit: bit(slot),
            accepted: accepted(slot.kind())
                | if slot.is_erasable() {
                    1 << tag::COMMITMENT
                } else {
                    0
                },
            asks: matches!(slot.kind(), Kind::Uint | Kind::Texts) || matches!(slot, Slot::Id),
            is_map: matches!(slot.kind(), Kind::Map),
            is_owned: OWNED & bit(slot) != 0,
            sized: if OWNED & bit(slot) != 0 || matches!(slot, Slot::Id) {
                0
            } else {
                accepted(slot.kind()) & SIZED
            },
        };
        index += 1;
    }
    rules
};

/// Whether the writer itself fills the slot.
pub(super) fn is_owned(slot: Slot) -> bool {
    RULES
        .get(usize::from(slot.index()))
        .is_some_and(|rule| rule.is_owned)
}
