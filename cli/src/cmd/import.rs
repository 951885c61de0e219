//! `import`: the audit records of another system, through the library into a trail.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_audit::catalog::profile::{Profile, Reader, classified};
use tracing_audit::record::Record;
use tracing_audit::redact::Policy;
use tracing_audit::{Audit, Error, ErrorKind};

use crate::args::{Color, Import};
use crate::out::{Failure, Out, code, note};
use crate::words::{self, counted, harmless};

/// How many records are on their way before they are made durable together.
const BATCH: u64 = 1_024;

/// How long the disk may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(import: &Import) -> Result<u8, Failure> {
    let policy = policy(&import.policy)?;
    let input = Input::of(import.file.as_deref());
    if !import.keep_going {
        input.check(import.format)?;
    }
    let reader = import.format.reader(input.open()?);
    let audit = Audit::builder()
        .directory(&import.dir)
        .stream(&import.stream)
        .service(super::streams::SERVICE)
        .policy(policy)
        // Files of a trail that is there already are somebody else's to remove.
        .keep_days(0)
        .start()?;
    let mut writing = Writing {
        audit,
        keep_going: import.keep_going,
        taken: 0,
        durable: 0,
        wrong: 0,
    };
    let done = writing.all(reader);
    let ended = writing.end();
    let mut out = Out::new(Color::Never);
    out.line(&writing.told(&import.dir))?;
    out.flush()?;
    done?;
    ended?;
    Ok(if writing.wrong > 0 { code::LOSSY } else { code::OK })
}

/// The policy of this name, or of this file.
fn policy(name: &str) -> Result<Policy, Failure> {
    Ok(match name {
        "keep" => Policy::off("imported with --policy keep"),
        "balanced" => classified(Policy::balanced()),
        "strict" => classified(Policy::strict()),
        path if Path::new(path).exists() => Policy::load(path)?,
        other => {
            return Err(Failure::Usage(format!(
                "there is no policy `{}`; name keep, balanced, strict or a policy's file",
                harmless(other)
            )));
        }
    })
}

/// What is read.
enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    fn of(file: Option<&Path>) -> Self {
        match file {
            Some(path) if path != Path::new("-") => Self::File(path.to_owned()),
            _ => Self::Stdin,
        }
    }

    fn open(&self) -> Result<Box<dyn BufRead>, Failure> {
        match self {
            Self::Stdin => {
                if std::io::stdin().is_terminal() {
                    note("reading from the terminal; end with Ctrl-D");
                }
                Ok(Box::new(std::io::stdin().lock()))
            }
            Self::File(path) => {
                let file = File::open(path);
                let file = file
                    .map_err(|error| Failure::Input(format!("cannot read `{}`: {error}", path.display())))?;
                Ok(Box::new(BufReader::with_capacity(64 * 1024, file)))
            }
        }
    }

    /// Reads a file to its end, so that one with a line that is wrong changes nothing. A pipe can be read only once, so
    /// that it is like standard input.
    fn check(&self, profile: Profile) -> Result<(), Failure> {
        let Self::File(path) = self else { return Ok(()) };
        if std::fs::metadata(path).is_ok_and(|is| !is.is_file() && !is.is_dir()) {
            return Ok(());
        }
        for record in profile.reader(self.open()?) {
            record.map_err(|error| {
                Failure::Input(format!(
                    "{}: {error}; nothing was written. Correct the line, or leave it out with --keep-going",
                    path.display()
                ))
            })?;
        }
        Ok(())
    }
}

/// Records on their way into a trail.
struct Writing {
    audit: Audit,
    keep_going: bool,
    taken: u64,
    /// How many of them the disk has confirmed.
    durable: u64,
    wrong: u64,
}

impl Writing {
    fn all<R: BufRead>(&mut self, mut reader: Reader<R>) -> Result<(), Failure> {
        while let Some(record) = reader.next() {
            let line = reader.line_number();
            match record {
                Ok(record) => match self.one(record) {
                    Ok(()) => self.took()?,
                    Err(error) if error.kind() == ErrorKind::Refused => {
                        self.refuse(&format!("line {line}: {error}"))?;
                    }
                    Err(error) => return Err(error.into()),
                },
                Err(error) if error.kind() == ErrorKind::Format => self.refuse(&error.to_string())?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Counts a record, and makes what is on its way durable from time to time.
    fn took(&mut self) -> Result<(), Failure> {
        self.taken += 1;
        if self.taken.is_multiple_of(BATCH) {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.audit.flush(PATIENCE)?;
        self.durable = self.taken;
        Ok(())
    }

    /// Hands a record over; where there is no room, what is on its way is made durable first.
    fn one(&self, record: Record) -> Result<(), Error> {
        match self.audit.submit(record.clone()) {
            Err(error) if error.kind() == ErrorKind::Full => {
                self.audit.flush(PATIENCE)?;
                self.audit.emit(record).map(drop)
            }
            other => other.map(drop),
        }
    }

    fn refuse(&mut self, why: &str) -> Result<(), Failure> {
        if !self.keep_going {
            return Err(Failure::Input(format!(
                "{why}; the lines before it were written. Correct it and import from this line on, or leave it out with \
                 --keep-going"
            )));
        }
        self.wrong += 1;
        note(&harmless(why));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        let flushed = self.flush();
        self.audit.shutdown(PATIENCE)?;
        flushed?;
        Ok(())
    }

    /// `120 records imported into ./trail, 3 values redacted, 1 value cut; 2 lines left out`.
    fn told(&self, dir: &Path) -> String {
        let stats = self.audit.stats();
        let mut told = format!(
            "{} imported into `{}`",
            counted(self.durable, "record"),
            dir.display()
        );
        if self.taken > self.durable {
            let others = counted(self.taken - self.durable, "record");
            told.push_str(&format!(", {others} not confirmed by the disk"));
        }
        for (count, what) in [(stats.redacted, "redacted"), (stats.truncated, "cut")] {
            if count > 0 {
                told.push_str(&format!(", {} {what}", counted(count, "value")));
            }
        }
        if self.wrong > 0 {
            told.push_str(&format!("; {} left out", counted(self.wrong, "line")));
        }
        words::harmless(&told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_disk_has_confirmed_is_called_imported() -> Result<(), Failure> {
        let root = tempfile::tempdir()?;
        let audit = Audit::builder().directory(root.path().join("trail")).start()?;
        let mut writing = Writing {
            audit,
            keep_going: false,
            taken: 0,
            durable: 0,
            wrong: 0,
        };
        writing.one(Record::builder("a.b").build())?;
        writing.took()?;
        let told = writing.told(Path::new("trail"));
        assert_eq!(
            told,
            "0 records imported into `trail`, 1 record not confirmed by the disk"
        );
        writing.end()?;
        assert_eq!(writing.told(Path::new("trail")), "1 record imported into `trail`");
        Ok(())
    }
}
