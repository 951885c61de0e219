//! The smallest parts of a line: strings, numbers and the order of keys as RFC 8785 wants them.

use std::cmp::Ordering;

use base64::Engine as _;

/// Integers within ±(2^53 − 1) are JSON numbers; every reader holds them exactly.
pub(super) const SAFE: u64 = (1 << 53) - 1;

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES * 0x80;

/// Marks the bytes of a word that JSON must escape. The lowest mark is exact; marks above it may be wrong.
#[inline(always)]
pub(super) const fn marks(word: u64) -> u64 {
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    // Each part would have to leave out the bytes whose high bit was set before; it is the same bit for all three.
    (control | quote | backslash) & !word & HIGH
}

#[inline]
const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// How many leading bytes stand for themselves in a JSON string.
#[inline]
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marks = marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return index * 8 + (marks.trailing_zeros() / 8) as usize;
        }
    }
    let done = bytes.len() - rest.len();
    // The last eight bytes overlap what is known to be plain already, so their lowest mark lies in the rest.
    if let (false, Some(word)) = (words.is_empty(), bytes.last_chunk::<8>()) {
        let marks = marks(u64::from_le_bytes(*word));
        return match marks {
            0 => bytes.len(),
            _ => bytes.len() - 8 + (marks.trailing_zeros() / 8) as usize,
        };
    }
    done + rest.iter().take_while(|byte| !is_special(**byte)).count()
}

/// A JSON string of UTF-8 bytes.
#[inline]
pub(crate) fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let plain = plain_len(text);
    if plain < text.len() {
        escaped(out, text, plain);
    } else {
        out.extend_from_slice(text);
    }
    out.push(b'"');
}

#[cold]
fn escaped(out: &mut Vec<u8>, text: &[u8], mut plain: usize) {
    let mut rest = text;
    while let Some((head, tail)) = rest.split_at_checked(plain) {
        out.extend_from_slice(head);
        let Some((&byte, tail)) = tail.split_first() else {
            return;
        };
        escape(out, byte);
        rest = tail;
        plain = plain_len(rest);
    }
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            hex(out, &[byte]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// How many bytes a byte takes within a JSON string.
pub(super) fn escaped_len(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | 0x08 | b'\t' | b'\n' | 0x0c | b'\r' => 2,
        byte if byte < 0x20 => 6,
        _ => 1,
    }
}

/// The two digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut rest: &mut [[u8; 2]] = &mut pairs;
    let mut byte = 0_usize;
    while let Some((pair, behind)) = rest.split_first_mut() {
        *pair = [hex_digit(byte >> 4), hex_digit(byte & 15)];
        rest = behind;
        byte += 1;
    }
    pairs
};

const fn hex_digit(value: usize) -> u8 {
    let value = value as u8;
    if value < 10 {
        b'0' + value
    } else {
        b'a' + value - 10
    }
}

/// The lower-case hex digits of bytes.
#[inline(always)]
pub(super) fn hex_pairs<const N: usize>(bytes: &[u8; N]) -> [[u8; 2]; N] {
    bytes.map(|byte| PAIRS.get(usize::from(byte)).copied().unwrap_or_default())
}

/// The digit `0` in each byte.
pub(super) const ZEROS: u64 = ONES * b'0' as u64;

/// The values of eight decimal digits as the bytes of a word, the first one lowest. All are divided at once.
#[inline(always)]
pub(super) const fn eight_digits(number: u64) -> u64 {
    // Two numbers below 10,000, then four below 100, then eight below 10. 10,486 / 2^20 is a hundredth and 103 / 2^10
    // a tenth, closely enough for numbers of these sizes.
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((twos * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | (twos - tens * 10) << 8
}

/// Lower-case hex digits, without quotes.
pub(super) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        out.extend_from_slice(hex_pairs(&[*byte]).as_flattened());
    }
}

/// A number within ±(2^53 − 1), a `$int` form outside.
#[inline]
pub(super) fn u64(out: &mut Vec<u8>, number: u64) {
    if number <= SAFE {
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    } else {
        form(out, "$int", itoa::Buffer::new().format(number));
    }
}

/// A number within ±(2^53 − 1), a `$int` form outside.
#[inline]
pub(super) fn i64(out: &mut Vec<u8>, number: i64) {
    if number.unsigned_abs() <= SAFE {
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    } else {
        form(out, "$int", itoa::Buffer::new().format(number));
    }
}

/// An integer of any size: the width it was given in leaves no trace.
pub(super) fn i128(out: &mut Vec<u8>, number: i128) {
    match i64::try_from(number) {
        Ok(number) => i64(out, number),
        Err(_) => form(out, "$int", itoa::Buffer::new().format(number)),
    }
}

/// An integer of any size: the width it was given in leaves no trace.
pub(super) fn u128(out: &mut Vec<u8>, number: u128) {
    match u64::try_from(number) {
        Ok(number) => u64(out, number),
        Err(_) => form(out, "$int", itoa::Buffer::new().format(number)),
    }
}

/// A number where it has a fraction, so that no reader can take it for an integer; else a `$f64` form.
pub(super) fn f64(out: &mut Vec<u8>, number: f64) {
    let mut buffer = ryu_js::Buffer::new();
    if number.is_nan() {
        form(out, "$f64", "NaN");
    } else if number == f64::INFINITY {
        form(out, "$f64", "Infinity");
    } else if number == f64::NEG_INFINITY {
        form(out, "$f64", "-Infinity");
    } else if number == 0.0 && number.is_sign_negative() {
        form(out, "$f64", "-0");
    } else if number.fract() == 0.0 {
        form(out, "$f64", buffer.format_finite(number));
    } else {
        out.extend_from_slice(buffer.format_finite(number).as_bytes());
    }
}

/// A `$bytes` form: standard base64 with padding.
pub(super) fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"{\"$bytes\":\"");
    let start = out.len();
    let len = bytes.len().div_ceil(3) * 4;
    out.resize(start + len, 0);
    let room = out.get_mut(start..).unwrap_or_default();
    // The room has exactly the size that the encoding needs, so this cannot fail.
    let used = base64::engine::general_purpose::STANDARD
        .encode_slice(bytes, room)
        .unwrap_or(0);
    out.truncate(start + used);
    out.extend_from_slice(b"\"}");
}

/// A commitment, as the `$commit` form.
pub(super) fn commitment(out: &mut Vec<u8>, hash: &[u8; 32]) {
    form(
        out,
        "$commit",
        &base64::engine::general_purpose::STANDARD.encode(hash),
    );
}

/// A one-key object around a text that needs no escapes.
fn form(out: &mut Vec<u8>, name: &str, text: &str) {
    for part in ["{\"", name, "\":\"", text, "\"}"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// The order of two UTF-8 keys by their UTF-16 code units.
///
/// It is the order of the bytes, except where a character above U+FFFF (first byte F0 or more, in UTF-16 a surrogate
/// D800 to DFFF) meets one from U+E000 to U+FFFF (first byte EE or EF): there the former is less.
#[inline]
pub(super) fn utf16_order(left: &[u8], right: &[u8]) -> Ordering {
    let differing = left.iter().zip(right).find(|(left, right)| left != right);
    match differing {
        Some((&left, &right)) if left >= 0xEE && right >= 0xEE && (left >= 0xF0) != (right >= 0xF0) => {
            right.cmp(&left)
        }
        Some((left, right)) => left.cmp(right),
        None => left.len().cmp(&right.len()),
    }
}

/// RFC 3339 texts with nine digits. Keeps the text of the second it wrote last.
#[derive(Debug)]
pub(super) struct TimeText {
    nanos: u64,
    second: u64,
    text: [u8; 32],
}

const EPOCH: &[u8; 32] = b"\"1970-01-01T00:00:00.000000000Z\"";

impl Default for TimeText {
    fn default() -> Self {
        Self {
            nanos: 0,
            second: 0,
            text: *EPOCH,
        }
    }
}

impl TimeText {
    /// The instant as a JSON string. Instants after [`crate::clock::MAX_TIME`] are written as that.
    #[inline]
    pub(super) fn set(&mut self, nanos: u64) {
        let nanos = nanos.min(crate::clock::MAX_TIME);
        if nanos == self.nanos {
            return;
        }
        self.nanos = nanos;
        let (second, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        if second != self.second {
            self.turn(second);
        }
        if let Some([first, rest @ ..]) = self.text.get_mut(21..).and_then(|all| all.first_chunk_mut::<9>()) {
            *first = b'0' + ((fraction / 100_000_000) & 15) as u8;
            *rest = (eight_digits(fraction % 100_000_000) | ZEROS).to_le_bytes();
        }
    }

    /// The instant that was set, as a JSON string.
    #[inline]
    pub(super) fn text(&self) -> &[u8; 32] {
        &self.text
    }

    #[cold]
    fn turn(&mut self, second: u64) {
        let instant = i64::try_from(second)
            .ok()
            .and_then(|second| jiff::Timestamp::from_second(second).ok());
        let date = jiff::tz::Offset::UTC.to_datetime(instant.unwrap_or(jiff::Timestamp::UNIX_EPOCH));
        let text = format!(
            "\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.",
            date.year(),
            date.month(),
            date.day(),
            date.hour(),
            date.minute(),
            date.second()
        );
        for (into, from) in self.text.iter_mut().zip(text.bytes()) {
            *into = from;
        }
        self.second = second;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_byte_at_every_place_is_escaped_as_an_independent_writer_does() {
        for len in 1..60 {
            for at in 0..len {
                for special in (0..0x80_u8).chain([0xC3]) {
                    let mut text = "x".repeat(len);
                    let with = if special == 0xC3 {
                        'é'
                    } else {
                        char::from(special)
                    };
                    text.replace_range(at..=at, with.encode_utf8(&mut [0; 4]));
                    let expected = serde_jcs::to_string(&text).unwrap();
                    assert_eq!(written(|out| string(out, text.as_bytes())), expected);
                    let inner: usize = text.bytes().map(escaped_len).sum();
                    assert_eq!(inner + 2, expected.len());
                }
            }
        }
    }

    #[test]
    fn keys_sort_by_utf16_code_units() {
        let keys = [
            "",
            "a",
            "aa",
            "b",
            "é",
            "\u{7ff}",
            "\u{800}",
            "\u{d7ff}",
            "\u{e000}",
            "\u{efff}",
            "\u{f000}",
            "\u{ffff}",
            "\u{10000}",
            "\u{10ffff}",
            "x\u{e000}y",
            "x\u{1f600}",
            "x\u{1f601}",
            "x\u{ffff}",
        ];
        for left in keys {
            for right in keys {
                let expected = left.encode_utf16().cmp(right.encode_utf16());
                assert_eq!(
                    utf16_order(left.as_bytes(), right.as_bytes()),
                    expected,
                    "{left:?} {right:?}"
                );
            }
        }
    }

    #[test]
    fn floats_that_could_pass_for_integers_are_forms() {
        for (number, text) in [
            (1.5, "1.5"),
            (1e-7, "1e-7"),
            (-0.1, "-0.1"),
            (0.0, r#"{"$f64":"0"}"#),
            (-0.0, r#"{"$f64":"-0"}"#),
            (1.0, r#"{"$f64":"1"}"#),
            (1e21, r#"{"$f64":"1e+21"}"#),
            (1.5e300, r#"{"$f64":"1.5e+300"}"#),
            (f64::NAN, r#"{"$f64":"NaN"}"#),
            (f64::NEG_INFINITY, r#"{"$f64":"-Infinity"}"#),
        ] {
            assert_eq!(written(|out| f64(out, number)), text);
        }
    }

    #[test]
    fn eight_digits_are_those_of_the_number() {
        let numbers = (0..=99_999_999)
            .step_by(997)
            .chain([9, 10, 99, 100, 9_999, 10_000, 99_990_000, 99_999_999]);
        for number in numbers {
            let digits = (eight_digits(number) | ZEROS).to_le_bytes();
            assert_eq!(digits.as_slice(), format!("{number:08}").as_bytes());
        }
    }

    #[test]
    fn integers_beyond_two_to_the_53_are_forms_whatever_their_width() {
        let safe = SAFE as i64;
        assert_eq!(written(|out| i64(out, safe)), "9007199254740991");
        assert_eq!(
            written(|out| i64(out, -safe - 1)),
            r#"{"$int":"-9007199254740992"}"#
        );
        assert_eq!(written(|out| i128(out, i128::from(safe))), "9007199254740991");
        assert_eq!(
            written(|out| u128(out, 1 << 53)),
            written(|out| u64(out, 1 << 53))
        );
        assert_eq!(
            written(|out| i128(out, 1 << 53)),
            written(|out| i64(out, 1 << 53))
        );
    }

    #[test]
    fn times_have_nine_digits_in_any_order_of_seconds() {
        let mut text = TimeText::default();
        for (nanos, expected) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (1_795_251_600_123_456_789, "2026-11-21T09:00:00.123456789Z"),
            (1_795_251_599_999_999_999, "2026-11-21T08:59:59.999999999Z"),
            (7, "1970-01-01T00:00:00.000000007Z"),
            (u64::MAX, "2262-04-11T23:47:16.854775807Z"),
        ] {
            text.set(nanos);
            assert_eq!(text.text().as_slice(), format!("\"{expected}\"").as_bytes());
        }
    }
}
