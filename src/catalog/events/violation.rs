//! What a filter found in a text.

use super::Text;
use crate::record::{FieldType, FieldValue, Map, Misfit, Value, View};

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
    fn what_was_found_is_read_back_and_anything_else_is_refused() {
        let found = Violation::new("email", 2);
        let value = found.view().into_value().unwrap();
        assert_eq!(Violation::from_value(&value), Ok(found));
        let mut more = value.as_map().unwrap().clone();
        more.insert("where".to_owned(), Value::from(7));
        for wrong in [Value::from("email"), Value::Map(more), Value::Map(Map::new())] {
            assert!(Violation::from_value(&wrong).is_err(), "{wrong:?}");
        }
    }
}
