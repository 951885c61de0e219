//! Which kind of UUID a record is given as its id.

/// The id of a record whose caller gave none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum IdKind {
    /// A UUID of version 7, made from the record's own time: ids sort by when things happened, and tell it.
    #[default]
    V7,
    /// A UUID of version 4: 122 random bits, which tell nothing and sort like nothing.
    V4,
}

impl IdKind {
    /// The word for the kind in a configuration and in `audit.open`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V7 => "v7",
            Self::V4 => "v4",
        }
    }
}
