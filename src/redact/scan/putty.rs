//! Private keys in the files of PuTTY, which have no lines of dashes around them.

use super::alphabet::{Alphabet, byte};
use super::bytes;
use super::look::Look;
use super::pem::{LEAST, claim};

/// The lines of a private key of PuTTY behind `Private-Lines:`, which says how many they are.
pub(super) fn lines(look: &mut Look<'_, '_>, start: usize, end: usize) {
    if start < look.pem {
        return;
    }
    let bytes = look.bytes;
    let number = end + bytes::run(bytes, end, 4, |byte| byte == b' ');
    let digits = bytes::run(bytes, number, 4, |byte| byte.is_ascii_digit());
    let lines = look.text.get(number..number + digits);
    let Some(count) = lines.and_then(|lines| lines.parse::<usize>().ok()) else {
        return;
    };
    let (mut at, mut first, mut body) = (number + digits, None, 0);
    for _ in 0..count {
        let line = behind_gap(bytes, at);
        let run = Alphabet::Base64.run(bytes.get(line..).unwrap_or_default());
        if run == 0 {
            break;
        }
        first.get_or_insert(line);
        body += run;
        at = line + run;
    }
    look.pem = at;
    if let Some(first) = first.filter(|_| body >= LEAST) {
        claim(look, first, at);
    }
}

/// Where the next line begins behind a break, real or escaped, and marks.
fn behind_gap(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < from + 24 {
        at += match byte(bytes, at) {
            b'\\' if matches!(byte(bytes, at + 1), b'n' | b'r' | b't') => 2,
            b'\\' | b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b',' | b'|' | b'>' | b'#' | b'*' => 1,
            _ => break,
        };
    }
    at
}

#[cfg(test)]
mod tests {
    use super::super::engine::tests::rules;

    /// What a file of PuTTY's holds, with these lines of a key.
    fn file(count: usize, lines: &[String], gap: &str) -> String {
        let head = [
            "PuTTY-User-Key-File-3: ssh-ed25519",
            "Encryption: none",
            "Comment: k",
        ];
        let count = format!("Private-Lines: {count}");
        let mut all: Vec<&str> = head.to_vec();
        all.push(&count);
        all.extend(lines.iter().map(String::as_str));
        all.push("Private-MAC: 0123456789abcdef");
        all.join(gap)
    }

    #[test]
    fn the_private_lines_of_a_file_of_puttys_are_found_and_nothing_else_of_it() {
        let lines = [
            "MIIEvQ0bq8+Zt/".repeat(4),
            "MIIEvQ0bq8+Zt/".repeat(4),
            "q8E=".to_owned(),
        ];
        for gap in ["\n", "\r\n", "\\n", "\\r\\n"] {
            for count in 1..=lines.len() {
                let text = file(count, &lines[..count], gap);
                let start = text.find(&lines[0]).expect("its lines");
                let end = text.rfind("Private-MAC").expect("its end") - gap.len();
                assert_eq!(rules(&text), [("pem", start, end)], "{text}");
            }
        }
    }

    #[test]
    fn a_number_of_lines_without_lines_is_no_key() {
        for text in [
            "Private-Lines: 3",
            "Private-Lines: \nabc",
            "Private-Lines: 1\nshort",
            "private-lines:",
        ] {
            assert_eq!(rules(text), [], "{text}");
        }
    }
}
