//! Pairs whose name is a value itself, or stands apart from its value: what is said first, text of elements, arguments of
//! other options, numbered labels, declarations.

use super::alphabet::byte;
use super::bytes::{before, run, run_back};
use super::joint::value_field;
use super::lead;
use super::plausible::Joint;
use super::value;

/// The longest value before its name, in bytes.
const NEAR: usize = 256;

/// Where the value stands of the name at `from..to`, behind whose marks `here` follows; `None` where these forms are not.
#[inline]
pub(super) fn of(
    bytes: &[u8],
    (from, to): (usize, usize),
    here: usize,
    quoted: bool,
) -> Option<(Joint, usize)> {
    let assigned = |at| (Joint::Assigned, at);
    let is_apart = here > to && before(bytes, here, 1) == b' ';
    match byte(bytes, here) {
        b',' if !quoted => listed(bytes, from, here)
            .or_else(|| tuple(bytes, from, here))
            .map(assigned),
        b'[' if is_apart && !quoted && lead::is_bracketed(bytes, from, to, here) => Some(assigned(here + 1)),
        b'{' if is_apart => declared(bytes, from, here, quoted).map(assigned),
        b'.' if is_apart && !quoted => dotted(bytes, from, here).map(assigned),
        b'L' | b'l' if is_apart => like(bytes, here).map(assigned),
        b'>' if quoted => element(bytes, from, here).map(assigned),
        b'"' if quoted && is_apart => monitored(bytes, from, to, here).map(assigned),
        b'-' if is_apart => option(bytes, here).map(assigned),
        b'0'..=b'9' if is_apart && !quoted => numbered(bytes, (from, to), here),
        b's' | b'S' | b'v' | b'*' | b'[' if is_apart && !quoted => typed(bytes, here)
            .or_else(|| stored(bytes, from, to, here))
            .map(assigned),
        b'A'..=b'Z' | b'a'..=b'z' if is_apart && !quoted => pulumi(bytes, from, to, here).map(assigned),
        _ => None,
    }
}

/// `{"value":"…","name":"password"}`: where the value begins that was said before the name. To be asked only where none is
/// said behind it.
pub(super) fn said_before(bytes: &[u8], from: usize) -> Option<usize> {
    let key = key_before(bytes, from)?;
    let comma = key.checked_sub(1).filter(|&at| byte(bytes, at) == b',')?;
    let close = comma - run_back(bytes, comma, 16, |byte| byte.is_ascii_whitespace());
    let mark = before(bytes, close, 1);
    if !matches!(mark, b'"' | b'\'') {
        return None;
    }
    let least = close.saturating_sub(NEAR);
    let open = least + memchr::memrchr(mark, bytes.get(least..close - 1)?)?;
    let is_joint = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\' | b':');
    let end = open - run_back(bytes, open, 24, is_joint);
    let word = run_back(bytes, end, 24, |byte| byte.is_ascii_alphabetic());
    let key = bytes.get(end - word..end)?;
    if !(key.eq_ignore_ascii_case(b"value") || key.eq_ignore_ascii_case(b"val")) {
        return None;
    }
    let value = value_field(bytes, end - word).filter(|value| *value <= open)?;
    let near = bytes.get(..close)?;
    let found = value::in_marks(near, value::skip_space(near, value, true))?;
    (found.start == open + 1 && found.end < close).then_some(value)
}

/// Where the marks of the key begin whose value is the name at `from`, if it is the key of a name: `"name": "…"`. White
/// space before them is left out.
fn key_before(bytes: &[u8], from: usize) -> Option<usize> {
    let is_mark = |byte: u8| matches!(byte, b'"' | b'\'' | b'\\');
    let space = |byte: u8| byte.is_ascii_whitespace();
    let mut at = from - run_back(bytes, from, 16, is_mark);
    at -= run_back(bytes, at, 16, space);
    if before(bytes, at, 1) != b':' {
        return None;
    }
    at -= 1;
    at -= run_back(bytes, at, 16, is_mark);
    let word = run_back(bytes, at, 16, |byte| byte.is_ascii_alphabetic());
    let key = bytes.get(at - word..at)?;
    let names = [&b"name"[..], b"key", b"parameterkey"];
    if !names.iter().any(|name| key.eq_ignore_ascii_case(name)) {
        return None;
    }
    at -= word;
    at -= run_back(bytes, at, 16, is_mark);
    Some(at - run_back(bytes, at, 64, space))
}

/// `Name=DB_PASSWORD,Value=…`: where the value begins.
fn listed(bytes: &[u8], from: usize, comma: usize) -> Option<usize> {
    if before(bytes, from, 1) != b'=' {
        return None;
    }
    let key = run_back(bytes, from - 1, 16, |byte| byte.is_ascii_alphabetic());
    let key = bytes.get(from - 1 - key..from - 1)?;
    let is_key = key
        .len()
        .checked_sub(3)
        .and_then(|at| key.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(b"key"))
        || key.eq_ignore_ascii_case(b"name");
    is_key.then(|| value_field(bytes, comma + 1))?
}

/// `<entry key="password">…</entry>`: where the text of the element begins whose attribute is the name.
fn element(bytes: &[u8], from: usize, close: usize) -> Option<usize> {
    /// Elements that hold what their attribute names; those of a page show what a reader is told.
    const HOLD: [&[u8]; 15] = [
        b"entry",
        b"param",
        b"parameter",
        b"property",
        b"prop",
        b"string",
        b"setting",
        b"item",
        b"key",
        b"var",
        b"variable",
        b"env",
        b"constant",
        b"attribute",
        b"preference",
    ];
    let marks = run_back(bytes, from, 16, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    let sign = from - marks;
    let back = bytes.get(sign.saturating_sub(5)..sign)?;
    if marks == 0
        || ![&b"key="[..], b"name=", b"Name=", b"Key="]
            .iter()
            .any(|key| back.ends_with(key))
    {
        return None;
    }
    let least = from.saturating_sub(96);
    let near = bytes.get(least..from)?;
    let open = least + memchr::memrchr(b'<', near)? + 1;
    let tag = run(bytes, open, 16, |byte| byte.is_ascii_alphabetic());
    let tag = bytes.get(open..open + tag)?;
    if !HOLD.iter().any(|held| tag.eq_ignore_ascii_case(held)) {
        return None;
    }
    let text = value::skip_space(bytes, close + 1, true);
    let inner = bytes.get(text..)?;
    let inner = [&b"<value>"[..], b"<string>"]
        .iter()
        .find_map(|tag| inner.starts_with(tag).then_some(tag.len()));
    let text = text + inner.unwrap_or(0);
    let words = run(bytes, text, 128, |byte| byte != b'<');
    let words = bytes.get(text..text + words)?.trim_ascii_end();
    // A label of a page is a word or some.
    let is_label = !words.iter().any(u8::is_ascii_digit) && (words.contains(&b' ') || tag == b"string");
    (!words.is_empty() && !is_label).then_some(text)
}

/// `"AUTH" "…"`: a command as a server shows it.
fn monitored(bytes: &[u8], from: usize, to: usize, here: usize) -> Option<usize> {
    bytes
        .get(from..to)
        .is_some_and(|name| name.eq_ignore_ascii_case(b"auth"))
        .then_some(here)
}

/// `API_KEY --body …`, `--name /db/password --value …`: the argument of the option that follows.
fn option(bytes: &[u8], here: usize) -> Option<usize> {
    const OPTIONS: [&[u8]; 3] = [b"--value", b"--body", b"--secret-string"];
    let ahead = bytes.get(here..)?;
    let option = OPTIONS.iter().find(|option| ahead.starts_with(option))?;
    let end = here + option.len();
    matches!(byte(bytes, end), b' ' | b'=').then_some(end + 1)
}

/// `Unseal Key 1: …`, `password 7 …`
fn numbered(bytes: &[u8], (from, to): (usize, usize), here: usize) -> Option<(Joint, usize)> {
    let digits = run(bytes, here, 3, |byte| byte.is_ascii_digit());
    let end = here + digits;
    let name = bytes.get(from..to)?;
    let is_switch = name == b"password" || name == b"secret";
    if digits == 1 && byte(bytes, end) == b' ' && is_switch {
        // A switch says first in which way the password is written.
        let word = run(bytes, end + 1, 64, |byte| byte > b' ');
        let word = bytes.get(end + 1..end + 1 + word)?;
        let mixed = word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic);
        let plain = word.iter().all(u8::is_ascii_alphanumeric);
        let is_cut = super::mark::end(bytes, end + 1).is_some();
        return (is_cut || mixed && plain && word.len() >= 8).then_some((Joint::Assigned, end + 1));
    }
    let joins = byte(bytes, end) == b':' && byte(bytes, end + 1) == b' ';
    // Of other keys, what follows a number may be anything: `token 3: identifier`.
    let name = bytes.get(to.saturating_sub("recovery key".len())..to)?;
    let is_share = [&b"unseal key"[..], b"recovery key"].iter().any(|share| {
        name.get(name.len().saturating_sub(share.len())..)
            .is_some_and(|end| end.eq_ignore_ascii_case(share))
    });
    (digits <= 2 && joins && is_share).then_some((Joint::Colon, end + 1))
}

/// `const dbPassword string = "…"`: behind a type and a sign.
fn typed(bytes: &[u8], here: usize) -> Option<usize> {
    const TYPES: [&[u8]; 6] = [b"string", b"*string", b"[]byte", b"String", b"str", b"varchar"];
    let ahead = bytes.get(here..bytes.len().min(here + 24))?;
    let kind = TYPES.iter().find(|kind| ahead.starts_with(kind))?;
    let mut at = here + kind.len();
    if byte(bytes, at) == b'(' {
        let digits = run(bytes, at + 1, 6, |byte| byte.is_ascii_digit());
        at += 2 + digits;
    }
    let sign = value::skip_space(bytes, at, false);
    let sign = sign + usize::from(byte(bytes, sign) == b':');
    let start = value::skip_space(bytes, sign + 1, false);
    let is_text = byte(bytes, sign) == b'=' && matches!(byte(bytes, start), b'"' | b'\'' | b'`' | b'\\');
    (sign > at && is_text).then_some(start)
}

/// How far behind `secret set` the secret is looked for, in bytes.
const COMMAND: usize = 128;

/// `gh secret set NAME --body …`, `az keyvault secret set … --value …`
fn stored(bytes: &[u8], from: usize, to: usize, here: usize) -> Option<usize> {
    let is_command = bytes.get(from..to) == Some(b"secret") && bytes.get(here..here + 4) == Some(b"set ");
    if !is_command {
        return None;
    }
    let line = bytes.get(here..bytes.len().min(here + COMMAND))?;
    let line = line.get(..memchr::memchr(b'\n', line).unwrap_or(line.len()))?;
    let options = [&b"--value "[..], b"--body ", b"--value=", b"--body="];
    memchr::memchr_iter(b'-', line).take(16).find_map(|at| {
        let ahead = line.get(at..)?;
        let option = options.iter().find(|option| ahead.starts_with(option))?;
        (before(line, at, 1) == b' ').then_some(here + at + option.len())
    })
}

/// `config set --secret NAME …`: what the option says is only that the value is one.
fn pulumi(bytes: &[u8], from: usize, to: usize, here: usize) -> Option<usize> {
    const SET: &[u8] = b"pulumi config set --";
    let is_option = bytes.get(from..to) == Some(b"secret")
        && from
            .checked_sub(SET.len())
            .is_some_and(|start| bytes.get(start..from) == Some(SET));
    if !is_option {
        return None;
    }
    let name = run(bytes, here, 64, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.')
    });
    let start = here + name + 1;
    let is_said = byte(bytes, here + name) == b' ' && byte(bytes, start) > b' ' && byte(bytes, start) != b'-';
    (name > 0 && is_said).then_some(start)
}

/// `{password,"…"}`: a pair of Erlang.
fn tuple(bytes: &[u8], from: usize, comma: usize) -> Option<usize> {
    let value = comma + 1;
    let binary = 2 * usize::from(bytes.get(value..value + 2) == Some(b"<<"));
    let is_pair = before(bytes, from, 1) == b'{' && byte(bytes, value + binary) == b'"';
    is_pair.then_some(value + binary)
}

/// `(password . "…")`: a pair of Lisp.
fn dotted(bytes: &[u8], from: usize, here: usize) -> Option<usize> {
    let is_pair = before(bytes, from, 1) == b'(' && bytes.get(here + 1..here + 3) == Some(b" \"");
    is_pair.then_some(here + 2)
}

/// `WHERE password LIKE '…'`, without the signs of a pattern.
fn like(bytes: &[u8], here: usize) -> Option<usize> {
    let word = bytes.get(here..here + 5)?;
    if !word.eq_ignore_ascii_case(b"like ") {
        return None;
    }
    let found = value::in_marks(bytes, here + 5)?;
    let is_pattern = bytes.get(found.start..found.end)?.contains(&b'%');
    (!is_pattern).then_some(here + 5)
}

/// `Password { get; set; } = "…"`, `variable "password" { default = "…"`
fn declared(bytes: &[u8], from: usize, here: usize, quoted: bool) -> Option<usize> {
    const ACCESS: &[u8] = b"{ get; set; } = \"";
    const DEFAULT: &[u8] = b"default = ";
    let ahead = bytes.get(here..bytes.len().min(here + 160))?;
    if ahead.starts_with(ACCESS) {
        return Some(here + ACCESS.len() - 1);
    }
    let is_variable = quoted && bytes.get(..from)?.ends_with(b"variable \"");
    let ahead = ahead.get(..memchr::memchr(b'}', ahead).unwrap_or(ahead.len()))?;
    let at = is_variable.then(|| memchr::memmem::find(ahead, DEFAULT))??;
    Some(here + at + DEFAULT.len())
}
