//! `Record` and its builder: a value for each slot, reached by typed accessors.

use super::declared::Declared;
use super::event::EventMeta;
use super::slots::{Fill, Kind, Slot};
use super::value::{Map, Value};
use crate::memory;

/// What happened: a value for each slot that was filled.
///
/// A record is plain data. It may hold sensitive values until a policy has seen it, so its `Debug` form shows
/// only which slots are filled.
#[derive(Clone, Default)]
pub struct Record {
    values: Vec<(Slot, Value)>,
    /// Attributes whose class types state.
    declared: Vec<Declared>,
    /// A value is not whole, because there was no memory for it.
    pub(super) lacks: bool,
    /// The typed event that it was made of, which states the classes of its values.
    pub(super) meta: Option<&'static EventMeta>,
}

/// What two records say counts, not whether a typed event says what class that is of.
impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values && self.declared == other.declared
    }
}

impl Record {
    /// Starts a record of the event with this name, such as `document.delete`.
    pub fn builder(event: impl Into<String>) -> RecordBuilder {
        RecordBuilder {
            record: Self::default(),
        }
        .set(Slot::Event, event.into())
    }

    /// The value of a slot, if it was filled. An absent value is never `""` or `0`.
    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<&Value> {
        self.values
            .iter()
            .find(|(filled, _)| *filled == slot)
            .map(|(_, value)| value)
    }

    /// The text of a slot, if it holds text.
    #[must_use]
    pub fn text(&self, slot: Slot) -> Option<&str> {
        self.get(slot)?.as_str()
    }

    /// The integer of a slot, if it holds one.
    #[must_use]
    pub fn uint(&self, slot: Slot) -> Option<u64> {
        self.get(slot)?.as_u64()
    }

    /// The truth value of a slot, if it holds one.
    #[must_use]
    pub fn flag(&self, slot: Slot) -> Option<bool> {
        self.get(slot)?.as_bool()
    }

    /// The texts of a slot; `None` where it was not filled, which is not the same as an empty list.
    #[must_use]
    pub fn texts(&self, slot: Slot) -> Option<Vec<&str>> {
        Some(
            self.get(slot)?
                .as_list()?
                .iter()
                .filter_map(Value::as_str)
                .collect(),
        )
    }

    /// The map of a slot (`attributes`, `labels`, `hashes`), if it holds one.
    #[must_use]
    pub fn map(&self, slot: Slot) -> Option<&Map> {
        self.get(slot)?.as_map()
    }

    /// One attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        self.map(Slot::Attributes)?.get(name)
    }

    /// The name of the event.
    #[must_use]
    pub fn event(&self) -> &str {
        self.text(Slot::Event).unwrap_or_default()
    }

    /// What ties the records of one request together: what the caller gave, else the trace id.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.text(Slot::CorrelationId)
            .or_else(|| self.text(Slot::TraceId))
    }

    /// The filled slots, in the order of the line.
    pub fn slots(&self) -> impl Iterator<Item = (Slot, &Value)> {
        self.values.iter().map(|(slot, value)| (*slot, value))
    }

    /// Notes that a value is not whole for want of memory, where that is so: the record is given up when it is handed over.
    pub(crate) fn note(&self) {
        if self.lacks {
            memory::lack();
        }
    }

    /// Attributes whose class types state, in the order in which they were given.
    pub(crate) fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// The typed event that this was made of, which states the classes of its values; none where it was read back or built.
    #[must_use]
    pub fn meta(&self) -> Option<&'static EventMeta> {
        self.meta
    }

    /// Takes a slot's value out.
    pub(crate) fn take(&mut self, slot: Slot) -> Option<Value> {
        let at = self.values.binary_search_by_key(&slot, |(filled, _)| *filled);
        at.ok().map(|at| self.values.remove(at).1)
    }

    /// Fills a slot with a value that fits it; another becomes the attribute of the slot's path.
    pub(super) fn put_fitting(&mut self, slot: Slot, value: Value) {
        match fit(slot.kind(), value) {
            Ok(value) => self.put(slot, value),
            Err(value) => self.put_member(Slot::Attributes, slot.path().to_owned(), value),
        }
    }

    /// Makes room for so many more slots.
    pub(crate) fn reserve(&mut self, slots: usize) {
        self.values.reserve(slots);
    }

    /// Fills a slot, in whatever way its table entry says it is filled. For readers and the writer.
    pub(crate) fn put(&mut self, slot: Slot, value: Value) {
        match self.values.binary_search_by_key(&slot, |(filled, _)| *filled) {
            Ok(at) => {
                if let Some(entry) = self.values.get_mut(at) {
                    std::mem::replace(&mut entry.1, value).dismantle();
                }
            }
            Err(at) => self.values.insert(at, (slot, value)),
        }
    }

    /// Adds a member to a slot that is a map.
    pub(crate) fn put_member(&mut self, slot: Slot, key: String, value: Value) {
        if let Some((_, Value::Map(map))) = self.values.iter_mut().find(|(filled, _)| *filled == slot) {
            if let Some(replaced) = map.insert(key, value) {
                replaced.dismantle();
            }
        } else {
            self.put(slot, Value::Map(Map::from([(key, value)])));
        }
    }
}

impl Record {
    /// A copy; `None` where there is no memory for it.
    pub(crate) fn try_clone(&self) -> Option<Self> {
        let values = self
            .values
            .iter()
            .map(|(_, value)| value.weight(usize::MAX, usize::MAX));
        let declared = self.declared.iter().map(Declared::weight);
        let weight = 1024 + values.sum::<usize>() + declared.sum::<usize>();
        memory::is_there(weight).then(|| self.clone())
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.values.drain(..).for_each(|(_, value)| value.dismantle());
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Record ")?;
        f.debug_list()
            .entries(self.values.iter().map(|(slot, _)| slot.path()))
            .entries(self.declared.iter().map(|declared| &declared.name))
            .finish()
    }
}

/// Fills a record. Every setter takes the builder and gives it back; `build` ends it.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RecordBuilder {
    record: Record,
}

macro_rules! setters {
    ($($name:ident: $slot:ident $text:literal,)*) => {$(
        #[doc = $text]
        pub fn $name(self, value: impl Into<String>) -> Self {
            self.set(Slot::$slot, value.into())
        }
    )*};
}

impl RecordBuilder {
    /// Continues a record.
    pub(crate) fn over(record: Record) -> Self {
        Self { record }
    }

    setters! {
        action: Action "What was done.",
        category: Category "The family of the action.",
        outcome: Outcome "What became of it: one of [`Outcome`](super::Outcome)'s words, or another.",
        reason: Reason "Why, in words.",
        reason_code: ReasonCode "Why, as a stable word.",
        summary: Summary "One sentence for people.",
        tenant: ScopeTenant "The tenant on whose behalf this was done.",
        session_id: SessionId "The session that this belongs to.",
        request_id: RequestId "The request that this belongs to.",
        correlation_id: CorrelationId "What ties the records of one request together.",
        error_code: ErrorCode "A stable word or number for the error.",
        error_message: ErrorMessage "The error's message.",
    }

    /// Who acted: type and id.
    pub fn actor(self, kind: impl Into<String>, id: impl Into<String>) -> Self {
        self.set(Slot::ActorType, kind.into())
            .set(Slot::ActorId, id.into())
    }

    /// What was acted on: type and id.
    pub fn resource(self, kind: impl Into<String>, id: impl Into<String>) -> Self {
        self.set(Slot::ResourceType, kind.into())
            .set(Slot::ResourceId, id.into())
    }

    /// The message of an error and of its sources.
    pub fn error(self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut builder = self.set(Slot::ErrorMessage, error.to_string());
        if error.source().is_some() {
            builder.record.put(Slot::ErrorChain, Value::error_chain(error));
        }
        builder
    }

    /// When it happened, in nanoseconds since the Unix epoch. Default: the time of the call that emits the record.
    pub fn time(mut self, nanos: u64) -> Self {
        self.record.put(Slot::Time, Value::from(nanos));
        self
    }

    /// The record's id, a UUID. Default: assigned by the writer.
    pub fn id(mut self, id: uuid::Uuid) -> Self {
        self.record.put(Slot::Id, Value::from(id.to_string()));
        self
    }

    /// The level. Default: `info`.
    pub fn level(mut self, level: &super::Level) -> Self {
        self.record.put(Slot::Level, Value::from(level.as_str()));
        self
    }

    /// The trace that the record belongs to.
    pub fn trace(mut self, trace: super::TraceContext) -> Self {
        self.record
            .put(Slot::TraceId, Value::from(trace.trace_id.to_string()));
        self.record
            .put(Slot::SpanId, Value::from(trace.span_id.to_string()));
        self.record.put(Slot::TraceFlags, Value::from(trace.flags));
        self
    }

    /// The parent of the span that [`trace`](Self::trace) names.
    pub fn parent_span(mut self, parent: super::SpanId) -> Self {
        self.record
            .put(Slot::ParentSpanId, Value::from(parent.to_string()));
        self
    }

    /// What is particular to the kind of event.
    pub fn detail(mut self, detail: impl Into<Value>) -> Self {
        self.record.put(Slot::Detail, detail.into());
        self
    }

    /// The tree of steps that led here.
    pub fn call_stack(mut self, stack: impl Into<Value>) -> Self {
        self.record.put(Slot::CallStack, stack.into());
        self
    }

    /// A field that no slot recognises.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.record
            .put_member(Slot::Attributes, name.into(), value.into());
        self
    }

    /// A label.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.record
            .put_member(Slot::Labels, name.into(), Value::Str(value.into()));
        self
    }

    /// A named hash, in the form `algorithm:hex`.
    pub fn hash(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.record
            .put_member(Slot::Hashes, name.into(), Value::Str(value.into()));
        self
    }

    /// Fills any slot that a caller may fill. A value that the slot's [`Kind`] does not take, or a value for a
    /// reserved slot, becomes the attribute of the slot's path instead.
    pub fn set(mut self, slot: Slot, value: impl Into<Value>) -> Self {
        let value = value.into();
        match slot.fill() {
            Fill::Field | Fill::Inherited => self.record.put_fitting(slot, value),
            Fill::Reserved => self
                .record
                .put_member(Slot::Attributes, slot.path().to_owned(), value),
        }
        self
    }

    /// Adds an attribute whose class types state.
    pub(crate) fn declare(mut self, declared: Declared) -> Self {
        self.record.declared.push(declared);
        self
    }

    /// Ends the builder.
    #[must_use]
    pub fn build(mut self) -> Record {
        // What its values were made without is this record's loss, not that of the next one on the thread.
        self.record.lacks = memory::take_lack();
        self.record
    }
}

/// Makes a value fit a kind, or gives it back.
fn fit(kind: Kind, value: Value) -> Result<Value, Value> {
    match (kind, value) {
        (Kind::Id, Value::Int(number)) => Ok(Value::Str(number.to_string())),
        (Kind::Id, Value::Uint(number)) => Ok(Value::Str(number.to_string())),
        (Kind::Text | Kind::Id, value @ Value::Str(_)) => Ok(value),
        (Kind::Texts, Value::Str(text)) => Ok(Value::List(
            // As a line is written from a macro's text: what is empty names nothing.
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(Value::from)
                .collect(),
        )),
        (Kind::Texts, Value::List(values)) if values.iter().all(|value| value.as_str().is_some()) => {
            Ok(Value::List(values))
        }
        (Kind::Uint, value) if value.as_u64().is_some() => Ok(value),
        (Kind::Bool, value @ Value::Bool(_)) => Ok(value),
        (Kind::Map, value @ Value::Map(_)) => Ok(value),
        (Kind::Any, value) => Ok(value),
        (_, value) => Err(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_for_a_list_becomes_its_parts_and_an_empty_part_is_none() {
        for (text, parts) in [
            ("editor", &["editor"][..]),
            (" editor , reviewer,", &["editor", "reviewer"]),
            ("", &[]),
            (",", &[]),
        ] {
            let record = Record::builder("x").set(Slot::ActorRoles, text).build();
            let parts = parts.iter().map(|part| Value::from(*part)).collect();
            assert_eq!(
                record.get(Slot::ActorRoles),
                Some(&Value::List(parts)),
                "{text:?}"
            );
        }
    }
}
