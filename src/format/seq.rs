//! The number and the stream of a line, found without reading the rest of it.

use std::sync::LazyLock;

use memchr::memmem::FinderRev;
use serde_json::Value;

const SEQ: &[u8] = b"\"seq\":";
const STREAM: &[u8] = b"\"stream\"";

/// Made once: to prepare a search costs more than to search what stands near the end of a line.
pub(super) static SEQ_FINDER: LazyLock<FinderRev<'static>> = LazyLock::new(|| FinderRev::new(SEQ));

/// The `seq` of a line; `None` for what is not a record.
pub(crate) fn seq_of(line: &[u8]) -> Option<u64> {
    // In a string the quotation marks would be escaped, so this is a key; and the line's own where nothing is closed behind
    // it but the line.
    let at = SEQ_FINDER.rfind(line)?;
    let rest = line.get(at + SEQ.len()..)?;
    let inner = rest.strip_suffix(b"}")?;
    if memchr::memchr2(b'}', b']', inner).is_some() {
        return serde_json::from_slice::<Value>(line).ok()?.get("seq")?.as_u64();
    }
    let len = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    if !matches!(rest.get(len), Some(b',' | b'}')) {
        return None;
    }
    std::str::from_utf8(rest.get(..len)?).ok()?.parse().ok()
}

/// The `stream` of a line; `None` for what is not a record.
pub(crate) fn stream_of(line: &[u8]) -> Option<&str> {
    // A key, as above; the last one, because no object with such a key stands behind the line's own.
    let mut before = line;
    let at = loop {
        // It stands near the end, with few colons behind it.
        let at = memchr::memrchr(b':', before)?;
        before = line.get(..at)?;
        if before.ends_with(STREAM) && line.get(at + 1) == Some(&b'"') {
            break at + 2;
        }
    };
    let rest = line.get(at..)?;
    let len = memchr::memchr2(b'"', b'\\', rest)?;
    let behind = rest.get(len..)?;
    // Every line has a time, so one of the two follows.
    let is_own = behind.starts_with(b"\",\"summary\":\"") || behind.starts_with(b"\",\"time\":\"");
    std::str::from_utf8(rest.get(..len)?).ok().filter(|_| is_own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_the_lines_own_and_not_one_inside_of_it() {
        for (line, seq) in [
            (r#"{"attributes":{"seq":7},"seq":3,"stream":"s"}"#, Some(3)),
            (r#"{"seq":3,"truncated":[{"seq":9}]}"#, Some(3)),
            (r#"{"reason":"\"seq\":8","seq":3}"#, Some(3)),
            (r#"{"seq":3,"stream":"a \"seq\":8"}"#, Some(3)),
            (r#"{"seq":18446744073709551615}"#, Some(u64::MAX)),
            (r#"{"seq":18446744073709551616}"#, None),
            (r#"{"seq":"3"}"#, None),
            (r#"{"seq":3"#, None),
            (r#"{"seq":3.5}"#, None),
            (r#"{"attributes":{"seq":7}}"#, None),
            ("", None),
        ] {
            assert_eq!(seq_of(line.as_bytes()), seq, "{line}");
        }
    }

    #[test]
    fn the_stream_is_the_lines_own_and_not_one_inside_of_it() {
        for (line, stream) in [
            (
                r#"{"attributes":{"stream":"a","time":"b"},"seq":3,"stream":"main-1","time":"t"}"#,
                Some("main-1"),
            ),
            (
                r#"{"seq":3,"stream":"s","summary":"\"stream\":\"x\",\"time\":\"","time":"t"}"#,
                Some("s"),
            ),
            (
                r#"{"stream":"s","time":"t","truncated":[{"path":"stream"}]}"#,
                Some("s"),
            ),
            (r#"{"attributes":{"stream":"a"},"time":"t"}"#, None),
            (r#"{"stream":7,"time":"t"}"#, None),
            (r#"{"stream":"s"#, None),
            ("", None),
        ] {
            assert_eq!(stream_of(line.as_bytes()), stream, "{line}");
        }
    }
}
