//! Patterns over event names: `*` stands for any number of characters, everything else for itself.

use std::fmt;

/// A pattern over event names, such as `tool.*`.
///
/// `*` stands for any number of characters, none included, dots included. Nothing else is special, and case
/// counts. Matching allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(from = "String"))]
pub struct Glob {
    pattern: Box<str>,
}

impl Glob {
    /// A pattern. Every text is one: a text without `*` matches itself alone.
    #[must_use]
    pub fn new(pattern: impl Into<Box<str>>) -> Self {
        Self {
            pattern: pattern.into(),
        }
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether the whole of `text` fits the pattern.
    ///
    /// Takes at most `pattern × text` steps: each star tries the nearest place first, and only the last star is
    /// ever moved, because an earlier one that reached it once need not be tried again.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (mut pattern, mut rest) = (self.pattern.as_bytes(), text.as_bytes());
        let mut last_star: Option<(&[u8], &[u8])> = None;
        loop {
            match (pattern.split_first(), rest.split_first()) {
                (Some((b'*', after)), _) => {
                    last_star = Some((after, rest));
                    pattern = after;
                }
                (Some((expected, after)), Some((found, left))) if expected == found => {
                    (pattern, rest) = (after, left);
                }
                (None, None) => return true,
                _ => {
                    let Some((after, [_, left @ ..])) = last_star else {
                        return false;
                    };
                    last_star = Some((after, left));
                    (pattern, rest) = (after, left);
                }
            }
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.pattern)
    }
}

impl From<String> for Glob {
    fn from(pattern: String) -> Self {
        Self::new(pattern)
    }
}

impl From<&str> for Glob {
    fn from(pattern: &str) -> Self {
        Self::new(pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_fits_the_whole_name_or_nothing() {
        let fits = [
            ("tool.*", "tool.start"),
            ("tool.*", "tool."),
            ("*", ""),
            ("*", "anything.at.all"),
            ("**", "x"),
            ("", ""),
            ("tool.start", "tool.start"),
            ("*.error", "gmail.error"),
            ("a*b*c", "a-b-b-c"),
            ("a*b*c", "abc"),
            ("*ab", "aab"),
            ("zürich.*", "zürich.straße"),
        ];
        for (pattern, text) in fits {
            assert!(Glob::new(pattern).matches(text), "{pattern} should fit {text}");
        }
        let misses = [
            ("tool.*", "tool"),
            ("tool.*", "tools.start"),
            ("tool.start", "tool.start2"),
            ("tool.start", "tool.star"),
            ("", "x"),
            ("a*b*c", "a-c-b"),
            ("*.error", "error"),
            ("Tool.*", "tool.start"),
            ("t?ol", "tool"),
        ];
        for (pattern, text) in misses {
            assert!(
                !Glob::new(pattern).matches(text),
                "{pattern} should not fit {text}"
            );
        }
    }

    /// The textbook definition, exponential and obviously right.
    fn by_definition(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', after)), _) => (0..=text.len()).any(|taken| by_definition(after, &text[taken..])),
            (Some((p, after)), Some((t, rest))) => p == t && by_definition(after, rest),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_the_definition(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(
                Glob::new(pattern.as_str()).matches(&text),
                by_definition(pattern.as_bytes(), text.as_bytes())
            );
        }
    }
}
