//! What headers hold: a credential behind its scheme, and cookies one by one.

use std::ops::Range;

use super::about::{is_nothing, is_word_about};
use super::alphabet::{Bytes, byte};
use super::bare;
use super::bytes::before;
use super::hits::Hits;
use super::joint::Site;
use super::lexicon::Lexicon;
use super::look::Look;
use super::plausible::is_opaque;
use super::traits;
use super::value::{self, Extent};
use crate::memory;
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

/// Parameters of [`LISTS`] that prove who someone is.
static PROOFS: Lexicon = Lexicon::of(&[
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "credential",
    "hash",
    "key",
    "mac",
    "oauth_signature",
    "oauth_token",
    "password",
    "proof",
    "response",
    "secret",
    "signature",
    "token",
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
        line_end(look.bytes, found.start)
    };
    let text = look.text.get(..end).unwrap_or_default();
    let any = look.listed.read(text, found.start, look.hits);
    // `token: signature mismatch`
    let said = text.get(found.start + scheme + 1..).unwrap_or_default();
    if !any && matches!(said, "error" | "expired" | "invalid" | "mismatch" | "missing") {
        return false;
    }
    if !any {
        look.secret(found.start + scheme + 1, end, "header.parameter");
    }
    look.named = look.named.max(end);
    true
}

/// The parameters that were read last, where one list is asked for at several of its places.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// All that begin between these two places were read.
    from: usize,
    to: usize,
    /// Where each of them begins that is a proof, and the place of what is to be cut of it; nothing stands there where it
    /// is no secret.
    proofs: Vec<(usize, Range<usize>)>,
}

impl Listed {
    /// Pushes the proofs of the list from `start` to the text's end; whether there is one.
    fn read(&mut self, text: &str, start: usize, hits: &mut Hits) -> bool {
        let (mut from, read) = self.behind(text.as_bytes(), start);
        if from == start {
            (self.from, self.to) = (from, from);
            self.proofs.clear();
        }
        // Those that are known are pushed again. Nothing more is cut by it; but which of two rules names what both have
        // would be another one.
        let first = self.proofs.partition_point(|(begin, _)| *begin < start);
        let known = self.proofs.get(first..).unwrap_or_default();
        known.iter().for_each(|(_, place)| push(hits, place));
        let mut any = !known.is_empty();
        for pair in apart(text.get(from..).unwrap_or_default()).take(COOKIES - read) {
            let behind = from + pair.len() + 1;
            // One that nothing stands behind may go on.
            let is_whole = behind <= text.len();
            if let Some((name, value)) = named_so(pair) {
                let place = place_of(from + name.len() + 1, value);
                push(hits, &place);
                any = true;
                if is_whole {
                    memory::push(&mut self.proofs, (from, place));
                }
            }
            if is_whole {
                self.to = behind;
            }
            from = behind;
        }
        any
    }

    /// Where the list from `start` to the text's end is read on, and how many of its parameters stand before that.
    fn behind(&self, text: &[u8], start: usize) -> (usize, usize) {
        let is_gap = |byte: u8| matches!(byte, b',' | b' ' | b';');
        let is_known = (self.from..self.to).contains(&start) && self.to <= text.len();
        if !is_known || !is_gap(before(text, start, 1)) {
            return (start, 0);
        }
        let gaps = text.get(start..self.to).unwrap_or_default().iter();
        let read = gaps.filter(|byte| is_gap(**byte)).count();
        if read < COOKIES {
            (self.to, read)
        } else {
            (start, 0)
        }
    }
}

/// The place of a proof's value that stands at `at`, without its marks; an empty one where it is no secret.
fn place_of(at: usize, value: &str) -> Range<usize> {
    let lead = value.len() - value.trim_start_matches(['"', '\\', '\'']).len();
    let value = value.trim_matches(['"', '\\', '\'']);
    let len = if is_nothing(value) { 0 } else { value.len() };
    at + lead..at + lead + len
}

fn push(hits: &mut Hits, place: &Range<usize>) {
    hits.push(place.start, place.end, "header.parameter", Sort::Secret);
}

/// The parameters of [`LISTS`].
fn apart(text: &str) -> impl Iterator<Item = &str> {
    static GAPS: Bytes = Bytes::of(b", ;");
    let mut left = Some(text);
    std::iter::from_fn(move || {
        let text = left?;
        let len = text.bytes().position(|byte| GAPS.has(byte));
        left = len.and_then(|len| text.get(len + 1..));
        text.get(..len.unwrap_or(text.len()))
    })
}

/// The name and the value of a parameter, if its name is one of the [`PROOFS`].
fn named_so(pair: &str) -> Option<(&str, &str)> {
    let sign = memchr::memchr(b'=', pair.as_bytes())?;
    let (name, value) = (pair.get(..sign)?, pair.get(sign + 1..)?);
    PROOFS.has(traits::trimmed(name)).then_some((name, value))
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

/// As [`credential`], also behind a scheme that nobody knows, where the name is that of the header itself: a word, and what
/// looks like a key or an id.
pub(super) fn behind_scheme(
    look: &mut Look<'_, '_>,
    site: Site,
    scheme: Option<usize>,
    found: Extent,
) -> Extent {
    let bytes = look.bytes;
    let known = credential(bytes, &mut look.credential, scheme, found);
    // In marks all of it is the value.
    let is_bare = known.start == found.start && !found.quoted;
    let Some(len) = scheme.filter(|len| is_bare && (3..=24).contains(len)) else {
        return known;
    };
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let end = name.get(name.len().saturating_sub(13)..).unwrap_or_default();
    let word = bytes.get(found.start..found.start + len).unwrap_or_default();
    let is_word = word
        .iter()
        .all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
        && std::str::from_utf8(word).is_ok_and(|word| !is_word_about(word));
    if !end.eq_ignore_ascii_case(b"authorization") || !is_word || byte(bytes, found.start + len) != b' ' {
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

fn line_end(bytes: &[u8], at: usize) -> usize {
    let ahead = bytes.get(at..bytes.len().min(at + 2048)).unwrap_or_default();
    let mut ends = memchr::memchr3_iter(b'\n', b'\r', b'\\', ahead);
    let end = ends.find(|&at| byte(ahead, at) != b'\\' || byte(ahead, at + 1) != b'"');
    at + end.unwrap_or(ahead.len())
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_says_the_same_at_each_of_its_places_whatever_was_read_before(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["key=", "mac=1", "a=b", "response=\"x\"", ",", " ", ";", ", ", "=", "x", "é", ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"]),
                0..40,
            ),
            lists in prop::collection::vec((0..60_usize, 0..300_usize), 1..20),
        ) {
            let text = pieces.concat();
            let mut listed = Listed::default();
            let (mut told, mut wanted) = (Hits::default(), Hits::default());
            let mut start = 0;
            for (step, len) in lists {
                start = (start + step) % (text.len() + 1);
                let end = text.len().min(start + len);
                let Some(whole) = text.get(..end).filter(|_| text.is_char_boundary(start)) else { continue };
                let any = listed.read(whole, start, &mut told);
                let afresh = Listed::default().read(whole, start, &mut wanted);
                prop_assert_eq!(any, afresh, "{}..{} of {}", start, end, text);
            }
            prop_assert_eq!(told.list(), wanted.list(), "{}", text);
        }
    }
}
