//! Names that more than one value stands behind: lists with and without marks, the old value and the new one, a user and
//! a password.

use super::about::is_nothing;
use super::alphabet::byte;
use super::bytes::run;
use super::header;
use super::joint::Site;
use super::keyval::cut;
use super::look::Look;
use super::mark;
use super::members;
use super::plausible::{Joint, is_unlike_a_word};
use super::reference;
use super::value::{self, Extent};
use crate::redact::words::{Force, Named};

/// The most elements of a list that are looked at.
const ELEMENTS: usize = 64;

/// The longest list without marks, in bytes.
const LONGEST: usize = 1024;

/// Whether more than one value stands at `at`: those are cut.
pub(super) fn are_several(look: &mut Look<'_, '_>, named: Named, site: Site, at: usize) -> bool {
    let brace = members::opens(look.bytes, site, at);
    if brace.is_some_and(|brace| members::secrets(look, named, site, brace)) {
        return true;
    }
    if let Some(first) = opens(look.bytes, at) {
        list(look, named, site, first);
        return true;
    }
    are_pairs(look, at) || login(look, named, site, at)
}

/// `["a"`, `[]string{"a"`: where the first text of a list begins.
fn opens(bytes: &[u8], at: usize) -> Option<usize> {
    const TYPED: &[u8] = b"[]string{";
    if byte(bytes, at) != b'[' {
        return None;
    }
    let is_typed = bytes.get(at..at + TYPED.len()) == Some(TYPED);
    let open = if is_typed { at + TYPED.len() } else { at + 1 };
    let first = value::skip_space(bytes, open, true);
    let mark = first + run(bytes, first, 64, |byte| byte == b'\\');
    matches!(byte(bytes, mark), b'"' | b'\'').then_some(first)
}

/// `(KEY_ID='…' SECRET_KEY='…')`: whether a list of pairs opens at `at` of which one is a secret. The names in it are looked
/// at by themselves.
fn are_pairs(look: &Look<'_, '_>, at: usize) -> bool {
    if byte(look.bytes, at) != b'(' || !value::assigns(look.bytes, at + 1) {
        return false;
    }
    let near = look.bytes.get(at + 1..look.bytes.len().min(at + 1 + GROUP));
    let near = near.unwrap_or_default();
    // No further than where another may open: then nothing is read twice.
    let end = memchr::memchr3(b')', b'(', b'\n', near).unwrap_or(near.len());
    let end = super::cut::floor(look.text, at + 1 + end);
    let pairs = look.text.get(at + 1..end);
    pairs.is_some_and(super::pairs::has_secret)
}

/// The longest list of pairs in parentheses, in bytes.
const GROUP: usize = 256;

/// `["a", "b"]`: each element is a value.
fn list(look: &mut Look<'_, '_>, named: Named, site: Site, first: usize) {
    let before = look.named;
    let mut all = true;
    let mut at = first;
    for _ in 0..ELEMENTS {
        let Some(found) = value::extent(look.bytes, at, false).filter(|found| found.quoted) else {
            break;
        };
        let scheme = header::scheme(look.bytes, named, found.start);
        let found = header::credential(look.bytes, &mut look.credential, scheme, found);
        all &= cut(look, named, site, found);
        at = behind(look.bytes, found.end);
        if byte(look.bytes, at) != b',' {
            break;
        }
        at = value::skip_space(look.bytes, at + 1, true);
    }
    if !all {
        // What was not cut may hold names of its own.
        look.named = before;
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
    // Behind a sign and a space stands what a line of a log begins with: `token: [worker-12] …`.
    let is_apart = site.joint == Joint::Colon && open > site.at;
    let is_list = byte(look.bytes, open) == b'[' && !is_apart && mark::end(look.bytes, open).is_none();
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
        let credential = header::behind_scheme(look, site, scheme, found);
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
    // `[PROTECTED]`
    let is_label = bytes.iter().all(u8::is_ascii_uppercase);
    if bytes.contains(&b' ') || is_label || !letter && (site.marked || site.joint != Joint::Assigned) {
        return false;
    }
    if many {
        return digit && letter && bytes.len() >= 6;
    }
    match site.joint {
        Joint::Assigned => named.short || digit && is_unlike_a_word(value),
        _ => digit && bytes.len() >= 6 && is_unlike_a_word(value),
    }
}

/// `"old" -> "new"`: what a value is changed to stands behind it.
pub(super) fn changed(look: &mut Look<'_, '_>, named: Named, site: Site, found: Extent) {
    if named.force != Force::Certain || site.parameter {
        return;
    }
    // Many values may end at the same marks.
    let is_mark = |byte: &u8| matches!(byte, b'\\' | b'"' | b'\'');
    let behind = |ahead: &[u8]| ahead.iter().position(|byte| !is_mark(byte));
    let old = match byte(look.bytes, found.start) {
        b'(' | b'*' if !found.quoted => note(look.bytes, found),
        _ => found,
    };
    let place = (old.end, look.bytes.len());
    let at = match look.bytes.get(old.end).is_some_and(is_mark) {
        true => look.behind.next(look.bytes, place, 1, behind).unwrap_or(place.1),
        false => old.end,
    };
    if byte(look.bytes, at) != b' ' {
        return;
    }
    let arrow = value::skip_space(look.bytes, at, false);
    let start = match (byte(look.bytes, arrow), byte(look.bytes, arrow + 1)) {
        (b'-' | b'=', b'>') => value::skip_space(look.bytes, arrow + 2, false),
        _ => return,
    };
    let text = look.bytes.get(old.start..old.end).unwrap_or_default();
    if super::joint::closes(look.bytes, site.from, start) {
        return;
    }
    // Behind any other word the arrow may say what came of it all: `password=… -> 401`.
    let new = value::in_marks(look.bytes, start).filter(|_| old.quoted || text == b"null");
    if let Some(new) = new.filter(|new| new.end > new.start && (found.quoted || !is_status(look.bytes, *new)))
    {
        cut(look, named, site, new);
    }
}

/// `"302 Found"`: what a server answered.
fn is_status(bytes: &[u8], found: Extent) -> bool {
    const STATUS: [&[u8]; 16] = [
        b"200 OK",
        b"201 Created",
        b"202 Accepted",
        b"204 No Content",
        b"302 Found",
        b"303 See Other",
        b"400 Bad Request",
        b"401 Unauthorized",
        b"403 Forbidden",
        b"404 Not Found",
        b"409 Conflict",
        b"422 Unprocessable Entity",
        b"429 Too Many Requests",
        b"500 Internal Server Error",
        b"502 Bad Gateway",
        b"503 Service Unavailable",
    ];
    let text = bytes.get(found.start..found.end).unwrap_or_default();
    STATUS.contains(&text)
}

/// `(sensitive value) -> …`, `*** -> …`: what is said in the place of the old value, as if in marks. In a program, an arrow
/// behind a name in brackets begins a function.
fn note(bytes: &[u8], found: Extent) -> Extent {
    const NOTES: [&[u8]; 6] = [
        b"(sensitive)",
        b"(sensitive value)",
        b"(hidden)",
        b"(redacted)",
        b"(masked)",
        b"(known after apply)",
    ];
    let rest = bytes.get(found.start..).unwrap_or_default();
    let len = match byte(rest, 0) {
        b'(' => NOTES
            .iter()
            .find(|note| rest.starts_with(note))
            .map(|note| note.len()),
        b'*' => Some(run(rest, 0, 32, |byte| byte == b'*')).filter(|len| *len > 2),
        _ => None,
    };
    let end = len.map(|len| found.start + len).filter(|end| *end >= found.end);
    match end {
        Some(end) => Extent {
            end,
            quoted: true,
            ..found
        },
        None => found,
    }
}

/// The longest name of a user, in bytes.
const USER: usize = 128;

/// `HTTPBasicAuth('bob', '…')`, `auth=("bob", "…")`: the second of two is the password; `false` where there are no two.
fn login(look: &mut Look<'_, '_>, named: Named, site: Site, at: usize) -> bool {
    let name = look.bytes.get(site.from..site.to).unwrap_or_default();
    if name == b"AUTH"
        && byte(look.bytes, site.to) == b'"'
        && at == site.to + 2
        && byte(look.bytes, at) == b'"'
    {
        return command(look, named, site, at);
    }
    let is_open = byte(look.bytes, at) == b'(' && name == b"auth";
    let is_call = byte(look.bytes, site.to) == b'(' && (name == b"HTTPBasicAuth" || name == b"BasicAuth");
    if !is_open && !is_call {
        return false;
    }
    let first = value::skip_space(look.bytes, at + usize::from(is_open), true);
    let near = look.bytes.get(..look.bytes.len().min(first + USER));
    let user = value::in_marks(near.unwrap_or_default(), first).filter(|_| is_open || is_call);
    let Some(user) = user.filter(|user| user.end > user.start) else {
        return false;
    };
    let comma = behind(look.bytes, user.end);
    let second = value::skip_space(look.bytes, comma + 1, true);
    let password = value::extent(look.bytes, second, false);
    let Some(password) = password.filter(|_| byte(look.bytes, comma) == b',') else {
        return false;
    };
    if byte(look.bytes, behind(look.bytes, password.end)) != b')' || site.joint != Joint::Assigned {
        return false;
    }
    if !password.quoted {
        // A variable.
        return is_call;
    }
    let named = Named {
        force: Force::Certain,
        short: true,
        ..named
    };
    let text = look.text.get(password.start..password.end);
    cut(look, named, site, password)
        || text.is_some_and(|text| !text.is_empty() && is_nothing(text))
        || reference::resolved(look.bytes, site, password).is_none()
}

/// `"AUTH" "…"`, `"AUTH" "user" "…"`: a command as a server shows it.
fn command(look: &mut Look<'_, '_>, named: Named, site: Site, at: usize) -> bool {
    let named = Named {
        force: Force::Certain,
        short: true,
        ..named
    };
    let Some(first) = value::in_marks(look.bytes, at) else {
        return false;
    };
    let next = value::skip_space(look.bytes, first.end + 1, false);
    let second = value::in_marks(look.bytes, next).filter(|_| next > first.end + 1);
    cut(look, named, site, second.unwrap_or(first))
}

/// `/cart;jsessionid=…`: whether the name is that of a parameter of a path.
pub(super) fn is_of_path(bytes: &[u8], site: Site) -> bool {
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    super::bytes::before(bytes, site.from, 1) == b';' && name.eq_ignore_ascii_case(b"jsessionid")
}

/// `/cart;jsessionid=…?page=2`: a parameter of the path ends before the query.
pub(super) fn before_query(bytes: &[u8], site: Site, found: Extent) -> Extent {
    if !is_of_path(bytes, site) {
        return found;
    }
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let end = found.start + memchr::memchr(b'?', value).unwrap_or(value.len());
    Extent { end, ..found }
}
