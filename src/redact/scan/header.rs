//! What headers hold: a credential behind its scheme, and cookies one by one.

use super::about::{is_nothing, is_word_about};
use super::alphabet::{Bytes, byte};
use super::bare;
use super::bytes::run;
use super::joint::Site;
use super::lexicon::Lexicon;
use super::look::Look;
use super::plausible::{Joint, is_opaque};
use super::value::{self, Extent};
use crate::redact::scan::hits::Sort;
use crate::redact::words::{self, Force, Named};

/// Schemes before one credential.
static SCHEMES: Lexicon = Lexicon::of(&[
    "api-key",
    "apikey",
    "basic",
    "bearer",
    "bot",
    "client",
    "dapi",
    "discogs",
    "genie-key",
    "geniekey",
    "globalkey",
    "jwt",
    "key",
    "negotiate",
    "ntlm",
    "oauth2",
    "private-token",
    "splunk",
    "sso-key",
    "ssws",
    "token",
    "vault",
]);

/// Schemes before a list of parameters.
static LISTS: Lexicon = Lexicon::of(&[
    "aws4-hmac-sha256",
    "digest",
    "hawk",
    "hmac",
    "mac",
    "oauth",
    "scram-sha-256",
    "signature",
]);

/// Cuts the proofs of `Digest username="bob", response="…"`; `false` where the value is no such list.
pub(super) fn parameters(look: &mut Look<'_, '_>, named: Named, found: Extent) -> bool {
    let (ahead, word) = scheme_at(look.bytes, found.start);
    let scheme = word.len();
    if named.sort != Sort::Secret || byte(ahead, scheme) != b' ' {
        return false;
    }
    // A scheme that nobody knows is a name in capitals, and no secret beside which something is said.
    let is_name = word.first().is_some_and(u8::is_ascii_uppercase)
        && word
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
    let known = LISTS.has_bytes(word) || is_name && begins_with_pair(look.bytes, found.start + scheme + 1);
    if !known {
        return false;
    }
    let end = if found.quoted {
        found.end
    } else {
        look.listed.line.end(look.bytes, found.start)
    };
    let text = look.text.get(..end).unwrap_or_default();
    let any = look.listed.read(text, found.start, look.hits);
    // `token: signature mismatch`
    let said = text.get(found.start + scheme + 1..).unwrap_or_default();
    if !any && is_verdict(said) {
        return false;
    }
    if !any {
        look.secret(found.start + scheme + 1, end, "header.parameter");
    }
    look.named = look.named.max(end);
    true
}

/// `mismatch`, `verification failed`: what is said of a signature.
fn is_verdict(said: &str) -> bool {
    static VERDICTS: Lexicon = Lexicon::of(&["error", "expired", "failed", "invalid", "mismatch", "missing"]);
    static OF_WHAT: Lexicon = Lexicon::of(&[
        "check",
        "does",
        "has",
        "is",
        "match",
        "not",
        "validation",
        "verification",
        "verify",
        "was",
    ]);
    let (before, last) = said.rsplit_once(' ').unwrap_or(("", said));
    let is_of_what = || before.split(' ').all(|word| OF_WHAT.has(word));
    VERDICTS.has(last) && (before.is_empty() || said.len() <= 48 && is_of_what())
}

/// The bytes from `start` on in which a scheme would end, and its name: letters, digits and dashes.
fn scheme_at(bytes: &[u8], start: usize) -> (&[u8], &[u8]) {
    let ahead = bytes.get(start..bytes.len().min(start + 24)).unwrap_or_default();
    static PARTS: Bytes = Bytes::alnum_and(b"-");
    let len = PARTS.run(ahead);
    (ahead, ahead.get(..len).unwrap_or_default())
}

/// `token="…"` behind a scheme: a name, `=` and a quotation mark.
fn begins_with_pair(bytes: &[u8], at: usize) -> bool {
    let ahead = bytes.get(at..bytes.len().min(at + 32)).unwrap_or_default();
    let name = ahead
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'_')
        .count();
    name > 1 && byte(ahead, name) == b'=' && matches!(byte(ahead, name + 1), b'"' | b'\\')
}

/// How long the word is that begins a secret's value at `start`, where it stands apart as the name of a scheme does.
#[inline]
pub(super) fn scheme(bytes: &[u8], named: Named, start: usize) -> Option<usize> {
    if named.sort != Sort::Secret {
        return None;
    }
    let (ahead, word) = scheme_at(bytes, start);
    let apart = match byte(ahead, word.len()) {
        b' ' | b'+' => true,
        b'%' => ahead.get(word.len()..word.len() + 3) == Some(b"%20"),
        _ => false,
    };
    apart.then_some(word.len())
}

/// The credential within a value: what stands behind the name of its scheme, which is so long.
/// `run` is what is known of such values.
pub(super) fn credential(bytes: &[u8], run: &mut bare::Run, scheme: Option<usize>, found: Extent) -> Extent {
    let behind = |scheme: &usize| !found.quoted || found.start + scheme < found.end;
    let Some(scheme) = scheme.filter(behind) else {
        return found;
    };
    let word = bytes.get(found.start..found.start + scheme).unwrap_or_default();
    if !SCHEMES.has_bytes(word) {
        return found;
    }
    let gap = if byte(bytes, found.start + scheme) == b'%' {
        3
    } else {
        1
    };
    let start = value::skip_space(bytes, found.start + scheme + gap, false);
    let end = if found.quoted {
        found.end
    } else {
        start + run.len(bytes, start)
    };
    Extent { start, end, ..found }
}

/// `ms=3248`, `mfa=totp`: the next pair of a line, whatever the word before it is.
fn is_pair(bytes: &[u8], at: usize) -> bool {
    let name = run(bytes, at, 24, |byte| byte.is_ascii_lowercase() || byte == b'_');
    let start = at + name + 1;
    let letters = run(bytes, start, 8, |byte| byte.is_ascii_lowercase());
    let digits = run(bytes, start, 8, |byte| byte.is_ascii_digit());
    let is_plain =
        matches!(letters.max(digits), 1..8) && matches!(byte(bytes, start + letters.max(digits)), 0..=b' ');
    (2..24).contains(&name) && byte(bytes, at + name) == b'=' && is_plain
}

/// As [`credential`], also behind a scheme that nobody knows, where the name is that of the header itself: a word, and what
/// looks like a key or an id.
pub(super) fn behind_scheme(
    look: &mut Look<'_, '_>,
    site: Site,
    scheme: Option<usize>,
    found: Extent,
) -> Extent {
    let bytes = look.bytes;
    // What follows the colon of a header is its credential, whatever it looks like.
    let is_next = |len: usize| is_pair(bytes, value::skip_space(bytes, found.start + len + 1, false));
    if site.joint == Joint::Assigned && !found.quoted && scheme.is_some_and(is_next) {
        return found;
    }
    let known = credential(bytes, &mut look.credential, scheme, found);
    // In marks all of it is the value.
    let is_bare = known.start == found.start && !found.quoted;
    let Some(len) = scheme.filter(|len| is_bare && (3..=24).contains(len)) else {
        return known;
    };
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let end = name.get(name.len().saturating_sub(13)..).unwrap_or_default();
    if !end.eq_ignore_ascii_case(b"authorization") || byte(bytes, found.start + len) != b' ' {
        return known;
    }
    let word = bytes.get(found.start..found.start + len).unwrap_or_default();
    let is_word = word
        .iter()
        .all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
        && std::str::from_utf8(word).is_ok_and(|word| !is_word_about(word));
    if !is_word {
        return known;
    }
    let start = value::skip_space(bytes, found.start + len, false);
    let end = start + bare::len(bytes, start, false);
    let value = bytes.get(start..end).unwrap_or_default();
    let value = std::str::from_utf8(value).unwrap_or_default();
    let is_key = is_opaque(value) && value.bytes().any(|byte| byte.is_ascii_digit())
        || super::mark::end(bytes, start).is_some();
    match is_key {
        true => Extent { start, end, ..found },
        false => known,
    }
}

/// Whether a name is that of the cookies of a request or a response.
#[inline]
pub(super) fn is_cookie(name: &[u8]) -> bool {
    matches!(name.last(), Some(b'e' | b'E' | b'2' | b's' | b'S')) && ends_in_cookie(name)
}

fn ends_in_cookie(name: &[u8]) -> bool {
    let ends = |byte: &u8| !matches!(byte, b'2' | b's' | b'S');
    let name = name
        .get(..name.iter().rposition(ends).map_or(0, |last| last + 1))
        .unwrap_or_default();
    let end = name.get(name.len().saturating_sub(6)..).unwrap_or_default();
    end.eq_ignore_ascii_case(b"cookie")
}

/// Whether the name is that of the header itself, whatever its value: not `session_cookie`.
pub(super) fn is_header(name: &[u8]) -> bool {
    ["cookie", "cookies", "set-cookie", "set_cookie", "setcookie"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether the value at `at` begins with a pair as cookies are: `name=value`.
pub(super) fn holds_cookies(bytes: &[u8], at: usize) -> bool {
    let mut at = value::skip_space(bytes, at, false);
    while matches!(byte(bytes, at), b'\\' | b'"' | b'\'' | b'[' | b'(') {
        at += 1;
    }
    let ahead = bytes.get(at..bytes.len().min(at + 96)).unwrap_or_default();
    let name = ahead
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(**byte, b'_' | b'-' | b'.'))
        .count();
    name > 0 && byte(ahead, name) == b'=' && byte(ahead, name + 1).is_ascii_alphanumeric()
}

/// The most cookies of one header that are looked at.
const COOKIES: usize = 128;

/// The longest header of cookies, in bytes.
const HEADER: usize = 8192;

/// Cuts each cookie at `at` that is a secret: `theme=dark; sid=…`.
pub(super) fn cookies(look: &mut Look<'_, '_>, at: usize) {
    let at = value::skip_space(look.bytes, at, false);
    let at = value::unwrap(look.bytes, at);
    let mut at = at;
    while matches!(byte(look.bytes, at), b'\\' | b'"' | b'\'' | b'[' | b'(') {
        at += 1;
    }
    let ahead = look
        .bytes
        .get(at..look.bytes.len().min(at + HEADER))
        .unwrap_or_default();
    let end = ahead
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\n' | b'\r' | b'\\' | b'\'' | b'`'))
        .unwrap_or(ahead.len());
    let end = at + end;
    let text = look.text.get(at..end).unwrap_or_default();
    let mut start = at;
    let pairs = text.split(';').filter(|pair| pair.contains('=')).count();
    for pair in text.split(';').take(COOKIES) {
        let len = pair.len();
        if let Some((name, secret)) = pair.split_once('=') {
            let from = start + name.len() + 1;
            // A bare header in a longer line: its last cookie ends with its word.
            let secret = secret.split([' ', ',', ')', '}', ']']).next().unwrap_or_default();
            if is_secret_cookie(name.trim(), secret) {
                look.secret(from, from + secret.len(), "cookie");
            }
        } else if pairs == 0 && is_opaque(pair.trim()) {
            let from = start + (len - pair.trim_start().len());
            look.secret(from, from + pair.trim().len(), "cookie");
        }
        start += len + 1;
    }
    look.named = look.named.max(end);
}

/// Whether a cookie's name or value makes it one that opens a session.
pub(super) fn is_secret_cookie(name: &str, value: &str) -> bool {
    const ATTRIBUTES: &[&str] = &[
        "path", "domain", "max-age", "expires", "samesite", "priority", "version", "comment",
    ];
    let harmless = ATTRIBUTES.iter().any(|known| name.eq_ignore_ascii_case(known));
    if harmless || is_nothing(value) || super::mark::is_in(name.as_bytes()) {
        return false;
    }
    match words::named(name) {
        Some(named) if named.sort == Sort::Secret && named.force == Force::Certain => value.len() >= 4,
        Some(named) if named.sort == Sort::Secret => value.len() >= 6,
        _ => is_opaque(value) && !is_analytics(name),
    }
}

/// Cookies of counters and consent tools: long, and no one's secret.
fn is_analytics(name: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "_ga",
        "_gid",
        "_gcl",
        "_fbp",
        "__utm",
        "_hj",
        "OptanonConsent",
        "amplitude",
    ];
    BEGINNINGS.iter().any(|begin| name.starts_with(begin))
}
