//! What stands between a name and its value in the notations of programs: signs, tags, lists, calls, empty lines.

use super::alphabet::byte;
use super::bytes::{before, find, run, run_back};
use super::halves;
use super::otherwise;
use super::paired;
use super::plausible::Joint;
use super::serialized;
use super::value;

/// A name in a text and what joins it to the value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site {
    /// The name without its marks.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) joint: Joint,
    /// Where the value is looked for.
    pub(super) at: usize,
    /// The name is a parameter of a URL.
    pub(super) parameter: bool,
    /// The name is that of an option (`--password`), a tag, or stands in quotes.
    pub(super) marked: bool,
}

/// What joins the name to a value; `None` where nothing but words can.
#[inline]
pub(super) fn of(bytes: &[u8], from: usize, to: usize) -> Option<Site> {
    // Mostly it is one sign, and a letter or a digit behind it.
    let sign = byte(bytes, to);
    let next = byte(bytes, to + 1 + usize::from(byte(bytes, to + 1) == b' '));
    if !matches!(sign, b'=' | b':') || !next.is_ascii_alphanumeric() {
        return notation(bytes, from, to);
    }
    let before = from.checked_sub(1).map_or(0, |at| byte(bytes, at));
    let (joint, parameter) = match sign {
        b'=' => (Joint::Assigned, matches!(before, b'?' | b'&' | b'#' | b';')),
        _ => (Joint::Colon, false),
    };
    Some(Site {
        from,
        to,
        joint,
        at: to + 1,
        parameter,
        marked: false,
    })
}

/// As [`of`], for every notation.
fn notation(bytes: &[u8], from: usize, to: usize) -> Option<Site> {
    let list = 2 * usize::from(bytes.get(to..to + 3) == Some(b"[]="));
    let (at, quoted) = behind_marks(bytes, key_end(bytes, from, to) + list, to + 40);
    let before = from.checked_sub(1).map_or(0, |at| byte(bytes, at));
    let tag = before == b'<' || (before == b':' && has_open_tag(bytes, from));
    let site = |joint, at, marked| {
        Some(Site {
            from,
            to,
            joint,
            at,
            parameter: matches!(before, b'?' | b'&' | b'#' | b';') && byte(bytes, to + list) == b'=',
            marked,
        })
    };
    let spaces = value::skip_space(bytes, at, quoted) - at;
    let here = at + spaces;
    let is_end = matches!(byte(bytes, here), b'\r' | b'\n' | b'\\');
    if !quoted && is_end && is_value_of_name(bytes, from) {
        return site(Joint::Assigned, value_field(bytes, here)?, true);
    }
    if quoted && let Some(body) = part_body(bytes, from, to) {
        return site(Joint::Assigned, body, true);
    }
    if matches!(byte(bytes, here), b'=' | b':' | b'-' | b'!' | b'?')
        && let Some((joint, at)) = sign(bytes, here)
    {
        return site(joint, at, quoted);
    }
    let otherwise = otherwise::of(bytes, (from, to), at, quoted);
    if let Some((joint, at)) = otherwise.or_else(|| halves::of(bytes, (from, to), here, quoted)) {
        return site(joint, at, true);
    }
    match byte(bytes, here) {
        b'=' | b':' => None,
        b',' if quoted && is_before_key(bytes, from, here + 1) => None,
        b',' if quoted => {
            let (joint, at) = next_text(bytes, from, here + 1);
            site(joint, at, quoted)
        }
        b';' if quoted => site(Joint::Assigned, serialized::text(bytes, here + 1)?, true),
        b'}' if quoted => site(Joint::Assigned, halves::said_before(bytes, from)?, true),
        b'|' if spaces > 0 => site(Joint::Listed, here + 1, false),
        b'>' if tag => site(Joint::Assigned, here + 1, true),
        b'<' if byte(bytes, here + 1) == b'/' => site(Joint::Assigned, next_element(bytes, here)?, true),
        b'(' if spaces == 0 => site(Joint::Assigned, call(bytes, here)?, true),
        b'(' | b'{' if spaces <= 1 && !quoted && !tag && before != b'-' => {
            let (joint, at) = within(bytes, from, to, here)?;
            site(joint, at, false)
        }
        _ if spaces > 0 && tag => site(Joint::Assigned, tag_end(bytes, here)?, true),
        _ if spaces > 0 && quoted => site(Joint::Assigned, value_field(bytes, here)?, true),
        b'"' | b'\'' if spaces > 0 && !quoted => site(Joint::Assigned, here, false),
        _ if spaces > 0 && before == b'-' => {
            let value = byte(bytes, here);
            (value > b' ' && value != b'-').then(|| site(Joint::Assigned, here, true))?
        }
        _ => None,
    }
}

/// Where the marks that close a name end, and whether one of them is a quotation mark.
fn behind_marks(bytes: &[u8], mut at: usize, limit: usize) -> (usize, bool) {
    let mut quoted = false;
    while at < limit && matches!(byte(bytes, at), b'\\' | b'"' | b'\'' | b'`' | b']' | b'*') {
        quoted |= matches!(byte(bytes, at), b'"' | b'\'');
        at += 1;
    }
    (at, quoted)
}

/// `"method": "oauth2", "count": 8`: whether the name is the value of one pair of an object, and another's key stands at `at`.
fn is_before_key(bytes: &[u8], from: usize, at: usize) -> bool {
    let is_mark = |byte: u8| matches!(byte, b'"' | b'\'' | b'\\');
    let open = from - run_back(bytes, from, 8, is_mark);
    let gap = run_back(bytes, open, 4, |byte| byte == b' ');
    if open == from || before(bytes, open - gap, 1) != b':' {
        return false;
    }
    let near = bytes.get(..bytes.len().min(at + 96)).unwrap_or_default();
    value::in_marks(near, value::skip_space(near, at, true)).is_some_and(|key| {
        let marks = run(near, key.end, 8, is_mark);
        byte(near, value::skip_space(near, key.end + marks, true)) == b':'
            && other_member(bytes, from, at).is_none()
    })
}

/// What joins a name in marks to the text behind the comma before `at`, and where that is looked for.
fn next_text(bytes: &[u8], from: usize, at: usize) -> (Joint, usize) {
    let value = other_member(bytes, from, at);
    let is_sure = value.is_some() || before(bytes, from, 1) == b'-' || paired::is_paired(bytes, from, at);
    let joint = if is_sure { Joint::Assigned } else { Joint::Listed };
    (joint, value.unwrap_or(at))
}

/// Where the value stands that another member of the object says, of which the next one is at `at`.
fn other_member(bytes: &[u8], from: usize, at: usize) -> Option<usize> {
    value_field(bytes, at)
        .or_else(|| later_value(bytes, from, at))
        .or_else(|| halves::said_before(bytes, from))
}

/// Where the marks behind a name begin: for a text of JSON that ends with spaces or signs (`"?token=": `, `"pw: ",`), at
/// its closing quotation mark, so that what stands behind the text is not read as if it stood in it.
fn key_end(bytes: &[u8], from: usize, to: usize) -> usize {
    let is_sign = |byte: u8| matches!(byte, b' ' | b'=' | b':' | b'?' | b'&' | b';' | b',' | b'>' | b'[');
    // Mostly there is one sign, and no mark behind it.
    if !is_sign(byte(bytes, to + 1)) && !matches!(byte(bytes, to + 1), b'"' | b'\\') {
        return to;
    }
    let mut signs = 0;
    while signs < 16 {
        signs += match byte(bytes, to + signs) {
            b'\\' if matches!(byte(bytes, to + signs + 1), b'n' | b'r' | b't') => 2,
            sign if is_sign(sign) => 1,
            _ => break,
        };
    }
    if signs > 0 && closes(bytes, from, to + signs) {
        to + signs
    } else {
        to
    }
}

/// Whether the mark at `at`, with the backslashes before it, closes the text of JSON that `from` stands in.
pub(super) fn closes(bytes: &[u8], from: usize, at: usize) -> bool {
    let escapes = run(bytes, at, 16, |byte| byte == b'\\');
    let mark = at + escapes;
    if byte(bytes, mark) != b'"' {
        return false;
    }
    let next = byte(bytes, value::skip_space(bytes, mark + 1, false));
    let opened = || opened(bytes, from, escapes);
    match next {
        b':' => opened().is_some_and(|before| matches!(before, b'{' | b',')),
        b',' | b'}' | b']' => opened().is_some_and(|before| matches!(before, b'{' | b',' | b':' | b'[')),
        _ => false,
    }
}

/// Where the text of JSON or of `Debug` ends that `from` stands in, if that is before `to`.
pub(super) fn text_end(bytes: &[u8], from: usize, to: usize) -> Option<usize> {
    /// The most marks that are looked at closer.
    const MARKS: usize = 4;
    let inner = bytes.get(from..to)?;
    let is_next = |mark: &usize| {
        let next = value::skip_space(bytes, from + mark + 1, false);
        matches!(byte(bytes, next), b',' | b'}' | b']' | b')' | b';')
    };
    let mut marks = memchr::memchr_iter(b'"', inner).filter(is_next).take(MARKS);
    marks.find_map(|mark| {
        let escapes = run_back(inner, mark, 64, |byte| byte == b'\\');
        let before = opened(bytes, from, escapes)?;
        let opens = matches!(before, b'{' | b',' | b':' | b'[' | b'(' | b'=');
        opens.then_some(from + mark - escapes)
    })
}

/// What stands before the text that a mark with so many backslashes may close: some may be the text's last bytes.
pub(super) fn opened(bytes: &[u8], from: usize, escapes: usize) -> Option<u8> {
    let depths = [7, 3, 1, 0].into_iter();
    let mut depths = depths.filter(|depth| escapes % (2 * (depth + 1)) == *depth);
    depths.find_map(|depth| opens(bytes, from, depth))
}

/// What stands before the text whose opening mark, with so many backslashes, is the nearest before `from`. Marks of texts
/// within it have more of them.
fn opens(bytes: &[u8], from: usize, escapes: usize) -> Option<u8> {
    // Marks like the one that asks stand between most of those that ask: little is read twice.
    let least = from.saturating_sub(1024);
    let mut end = from;
    loop {
        let back = run_back(bytes, end, end.saturating_sub(least), |byte| {
            byte != b'"' && byte >= b' '
        });
        let open = (end - back)
            .checked_sub(1)
            .filter(|&at| at >= least && byte(bytes, at) == b'"')?;
        let slashes = run_back(bytes, open, 64, |byte| byte == b'\\');
        let start = open - slashes;
        if slashes == escapes {
            let gap = run_back(bytes, start, 16, |byte| byte.is_ascii_whitespace());
            return Some(super::bytes::before(bytes, start - gap, 1));
        }
        // `C:\\"` closes a text, whatever stands before its mark.
        if slashes < escapes || slashes % (2 * (escapes + 1)) == escapes {
            return None;
        }
        end = start;
    }
}

/// The sign at `at` that joins, and where the value behind it is looked for.
fn sign(bytes: &[u8], at: usize) -> Option<(Joint, usize)> {
    let next = byte(bytes, at + 1);
    let quote = |at| matches!(byte(bytes, value::skip_space(bytes, at, false)), b'"' | b'\'');
    match (byte(bytes, at), next) {
        // `userPassword:: …` of LDIF, in base64.
        (b':', b':') => {
            let is_said = byte(bytes, at + 2) == b' ' && before(bytes, at, 1).is_ascii_alphanumeric();
            is_said.then_some((Joint::Listed, at + 2))
        }
        // A pattern is matched; a signature may well begin so.
        (b'=', b'~') if byte(bytes, at + 2) == b' ' => None,
        // What is only compared may be another variable.
        (b'=', b'=') if !quote(at + 2) => Some((Joint::Listed, at + 2)),
        (b'=', b'=' | b'>') | (b':' | b'!', b'=') => Some((Joint::Assigned, at + 2)),
        (b'=', _) => Some((Joint::Assigned, at + 1)),
        // `API_KEY ?= …` of a makefile, where it is no call.
        (b'?', b'=')
            if byte(bytes, at + 2) == b' '
                && byte(bytes, at + 3).is_ascii_alphanumeric()
                && before(bytes, at - run_back(bytes, at, 4, |byte| byte == b' '), 1)
                    .is_ascii_uppercase() =>
        {
            Some((Joint::Assigned, at + 2))
        }
        (b':', _) => Some((Joint::Colon, at + 1)),
        (b'-', b'>') => Some((Joint::Colon, at + 2)),
        _ => None,
    }
}

/// `- name: API_TOKEN`: whether the name is what a pair of the name `name` says.
fn is_value_of_name(bytes: &[u8], from: usize) -> bool {
    let back = bytes.get(from.saturating_sub(16)..from).unwrap_or_default();
    let back = back.trim_ascii_end();
    [&b"name:"[..], b"key:", b"Name:", b"Key:"]
        .iter()
        .any(|name| back.ends_with(name))
}

/// `name="password"` of a form in parts: where the part's body begins, behind an empty line.
fn part_body(bytes: &[u8], from: usize, to: usize) -> Option<usize> {
    let head = bytes.get(from.saturating_sub(8)..from)?;
    let head = head.strip_suffix(b"\"").unwrap_or(head);
    let head = head.strip_suffix(b"\\").unwrap_or(head);
    if !head.ends_with(b"name=") {
        return None;
    }
    let ahead = bytes.get(to..bytes.len().min(to + 160))?;
    [&b"\r\n\r\n"[..], b"\n\n", b"\\r\\n\\r\\n", b"\\n\\n"]
        .iter()
        .find_map(|gap| {
            let at = find(ahead, gap)?;
            Some(to + at + gap.len())
        })
}

/// `Password("…")`: where the quoted argument begins.
fn call(bytes: &[u8], at: usize) -> Option<usize> {
    let inner = value::unwrap(bytes, value::skip_space(bytes, at + 1, true));
    matches!(byte(bytes, inner), b'"' | b'\'' | b'\\').then_some(inner)
}

/// What joins the name to a value behind a brace or a bracket at `at`, and where the value is looked for.
fn within(bytes: &[u8], from: usize, to: usize, at: usize) -> Option<(Joint, usize)> {
    if byte(bytes, at) == b'(' {
        return sign(bytes, aside(bytes, at)?);
    }
    // Parsers have tokens too: `Token { value: "let" }`.
    let is_token = bytes.get(from..to)?.ends_with(b"Token");
    let joint = if is_token { Joint::Listed } else { Joint::Assigned };
    Some((joint, wrapped(bytes, from, to)?))
}

/// `AccessToken { value: "…" }`: where the value begins that a struct of the name is made around.
fn wrapped(bytes: &[u8], from: usize, to: usize) -> Option<usize> {
    // What is asked for a secret, or answered, is not the secret.
    const BESIDE: [&[u8]; 6] = [b"Request", b"Response", b"Config", b"Options", b"Claims", b"Info"];
    let name = bytes.get(from..to)?;
    let is_type = byte(name, 0).is_ascii_uppercase() && !BESIDE.iter().any(|end| name.ends_with(end));
    let inner = is_type.then(|| value::inner_field(bytes, to))??;
    let inner = value::unwrap(bytes, inner);
    matches!(byte(bytes, inner), b'"' | b'\\').then_some(inner)
}

/// `password (temporary): …`: where the words in brackets end that stand before the sign.
fn aside(bytes: &[u8], at: usize) -> Option<usize> {
    let words = run(bytes, at + 1, 24, |byte| {
        byte.is_ascii_alphabetic() || matches!(byte, b' ' | b'-')
    });
    let end = at + 1 + words;
    let joins = byte(bytes, end) == b')' && matches!(byte(bytes, end + 1), b':' | b'=');
    joins.then_some(end + 1)
}

/// Whether `<` and a namespace stand before the name.
fn has_open_tag(bytes: &[u8], from: usize) -> bool {
    let back = bytes
        .get(from.saturating_sub(16)..from.saturating_sub(1))
        .unwrap_or_default();
    let name = back
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    name > 0 && name < back.len() && byte(back, back.len() - 1 - name) == b'<'
}

/// Where the text of an element begins whose tag has attributes.
fn tag_end(bytes: &[u8], at: usize) -> Option<usize> {
    let ahead = bytes.get(at..bytes.len().min(at + 192))?;
    let end = ahead.iter().position(|byte| matches!(byte, b'>' | b'<'))?;
    (byte(ahead, end) == b'>' && byte(ahead, end.saturating_sub(1)) != b'/').then_some(at + end + 1)
}

/// `</key><string>`: where the text of the element behind the one that holds the name begins.
fn next_element(bytes: &[u8], at: usize) -> Option<usize> {
    let closed = tag_end(bytes, at + 1)?;
    let open = value::skip_space(bytes, closed, true);
    (byte(bytes, open) == b'<' && byte(bytes, open + 1) != b'/').then(|| tag_end(bytes, open + 1))?
}

/// How far the value of a pair is looked for behind its name, in bytes.
const NEAR: usize = 192;

/// `"key":"password","type":"string","value":"…"`: where the value of a pair stands whose name is a value itself, and which
/// says other things first.
fn later_value(bytes: &[u8], from: usize, at: usize) -> Option<usize> {
    let mark = |byte: &u8| matches!(byte, b'"' | b'\\' | b' ');
    // `/prod/db/password`: a store's names are paths.
    let path = run_back(bytes, from, 64, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.')
    });
    let is_path = byte(bytes, from.saturating_sub(1)) == b'/';
    let from = if is_path { from - path } else { from };
    let back = bytes.get(from.saturating_sub(24)..from)?;
    let sign = back.len() - back.iter().rev().take_while(|byte| mark(byte)).count();
    let name = back.get(..sign)?.strip_suffix(b":")?;
    let name = name.get(..name.iter().rposition(|byte| !mark(byte))? + 1)?;
    let names = [&b"name"[..], b"key", b"Name", b"Key", b"field", b"variable"];
    if !names.iter().any(|end| name.ends_with(end)) {
        return None;
    }
    let near = bytes.get(..bytes.len().min(at + NEAR))?;
    let behind = |end: usize| value::skip_space(near, end + run(near, end, 16, |byte| mark(&byte)), true);
    let mut at = value::skip_space(near, at, true);
    for _ in 0..3 {
        let key = value::in_marks(near, at)?;
        // Another pair begins.
        if bytes
            .get(key.start..key.end)
            .is_some_and(|key| name.ends_with(key))
        {
            return None;
        }
        let colon = behind(key.end);
        let said = value::extent(near, value::skip_space(near, colon + 1, true), false)?;
        let comma = behind(said.end);
        if byte(near, colon) != b':' || byte(near, comma) != b',' {
            return None;
        }
        at = value::skip_space(near, comma + 1, true);
        if let Some(found) = value_field(bytes, at) {
            return Some(found);
        }
    }
    None
}

/// `"value": `, `value=`, `rejectedValue`: the other half of a pair whose name is a value itself. Where the value begins.
pub(super) fn value_field(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = value::skip_space(bytes, at, true);
    while matches!(byte(bytes, at), b'\\' | b'"' | b'\'') {
        at += 1;
    }
    let ahead = bytes.get(at..bytes.len().min(at + 24))?;
    let name = ahead.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = ahead.get(..name)?;
    let known = ["val", "content", "data", "v", "input"];
    let is_known = known
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    let end = word.get(name.saturating_sub(5)..)?;
    if !is_known && !end.eq_ignore_ascii_case(b"value") {
        return None;
    }
    at += name;
    while matches!(byte(bytes, at), b'\\' | b'"' | b'\'' | b' ') {
        at += 1;
    }
    matches!(byte(bytes, at), b':' | b'=').then_some(at + 1)
}
