//! Taking a shape's line apart: what fits a place of the record is taken out, what is left keeps its own name.

use super::number::nanos_of_millis;
use super::plain::{self, Style};
use super::rules::To;
use super::{Profile, giving};
use crate::format::{Flaw, locate};
use crate::record::{Map, Record, Slot, Value};
use crate::redact::scan;

/// The longest name of an attribute, in bytes: a record cuts longer ones.
const MAX_NAME: usize = 255;

/// How much of a value an error shows, in characters.
const SHOWN: usize = 40;

/// Why a line is not taken, and at which of its bytes that shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

impl From<Flaw> for Fault {
    fn from(flaw: Flaw) -> Self {
        let at = flaw.at();
        let message = match flaw {
            Flaw::Expected(what, _) => {
                format!("not JSON: expected {what}; each line is one whole object: correct it in the source")
            }
            Flaw::Twice(key, _) => format!(
                "the object that begins here has the key `{}` twice, and two readers could see two records: remove one",
                short(&key)
            ),
        };
        Self { at, message }
    }
}

impl Fault {
    /// A fault of the value behind these keys.
    pub(super) fn at_path(line: &[u8], path: &[&str], why: &str) -> Self {
        let message = match path {
            [] => why.to_owned(),
            path => format!("`{}`: {why}", short(&path.join("."))),
        };
        Self {
            at: locate(line, path),
            message,
        }
    }

    /// The message with its place; columns count characters, from 1.
    pub(super) fn told(&self, line: &[u8], number: Option<u64>) -> String {
        let before = line.get(..self.at).unwrap_or(line);
        let column = before.iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
        match number {
            Some(number) => format!("line {number}, column {column}: {}", self.message),
            None => format!("column {column}: {}", self.message),
        }
    }
}

/// The beginning of a text, for an error. What the balanced policy would hide in it is hidden: an error goes to other
/// readers than the record.
pub(super) fn short(text: &str) -> String {
    let scanned = scan("", text);
    let mut chars = scanned.value.chars();
    let mut shown: String = chars.by_ref().take(SHOWN).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// An object of a line, from which fields are taken.
#[derive(Debug)]
pub(super) struct Taking<'l> {
    line: &'l [u8],
    path: Vec<&'static str>,
    /// What was not taken.
    pub(super) rest: Map,
}

impl<'l> Taking<'l> {
    /// Reads the line's object.
    pub(super) fn open(line: &'l [u8]) -> Result<Self, Fault> {
        match plain::read(line)? {
            Value::Map(rest) => Ok(Self {
                line,
                path: Vec::new(),
                rest,
            }),
            other => Err(Fault::at_path(
                line,
                &[],
                &format!(
                    "expected an object instead of {}: give each record as an object on a line of its own",
                    kind("", &other)
                ),
            )),
        }
    }

    /// Takes the field if `fit` makes something of it, which gives it back otherwise: then it is left where it is.
    pub(super) fn take<T>(&mut self, key: &str, fit: impl FnOnce(Value) -> Result<T, Value>) -> Option<T> {
        let value = self.rest.remove(key)?;
        match fit(value) {
            Ok(taken) => Some(taken),
            Err(value) => {
                self.rest.insert(key.to_owned(), value);
                None
            }
        }
    }

    /// Takes a field without which there is no record. `expected` says what it must be, and how to come by it.
    pub(super) fn need<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        fit: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Result<T, Fault> {
        match self.take(key, fit) {
            Some(taken) => Ok(taken),
            None => Err(self.refuse(key, expected)),
        }
    }

    /// Refuses the line where the field is not there at all.
    pub(super) fn must_have(&self, key: &'static str, expected: &str) -> Result<(), Fault> {
        if self.rest.contains_key(key) {
            return Ok(());
        }
        Err(self.refuse(key, expected))
    }

    /// The refusal of a field that should hold a time, a number or a word: it says which it holds instead.
    pub(super) fn refuse(&self, key: &'static str, expected: &str) -> Fault {
        self.refuse_as(key, expected, held)
    }

    /// The refusal of a field that should hold no text: what a text there says could be anything, and is not repeated.
    pub(super) fn refuse_kind(&self, key: &'static str, expected: &str) -> Fault {
        self.refuse_as(key, expected, kind)
    }

    fn refuse_as(&self, key: &'static str, expected: &str, shown: fn(&str, &Value) -> String) -> Fault {
        match self.rest.get(key) {
            None => self.fault(key, &format!("is missing; expected {expected}")),
            Some(value) => self.fault(key, &format!("holds {}; expected {expected}", shown(key, value))),
        }
    }

    /// A fault of a field of this object; of the object itself where `key` is empty.
    pub(super) fn fault(&self, key: &str, why: &str) -> Fault {
        let mut path: Vec<&str> = self.path.clone();
        if !key.is_empty() {
            path.push(key);
        }
        let name = path.join(".");
        Fault {
            at: locate(self.line, &path),
            message: if name.is_empty() {
                why.to_owned()
            } else {
                format!("`{}` {why}", short(&name))
            },
        }
    }

    /// A text that says something: an empty one is left, because no slot of a record is empty.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.take(key, text)
    }

    /// Milliseconds, as nanoseconds.
    pub(super) fn millis(&mut self, key: &str) -> Option<u64> {
        self.take(key, millis)
    }

    /// Takes from an object within this one, if there is one. What is left of it stays; of an object of which
    /// everything was taken nothing stays, and one of which nothing was taken stays as it was, also if it is empty.
    pub(super) fn within<T>(
        &mut self,
        key: &'static str,
        take: impl FnOnce(&mut Taking<'l>) -> T,
    ) -> Option<T> {
        let inner = self.take(key, map)?;
        let was_empty = inner.is_empty();
        let mut path = self.path.clone();
        path.push(key);
        let mut taking = Taking {
            line: self.line,
            path,
            rest: inner,
        };
        let taken = take(&mut taking);
        if was_empty || !taking.rest.is_empty() {
            self.rest.insert(key.to_owned(), Value::Map(taking.rest));
        }
        Some(taken)
    }

    /// Refuses names that a record would cut, so that two could become one.
    pub(super) fn check_names(&self) -> Result<(), Fault> {
        match self.rest.keys().find(|key| key.len() > MAX_NAME) {
            None => Ok(()),
            Some(key) => {
                let why = format!("is a name of {} bytes: shorten it to {MAX_NAME}", key.len());
                Err(self.fault(key, &why))
            }
        }
    }
}

/// What a field of this name holds, for an error: a text as the balanced policy leaves it.
fn held(field: &str, value: &Value) -> String {
    match value {
        Value::Str(text) => quoted(&Value::from(&*scan(field, text).value)),
        value => kind(field, value),
    }
}

/// What a field holds, for an error: of a text only that it is one.
fn kind(_: &str, value: &Value) -> String {
    match value {
        Value::Map(_) => "an object".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Str(_) => "a text".to_owned(),
        value => quoted(value),
    }
}

fn quoted(value: &Value) -> String {
    format!("`{}`", short(&plain::text(value, Style::Plain)))
}

/// A text that is not empty.
pub(super) fn text(value: Value) -> Result<String, Value> {
    match value {
        Value::Str(text) if !text.is_empty() => Ok(text),
        value => Err(value),
    }
}

/// Any text.
pub(super) fn any_text(value: Value) -> Result<String, Value> {
    match value {
        Value::Str(text) => Ok(text),
        value => Err(value),
    }
}

/// A list of texts.
pub(super) fn texts(value: Value) -> Result<Value, Value> {
    match &value {
        Value::List(values) if values.iter().all(|value| value.as_str().is_some()) => Ok(value),
        _ => Err(value),
    }
}

/// A truth value.
pub(super) fn truth(value: Value) -> Result<bool, Value> {
    value.as_bool().ok_or(value)
}

/// An integer from 0 to 2^64 − 1, also where it was written with a fraction of 0 or an exponent.
pub(super) fn uint(value: Value) -> Result<u64, Value> {
    let number = match &value {
        Value::Float(_) => plain::text(&value, Style::Plain).parse().ok(),
        other => other.as_u64(),
    };
    number.ok_or(value)
}

/// Milliseconds, as nanoseconds.
pub(super) fn millis(value: Value) -> Result<u64, Value> {
    nanos_of_millis(&value).ok_or(value)
}

/// An object.
pub(super) fn map(value: Value) -> Result<Map, Value> {
    match value {
        Value::Map(map) => Ok(map),
        value => Err(value),
    }
}

/// A record that is being filled.
#[derive(Debug, Clone)]
pub(super) struct Filling {
    profile: Profile,
    record: Record,
    detail: Map,
}

impl Filling {
    pub(super) fn new(profile: Profile) -> Self {
        let mut record = Record::default();
        record.put(Slot::Profile, Value::from(profile.as_str()));
        Self {
            profile,
            record,
            detail: Map::new(),
        }
    }

    /// Fills a slot.
    pub(super) fn put(&mut self, slot: Slot, value: impl Into<Value>) {
        self.record.put(slot, value.into());
    }

    /// Fills a slot if there is something for it.
    pub(super) fn put_some<T: Into<Value>>(&mut self, slot: Slot, value: Option<T>) {
        if let Some(value) = value {
            self.put(slot, value);
        }
    }

    /// Adds a member to a slot that is a map.
    pub(super) fn member(&mut self, slot: Slot, name: &str, value: impl Into<Value>) {
        self.record.put_member(slot, name.to_owned(), value.into());
    }

    /// Fills `detail.<variant>.<field>`.
    pub(super) fn detail(&mut self, variant: &str, field: &str, value: impl Into<Value>) {
        let members = self.detail.entry(variant.to_owned());
        let members = members.or_insert_with(|| Value::Map(Map::new()));
        if let Value::Map(members) = members {
            members.insert(field.to_owned(), value.into());
        }
    }

    /// Whether anything stands under `detail.<variant>` so far.
    pub(super) fn has_detail(&self, variant: &str) -> bool {
        self.detail.contains_key(variant)
    }

    /// The text of a slot so far.
    pub(super) fn text(&self, slot: Slot) -> Option<&str> {
        self.record.text(slot)
    }

    /// What stands at a place so far.
    pub(super) fn value(&self, at: To) -> Option<&Value> {
        match at {
            To::Slot(slot) => self.record.get(slot),
            To::Detail(variant, field) => self.detail.get(variant)?.as_map()?.get(field),
        }
    }

    /// Names the event, and its category and action as every record has them: what stands before and behind the
    /// last dot.
    pub(super) fn event(&mut self, name: &str) {
        self.put(Slot::Event, name);
        let (category, action) = split(name);
        self.put(Slot::Action, action);
        if !category.is_empty() {
            self.put(Slot::Category, category);
        }
    }

    /// Keeps what the record has no place for: the attribute with the profile's name is laid over the shape again.
    pub(super) fn overlay(&mut self, rest: Map) {
        if !rest.is_empty() {
            self.member(Slot::Attributes, self.profile.as_str(), Value::Map(rest));
        }
    }

    pub(super) fn finish(mut self) -> Record {
        if !self.detail.is_empty() {
            self.record.put(Slot::Detail, Value::Map(self.detail));
        }
        debug_assert!(giving::is_native(self.profile, &self.record));
        self.record
    }
}

/// The category and the action in an event's name.
pub(super) fn split(name: &str) -> (&str, &str) {
    match name.rsplit_once('.') {
        Some((category, action)) if !action.is_empty() => (category, action),
        Some((category, _)) => (category, name),
        None => ("", name),
    }
}
