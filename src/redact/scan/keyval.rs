//! Keys inside a text: a sensitive name, what joins it to its value, and the value, in the notations of programs.

use super::about::{is_code, is_word_about};
use super::alphabet::byte;
use super::header;
use super::look::Look;
use super::plausible::{Candidate, Joint, is_plausible};
use super::prose;
use super::value::{self, Extent};
use crate::redact::scan::hits::Sort;
use crate::redact::words::{self, Force, Named};

/// The longest name on each side of a trigger, in bytes.
const NAME: usize = 64;

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

/// A trigger of the vocabulary at `start..end`.
pub(super) fn name(look: &mut Look<'_, '_>, start: usize, end: usize) {
    let anchor = end - 1 - usize::from(byte(look.bytes, end - 1) == b'=');
    if anchor < look.named {
        return;
    }
    let Some((from, to)) = identifier(look.bytes, anchor, look.named) else {
        look.named = end;
        return;
    };
    look.named = to.max(start + 1);
    if is_noise(look.bytes.get(from..to).unwrap_or_default()) {
        return;
    }
    if ends_with(look.bytes, from, b"[REDACTED:") {
        return;
    }
    match joint(look.bytes, from, to) {
        Some(site) => {
            let named = named(look, from, to).filter(|named| named.sort != Sort::Network);
            if let Some(named) = named {
                assigned(look, named, site);
            }
        }
        None => prose::after(look, from, to),
    }
}

/// The name that goes through `anchor`: no longer than a name can be, no earlier than `least`.
fn identifier(bytes: &[u8], anchor: usize, least: usize) -> Option<(usize, usize)> {
    let is_part = |byte: &&u8| {
        byte.is_ascii_alphanumeric() || matches!(**byte, b'_' | b'-' | b'.' | b'$') || **byte >= 0x80
    };
    let back = bytes.get(least.max(anchor.saturating_sub(NAME))..anchor)?;
    let left = back.iter().rev().take_while(is_part).count();
    let ahead = bytes.get(anchor..bytes.len().min(anchor + NAME))?;
    let right = ahead.iter().take_while(is_part).count();
    if left == NAME || right == NAME {
        return None;
    }
    let (mut from, mut to) = (anchor - left, anchor + right);
    // `-Dapi.key=…`: the letter is the option's.
    let option = bytes.get(from..from + 3).is_some_and(|head| matches!(head, [b'-', b'D', letter] if letter.is_ascii_lowercase()));
    from += 2 * usize::from(option && from + 2 < anchor);
    // The letter of an escape is not the name's.
    if from > 0 && byte(bytes, from - 1) == b'\\' && matches!(byte(bytes, from), b'n' | b'r' | b't') {
        from += 1;
    }
    while from < to && matches!(byte(bytes, from), b'-' | b'.' | b'$') {
        from += 1;
    }
    while from < to && matches!(byte(bytes, to - 1), b'-' | b'.' | b'$') {
        to -= 1;
    }
    Some((from, to))
}

/// Whether a name is a piece of a key or a hash: digits and capitals change with small letters all the time.
fn is_noise(name: &[u8]) -> bool {
    if name.len() < 12 {
        return false;
    }
    let (mut numbers, mut humps) = (0, 0);
    for pair in name.windows(2) {
        let (last, this) = (byte(pair, 0), byte(pair, 1));
        let letters = last.is_ascii_alphabetic() || this.is_ascii_alphabetic();
        numbers += usize::from(letters && last.is_ascii_digit() != this.is_ascii_digit());
        humps += usize::from(last.is_ascii_lowercase() && this.is_ascii_uppercase());
    }
    numbers > 6 || (name.len() >= 16 && (numbers + humps) * 4 > name.len())
}

fn ends_with(bytes: &[u8], at: usize, what: &[u8]) -> bool {
    bytes.get(..at).is_some_and(|before| before.ends_with(what))
}

/// What the name at `from..to` says, alone or with the words before it.
pub(super) fn named(look: &Look<'_, '_>, from: usize, to: usize) -> Option<Named> {
    let alone = words::named(look.text.get(from..to).unwrap_or_default());
    if alone.is_some_and(|named| matches!(named.force, Force::Certain | Force::Digits(_))) {
        return alone;
    }
    longer_name(look, from, to).or(alone)
}

/// The name together with the words before it: `card number`, `date of birth`.
fn longer_name(look: &Look<'_, '_>, from: usize, to: usize) -> Option<Named> {
    let mut start = from;
    for _ in 0..3 {
        if start == 0 || byte(look.bytes, start - 1) != b' ' {
            break;
        }
        let back = look
            .bytes
            .get(start.saturating_sub(25)..start - 1)
            .unwrap_or_default();
        let word = back
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-')
            .count();
        if word == 0 || word > 23 {
            break;
        }
        start -= word + 1;
        let named = words::phrase(look.text.get(start..to).unwrap_or_default());
        if named.is_some() {
            return named;
        }
    }
    None
}

/// What joins the name to a value; `None` where nothing but words can.
fn joint(bytes: &[u8], from: usize, to: usize) -> Option<Site> {
    let mut at = to;
    let mut quoted = false;
    while at < to + 40 && matches!(byte(bytes, at), b'\\' | b'"' | b'\'' | b'`' | b']' | b'*') {
        quoted |= matches!(byte(bytes, at), b'"' | b'\'');
        at += 1;
    }
    let before = from.checked_sub(1).map_or(0, |at| byte(bytes, at));
    let tag = before == b'<' || (before == b':' && has_open_tag(bytes, from));
    let site = |joint, at, marked| {
        Some(Site {
            from,
            to,
            joint,
            at,
            parameter: matches!(before, b'?' | b'&' | b'#' | b';') && byte(bytes, to) == b'=',
            marked,
        })
    };
    let spaces = value::skip_space(bytes, at, quoted) - at;
    let here = at + spaces;
    let next = byte(bytes, here + 1);
    if !quoted && matches!(byte(bytes, here), b'\r' | b'\n' | b'\\') && is_value_of_name(bytes, from) {
        return site(Joint::Assigned, value_field(bytes, here)?, true);
    }
    if quoted && let Some(body) = part_body(bytes, from, to) {
        return site(Joint::Assigned, body, true);
    }
    match byte(bytes, here) {
        b'=' if next == b'~' => None,
        // What is only compared may be another variable.
        b'=' if next == b'=' && !matches!(byte(bytes, value::skip_space(bytes, here + 2, false)), b'"' | b'\'') => {
            site(Joint::Listed, here + 2, quoted)
        }
        b'=' => site(
            Joint::Assigned,
            here + 1 + usize::from(next == b'=' || next == b'>'),
            quoted,
        ),
        b':' if next == b':' => None,
        b':' if next == b'=' => site(Joint::Assigned, here + 2, quoted),
        b':' => site(Joint::Colon, here + 1, quoted),
        b'-' if next == b'>' => site(Joint::Colon, here + 2, quoted),
        b'!' if next == b'=' => site(Joint::Assigned, here + 2, quoted),
        b',' if quoted => {
            let value = value_field(bytes, here + 1);
            let joint = if value.is_some() || before == b'-' {
                Joint::Assigned
            } else {
                Joint::Listed
            };
            site(joint, value.unwrap_or(here + 1), quoted)
        }
        b'|' if spaces > 0 => site(Joint::Listed, here + 1, false),
        b'>' if tag => site(Joint::Assigned, here + 1, true),
        b'<' if next == b'/' => site(Joint::Assigned, next_element(bytes, here)?, true),
        b'(' if spaces == 0 => site(Joint::Assigned, call(bytes, here)?, true),
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

/// `- name: API_TOKEN`: whether the name is what a pair of the name `name` says.
fn is_value_of_name(bytes: &[u8], from: usize) -> bool {
    let back = bytes.get(from.saturating_sub(16)..from).unwrap_or_default();
    let back = back.trim_ascii_end();
    [&b"name:"[..], b"key:", b"Name:", b"Key:"].iter().any(|name| back.ends_with(name))
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
    [&b"\r\n\r\n"[..], b"\n\n", b"\\r\\n\\r\\n", b"\\n\\n"].iter().find_map(|gap| {
        let at = memchr::memmem::find(ahead, gap)?;
        Some(to + at + gap.len())
    })
}

/// `Password("…")`: where the quoted argument begins.
fn call(bytes: &[u8], at: usize) -> Option<usize> {
    let inner = value::unwrap(bytes, value::skip_space(bytes, at + 1, true));
    matches!(byte(bytes, inner), b'"' | b'\'' | b'\\').then_some(inner)
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

/// `"value": `, `value=`: the other half of a pair whose name is a value itself. Where the value begins.
fn value_field(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = value::skip_space(bytes, at, true);
    while matches!(byte(bytes, at), b'\\' | b'"' | b'\'') {
        at += 1;
    }
    let ahead = bytes.get(at..bytes.len().min(at + 16))?;
    let name = ahead.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = ahead.get(..name)?;
    let known = ["value", "val", "content", "data", "v"];
    if !known
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
    {
        return None;
    }
    at += name;
    while matches!(byte(bytes, at), b'\\' | b'"' | b'\'' | b' ') {
        at += 1;
    }
    matches!(byte(bytes, at), b':' | b'=').then_some(at + 1)
}

/// A name that is joined to something: cuts what is its value.
fn assigned(look: &mut Look<'_, '_>, named: Named, site: Site) {
    let name = look.text.get(site.from..site.to).unwrap_or_default();
    let cookies = header::is_cookie(name) && (site.joint != Joint::Listed || site.marked);
    if cookies && (header::is_header(name) || header::holds_cookies(look.bytes, site.at)) {
        return header::cookies(look, site.at);
    }
    if named.force == Force::Parameter
        && (name.eq_ignore_ascii_case("code") || name.eq_ignore_ascii_case("state"))
    {
        return super::url::grant(look, site);
    }
    let lines = site.marked || site.joint == Joint::Colon && breaks_to_indent(look.bytes, site.at);
    let at = block_scalar(look.bytes, value::skip_space(look.bytes, site.at, lines));
    let at = value::skip_space(look.bytes, cdata(look.bytes, at), lines);
    if byte(look.bytes, at) == b'[' {
        let first = value::skip_space(look.bytes, at + 1, true);
        if matches!(byte(look.bytes, first), b'"' | b'\'' | b'\\') {
            return list(look, named, site, first);
        }
    }
    if named.force == Force::Opaque && look.bare.0 < at && at < look.bare.1 {
        // A part of a value that another name asked for.
        return;
    }
    let Some(found) = measured(look, at, site.parameter) else {
        return;
    };
    let found = behind_type(look, site, found);
    if !header::parameters(look, named, found) {
        cut(look, named, site, found);
    }
}

/// `const TOKEN: &str = "…"`: what stands behind the colon is a type, the value follows.
fn behind_type(look: &Look<'_, '_>, site: Site, found: Extent) -> Extent {
    let next = value::skip_space(look.bytes, found.end, false);
    let first = look.text.get(found.start..found.end).unwrap_or_default();
    let typed = site.joint == Joint::Colon
        && (is_code(first) || first.starts_with('&'))
        && !found.quoted
        && next > found.end
        && byte(look.bytes, next) == b'='
        && byte(look.bytes, next + 1) == b' ';
    if !typed {
        return found;
    }
    let at = value::skip_space(look.bytes, next + 1, false);
    value::extent(look.bytes, at, false).unwrap_or(found)
}

/// The extent at `at`; within a run that was measured before, its end is known.
fn measured(look: &mut Look<'_, '_>, at: usize, parameter: bool) -> Option<Extent> {
    if look.bare.0 < at && at < look.bare.1 {
        return Some(Extent {
            start: at,
            end: look.bare.1,
            quoted: false,
        });
    }
    let found = value::extent(look.bytes, at, parameter)?;
    if !found.quoted {
        look.bare = (found.start, found.end);
    }
    Some(found)
}

/// Cuts a value, or the credential behind its scheme, if it is plausible.
fn cut(look: &mut Look<'_, '_>, named: Named, site: Site, found: Extent) -> bool {
    let found = header::credential(look, named, found);
    let found = whole(look, named, site, found);
    if found.end > look.pairs && holds_pairs(look.text.get(found.start..found.end).unwrap_or_default()) {
        look.pairs = found.end;
        // The names within the value are looked at by themselves, so that what is no secret stays.
        return false;
    }
    let value = look.text.get(found.start..found.end).unwrap_or_default();
    let candidate = Candidate {
        value,
        joint: site.joint,
        quoted: found.quoted,
        parameter: site.parameter,
        goes_on: prose::goes_on(look.bytes, found.end),
    };
    let plausible = is_plausible(named, candidate);
    if plausible {
        look.hits
            .push(found.start, found.end, rule(named.sort), named.sort);
        look.named = look.named.max(found.end);
    }
    plausible
}

/// Names, addresses, passphrases and numbers in groups are several words: a bare one goes on to a mark.
fn whole(look: &Look<'_, '_>, named: Named, site: Site, found: Extent) -> Extent {
    let words = named.phrase || named.sort != Sort::Secret;
    if found.quoted || site.parameter || !words {
        return found;
    }
    let line = look
        .bytes
        .get(found.start..look.bytes.len().min(found.start + 160))
        .unwrap_or_default();
    let numbers = matches!(named.force, Force::Digits(_));
    let mut end = found.end - found.start;
    while byte(line, end) == b' ' {
        let rest = line.get(end + 1..).unwrap_or_default();
        let word = rest
            .iter()
            .take_while(|byte| !byte.is_ascii_whitespace() && !b",;|\"'<>(){}[]=:".contains(byte))
            .count();
        let text = rest.get(..word).unwrap_or_default();
        let fits = if numbers {
            text.iter().any(u8::is_ascii_digit)
        } else {
            std::str::from_utf8(text).is_ok_and(|word| !is_word_about(word))
        };
        if word == 0 || !fits || matches!(byte(rest, word), b'=' | b':') {
            break;
        }
        end += 1 + word;
    }
    Extent {
        end: found.start + end,
        ..found
    }
}

/// Whether a value is a list of pairs of which one is a secret: `user=svc;password=…`.
pub(super) fn holds_pairs(value: &str) -> bool {
    if value.len() < 8 || !value.contains('=') {
        return false;
    }
    let mut secret = false;
    for (at, part) in value.split([';', '&', ' ', ',']).take(PAIRS).enumerate() {
        let (name, text) = part.split_once('=').unwrap_or_default();
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if !plain || text.is_empty() || text.starts_with('=') {
            if at == 0 {
                return false;
            }
            continue;
        }
        secret |= !is_noise(name.as_bytes())
            && words::named(name).is_some_and(|named| named.sort == Sort::Secret && named.force == Force::Certain);
    }
    secret
}

/// The most pairs of a value that are looked at.
const PAIRS: usize = 24;

pub(super) const fn rule(sort: Sort) -> &'static str {
    match sort {
        Sort::Secret => "kv.secret",
        Sort::Financial => "kv.financial",
        Sort::Personal => "kv.personal",
        Sort::Network => "kv.network",
    }
}

/// The most elements of a list that are looked at.
const ELEMENTS: usize = 64;

/// `["a", "b"]`: each element is a value.
fn list(look: &mut Look<'_, '_>, named: Named, site: Site, first: usize) {
    let mut at = first;
    for _ in 0..ELEMENTS {
        let Some(found) = value::extent(look.bytes, at, false).filter(|found| found.quoted) else {
            return;
        };
        cut(look, named, site, found);
        at = found.end;
        while matches!(byte(look.bytes, at), b'\\' | b'"' | b'\'') {
            at += 1;
        }
        at = value::skip_space(look.bytes, at, true);
        if byte(look.bytes, at) != b',' {
            return;
        }
        at = value::skip_space(look.bytes, at + 1, true);
    }
}

/// YAML's `|` and `>` before a value on the next line.
fn block_scalar(bytes: &[u8], at: usize) -> usize {
    let marks = 1 + usize::from(matches!(byte(bytes, at + 1), b'-' | b'+'));
    if matches!(byte(bytes, at), b'|' | b'>') && byte(bytes, at + marks) == b'\n' {
        value::skip_space(bytes, at + marks, true)
    } else {
        at
    }
}

fn cdata(bytes: &[u8], at: usize) -> usize {
    const OPEN: &[u8] = b"<![CDATA[";
    let open = bytes.get(at..).is_some_and(|ahead| ahead.starts_with(OPEN));
    if open { at + OPEN.len() } else { at }
}

/// Whether the value stands on the next line, further in.
fn breaks_to_indent(bytes: &[u8], at: usize) -> bool {
    let line = value::skip_space(bytes, at, false);
    byte(bytes, line) == b'\n' && matches!(byte(bytes, line + 1), b' ' | b'\t')
}

/// `IDENTIFIED BY 'x'`, `IDENTIFIED WITH plugin BY 'x'`.
pub(super) fn identified(look: &mut Look<'_, '_>, end: usize) {
    let ahead = look
        .bytes
        .get(end..look.bytes.len().min(end + 64))
        .unwrap_or_default();
    let by = ahead
        .windows(3)
        .position(|window| window.eq_ignore_ascii_case(b"by "));
    let Some(by) = by else { return };
    let site = Site {
        from: end,
        to: end,
        joint: Joint::Assigned,
        at: end + by + 3,
        parameter: false,
        marked: true,
    };
    if let Some(named) = words::named("password") {
        assigned(look, named, site);
    }
}
