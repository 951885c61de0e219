//! What capture is told: targets, modules, lent fields, floors, modes and policy.

use crate::config::{CallStacks, Floors, Modes};
use crate::redact::Policy;

/// The audit target when nothing else is configured, and the prefix (`audit::…`) that counts as well.
pub(super) const TARGET: &str = "audit";

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Targets beside `audit`.
    pub(crate) targets: Vec<String>,
    /// Modules that may write; `None` = all.
    pub(crate) allow_modules: Option<Vec<String>>,
    /// Whether `log` records for an audit target count.
    pub(crate) allow_log: bool,
    /// Fields that ordinary spans lend to the records inside them.
    pub(crate) lend: Vec<String>,
    /// Whether a record without an actor is refused.
    pub(crate) require_actor: bool,
    /// Whether file, line and module of the callsite stand in each record.
    pub(crate) callsite: bool,
    pub(crate) floors: Floors,
    pub(crate) modes: Modes,
    pub(crate) policy: Policy,
    /// Which spans are gathered as the steps of a record; `None` = none.
    pub(crate) call_stacks: Option<CallStacks>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            allow_modules: None,
            allow_log: false,
            lend: Vec::new(),
            require_actor: false,
            callsite: false,
            floors: Floors::default(),
            modes: Modes::default(),
            policy: Policy::balanced(),
            call_stacks: None,
        }
    }
}

impl Settings {
    /// Whether a callsite's target is this trail's business: an audit target, or that of bridged `log` records.
    #[inline(always)]
    pub(crate) fn is_audit(&self, target: &str) -> bool {
        self.is_audit_target(target) || (self.allow_log && target == super::log::TARGET)
    }

    /// Whether a target marks audit spans and events.
    #[inline(always)]
    pub(crate) fn is_audit_target(&self, target: &str) -> bool {
        is_within(target, TARGET) || (!self.targets.is_empty() && self.is_own_target(target))
    }

    #[inline(never)]
    fn is_own_target(&self, target: &str) -> bool {
        self.targets.iter().any(|own| is_within(target, own))
    }

    /// Whether code in this module may write to the trail.
    pub(crate) fn is_allowed(&self, module: Option<&str>) -> bool {
        let Some(allowed) = &self.allow_modules else {
            return true;
        };
        module.is_some_and(|module| allowed.iter().any(|allowed| is_within(module, allowed)))
    }

    /// The mode of every record, where neither floor nor mode depends on names.
    pub(crate) fn uniform(&self) -> Option<crate::config::Mode> {
        self.modes.uniform().filter(|_| self.floors.is_empty())
    }

    /// Whether an ordinary span's field is handed to the records inside it.
    pub(crate) fn is_lent(&self, field: &str) -> bool {
        self.lend.iter().any(|lent| lent == field)
    }
}

/// Whether `path` is `root`, or lies below it by `::`.
#[inline]
pub(super) fn is_within(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The part of an audit target that names a category: `billing` of `audit::billing`.
pub(super) fn category(target: &str) -> Option<&str> {
    target
        .split_once("::")
        .map(|(_, category)| category)
        .filter(|category| !category.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_counts_by_whole_path_segments() {
        let settings = Settings {
            targets: vec!["compliance".to_owned()],
            ..Settings::default()
        };
        for (target, counts) in [
            ("audit", true),
            ("audit::billing", true),
            ("audit::billing::refund", true),
            ("compliance", true),
            ("auditor", false),
            ("audit:", false),
            ("my::audit", false),
            ("", false),
        ] {
            assert_eq!(settings.is_audit(target), counts, "{target}");
        }
        assert_eq!(category("audit::billing"), Some("billing"));
        assert_eq!(category("audit"), None);
    }
}
