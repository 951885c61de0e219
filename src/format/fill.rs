//! Fills a stencil: writes the line of a frame whose shape is known.

use super::filled::digits;
use super::hot;
use super::line::Place;
use super::room;
use super::stencil::{Part, Spot, Stencil, Stencils, What, family, last};
use super::text::{self, TimeText};
use super::texts;
use super::values::Values;
use super::walk::Walk;
use crate::record::frame::tag;

/// What a part takes at most where nothing in it is long, with room for copies that reach behind it.
const WINDOW: usize = 96;

/// The room for a name that stands in a line a second time. Where it is longer, more is made when it is needed.
const NAME: usize = 48;

/// What the values of a line are taken from.
pub(super) struct Source<'a> {
    /// The frame, followed by [`BEHIND`](super::hot::BEHIND).
    pub(super) frame: &'a [u8],
    /// The size of the frame alone.
    pub(super) len: usize,
    pub(super) place: &'a Place<'a>,
    pub(super) time: &'a TimeText,
    pub(super) observed_at: &'a TimeText,
}

impl Stencils {
    /// Appends the line by a stencil. Where that cannot be, nothing is appended and `None` given.
    pub(super) fn fill(&mut self, number: usize, source: &Source<'_>, out: &mut Vec<u8>) -> Option<&Stencil> {
        let mut aside = std::mem::take(&mut self.aside);
        let mut sheet = std::mem::take(&mut self.sheet);
        let end = self.parts(number, source, &mut sheet, &mut aside);
        let line = end.and_then(|end| sheet.get(..end));
        let is_done = line.map(|line| out.extend_from_slice(line)).is_some();
        (self.aside, self.sheet) = (aside, sheet);
        self.stencils.get(number).filter(|_| is_done)
    }

    /// Writes the line's parts on the sheet. Gives their end.
    fn parts(
        &self,
        number: usize,
        source: &Source<'_>,
        sheet: &mut Vec<u8>,
        aside: &mut Vec<u8>,
    ) -> Option<usize> {
        let stencil = self.stencils.get(number)?;
        let spare = stencil.room + source.len + stencil.names * NAME + WINDOW;
        grow(sheet, spare);
        let mut at = 0;
        for part in &stencil.parts {
            at = match self.part(source, part, sheet, at) {
                Some(end) => end,
                None => {
                    let end = self.again(source, part, sheet, at, aside)?;
                    // Room for the parts behind it, as there was at the line's beginning.
                    grow(sheet, end + spare);
                    end
                }
            };
        }
        Some(at)
    }

    /// Writes a part into the room that is there, if it is of the usual kind. Gives the place behind it.
    #[inline(always)]
    fn part(&self, source: &Source<'_>, part: &Part, room: &mut [u8], at: usize) -> Option<usize> {
        let window = room.get_mut(at..)?.first_chunk_mut::<WINDOW>()?;
        room::fixed(window, 0, &part.piece)?;
        let behind = usize::from(part.len & 63);
        if part.what != What::Text {
            return self.other(source, part, room, at + behind);
        }
        let frame = source.frame;
        let spot = *self.spots.get(usize::from(part.entry & 63))?;
        let (from, len) = (spot.at as usize + 5, spot.len as usize);
        if len > room::CHUNK {
            return long(room, at + behind, frame, from, len);
        }
        let chunk = frame.get(from..)?.first_chunk::<{ room::CHUNK }>()?;
        room::fixed(window, behind, chunk)?;
        room::is_plain(chunk, len).then_some(at + behind + len)
    }

    /// Writes what is no text of the frame. Not inlined: the loop keeps its registers.
    #[inline(never)]
    fn other(&self, source: &Source<'_>, part: &Part, room: &mut [u8], at: usize) -> Option<usize> {
        let frame = source.frame;
        let spot = *self.spots.get(usize::from(part.entry & 63))?;
        match part.what {
            What::More => Some(at),
            What::U64 => room::number(room, at, eight(frame, spot)?),
            What::I64 => room::signed(room, at, eight(frame, spot)? as i64),
            What::F64 => hot::float(room, at, f64::from_bits(eight(frame, spot)?)),
            What::Truth if frame.get(spot.at as usize) == Some(&tag::TRUE) => {
                room::fixed(room, at, b"true")?;
                Some(at + 4)
            }
            What::Truth => {
                room::fixed(room, at, b"false")?;
                Some(at + 5)
            }
            What::Family => long(room, at, frame, spot.at as usize + 5, self.family),
            What::Last => {
                let name = self.named(frame, part)?.len();
                let from = spot.at as usize + 5 + (spot.len as usize).checked_sub(name)?;
                long(room, at, frame, from, name)
            }
            What::Digits => self.digits(frame, spot, room, at),
            What::Id => room::uuid(room, at, source.place.id),
            What::Seq => room::number(room, at, source.place.seq),
            What::Time => {
                room::fixed(room, at, source.time.text())?;
                Some(at + 32)
            }
            What::ObservedAt => {
                room::fixed(room, at, source.observed_at.text())?;
                Some(at + 32)
            }
            What::Text | What::Bytes | What::Texts => None,
        }
    }

    /// The part of the event's name that is asked for.
    fn named<'f>(&self, frame: &'f [u8], part: &Part) -> Option<&'f [u8]> {
        let name = self.text(frame, part.entry)?;
        Some(match part.what {
            What::Last => last(name),
            What::Family => family(name),
            _ => name,
        })
    }

    #[inline(always)]
    fn digits(&self, frame: &[u8], spot: Spot, room: &mut [u8], at: usize) -> Option<usize> {
        match *frame.get(spot.at as usize)? {
            tag::BYTES => room::hex(
                room,
                at,
                frame.get(spot.at as usize + 5..)?.get(..spot.len as usize)?,
            ),
            tag::U64 => room::number(room, at, eight(frame, spot)?),
            tag::I64 => room::signed(room, at, eight(frame, spot)? as i64),
            _ => None,
        }
    }

    /// Writes a part for which there was no room, or in the general way: a text with escapes, a number with a form.
    #[cold]
    fn again(
        &self,
        source: &Source<'_>,
        part: &Part,
        room: &mut Vec<u8>,
        at: usize,
        aside: &mut Vec<u8>,
    ) -> Option<usize> {
        // No value takes more than twice what it takes in the frame, and the names of a line are values of it.
        grow(room, at + 2 * source.len + 2 * WINDOW);
        if let Some(end) = self.part(source, part, room, at) {
            return Some(end);
        }
        aside.clear();
        self.unusual(source, part, aside)?;
        room.truncate(at);
        room.extend_from_slice(aside);
        Some(room.len())
    }

    fn unusual(&self, source: &Source<'_>, part: &Part, aside: &mut Vec<u8>) -> Option<()> {
        aside.extend_from_slice(part.piece.get(..usize::from(part.len))?);
        let before = aside.len();
        let frame = source.frame;
        let spot = self.spots.get(usize::from(part.entry))?;
        let mut walk = Walk::at(frame, spot.at);
        match part.what {
            What::Text | What::Last | What::Family => text::string(aside, self.named(frame, part)?),
            What::Digits => digits(walk.byte()?, walk, aside)?,
            What::U64 | What::I64 | What::F64 | What::Bytes => {
                // None of them is a container, so how deep they stand has no bearing.
                Values::default().value(&mut walk, 1, aside)?;
            }
            What::Texts => {
                let is_formatted = walk.byte()? == tag::FORMATTED;
                texts::write(aside, walk.sized()?, is_formatted);
            }
            What::Seq => text::u64(aside, source.place.seq),
            _ => return None,
        }
        if matches!(part.what, What::Text | What::Last | What::Family | What::Digits) {
            // The quotes are in the fixed parts.
            aside.remove(before);
            aside.pop();
        }
        Some(())
    }
}

/// Makes the sheet at least so long. What it holds beyond a line's end does not matter.
#[inline]
fn grow(sheet: &mut Vec<u8>, len: usize) {
    if sheet.len() < len {
        sheet.resize(len, 0);
    }
}

#[inline(never)]
fn long(room: &mut [u8], at: usize, frame: &[u8], from: usize, len: usize) -> Option<usize> {
    room::plain(room, at, frame, from, len)
}

#[inline(always)]
fn eight(frame: &[u8], spot: Spot) -> Option<u64> {
    let bytes = frame.get(spot.at as usize + 1..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes))
}
