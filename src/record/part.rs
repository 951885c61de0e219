//! Structs inside the fields of typed events: what `derive(EventPart)` writes calls in here.

use super::event::{FieldMeta, held};
use super::field_type::FieldType;
use super::field_value::{FieldValue, Misfit, View};
use super::value::{Map, Value};

/// The members that are there.
#[doc(hidden)]
#[must_use]
pub fn part<'v, const N: usize>(members: [(&str, View<'v>); N]) -> View<'v> {
    let members = members.into_iter();
    let members = members.filter_map(|(key, view)| Some((key.to_owned(), view.into_value()?)));
    View::Made(Value::Map(members.collect::<Map>()))
}

/// A member, read back.
#[doc(hidden)]
pub fn member<T: FieldValue>(part: &Value, key: &str) -> Result<T, Misfit> {
    let members = part
        .as_map()
        .ok_or_else(|| Misfit::new(format!("it takes {}", FieldType::Struct)))?;
    match members.get(key) {
        None => {
            T::absent().ok_or_else(|| Misfit::new(format!("its `{key}` is absent; it takes {}", T::TYPE)))
        }
        Some(value) => T::from_value(value)
            .map_err(|misfit| Misfit::new(format!("its `{key}` holds {}; {misfit}", held(value)))),
    }
}

/// The fields of a struct that is nested in an event.
///
/// # Panics
///
/// Where the type is none, which happens while the application is compiled.
#[doc(hidden)]
#[must_use]
pub const fn parts_of<T: FieldValue>() -> &'static [FieldMeta] {
    assert!(
        matches!(T::TYPE, FieldType::Struct),
        "`nested` stands on a struct that derives EventPart, or on an Option of one"
    );
    T::PARTS
}
