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
    // Masks and no branches: in this form the compiler looks at all bytes at once.
    let mask = |is_special: bool| if is_special { 0xFF } else { 0 };
    let mut special = 0;
    for (byte, keep) in chunk.iter().zip(keep) {
        special |= (mask(*byte < 0x20) | mask(*byte == b'"') | mask(*byte == b'\\')) & keep;
    }
    special == 0
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

/// As many decimal places as are tried.
const PLACES: u64 = 100_000_000;

/// A number with at most eight decimal places and fifteen digits, which most numbers with a fraction are.
///
/// No two decimal numbers of so few digits are the same double, so the one that is this double is its shortest text.
/// `None` also for what has an exponent in its text, and for what has no fraction.
#[inline]
pub(super) fn decimal(room: &mut [u8], mut at: usize, value: f64) -> Option<usize> {
    let size = value.abs();
    if !(1e-6..1e7).contains(&size) {
        return None;
    }
    let places = PLACES as f64;
    let scaled = (size * places + 0.5) as u64;
    let fraction = scaled % PLACES;
    // Division is rounded correctly and both are exact, so this holds for no other number than the one that is written.
    if fraction == 0 || scaled as f64 / places != size {
        return None;
    }
    fixed(room, at, b"-")?;
    at = number(room, at + usize::from(value < 0.0), scaled / PLACES)?;
    fixed(room, at, b".")?;
    let digits = text::eight_digits(fraction);
    fixed(room, at + 1, &(digits | text::ZEROS).to_le_bytes())?;
    // The last digits are the highest bytes.
    Some(at + 9 - digits.leading_zeros() as usize / 8)
}

/// The lower-case hex digits of a byte string whose length is a multiple of four.
#[inline(always)]
pub(super) fn hex(room: &mut [u8], mut at: usize, bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    for word in words {
        fixed(room, at, &hex_digits(*word))?;
        at += 8;
    }
    Some(at)
}

/// The two digits of each of four bytes, all made at once.
#[inline(always)]
fn hex_digits(bytes: [u8; 4]) -> [u8; 8] {
    const ONES: u64 = u64::MAX / 255;
    let bytes = u64::from(u32::from_le_bytes(bytes));
    let bytes = (bytes | bytes << 16) & 0x0000_FFFF_0000_FFFF;
    let bytes = (bytes | bytes << 8) & 0x00FF_00FF_00FF_00FF;
    let values = (bytes >> 4 & 0x000F_000F_000F_000F) | (bytes & 0x000F_000F_000F_000F) << 8;
    let letters = (values + ONES * 6) >> 4 & ONES;
    (values + text::ZEROS + letters * u64::from(b'a' - b'0' - 10)).to_le_bytes()
}

/// A UUID in its usual spelling.
#[inline(always)]
pub(super) fn uuid(room: &mut [u8], at: usize, id: uuid::Uuid) -> Option<usize> {
    let (words, _) = id.as_bytes().as_chunks::<4>();
    let [first, second, third, fourth] = *words.first_chunk::<4>()?;
    let room = room.get_mut(at..)?.first_chunk_mut::<36>()?;
    fixed(room, 0, &hex_digits(first))?;
    for (hyphen, word) in [(8, second), (18, third)] {
        let [a, b, c, d, e, f, g, h] = hex_digits(word);
        fixed(room, hyphen, &[b'-', a, b, c, d, b'-', e, f])?;
        fixed(room, hyphen + 8, &[g, h])?;
    }
    fixed(room, 28, &hex_digits(fourth))?;
    Some(at + 36)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};

    /// The number as it is written here, if it is.
    fn short(number: f64) -> Option<String> {
        let mut room = [b'#'; 64];
        let end = decimal(&mut room, 0, number)?;
        Some(String::from_utf8(room[..end].to_vec()).unwrap())
    }

    fn expected(number: f64) -> String {
        ryu_js::Buffer::new().format_finite(number).to_owned()
    }

    #[test]
    fn a_short_decimal_number_has_the_text_that_the_general_writer_gives_it() {
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        let mut written = 0;
        for round in 0..400_000_u32 {
            let places = 10_f64.powi(random.random_range(0..10));
            let most = 10_u64.pow(random.random_range(1..16));
            let digits = random.random_range(0..most);
            let number = match round % 4 {
                // Any double at all, doubles of short texts, and their neighbours, whose texts are long.
                0 => f64::from_bits(random.random()),
                1 => digits as f64 / places,
                2 => (digits as f64 / places).next_up(),
                _ => -(digits as f64 / places).next_down(),
            };
            if let Some(text) = short(number) {
                written += 1;
                assert_eq!(text, expected(number), "{number:e}");
            }
        }
        assert!(written > 40_000, "only {written} were written here");
        for number in [
            0.5,
            -0.25,
            0.0078125,
            1.1,
            123456.78,
            0.000001,
            9999999.99999999,
            0.1 + 0.2,
        ] {
            if let Some(text) = short(number) {
                assert_eq!(text, expected(number));
            }
        }
        assert_eq!(short(-0.0078125).as_deref(), Some("-0.0078125"));
    }

    #[test]
    fn what_has_an_exponent_or_no_fraction_is_left_to_others() {
        for number in [
            0.0,
            -0.0,
            1.0,
            1e-7,
            1.5e300,
            f64::NAN,
            f64::INFINITY,
            f64::MIN_POSITIVE,
        ] {
            assert_eq!(short(number), None, "{number:e}");
        }
    }
}
