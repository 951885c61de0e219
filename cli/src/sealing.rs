//! The arguments of the commands about the seal: `verify`, `prove`, `keygen`, `checkpoint`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

const VERDICTS: &str = "\
What is checked: every record's bytes against the tree of hashes, the tree against
every checkpoint, every signature, who was allowed to sign when, and, by their number,
that nothing that was sealed is missing. Nothing is written, and no network is used.

Without --key, the directory's own keys are used: then anyone who could write there
could have put other keys and other checkpoints there. Without --anchor nothing can
show that the whole directory was put back to an earlier state of its own, or written
anew by a thief of the key.

Examples:
  tracing-audit verify ./audit
  tracing-audit verify ./audit --key trail.pub --anchor kept/checkpoint --strict
  tracing-audit verify --receipt payment-9.receipt --key trail.pub

Exit codes: 0 verified, 1 tampered with or corrupt, 2 verified, but the trail says that
  records were lost, or, with --strict, records are not sealed yet, 3 cannot decide, or
  a file cannot be read, 4 wrong usage.";

const PROOF: &str = "\
The receipt holds the record's line, the hashes that lead from it to the root, and the
newest checkpoint of the stream. `tracing-audit verify --receipt FILE --key VKEY` checks
it without the trail, and so can any tool for RFC 6962 and C2SP checkpoints. The trail is
verified on the way.

Exit codes: 0 done, 1 the trail does not verify, 3 a file cannot be read or written, 4 no
  sealed record has the id, or records of several streams have it, or wrong usage.";

const KEY: &str = "\
The public key is printed: keep it elsewhere, it is what `verify --key` needs.

Exit codes: 0 done, 3 the file is there already or cannot be written, 4 wrong usage, as
  where the name has white space or `+`.";

const HEADS: &str = "\
What is printed can be given to `tracing-audit verify --anchor`. Nothing is verified here.

Exit codes: 0 done, 3 no trail or no checkpoint there, or a file cannot be read, 4 wrong
  usage.";

/// `verify`.
#[derive(Debug, ClapArgs)]
#[command(after_help = VERDICTS)]
pub(crate) struct Verify {
    /// A trail: the directory of its streams, or one stream's directory
    #[arg(required_unless_present = "receipt")]
    pub(crate) dir: Option<PathBuf>,
    /// A key that you trust, kept elsewhere: its text, or a file that holds it. Say it again for more
    #[arg(long, value_name = "VKEY|FILE")]
    pub(crate) key: Vec<String>,
    /// A checkpoint that was kept elsewhere. Say it again for more
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Vec<PathBuf>,
    /// At least so many records must be sealed, in every stream
    #[arg(long, value_name = "N")]
    pub(crate) min_size: Option<u64>,
    /// Records that are not sealed yet are exit code 2
    #[arg(long)]
    pub(crate) strict: bool,
    /// Check a receipt instead of a trail
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dir", "anchor", "min_size", "strict"])]
    pub(crate) receipt: Option<PathBuf>,
    /// Write the whole verdict as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `prove`.
#[derive(Debug, ClapArgs)]
#[command(after_help = PROOF)]
pub(crate) struct Prove {
    /// A trail: the directory of its streams, or one stream's directory
    pub(crate) dir: PathBuf,
    /// The record's id
    pub(crate) id: String,
    /// Write to this file, which must not be there yet, instead of to standard output
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `keygen`.
#[derive(Debug, ClapArgs)]
#[command(after_help = KEY)]
pub(crate) struct Keygen {
    /// Whose key it is: a domain and a path, such as example.com/payments
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// Where the secret key goes: a file that must not be there yet; nobody else may read it
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// `checkpoint`.
#[derive(Debug, ClapArgs)]
#[command(after_help = HEADS)]
pub(crate) struct Checkpoint {
    /// A trail: the directory of its streams, or one stream's directory
    pub(crate) dir: PathBuf,
}
