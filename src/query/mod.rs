//! The query: one tree for the command line, the page, SQL and the file scan, and the language that writes it.
//!
//! ```text
//! actor=u-1 outcome=denied                    adjacent terms: both
//! action=invoice.* or not actor.type=service  `*` stands for any text; and, or, not, ( )
//! actor=u-1 actor=u-2                         the same field twice with `=`: either
//! outcome in (denied, failure)                the same, in one term
//! actor.ip=10.0.0.0/8                         a network
//! level>=warn  duration>250ms  time>=-2h      order: levels, numbers, durations, times
//! summary~"not found"                         contains, whatever the case
//! attributes.port=443  label.team=core        fields of your own
//! resource=invoice/9                          type, id, or both
//! reason=*   reason!=*                        present; absent
//! timeout                                     any text of the record contains it
//! ```
//!
//! `field!=value` is `not field=value`, so it is also true where the field is absent. Text stands in quotes of either kind,
//! `"not found"` or `'not found'`; in it `\"`, `\\` and `\*` stand for the character itself. A field, an operator or a value that cannot be is an error that names
//! its place; a query never becomes wider than it was written.

mod ast;
mod bytes;
mod display;
mod eval;
mod field;
mod opts;
mod parse;
mod plan;
mod raw;
mod time;
mod value;
mod zone;

use crate::clock::{Clock as _, SystemClock};
use crate::error::Result;
use crate::record::{Record, Slot};
use crate::store::{Condition, Filter, RawTest, Window};

pub use ast::{Bound, Expr, Field, Net, Number, Order, Pattern, Test, Wanted};
pub use opts::{AuditQuery, LevelTest, ListOpts};
pub use time::{parse_duration, parse_time};

/// How far a record's own time may lie after its observation for [`Query::since`] to find it: one day, in
/// nanoseconds.
pub const FUTURE_SLACK: u64 = 24 * 60 * 60 * 1_000_000_000;

/// What is asked: a tree of conditions on one record.
///
/// `Display` writes it in the language that [`Query::parse`] reads, and reading that gives an equal query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    expr: Expr,
}

impl Query {
    /// The query that every record satisfies.
    #[must_use]
    pub fn all() -> Self {
        Self::from(Expr::And(Vec::new()))
    }

    /// Reads a query; relative times count from the system's clock. Empty text is [`Query::all`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) for an unknown field, an operator or a value that the field
    /// does not take, and for text that does not end or begins wrongly; the message names the column.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_at(text, SystemClock.now())
    }

    /// As [`Query::parse`], with relative times counted from `now`, in nanoseconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// As [`Query::parse`].
    pub fn parse_at(text: &str, now: u64) -> Result<Self> {
        Self::parse_terms([text], now)
    }

    /// Reads arguments of a command line as adjacent terms: all must hold, and the same field twice with `=` is
    /// either.
    ///
    /// # Errors
    ///
    /// As [`Query::parse`]; with more than one argument the message also names the argument.
    pub fn parse_terms<T: AsRef<str>>(terms: impl IntoIterator<Item = T>, now: u64) -> Result<Self> {
        parse::terms(terms, now).map(Self::from)
    }

    /// Keeps the records that also satisfy `other`.
    #[must_use]
    pub fn and(self, other: impl Into<Self>) -> Self {
        Self::from(Expr::And(vec![self.expr, other.into().expr]))
    }

    /// Keeps the records whose `time` is `since` or later, in nanoseconds since the Unix epoch; 0 is the epoch
    /// and keeps every record that has a time.
    ///
    /// So that a reader can skip what is older, a record that was observed more than [`FUTURE_SLACK`] before
    /// `since` is left out even if its caller dated it later; `time>=…` in the language has no such limit.
    #[must_use]
    pub fn since(self, since: u64) -> Self {
        let observed = since.saturating_sub(FUTURE_SLACK);
        self.and(Expr::at_least(crate::record::Slot::Time, since))
            .and(Expr::at_least(crate::record::Slot::ObservedAt, observed))
    }

    /// Keeps the records whose `time` is before `until`, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn until(self, until: u64) -> Self {
        self.and(Expr::before(crate::record::Slot::Time, until))
    }

    /// The tree, for a planner.
    #[must_use]
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Whether the record satisfies the query.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        eval::matches(&self.expr, record)
    }

    /// Values that are allowed, because their vocabulary is open, but that look like a slip: each with the known
    /// word that it resembles. For a note beside an empty result.
    #[must_use]
    pub fn slips(&self) -> Vec<(String, &'static str)> {
        let mut slips = Vec::new();
        field::slips(&self.expr, &mut slips);
        slips
    }
}

impl From<Expr> for Query {
    /// The query for a tree. Trees that mean the same by construction become one form: conjunctions inside
    /// conjunctions are opened, a conjunction of one is that one.
    fn from(expr: Expr) -> Self {
        Self { expr: expr.normal() }
    }
}

impl Filter for Query {
    fn matches(&self, record: &Record) -> bool {
        Query::matches(self, record)
    }

    fn window(&self) -> Window {
        eval::window(&self.expr).unwrap_or(Window::NONE)
    }

    fn raw(&self) -> RawTest {
        bytes::raw(&self.expr)
    }

    fn looks_at(&self) -> Option<Vec<Slot>> {
        let mut slots = Vec::new();
        bytes::looks_at(&self.expr, &mut slots).map(|()| slots)
    }

    fn condition(&self) -> Condition {
        plan::condition(&self.expr)
    }
}

impl std::fmt::Display for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.expr.fmt(f)
    }
}

impl std::str::FromStr for Query {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}
