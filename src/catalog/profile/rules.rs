//! Tables: which field of a shape fills which place of a record, for both ways.

use super::giving::Giving;
use super::number::millis_of_nanos;
use super::shape::Shape;
use super::taking::{self, Filling};
use crate::record::{Map, Slot, Value};

/// Where a field's value stands in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    Slot(Slot),
    /// `detail.<variant>.<field>`.
    Detail(&'static str, &'static str),
}

/// What a field's value must be to stand there; any other stays under its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A text that is not empty, for a slot; any text, for a detail.
    Text,
    /// A number.
    Number,
    /// An integer from 0 on.
    Uint,
    Truth,
    Texts,
    /// Milliseconds, which a slot holds as nanoseconds.
    Millis,
    Any,
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) key: &'static str,
    pub(super) to: To,
    pub(super) form: Form,
}

impl Rule {
    /// A field that fills a slot.
    pub(super) const fn slot(key: &'static str, slot: Slot, form: Form) -> Self {
        Self {
            key,
            to: To::Slot(slot),
            form,
        }
    }

    /// A field that fills `detail.<variant>.<field>`.
    pub(super) const fn detail(
        key: &'static str,
        variant: &'static str,
        field: &'static str,
        form: Form,
    ) -> Self {
        Self {
            key,
            to: To::Detail(variant, field),
            form,
        }
    }

    /// The value as its place takes it, or given back.
    fn fit(&self, value: Value) -> Result<Value, Value> {
        match (self.form, self.to) {
            (Form::Text, To::Slot(_)) => taking::text(value).map(Value::Str),
            (Form::Text, To::Detail(..)) => taking::any_text(value).map(Value::Str),
            (Form::Number, _) => match value {
                Value::Int(_) | Value::Uint(_) | Value::Float(_) => Ok(value),
                value => Err(value),
            },
            (Form::Uint, _) => taking::uint(value).map(Value::from),
            (Form::Truth, _) => taking::truth(value).map(Value::Bool),
            (Form::Texts, _) => taking::texts(value),
            (Form::Millis, _) => taking::millis(value).map(Value::from),
            (Form::Any, _) => Ok(value),
        }
    }

    /// Takes the field out of `fields` into the record, if it fits.
    pub(super) fn take(&self, fields: &mut Map, filling: &mut Filling) {
        let Some(value) = fields.remove(self.key) else {
            return;
        };
        match self.fit(value) {
            Ok(value) => {
                // The trail puts this word where nobody is named: the field must tell the two apart.
                if self.to == To::Slot(Slot::ActorId) && value.as_str() == Some("unknown") {
                    fields.insert(self.key.to_owned(), value.clone());
                }
                match self.to {
                    To::Slot(slot) => filling.put(slot, value),
                    To::Detail(variant, field) => filling.detail(variant, field, value),
                }
            }
            Err(value) => {
                fields.insert(self.key.to_owned(), value);
            }
        }
    }

    /// Gives the field out of the record, if it is there.
    pub(super) fn give(&self, giving: &mut Giving<'_>, shape: &mut Shape) {
        let value = match self.to {
            To::Slot(slot) => giving.slot(slot),
            To::Detail(variant, field) => giving.detail(variant, field),
        };
        match (self.form, value, value.and_then(Value::as_u64)) {
            (Form::Millis, _, Some(nanos)) => shape.put(self.key, millis_of_nanos(nanos)),
            (_, value, _) => shape.put_some(self.key, value.cloned()),
        }
    }

    /// As [`Self::give`], in the free part of a shape, whose other members are attributes.
    pub(super) fn give_in_free_part(&self, giving: &mut Giving<'_>, part: &mut Shape) {
        self.give(giving, part);
        self.give_own(giving, part);
    }

    /// Lays over the field what import left under its own name, which says it exactly. In a record of another origin an
    /// attribute of that name says nothing about the field, so it has the name only where nothing else has.
    pub(super) fn give_own(&self, giving: &mut Giving<'_>, part: &mut Shape) {
        if !giving.native && part.has(self.key) {
            return;
        }
        if let Some(own) = giving.attribute(self.key) {
            part.lay_member(self.key, own);
        }
    }
}
