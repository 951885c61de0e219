//! Profiles: the JSON shapes of five systems' audit records, read into records and written out of them.
//!
//! A shape's line becomes a record with [`Profile::import`], or a whole file with [`Profile::reader`], and a record
//! becomes a line of the shape with [`Profile::export`]. What a shape says and the record has no place for stands in
//! `attributes`, so that the way there and back loses nothing: [`guide::profiles`](crate::guide::profiles) has the rules.
//!
//! ```
//! use tracing_audit::catalog::profile::Profile;
//!
//! let line = br#"{"timestamp":1771203409000,"level":"info","event_type":"session.delete","event":{"session_id":"s-1","message_count":7}}"#;
//! let record = Profile::Flynn.import(line)?;
//! assert_eq!(record.event(), "session.delete");
//! assert_eq!(Profile::Flynn.export(&record)?.line.as_bytes(), line);
//! # Ok::<(), tracing_audit::Error>(())
//! ```

mod aaasm;
mod code_executor;
mod contents;
mod denkeeper;
mod dpa;
mod flynn;
mod giving;
mod iso;
mod number;
mod plain;
mod reader;
mod rules;
mod shape;
mod taking;

use std::fmt;
use std::str::FromStr;

pub use contents::classified;
pub use giving::{Exported, Unfit, Why};
pub use reader::Reader;

use self::taking::Fault;
use crate::error::{Error, ErrorKind, Result};
use crate::record::Record;

/// A system whose audit records can be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Profile {
    /// A personal agent: an envelope of `timestamp`, `level` and `event_type` around a free `event`.
    Flynn,
    /// A host of agents: eleven flat fields, one of them JSON in a text.
    Denkeeper,
    /// A server that runs code for agents: a flat entry with `metadata`.
    CodeExecutor,
    /// A gateway that governs agents: an event with decision, labels and a stack of calls.
    Aaasm,
    /// A data-processing agreement's entry: who, what, where from, and no content.
    Dpa,
}

impl Profile {
    /// Every profile.
    pub const ALL: &'static [Self] = &[
        Self::Flynn,
        Self::Denkeeper,
        Self::CodeExecutor,
        Self::Aaasm,
        Self::Dpa,
    ];

    /// The profile's name, as it stands under `profile` in a line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flynn => "flynn",
            Self::Denkeeper => "denkeeper",
            Self::CodeExecutor => "code_executor",
            Self::Aaasm => "aaasm",
            Self::Dpa => "dpa",
        }
    }

    /// Reads one line of the shape, with or without its newline.
    ///
    /// The record says under `profile` where it came from. Nothing is redacted yet: that is done by the policy of the
    /// trail that takes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for what is not JSON, for an object with a key twice, and where a field is missing or holds
    /// what no record can. The message names the column, the field, what it holds and the remedy.
    pub fn import(self, line: &[u8]) -> Result<Record> {
        self.read(line)
            .map_err(|fault| Error::new(ErrorKind::Format, fault.told(line, None)))
    }

    fn read(self, line: &[u8]) -> Result<Record, Fault> {
        match self {
            Self::Flynn => flynn::import(line),
            Self::Denkeeper => denkeeper::import(line),
            Self::CodeExecutor => code_executor::import(line),
            Self::Aaasm => aaasm::import(line),
            Self::Dpa => dpa::import(line),
        }
    }

    /// Reads a file of such lines, one after the other.
    pub fn reader<R: std::io::BufRead>(self, input: R) -> Reader<R> {
        Reader::new(self, input)
    }

    /// Writes a record as a line of the shape, without a newline.
    ///
    /// A record that was imported by the same profile gives what it was read from. Any other is rendered as well as the
    /// shape allows, and what did not fit is said beside the line.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] where the shape requires what the record does not have.
    pub fn export(self, record: &Record) -> Result<Exported> {
        match self {
            Self::Flynn => Ok(flynn::export(record)),
            Self::Denkeeper => Ok(denkeeper::export(record)),
            Self::CodeExecutor => Ok(code_executor::export(record)),
            Self::Aaasm => Ok(aaasm::export(record)),
            Self::Dpa => dpa::export(record),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.iter().copied();
        known
            .clone()
            .find(|profile| profile.as_str() == name)
            .ok_or_else(|| {
                let names: Vec<_> = known.map(Self::as_str).collect();
                let message = format!("there is no profile `{name}`; name one of {}", names.join(", "));
                Error::new(ErrorKind::Config, message)
            })
    }
}
