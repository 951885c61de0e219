//! The command line, typed. Help texts are the reference; examples in them are run by the tests.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use tracing_audit::catalog::profile::Profile;

use crate::asking::{Completions, Count, Fields, History, Range, Report, Show, Stats, Tail, Trace, Who};
use crate::cmd::ship::Ship;
use crate::sealing::{Checkpoint, Keygen, Prove, Verify};

pub(crate) const QUESTIONS: &str = "\
Filters (terms side by side must all hold; actor=u-1 actor=u-2 is either):
  actor=u-1 outcome=denied        exactly
  action=invoice.*                `*` stands for any text
  outcome!=success                not, or absent
  \"reason~'not found'\"            contains, whatever the case; quotes keep words together
  level>=warn duration>250ms      levels, numbers, durations, times: < <= > >=
  outcome in (denied,failure)     one of these
  actor.ip=10.0.0.0/8             a network
  resource=invoice/9              type, id, or both
  trace=4bf92f35                  an id, or its beginning
  attributes.x=1 label.team=core  fields of your own
  timeout                         any text of the record contains it
  not …   … or …   ( … )          quote them for your shell: 'not (a=1 or b=2)'";

const HASHES: &str = "\
Examples:
  tracing-audit hash --class network --policy policy.toml 203.0.113.7
  tracing-audit hash --class personal:email --key-file ./k1.key - < address.txt
  tracing-audit hash --json --key-env AUDIT_KEY '{\"limit\":10}'";

const CODES: &str = "\
Exit codes: 0 done, 1 something in the trail is not a record (export), or it was
  tampered with (verify, prove), 2 records were lost or left out (export, import,
  verify), or something wants to be looked at (doctor), 3 no trail there, or a file
  cannot be read or written, or verify cannot decide, 4 wrong usage, 5 nothing found
  with --fail-if-empty. The help of each command says which it has.";

const EXIT_INPUT: &str = "\
Exit codes: 0 done, 3 a line or a file cannot be read, 4 wrong usage.";

const EXIT_FILE: &str = "\
Exit codes: 0 done, 3 a file cannot be read, 4 wrong usage.";

const EXIT_WRITE: &str = "\
Exit codes: 0 done, 3 the records cannot be written, 4 wrong usage, as where the
  directory holds a trail already or cannot be made.";

const EXPORT: &str = "\
Formats:
  jsonl          the exact lines of the trail
  csv            fixed columns, the rest as JSON; what could be a formula has an
                 apostrophe in front
  sentence       a time and a sentence for people
  flynn, denkeeper, code_executor, aaasm, dpa
                 the lines of those systems. Records that `import` read come back
                 as they were; of others, what does not fit is told at the end. The
                 trail's own records (audit.open …) are left out and counted

Exit codes: 0 done, 1 something in the trail is not a record, 2 the trail says that
  records were lost, or records were left out because the format requires what they
  do not say, or with --strict a record does not fit the format whole,
  3 no trail there or a file cannot be read or written, 4 wrong usage, 5 nothing
  found with --fail-if-empty.";

const IMPORT: &str = "\
Every line of the input is one JSON object. Of a file, all lines are read before the
first record is written: if one is wrong, nothing is. Standard input, or a pipe, is
written while it is read, and ends at the first line that is wrong. With --keep-going
the lines that are wrong are told and left out, and all others are written.

Examples:
  tracing-audit import --format flynn --policy keep ./trail audit.log
  tracing-audit import --format dpa ./trail < entries.jsonl

Exit codes: 0 done, 2 lines were left out with --keep-going, 3 a line is wrong or a
  file cannot be read or written, 4 wrong usage.";

/// Read, follow, question and verify an audit trail.
#[derive(Debug, Parser)]
#[command(name = "tracing-audit", version, disable_help_subcommand = true, after_help = CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the newest checkpoint of every stream, to be kept elsewhere
    Checkpoint(Checkpoint),
    /// Write a script that completes this command in a shell
    Completions(Completions),
    /// Count records, by the values of fields and by intervals
    Count(Count),
    /// Write a day of invented records into a new directory, to have something to look at
    Demo(Demo),
    /// Say what an operator should look at in a trail, and what to do about it
    Doctor(Doctor),
    /// Write records in another format: CSV, sentences, the lines of other systems
    Export(Export),
    /// Remove one person's values from the erasable fields of a trail; the log stays as it is
    Erase(Erase),
    /// List the events that are ready to be recorded, with their fields
    Events(Events),
    /// Say what a policy does to fields of these names, and why
    Explain(Explain),
    /// List the values of a field with how many records have each, or the fields themselves
    Fields(Fields),
    /// Make the pseudonym of a known value, to look for it in a trail
    Hash(Hash),
    /// Show what was done to a resource, and by whom
    History(History),
    /// Read the audit records of another system into a trail
    Import(Import),
    /// Make a key that seals trails
    Keygen(Keygen),
    /// Write a receipt: proof that one record stands in the trail
    Prove(Prove),
    /// Remove the segments that retention allows no longer
    Prune(Prune),
    /// Redact values: lines {"id","field","value"} in, {"id","value","redactions"} out, in the same order
    Redact(Redact),
    /// Write what an auditor asks about a window: counts, losses, redactions, retention, verification
    Report(Report),
    /// Show a trail in a browser: records, their histogram, live, and what can be proven
    #[cfg(feature = "serve")]
    Serve(crate::serve::Serve),
    /// Ship records to an OpenTelemetry collector, from outside of the application
    Ship(Ship),
    /// Show records: the newest 50, oldest of them first
    Show(Show),
    /// Say how many records there are, by category, outcome, action and actor
    Stats(Stats),
    /// Show the newest records, and with -f those to come
    Tail(Tail),
    /// Show a trace as a tree of its spans, with how long each took
    Trace(Trace),
    /// Verify a trail or a receipt: whether it is what was sealed, and what that is proven by
    Verify(Verify),
    /// Show what somebody did, from where, and to what
    Who(Who),
}

/// `doctor`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "It reads ends and small files only, whatever the size of the trail, and changes nothing. --otlp sends\n\
                  a request without records.\n\n\
                  Exit codes: 0 nothing wants to be looked at, 2 something does, 3 no trail there, or a\n  \
                  file cannot be read, 4 wrong usage."
)]
pub(crate) struct Doctor {
    /// A trail: the directory of its streams, or one stream's directory
    pub(crate) dir: PathBuf,
    /// Ask the collector as well whether it takes requests: the one of OTEL_EXPORTER_OTLP_ENDPOINT, or this one
    #[arg(long, value_name = "URL", num_args = 0..=1)]
    pub(crate) otlp: Option<Option<String>>,
    /// Write a JSON object for each thing that was looked at
    #[arg(long)]
    pub(crate) json: bool,
}

/// `demo`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_WRITE)]
pub(crate) struct Demo {
    /// A directory that is new, or holds no trail yet
    pub(crate) dir: PathBuf,
    /// How many records
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) records: u64,
    /// Another number, another day
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// How to work on a stream: through the writer that runs, or in its place.
#[derive(Debug, ClapArgs)]
pub(crate) struct Writing {
    /// Where no writer runs: the key that signs the trail's checkpoints, if they are signed
    #[arg(long, value_name = "FILE")]
    pub(crate) signing_key: Option<PathBuf>,
    /// How many seconds the writer may take to answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) wait: u64,
}

impl Writing {
    pub(crate) fn patience(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.wait)
    }
}

const ERASE: &str = "\
Where the application runs, its writer does the work, and is asked through a file in
the stream's directory; where it does not, this command takes the stream's lock.

Exit codes: 0 done, 3 no trail there, the writer did not answer, or a file cannot be
  read or written, 4 wrong usage, 5 nothing found with --fail-if-empty.";

const PRUNE: &str = "\
Where the application runs, its writer does the work by its own limits, and is asked
through a file in the stream's directory; where it does not, this command takes the
stream's lock, and goes by the limits that are given, else by those that the
application stated when it started last.

Exit codes: 0 done, 3 no trail there, the writer did not answer, or a file cannot be
  read or written, 4 wrong usage, as where limits are given and the application runs.";

/// `erase`.
#[derive(Debug, ClapArgs)]
#[command(after_help = ERASE)]
pub(crate) struct Erase {
    /// A trail: the directory of its streams, or one stream's directory
    pub(crate) dir: PathBuf,
    /// Whose values: what the field that names subjects holds; `-` reads it from standard input
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) subject: String,
    /// Say what would be erased, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where no writer runs: the policy whose key makes the pseudonym that `audit.erase` states
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// End with exit code 5 where the subject has no value
    #[arg(long)]
    pub(crate) fail_if_empty: bool,
    /// Write a JSON object for each stream
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) writer: Writing,
}

/// `prune`.
#[derive(Debug, ClapArgs)]
#[command(after_help = PRUNE)]
pub(crate) struct Prune {
    /// A trail: the directory of its streams, or one stream's directory
    pub(crate) dir: PathBuf,
    /// Say what would be removed, and change nothing; followers that hold segments back are not asked
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where no writer runs: keep so many days, whatever the application kept; 0 is no limit
    #[arg(long, value_name = "DAYS")]
    pub(crate) keep_days: Option<u64>,
    /// Where no writer runs: keep so many bytes; 0 is no limit
    #[arg(long, value_name = "BYTES")]
    pub(crate) keep_bytes: Option<u64>,
    /// Where no writer runs: keep so many segments; 0 is no limit
    #[arg(long, value_name = "N")]
    pub(crate) keep_segments: Option<u64>,
    /// Write a JSON object for each stream
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) writer: Writing,
}

impl Prune {
    pub(crate) fn has_limits(&self) -> bool {
        self.keep_days.is_some() || self.keep_bytes.is_some() || self.keep_segments.is_some()
    }
}

/// `events`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Exit codes: 0 done, 4 wrong usage, as where no event has the name.")]
pub(crate) struct Events {
    /// Names of events, whose fields are shown: tool.start, cron.*
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Print all of them as docs/events.md has them
    #[arg(long, conflicts_with_all = ["names", "json"])]
    pub(crate) md: bool,
    /// Write a JSON object for each event instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// `explain`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_FILE)]
pub(crate) struct Explain {
    /// Names of fields, as the code spells them
    #[arg(value_name = "FIELD", required = true)]
    pub(crate) fields: Vec<String>,
    /// The policy's file; the balanced policy otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The event's name, for rules that ask for it
    #[arg(long, value_name = "NAME")]
    pub(crate) event: Option<String>,
    /// The category, for rules that ask for it
    #[arg(long, value_name = "NAME")]
    pub(crate) category: Option<String>,
    /// Write a JSON object for each field instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// `hash`.
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{HASHES}\n\n{EXIT_FILE}"))]
pub(crate) struct Hash {
    /// The value; `-` reads it from standard input, so that it is not in the shell's history
    pub(crate) value: String,
    /// What the value is: personal:email, network, financial … as the record's `redaction` says
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Option<String>,
    /// The file that holds the key; nobody else may read it
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// The environment variable that holds the key
    #[arg(long, value_name = "VAR", conflicts_with = "key_file")]
    pub(crate) key_env: Option<String>,
    /// The policy's file, for its keys and its tenant
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key_file", "key_env", "tenant"])]
    pub(crate) policy: Option<PathBuf>,
    /// The key's id: `k1` for a key from --key-file or --key-env, the policy's newest otherwise
    #[arg(long, value_name = "ID")]
    pub(crate) key: Option<String>,
    /// The tenant that the policy names
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// The value is JSON: hash its canonical form (RFC 8785), as `params_hash` does
    #[arg(long, conflicts_with = "class")]
    pub(crate) json: bool,
    /// `sha256`: a bare hash, to compare with one from elsewhere; it can be guessed
    #[arg(long, value_name = "NAME", default_value = "hmac-sha256")]
    pub(crate) algorithm: Algorithm,
}

/// What a hash is made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Algorithm {
    HmacSha256,
    Sha256,
}

/// `redact`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_INPUT)]
pub(crate) struct Redact {
    /// The policy's file; the balanced policy's value engine otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Write no values, only how much of each line would be redacted, and at the end on standard error how much by rule
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `export`.
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{EXPORT}\n\n{QUESTIONS}"))]
pub(crate) struct Export {
    /// A trail: the directory of its streams, one stream's directory, or one file
    pub(crate) dir: PathBuf,
    /// What to look for; see below
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,
    /// The form of what is written; see below
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// Write to this file, which must not be there yet, instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// End with exit code 2 at the first record that the format cannot hold whole
    #[arg(long)]
    pub(crate) strict: bool,
    /// Templates for sentences, which precede those that are built in
    #[arg(long, value_name = "FILE")]
    pub(crate) sentences: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) range: Range,
    /// Write so many records at most, the oldest ones; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 0)]
    pub(crate) limit: u64,
    /// End with exit code 5 where nothing is found
    #[arg(long)]
    pub(crate) fail_if_empty: bool,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jsonl,
    Csv,
    Sentence,
    Shape(Profile),
}

impl std::str::FromStr for Format {
    type Err = tracing_audit::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "jsonl" => Ok(Self::Jsonl),
            "csv" => Ok(Self::Csv),
            "sentence" => Ok(Self::Sentence),
            name => name.parse().map(Self::Shape).map_err(|_| {
                let shapes: Vec<_> = Profile::ALL.iter().map(|profile| profile.as_str()).collect();
                let message = format!(
                    "there is no format `{name}`; name one of jsonl, csv, sentence, {}",
                    shapes.join(", ")
                );
                tracing_audit::Error::new(tracing_audit::ErrorKind::Config, message)
            }),
        }
    }
}

/// `import`.
#[derive(Debug, ClapArgs)]
#[command(after_help = IMPORT)]
pub(crate) struct Import {
    /// The trail: a directory that is new, empty, or a trail that nobody writes to now
    pub(crate) dir: PathBuf,
    /// The file to read; standard input where it is left out or `-`
    pub(crate) file: Option<PathBuf>,
    /// The system whose lines they are: flynn, denkeeper, code_executor, aaasm or dpa
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Profile,
    /// What is redacted: `keep` for nothing, `balanced`, `strict`, or a policy's file
    #[arg(long, value_name = "POLICY", default_value = "balanced")]
    pub(crate) policy: String,
    /// The stream to write to
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) stream: String,
    /// Leave out lines that are wrong, tell each, and end with exit code 2
    #[arg(long)]
    pub(crate) keep_going: bool,
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
    /// When to use colour; `auto` asks the terminal and honours NO_COLOR and CLICOLOR_FORCE
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
