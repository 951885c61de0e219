//! Private keys in PEM form, however their line breaks were treated.

use super::alphabet::{Alphabet, byte};
use super::bytes;
use super::look::Look;

/// `---- BEGIN` is as long: keys of SSH2 have a space in the place of a dash.
const BEGIN: &str = "-----BEGIN";

/// Bytes of base64 that a key has at least; a header without them is documentation.
pub(super) const LEAST: usize = 40;

/// The longest header that is read as one, in bytes.
const HEADER: usize = 200;

/// The longest label, in bytes.
const LABEL: usize = 48;

/// A block that begins at `start`: to the end of its END line, or of what can be key where that is missing.
pub(super) fn block(look: &mut Look<'_, '_>, start: usize) {
    if start < look.pem {
        return;
    }
    let from = start + BEGIN.len();
    let label_end = (from + LABEL).min(look.bytes.len());
    let label = look.bytes.get(from..label_end).unwrap_or_default();
    let Some(dashes) = label.windows(4).position(|window| window == b"----") else {
        return;
    };
    let label = label.get(..dashes).unwrap_or_default().to_ascii_uppercase();
    let private = is_private(&label);
    let at = behind_dashes(look.bytes, from + dashes);
    let whole = if private {
        to_end_line(look.bytes, at)
    } else {
        None
    };
    let (end, body) = match whole {
        Some(end) => (end, LEAST),
        None => follow(look.bytes, at, &mut look.pem_headers),
    };
    look.pem = end;
    if private && body >= LEAST {
        claim(look, start, end);
    } else if let Some(inner) = inner(look.bytes.get(at..end).unwrap_or_default()) {
        claim(look, at + inner, end);
    }
}

pub(super) fn claim(look: &mut Look<'_, '_>, start: usize, end: usize) {
    look.secret(start, end, "pem");
    look.named = look.named.max(end);
}

fn is_private(label: &[u8]) -> bool {
    label
        .windows(7)
        .any(|window| window.eq_ignore_ascii_case(b"PRIVATE"))
        || label.eq_ignore_ascii_case(b"OpenVPN Static key V1")
}

/// The end of the dashes at `at`; those that begin another block are that block's.
fn behind_dashes(bytes: &[u8], at: usize) -> usize {
    let end = at + bytes::run(bytes, at, usize::MAX, |byte| byte == b'-');
    match opening(bytes, end) {
        Some(Opening::Begin) => end.saturating_sub(5).max(at),
        _ => end,
    }
}

/// What the dashes of a line are before.
#[derive(Debug, PartialEq, Eq)]
enum Opening {
    Begin,
    End,
}

/// The word behind dashes, with or without a space before it.
fn opening(bytes: &[u8], at: usize) -> Option<Opening> {
    let at = at + usize::from(byte(bytes, at) == b' ');
    let is = |word: &[u8]| {
        let there = bytes.get(at..at + word.len());
        there.is_some_and(|there| there.eq_ignore_ascii_case(word))
    };
    if is(b"BEGIN") {
        Some(Opening::Begin)
    } else {
        is(b"END").then_some(Opening::End)
    }
}

/// Where the END line of the private key ends whose lines begin at `at`, whatever stands before, behind and between the
/// lines: times, numbers, tags, quotation marks. None where another block begins before it, so that a text is read once.
fn to_end_line(bytes: &[u8], at: usize) -> Option<usize> {
    let mut from = at;
    loop {
        let dashes = from + memchr::memmem::find(bytes.get(from..)?, b"----")?;
        let end = dashes + bytes::run(bytes, dashes, usize::MAX, |byte| byte == b'-');
        match opening(bytes, end) {
            Some(Opening::Begin) => return None,
            Some(Opening::End) => {
                let close = end_line(bytes, end.saturating_sub(5).max(dashes))?;
                let (lines, label) = (bytes.get(at..dashes)?, bytes.get(end..close)?);
                let keyed = keyed(lines);
                let is_whole = is_private(label) && keyed >= LEAST && keyed >= lines.len() / 5;
                return is_whole.then_some(close);
            }
            None => from = end,
        }
    }
}

/// How many bytes stand in runs that are lines of a key and no words.
fn keyed(bytes: &[u8]) -> usize {
    let (mut at, mut sum) = (0, 0);
    while let Some(ahead) = bytes.get(at..).filter(|ahead| !ahead.is_empty()) {
        let run = Alphabet::Base64.run(ahead);
        let line = ahead.get(..run).unwrap_or_default();
        let is_line =
            run >= 16 && line.iter().any(u8::is_ascii_digit) && line.iter().any(u8::is_ascii_uppercase);
        sum += if is_line { run } else { 0 };
        at += run + 1;
    }
    sum
}

/// Where a private key begins in what was followed as another block: that one's headers may hold it.
fn inner(block: &[u8]) -> Option<usize> {
    let mut begins = memchr::memmem::find_iter(block, b"-----");
    let begin = begins.find(|&at| {
        let end = at + bytes::run(block, at, usize::MAX, |byte| byte == b'-');
        let label = block.get(end..block.len().min(end + LABEL)).unwrap_or_default();
        opening(block, end) == Some(Opening::Begin) && is_private(label)
    })?;
    (keyed(block.get(begin..)?) >= LEAST).then_some(begin)
}

/// Headers in a row that the last block was followed through, and where they led. A block may begin in a header of the one
/// before: it comes through the same ones, and is not followed through all of them again.
///
/// Nothing but a run of base64 and the first break within or behind a header ends a step, so that every break that ends a
/// header, wherever it stands among these, was come to: from there on the ways are one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Headers {
    /// Where the first of them begins.
    from: usize,
    /// The first place behind them that is none and no break.
    to: usize,
}

impl Headers {
    /// Where following leads from the break at `at`.
    fn lead(self, bytes: &[u8], at: usize) -> Option<usize> {
        ((self.from..self.to).contains(&at) && is_break(bytes, at)).then_some(self.to)
    }
}

/// Headers of the longest kind in a row, each behind the end of the one before, in a text without a break: one way through
/// them for each place that a block begins at.
#[derive(Debug, Default, Clone, Copy)]
struct Long {
    /// Whether they stand behind some base64.
    behind: bool,
    from: usize,
    to: usize,
}

/// As many as blocks can begin within the length of the longest header: they may share their dashes.
const LONG: usize = HEADER / BEGIN.len() + 1;

/// What is known of headers.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Those before any base64, and those behind some: there, a short line is base64 as well. One of each is enough: where
    /// base64 follows, the block reaches behind it, and no other begins before that.
    rows: [Option<Headers>; 2],
    long: [Long; LONG],
    oldest: usize,
    /// The white space that was gone over last: where it begins and ends.
    gap: (usize, usize),
}

impl Known {
    fn lead(&self, bytes: &[u8], behind: bool, at: usize) -> Option<usize> {
        let row = self.rows.get(usize::from(behind)).copied().flatten();
        row?.lead(bytes, at)
    }

    /// Where the white space at `at` ends, line breaks not counted.
    fn over_gap(&mut self, bytes: &[u8], at: usize) -> usize {
        let (mut to, (from, end)) = (at, self.gap);
        while let Some(len) = gap(bytes, to) {
            // Whichever way came here, from here on it is one.
            to = if (from..end).contains(&to) { end } else { to + len };
        }
        if at < to {
            self.gap = (at, to);
        }
        to
    }

    /// Where a row of the longest headers ends that comes by `at`.
    fn long(&self, behind: bool, at: usize) -> Option<usize> {
        let comes_by = |long: &&Long| {
            long.behind == behind
                && (long.from..long.to).contains(&at)
                && (long.to - at).is_multiple_of(HEADER)
        };
        self.long.iter().find(comes_by).map(|long| long.to)
    }
}

/// Where a way through headers began.
#[derive(Debug, Default)]
struct Way {
    /// The headers and breaks that it is among.
    from: Option<usize>,
    /// The headers of the longest kind, if it is among them.
    long: Option<usize>,
}

impl Way {
    /// No header of the longest kind begins at `at`.
    fn leave_long(&mut self, known: &mut Known, behind: bool, at: usize) {
        let Some(from) = self.long.take() else { return };
        if let Some(oldest) = known.long.get_mut(known.oldest) {
            *oldest = Long { behind, from, to: at };
        }
        known.oldest = (known.oldest + 1) % LONG;
    }

    /// Neither a header nor a break begins at `at`.
    fn leave(&mut self, known: &mut Known, behind: bool, at: usize) {
        self.leave_long(known, behind, at);
        if let (Some(from), Some(row)) = (self.from.take(), known.rows.get_mut(usize::from(behind))) {
            *row = Some(Headers { from, to: at });
        }
    }

    /// Goes over the header of this length at `at`; says where that leads.
    fn over(&mut self, known: &mut Known, behind: bool, at: usize, header: usize) -> usize {
        let to = at + header;
        self.from.get_or_insert(at);
        if header != HEADER {
            self.leave_long(known, behind, at);
            return to;
        }
        known.long(behind, at).unwrap_or_else(|| {
            self.long.get_or_insert(at);
            to
        })
    }
}

/// Follows base64, headers, and line breaks real or escaped from `at`; gives the end and how much base64 it was.
fn follow(bytes: &[u8], mut at: usize, known: &mut Known) -> (usize, usize) {
    let mut body = 0;
    let mut last = at;
    let mut way = Way::default();
    loop {
        let ahead = bytes.get(at..).unwrap_or_default();
        let run = Alphabet::Base64.run(ahead);
        let behind = body > 0;
        // A line, or the short last line of a body.
        let last_line = behind && matches!(byte(bytes, at + run), b'\\' | b'\r' | b'\n' | b'-' | b'"' | 0);
        if run >= 16 || run > 0 && last_line {
            way.leave(known, behind, at);
            body += run;
            at += run;
            last = at;
            continue;
        }
        if ahead.starts_with(b"-----") || ahead.starts_with(b"---- ") {
            way.leave(known, behind, at);
            return (end_line(bytes, at).unwrap_or(last), body);
        }
        let gap = known.over_gap(bytes, at);
        if gap > at {
            way.leave_long(known, behind, at);
            at = gap;
            continue;
        }
        if body < LEAST {
            if let Some(header) = header(ahead) {
                at = way.over(known, behind, at, header);
                continue;
            }
            way.leave_long(known, behind, at);
            if let Some(to) = known.lead(bytes, behind, at) {
                way = Way::default();
                at = to;
                continue;
            }
        }
        match byte(bytes, at) {
            b'\\' if matches!(byte(bytes, at + 1), b'\\' | b'n' | b'r') => {
                // The letter belongs to the last of several backslashes.
                at += 1 + usize::from(byte(bytes, at + 1) != b'\\');
            }
            b'\n' => at += 1,
            b'"' | b'\'' | b',' | b'+' | b'>' | b'|' | b'#' | b'*' if continues(bytes, at) => at += 1,
            _ => {
                way.leave(known, behind, at);
                return (last, body);
            }
        }
    }
}

/// How long what begins at `at` is, if it is white space, real or escaped, and ends no line.
#[inline]
fn gap(bytes: &[u8], at: usize) -> Option<usize> {
    match byte(bytes, at) {
        b' ' | b'\t' | b'\r' => Some(1),
        b'\\' if byte(bytes, at + 1) == b't' => Some(2),
        _ => None,
    }
}

/// Whether a line of a quoted or commented block goes on: only marks and white space, then base64 again.
fn continues(bytes: &[u8], at: usize) -> bool {
    let ahead = bytes.get(at..bytes.len().min(at + 24)).unwrap_or_default();
    let marks = ahead
        .iter()
        .take_while(|byte| !byte.is_ascii_alphanumeric() && **byte != b'-')
        .count();
    let rest = bytes
        .get(at + marks..bytes.len().min(at + marks + 24))
        .unwrap_or_default();
    marks < ahead.len() && (Alphabet::Base64.run(rest) >= 20 || rest.starts_with(b"-----END"))
}

/// The length of a header line (`Proc-Type: 4,ENCRYPTED`, `DEK-Info: …`, `Comment: …`, `Version: …`).
fn header(ahead: &[u8]) -> Option<usize> {
    let name = ahead
        .iter()
        .take(40)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
        .count();
    if name < 3 || ahead.starts_with(b"-") || byte(ahead, name) != b':' {
        return None;
    }
    let line = ahead.get(..ahead.len().min(HEADER))?;
    // The longest header does not end in the middle of a break: every break that ends a header is come to.
    let end = memchr::memchr2_iter(b'\n', b'\\', line).find(|at| is_break(ahead, *at));
    Some(end.unwrap_or(line.len()))
}

/// Whether a header ends at `at`.
fn is_break(bytes: &[u8], at: usize) -> bool {
    match byte(bytes, at) {
        b'\n' => true,
        b'\\' => matches!(byte(bytes, at + 1), b'n' | b'r' | b'\\'),
        _ => false,
    }
}

/// The end of `-----END … -----` at `at`; none where another block begins instead.
fn end_line(bytes: &[u8], at: usize) -> Option<usize> {
    let label = at + bytes::run(bytes, at, 16, |byte| byte == b'-');
    if opening(bytes, label) != Some(Opening::End) {
        return None;
    }
    let line = bytes.get(label..bytes.len().min(label + LABEL + 8))?;
    let close = line.windows(4).position(|window| window == b"----")?;
    Some(behind_dashes(bytes, label + close))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::engine::tests::rules;
    use super::*;

    const KIND: &str = "PRIVATE KEY";

    /// A key whose END line is missing, behind headers of its own.
    fn key() -> (String, String) {
        let body = "MIIEvQ0bq8+Zt/".repeat(8);
        let head = format!("-----BEGIN RSA {KIND}-----\nComment: abc def\nVersion: 2\n\n");
        (format!("{head}{body}"), body)
    }

    #[test]
    fn a_key_behind_many_headers_is_found_to_its_end_whatever_their_labels_are() {
        for label in ["A", "CERTIFICATE", KIND] {
            for lines in [0, 1, 8, 24, 63, 64, 65, 200] {
                let (key, body) = key();
                let text = format!(
                    "{}{key}",
                    format!("hint: -----BEGIN {label}-----\n").repeat(lines)
                );
                let covered = |&(rule, start, end): &(&str, usize, usize)| {
                    rule == "pem" && start <= text.len() - body.len() && end == text.len()
                };
                let found = rules(&text);
                assert!(found.iter().any(covered), "{lines} of {label}: {found:?}");
            }
        }
    }

    #[test]
    fn a_key_that_begins_in_a_header_is_found_and_headers_without_a_key_are_not() {
        let certificates = "hint: -----BEGIN CERTIFICATE-----\n".repeat(80);
        assert_eq!(rules(&certificates), []);
        let (_, body) = key();
        let text = format!("{certificates}hint: -----BEGIN {KIND}-----{body}-----END {KIND}-----");
        let found = rules(&text);
        assert!(
            found
                .iter()
                .any(|(rule, _, end)| *rule == "pem" && *end == text.len()),
            "{found:?}"
        );
        assert_eq!(rules(&format!("hint: -----BEGIN {KIND}-----\n").repeat(80)), []);
    }

    #[test]
    fn what_is_known_of_headers_leads_where_following_them_leads() {
        let (key, _) = key();
        for line in [
            "hint: -----BEGIN A-----\n\n \\nabc: x\n",
            "abc:-----BEGIN----AAAAAAAAAAAAAAAA\n",
            "abc: x\nAAAAAAAAAAAAAAAAAA\nabc: -----BEGIN A-----\n",
            "abc: -----BEGIN A-----\nAAAAAAAAAAAAAAAAAA\nAA\ndef: y\n",
        ] {
            let lines = line.repeat(100);
            for end in ["", "MIIE\n", &key, "-----END RSA PRIVATE"] {
                agrees(&format!("{lines}{end}"));
            }
        }
    }

    /// Where what is known leads is where following leads, from each place in turn.
    fn agrees(text: &str) {
        let bytes = text.as_bytes();
        let mut known = Known::default();
        let mut furthest = 0;
        for at in 0..bytes.len() {
            // Where a block ended, none begins before.
            if at >= furthest {
                let afresh = follow(bytes, at, &mut Known::default());
                assert_eq!(follow(bytes, at, &mut known), afresh, "{at} of {text:?}");
                furthest = afresh.0;
            }
        }
    }

    #[test]
    fn blocks_behind_each_other_are_followed_once_whatever_the_last_header_ends_with() {
        for end in ["\\", "\\!", "\\n", "x"] {
            let blocks = "a1a:-----BEGIN----\n".repeat(400);
            let text = format!("{blocks}{}abc: {}{end}", "\n".repeat(800), ".".repeat(194));
            let mut known = Known::default();
            let (led, _) = follow(text.as_bytes(), BEGIN.len() + 8, &mut known);
            // What the first one came by is known from its first break on.
            let row = known.rows[0].unwrap();
            assert!(row.from < 40 && row.to > blocks.len(), "{end:?} {row:?} {led}");
            agrees(&text[blocks.len() - 1_000..]);
        }
    }

    /// The longest header ends anywhere, in the middle of a break as well.
    #[test]
    fn a_break_that_a_long_header_ends_in_was_not_come_to() {
        for fill in 180..205 {
            for rest in [
                "\\nabc: x\nAAAAAAAAAAAAAAAAAA",
                "\\\\nabc: x\n\n",
                "\\n\\nnn: y\\n",
                "\nabc: ",
                "\\rrrr: ",
            ] {
                let line = format!("abc: {}{rest}", "x".repeat(fill));
                agrees(&line.repeat(3));
                agrees(&format!("ab: {}abc:x", line.repeat(3)));
            }
        }
    }

    proptest! {
        #[test]
        fn headers_of_any_kind_lead_where_they_lead(
            pieces in proptest::collection::vec(
                (
                    proptest::sample::select(vec![
                        "abc: ", "hint:", "-----BEGIN A-----", "\\t\\t \\t", "\n", "\\n", "\\", "n", "\\\\n", "\\t", "\r\n", " ", "AAAAAAAAAAAAAAAAAA", "AAAA\n", "AA",
                        "\"", ",", "+", "# ", "-----END A-----", "DEK-Info: 4,x", ":", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:",
                    ]),
                    1..5_usize,
                ),
                0..50,
            ),
        ) {
            let text: String = pieces.into_iter().map(|(piece, times)| piece.repeat(times)).collect();
            agrees(&text);
        }
    }
}
