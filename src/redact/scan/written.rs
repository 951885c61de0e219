//! Tables in a text of a text, in which the end of a line is written as `\n`: the text is read as it was before.

use super::alphabet::byte;
use super::bytes::{before, run, run_back};
use super::hits::Hits;
use super::identifier::unseen;
use super::look::Look;
use super::settings;
use super::tables;
use super::triggers::{TRIGGERS, Trigger};
use crate::memory;

/// The longest line of heads, and how far before it the text may begin, in bytes.
const HEADS: usize = 512;
const FAR: usize = 1024;

/// What stands beside a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    /// What parts columns.
    Part,
    /// An end of the line, or of the text.
    End,
}

/// Whether the name may be the head of a column in a text of a text: at an end of its line or beside what parts columns.
#[inline]
pub(super) fn may_be_head(look: &mut Look<'_, '_>, from: usize, to: usize) -> bool {
    let bytes = look.bytes;
    let goes_on = match (byte(bytes, to), byte(bytes, to + 1)) {
        (b',' | b';' | b'|', _) | (b'\\', b'n' | b'r' | b't') | (b' ', b' ' | b'|' | b'\\') => true,
        (b'\\', b'"') => matches!(byte(bytes, to + 2), b',' | b';' | b'\\'),
        _ => false,
    };
    goes_on && from >= look.tables.written && has_escapes(look) && is_among_heads(bytes, from, to)
}

/// Whether the text has a backslash at all.
fn has_escapes(look: &mut Look<'_, '_>) -> bool {
    let bytes = look.bytes;
    let known = &mut look.tables.escapes;
    *known.get_or_insert_with(|| memchr::memchr(b'\\', bytes).is_some())
}

fn is_among_heads(bytes: &[u8], from: usize, to: usize) -> bool {
    let (last, next) = (last(bytes, from), next(bytes, to));
    last.is_some() && next.is_some() && (last == Some(Edge::Part) || next == Some(Edge::Part))
}

fn next(bytes: &[u8], to: usize) -> Option<Edge> {
    let at = to + run(bytes, to, 64, |byte| byte == b' ');
    let at = at + 2 * usize::from(byte(bytes, at) == b'\\' && byte(bytes, at + 1) == b'"');
    match (byte(bytes, at), byte(bytes, at + 1)) {
        (b',' | b';' | b'|', _) | (b'\\', b't') => Some(Edge::Part),
        (b'\\', b'n' | b'r') => Some(Edge::End),
        _ => None,
    }
}

fn last(bytes: &[u8], from: usize) -> Option<Edge> {
    let at = from - run_back(bytes, from, 64, |byte| byte == b' ');
    let is_quoted = before(bytes, at, 1) == b'"' && before(bytes, at, 2) == b'\\';
    let at = at - 2 * usize::from(is_quoted);
    match (before(bytes, at, 1), before(bytes, at, 2)) {
        (b',' | b';' | b'|', _) | (b't', b'\\') => Some(Edge::Part),
        (b'n', b'\\') | (b'"' | 0, _) => Some(Edge::End),
        _ => None,
    }
}

/// The tables of the text around the name at `from..to`, if that stands in a line of names which is followed by others.
pub(super) fn heads(look: &mut Look<'_, '_>, from: usize, to: usize) {
    let bytes = look.bytes;
    let ahead = bytes.get(to..bytes.len().min(to + HEADS)).unwrap_or_default();
    let len = line_len(ahead);
    let end = Some(len).filter(|end| is_break(ahead, *end));
    // Whatever this is, the names that follow in it need not ask again.
    look.tables.written = to + len;
    let Some(end) = end else { return };
    let head = bytes.get(from.saturating_sub(HEADS)..from).unwrap_or_default();
    let line = memchr::memrchr_iter(b'\\', head).find(|at| is_break(head, *at));
    let head = head.get(line.map_or(0, |at| at + 2)..).unwrap_or_default();
    let begin = bare_mark(head).map_or(0, |at| at + 1);
    let line = bytes.get(from - head.len() + begin..to + end).unwrap_or_default();
    // Words are heads in tables that are drawn.
    let is_drawn = || line.contains(&b'|');
    if line.iter().all(is_part) && (!line.contains(&b' ') || is_drawn()) {
        around(look, from);
    }
}

/// How far a line of heads may go: up to its written end, or the mark that closes the text.
fn line_len(bytes: &[u8]) -> usize {
    let ends = |(at, byte): (usize, &u8)| {
        !is_part(byte) || *byte == b'"' && before(bytes, at, 1) != b'\\' || is_break(bytes, at)
    };
    bytes.iter().enumerate().position(ends).unwrap_or(bytes.len())
}

fn is_break(bytes: &[u8], at: usize) -> bool {
    byte(bytes, at) == b'\\' && byte(bytes, at + 1) == b'n'
}

/// Part of a line of heads.
fn is_part(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'_' | b'-' | b'.' | b',' | b';' | b'|' | b'"' | b'\\' | b' '
        )
}

/// The last mark that is none of the text's own.
fn bare_mark(bytes: &[u8]) -> Option<usize> {
    memchr::memrchr_iter(b'"', bytes).find(|mark| before(bytes, *mark, 1) != b'\\')
}

/// `value` before the written end of a line, at `start`.
pub(super) fn value(look: &mut Look<'_, '_>, start: usize) {
    let is_head = match before(look.bytes, start, 1) {
        b' ' => before(look.bytes, start, 2) == b' ',
        last => matches!(last, b',' | b';' | b't' | b'"'),
    };
    if is_head && start >= look.tables.written {
        look.tables.written = start + 1;
        around(look, start);
    }
}

/// Reads the text that `at` stands in as it was before it was written into this one.
fn around(look: &mut Look<'_, '_>, at: usize) {
    let copied = opened(look.bytes, at).and_then(|start| Some((start, copied(look.text, start)?)));
    // Where a line breaks in between, the mark is not the text's.
    let Some((start, (copy, escapes, end))) = copied.filter(|(_, (_, _, end))| *end > at) else {
        // Nor is one near to what follows, up to the next mark.
        let ahead = look.bytes.get(at..).unwrap_or_default();
        look.tables.written = at + memchr::memchr(b'"', ahead).unwrap_or(ahead.len());
        return;
    };
    look.tables.written = look.tables.written.max(end);
    if !copy.contains('\n') {
        return;
    }
    let mut hits = Hits::default();
    let mut inner = Look::new(&copy, &mut hits);
    TRIGGERS.each(copy.as_bytes(), |trigger, from, to| match trigger {
        Trigger::Name => head(&mut inner, from, to),
        Trigger::Table => tables::pairs(&mut inner, from, to),
        Trigger::Settings => settings::lines(&mut inner, from),
        _ => {}
    });
    let origin = |at: usize| start + at + escapes.partition_point(|escape| *escape < at);
    look.hits
        .push_all(&hits, |start, end| (origin(start), origin(end)));
}

fn head(look: &mut Look<'_, '_>, start: usize, end: usize) {
    let Some((from, to)) = unseen(look, start, end) else {
        return;
    };
    if tables::may_be_head(look.bytes, from, to) {
        tables::columns(look, from, to);
    }
}

/// Where the text begins that `at` stands in, if that is near.
fn opened(bytes: &[u8], at: usize) -> Option<usize> {
    let least = at.saturating_sub(FAR);
    let mark = bare_mark(bytes.get(least..at)?);
    mark.map(|mark| least + mark + 1)
        .or_else(|| (least == 0).then_some(0))
}

/// The text from `start` to the mark that closes it, with what its escapes stand for; the places of those in it; and where the
/// text ends.
fn copied(text: &str, start: usize) -> Option<(String, Vec<usize>, usize)> {
    let rest = text.get(start..)?;
    let bytes = rest.as_bytes();
    let (mut copy, mut escapes) = (String::new(), Vec::new());
    let mut at = 0;
    let end = loop {
        let found = memchr::memchr3(b'\\', b'"', b'\n', bytes.get(at..)?);
        let Some(found) = found.map(|found| at + found) else {
            memory::push_str(&mut copy, rest.get(at..)?);
            break bytes.len();
        };
        memory::push_str(&mut copy, rest.get(at..found)?);
        if byte(bytes, found) != b'\\' {
            break found;
        }
        let stands_for = match byte(bytes, found + 1) {
            b'n' => "\n",
            b'r' => "\r",
            b't' => "\t",
            b'"' => "\"",
            b'\\' => "\\",
            b'/' => "/",
            _ => "",
        };
        if stands_for.is_empty() {
            memory::push_str(&mut copy, "\\");
            at = found + 1;
            continue;
        }
        memory::push(&mut escapes, copy.len());
        memory::push_str(&mut copy, stands_for);
        at = found + 2;
    };
    Some((copy, escapes, start + end))
}
