//! Pieces of keys and hashes that look like names, and base64 whose end looks like one and the sign behind it.

use super::alphabet::{Bytes, byte};
use super::bytes::{run, run_back};

/// Whether the signs at `to` fill up base64 that ends there: `…psw==","size":1`, `md5=…Pw== size=1`.
#[inline(never)]
pub(super) fn ends_base64(bytes: &[u8], to: usize) -> bool {
    static LETTERS: Bytes = Bytes::alnum_and(b"+/-_");
    const LONGEST: usize = 128;
    let signs = run(bytes, to, 3, |byte| byte == b'=');
    if signs > 2 || !is_over(bytes, to + signs) {
        return false;
    }
    let len = run_back(bytes, to, LONGEST, |byte| LETTERS.has(byte));
    let letters = bytes.get(to - len..to).unwrap_or_default();
    let is_filled = len == LONGEST || len >= 20 && (len + signs).is_multiple_of(4);
    // Letters of both cases and digits change in it as in no name.
    let (numbers, humps) = changes(letters);
    is_filled && (numbers + humps) * 6 > len && letters.iter().any(u8::is_ascii_digit)
}

/// Whether nothing that stands at `at` can be a value: a mark that closes a text, another pair.
fn is_over(bytes: &[u8], at: usize) -> bool {
    let escapes = run(bytes, at, 8, |byte| byte == b'\\');
    let next = byte(bytes, at + escapes);
    let behind = byte(bytes, at + escapes + 1);
    match next {
        b'"' | b'\'' => matches!(behind, 0..=b' ' | b',' | b';' | b'}' | b']' | b')' | b'\\'),
        b' ' if escapes == 0 => {
            let name = run(bytes, at + 1, 24, |byte| {
                byte.is_ascii_lowercase() || byte == b'_'
            });
            behind == 0 || name > 0 && byte(bytes, at + 1 + name) == b'='
        }
        0 | b'\r' | b'\n' | b',' | b';' | b'<' => true,
        _ => escapes > 0 && matches!(next, b'n' | b'r'),
    }
}

/// The shortest name that may be noise, in bytes.
pub(super) const SHORTEST: usize = 12;

/// Whether a name is a piece of a key or a hash: digits and capitals change with small letters all the time.
pub(super) fn is_noise(name: &[u8]) -> bool {
    if name.len() < SHORTEST {
        return false;
    }
    let (numbers, humps) = changes(name);
    numbers > 6 || (name.len() >= 16 && (numbers + humps) * 4 > name.len())
}

/// How often digits and letters change in a name, and how often a capital follows a small letter.
fn changes(name: &[u8]) -> (usize, usize) {
    let (mut numbers, mut humps) = (0, 0);
    for pair in name.windows(2) {
        let (last, this) = (byte(pair, 0), byte(pair, 1));
        let letters = last.is_ascii_alphabetic() || this.is_ascii_alphabetic();
        numbers += usize::from(letters && last.is_ascii_digit() != this.is_ascii_digit());
        humps += usize::from(last.is_ascii_lowercase() && this.is_ascii_uppercase());
    }
    (numbers, humps)
}
