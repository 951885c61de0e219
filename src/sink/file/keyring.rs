//! The keys that sign a stream's checkpoints: which one does, from which size on, and how another one takes over.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::fs::{Access, Fs};
use super::roll::look;
use crate::error::{Error, Result};
use crate::format::{Note, SigningKey, VerifierKey, json_string};

pub(super) const KEYS: &str = "keys";

/// No file of keys is longer.
const MAX_KEYS: u64 = 1024 * 1024;

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyLine {
    /// The smallest size that it signs.
    pub(super) first: u64,
    pub(super) key: VerifierKey,
}

/// A key that begins to sign with this run.
#[derive(Debug)]
pub(super) struct Began {
    pub(super) key: String,
    pub(super) first: u64,
    pub(super) previous: Option<String>,
}

/// Who signs.
#[derive(Debug)]
pub(super) struct Keyring {
    origin: String,
    signer: Option<SigningKey>,
    first: u64,
    /// The key before. Both sign for as long as the run lasts: a head that covers the record `audit.key` must have both
    /// signatures, else whoever can write here could add one to a head that the old key has signed; and when that record
    /// comes is the pipeline's affair.
    retiring: Option<SigningKey>,
}

/// What the application gave.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) signing: Option<SigningKey>,
    pub(super) retiring: Option<SigningKey>,
}

impl Keyring {
    /// Looks who signed so far and who does from now on. `size` is how many records there are, `newest` the newest signed
    /// checkpoint with its size.
    pub(super) fn open(
        fs: &dyn Fs,
        home: &Path,
        access: Access,
        stream: &str,
        given: &Given,
        size: u64,
        newest: Option<(u64, &Note)>,
    ) -> Result<(Self, Option<Began>)> {
        let lines = read(fs, home)?;
        if let Some((at, note)) = newest {
            check(home, &lines, at, note)?;
        }
        let Some(signing) = &given.signing else {
            return match lines.last() {
                None => Ok((Self::unsigned(stream), None)),
                Some(line) => Err(not_given(home, &line.key)),
            };
        };
        let signer = signing.for_stream(stream)?;
        let retiring = given
            .retiring
            .as_ref()
            .map(|key| key.for_stream(stream))
            .transpose()?;
        // A log has one origin for ever; who signs for it may change, and with the key its name.
        let origin = lines
            .first()
            .map_or(signer.verifier(), |line| &line.key)
            .name()
            .to_owned();
        let previous = predecessor(&lines, &signer, newest.map(|(at, _)| at));
        let ring = |first, retiring| Self {
            origin,
            signer: Some(signer.clone()),
            first,
            retiring,
        };
        let Some(previous) = previous else {
            if let Some(line) = lines.last() {
                return Ok((ring(line.first, None), None));
            }
            let began = begin(fs, home, access, size, &signer, None)?;
            return Ok((ring(size, None), Some(began)));
        };
        let retiring = retiring.filter(|key| key.verifier().bytes() == previous.bytes());
        let Some(retiring) = retiring else {
            return Err(not_vouched_for(home, &previous, signer.verifier()));
        };
        let first = size.max(newest.map_or(0, |(at, _)| at)) + 1;
        let began = begin(fs, home, access, first, &signer, Some(&previous))?;
        Ok((ring(first, Some(retiring)), Some(began)))
    }

    fn unsigned(stream: &str) -> Self {
        Self {
            origin: stream.to_owned(),
            signer: None,
            first: 0,
            retiring: None,
        }
    }

    /// The first line of checkpoints.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// Who signs a head of this size: none where there is no key, two where one takes over from the other.
    pub(super) fn signers(&self, size: u64) -> Vec<SigningKey> {
        let (Some(signer), retiring) = (&self.signer, &self.retiring) else {
            return Vec::new();
        };
        match retiring {
            Some(old) if size < self.first => vec![old.clone()],
            Some(old) => vec![old.clone(), signer.clone()],
            None => vec![signer.clone()],
        }
    }
}

fn not_given(home: &Path, key: &VerifierKey) -> Error {
    Error::config(format!(
        "the trail in `{}` is signed by {key}, and no signing key is given; give that key, or write to another stream or \
         directory",
        home.display(),
    ))
}

fn not_vouched_for(home: &Path, previous: &VerifierKey, given: &VerifierKey) -> Error {
    Error::config(format!(
        "the trail in `{}` is signed by {previous}, and the key given is {given}; give the old key as `retiring_key` as \
         well, so that both sign once, or write to another stream",
        home.display(),
    ))
}

/// The key that signs with the origin of checkpoints must take over from this one; `None` where it signs already, or
/// where nobody has signed.
fn predecessor(lines: &[KeyLine], signer: &SigningKey, newest: Option<u64>) -> Option<VerifierKey> {
    let (last, before) = lines.split_last()?;
    if last.key.bytes() != signer.verifier().bytes() {
        return Some(last.key.clone());
    }
    // It was announced, perhaps more than once, and the power failed before both had signed.
    let before = before
        .iter()
        .rev()
        .find(|line| line.key.bytes() != last.key.bytes())?;
    let is_endorsed = newest.is_some_and(|size| size > last.first);
    (!is_endorsed).then(|| before.key.clone())
}

/// Announces a key: the line must be on disk before anything is signed by it.
fn begin(
    fs: &dyn Fs,
    home: &Path,
    access: Access,
    first: u64,
    signer: &SigningKey,
    previous: Option<&VerifierKey>,
) -> Result<Began> {
    let path = home.join(KEYS);
    let failed = |error| Error::io("could not write the keys to", &path, error);
    let (file, start) = match fs.create_new(&path, access) {
        Ok(file) => (file, ""),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            (fs.open_append(&path).map_err(failed)?, "\n")
        }
        Err(error) => return Err(failed(error)),
    };
    let mut vkey = Vec::new();
    json_string(&mut vkey, signer.verifier().to_string().as_bytes());
    let vkey = String::from_utf8_lossy(&vkey);
    // Behind a line that was cut short it must not go on; an empty line says nothing.
    let line = format!("{start}{{\"first\":{first},\"vkey\":{vkey}}}\n");
    match file.write(line.as_bytes()) {
        Ok(count) if count == line.len() => file.sync().map_err(failed)?,
        Ok(_) => return Err(failed(io::ErrorKind::WriteZero.into())),
        Err(error) => return Err(failed(error)),
    }
    fs.sync_dir(home).map_err(failed)?;
    Ok(Began {
        key: signer.verifier().to_string(),
        first,
        previous: previous.map(ToString::to_string),
    })
}

fn read(fs: &dyn Fs, home: &Path) -> Result<Vec<KeyLine>> {
    let path = home.join(KEYS);
    let bytes = match fs.read(&path, MAX_KEYS) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(look(&path, error)),
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(key_line).collect())
}

fn key_line(line: &[u8]) -> Option<KeyLine> {
    let value: Value = serde_json::from_slice(line).ok()?;
    Some(KeyLine {
        first: value.get("first")?.as_u64()?,
        key: value.get("vkey")?.as_str()?.parse().ok()?,
    })
}

/// The newest checkpoint must be of the key whose turn it was: going on behind any other would cover it up.
fn check(home: &Path, lines: &[KeyLine], size: u64, note: &Note) -> Result<()> {
    let turn = lines.iter().rev().find(|line| line.first <= size);
    if turn.is_some_and(|line| note.is_signed_by(&line.key)) {
        return Ok(());
    }
    Err(Error::corrupt(format!(
        "the newest checkpoint of `{}`, of {size} records, is not signed by the key that `keys` names for it; find out who \
         changed them (`tracing-audit verify`), and write to another stream or directory meanwhile",
        home.display()
    )))
}
