//! Texts inside of texts: base64, hexadecimal, percent and lists of byte values, decoded once.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::alphabet::{Alphabet, Bytes};
use super::base32;
use super::bytes::{at, before, run, run_back};
use super::hits::{Hits, Sort};
use super::parts::{self, SHORTEST};
use crate::memory;

/// The fewest values of a byte list that is decoded.
const FEWEST: usize = 8;

/// How many characters of a run show whether it can be text.
const SAMPLE: usize = 16;

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// Whether the text holds a run long enough to be an encoding. Every such run has two neighbouring blocks of eight bytes
/// in it, wherever the blocks begin: only around those without a space or the like is it measured.
pub(super) fn has_run(bytes: &[u8]) -> bool {
    let mut from = 0;
    'blocks: while let Some((blocks, _)) = bytes.get(from..).map(<[u8]>::as_chunks::<8>) {
        let mut was_full = false;
        for (number, block) in blocks.iter().enumerate() {
            let is_full = is_full(*block);
            if was_full && is_full {
                let at = from + number * 8;
                let left = run_back(bytes, at, SHORTEST, |byte| Alphabet::Any.has(byte));
                let right = run(bytes, at, SHORTEST, |byte| Alphabet::Any.has(byte));
                if left + right >= SHORTEST {
                    return true;
                }
                // It ends before this byte, which is none of a run's.
                from = at + right + 1;
                continue 'blocks;
            }
            was_full = is_full;
        }
        return false;
    }
    false
}

/// Whether no byte is below `%`, the least that is part of a run: mostly, whether there is no space.
#[inline]
const fn is_full(block: [u8; 8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    let bytes = u64::from_ne_bytes(block);
    bytes.wrapping_sub(ONES * b'%' as u64) & !bytes & (ONES << 7) == 0
}

/// Pushes the runs that decode to a text of which `secret` says that it holds one.
/// `buffer` is memory for what they decode to.
pub(crate) fn runs(text: &str, secret: &mut dyn FnMut(&str) -> bool, buffer: &mut Vec<u8>, hits: &mut Hits) {
    let bytes = text.as_bytes();
    if bytes.len() < SHORTEST {
        return;
    }
    let mut position = 0;
    let mut bracket = next_bracket(bytes, 0);
    loop {
        let rest = bytes.get(position..).unwrap_or_default();
        let gap = match rest.first_chunk::<SHORTEST>() {
            // Behind the last byte of as many as the shortest run has that is none of a run's, the next one begins.
            Some(window) => window.iter().rposition(|byte| !CODED.has(*byte)),
            None => Some(rest.len()),
        };
        match gap {
            None => {
                let len = CODED.run(rest);
                let end = position + len + run(bytes, position + len, 2, |byte| byte == b'=');
                coded(bytes, (position, end), secret, buffer, hits);
                position += len;
            }
            Some(gap) if bracket <= position + gap => {
                position = list(bytes, bracket + 1, secret, hits);
                bracket = next_bracket(bytes, position);
            }
            Some(gap) => position += gap + 1,
        }
        if position >= bytes.len() {
            return;
        }
    }
}

/// Where the next bracket stands that a list of byte values may stand in; beyond all texts where none does.
fn next_bracket(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    memchr::memchr2(b'[', b'{', rest).map_or(usize::MAX, |at| from + at)
}

/// Part of base64 in both alphabets, of hexadecimal or of a percent escape.
pub(super) static CODED: Bytes = Bytes::alnum_and(b"+/-_%");

/// Decodes the run, or else the parts of it between marks that may not belong to it.
fn coded(
    bytes: &[u8],
    (start, end): (usize, usize),
    secret: &mut dyn FnMut(&str) -> bool,
    buffer: &mut Vec<u8>,
    hits: &mut Hits,
) {
    let mut check = |start: usize, end: usize| {
        let found = bytes
            .get(start..end)
            .is_some_and(|run| decode(run, buffer).is_some_and(|text| secret(&text)));
        if found {
            hits.push(start, end, "encoded", Sort::Secret);
        }
        found
    };
    if check(start, end) {
        return;
    }
    if bytes.get(start..end).is_some_and(is_wallet) {
        hits.push(start, end, "token.wallet", Sort::Secret);
        return;
    }
    // The run may have begun with a path, a key or a flag: `x/y/aHVudGVy…`, `--aHVudGVy…`.
    let run = bytes.get(start..end).unwrap_or_default();
    parts::behind_marks(run, |from, to| {
        check(start + from, start + to);
    });
}

/// The private key of a wallet in the form in which wallets are imported: 51 or 52 digits of base 58.
fn is_wallet(run: &[u8]) -> bool {
    let begins = match run {
        [b'K' | b'L', ..] => run.len() == 52,
        [b'5', b'H' | b'J' | b'K', ..] => run.len() == 51,
        _ => false,
    };
    begins
        && run
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l'))
        && super::tokens::is_mixed(run)
}

/// The text that a run stands for, if it can be one.
fn decode<'b>(run: &[u8], buffer: &'b mut Vec<u8>) -> Option<Cow<'b, str>> {
    buffer.clear();
    let hex = run
        .strip_prefix(b"0x")
        .or_else(|| run.strip_prefix(b"0X"))
        .unwrap_or(run);
    if hex.len() >= SHORTEST && is_hexadecimal(hex) {
        return hexadecimal(hex, buffer);
    }
    if memchr::memchr(b'%', run).is_some() {
        return percent(run, buffer);
    }
    if base32::decode(run, buffer) {
        return into_text(buffer);
    }
    let url_safe = memchr::memchr2(b'-', b'_', run).is_some();
    let engine = if url_safe { &URL_SAFE } else { &STANDARD };
    let mut sample = [0; SAMPLE];
    let len = engine.decode_slice(run.get(..SAMPLE)?, &mut sample).ok()?;
    let sample = sample.get(..len)?;
    // Text of two bytes a character is looked at too: that is how one well-known shell encodes its commands.
    if !is_text(sample) && !is_wide(sample) {
        return None;
    }
    // Three bytes of every four digits, and what the decoder wants beyond that.
    if !memory::room(buffer, run.len() + 4) {
        return None;
    }
    engine.decode_vec(run, buffer).ok()?;
    into_text(buffer)
}

/// Whether all are hexadecimal digits; asked of many at once, without a branch for each.
fn is_hexadecimal(run: &[u8]) -> bool {
    let is_all = |chunk: &[u8]| {
        chunk
            .iter()
            .fold(true, |all, byte| all & byte.is_ascii_hexdigit())
    };
    // What is no such run shows it at its beginning.
    run.first_chunk::<8>().is_none_or(|head| is_all(head)) && run.chunks(64).all(is_all)
}

fn hexadecimal<'b>(run: &[u8], buffer: &'b mut Vec<u8>) -> Option<Cow<'b, str>> {
    let value = |pair: &[u8]| {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => byte - b'0',
            _ => (byte | 0x20).wrapping_sub(b'a' - 10) & 0xF,
        };
        Some(digit(at(pair, 0)) << 4 | digit(at(pair, 1)))
    };
    let pairs = run.get(..run.len() / 2 * 2)?;
    let mut sample = [0; SAMPLE];
    for (place, pair) in sample.iter_mut().zip(pairs.chunks(2)) {
        *place = value(pair)?;
    }
    let sample = sample.get(..pairs.len().div_ceil(2).min(SAMPLE))?;
    if !is_text(sample) && !is_wide(sample) {
        return None;
    }
    for pair in pairs.chunks(2) {
        memory::push(buffer, value(pair)?);
    }
    into_text(buffer)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// A run in which most characters are escapes; where only some are, the detection copy shows the text in its place.
fn percent<'b>(run: &[u8], decoded: &'b mut Vec<u8>) -> Option<Cow<'b, str>> {
    let escapes = run.iter().filter(|&&byte| byte == b'%').count();
    if escapes * 4 < run.len() {
        return None;
    }
    let mut position = 0;
    while let Some(&byte) = run.get(position) {
        let pair = run.get(position + 1..position + 3).filter(|_| byte == b'%');
        let value = pair.and_then(|pair| match *pair {
            // Nobody writes so; it is read as a number all the same.
            [b'+', low] => digit(low),
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        });
        memory::push(decoded, value.unwrap_or(byte));
        position += if value.is_some() { 3 } else { 1 };
    }
    into_text(decoded)
}

/// Looks at a list of byte values behind the bracket before `start`; says where to look on.
pub(super) fn list(
    bytes: &[u8],
    start: usize,
    secret: &mut dyn FnMut(&str) -> bool,
    hits: &mut Hits,
) -> usize {
    let mut values = Values::default();
    let mut position = start;
    let mut end = start;
    loop {
        position += spaces(bytes, position);
        let len = run(bytes, position, 5, |byte| {
            byte.is_ascii_alphanumeric() || byte == b'-'
        });
        if !values.take(bytes.get(position..position + len).unwrap_or_default()) {
            break;
        }
        position += len;
        end = position;
        position += spaces(bytes, position);
        if at(bytes, position) != b',' {
            break;
        }
        position += 1;
    }
    if values.count < FEWEST {
        // Nothing that was passed can hold a run; the list's end may begin one.
        return end.max(start);
    }
    let first = start + spaces(bytes, start);
    let found = [values.decimal, values.hexadecimal]
        .into_iter()
        .flatten()
        .any(|values| into_text(&values).is_some_and(|text| secret(&text)));
    if found {
        hits.push(first, end, "encoded", Sort::Secret);
    }
    end
}

fn spaces(bytes: &[u8], position: usize) -> usize {
    let mut len = run(bytes, position, 64, |byte| {
        matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
    });
    // A line break of a text that is itself quoted.
    while before(bytes, position + len + 2, 2) == b'\\' && at(bytes, position + len + 1) == b'n' && len < 64 {
        len += 2 + run(bytes, position + len + 2, 64, |byte| byte == b' ');
    }
    len
}

/// Byte values as they are read: decimal (`104`, also signed, also `0x68`) and, as long as it fits, bare hexadecimal.
struct Values {
    decimal: Option<Vec<u8>>,
    hexadecimal: Option<Vec<u8>>,
    count: usize,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            decimal: Some(Vec::new()),
            hexadecimal: Some(Vec::new()),
            count: 0,
        }
    }
}

impl Values {
    /// Takes one more value; `false` where it is none.
    fn take(&mut self, value: &[u8]) -> bool {
        let Some(value) = std::str::from_utf8(value).ok().filter(|value| !value.is_empty()) else {
            return false;
        };
        let prefixed = value
            .strip_prefix("0x")
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let unsigned = prefixed.or_else(|| value.parse::<u8>().ok());
        let decimal = unsigned.or_else(|| value.parse::<i8>().ok().map(i8::cast_unsigned));
        let bare = u8::from_str_radix(value, 16).ok().filter(|_| value.len() == 2);
        let kept = [(&mut self.decimal, decimal), (&mut self.hexadecimal, bare)].map(|(list, value)| {
            match (list.as_mut(), value) {
                (Some(list), Some(value)) => memory::push(list, value),
                _ => *list = None,
            }
            list.is_some()
        });
        self.count += 1;
        kept.contains(&true)
    }
}

/// The bytes as text of one or two bytes a character.
fn into_text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if is_wide(bytes) {
        let units = bytes
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([at(pair, 0), at(pair, 1)]));
        let mut text = String::new();
        for char in char::decode_utf16(units) {
            memory::push_str(&mut text, char.ok()?.encode_utf8(&mut [0; 4]));
        }
        return Some(Cow::Owned(text));
    }
    // Where it is not all text, it is a copy.
    let is_there = std::str::from_utf8(bytes).is_ok() || memory::is_enough(3 * bytes.len());
    (is_there && is_text(bytes)).then(|| String::from_utf8_lossy(bytes))
}

/// Whether nearly all bytes are those of printed text: at most one in eight is anything else.
fn is_text(bytes: &[u8]) -> bool {
    // Without a branch for each: those of random bytes would be guessed wrong.
    let (mut printed, mut beyond) = (0, 0);
    for &byte in bytes {
        let is_printed = (0x20..=0x7E).contains(&byte) | (byte == b'\t') | (byte == b'\n') | (byte == b'\r');
        printed += usize::from(is_printed);
        beyond += usize::from(byte >> 7);
    }
    let utf8 = || match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // A sample may end in the middle of a character.
        Err(error) => error.error_len().is_none(),
    };
    let odd = bytes.len() - printed;
    odd * 8 <= bytes.len() || (odd - beyond) * 8 <= bytes.len() && utf8()
}

/// Whether every second byte is zero.
fn is_wide(bytes: &[u8]) -> bool {
    bytes.len() >= 4
        && bytes
            .chunks_exact(2)
            .all(|pair| at(pair, 1) == 0 && at(pair, 0) != 0)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose;

    use super::*;

    /// What is claimed where texts with this word are secret.
    fn found(text: &str) -> Vec<String> {
        let mut hits = Hits::default();
        runs(
            text,
            &mut |decoded| decoded.contains("hunter"),
            &mut Vec::new(),
            &mut hits,
        );
        let hits = hits.list().iter();
        hits.map(|hit| text[hit.start..hit.end].to_owned()).collect()
    }

    fn hex(text: &str) -> String {
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    const SECRET: &str = "{\"password\": \"hunter2 is it\"}?~";

    fn every_coding() -> Vec<String> {
        let wide: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let debug = |text: String| text.trim_matches(['[', ']']).to_owned();
        vec![
            general_purpose::STANDARD.encode(SECRET),
            general_purpose::STANDARD_NO_PAD.encode(SECRET),
            general_purpose::URL_SAFE.encode(SECRET),
            general_purpose::URL_SAFE_NO_PAD.encode(SECRET),
            general_purpose::STANDARD.encode(wide),
            hex(SECRET),
            hex(SECRET).to_uppercase(),
            format!("0x{}", hex(SECRET)),
            SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect(),
            debug(format!("{:?}", SECRET.as_bytes())),
            debug(format!("{:02x?}", SECRET.as_bytes())),
            debug(format!(
                "{:?}",
                SECRET.bytes().map(u8::cast_signed).collect::<Vec<_>>()
            )),
            debug(format!("{:#04x?}", SECRET.as_bytes()).replace('\n', " "))
                .trim()
                .trim_end_matches(',')
                .to_owned(),
        ]
    }

    #[test]
    fn a_secret_is_found_in_every_coding() {
        for coded in every_coding() {
            for (head, tail) in [("[", "]"), ("{\"data\":[", "]}"), ("x [", ", ] y")] {
                let found = found(&format!("{head}{coded}{tail}"));
                assert_eq!(found, std::slice::from_ref(&coded), "{head}");
            }
        }
        let coded = general_purpose::STANDARD_NO_PAD.encode("the word is hunter2");
        assert_eq!(found(&format!("https://host.example/x/y/{coded}")), [coded]);
    }

    #[test]
    fn parts_between_marks_are_decoded_that_are_long_enough() {
        let coded = general_purpose::STANDARD_NO_PAD.encode("the word is hunter2");
        for mark in ["/", "-", "+", "_"] {
            for before in 0..60 {
                let head = "x".repeat(before) + mark + &"y".repeat(before / 2) + mark;
                for tail in [
                    "",
                    "/",
                    "/x",
                    "/yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
                    " x",
                ] {
                    assert_eq!(
                        found(&format!("{head}{coded}{tail}")),
                        [coded.as_str()],
                        "{head} {tail}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_run_that_is_long_enough_is_seen_wherever_it_begins() {
        for before in 0..60 {
            for len in [SHORTEST - 1, SHORTEST] {
                let text = format!("{}{}{}", " ".repeat(before), "A".repeat(len), " ".repeat(40));
                assert_eq!(has_run(text.as_bytes()), len == SHORTEST, "{before} {len}");
            }
        }
    }

    #[test]
    fn what_is_no_secret_or_no_text_stays() {
        let harmless = general_purpose::STANDARD.encode("{\"page\": 2, \"order\": \"name\"}");
        let noise: Vec<u8> = (0..96_u8).map(|at| at.wrapping_mul(167) ^ 0x9C).collect();
        let noise = general_purpose::STANDARD.encode(noise);
        for text in [
            harmless.as_str(),
            noise.as_str(),
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "a plain text about hunters [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]",
            "aVeryLongIdentifierOfNoMeaningAtAll",
            "",
            "[",
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
