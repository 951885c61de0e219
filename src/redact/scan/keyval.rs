//! Keys inside a text: a sensitive name, what joins it to its value, and the value, in the notations of programs.

use super::about::{is_code, is_word_about};
use super::alphabet::{Bytes, byte};
use super::bytes::run_back;
use super::children;
use super::identifier::unseen;
use super::joint::{self, Site};
use super::keys;
use super::lead;
use super::lexicon::Lexicon;
use super::look::Look;
use super::mark;
use super::otherwise;
use super::pairs;
use super::passphrase;
use super::phrases;
use super::plausible::{self, Candidate, Joint};
use super::prose;
use super::serialized;
use super::several;
use super::tables;
use super::traits;
use super::value::{self, Extent};
use super::verdict::is_type_by_place;
use super::written;
use super::{filled, harmless, header};
use crate::redact::scan::hits::Sort;
use crate::redact::words::{Force, Named};

/// A trigger of the vocabulary at `start..end`.
pub(super) fn name(look: &mut Look<'_, '_>, start: usize, end: usize) {
    let Some((from, to)) = unseen(look, start, end) else {
        return;
    };
    let to = otherwise::variable_end(look.bytes, from, to);
    look.named = to.max(start + 1);
    if tables::may_be_head(look.bytes, from, to) {
        tables::columns(look, from, to);
    }
    if written::may_be_head(look, from, to) {
        written::heads(look, from, to);
    }
    if to - from >= filled::SHORTEST && filled::is_noise(look.bytes.get(from..to).unwrap_or_default()) {
        return;
    }
    let is_open = byte(look.bytes, to) == b'=' && !byte(look.bytes, to + 1).is_ascii_alphanumeric();
    if is_open && filled::ends_base64(look.bytes, to) {
        return;
    }
    let is_label = from.checked_sub(mark::MARKER.len()).is_some_and(|start| {
        mark::may_begin(byte(look.bytes, start)) && mark::end(look.bytes, start).is_some()
    });
    if is_label {
        return;
    }
    match joint::of(look.bytes, from, to) {
        Some(site) => {
            let named = named(look, from, to).filter(|named| named.sort != Sort::Network);
            if let Some(named) = named {
                let before = look.named;
                assigned(look, named, site);
                if site.at > site.to + FAR {
                    // What stands between may have names of its own.
                    look.named = before;
                }
            }
        }
        None => prose::after(look, from, to),
    }
}

/// What the name at `from..to` says, alone or with the words before it.
pub(super) fn named(look: &mut Look<'_, '_>, from: usize, to: usize) -> Option<Named> {
    let alone = alone(look, from, to);
    if alone.is_some_and(|named| matches!(named.force, Force::Certain | Force::Digits(_))) {
        return alone;
    }
    longer_name(look, from, to).or(alone)
}

/// What the name at `from..to` says by itself.
fn alone(look: &mut Look<'_, '_>, from: usize, to: usize) -> Option<Named> {
    let known = look.bytes.get(from..to).and_then(|name| look.known_name(name));
    known.unwrap_or_else(|| look.look_up(look.text.get(from..to).unwrap_or_default()))
}

/// The name together with the words before it: `card number`, `date of birth`.
fn longer_name(look: &mut Look<'_, '_>, from: usize, to: usize) -> Option<Named> {
    let mut start = from;
    for more in 0..phrases::MOST {
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
        let name = look.text.get(start..to).unwrap_or_default();
        let named = look.phrases.named(more, name);
        if named.is_some() {
            return named;
        }
    }
    None
}

/// A name that is joined to something: cuts what is its value.
fn assigned(look: &mut Look<'_, '_>, named: Named, site: Site) {
    let name = look.bytes.get(site.from..site.to).unwrap_or_default();
    let cookies = header::is_cookie(name) && (site.joint != Joint::Listed || site.marked);
    if cookies && (header::is_header(name) || header::holds_cookies(look.bytes, site.at)) {
        return header::cookies(look, site.at);
    }
    if named.force == Force::Parameter
        && (name.eq_ignore_ascii_case(b"code") || name.eq_ignore_ascii_case(b"state"))
    {
        return super::grant::grant(look, site);
    }
    let at = lead::skip(look.bytes, site, value_at(look.bytes, site));
    // A letter of a small word closes nothing and opens nothing; only commands have several values apart.
    let is_plain = matches!(byte(look.bytes, at), b'a'..=b'z' | b'0'..=b'9')
        && !matches!(byte(look.bytes, site.to), b'"' | b'(');
    let is_behind_text = || !site.marked && joint::closes(look.bytes, site.from, at);
    if !is_plain && (is_behind_text() || several::are_several(look, named, site, at)) {
        return;
    }
    let is_within = look.bare.0 < at && at < look.bare.1;
    if named.force == Force::Opaque && is_within {
        // A part of a value that another name asked for.
        return;
    }
    let found = if is_within {
        // Of a run that was measured before, the end is known.
        Some(Extent {
            start: at,
            end: look.bare.1,
            quoted: false,
        })
    } else {
        measured(look, at, site.parameter && !is_pair(look.bytes, named, site))
    };
    let Some(mut found) = found else {
        return several::bracketed(look, named, site, at);
    };
    if named.sort == Sort::Secret && is_no_value(look.bytes, site, found) {
        return children::secrets(look, named, site, at);
    }
    if site.joint == Joint::Assigned && byte(look.bytes, found.start) == b'{' {
        found = value::braced(look.bytes, found);
    }
    found = otherwise::between_braces(look.bytes, site, found);
    found = serialized::whole(look.bytes, site, whole_text(look.bytes, site, found));
    if site.joint == Joint::Colon && !found.quoted {
        found = behind_type(look, found);
    }
    if !found.quoted && pairs::are_apart(look, site, found) {
        return;
    }
    let scheme = header::scheme(look.bytes, named, found.start);
    if scheme.is_some() {
        if header::parameters(look, named, found) {
            return;
        }
        found = header::behind_scheme(look, site, scheme, found);
    }
    take(look, named, site, found);
}

/// Whether what stands in a secret's place is none: the first of the lines below its name, or something else.
fn is_no_value(bytes: &[u8], site: Site, found: Extent) -> bool {
    children::is_item(bytes, found.start) || harmless::is_no_value(bytes, site, found)
}

/// `<password>a&quot;b</password>`: the text of an element is a value as long as it is a word, also where it has marks.
fn whole_text(bytes: &[u8], site: Site, found: Extent) -> Extent {
    /// The most that is read of it.
    const LONGEST: usize = 160;
    let is_of_element = site.at.checked_sub(1).is_some_and(|at| byte(bytes, at) == b'>');
    if !is_of_element || found.quoted || !matches!(byte(bytes, found.end), b'&' | b';') {
        return found;
    }
    let ahead = bytes.get(found.end..bytes.len().min(found.end + LONGEST));
    let ahead = ahead.unwrap_or_default();
    let word = ahead
        .iter()
        .take_while(|byte| **byte > b' ' && !matches!(byte, b'<' | b'"' | b'\\'))
        .count();
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let tag = ahead.get(word..).unwrap_or_default().strip_prefix(b"</");
    let tag = tag.and_then(|tag| tag.split(|byte| *byte == b'>').next());
    let is_closed = tag.is_some_and(|tag| tag.ends_with(name));
    let end = found.end + if is_closed { word } else { 0 };
    Extent { end, ..found }
}

/// Cuts a value, and what it is changed to.
fn take(look: &mut Look<'_, '_>, named: Named, site: Site, found: Extent) {
    let before = look.named;
    let is_cut = cut(look, named, site, found);
    several::changed(look, named, site, found);
    if !is_cut {
        // It may hold names of its own.
        look.named = before;
    }
}

/// Behind so many bytes a value is far from its name.
const FAR: usize = 12;

/// Whether what looks like a URL's parameter is a pair of a connection string: `Server=x;Password=a#b`. There no mark but
/// `;` ends it. Of the names that mean something in URLs only, a URL's are behind `;` too: `/cart;jsessionid=…#top`.
fn is_pair(bytes: &[u8], named: Named, site: Site) -> bool {
    named.force != Force::Parameter
        && super::bytes::before(bytes, site.from, 1) == b';'
        && !several::is_of_path(bytes, site)
}

/// Where the value begins, behind what may stand before it.
#[inline]
fn value_at(bytes: &[u8], site: Site) -> usize {
    let at = site.at + usize::from(byte(bytes, site.at) == b' ');
    if !matches!(
        byte(bytes, at),
        b' ' | b'\t' | b'\r' | b'\n' | b'\\' | b'|' | b'>' | b'<'
    ) {
        return at;
    }
    let lines = site.marked || site.joint == Joint::Colon && breaks_to_indent(bytes, site.at);
    let at = block_scalar(bytes, value::skip_space(bytes, site.at, lines));
    value::skip_space(bytes, cdata(bytes, at), lines)
}

/// `const TOKEN: &str = "…"`: what stands behind the colon is a type, the value follows.
fn behind_type(look: &mut Look<'_, '_>, found: Extent) -> Extent {
    if !matches!(byte(look.bytes, found.end), b' ' | b'\t') {
        return found;
    }
    let next = value::skip_space(look.bytes, found.end, false);
    if next == found.end || byte(look.bytes, next) != b'=' {
        return found;
    }
    let first = look.text.get(found.start..found.end).unwrap_or_default();
    let typed = byte(look.bytes, next + 1) == b' '
        && (is_code(first, look.known.of(look.bytes, found.start, found.end)) || first.starts_with('&'));
    if !typed {
        return found;
    }
    let at = value::skip_space(look.bytes, next + 1, false);
    value::extent(look.bytes, at, false).unwrap_or(found)
}

/// The extent at `at`, remembered where it is a bare run.
fn measured(look: &mut Look<'_, '_>, at: usize, parameter: bool) -> Option<Extent> {
    let mut found = value::extent(look.bytes, at, parameter)?;
    if !found.quoted {
        look.bare = (found.start, found.end);
    } else if found.start > 0 && matches!(byte(look.bytes, found.start - 1), b'\'' | b'`') {
        found.end = text_end(look.bytes, found).unwrap_or(found.end);
    }
    Some(found)
}

/// `{"m":"password='x","n":1}`: where the text of JSON ends that a value begins in, if its own mark is not closed before.
fn text_end(bytes: &[u8], found: Extent) -> Option<usize> {
    /// The most marks that are looked at closer.
    const MARKS: usize = 8;
    let inner = bytes.get(found.start..found.end)?;
    let is_next = |mark: &usize| {
        let next = value::skip_space(bytes, found.start + mark + 1, false);
        matches!(byte(bytes, next), b',' | b'}' | b']')
    };
    let marks = memchr::memchr_iter(b'"', inner).filter(is_next).take(MARKS);
    let ends = marks.filter_map(|mark| {
        let escapes = run_back(inner, mark, 64, |byte| byte == b'\\');
        let before = joint::opened(bytes, found.start - 1, escapes)?;
        matches!(before, b'{' | b',' | b':' | b'[').then_some(found.start + mark - escapes)
    });
    ends.min()
}

/// Cuts a value if it is plausible.
pub(super) fn cut(look: &mut Look<'_, '_>, named: Named, site: Site, found: Extent) -> bool {
    let found = whole(look, named, site, found);
    let value = look.text.get(found.start..found.end).unwrap_or_default();
    if found.end > look.pairs && pairs::is_secret(look, value, found.start) {
        look.pairs = found.end;
        // The names within the value are looked at by themselves, so that what is no secret stays.
        return false;
    }
    let name = look.bytes.get(site.from..site.to).unwrap_or_default();
    let mut named = named;
    if named.force == Force::Parameter && !site.parameter {
        if !keys::is_key(name, value.as_bytes()) {
            return false;
        }
        named.force = Force::Certain;
    }
    if site.joint == Joint::Colon && is_place(name, value.as_bytes()) {
        return false;
    }
    let candidate = Candidate {
        traits: 0,
        value,
        joint: site.joint,
        quoted: found.quoted,
        parameter: site.parameter,
        goes_on: site.joint == Joint::Colon
            && (prose::goes_on(look.bytes, found.end)
                || !found.quoted && is_type_by_place(value, look.bytes.get(found.end..).unwrap_or_default())),
    };
    // What must be opaque and is shorter than that, or a number and is longer than those are, is asked no more.
    let is_misfit = match named.force {
        Force::Opaque | Force::Parameter => value.len() < plausible::OPAQUE,
        Force::Digits(_) => traits::trimmed(value).len() > plausible::DIGITS,
        Force::Certain | Force::Street => false,
    };
    let Look {
        bytes, known, judged, ..
    } = look;
    let plausible = judged.is_plausible(named, candidate, || match is_misfit {
        true => 0,
        false => {
            let text = traits::trimmed(value);
            let start = found.start + (text.as_ptr().addr() - value.as_ptr().addr());
            known.of(bytes, start, start + text.len())
        }
    });
    let value = plausible.then(|| harmless::value(look.bytes, named, site, found));
    let Some(found) = value.flatten() else {
        return false;
    };
    let found = passphrase::whole(look.bytes, named, site, found);
    look.hits
        .push(found.start, found.end, rule(named.sort), named.sort);
    look.named = look.named.max(found.end);
    true
}

/// `src/token.rs:42:9`: a place in a file of a program, which is called after what it is about.
fn is_place(name: &[u8], value: &[u8]) -> bool {
    static ENDS: Lexicon = Lexicon::of(&[
        "c", "cc", "cpp", "cs", "css", "erl", "ex", "go", "h", "hpp", "html", "java", "js", "jsx", "kt",
        "lua", "mjs", "php", "pl", "py", "rb", "rs", "scala", "sh", "sql", "swift", "toml", "ts", "tsx",
        "vue", "yaml", "yml",
    ]);
    let end = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let [digits @ .., last] = value else {
        return false;
    };
    end.len() < name.len()
        && ENDS.has_bytes(end)
        && value.len() <= 16
        && value.contains(&b':')
        && value.first().is_some_and(u8::is_ascii_digit)
        && matches!(last, b'0'..=b'9' | b':')
        && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b':'))
}

/// Names, addresses, passphrases and numbers in groups are several words: a bare one goes on to a mark.
#[inline]
fn whole(look: &Look<'_, '_>, named: Named, site: Site, found: Extent) -> Extent {
    if site.parameter && !found.quoted {
        return several::before_query(look.bytes, site, found);
    }
    let words = named.phrase || named.sort != Sort::Secret;
    if found.quoted || !words {
        return found;
    }
    to_mark(look, named, found)
}

fn to_mark(look: &Look<'_, '_>, named: Named, found: Extent) -> Extent {
    static ENDS: Bytes = Bytes::of(b" \t\n\x0C\r,;|\"'<>(){}[]=:\\");
    let line = look
        .bytes
        .get(found.start..look.bytes.len().min(found.start + 160))
        .unwrap_or_default();
    let numbers = matches!(named.force, Force::Digits(_));
    let mut end = found.end - found.start;
    while byte(line, end) == b' ' {
        let rest = line.get(end + 1..).unwrap_or_default();
        let word = rest.iter().take_while(|byte| !ENDS.has(**byte)).count();
        let text = rest.get(..word).unwrap_or_default();
        let fits = if is_option(text) {
            false
        } else if numbers {
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

/// `-d`, `--decrypt`: the next option of a command line, and no word of the value before it.
fn is_option(word: &[u8]) -> bool {
    matches!(word, [b'-', b'-', letter, ..] | [b'-', letter] if letter.is_ascii_alphabetic())
}

pub(super) const fn rule(sort: Sort) -> &'static str {
    match sort {
        Sort::Secret => "kv.secret",
        Sort::Financial => "kv.financial",
        Sort::Personal => "kv.personal",
        Sort::Network => "kv.network",
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
    const NAME: &str = "password";
    let known = look.known_name(NAME.as_bytes());
    if let Some(named) = known.unwrap_or_else(|| look.look_up(NAME)) {
        assigned(look, named, site);
    }
}
