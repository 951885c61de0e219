//! The stack of calls: a node's milliseconds are the record's nanoseconds, and everything else is kept as it is.

use super::super::number::{millis_of_nanos, nanos_of_millis};
use super::Spelling;
use crate::record::{Map, Value};

const NANOS: &str = "duration_ns";
const CHILDREN: &str = "children";

/// The stack as a record holds it, and the stack as it was given where export could not tell that from the first.
/// Durations of 0 are left out, where names are written with underscores: there they say that nobody measured.
pub(super) fn taken(stack: &Value, spelling: Spelling) -> (Value, Option<Value>) {
    let said = each(stack, &|node| said(node, spelling));
    let taken = each(&said, &|node| take(node, spelling));
    if given(&taken, spelling) == said {
        (taken, None)
    } else {
        (said.clone(), Some(said))
    }
}

/// The stack as the shape states it.
pub(super) fn given(stack: &Value, spelling: Spelling) -> Value {
    each(stack, &|node| give(node, spelling))
}

/// Applies `to` to every node, the children first.
fn each(nodes: &Value, to: &impl Fn(Map) -> Map) -> Value {
    let Value::List(nodes) = nodes else {
        return nodes.clone();
    };
    let node = |node: &Value| {
        let Value::Map(members) = node else {
            return node.clone();
        };
        let mut members = members.clone();
        if let Some(children) = members.get_mut(CHILDREN) {
            *children = each(children, to);
        }
        Value::Map(to(members))
    };
    Value::List(nodes.iter().map(node).collect())
}

/// What the node says: without a duration that stands for none.
fn said(mut node: Map, spelling: Spelling) -> Map {
    if spelling == Spelling::Snake && node.get(millis(spelling)).and_then(nanos_of_millis) == Some(0) {
        node.remove(millis(spelling));
    }
    node
}

fn take(mut node: Map, spelling: Spelling) -> Map {
    if let Some(nanos) = node.get(millis(spelling)).and_then(nanos_of_millis) {
        node.remove(millis(spelling));
        node.insert(NANOS.to_owned(), Value::from(nanos));
    }
    node
}

fn give(mut node: Map, spelling: Spelling) -> Map {
    if let Some(nanos) = node.get(NANOS).and_then(Value::as_u64) {
        node.remove(NANOS);
        node.insert(millis(spelling).to_owned(), millis_of_nanos(nanos));
    }
    node
}

const fn millis(spelling: Spelling) -> &'static str {
    match spelling {
        Spelling::Camel => "latencyMs",
        Spelling::Snake => "latency_ms",
    }
}
