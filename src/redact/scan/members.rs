//! Members of an object that stands where a secret's value would: `"password":{"S":"…"}`, `tokens: {"a":"…"}`.

use super::alphabet::byte;
use super::hits::Sort;
use super::joint::Site;
use super::keyval;
use super::look::Look;
use super::plausible::is_random;
use super::value;
use crate::redact::words::{self, Force, Named};

/// The most members of an object that are looked at.
const MEMBERS: usize = 64;

/// Names of a member that say nothing but that it is the value.
const VALUES: [&str; 14] = [
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

/// Cuts the members that are secrets of the object that opens at `open`; `false` where there is none.
pub(super) fn secrets(look: &mut Look<'_, '_>, named: Named, site: Site, open: usize) -> bool {
    if named.sort != Sort::Secret || named.force != Force::Certain {
        return false;
    }
    let before = look.named;
    let mut any = false;
    let mut at = value::skip_space(look.bytes, open + 1, true);
    for _ in 0..MEMBERS {
        if !matches!(byte(look.bytes, at), b'"' | b'\\') {
            break;
        }
        let Some(key) = value::in_marks(look.bytes, at) else {
            break;
        };
        let colon = behind(look.bytes, key.end);
        let start = value::skip_space(look.bytes, colon + 1, true);
        if byte(look.bytes, colon) != b':' || matches!(byte(look.bytes, start), b'{' | b'[') {
            break;
        }
        let found = value::in_marks(look.bytes, start).or_else(|| value::extent(look.bytes, start, false));
        let Some(found) = found else {
            break;
        };
        let name = look.text.get(key.start..key.end).unwrap_or_default();
        let text = look.text.get(found.start..found.end).unwrap_or_default();
        if found.quoted && is_secret(named, name, text) {
            any |= keyval::cut(look, named, site, found);
        }
        at = behind(look.bytes, found.end);
        if byte(look.bytes, at) != b',' {
            break;
        }
        at = value::skip_space(look.bytes, at + 1, true);
    }
    // Members that are none of these may have names of their own.
    look.named = before;
    any
}

/// Whether a member is the secret, or one of several.
fn is_secret(named: Named, name: &str, text: &str) -> bool {
    const BESIDE: [&str; 5] = ["user", "username", "login", "account", "tenant"];
    VALUES.contains(&name)
        || named.plural
            && text.len() >= 8
            && is_random(text)
            && !is_place(text)
            && !words::tells_about(name)
            && !BESIDE.iter().any(|beside| name.eq_ignore_ascii_case(beside))
}

/// `projects/acme/secrets/db/versions/3`: where a secret is kept.
fn is_place(text: &str) -> bool {
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
