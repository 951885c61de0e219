//! Hashes of passwords whose parameters are written before them.

use super::alphabet::{Bytes, byte};
use super::bytes::{free_left, is_word, run};
use super::look::Look;

/// The longest parameters, in bytes; a salt and a hash are up to twice as long.
const LONGEST: usize = 96;

/// `$argon2id$v=19$m=65536,t=3,p=4$SALT$HASH`, `$scrypt$ln=16,r=8,p=1$SALT$HASH`.
pub(super) fn listed(look: &mut Look<'_, '_>, start: usize, end: usize) {
    static PARAMETERS: Bytes = Bytes::alnum_and(b"=,$");
    static HASH: Bytes = Bytes::alnum_and(b"+/=.$");
    let bytes = look.bytes;
    let ahead = bytes.get(end..bytes.len().min(end + LONGEST)).unwrap_or_default();
    // The commas are those of the parameters: one behind them is none of the hash.
    let comma = PARAMETERS.run(ahead.get(..64).unwrap_or(ahead));
    let comma = ahead
        .get(..comma)
        .and_then(|text| memchr::memmem::rfind(text, b",p="))
        .map_or(0, |at| at + 1);
    if comma == 0 {
        return;
    }
    let len = run(bytes, end + comma, 2 * LONGEST, |byte| HASH.has(byte));
    let text = bytes.get(end + comma..end + comma + len).unwrap_or_default();
    let last = text.rsplit(|byte| *byte == b'$').next().unwrap_or_default();
    if last.len() >= 20 && super::tokens::is_mixed(last) {
        look.secret(start, end + comma + len, "token.password");
    }
}

/// `pbkdf2:sha256:600000$SALT$HASH`, `scrypt:32768:8:1$SALT$HASH`: numbers with colons between them, and a hash in hexadecimal
/// digits.
pub(super) fn digest(look: &mut Look<'_, '_>, start: usize, end: usize) {
    static SALT: Bytes = Bytes::alnum_and(b"./+=_-");
    let bytes = look.bytes;
    if !free_left(bytes, start) {
        return;
    }
    let mut at = end;
    for _ in 0..4 {
        at += run(bytes, at, 12, |byte| byte.is_ascii_digit());
        match byte(bytes, at) {
            b':' => at += 1,
            _ => break,
        }
    }
    let salt = run(bytes, at + 1, LONGEST, |byte| SALT.has(byte));
    let from = at + 1 + salt + 1;
    let hash = run(bytes, from, 2 * LONGEST, |byte| byte.is_ascii_hexdigit());
    let is_it = at > end
        && byte(bytes, at) == b'$'
        && salt > 0
        && byte(bytes, from - 1) == b'$'
        && (32..=128).contains(&hash)
        && !is_word(byte(bytes, from + hash));
    if is_it {
        look.secret(start, from + hash, "token.password");
    }
}
