//! Tests on the bytes of a line, before it is read: a scan steps over lines that cannot be wanted.

use aho_corasick::AhoCorasick;
use memchr::memmem;

use crate::record::marks::COMMITMENT;

/// What a line must hold for its record to be wanted. Lines that hold it need not be wanted; a test that is too narrow
/// would lose records, one that is too wide only costs time.
///
/// It speaks of lines in the spelling of this library. Lines that may spell it otherwise are read all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RawTest {
    /// Every line may be wanted.
    Any,
    /// All of these hold.
    All(Vec<RawTest>),
    /// At least one of these holds.
    OneOf(Vec<RawTest>),
    /// The line holds these bytes.
    Has(Vec<u8>),
    /// The line holds this ASCII text, whatever its case.
    HasFolded(String),
}

impl RawTest {
    /// The line holds a JSON string that begins with this text; `whole`: and ends with it.
    #[must_use]
    pub fn string(text: &str, whole: bool) -> Self {
        let mut bytes = quoted(text);
        if !whole {
            bytes.pop();
        }
        Self::Has(bytes)
    }

    /// The line holds this text within some JSON string.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let bytes = quoted(text);
        Self::Has(bytes.get(1..bytes.len() - 1).unwrap_or_default().to_vec())
    }

    /// The line holds this text within some JSON string, whatever the case of its letters; any line where it is not ASCII.
    #[must_use]
    pub fn folded(text: &str) -> Self {
        let bytes = quoted(text);
        let inner = bytes.get(1..bytes.len() - 1).unwrap_or_default();
        match std::str::from_utf8(inner) {
            Ok(inner) if inner.is_ascii() => Self::HasFolded(inner.to_owned()),
            _ => Self::Any,
        }
    }

    /// All of these hold; without those that say nothing.
    #[must_use]
    pub fn all(tests: impl IntoIterator<Item = Self>) -> Self {
        let mut tests: Vec<Self> = tests.into_iter().filter(|test| *test != Self::Any).collect();
        match tests.len() {
            0 => Self::Any,
            1 => tests.pop().unwrap_or(Self::Any),
            _ => Self::All(tests),
        }
    }

    /// One of these holds; nothing is known where nothing is known of one.
    #[must_use]
    pub fn one_of(tests: impl IntoIterator<Item = Self>) -> Self {
        let mut tests: Vec<Self> = tests.into_iter().collect();
        if tests.contains(&Self::Any) {
            return Self::Any;
        }
        match tests.len() {
            1 => tests.pop().unwrap_or(Self::Any),
            _ => Self::OneOf(tests),
        }
    }

    /// The test, ready for many lines; `None` where every line may be wanted.
    pub(super) fn look(&self) -> Option<Look> {
        match self {
            Self::Any => None,
            test => Some(Look {
                part: Part::of(test),
                commitment: memmem::Finder::new(COMMITMENT).into_owned(),
            }),
        }
    }
}

fn quoted(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    crate::format::json_string(&mut bytes, text.as_bytes());
    bytes
}

/// A test that was made ready.
#[derive(Debug)]
pub(super) struct Look {
    part: Part,
    commitment: memmem::Finder<'static>,
}

#[derive(Debug)]
enum Part {
    Any,
    All(Vec<Part>),
    OneOf(Vec<Part>),
    Has(Box<memmem::Finder<'static>>),
    HasFolded(AhoCorasick),
}

impl Look {
    /// Whether the record of this line can be wanted.
    pub(super) fn may(&self, line: &[u8]) -> bool {
        self.part.holds(line) || is_spelled_otherwise(line) || self.commitment.find(line).is_some()
    }
}

/// Whether a text of the line may stand in it in another spelling than ours: with an escape that we use for control
/// characters only.
fn is_spelled_otherwise(line: &[u8]) -> bool {
    memchr::memchr_iter(b'\\', line).any(|at| {
        let before = line.get(..at).unwrap_or_default();
        let slashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        slashes % 2 == 0 && matches!(line.get(at + 1), Some(b'u' | b'/'))
    })
}

impl Part {
    fn of(test: &RawTest) -> Self {
        match test {
            RawTest::Any => Self::Any,
            RawTest::All(tests) => Self::All(tests.iter().map(Self::of).collect()),
            RawTest::OneOf(tests) => Self::OneOf(tests.iter().map(Self::of).collect()),
            RawTest::Has(bytes) => Self::Has(Box::new(memmem::Finder::new(bytes).into_owned())),
            RawTest::HasFolded(text) => {
                let mut builder = AhoCorasick::builder();
                builder.ascii_case_insensitive(true);
                builder.build([text]).map_or(Self::Any, Self::HasFolded)
            }
        }
    }

    fn holds(&self, line: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::All(parts) => parts.iter().all(|part| part.holds(line)),
            Self::OneOf(parts) => parts.iter().any(|part| part.holds(line)),
            Self::Has(finder) => finder.find(line).is_some(),
            // Beyond ASCII there are letters whose lower case lies within it.
            Self::HasFolded(finder) => finder.is_match(line) || !line.is_ascii(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(test: &RawTest, line: &str) -> bool {
        test.look().is_none_or(|look| look.may(line.as_bytes()))
    }

    #[test]
    fn a_line_that_lacks_what_it_must_hold_cannot_be_wanted_unless_it_may_be_spelled_otherwise() {
        let whole = RawTest::string("u-1", true);
        assert!(may(&whole, r#"{"id":"u-1"}"#));
        assert!(!may(&whole, r#"{"id":"u-12"}"#));
        assert!(may(&RawTest::string("u-1", false), r#"{"id":"u-12"}"#));
        assert!(may(&whole, r#"{"id":"\u0075-1"}"#), "an escape that need not be");
        assert!(may(&RawTest::string("a/b", true), r#"{"id":"a\/b"}"#));
        assert!(
            !may(&whole, r#"{"id":"\\u0075-1"}"#),
            "a backslash, and no escape"
        );
        assert!(
            may(&whole, r#"{"id":{"$commit":"AA=="}}"#),
            "a value that stands elsewhere"
        );
        assert!(may(&RawTest::string("a\"b\n", true), r#"{"id":"a\"b\n"}"#));
        assert!(may(&RawTest::text("not found"), r#"{"reason":"was not found."}"#));
    }

    #[test]
    fn text_in_any_case_is_found_also_where_a_letter_beyond_ascii_may_stand_for_it() {
        let kelvin = RawTest::folded("kelvin");
        assert!(may(&kelvin, r#"{"a":"in KELVIN"}"#));
        assert!(!may(&kelvin, r#"{"a":"in celsius"}"#));
        assert!(may(&kelvin, "{\"a\":\"in \u{212a}elvin\"}"));
        assert_eq!(RawTest::folded("straße"), RawTest::Any);
    }

    #[test]
    fn nothing_is_known_of_either_where_nothing_is_known_of_one() {
        let has = || RawTest::text("x");
        assert_eq!(RawTest::one_of([has(), RawTest::Any]), RawTest::Any);
        assert_eq!(RawTest::all([has(), RawTest::Any]), has());
        assert_eq!(RawTest::all([]), RawTest::Any);
        assert!(!may(&RawTest::one_of([]), "{}"), "none of none holds");
    }
}
