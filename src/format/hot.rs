//! The usual part of the usual line: slots whose values need no escapes and no forms, written without growing anything.
//!
//! It stops before the first slot that is not of that kind; [`LineWriter::render`] writes that one and comes back.

use super::line::{LineWriter, Names, Place};
use super::room;
use super::walk::{Span, Walk, is_owned};
use crate::record::frame::tag;
use crate::record::{Kind, Slot};

/// What stands behind the copy of a frame: words that stand in lines of frames without them, and room so that a
/// text's last bytes can be read as a whole chunk.
pub(super) const BEHIND: &[u8; 64] = &{
    let mut behind = [0; 64];
    let (event, rest) = behind.split_at_mut(5);
    event.copy_from_slice(b"event");
    rest.split_at_mut(7).0.copy_from_slice(b"unknown");
    behind
};

/// How a slot's value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A text of the frame, an identifier or hex digits, and nothing else is to be known about it.
    Plain,
    ActorId,
    Event,
    Action,
    Category,
    Id,
    Time,
    ObservedAt,
    Seq,
    Schema,
    Stream,
    Service,
    Host,
    Uint,
    Map,
    /// Whatever is not written here.
    Other,
}

/// What stands before a slot's value, and how that is found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) slot: Slot,
    pub(super) form: Form,
    /// 0 for a top-level key; else the number of the object that the slot stands in.
    pub(super) object: u8,
    open_len: u8,
    key_len: u8,
    /// `"actor":{`
    open: [u8; 16],
    /// `"id":"`; the quote does not count.
    key: [u8; 32],
}

impl Shape {
    pub(super) fn open(&self) -> &[u8] {
        self.open.get(..usize::from(self.open_len)).unwrap_or_default()
    }

    pub(super) fn key(&self) -> &[u8] {
        self.key.get(..usize::from(self.key_len)).unwrap_or_default()
    }

    /// The shapes of all slots.
    pub(super) fn all() -> Box<[Self; Slot::COUNT]> {
        let mut objects: Vec<&str> = Vec::new();
        Box::new(std::array::from_fn(|index| {
            let slot = Slot::ALL.get(index).copied().unwrap_or(Slot::Action);
            let (object, key) = slot.place();
            if let Some(object) = object
                && objects.last() != Some(&object)
            {
                objects.push(object);
            }
            let open = object.map_or_else(String::new, |object| format!("\"{object}\":{{"));
            let key = format!("\"{key}\":\"");
            Self {
                slot,
                form: form(slot),
                object: object.map_or(0, |_| u8::try_from(objects.len()).unwrap_or(0)),
                open_len: u8::try_from(open.len()).unwrap_or(0),
                key_len: u8::try_from(key.len() - 1).unwrap_or(0),
                open: padded(&open),
                key: padded(&key),
            }
        }))
    }
}

fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = text.bytes();
    std::array::from_fn(|_| bytes.next().unwrap_or(0))
}

fn form(slot: Slot) -> Form {
    match slot {
        Slot::ActorId => Form::ActorId,
        Slot::Event => Form::Event,
        Slot::Action => Form::Action,
        Slot::Category => Form::Category,
        Slot::Id => Form::Id,
        Slot::Time => Form::Time,
        Slot::ObservedAt => Form::ObservedAt,
        Slot::Seq => Form::Seq,
        Slot::Schema => Form::Schema,
        Slot::Stream => Form::Stream,
        Slot::Service => Form::Service,
        Slot::Host => Form::Host,
        slot if is_owned(slot) => Form::Other,
        slot => match slot.kind() {
            Kind::Text | Kind::Id | Kind::Hex => Form::Plain,
            Kind::Uint => Form::Uint,
            Kind::Map => Form::Map,
            _ => Form::Other,
        },
    }
}

/// How far a line has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// Where the next byte is written. A comma stands before it, or the line's opening brace.
    pub(super) at: usize,
    /// The number of the object that is open, or 0.
    pub(super) object: u8,
    /// The slots that are still to be written, as two halves of a set of bits.
    pub(super) low: u64,
    pub(super) high: u64,
}

impl Progress {
    /// Takes the next slot's number.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<usize> {
        if self.low != 0 {
            let index = self.low.trailing_zeros();
            self.low &= self.low - 1;
            Some(index as usize)
        } else if self.high != 0 {
            let index = self.high.trailing_zeros() + 64;
            self.high &= self.high - 1;
            Some(index as usize)
        } else {
            None
        }
    }
}

impl LineWriter {
    /// Writes slots until all are written or one needs more than this can do. `frame` is followed by [`BEHIND`].
    pub(super) fn hot(
        &mut self,
        frame: &[u8],
        place: &Place<'_>,
        names: &Names,
        room: &mut [u8],
        mut now: Progress,
    ) -> Progress {
        loop {
            let before = now;
            let Some(shape) = now.next().and_then(|index| self.shapes.get(index)).copied() else {
                return now;
            };
            let done = enter(room, &mut now, &shape)
                .and_then(|at| self.filled_by(frame, place, names, &shape, room, at));
            let Some(at) = done else {
                return before;
            };
            now.at = at;
        }
    }

    /// Writes one slot's value and a comma.
    #[inline(always)]
    fn filled_by(
        &mut self,
        frame: &[u8],
        place: &Place<'_>,
        names: &Names,
        shape: &Shape,
        room: &mut [u8],
        at: usize,
    ) -> Option<usize> {
        let index = usize::from(shape.slot.index());
        let at = match shape.form {
            Form::Plain => {
                return self
                    .scan
                    .at
                    .get(index)
                    .and_then(|from| scalar(frame, *from as usize, room, at));
            }
            Form::ActorId => return self.actor_id(frame, names, room, at),
            Form::Event => return text(frame, names.event, room, at),
            Form::Action => return text(frame, names.action, room, at),
            Form::Category => return text(frame, names.category, room, at),
            Form::Id => {
                if names.has_id {
                    return None;
                }
                let end = room::uuid(room, at + 1, place.id)?;
                return quoted(room, end);
            }
            Form::Time => {
                room::fixed(room, at, self.time.set(self.scan.time))?;
                at + 32
            }
            Form::ObservedAt => {
                room::fixed(room, at, self.observed_at.set(place.observed_at))?;
                at + 32
            }
            Form::Seq => room::number(room, at, place.seq)?,
            Form::Schema => room::number(room, at, super::line::SCHEMA)?,
            Form::Stream => ready(room, at, &self.stream)?,
            Form::Service => ready(room, at, &self.service)?,
            Form::Host => ready(room, at, &self.host)?,
            Form::Uint => {
                let from = self.scan.at.get(index)?;
                room::number(room, at, Walk::at(frame, *from).uint()?)?
            }
            Form::Map => self.map(frame, shape.slot, room, at)?,
            Form::Other => return None,
        };
        room::fixed(room, at, b",")?;
        Some(at + 1)
    }
}

impl LineWriter {
    #[inline(always)]
    fn actor_id(&self, frame: &[u8], names: &Names, room: &mut [u8], at: usize) -> Option<usize> {
        match names.actor {
            Some(from) => scalar(frame, from as usize, room, at),
            None => text(frame, names.unknown, room, at),
        }
    }

    /// Writes the members of a slot that is a map, if their values are scalars and no key is one too many.
    #[inline]
    fn map(&mut self, frame: &[u8], slot: Slot, room: &mut [u8], mut at: usize) -> Option<usize> {
        let (from, to) = self.members(slot);
        let members = self.values.members.get(from..to)?;
        let left = self.values.room_for(members.len())?;
        room::fixed(room, at, b"{")?;
        at += 1;
        for member in members {
            let key = member.span()?;
            if members.len() == 1 && frame.get(key.at as usize) == Some(&b'$') {
                return None;
            }
            room::fixed(room, at, b"\"")?;
            at = room::plain(room, at + 1, frame, key.at as usize, key.len as usize)?;
            room::fixed(room, at, b"\":\"")?;
            at = value(frame, member.value as usize, room, at + 2)?;
            room::fixed(room, at, b",")?;
            at += 1;
        }
        // The last comma gives its place to the brace; an object without members has none.
        at -= usize::from(!members.is_empty());
        room::fixed(room, at, b"}")?;
        self.values.keys_left = left;
        Some(at + 1)
    }
}

/// Writes what stands before a slot's value: the end and the beginning of an object where it changes, and the key.
#[inline(always)]
fn enter(room: &mut [u8], now: &mut Progress, shape: &Shape) -> Option<usize> {
    let mut at = now.at;
    if shape.object != now.object {
        if now.object != 0 {
            room::fixed(room, at.checked_sub(1)?, b"},")?;
            at += 1;
        }
        room::fixed(room, at, &shape.open)?;
        at += usize::from(shape.open_len);
        now.object = shape.object;
    }
    room::fixed(room, at, &shape.key)?;
    Some(at + usize::from(shape.key_len))
}

/// Ends a string whose opening quote came with its key, and writes the comma.
#[inline(always)]
fn quoted(room: &mut [u8], at: usize) -> Option<usize> {
    room::fixed(room, at, b"\",")?;
    Some(at + 2)
}

#[inline(always)]
fn text(frame: &[u8], span: Span, room: &mut [u8], at: usize) -> Option<usize> {
    let end = room::plain(room, at + 1, frame, span.at as usize, span.len as usize)?;
    quoted(room, end)
}

/// A string that was written before, quotes included.
#[inline(always)]
fn ready(room: &mut [u8], at: usize, text: &[u8]) -> Option<usize> {
    room.get_mut(at..at + text.len())?.copy_from_slice(text);
    Some(at + text.len())
}

/// The tag and the length of a text or byte string; the length is nothing for other values.
#[inline(always)]
fn head(frame: &[u8], from: usize) -> Option<(u8, usize)> {
    let [tag, len @ ..] = frame.get(from..)?.first_chunk::<5>()?;
    Some((*tag, u32::from_le_bytes(*len) as usize))
}

/// A text as it is, an integer as decimal text, bytes as hex: always a JSON string, followed by a comma.
#[inline(always)]
fn scalar(frame: &[u8], from: usize, room: &mut [u8], at: usize) -> Option<usize> {
    let (tag, len) = head(frame, from)?;
    let at = at + 1;
    let end = match tag {
        tag::STR | tag::FORMATTED => room::plain(room, at, frame, from + 5, len)?,
        tag::BYTES => room::hex(room, at, frame.get(from + 5..)?.get(..len)?)?,
        tag::U64 => room::number(room, at, eight(frame, from)?)?,
        tag::I64 => room::signed(room, at, eight(frame, from)? as i64)?,
        _ => return None,
    };
    quoted(room, end)
}

/// A member's value. The quote of a text stands at `at` already.
#[inline(always)]
fn value(frame: &[u8], from: usize, room: &mut [u8], at: usize) -> Option<usize> {
    let (tag, len) = head(frame, from)?;
    match tag {
        tag::STR | tag::FORMATTED => {
            let end = room::plain(room, at + 1, frame, from + 5, len)?;
            room::fixed(room, end, b"\"")?;
            Some(end + 1)
        }
        tag::U64 => room::number(room, at, eight(frame, from)?),
        tag::I64 => room::signed(room, at, eight(frame, from)? as i64),
        tag::TRUE => {
            room::fixed(room, at, b"true")?;
            Some(at + 4)
        }
        tag::FALSE => {
            room::fixed(room, at, b"false")?;
            Some(at + 5)
        }
        _ => None,
    }
}

#[inline(always)]
fn eight(frame: &[u8], from: usize) -> Option<u64> {
    frame
        .get(from + 1..)?
        .first_chunk()
        .map(|bytes| u64::from_le_bytes(*bytes))
}
