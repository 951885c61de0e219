//! What a program takes where a name has no value: `env('DB_PASSWORD') ?? '…'`, `process.env.TOKEN || "…"`,
//! `config.get("db.password", default="…")`, `${TOKEN-…}`.

use super::alphabet::{Bytes, byte};
use super::bytes::{before, run};
use super::joint::{self, Site};
use super::plausible::Joint;
use super::sentence::is_prose;
use super::value::{self, Extent};

/// Where the value stands of the name at `from..to`, whose marks end at `at`.
#[inline]
pub(super) fn of(
    bytes: &[u8],
    (from, to): (usize, usize),
    at: usize,
    quoted: bool,
) -> Option<(Joint, usize)> {
    match byte(bytes, at) {
        b'-' => substituted(bytes, from, to, at),
        b',' if quoted => named_so(bytes, at + 1).map(|at| (Joint::Assigned, at)),
        b')' | b' ' | b'?' | b'|' => alternative(bytes, (from, to), at),
        _ => None,
    }
}

/// Whether a variable's name begins at `from` in braces.
#[inline]
fn is_opened(bytes: &[u8], from: usize) -> bool {
    before(bytes, from, 1) == b'{' && before(bytes, from, 2) == b'$'
}

/// `${TOKEN:-…}`: what is left of a value between the braces of a variable, without the sign before it: a word, as
/// between marks.
#[inline]
pub(super) fn between_braces(bytes: &[u8], site: Site, found: Extent) -> Extent {
    if found.quoted {
        return found;
    }
    if byte(bytes, found.start) == b'$' && byte(bytes, found.start + 1) == b'{' {
        return of_other(bytes, found).unwrap_or(found);
    }
    if !is_opened(bytes, site.from) {
        return found;
    }
    closed_by_brace(bytes, site, found).unwrap_or(found)
}

/// `PASSWORD=${OTHER:-…}`: several words that are taken where the other variable has no value. Of one word, the other's
/// name decides.
fn of_other(bytes: &[u8], found: Extent) -> Option<Extent> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let sign = found.start + 2 + run(bytes, found.start + 2, 64, is_part);
    let start = match (byte(bytes, sign), byte(bytes, sign + 1)) {
        (b':', b'-' | b'=') => sign + 2,
        (b':', b'?' | b'+') => return None,
        (b':' | b'-', _) => sign + 1,
        _ => return None,
    };
    let end = words_end(bytes, start).filter(|end| *end > found.end && !is_told(bytes, start, *end))?;
    Some(Extent {
        start,
        end,
        quoted: true,
    })
}

fn closed_by_brace(bytes: &[u8], site: Site, found: Extent) -> Option<Extent> {
    let has_sign = site.joint == Joint::Colon && matches!(byte(bytes, found.start), b'-' | b'=');
    let start = found.start + usize::from(has_sign);
    // `${TOKEN:?no token}` is what is said where there is none.
    let is_said = site.joint == Joint::Colon && matches!(byte(bytes, start), b'?' | b'+');
    let end = if is_said {
        word_end(bytes, start)
    } else {
        words_end(bytes, start).filter(|end| !is_told(bytes, start, *end))
    };
    end.map(|end| Extent {
        start,
        end,
        quoted: true,
    })
}

/// `the quick fox9 runs`: words with a digit that read like a sentence. Whether they are one is not told; their first word is
/// judged as ever.
fn is_told(bytes: &[u8], start: usize, end: usize) -> bool {
    let words = bytes.get(start..end).unwrap_or_default();
    let is_several = words.contains(&b' ') && words.iter().any(u8::is_ascii_digit);
    is_several && std::str::from_utf8(words).is_ok_and(is_prose)
}

/// Where the word at `start` ends, if the brace closes behind it.
fn word_end(bytes: &[u8], start: usize) -> Option<usize> {
    words_end(bytes, start).filter(|end| {
        let words = bytes.get(start..*end);
        words.is_some_and(|words| !words.contains(&b' '))
    })
}

/// As [`word_end`], of several words.
fn words_end(bytes: &[u8], start: usize) -> Option<usize> {
    static ENDS: Bytes = Bytes::controls_and(b"\"'`\\{}$");
    let ahead = bytes.get(start..bytes.len().min(start + 128))?;
    let len = ahead
        .iter()
        .take_while(|byte| **byte == b' ' || !ENDS.has(**byte))
        .count();
    let is_value = len > 0 && byte(ahead, 0) != b' ' && byte(ahead, len - 1) != b' ';
    (is_value && byte(ahead, len) == b'}').then_some(start + len)
}

/// `${TOKEN-…}`: where the variable's name ends of which `from..to` begins with the name. No variable of a shell has the sign in
/// it; what has small letters may be a property: `${db-password:…}`.
#[inline]
pub(super) fn variable_end(bytes: &[u8], from: usize, to: usize) -> usize {
    if !is_opened(bytes, from) {
        return to;
    }
    let name = bytes.get(from..to).unwrap_or_default();
    memchr::memchr(b'-', name)
        .filter(|len| name.get(..*len).is_some_and(is_setting))
        .map_or(to, |len| from + len)
}

/// `DB_PASSWORD`: without small letters.
fn is_setting(name: &[u8]) -> bool {
    !name.iter().any(u8::is_ascii_lowercase)
}

fn substituted(bytes: &[u8], from: usize, to: usize, at: usize) -> Option<(Joint, usize)> {
    let is_variable = is_opened(bytes, from) && bytes.get(from..to).is_some_and(is_setting);
    let is_value = byte(bytes, at + 1) > b'-' && words_end(bytes, at + 1).is_some();
    (is_variable && is_value).then_some((Joint::Assigned, at + 1))
}

/// `default="…"`: the argument of a call that looks up the one before it.
fn named_so(bytes: &[u8], at: usize) -> Option<usize> {
    const NAMES: [&[u8]; 4] = [b"default", b"default_value", b"defaultValue", b"fallback"];
    let at = value::skip_space(bytes, at, true);
    let word = run(bytes, at, 16, |byte| byte.is_ascii_alphabetic() || byte == b'_');
    let end = at + word;
    let sign = value::skip_space(bytes, end, false);
    let start = value::skip_space(bytes, sign + 1, false);
    let is_said = NAMES.contains(&bytes.get(at..end)?)
        && matches!(byte(bytes, sign), b'=' | b':')
        && opens(bytes, start);
    is_said.then_some(start)
}

/// `?? "…"`, `|| "…"`, `?: "…"`, and behind a bracket `or "…"`.
fn alternative(bytes: &[u8], (from, to): (usize, usize), at: usize) -> Option<(Joint, usize)> {
    let close = at + usize::from(byte(bytes, at) == b')');
    let sign = value::skip_space(bytes, close, true);
    let (first, second) = (byte(bytes, sign), byte(bytes, sign + 1));
    let is_looked_up = matches!(before(bytes, close, 1), b')' | b']');
    let is_sign = matches!((first, second), (b'?', b'?' | b':') | (b'|', b'|'))
        || is_looked_up && sign > close && (first, second) == (b'o', b'r') && byte(bytes, sign + 2) == b' ';
    let start = value::skip_space(bytes, sign + 2, true);
    if !is_sign || !opens(bytes, start) {
        return None;
    }
    // The mark may close the text that the name stands in.
    if joint::closes(bytes, from, start) || !is_odd(bytes, start) {
        return None;
    }
    // A variable of a program may be called like a secret and hold something else.
    let is_sure = bytes.get(from..to).is_some_and(is_setting);
    let joint = if is_sure { Joint::Assigned } else { Joint::Listed };
    Some((joint, start))
}

/// Whether the text in marks at `at` is a word with letters and digits: another may be the name of something.
fn is_odd(bytes: &[u8], at: usize) -> bool {
    value::in_marks(bytes.get(..bytes.len().min(at + 96)).unwrap_or_default(), at).is_some_and(|text| {
        let text = bytes.get(text.start..text.end).unwrap_or_default();
        text.len() >= 5
            && text.iter().any(u8::is_ascii_digit)
            && text.iter().any(u8::is_ascii_alphabetic)
            && !text.contains(&b' ')
    })
}

/// Whether a text begins at `at`.
fn opens(bytes: &[u8], at: usize) -> bool {
    let escapes = run(bytes, at, 8, |byte| byte == b'\\');
    matches!(byte(bytes, at + escapes), b'"' | b'\'')
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn what_is_taken_instead_of_a_value_is_one() {
        check(&[
            ("message", "env('DB_PASSWORD') ?? '«hunter2xQ9»'"),
            ("message", "process.env.DB_PASSWORD || '«hunter2xQ9»'"),
            ("message", "System.getenv(\"API_KEY\") ?: \"«hunter2xQ9»\""),
            ("message", "os.environ['API_KEY'] or '«hunter2xQ9»'"),
            ("message", "os.getenv(\"API_KEY\") or \"«hunter2xQ9»\""),
            (
                "message",
                r#"{"m":"env(\"API_KEY\") ?? \"«hunter2xQ9»\"","n":"b"}"#,
            ),
            ("message", "config.get(\"db.password\", default=\"«hunter2xQ9»\")"),
            ("message", "get('db.password', fallback: '«hunter2xQ9»')"),
            ("message", "DB_PASSWORD=${DB_PASSWORD-«hunter2xQ9»}"),
            ("message", "DB_PASSWORD=${DB_PASSWORD:-«hunter2xQ9»} in compose"),
            ("message", "DB_PASSWORD=${DB_PASSWORD:-«correct horse battery»}"),
            ("message", "DB_PASSWORD=${FALLBACK:-«correct horse battery»} x"),
            ("message", "run ${DB_PASSWORD-«correct horse battery»} {x}"),
            ("message", "password: ${db.password:«correct horse»}"),
            ("message", ": ${DB_PASSWORD:=«hunter2xQ9»}"),
            ("message", "url: ${API_TOKEN-«hunter2xQ9»}/v1"),
            ("message", "password: ${db-password:«hunter2xQ9»}"),
            ("message", "${app.api-key:«hunter2xQ9»}"),
        ]);
    }

    #[test]
    fn what_is_no_value_there_stays() {
        check(&[
            ("message", "the password or \"passphrase\" is asked for"),
            ("message", "the \"password\" or \"token\" field is empty"),
            ("message", "if token || 'anonymous' { allow() }"),
            ("message", "const token = req.token ?? 'anonymous'"),
            ("message", "what is a token?? \"a word\" said the parser"),
            ("message", "config.get(\"token\", default=None)"),
            ("message", "config.get(\"password\", default=\"\")"),
            ("message", "${TOKEN--}"),
            ("message", "${DB_PASSWORD:?must be set first}"),
            ("message", "${DB_PASSWORD:-} and {the rest}"),
            ("message", "${DB_PASSWORD:-not set yet}"),
            (
                "message",
                "${token-bucket-size} ${token-service.url} ${password-encoder}",
            ),
            ("message", "{\"diff\":\"+ a = API_KEY ||\",\"n\":\"b\"}"),
            ("message", "{\"a\":\"env(TOKEN) or \",\"b\":\"x\"}"),
            ("message", "test -n $TOKEN || \"exit 1\""),
            ("message", "CSRF_TOKEN || 'X-CSRF-Token'"),
            ("message", "test -n \"$TOKEN\" || echo \"no token was given\""),
            ("message", "password (required) or \"passkey\" (preferred)"),
        ]);
    }
}
