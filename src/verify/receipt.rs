//! Receipts: one record, the hashes that lead from it to a checkpoint, and that checkpoint. Checked without the trail.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::finding::Weight;
use super::keys::{Keys, Signed};
use super::seal::{self, Sealed};
use super::stream::Check;
use super::{Options, homes};
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Hash, Tree, VerifierKey, leaf_hash, read_line, root_of_proof};
use crate::record::Slot;

/// The first word of a receipt, so that a later form is told from this one.
const FORM: &str = "tracing-audit receipt 1";

/// Proof that a record stands in a log, for somebody who does not have the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The record's line, without its newline.
    pub line: String,
    /// Its number.
    pub index: u64,
    /// The hashes beside the way to the root, the lowest first.
    pub proof: Vec<Hash>,
    /// The checkpoint: a signed note, or its bare text where there is no key.
    pub checkpoint: String,
}

/// What a receipt proves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// The log: the checkpoint's origin.
    pub origin: String,
    /// How many records it had.
    pub size: u64,
    /// Whether a key that was given has signed the checkpoint. Without it, whoever wrote the receipt could have made it up.
    pub signed: bool,
}

impl Receipt {
    /// Makes the receipt of the record with this id, under the newest checkpoint of its stream. The trail is verified on
    /// the way, and its hashes are made from its lines.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Query`] where no record has the id, or more than one, or where it is not sealed yet;
    /// [`ErrorKind::Corrupt`] where the trail does not verify; [`ErrorKind::Io`] where it cannot be read.
    pub fn of(path: &Path, id: &str, options: &Options) -> Result<Self> {
        let mut found = Vec::new();
        for home in homes(path)? {
            found.extend(find(&home, id)?.map(|(index, line)| (home, index, line)));
        }
        let missing = |why: String| Error::new(ErrorKind::Query, why);
        let (home, index, line) = match found.len() {
            1 => found.remove(0),
            0 => return Err(missing(format!("no record of the trail has the id `{id}`"))),
            count => {
                return Err(missing(format!(
                    "{count} streams have a record with the id `{id}`; name one stream's directory"
                )));
            }
        };
        let sealed = seal::newest(&home)?.filter(|sealed| sealed.checkpoint.size > index);
        let Some(sealed) = sealed else {
            let why = format!(
                "record {index} is not sealed yet: no checkpoint covers it; try again in a second, or after the next start"
            );
            return Err(missing(why));
        };
        let mut siblings = siblings(index, sealed.checkpoint.size);
        let mut tap = |seq: u64, hash: &Hash| {
            for sibling in &mut siblings {
                if (sibling.from..sibling.to).contains(&seq) {
                    sibling.tree.push(*hash, |_| {});
                }
            }
        };
        let report = Check::new(&home, options, Some(Box::new(&mut tap)))?.run()?;
        if report.weight == Weight::Tampered {
            let why = report
                .findings
                .iter()
                .find(|finding| finding.kind.weight() == Weight::Tampered);
            let why = why.map(ToString::to_string).unwrap_or_default();
            return Err(Error::corrupt(format!(
                "the trail does not verify, so nothing is proven by it: {why}"
            )));
        }
        let receipt = Self {
            line,
            index,
            proof: siblings.iter().map(|sibling| sibling.tree.root()).collect(),
            checkpoint: sealed.to_string(),
        };
        // What we hand out is checked as the receiver will.
        receipt.check(&[])?;
        Ok(receipt)
    }

    /// Checks it. Without a key only the hashes are checked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] where the hashes do not lead from the line to the checkpoint's root, or, with keys, where
    /// none of them has signed the checkpoint.
    pub fn check(&self, keys: &[VerifierKey]) -> Result<Checked> {
        let sealed = Sealed::parse(self.checkpoint.as_bytes())?;
        let size = sealed.checkpoint.size;
        let leaf = leaf_hash(self.line.as_bytes());
        if root_of_proof(self.index, size, leaf, &self.proof) != Some(sealed.checkpoint.root) {
            let why = format!(
                "the receipt proves nothing: its hashes do not lead from the line to the root of its checkpoint of size {size}"
            );
            return Err(Error::corrupt(why));
        }
        let origin = sealed.checkpoint.origin;
        let stream = origin.rsplit('/').next().unwrap_or_default();
        let stated = read_line(self.line.as_bytes())?;
        if stated.uint(Slot::Seq) != Some(self.index) || stated.text(Slot::Stream) != Some(stream) {
            let why = format!(
                "the receipt's line does not state the number {} and the stream `{stream}`",
                self.index
            );
            return Err(Error::corrupt(why));
        }
        if !keys.is_empty() {
            let judged = sealed.note.map(|note| Keys::given(stream, keys).judge(&note));
            if !matches!(judged, Some(Signed::By(_))) {
                return Err(Error::corrupt(
                    "no key that was given has signed the receipt's checkpoint",
                ));
            }
        }
        Ok(Checked {
            signed: !keys.is_empty(),
            origin,
            size,
        })
    }

    /// Its form in a file: JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let proof: Vec<String> = self.proof.iter().map(|hash| BASE64.encode(hash)).collect();
        let json = json!({
            "form": FORM,
            "index": self.index,
            "line": self.line,
            "proof": proof,
            "checkpoint": self.checkpoint,
        });
        format!("{json:#}\n")
    }

    /// Reads that form.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let wrong = |why: &str| Error::new(ErrorKind::Format, format!("this is not a receipt: {why}"));
        let json: Value = serde_json::from_slice(bytes).map_err(|error| wrong(&error.to_string()))?;
        if json.get("form").and_then(Value::as_str) != Some(FORM) {
            return Err(wrong(&format!("`form` is not `{FORM}`")));
        }
        let text = |name: &str| {
            let text = json.get(name).and_then(Value::as_str);
            text.map(str::to_owned)
                .ok_or_else(|| wrong(&format!("`{name}` is not a text")))
        };
        let hash = |value: &Value| BASE64.decode(value.as_str()?).ok()?.try_into().ok();
        let proof = json.get("proof").and_then(Value::as_array);
        let proof = proof.and_then(|proof| proof.iter().map(hash).collect::<Option<Vec<Hash>>>());
        let index = json.get("index").and_then(Value::as_u64);
        Ok(Self {
            line: text("line")?,
            index: index.ok_or_else(|| wrong("`index` is not a number"))?,
            proof: proof.ok_or_else(|| wrong("`proof` is not a list of hashes in base64"))?,
            checkpoint: text("checkpoint")?,
        })
    }
}

/// A part of the log whose root stands beside the way from a leaf to the root.
struct Sibling {
    from: u64,
    to: u64,
    tree: Tree,
}

/// The parts beside the way, the lowest first (RFC 6962 §2.1.1).
fn siblings(index: u64, size: u64) -> Vec<Sibling> {
    let mut found = Vec::new();
    let (mut from, mut to) = (0, size);
    while to - from > 1 {
        let half = from + (to - from).next_power_of_two() / 2;
        let (other_from, other_to) = if index < half { (half, to) } else { (from, half) };
        if index < half {
            to = half;
        } else {
            from = half;
        }
        found.push(Sibling {
            from: other_from,
            to: other_to,
            tree: Tree::new(),
        });
    }
    found.reverse();
    found
}

/// The first record of a stream with this id: its number and its line.
fn find(home: &Path, id: &str) -> Result<Option<(u64, String)>> {
    use crate::store::{DirStore, Direction, Item, Store as _};
    let is_wanted = |record: &crate::record::Record| record.text(Slot::Id) == Some(id);
    let store = DirStore::open(home)?;
    for item in store.walk(&is_wanted, Direction::OldestFirst, None)? {
        if let Item::Record(stored) = item? {
            let line = String::from_utf8(stored.line);
            let line = line.map_err(|_| Error::corrupt("the record's line is not UTF-8"))?;
            return Ok(Some((stored.place.seq, line)));
        }
    }
    Ok(None)
}
