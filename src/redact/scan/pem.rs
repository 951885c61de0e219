//! Private keys in PEM form, however their line breaks were treated.

use super::alphabet::{Alphabet, byte};
use super::look::Look;

const BEGIN: &str = "-----BEGIN";

/// Bytes of base64 that a key has at least; a header without them is documentation.
const LEAST: usize = 40;

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
    let private = label.windows(7).any(|window| window == b"PRIVATE");
    let mut at = from + dashes;
    while byte(look.bytes, at) == b'-' {
        at += 1;
    }
    let (end, body) = follow(look.bytes, at, &mut look.pem_headers);
    look.pem = end;
    if private && body >= LEAST {
        look.secret(start, end, "pem");
        look.named = look.named.max(end);
    }
}

/// Headers in a row that the last block was followed through, and where they led. A block may begin in a header of the one
/// before: it comes through the same ones, and is not followed through all of them again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Headers {
    /// Where the first of them begin.
    starts: [u32; STARTS],
    len: usize,
    /// The first place behind them that is none and no break.
    to: usize,
}

/// So many that headers in a row as long as a scan are followed a dozen times, and no more.
const STARTS: usize = 64;

impl Headers {
    const NONE: Self = Self {
        starts: [0; STARTS],
        len: 0,
        to: 0,
    };

    /// Where following leads from the header at `at`.
    fn lead(&self, at: usize) -> Option<usize> {
        let starts = self.starts.get(..self.len)?;
        starts
            .iter()
            .any(|start| *start as usize == at)
            .then_some(self.to)
    }

    fn note(&mut self, at: usize) {
        if let (Some(place), Ok(at)) = (self.starts.get_mut(self.len), u32::try_from(at)) {
            *place = at;
            self.len += 1;
        }
    }

    /// The headers end at `to`; they are kept in `known`, and the next ones begin.
    fn end(&mut self, to: usize, known: Option<&mut Option<Self>>) {
        if let (1.., Some(known)) = (self.len, known) {
            *known = Some(Self { to, ..*self });
        }
        self.len = 0;
    }
}

/// What is known of headers: those before any base64, and those behind some. Behind some, a short line is base64 as well.
/// One of each is enough: where base64 follows, the block reaches behind it, and no other begins before that.
pub(super) type Known = [Option<Headers>; 2];

/// Follows base64, headers, and line breaks real or escaped from `at`; gives the end and how much base64 it was.
fn follow(bytes: &[u8], mut at: usize, known: &mut Known) -> (usize, usize) {
    let mut body = 0;
    let mut last = at;
    let mut through = Headers::NONE;
    loop {
        let ahead = bytes.get(at..).unwrap_or_default();
        let run = Alphabet::Base64.run(ahead);
        let known = known.get_mut(usize::from(body > 0));
        // A line, or the short last line of a body.
        let last_line = body > 0 && matches!(byte(bytes, at + run), b'\\' | b'\r' | b'\n' | b'-' | b'"' | 0);
        if run >= 16 || run > 0 && last_line {
            through.end(at, known);
            body += run;
            at += run;
            last = at;
            continue;
        }
        if ahead.starts_with(b"-----") {
            through.end(at, known);
            return (end_line(bytes, at).unwrap_or(last), body);
        }
        if let Some(header) = header(ahead).filter(|_| body < LEAST) {
            let lead = known.as_deref().and_then(|known| known.as_ref()?.lead(at));
            match lead {
                Some(to) => {
                    at = to;
                    through.len = 0;
                }
                None => {
                    through.note(at);
                    at += header;
                }
            }
            continue;
        }
        match byte(bytes, at) {
            b'\\' if matches!(byte(bytes, at + 1), b'\\' | b'n' | b'r' | b't') => {
                // The letter belongs to the last of several backslashes.
                at += 1 + usize::from(byte(bytes, at + 1) != b'\\');
            }
            b'\r' | b'\n' | b' ' | b'\t' if at < bytes.len() => at += 1,
            b'"' | b',' | b'+' | b'>' | b'|' | b'#' | b'*' if continues(bytes, at) => at += 1,
            _ => {
                through.end(at, known);
                return (last, body);
            }
        }
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
    let line = ahead.get(..ahead.len().min(200))?;
    let ends = |at: &usize| byte(line, *at) == b'\n' || matches!(byte(line, at + 1), b'n' | b'r' | b'\\');
    let end = memchr::memchr2_iter(b'\n', b'\\', line).find(ends);
    Some(end.unwrap_or(line.len()))
}

/// The end of `-----END … -----` at `at`; none where another block begins instead.
fn end_line(bytes: &[u8], at: usize) -> Option<usize> {
    let line = bytes.get(at..bytes.len().min(at + LABEL + 16))?;
    if !line.get(5..8)?.eq_ignore_ascii_case(b"END") {
        return None;
    }
    let close = line.get(8..)?.windows(4).position(|window| window == b"----")?;
    let mut end = at + 8 + close;
    while byte(bytes, end) == b'-' {
        end += 1;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
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
                let text = format!("{lines}{end}");
                let bytes = text.as_bytes();
                let mut known = [None; 2];
                let mut furthest = 0;
                for at in 0..bytes.len() {
                    // Where a block ended, none begins before.
                    if at >= furthest {
                        let afresh = follow(bytes, at, &mut [None; 2]);
                        assert_eq!(follow(bytes, at, &mut known), afresh, "{at} of {line} {end}");
                        furthest = afresh.0;
                    }
                }
            }
        }
    }
}
