//! The line writer: one frame becomes one canonical JSON line (RFC 8785), without an intermediate tree.
//!
//! A first pass notes where each value of the frame stands; the second writes the slots in the order of their table,
//! which is the order of the line. Only a line above the limit is written again, with its longest values cut.

use super::notes::{self, Note};
use super::text::{self, Padded, TimeText};
use super::texts;
use super::values::{Values, settle};
use super::walk::{Scan, Walk, bit, is_owned};
use crate::record::frame::tag;
use crate::record::{Kind, Slot};

/// The longest line, without its newline: a transparency log's entry has a 16-bit length.
pub const MAX_LINE: usize = 65_535;

/// The version of the line's form.
pub const SCHEMA: u64 = 1;

/// Larger frames are cut before they are written: escapes could make six bytes of each of theirs.
const MAX_FRAME: usize = 4 * MAX_LINE;

/// The longest text that stands in every line.
const MAX_NAME: usize = 255;

/// Where a record is put: what the writer knows and the frame does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The stream's id.
    pub(crate) stream: &'a str,
    pub(crate) seq: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) observed_at: u64,
    /// The record's id, unless the frame holds one.
    pub(crate) id: uuid::Uuid,
}

/// What writing a line did beside writing it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Values that were cut or left out: by the caller's thread and here.
    pub(crate) truncated: u32,
    /// Fields that redaction changed or dropped.
    pub(crate) redacted: u32,
    /// Whether nobody was named, so that the actor is `unknown`.
    pub(crate) actor_missing: bool,
}

/// What stands before a slot's value.
#[derive(Debug)]
struct Shape {
    slot: Slot,
    /// Whether the value is a text of the frame and nothing else is to be known about it.
    is_plain: bool,
    /// 0 for a top-level key; else the number of the object that the slot stands in.
    object: u8,
    /// `"actor":{`
    open: Padded,
    /// `"id":`
    key: Padded,
}

/// Writes frames as lines. Keeps its memory, so that a usual record costs no allocation.
#[derive(Debug)]
pub(crate) struct LineWriter {
    service: String,
    host: String,
    rules: &'static [&'static str],
    actions: &'static [&'static str],
    shapes: Vec<Shape>,
    time: TimeText,
    observed_at: TimeText,
    pub(super) scan: Scan,
    pub(super) values: Values,
    /// Where values stand that are left out to make a line fit. Sorted; usually empty.
    pub(super) drops: Vec<u32>,
    pub(super) notes: Vec<Note>,
}

/// The slots that every line has.
const ALWAYS: u128 = bit(Slot::Time)
    | bit(Slot::ObservedAt)
    | bit(Slot::Seq)
    | bit(Slot::Stream)
    | bit(Slot::Id)
    | bit(Slot::Schema)
    | bit(Slot::Event)
    | bit(Slot::Action)
    | bit(Slot::ActorId);

/// The names that a line states, given or derived.
struct Names<'f> {
    event: &'f [u8],
    action: &'f [u8],
    category: &'f [u8],
}

impl LineWriter {
    /// `service` and `host` stand in every line, unless they are empty. `rules` and `actions` give the words for the
    /// numbers in a frame's remarks.
    pub(crate) fn new(
        service: &str,
        host: &str,
        rules: &'static [&'static str],
        actions: &'static [&'static str],
    ) -> Self {
        let short = |text: &str| crate::record::frame::cut(text, MAX_NAME).to_owned();
        Self {
            service: short(service),
            host: short(host),
            rules,
            actions,
            shapes: shapes(),
            time: TimeText::default(),
            observed_at: TimeText::default(),
            scan: Scan::default(),
            values: Values::default(),
            drops: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Appends the frame's line, without a newline, to `out`. Every frame gives a line within [`MAX_LINE`].
    pub(crate) fn write(&mut self, frame: &[u8], place: &Place<'_>, out: &mut Vec<u8>) -> Written {
        let start = out.len();
        if frame.len() <= MAX_FRAME {
            out.reserve(frame.len() + 1024);
            let written = self.render(frame, place, out);
            if out.len() - start <= MAX_LINE {
                return written;
            }
        } else {
            self.read(frame);
        }
        let written = self.fit(frame, place, start, out);
        self.values.cuts.clear();
        self.drops.clear();
        self.notes.clear();
        written
    }

    /// Writes the line with the cuts and drops that are set.
    pub(super) fn render(&mut self, frame: &[u8], place: &Place<'_>, out: &mut Vec<u8>) -> Written {
        self.read(frame);
        let names = self.names(frame);
        let mut bits = self.scan.present | ALWAYS;
        for (slot, filled) in [
            (Slot::Category, !names.category.is_empty()),
            (Slot::Service, !self.service.is_empty()),
            (Slot::Host, !self.host.is_empty()),
            (Slot::Redaction, !self.scan.remarks.is_empty()),
        ] {
            bits = if filled {
                bits | bit(slot)
            } else {
                bits & !bit(slot)
            };
        }
        let listed = self.notes.len();
        out.push(b'{');
        let mut object = 0;
        while bits != 0 {
            let index = bits.trailing_zeros() as usize;
            let Some(shape) = self.shapes.get(index) else {
                break;
            };
            bits &= bits - 1;
            if shape.object != object {
                if object != 0 {
                    close(out);
                }
                object = shape.object;
                shape.open.write(out);
            }
            shape.key.write(out);
            let slot = shape.slot;
            let done = match self.scan.at.get(index) {
                Some(at) if shape.is_plain => self.scalar(Walk::at(frame, *at), out),
                _ => self.slot(slot, frame, place, &names, out),
            };
            if done.is_none() {
                // Unreachable for a frame that the first pass could read; the line stays valid all the same.
                out.extend_from_slice(b"null");
            }
            out.push(b',');
        }
        if object != 0 {
            close(out);
        }
        let truncated = notes::truncated(out, frame, &self.scan, &self.notes);
        self.notes.truncate(listed);
        if let Some(last) = out.last_mut() {
            *last = b'}';
        }
        Written {
            truncated: truncated + self.values.too_deep,
            redacted: u32::try_from(self.scan.remarks.len()).unwrap_or(u32::MAX),
            actor_missing: self.actor(frame).is_none(),
        }
    }

    /// The first pass: where what stands.
    fn read(&mut self, frame: &[u8]) {
        // Both lists keep their memory: the scan fills the one that the values used for the line before.
        self.scan.read(frame);
        std::mem::swap(&mut self.scan.members, &mut self.values.members);
        settle(frame, &mut self.values.members, 0);
        self.values.begin();
        if self.drops.is_empty() {
            return;
        }
        let drops = &self.drops;
        self.values
            .members
            .retain(|member| drops.binary_search(&member.value).is_err());
        for slot in Slot::ALL {
            let at = self.scan.at.get(usize::from(slot.index())).copied().unwrap_or(0);
            let gone = if slot.kind() == Kind::Map {
                let (from, to) = self.members(*slot);
                from == to
            } else {
                drops.binary_search(&at).is_ok()
            };
            if gone {
                self.scan.present &= !bit(*slot);
            }
        }
    }

    fn at<'f>(&self, frame: &'f [u8], slot: Slot) -> Option<Walk<'f>> {
        let at = *self.scan.at.get(usize::from(slot.index()))?;
        (self.scan.present & bit(slot) != 0).then(|| Walk::at(frame, at))
    }

    /// The text of a slot, cut if it must be; `None` where it is absent or empty.
    fn text<'f>(&self, frame: &'f [u8], slot: Slot) -> Option<&'f [u8]> {
        let at = self.at(frame, slot)?;
        let text = self.values.kept(at.here(), at.text()?);
        (!text.is_empty()).then_some(text)
    }

    /// The actor's id, unless it is absent or empty.
    fn actor<'f>(&self, frame: &'f [u8]) -> Option<Walk<'f>> {
        self.at(frame, Slot::ActorId)
            .filter(|actor| actor.text() != Some(&[]))
    }

    fn names<'f>(&self, frame: &'f [u8]) -> Names<'f> {
        let action = self.text(frame, Slot::Action);
        let event = self.text(frame, Slot::Event).or(action).unwrap_or(b"event");
        let (family, last) = match memchr::memrchr(b'.', event) {
            Some(dot) => (
                event.get(..dot).unwrap_or_default(),
                event.get(dot + 1..).unwrap_or_default(),
            ),
            None => (&[][..], event),
        };
        Names {
            event,
            action: action.unwrap_or(if last.is_empty() { event } else { last }),
            category: self.text(frame, Slot::Category).unwrap_or(family),
        }
    }

    /// The range of a slot's members.
    pub(super) fn members(&self, slot: Slot) -> (usize, usize) {
        let members = &self.values.members;
        let start = members.partition_point(|member| member.slot < slot.index());
        let end = members.partition_point(|member| member.slot <= slot.index());
        (start, end)
    }

    #[inline]
    fn slot(
        &mut self,
        slot: Slot,
        frame: &[u8],
        place: &Place<'_>,
        names: &Names<'_>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        match slot {
            Slot::Time => {
                let nanos = frame.first_chunk().map_or(0, |time| u64::from_le_bytes(*time));
                self.time.write(out, nanos);
            }
            Slot::ObservedAt => self.observed_at.write(out, place.observed_at),
            Slot::Seq => text::u64(out, place.seq),
            Slot::Schema => text::u64(out, SCHEMA),
            Slot::Stream => text::string(out, place.stream.as_bytes()),
            Slot::Service => text::string(out, self.service.as_bytes()),
            Slot::Host => text::string(out, self.host.as_bytes()),
            Slot::Event => text::string(out, names.event),
            Slot::Action => text::string(out, names.action),
            Slot::Category => text::string(out, names.category),
            Slot::Redaction => notes::redaction(out, frame, &self.scan, self.rules, self.actions),
            Slot::Id => self.id(frame, place, out),
            Slot::ActorId => match self.actor(frame) {
                Some(actor) => self.scalar(actor, out)?,
                None => text::string(out, b"unknown"),
            },
            _ => self.filled(slot, frame, out)?,
        }
        Some(())
    }

    fn id(&self, frame: &[u8], place: &Place<'_>, out: &mut Vec<u8>) {
        let given = self
            .text(frame, Slot::Id)
            .and_then(|text| uuid::Uuid::try_parse_ascii(text).ok());
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        let text = given.unwrap_or(place.id).hyphenated().encode_lower(&mut buffer);
        text::string(out, text.as_bytes());
    }

    /// A slot whose value the frame holds.
    #[inline]
    fn filled(&mut self, slot: Slot, frame: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let kind = slot.kind();
        if kind == Kind::Map {
            let (from, to) = self.members(slot);
            return self.counted(slot, out, |values, out| values.map(frame, from, to, 1, out));
        }
        let mut value = self.at(frame, slot)?;
        match kind {
            Kind::Text | Kind::Id | Kind::Hex => self.scalar(value, out),
            Kind::Uint | Kind::Time => {
                text::u64(out, value.uint()?);
                Some(())
            }
            Kind::Texts => match value.text() {
                Some(text) => {
                    let formatted = value.byte()? == tag::FORMATTED;
                    texts::write(out, self.values.kept(value.here() - 1, text), formatted);
                    Some(())
                }
                None => self.values.value(&mut value, 2, out),
            },
            Kind::Bool | Kind::Any | Kind::Map => {
                self.counted(slot, out, |values, out| values.value(&mut value, 1, out))
            }
        }
    }

    /// Writes a value of the caller's making, and notes how many of its keys were too many.
    fn counted(
        &mut self,
        slot: Slot,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Values, &mut Vec<u8>) -> Option<()>,
    ) -> Option<()> {
        let before = self.values.omitted;
        write(&mut self.values, out)?;
        let omitted = self.values.omitted - before;
        if omitted > 0 {
            self.notes.push(Note {
                path: slot.path().to_owned(),
                original_len: 0,
                omitted: u64::from(omitted),
            });
        }
        Some(())
    }

    /// A text as it is, an integer as decimal text, bytes as hex: always a JSON string.
    #[inline]
    fn scalar(&self, mut value: Walk<'_>, out: &mut Vec<u8>) -> Option<()> {
        let place = value.here();
        match value.byte()? {
            tag::STR | tag::FORMATTED => text::string(out, self.values.kept(place, value.sized()?)),
            tag => digits(tag, value, out)?,
        }
        Some(())
    }
}

/// An integer as decimal text, bytes as hex, in quotes.
fn digits(tag: u8, mut value: Walk<'_>, out: &mut Vec<u8>) -> Option<()> {
    out.push(b'"');
    let mut digits = itoa::Buffer::new();
    let digits = match tag {
        tag::I64 => digits.format(i64::from_le_bytes(value.take()?)),
        tag::U64 => digits.format(u64::from_le_bytes(value.take()?)),
        tag::I128 => digits.format(i128::from_le_bytes(value.take()?)),
        tag::U128 => digits.format(u128::from_le_bytes(value.take()?)),
        _ => {
            text::hex(out, value.sized()?);
            ""
        }
    };
    out.extend_from_slice(digits.as_bytes());
    out.push(b'"');
    Some(())
}

fn is_plain(slot: Slot) -> bool {
    let is_special = matches!(
        slot,
        Slot::Event | Slot::Action | Slot::Category | Slot::ActorId | Slot::Id
    );
    matches!(slot.kind(), Kind::Text | Kind::Id | Kind::Hex) && !is_special && !is_owned(slot)
}

/// Ends an object whose last member is followed by a comma.
fn close(out: &mut Vec<u8>) {
    out.pop();
    out.extend_from_slice(b"},");
}

fn shapes() -> Vec<Shape> {
    let mut objects: Vec<&str> = Vec::new();
    let shape = |slot: &Slot| {
        let (object, key) = slot.place();
        if let Some(object) = object
            && objects.last() != Some(&object)
        {
            objects.push(object);
        }
        Shape {
            slot: *slot,
            is_plain: is_plain(*slot),
            object: object.map_or(0, |_| u8::try_from(objects.len()).unwrap_or(0)),
            open: Padded::new(&object.map_or_else(String::new, |object| format!("\"{object}\":{{"))),
            key: Padded::new(&format!("\"{key}\":")),
        }
    };
    Slot::ALL.iter().map(shape).collect()
}
