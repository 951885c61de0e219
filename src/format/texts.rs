//! Lists of texts that came as one text: comma-separated, or in the form that `Debug` gives a list.

use super::text;

/// Writes the texts that `from` lists as a JSON array. `formatted` says that it came from `Debug` or `Display`.
pub(super) fn write(out: &mut Vec<u8>, from: &[u8], formatted: bool) {
    let listed = if formatted && from.starts_with(b"[") {
        std::str::from_utf8(from).ok().and_then(debug_list)
    } else {
        None
    };
    out.push(b'[');
    match listed {
        Some(parts) => parts.iter().for_each(|part| element(out, part.as_bytes())),
        None => from
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .filter(|part| !part.is_empty())
            .for_each(|part| element(out, part)),
    }
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.push(b']');
}

fn element(out: &mut Vec<u8>, part: &[u8]) {
    text::string(out, part);
    out.push(b',');
}

/// The elements of `["a", "b"]`, or of a list of plain words such as `[Admin, User]`.
fn debug_list(from: &str) -> Option<Vec<String>> {
    let inner = from.strip_prefix('[')?.strip_suffix(']')?.trim();
    let mut parts = Vec::new();
    if !inner.contains('"') {
        if inner.contains(['(', '{', '[']) {
            // A list of something else: it stays the one text that it is.
            return Some(vec![from.to_owned()]);
        }
        let words = inner.split(',').map(str::trim).filter(|word| !word.is_empty());
        return Some(words.map(str::to_owned).collect());
    }
    let mut rest = inner;
    while !rest.is_empty() {
        let (part, behind) = quoted(rest.strip_prefix('"')?)?;
        parts.push(part);
        let behind = behind.trim_start();
        if behind.is_empty() {
            break;
        }
        rest = behind.strip_prefix(',')?.trim_start();
    }
    Some(parts)
}

/// The text up to the closing quote with its escapes resolved, and what stands behind the quote.
fn quoted(from: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = from.chars();
    loop {
        match chars.next()? {
            '"' => return Some((text, chars.as_str())),
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                '0' => text.push('\0'),
                'u' => {
                    let (digits, behind) = chars.as_str().strip_prefix('{')?.split_once('}')?;
                    text.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                    chars = behind.chars();
                }
                plain => text.push(plain),
            },
            plain => text.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(from: &str, formatted: bool) -> String {
        let mut out = Vec::new();
        write(&mut out, from.as_bytes(), formatted);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_debug_form_of_a_list_of_strings_is_read_back() {
        let hard = ["a", "", "b, c", "\"\\\n\r\t\0\u{1b}é\u{1f600}'", "]["];
        let expected = serde_json::to_string(&hard).unwrap();
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(&written(text, true)).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
        assert_eq!(read(&format!("{hard:?}")), expected);
        assert_eq!(read(&format!("{hard:#?}")), expected);
        assert_eq!(written("[]", true), "[]");
        assert_eq!(written("[Admin, User]", true), r#"["Admin","User"]"#);
        assert_eq!(written("[Some(1), None]", true), r#"["[Some(1), None]"]"#);
        assert_eq!(written("[\"a\"] and more", true), r#"["[\"a\"] and more"]"#);
    }

    #[test]
    fn a_text_is_split_at_commas() {
        assert_eq!(written("admin, ops ,,é", false), r#"["admin","ops","é"]"#);
        assert_eq!(written("admin", true), r#"["admin"]"#);
        assert_eq!(written("", false), "[]");
        assert_eq!(written("[\"a\"]", false), r#"["[\"a\"]"]"#);
    }
}
