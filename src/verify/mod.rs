//! Verification: whether what stands in a trail is what was sealed, by what that is proven, and what cannot be.
//!
//! Everything is hashed again, in order, in constant memory, without a lock and without writing anything. `docs/format.md`
//! says what is checked; nothing here is needed to check it.
//!
//! | file | what is in it |
//! |---|---|
//! | `stream.rs` | the walk through a stream |
//! | `lines.rs` | which line is which record, what is missing, changed or too much |
//! | `trees.rs`, `tiles.rs` | the tree over the lines, the tiles, and which of them is right where they differ |
//! | `claims.rs`, `seal.rs`, `keys.rs` | checkpoints and anchors, their files, who may sign what |
//! | `settle.rs`, `control.rs` | what is said about the log against what it is; what control records say |
//! | `receipt.rs` | proofs of single records |
//! | `sqlite.rs` | the copy of a trail in a SQLite file, against checkpoints of the trail |
//! | `finding.rs`, `report.rs` | the answer |

mod claims;
mod control;
mod finding;
mod keys;
mod lines;
mod receipt;
mod report;
mod seal;
mod settle;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stream;
mod tiles;
mod trees;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use finding::{Finding, Kind, Weight};
pub use keys::KeyUse;
pub use receipt::{Checked, Receipt};
pub use report::{Outcome, Proof, Report, Sealed, StreamReport};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteFinding, SqliteReport, verify_sqlite};

use crate::error::{Error, ErrorKind, Result};
use crate::format::{Checkpoint, VerifierKey, segments};
use stream::Check;

/// How far verification is, for a progress bar.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Progress<'p> {
    /// The stream.
    pub stream: &'p str,
    /// Bytes of its segments that were read.
    pub done: u64,
    /// Bytes of its segments.
    pub total: u64,
}

type Hook = Arc<dyn Fn(&Progress<'_>) + Send + Sync>;

/// What to verify against.
#[derive(Clone, Default)]
pub struct Options {
    keys: Vec<VerifierKey>,
    anchors: Vec<Anchor>,
    min_size: Option<u64>,
    strict: bool,
    progress: Option<Hook>,
}

impl Options {
    /// Nothing from elsewhere.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A key that is trusted; call it again for more. It is compared by its 32 bytes; the signer's name must be the key's,
    /// or that, `/` and the stream's id. Keys that it endorsed in the log are trusted as well. Default: none, and then the
    /// directory's own keys are used, which proves less.
    #[must_use]
    pub fn key(mut self, key: VerifierKey) -> Self {
        self.keys.push(key);
        self
    }

    /// A checkpoint that was kept elsewhere; call it again for more.
    #[must_use]
    pub fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchors.push(anchor);
        self
    }

    /// How many sealed records every stream must have at least. Default: 0.
    #[must_use]
    pub fn min_size(mut self, records: u64) -> Self {
        self.min_size = Some(records);
        self
    }

    /// Whether records that are not sealed yet count as a loss. Default: no.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Called every 4 MiB, and at the end of every segment.
    #[must_use]
    pub fn progress(mut self, hook: impl Fn(&Progress<'_>) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(hook));
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("keys", &self.keys)
            .field("anchors", &self.anchors)
            .field("min_size", &self.min_size)
            .field("strict", &self.strict)
            .finish_non_exhaustive()
    }
}

/// A checkpoint that was kept where nobody who can write to the trail can write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    checkpoint: Checkpoint,
}

impl Anchor {
    /// Reads one checkpoint, signed or not, or several with empty lines between, as `checkpoints` has them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] where there is none, or anything else.
    pub fn parse(bytes: &[u8]) -> Result<Vec<Self>> {
        if let Ok(sealed) = seal::Sealed::parse(bytes) {
            let checkpoint = sealed.checkpoint;
            return Ok(vec![Self { checkpoint }]);
        }
        let mut history = seal::History::new(bytes, "");
        let mut anchors = Vec::new();
        while let Ok(Some((offset, entry))) = history.next_entry() {
            let seal::Entry::Whole(sealed) = entry else {
                let why = format!("what stands at byte {offset} of the anchor is not a checkpoint");
                return Err(Error::new(ErrorKind::Format, why));
            };
            let checkpoint = sealed.checkpoint;
            anchors.push(Self { checkpoint });
        }
        if anchors.is_empty() {
            return Err(Error::new(ErrorKind::Format, "the anchor holds no checkpoint"));
        }
        Ok(anchors)
    }

    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    fn is_of(&self, stream: &str) -> bool {
        let rest = self.checkpoint.origin.strip_suffix(stream);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    }
}

impl From<Checkpoint> for Anchor {
    fn from(checkpoint: Checkpoint) -> Self {
        Self { checkpoint }
    }
}

/// Verifies a trail (the directory of its streams) or one stream's directory.
///
/// It reads every byte once, holds less than 16 MiB, writes nothing and takes no lock: a trail that is being written to is
/// verified as far as it went when the call began.
///
/// ```no_run
/// use tracing_audit::verify::{Options, Outcome, verify};
///
/// # fn main() -> tracing_audit::Result<()> {
/// let key = "example.com/payments+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse()?;
/// let report = verify("./audit".as_ref(), &Options::new().key(key))?;
/// for finding in report.findings() {
///     println!("{finding}");
/// }
/// assert_eq!(report.outcome(), Outcome::Verified);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`ErrorKind::Io`] where there is no trail, or a file cannot be read. What is wrong inside is a [`Finding`].
pub fn verify(path: &Path, options: &Options) -> Result<Report> {
    let mut report = Report {
        streams: Vec::new(),
        findings: Vec::new(),
        strict: options.strict,
    };
    for home in homes(path)? {
        report.streams.push(Check::new(&home, options, None)?.run()?);
    }
    for anchor in &options.anchors {
        if !report.streams.iter().any(|stream| anchor.is_of(&stream.stream)) {
            let origin: Arc<str> = anchor.checkpoint.origin.as_str().into();
            let why = format!(
                "an anchor of {} records is of a log that is not here",
                anchor.checkpoint.size
            );
            report
                .findings
                .push(Finding::new(&origin, Kind::AnchorUnused, why));
        }
    }
    Ok(report)
}

/// The newest checkpoint of every stream at a path, as its file has it: what to keep elsewhere as an anchor.
///
/// # Errors
///
/// [`ErrorKind::Io`] where there is no trail, or a file cannot be read; [`ErrorKind::Format`] where one is no checkpoint.
pub fn checkpoints(path: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for home in homes(path)? {
        found.extend(seal::newest(&home)?.map(|sealed| sealed.to_string()));
    }
    Ok(found)
}

/// The directories of the streams at a path, by name.
fn homes(path: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Error::io("could not list the trail", path, error);
    let mut found = Vec::new();
    if is_home(path)? {
        found.push(path.to_owned());
    } else {
        for entry in fs::read_dir(path).map_err(failed)? {
            let inner = entry.map_err(failed)?.path();
            if inner.is_dir() && is_home(&inner)? {
                found.push(inner);
            }
        }
    }
    if found.is_empty() {
        let why = format!(
            "no trail in `{}`: looked for files `audit-YYYY-MM-DD-<20 digits>.jsonl`, `stream` and `checkpoint` in it and in its \
             directories; name the directory that the application writes its trail to",
            path.display()
        );
        return Err(Error::new(ErrorKind::Io, why));
    }
    found.sort();
    Ok(found)
}

/// A stream whose segments are all gone is one still.
fn is_home(path: &Path) -> Result<bool> {
    let names = ["stream", seal::NEWEST, seal::HISTORY, seal::UNSIGNED];
    Ok(names.iter().any(|name| path.join(name).is_file()) || !segments(path)?.is_empty())
}
