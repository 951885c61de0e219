//! Level floors: from which level on an event is recorded, by the family its name belongs to.

use super::Glob;
use crate::record::Level;

/// A family of events whose floor has a name of its own in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// `tool.*` and `skills.*`.
    Tools,
    /// `session.*`.
    Sessions,
    /// `cron.*`, `webhook.*`, `heartbeat.*` and `gmail.*`.
    Automation,
}

impl Family {
    /// Every family.
    pub const ALL: &'static [Self] = &[Self::Tools, Self::Sessions, Self::Automation];

    /// The patterns of the event names that belong to the family.
    #[must_use]
    pub fn patterns(self) -> &'static [&'static str] {
        match self {
            Self::Tools => &["tool.*", "skills.*"],
            Self::Sessions => &["session.*"],
            Self::Automation => &["cron.*", "webhook.*", "heartbeat.*", "gmail.*"],
        }
    }

    /// Whether an event of this name belongs to the family.
    #[must_use]
    pub fn holds(self, event: &str) -> bool {
        self.patterns()
            .iter()
            .any(|pattern| Glob::new(*pattern).matches(event))
    }

    /// The key of the family under `levels` in a configuration.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Sessions => "sessions",
            Self::Automation => "automation",
        }
    }
}

/// The least level at which an event is recorded, by its name.
///
/// A rule by pattern precedes a family's floor, and of two rules the one that was added first decides. Without
/// either there is no floor. Security events and control records never have one, whatever the rules say: see
/// [`Floors::exempt`]. A record below its floor is counted, never silently absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Floors {
    rules: Vec<(Glob, Level)>,
    families: Vec<(Glob, Level)>,
}

impl Floors {
    /// No floors: every event is recorded.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the floor of a family. Default: none.
    #[must_use]
    pub fn family(mut self, family: Family, level: Level) -> Self {
        let patterns = family.patterns();
        self.families
            .retain(|(glob, _)| !patterns.contains(&glob.as_str()));
        self.families.extend(
            patterns
                .iter()
                .map(|&pattern| (Glob::new(pattern), level.clone())),
        );
        self
    }

    /// Sets the floor of the events whose name fits `pattern`, behind the rules that are already there.
    #[must_use]
    pub fn event(mut self, pattern: impl Into<Glob>, level: Level) -> Self {
        self.rules.push((pattern.into(), level));
        self
    }

    /// Whether an event of this name is recorded at every level: `security.*`, and the control records `audit.*`.
    ///
    /// A floor that could hide an elevation or a gap would make the trail worthless to whoever checks it.
    #[must_use]
    pub fn exempt(event: &str) -> bool {
        event.starts_with("security.") || event.starts_with("audit.")
    }

    /// The floor of an event of this name; `None` means that every level is recorded.
    #[must_use]
    pub fn floor(&self, event: &str) -> Option<Level> {
        if Self::exempt(event) {
            return None;
        }
        self.rules
            .iter()
            .chain(&self.families)
            .find(|(glob, _)| glob.matches(event))
            .map(|(_, level)| level.clone())
    }

    /// Whether there are no floors at all, so that no name needs to be looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.families.is_empty()
    }

    /// Whether an event of this name and level is recorded.
    #[must_use]
    pub fn admits(&self, event: &str, level: &Level) -> bool {
        self.floor(event).is_none_or(|floor| level.rank() >= floor.rank())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools_from_warn() -> Floors {
        Floors::new().family(Family::Tools, Level::Warn)
    }

    #[test]
    fn a_family_floor_hides_what_is_below_it_and_nothing_else() {
        let floors = tools_from_warn();
        assert!(!floors.admits("tool.start", &Level::Info));
        assert!(!floors.admits("skills.scan.pass", &Level::Info));
        assert!(floors.admits("tool.error", &Level::Error));
        assert!(floors.admits("tool.denied", &Level::Warn));
        assert!(floors.admits("session.create", &Level::Debug));
        assert!(
            floors.admits("tools.start", &Level::Debug),
            "`tools.` is not `tool.`"
        );
    }

    #[test]
    fn every_event_of_the_automation_family_is_covered() {
        let floors = Floors::new().family(Family::Automation, Level::Error);
        for event in ["cron.trigger", "webhook.denied", "heartbeat.fail", "gmail.poll"] {
            assert_eq!(floors.floor(event), Some(Level::Error), "{event}");
        }
    }

    #[test]
    fn a_rule_by_pattern_precedes_the_family() {
        let floors = tools_from_warn()
            .event("tool.approval", Level::Trace)
            .event("tool.a*", Level::Error);
        assert_eq!(floors.floor("tool.approval"), Some(Level::Trace));
        assert_eq!(floors.floor("tool.abort"), Some(Level::Error));
        assert_eq!(floors.floor("tool.start"), Some(Level::Warn));
    }

    #[test]
    fn the_last_floor_given_to_a_family_holds() {
        let floors = tools_from_warn().family(Family::Tools, Level::Debug);
        assert_eq!(floors.floor("tool.start"), Some(Level::Debug));
    }

    #[test]
    fn security_events_and_control_records_have_no_floor_whatever_the_rules_say() {
        let floors = Floors::new()
            .event("*", Level::Error)
            .event("audit.*", Level::Error);
        for event in ["security.elevation.enabled", "audit.gap", "audit.open"] {
            assert_eq!(floors.floor(event), None, "{event}");
            assert!(floors.admits(event, &Level::Trace), "{event}");
        }
        assert_eq!(floors.floor("securityx"), Some(Level::Error));
    }
}
