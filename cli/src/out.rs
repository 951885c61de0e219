//! The two outputs and the exit codes: data on stdout, notes on stderr, a closed pipe is no failure.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Write};

mod pager;

use tracing_audit::{Error, ErrorKind};

use crate::args::Color;
use crate::words::harmless_json;
use pager::Pager;

/// The exit codes of the binary, as the help text lists them.
pub(crate) mod code {
    pub(crate) const OK: u8 = 0;
    pub(crate) const CORRUPT: u8 = 1;
    pub(crate) const LOSSY: u8 = 2;
    pub(crate) const IO: u8 = 3;
    pub(crate) const USAGE: u8 = 4;
    pub(crate) const EMPTY: u8 = 5;
}

/// Why a command ended before its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody reads our output any more.
    Closed,
    /// Our output cannot be written.
    Output(io::Error),
    /// The library said why.
    Audit(Error),
    /// There is no trail where we were told to look.
    NoTrail(String),
    /// Our input is not what it must be.
    Input(String),
    /// The arguments ask for what must not be done.
    Usage(String),
    /// Something would be lost, and that was not allowed.
    Lossy(String),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Closed => code::OK,
            Self::Audit(error) if matches!(error.kind(), ErrorKind::Query | ErrorKind::Config) => code::USAGE,
            Self::Usage(_) => code::USAGE,
            Self::Lossy(_) => code::LOSSY,
            Self::Output(_) | Self::Audit(_) | Self::NoTrail(_) | Self::Input(_) => code::IO,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the output was closed"),
            Self::Output(error) => write!(f, "could not write the output: {error}"),
            Self::Audit(error) => error.fmt(f),
            Self::NoTrail(why) | Self::Usage(why) | Self::Input(why) | Self::Lossy(why) => f.write_str(why),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Audit(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Output(error),
        }
    }
}

/// Standard output or a pager before it, and what can be shown there.
pub(crate) struct Out {
    writer: BufWriter<Box<dyn Write>>,
    pager: Option<Pager>,
    color: bool,
    columns: Option<usize>,
}

impl Out {
    pub(crate) fn new(color: Color) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            writer: BufWriter::with_capacity(64 * 1024, Box::new(io::stdout().lock())),
            pager: None,
            color: colored(color, terminal),
            columns: columns(terminal),
        }
    }

    /// As [`Out::new`], with a pager before a terminal.
    pub(crate) fn paged(color: Color, no_pager: bool) -> Self {
        let mut out = Self::new(color);
        if !no_pager
            && io::stdout().is_terminal()
            && let Some((pager, input)) = Pager::start()
        {
            out.writer = BufWriter::with_capacity(64 * 1024, input);
            out.pager = Some(pager);
        }
        out
    }

    /// Whether to colour.
    pub(crate) fn color(&self) -> bool {
        self.color
    }

    /// How many columns there are; `None` where nothing needs to be cut.
    pub(crate) fn columns(&self) -> Option<usize> {
        self.columns
    }

    /// Writes a line of text.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())
    }

    /// Writes a line of JSON, harmless on any terminal that it may come to.
    pub(crate) fn json(&mut self, value: &serde_json::Value) -> Result<(), Failure> {
        self.line(&harmless_json(&value.to_string()))
    }

    /// Writes the line of a record: as it is, but for a terminal, whose reader is a person.
    pub(crate) fn record(&mut self, line: &[u8]) -> Result<(), Failure> {
        match std::str::from_utf8(line) {
            Ok(text) if self.columns.is_some() => self.line(&harmless_json(text)),
            _ => self.bytes(line),
        }
    }

    /// Writes a line as it is.
    pub(crate) fn bytes(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.writer.write_all(line)?;
        self.writer.write_all(b"\n")?;
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.writer.flush()?)
    }
}

impl Drop for Out {
    /// A pager is waited for: the terminal is its own until its reader leaves it.
    fn drop(&mut self) {
        if let Some(pager) = self.pager.take() {
            let _ = self.writer.flush();
            self.writer = BufWriter::with_capacity(0, Box::new(io::sink()));
            pager.wait();
        }
    }
}

/// Waits, and ends early with [`Failure::Closed`] where nobody reads our output any more.
#[cfg(unix)]
pub(crate) fn wait(time: std::time::Duration) -> Result<(), Failure> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    let time = Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    match poll(&mut fds, Some(&time)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => Ok(()),
        Ok(_) => Err(Failure::Closed),
        Err(error) => Err(Failure::Output(error.into())),
    }
}

/// Waits.
#[cfg(not(unix))]
pub(crate) fn wait(time: std::time::Duration) -> Result<(), Failure> {
    std::thread::sleep(time);
    Ok(())
}

/// A note beside the data. Where even stderr is gone there is nobody to tell.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn colored(color: Color, terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => wanted(terminal, |name| std::env::var(name).ok()),
    }
}

/// The usual rules: `NO_COLOR` says no, `CLICOLOR_FORCE` yes, whatever the output is; else a terminal has colour unless it is
/// a dumb one or `CLICOLOR` is `0`.
fn wanted(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    let dumb = set("TERM").is_some_and(|term| term == "dumb");
    terminal && !dumb && set("CLICOLOR").is_none_or(|value| value != "0")
}

/// `COLUMNS` if it was exported for us, else the terminal's own width; nothing is cut in a file or a pipe.
fn columns(terminal: bool) -> Option<usize> {
    let given = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    let asked = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    terminal
        .then(|| given.or_else(asked))
        .flatten()
        .filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_the_usual_variables_and_the_first_rule_that_speaks_decides() {
        let of = |terminal: bool, set: &[(&str, &str)]| {
            wanted(terminal, |name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(of(true, &[]) && !of(false, &[]));
        assert!(!of(true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
        assert!(of(true, &[("NO_COLOR", "")]), "an empty variable says nothing");
        assert!(of(false, &[("CLICOLOR_FORCE", "1")]) && !of(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!of(true, &[("CLICOLOR", "0")]) && of(true, &[("CLICOLOR", "1")]));
        assert!(!of(true, &[("TERM", "dumb")]));
    }
}
