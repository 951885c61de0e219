//! Typed events: a struct whose fields have their places in a record, their classes and their types.

use std::fmt;

use super::builder::Record;
use super::field_value::{FieldType, FieldValue, View};
use super::slots::{Fill, Slot};
use super::value::{Map, Value};
use super::vocabulary::{Level, Outcome};
use crate::error::{Error, ErrorKind, Result};

/// An event that is known beforehand: a struct whose fields have their places in a record.
///
/// `#[derive(AuditEvent)]`, with the feature `derive`, implements it.
#[cfg_attr(feature = "derive", doc = "See [the derive](derive@crate::record::AuditEvent).")]
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
#[derive(Debug, Clone, PartialEq)]
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

    /// Whether a field stands inside this place.
    pub(crate) fn leads_on(&self, path: &str) -> bool {
        let is_inside = |field: &FieldMeta| {
            let rest = field.path.strip_prefix(path);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        self.fields.iter().any(is_inside)
    }
}

/// What a field of an event is.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// The fields inside it, where it is a struct. Their places begin with its own.
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
            parts: T::PARTS,
        }
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

    /// The map that it is a member of, and its key there; the slot it fills, and nothing; or `detail`, and the keys that
    /// lead to it.
    pub(crate) fn place(&self) -> (Option<Slot>, &'static str) {
        place(self.path)
    }

    /// What the field is called in an event of `tracing`.
    #[must_use]
    pub const fn field_name(&self) -> &'static str {
        let (prefix, other) = match kind_of(self.path) {
            Under::Attributes => ("attributes.", ""),
            Under::Labels => ("labels.", "label."),
            Under::Hashes => ("hashes.", "hash."),
            Under::Nothing => ("", ""),
        };
        let _ = other;
        behind(self.path, prefix.len())
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
