//! One template: text, places of a record in braces, and parts in brackets that need all their places.

use super::phrase;
use crate::record::{Record, Slot, Value};

/// A sentence with gaps.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Place(Place),
    /// Left out where one of its places is empty.
    Optional(Vec<Part>),
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// The actor, with its type unless it is a user.
    Actor,
    /// The resource: type and id.
    Resource,
    /// How long it took, in words.
    Duration,
    Slot(Slot),
    /// A path within one of the slots that hold named values.
    Within(Slot, Vec<String>),
}

/// Short names for what sentences are mostly made of.
const SHORT: &[(&str, Place)] = &[
    ("actor", Place::Actor),
    ("resource", Place::Resource),
    ("duration", Place::Duration),
    ("tenant", Place::Slot(Slot::ScopeTenant)),
    ("agent", Place::Slot(Slot::AgentName)),
    ("error", Place::Slot(Slot::ErrorMessage)),
    ("decision", Place::Slot(Slot::DecisionEnforced)),
];

/// What the values of maps are called by.
const MAPS: &[(&str, Slot)] = &[
    ("detail", Slot::Detail),
    ("attributes", Slot::Attributes),
    ("label", Slot::Labels),
    ("hash", Slot::Hashes),
];

/// Where something is wrong in a template, and what.
type Wrong = (usize, String);

impl Template {
    const NOBODY: Part = Part::Place(Place::Actor);

    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let mut reader = Reader { text, at: 0 };
        let parts = reader.parts(None)?;
        Ok(Self { parts })
    }

    /// The sentence of a record.
    pub(super) fn fill(&self, record: &Record) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Optional(parts) => {
                    let mut inner = String::new();
                    if parts.iter().all(|part| part.add(record, &mut inner)) {
                        out.push_str(&inner);
                    }
                }
                part => {
                    if !part.add(record, &mut out) {
                        let nobody = *part == Self::NOBODY;
                        out.push_str(if nobody { "somebody" } else { "-" });
                    }
                }
            }
        }
        out
    }
}

impl Part {
    /// Adds the part; whether there was something for it.
    fn add(&self, record: &Record, out: &mut String) -> bool {
        match self {
            Self::Text(text) => out.push_str(&phrase::shown(text)),
            Self::Optional(_) => {}
            Self::Place(place) => match place.value(record) {
                Some(text) => out.push_str(&text),
                None => return false,
            },
        }
        true
    }
}

impl Place {
    fn parse(name: &str) -> Option<Self> {
        if let Some((_, place)) = SHORT.iter().find(|(short, _)| *short == name) {
            return Some(place.clone());
        }
        if let Some(slot) = Slot::at(name) {
            return Some(Self::Slot(slot));
        }
        let (map, path) = name.split_once('.')?;
        let (_, slot) = MAPS.iter().find(|(known, _)| *known == map)?;
        let path: Vec<String> = match slot {
            Slot::Detail => path.split('.').map(str::to_owned).collect(),
            _ => vec![path.to_owned()],
        };
        path.iter()
            .all(|key| !key.is_empty())
            .then_some(Self::Within(*slot, path))
    }

    fn value(&self, record: &Record) -> Option<String> {
        match self {
            Self::Actor => phrase::actor(record),
            Self::Resource => phrase::resource(record),
            Self::Duration => Some(phrase::duration(record.uint(Slot::DurationNs)?)),
            Self::Slot(slot @ (Slot::Time | Slot::ObservedAt)) => Some(phrase::time(record.uint(*slot)?)),
            Self::Slot(slot) => phrase::value(record.get(*slot)?),
            Self::Within(slot, path) => {
                let mut value = record.get(*slot)?;
                for key in path {
                    value = value.as_map()?.get(key)?;
                }
                phrase::value(value)
            }
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Reads parts up to the end, or up to the bracket that closes the one at `open`.
    fn parts(&mut self, open: Option<usize>) -> Result<Vec<Part>, Wrong> {
        let mut parts = Vec::new();
        let mut text = String::new();
        loop {
            let start = self.at;
            let Some(c) = self.rest().chars().next() else {
                if let Some(open) = open {
                    return Err((
                        open,
                        "the bracket is not closed; write [[ for a bracket".to_owned(),
                    ));
                }
                push(&mut parts, text);
                return Ok(parts);
            };
            self.at += c.len_utf8();
            if matches!(c, '{' | '}' | '[' | ']') && self.rest().starts_with(c) {
                self.at += 1;
                text.push(c);
                continue;
            }
            match c {
                '{' => {
                    push(&mut parts, std::mem::take(&mut text));
                    parts.push(Part::Place(self.place(start)?));
                }
                '[' if open.is_none() => {
                    push(&mut parts, std::mem::take(&mut text));
                    let inner = self.parts(Some(start))?;
                    if !inner.iter().any(|part| matches!(part, Part::Place(_))) {
                        let why = "nothing in these brackets can be empty; write [[ and ]] for brackets";
                        return Err((start, why.to_owned()));
                    }
                    parts.push(Part::Optional(inner));
                }
                ']' if open.is_some() => {
                    push(&mut parts, text);
                    return Ok(parts);
                }
                '[' => return Err((start, "brackets cannot stand in brackets".to_owned())),
                ']' | '}' => {
                    let kind = if c == ']' { "bracket" } else { "brace" };
                    let why = format!("no {kind} is open here; write {c}{c} for a {kind}");
                    return Err((start, why));
                }
                c => text.push(c),
            }
        }
    }

    /// The place that the brace at `start` names.
    fn place(&mut self, start: usize) -> Result<Place, Wrong> {
        let Some(end) = self.rest().find('}') else {
            return Err((start, "the brace is not closed; write {{ for a brace".to_owned()));
        };
        let name = self.rest().get(..end).unwrap_or_default().to_owned();
        self.at += end + 1;
        Place::parse(&name).ok_or_else(|| {
            let shorts = SHORT.iter().map(|(short, _)| *short);
            let known = shorts.chain(Slot::ALL.iter().map(|slot| slot.path()));
            let near = known.min_by_key(|known| distance(known, &name));
            let near = near.filter(|near| distance(near, &name) <= 3);
            let remedy = near.map_or_else(
                || "name a place such as `actor`, `reason`, `detail.tool.name` or `attributes.x`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            (start, format!("`{name}` is no place of a record; {remedy}"))
        })
    }
}

fn push(parts: &mut Vec<Part>, text: String) {
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
}

/// How many letters must be changed, added or taken away.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, c) in left.chars().enumerate() {
        let mut before = at;
        let mut last = at + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(&right) {
            let cost = if c == *other { before } else { before + 1 };
            before = *cell;
            last = cost.min(last + 1).min(before + 1);
            *cell = last;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// A value that says something, for tests of emptiness.
pub(super) fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Str(text) => !text.is_empty(),
        Value::List(values) => !values.is_empty(),
        Value::Map(members) => !members.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(template: &str, record: &Record) -> String {
        Template::parse(template).expect(template).fill(record)
    }

    #[test]
    fn places_are_filled_and_what_needs_an_empty_one_is_left_out() {
        let record = Record::builder("tool.denied")
            .actor("user", "ana")
            .resource("tool", "shell")
            .set(Slot::DurationNs, 1_250_000_u64)
            .set(Slot::ActorRoles, "a,b")
            .attribute("x.y", 7)
            .label("team", "core")
            .build();
        for (template, sentence) in [
            (
                "{actor} was denied {resource}[: {reason}]",
                "ana was denied tool shell",
            ),
            (
                "{actor}[ as {actor.roles}] took {duration}",
                "ana as a, b took 1.2ms",
            ),
            ("{attributes.x.y} {label.team} {reason}", "7 core -"),
            ("{{{actor}}} [[x]]", "{ana} [x]"),
            ("[{reason}][{reason_code}]", ""),
        ] {
            assert_eq!(told(template, &record), sentence);
        }
    }

    #[test]
    fn nothing_in_a_sentence_reaches_a_terminal_as_a_command() {
        let record = Record::builder("x")
            .actor("user", "ana\u{1b}[2J\n")
            .reason("\u{202e}evil")
            .build();
        let sentence = told("{actor} \u{7} {reason}", &record);
        assert_eq!(sentence, "ana\\u{1b}[2J\\n \\u{7} \\u{202e}evil");
    }

    #[test]
    fn the_distance_of_words_counts_letters() {
        assert_eq!(distance("actor", "actor"), 0);
        assert_eq!(distance("actor", "acter"), 1);
        assert_eq!(distance("reason", "reson"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
