//! What the value engine knows of a field by its name.

use super::clue::{self, Kinds};
use super::{header, numbers};
use crate::redact::words::{self, Force, Named, Words};

/// What the engine needs to know of a field: made once for each callsite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(super) named: Option<Named>,
    /// What the name says of numbers.
    pub(super) kinds: Kinds,
    /// The name says nothing, so that what a text may hold can be told from the text alone.
    pub(super) plain: bool,
    pub(super) cookies: bool,
    /// The name is that of a connection string, which has parts that are no secret.
    pub(super) connection: bool,
}

impl Field {
    /// Whether the name says nothing, so that a glance at a text tells what it may hold.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether the name alone may make the value, or a part of it, what must not stay.
    pub(super) fn says_something(&self) -> bool {
        self.named.is_some()
    }

    pub(crate) fn of(name: &str) -> Self {
        let words = Words::of(name);
        let named = words::named_of(&words);
        let kinds = clue::of_name(words.iter());
        Self {
            named,
            kinds,
            plain: named.is_none_or(|named| named.force == Force::Parameter) && !numbers::claims_whole(kinds),
            connection: is_connection(&words),
            cookies: header::is_cookie(name.as_bytes()),
        }
    }
}

fn is_connection(words: &Words) -> bool {
    [
        "dsn",
        "connection string",
        "connectionstring",
        "conn str",
        "conn string",
        "connstr",
    ]
    .iter()
    .any(|name| words.contains(&Words::of(name)))
}
