//! Which spans are gathered as the steps that led to a record, and how many of them.

use super::{Glob, limits};
use crate::error::Result;

/// Gathers the spans inside an audit span as a tree of steps, which its record states in `call_stack`. Off unless it is
/// given to [`AuditBuilder::call_stacks`](crate::AuditBuilder::call_stacks), or stands in a configuration: `{"call_stacks": {}}`
/// gathers with the defaults, and the keys of that object are the setters below, `targets` for [`CallStacks::target`].
///
/// The tree belongs to the outermost audit span. Steps are the audit spans inside it, other spans that have a field `kind`
/// or `span.kind`, and those with a target that is named here. A span that is no step is passed over: what is inside it
/// belongs to the next step outside.
///
/// A step's *kind* is its field `kind` or `span.kind`, else the last part of its target; its *label* the field `label`, else
/// the span's name. Fields pass the policy, as they do everywhere, and are cut to 32 and 128 bytes. Its *id* is 16
/// hexadecimal digits: of an audit span that stands in a trace the `span_id` of its own record, else the number that the
/// subscriber gave the span. A step that has not ended when the outermost span does has no duration.
///
/// A span that a filter disables before it reaches the trail is no step: inside the wrapper that of the whole stack, beside
/// the plain layer a global one. The filter shell wants steps itself, and other layers do not see more for it.
///
/// What is beyond the limits is counted in `omitted` of the nearest step that is kept.
///
/// ```
/// use tracing::{info_span, span};
/// use tracing_audit::config::CallStacks;
/// use tracing_audit::testing::Recording;
///
/// # fn main() -> tracing_audit::Result<()> {
/// let recording = Recording::with(|audit| audit.call_stacks(CallStacks::new()));
/// recording.run(|| {
///     let _turn = info_span!(target: "audit::agent", "agent.turn", actor.id = "u-1").entered();
///     let _model = info_span!("complete", kind = "llm", label = "claude").entered();
///     drop(info_span!("search", kind = "tool"));
/// });
/// let stack = recording.captured().only().call_stack()?;
/// let turn = &stack.nodes[0];
/// assert_eq!((turn.kind.as_str(), turn.label.as_str()), ("agent", "agent.turn"));
/// assert_eq!(turn.children[0].label, "claude");
/// assert_eq!(turn.children[0].children[0].kind, "tool");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(default, deny_unknown_fields, expecting = "an object; `{}` has the defaults")
)]
pub struct CallStacks {
    nodes: u64,
    depth: u64,
    targets: Vec<String>,
    #[cfg_attr(feature = "config", serde(rename = "every_span"))]
    is_every: bool,
    of: Vec<Glob>,
}

impl Default for CallStacks {
    fn default() -> Self {
        Self {
            nodes: limits::CALL_STACK_NODES.default,
            depth: limits::CALL_STACK_DEPTH.default,
            targets: Vec::new(),
            is_every: false,
            of: Vec::new(),
        }
    }
}

impl CallStacks {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many steps a tree holds, the outermost span among them: 1 to 80. Default: 64.
    #[must_use]
    pub fn nodes(mut self, nodes: u64) -> Self {
        self.nodes = nodes;
        self
    }

    /// How many steps may stand in each other, the outermost span among them: 1 to 24. Default: 16.
    #[must_use]
    pub fn depth(mut self, depth: u64) -> Self {
        self.depth = depth;
        self
    }

    /// A target whose spans are steps, and all below it (`agent` and `agent::…`).
    #[must_use]
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.targets.push(target.into());
        self
    }

    /// Every span is a step, whatever its target. Default: false.
    #[must_use]
    pub fn every_span(mut self, every: bool) -> Self {
        self.is_every = every;
        self
    }

    /// Only audit spans whose name fits one of these patterns have a tree, the outermost of them. Default: all.
    #[must_use]
    pub fn of(mut self, pattern: impl Into<Glob>) -> Self {
        self.of.push(pattern.into());
        self
    }

    /// Accepts limits inside their ranges.
    pub(crate) fn check(&self) -> Result<()> {
        limits::CALL_STACK_NODES.check(self.nodes)?;
        limits::CALL_STACK_DEPTH.check(self.depth)?;
        Ok(())
    }

    /// How many steps a tree holds, and how deep they stand.
    pub(crate) fn limits(&self) -> (usize, usize) {
        let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        (size(self.nodes), size(self.depth))
    }

    /// The targets whose spans are steps, and whether all are.
    pub(crate) fn targets(&self) -> (&[String], bool) {
        (&self.targets, self.is_every)
    }

    /// The patterns of the names of outermost spans that have a tree; empty where all have.
    pub(crate) fn roots(&self) -> &[Glob] {
        &self.of
    }

    /// Whether an outermost audit span of this name has a tree.
    pub(crate) fn is_root(&self, name: &str) -> bool {
        self.of.is_empty() || self.of.iter().any(|glob| glob.matches(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_outside_their_ranges_are_refused_with_the_remedy() {
        CallStacks::new().check().unwrap();
        CallStacks::new().nodes(80).depth(24).check().unwrap();
        for (stacks, key) in [
            (CallStacks::new().nodes(0), "call_stacks.nodes"),
            (CallStacks::new().nodes(81), "call_stacks.nodes"),
            (CallStacks::new().depth(0), "call_stacks.depth"),
            (CallStacks::new().depth(25), "call_stacks.depth"),
        ] {
            let error = stacks.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{key}` is ")), "{error}");
        }
    }

    #[test]
    fn a_tree_belongs_to_the_spans_that_are_named_or_to_all() {
        assert!(CallStacks::new().is_root("anything"));
        let named = CallStacks::new().of("agent.*").of("job");
        assert!(named.is_root("agent.turn") && named.is_root("job"));
        assert!(!named.is_root("request"));
    }
}
