//! What to list, and the part of a listing that answers it.

use super::{Cursor, Direction, Finding, Stored};
use crate::error::{Error, ErrorKind, Result};

/// The most records that a listing gives at once, other than all of them.
pub const MAX_LIMIT: usize = 10_000;

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct List {
    /// Which end to begin at. Default: the newest.
    pub direction: Direction,
    /// Go on behind this place. Default: begin at the end that `direction` names.
    pub after: Option<Cursor>,
    /// How many wanted records to skip, behind `after`. Default: 0.
    pub offset: u64,
    /// The most records to give, up to [`MAX_LIMIT`]; 0 gives all of them, for a program that can hold them. Default: 50.
    pub limit: usize,
    /// Whether to count all wanted records. Default: no.
    pub total: bool,
}

impl Default for List {
    fn default() -> Self {
        Self {
            direction: Direction::default(),
            after: None,
            offset: 0,
            limit: 50,
            total: false,
        }
    }
}

impl List {
    /// Which end to begin at. Default: the newest.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Go on behind this place: the `next` of the page before. What stands before it is not read again, however deep the
    /// page lies.
    #[must_use]
    pub fn after(mut self, after: impl Into<Option<Cursor>>) -> Self {
        self.after = after.into();
        self
    }

    /// Skip so many wanted records. Each of them is read, so a page costs more the deeper it lies; [`List::after`] does
    /// not. Default: 0.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// The most records to give, up to [`MAX_LIMIT`]; 0 gives all of them. Default: 50.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Whether to count all wanted records, whatever `after`, `offset` and `limit` say. A store of files reads the filter's
    /// whole window for it. Default: no.
    #[must_use]
    pub fn total(mut self, total: bool) -> Self {
        self.total = total;
        self
    }

    /// Refuses a limit that no listing has.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Query`] for a limit above [`MAX_LIMIT`].
    pub fn check(&self) -> Result<()> {
        if self.limit <= MAX_LIMIT {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Query,
            format!(
                "a limit of {} is above the most of a page, {MAX_LIMIT}; go on behind its cursor instead",
                self.limit
            ),
        ))
    }
}

/// A part of a listing.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// The wanted records, in the order asked for.
    pub records: Vec<Stored>,
    /// Gap records that were passed on the way and that the filter does not want.
    pub gaps: Vec<Stored>,
    /// What else was passed on the way. With several streams a finding can stand on two neighbouring pages.
    pub findings: Vec<Finding>,
    /// Where to go on; `None` if the walk came to the end.
    pub next: Option<Cursor>,
    /// How many records are wanted in all, where that was asked for.
    pub total: Option<u64>,
    /// The limit that was in effect; 0 is none.
    pub limit: usize,
    /// The offset that was in effect.
    pub offset: u64,
}

impl Page {
    /// An empty page of this listing.
    pub(super) fn of(list: &List) -> Self {
        Self {
            limit: list.limit,
            offset: list.offset,
            ..Self::default()
        }
    }
}
