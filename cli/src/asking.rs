//! The arguments of the commands that answer questions: `show`, `tail`, `history`, `who`, `trace`, `count`, `fields`, `stats`,
//! `report`, and `completions`.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

use crate::args::{Color, QUESTIONS, Source};

const EXIT: &str = "\
Exit codes: 0 done, 3 no trail there or a file cannot be read, 4 wrong usage.";

const EXIT_EMPTY: &str = "\
Exit codes: 0 done, 3 no trail there or a file cannot be read,
  4 wrong usage, 5 nothing found with --fail-if-empty.";

const HISTORY: &str = "\
Examples:
  tracing-audit history ./audit invoice/9
  tracing-audit history ./audit 'invoice/*' outcome=denied --since -7d
  tracing-audit history ./audit d-42 --json | jq .actor.id";

const WHO: &str = "\
Examples:
  tracing-audit who ./audit u-1 --since -30d
  tracing-audit who ./audit nightly-report outcome!=success";

const TRACE: &str = "\
What is in one trace, across all streams: each span under its parent, with when it began,
how long it took and how it ended; events stand under their span. A parent that is not in
the trail was not audited.

Examples:
  tracing-audit trace ./audit 4bf92f3577b34da6a3ce929d0e0e4736
  tracing-audit trace ./audit 4bf92f35 --json

Exit codes: 0 done, 3 no trail there or a file cannot be read, 4 wrong usage, 5 nothing
  found with --fail-if-empty.";

const COUNT: &str = "\
Examples:
  tracing-audit count ./audit --by outcome
  tracing-audit count ./audit --by action,outcome --since -7d
  tracing-audit count ./audit outcome=denied --per 1h --since -24h
  tracing-audit count ./audit --by outcome --per 1d --json";

const FIELDS: &str = "\
Without FIELD: the fields that records have, with how many have each.

Examples:
  tracing-audit fields ./audit
  tracing-audit fields ./audit actor.id --since -7d
  tracing-audit fields ./audit attributes.http.route outcome=failure";

const STATS: &str = "\
Examples:
  tracing-audit stats ./audit
  tracing-audit stats ./audit --since -7d category!=audit
  tracing-audit stats ./audit --json";

const REPORT: &str = "\
What the report has: records by outcome, category, action, actor and day; what was denied;
what is known to be lost, and what is not known; steps of the clock; records without an
actor; redactions by rule; what retention and erasures removed; starts and stops; and what
verification proves. It holds no value that redaction removed.

Examples:
  tracing-audit report ./audit --since 2026-10-01 --until 2027-01-01 > q4.md
  tracing-audit report ./audit --format html --key trail.pub -o report.html

Exit codes: 0 done, 1 the trail was tampered with or is corrupt, 2 records were lost, 3 no
  trail there, a file cannot be read or written, or verification cannot decide, 4 wrong
  usage. The report is written whole in each of these but 3 and 4, and where verification
  cannot decide.";

const COMPLETIONS: &str = "\
Examples:
  tracing-audit completions bash > ~/.local/share/bash-completion/completions/tracing-audit
  tracing-audit completions zsh > \"${fpath[1]}/_tracing-audit\"
  tracing-audit completions fish > ~/.config/fish/completions/tracing-audit.fish

Exit codes: 0 done, 4 wrong usage.";

/// A range of times.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Range {
    /// Only records from this time on: -2h, -7d, today, 2026-11-21, 2026-11-21T10:00+01:00, "2026-11-21 10:00 Europe/Berlin"; UTC unless a zone is named
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) since: Option<String>,
    /// Only records before this time; the time itself is outside
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) until: Option<String>,
}

/// How an answer comes, and what none is.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Answer {
    /// Write to the terminal directly, whatever PAGER says
    #[arg(long)]
    pub(crate) no_pager: bool,
    /// End with exit code 5 where nothing is found
    #[arg(long)]
    pub(crate) fail_if_empty: bool,
}

/// Which records, and in which form: what `history` and `who` have in common.
#[derive(Debug, ClapArgs)]
pub(crate) struct Listing {
    /// What else to look for; see below
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,
    #[command(flatten)]
    pub(crate) range: Range,
    /// Show so many of the newest records at most, 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// Write the exact lines of the records instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// When to use colour; `auto` asks the terminal and honours NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    #[command(flatten)]
    pub(crate) answer: Answer,
}

impl Listing {
    /// The source for the records that also satisfy a term.
    pub(crate) fn source(&self, dir: &Path, term: String) -> Source {
        let filter = std::iter::once(term).chain(self.filter.iter().cloned());
        Source {
            dir: dir.to_owned(),
            filter: filter.collect(),
            json: self.json,
            color: self.color,
        }
    }
}

/// Where to count, what, and how to write it.
#[derive(Debug, ClapArgs)]
pub(crate) struct Counting {
    /// What to look for; see below
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,
    #[command(flatten)]
    pub(crate) range: Range,
    /// Write JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// When to use colour; `auto` asks the terminal and honours NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    #[command(flatten)]
    pub(crate) answer: Answer,
}

/// `show`.
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{QUESTIONS}\n\n{EXIT_EMPTY}"))]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) range: Range,
    /// Show so many records at most, 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// Begin with the oldest record instead of the newest ones
    #[arg(long)]
    pub(crate) oldest_first: bool,
    /// Write a time and a sentence per record instead of a table
    #[arg(long, conflicts_with = "json")]
    pub(crate) sentences: bool,
    /// Only starts of executions that have no end: still running, or killed
    #[arg(long)]
    pub(crate) open: bool,
    #[command(flatten)]
    pub(crate) answer: Answer,
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
    /// Go on behind the record that this file names, and keep the place of the last one that was written there
    #[arg(long, value_name = "FILE")]
    pub(crate) cursor_file: Option<PathBuf>,
}

/// `history`.
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{HISTORY}\n\n{QUESTIONS}\n\n{EXIT_EMPTY}"))]
pub(crate) struct History {
    /// A trail: the directory of its streams, one stream's directory, or one file
    pub(crate) dir: PathBuf,
    /// What was acted on: its type, its id or TYPE/ID; `*` stands for any text
    pub(crate) resource: String,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

/// `who`.
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{WHO}\n\n{QUESTIONS}\n\n{EXIT_EMPTY}"))]
pub(crate) struct Who {
    /// A trail: the directory of its streams, one stream's directory, or one file
    pub(crate) dir: PathBuf,
    /// Who acted: the actor's id; `*` stands for any text
    pub(crate) actor: String,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

/// `trace`.
#[derive(Debug, ClapArgs)]
#[command(after_help = TRACE)]
pub(crate) struct Trace {
    /// A trail: the directory of its streams, one stream's directory, or one file
    pub(crate) dir: PathBuf,
    /// The trace's id, or its beginning
    pub(crate) id: String,
    /// Write one JSON object for each trace instead of a tree
    #[arg(long)]
    pub(crate) json: bool,
    /// When to use colour; `auto` asks the terminal and honours NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    #[command(flatten)]
    pub(crate) answer: Answer,
}

/// `count`.
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{COUNT}\n\n{QUESTIONS}\n\n{EXIT_EMPTY}"))]
pub(crate) struct Count {
    /// A trail: the directory of its streams, one stream's directory, or one file
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) counting: Counting,
    /// Count apart what has different values in these fields, with commas between them
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(crate) by: Vec<String>,
    /// Count apart by intervals of this length, in UTC: 15m, 1h, 1d, 7d
    #[arg(long, value_name = "INTERVAL")]
    pub(crate) per: Option<String>,
    /// Show so many of the most frequent values, and the others together; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}

/// `fields`.
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{FIELDS}\n\n{QUESTIONS}\n\n{EXIT_EMPTY}"))]
pub(crate) struct Fields {
    /// A trail: the directory of its streams, one stream's directory, or one file
    pub(crate) dir: PathBuf,
    /// The field whose values are counted
    pub(crate) field: Option<String>,
    #[command(flatten)]
    pub(crate) counting: Counting,
    /// Show so many of the most frequent values, and the others together; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}

/// `stats`.
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{STATS}\n\n{QUESTIONS}\n\n{EXIT_EMPTY}"))]
pub(crate) struct Stats {
    /// A trail: the directory of its streams, one stream's directory, or one file
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) counting: Counting,
    /// Show so many of the most frequent words of each kind
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
}

/// `report`.
#[derive(Debug, ClapArgs)]
#[command(after_help = REPORT)]
pub(crate) struct Report {
    /// A trail: the directory of its streams, or one stream's directory
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) range: Range,
    /// The form of the report
    #[arg(long, value_name = "FORMAT", default_value = "md")]
    pub(crate) format: ReportFormat,
    /// A key that you trust, kept elsewhere: its text, or a file that holds it. Say it again for more
    #[arg(long, value_name = "VKEY|FILE")]
    pub(crate) key: Vec<String>,
    /// A checkpoint that was kept elsewhere. Say it again for more
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Vec<PathBuf>,
    /// Write to this file, which must not be there yet, instead of to standard output
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Md,
    Html,
    Json,
}

/// `completions`.
#[derive(Debug, ClapArgs)]
#[command(after_help = COMPLETIONS)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
