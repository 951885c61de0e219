//! What a frame's entries are about: members of maps with their keys, remarks of redaction, cuts.

use std::cmp::Ordering;

use super::text;
use super::walk::Walk;
use crate::record::Slot;
use crate::record::frame::STEP;

/// A member of a map: of a slot that is one, or of a map within a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) slot: u8,
    /// Where the key stands, or `PATH` for the path of the slot number `key_len`.
    pub(super) key_at: u32,
    pub(super) key_len: u32,
    /// Where the value's tag stands.
    pub(super) value: u32,
    /// The key's first eight bytes, filled up with zeros: most keys differ there, and a number is compared at once.
    pub(super) prefix: u64,
}

/// The high bits of eight bytes. Where all are zero, the order of bytes is the order of UTF-16 units.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

#[inline]
pub(super) fn prefix(key: &[u8]) -> u64 {
    if let Some(first) = key.first_chunk::<8>() {
        return u64::from_be_bytes(*first);
    }
    key.iter()
        .enumerate()
        .fold(0, |prefix, (at, &byte)| prefix | u64::from(byte) << (56 - 8 * at))
}

/// Where a key stands that is no part of the frame: a slot's path is the key.
pub(super) const PATH: u32 = u32::MAX;

impl Member {
    /// The member whose key stands before `walk` and whose value stands at it.
    #[inline]
    pub(super) fn new(slot: u8, key: &[u8], walk: &Walk<'_>) -> Self {
        let len = u32::try_from(key.len()).unwrap_or(0);
        Self {
            slot,
            key_at: walk.here().saturating_sub(len),
            key_len: len,
            value: walk.here(),
            prefix: prefix(key),
        }
    }

    /// The order of members: by slot, then by key in UTF-16 units, as RFC 8785 has it.
    #[inline]
    pub(super) fn order(&self, other: &Self, frame: &[u8]) -> Ordering {
        let by_prefix = if (self.prefix | other.prefix) & HIGH_BITS == 0 {
            self.prefix.cmp(&other.prefix)
        } else {
            Ordering::Equal
        };
        let by_key = || text::utf16_order(self.key(frame), other.key(frame));
        self.slot.cmp(&other.slot).then(by_prefix).then_with(by_key)
    }

    #[inline]
    pub(super) fn key<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        if self.key_at == PATH {
            let slot = u8::try_from(self.key_len).ok().and_then(Slot::from_index);
            return slot.map_or(&[], |slot| slot.path().as_bytes());
        }
        let start = self.key_at as usize;
        frame
            .get(start..start + self.key_len as usize)
            .unwrap_or_default()
    }
}

impl Member {
    /// Of a key that is a path, the step that begins behind `skip` bytes; empty where the path ends before.
    pub(super) fn step<'f>(&self, frame: &'f [u8], skip: usize) -> &'f [u8] {
        let rest = self.key(frame).get(skip..).unwrap_or_default();
        rest.split(|byte| *byte == STEP).next().unwrap_or_default()
    }

    /// Where the key stands, if the frame holds it.
    #[inline]
    pub(super) fn span(&self) -> Option<Span> {
        (self.key_at != PATH).then_some(Span {
            at: self.key_at,
            len: self.key_len,
        })
    }
}

/// A remark of redaction: `rule` did `action` to the field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remark {
    pub(super) rule: Span,
    pub(super) action: u8,
    /// How many parts of the value; 0 where it was only classified.
    pub(super) n: u16,
    /// The kind of personal data; empty where it is none.
    pub(super) pii: Span,
    pub(super) field: Span,
}

/// A value that was cut before it came here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// 0 where it is not stated.
    pub(super) original_len: u64,
    pub(super) field: Span,
}

/// A part of the frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) at: u32,
    pub(super) len: u32,
}

impl Span {
    pub(super) fn of<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        let start = self.at as usize;
        frame.get(start..start + self.len as usize).unwrap_or_default()
    }
}
