//! Rules of the application's: which fields, where, and what is done to them.

use super::action::Action;
use super::class::{Class, interned};
use super::words::Words;
use crate::config::Glob;

/// A rule about fields by name, and if need be by event, category and type of value.
///
/// What fits by its whole path is preferred to what fits by a pattern, and that to what fits by words; among equals
/// the stricter action is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct FieldRule {
    pub(super) id: &'static str,
    pub(super) fits: Fits,
    pub(super) event: Option<Glob>,
    pub(super) category: Option<Glob>,
    pub(super) values: Option<ValueType>,
    pub(super) class: Option<Class>,
    pub(super) action: Option<Action>,
}

/// The types of values that a rule can be limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueType {
    /// Texts, bytes, and what is shown by `Debug` or `Display`.
    Text,
    /// Integers, floats and truth values.
    Number,
}

/// How a rule names fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fits {
    Words(Words),
    Glob(Box<[Segment]>),
    Path(Box<str>),
}

/// One segment of a pattern over paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// `**`: any number of segments, none included.
    Any,
    One(Glob),
}

/// What is known of the field that a rule is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The field's name, or the key inside of a value.
    pub(crate) name: &'a str,
    /// The name with the names of what it stands in, joined by dots.
    pub(crate) path: &'a str,
    pub(crate) about: About<'a>,
}

/// What is known of the record before its values are: `None` where a field may say otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) event: Option<&'a str>,
    pub(crate) category: Option<&'a str>,
}

impl FieldRule {
    fn new(fits: Fits) -> Self {
        Self {
            id: "custom",
            fits,
            event: None,
            category: None,
            values: None,
            class: None,
            action: None,
        }
    }

    /// A rule for every field whose name contains these words, in this order, however the name is spelt: `insurance
    /// number` fits `insuranceNumber` and `x_insurance_number`.
    pub fn words(words: &str) -> Self {
        Self::new(Fits::Words(Words::of(words)))
    }

    /// A rule for every field whose dotted path fits the pattern: `*` stands for any characters within a segment, a
    /// segment `**` for any number of segments, none included: `**.email`, `card.*`.
    pub fn glob(pattern: &str) -> Self {
        let segments = pattern.split('.').map(|segment| match segment {
            "**" => Segment::Any,
            segment => Segment::One(Glob::new(segment)),
        });
        Self::new(Fits::Glob(segments.collect()))
    }

    /// A rule for the one field with this dotted path: `card.number`.
    pub fn path(path: &str) -> Self {
        Self::new(Fits::Path(path.into()))
    }

    /// What the record's `redaction` and the counters call the rule; `custom` otherwise.
    pub fn id(mut self, id: &str) -> Self {
        self.id = interned(id);
        self
    }

    /// Limits the rule to events whose name fits the pattern (`refund.*`). Where the name is not known when a callsite
    /// is planned, because a field gives it, a rule that removes something applies, and one that keeps does not.
    pub fn event(mut self, pattern: &str) -> Self {
        self.event = Some(Glob::new(pattern));
        self
    }

    /// Limits the rule to categories that fit the pattern. See [`Self::event`].
    pub fn category(mut self, pattern: &str) -> Self {
        self.category = Some(Glob::new(pattern));
        self
    }

    /// Limits the rule to one type of values.
    pub fn values(mut self, values: ValueType) -> Self {
        self.values = Some(values);
        self
    }

    /// The class of these fields, from which the policy takes the action unless the rule gives one.
    pub fn class(mut self, class: Class) -> Self {
        self.class = Some(class);
        self
    }

    /// What is done to these fields.
    pub fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// How narrowly the rule names fields; `None` where it does not name this one.
    pub(super) fn fit(&self, asked: &Asked<'_>, words: &Words) -> Option<u8> {
        match &self.fits {
            Fits::Path(path) => (**path == *asked.path).then_some(3),
            Fits::Glob(segments) => {
                let path: Vec<&str> = asked.path.split('.').collect();
                matches(segments, &path).then_some(2)
            }
            // `PrOmPt` is one word, whatever its capitals say.
            Fits::Words(own) => {
                (words.contains(own) || Words::in_any_case(asked.name).contains(own)).then_some(1)
            }
        }
    }

    /// Whether the rule's conditions hold. `otherwise` stands for what is not known.
    pub(super) fn holds(&self, about: About<'_>, values: ValueType, otherwise: bool) -> bool {
        let holds = |glob: &Option<Glob>, name: Option<&str>| match (glob, name) {
            (None, _) => true,
            (Some(glob), Some(name)) => glob.matches(name),
            (Some(_), None) => otherwise,
        };
        holds(&self.event, about.event)
            && holds(&self.category, about.category)
            && self.values.is_none_or(|own| own == values)
    }

    /// Whether the rule asks about the record, so that a decision by it does not hold for all records.
    pub(super) fn is_conditional(&self) -> bool {
        self.event.is_some() || self.category.is_some()
    }

    /// The fields that the rule names, as `audit.open` states them.
    pub(crate) fn target(&self) -> String {
        match &self.fits {
            Fits::Words(words) => words.joined(),
            Fits::Path(path) => path.to_string(),
            Fits::Glob(segments) => {
                let segments: Vec<&str> = segments
                    .iter()
                    .map(|segment| match segment {
                        Segment::Any => "**",
                        Segment::One(glob) => glob.as_str(),
                    })
                    .collect();
                segments.join(".")
            }
        }
    }
}

fn matches(segments: &[Segment], path: &[&str]) -> bool {
    match (segments.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((Segment::Any, rest)), _) => {
            (0..=path.len()).any(|skipped| path.get(skipped..).is_some_and(|path| matches(rest, path)))
        }
        (Some((Segment::One(glob), rest)), Some((name, path))) => glob.matches(name) && matches(rest, path),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(rule: &FieldRule, path: &str) -> bool {
        let asked = Asked {
            name: path,
            path,
            about: About::default(),
        };
        rule.fit(&asked, &Words::of(path)).is_some()
    }

    #[test]
    fn a_rule_fits_by_words_by_pattern_or_by_path() {
        let words = FieldRule::words("insurance number");
        assert!(fits(&words, "x_insuranceNumber") && !fits(&words, "insurance") && !fits(&words, "numbers"));
        assert!(fits(&words, "iNsUrAnCe-nUmBeR") && !fits(&words, "iNsUrAnCe-nUmBeRs"));
        let glob = FieldRule::glob("**.email");
        assert!(fits(&glob, "email") && fits(&glob, "a.b.email") && !fits(&glob, "email.a"));
        let one = FieldRule::glob("card.*.n*");
        assert!(fits(&one, "card.x.number") && !fits(&one, "card.number") && !fits(&one, "card.x.y.n"));
        let path = FieldRule::path("card.number");
        assert!(fits(&path, "card.number") && !fits(&path, "x.card.number"));
    }

    #[test]
    fn an_unknown_event_counts_for_what_removes_only() {
        let rule = FieldRule::words("note").event("refund.*");
        let about = |event| About {
            event,
            category: None,
        };
        assert!(rule.holds(about(Some("refund.paid")), ValueType::Text, false));
        assert!(!rule.holds(about(Some("login")), ValueType::Text, true));
        assert!(rule.holds(about(None), ValueType::Text, true));
        assert!(!rule.holds(about(None), ValueType::Text, false));
        let numbers = FieldRule::words("note").values(ValueType::Number);
        assert!(!numbers.holds(about(None), ValueType::Text, true));
    }
}
