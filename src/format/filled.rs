//! The value of a slot, whatever it is: for those that are not of the usual kind.

use super::hot::Given;
use super::line::{LineWriter, Place};
use super::member::Member;
use super::notes::{self, Note};
use super::rules::bit;
use super::text;
use super::texts;
use super::values::Values;
use super::walk::Walk;
use crate::record::frame::tag;
use crate::record::{Kind, Slot};

impl LineWriter {
    /// Writes a slot's value, whatever it is.
    pub(super) fn slot(&mut self, slot: Slot, given: &Given<'_>, out: &mut Vec<u8>) -> Option<()> {
        let Given { frame, place, names } = *given;
        match slot {
            Slot::Time => out.extend_from_slice(self.time.text()),
            Slot::ObservedAt => out.extend_from_slice(self.observed_at.text()),
            Slot::Seq => text::u64(out, place.seq),
            Slot::Stream => out.extend_from_slice(&self.stream),
            Slot::Service => out.extend_from_slice(&self.service),
            Slot::Host => out.extend_from_slice(&self.host),
            Slot::Event => text::string(out, names.event.of(frame)),
            Slot::Action => text::string(out, names.action.of(frame)),
            Slot::Category => text::string(out, names.category.of(frame)),
            Slot::Redaction => notes::redaction(out, frame, &self.scan, self.actions),
            // What nobody declared follows from what redaction saw.
            Slot::PiiContains if self.scan.present & bit(slot) == 0 => out.extend_from_slice(b"true"),
            Slot::PiiCategories if self.scan.present & bit(slot) == 0 => {
                notes::pii_categories(out, frame, &self.scan);
            }
            Slot::Id => self.id(frame, place, out),
            Slot::ActorId => match names.actor {
                Some(actor) => self.scalar(Walk::at(frame, actor), out)?,
                None => text::string(out, names.unknown.of(frame)),
            },
            _ => self.filled(slot, frame, out)?,
        }
        Some(())
    }

    fn id(&self, frame: &[u8], place: &Place<'_>, out: &mut Vec<u8>) {
        let given = self
            .text(frame, Slot::Id)
            .and_then(|text| uuid::Uuid::try_parse_ascii(text.of(frame)).ok());
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
        if slot == Slot::Detail
            && let Some((from, to)) = self.places(frame)
        {
            return self.counted(slot, out, |values, out| values.tree(frame, from..to, 0, 1, out));
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

    /// The range of the places in `detail`, if it is given place by place. What is said of all of it stands among them
    /// under no key: a frame should not have both, and nothing is lost where it has.
    fn places(&mut self, frame: &[u8]) -> Option<(usize, usize)> {
        let (from, to) = self.members(Slot::Detail);
        if from == to {
            return None;
        }
        let whole = self.scan.at.get(usize::from(Slot::Detail.index())).copied()?;
        if whole == 0 {
            return Some((from, to));
        }
        let whole = Member::new(Slot::Detail.index(), &[], &Walk::at(frame, whole));
        self.values.members.insert(from, whole);
        Some((from, to + 1))
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
            tag::COMMITMENT => text::commitment(out, &value.take()?),
            tag => digits(tag, value, out)?,
        }
        Some(())
    }
}

/// An integer as decimal text, bytes as hex, in quotes.
pub(super) fn digits(tag: u8, mut value: Walk<'_>, out: &mut Vec<u8>) -> Option<()> {
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
