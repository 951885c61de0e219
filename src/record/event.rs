//! Typed events: a struct whose fields have their places in a record, their classes and their types.

use std::fmt;

use super::builder::Record;
use super::field_type::FieldType;
use super::field_value::FieldValue;
use super::slots::{Fill, Kind, Slot};
use super::value::{Map, Value};
use super::vocabulary::{Level, Outcome};
use crate::error::{Error, ErrorKind, Result};
use crate::memory;

/// An event that is known beforehand: a struct whose fields have their places in a record.
///
/// `#[derive(AuditEvent)]`, with the feature `derive`, implements it.
#[cfg_attr(
    feature = "derive",
    doc = "See [the derive](derive@crate::record::AuditEvent)."
)]
pub trait AuditEvent {
    /// What the event is: its name, category, action, level, default outcome and fields.
    const META: &'static EventMeta;

    /// The record, with the classes of its values declared. It holds the values themselves until a policy has seen it.
    fn to_record(&self) -> Record;

    /// The event out of a record that was read back.
    ///
    /// # Errors
    ///
    /// The record is of another event, or a value is absent or of a type that its field does not take: the message names
    /// the field, its place and what stands there. A field of borrowed text cannot be read back.
    fn from_record(record: &Record) -> Result<Self>
    where
        Self: Sized;

    /// Records it through `tracing`: an ordinary event of the target `audit` with fields for every layer, and a record
    /// for the trail. Others see the values that are public or internal, and markers in the place of the rest.
    fn record(&self);
}

/// What an event is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventMeta {
    /// The name, such as `tool.start`.
    pub name: &'static str,
    /// The family of the action.
    pub category: &'static str,
    /// What was done.
    pub action: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What became of it, unless a field says so.
    pub outcome: Option<Outcome>,
    /// What it says, for people.
    pub doc: &'static str,
    /// The fields, in their order.
    pub fields: &'static [FieldMeta],
}

impl EventMeta {
    /// All of it.
    #[must_use]
    pub const fn new(
        name: &'static str,
        category: &'static str,
        action: &'static str,
        level: Level,
        outcome: Option<Outcome>,
        doc: &'static str,
        fields: &'static [FieldMeta],
    ) -> Self {
        Self {
            name,
            category,
            action,
            level,
            outcome,
            doc,
            fields,
        }
    }

    /// The field that fills this place.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&'static FieldMeta> {
        self.fields.iter().find(|field| field.path == path)
    }
}

/// What a field of an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldMeta {
    /// The struct's field.
    pub name: &'static str,
    /// Its place in the record: a slot such as `actor.id`, a place inside `detail` such as `detail.tool.name`, or a member
    /// of a map such as `attributes.retries`.
    pub path: &'static str,
    /// What class its values are of.
    pub class: FieldClass,
    /// What is done to a value where the policy would leave more of it, as a policy file says it.
    pub action: Option<&'static str>,
    /// What its values are.
    pub ty: FieldType,
    /// Whether it may be absent.
    pub is_optional: bool,
    /// What it says, for people.
    pub doc: &'static str,
    /// The fields inside it, where it is a struct. Their places are counted from its own.
    pub parts: &'static [FieldMeta],
}

impl FieldMeta {
    /// A field of this type at this place.
    #[must_use]
    pub const fn new<T: FieldValue>(name: &'static str, path: &'static str, class: FieldClass) -> Self {
        Self {
            name,
            path,
            class,
            action: None,
            ty: T::TYPE,
            is_optional: T::IS_OPTIONAL,
            doc: "",
            parts: &[],
        }
    }

    /// The fields inside it, each of its own class. Default: none, so that its own class is that of all of it.
    #[must_use]
    pub const fn parts(mut self, parts: &'static [Self]) -> Self {
        self.parts = parts;
        self
    }

    /// What is done to a value where the policy would leave more of it. Default: what the policy says.
    #[must_use]
    pub const fn action(mut self, action: &'static str) -> Self {
        self.action = Some(action);
        self
    }

    /// What it says, for people. Default: nothing.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// What the field is called in an event of `tracing`, and where redaction speaks of it.
    #[must_use]
    pub fn field_name(&self) -> String {
        Place::of(self.path).field_name(self.path)
    }
}

/// The class of a field's values, by its words: a kind, and a label or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldClass {
    /// `public`, `internal`, `personal`, `special`, `financial`, `network`, `secret` or `unclassified`.
    pub kind: &'static str,
    /// What tells classes of one kind apart, such as `email`; `""` where nothing does.
    pub label: &'static str,
}

impl FieldClass {
    /// The class of this kind, with this label.
    #[must_use]
    pub const fn new(kind: &'static str, label: &'static str) -> Self {
        Self { kind, label }
    }

    /// Whether its values may be shown to whoever reads the application's own output: they are public or internal.
    #[must_use]
    pub const fn is_open(self) -> bool {
        is_same(self.kind, "public") || is_same(self.kind, "internal")
    }
}

impl fmt::Display for FieldClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        if self.label.is_empty() {
            return Ok(());
        }
        write!(f, ":{}", self.label)
    }
}

/// A place in a record, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'p> {
    /// A slot, and all of it.
    Slot(Slot),
    /// A member of a slot that is a map.
    Member(Slot, &'p str),
    /// A place inside `detail`: the keys that lead there, with dots between them.
    Detail(&'p str),
    /// No place of a record.
    Nowhere,
}

impl<'p> Place<'p> {
    /// What a field at this path is called in an event of `tracing`.
    pub(crate) fn field_name(self, path: &str) -> String {
        match self {
            Self::Member(Slot::Attributes, key) => key.to_owned(),
            Self::Member(Slot::Labels, key) => format!("label.{key}"),
            Self::Member(Slot::Hashes, key) => format!("hash.{key}"),
            _ => path.to_owned(),
        }
    }

    /// What the path means.
    pub(crate) fn of(path: &'p str) -> Self {
        if let Some(slot) = Slot::at(path) {
            return Self::Slot(slot);
        }
        match path.split_once('.') {
            Some(("attributes", key)) => Self::Member(Slot::Attributes, key),
            Some(("labels", key)) => Self::Member(Slot::Labels, key),
            Some(("hashes", key)) => Self::Member(Slot::Hashes, key),
            Some(("detail", keys)) => Self::Detail(keys),
            _ => Self::Nowhere,
        }
    }
}

/// The class of a field of this type: what the type states, else what is said of the field.
#[doc(hidden)]
#[must_use]
pub const fn class_of<T: FieldValue>(said: FieldClass) -> FieldClass {
    match T::CLASS {
        Some(class) => class,
        None => said,
    }
}

/// Slots that a field of a typed event may fill although no field of a macro may: it has values of the right kind.
const STRUCTURED: &[Slot] = &[
    Slot::Attributes,
    Slot::CallStack,
    Slot::Detail,
    Slot::Hashes,
    Slot::Labels,
];

/// Whether a field of a typed event may fill the slot of this path.
#[doc(hidden)]
#[must_use]
pub const fn is_slot(path: &str) -> bool {
    let mut at = 0;
    while at < Slot::ALL.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "a loop over its own length; `get` is not const"
        )]
        let slot = Slot::ALL[at];
        if is_same(slot.path(), path) {
            let mut structured = 0;
            while structured < STRUCTURED.len() {
                #[expect(clippy::indexing_slicing, reason = "as above")]
                if STRUCTURED[structured] as u8 == slot as u8 {
                    return true;
                }
                structured += 1;
            }
            return !matches!(slot.fill(), Fill::Reserved);
        }
        at += 1;
    }
    false
}

/// The path of the slot that fields of this type fill.
///
/// # Panics
///
/// Where the slot takes no such values, which happens while the application is compiled.
#[doc(hidden)]
#[must_use]
pub const fn slot_for<T: FieldValue>(path: &'static str) -> &'static str {
    let mut at = 0;
    while at < Slot::ALL.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "a loop over its own length; `get` is not const"
        )]
        let slot = Slot::ALL[at];
        if is_same(slot.path(), path) {
            assert!(
                takes(slot.kind(), T::TYPE),
                "the slot takes no values of this type: docs/fields.md says what it takes"
            );
        }
        at += 1;
    }
    path
}

const fn takes(kind: Kind, ty: FieldType) -> bool {
    match (kind, ty) {
        (Kind::Any, _)
        | (Kind::Text | Kind::Id | Kind::Hex, FieldType::Text | FieldType::Word)
        | (Kind::Id, FieldType::Integer { .. })
        | (Kind::Uint, FieldType::Duration)
        | (Kind::Bool, FieldType::Bool)
        | (Kind::Map, FieldType::Map(_)) => true,
        (Kind::Uint, FieldType::Integer { min, max }) => min >= 0 && max <= u64::MAX as u128,
        (Kind::Texts, FieldType::List(of)) => matches!(of, FieldType::Text | FieldType::Word),
        _ => false,
    }
}

pub(super) const fn is_same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "a loop over the length of both; `get` is not const"
        )]
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

impl Record {
    /// Begins the record of a typed event: what is the same in all of them.
    #[doc(hidden)]
    #[must_use]
    pub fn of_event(meta: &'static EventMeta) -> Self {
        let mut record = Self::default();
        record.put(Slot::Event, Value::from(meta.name));
        record.put(Slot::Category, Value::from(meta.category));
        record.put(Slot::Action, Value::from(meta.action));
        record.put(Slot::Level, Value::from(meta.level.as_str()));
        if let Some(outcome) = &meta.outcome {
            record.put(Slot::Outcome, Value::from(outcome.as_str()));
        }
        record.meta = Some(meta);
        record
    }

    /// Fills the place of a typed event's field.
    #[doc(hidden)]
    pub fn put_field(&mut self, field: &FieldMeta, value: &impl FieldValue) {
        let (value, lacks) = memory::apart(|| value.view().into_value());
        self.lacks |= lacks;
        let Some(value) = value else {
            return;
        };
        match Place::of(field.path) {
            Place::Slot(slot) => self.put_fitting(slot, value),
            Place::Member(map, key) => self.put_member(map, key.to_owned(), value),
            Place::Detail(keys) => self.put_detail(keys, value),
            Place::Nowhere => self.put_member(Slot::Attributes, field.path.to_owned(), value),
        }
    }

    /// The value at this path: a slot such as `actor.id`, a place inside `detail` such as `detail.tool.name`, or a member
    /// such as `attributes.retries`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Value> {
        match Place::of(path) {
            Place::Slot(slot) => self.get(slot),
            Place::Member(map, key) => self.map(map)?.get(key),
            Place::Detail(keys) => {
                let detail = self.get(Slot::Detail)?;
                keys.split('.')
                    .try_fold(detail, |value, key| value.as_map()?.get(key))
            }
            Place::Nowhere => None,
        }
    }

    /// Checks that this is a record of the event.
    #[doc(hidden)]
    pub fn expect_event(&self, meta: &EventMeta) -> Result<()> {
        if self.event() == meta.name || meta.at(Slot::Event.path()).is_some() {
            return Ok(());
        }
        let message = format!(
            "the record is of the event `{}`, not `{}`",
            self.event(),
            meta.name
        );
        Err(Error::new(ErrorKind::Format, message))
    }

    /// The value of a typed event's field.
    #[doc(hidden)]
    pub fn take_field<T: FieldValue>(&self, event: &str, field: &FieldMeta) -> Result<T> {
        let named = || match field.path == field.name {
            true => format!("the field `{}` of `{event}`", field.name),
            false => format!("the field `{}` of `{event}`, at `{}`,", field.name, field.path),
        };
        let refused = |what: String| Error::new(ErrorKind::Format, format!("{} {what}", named()));
        match self.at(field.path) {
            None => T::absent().ok_or_else(|| refused(format!("is absent; it takes {}", T::TYPE))),
            Some(value) => T::from_value(value).or_else(|misfit| {
                // A number that stands where identifiers do is written as text.
                let number = value.as_str().and_then(|text| decimal(field.path, text));
                let read = number.and_then(|number| T::from_value(&number).ok());
                read.ok_or_else(|| refused(format!("holds {}; {misfit}", held(value))))
            }),
        }
    }

    fn put_detail(&mut self, keys: &str, value: Value) {
        let mut detail = match self.take(Slot::Detail) {
            Some(Value::Map(detail)) => detail,
            _ => Map::new(),
        };
        let mut map = &mut detail;
        let (objects, last) = keys.rsplit_once('.').unwrap_or(("", keys));
        for key in objects.split('.').filter(|key| !key.is_empty()) {
            let inner = map
                .entry(key.to_owned())
                .or_insert_with(|| Value::Map(Map::new()));
            if !matches!(inner, Value::Map(_)) {
                *inner = Value::Map(Map::new());
            }
            let Value::Map(inner) = inner else { return };
            map = inner;
        }
        map.insert(last.to_owned(), value);
        self.put(Slot::Detail, Value::Map(detail));
    }
}

/// The integer that a text in a slot of identifiers says.
fn decimal(path: &str, text: &str) -> Option<Value> {
    let is_id = Slot::at(path).is_some_and(|slot| slot.kind() == Kind::Id);
    let number: i128 = text.parse().ok().filter(|_| is_id)?;
    (number.to_string() == text).then_some(Value::Int(number))
}

/// What a value is, without what it says: that may be nobody's business.
pub(super) fn held(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Int(_) | Value::Uint(_) => "an integer",
        Value::Float(_) => "a number with a fraction",
        Value::Bytes(_) => "bytes",
        Value::Commitment(_) => "a commitment",
        Value::Str(text) if text.starts_with("[REDACTED") => "a text that redaction put there",
        Value::Str(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "named values",
    }
}
