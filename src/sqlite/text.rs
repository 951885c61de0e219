//! Full text: the words of a record, and which of a part's records can contain what is sought.
//!
//! A search finds any part of any text, so it is not one for words: the words that contain what is sought are found in the
//! list of all words of the part, and the index says which records have those. What it says is more than what is wanted,
//! never less, and each record is then looked at.

use std::collections::BTreeSet;

use memchr::memmem::Finder;

use crate::record::{Record, Slot, Value, fold};

/// Longer words are not listed; [`LONG`] stands for them.
const MOST: usize = 64;

/// The word of a record that has a longer one. No text has it: the character stands for nothing.
const LONG: &str = "\u{10ffff}";

/// More words than this are not asked for one by one.
const MOST_WORDS: usize = 400;

/// Collects the words of records.
#[derive(Debug, Default)]
pub(super) struct Words {
    own: BTreeSet<String>,
    joined: String,
}

impl Words {
    /// The record's words, each once, with spaces between; they are added to `all`.
    pub(super) fn of(&mut self, record: &Record, all: &mut BTreeSet<String>) -> &str {
        self.own.clear();
        for (slot, value) in record.slots() {
            self.take(slot, value);
        }
        self.joined.clear();
        for word in &self.own {
            if !self.joined.is_empty() {
                self.joined.push(' ');
            }
            self.joined.push_str(word);
            if !all.contains(word) {
                all.insert(word.clone());
            }
        }
        &self.joined
    }

    fn take(&mut self, slot: Slot, value: &Value) {
        match value {
            Value::Str(text) if is_id(slot) && is_hex(text) => {}
            Value::Str(text) => self.split(&fold(text)),
            Value::List(values) => values.iter().for_each(|value| self.take(slot, value)),
            Value::Map(map) => map.values().for_each(|value| self.take(slot, value)),
            _ => {}
        }
    }

    fn split(&mut self, text: &str) {
        for word in text.split(|c: char| !c.is_alphanumeric()) {
            let word = match word.len() {
                0 => continue,
                len if len > MOST => LONG,
                _ => word,
            };
            if !self.own.contains(word) {
                self.own.insert(word.to_owned());
            }
        }
    }
}

/// Slots of random ids: nobody seeks a part of one, and they would be most of all words.
fn is_id(slot: Slot) -> bool {
    matches!(
        slot,
        Slot::Id | Slot::Stream | Slot::TraceId | Slot::SpanId | Slot::ParentSpanId
    )
}

/// Whether a text is nothing but what a random id can be made of.
fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// All words of a part, one a line, with a newline before the first.
pub(super) fn list(words: &BTreeSet<String>) -> Vec<u8> {
    let mut listed = b"\n".to_vec();
    for word in words {
        listed.extend_from_slice(word.as_bytes());
        listed.push(b'\n');
    }
    listed
}

/// Texts that a record must contain, one behind the other in one of its texts. In lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sought {
    parts: Vec<String>,
    /// What words must be there.
    runs: Vec<Run>,
}

/// A run of letters and digits in what is sought.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    text: String,
    /// Whether the word begins, and ends, with it.
    begins: bool,
    ends: bool,
}

/// What a part's list of words says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// No record of the part can contain it.
    Nothing,
    /// A record that contains it has these words, as SQLite is asked for them.
    Words(String),
    /// The words do not tell.
    Anything,
}

impl Sought {
    /// What is sought, in lower case: texts between which anything can stand.
    pub(crate) fn new(parts: &[String]) -> Self {
        let mut runs = Vec::new();
        // What can be a part of an id is not among the words.
        for part in parts.iter().filter(|part| !is_hex(part)) {
            let mut at = 0;
            for text in part.split(|c: char| !c.is_alphanumeric()) {
                let end = at + text.len();
                if !text.is_empty() {
                    runs.push(Run {
                        text: text.to_owned(),
                        begins: at > 0,
                        ends: end < part.len(),
                    });
                }
                let separator = part.get(end..).and_then(|rest| rest.chars().next());
                at = end + separator.map_or(0, char::len_utf8);
            }
        }
        Self {
            parts: parts.to_vec(),
            runs,
        }
    }

    /// Whether a line can be that of a record which contains it. The line is not read for it.
    pub(crate) fn can_be_in(&self, line: &[u8]) -> bool {
        // In a line, some characters stand otherwise than in the text that it states.
        let plain = |part: &&String| part.bytes().all(|byte| !matches!(byte, 0..0x20 | b'"' | b'\\'));
        let lower;
        let line = if line.is_ascii() {
            lower = line.to_ascii_lowercase();
            lower.as_slice()
        } else {
            match std::str::from_utf8(line) {
                Ok(text) => {
                    lower = fold(text).into_bytes();
                    lower.as_slice()
                }
                Err(_) => return true,
            }
        };
        self.parts
            .iter()
            .filter(plain)
            .all(|part| memchr::memmem::find(line, part.as_bytes()).is_some())
    }

    /// What the list of a part's words says of it.
    pub(crate) fn among(&self, listed: &[u8]) -> Found {
        let mut asked = Vec::new();
        for run in &self.runs {
            if run.text.len() > MOST {
                asked.push(quoted(LONG));
                continue;
            }
            if run.begins && run.ends {
                asked.push(quoted(&run.text));
                continue;
            }
            match run.words(listed) {
                Some(words) if words.is_empty() => return Found::Nothing,
                Some(words) => asked.push(format!("({})", words.join(" OR "))),
                None => {}
            }
        }
        if asked.is_empty() {
            Found::Anything
        } else {
            Found::Words(asked.join(" AND "))
        }
    }
}

impl Run {
    /// The words that can hold it, quoted; `None` where they are too many.
    fn words(&self, listed: &[u8]) -> Option<Vec<String>> {
        let mut sought = String::new();
        sought.push_str(if self.begins { "\n" } else { "" });
        sought.push_str(&self.text);
        sought.push_str(if self.ends { "\n" } else { "" });
        let mut words = Vec::new();
        let mut behind = 0;
        for at in Finder::new(sought.as_bytes()).find_iter(listed) {
            let inside = at + usize::from(self.begins);
            if inside < behind {
                continue;
            }
            let from = memchr::memrchr(b'\n', listed.get(..inside)?).map_or(0, |at| at + 1);
            let rest = listed.get(inside..)?;
            behind = inside + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            words.push(quoted(std::str::from_utf8(listed.get(from..behind)?).ok()?));
            if words.len() > MOST_WORDS {
                return None;
            }
        }
        let long = format!("\n{LONG}\n");
        if memchr::memmem::find(listed, long.as_bytes()).is_some() {
            words.push(quoted(LONG));
        }
        Some(words)
    }
}

/// Words have letters and digits only, so that none has a quote.
fn quoted(word: &str) -> String {
    format!("\"{word}\"")
}
