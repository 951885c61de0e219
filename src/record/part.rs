//! Structs inside the fields of typed events: what `derive(EventPart)` writes calls in here.

use super::event::{FieldClass, FieldMeta, held, is_same};
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

/// Checks that a field of this class may hold structs as a whole: none of their own classes is lost by it.
///
/// # Panics
///
/// Where one is, which happens while the application is compiled.
#[doc(hidden)]
pub const fn whole<T: FieldValue>(class: FieldClass) {
    assert!(
        covers(class, T::PARTS),
        "a part inside has a stricter class than the whole: write detail = \"…\", nested for a struct; a list or a map of \
         structs is of the class of its parts, or `secret`"
    );
}

/// Whether nothing inside is of a stricter class than the whole.
const fn covers(whole: FieldClass, parts: &[FieldMeta]) -> bool {
    let mut at = 0;
    while at < parts.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "a loop over its own length; `get` is not const"
        )]
        let FieldMeta {
            class,
            action,
            parts: inside,
            ..
        } = parts[at];
        let is_like = is_same(class.kind, whole.kind) && is_same(class.label, whole.label);
        let is_open = is_same(class.kind, "public")
            || is_same(class.kind, "internal") && !is_same(whole.kind, "public");
        let is_covered = match inside.is_empty() {
            true => is_same(whole.kind, "secret") || (is_like || is_open) && action.is_none(),
            false => covers(whole, inside),
        };
        if !is_covered {
            return false;
        }
        at += 1;
    }
    true
}
