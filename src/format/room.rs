//! Writes into bytes that are there already: the fast form of what [`text`](super::text) writes into a growing one.
//!
//! Each function takes the place to write at and gives the place behind what it wrote, so that the place stays in a
//! register. `None` says that there is no room, or that the value is not one of the usual ones; what was written then
//! is written over.

use super::text::{self, SAFE};

/// How many bytes are copied at once. Behind every text that is read here as many bytes must follow it.
pub(super) const CHUNK: usize = 16;

/// As many set bytes as are kept, then as many that are not: read from `CHUNK − n` on, the first `n` are set.
const KEEP: [u8; 2 * CHUNK] = {
    let mut keep = [0; 2 * CHUNK];
    let (set, _) = keep.split_at_mut(CHUNK);
    let mut index = 0;
    while index < CHUNK {
        let Some((first, _)) = set.split_at_mut(index + 1).0.split_last_mut() else {
            break;
        };
        *first = 0xFF;
        index += 1;
    }
    keep
};

/// Whether the first `len` bytes stand for themselves in a JSON string.
#[inline(always)]
pub(super) fn is_plain(chunk: &[u8; CHUNK], len: usize) -> bool {
    let from = CHUNK - len.min(CHUNK);
    let Some(keep) = KEEP.get(from..).and_then(|keep| keep.first_chunk::<CHUNK>()) else {
        return false;
    };
    let (keep, _) = keep.as_chunks::<8>();
    let (words, _) = chunk.as_chunks::<8>();
    // Only marks above the lowest may be wrong, and the lowest one of what is kept stands below those.
    let kept = words
        .iter()
        .zip(keep)
        .map(|(word, keep)| text::marks(u64::from_le_bytes(*word)) & u64::from_le_bytes(*keep));
    kept.fold(0, |all, marks| all | marks) == 0
}

/// Copies bytes of a size that the compiler knows; what stands behind it is overwritten.
#[inline(always)]
pub(super) fn fixed<const N: usize>(room: &mut [u8], at: usize, bytes: &[u8; N]) -> Option<()> {
    *room.get_mut(at..)?.first_chunk_mut::<N>()? = *bytes;
    Some(())
}

/// The `len` bytes from `from` on, if none of them needs an escape.
#[inline(always)]
pub(super) fn plain(
    room: &mut [u8],
    mut at: usize,
    source: &[u8],
    mut from: usize,
    mut len: usize,
) -> Option<usize> {
    loop {
        let chunk = source.get(from..)?.first_chunk::<CHUNK>()?;
        fixed(room, at, chunk)?;
        if !is_plain(chunk, len) {
            return None;
        }
        if len <= CHUNK {
            return Some(at + len);
        }
        at += CHUNK;
        from += CHUNK;
        len -= CHUNK;
    }
}

/// A number within 2^53 − 1.
#[inline]
pub(super) fn number(room: &mut [u8], mut at: usize, number: u64) -> Option<usize> {
    if number > SAFE {
        return None;
    }
    let (high, low) = (number / 100_000_000, number % 100_000_000);
    let is_long = high > 0;
    let digits = text::eight_digits(if is_long { high } else { low });
    // Leading zeros are left out; the last digit never is.
    let zeros = (digits | 1 << 56).trailing_zeros() / 8 * 8;
    fixed(room, at, &((digits | text::ZEROS) >> zeros).to_le_bytes())?;
    at += 8 - zeros as usize / 8;
    if is_long {
        fixed(room, at, &(text::eight_digits(low) | text::ZEROS).to_le_bytes())?;
        at += 8;
    }
    Some(at)
}

/// A number within ±(2^53 − 1).
#[inline(always)]
pub(super) fn signed(room: &mut [u8], at: usize, value: i64) -> Option<usize> {
    fixed(room, at, b"-")?;
    number(room, at + usize::from(value < 0), value.unsigned_abs())
}

/// The lower-case hex digits of a byte string whose length is a multiple of eight.
#[inline(always)]
pub(super) fn hex(room: &mut [u8], mut at: usize, bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return None;
    }
    for word in words {
        pairs(room, at, word)?;
        at += 16;
    }
    Some(at)
}

#[inline(always)]
fn pairs<const N: usize>(room: &mut [u8], at: usize, bytes: &[u8; N]) -> Option<()> {
    let digits = text::hex_pairs(bytes);
    let into = room.get_mut(at..at + 2 * N)?;
    for (into, digits) in into.as_chunks_mut::<2>().0.iter_mut().zip(digits) {
        *into = digits;
    }
    Some(())
}

/// A UUID in its usual spelling.
#[inline(always)]
pub(super) fn uuid(room: &mut [u8], at: usize, id: uuid::Uuid) -> Option<usize> {
    let [a, b, c, d, e, f, g, h, i, j, last @ ..] = id.as_bytes();
    let room = room.get_mut(at..)?.first_chunk_mut::<36>()?;
    pairs(room, 0, &[*a, *b, *c, *d])?;
    pairs(room, 9, &[*e, *f])?;
    pairs(room, 14, &[*g, *h])?;
    pairs(room, 19, &[*i, *j])?;
    pairs(room, 24, last)?;
    for hyphen in [8, 13, 18, 23] {
        fixed(room, hyphen, b"-")?;
    }
    Some(at + 36)
}
