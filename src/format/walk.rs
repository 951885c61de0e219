//! Walks a frame's bytes without making texts of them: they were texts when they were put in.

use super::member::{Cut, Member, PATH, Remark, Span, prefix};
use super::rules::{RULES, Rule, SIZES, bit};
use crate::record::frame::{HEADER, mark, tag};
use crate::record::{Kind, Slot, heads};

/// Containers nested more deeply than this are taken for a malformed frame; a frame's own limit is 60.
const MAX_NESTED: u32 = 256;

/// A place in a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk<'f> {
    pub(super) frame: &'f [u8],
    pub(super) at: usize,
}

impl<'f> Walk<'f> {
    #[inline]
    pub(super) fn at(frame: &'f [u8], at: u32) -> Self {
        Self {
            frame,
            at: at as usize,
        }
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Option<u8> {
        let byte = self.frame.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = *self.frame.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(bytes)
    }

    #[inline]
    pub(super) fn slice(&mut self, len: usize) -> Option<&'f [u8]> {
        let end = self.at.checked_add(len)?;
        let slice = self.frame.get(self.at..end)?;
        self.at = end;
        Some(slice)
    }

    #[inline]
    pub(super) fn count(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    /// The bytes of a text or byte string whose tag was read.
    #[inline]
    pub(super) fn sized(&mut self) -> Option<&'f [u8]> {
        let len = self.count()?;
        self.slice(len as usize)
    }

    /// Where the next byte stands.
    #[inline]
    pub(super) fn here(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }

    /// Steps over the next value.
    #[inline]
    pub(super) fn skip(&mut self, nested: u32) -> Option<()> {
        let len = match self.byte()? {
            tag::NULL | tag::FALSE | tag::TRUE => 0,
            tag::I64 | tag::U64 | tag::F64 => 8,
            tag::I128 | tag::U128 => 16,
            tag::COMMITMENT => 32,
            tag::STR | tag::BYTES | tag::FORMATTED => self.count()? as usize,
            container => return self.skip_container(container, nested),
        };
        self.slice(len).map(drop)
    }

    fn skip_container(&mut self, container: u8, nested: u32) -> Option<()> {
        if nested >= MAX_NESTED || (container != tag::LIST && container != tag::MAP) {
            return None;
        }
        for _ in 0..self.count()? {
            if container == tag::MAP {
                self.sized()?;
            }
            self.skip(nested + 1)?;
        }
        Some(())
    }

    /// The text of the value that stands here, if it is one.
    #[inline]
    pub(super) fn text(mut self) -> Option<&'f [u8]> {
        match self.byte()? {
            tag::STR | tag::FORMATTED => self.sized(),
            _ => None,
        }
    }

    /// Whether both stand at the same text, or at the same bytes of another value.
    fn says_the_same(self, other: Self) -> bool {
        let bytes = |walk: Self| {
            let mut end = walk;
            end.skip(0)?;
            walk.frame.get(walk.at..end.at)
        };
        match (self.text(), other.text()) {
            (None, None) => bytes(self) == bytes(other),
            (text, other) => text == other,
        }
    }

    /// The integer that stands here, if it is one from 0 to 2^64 − 1.
    #[inline]
    pub(super) fn uint(mut self) -> Option<u64> {
        match self.byte()? {
            tag::U64 => self.take().map(u64::from_le_bytes),
            tag::I64 => self.take().map(i64::from_le_bytes)?.try_into().ok(),
            tag::I128 => self.take().map(i128::from_le_bytes)?.try_into().ok(),
            tag::U128 => self.take().map(u128::from_le_bytes)?.try_into().ok(),
            _ => None,
        }
    }

    /// Whether the list that stands here holds texts only.
    fn is_list_of_texts(mut self) -> bool {
        let mut check = || {
            self.byte()?;
            for _ in 0..self.count()? {
                self.text()?;
                self.skip(0)?;
            }
            Some(())
        };
        check().is_some()
    }
}

/// What a frame holds, by place. Reused from frame to frame.
#[derive(Debug)]
pub(super) struct Scan {
    /// When it happened: what every frame begins with.
    pub(super) time: u64,
    /// Bit `n` says that slot number `n` has a value; `at` is meaningless elsewhere, so it is not reset. Only that of
    /// `detail` is: 0 says that no value is all of it, and that it has members at most.
    pub(super) present: u128,
    pub(super) at: [u32; Slot::COUNT],
    pub(super) members: Vec<Member>,
    pub(super) remarks: Vec<Remark>,
    pub(super) cuts: Vec<Cut>,
    /// Entries that have a number, each with the remark on it. Empty where the frame is spelled out.
    ready: Vec<&'static [u8]>,
    /// Whether a value is erasable: such a frame is no line yet.
    pub(super) is_erasable: bool,
    /// Where somebody further inside begins to speak, and where the actor's id stood until then.
    levels: Vec<(u32, u32)>,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            time: 0,
            present: 0,
            at: [0; Slot::COUNT],
            members: Vec::new(),
            remarks: Vec::new(),
            cuts: Vec::new(),
            ready: Vec::new(),
            is_erasable: false,
            levels: Vec::new(),
        }
    }
}

impl Scan {
    /// Reads the places of a frame's entries. A malformed frame reads as ending early.
    pub(super) fn read(&mut self, frame: &[u8]) {
        self.time = frame.first_chunk().map_or(0, |time| u64::from_le_bytes(*time));
        self.present = 0;
        if let Some(detail) = self.at.get_mut(usize::from(Slot::Detail.index())) {
            *detail = 0;
        }
        self.members.clear();
        self.remarks.clear();
        self.cuts.clear();
        self.ready.clear();
        self.is_erasable = false;
        self.levels.clear();
        let mut walk = Walk { frame, at: HEADER };
        loop {
            walk.at = self.usual(frame, walk.at);
            if self.entry(&mut walk).is_none() {
                break;
            }
        }
        if !self.levels.is_empty() {
            self.forget_others(frame);
        }
        if self.present & bit(Slot::TraceUnavailable) != 0 {
            self.settle_trace();
        }
    }

    /// Of the ids of a trace and the statement that they are not known, the later one holds.
    #[cold]
    fn settle_trace(&mut self) {
        let is_given = self.present & bit(Slot::TraceId) != 0;
        if is_given && self.place_of(Slot::TraceId) > self.place_of(Slot::TraceUnavailable) {
            self.present &= !bit(Slot::TraceUnavailable);
            return;
        }
        for slot in [Slot::TraceId, Slot::SpanId, Slot::TraceFlags, Slot::ParentSpanId] {
            self.present &= !bit(slot);
        }
    }

    /// Takes the places of another actor's type, roles and address away: who is named further inside is somebody else
    /// and must not be given the rights of the one outside.
    #[cold]
    fn forget_others(&mut self, frame: &[u8]) {
        let actor = self.place_of(Slot::ActorId);
        let Some(&(level, before)) = self.levels.iter().rev().find(|(level, _)| *level < actor) else {
            return;
        };
        if Walk::at(frame, before).says_the_same(Walk::at(frame, actor)) {
            return;
        }
        for slot in Slot::ALL.iter().filter(|slot| slot.path().starts_with("actor.")) {
            if self.place_of(*slot) < level {
                self.present &= !bit(*slot);
            }
        }
    }

    /// What redaction said of personal data.
    pub(super) fn pii(&self) -> impl Iterator<Item = &Remark> {
        self.remarks.iter().filter(|remark| remark.pii.len > 0)
    }

    /// The kinds of personal data that redaction saw in the values of ready entries.
    pub(super) fn ready_pii(&self) -> impl Iterator<Item = &'static [u8]> {
        /// What stands between an entry's value and the name of the rule: the mark, the action, how often.
        const REMARK: usize = 4;
        let kind = |entry: &'static [u8]| {
            let mut walk = Walk { frame: entry, at: 2 };
            span(&mut walk)?;
            walk.skip(0)?;
            walk.slice(REMARK)?;
            span(&mut walk)?;
            Some(span(&mut walk)?.of(entry))
        };
        self.ready.iter().filter_map(move |entry| kind(entry))
    }

    /// How many values and parts of values were redacted.
    pub(super) fn redactions(&self) -> u32 {
        self.remarks.iter().map(|remark| u32::from(remark.n)).sum()
    }

    fn place_of(&self, slot: Slot) -> u32 {
        self.at.get(usize::from(slot.index())).copied().unwrap_or(0)
    }

    /// Reads entries that are what most are, texts for slots that take them and members; stops before any other.
    #[inline(always)]
    fn usual(&mut self, frame: &[u8], mut at: usize) -> usize {
        while let Some([slot, tag, len @ ..]) = frame.get(at..).and_then(|rest| rest.first_chunk::<6>()) {
            let end = at + 6 + u32::from_le_bytes(*len) as usize;
            if *slot == mark::KEYED {
                // Where others have their tag, a member has its slot.
                let Some(end) = self.member(frame, at, *tag, len[0]) else {
                    break;
                };
                at = end;
                continue;
            }
            let Some(rule) = RULES.get(usize::from(*slot)) else {
                break;
            };
            if *tag > tag::FORMATTED || rule.sized & 1 << tag == 0 || end > frame.len() {
                break;
            }
            self.present |= rule.bit;
            if let Some(place) = self.at.get_mut(usize::from(*slot)) {
                *place = (at + 1) as u32;
            }
            at = end;
        }
        at
    }

    /// Reads the member of a map that stands at `at`, if its value is a scalar. Gives where the next entry stands.
    #[inline]
    fn member(&mut self, frame: &[u8], at: usize, slot: u8, key_len: u8) -> Option<usize> {
        let rule = RULES.get(usize::from(slot))?;
        let value = at + 3 + usize::from(key_len);
        let [tag, len @ ..] = frame.get(value..)?.first_chunk::<5>()?;
        let (head, counted) = *SIZES.get(usize::from(*tag))?;
        let end = value + usize::from(head) + (u32::from_le_bytes(*len) & counted) as usize;
        if head == 0 || end > frame.len() {
            return None;
        }
        self.present |= rule.bit;
        self.members.push(Member {
            slot,
            key_at: (at + 3) as u32,
            key_len: u32::from(key_len),
            value: value as u32,
            prefix: prefix(frame.get(at + 3..value).unwrap_or_default()),
        });
        Some(end)
    }

    #[inline]
    fn entry(&mut self, walk: &mut Walk<'_>) -> Option<()> {
        let first = walk.byte()?;
        if let Some(rule) = RULES.get(usize::from(first)) {
            let value = *walk;
            walk.skip(0)?;
            return self.slot(first, *rule, value);
        }
        match first {
            mark::KEYED => {
                let slot = walk.byte()?;
                let len = walk.byte()?;
                let key = walk.slice(usize::from(len))?;
                let (slot, member) = (Slot::from_index(slot)?, Member::new(slot, key, walk));
                walk.skip(0)?;
                self.present |= bit(slot);
                self.members.push(member);
                Some(())
            }
            mark::NUMBERED => self.numbered(walk),
            mark::READY => {
                let (entry, slot) = heads::ready(walk.take()?)?;
                self.present |= bit(slot);
                self.ready.push(entry);
                Some(())
            }
            mark::REMARK => {
                let [action, low, high] = walk.take()?;
                let remark = Remark {
                    action,
                    n: u16::from_le_bytes([low, high]),
                    rule: span(walk)?,
                    pii: span(walk)?,
                    field: span(walk)?,
                };
                self.remarks.push(remark);
                Some(())
            }
            mark::LEVEL => {
                if self.present & bit(Slot::ActorId) != 0 {
                    self.levels.push((walk.here(), self.place_of(Slot::ActorId)));
                }
                Some(())
            }
            mark::ERASABLE => {
                self.is_erasable = true;
                span(walk).map(drop)
            }
            mark::CUT => {
                let original_len = u64::from_le_bytes(walk.take()?);
                let field = span(walk)?;
                self.cuts.push(Cut { original_len, field });
                Some(())
            }
            _ => None,
        }
    }

    /// Takes an entry whose head has a number. Of a member, as of a ready entry, only that its slot has one: whoever wants to know
    /// which has the frame spelled out before it is read.
    fn numbered(&mut self, walk: &mut Walk<'_>) -> Option<()> {
        let (slot, key) = heads::part(heads::head(walk.take()?)?)?;
        let value = *walk;
        walk.skip(0)?;
        if key.is_some() {
            self.present |= bit(slot);
            return Some(());
        }
        let rule = RULES.get(usize::from(slot.index()))?;
        self.slot(slot.index(), *rule, value)
    }

    /// Takes a slot's value, or makes it the attribute of the slot's path where the kind is not the slot's.
    #[inline]
    fn slot(&mut self, index: u8, rule: Rule, value: Walk<'_>) -> Option<()> {
        let tag = *value.frame.get(value.at)?;
        let fits = rule.accepted & (1_u16 << (tag & 15)) != 0 && (!rule.asks || fits(index, tag, value));
        if rule.is_owned || !fits {
            return self.misfit(index, rule, value);
        }
        self.present |= rule.bit;
        if let Some(place) = self.at.get_mut(usize::from(index)) {
            *place = value.here();
        }
        if rule.is_map {
            return self.spread(Slot::from_index(index)?, value);
        }
        Some(())
    }

    #[cold]
    fn misfit(&mut self, index: u8, rule: Rule, value: Walk<'_>) -> Option<()> {
        if !rule.is_owned {
            self.present |= bit(Slot::Attributes);
            self.members.push(Member {
                slot: Slot::Attributes.index(),
                key_at: PATH,
                key_len: u32::from(index),
                value: value.here(),
                prefix: Slot::from_index(index).map_or(0, |slot| prefix(slot.path().as_bytes())),
            });
        }
        Some(())
    }

    /// Makes the pairs of a map that fills a whole slot members of the slot.
    fn spread(&mut self, slot: Slot, mut walk: Walk<'_>) -> Option<()> {
        walk.byte()?;
        for _ in 0..walk.count()? {
            let key = walk.sized()?;
            self.members.push(Member::new(slot.index(), key, &walk));
            walk.skip(0)?;
        }
        Some(())
    }
}

/// Whether a value whose tag is accepted fits its slot all the same.
fn fits(index: u8, found: u8, value: Walk<'_>) -> bool {
    match Slot::from_index(index) {
        Some(Slot::Id) => value.text().is_some_and(is_uuid),
        Some(slot) if slot.kind() == Kind::Uint => value.uint().is_some(),
        _ => found != tag::LIST || value.is_list_of_texts(),
    }
}

fn is_uuid(text: &[u8]) -> bool {
    uuid::Uuid::try_parse_ascii(text).is_ok()
}

fn span(walk: &mut Walk<'_>) -> Option<Span> {
    let len = walk.byte()?;
    let at = walk.here();
    walk.slice(usize::from(len))?;
    Some(Span {
        at,
        len: u32::from(len),
    })
}
