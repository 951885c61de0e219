//! Exact values: what a field holds, without loss of range, sign or kind.

use crate::memory;
use std::collections::BTreeMap;
use std::error::Error as StdError;

/// Named values. The order of keys carries no meaning; a line sorts them.
pub type Map = BTreeMap<String, Value>;

/// The most links of an error chain that are kept.
const MAX_CHAIN: usize = 8;

/// One value of a record.
///
/// An integer is one number whatever its width was: `Int` holds all that fits `i128`, `Uint` only what lies
/// above. Build integers with `Value::from`, which keeps to that rule, so that equal numbers compare equal.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Said to be nothing. A field that was never set is absent instead.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer from `i128::MIN` to `i128::MAX`.
    Int(i128),
    /// An integer above `i128::MAX`.
    Uint(u128),
    /// A binary floating-point number, with NaN, infinities and the sign of zero.
    Float(f64),
    /// Raw bytes that need not be text.
    Bytes(Vec<u8>),
    /// Text.
    Str(String),
    /// What a line says of an erasable value: SHA-256 over a salt and the value. Whoever has neither learns nothing from
    /// it; a [`store`](crate::store) puts the value in its place as long as it is there.
    Commitment([u8; 32]),
    /// Values in order.
    List(Vec<Value>),
    /// Named values.
    Map(Map),
}

impl Value {
    /// The messages of an error and of its sources, outermost first, at most eight.
    #[must_use]
    pub fn error_chain(error: &(dyn StdError + 'static)) -> Self {
        let links = std::iter::successors(Some(error), |error: &&(dyn StdError + 'static)| (*error).source());
        Self::List(
            links
                .take(MAX_CHAIN)
                .map(|error| Self::Str(error.to_string()))
                .collect(),
        )
    }

    /// Drops the value level by level: dropped in the usual way, one that is nested thousands of levels deep would
    /// overflow the stack. Takes memory only below the levels that are usual.
    pub(crate) fn dismantle(self) {
        const LEVELS: usize = 64;
        // What does not fit there is dropped in the usual way, and is nobody's loss.
        memory::apart(|| {
            let mut rest = Vec::new();
            let mut next = Some(self);
            while let Some(value) = next {
                value.drop_down_to(LEVELS, &mut rest);
                next = rest.pop();
            }
        });
    }

    /// Drops so many levels of the value, and leaves those below in `rest`.
    fn drop_down_to(self, levels: usize, rest: &mut Vec<Self>) {
        let Some(below) = levels.checked_sub(1) else {
            return memory::push(rest, self);
        };
        match self {
            Self::List(values) => values
                .into_iter()
                .for_each(|value| value.drop_down_to(below, rest)),
            Self::Map(members) => members
                .into_values()
                .for_each(|value| value.drop_down_to(below, rest)),
            _ => {}
        }
    }

    /// About how much memory a copy takes of which no text is longer than `longest`: `most` at most, and then no more is
    /// looked at.
    pub(crate) fn weight(&self, most: usize, longest: usize) -> usize {
        /// What a part takes beside its own bytes: its place in a list or a tree, and its allocation.
        const PART: usize = 128;
        let mut weight = 0;
        let mut rest = Vec::new();
        memory::push(&mut rest, self);
        while let Some(value) = rest.pop().filter(|_| weight < most) {
            weight += PART;
            match value {
                Self::Str(text) => weight += text.len().min(longest),
                Self::Bytes(bytes) => weight += bytes.len().min(longest),
                Self::List(values) => values.iter().for_each(|value| memory::push(&mut rest, value)),
                Self::Map(members) => {
                    weight += members.keys().map(String::len).sum::<usize>();
                    members.values().for_each(|value| memory::push(&mut rest, value));
                }
                _ => {}
            }
        }
        weight.min(most)
    }

    /// The text, if this is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if this is one that fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The list, if this is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// The map, if this is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }
}

macro_rules! from_integers {
    ($($int:ty),*) => {$(
        impl From<$int> for Value {
            fn from(number: $int) -> Self {
                Self::Int(i128::from(number))
            }
        }
    )*};
}

from_integers!(u8, u16, u32, u64, i8, i16, i32, i64, i128);

impl From<u128> for Value {
    fn from(number: u128) -> Self {
        i128::try_from(number).map_or(Self::Uint(number), Self::Int)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::from(number as u128)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
