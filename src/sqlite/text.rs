//! Full text: the words of a record, and which of a part's records can contain what is sought.
//!
//! A search finds any part of any text, so it is not one for words: the words that contain what is sought are found in the
//! list of all words of the part, and the index says which records have those. What it says is more than what is wanted,
//! never less, and each record is then looked at.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;
use memchr::memmem::Finder;

use crate::record::{Record, Slot, Value, fold};

/// Longer words are not listed; [`LONG`] stands for them.
const MOST: usize = 64;

/// The word of a record that has a longer one. No text has it: the character stands for nothing.
const LONG: &str = "\u{10ffff}";

/// A word of so many hexadecimal digits is a random id, and not listed.
const RANDOM: usize = 12;

/// More words than this are not asked for one by one.
const MOST_WORDS: usize = 400;

/// The words of a part's records, collected as they are added.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// Each word, with the last record that has it.
    words: HashMap<Box<str>, i64, RandomState>,
    /// The records, each with where its words end in `joined`.
    rows: Vec<(i64, usize)>,
    /// The words of each record, each once, with a space behind it.
    joined: String,
    /// The line that is read, in lower case.
    folded: String,
}

impl Texts {
    /// Adds a record's words.
    pub(super) fn add(&mut self, id: i64, record: &Record) {
        for (slot, value) in record.slots() {
            self.take(id, slot, value);
        }
        self.rows.push((id, self.joined.len()));
    }

    /// Adds the words of a record by its line, which has no escapes. They are those that [`Texts::add`] would add, and those of
    /// numbers and bytes that stand as texts.
    pub(super) fn add_line(&mut self, id: i64, line: &str) {
        let mut folded = std::mem::take(&mut self.folded);
        folded.clear();
        let is_ascii = line.is_ascii();
        if is_ascii {
            folded.push_str(line);
            folded.make_ascii_lowercase();
        }
        each_text(line, |top, at| {
            let text = line.get(at.clone()).unwrap_or_default();
            match top {
                "time" | "observed_at" => {}
                "id" | "stream" | "trace_id" | "span_id" | "parent_span_id" if is_hex(text) => {}
                _ if is_ascii => self.split(id, folded.get(at).unwrap_or_default()),
                _ => self.split(id, &fold(text)),
            }
        });
        self.folded = folded;
        self.rows.push((id, self.joined.len()));
    }

    /// How many records there are.
    pub(super) fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The records with their words.
    pub(super) fn rows(&self) -> impl Iterator<Item = (i64, &str)> {
        let mut from = 0;
        self.rows.iter().map(move |(id, end)| {
            let words = self.joined.get(from..*end).unwrap_or_default();
            from = *end;
            (*id, words)
        })
    }

    /// The words that a search looks for in the list, one a line, with a newline before the first. Those that could be a part of
    /// a random id are left out: a search for a part of one does not go by words ([`Sought::new`]), and numbers are most of all.
    pub(super) fn list(&self) -> Vec<u8> {
        let words = self.words.keys().map(|word| &**word);
        let mut words: Vec<&str> = words.filter(|word| !is_hex(word)).collect();
        words.sort_unstable();
        let mut listed = b"\n".to_vec();
        for word in words {
            listed.extend_from_slice(word.as_bytes());
            listed.push(b'\n');
        }
        listed
    }

    fn take(&mut self, id: i64, slot: Slot, value: &Value) {
        match value {
            Value::Str(text) if is_id(slot) && is_hex(text) => {}
            Value::Str(text) => self.split(id, &fold(text)),
            Value::List(values) => values.iter().for_each(|value| self.take(id, slot, value)),
            Value::Map(map) => map.values().for_each(|value| self.take(id, slot, value)),
            _ => {}
        }
    }

    fn split(&mut self, id: i64, text: &str) {
        if !text.is_ascii() {
            let words = text.split(|c: char| !c.is_alphanumeric());
            words.for_each(|word| self.word(id, word));
            return;
        }
        let mut rest = text;
        while let Some(end) = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric()) {
            self.word(id, rest.get(..end).unwrap_or_default());
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        self.word(id, rest);
    }

    fn word(&mut self, id: i64, word: &str) {
        let word = match word.len() {
            0 => return,
            RANDOM.. if is_hex(word) => return,
            len if len > MOST => LONG,
            _ => word,
        };
        match self.words.get_mut(word) {
            Some(last) if *last == id => return,
            Some(last) => *last = id,
            None => {
                self.words.insert(word.into(), id);
            }
        }
        self.joined.push_str(word);
        self.joined.push(' ');
    }
}

/// Gives each text of a line that is no key, as its place in the line, with the key of the record that it stands under.
fn each_text<'l>(line: &'l str, mut take: impl FnMut(&'l str, Range<usize>)) {
    let bytes = line.as_bytes();
    let (mut at, mut depth, mut top) = (0, 0_usize, "");
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let from = at + 1;
                let rest = bytes.get(from..).unwrap_or_default();
                at = from + memchr::memchr(b'"', rest).unwrap_or(rest.len());
                let behind = bytes.get(at + 1..).unwrap_or_default();
                if behind.trim_ascii_start().first() != Some(&b':') {
                    take(top, from..at);
                } else if depth == 1 {
                    top = line.get(from..at).unwrap_or_default();
                }
            }
            _ => {}
        }
        at += 1;
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

/// Texts that a record must contain, one behind the other in one of its texts. In lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sought {
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
        // Within an id that is not listed there can be nothing but what ids are made of.
        for part in parts.iter().filter(|part| !is_hex(part)) {
            let mut at = 0;
            for text in part.split(|c: char| !c.is_alphanumeric()) {
                let end = at + text.len();
                let (begins, ends) = (at > 0, end < part.len());
                // A word that it can be a part of may be a random id, which is not listed.
                let is_listed = !is_hex(text) || (begins && ends && text.len() < RANDOM);
                if !text.is_empty() && is_listed {
                    runs.push(Run {
                        text: text.to_owned(),
                        begins,
                        ends,
                    });
                }
                let separator = part.get(end..).and_then(|rest| rest.chars().next());
                at = end + separator.map_or(0, char::len_utf8);
            }
        }
        Self { runs }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Map;

    fn among(sought: &str, texts: &[&str]) -> Found {
        let mut all = Texts::default();
        for (id, text) in (0..).zip(texts) {
            all.add(id, &Record::builder("").summary(*text).build());
        }
        Sought::new(&[sought.to_owned()]).among(&all.list())
    }

    #[test]
    fn the_words_that_are_asked_for_are_those_that_can_hold_what_is_sought() {
        let texts = ["Not found, unfounded", "a found-ling"];
        assert_eq!(
            among("found", &texts),
            Found::Words(r#"("found" OR "unfounded")"#.into())
        );
        assert_eq!(
            among("t found", &texts),
            Found::Words(r#"("not") AND ("found")"#.into())
        );
        assert_eq!(
            among(" found-l", &texts),
            Found::Words(r#""found" AND ("ling")"#.into())
        );
        assert_eq!(among("xyz", &texts), Found::Nothing);
        assert_eq!(among(", ", &texts), Found::Anything);
    }

    #[test]
    fn ids_are_not_listed_and_what_can_be_a_part_of_one_is_not_looked_up() {
        let texts = ["0123456789abcdef deadbeef"];
        assert_eq!(among("beef", &texts), Found::Anything);
        assert_eq!(among("0123456789abcdef", &texts), Found::Anything);
        assert_eq!(among(" deadbeef.", &texts), Found::Words(r#""deadbeef""#.into()));
        let long = "x".repeat(65);
        assert_eq!(
            among("xx", &[&long, "yxxy"]),
            Found::Words(format!("(\"yxxy\" OR \"{LONG}\")"))
        );
    }

    #[test]
    fn what_stands_in_no_list_is_still_asked_for_where_it_is_a_whole_word() {
        let mut texts = Texts::default();
        texts.add(7, &Record::builder("e").summary("order 4711 of bed 7x").build());
        assert_eq!(texts.list(), b"\n7x\nof\norder\n");
        assert_eq!(among("(4711)", &["order 4711"]), Found::Words(r#""4711""#.into()));
        assert_eq!(among("4711", &["order 4711"]), Found::Anything);
    }

    #[test]
    fn the_words_of_a_line_are_those_of_its_record() {
        let inner = Map::from([("Key".to_owned(), Value::from(vec!["Deep", "er"]))]);
        let plain = Record::builder("document.read")
            .actor("user", "Ana-1")
            .summary("Straße 7, ΑΣ \u{212a}elvin of DEADBEEF0123456789ab")
            .attribute("time", "Within")
            .attribute("n", 7_u64)
            .attribute("inner", Value::from(inner))
            .label("Team", "core")
            .correlation_id("0123456789ABCDEF");
        let ascii = Record::builder("a.b")
            .summary(format!("Ascii ONLY {}", "x".repeat(70)))
            .resource("a/b", "c_d");
        let odd = Record::builder("e").attribute("", "").summary(" ");
        for record in [plain, ascii, odd] {
            let id = uuid::Builder::from_random_bytes([0xab; 16]).into_uuid();
            let line = crate::format::write_line(&record.time(5).build(), "main-0a1b", 3, 7, id);
            let (mut by_line, mut by_record) = (Texts::default(), Texts::default());
            by_line.add_line(9, std::str::from_utf8(&line).unwrap());
            by_record.add(9, &crate::format::read_line(&line).unwrap());
            assert_eq!(by_line.list(), by_record.list());
            let words = |texts: &Texts| {
                let mut words: Vec<String> = texts
                    .rows()
                    .flat_map(|(_, words)| words.split(' ').map(str::to_owned).collect::<Vec<_>>())
                    .collect();
                words.sort();
                words
            };
            assert_eq!(words(&by_line), words(&by_record));
            // Between a key and its colon there can be space, if somebody else wrote the line.
            let spaced = String::from_utf8(line).unwrap().replace("\":", "\" \n: ");
            let mut by_spaced = Texts::default();
            by_spaced.add_line(9, &spaced);
            assert_eq!(words(&by_spaced), words(&by_record));
        }
    }

    #[test]
    fn a_record_has_each_of_its_words_once() {
        let mut texts = Texts::default();
        texts.add(7, &Record::builder("r").summary("s r S").build());
        texts.add(8, &Record::builder("r").build());
        let rows: Vec<_> = texts.rows().collect();
        assert_eq!(rows, [(7, "r s "), (8, "r ")]);
        assert_eq!(texts.list(), b"\nr\ns\n");
    }
}
