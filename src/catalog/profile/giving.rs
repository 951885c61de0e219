//! Giving a record in a shape: which of its values were used, and what is said about the others.

use std::fmt;

use super::Profile;
use super::plain::Style;
use super::shape::Shape;
use crate::record::{Map, Record, Slot, Value};

/// A record as a line of a shape. Its `Debug` form does not show the line.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// The line, without a newline.
    pub line: String,
    /// What the line does not say as the record does; empty where nothing was lost.
    pub unfit: Vec<Unfit>,
}

impl fmt::Debug for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exported")
            .field("bytes", &self.line.len())
            .field("unfit", &self.unfit)
            .finish_non_exhaustive()
    }
}

/// A value that a line does not say as its record does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfit {
    /// Where the value stands in the record, such as `resource.id`.
    pub path: String,
    /// What became of it.
    pub why: Why,
}

/// What became of a value that did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// The shape has no place for it.
    NoPlace,
    /// It is stated less exactly.
    Rounded,
    /// Another form or word stands for it.
    Replaced,
    /// The trail had cut it before.
    Cut,
    /// The trail had redacted it before.
    Redacted,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::NoPlace => "has no place in the shape",
            Why::Rounded => "is stated less exactly",
            Why::Replaced => "is stated in another form",
            Why::Cut => "was cut when it was recorded",
            Why::Redacted => "was redacted when it was recorded",
        };
        write!(f, "`{}` {why}", self.path)
    }
}

/// What says where a record stands in its trail, and not what happened.
const PLACE: &[Slot] = &[
    Slot::ObservedAt,
    Slot::Schema,
    Slot::Seq,
    Slot::Stream,
    Slot::Profile,
];

/// Whether the record was read by this profile.
pub(super) fn is_native(profile: Profile, record: &Record) -> bool {
    record.text(Slot::Profile) == Some(profile.as_str())
}

/// A record that is being given in a shape.
#[derive(Debug)]
pub(super) struct Giving<'r> {
    record: &'r Record,
    profile: Profile,
    /// Whether the record was read by the same profile: then it gives back what it was read from, and nothing else.
    pub(super) native: bool,
    used: Vec<Slot>,
    used_details: Vec<(String, String)>,
    used_attributes: Vec<String>,
    unfit: Vec<Unfit>,
}

impl<'r> Giving<'r> {
    pub(super) fn new(profile: Profile, record: &'r Record) -> Self {
        let native = is_native(profile, record);
        let mut giving = Self {
            record,
            profile,
            native,
            used: PLACE.to_vec(),
            used_details: Vec::new(),
            used_attributes: Vec::new(),
            unfit: Vec::new(),
        };
        if native {
            giving.used.extend([Slot::Id, Slot::Service, Slot::Host]);
            giving.damages();
        }
        giving
    }

    /// What the trail changed of the values it was given.
    fn damages(&mut self) {
        self.imply(&[Slot::Truncated, Slot::Redaction]);
        let entries = self.record.get(Slot::Truncated).and_then(Value::as_list);
        for entry in entries.unwrap_or_default() {
            let path = entry.as_map().and_then(|entry| entry.get("path"));
            self.note(path.and_then(Value::as_str).unwrap_or("truncated"), Why::Cut);
        }
        let redaction = self.record.get(Slot::Redaction).and_then(Value::as_map);
        let fields = redaction.and_then(|redaction| redaction.get("fields"));
        for entry in fields.and_then(Value::as_list).unwrap_or_default() {
            let field = entry.as_map().and_then(|entry| entry.get("field"));
            self.note(
                field.and_then(Value::as_str).unwrap_or("redaction"),
                Why::Redacted,
            );
        }
    }

    /// Says that a value does not stand in the line as it stands in the record.
    pub(super) fn note(&mut self, path: &str, why: Why) {
        self.unfit.push(Unfit {
            path: path.to_owned(),
            why,
        });
    }

    /// The record.
    pub(super) fn record(&self) -> &'r Record {
        self.record
    }

    /// Says that what these slots hold is told by other parts of the line.
    pub(super) fn imply(&mut self, slots: &[Slot]) {
        self.used.extend_from_slice(slots);
    }

    /// A slot's value, for the line.
    pub(super) fn slot(&mut self, slot: Slot) -> Option<&'r Value> {
        self.used.push(slot);
        let value = self.record.get(slot)?;
        // The word for nobody, which the trail puts in.
        let is_nobody = slot == Slot::ActorId && value.as_str() == Some("unknown");
        (!is_nobody).then_some(value)
    }

    /// A slot's text, for the line.
    pub(super) fn text(&mut self, slot: Slot) -> Option<&'r str> {
        self.slot(slot)?.as_str()
    }

    /// A slot's integer, for the line.
    pub(super) fn uint(&mut self, slot: Slot) -> Option<u64> {
        self.slot(slot)?.as_u64()
    }

    /// What stands under `detail.<variant>.<field>`, for the line.
    pub(super) fn detail(&mut self, variant: &str, field: &str) -> Option<&'r Value> {
        let value = detail(self.record, variant, field)?;
        self.used_details.push((variant.to_owned(), field.to_owned()));
        Some(value)
    }

    /// One attribute, for the line.
    pub(super) fn attribute(&mut self, name: &str) -> Option<&'r Value> {
        let value = self.record.attribute(name)?;
        self.used_attributes.push(name.to_owned());
        Some(value)
    }

    /// Gives what has no field of its own, in the free part of a shape: attributes under their names, everything else
    /// under its path. An attribute whose name is taken, by a field or by a path, is left out and said.
    pub(super) fn give_others(&mut self, part: &mut Shape) {
        let attributes = self.attributes();
        let rest = self.rest();
        for (name, value) in attributes {
            if part.has(name) || rest.contains_key(name) {
                self.note(&format!("attributes.{name}"), Why::NoPlace);
            } else {
                part.put(name, value.clone());
            }
        }
        for (path, value) in rest {
            self.give_other(part, &path, value);
        }
    }

    /// Gives one value under its path, or says that something else has that name.
    pub(super) fn give_other(&mut self, part: &mut Shape, path: &str, value: Value) {
        if part.has(path) {
            self.note(path, Why::NoPlace);
        } else {
            part.put(path, value);
        }
    }

    /// The attributes that were not taken one by one, for the line; without what is laid over the shape.
    pub(super) fn attributes(&mut self) -> Vec<(&'r str, &'r Value)> {
        self.used.push(Slot::Attributes);
        let attributes = self.record.map(Slot::Attributes).into_iter().flatten();
        attributes
            .map(|(name, value)| (name.as_str(), value))
            .filter(|(name, _)| !(self.native && *name == self.profile.as_str()))
            .filter(|(name, _)| !self.used_attributes.iter().any(|used| used == name))
            .collect()
    }

    /// What is laid over the shape: what the profile's import kept as it was.
    pub(super) fn overlay(&self) -> Option<&'r Map> {
        let overlay = self.record.attribute(self.profile.as_str())?.as_map();
        overlay.filter(|_| self.native)
    }

    /// What was not used, by its path in the record. Empty for what was read by the same profile: there, what nobody
    /// used is said instead.
    pub(super) fn rest(&mut self) -> Map {
        let rest = self.unused();
        if self.native {
            rest.keys().for_each(|path| self.note(path, Why::NoPlace));
            return Map::new();
        }
        rest
    }

    /// Says what was not used, in a shape that has no room for it.
    pub(super) fn refuse_rest(&mut self) {
        for path in self.unused().into_keys() {
            self.note(&path, Why::NoPlace);
        }
    }

    fn unused(&self) -> Map {
        let mut rest = Map::new();
        for slot in Slot::ALL.iter().filter(|slot| !self.used.contains(slot)) {
            let Some(value) = self.record.get(*slot) else {
                continue;
            };
            match (slot, value) {
                (Slot::ActorId, Value::Str(id)) if id == "unknown" => {}
                (Slot::Detail, Value::Map(variants)) => self.unused_details(variants, &mut rest),
                (Slot::Attributes, Value::Map(attributes)) => {
                    let is_used = |name: &&String| self.used_attributes.contains(name);
                    let is_overlay = |name: &String| self.native && name == self.profile.as_str();
                    for (name, value) in attributes.iter().filter(|(name, _)| !is_used(name)) {
                        if !is_overlay(name) {
                            rest.insert(format!("attributes.{name}"), value.clone());
                        }
                    }
                }
                (_, value) => {
                    rest.insert(slot.path().to_owned(), shown(*slot, value));
                }
            }
        }
        rest
    }

    fn unused_details(&self, variants: &Map, rest: &mut Map) {
        for (variant, fields) in variants {
            let Value::Map(fields) = fields else {
                rest.insert(format!("detail.{variant}"), fields.clone());
                continue;
            };
            for (field, value) in fields {
                let used = |(a, b): &(String, String)| a == variant && b == field;
                if !self.used_details.iter().any(used) {
                    rest.insert(format!("detail.{variant}.{field}"), value.clone());
                }
            }
        }
    }

    /// Says which values under `path` JSON has no words for.
    pub(super) fn note_odd(&mut self, shape: &Shape, path: &str) {
        let mut odd = Vec::new();
        shape.odd(path, &mut odd);
        odd.iter().for_each(|path| self.note(path, Why::Replaced));
    }

    /// Lays over what import kept, and ends.
    pub(super) fn finish(self, shape: Shape) -> Exported {
        self.finish_in(shape, Style::Plain)
    }

    /// As [`Self::finish`], with another style of escapes.
    pub(super) fn finish_in(mut self, mut shape: Shape, style: Style) -> Exported {
        if let Some(overlay) = self.overlay() {
            shape.lay_over(overlay);
        }
        self.note_odd(&shape, "");
        Exported {
            line: shape.text(style),
            unfit: self.unfit,
        }
    }
}

/// What stands under `detail.<variant>.<field>`.
pub(super) fn detail<'r>(record: &'r Record, variant: &str, field: &str) -> Option<&'r Value> {
    let variants = record.map(Slot::Detail)?;
    variants.get(variant)?.as_map()?.get(field)
}

/// A slot's value as a line of a trail shows it: times as text.
fn shown(slot: Slot, value: &Value) -> Value {
    match (slot, value.as_u64()) {
        (Slot::Time, Some(nanos)) => Value::from(time_text(nanos)),
        _ => value.clone(),
    }
}

/// `2026-11-21T09:00:00.12Z`: RFC 3339 in UTC, with as many digits as there are.
pub(super) fn time_text(nanos: u64) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(nanos)) {
        Ok(time) => time.to_string(),
        Err(_) => nanos.to_string(),
    }
}
