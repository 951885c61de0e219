//! The line writer: one frame becomes one canonical JSON line (RFC 8785), without an intermediate tree.
//!
//! A first pass notes where each value of the frame stands; the second writes the slots in the order of their table,
//! which is the order of the line. Only a line above the limit is written again, with its longest values cut.

use zeroize::Zeroize as _;

use super::erase::Erasing;
use super::fill;
use super::hot::{BEHIND, Form, Given, Progress, Shape};
use super::member::Span;
use super::notes::{self, Note};
use super::rules::bit;
use super::spelled::spell;
use super::stencil::Stencils;
use super::text::{self, TimeText};
use super::values::{Orders, Values};
use super::walk::{Scan, Walk};
use crate::record::{Kind, Slot};

/// The longest line, without its newline: a transparency log's entry has a 16-bit length.
pub const MAX_LINE: usize = 65_535;

/// The version of the line's form.
pub const SCHEMA: u64 = 1;

/// Larger frames are cut before they are written: escapes could make six bytes of each of theirs.
const MAX_FRAME: usize = 4 * MAX_LINE;

/// The longest text that stands in every line.
const MAX_NAME: usize = 255;

/// How far a text stands behind its value's place: its tag and its length lie between.
const TEXT: u32 = 5;

/// How much room a usual line takes beside its frame's: the keys and what the writer adds. Others are given more.
const ROOM: usize = 640;

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

/// A frame, and a copy of it that is followed by [`BEHIND`]. What stands in one stands at the same place in the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'f> {
    pub(super) frame: &'f [u8],
    copy: &'f [u8],
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

/// Writes frames as lines. Keeps its memory, so that a usual record costs no allocation.
#[derive(Debug)]
pub(crate) struct LineWriter {
    /// The stream, the service and the host as JSON strings.
    pub(super) stream: Vec<u8>,
    pub(super) service: Vec<u8>,
    pub(super) host: Vec<u8>,
    /// What `stream` was made of.
    stream_id: String,
    pub(super) actions: &'static [&'static str],
    pub(super) shapes: Box<[Shape; Slot::COUNT]>,
    pub(super) time: TimeText,
    pub(super) observed_at: TimeText,
    /// The frame, followed by [`BEHIND`].
    copy: Vec<u8>,
    /// A frame with its heads spelled out.
    spelled: Vec<u8>,
    /// One slot that is not a usual one.
    aside: Vec<u8>,
    pub(super) scan: Scan,
    pub(super) values: Values,
    orders: Orders,
    /// Where values stand that are left out to make a line fit. Sorted; usually empty.
    pub(super) drops: Vec<u32>,
    pub(super) notes: Vec<Note>,
    /// What is known of frames like those that came before.
    pub(super) stencils: Stencils,
    pub(super) erasing: Erasing,
}

/// What is the same in all lines, as JSON strings; empty where it is not written.
#[derive(Debug)]
pub(super) struct Fixed<'a> {
    pub(super) stream: &'a [u8],
    pub(super) service: &'a [u8],
    pub(super) host: &'a [u8],
}

/// The slots that every line has.
pub(super) const ALWAYS: u128 = bit(Slot::Time)
    | bit(Slot::ObservedAt)
    | bit(Slot::Seq)
    | bit(Slot::Stream)
    | bit(Slot::Id)
    | bit(Slot::Schema)
    | bit(Slot::Event)
    | bit(Slot::Action)
    | bit(Slot::ActorId);

/// The names that a line states, given or derived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) event: Span,
    pub(super) action: Span,
    pub(super) category: Span,
    /// Where the actor's id stands, unless it is absent or empty.
    pub(super) actor: Option<u32>,
    /// What stands for an actor that is not named.
    pub(super) unknown: Span,
    /// Whether the frame holds the record's id.
    pub(super) has_id: bool,
}

impl LineWriter {
    /// `service` and `host` stand in every line, unless they are empty. `rules` and `actions` give the words for the
    /// numbers in a frame's remarks.
    pub(crate) fn new(service: &str, host: &str, actions: &'static [&'static str]) -> Self {
        let quoted = |text: &str| match text {
            "" => Vec::new(),
            text => quoted(crate::record::frame::cut(text, MAX_NAME)),
        };
        Self {
            stream: quoted("-"),
            service: quoted(service),
            host: quoted(host),
            stream_id: "-".to_owned(),
            actions,
            shapes: Shape::all(),
            time: TimeText::default(),
            observed_at: TimeText::default(),
            copy: Vec::new(),
            spelled: Vec::new(),
            aside: Vec::new(),
            scan: Scan::default(),
            values: Values::default(),
            orders: Orders::default(),
            drops: Vec::new(),
            notes: Vec::new(),
            stencils: Stencils::default(),
            erasing: Erasing::default(),
        }
    }

    /// Appends the frame's line, without a newline, to `out`. Every frame gives a line within [`MAX_LINE`].
    pub(crate) fn write(&mut self, frame: &[u8], place: &Place<'_>, out: &mut Vec<u8>) -> Written {
        let mut copy = std::mem::take(&mut self.copy);
        copy.clear();
        copy.extend_from_slice(frame);
        copy.extend_from_slice(BEHIND);
        let source = Source { frame, copy: &copy };
        if self.stream_id != place.stream {
            place.stream.clone_into(&mut self.stream_id);
            self.stream = quoted(place.stream);
            self.stencils.forget();
        }
        let known = self.known(source, place, out);
        self.copy = copy;
        known.unwrap_or_else(|| self.write_unknown(frame, place, out))
    }

    /// Writes the line of a frame like which there was none, or which has to be read entry by entry.
    #[inline(never)]
    fn write_unknown(&mut self, short: &[u8], place: &Place<'_>, out: &mut Vec<u8>) -> Written {
        let mut spelled = std::mem::take(&mut self.spelled);
        spelled.clear();
        if spell(short, &mut spelled) {
            self.copy.clear();
            self.copy.extend_from_slice(&spelled);
            self.copy.extend_from_slice(BEHIND);
        }
        let rows = self.erasing.rows.len();
        let written = self.write_spelled((short, &spelled), place, out);
        if self.erasing.rows.len() != rows {
            // What is erased later must not stand here until the next frame comes.
            spelled.zeroize();
        }
        self.spelled = spelled;
        written
    }

    /// Writes the line of a frame whose heads are spelled out, and of which there is a copy; `short` is the frame before, whose
    /// shape is learned.
    fn write_spelled(
        &mut self,
        (short, frame): (&[u8], &[u8]),
        place: &Place<'_>,
        out: &mut Vec<u8>,
    ) -> Written {
        let start = out.len();
        let mut copy = std::mem::take(&mut self.copy);
        let source = Source { frame, copy: &copy };
        let mut written = Written::default();
        let mut fits = false;
        if frame.len() <= MAX_FRAME {
            written = self.render(source, place, out);
            fits = out.len() - start <= MAX_LINE;
        } else {
            self.read(frame);
        }
        if self.scan.is_erasable {
            out.truncate(start);
            copy.zeroize();
            self.copy = copy;
            return self.write_committed(frame, place, out);
        }
        if fits {
            let fixed = Fixed {
                stream: &self.stream,
                service: &self.service,
                host: &self.host,
            };
            self.stencils.learn(short, &fixed);
        } else {
            written = self.fit(source, place, start, out);
            self.rest();
        }
        self.copy = copy;
        written
    }

    /// Writes the line of a frame with erasable values: a commitment stands in the place of each.
    #[cold]
    fn write_committed(&mut self, frame: &[u8], place: &Place<'_>, out: &mut Vec<u8>) -> Written {
        let committed = self.commit_to(frame, place);
        let written = self.write(&committed, place, out);
        self.committed(committed);
        written
    }

    /// Writes the line by what is known of frames like this one, if anything is.
    fn known(&mut self, source: Source<'_>, place: &Place<'_>, out: &mut Vec<u8>) -> Option<Written> {
        let Source { frame, copy } = source;
        let number = self.stencils.find(copy, frame.len())?;
        self.time.set(u64::from_le_bytes(*frame.first_chunk()?));
        self.observed_at.set(place.observed_at);
        let source = fill::Source {
            frame: copy,
            len: frame.len(),
            place,
            time: &self.time,
            observed_at: &self.observed_at,
        };
        let start = out.len();
        let stencil = self.stencils.fill(number, &source, out)?;
        if out.len() - start > MAX_LINE {
            out.truncate(start);
            return None;
        }
        Some(Written {
            truncated: 0,
            redacted: 0,
            actor_missing: stencil.actor_missing,
        })
    }

    /// Forgets what was set for a line that had to be made to fit.
    #[cold]
    fn rest(&mut self) {
        self.values.cuts.clear();
        self.drops.clear();
        self.notes.clear();
    }

    /// Writes the line with the cuts and drops that are set.
    pub(super) fn render(&mut self, source: Source<'_>, place: &Place<'_>, out: &mut Vec<u8>) -> Written {
        // The copy was just made; reading the original first gives its bytes time to arrive.
        self.read(source.frame);
        if self.scan.is_erasable {
            return Written::default();
        }
        let frame = source.copy;
        let names = self.names(frame);
        let bits = self.filled_slots(&names);
        let listed = self.notes.len();
        self.time.set(self.scan.time);
        self.observed_at.set(place.observed_at);
        let given = Given {
            frame,
            place,
            names: &names,
        };
        out.push(b'{');
        let mut now = Progress {
            at: out.len(),
            object: 0,
            low: bits as u64,
            high: (bits >> 64) as u64,
        };
        // The bytes are there before they are written, so that nothing is grown from part to part.
        out.resize(now.at + frame.len() + ROOM, 0);
        let is_usual = self.values.cuts.is_empty();
        loop {
            if is_usual {
                now = self.hot(&given, out, now);
            }
            let Some(index) = now.next() else { break };
            self.unusual(index, &given, &mut now, out);
        }
        out.truncate(now.at);
        if now.object != 0 {
            out.pop();
            out.extend_from_slice(b"},");
        }
        let truncated = notes::truncated(out, frame, &self.scan, &self.notes);
        self.notes.truncate(listed);
        if let Some(last) = out.last_mut() {
            *last = b'}';
        }
        Written {
            truncated: truncated + self.values.too_deep,
            redacted: self.scan.redactions(),
            actor_missing: names.actor.is_none(),
        }
    }

    /// The slots that the line has.
    #[inline]
    fn filled_slots(&self, names: &Names) -> u128 {
        let mut bits = self.scan.present | ALWAYS;
        for (slot, filled) in [
            (Slot::Category, names.category.len > 0),
            (Slot::Service, !self.service.is_empty()),
            (Slot::Host, !self.host.is_empty()),
            (Slot::Redaction, self.scan.redactions() > 0),
        ] {
            bits = bits & !bit(slot) | if filled { bit(slot) } else { 0 };
        }
        if self.scan.pii().next().is_some() {
            bits |= bit(Slot::PiiContains) | bit(Slot::PiiCategories);
        }
        bits
    }

    /// Writes one slot that is not of the usual kind, and makes room for what follows.
    #[inline(never)]
    fn unusual(&mut self, index: usize, given: &Given<'_>, now: &mut Progress, room: &mut Vec<u8>) {
        let Some(shape) = self.shapes.get(index).copied() else {
            return;
        };
        let mut out = std::mem::take(&mut self.aside);
        out.clear();
        let mut at = now.at;
        if usize::from(shape.object) != now.object {
            if now.object != 0 {
                // The brace takes the place of the last member's comma.
                at -= 1;
                out.extend_from_slice(b"},");
            }
            out.extend_from_slice(shape.open());
        }
        out.extend_from_slice(shape.key());
        if shape.form != Form::Schema {
            if self.slot(shape.slot, given, &mut out).is_none() {
                // Unreachable for a frame that the first pass could read; the line stays valid all the same.
                out.extend_from_slice(b"null");
            }
            out.push(b',');
        }
        let end = at + out.len();
        if room.len() < end + ROOM {
            room.resize(end + given.frame.len() + ROOM, 0);
        }
        if let Some(into) = room.get_mut(at..end) {
            into.copy_from_slice(&out);
        }
        now.done(shape.object, end);
        self.aside = out;
    }

    /// The first pass: where what stands.
    fn read(&mut self, frame: &[u8]) {
        // Both lists keep their memory: the scan fills the one that the values used for the line before.
        self.scan.read(frame);
        std::mem::swap(&mut self.scan.members, &mut self.values.members);
        self.orders.settle(frame, &mut self.values.members);
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
            let is_dropped = drops.binary_search(&at).is_ok();
            let (from, to) = self.members(*slot);
            let gone = match slot.kind() {
                Kind::Map => from == to,
                _ if *slot == Slot::Detail => from == to && (at == 0 || is_dropped),
                _ => is_dropped,
            };
            if let Some(at) = self.scan.at.get_mut(usize::from(slot.index()))
                && *slot == Slot::Detail
                && is_dropped
            {
                *at = 0;
            }
            if gone {
                self.scan.present &= !bit(*slot);
            }
        }
    }

    pub(super) fn at<'f>(&self, frame: &'f [u8], slot: Slot) -> Option<Walk<'f>> {
        let at = *self.scan.at.get(usize::from(slot.index()))?;
        (self.scan.present & bit(slot) != 0).then(|| Walk::at(frame, at))
    }

    /// The text of a slot, cut if it must be; `None` where it is absent or empty.
    #[inline]
    pub(super) fn text(&self, frame: &[u8], slot: Slot) -> Option<Span> {
        let at = self.at(frame, slot)?;
        let text = self.values.kept(at.here(), at.text()?);
        (!text.is_empty()).then_some(Span {
            at: at.here() + TEXT,
            len: u32::try_from(text.len()).unwrap_or(0),
        })
    }

    #[inline]
    fn names(&self, frame: &[u8]) -> Names {
        let behind = u32::try_from(frame.len() - BEHIND.len()).unwrap_or(0);
        let action = self.text(frame, Slot::Action);
        let event = self.text(frame, Slot::Event).or(action);
        let event = event.unwrap_or(Span { at: behind, len: 5 });
        let dot = event.of(frame).iter().rposition(|byte| *byte == b'.');
        let dot = dot.and_then(|dot| u32::try_from(dot).ok());
        let family = Span {
            at: event.at,
            len: dot.unwrap_or(0),
        };
        let last = match dot {
            Some(dot) if dot + 1 < event.len => Span {
                at: event.at + dot + 1,
                len: event.len - dot - 1,
            },
            _ => event,
        };
        let actor = self.at(frame, Slot::ActorId);
        Names {
            event,
            action: action.unwrap_or(last),
            category: self.text(frame, Slot::Category).unwrap_or(family),
            actor: actor
                .filter(|actor| actor.text() != Some(&[]))
                .map(|actor| actor.here()),
            unknown: Span {
                at: behind + 5,
                len: 7,
            },
            has_id: self.scan.present & bit(Slot::Id) != 0,
        }
    }

    /// The range of a slot's members.
    #[inline]
    pub(super) fn members(&self, slot: Slot) -> (usize, usize) {
        let members = &self.values.members;
        if let (Some(first), Some(last)) = (members.first(), members.last())
            && (first.slot, last.slot) == (slot.index(), slot.index())
        {
            return (0, members.len());
        }
        let start = members.partition_point(|member| member.slot < slot.index());
        let end = members.partition_point(|member| member.slot <= slot.index());
        (start, end)
    }
}

fn quoted(text: &str) -> Vec<u8> {
    let mut quoted = Vec::new();
    text::string(&mut quoted, text.as_bytes());
    quoted
}
