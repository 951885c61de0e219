//! What may stand between a name's sign and its value: how it was printed, a tag or an anchor of YAML, marks of
//! emphasis.

use super::alphabet::{Bytes, byte};
use super::bytes::{before, ends_like, run, run_back};
use super::joint::Site;
use super::mark;
use super::plausible::Joint;
use super::value;

/// Where the value begins that is looked for at `at`.
#[inline]
pub(super) fn skip(bytes: &[u8], site: Site, at: usize) -> usize {
    let behind = match byte(bytes, at) {
        b's' => sized(bytes, at),
        b'e' | b'o' | b'g' | b'E' => fallback(bytes, at),
        b'r' => received(bytes, at),
        b'*' => emphasis(bytes, site, at),
        b'<' if byte(bytes, at + 1) == b'/' => closed(bytes, site, at),
        b'!' if byte(bytes, at + 1) == b'!' => yaml_type(bytes, at),
        b'[' if is_bracketed(bytes, site.from, site.to, at) => Some(at + 1),
        b'&' if site.joint == Joint::Colon => yaml_anchor(bytes, site, at),
        _ => None,
    };
    behind.unwrap_or(at)
}

/// `string(20) "…"`: how long it is, as PHP says first.
fn sized(bytes: &[u8], at: usize) -> Option<usize> {
    let ahead = bytes.get(at..)?.strip_prefix(b"string(")?;
    let digits = run(ahead, 0, 8, |byte| byte.is_ascii_digit());
    let rest = ahead.get(digits..)?.strip_prefix(b") ")?;
    let is_text = digits > 0 && matches!(byte(rest, 0), b'"' | b'\\');
    is_text.then_some(at + "string(".len() + digits + ") ".len())
}

/// `**Password:** …`: the marks that close the emphasis which was opened before the name.
fn emphasis(bytes: &[u8], site: Site, at: usize) -> Option<usize> {
    let stars = run(bytes, at, 3, |byte| byte == b'*');
    let words = run_back(bytes, site.from, 32, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'_' | b'-')
    });
    let opened = run_back(bytes, site.from - words, 4, |byte| byte == b'*');
    let is_label = opened == stars && byte(bytes, site.from - words) > b' ';
    (is_label && byte(bytes, at + stars) == b' ').then(|| value::skip_space(bytes, at + stars, false))
}

/// `<b>Password:</b> …`: the tag that closes what the name is in.
fn closed(bytes: &[u8], site: Site, at: usize) -> Option<usize> {
    let name = run(bytes, at + 2, 12, |byte| byte.is_ascii_alphanumeric());
    let end = at + 2 + name;
    let words = run_back(bytes, site.from, 32, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'_' | b'-')
    });
    let is_label = site.joint == Joint::Colon && before(bytes, site.from - words, 1) == b'>';
    if !is_label || name == 0 || byte(bytes, end) != b'>' {
        return None;
    }
    let start = value::skip_space(bytes, end + 1, true);
    (byte(bytes, start) != b'<').then_some(start)
}

/// `[…]`: whether brackets stand around one word with letters and digits, as programs print a value.
/// In those behind another name mostly stands who speaks, or what.
pub(super) fn is_bracketed(bytes: &[u8], from: usize, to: usize, at: usize) -> bool {
    const NAMES: [&[u8]; 4] = [b"password", b"passwd", b"pwd", b"passphrase"];
    let name = bytes.get(from..to).unwrap_or_default();
    static ENDS: Bytes = Bytes::controls_and(b" \"'`\\,;:=()[]{}<>");
    let ahead = bytes.get(at + 1..bytes.len().min(at + 66)).unwrap_or_default();
    let len = ahead.iter().take_while(|byte| !ENDS.has(**byte)).count();
    let word = ahead.get(..len).unwrap_or_default();
    NAMES.iter().any(|end| ends_like(name, end))
        && byte(ahead, len) == b']'
        && (8..=64).contains(&len)
        && word.iter().any(u8::is_ascii_alphabetic)
        && word.iter().any(u8::is_ascii_digit)
}

/// `!!str …`
fn yaml_type(bytes: &[u8], at: usize) -> Option<usize> {
    const TYPES: [&[u8]; 5] = [b"str", b"binary", b"int", b"float", b"null"];
    let name = run(bytes, at + 2, 12, |byte| byte.is_ascii_alphanumeric());
    let end = at + 2 + name;
    if !TYPES.contains(&bytes.get(at + 2..end)?) {
        return None;
    }
    let start = value::skip_space(bytes, end, false);
    (name > 0 && start > end && byte(bytes, start) > b' ').then_some(start)
}

/// `&db …`: the name under which the value is referred to elsewhere, in a line that is a pair of YAML and nothing else, among
/// others. Elsewhere it may be what a secret begins with.
fn yaml_anchor(bytes: &[u8], site: Site, at: usize) -> Option<usize> {
    let name = run(bytes, at + 1, 32, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
    });
    let end = at + 1 + name;
    let start = value::skip_space(bytes, end, false);
    let indent = run_back(bytes, site.from, 64, |byte| matches!(byte, b' ' | b'-'));
    let is_anchor = before(bytes, at, 1) == b' ' && before(bytes, site.from - indent, 1) == b'\n';
    let first = byte(bytes, start);
    let is_other =
        matches!(first, b'=' | b'{' | b'!' | b'*') || first == b'[' && mark::end(bytes, start).is_none();
    let is_value = start > end && first > b' ' && !is_other;
    (is_anchor && name > 0 && is_value).then_some(start)
}

/// `env("DB_PASSWORD", "…")`: what is taken where the variable is not set.
fn fallback(bytes: &[u8], at: usize) -> Option<usize> {
    const READERS: [&[u8]; 5] = [
        b"env(",
        b"os.getenv(",
        b"os.environ.get(",
        b"getenv(",
        b"ENV.fetch(",
    ];
    let ahead = bytes.get(at..bytes.len().min(at + 24))?;
    let reader = READERS.iter().find(|reader| ahead.starts_with(reader))?;
    let near = bytes.get(..bytes.len().min(at + 96))?;
    let name = value::in_marks(near, at + reader.len())?;
    let is_variable = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let close = name.end + 1;
    let second = value::skip_space(bytes, close + 1, false);
    let is_given = byte(bytes, close) == b',' && matches!(byte(bytes, second), b'"' | b'\'');
    (is_given && bytes.get(name.start..name.end)?.iter().all(is_variable)).then_some(second)
}

/// `invalid "token": received "…"`
fn received(bytes: &[u8], at: usize) -> Option<usize> {
    const SAID: &[u8] = b"received ";
    let start = at + SAID.len();
    let is_said = bytes.get(at..start) == Some(SAID) && matches!(byte(bytes, start), b'"' | b'\'' | b'\\');
    is_said.then_some(start)
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn behind_an_anchor_stands_the_value() {
        check(&[
            ("message", "db:\n  password: &db_pw «hunter2xQ9»\n  user: app"),
            ("message", "env:\n  - token: &t-1 \"«hunter2xQ9»\""),
        ]);
        check(&[
            (
                "message",
                "user [web] with password [«Pa55Dragon111»] against realm [internal]",
            ),
            ("message", "user=[web] password=[«Pa55Dragon111»] ok"),
            ("message", "password: [«Pa55Dragon111»]"),
            (
                "message",
                "user [web] with password [redacted] against realm [internal]",
            ),
            ("message", "password [8 characters] refused"),
            (
                "message",
                "dn: uid=web\nuserPassword:: «RzZ5aTQ0dFYuTTZ0Z2o=»\nobjectClass: person",
            ),
            ("message", "call user::password::verify and token::Token::new()"),
            ("message", "password :: String -> IO Bool"),
        ]);
        check(&[("message", "fn login(user: &str, password: &str) -> bool")]);
    }
}
