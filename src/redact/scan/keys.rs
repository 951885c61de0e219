//! Settings that are called after what their key is for, and hold one only if it looks like one: `ENC_KEY=…`,
//! `TLS_KEY=/etc/tls/key.pem`.

use super::alphabet::Alphabet;
use super::lexicon::Lexicon;

/// The shortest key, in bytes as it is written, and the longest that is looked at.
const LEAST: usize = 32;
const LONGEST: usize = 512;

/// What stands before `_KEY`. A cache and a table have keys too.
static USES: Lexicon = Lexicon::of(&[
    "dek", "enc", "encrypt", "jwe", "jws", "kek", "luks", "mac", "sign", "ssl", "tls", "vault",
]);

/// Whether the name is such a setting's and the value is a key by its look.
#[inline]
pub(super) fn is_key(name: &[u8], value: &[u8]) -> bool {
    let Some(before) = name.strip_suffix(b"_KEY") else {
        return false;
    };
    let word = before.rsplit(|byte| *byte == b'_').next().unwrap_or_default();
    !before.iter().any(u8::is_ascii_lowercase) && USES.has_bytes(word) && looks_like_one(value)
}

/// Digits in hexadecimal, or base64 in which letters of both cases and digits stand, and which is no path.
fn looks_like_one(value: &[u8]) -> bool {
    let value = value.get(..LONGEST).unwrap_or(value);
    let count = |is: fn(&u8) -> bool| value.iter().filter(|byte| is(byte)).count();
    let digits = count(u8::is_ascii_digit);
    if value.len() < LEAST || digits == 0 || digits == value.len() {
        return false;
    }
    if value.iter().all(u8::is_ascii_hexdigit) {
        return true;
    }
    let is_mixed = count(u8::is_ascii_uppercase) >= 3 && count(u8::is_ascii_lowercase) >= 3;
    let slashes = count(|byte| *byte == b'/');
    is_mixed
        && Alphabet::Base64.run(value) == value.len()
        && value.first() != Some(&b'/')
        && slashes * 8 <= value.len()
}
