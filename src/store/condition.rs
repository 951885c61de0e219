//! What a filter says of records, in a form that a store can look up.

use crate::record::Slot;

/// What a filter says, as far as a store can look it up. A record that the filter wants satisfies it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// Nothing that can be looked up: every record can be wanted.
    Unknown,
    /// All of these hold; of none, always.
    All(Vec<Condition>),
    /// At least one of these holds; of none, never.
    Any(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
    /// This holds, but not every record for which it does is wanted.
    Maybe(Box<Condition>),
    /// The slot holds one of these texts.
    Is(Slot, Vec<String>),
    /// The slot holds a text that begins with this one.
    Begins(Slot, String),
    /// The slot holds something.
    Has(Slot),
    /// The slot holds an integer from the first to the second, both included.
    Between(Slot, u64, u64),
    /// A text of the record contains these, one behind the other, whatever the case; they are in lower case.
    Says(Vec<String>),
}
