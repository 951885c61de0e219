//! Reads of lines what is asked for, and steps over the rest: a scan of many lines wants little of each.

use std::collections::HashMap;

use super::json::Json;
use super::read::{KEYS, Key, NEEDED, Times, put};
use super::step::Plain;
use super::track::{Reader, Spot, Track};
use crate::record::{Record, Slot, Value};

/// The object that has the key, if that is not the line itself, and the key.
type Path = (Option<&'static str>, &'static str);

/// What a key has to do with the wanted slots.
#[derive(Debug, Clone, Copy, Default)]
enum Want {
    #[default]
    Nothing,
    /// Its members are slots, so it must be an object.
    Object,
    Slot {
        slot: Slot,
        is_needed: bool,
    },
}

/// What stands for a slot in a line.
#[derive(Debug)]
pub(crate) enum Stands<'a> {
    /// A text without escapes.
    Text(Plain<'a>),
    /// A whole number of at most fifteen digits.
    Digits(Plain<'a>),
    /// Anything else.
    Other(Json<'a>),
}

/// Gives the wanted slots of one line after the other, each as it stands there.
#[derive(Debug)]
pub(crate) struct Slots {
    wanted: HashMap<Path, Slot>,
    track: Track<Want>,
}

impl Slots {
    /// These slots, and those that tell whether a line is a record, and which. `None` where attributes are wanted: keys that
    /// nobody knows become attributes, so all of the line must be read.
    pub(crate) fn new(slots: impl IntoIterator<Item = Slot>) -> Option<Self> {
        let always = NEEDED.into_iter().chain([Slot::ObservedAt, Slot::Profile]);
        let wanted: HashMap<Path, Slot> = always.chain(slots).map(|slot| (slot.place(), slot)).collect();
        let is_less = !wanted.values().any(|slot| *slot == Slot::Attributes);
        is_less.then(|| Self {
            wanted,
            track: Track::default(),
        })
    }

    /// Gives what a line has of them to `take`. `None` where it must be read whole to know: it is not a record, or `take`
    /// refuses one of them. Some may have been given by then.
    ///
    /// A slot that is not wanted is stepped over: that it has a value which it cannot have does not show.
    /// What has slots for members must be an object all the same.
    #[inline]
    pub(crate) fn read<'a>(
        &mut self,
        line: &'a [u8],
        take: impl FnMut(Slot, Stands<'a>) -> Option<()>,
    ) -> Option<()> {
        let mut found = Found {
            wanted: &self.wanted,
            take,
            needed: 0,
            is_odd: false,
        };
        self.track.read(line, &mut found).ok()?;
        (!found.is_odd && found.needed == NEEDED.len()).then_some(())
    }
}

/// What is found in one line.
struct Found<'w, F> {
    wanted: &'w HashMap<Path, Slot>,
    take: F,
    /// How many of those were met that every record has.
    needed: usize,
    /// Only who reads the whole line can say what it is.
    is_odd: bool,
}

impl<'a, F: FnMut(Slot, Stands<'a>) -> Option<()>> Found<'_, F> {
    #[inline(always)]
    fn give(&mut self, want: Want, stands: Stands<'a>) {
        match want {
            Want::Nothing => {}
            Want::Object => self.is_odd |= !matches!(stands, Stands::Other(Json::Object(_))),
            Want::Slot { slot, is_needed } => {
                self.needed += usize::from(is_needed);
                self.is_odd |= (self.take)(slot, stands).is_none();
            }
        }
    }
}

impl<'a, F: FnMut(Slot, Stands<'a>) -> Option<()>> Reader<'a, Want> for Found<'_, F> {
    fn enters(&self, key: &str) -> bool {
        !self.wanted.contains_key(&(None, key))
    }

    fn keeps(&self, spot: Spot<'_>) -> Want {
        let wanted = self.wanted.get(&(spot.object, spot.key));
        match (wanted, spot.object, KEYS.get(spot.key)) {
            (Some(slot), ..) => Want::Slot {
                slot: *slot,
                is_needed: NEEDED.contains(slot),
            },
            (None, None, Some(Key::Object(_))) => Want::Object,
            _ => Want::Nothing,
        }
    }

    fn skips(&self, want: &Want) -> bool {
        matches!(want, Want::Nothing)
    }

    fn value(&mut self, want: &Want, value: Json<'a>) {
        self.give(*want, Stands::Other(value));
    }

    #[inline(always)]
    fn text(&mut self, want: &Want, text: Plain<'a>) {
        self.give(*want, Stands::Text(text));
    }

    #[inline(always)]
    fn digits(&mut self, want: &Want, digits: Plain<'a>) {
        self.give(*want, Stands::Digits(digits));
    }
}

/// Reads the wanted slots of one line after the other.
#[derive(Debug)]
pub(crate) struct Skim {
    slots: Slots,
    times: Times,
    observed: Times,
}

/// What was read of a line that is a record.
#[derive(Debug)]
pub(crate) struct Skimmed<'a> {
    event: Plain<'a>,
    stream: Plain<'a>,
    schema: u64,
    time: u64,
    observed_at: Option<u64>,
    seq: u64,
    /// The other wanted slots.
    rest: Record,
}

impl Skim {
    /// As [`Slots::new`].
    pub(crate) fn new(slots: impl IntoIterator<Item = Slot>) -> Option<Self> {
        Some(Self {
            slots: Slots::new(slots)?,
            times: Times::default(),
            observed: Times::default(),
        })
    }

    /// The wanted slots of a line. `None` where it must be read whole to know: as of [`Slots::read`], or what tells which
    /// record it is stands there with escapes, behind spaces or in long numbers.
    #[inline]
    pub(crate) fn line<'a>(&mut self, line: &'a [u8]) -> Option<Skimmed<'a>> {
        let (mut event, mut stream, mut schema, mut seq, mut time) = (None, None, None, None, None);
        let mut observed_at = None;
        let mut rest = Record::default();
        let (times, observed) = (&mut self.times, &mut self.observed);
        self.slots.read(line, |slot, stands| {
            match (slot, stands) {
                (Slot::Event, Stands::Text(text)) => event = Some(text),
                (Slot::Stream, Stands::Text(text)) => stream = Some(text),
                (Slot::Schema, Stands::Digits(digits)) => schema = Some(digits.number()),
                (Slot::Seq, Stands::Digits(digits)) => seq = Some(digits.number()),
                (Slot::Time, Stands::Text(text)) => time = Some(times.nanos(text)?),
                (Slot::ObservedAt, Stands::Text(text)) => observed_at = Some(observed.nanos(text)?),
                // In any other form: whoever reads all of it knows what it is.
                (
                    Slot::Event | Slot::Stream | Slot::Schema | Slot::Seq | Slot::Time | Slot::ObservedAt,
                    _,
                ) => return None,
                (slot, Stands::Text(text)) => put(&mut rest, slot, Json::Str(text.as_str().into())).ok()?,
                (slot, Stands::Digits(digits)) => put(&mut rest, slot, Json::Number(digits.as_str())).ok()?,
                (slot, Stands::Other(json)) => put(&mut rest, slot, json).ok()?,
            }
            Some(())
        })?;
        Some(Skimmed {
            event: event?,
            stream: stream?,
            schema: schema?,
            time: time?,
            observed_at,
            seq: seq?,
            rest,
        })
    }
}

impl<'a> Skimmed<'a> {
    /// The stream's id.
    pub(crate) fn stream(&self) -> &'a str {
        self.stream.as_str()
    }

    /// When it was observed, if that stands there.
    pub(crate) fn observed_at(&self) -> Option<u64> {
        self.observed_at
    }

    /// The sequence number.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    /// The wanted slots as a record.
    pub(crate) fn into_record(self) -> Record {
        let mut record = self.rest;
        record.reserve(6);
        record.put(Slot::Event, Value::from(self.event.as_str()));
        record.put(Slot::Stream, Value::from(self.stream.as_str()));
        record.put(Slot::Schema, Value::from(self.schema));
        record.put(Slot::Time, Value::from(self.time));
        record.put(Slot::Seq, Value::from(self.seq));
        if let Some(observed_at) = self.observed_at {
            record.put(Slot::ObservedAt, Value::from(observed_at));
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::read_line;

    const LINE: &str = concat!(
        r#"{"action":"read","actor":{"id":"u-1","roles":["a","b"],"type":"user"},"attributes":{"a":[{"b":1.5e3},null],"#,
        r#""c\n":true},"event":"document.read","labels":{"team":"core"},"observed_at":"2025-11-21T10:00:00.250000000Z","#,
        r#""outcome":"suc\u0000cess\"","schema":1,"seq":7,"stream":"main","time":"2025-11-21T10:00:00.250000000Z"}"#
    );

    /// What is read of a line for these slots.
    fn skim(line: &[u8], slots: &[Slot]) -> Option<Record> {
        let mut skim = Skim::new(slots.iter().copied()).unwrap();
        // What the first line taught the second is stepped through with.
        let first = skim.line(line).map(Skimmed::into_record);
        assert_eq!(skim.line(line).map(Skimmed::into_record), first);
        first
    }

    /// The wanted slots of the record that the whole line is.
    fn of_whole(line: &str, slots: &[Slot]) -> Option<Record> {
        let whole = read_line(line.as_bytes()).ok()?;
        let mut record = Record::default();
        for (slot, value) in whole.slots() {
            let always = NEEDED.contains(&slot) || [Slot::ObservedAt, Slot::Profile].contains(&slot);
            if always || slots.contains(&slot) {
                record.put(slot, value.clone());
            }
        }
        Some(record)
    }

    #[test]
    fn what_is_wanted_of_a_line_is_what_the_whole_line_says() {
        for slots in [
            &[][..],
            &[Slot::ActorId],
            &[Slot::Outcome, Slot::ActorType, Slot::Labels],
            &[Slot::ActorRoles, Slot::Action, Slot::TraceId],
        ] {
            let spaced = LINE.replace(',', ", ");
            for line in [LINE, &spaced] {
                let found = skim(line.as_bytes(), slots);
                assert_eq!(found, of_whole(line, slots), "{slots:?}");
                assert!(found.is_some());
            }
        }
        assert!(Skim::new([Slot::Attributes]).is_none());
    }

    #[test]
    fn what_is_skimmed_is_always_a_line_that_can_be_read_and_says_the_same() {
        let slots = [Slot::ActorId, Slot::Outcome, Slot::Labels];
        let mut known = Skim::new(slots).unwrap();
        assert!(known.line(LINE.as_bytes()).is_some());
        let mut skimmed = 0;
        for at in 0..LINE.len() {
            for byte in b"\"\\{}[],:0 x\n".iter().map(|byte| char::from(*byte)) {
                let mut changed = LINE.to_owned();
                changed.replace_range(at..=at, &byte.to_string());
                let cut = LINE.get(..at).unwrap_or_default();
                for line in [changed.as_str(), cut] {
                    let Some(found) = skim(line.as_bytes(), &slots) else {
                        continue;
                    };
                    assert_eq!(
                        known.line(line.as_bytes()).map(Skimmed::into_record).as_ref(),
                        Some(&found)
                    );
                    skimmed += 1;
                    match read_line(line.as_bytes()) {
                        Ok(_) => assert_eq!(Some(&found), of_whole(line, &slots).as_ref(), "{line}"),
                        // Only what is not wanted may have a value that it cannot have.
                        Err(error) => {
                            let why = error.to_string();
                            let is_wanted = |slot: &Slot| why.contains(&format!("in `{}`", slot.path()));
                            assert!(why.contains(" in `"), "{line}: {why}");
                            assert!(!slots.iter().chain(&NEEDED).any(is_wanted), "{line}: {why}");
                        }
                    }
                }
            }
        }
        assert!(skimmed > 100, "{skimmed}");
    }

    #[test]
    fn what_is_no_record_is_none() {
        let actor = r#"{"id":"u-1","roles":["a","b"],"type":"user"}"#;
        let none = r#"{"":{"event":"x"},"observed_at":"2025-11-21T10:00:00Z","schema":1,"seq":7,"stream":"main","time":"2025-11-21T10:00:00Z"}"#;
        for (from, to) in [
            // A key twice.
            ("\"c\\n\":true", "\"a\":true"),
            // No object where one must stand.
            (actor, "5"),
            ("\"seq\":7,", ""),
            ("\"schema\":1,", ""),
            // The event of another object.
            (LINE, none),
            ("null", &format!("{}1{}", "[".repeat(200), "]".repeat(200))),
        ] {
            let line = LINE.replace(from, to);
            assert_ne!(line, LINE);
            assert_eq!(skim(line.as_bytes(), &[]), None, "{line}");
            assert!(read_line(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn what_tells_which_record_it_is_and_has_an_odd_spelling_is_read_whole() {
        let mut known = Skim::new([]).unwrap();
        assert!(known.line(LINE.as_bytes()).is_some());
        for (from, to) in [
            ("\"document.read\"", "\"document\\u002eread\""),
            ("\"seq\":7", "\"seq\":10000000000000000"),
            (
                "\"observed_at\":\"2025-11-21T10:00:00.250000000Z\"",
                "\"observed_at\":\"2025-11-21T10:00:00\\u002B00:00\"",
            ),
            ("\"observed_at\":", "\"observed_at\": "),
        ] {
            let line = LINE.replace(from, to);
            assert_ne!(line, LINE);
            let of_known = known.line(line.as_bytes()).map(Skimmed::into_record);
            assert!(
                [None, of_whole(&line, &[])].contains(&of_known),
                "{to}: {of_known:?}"
            );
            assert!(read_line(line.as_bytes()).is_ok(), "{to}");
        }
    }

    #[test]
    fn an_object_without_a_name_has_no_slots() {
        let line = LINE.replace("{\"action\":\"read\",", r#"{"":{"action":"read","profile":"p"},"#);
        let found = skim(line.as_bytes(), &[Slot::Action]);
        assert_eq!(found, of_whole(&line, &[Slot::Action]));
        assert!(found.is_some_and(|found| found.get(Slot::Action).is_none()));
    }
}
