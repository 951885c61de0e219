//! The usual part of the usual line: slots whose values need no escapes and no forms, written without growing anything.
//!
//! It stops before the first slot that is not of that kind; [`LineWriter::render`] writes that one and comes back.

use super::line::{LineWriter, Names, Place, SCHEMA};
use super::room;
use super::rules::is_owned;
use super::text::TimeText;
use super::walk::Walk;
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

/// What stands before a slot's value, and how that is found. Aligned, so that a number finds it without multiplying.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
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
            // Every line has the same schema, so the number and its comma are part of the key.
            let key = match slot {
                Slot::Schema => format!("\"{key}\":{SCHEMA},\""),
                _ => format!("\"{key}\":\""),
            };
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
    pub(super) object: usize,
    /// The slots that are still to be written, as two halves of a set of bits.
    pub(super) low: u64,
    pub(super) high: u64,
}

impl Progress {
    /// The next slot's number.
    #[inline(always)]
    pub(super) fn next(&self) -> Option<usize> {
        if self.low != 0 {
            Some(self.low.trailing_zeros() as usize)
        } else if self.high != 0 {
            Some(self.high.trailing_zeros() as usize + 64)
        } else {
            None
        }
    }

    /// Notes that the next slot was written up to `at`.
    #[inline(always)]
    pub(super) fn done(&mut self, object: u8, at: usize) {
        self.at = at;
        self.object = usize::from(object);
        if self.low != 0 {
            self.low &= self.low - 1;
        } else {
            self.high &= self.high.wrapping_sub(1);
        }
    }
}

/// How many bytes a slot with a short value takes at most, with room for the copies that reach behind it.
const WINDOW: usize = 96;

/// What the values of a line are taken from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    /// The frame, followed by [`BEHIND`].
    pub(super) frame: &'a [u8],
    pub(super) place: &'a Place<'a>,
    pub(super) names: &'a Names,
}

impl LineWriter {
    /// Writes slots until all are written or one needs more than this can do.
    pub(super) fn hot(&self, given: &Given<'_>, room: &mut [u8], mut now: Progress) -> Progress {
        while let Some(shape) = now.next().and_then(|index| self.shapes.get(index)) {
            let Some(at) = self.one(given, shape, room, now) else {
                break;
            };
            now.done(shape.object, at);
        }
        now
    }

    /// Writes one slot: its key, its value and a comma.
    #[inline(always)]
    fn one(&self, given: &Given<'_>, shape: &Shape, room: &mut [u8], now: Progress) -> Option<usize> {
        let base = now.at.wrapping_sub(1);
        let window = room.get_mut(base..)?.first_chunk_mut::<WINDOW>()?;
        let behind = enter(window, now.object, shape)?;
        if shape.form == Form::Plain {
            let from = *self.scan.at.get(usize::from(shape.slot.index()))?;
            return scalar(given.frame, from as usize, room, base, behind);
        }
        let span = match shape.form {
            Form::Schema => return Some(base + behind),
            Form::ActorId => match given.names.actor {
                Some(from) => return scalar(given.frame, from as usize, room, base, behind),
                None => given.names.unknown,
            },
            Form::Event => given.names.event,
            Form::Action => given.names.action,
            Form::Category => given.names.category,
            _ => return self.other(given, shape, room, base + behind),
        };
        let (from, len) = (span.at as usize, span.len as usize);
        string(given.frame, from, len, room, base, behind)
    }

    /// Writes a value that is no text of the frame, and a comma. Not inlined: the loop keeps its registers.
    #[inline(never)]
    fn other(&self, given: &Given<'_>, shape: &Shape, room: &mut [u8], at: usize) -> Option<usize> {
        let end = match shape.form {
            Form::Id => {
                if given.names.has_id {
                    return None;
                }
                let end = room::uuid(room, at + 1, given.place.id)?;
                room::fixed(room, end, b"\"")?;
                end + 1
            }
            Form::Time => time(room, at, &self.time)?,
            Form::ObservedAt => time(room, at, &self.observed_at)?,
            Form::Seq => room::number(room, at, given.place.seq)?,
            Form::Stream => ready(room, at, &self.stream)?,
            Form::Service => ready(room, at, &self.service)?,
            Form::Host => ready(room, at, &self.host)?,
            Form::Uint => {
                let from = self.scan.at.get(usize::from(shape.slot.index()))?;
                room::number(room, at, Walk::at(given.frame, *from).uint()?)?
            }
            Form::Map => self.map(given.frame, shape.slot, room, at)?,
            _ => return None,
        };
        room::fixed(room, end, b",")?;
        Some(end + 1)
    }

    /// Writes the members of a slot that is a map, if their values are scalars and no key is one too many.
    fn map(&self, frame: &[u8], slot: Slot, room: &mut [u8], mut at: usize) -> Option<usize> {
        let (from, to) = self.members(slot);
        let members = self.values.members.get(from..to)?;
        let keys_left = self.values.keys_left.get();
        let left = keys_left.checked_sub(u32::try_from(members.len()).ok()?)?;
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
        self.values.keys_left.set(left);
        Some(at + 1)
    }
}

/// Writes what stands before a slot's value: the end and the beginning of an object where it changes, and the key.
/// The window begins with the comma before it. Gives the place behind the key.
#[inline(always)]
fn enter(window: &mut [u8; WINDOW], open: usize, shape: &Shape) -> Option<usize> {
    let mut at = 1;
    if usize::from(shape.object) != open {
        if open != 0 {
            room::fixed(window, 0, b"},")?;
            at = 2;
        }
        room::fixed(window, at, &shape.open)?;
        at += usize::from(shape.open_len & 15);
    }
    room::fixed(window, at, &shape.key)?;
    Some(at + usize::from(shape.key_len & 31))
}

/// Writes a text whose opening quote stands at `base + behind` already, and a comma behind it.
#[inline(always)]
fn string(
    frame: &[u8],
    from: usize,
    len: usize,
    room: &mut [u8],
    base: usize,
    behind: usize,
) -> Option<usize> {
    if len > room::CHUNK {
        return long(frame, from, len, room, base + behind + 1);
    }
    let chunk = frame.get(from..)?.first_chunk::<{ room::CHUNK }>()?;
    let window = room.get_mut(base..)?.first_chunk_mut::<WINDOW>()?;
    room::fixed(window, behind + 1, chunk)?;
    room::fixed(window, behind + 1 + len, b"\",")?;
    room::is_plain(chunk, len).then_some(base + behind + len + 3)
}

/// Writes a text and what ends it.
#[inline(never)]
fn long(frame: &[u8], from: usize, len: usize, room: &mut [u8], at: usize) -> Option<usize> {
    let end = room::plain(room, at, frame, from, len)?;
    room::fixed(room, end, b"\",")?;
    Some(end + 2)
}

#[inline(always)]
fn time(room: &mut [u8], at: usize, time: &TimeText) -> Option<usize> {
    room::fixed(room, at, time.text())?;
    Some(at + 32)
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
fn scalar(frame: &[u8], from: usize, room: &mut [u8], base: usize, behind: usize) -> Option<usize> {
    let (tag, len) = head(frame, from)?;
    if tag == tag::STR || tag == tag::FORMATTED {
        return string(frame, from + 5, len, room, base, behind);
    }
    digits(frame, from, room, base + behind + 1)
}

/// An integer as decimal text, bytes as hex, then the quote that ends them and a comma.
#[inline(never)]
fn digits(frame: &[u8], from: usize, room: &mut [u8], at: usize) -> Option<usize> {
    let (tag, len) = head(frame, from)?;
    let end = match tag {
        tag::BYTES => room::hex(room, at, frame.get(from + 5..)?.get(..len)?)?,
        tag::U64 => room::number(room, at, eight(frame, from)?)?,
        tag::I64 => room::signed(room, at, eight(frame, from)? as i64)?,
        _ => return None,
    };
    room::fixed(room, end, b"\",")?;
    Some(end + 2)
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
        tag::F64 => float(room, at, f64::from_bits(eight(frame, from)?)),
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

/// A number with a fraction; the others have a form of their own.
#[inline(never)]
pub(super) fn float(room: &mut [u8], at: usize, number: f64) -> Option<usize> {
    if let Some(end) = room::decimal(room, at, number) {
        return Some(end);
    }
    if !number.is_finite() || number.fract() == 0.0 {
        return None;
    }
    let mut buffer = ryu_js::Buffer::new();
    let text = buffer.format_finite(number).as_bytes();
    let end = at + text.len();
    room.get_mut(at..end)?.copy_from_slice(text);
    Some(end)
}

#[inline(always)]
fn eight(frame: &[u8], from: usize) -> Option<u64> {
    frame
        .get(from + 1..)?
        .first_chunk()
        .map(|bytes| u64::from_le_bytes(*bytes))
}
