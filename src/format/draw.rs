//! Draws a stencil: looks at one frame, and says what all lines of its shape have in common.

use super::line::{ALWAYS, Fixed, SCHEMA};
use super::rules::{bit, is_owned};
use super::stencil::{ENTRIES, PIECE, Part, Stencil, What, family};
use super::text;
use super::values::MAX_KEYS;
use super::walk::Walk;
use crate::record::frame::{HEADER, STEP, mark, tag};
use crate::record::{Kind, Slot, heads};

/// How many bytes a value takes at most that is no text of the frame, beyond the fixed parts around it.
const VALUE: usize = 40;

/// What kind of value an entry has: those of one kind are written in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sort {
    /// The tags that it can have, as bits.
    pub(super) tags: u16,
    /// What it takes with its tag and its length.
    pub(super) takes: u32,
    /// Which bits behind the tag are a length.
    pub(super) counted: u32,
}

const TEXT: Sort = sized(1 << tag::STR | 1 << tag::FORMATTED);
const PLAIN: Sort = sized(1 << tag::STR);
const BYTES: Sort = sized(1 << tag::BYTES);
const I64: Sort = fixed(1 << tag::I64, 9);
const U64: Sort = fixed(1 << tag::U64, 9);
const F64: Sort = fixed(1 << tag::F64, 9);
const TRUTH: Sort = fixed(1 << tag::FALSE | 1 << tag::TRUE, 1);

const fn sized(tags: u16) -> Sort {
    Sort {
        tags,
        takes: 5,
        counted: u32::MAX,
    }
}

const fn fixed(tags: u16, takes: u32) -> Sort {
    Sort {
        tags,
        takes,
        counted: 0,
    }
}

impl Sort {
    /// The bits that all its tags have in common.
    pub(super) fn common(self) -> u8 {
        let mut tags = (0..16).filter(|tag| self.tags >> tag & 1 != 0);
        let first = tags.next().unwrap_or(0);
        tags.fold(u8::MAX, |common, tag| common & !(tag ^ first))
    }

    /// Whether those bits tell its tags from all others.
    pub(super) fn is_exact(self) -> bool {
        let tags = (0..16).filter(|tag| self.tags >> tag & 1 != 0);
        1 << self.common().count_zeros() == tags.count()
    }
}

/// One entry of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Where it begins, and where its value does.
    pub(super) at: usize,
    pub(super) value: usize,
    pub(super) sort: Sort,
    slot: Slot,
    is_member: bool,
    /// The head, where it has a number in the frame.
    numbered: Option<&'static [u8]>,
}

impl Entry {
    fn key<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        let head = self.numbered.or_else(|| frame.get(self.at..self.value));
        let key = head.filter(|_| self.is_member).and_then(|head| head.get(3..));
        key.unwrap_or_default()
    }

    fn is_text(&self) -> bool {
        self.sort == TEXT || self.sort == PLAIN
    }
}

/// The entries of a frame, if all of them are of kinds that a stencil can have.
pub(super) fn entries(frame: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut walk = Walk { frame, at: HEADER };
    while walk.at < frame.len() {
        let at = walk.at;
        let first = walk.byte()?;
        let mut numbered = None;
        let (slot, is_member) = match first {
            mark::NUMBERED => {
                let head = heads::head(walk.take()?)?;
                let (slot, key) = heads::part(head)?;
                numbered = Some(head);
                (slot, key.is_some())
            }
            mark::KEYED => {
                let slot = walk.byte()?;
                let len = walk.byte()?;
                walk.slice(usize::from(len))?;
                (Slot::from_index(slot)?, true)
            }
            slot => (Slot::from_index(slot)?, false),
        };
        let value = walk.at;
        let sort = sort(slot, is_member, *frame.get(value)?)?;
        walk.skip(0)?;
        entries.push(Entry {
            at,
            value,
            sort,
            slot,
            is_member,
            numbered,
        });
    }
    (!entries.is_empty() && entries.len() <= ENTRIES).then_some(entries)
}

/// The kind of a value, if nothing but its tag says how it is written.
fn sort(slot: Slot, is_member: bool, tag: u8) -> Option<Sort> {
    let sort = match tag {
        tag::STR | tag::FORMATTED => TEXT,
        tag::BYTES => BYTES,
        tag::I64 => I64,
        tag::U64 => U64,
        tag::F64 => F64,
        tag::FALSE | tag::TRUE => TRUTH,
        _ => return None,
    };
    if is_member {
        return (slot.kind() == Kind::Map || slot == Slot::Detail).then_some(sort);
    }
    // It takes the ids of the trace away that stand before it: only the whole pass over a frame does that.
    if slot == Slot::TraceUnavailable {
        return None;
    }
    if is_owned(slot) || slot == Slot::Id {
        return None;
    }
    match (slot.kind(), sort) {
        (Kind::Text | Kind::Id | Kind::Texts, TEXT)
        | (Kind::Id, I64 | U64)
        | (Kind::Hex, BYTES)
        | (Kind::Uint, U64)
        | (Kind::Bool, TRUTH) => Some(sort),
        (Kind::Hex, _) if tag == tag::STR => Some(PLAIN),
        _ => None,
    }
}

/// What all lines of a shape have in common, by one frame of it; `None` where they have not enough.
pub(super) fn draw(frame: &[u8], entries: &[Entry], fixed: &Fixed<'_>) -> Option<Stencil> {
    let mut slots = [None; Slot::COUNT];
    let mut members = Vec::new();
    let mut present = ALWAYS;
    for (number, entry) in (0_u8..).zip(entries) {
        present |= bit(entry.slot);
        if entry.is_member {
            members.push((entry.slot, entry.key(frame), number, *entry));
        } else if let Some(slot) = slots.get_mut(usize::from(entry.slot.index())) {
            *slot = Some((number, *entry));
        }
    }
    let order = |left: &[u8], right: &[u8]| text::utf16_order(left, right);
    // Where keys are equal, the one that stands later comes first, and stays.
    members.sort_by(|left, right| {
        let by_key = left.0.cmp(&right.0).then_with(|| order(left.1, right.1));
        by_key.then(right.2.cmp(&left.2))
    });
    members.dedup_by(|later, earlier| (later.0, later.1) == (earlier.0, earlier.1));
    let drawing = Drawing {
        frame,
        slots,
        members,
        fixed,
        parts: Vec::new(),
        piece: b"{".to_vec(),
        room: 0,
        names: 0,
    };
    drawing.line(present)
}

type Given = (u8, Entry);

struct Drawing<'a> {
    frame: &'a [u8],
    slots: [Option<Given>; Slot::COUNT],
    members: Vec<(Slot, &'a [u8], u8, Entry)>,
    fixed: &'a Fixed<'a>,
    parts: Vec<Part>,
    /// The fixed part that is not in `parts` yet.
    piece: Vec<u8>,
    room: usize,
    names: usize,
}

impl Drawing<'_> {
    fn given(&self, slot: Slot) -> Option<Given> {
        self.slots.get(usize::from(slot.index())).copied().flatten()
    }

    /// The entry that the event's name is taken from.
    fn event(&self) -> Option<Given> {
        self.given(Slot::Event).or(self.given(Slot::Action))
    }

    fn line(mut self, mut present: u128) -> Option<Stencil> {
        let names = [Slot::Event, Slot::Action, Slot::Category, Slot::ActorId];
        let named = names.iter().filter_map(|slot| self.given(*slot));
        let named: Vec<Given> = named.filter(|(_, entry)| entry.is_text()).collect();
        if named.iter().any(|(_, entry)| self.bytes(entry).is_empty()) {
            return None;
        }
        let event = self.event().filter(|_| self.given(Slot::Category).is_none());
        let has_family = event.is_some_and(|(_, entry)| !family(self.bytes(&entry)).is_empty());
        for (slot, is_filled) in [
            (Slot::Category, has_family),
            (Slot::Service, !self.fixed.service.is_empty()),
            (Slot::Host, !self.fixed.host.is_empty()),
        ] {
            present |= if is_filled { bit(slot) } else { 0 };
        }
        let mut open = None;
        for slot in Slot::ALL.iter().filter(|slot| present & bit(**slot) != 0) {
            let (object, key) = slot.place();
            let is_first = self.parts.is_empty() && self.piece == b"{";
            if object != open && open.is_some() {
                self.piece.push(b'}');
            }
            if !is_first {
                self.piece.push(b',');
            }
            if let Some(object) = object.filter(|_| object != open) {
                self.key(object.as_bytes());
                self.piece.push(b'{');
            }
            open = object;
            self.key(key.as_bytes());
            self.slot(*slot)?;
        }
        self.piece
            .extend_from_slice(if open.is_some() { b"}}" } else { b"}" });
        self.put(What::More, 0);
        Some(Stencil {
            parts: self.parts,
            room: self.room,
            names: self.names,
            named: named.iter().map(|(number, _)| *number).collect(),
            event: event.map(|(number, _)| number),
            has_family,
            actor_missing: self.slots.get(usize::from(Slot::ActorId.index()))?.is_none(),
        })
    }

    /// The bytes of a text.
    fn bytes(&self, entry: &Entry) -> &[u8] {
        let walk = Walk {
            frame: self.frame,
            at: entry.value,
        };
        walk.text().unwrap_or_default()
    }

    fn key(&mut self, key: &[u8]) {
        text::string(&mut self.piece, key);
        self.piece.push(b':');
    }

    /// Ends the fixed part: `what` is written behind it.
    fn put(&mut self, what: What, entry: u8) {
        let mut pieces = self.piece.chunks(PIECE).peekable();
        loop {
            let piece = pieces.next().unwrap_or_default();
            let is_last = pieces.peek().is_none();
            let mut bytes = piece.iter();
            self.parts.push(Part {
                piece: std::array::from_fn(|_| bytes.next().copied().unwrap_or(0)),
                len: piece.len() as u8,
                what: if is_last { what } else { What::More },
                entry,
            });
            if is_last {
                break;
            }
        }
        let is_text = matches!(what, What::Text | What::Last | What::Family | What::More);
        self.room += self.piece.len() + if is_text { 0 } else { VALUE };
        self.piece.clear();
    }

    fn quoted(&mut self, what: What, entry: u8) {
        self.piece.push(b'"');
        self.put(what, entry);
        self.piece.push(b'"');
    }

    /// A text that stands in the line once more: what it takes is not known from the frame's size.
    fn name(&mut self, what: What, entry: u8) {
        self.names += 1;
        self.quoted(what, entry);
    }

    /// Draws a slot's value.
    fn slot(&mut self, slot: Slot) -> Option<()> {
        let fixed = self.fixed;
        match slot {
            Slot::Time => self.put(What::Time, 0),
            Slot::ObservedAt => self.put(What::ObservedAt, 0),
            Slot::Seq => self.put(What::Seq, 0),
            Slot::Id => self.quoted(What::Id, 0),
            Slot::Schema => text::u64(&mut self.piece, SCHEMA),
            Slot::Stream => self.piece.extend_from_slice(fixed.stream),
            Slot::Service => self.piece.extend_from_slice(fixed.service),
            Slot::Host => self.piece.extend_from_slice(fixed.host),
            slot if slot.kind() == Kind::Map => self.map(slot)?,
            Slot::Detail => self.tree()?,
            slot => match (self.given(slot), slot, self.event()) {
                (Some(given), _, _) => self.value(slot.kind(), given)?,
                (None, Slot::Event, Some((number, _))) => self.name(What::Text, number),
                (None, Slot::Action, Some((number, _))) => self.name(What::Last, number),
                (None, Slot::Category, Some((number, _))) => self.name(What::Family, number),
                (None, Slot::Event | Slot::Action, None) => self.piece.extend_from_slice(b"\"event\""),
                (None, Slot::ActorId, _) => self.piece.extend_from_slice(b"\"unknown\""),
                _ => return None,
            },
        }
        Some(())
    }

    fn value(&mut self, kind: Kind, (number, entry): Given) -> Option<()> {
        match kind {
            Kind::Text | Kind::Id | Kind::Hex if entry.is_text() => self.quoted(What::Text, number),
            Kind::Id | Kind::Hex => self.quoted(What::Digits, number),
            Kind::Texts => self.put(What::Texts, number),
            Kind::Uint => self.put(What::U64, number),
            Kind::Bool => self.put(What::Truth, number),
            _ => return None,
        }
        Some(())
    }

    fn map(&mut self, slot: Slot) -> Option<()> {
        let members: Vec<_> = self
            .members
            .iter()
            .filter(|member| member.0 == slot)
            .copied()
            .collect();
        if matches!(members.as_slice(), [(_, [b'$', ..], _, _)]) {
            return None;
        }
        self.piece.push(b'{');
        for (index, (_, key, number, entry)) in members.into_iter().enumerate() {
            if index > 0 {
                self.piece.push(b',');
            }
            self.key(key);
            self.member(number, entry);
        }
        self.piece.push(b'}');
        Some(())
    }

    fn member(&mut self, number: u8, entry: Entry) {
        match entry.sort {
            I64 => self.put(What::I64, number),
            U64 => self.put(What::U64, number),
            F64 => self.put(What::F64, number),
            TRUTH => self.put(What::Truth, number),
            BYTES => self.put(What::Bytes, number),
            _ => self.quoted(What::Text, number),
        }
    }

    /// Draws the places inside `detail` as objects inside each other. `None` where a place is inside another, or a key
    /// has a form of its own: such frames are rare.
    fn tree(&mut self) -> Option<()> {
        let places = self.members.iter().filter(|member| member.0 == Slot::Detail);
        let places: Vec<_> = places.copied().collect();
        let mut open: Vec<&[u8]> = Vec::new();
        let mut keys = 0;
        self.piece.push(b'{');
        for (index, (_, key, number, entry)) in places.iter().copied().enumerate() {
            let steps: Vec<&[u8]> = key.split(|byte| *byte == STEP).collect();
            let (last, objects) = steps.split_last()?;
            let shared = open.iter().zip(objects).take_while(|(open, step)| open == step);
            let shared = shared.count();
            let before = index.checked_sub(1).and_then(|before| places.get(before));
            let is_inside = before.is_some_and(|(_, before, ..)| {
                key.strip_prefix(*before)
                    .is_some_and(|rest| rest.first() == Some(&STEP))
            });
            if is_inside || steps.iter().any(|step| step.first() == Some(&b'$')) {
                return None;
            }
            self.piece.extend(open.drain(shared..).map(|_| b'}'));
            if index > 0 {
                self.piece.push(b',');
            }
            for step in objects.get(shared..)? {
                self.key(step);
                self.piece.push(b'{');
                open.push(step);
            }
            keys += steps.len() - shared;
            self.key(last);
            self.member(number, entry);
        }
        self.piece.extend(open.iter().map(|_| b'}'));
        self.piece.push(b'}');
        // Far below the limit, which counts other maps too.
        (keys <= MAX_KEYS as usize / 2).then_some(())
    }
}
