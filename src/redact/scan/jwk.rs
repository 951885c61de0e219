//! Keys in JSON (RFC 7517): the members that are the private half of a key.

use super::alphabet::{Alphabet, byte};
use super::look::Look;

/// Members that only the owner of a key knows.
const PRIVATE: &[&[u8]] = &[b"d", b"p", b"q", b"dp", b"dq", b"qi", b"k"];

/// How far before and behind the key's type its members stand, in bytes.
const BEFORE: usize = 4096;
const BEHIND: usize = 4096;

/// The shortest member that is one, in bytes.
const LEAST: usize = 20;

/// Cuts the private members of the object around the `kty` at `start`.
pub(super) fn members(look: &mut Look<'_, '_>, start: usize) {
    if start < look.pem {
        return;
    }
    let from = look.pem.max(start.saturating_sub(BEFORE));
    let back = look.bytes.get(from..start).unwrap_or_default();
    let open = back
        .iter()
        .rposition(|byte| *byte == b'{')
        .map_or(from, |at| from + at);
    let ahead = look
        .bytes
        .get(start..look.bytes.len().min(start + BEHIND))
        .unwrap_or_default();
    let close = start + ahead.iter().position(|byte| *byte == b'}').unwrap_or(ahead.len());
    look.pem = close;
    let mut at = open;
    while at < close {
        let name = quoted(look.bytes, at, close);
        let Some((name_at, name_end)) = name else { return };
        at = name_end;
        let mut here = after_quote(look.bytes, name_end);
        if byte(look.bytes, here) != b':' {
            continue;
        }
        here += 1 + usize::from(byte(look.bytes, here + 1) == b' ');
        let Some((text_at, text_end)) = quoted(look.bytes, here, close).filter(|text| text.0 <= here + 66)
        else {
            continue;
        };
        let is_private = look
            .bytes
            .get(name_at..name_end)
            .is_some_and(|name| PRIVATE.contains(&name));
        if is_private && text_end - text_at >= LEAST {
            look.secret(text_at, text_end, "jwk");
        }
        at = after_quote(look.bytes, text_end);
    }
}

/// The next run of base64url between quotation marks from `at` on.
fn quoted(bytes: &[u8], at: usize, close: usize) -> Option<(usize, usize)> {
    let ahead = bytes.get(at..close)?;
    let mark = memchr::memchr(b'"', ahead)?;
    let start = at + mark + 1;
    let run = Alphabet::Any.run(bytes.get(start..close)?);
    Some((start, start + run))
}

/// Behind the quotation mark, with its backslashes, at `at`.
fn after_quote(bytes: &[u8], mut at: usize) -> usize {
    while matches!(byte(bytes, at), b'\\' | b' ') {
        at += 1;
    }
    at + usize::from(byte(bytes, at) == b'"')
}

#[cfg(test)]
mod tests {
    use super::super::cases::{ALNUM, body};
    use super::super::scan;

    #[test]
    fn the_private_half_of_a_key_in_json_is_cut_and_the_public_half_stays() {
        let (public, private) = (body(ALNUM, 64), body(ALNUM, 86));
        for (text, cut) in [
            (format!(r#"{{"kty":"RSA","n":"{public}","d":"{private}"}}"#), true),
            (
                format!(r#"{{"d": "{private}", "kty": "EC", "x": "{public}"}}"#),
                true,
            ),
            (
                format!(r#"{{"k":"{{\"kty\":\"oct\",\"k\":\"{private}\"}}"}}"#),
                true,
            ),
            (format!(r#"{{"kty":"RSA","n":"{public}","e":"AQAB"}}"#), false),
            (format!(r#"{{"kty":"EC","d":"short","x":"{public}"}}"#), false),
        ] {
            let found = scan("message", &text);
            assert_eq!(found.value != text, cut, "{text}");
            assert!(!cut || !found.value.contains(&private), "{}", found.value);
            assert!(
                !text.contains(&public) || found.value.contains(&public),
                "{}",
                found.value
            );
        }
    }
}
