//! A sentence for people per record, from a catalogue of templates by the event's name.
//!
//! A catalogue is a file of lines `"event" = "template"`, a part of TOML:
//!
//! ```text
//! # what stands in braces is a place of the record; what stands in brackets is left out where a place in it is empty
//! "tool.denied" = "{actor} was denied {resource}[: {reason}]"
//! "webhook.*"   = "webhook {resource}: {action}"
//! ```
//!
//! The name alone comes first, then the longest `family.*`, then `*`, then a sentence of who, what and how it ended.

mod file;
mod phrase;
mod template;

use std::collections::BTreeMap;
use std::path::Path;

pub(super) use self::phrase::general;
use self::template::Template;
use crate::error::{Error, Result};
use crate::record::Record;

/// The catalogue that is always there.
const BUILTIN: &str = include_str!("builtin.toml");

/// The longest catalogue, in bytes.
const LONGEST: u64 = 1 << 20;

/// Templates for sentences, by the name of the event.
///
/// ```
/// use tracing_audit::catalog::Sentences;
/// use tracing_audit::record::Record;
///
/// let sentences = Sentences::builtin().with(r#""invoice.paid" = "{actor} paid {resource}[ for {scope.tenant}]""#)?;
/// let record = Record::builder("invoice.paid").actor("user", "ana").resource("invoice", "9").build();
/// assert_eq!(sentences.tell(&record), "ana paid invoice 9");
///
/// let record = Record::builder("document.delete").actor("user", "ana").resource("document", "42").outcome("denied");
/// assert_eq!(sentences.tell(&record.build()), "ana was not allowed to delete document 42 (denied)");
/// # Ok::<(), tracing_audit::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Sentences {
    templates: BTreeMap<String, Template>,
}

impl Sentences {
    /// The catalogue of this crate: events of the five systems whose shapes it knows, and the trail's own.
    #[must_use]
    pub fn builtin() -> Self {
        let none = Self::default();
        // A test reads it, so that it cannot be wrong; without it every record still has its general sentence.
        none.clone().with(BUILTIN).unwrap_or(none)
    }

    /// Adds the templates of a catalogue; one for the same name replaces the one that is there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a line that is not `"event" = "template"`, a name that stands
    /// there twice, and a placeholder that is no place of a record. The message names the line, the column and the remedy.
    pub fn with(self, catalogue: &str) -> Result<Self> {
        self.and("the catalogue", catalogue)
    }

    /// Adds the templates of a catalogue's file: see [`Self::with`].
    ///
    /// # Errors
    ///
    /// As [`Self::with`], with the file's name; [`ErrorKind::Io`](crate::ErrorKind::Io) for a file that cannot be read, is
    /// no UTF-8 or has over 1 MiB.
    pub fn load(self, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unread = |error| Error::io("cannot read the catalogue", path, error);
        let too_long = || std::io::Error::new(std::io::ErrorKind::InvalidData, "it is longer than 1 MiB");
        if std::fs::metadata(path).map_err(unread)?.len() > LONGEST {
            return Err(unread(too_long()));
        }
        let text = std::fs::read_to_string(path).map_err(unread)?;
        self.and(&path.display().to_string(), &text)
    }

    fn and(mut self, name: &str, catalogue: &str) -> Result<Self> {
        self.templates.extend(file::read(name, catalogue)?);
        Ok(self)
    }

    /// The record's sentence: one line, and nothing in it that a terminal obeys.
    #[must_use]
    pub fn tell(&self, record: &Record) -> String {
        match self.find(record.event()) {
            Some(template) => template.fill(record),
            None => general(record),
        }
    }

    fn find(&self, event: &str) -> Option<&Template> {
        if let Some(template) = self.templates.get(event) {
            return Some(template);
        }
        let mut family = event;
        while let Some((shorter, _)) = family.rsplit_once('.') {
            family = shorter;
            if let Some(template) = self.templates.get(&format!("{family}.*")) {
                return Some(template);
            }
        }
        self.templates.get("*")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Value;

    #[test]
    fn the_catalogue_that_is_always_there_can_be_read() {
        let read = file::read("builtin", BUILTIN).expect("it can be read");
        assert!(read.len() > 60, "{}", read.len());
        assert_eq!(Sentences::builtin().templates.len(), read.len());
    }

    #[test]
    fn each_record_of_the_trails_own_has_a_sentence_of_its_own() {
        let page = include_str!("../../../docs/format.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `audit."));
        let names = rows.filter_map(|row| row.split('`').next());
        let names: Vec<String> = names.map(|name| format!("audit.{name}")).collect();
        assert!(names.len() > 12, "{names:?}");
        let sentences = Sentences::builtin();
        for name in &names {
            assert!(sentences.templates.contains_key(name), "{name}");
        }
        let tell = |name: &str, attributes: &[(&str, Value)]| {
            let record = Record::builder(name).outcome("success").reason("a move");
            let said = attributes.iter().fold(record, |record, (name, value)| {
                record.attribute(*name, value.clone())
            });
            sentences.tell(&said.build())
        };
        assert_eq!(
            tell("audit.pause", &[("part", "all".into()), ("by", "u-1".into())]),
            "the trail was paused (all) by u-1: a move"
        );
        assert_eq!(
            tell(
                "audit.resume",
                &[("part", "family tools".into()), ("left_out", 3.into())]
            ),
            "a pause ended (family tools), 3 records were left out"
        );
        assert_eq!(
            tell(
                "audit.clock",
                &[("direction", "backward".into()), ("after", "noon".into())]
            ),
            "the clock stepped backward to noon"
        );
        assert_eq!(
            tell(
                "audit.gap",
                &[
                    ("lost", 2.into()),
                    ("sink", "otlp".into()),
                    ("cause", "not_kept".into())
                ]
            ),
            "2 records were lost to otlp (not_kept)"
        );
        assert_eq!(
            tell(
                "audit.degraded",
                &[("cause", "disk_space".into()), ("state", "warn".into())]
            ),
            "state of the trail: disk_space, warn (success)"
        );
    }

    #[test]
    fn the_name_precedes_the_nearest_family_which_precedes_the_rest() {
        let sentences = Sentences::default()
            .with("\"a.b.c\" = \"name\"\n\"a.b.*\" = \"near\"\n\"a.*\" = \"far\"\n\"*\" = \"rest\"")
            .expect("a catalogue");
        for (event, told) in [
            ("a.b.c", "name"),
            ("a.b.x", "near"),
            ("a.x", "far"),
            ("a", "rest"),
        ] {
            assert_eq!(sentences.tell(&Record::builder(event).build()), told);
        }
    }
}
