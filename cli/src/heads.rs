//! The small files beside the segments of a stream: its identity, its newest checkpoint, the cursors of its followers.

#![cfg_attr(
    not(feature = "serve"),
    allow(dead_code, reason = "the page asks for more than `doctor` does")
)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tracing_audit::format::{Checkpoint, Note, VerifierKey};

/// A small file is no larger than this.
const SMALL: u64 = 1024 * 1024;

/// How many streams, and how many followers of one, are looked at.
const MOST: usize = 256;

/// What the newest checkpoint of a stream says.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// The stream's directory.
    pub(crate) home: PathBuf,
    /// The stream's id.
    pub(crate) stream: String,
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) signed: Signed,
    /// Sinks beside the journal, with the number that each wants next; `None` where its cursor cannot be read.
    pub(crate) followers: Vec<(String, Option<u64>)>,
}

/// Who signed a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signed {
    /// Nobody.
    Not,
    /// Somebody whose key was not given: nothing says who.
    ByOther,
    /// A key that was given.
    ByGiven,
}

impl Head {
    /// How many records are sealed, by what the directory says.
    pub(crate) fn sealed(&self) -> u64 {
        self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size)
    }
}

/// The heads of all streams at a path.
pub(crate) fn heads(dir: &Path, keys: &[VerifierKey]) -> Vec<Head> {
    if is_home(dir) {
        return vec![head(dir, keys)];
    }
    let inner = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut homes: Vec<PathBuf> = inner
        .map(|entry| entry.path())
        .filter(|path| is_home(path))
        .collect();
    homes.sort();
    homes.truncate(MOST);
    homes.iter().map(|home| head(home, keys)).collect()
}

fn is_home(dir: &Path) -> bool {
    ["stream", "checkpoint", "checkpoint.unsigned"]
        .iter()
        .any(|name| dir.join(name).is_file())
}

/// The head of the stream in a directory.
pub(crate) fn head(home: &Path, keys: &[VerifierKey]) -> Head {
    let identity = small(&home.join("stream")).and_then(|text| {
        let value: Value = serde_json::from_str(&text).ok()?;
        Some(value.get("stream")?.as_str()?.to_owned())
    });
    let note = small(&home.join("checkpoint")).and_then(|text| Note::parse(text.as_bytes()).ok());
    let signed = note.as_ref().and_then(|note| Checkpoint::parse(&note.text).ok());
    let unsigned = || small(&home.join("checkpoint.unsigned")).and_then(|text| Checkpoint::parse(&text).ok());
    let is_signed = signed.is_some();
    let checkpoint = signed.or_else(unsigned);
    let of_origin = || {
        let origin = checkpoint.as_ref()?.origin.rsplit('/').next()?;
        Some(origin.to_owned())
    };
    let stream = identity.or_else(of_origin).unwrap_or_default();
    let by_given = note.is_some_and(|note| keys.iter().any(|key| is_by(&note, key, &stream)));
    Head {
        home: home.to_owned(),
        signed: match (is_signed, by_given) {
            (false, _) => Signed::Not,
            (true, false) => Signed::ByOther,
            (true, true) => Signed::ByGiven,
        },
        stream,
        checkpoint,
        followers: followers(home, MOST),
    }
}

/// Whether the key signed the note: under its own name, or for this stream.
fn is_by(note: &Note, key: &VerifierKey, stream: &str) -> bool {
    let of_stream = VerifierKey::new(&format!("{}/{stream}", key.name()), key.bytes());
    note.is_signed_by(key) || of_stream.is_ok_and(|key| note.is_signed_by(&key))
}

/// Sinks beside the journal, so many at most: see [`Head::followers`].
pub(crate) fn followers(home: &Path, most: usize) -> Vec<(String, Option<u64>)> {
    let dir = home.join("cursors");
    let names = fs::read_dir(&dir).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names.truncate(most);
    names
        .into_iter()
        .map(|name| (name.clone(), next(&dir, &name)))
        .collect()
}

/// The number that a sink wants next: what its cursor says, and how far its steps lead on from there.
fn next(dir: &Path, name: &str) -> Option<u64> {
    let cursor: Value = serde_json::from_str(&small(&dir.join(name))?).ok()?;
    let kept = cursor.get("next")?.as_u64()?;
    let steps = small(&dir.join(format!(".{name}~"))).unwrap_or_default();
    let step = |line: &str| {
        let step: Value = serde_json::from_str(line.strip_suffix('\n')?).ok()?;
        let is_ours = step.get("stream") == cursor.get("stream") && step.get("on")?.as_u64()? == kept;
        step.get("next")?.as_u64().filter(|_| is_ours)
    };
    let mut reached = kept;
    for next in steps.split_inclusive('\n').map_while(step) {
        if next < reached {
            break;
        }
        reached = next;
    }
    Some(reached)
}

/// How many jobs wait for the writer.
pub(crate) fn requests(home: &Path) -> usize {
    let names = fs::read_dir(home.join("requests"))
        .into_iter()
        .flatten()
        .flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.ends_with(".json")).count()
}

/// A small file of text; `None` for anything else.
pub(crate) fn small(path: &Path) -> Option<String> {
    let about = fs::symlink_metadata(path).ok()?;
    (about.is_file() && about.len() <= SMALL).then_some(())?;
    fs::read_to_string(path).ok()
}
