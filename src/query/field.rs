//! Field names: what a name in a query means, and what to say where it means nothing.

use crate::clock::MAX_TIME;
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Kind, Map, Naming, Record, Resolved, Slot, Value};

use super::ast::{Expr, Field, Test, Wanted};
use super::time::write_time;

/// Names that only the query language has, beside the record's own.
const SHORT: &[(&str, Slot)] = &[
    ("trace", Slot::TraceId),
    ("span", Slot::SpanId),
    ("session", Slot::SessionId),
    ("request", Slot::RequestId),
    ("correlation", Slot::CorrelationId),
    ("duration", Slot::DurationNs),
    ("agent", Slot::AgentId),
    ("ip", Slot::ActorIp),
];

/// Prefixes of members, as suggestions write them.
const PREFIXES: &[&str] = &["attributes.", "label.", "hash.", "detail."];

/// Words of open vocabularies, for [`slips`].
const WORDS: &[(Slot, &[&str])] = &[
    (
        Slot::Outcome,
        &["success", "failure", "denied", "pending", "unknown"],
    ),
    (
        Slot::ActorType,
        &["user", "system", "service", "agent", "unknown"],
    ),
    (Slot::DecisionEnforced, &["allow", "deny", "pending", "redact"]),
    (Slot::DecisionShadow, &["allow", "deny", "pending", "redact"]),
];

/// The levels, least first, in the order of their ranks from 1.
pub(super) const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// What a name in a query means, and how its values are read.
pub(super) fn resolve(name: &str) -> Option<(Field, Naming)> {
    let bare = name.strip_prefix("audit.").unwrap_or(name);
    let member = |prefixes: &[&str]| {
        prefixes
            .iter()
            .find_map(|prefix| bare.strip_prefix(prefix))
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
    };
    if let Some(key) = member(&["attributes.", "attribute.", "attr."]) {
        return Some((Field::Attribute(key), Naming::Plain));
    }
    if let Some(key) = member(&["detail."]) {
        return Some((Field::Detail(key), Naming::Plain));
    }
    if bare == "resource" {
        return Some((Field::Resource, Naming::Plain));
    }
    let short = SHORT
        .iter()
        .find(|(short, _)| *short == bare)
        .map(|(_, slot)| *slot);
    if let Some(slot) = Slot::at(bare).or(short) {
        return Some((Field::Slot(slot), Naming::Plain));
    }
    match Resolved::of(bare) {
        Resolved::Slot(slot, naming) => Some((Field::Slot(slot), naming)),
        Resolved::Label(key) => Some((Field::Label(key.to_owned()), Naming::Plain)),
        Resolved::Hash(key) => Some((Field::Hash(key.to_owned()), Naming::Plain)),
        Resolved::Detail(path) => Some((Field::Detail(path.to_owned()), Naming::Plain)),
        Resolved::Attribute(_) => None,
    }
}

/// The name under which a field is written.
pub(super) fn name(field: &Field) -> String {
    match field {
        Field::Slot(slot) => slot.path().to_owned(),
        Field::Resource => "resource".to_owned(),
        Field::Label(key) => format!("label.{key}"),
        Field::Hash(key) => format!("hash.{key}"),
        Field::Attribute(key) => format!("attributes.{key}"),
        Field::Detail(key) => format!("detail.{key}"),
    }
}

impl Field {
    /// The field that a name in a query means.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Query`] for a name that means nothing, with the one that may be meant.
    pub fn named(name: &str) -> Result<Self> {
        let found = resolve(name).map(|(field, _)| field);
        found.ok_or_else(|| {
            Error::new(
                ErrorKind::Query,
                format!("unknown field `{name}`; {}", suggest(name)),
            )
        })
    }

    /// The name under which it is written.
    #[must_use]
    pub fn name(&self) -> String {
        name(self)
    }

    /// The slots that it is told by.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        match self {
            Self::Slot(Slot::CorrelationId) => vec![Slot::CorrelationId, Slot::TraceId],
            Self::Slot(slot) => vec![*slot],
            Self::Resource => vec![Slot::ResourceType, Slot::ResourceId],
            Self::Label(_) => vec![Slot::Labels],
            Self::Hash(_) => vec![Slot::Hashes],
            Self::Attribute(_) => vec![Slot::Attributes],
            Self::Detail(_) => vec![Slot::Detail],
        }
    }

    /// What the record has in this field, as text: nothing, one value, or those of a list. Times are in RFC 3339, a resource
    /// is `type/id`; a structure has no text.
    #[must_use]
    pub fn texts(&self, record: &Record) -> Vec<String> {
        let member = |slot: Slot, key: &str| record.map(slot).and_then(|map| map.get(key));
        let value = match self {
            Self::Slot(Slot::CorrelationId) => {
                return record.correlation_id().map(str::to_owned).into_iter().collect();
            }
            Self::Slot(slot) if slot.kind() == Kind::Time => {
                let time = record.uint(*slot).filter(|time| *time <= MAX_TIME);
                return time.map(write_time).into_iter().collect();
            }
            Self::Slot(slot) => record.get(*slot),
            Self::Resource => {
                let parts = [Slot::ResourceType, Slot::ResourceId].map(|slot| record.text(slot));
                let parts: Vec<&str> = parts.into_iter().flatten().collect();
                return (!parts.is_empty()).then(|| parts.join("/")).into_iter().collect();
            }
            Self::Label(key) => member(Slot::Labels, key),
            Self::Hash(key) => member(Slot::Hashes, key),
            Self::Attribute(path) => record.map(Slot::Attributes).and_then(|map| at(map, path)),
            Self::Detail(path) => record.map(Slot::Detail).and_then(|map| at(map, path)),
        };
        match value {
            Some(Value::List(values)) => values.iter().filter_map(text_of).collect(),
            value => value.and_then(text_of).into_iter().collect(),
        }
    }
}

/// The member of this name; where there is none, what the longest head that names a map has for the rest.
fn at<'m>(map: &'m Map, path: &str) -> Option<&'m Value> {
    map.get(path).or_else(|| {
        path.rmatch_indices('.').find_map(|(dot, _)| {
            let (head, rest) = (path.get(..dot)?, path.get(dot + 1..)?);
            at(map.get(head)?.as_map()?, rest)
        })
    })
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.clone()),
        Value::Null => Some("null".to_owned()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::Uint(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The remedy for a name that means nothing.
pub(super) fn suggest(name: &str) -> String {
    let names = Resolved::names().map(|(known, ..)| known);
    let slots = Slot::ALL.iter().map(|slot| slot.path());
    let short = SHORT.iter().map(|(short, _)| *short);
    let known = names.chain(slots).chain(short).chain(["resource"]);
    let own = format!("for a field of your own write `attributes.{name}`");
    if let Some(prefix) = PREFIXES
        .iter()
        .find(|prefix| name.split_once('.').is_some_and(|(head, _)| near(head, prefix)))
    {
        let key = name.split_once('.').map_or("", |(_, key)| key);
        return format!("did you mean `{prefix}{key}`?");
    }
    match nearest(name, known) {
        Some(known) => format!("did you mean `{known}`? {own}"),
        None => format!("known are the names in docs/fields.md; {own}"),
    }
}

fn near(word: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('.');
    word != prefix && distance(word, prefix) <= 2
}

/// The known word that lies nearest, if one is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    known
        .map(|known| (distance(&word.to_lowercase(), known), known))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, known)| known)
}

/// How many insertions, deletions, replacements and swaps of neighbours lead from one word to the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (i, l) in left.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&row, j) + usize::from(l != *r))
                .min(at(&row, j + 1) + 1)
                .min(at(&next, j) + 1);
            if j > 0 && previous == Some(*r) && right.get(j - 1) == Some(&l) {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        previous = Some(l);
    }
    row.last().copied().unwrap_or(0)
}

/// Collects allowed values that look like a slip of a known word.
pub(super) fn slips(expr: &Expr, into: &mut Vec<(String, &'static str)>) {
    match expr {
        Expr::And(members) | Expr::Or(members) => members.iter().for_each(|member| slips(member, into)),
        Expr::Not(inner) => slips(inner, into),
        Expr::Field(Field::Slot(slot), Test::In(values)) => {
            let Some((_, words)) = WORDS.iter().find(|(known, _)| known == slot) else {
                return;
            };
            for value in values {
                let Wanted::Text(pattern) = value else { continue };
                let Some(text) = pattern.as_exact().filter(|text| !words.contains(text)) else {
                    continue;
                };
                if let Some(word) = nearest(text, words.iter().copied()) {
                    into.push((text.to_owned(), word));
                }
            }
        }
        Expr::Field(..) | Expr::Text(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_alias_and_short_form_is_a_field() {
        for slot in Slot::ALL {
            assert_eq!(
                resolve(slot.path()),
                Some((Field::Slot(*slot), Naming::Plain)),
                "{}",
                slot.path()
            );
        }
        for (name, slot, naming) in Resolved::names().filter(|(name, ..)| *name != "resource") {
            assert_eq!(resolve(name), Some((Field::Slot(slot), naming)), "{name}");
        }
        for (short, slot) in SHORT {
            assert_eq!(
                resolve(short),
                Some((Field::Slot(*slot), Naming::Plain)),
                "{short}"
            );
        }
    }

    #[test]
    fn a_short_form_hides_no_name_of_the_record() {
        for (short, slot) in SHORT {
            if let Resolved::Slot(known, _) = Resolved::of(short) {
                assert_eq!(known, *slot, "{short}");
            }
            assert_eq!(Slot::at(short), None, "{short}");
        }
    }

    #[test]
    fn a_field_is_written_under_a_name_that_means_it() {
        for field in [
            Field::Slot(Slot::Outcome),
            Field::Resource,
            Field::Label("a.b".to_owned()),
            Field::Hash("x".to_owned()),
            Field::Attribute("label.x".to_owned()),
            Field::Detail("x.y".to_owned()),
        ] {
            assert_eq!(resolve(&name(&field)).map(|(field, _)| field), Some(field));
        }
    }

    #[test]
    fn a_field_gives_the_texts_that_a_query_for_them_finds() {
        let record = Record::builder("document.read")
            .time(0)
            .resource("document", "7")
            .set(Slot::ActorRoles, "reader, editor")
            .attribute("port", 443_u16)
            .attribute("a", Value::from(Map::from([("b".to_owned(), Value::from(true))])))
            .label("team", "core")
            .build();
        let texts = |name: &str| Field::named(name).unwrap().texts(&record);
        assert_eq!(texts("event"), ["document.read"]);
        assert_eq!(texts("resource"), ["document/7"]);
        assert_eq!(texts("actor.roles"), ["reader", "editor"]);
        assert_eq!(texts("attributes.port"), ["443"]);
        assert_eq!(texts("attributes.a.b"), ["true"]);
        assert_eq!(texts("label.team"), ["core"]);
        assert_eq!(texts("time"), ["1970-01-01T00:00:00Z"]);
        assert_eq!(texts("reason"), [""; 0]);
        assert_eq!(texts("attributes.a"), [""; 0], "a structure has no text");
        let error = Field::named("outcom").unwrap_err().to_string();
        assert!(error.contains("did you mean `outcome`"), "{error}");
    }

    #[test]
    fn distance_counts_edits_and_swaps() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("actor", "actor", 0),
            ("actr", "actor", 1),
            ("acotr", "actor", 1),
            ("outcmoe", "outcome", 1),
            ("größe", "grosse", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }
}
