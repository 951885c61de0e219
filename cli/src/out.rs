//! The two outputs and the exit codes: data on stdout, notes on stderr, a closed pipe is no failure.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write};

use tracing_audit::{Error, ErrorKind};

use crate::args::Color;

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

/// Standard output, and what it can show.
#[derive(Debug)]
pub(crate) struct Out {
    writer: BufWriter<StdoutLock<'static>>,
    color: bool,
    columns: Option<usize>,
}

impl Out {
    pub(crate) fn new(color: Color) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            writer: BufWriter::with_capacity(64 * 1024, io::stdout().lock()),
            color: colored(color, terminal),
            columns: columns(terminal),
        }
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
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
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
