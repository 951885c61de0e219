//! Reading JSON so that an error names the key: unknown keys with a suggestion, wrong values with their place.

use serde::Deserialize;
use serde::de::value::Error as Nothing;
use serde::de::{self, Deserializer, Visitor};
use serde_json::Value;

use super::file::{Config, Levels, ModeRule, Redaction, Seal};
use super::{CallStacks, RouteRule, Stream, limits};
use crate::error::{Error, Result};

/// Reads a configuration; what serde alone would say lacks the key, and the key that was meant.
pub(super) fn read(text: &str) -> Result<Config> {
    let tree: Value = serde_json::from_str(text)
        .map_err(|error| Error::config(format!("the configuration is not JSON: {error}")))?;
    if !tree.is_object() {
        return Err(Error::config(
            "the configuration is not a JSON object; write it as `{\"path\": \"./audit\"}`",
        ));
    }
    known_keys(&tree)?;
    // From the text, not from the tree: only the text still has a key that stands in it twice.
    serde_json::from_str(text).map_err(|error| match blame(&tree) {
        Some((path, value, cause)) => {
            let number = Some(value).filter(|value| value.is_number());
            let given = number.map_or_else(String::new, |number| format!(" is {number}"));
            Error::config(match limits::ALL.iter().find(|limit| limit.key == path) {
                Some(limit) => format!("`{path}`{given}: {cause}; {}; {}", limit.allowed(), limit.remedy),
                None => format!("`{path}`{given}: {cause}"),
            })
        }
        None => Error::config(format!("the configuration cannot be read: {error}")),
    })
}

fn known_keys(tree: &Value) -> Result<()> {
    among("", tree, fields::<Config>())?;
    among(
        "levels.",
        tree.get("levels").unwrap_or(&Value::Null),
        fields::<Levels>(),
    )?;
    among(
        "redaction.",
        tree.get("redaction").unwrap_or(&Value::Null),
        fields::<Redaction>(),
    )?;
    among(
        "call_stacks.",
        tree.get("call_stacks").unwrap_or(&Value::Null),
        fields::<CallStacks>(),
    )?;
    among(
        "seal.",
        tree.get("seal").unwrap_or(&Value::Null),
        fields::<Seal>(),
    )?;
    let rules = tree.get("modes").and_then(Value::as_array);
    for (at, rule) in rules.into_iter().flatten().enumerate() {
        among(&format!("modes[{at}]."), rule, fields::<ModeRule>())?;
    }
    let streams = tree.get("streams").and_then(Value::as_array);
    for (at, stream) in streams.into_iter().flatten().enumerate() {
        among(&format!("streams[{at}]."), stream, fields::<Stream>())?;
    }
    let routes = tree.get("routes").and_then(Value::as_array);
    for (at, rule) in routes.into_iter().flatten().enumerate() {
        among(&format!("routes[{at}]."), rule, fields::<RouteRule>())?;
    }
    Ok(())
}

/// Refuses the keys of an object that are not `known`. Anything else is left to the types, but for a list: they would read
/// its values as those of the keys in their order.
fn among(place: &str, value: &Value, known: &[&'static str]) -> Result<()> {
    if value.is_array() {
        return Err(Error::config(format!(
            "`{}` is a list; write an object, whose keys can be {}",
            place.trim_end_matches('.'),
            known.join(", ")
        )));
    }
    for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
        if known.contains(&key.as_str()) {
            continue;
        }
        return Err(Error::config(unknown(place, key, known)));
    }
    Ok(())
}

/// What is said of a key that is not `known`. `place` ends with a dot, or is empty.
pub(crate) fn unknown(place: &str, key: &str, known: &[&'static str]) -> String {
    let remedy = match nearest(key, known) {
        Some(meant) => format!("did you mean `{place}{meant}`?"),
        None => format!("known keys are {}", known.join(", ")),
    };
    format!("unknown key `{place}{key}`; {remedy}")
}

/// The known key with the fewest edits from `key`, unless the two have little in common.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let (edits, meant) = known.iter().map(|&name| (edits(key, name), name)).min()?;
    (edits <= (key.chars().count() / 3).max(1)).then_some(meant)
}

/// The Levenshtein distance in characters, case and the sort of separator aside.
fn edits(left: &str, right: &str) -> usize {
    let plain = |character: char| match character {
        '-' | '.' | ' ' => '_',
        other => other.to_ascii_lowercase(),
    };
    let right: Vec<char> = right.chars().map(plain).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, character) in left.chars().map(plain).enumerate() {
        let mut diagonal = at;
        let mut before = at + 1;
        for (cell, &other) in row.iter_mut().skip(1).zip(&right) {
            let replaced = diagonal + usize::from(character != other);
            diagonal = *cell;
            *cell = replaced.min(before + 1).min(diagonal + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The first value that cannot be read, with its path, and why. It is found by reading each value alone, which is
/// possible because no key is required.
fn blame(tree: &Value) -> Option<(String, &Value, String)> {
    for (key, value) in tree.as_object()? {
        let alone = |value: &Value| {
            let object = Value::Object([(key.clone(), value.clone())].into_iter().collect());
            Config::deserialize(object).err().map(|error| error.to_string())
        };
        let Some(cause) = alone(value) else { continue };
        let inner = match value {
            Value::Object(members) => members.iter().find_map(|(name, member)| {
                let object = Value::Object([(name.clone(), member.clone())].into_iter().collect());
                Some((format!("{key}.{name}"), member, alone(&object)?))
            }),
            Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| {
                let cause = alone(&Value::Array(vec![item.clone()]))?;
                Some((format!("{key}[{at}]"), item, cause))
            }),
            _ => None,
        };
        return inner.or(Some((key.clone(), value, cause)));
    }
    None
}

/// The keys of a struct as serde knows them, so that there is no second list to forget.
fn fields<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut found: &'static [&'static str] = &[];
    // Always an error: there is nothing to read. The names have been noted by then.
    let _nothing = T::deserialize(Names(&mut found));
    found
}

/// A deserializer that holds nothing and notes which fields it was asked for.
struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Nothing;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Nothing> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Nothing> {
        Err(de::Error::custom("there is nothing to read"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_edits_is_that_of_the_definition() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("keep-days", "keep_days", 0),
            ("KEEP_DAYS", "keep_days", 0),
            ("keep_dys", "keep_days", 1),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!(edits(left, right), expected, "{left} → {right}");
            assert_eq!(edits(right, left), expected, "{right} → {left}");
        }
    }

    #[test]
    fn the_keys_are_those_of_the_structs() {
        assert_eq!(fields::<Levels>(), ["tools", "sessions", "automation"]);
        assert_eq!(fields::<ModeRule>(), ["event", "category", "mode"]);
        assert_eq!(
            fields::<CallStacks>(),
            ["nodes", "depth", "targets", "every_span", "of"]
        );
        assert!(fields::<Config>().contains(&"max_size_mb"));
    }
}
