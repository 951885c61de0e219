//! Values of several parts: the steps of a call stack, and what a filter found.

use super::{StepKind, Text};
use crate::record::{FieldType, FieldValue, Map, Misfit, Value, View};

/// A step that led to an event, with the steps inside it.
///
/// In a record it is `{id, kind, label, duration_ns, children}`; what is not said is left out. A member that this crate does
/// not know makes it another thing than a step, so that nothing is lost in silence: read such a stack as a [`Value`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Step<'a> {
    /// The step's own id.
    pub id: Text<'a>,
    /// What it is.
    pub kind: StepKind,
    /// What it is called.
    pub label: Text<'a>,
    /// How long it took, in nanoseconds. Default: nobody measured it.
    pub duration_ns: Option<u64>,
    /// The steps inside it. Default: none.
    pub children: Vec<Step<'a>>,
}

/// What a step may say.
const MEMBERS: [&str; 5] = ["id", "kind", "label", "duration_ns", "children"];

impl<'a> Step<'a> {
    /// A step without a duration and without steps inside it.
    #[must_use]
    pub fn new(id: impl Into<Text<'a>>, kind: StepKind, label: impl Into<Text<'a>>) -> Self {
        Self {
            id: id.into(),
            kind,
            label: label.into(),
            duration_ns: None,
            children: Vec::new(),
        }
    }

    /// How long it took, in nanoseconds. Default: nobody measured it.
    #[must_use]
    pub fn duration_ns(mut self, nanos: u64) -> Self {
        self.duration_ns = Some(nanos);
        self
    }

    /// The steps inside it. Default: none.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children = children.into_iter().collect();
        self
    }
}

impl FieldValue for Step<'_> {
    const TYPE: FieldType = FieldType::Struct;

    fn view(&self) -> View<'_> {
        let mut map = Map::from([
            ("id".to_owned(), Value::from(&*self.id)),
            ("kind".to_owned(), Value::from(self.kind.as_str())),
            ("label".to_owned(), Value::from(&*self.label)),
        ]);
        if let Some(nanos) = self.duration_ns {
            map.insert("duration_ns".to_owned(), Value::from(nanos));
        }
        if let Some(children) = (!self.children.is_empty()).then(|| self.children.view()) {
            map.extend(
                children
                    .into_value()
                    .map(|children| ("children".to_owned(), children)),
            );
        }
        View::Made(Value::Map(map))
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        let misfit =
            || Misfit::new("it takes steps: named values with id, kind and label, all of them texts");
        let map = value.as_map().ok_or_else(misfit)?;
        if let Some(other) = map.keys().find(|key| !MEMBERS.contains(&key.as_str())) {
            return Err(Misfit::new(format!("a step has no `{other}`")));
        }
        let text = |name: &str| map.get(name).and_then(Value::as_str).ok_or_else(misfit);
        let mut step = Self::new(
            text("id")?.to_owned(),
            StepKind::from(text("kind")?),
            text("label")?.to_owned(),
        );
        step.duration_ns = map.get("duration_ns").map(u64::from_value).transpose()?;
        if let Some(children) = map.get("children") {
            step.children = Vec::from_value(children)?;
        }
        Ok(step)
    }
}

/// What a filter found in a text: of which kind, and how often. In a record it is `{type, count}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation<'a> {
    /// The kind.
    pub kind: Text<'a>,
    /// How often.
    pub count: u64,
}

impl<'a> Violation<'a> {
    /// This kind, so often.
    #[must_use]
    pub fn new(kind: impl Into<Text<'a>>, count: u64) -> Self {
        Self {
            kind: kind.into(),
            count,
        }
    }
}

impl FieldValue for Violation<'_> {
    const TYPE: FieldType = FieldType::Struct;

    fn view(&self) -> View<'_> {
        View::Made(Value::Map(Map::from([
            ("type".to_owned(), Value::from(&*self.kind)),
            ("count".to_owned(), Value::from(self.count)),
        ])))
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        let map = value.as_map().filter(|map| map.len() == 2);
        let parts = map.and_then(|map| Some((map.get("type")?.as_str()?, map.get("count")?.as_u64()?)));
        let (kind, count) =
            parts.ok_or_else(|| Misfit::new("it takes named values: a text `type` and a number `count`"))?;
        Ok(Self::new(kind.to_owned(), count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_steps_is_read_back_and_what_is_not_one_is_refused() {
        let inner = Step::new("3", StepKind::from("telepathy"), "hears");
        let step = Step::new("1", StepKind::Llm, "asks")
            .duration_ns(7)
            .children([Step::new("2", StepKind::Tool, "greps").children([inner])]);
        let value = step.view().into_value().unwrap();
        assert_eq!(Step::from_value(&value), Ok(step));
        let mut more = value.as_map().unwrap().clone();
        more.insert("mood".to_owned(), Value::from("good"));
        for wrong in [Value::from("text"), Value::Map(more), Value::Map(Map::new())] {
            assert!(Step::from_value(&wrong).is_err(), "{wrong:?}");
            assert!(Violation::from_value(&wrong).is_err(), "{wrong:?}");
        }
    }
}
