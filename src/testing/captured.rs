//! The records of a test, with assertions whose failure says what was there.

use std::fmt;
use std::ops::Deref;

use crate::record::{Record, Slot, Value};
use crate::sink::{MemorySink, OwnedEntry};

/// The actor of what a trail writes about itself.
const SELF: (&str, &str) = ("system", "tracing-audit");

/// One record as it was written: what its line states, and the line.
///
/// It reads as a [`Record`]. Unlike that, its `Debug` form is the line with all values: it has passed the policy, and it
/// is meant for the failure text of a test.
#[derive(Clone)]
pub struct CapturedRecord {
    record: Record,
    line: String,
}

impl CapturedRecord {
    #[track_caller]
    fn of(entry: &OwnedEntry) -> Self {
        let line = String::from_utf8_lossy(entry.line()).into_owned();
        match entry.record() {
            Ok(record) => Self { record, line },
            Err(error) => panic!("the trail wrote a line that is not a record: {error}\n  {line}"),
        }
    }

    /// The line, without its newline.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The record that the line states.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Whether the trail wrote this about itself.
    fn is_control(&self) -> bool {
        (self.text(Slot::ActorType), self.text(Slot::ActorId)) == (Some(SELF.0), Some(SELF.1))
            && self.text(Slot::Category) == Some("audit")
    }

    /// The slot holds this value.
    ///
    /// # Panics
    ///
    /// Where it holds another one, or none.
    #[track_caller]
    pub fn assert_has(&self, slot: Slot, value: impl Into<Value>) -> &Self {
        let expected = value.into();
        let found = self.get(slot);
        assert!(
            found == Some(&expected),
            "expected `{}` to be {expected:?}, found {found:?} in\n  {self:?}",
            slot.path()
        );
        self
    }

    /// The slot holds nothing.
    ///
    /// # Panics
    ///
    /// Where it holds something.
    #[track_caller]
    pub fn assert_lacks(&self, slot: Slot) -> &Self {
        let found = self.get(slot);
        assert!(
            found.is_none(),
            "expected no `{}`, found {found:?} in\n  {self:?}",
            slot.path()
        );
        self
    }

    /// The attribute holds this value.
    ///
    /// # Panics
    ///
    /// Where it holds another one, or is absent.
    #[track_caller]
    pub fn assert_attribute(&self, name: &str, value: impl Into<Value>) -> &Self {
        let expected = value.into();
        let found = self.attribute(name);
        assert!(
            found == Some(&expected),
            "expected the attribute `{name}` to be {expected:?}, found {found:?} in\n  {self:?}"
        );
        self
    }

    /// The text does not stand anywhere in the line: for what must not leave the process.
    ///
    /// # Panics
    ///
    /// Where it does.
    #[track_caller]
    pub fn assert_hides(&self, text: &str) -> &Self {
        assert!(
            !self.line.contains(text),
            "expected `{text}` nowhere in\n  {self:?}"
        );
        self
    }
}

impl Deref for CapturedRecord {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

impl fmt::Debug for CapturedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// The records of a test, oldest first. Each `with_…` narrows them down; each assertion lists them when it fails.
#[derive(Clone, Default)]
#[must_use = "records are captured to be asserted about"]
pub struct Captured {
    records: Vec<CapturedRecord>,
    /// By what they were narrowed down.
    narrowed: String,
}

impl Captured {
    #[track_caller]
    pub(super) fn of(sink: &MemorySink) -> Self {
        Self::some_of(sink, |record| !record.is_control())
    }

    #[track_caller]
    pub(super) fn control_of(sink: &MemorySink) -> Self {
        Self::some_of(sink, CapturedRecord::is_control)
    }

    #[track_caller]
    fn some_of(sink: &MemorySink, keep: impl Fn(&CapturedRecord) -> bool) -> Self {
        let entries = sink.entries();
        let mut records = Vec::with_capacity(entries.len());
        for entry in &entries {
            records.push(CapturedRecord::of(entry));
        }
        records.retain(keep);
        Self {
            records,
            narrowed: String::new(),
        }
    }

    /// The records, oldest first.
    #[must_use]
    pub fn records(&self) -> &[CapturedRecord] {
        &self.records
    }

    /// Those whose event has this name.
    pub fn with_event(&self, name: &str) -> Self {
        self.with(Slot::Event, name)
    }

    /// Those with this action.
    pub fn with_action(&self, action: &str) -> Self {
        self.with(Slot::Action, action)
    }

    /// Those with this outcome.
    pub fn with_outcome(&self, outcome: &str) -> Self {
        self.with(Slot::Outcome, outcome)
    }

    /// Those of this actor.
    pub fn with_actor(&self, id: &str) -> Self {
        self.with(Slot::ActorId, id)
    }

    /// Those whose slot holds this value.
    pub fn with(&self, slot: Slot, value: impl Into<Value>) -> Self {
        let value = value.into();
        let what = format!("{} {value:?}", slot.path());
        self.narrow(&what, |record| record.get(slot) == Some(&value))
    }

    /// Those whose slot holds nothing.
    pub fn without(&self, slot: Slot) -> Self {
        self.narrow(&format!("no {}", slot.path()), |record| {
            record.get(slot).is_none()
        })
    }

    /// Those whose attribute holds this value.
    pub fn with_attribute(&self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let what = format!("attribute {name} {value:?}");
        self.narrow(&what, |record| record.attribute(name) == Some(&value))
    }

    fn narrow(&self, what: &str, keep: impl Fn(&CapturedRecord) -> bool) -> Self {
        let (kept, others): (Vec<_>, Vec<_>) = self.records.iter().cloned().partition(keep);
        let and = if self.narrowed.is_empty() { "" } else { " and " };
        let mut narrowed = format!("{}{and}{what}", self.narrowed);
        if kept.is_empty() && !others.is_empty() {
            // What a test misses is most often there under another name: the failure text must show it.
            narrowed.push_str(&format!(", among\n{}", listed(&others)));
        }
        Self {
            records: kept,
            narrowed,
        }
    }

    /// There are exactly so many.
    ///
    /// # Panics
    ///
    /// Where there are more or fewer; the message lists them.
    #[track_caller]
    pub fn count(&self, expected: usize) -> &Self {
        assert!(
            self.records.len() == expected,
            "expected {expected} records, {self:?}"
        );
        self
    }

    /// There are none.
    ///
    /// # Panics
    ///
    /// Where there are some; the message lists them.
    #[track_caller]
    pub fn none(&self) {
        self.count(0);
    }

    /// The only record.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one; the message lists them.
    #[must_use]
    #[track_caller]
    pub fn only(&self) -> &CapturedRecord {
        match self.records.as_slice() {
            [record] => record,
            _ => panic!("expected one record, {self:?}"),
        }
    }

    /// The oldest record.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[must_use]
    #[track_caller]
    pub fn first(&self) -> &CapturedRecord {
        match self.records.first() {
            Some(record) => record,
            None => panic!("expected a record, {self:?}"),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

impl<'a> IntoIterator for &'a Captured {
    type Item = &'a CapturedRecord;
    type IntoIter = std::slice::Iter<'a, CapturedRecord>;

    fn into_iter(self) -> Self::IntoIter {
        self.records.iter()
    }
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {}", self.records.len())?;
        if !self.narrowed.is_empty() {
            write!(f, " with {}", self.narrowed)?;
        }
        if !self.records.is_empty() {
            write!(f, ":\n{}", listed(&self.records))?;
        }
        Ok(())
    }
}

fn listed(records: &[CapturedRecord]) -> String {
    let lines: Vec<String> = records.iter().map(|record| format!("  {record:?}")).collect();
    lines.join("\n")
}
