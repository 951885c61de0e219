//! Makes a line fit that is too long: the longest values are cut, then the largest members are left out.
//!
//! This is the rare path; it may allocate and write the line several times.

use std::collections::HashSet;

use super::line::{LineWriter, MAX_LINE, Place, Source, Written};
use super::notes::{MAX_NOTES, Note};
use super::rules::{bit, is_owned};
use super::text;
use super::walk::Walk;
use crate::record::frame::{STEP, tag};
use crate::record::{Resolved, Slot};

/// A value is never cut below this many bytes of the line.
const FLOOR: usize = 256;

/// How often cutting is tried before members are left out.
const ROUNDS: usize = 4;

/// What a cut's entry in `truncated` takes beside its path.
const NOTE: usize = 48;

/// What a member takes beside its key and its value: quotes, colon, comma, and its share of an object.
const PART: usize = 16;

/// What a commitment takes in the line.
const COMMITMENT: usize = 58;

/// Slots that are kept, if cut, whatever else a record holds: the record's who, what and whether.
const KEPT: u128 = bit(Slot::Event)
    | bit(Slot::Action)
    | bit(Slot::Category)
    | bit(Slot::Id)
    | bit(Slot::Outcome)
    | bit(Slot::ActorId)
    | bit(Slot::ActorType)
    | bit(Slot::ResourceId)
    | bit(Slot::ResourceType)
    | bit(Slot::TraceId)
    | bit(Slot::SpanId)
    | bit(Slot::ExecutionId)
    | bit(Slot::Level)
    | bit(Slot::Phase);

/// A text or byte string that can be cut.
struct Leaf {
    at: u32,
    /// Where the part stands that it belongs to.
    part: u32,
    path: String,
    /// Bytes in the frame.
    len: usize,
    /// Bytes in the line, without quotes.
    written: usize,
    is_text: bool,
}

/// A slot or member that can be left out.
struct Part {
    at: u32,
    path: String,
    /// About how many bytes it takes in the line when its values are cut.
    written: usize,
}

#[derive(Default)]
struct Survey {
    /// Where the part stands that is being walked over.
    part: u32,
    leaves: Vec<Leaf>,
    parts: Vec<Part>,
}

impl LineWriter {
    /// Writes the line that begins at `start` again until it fits.
    #[cold]
    pub(super) fn fit(
        &mut self,
        source: Source<'_>,
        place: &Place<'_>,
        start: usize,
        out: &mut Vec<u8>,
    ) -> Written {
        let frame = source.frame;
        let mut survey = self.survey(frame);
        // The values alone are that much too long; what stands around them shows when they are cut.
        let values: usize = survey.leaves.iter().map(|leaf| leaf.written).sum();
        let mut over = values.saturating_sub(MAX_LINE);
        for _ in 0..ROUNDS {
            let level = self.cut(frame, &survey.leaves, over);
            out.truncate(start);
            let written = self.render(source, place, out);
            if out.len() - start <= MAX_LINE {
                return written;
            }
            if level == FLOOR {
                break;
            }
            // A little more than is missing: a cut falls on a character boundary, and so may save less than asked.
            over += out.len() - start - MAX_LINE + 32;
        }
        self.choose(source, place, start, out, &mut survey)
    }

    /// Cuts all values as far as they go, and keeps only as many members as fit, the smallest first.
    fn choose(
        &mut self,
        source: Source<'_>,
        place: &Place<'_>,
        start: usize,
        out: &mut Vec<u8>,
        survey: &mut Survey,
    ) -> Written {
        let frame = source.frame;
        survey.parts.sort_unstable_by_key(|part| part.written);
        let mut room = 0;
        let mut written = Written::default();
        // The first time nothing is kept, which shows the room that there is; the last time too, if need be.
        for round in 0..ROUNDS + 2 {
            self.cut(frame, &survey.leaves, usize::MAX);
            self.leave_out(survey, room);
            out.truncate(start);
            written = self.render(source, place, out);
            let len = out.len() - start;
            room = match round {
                0 => MAX_LINE.saturating_sub(len),
                _ if len <= MAX_LINE => return written,
                ROUNDS => 0,
                _ => room.saturating_sub((len - MAX_LINE) * 2),
            };
        }
        written
    }

    /// Lists what can be cut or left out.
    fn survey(&self, frame: &[u8]) -> Survey {
        let mut survey = Survey::default();
        for slot in Slot::ALL.iter().copied() {
            let index = usize::from(slot.index());
            let is_map = slot.kind() == crate::record::Kind::Map;
            let at = self.scan.at.get(index).copied().unwrap_or(0);
            // A detail that is given place by place has no value of its own.
            let is_map = is_map || (slot == Slot::Detail && at == 0);
            if self.scan.present & bit(slot) == 0 || is_owned(slot) || is_map {
                continue;
            }
            survey.part(
                frame,
                at,
                slot.path().as_bytes(),
                slot.path().to_owned(),
                KEPT & bit(slot) == 0,
            );
        }
        for member in &self.values.members {
            let slot = Slot::from_index(member.slot).map_or("", Slot::path);
            let key = String::from_utf8_lossy(member.key(frame)).replace(char::from(STEP), ".");
            survey.part(frame, member.value, member.key(frame), join(slot, &key), true);
        }
        survey
    }

    /// Sets cuts that make the line shorter by at least `over` bytes, where cutting alone can: all values are cut to
    /// one common length, so that only the longest lose anything. Gives that length.
    fn cut(&mut self, frame: &[u8], leaves: &[Leaf], over: usize) -> usize {
        let (mut low, mut high) = (FLOOR, leaves.iter().map(|leaf| leaf.written).max().unwrap_or(0));
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if saved(leaves, middle) >= over {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        let remarked: Vec<&[u8]> = self
            .scan
            .remarks
            .iter()
            .map(|remark| remark.field.of(frame))
            .collect();
        self.values.cuts.clear();
        self.notes.clear();
        for leaf in leaves.iter().filter(|leaf| leaf.written > low) {
            let keep = keep(frame, leaf, low);
            self.values.cuts.push((leaf.at, u32::try_from(keep).unwrap_or(0)));
            let stated = !remarked.iter().any(|field| concerns(field, &leaf.path));
            self.notes.push(Note {
                path: leaf.path.clone(),
                original_len: if stated { leaf.len as u64 } else { 0 },
                omitted: 0,
            });
        }
        self.values.cuts.sort_unstable();
        low
    }

    /// Leaves out all parts but the smallest, which together take at most `room` bytes.
    fn leave_out(&mut self, survey: &Survey, room: usize) {
        let mut taken = 0;
        let kept = survey.parts.iter().take_while(|part| {
            taken += part.written;
            taken <= room
        });
        let kept = kept.count();
        self.drops.clear();
        self.drops
            .extend(survey.parts.iter().skip(kept).map(|part| part.at));
        self.drops.sort_unstable();
        let gone = |at: &u32| self.drops.binary_search(at).is_ok();
        let lost: HashSet<&str> = survey
            .leaves
            .iter()
            .filter(|leaf| gone(&leaf.part))
            .map(|leaf| leaf.path.as_str())
            .collect();
        self.notes.retain(|note| !lost.contains(note.path.as_str()));
        self.notes
            .extend(survey.parts.iter().skip(kept).rev().map(|part| Note {
                path: part.path.clone(),
                original_len: 0,
                omitted: 1,
            }));
    }
}

/// How much shorter the line becomes when all values are cut to `level` bytes.
fn saved(leaves: &[Leaf], level: usize) -> usize {
    let cut = leaves.iter().filter(|leaf| leaf.written > level);
    let gross: usize = cut.clone().map(|leaf| leaf.written - level).sum();
    let listing: usize = cut
        .take(MAX_NOTES)
        .map(|leaf| leaf.path.len().min(6 * 128) + NOTE)
        .sum();
    gross.saturating_sub(listing)
}

/// How many bytes of the value in the frame take at most `level` bytes in the line.
fn keep(frame: &[u8], leaf: &Leaf, level: usize) -> usize {
    if !leaf.is_text {
        return level / 4 * 3;
    }
    let text = Walk::at(frame, leaf.at).text().unwrap_or_default();
    let mut written = 0;
    let mut keep = 0;
    for (index, byte) in text.iter().enumerate() {
        if byte & 0xC0 != 0x80 {
            keep = index;
        }
        written += text::escaped_len(*byte);
        if written > level {
            return keep;
        }
    }
    text.len()
}

/// Whether a remark about `field` is about the value at `path`, a part of it or what it is part of.
fn concerns(field: &[u8], path: &str) -> bool {
    let Ok(field) = std::str::from_utf8(field) else {
        return true;
    };
    let bare = |path: &str| {
        let maps = ["attributes.", "labels.", "hashes."];
        maps.iter()
            .find_map(|map| path.strip_prefix(map))
            .unwrap_or(path)
            .to_owned()
    };
    let field = match Resolved::of(field) {
        Resolved::Slot(slot, _) => slot.path().to_owned(),
        Resolved::Label(key) | Resolved::Hash(key) | Resolved::Attribute(key) => bare(key),
        Resolved::Detail(path) => format!("detail.{path}"),
    };
    let path = bare(path);
    let (short, long) = if field.len() <= path.len() {
        (field, path)
    } else {
        (path, field)
    };
    long.strip_prefix(short.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// How many bytes a text takes in the line, without quotes.
fn written_len(text: &[u8]) -> usize {
    text.iter().map(|byte| text::escaped_len(*byte)).sum()
}

/// A path one step deeper, short enough that nested long keys cannot multiply.
fn join(path: &str, step: &str) -> String {
    crate::record::frame::cut(&format!("{path}.{step}"), 512).to_owned()
}

impl Survey {
    fn part(&mut self, frame: &[u8], at: u32, key: &[u8], path: String, can_go: bool) {
        self.part = at;
        let mut walk = Walk::at(frame, at);
        let written = self.value(&mut walk, &path).unwrap_or(0) + written_len(key) + PART;
        if can_go {
            self.parts.push(Part { at, path, written });
        }
    }

    /// Walks over a value; gives about how many bytes it takes in the line once cutting has done all it can.
    fn value(&mut self, walk: &mut Walk<'_>, path: &str) -> Option<usize> {
        let at = walk.here();
        let tag = walk.byte()?;
        Some(match tag {
            tag::STR | tag::FORMATTED | tag::BYTES => {
                let bytes = walk.sized()?;
                let is_text = tag != tag::BYTES;
                let written = if is_text {
                    written_len(bytes)
                } else {
                    bytes.len().div_ceil(3) * 4
                };
                self.leaves.push(Leaf {
                    at,
                    part: self.part,
                    path: path.to_owned(),
                    len: bytes.len(),
                    written,
                    is_text,
                });
                written.min(FLOOR) + 2
            }
            tag::LIST => {
                let mut written = 2;
                for index in 0..walk.count()? {
                    written += 1 + self.value(walk, &join(path, &index.to_string()))?;
                }
                written
            }
            tag::MAP => {
                let mut written = 2;
                for _ in 0..walk.count()? {
                    let key = walk.sized()?;
                    let inner = join(path, &String::from_utf8_lossy(key));
                    written += written_len(key) + 4 + self.value(walk, &inner)?;
                }
                written
            }
            _ => {
                *walk = Walk::at(walk.frame, at);
                walk.skip(0)?;
                if tag == tag::COMMITMENT { COMMITMENT } else { 8 }
            }
        })
    }
}
