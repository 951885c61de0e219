//! What a program takes where a name has no value: `env('DB_PASSWORD') ?? '…'`, `process.env.TOKEN || "…"`,
//! `config.get("db.password", default="…")`, `${TOKEN-…}`.

use super::alphabet::byte;
use super::bytes::before;
use super::joint::Site;
use super::plausible::Joint;
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
        b'-' => substituted(bytes, from, at),
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

/// `${TOKEN:-…}`: what is left of a value between the braces of a variable, without the sign before it.
#[inline]
pub(super) fn between_braces(bytes: &[u8], site: Site, found: Extent) -> Extent {
    if found.quoted || !is_opened(bytes, site.from) {
        return found;
    }
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let end = memchr::memchr(b'}', value).map_or(found.end, |len| found.start + len);
    let has_sign = site.joint == Joint::Colon && matches!(byte(value, 0), b'-' | b'=');
    let start = found.start + usize::from(has_sign && found.start + 1 < end);
    Extent { start, end, ..found }
}

/// `${TOKEN-…}`: where the variable's name ends of which `from..to` begins with the name. No variable has the sign in it.
#[inline]
pub(super) fn variable_end(bytes: &[u8], from: usize, to: usize) -> usize {
    if !is_opened(bytes, from) {
        return to;
    }
    let name = bytes.get(from..to).unwrap_or_default();
    memchr::memchr(b'-', name).map_or(to, |len| from + len)
}

fn substituted(bytes: &[u8], from: usize, at: usize) -> Option<(Joint, usize)> {
    (is_opened(bytes, from) && byte(bytes, at + 1) > b'-').then_some((Joint::Assigned, at + 1))
}

/// `default="…"`: the argument of a call that looks up the one before it.
fn named_so(bytes: &[u8], at: usize) -> Option<usize> {
    const NAMES: [&[u8]; 4] = [b"default", b"default_value", b"defaultValue", b"fallback"];
    let at = value::skip_space(bytes, at, true);
    let word = super::bytes::run(bytes, at, 16, |byte| byte.is_ascii_alphabetic() || byte == b'_');
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
    // A variable of a program may be called like a secret and hold something else.
    let name = bytes.get(from..to)?;
    let is_setting = !name.iter().any(u8::is_ascii_lowercase);
    let joint = if is_setting {
        Joint::Assigned
    } else {
        Joint::Listed
    };
    Some((joint, start))
}

/// Whether a text begins at `at`.
fn opens(bytes: &[u8], at: usize) -> bool {
    let escapes = super::bytes::run(bytes, at, 8, |byte| byte == b'\\');
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
            ("message", ": ${DB_PASSWORD:=«hunter2xQ9»}"),
            ("message", "url: ${API_TOKEN-«hunter2xQ9»}/v1"),
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
            ("message", "test -n \"$TOKEN\" || echo \"no token was given\""),
            ("message", "password (required) or \"passkey\" (preferred)"),
        ]);
    }
}
