//! Steps of a call stack: texts that passed the policy where a span was opened, and wait for the record that states them.

use super::field::FieldPlan;
use super::redacted::RedactedFields;
use super::redacting::Redacting;
use crate::memory;
use crate::record::frame::{Put, cut, tag};
use crate::record::{CallNode, CallStack, Slot, Value};

/// A text of a step, and what was done to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepText {
    text: Box<str>,
    /// Remarks of redaction, as they stand in a frame.
    remarks: Box<[u8]>,
}

impl StepText {
    /// A name that stands in the source code.
    pub(crate) fn of_code(name: &'static str, limit: usize) -> Self {
        Self {
            text: cut(name, limit).into(),
            remarks: Box::default(),
        }
    }
}

/// A step, with its place among the others of its tree: a step stands behind the one that it is inside of.
#[derive(Debug, Clone)]
pub(crate) struct StepNode {
    pub(crate) parent: Option<usize>,
    pub(crate) depth: usize,
    pub(crate) id: u64,
    pub(crate) kind: StepText,
    pub(crate) label: StepText,
    /// The clock's monotonic reading when it began.
    pub(crate) opened: u64,
    pub(crate) duration: Option<u64>,
    /// Steps inside it that are not kept.
    pub(crate) omitted: u64,
}

impl StepNode {
    fn says(&self, children: Vec<CallNode>) -> CallNode {
        let id = format!("{:016x}", self.id);
        let mut node = CallNode::new(id, &*self.kind.text, &*self.label.text).omitted(self.omitted);
        node.duration_ns = self.duration;
        node.children = children;
        node
    }
}

impl Redacting<'_> {
    /// The text of the entry that was written last, from `start` on, cut to `limit` bytes; `None` where the value was
    /// dropped, or is no text, number or truth value.
    pub(crate) fn step_text(&self, plan: &FieldPlan, start: usize, limit: usize) -> Option<StepText> {
        if plan.erasable {
            // A stack is one value, which stands in the line.
            return Some(StepText {
                text: "[REDACTED]".into(),
                remarks: Box::default(),
            });
        }
        let entry = self.written().get(start..)?;
        let value = entry.get(plan.head.end_in(entry)..)?;
        let (tag, rest) = value.split_first()?;
        let number = || rest.first_chunk::<8>();
        let text = match *tag {
            tag::STR | tag::FORMATTED => {
                let (len, rest) = rest.split_first_chunk::<4>()?;
                let (text, remarks) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
                let text = std::str::from_utf8(text).ok()?;
                return Some(StepText {
                    text: cut(text, limit).into(),
                    remarks: remarks.into(),
                });
            }
            tag::TRUE => "true".to_owned(),
            tag::FALSE => "false".to_owned(),
            tag::U64 => u64::from_le_bytes(*number()?).to_string(),
            tag::I64 => i64::from_le_bytes(*number()?).to_string(),
            tag::F64 => f64::from_bits(u64::from_le_bytes(*number()?)).to_string(),
            _ => return None,
        };
        Some(StepText {
            text: cut(&text, limit).into(),
            remarks: Box::default(),
        })
    }
}

impl RedactedFields {
    /// Appends a tree of steps, and what redaction did to its texts.
    pub(crate) fn steps(&mut self, steps: &[StepNode]) {
        // Each as a node among its siblings, as a value, and as its bytes.
        const STEP: usize = 2048;
        if !memory::is_there(steps.len() * STEP) {
            return self.lose();
        }
        let mut inside: Vec<Vec<CallNode>> = vec![Vec::new(); steps.len()];
        let mut outermost = Vec::new();
        for (at, step) in steps.iter().enumerate().rev() {
            let mut children = inside.get_mut(at).map(std::mem::take).unwrap_or_default();
            children.reverse();
            let node = step.says(children);
            match step.parent.and_then(|parent| inside.get_mut(parent)) {
                Some(siblings) => siblings.push(node),
                None => outermost.push(node),
            }
        }
        outermost.reverse();
        let mut entry = vec![Slot::CallStack.index()];
        Put::value(&mut entry, &Value::from(CallStack::of(outermost)), 0);
        for text in steps.iter().flat_map(|step| [&step.kind, &step.label]) {
            entry.extend_from_slice(&text.remarks);
        }
        self.append(&entry);
    }
}
