//! A JSON object that is being written, its members in the order in which its system declares them.

use super::plain::{self, Style};
use crate::record::{Map, Value};

/// An object with an order.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Shape {
    members: Vec<(String, Node)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Leaf(Value),
    Object(Shape),
}

impl Shape {
    /// Adds a member, or replaces it.
    pub(super) fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.set(key, Node::Leaf(value.into()));
    }

    /// Adds a member if there is something for it.
    pub(super) fn put_some<T: Into<Value>>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Adds an object.
    pub(super) fn put_shape(&mut self, key: &str, shape: Shape) {
        self.set(key, Node::Object(shape));
    }

    /// Whether there is such a member.
    pub(super) fn has(&self, key: &str) -> bool {
        self.members.iter().any(|(name, _)| name == key)
    }

    /// The member's text, if it is one.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        let (_, node) = self.members.iter().find(|(name, _)| name == key)?;
        match node {
            Node::Leaf(value) => value.as_str(),
            Node::Object(_) => None,
        }
    }

    /// Writes the names of this object's members in another way.
    pub(super) fn rename(&mut self, to: impl Fn(&str) -> String) {
        for (name, _) in &mut self.members {
            *name = to(name);
        }
    }

    /// Puts this object's members in the order of their names.
    pub(super) fn sort(&mut self) {
        self.members.sort_by(|(left, _), (right, _)| left.cmp(right));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn set(&mut self, key: &str, node: Node) {
        match self.members.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = node,
            None => self.members.push((key.to_owned(), node)),
        }
    }

    /// Lays a tree over this one: objects are merged, everything else replaces what stood there.
    pub(super) fn lay_over(&mut self, over: &Map) {
        for (key, value) in over {
            self.lay_member(key, value);
        }
    }

    /// Lays one member over this object.
    pub(super) fn lay_member(&mut self, key: &str, value: &Value) {
        let old = self.members.iter_mut().find(|(name, _)| name == key);
        match (old.map(|(_, node)| node), value) {
            (Some(Node::Object(shape)), Value::Map(map)) => shape.lay_over(map),
            (Some(node), value) => *node = Node::Leaf(value.clone()),
            (None, value) => self.put(key, value.clone()),
        }
    }

    /// The JSON text.
    pub(super) fn text(&self, style: Style) -> String {
        let mut out = Vec::new();
        self.write(style, &mut out);
        // Made of texts that were UTF-8 before.
        String::from_utf8_lossy(&out).into_owned()
    }

    fn write(&self, style: Style, out: &mut Vec<u8>) {
        out.push(b'{');
        for (nth, (key, node)) in self.members.iter().enumerate() {
            if nth > 0 {
                out.push(b',');
            }
            plain::string(key, style, out);
            out.push(b':');
            match node {
                Node::Leaf(value) => plain::write(value, style, out),
                Node::Object(shape) => shape.write(style, out),
            }
        }
        out.push(b'}');
    }

    /// The paths of values that have no JSON text of their own.
    pub(super) fn odd(&self, path: &str, found: &mut Vec<String>) {
        for (key, node) in &self.members {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            match node {
                Node::Leaf(value) if plain::is_plain(value) => {}
                Node::Leaf(_) => found.push(path),
                Node::Object(shape) => shape.odd(&path, found),
            }
        }
    }
}
