//! Base64 whose end looks like a name and the sign behind it.

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
    is_filled && changes(letters) * 6 > len && letters.iter().any(u8::is_ascii_digit)
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

/// How often letters of a name follow digits, digits letters, and capitals small letters.
fn changes(name: &[u8]) -> usize {
    let pairs = name.windows(2).filter(|pair| {
        let (last, this) = (byte(pair, 0), byte(pair, 1));
        let letters = last.is_ascii_alphabetic() || this.is_ascii_alphabetic();
        letters && last.is_ascii_digit() != this.is_ascii_digit()
            || last.is_ascii_lowercase() && this.is_ascii_uppercase()
    });
    pairs.count()
}
