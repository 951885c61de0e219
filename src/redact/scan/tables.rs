//! Tables: values whose names stand in the heads of their columns, or in the column beside them. Each line is read a few times
//! at most: where one was read, no name in it begins a table anew.

use super::about::{is_nothing, is_placeholder};
use super::alphabet::byte;
use super::bytes::{before, run, run_back};
use super::hits::Sort;
use super::keyval;
use super::lexicon::Lexicon;
use super::look::Look;
use super::plausible::{self, Candidate, Joint};
use super::settings;
use super::traits;
use crate::redact::words::{Force, Named};

/// How far the tables of a text were read.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// Names before this place stand in lines that were read.
    heads: usize,
    /// The same of tables of two columns.
    pairs: usize,
    /// The same of lines of settings.
    pub(super) settings: usize,
    /// The same of texts in which the ends of lines are written, and whether there may be one.
    pub(super) written: usize,
    pub(super) escapes: Option<bool>,
}

/// The longest line of heads, in bytes.
const HEADS: usize = 512;

/// The most columns.
const COLUMNS: usize = 64;

/// The longest head and the longest name, in bytes.
const NAME: usize = 64;

/// How far the mark is looked for that closes a cell, in bytes.
const CELL: usize = 1024;

/// Whether the name may be the head of a column: at an end of its line or beside what parts columns.
#[inline]
pub(super) fn may_be_head(bytes: &[u8], from: usize, to: usize) -> bool {
    let next = match byte(bytes, to) {
        b' ' => byte(bytes, to + run(bytes, to, NAME, |byte| byte == b' ')),
        b'"' => byte(bytes, to + 1),
        next => next,
    };
    if !matches!(next, b',' | b';' | b'\t' | b'|' | b'\r' | b'\n') {
        return false;
    }
    let last = match before(bytes, from, 1) {
        b' ' => before(bytes, from - run_back(bytes, from, NAME, |byte| byte == b' '), 1),
        b'"' => before(bytes, from, 2),
        last => last,
    };
    let is_part = |byte: u8| matches!(byte, b',' | b';' | b'\t' | b'|');
    matches!(last, 0 | b'\n') && is_part(next) || is_part(last)
}

/// The table whose heads the name at `from..to` stands among, if it does: cuts what stands under it and its like.
pub(super) fn columns(look: &mut Look<'_, '_>, from: usize, to: usize) {
    if from < look.tables.heads {
        return;
    }
    let bytes = look.bytes;
    let back = bytes.get(from.saturating_sub(HEADS)..from).unwrap_or_default();
    let ahead = bytes.get(to..bytes.len().min(to + HEADS)).unwrap_or_default();
    let start = match memchr::memrchr(b'\n', back) {
        Some(at) => Some(from - back.len() + at + 1),
        None => (back.len() == from).then_some(0),
    };
    let end = memchr::memchr(b'\n', ahead).map(|at| to + at);
    // Whatever this is, the names that follow in it need not ask again.
    look.tables.heads = end.unwrap_or(to + ahead.len());
    let (Some(start), Some(end)) = (start, end) else {
        return;
    };
    let Some(table) = Table::of(bytes, start, end, from, to) else {
        return;
    };
    let (names, any) = table.sensitive(look);
    if any {
        look.tables.heads = table.rows(look, &names).max(end);
    }
}

/// `Value` above dashes at `start..end`: cuts what stands beside names in a table of two columns, `Key` or the like and this.
pub(super) fn pairs(look: &mut Look<'_, '_>, start: usize, end: usize) {
    if start < look.tables.pairs {
        return;
    }
    let bytes = look.bytes;
    let Some(mut at) = behind_heads(bytes, start, end) else {
        return;
    };
    while let Some((name, cell, behind)) = pair(bytes, at) {
        let name = look.text.get(name.start..name.end).unwrap_or_default();
        let named = match is_name(name.as_bytes(), false) {
            true => named(look, name),
            false => None,
        };
        if let Some(named) = named {
            value(look, (name, named), cell);
        }
        at = behind;
    }
    look.tables.pairs = at;
}

/// Where the rows begin of the table in whose heads `Value` stands at `start`, and the first dash below it before `end`.
fn behind_heads(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let back = bytes.get(start.saturating_sub(HEADS)..start)?;
    let line = memchr::memrchr(b'\n', back).map_or(0, |at| at + 1);
    let head = back.get(line..)?;
    let is_head = settings::HEADS
        .iter()
        .any(|head_of| head.trim_ascii().eq_ignore_ascii_case(head_of));
    let is_apart = head.ends_with(b"  ") || head.ends_with(b"\t");
    let dashes = |at: usize| run(bytes, at, HEADS, |byte| byte == b'-');
    let gap = |at: usize| run(bytes, at, HEADS, |byte| matches!(byte, b' ' | b'\t'));
    let first = end - 1 + dashes(end - 1);
    let second = first + gap(first);
    let (long, other) = (first + 1 - end, dashes(second));
    let behind = second + other + gap(second + other);
    let behind = behind + usize::from(byte(bytes, behind) == b'\r');
    (is_head && is_apart && long >= 2 && second > first && other >= 2 && byte(bytes, behind) == b'\n')
        .then_some(behind + 1)
}

/// The name and the value in the line at `at`, and where the next line begins; `None` where it has no two columns.
fn pair(bytes: &[u8], at: usize) -> Option<(Cell, Cell, usize)> {
    let ahead = bytes.get(at..)?;
    let end = memchr::memchr(b'\n', ahead).unwrap_or(ahead.len());
    let line = trimmed(
        bytes,
        Cell {
            start: at,
            end: at + end,
        },
    );
    let name = run(bytes, line.start, NAME, |byte| byte > b' ');
    let gap = run(bytes, line.start + name, HEADS, |byte| {
        matches!(byte, b' ' | b'\t')
    });
    let (from, to) = (line.start, line.start + name);
    let is_pair = name > 0 && (gap >= 1 && to + gap < line.end || to == line.end);
    is_pair.then_some((
        Cell { start: from, end: to },
        Cell {
            start: (to + gap).min(line.end),
            end: line.end,
        },
        bytes.len().min(at + end + 1),
    ))
}

/// What the heads of a table say of its rows.
#[derive(Debug, Clone, Copy)]
struct Table {
    /// Where the heads begin, and where the first row does.
    start: usize,
    rows: usize,
    /// What parts the columns.
    mark: u8,
    /// How many there are.
    count: usize,
}

/// What a column is called, and what that says.
type Head<'t> = (&'t str, Option<Named>);

/// Where a cell stands that is not empty, in marks or without.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Table {
    /// The table of which the line from `start` to `end` may be the heads: nothing but names.
    fn of(bytes: &[u8], start: usize, end: usize, from: usize, to: usize) -> Option<Self> {
        let is_mark = |byte: u8| matches!(byte, b',' | b';' | b'\t' | b'|');
        let near = |at: usize| {
            let gap = run(bytes, at, NAME, |byte| matches!(byte, b' ' | b'"'));
            byte(bytes, at + gap)
        };
        let gap = run_back(bytes, from, NAME, |byte| matches!(byte, b' ' | b'"'));
        let last = before(bytes, from - gap, 1);
        let mark = Some(near(to)).filter(|mark| is_mark(*mark));
        let mark = mark.or_else(|| Some(last).filter(|mark| is_mark(*mark)))?;
        let mut names = 0;
        let (count, behind) = cells(bytes, start, mark, &mut |_, cell| {
            let name = bytes.get(cell.start..cell.end).unwrap_or_default();
            names += usize::from(is_name(name, mark == b'|'));
        })?;
        (names == count && count >= 2 && behind == end + 1).then_some(())?;
        let rows = match mark {
            b'|' => rule(bytes, behind)?,
            _ => is_first(bytes, start).then_some(behind)?,
        };
        Some(Self {
            start,
            rows,
            mark,
            count,
        })
    }

    /// What the names of the columns say of what stands under them, and whether any says something.
    fn sensitive<'t>(self, look: &mut Look<'t, '_>) -> ([Head<'t>; COLUMNS], bool) {
        let (text, mut all, mut any) = (look.text, [("", None); COLUMNS], false);
        cells(look.bytes, self.start, self.mark, &mut |column, cell| {
            let name = text.get(cell.start..cell.end).unwrap_or_default();
            let named = named(look, name);
            any |= named.is_some();
            if let Some(place) = all.get_mut(column) {
                *place = (name, named);
            }
        });
        (all, any)
    }

    /// Cuts what stands under these names in each row that fits the heads, up to the first that does not; gives its place.
    fn rows(self, look: &mut Look<'_, '_>, heads: &[Head<'_>]) -> usize {
        let (bytes, mut at, mut seen) = (look.bytes, self.rows, 0);
        while at < bytes.len() {
            if let Some(behind) = rule(bytes, at).filter(|_| self.mark == b'|') {
                at = behind;
                continue;
            }
            let Some((count, behind)) = cells(bytes, at, self.mark, &mut |_, _| ()) else {
                break;
            };
            // What is scanned may end within a row.
            let is_cut_off = seen > 0 && behind >= bytes.len() && count < self.count;
            if count != self.count && !is_cut_off {
                break;
            }
            cells(bytes, at, self.mark, &mut |column, cell| {
                if let Some((head, Some(named))) = heads.get(column) {
                    value(look, (head, *named), cell);
                }
            });
            (at, seen) = (behind, seen + 1);
        }
        at
    }
}

/// Names of things of languages, boards and browsers as well: what stands under them is one only if it looks like one.
static WEAK: Lexicon = Lexicon::of(&[
    "auth", "cookie", "key", "pass", "passes", "secret", "session", "token",
]);

/// Whether the text looks like what the head means among its meanings.
fn is_meant(head: &str, text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if head.eq_ignore_ascii_case("pin") {
        return digits == text.len() && (4..=8).contains(&digits);
    }
    let letters = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    !WEAK.has(head) || text.len() >= 6 && letters && digits > 0
}

/// What a name says, if that is enough to tell what stands under it.
pub(super) fn named<'t>(look: &mut Look<'t, '_>, name: &'t str) -> Option<Named> {
    let known = look.known_name(name.as_bytes());
    let named = known.unwrap_or_else(|| look.look_up(name))?;
    let tells = matches!(named.force, Force::Certain | Force::Digits(_) | Force::Street);
    (tells && named.sort != Sort::Network).then_some(named)
}

/// Cuts what stands under such a name, if it can be what the name says.
pub(super) fn value(look: &mut Look<'_, '_>, (head, named): (&str, Named), cell: Cell) {
    let text = look.text.get(cell.start..cell.end).unwrap_or_default();
    // `(sensitive value)`
    let is_note = text.starts_with('(') && text.ends_with(')');
    if text.len() > CELL || is_note || is_nothing(text) || is_placeholder(text) || !is_meant(head, text) {
        return;
    }
    let candidate = Candidate {
        value: text,
        joint: Joint::Assigned,
        quoted: true,
        parameter: false,
        goes_on: false,
        traits: traits::of(text.as_bytes()),
    };
    if plausible::is_plausible(named, candidate) {
        look.hits
            .push(cell.start, cell.end, keyval::rule(named.sort), named.sort);
    }
}

/// Tells the cells of the line at `start`, each with its number, but for those that are empty; how many there are, and where
/// the next line begins. `None` for an empty line, and where there are too many.
pub(super) fn cells(
    bytes: &[u8],
    start: usize,
    mark: u8,
    tell: &mut dyn FnMut(usize, Cell),
) -> Option<(usize, usize)> {
    let is_drawn = mark == b'|';
    let gap = run(bytes, start, NAME, |byte| is_drawn && byte == b' ');
    let is_framed = is_drawn && byte(bytes, start + gap) == b'|';
    let mut at = start + gap + usize::from(is_framed);
    if matches!(byte(bytes, at), 0 | b'\r' | b'\n') {
        return None;
    }
    for column in 0..COLUMNS {
        let (cell, end) = match byte(bytes, at) {
            b'"' if !is_drawn => in_marks(bytes, at + 1, mark).unwrap_or_else(|| bare(bytes, at, mark)),
            _ => bare(bytes, at, mark),
        };
        let cell = if is_drawn { trimmed(bytes, cell) } else { cell };
        if cell.start < cell.end {
            tell(column, cell);
        }
        let end = end + usize::from(byte(bytes, end) == b'\r');
        match byte(bytes, end) {
            b'\n' => return Some((column + 1, end + 1)),
            _ if end >= bytes.len() => return Some((column + 1, end)),
            next if next != mark => return None,
            _ => at = end + 1,
        }
        // The stroke that closes a line.
        let rest = at + run(bytes, at, NAME, |byte| is_framed && matches!(byte, b' ' | b'\r'));
        if is_framed && matches!(byte(bytes, rest), 0 | b'\n') {
            return Some((column + 1, bytes.len().min(rest + 1)));
        }
    }
    None
}

/// The cell in marks whose text begins at `start`, and where it ends with its mark, which is doubled within it.
fn in_marks(bytes: &[u8], start: usize, mark: u8) -> Option<(Cell, usize)> {
    let ahead = bytes.get(start..bytes.len().min(start + CELL))?;
    let mut at = 0;
    loop {
        at += memchr::memchr(b'"', ahead.get(at..)?)?;
        if byte(ahead, at + 1) != b'"' {
            let (end, next) = (start + at, byte(ahead, at + 1));
            let is_end = next == mark || matches!(next, 0 | b'\r' | b'\n');
            return is_end.then_some((Cell { start, end }, end + 1));
        }
        at += 2;
    }
}

fn bare(bytes: &[u8], start: usize, mark: u8) -> (Cell, usize) {
    let ahead = bytes.get(start..).unwrap_or_default();
    let end = start + memchr::memchr3(mark, b'\n', b'\r', ahead).unwrap_or(ahead.len());
    (Cell { start, end }, end)
}

fn trimmed(bytes: &[u8], cell: Cell) -> Cell {
    let text = bytes.get(cell.start..cell.end).unwrap_or_default();
    let end = cell.start + text.trim_ascii_end().len();
    let start = cell.end - text.trim_ascii_start().len();
    Cell {
        start: start.min(end),
        end,
    }
}

/// Whether the line at `start` is the first of its text, or of what the line before announces: in a program, names between
/// commas are arguments, and so is what follows.
pub(super) fn is_first(bytes: &[u8], start: usize) -> bool {
    let Some(end) = start.checked_sub(1) else {
        return true;
    };
    let back = bytes.get(end.saturating_sub(HEADS)..end).unwrap_or_default();
    let from = memchr::memrchr(b'\n', back).map_or(0, |at| at + 1);
    let line = back.get(from..).unwrap_or_default().trim_ascii();
    matches!(line.first(), None | Some(b'#')) || line.ends_with(b":") || line.starts_with(b"```")
}

/// Behind the line at `start`, where it is nothing but a rule: `-----+------`, `|---|:--:|`.
fn rule(bytes: &[u8], start: usize) -> Option<usize> {
    let is_part = |byte: u8| matches!(byte, b'-' | b'+' | b'|' | b':' | b'=' | b' ');
    let len = run(bytes, start, 2 * HEADS, is_part);
    let line = bytes.get(start..start + len)?;
    let end = start + len + usize::from(byte(bytes, start + len) == b'\r');
    let is_rule = line.windows(3).any(|three| three == b"---");
    (is_rule && (end >= bytes.len() || byte(bytes, end) == b'\n')).then_some(end + 1)
}

/// An identifier; words too, where a rule below them says that they are heads.
pub(super) fn is_name(name: &[u8], words: bool) -> bool {
    let is_part = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || words && *byte == b' '
    };
    let begins = |first: &u8| first.is_ascii_alphabetic() || *first == b'_';
    name.len() <= NAME && name.first().is_some_and(begins) && name.iter().all(is_part)
}
