//! A catalogue as a file: lines of a quoted name, `=`, and a quoted template, which is also TOML.

use std::collections::BTreeMap;

use super::template::Template;
use crate::error::{Error, Result};

/// Where something is wrong, and what: a byte of the line, and words.
type Wrong = (usize, String);

/// Reads a catalogue. `name` is what errors call it.
pub(super) fn read(name: &str, text: &str) -> Result<BTreeMap<String, Template>> {
    let mut templates = BTreeMap::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        let wrong = |(at, why): Wrong| {
            let before = line.get(..at).unwrap_or(line);
            let column = before.chars().count() + 1;
            Error::config(format!("{name}, line {number}, column {column}: {why}"))
        };
        let Some((event, template)) = entry(line).map_err(wrong)? else {
            continue;
        };
        if templates.insert(event.clone(), template).is_some() {
            let why = format!("`{event}` has a template already; remove one");
            return Err(wrong((0, why)));
        }
    }
    Ok(templates)
}

/// The name and the template of a line; `None` where it says nothing.
fn entry(line: &str) -> Result<Option<(String, Template)>, Wrong> {
    let mut cursor = Cursor { line, at: 0 };
    cursor.space();
    if cursor.is_at_end() {
        return Ok(None);
    }
    let (event, _) = cursor.string("an event's name in quotes, as in \"tool.denied\" = \"…\"")?;
    if event.is_empty() || (event.contains('*') && event != "*" && !is_family(&event)) {
        let why = format!("`{event}` is no event's name; name an event, `family.*` or `*`");
        return Err((0, why));
    }
    cursor.space();
    if !cursor.eat('=') {
        return Err((cursor.at, "expected `=` behind the event's name".to_owned()));
    }
    cursor.space();
    let (text, places) = cursor.string("a template in quotes")?;
    let template = Template::parse(&text).map_err(|(at, why)| {
        let place = places.get(at).copied().unwrap_or(cursor.at);
        (place, why)
    })?;
    cursor.space();
    if !cursor.is_at_end() {
        let why = "expected the end of the line: one line is one template".to_owned();
        return Err((cursor.at, why));
    }
    Ok(Some((event, template)))
}

fn is_family(event: &str) -> bool {
    event
        .strip_suffix(".*")
        .is_some_and(|family| !family.contains('*'))
}

struct Cursor<'t> {
    line: &'t str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        self.line.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        self.at = self.line.len() - self.rest().trim_start().len();
    }

    fn is_at_end(&self) -> bool {
        self.rest().is_empty() || self.rest().starts_with('#')
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// A quoted text, and for each of its bytes where it stands in the line.
    fn string(&mut self, expected: &str) -> Result<(String, Vec<usize>), Wrong> {
        let start = self.at;
        let quote = match self.next() {
            Some(quote @ ('"' | '\'')) => quote,
            _ => return Err((start, format!("expected {expected}"))),
        };
        let (mut text, mut places) = (String::new(), Vec::new());
        loop {
            let here = self.at;
            let c = match self.next() {
                Some(c) if c == quote => return Ok((text, places)),
                Some('\\') if quote == '"' => self.escape()?,
                Some(c) => c,
                None => return Err((start, "the quote is not closed on this line".to_owned())),
            };
            text.push(c);
            places.resize(text.len(), here);
        }
    }

    fn escape(&mut self) -> Result<char, Wrong> {
        let here = self.at;
        let unknown = || {
            let why = "unknown escape; write \\\\ for a backslash".to_owned();
            (here, why)
        };
        match self.next() {
            Some(c @ ('"' | '\\')) => Ok(c),
            Some('t') => Ok('\t'),
            Some('n') => Ok('\n'),
            Some('u') => {
                let digits = self.rest().get(..4).ok_or_else(unknown)?.to_owned();
                self.at += 4;
                let number = u32::from_str_radix(&digits, 16).map_err(|_| unknown())?;
                char::from_u32(number).ok_or_else(unknown)
            }
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_its_line_its_column_and_the_remedy() {
        for (text, told) in [
            (
                "tool = \"x\"",
                "c, line 1, column 1: expected an event's name in quotes",
            ),
            ("# fine\n\"a\" \"x\"", "c, line 2, column 5: expected `=`"),
            ("\"a\" = \"x", "column 7: the quote is not closed"),
            ("\"a\" = \"x\" y", "column 11: expected the end of the line"),
            ("\"a.*.b\" = \"x\"", "`a.*.b` is no event's name"),
            (
                "\"a\" = \"x\"\n\"a\" = \"y\"",
                "line 2, column 1: `a` has a template already",
            ),
            (
                "\"a\" = \"ü {acter}\"",
                "column 10: `acter` is no place of a record; did you mean `actor`?",
            ),
            ("\"a\" = \"{actor\"", "column 8: the brace is not closed"),
            ("\"a\" = \"[x {actor}\"", "column 8: the bracket is not closed"),
            (
                "\"a\" = \"x]\"",
                "column 9: no bracket is open here; write ]] for a bracket",
            ),
            (
                "\"a\" = \"[x]\"",
                "column 8: nothing in these brackets can be empty",
            ),
            ("\"a\" = \"\\x\"", "unknown escape"),
        ] {
            let error = read("c", text).expect_err(text).to_string();
            assert!(error.contains(told), "{error}\n{told}");
        }
    }
}
