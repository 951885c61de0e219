//! A part of a trail, by what its records are called: what a pause leaves out.

use std::fmt;

use super::{Family, Floors, Glob};

/// A part of a trail: all of it, a family of events, or what fits a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// Every record.
    All,
    /// The events of a family.
    Family(Family),
    /// Records whose category fits: the one that was given, else what stands before the last dot of the event's name.
    Category(Glob),
    /// Records whose event's name fits.
    Event(Glob),
}

impl Part {
    /// Records whose category fits the pattern.
    pub fn category(pattern: impl Into<Glob>) -> Self {
        Self::Category(pattern.into())
    }

    /// Records whose event's name fits the pattern.
    pub fn event(pattern: impl Into<Glob>) -> Self {
        Self::Event(pattern.into())
    }

    /// Whether a record with this event name and category belongs to the part. Security events and the trail's own
    /// control records belong to none: see [`Floors::exempt`].
    #[must_use]
    pub fn covers(&self, event: &str, category: &str) -> bool {
        if Floors::exempt(event) {
            return false;
        }
        match self {
            Self::All => true,
            Self::Family(family) => family.holds(event),
            Self::Category(glob) => !category.is_empty() && glob.matches(category),
            Self::Event(glob) => glob.matches(event),
        }
    }
}

impl fmt::Display for Part {
    /// As control records state it: `all`, `family tools`, `category billing`, `event user.*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Family(family) => write!(f, "family {}", family.key()),
            Self::Category(glob) => write!(f, "category {glob}"),
            Self::Event(glob) => write!(f, "event {glob}"),
        }
    }
}

impl From<Family> for Part {
    fn from(family: Family) -> Self {
        Self::Family(family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_covers_what_it_names_and_never_security_or_the_trails_own_records() {
        let parts = [
            (Part::All, "x.y", "x", true),
            (Part::Family(Family::Tools), "tool.start", "tool", true),
            (Part::Family(Family::Tools), "tools.start", "tools", false),
            (Part::category("bill*"), "invoice.sent", "billing", true),
            (Part::category("*"), "login", "", false),
            (Part::event("user.*"), "user.login", "user", true),
            (Part::event("user.*"), "login", "user", false),
        ];
        for (part, event, category, covers) in parts {
            assert_eq!(part.covers(event, category), covers, "{part} of {event}");
        }
        for event in ["security.elevation.enabled", "audit.pause"] {
            for part in [Part::All, Part::event("*"), Part::category("*")] {
                assert!(!part.covers(event, "anything"), "{part} of {event}");
            }
        }
    }
}
