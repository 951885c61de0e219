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

/// How many times over the headers of a text are read. A block may begin in a header of the one before, and read all
/// that follow again: no text of people has so many in a row.
const OVER: usize = 8;

/// Follows base64, headers, and line breaks real or escaped from `at`; gives the end and how much base64 it was. `read`
/// counts the bytes of headers: where they are too many, all that was followed is taken for a key.
fn follow(bytes: &[u8], mut at: usize, read: &mut usize) -> (usize, usize) {
    let mut body = 0;
    let mut last = at;
    loop {
        let ahead = bytes.get(at..).unwrap_or_default();
        let run = Alphabet::Base64.run(ahead);
        // A line, or the short last line of a body.
        let last_line = body > 0 && matches!(byte(bytes, at + run), b'\\' | b'\r' | b'\n' | b'-' | b'"' | 0);
        if run >= 16 || run > 0 && last_line {
            body += run;
            at += run;
            last = at;
            continue;
        }
        if ahead.starts_with(b"-----") {
            return (end_line(bytes, at).unwrap_or(last), body);
        }
        if let Some(header) = header(ahead).filter(|_| body < LEAST) {
            at += header;
            *read += header;
            if *read > OVER * bytes.len() {
                return (at, LEAST);
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
            _ => return (last, body),
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

    #[test]
    fn headers_that_are_read_too_often_are_taken_for_a_key() {
        let (open, close) = ("-----BEGIN ", "PRIVATE KEY-----");
        let line = format!("hint: {open}{close}\n");
        assert_eq!(rules(&line.repeat(8)), []);
        let found = rules(&line.repeat(80));
        assert!(found.iter().any(|(rule, ..)| *rule == "pem"), "{found:?}");
        // Whose label is none of a secret's is nobody's.
        let line = format!("hint: {open}CERTIFICATE-----\n");
        assert_eq!(rules(&line.repeat(80)), []);
    }
}
