//! A TOML file as tables of known keys, each value with its place, so that an error names key, value, line and remedy.

use std::fmt::Display;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::config::unknown;
use crate::error::{Error, Result};

/// Where a text comes from.
#[derive(Debug)]
pub(super) struct Source<'t> {
    /// What errors call it.
    pub(super) name: String,
    /// The directory that paths in it are relative to.
    pub(super) base: Option<PathBuf>,
    pub(super) text: &'t str,
}

impl<'t> Source<'t> {
    /// Reads the whole text.
    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'t>>> {
        DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.error(at, format_args!("not TOML: {}", error.message()))
        })
    }

    /// An error about what stands at `at`.
    pub(super) fn error(&self, at: usize, message: impl Display) -> Error {
        Error::config(format!("{}: {message}", self.place(at)))
    }

    /// An error from elsewhere, about what stands at `at`.
    pub(super) fn because(&self, at: usize, error: &Error) -> Error {
        Error::new(error.kind(), format!("{}: {error}", self.place(at)))
    }

    /// A path in the file: relative ones are relative to the file's directory.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.base
            .as_deref()
            .map_or_else(|| PathBuf::from(path), |base: &Path| base.join(path))
    }

    fn place(&self, at: usize) -> String {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        format!("{} line {line}", self.name)
    }
}

/// A value with the place that it stands at.
#[derive(Debug, Clone)]
pub(super) struct Given<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

/// A table of the file. Its keys are known ones.
#[derive(Debug)]
pub(super) struct Table<'s, 't> {
    pub(super) source: &'s Source<'t>,
    /// What errors call it: `rule[2]`; empty for the file itself.
    pub(super) name: String,
    pub(super) at: usize,
    members: &'s DeTable<'t>,
}

impl<'s, 't> Table<'s, 't> {
    /// Refuses keys that are not `known`.
    pub(super) fn new(
        source: &'s Source<'t>,
        name: &str,
        at: usize,
        members: &'s DeTable<'t>,
        known: &[&'static str],
    ) -> Result<Self> {
        let table = Self {
            source,
            name: name.to_owned(),
            at,
            members,
        };
        for (key, _) in members.iter() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                return Err(source.error(key.span().start, unknown(&table.key(""), name, known)));
            }
        }
        Ok(table)
    }

    /// The full name of a key.
    pub(super) fn key(&self, key: &str) -> String {
        if self.name.is_empty() {
            return key.to_owned();
        }
        format!("{}.{key}", self.name)
    }

    fn get(&self, key: &str) -> Option<(&'s DeValue<'t>, Range<usize>)> {
        let found = self.members.iter().find(|(name, _)| *name.get_ref() == key);
        found.map(|(_, value)| (value.get_ref(), value.span()))
    }

    /// Whether the key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// An error about the whole table.
    pub(super) fn error(&self, message: impl Display) -> Error {
        self.source
            .error(self.at, format_args!("`{}` {message}", self.name))
    }

    /// An error about the value of a key.
    pub(super) fn wrong(&self, key: &str, at: usize, message: impl Display) -> Error {
        self.source
            .error(at, format_args!("`{}` {message}", self.key(key)))
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str) -> Result<Option<Given<&'s str>>> {
        let Some((value, span)) = self.get(key) else {
            return Ok(None);
        };
        let at = span.start;
        let text = self.text_of(key, value, at)?;
        Ok(Some(Given { value: text, at }))
    }

    /// As [`Self::text`], where there must be one. `example` shows how it is written.
    pub(super) fn needed(&self, key: &str, example: &str) -> Result<Given<&'s str>> {
        self.text(key)?.ok_or_else(|| {
            self.error(format_args!(
                "has no `{key}`; add one, such as `{key} = \"{example}\"`"
            ))
        })
    }

    fn text_of(&self, key: &str, value: &'s DeValue<'t>, at: usize) -> Result<&'s str> {
        match value {
            DeValue::String(text) if !text.trim().is_empty() => Ok(text),
            DeValue::String(_) => {
                Err(self.wrong(key, at, "is an empty text; give a value, or remove the key"))
            }
            other => {
                let found = other.type_str();
                Err(self.wrong(
                    key,
                    at,
                    format_args!("is of type {found}; write a text in quotes"),
                ))
            }
        }
    }

    /// Texts in a list; none of them is empty.
    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<Given<&'s str>>>> {
        let Some((value, span)) = self.get(key) else {
            return Ok(None);
        };
        let DeValue::Array(items) = value else {
            let found = value.type_str();
            let message = format!("is of type {found}; write a list of texts: `{key} = [\"…\"]`");
            return Err(self.wrong(key, span.start, message));
        };
        let texts = items.iter().enumerate().map(|(nth, item)| {
            let at = item.span().start;
            let value = self.text_of(&format!("{key}[{nth}]"), item.get_ref(), at)?;
            Ok(Given { value, at })
        });
        texts.collect::<Result<_>>().map(Some)
    }

    /// A whole number that is not negative.
    pub(super) fn number(&self, key: &str) -> Result<Option<Given<usize>>> {
        let Some((value, span)) = self.get(key) else {
            return Ok(None);
        };
        let number = value.as_integer().and_then(whole);
        match number {
            Some(value) => Ok(Some(Given {
                value,
                at: span.start,
            })),
            None => Err(self.wrong(key, span.start, "is no whole number; write one without quotes")),
        }
    }

    /// A table, if it is one, with its place.
    pub(super) fn table(&self, key: &str) -> Option<(&'s DeTable<'t>, usize)> {
        let (value, span) = self.get(key)?;
        value.as_table().map(|table| (table, span.start))
    }

    /// The tables of a list: `[[rule]]`.
    pub(super) fn tables(&self, key: &str, known: &[&'static str]) -> Result<Vec<Self>> {
        let Some((value, span)) = self.get(key) else {
            return Ok(Vec::new());
        };
        let wrong = |at: usize| {
            let name = self.key(key);
            self.wrong(
                key,
                at,
                format_args!("is no list of tables; begin each with `[[{name}]]`"),
            )
        };
        let items = value.as_array().ok_or_else(|| wrong(span.start))?;
        let tables = items.iter().enumerate().map(|(nth, item)| {
            let at = item.span().start;
            let members = item.get_ref().as_table().ok_or_else(|| wrong(at))?;
            Self::new(
                self.source,
                &format!("{}[{nth}]", self.key(key)),
                at,
                members,
                known,
            )
        });
        tables.collect()
    }
}

fn whole(number: &DeInteger<'_>) -> Option<usize> {
    usize::from_str_radix(number.as_str(), number.radix()).ok()
}
