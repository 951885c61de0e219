//! Members of an object that stands where a secret's value would: `"password":{"S":"…"}`, `tokens: {"a":"…"}`.

use super::alphabet::byte;
use super::bytes::run;
use super::hits::Sort;
use super::joint::Site;
use super::keyval;
use super::lexicon::Lexicon;
use super::look::Look;
use super::mark;
use super::plausible::is_random;
use super::value::{self, Extent};
use crate::redact::words::{self, Force, Named};

/// The most members of an object that are looked at.
const MEMBERS: usize = 64;

/// Names of a member that say nothing but that it is the value.
const VALUES: [&str; 18] = [
    "old",
    "new",
    "current",
    "previous",
    "value",
    "secret",
    "raw",
    "plaintext",
    "val",
    "inner",
    "S",
    "B",
    "string",
    "String",
    "stringValue",
    "$value",
    "#text",
    "$",
];

/// The longest name of a type, in bytes.
const TYPE: usize = 48;

/// `{`, `[{`, `credentials: Credentials {`: where the first object opens that stands at `at`.
pub(super) fn opens(bytes: &[u8], site: Site, at: usize) -> Option<usize> {
    let first = byte(bytes, at);
    if first == b'{' {
        return Some(at);
    }
    let brace = if first == b'[' {
        value::skip_space(bytes, at + 1, true)
    } else if first.is_ascii_uppercase() {
        let name = bytes.get(site.from..site.to).unwrap_or_default();
        let len = run(bytes, at, TYPE, |byte| byte.is_ascii_alphabetic());
        // Any other word may be the value: `password=Hunter {…`.
        let is_named = bytes.get(at..at + len)?.eq_ignore_ascii_case(name);
        is_named.then_some(at + 1 + len)?
    } else {
        return None;
    };
    let is_type = first == b'[' || byte(bytes, brace - 1) == b' ';
    (is_type && byte(bytes, brace) == b'{').then_some(brace)
}

/// Cuts the members that are secrets of the object that opens at `open`; `false` where there is none.
pub(super) fn secrets(look: &mut Look<'_, '_>, named: Named, site: Site, open: usize) -> bool {
    if named.sort != Sort::Secret || named.force != Force::Certain {
        return false;
    }
    // A package may be called after tokens: `node_modules/js-tokens`.
    let head = look.bytes.get(..site.from).unwrap_or_default();
    if head.ends_with(b"node_modules/") {
        return false;
    }
    let before = look.named;
    let mut any = false;
    let mut at = value::skip_space(look.bytes, open + 1, true);
    for _ in 0..MEMBERS {
        let Some(key) = key(look.bytes, at) else {
            break;
        };
        let colon = behind(look.bytes, key.end);
        let start = value::skip_space(look.bytes, colon + 1, true);
        if byte(look.bytes, colon) != b':' || matches!(byte(look.bytes, start), b'{' | b'[') {
            break;
        }
        let found = value::in_marks(look.bytes, start).or_else(|| bare(look.bytes, start));
        let Some(found) = found else {
            break;
        };
        let name = look.text.get(key.start..key.end).unwrap_or_default();
        let text = look.text.get(found.start..found.end).unwrap_or_default();
        if found.quoted && is_secret(named, name, text) {
            // What was cut before counts as well.
            any |= keyval::cut(look, named, site, found) || mark::end(look.bytes, found.start).is_some();
        }
        at = behind(look.bytes, found.end);
        if byte(look.bytes, at) == b'}' {
            // Perhaps of a list, which goes on with the next.
            at = value::skip_space(look.bytes, at + 1, true);
            let next = value::skip_space(look.bytes, at + 1, true);
            if byte(look.bytes, at) != b',' || byte(look.bytes, next) != b'{' {
                break;
            }
            at = next;
        } else if byte(look.bytes, at) != b',' {
            break;
        }
        at = value::skip_space(look.bytes, at + 1, true);
    }
    // Members that are none of these may have names of their own.
    look.named = before;
    any
}

/// The longest value without marks, or in a wrapper, in bytes.
const BARE: usize = 192;

/// A value without marks, or in a wrapper, whose end is near.
fn bare(bytes: &[u8], start: usize) -> Option<Extent> {
    let near = bytes.get(..bytes.len().min(start + BARE))?;
    let found = value::extent(near, start, false)?;
    (found.end < near.len() || near.len() == bytes.len()).then_some(found)
}

/// The name of a member at `at`: in marks, or as `Debug` prints it.
fn key(bytes: &[u8], at: usize) -> Option<Extent> {
    if matches!(byte(bytes, at), b'"' | b'\\') {
        return value::in_marks(bytes, at);
    }
    let len = run(bytes, at, TYPE, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'_'
    });
    (len > 0 && byte(bytes, at + len) == b':').then_some(Extent {
        start: at,
        end: at + len,
        quoted: false,
    })
}

/// Names of a member that is not one of several secrets, whatever it holds: who has them, what is counted, and sums.
static BESIDE: Lexicon = Lexicon::of(&[
    "account",
    "checksum",
    "commit",
    "digest",
    "encoding",
    "etag",
    "fingerprint",
    "login",
    "model",
    "revision",
    "sha",
    "tenant",
    "tokenizer",
    "user",
    "username",
]);

/// Names of a member that says where the others belong, if it is made of words.
static WHERE: Lexicon = Lexicon::of(&[
    "app",
    "application",
    "backend",
    "bucket",
    "client",
    "cluster",
    "engine",
    "env",
    "environment",
    "host",
    "image",
    "instance",
    "kind",
    "namespace",
    "org",
    "organization",
    "owner",
    "plan",
    "project",
    "provider",
    "region",
    "role",
    "scope",
    "service",
    "source",
    "stage",
    "store",
    "tag",
    "team",
    "tier",
    "type",
    "vault",
    "zone",
]);

/// Whether a member is the secret, or one of several.
pub(super) fn is_secret(named: Named, name: &str, text: &str) -> bool {
    VALUES.contains(&name)
        || named.plural
            && text.len() >= 8
            && is_random(text)
            && !is_place(text)
            && !words::tells_about(name)
            && !BESIDE.has(name)
            && !(WHERE.has(name) && are_words(text))
}

/// `acme-prod-1`: words with a few digits behind them.
fn are_words(text: &str) -> bool {
    text.split(['-', '_', '.']).all(|part| {
        let digits = part.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
        digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// `projects/acme/secrets/db/versions/3`: where a secret is kept.
pub(super) fn is_place(text: &str) -> bool {
    let word = |part: &str| part.len() >= 4 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    text.split('/').count() >= 3 && text.split('/').any(word)
}

/// What stands behind the marks that close a text, and behind white space.
fn behind(bytes: &[u8], mut at: usize) -> usize {
    while matches!(byte(bytes, at), b'\\' | b'"') {
        at += 1;
    }
    value::skip_space(bytes, at, true)
}
