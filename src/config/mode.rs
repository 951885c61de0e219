//! What happens to a record when the queue is full: the modes, and the rules that choose one.

use super::Glob;

/// What a caller meets when the queue between it and the writer is full, and what it waits for.
///
/// Whatever the mode, a record that is not written is never silent: the caller is told, or a gap record counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Mode {
    /// The caller waits until the record is on disk (the next group commit).
    ///
    /// Through the layer this blocks inside the macro, or inside the drop of the span: choose it for the few events
    /// that must not be acted upon before they are on record. A quarter of the queue is kept free for this mode.
    Durable,
    /// Through the layer the caller waits up to one second for room in the queue, and never for the disk; after that
    /// the record is counted in a gap record. `emit` waits as long for room, then refuses the record; `submit` never
    /// waits, whatever the mode.
    ///
    /// Once a wait has expired, later records of the same category fail at once until the writer moves again.
    #[default]
    Bounded,
    /// The caller never waits for room. A record that finds the queue full is refused (`emit`, `submit`) or counted in a
    /// gap record (layer).
    Lossy,
}

impl Mode {
    /// Every mode, in the order from the strictest to the loosest.
    pub const ALL: &'static [Self] = &[Self::Durable, Self::Bounded, Self::Lossy];

    /// The word for the mode in a configuration and in `audit.open`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Bounded => "bounded",
            Self::Lossy => "lossy",
        }
    }

    /// The mode that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == word)
    }
}

/// Which records a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    Event(Glob),
    Category(Glob),
}

/// The mode of each record: rules by event name or by category, the first that fits decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Modes {
    rules: Vec<(Selector, Mode)>,
    mandatory: Vec<Glob>,
    otherwise: Mode,
}

impl Modes {
    /// One mode for every record that no rule fits. Default: [`Mode::Bounded`].
    #[must_use]
    pub fn new(otherwise: Mode) -> Self {
        Self {
            rules: Vec::new(),
            mandatory: Vec::new(),
            otherwise,
        }
    }

    /// Adds a rule for the events whose name fits `pattern`, behind the rules that are already there.
    #[must_use]
    pub fn event(mut self, pattern: impl Into<Glob>, mode: Mode) -> Self {
        self.rules.push((Selector::Event(pattern.into()), mode));
        self
    }

    /// Adds a rule for the records whose category fits `pattern`, behind the rules that are already there.
    #[must_use]
    pub fn category(mut self, pattern: impl Into<Glob>, mode: Mode) -> Self {
        self.rules.push((Selector::Category(pattern.into()), mode));
        self
    }

    /// Makes the records mandatory whose event name or category fits `pattern`: their mode is [`Mode::Durable`], whatever
    /// the rules say, no floor and no pause leaves them out, and a span among them has a durable start record before its
    /// body runs.
    #[must_use]
    pub fn mandatory(mut self, pattern: impl Into<Glob>) -> Self {
        self.mandatory.push(pattern.into());
        self
    }

    /// Whether a record with this event name and, if it has one, this category is mandatory.
    #[must_use]
    pub fn is_mandatory(&self, event: &str, category: Option<&str>) -> bool {
        let fits =
            |glob: &Glob| glob.matches(event) || category.is_some_and(|category| glob.matches(category));
        self.mandatory.iter().any(fits)
    }

    /// Whether any record is mandatory.
    #[must_use]
    pub fn has_mandatory(&self) -> bool {
        !self.mandatory.is_empty()
    }

    /// The mode of a record with this event name and, if it has one, this category.
    #[must_use]
    pub fn of(&self, event: &str, category: Option<&str>) -> Mode {
        if self.is_mandatory(event, category) {
            return Mode::Durable;
        }
        let fits = |selector: &Selector| match selector {
            Selector::Event(glob) => glob.matches(event),
            Selector::Category(glob) => category.is_some_and(|category| glob.matches(category)),
        };
        self.rules
            .iter()
            .find(|(selector, _)| fits(selector))
            .map_or(self.otherwise, |&(_, mode)| mode)
    }

    /// The one mode of every record, where there are no rules.
    #[must_use]
    pub fn uniform(&self) -> Option<Mode> {
        (self.rules.is_empty() && !self.has_mandatory()).then_some(self.otherwise)
    }

    /// Whether any rule asks for the category, which a callsite may not state before it runs.
    #[must_use]
    pub fn by_category(&self) -> bool {
        let by_category = |(selector, _): &(Selector, Mode)| matches!(selector, Selector::Category(_));
        self.has_mandatory() || self.rules.iter().any(by_category)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let modes = Modes::default()
            .event("tool.denied", Mode::Durable)
            .event("tool.*", Mode::Lossy)
            .category("auth*", Mode::Durable);
        assert_eq!(modes.of("tool.denied", None), Mode::Durable);
        assert_eq!(modes.of("tool.start", Some("auth")), Mode::Lossy);
        assert_eq!(modes.of("login", Some("authentication")), Mode::Durable);
        assert_eq!(modes.of("login", Some("session")), Mode::Bounded);
        assert_eq!(modes.of("login", None), Mode::Bounded);
        assert_eq!(Modes::new(Mode::Lossy).of("login", None), Mode::Lossy);
    }

    #[test]
    fn what_is_mandatory_is_durable_by_its_name_or_its_category_whatever_the_rules_say() {
        let modes = Modes::new(Mode::Lossy).event("billing.*", Mode::Lossy);
        assert!(!modes.has_mandatory() && modes.of("billing.refund", None) == Mode::Lossy);
        let modes = modes.mandatory("billing.*").mandatory("keys");
        assert_eq!(modes.of("billing.refund", Some("money")), Mode::Durable);
        assert_eq!(modes.of("rotated", Some("keys")), Mode::Durable);
        assert_eq!(modes.of("billings", Some("money")), Mode::Lossy);
        assert!(
            !modes.is_mandatory("keys.rotate", None),
            "a pattern without `*` is a whole name"
        );
        assert_eq!((modes.uniform(), modes.by_category()), (None, true));
    }

    #[test]
    fn a_set_of_rules_says_whether_it_needs_the_category() {
        assert!(!Modes::default().event("*", Mode::Lossy).by_category());
        assert!(Modes::default().category("*", Mode::Lossy).by_category());
    }

    #[test]
    fn each_mode_is_named_by_its_word() {
        for &mode in Mode::ALL {
            assert_eq!(Mode::from_word(mode.as_str()), Some(mode));
        }
        assert_eq!(Mode::from_word("Durable"), None);
    }
}
