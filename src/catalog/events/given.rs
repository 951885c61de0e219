//! What the fields of typed events can be given: a value itself, or what it is usually written as.

use super::Text;
use crate::record::{CallNode, CallStack, Map, Value};

/// What a field of the type `T` can be given: a `T`, and for texts and values what they are made of without saying so.
///
/// ```
/// use tracing_audit::catalog::{HeartbeatFail, SessionDelete};
///
/// let deleted = SessionDelete::new("s-1", 7);
/// let failed = HeartbeatFail::new(["disk", "mail"], 3, 2);
/// # assert_eq!((deleted.message_count, failed.checks_failed.len()), (7, 2));
/// ```
pub trait Given<T> {
    /// The value of the field.
    fn given(self) -> T;
}

impl<T> Given<T> for T {
    fn given(self) -> T {
        self
    }
}

impl<'a> Given<Text<'a>> for &'a str {
    fn given(self) -> Text<'a> {
        Text::Borrowed(self)
    }
}

impl<'a> Given<Text<'a>> for &'a String {
    fn given(self) -> Text<'a> {
        Text::Borrowed(self)
    }
}

impl<'a> Given<Text<'a>> for String {
    fn given(self) -> Text<'a> {
        Text::Owned(self)
    }
}

impl<'a, const N: usize> Given<Vec<Text<'a>>> for [&'a str; N] {
    fn given(self) -> Vec<Text<'a>> {
        self.into_iter().map(Text::Borrowed).collect()
    }
}

impl<'a> Given<Vec<Text<'a>>> for &[&'a str] {
    fn given(self) -> Vec<Text<'a>> {
        self.iter().copied().map(Text::Borrowed).collect()
    }
}

impl<'a> Given<Vec<Text<'a>>> for Vec<&'a str> {
    fn given(self) -> Vec<Text<'a>> {
        self.into_iter().map(Text::Borrowed).collect()
    }
}

impl<'a> Given<Vec<Text<'a>>> for &'a [String] {
    fn given(self) -> Vec<Text<'a>> {
        self.iter().map(|text| Text::Borrowed(text.as_str())).collect()
    }
}

impl<'a> Given<Vec<Text<'a>>> for Vec<String> {
    fn given(self) -> Vec<Text<'a>> {
        self.into_iter().map(Text::Owned).collect()
    }
}

impl<const N: usize> Given<CallStack> for [CallNode; N] {
    fn given(self) -> CallStack {
        CallStack::of(self)
    }
}

impl Given<Value> for &str {
    fn given(self) -> Value {
        Value::from(self)
    }
}

impl Given<Value> for String {
    fn given(self) -> Value {
        Value::from(self)
    }
}

impl Given<Value> for Map {
    fn given(self) -> Value {
        Value::from(self)
    }
}
