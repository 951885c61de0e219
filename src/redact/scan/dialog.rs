//! The dialog of SMTP's AUTH LOGIN: what the client says behind the server's question, in base64.

use super::alphabet::{Alphabet, byte};
use super::bytes::run;
use super::look::Look;

/// How the server asks, in base64: `Password:`, `password:`, `Password`.
const QUESTIONS: [&[u8]; 3] = [b"UGFzc3dvcmQ6", b"cGFzc3dvcmQ6", b"UGFzc3dvcmQ="];

/// The longest answer, in bytes.
const LONGEST: usize = 256;

/// The question that ends at `end`: cuts the answer in the next line.
pub(super) fn answer(look: &mut Look<'_, '_>, end: usize) {
    let bytes = look.bytes;
    let asked = end.checked_sub(16).and_then(|from| bytes.get(from..end));
    let asked = asked.and_then(|asked| asked.strip_prefix(b"334 "));
    if !asked.is_some_and(|asked| QUESTIONS.contains(&asked)) {
        return;
    }
    let Some(start) = behind_break(bytes, end).map(|at| behind_speaker(bytes, at)) else {
        return;
    };
    let ahead = bytes.get(start..bytes.len().min(start + LONGEST));
    let ahead = ahead.unwrap_or_default();
    let len = Alphabet::Base64.run(ahead);
    let is_closed = matches!(byte(ahead, len), 0..=b' ' | b'"' | b'\'' | b'\\');
    // Four letters may be the next command.
    let is_long = len >= 8 || len == 4 && byte(ahead, 3) == b'=';
    if is_closed && is_long && len & 3 == 0 {
        look.secret(start, start + len, "kv.form");
    }
}

/// Behind the end of the line at `at`, real or written.
fn behind_break(bytes: &[u8], at: usize) -> Option<usize> {
    let ahead = bytes.get(at..)?;
    let ends = [&b"\r\n"[..], b"\n", b"\\r\\n", b"\\n"];
    let end = ends.iter().find(|end| ahead.starts_with(end))?;
    Some(at + end.len())
}

/// Behind what says who speaks: `C: `, `>>> `, `[client] -> `.
fn behind_speaker(bytes: &[u8], at: usize) -> usize {
    let is_mark = |byte: u8| {
        matches!(
            byte,
            b' ' | b'\t' | b'<' | b'>' | b'-' | b'~' | b':' | b'*' | b'[' | b']'
        )
    };
    let marks = run(bytes, at, 8, is_mark);
    let word = run(bytes, at + marks, 8, |byte| byte.is_ascii_alphabetic());
    let behind = at + marks + word;
    let more = run(bytes, behind, 8, is_mark);
    match word > 0 && more > 1 {
        true => behind + more,
        false => at + marks,
    }
}
