//! The command line, typed. Help texts are the reference; examples in them are run by the tests.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

const QUESTIONS: &str = "\
Filters (terms side by side must all hold; actor=u-1 actor=u-2 is either):
  actor=u-1 outcome=denied        exactly
  action=invoice.*                `*` stands for any text
  outcome!=success                not, or absent
  reason~'not found'              contains, whatever the case
  level>=warn duration>250ms      levels, numbers, durations, times: < <= > >=
  outcome in (denied,failure)     one of these
  actor.ip=10.0.0.0/8             a network
  resource=invoice/9              type, id, or both
  trace=4bf92f35                  an id, or its beginning
  attributes.x=1 label.team=core  fields of your own
  timeout                         any text of the record contains it
  not …   … or …   ( … )          quote them for your shell";

const EXIT: &str = "\
Exit codes: 0 done, 3 no trail there or a file cannot be read,
  4 wrong usage, 5 nothing found with --fail-if-empty.";

/// Read, follow and question an audit trail.
#[derive(Debug, Parser)]
#[command(name = "tracing-audit", version, disable_help_subcommand = true, after_help = EXIT)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a day of invented records into a new directory, to have something to look at
    Demo(Demo),
    /// Redact values: lines {"id","field","value"} in, {"id","value","redactions"} out, in the same order
    Redact,
    /// Show records: the newest 50, oldest of them first
    Show(Show),
    /// Show the newest records, and with -f those to come
    Tail(Tail),
}

/// `demo`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Demo {
    /// A directory that is new or empty
    pub(crate) dir: PathBuf,
    /// How many records
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) records: u64,
    /// Another number, another day
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// `show`.
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{QUESTIONS}\n\n{EXIT}"))]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Only records from this time on: -2h, -7d, today, 2026-11-21, 2026-11-21T10:00+01:00; UTC unless a zone is named
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) since: Option<String>,
    /// Only records before this time; the time itself is outside
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) until: Option<String>,
    /// Show so many records at most, 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// Begin with the oldest record instead of the newest ones
    #[arg(long)]
    pub(crate) oldest_first: bool,
    /// Only starts of executions that have no end: still running, or killed
    #[arg(long)]
    pub(crate) open: bool,
    /// End with exit code 5 where nothing is found
    #[arg(long)]
    pub(crate) fail_if_empty: bool,
}

/// `tail`.
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{QUESTIONS}\n\n{EXIT}"))]
pub(crate) struct Tail {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Wait for new records, also in new segments and streams
    #[arg(long, short = 'f')]
    pub(crate) follow: bool,
    /// Show so many of the newest records first
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) lines: usize,
}

/// Where to read, what, and how to write it.
#[derive(Debug, ClapArgs)]
pub(crate) struct Source {
    /// A trail: the directory of its streams, one stream's directory, or one file
    pub(crate) dir: PathBuf,
    /// What to look for; see below
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,
    /// Write the exact lines of the records instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// When to use colour; `auto` asks the terminal and honours NO_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}
