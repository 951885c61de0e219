//! Values whose names stand elsewhere: bytes printed as numbers, and the columns of an SQL insert.

use super::about::{is_nothing, is_placeholder};
use super::alphabet::byte;
use super::encoded;
use super::engine;
use super::look::Look;
use super::traits;
use super::value;
use crate::redact::words::{self, Force};

/// The fewest bytes that are worth reading as text.
const LEAST: usize = 8;

/// The longest list, in bytes of its text.
const LONGEST: usize = 4096;

/// `[103, 104, …]` at `start`: cut if it is text that holds a secret.
pub(super) fn bytes(look: &mut Look<'_, '_>, start: usize) {
    if start < look.list || look.inner {
        return;
    }
    let ahead = look
        .bytes
        .get(start + 1..look.bytes.len().min(start + 1 + LONGEST))
        .unwrap_or_default();
    let len = ahead
        .iter()
        .position(|byte| !(byte.is_ascii_digit() || matches!(byte, b',' | b' ' | b'\n')))
        .unwrap_or(ahead.len());
    look.list = start + 1 + len;
    let list = ahead.get(..len).unwrap_or_default();
    if !matches!(byte(ahead, len), b']' | b'}' | 0) && hexadecimal(look, start, ahead) {
        return;
    }
    if count(list) < LEAST {
        return;
    }
    let text = std::str::from_utf8(list).unwrap_or_default();
    let decoded: Option<Vec<u8>> = text
        .trim_end_matches([' ', ',', '\n'])
        .split(',')
        .map(|number| number.trim().parse::<u8>().ok())
        .collect();
    let decoded = decoded.and_then(|decoded| String::from_utf8(decoded).ok());
    if decoded.is_some_and(|decoded| engine::holds_secret(&decoded)) {
        look.secret(start + 1, start + 1 + len, "bytes");
    }
}

fn count(list: &[u8]) -> usize {
    memchr::memchr_iter(b',', list).count() + 1
}

/// `[0x68, 0x76, …]`, `[68, 6b, …]` at `start`: whether it is a list of bytes in hexadecimal digits.
fn hexadecimal(look: &mut Look<'_, '_>, start: usize, ahead: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b',' | b' ' | b'\n');
    let len = ahead
        .iter()
        .position(|byte| !is_part(byte))
        .unwrap_or(ahead.len());
    let list = ahead.get(..len).unwrap_or_default();
    let first = list.split(|byte| *byte == b',').next().unwrap_or_default();
    let is_pair = matches!(first, [_, _] | [b'0', b'x', _, _]);
    if !is_pair || count(list) < LEAST {
        return false;
    }
    let end = encoded::list(look.bytes, start + 1, &mut engine::holds_secret, look.hits);
    look.list = look.list.max(end);
    true
}

/// The most columns of an insert that are looked at.
const COLUMNS: usize = 64;

/// The longest list of columns, in bytes.
const NAMES: usize = 1024;

/// `INSERT INTO t (a, password) VALUES ('x', '…')`, with the parenthesis of the columns closed at `close`: cuts what
/// stands in the place of a sensitive column.
pub(super) fn values(look: &mut Look<'_, '_>, close: usize, end: usize) {
    if close < look.list {
        return;
    }
    look.list = end;
    let Some(open) = look.columns.open(look.bytes, close) else {
        return;
    };
    let from = open + 1;
    let names = look.text.get(from..close).unwrap_or_default();
    if super::mark::is_in(names.as_bytes()) {
        return;
    }
    let sensitive = sensitive(look, from, close);
    let mut at = value::skip_space(look.bytes, end, true);
    while sensitive != 0 && byte(look.bytes, at) == b'(' {
        at = row(look, names, sensitive, at + 1);
        at = value::skip_space(look.bytes, at, true);
        if byte(look.bytes, at) != b',' {
            break;
        }
        at = value::skip_space(look.bytes, at + 1, true);
    }
    look.list = look.list.max(at);
}

/// Which of the columns that are named between `from` and `close` are sensitive, by number.
fn sensitive(look: &mut Look<'_, '_>, from: usize, close: usize) -> u64 {
    if look.columns.from != from || look.columns.next > close {
        let Columns { read, open, .. } = look.columns;
        look.columns = Columns {
            read,
            open,
            from,
            next: from,
            ..Columns::default()
        };
    }
    // Those with a comma behind them are the same for every list that begins there.
    let Columns {
        mut next,
        mut count,
        mut whole,
        ..
    } = look.columns;
    let mut all = whole;
    while count < COLUMNS {
        let rest = look.bytes.get(next..close).unwrap_or_default();
        let comma = memchr::memchr(b',', rest);
        let name = look.text.get(next..next + comma.unwrap_or(rest.len()));
        let name = bare(name.unwrap_or_default());
        let known = look.known_name(name.as_bytes());
        let named = known.unwrap_or_else(|| look.look_up(name));
        if named.is_some_and(|named| named.force == Force::Certain) {
            all |= 1 << count;
        }
        let Some(comma) = comma else { break };
        (next, count, whole) = (next + comma + 1, count + 1, all);
    }
    (look.columns.next, look.columns.count, look.columns.whole) = (next, count, whole);
    all
}

/// The columns that were read last.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Columns {
    /// How far parentheses were looked for, and the last that opens before that.
    read: usize,
    open: Option<usize>,
    /// Where the columns begin.
    from: usize,
    /// Behind those that a comma ends, how many they are, and which of them are sensitive.
    next: usize,
    count: usize,
    whole: u64,
}

impl Columns {
    /// The last parenthesis that opens shortly before `close`.
    fn open(&mut self, bytes: &[u8], close: usize) -> Option<usize> {
        let least = close.saturating_sub(NAMES);
        if close < self.read {
            (self.read, self.open) = (least, None);
        }
        let from = self.read.max(least);
        let found = memchr::memrchr(b'(', bytes.get(from..close).unwrap_or_default());
        (self.read, self.open) = (close, found.map(|at| from + at).or(self.open));
        self.open.filter(|open| *open >= least)
    }
}

/// The name of a column without what is written around it.
fn bare(name: &str) -> &str {
    traits::trimmed(name).trim_matches(['"', '`', '[', ']', '\'', '\\'])
}

/// One row of values that begins at `at`; gives the place behind it.
fn row(look: &mut Look<'_, '_>, names: &str, sensitive: u64, mut at: usize) -> usize {
    for column in 0..COLUMNS {
        at = value::skip_space(look.bytes, at, true);
        let Some(found) = value::extent(look.bytes, at, false) else {
            return at;
        };
        let text = look.text.get(found.start..found.end).unwrap_or_default();
        if sensitive >> column & 1 == 1 && !is_nothing(text) && !is_placeholder(text) {
            let name = names.split(',').nth(column).unwrap_or_default();
            let name = bare(name);
            let known = look.known_name(name.as_bytes());
            if let Some(named) = known.unwrap_or_else(|| words::named(name)) {
                look.hits.push(
                    found.start,
                    found.end,
                    super::keyval::rule(named.sort),
                    named.sort,
                );
            }
        }
        at = found.end;
        while matches!(byte(look.bytes, at), b'\\' | b'"' | b'\'') {
            at += 1;
        }
        at = value::skip_space(look.bytes, at, true);
        match byte(look.bytes, at) {
            b',' => at += 1,
            b')' => return at + 1,
            _ => return at,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::super::engine::tests::rules;

    #[test]
    fn the_columns_of_each_insert_are_its_own() {
        let [first, second] = [
            "insert into t (password, nick) values ('Xabc12XYdefgh9', 'Zeb')",
            "insert into t (nick, `password`, passwork) values ('Zeb', 'Xabc12XYdefgh8', 'Zeb')",
        ];
        for (text, wanted) in [
            (format!("{first}; {second}; {first}"), 3),
            (format!("{second}; {first}; {second}"), 3),
        ] {
            let found = rules(&text);
            assert!(
                found.len() == wanted
                    && found
                        .iter()
                        .all(|hit| text[hit.1..hit.2].contains("Xabc12XYdefgh")),
                "{found:?}"
            );
        }
    }
}
