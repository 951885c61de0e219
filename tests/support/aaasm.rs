//! What a line of the shape `aaasm` says: some of what it can hold says nothing.

use serde_json::{Value, json};

/// What a line says: an empty id of a trace says nothing, and neither does an empty decision or, on the wire, a duration
/// of 0 in a stack.
pub(crate) fn said(line: &Value) -> Value {
    let mut line = line.clone();
    let Some(members) = line.as_object_mut() else {
        return line;
    };
    let is_wire = members.contains_key("event_id");
    let empty = if is_wire {
        ["trace_id", "span_id", "parent_span_id", "decision"]
    } else {
        ["traceId", "spanId", "parentSpanId", ""]
    };
    members
        .retain(|name, value| !(empty.contains(&name.as_str()) && !name.is_empty() && *value == json!("")));
    if let (true, Some(stack)) = (is_wire, members.get_mut("call_stack")) {
        without_zeros(stack);
    }
    line
}

fn without_zeros(nodes: &mut Value) {
    for node in nodes.as_array_mut().into_iter().flatten() {
        let Some(node) = node.as_object_mut() else {
            continue;
        };
        if node.get("latency_ms").and_then(Value::as_f64).map(f64::to_bits) == Some(0) {
            node.remove("latency_ms");
        }
        node.get_mut("children").map(without_zeros);
    }
}
