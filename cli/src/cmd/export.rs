//! `export`: records in another format, one after the other as they are read.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tracing_audit::catalog::profile::{Profile, Unfit};
use tracing_audit::catalog::{Sentences, csv};
use tracing_audit::record::{Record, Slot};
use tracing_audit::store::{Direction, Store as _, Stored};

use super::Met;
use crate::args::{Export, Format};
use crate::out::{Failure, code, note};
use crate::words::{self, counted, harmless};

/// How many places are told that did not fit.
const TOLD: usize = 10;

pub(crate) fn run(export: &Export) -> Result<u8, Failure> {
    let query = super::question(&export.filter, &export.range)?;
    let sentences = sentences(export)?;
    let store = super::open(&export.dir)?;
    let mut target = Target::open(export.out.as_deref())?;
    let mut writer = Writer {
        format: export.format,
        is_strict: export.strict,
        sentences,
        unfit: BTreeMap::new(),
        own: 0,
        left_out: 0,
        first: None,
    };
    if let Some(head) = writer.head() {
        target.line(head.as_bytes(), writer.end())?;
    }
    let mut met = Met::default();
    let mut written = 0;
    for item in store.walk(&query, Direction::OldestFirst, None)? {
        let Some(stored) = met.take(item?) else { continue };
        if let Some(line) = writer.line(&stored)? {
            target.line(&line, writer.end())?;
            written += 1;
            if written == export.limit {
                break;
            }
        }
    }
    target.finish()?;
    writer.tell();
    met.gaps()
        .iter()
        .chain(&met.findings())
        .for_each(|line| note(line));
    if written == 0 {
        note(&format!("no record found in `{}`", export.dir.display()));
    }
    Ok(match met.code() {
        code::OK if writer.left_out > 0 => code::LOSSY,
        code::OK if written == 0 && export.fail_if_empty => code::EMPTY,
        found => found,
    })
}

fn sentences(export: &Export) -> Result<Sentences, Failure> {
    match (&export.sentences, export.format) {
        (Some(_), format) if format != Format::Sentence => Err(Failure::Usage(
            "--sentences goes with --format sentence only".to_owned(),
        )),
        (Some(path), _) => Ok(Sentences::builtin().load(path)?),
        (None, _) => Ok(Sentences::builtin()),
    }
}

/// Makes lines of records.
struct Writer {
    format: Format,
    is_strict: bool,
    sentences: Sentences,
    /// What did not fit, in words, and in how many records.
    unfit: BTreeMap<String, u64>,
    /// The trail's own records, which other systems' formats leave out.
    own: u64,
    /// Records that lack what the format requires, and what the first of them lacks.
    left_out: u64,
    first: Option<String>,
}

impl Writer {
    /// What stands before the first record.
    fn head(&self) -> Option<String> {
        (self.format == Format::Csv).then(csv::header)
    }

    /// What stands behind every line.
    fn end(&self) -> &'static [u8] {
        if self.format == Format::Csv {
            b"\r\n"
        } else {
            b"\n"
        }
    }

    /// The record's line; `None` where the format leaves it out.
    fn line(&mut self, stored: &Stored) -> Result<Option<Vec<u8>>, Failure> {
        let record = &stored.record;
        Ok(Some(match self.format {
            Format::Jsonl => stored.line.clone(),
            Format::Csv => csv::row(record)?.into_bytes(),
            Format::Sentence => words::sentence(&self.sentences, record).into_bytes(),
            Format::Shape(_) if is_own(record) => {
                self.own += 1;
                return Ok(None);
            }
            Format::Shape(profile) => return self.shape(profile, stored),
        }))
    }

    fn shape(&mut self, profile: Profile, stored: &Stored) -> Result<Option<Vec<u8>>, Failure> {
        let refuse = |why: &str| {
            let (seq, stream) = (stored.place.seq, &stored.place.stream);
            Failure::Lossy(format!(
                "record {seq} of stream {stream} does not fit the format `{profile}`: {why}; leave --strict out to export what fits"
            ))
        };
        let exported = match profile.export(&stored.record) {
            Ok(exported) => exported,
            Err(error) if self.is_strict => return Err(refuse(&error.to_string())),
            Err(error) => {
                self.left_out += 1;
                self.first.get_or_insert_with(|| error.to_string());
                return Ok(None);
            }
        };
        if self.is_strict && !exported.unfit.is_empty() {
            return Err(refuse(&listed(&exported.unfit)));
        }
        for unfit in exported.unfit {
            let told = unfit.to_string();
            // Paths are few; a hostile file may say otherwise.
            let known = self.unfit.len() < 1_000 || self.unfit.contains_key(&told);
            let told = if known { told } else { "something else".to_owned() };
            *self.unfit.entry(told).or_default() += 1;
        }
        Ok(Some(exported.line.into_bytes()))
    }

    /// Says what is not in the lines.
    fn tell(&self) {
        if self.own > 0 {
            note(&format!(
                "{} of the trail's own left out (audit.open, audit.gap …)",
                counted(self.own, "record")
            ));
        }
        if let Some(first) = &self.first {
            note(&format!(
                "{} left out, because the format requires what they do not say; the first: {}",
                counted(self.left_out, "record"),
                harmless(first)
            ));
        }
        for (told, count) in self.unfit.iter().take(TOLD) {
            note(&format!("in {}: {}", counted(*count, "record"), harmless(told)));
        }
        if self.unfit.len() > TOLD {
            note(&format!("and {} more of that kind", self.unfit.len() - TOLD));
        }
    }
}

/// Whether the trail wrote the record itself: then it acted. What an application reports or what was imported may have
/// such a name too.
fn is_own(record: &Record) -> bool {
    record.event().starts_with("audit.")
        && record.text(Slot::ActorId) == Some("tracing-audit")
        && record.get(Slot::Profile).is_none()
}

fn listed(unfit: &[Unfit]) -> String {
    let told: Vec<String> = unfit
        .iter()
        .take(TOLD)
        .map(|unfit| harmless(&unfit.to_string()))
        .collect();
    let more = unfit.len().saturating_sub(TOLD);
    let more = if more > 0 {
        format!(", and {more} more")
    } else {
        String::new()
    };
    format!("{}{more}", told.join(", "))
}

/// Where the lines go.
enum Target {
    Stdout(BufWriter<io::StdoutLock<'static>>),
    File(BufWriter<File>, String),
}

impl Target {
    fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self::Stdout(BufWriter::with_capacity(
                64 * 1024,
                io::stdout().lock(),
            )));
        };
        let name = path.display().to_string();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // What a trail says is for those who may read the trail.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(file) => Ok(Self::File(BufWriter::with_capacity(64 * 1024, file), name)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Failure::Usage(format!(
                "`{name}` is there already; name another file, or remove it"
            ))),
            Err(error) => Err(failed(&name, &error)),
        }
    }

    fn line(&mut self, line: &[u8], end: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Stdout(out) => {
                out.write_all(line)?;
                out.write_all(end)?;
                Ok(())
            }
            Self::File(file, name) => {
                let written = file.write_all(line).and_then(|()| file.write_all(end));
                written.map_err(|error| failed(name, &error))
            }
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Stdout(mut out) => Ok(out.flush()?),
            Self::File(mut file, name) => {
                let written = file.flush().and_then(|()| file.get_ref().sync_all());
                written.map_err(|error| failed(&name, &error))
            }
        }
    }
}

fn failed(name: &str, error: &io::Error) -> Failure {
    Failure::Input(format!("cannot write `{name}`: {error}"))
}
