//! Trees of steps as tests see them.

#![allow(dead_code, reason = "each test binary uses its own part")]

use tracing_audit::config::CallStacks;
use tracing_audit::record::{CallNode, CallStack};
use tracing_audit::testing::Recording;

pub(crate) fn recording(stacks: CallStacks) -> Recording {
    Recording::with(|audit| audit.call_stacks(stacks))
}

/// The tree as text: `label(kind)[children]`, with what was left out as `+n`.
pub(crate) fn drawn(nodes: &[CallNode]) -> String {
    let draw = |node: &CallNode| {
        let mut text = format!("{}({})", node.label, node.kind);
        if !node.children.is_empty() {
            text.push_str(&format!("[{}]", drawn(&node.children)));
        }
        if node.omitted > 0 {
            text.push_str(&format!("+{}", node.omitted));
        }
        text
    };
    nodes.iter().map(draw).collect::<Vec<_>>().join(" ")
}

#[track_caller]
pub(crate) fn tree(recording: &Recording, event: &str) -> CallStack {
    let captured = recording.captured();
    captured
        .with_event(event)
        .only()
        .call_stack()
        .expect("it is a tree")
}

pub(crate) fn all(nodes: &[CallNode]) -> Vec<&CallNode> {
    nodes
        .iter()
        .flat_map(|node| [vec![node], all(&node.children)].concat())
        .collect()
}
