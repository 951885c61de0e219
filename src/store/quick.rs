//! The trail's own records before a time, found without reading the others.

use std::collections::BTreeSet;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::reading::decode;
use super::seek::{Bound, files_before};
use super::stream::{Files, Part, open};
use crate::error::{Error, Result};
use crate::format::{Lines, Piece};
use crate::record::Value;

/// What stands in the line of every record of the trail's own, and can stand in another's text only with its quotes escaped.
const OWN: &[u8] = br#""event":"audit."#;

/// The parts of a stream that were paused at a time: what the run that it lies in had begun and not ended by then. Whole
/// segments are read, newest first, back to the begin of that run; of most lines no more than that they are others.
pub(super) fn run_before(files: &Files, time: u64) -> Result<BTreeSet<String>> {
    let own = Finder::new(OWN);
    // From the newest segment on: what it says stands behind what older ones say.
    let mut later: Vec<(bool, String)> = Vec::new();
    let parts: Vec<Part<'_>> = files.parts().collect();
    let before = match Bound::upper(None, time) {
        Some(bound) => files_before(&parts, &files.name, &bound)?,
        None => parts.len(),
    };
    for part in parts.iter().take(before).rev() {
        let (mut said, begins) = said_in(part, &files.name, time, &own)?;
        said.append(&mut later);
        later = said;
        if begins {
            break;
        }
    }
    Ok(still_paused(later))
}

/// What is paused behind pauses (`true`) and their ends, in their order.
pub(super) fn still_paused(said: impl IntoIterator<Item = (bool, String)>) -> BTreeSet<String> {
    let mut paused = BTreeSet::new();
    for (is_paused, part) in said {
        if is_paused {
            paused.insert(part);
        } else {
            paused.remove(&part);
        }
    }
    paused
}

/// What pauses and their ends stand in a segment before a time, behind the begin of the last run in it; and whether that stands
/// there.
fn said_in(
    file: &Part<'_>,
    name: &Arc<str>,
    time: u64,
    own: &Finder<'_>,
) -> Result<(Vec<(bool, String)>, bool)> {
    let (path, limit) = (file.path, file.limit);
    let mut said: Vec<(bool, String)> = Vec::new();
    let mut begins = false;
    let Some(file) = open(path)? else {
        return Ok((said, begins));
    };
    let mut lines = Lines::new(file);
    while let Some(piece) = lines
        .next_piece()
        .map_err(|error| Error::io("could not read the segment", path, error))?
    {
        let Piece::Line { bytes, .. } = piece else {
            continue;
        };
        if own.find(bytes).is_none() {
            continue;
        }
        let Ok((place, record)) = decode(bytes, name) else {
            continue;
        };
        if place.observed_at >= time {
            break;
        }
        if place.seq >= limit {
            continue;
        }
        let part = record
            .attribute("part")
            .and_then(Value::as_str)
            .unwrap_or_default();
        match record.event() {
            "audit.open" | "audit.close" => {
                // No pause lasts beyond the run that it belongs to.
                said.clear();
                begins = true;
            }
            "audit.pause" => said.push((true, part.to_owned())),
            "audit.resume" => said.push((false, part.to_owned())),
            _ => {}
        }
    }
    Ok((said, begins))
}
