//! The tree of steps that led to a record: built by hand, or read back from one.

use super::builder::Record;
use super::field_type::FieldType;
use super::field_value::{FieldValue, Misfit, View};
use super::slots::Slot;
use super::value::{Map, Value};
use crate::error::{Error, ErrorKind, Result};

/// The steps that led to a record, outermost first: what the slot `call_stack` holds.
///
/// ```
/// use tracing_audit::record::{CallNode, CallStack, Record};
///
/// let search = CallNode::new("2", "tool", "search").duration_ns(1_500_000);
/// let turn = CallNode::new("1", "llm", "claude").child(search);
/// let record = Record::builder("agent.turn").call_stack(CallStack::of([turn])).build();
/// assert_eq!(record.call_stack()?.nodes[0].children[0].label, "search");
/// # Ok::<(), tracing_audit::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct CallStack {
    /// The outermost steps.
    pub nodes: Vec<CallNode>,
}

/// One step, and the steps inside it.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct CallNode {
    /// What names the step among others: from a span 16 hexadecimal digits.
    pub id: String,
    /// What kind of step it was: `llm`, `tool`, `result` or any other word, which is kept as it is.
    pub kind: String,
    /// What people call it.
    pub label: String,
    /// How long it took, in nanoseconds; `None` where nobody said, or where it had not ended.
    pub duration_ns: Option<u64>,
    /// The steps inside, in the order in which they began.
    pub children: Vec<CallNode>,
    /// How many steps inside it, however deep, were left out.
    pub omitted: u64,
    /// What else was said of the step.
    pub others: Map,
}

impl CallStack {
    /// A tree of these outermost steps.
    #[must_use]
    pub fn of(nodes: impl Into<Vec<CallNode>>) -> Self {
        Self { nodes: nodes.into() }
    }

    /// Whether there is no step.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many steps there are, at all depths.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.iter().map(CallNode::len).sum()
    }
}

impl CallNode {
    /// A step without duration and children.
    pub fn new(id: impl Into<String>, kind: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind: kind.into(),
            label: label.into(),
            ..Self::default()
        }
    }

    /// Says how long it took, in nanoseconds.
    #[must_use]
    pub fn duration_ns(mut self, nanos: u64) -> Self {
        self.duration_ns = Some(nanos);
        self
    }

    /// Adds a step inside, behind those that are there.
    #[must_use]
    pub fn child(mut self, node: Self) -> Self {
        self.children.push(node);
        self
    }

    /// Says how many steps inside were left out.
    #[must_use]
    pub fn omitted(mut self, steps: u64) -> Self {
        self.omitted = steps;
        self
    }

    fn len(&self) -> usize {
        1 + self.children.iter().map(Self::len).sum::<usize>()
    }
}

impl From<CallStack> for Value {
    fn from(stack: CallStack) -> Self {
        Self::List(stack.nodes.into_iter().map(Self::from).collect())
    }
}

impl From<CallNode> for Value {
    fn from(node: CallNode) -> Self {
        let mut map = node.others;
        for (key, text) in [("id", node.id), ("kind", node.kind), ("label", node.label)] {
            map.insert(key.to_owned(), Self::Str(text));
        }
        if let Some(nanos) = node.duration_ns {
            map.insert("duration_ns".to_owned(), nanos.into());
        }
        if !node.children.is_empty() {
            let children = node.children.into_iter().map(Self::from).collect();
            map.insert("children".to_owned(), Self::List(children));
        }
        if node.omitted > 0 {
            map.insert("omitted".to_owned(), node.omitted.into());
        }
        Self::Map(map)
    }
}

impl TryFrom<&Value> for CallStack {
    type Error = Error;

    fn try_from(value: &Value) -> Result<Self> {
        let nodes = nodes(value, "call_stack")?;
        Ok(Self { nodes })
    }
}

fn nodes(value: &Value, place: &str) -> Result<Vec<CallNode>> {
    let list = value
        .as_list()
        .ok_or_else(|| wrong(place, "a list of steps", value))?;
    let node = |(at, value): (usize, &Value)| node(value, &format!("{place}[{at}]"));
    list.iter().enumerate().map(node).collect()
}

fn node(value: &Value, place: &str) -> Result<CallNode> {
    let map = value.as_map().ok_or_else(|| wrong(place, "a step", value))?;
    let mut node = CallNode::default();
    for key in ["id", "kind", "label"] {
        if !map.contains_key(key) {
            return Err(Error::new(
                ErrorKind::Format,
                format!("`{place}` has no `{key}`; give it one"),
            ));
        }
    }
    for (key, value) in map {
        let place = format!("{place}.{key}");
        let text = || {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| wrong(&place, "a text", value))
        };
        let number = || {
            value
                .as_u64()
                .ok_or_else(|| wrong(&place, "an integer from 0 on", value))
        };
        match key.as_str() {
            "id" => node.id = text()?,
            "kind" => node.kind = text()?,
            "label" => node.label = text()?,
            "duration_ns" => node.duration_ns = Some(number()?),
            "omitted" => node.omitted = number()?,
            "children" => node.children = nodes(value, &place)?,
            _ => drop(node.others.insert(key.clone(), value.clone())),
        }
    }
    Ok(node)
}

/// What stands there is not said: it may be what nobody is to see.
fn wrong(place: &str, wanted: &str, value: &Value) -> Error {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => "a number",
        Value::Bytes(_) => "bytes",
        Value::Commitment(_) => "a commitment",
        Value::Str(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    };
    Error::new(
        ErrorKind::Format,
        format!("`{place}` is {found}; {wanted} belongs there"),
    )
}

impl Record {
    /// The steps that led here; none where the record says nothing of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] where the slot holds something else; the message names the place in it.
    pub fn call_stack(&self) -> Result<CallStack> {
        self.get(Slot::CallStack)
            .map_or_else(|| Ok(CallStack::default()), CallStack::try_from)
    }
}

impl FieldValue for CallStack {
    const TYPE: FieldType = FieldType::List(&FieldType::Struct);

    fn view(&self) -> View<'_> {
        View::Made(self.clone().into())
    }

    fn from_value(value: &Value) -> std::result::Result<Self, Misfit> {
        Self::try_from(value).map_err(|error| Misfit::new(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_tree_of_steps_is_refused_with_its_place() {
        let good = || CallNode::new("1", "llm", "turn");
        let with = |key: &str, value: Value| {
            let Value::Map(mut map) = Value::from(good()) else {
                unreachable!("a step is a map");
            };
            map.insert(key.to_owned(), value);
            Value::List(vec![Value::Map(map)])
        };
        let without = |key: &str| {
            let Value::Map(mut map) = Value::from(good()) else {
                unreachable!("a step is a map");
            };
            map.remove(key);
            Value::List(vec![Value::Map(map)])
        };
        let child = Value::List(vec![Value::from("x")]);
        for (value, told) in [
            (Value::from("x"), "`call_stack` is a text; a list of steps"),
            (Value::List(vec![Value::Null]), "`call_stack[0]` is null; a step"),
            (with("id", 7.into()), "`call_stack[0].id` is a number; a text"),
            (
                with("duration_ns", (-1).into()),
                "`call_stack[0].duration_ns` is a number",
            ),
            (with("omitted", "x".into()), "`call_stack[0].omitted` is a text"),
            (
                with("children", Value::Bool(true)),
                "`call_stack[0].children` is a truth value",
            ),
            (
                with("children", child),
                "`call_stack[0].children[0]` is a text; a step",
            ),
            (without("kind"), "`call_stack[0]` has no `kind`"),
        ] {
            let error = CallStack::try_from(&value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Format);
            assert!(error.to_string().starts_with(told), "{error}");
        }
    }

    #[test]
    fn what_else_is_said_of_a_step_stays_with_it() {
        let mut node = CallNode::new("1", "llm", "turn").omitted(3);
        node.others.insert("model".to_owned(), "m".into());
        let stack = CallStack::of([node]);
        assert_eq!(CallStack::try_from(&Value::from(stack.clone())).unwrap(), stack);
    }
}
