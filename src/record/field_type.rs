//! What the values of a typed event's field are, as its meta states it.

use std::fmt;

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldType {
    /// Text.
    Text,
    /// A word of a vocabulary.
    Word,
    /// An integer from `min` to `max`.
    Integer {
        /// The least.
        min: i128,
        /// The greatest; `u128::MAX` for the one type that goes beyond `i128`.
        max: u128,
    },
    /// A number.
    Float,
    /// A truth value.
    Bool,
    /// A duration in nanoseconds.
    Duration,
    /// Any value.
    Any,
    /// A struct, whose fields are known.
    Struct,
    /// Values in order.
    List(&'static FieldType),
    /// Named values.
    Map(&'static FieldType),
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Word => f.write_str("a word"),
            Self::Integer { min, max } => write!(f, "an integer from {min} to {max}"),
            Self::Float => f.write_str("a number"),
            Self::Bool => f.write_str("true or false"),
            Self::Duration => f.write_str("nanoseconds"),
            Self::Any => f.write_str("any value"),
            Self::Struct => f.write_str("named values of a struct"),
            Self::List(of) => write!(f, "a list, each {of}"),
            Self::Map(of) => write!(f, "named values, each {of}"),
        }
    }
}
