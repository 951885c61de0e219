//! Steps through lines value by value, and knows again what stood between the values of lines before: most lines of a trail
//! differ in their values alone.
//!
//! Invariant: a step that is known again is one that was read before, byte for byte, behind the same key; and only steps are
//! kept by which the keys of an object rise. So whatever is kept, a line is read as it is without it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use super::grammar::{LONGEST_KEY, Next, StepKind, next};
use super::json::{Json, Parsed, Parser};
use super::step::{Plain, Step, end, other, skip, text};

/// No more keys are kept, none longer than [`LONGEST_KEY`], and no more ways on from one: whoever makes keys up is read without.
const MOST_KEYS: usize = 512;
const MOST_STEPS: usize = 8;

/// No longer step is kept: there can be any number of spaces in one.
const LONGEST_STEP: usize = 4 * LONGEST_KEY;

/// A key of the line, or one within an object that is a member of the line; with what its reader keeps for it.
struct Known<T> {
    object: Option<Box<str>>,
    key: Box<str>,
    kept: T,
    steps: Vec<Step>,
}

/// What is known of the lines before. Not shown: keys can be the application's own.
pub(crate) struct Track<T> {
    /// The first stands for the begin of a line, the second for a key that is not kept.
    known: Vec<Known<T>>,
    places: HashMap<Box<str>, usize>,
}

const BEGIN: usize = 0;
const UNKEPT: usize = 1;
/// In place of a key: the end of the line.
const END: usize = usize::MAX;

/// A key, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot<'k> {
    /// The member of the line that is the object which has the key; `None` where the line itself has it.
    pub(crate) object: Option<&'k str>,
    pub(crate) key: &'k str,
}

/// How lines are read.
pub(crate) trait Reader<'a, T> {
    /// Whether the members of this object are read one by one. Not those of an object without any, or with a single one whose
    /// key begins with `$`: it stands for something else, and is a value. Nor those of one with a key above 256 bytes.
    fn enters(&self, key: &str) -> bool;

    /// What is kept for a key.
    fn keeps(&self, spot: Spot<'_>) -> T;

    /// Whether a value that is neither a text without escapes nor a short whole number need not be given.
    fn skips(&self, kept: &T) -> bool {
        let _ = kept;
        false
    }

    /// Takes a value.
    fn value(&mut self, kept: &T, value: Json<'a>);

    /// Takes a text without escapes.
    #[inline]
    fn text(&mut self, kept: &T, text: Plain<'a>) {
        self.value(kept, Json::Str(Cow::Borrowed(text.as_str())));
    }

    /// Takes a whole number of at most fifteen digits.
    #[inline]
    fn digits(&mut self, kept: &T, digits: Plain<'a>) {
        self.value(kept, Json::Number(digits.as_str()));
    }
}

impl<T: Default> Default for Track<T> {
    fn default() -> Self {
        let none = || Known {
            object: None,
            key: Box::default(),
            kept: T::default(),
            steps: Vec::new(),
        };
        Self {
            known: vec![none(), none()],
            places: HashMap::new(),
        }
    }
}

impl<T> fmt::Debug for Track<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Track").field(&self.places.len()).finish()
    }
}

impl<T> Track<T> {
    /// Goes through a line that is a JSON object.
    ///
    /// # Errors
    ///
    /// The flaw of a line that is not one, or has a key twice. Some values may have been given by then.
    pub(crate) fn read<'a>(&mut self, line: &'a [u8], reader: &mut impl Reader<'a, T>) -> Parsed<()> {
        if self.known.len() >= MOST_KEYS {
            // Whoever made up so many keys is not to have all later lines read without.
            self.places.clear();
            self.known.truncate(UNKEPT + 1);
            self.known.iter_mut().for_each(|known| known.steps.clear());
        }
        let mut whole = match line.is_ascii() {
            true => None,
            false => Some(text(line)?),
        };
        let (mut at, mut from, mut is_checked) = (0, BEGIN, false);
        loop {
            from = match self.step(from, line.get(at..).unwrap_or_default()) {
                Some((len, to)) => {
                    at += len;
                    to
                }
                None => {
                    let mut parser = Parser {
                        text: once(&mut whole, line)?,
                        at,
                    };
                    let to = self.learn(from, &mut parser, &mut is_checked, reader)?;
                    at = parser.at;
                    to
                }
            };
            let Some(known) = self.known.get(from) else {
                return end(line, at);
            };
            if let Some((text, behind)) = Plain::text(line, at) {
                reader.text(&known.kept, text);
                at = behind;
            } else if let Some((digits, behind)) = Plain::digits(line, at) {
                reader.digits(&known.kept, digits);
                at = behind;
            } else {
                let depth = 1 + u32::from(known.object.is_some());
                let skips = reader.skips(&known.kept);
                at = match skips.then(|| skip(line, at, depth)).flatten() {
                    Some(behind) => behind,
                    None => {
                        let (value, behind) = other(line, at, depth, || once(&mut whole, line))?;
                        reader.value(&known.kept, value);
                        behind
                    }
                };
            }
        }
    }

    /// The step that stands here, if it is known.
    #[inline(always)]
    fn step(&mut self, from: usize, rest: &[u8]) -> Option<(usize, usize)> {
        let steps = &mut self.known.get_mut(from)?.steps;
        if let Some(first) = steps.first().filter(|step| step.is_at(rest)) {
            return Some((first.len(), first.to));
        }
        let at = steps.iter().position(|step| step.is_at(rest))?;
        // What comes often is soon looked at first.
        steps.swap(at, at.saturating_sub(1));
        let step = steps.get(at.saturating_sub(1))?;
        Some((step.len(), step.to))
    }

    /// Steps to the next value as the grammar has it, and keeps the step.
    #[cold]
    fn learn<'a>(
        &mut self,
        from: usize,
        parser: &mut Parser<'a>,
        is_checked: &mut bool,
        reader: &impl Reader<'a, T>,
    ) -> Parsed<usize> {
        let start = parser.at;
        let before = self.known.get(from).filter(|_| from != BEGIN);
        let mut object = before.and_then(|known| known.object.clone());
        let before: Option<Box<str>> = before.map(|known| known.key.clone());
        let next = next(parser, &mut object, before.as_deref(), |key| reader.enters(key))?;
        let Some(Next { key, rises, kind }) = next else {
            self.keep(from, parser, start, END, false);
            return Ok(END);
        };
        if !rises && !std::mem::replace(is_checked, true) {
            // A key can stand twice only where keys do not rise.
            let text = parser.text;
            let mut whole = Parser { text, at: 0 };
            whole.space();
            whole.value(0)?;
        }
        let spot = Spot {
            object: object.as_deref(),
            key: &key,
        };
        let to = self.place(spot, reader);
        if rises && kind != StepKind::Odd && to != UNKEPT {
            self.keep(from, parser, start, to, kind == StepKind::Open);
        }
        Ok(to)
    }

    /// The place of a key.
    fn place<'a>(&mut self, spot: Spot<'_>, reader: &impl Reader<'a, T>) -> usize {
        let path = match spot.object {
            // The length tells where the one ends and the other begins.
            Some(object) => format!("{}:{object}:{}", object.len(), spot.key),
            None => format!(":{}", spot.key),
        };
        if let Some(at) = self.places.get(path.as_str()) {
            return *at;
        }
        let known = Known {
            object: spot.object.map(Box::from),
            key: spot.key.into(),
            kept: reader.keeps(spot),
            steps: Vec::new(),
        };
        if self.known.len() < MOST_KEYS && spot.key.len() <= LONGEST_KEY {
            self.places.insert(path.into(), self.known.len());
            self.known.push(known);
            return self.known.len() - 1;
        }
        if let Some(unkept) = self.known.get_mut(UNKEPT) {
            *unkept = known;
        }
        UNKEPT
    }

    fn keep(&mut self, from: usize, parser: &Parser<'_>, start: usize, to: usize, is_open: bool) {
        let text = parser.text.as_bytes().get(start..parser.at);
        let known = self.known.get_mut(from).filter(|_| from != UNKEPT);
        if let (Some(text), Some(known)) = (text.filter(|text| text.len() <= LONGEST_STEP), known) {
            known.steps.truncate(MOST_STEPS - 1);
            known.steps.push(Step::new(text, to, is_open));
        }
    }
}

/// The text of the line, which is looked at once.
fn once<'a>(whole: &mut Option<&'a str>, line: &'a [u8]) -> Parsed<&'a str> {
    if whole.is_none() {
        *whole = Some(text(line)?);
    }
    Ok(whole.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::json::parse_json;
    use super::*;

    /// Keeps every value with its path.
    #[derive(Debug, Default, PartialEq)]
    struct All(Vec<(String, String)>);

    impl<'a> Reader<'a, String> for All {
        fn enters(&self, key: &str) -> bool {
            key < "n"
        }

        fn keeps(&self, spot: Spot<'_>) -> String {
            format!("{:?}/{}", spot.object, spot.key)
        }

        fn value(&mut self, path: &String, value: Json<'a>) {
            self.0.push((path.clone(), format!("{value:?}")));
        }
    }

    fn by(track: &mut Track<String>, line: &str) -> Option<All> {
        let mut all = All::default();
        track.read(line.as_bytes(), &mut all).is_ok().then_some(all)
    }

    /// What stands in the tree of a line.
    fn of_tree(line: &str) -> Option<All> {
        let Ok(Json::Object(members)) = parse_json(line.as_bytes()) else {
            return None;
        };
        let mut all = All::default();
        for (key, value) in members {
            match &value {
                Json::Object(inner) if &*key < "n" && !is_value_of(inner) => {
                    for (name, value) in inner {
                        all.0
                            .push((format!("{:?}/{name}", Some(&*key)), format!("{value:?}")));
                    }
                }
                _ => all
                    .0
                    .push((format!("{:?}/{key}", None::<&str>), format!("{value:?}"))),
            }
        }
        Some(all)
    }

    fn is_value_of(members: &[(Cow<'_, str>, Json<'_>)]) -> bool {
        match members {
            [] => true,
            [(key, _)] => key.starts_with('$'),
            _ => false,
        }
    }

    /// Parts that make lines, and nearly lines: each begins, goes on or ends as others do.
    fn line() -> impl Strategy<Value = String> {
        let key = prop_oneof!["a", "b", "c", "x", "z", "[$]m", "\\\\u0061", "é"];
        let value = prop_oneof![
            4 => Just("1".to_owned()),
            4 => Just("\"t\"".to_owned()),
            1 => Just("\"\\n\"".to_owned()),
            1 => Just("[1,{\"a\":null}]".to_owned()),
            1 => Just("{}".to_owned()),
            1 => Just("01".to_owned()),
            1 => Just("{\"q\":1,\"q\":2}".to_owned()),
        ];
        let space = prop_oneof![9 => Just(""), 1 => Just(" ")];
        let object = |value: BoxedStrategy<String>| {
            let key = key.clone();
            let space = space.clone();
            prop::collection::vec((key, space.clone(), value, space), 0..5).prop_map(|members| {
                let members = members
                    .into_iter()
                    .map(|(key, before, value, behind)| format!("\"{key}\":{before}{value}{behind}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            })
        };
        let inner = object(value.clone().boxed());
        let line = object(prop_oneof![2 => value.boxed(), 1 => inner.boxed()].boxed());
        (
            line,
            prop_oneof![9 => Just(""), 1 => Just(" "), 1 => Just("}"), 1 => Just(",")],
        )
            .prop_map(|(line, behind)| line + behind)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_stood_in_lines_before_each_is_read_as_its_tree_is(
            lines in prop::collection::vec(line(), 1..40),
        ) {
            let mut track = Track::default();
            for line in lines {
                prop_assert_eq!(by(&mut track, &line), of_tree(&line), "{}", line);
            }
        }
    }

    #[test]
    fn a_known_step_is_not_taken_where_the_bytes_behind_it_make_it_another_one() {
        let mut track = Track::default();
        for line in [
            r#"{"a":{"b":1},"x":1}"#,
            r#"{"a":{"b":1},"x":1} "#,
            r#"{"a":{"b":1},"x":1}}"#,
            r#"{"a":{"b":1},"x": 1}"#,
            r#"{"a":{"$m":1},"x":1}"#,
            r#"{"a":{"$m":1,"b":2},"x":1}"#,
            r#"{"a":{"$m":1},"x":1}"#,
            r#"{"a":5,"x":1}"#,
            r#"{"a":{"b":1},"x":1}"#,
            r#"{"a":{},"x":1}"#,
            r#"{"x":1,"a":{"b":1}}"#,
            r#"{"x":1,"a":{"b":1},"x":2}"#,
            r#"{"a":{"b":1,"b":2},"x":1}"#,
            r#"{"a":{"b":1},"x":1"#,
            "{}",
            "{} ",
            " {}",
            "[]",
            "",
        ] {
            for _ in 0..2 {
                assert_eq!(by(&mut track, line), of_tree(line), "{line}");
            }
        }
    }

    #[test]
    fn whoever_makes_keys_up_takes_no_memory_and_is_read_all_the_same() {
        let mut track = Track::default();
        for number in 0..3 * MOST_KEYS {
            let line = format!(r#"{{"a":{{"k{number}":1}},"b{number}":2,"x":3}}"#);
            assert_eq!(by(&mut track, &line), of_tree(&line), "{line}");
        }
        let many: Vec<String> = (0..2 * MOST_KEYS)
            .map(|number| format!("\"k{number:05}\":1"))
            .collect();
        let line = format!("{{{}}}", many.join(","));
        for _ in 0..2 {
            assert_eq!(by(&mut track, &line), of_tree(&line));
        }
        // Long keys, each of which would be kept with every member of its object.
        let long = "l".repeat(100_000);
        let members: Vec<String> = (0..100).map(|number| format!("\"m{number:03}\":1")).collect();
        for line in [
            format!("{{\"a{long}\":{{{}}},\"x\":2}}", members.join(",")),
            format!("{{\"a\":{{\"{long}\":1}},\"a{long}\":2,\"x\":3}}"),
            format!("{{\"a\":1{0},{0}\"b\":2{0},\"x\":3{0}}}", " ".repeat(100_000)),
        ] {
            let mut all = by(&mut track, &line).unwrap();
            assert_eq!(all.0.pop(), of_tree(&line).unwrap().0.pop());
        }
        assert!(track.known.len() <= MOST_KEYS && track.places.len() <= MOST_KEYS);
        let of = |known: &Known<_>| known.key.len() + known.object.as_ref().map_or(0, |object| object.len());
        let kept = track.known.iter().enumerate().filter(|(at, _)| *at != UNKEPT);
        assert!(kept.map(|(_, known)| of(known)).all(|len| len <= 2 * LONGEST_KEY));
        let mut steps = track.known.iter().flat_map(|known| &known.steps);
        assert!(steps.all(|step| step.len() <= LONGEST_STEP));
        assert!(track.known.iter().all(|known| known.steps.len() <= MOST_STEPS));
    }
}
