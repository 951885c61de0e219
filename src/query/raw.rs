//! Values as they stand in a query's text: stars and escapes.

use super::ast::Pattern;

/// A value as it stands in the text, its stars recognised.
pub(super) struct Raw {
    pub(super) pattern: Pattern,
    /// The value without quotes and escapes.
    pub(super) text: String,
}

/// Collects characters, with `\"`, `\\` and `\*` for the character itself and `*` for a star.
#[derive(Default)]
pub(super) struct Reader {
    parts: Vec<String>,
    part: String,
    text: String,
}

impl Reader {
    /// Takes the first character (two where it is an escape) and says how many bytes it had.
    pub(super) fn take(&mut self, rest: &str) -> usize {
        let mut chars = rest.chars();
        match (chars.next(), chars.next()) {
            (Some('\\'), Some(escaped @ ('"' | '\\' | '*'))) => {
                self.part.push(escaped);
                self.text.push(escaped);
                2
            }
            (Some('*'), _) => {
                self.parts.push(std::mem::take(&mut self.part));
                self.text.push('*');
                1
            }
            (Some(plain), _) => {
                self.part.push(plain);
                self.text.push(plain);
                plain.len_utf8()
            }
            (None, _) => 0,
        }
    }

    pub(super) fn end(mut self) -> Raw {
        self.parts.push(self.part);
        Raw {
            pattern: Pattern::new(self.parts),
            text: self.text,
        }
    }
}
