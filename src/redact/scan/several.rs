//! Names that more than one value stands behind: lists with and without marks, the old value and the new one, a user and
//! a password.

use super::alphabet::byte;
use super::header;
use super::joint::Site;
use super::keyval::cut;
use super::look::Look;
use super::mark;
use super::plausible::{Joint, is_unlike_a_word};
use super::value::{self, Extent};
use crate::redact::words::{Force, Named};

/// The most elements of a list that are looked at.
const ELEMENTS: usize = 64;

/// The longest list without marks, in bytes.
const LONGEST: usize = 1024;

/// `["a", "b"]`: each element is a value.
pub(super) fn list(look: &mut Look<'_, '_>, named: Named, site: Site, first: usize) {
    let mut at = first;
    for _ in 0..ELEMENTS {
        let Some(found) = value::extent(look.bytes, at, false).filter(|found| found.quoted) else {
            return;
        };
        let scheme = header::scheme(look.bytes, named, found.start);
        cut(look, named, site, header::credential(look.bytes, scheme, found));
        at = behind(look.bytes, found.end);
        if byte(look.bytes, at) != b',' {
            return;
        }
        at = value::skip_space(look.bytes, at + 1, true);
    }
}

/// What stands behind the marks that close a value, and behind white space.
fn behind(bytes: &[u8], mut at: usize) -> usize {
    while matches!(byte(bytes, at), b'\\' | b'"' | b'\'') {
        at += 1;
    }
    value::skip_space(bytes, at, true)
}

/// `password=[a8Kq29]`, `map[X-Api-Key:[a8Kq29]]`, `passwords=[a8Kq29, b7Lm31]`: what stands between the brackets of which
/// the first is at `open`, as maps of many values are printed without marks.
pub(super) fn bracketed(look: &mut Look<'_, '_>, named: Named, site: Site, open: usize) {
    let start = open + 1;
    let inner = look
        .bytes
        .get(start..look.bytes.len().min(start + LONGEST))
        .unwrap_or_default();
    let is_list = byte(look.bytes, open) == b'[' && mark::end(look.bytes, open).is_none();
    let Some(close) = memchr::memchr2(b']', b'\n', inner).filter(|at| is_list && byte(inner, *at) == b']')
    else {
        return;
    };
    let inner = inner.get(..close).unwrap_or_default();
    if memchr::memchr3(b'[', b'{', b'"', inner).is_some() {
        return;
    }
    let Some(text) = look.text.get(start..start + close) else {
        return;
    };
    let many = text.contains(',');
    let mut from = start;
    for element in text.split(',').take(ELEMENTS) {
        let lead = element.len() - element.trim_start().len();
        let found = Extent {
            start: from + lead,
            end: from + lead + element.trim().len(),
            quoted: true,
        };
        from += element.len() + 1;
        let scheme = header::scheme(look.bytes, named, found.start);
        let credential = header::behind_scheme(look.bytes, site, scheme, found);
        let value = look
            .text
            .get(credential.start..credential.end)
            .unwrap_or_default();
        if credential.start > found.start || is_element(named, site, value, many) {
            cut(look, named, site, credential);
        }
    }
}

/// Whether what stands in brackets without marks can be the secret: a level or a thread is written in brackets as well.
fn is_element(named: Named, site: Site, value: &str, many: bool) -> bool {
    let bytes = value.as_bytes();
    let digit = bytes.iter().any(u8::is_ascii_digit);
    let letter = bytes.iter().any(u8::is_ascii_alphabetic);
    if bytes.contains(&b' ') || !letter && (site.marked || site.joint != Joint::Assigned) {
        return false;
    }
    if many {
        return digit && letter && bytes.len() >= 6;
    }
    match site.joint {
        Joint::Assigned => named.short || is_unlike_a_word(value),
        _ => digit && bytes.len() >= 6 && is_unlike_a_word(value),
    }
}

/// `"old" -> "new"`: what a value is changed to stands behind it.
pub(super) fn changed(look: &mut Look<'_, '_>, named: Named, site: Site, found: Extent) {
    if named.force != Force::Certain || site.parameter {
        return;
    }
    let mut at = found.end;
    while matches!(byte(look.bytes, at), b'\\' | b'"' | b'\'') {
        at += 1;
    }
    if byte(look.bytes, at) != b' ' {
        return;
    }
    let arrow = value::skip_space(look.bytes, at, false);
    if !matches!(
        (byte(look.bytes, arrow), byte(look.bytes, arrow + 1)),
        (b'-' | b'=', b'>')
    ) {
        return;
    }
    let start = value::skip_space(look.bytes, arrow + 2, false);
    // Beside a text in marks what follows is one as well.
    let new = value::in_marks(look.bytes, start).or_else(|| {
        let bare = value::extent(look.bytes, start, false);
        bare.filter(|_| !found.quoted)
    });
    if let Some(new) = new.filter(|new| new.end > new.start) {
        cut(look, named, site, new);
    }
}

/// `HTTPBasicAuth('bob', '…')`, `auth=("bob", "…")`: the second of two is the password; `false` where there are no two.
pub(super) fn login(look: &mut Look<'_, '_>, named: Named, site: Site, at: usize) -> bool {
    let name = look.bytes.get(site.from..site.to).unwrap_or_default();
    let end = name.get(name.len().saturating_sub(4)..).unwrap_or_default();
    if !end.eq_ignore_ascii_case(b"auth") {
        return false;
    }
    let is_open = matches!(byte(look.bytes, at), b'(' | b'[');
    let first = value::skip_space(look.bytes, at + usize::from(is_open), true);
    let Some(user) = value::in_marks(look.bytes, first) else {
        return false;
    };
    let comma = behind(look.bytes, user.end);
    let is_long = user.end - user.start > 128 || user.end == user.start;
    if is_long || byte(look.bytes, comma) != b',' {
        return false;
    }
    let second = value::skip_space(look.bytes, comma + 1, true);
    let password = value::extent(look.bytes, second, false).filter(|found| found.quoted);
    let Some(password) = password else {
        return false;
    };
    let close = behind(look.bytes, password.end);
    if !matches!(byte(look.bytes, close), b')' | b']') {
        return false;
    }
    let named = Named {
        force: Force::Certain,
        short: true,
        ..named
    };
    cut(look, named, site, password)
}
