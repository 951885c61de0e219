//! Erasable values: before a frame becomes a line, each gives its place to a commitment, and goes to the side table.
//!
//! Invariant: of an erasable value nothing but its commitment is left in the frame that is written as a line.

use sha2::{Digest as _, Sha256};

use super::filled::digits;
use super::line::{LineWriter, Place};
use super::rows::{self, Row};
use super::rules::bit;
use super::texts;
use super::values::Values;
use super::walk::Walk;
use crate::record::frame::{HEADER, STEP, mark, tag};
use crate::record::{Kind, Slot, heads};

/// Who a value belongs to where the record names nobody: what stands for an actor without an id.
const NOBODY: &str = "unknown";

/// What is kept from frame to frame, and the rows that wait for [`LineWriter::take_rows`].
#[derive(Debug)]
pub(super) struct Erasing {
    frame: Vec<u8>,
    pub(super) rows: Vec<u8>,
    /// Where salts come from: 32 bytes that nobody can guess.
    salt: fn() -> [u8; 32],
}

impl Default for Erasing {
    fn default() -> Self {
        Self {
            frame: Vec::new(),
            rows: Vec::new(),
            salt: || {
                let mut salt = [0; 32];
                rand::Rng::fill_bytes(&mut rand::rng(), &mut salt);
                salt
            },
        }
    }
}

/// An entry of a frame: where it begins, where its value is, and what it says of which field.
#[derive(Debug, Clone, Copy)]
struct Entry<'f> {
    at: usize,
    slot: Option<Slot>,
    /// The key in a map, or the keys that lead to a place in `detail`.
    key: Option<&'f [u8]>,
    value: usize,
    end: usize,
    /// The field that names the subject, where the value is erasable.
    subject: Option<&'f [u8]>,
}

impl Entry<'_> {
    /// Where the value stands in the line.
    fn path(&self) -> String {
        let place = self.slot.map_or("", Slot::path);
        match self.key {
            None => place.to_owned(),
            Some(key) => {
                let keys = String::from_utf8_lossy(key).replace(char::from(STEP), ".");
                format!("{place}.{keys}")
            }
        }
    }
}

impl LineWriter {
    /// Takes the rows of the side table that belong to the lines written since the last call: lines of JSON. Empty
    /// where no value was erasable.
    pub(crate) fn take_rows(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.erasing.rows)
    }

    /// Whether rows wait.
    #[inline]
    pub(crate) fn has_rows(&self) -> bool {
        !self.erasing.rows.is_empty()
    }

    /// The frame with a commitment in the place of each erasable value. Their rows wait for [`Self::take_rows`].
    #[cold]
    pub(super) fn commit_to(&mut self, frame: &[u8], place: &Place<'_>) -> Vec<u8> {
        let entries = entries(frame);
        let mut out = std::mem::take(&mut self.erasing.frame);
        out.clear();
        out.extend_from_slice(frame.get(..HEADER).unwrap_or_default());
        let id = id(frame, &entries).unwrap_or(place.id);
        let mut rows: Vec<Row> = Vec::new();
        for entry in &entries {
            let Some(subject) = entry.subject else {
                copy(frame, entry, &rows, &mut out);
                continue;
            };
            let (field, value) = (entry.path(), json(&mut self.values, frame, entry));
            // Equal values of one field are equal in the line as well: an actor that is named twice is one actor.
            let known = rows.iter().find(|row| row.field == field && row.value == value);
            let salt = known.map_or_else(self.erasing.salt, |row| row.salt);
            let row = Row {
                field,
                id,
                salt,
                seq: place.seq,
                subject: subject_of(&mut self.values, frame, &entries, subject),
                value,
            };
            out.extend_from_slice(head(frame, entry));
            out.push(tag::COMMITMENT);
            out.extend_from_slice(&row.commitment());
            // What is said later of a field is what its line says.
            rows.retain(|known| known.field != row.field);
            rows.push(row);
        }
        // What was said of somebody outside, and is not said in the line, belongs to nobody whom the record names.
        self.scan.read(&out);
        let stands = |row: &&Row| Slot::at(&row.field).is_none_or(|slot| self.scan.present & bit(slot) != 0);
        let said = rows.iter().filter(stands);
        said.for_each(|row| row.write(&mut self.erasing.rows));
        out
    }

    /// Takes the memory of [`Self::commit_to`] back.
    pub(super) fn committed(&mut self, mut frame: Vec<u8>) {
        // It held nothing that is not in the line.
        frame.clear();
        self.erasing.frame = frame;
    }
}

/// SHA-256 over a salt and the canonical JSON of a value.
pub(super) fn commitment(salt: &[u8; 32], value: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(salt)
        .chain_update(value)
        .finalize()
        .into()
}

fn entries(frame: &[u8]) -> Vec<Entry<'_>> {
    let mut walk = Walk { frame, at: HEADER };
    std::iter::from_fn(|| entry(&mut walk)).collect()
}

fn entry<'f>(walk: &mut Walk<'f>) -> Option<Entry<'f>> {
    let at = walk.at;
    let mut first = walk.byte()?;
    let mut subject = None;
    if first == mark::ERASABLE {
        subject = Some(key(walk)?);
        first = walk.byte()?;
    }
    let (slot, member) = match first {
        mark::KEYED => (Slot::from_index(walk.byte()?), Some(key(walk)?)),
        mark::NUMBERED => {
            let (slot, key) = heads::part(heads::head(walk.take()?)?)?;
            (Some(slot), key)
        }
        // A frame is spelled out before it comes here.
        mark::READY => {
            walk.slice(2)?;
            (None, None)
        }
        mark::LEVEL => (None, None),
        mark::REMARK => {
            walk.slice(3)?;
            (0..3).try_for_each(|_| key(walk).map(drop))?;
            (None, None)
        }
        mark::CUT => {
            walk.slice(8)?;
            (None, Some(key(walk)?))
        }
        slot => (Some(Slot::from_index(slot)?), None),
    };
    let value = walk.at;
    if slot.is_some() {
        walk.skip(0)?;
    }
    Some(Entry {
        at,
        slot,
        key: member,
        value,
        end: walk.at,
        subject,
    })
}

fn key<'f>(walk: &mut Walk<'f>) -> Option<&'f [u8]> {
    let len = walk.byte()?;
    walk.slice(usize::from(len))
}

/// What stands before an erasable entry's value, without the mark.
fn head<'f>(frame: &'f [u8], entry: &Entry<'_>) -> &'f [u8] {
    let mark = 2 + entry.subject.map_or(0, <[u8]>::len);
    frame.get(entry.at + mark..entry.value).unwrap_or_default()
}

/// Copies an entry as it is. How long a value was that is erasable is nobody's business once it is erased.
fn copy(frame: &[u8], entry: &Entry<'_>, rows: &[Row], out: &mut Vec<u8>) {
    let bytes = frame.get(entry.at..entry.end).unwrap_or_default();
    let is_cut = bytes.first() == Some(&mark::CUT);
    let is_of = |row: &Row| entry.key.is_some_and(|path| path == row.field.as_bytes());
    if is_cut && rows.iter().any(is_of) {
        out.push(mark::CUT);
        out.extend_from_slice(&[0; 8]);
        return out.extend_from_slice(bytes.get(9..).unwrap_or_default());
    }
    out.extend_from_slice(bytes);
}

/// The id that the record was given.
fn id(frame: &[u8], entries: &[Entry<'_>]) -> Option<uuid::Uuid> {
    let is_id = |entry: &&Entry<'_>| entry.slot == Some(Slot::Id) && entry.key.is_none();
    let entry = entries.iter().rev().find(is_id)?;
    let walk = Walk {
        frame,
        at: entry.value,
    };
    uuid::Uuid::try_parse_ascii(walk.text()?).ok()
}

/// Whom the record's erasable values belong to: what the field at `path` says last.
fn subject_of(values: &mut Values, frame: &[u8], entries: &[Entry<'_>], path: &[u8]) -> String {
    let Some(entry) = entries.iter().rev().find_map(|entry| named(frame, entry, path)) else {
        return NOBODY.to_owned();
    };
    let walk = Walk {
        frame,
        at: entry.value,
    };
    let subject = match walk.text() {
        Some(text) => String::from_utf8_lossy(text).into_owned(),
        None => String::from_utf8_lossy(&json(values, frame, &entry)).replace('"', ""),
    };
    if subject.is_empty() {
        return NOBODY.to_owned();
    }
    subject
}

/// The entry, or the part of its value, that stands at `path` of the line.
fn named<'f>(frame: &[u8], entry: &Entry<'f>, path: &[u8]) -> Option<Entry<'f>> {
    entry.slot?;
    let rest = path.strip_prefix(entry.path().as_bytes())?;
    if rest.is_empty() {
        return Some(*entry);
    }
    let value = Walk {
        frame,
        at: entry.value,
    };
    Some(Entry {
        slot: None,
        key: None,
        value: member(value, rest.strip_prefix(b".")?)?.at,
        ..*entry
    })
}

/// The value under these keys, with dots between them, in the map that stands here.
fn member<'f>(mut map: Walk<'f>, keys: &[u8]) -> Option<Walk<'f>> {
    if map.byte()? != tag::MAP {
        return None;
    }
    let mut found = None;
    for _ in 0..map.count()? {
        let rest = keys.strip_prefix(map.sized()?);
        let value = map;
        map.skip(0)?;
        found = match rest {
            Some(b"") => Some(value),
            Some(rest) => rest.strip_prefix(b".").and_then(|rest| member(value, rest)),
            None => None,
        }
        .or(found);
    }
    found
}

/// The value of an entry as it would stand in the line.
fn json(values: &mut Values, frame: &[u8], entry: &Entry<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut walk = Walk {
        frame,
        at: entry.value,
    };
    values.begin();
    let kind = entry.slot.filter(|_| entry.key.is_none()).map(Slot::kind);
    let found = frame.get(entry.value).copied();
    let is_number = matches!(found, Some(tag::I64 | tag::U64 | tag::I128 | tag::U128));
    let written = match (kind, walk.text()) {
        (Some(Kind::Texts), Some(text)) => {
            texts::write(&mut out, text, found == Some(tag::FORMATTED));
            Some(())
        }
        (Some(Kind::Id), None) if is_number => {
            let tag = walk.byte().unwrap_or_default();
            digits(tag, walk, &mut out)
        }
        _ => values.value(&mut walk, 1, &mut out),
    };
    if written.is_none() {
        // Unreachable for a frame whose entries could be read; the row stays valid all the same.
        out.clear();
        out.extend_from_slice(b"null");
    }
    out
}

const _: () = assert!(rows::SALT == 32);
