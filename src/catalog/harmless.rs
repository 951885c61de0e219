//! Text that a terminal may show, whatever somebody put into a record.

use std::fmt::Write as _;

/// The text without anything that a terminal obeys: controls, escapes and marks that change the direction of writing
/// become visible escapes, and so does what has no width, behind which text could hide.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if is_harmful(c) => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let hostile = "a\x1b[31mb\u{9b}31m\u{202e}c\u{2066}\0\u{7f}\r\n\t\u{200b}ü漢";
        let safe = harmless(hostile);
        assert!(safe.chars().all(|c| !is_harmful(c)), "{safe:?}");
        assert_eq!(
            safe,
            "a\\u{1b}[31mb\\u{9b}31m\\u{202e}c\\u{2066}\\u{0}\\u{7f}\\r\\n\\t\\u{200b}ü漢"
        );
    }
}
