//! Conditions as SQL: what a filter says of columns, made into a clause that lets every wanted row through.

use rusqlite::types::Value as Cell;

use crate::record::Slot;
use crate::sqlite::{Column, Found, Part, Sought, column_of, number};
use crate::store::Condition;

/// A longer condition is not looked up. SQLite refuses trees more than 1,000 deep, and so many ORs are one: each takes a
/// dozen bytes at the least. It also keeps the variables below its 32,766.
const MOST: usize = 12_000;

/// A condition for one part, as SQL.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Narrow {
    pub(super) sql: String,
    pub(super) cells: Vec<Cell>,
    /// Whether every row that passes is wanted.
    pub(super) is_exact: bool,
    /// Whether no row can pass.
    pub(super) is_none: bool,
}

impl Narrow {
    fn new(sql: impl Into<String>, cells: Vec<Cell>) -> Self {
        Self {
            sql: sql.into(),
            cells,
            is_exact: true,
            is_none: false,
        }
    }

    fn always(is_exact: bool) -> Self {
        Self {
            is_exact,
            ..Self::new("1", Vec::new())
        }
    }

    fn never() -> Self {
        Self {
            is_none: true,
            ..Self::new("0", Vec::new())
        }
    }

    fn inexact(self) -> Self {
        Self {
            is_exact: false,
            ..self
        }
    }

    /// Whether it lets every row through.
    fn is_always(&self) -> bool {
        self.sql == "1"
    }

    /// The condition for one part. `find` says what the part's words tell, where it has a list of them.
    pub(super) fn of(condition: &Condition, part: &Part, find: &dyn Fn(&Sought) -> Found) -> Self {
        let narrow = Self::whole(condition, part, find);
        match narrow.sql.len() {
            ..=MOST => narrow,
            _ => Self::always(false),
        }
    }

    /// The condition, however long it is.
    fn whole(condition: &Condition, part: &Part, find: &dyn Fn(&Sought) -> Found) -> Self {
        match condition {
            Condition::Unknown => Self::always(false),
            Condition::All(members) => Self::all(members.iter().map(|one| Self::of(one, part, find))),
            Condition::Any(members) => Self::any(members.iter().map(|one| Self::of(one, part, find))),
            Condition::Not(inner) => match Self::of(inner, part, find) {
                inner if !inner.is_exact => Self::always(false),
                inner if inner.is_none => Self::always(true),
                // An absent value compares as neither true nor false.
                inner => Self::new(format!("({}) IS NOT TRUE", inner.sql), inner.cells),
            },
            Condition::Maybe(inner) => Self::of(inner, part, find).inexact(),
            Condition::Is(slot, words) => Self::is(*slot, words),
            Condition::Begins(slot, text) => Self::begins(*slot, text),
            Condition::Has(Slot::CorrelationId) => {
                Self::new("(correlation_id IS NOT NULL OR trace_id IS NOT NULL)", Vec::new())
            }
            Condition::Has(slot) => Self::column(*slot, |column| {
                Self::new(format!("{} IS NOT NULL", column.name), Vec::new())
            }),
            Condition::Between(slot, from, until) => {
                // What a part spans answers for all of its rows.
                match span(*slot, part) {
                    Some((first, last)) if *from <= first && last <= *until => Self::always(true),
                    Some((first, last)) if last < *from || *until < first => Self::never(),
                    _ => Self::between(*slot, *from, *until),
                }
            }
            Condition::Says(parts) => match find(&Sought::new(parts)) {
                Found::Nothing => Self::never().inexact(),
                Found::Anything => Self::always(false),
                Found::Words(words) => Self::new(
                    format!(
                        "id IN (SELECT rowid FROM text_{no} WHERE text_{no} MATCH ?)",
                        no = part.no
                    ),
                    vec![Cell::Text(words)],
                )
                .inexact(),
            },
        }
    }

    fn column(slot: Slot, of: impl FnOnce(Column) -> Self) -> Self {
        column_of(slot).map_or_else(|| Self::always(false), of)
    }

    fn is(slot: Slot, words: &[String]) -> Self {
        if slot == Slot::CorrelationId {
            // The trace id is what ties records together where nothing else was given.
            let own = Self::words("correlation_id", words);
            let trace = Self::words("trace_id", words);
            let cells = own.cells.into_iter().chain(trace.cells).collect();
            let sql = format!("({} OR (correlation_id IS NULL AND {}))", own.sql, trace.sql);
            return Self::new(sql, cells);
        }
        Self::column(slot, |column| match column.is_number {
            true => Self::always(false),
            false => Self::words(column.name, words),
        })
    }

    fn words(name: &str, words: &[String]) -> Self {
        let cells: Vec<Cell> = words.iter().cloned().map(Cell::Text).collect();
        match cells.len() {
            0 => Self::never(),
            1 => Self::new(format!("{name} = ?"), cells),
            many => {
                let places = vec!["?"; many].join(", ");
                Self::new(format!("{name} IN ({places})"), cells)
            }
        }
    }

    fn begins(slot: Slot, text: &str) -> Self {
        if slot == Slot::CorrelationId {
            return Self::always(false);
        }
        Self::column(slot, |column| {
            let name = column.name;
            let from = Cell::Text(text.to_owned());
            match (column.is_number, behind(text)) {
                (true, _) => Self::always(false),
                (false, Some(until)) => Self::new(
                    format!("({name} >= ? AND {name} < ?)"),
                    vec![from, Cell::Text(until)],
                ),
                (false, None) => Self::new(format!("{name} >= ?"), vec![from]),
            }
        })
    }

    fn between(slot: Slot, from: u64, until: u64) -> Self {
        const LAST: u64 = i64::MAX as u64;
        Self::column(slot, |column| {
            let name = column.name;
            if !column.is_number {
                return Self::always(false);
            }
            if from > until {
                return Self::never();
            }
            // The largest number that SQLite has stands for those above, too.
            let is_exact = from <= LAST && (until < LAST || until == u64::MAX);
            let mut cells = vec![number(from)];
            let mut sql = format!("{name} >= ?");
            if until < LAST {
                cells.push(number(until));
                sql = format!("({sql} AND {name} <= ?)");
            }
            Self {
                is_exact,
                ..Self::new(sql, cells)
            }
        })
    }

    fn all(members: impl Iterator<Item = Self>) -> Self {
        let mut all = Self::always(true);
        let mut parts = Vec::new();
        for member in members {
            all.is_exact &= member.is_exact;
            if member.is_none {
                return Self::never();
            }
            if !member.is_always() {
                parts.push(member.sql);
                all.cells.extend(member.cells);
            }
        }
        if !parts.is_empty() {
            all.sql = format!("({})", parts.join(" AND "));
        }
        all
    }

    fn any(members: impl Iterator<Item = Self>) -> Self {
        let mut any = Self::never();
        let mut parts = Vec::new();
        let mut is_always = false;
        for member in members {
            any.is_exact &= member.is_exact;
            is_always |= member.is_always();
            if !member.is_none {
                parts.push(member.sql);
                any.cells.extend(member.cells);
            }
        }
        if is_always {
            return Self::always(any.is_exact);
        }
        if !parts.is_empty() {
            any.is_none = false;
            any.sql = format!("({})", parts.join(" OR "));
        }
        any
    }
}

/// Whether an index leads to the rows that satisfy it, whatever is said of their texts.
pub(super) fn is_indexed(condition: &Condition) -> bool {
    match condition {
        Condition::All(members) => members.iter().any(is_indexed),
        Condition::Any(members) => members.iter().all(is_indexed),
        Condition::Maybe(inner) => is_indexed(inner),
        Condition::Is(slot, _) | Condition::Begins(slot, _) => {
            column_of(*slot).is_some_and(|column| column.is_indexed())
        }
        _ => false,
    }
}

/// Whether it says something of texts.
pub(super) fn has_text(condition: &Condition) -> bool {
    match condition {
        Condition::All(members) | Condition::Any(members) => members.iter().any(has_text),
        Condition::Maybe(inner) | Condition::Not(inner) => has_text(inner),
        Condition::Says(_) => true,
        _ => false,
    }
}

/// The times that the rows of a finished part have.
fn span(slot: Slot, part: &Part) -> Option<(u64, u64)> {
    match slot {
        _ if !part.is_finished => None,
        Slot::Time => Some(part.times),
        Slot::ObservedAt => Some((part.first, part.last)),
        _ => None,
    }
}

/// The first text behind all that begin with this one, in the order of their bytes; `None` where there is none.
fn behind(text: &str) -> Option<String> {
    let mut head = text.to_owned();
    while let Some(last) = head.pop() {
        let next = match u32::from(last) + 1 {
            0xd800 => Some('\u{e000}'),
            code => char::from_u32(code),
        };
        if let Some(next) = next {
            head.push(next);
            return Some(head);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(condition: &Condition) -> (String, bool) {
        let narrow = Narrow::of(condition, &Part::everything(1), &|_| Found::Anything);
        (narrow.sql, narrow.is_exact)
    }

    #[test]
    fn what_cannot_be_looked_up_widens_and_is_said_to() {
        let outcome = Condition::Is(Slot::Outcome, vec!["denied".into()]);
        let unknown = Condition::Unknown;
        assert_eq!(sql(&outcome), ("outcome = ?".into(), true));
        let both = Condition::All(vec![outcome.clone(), unknown.clone()]);
        assert_eq!(sql(&both), ("(outcome = ?)".into(), false));
        let either = Condition::Any(vec![outcome.clone(), unknown.clone()]);
        assert_eq!(sql(&either), ("1".into(), false));
        let not = Condition::Not(Box::new(Condition::Maybe(Box::new(outcome))));
        assert_eq!(
            sql(&not),
            ("1".into(), false),
            "the rest of a superset is no superset of the rest"
        );
        assert_eq!(sql(&Condition::Any(Vec::new())).0, "0");
        assert_eq!(
            sql(&Condition::Is(Slot::Summary, vec!["x".into()])),
            ("1".into(), false)
        );
    }

    #[test]
    fn a_part_that_lies_within_a_time_is_asked_for_no_time_and_one_outside_not_at_all() {
        let part = Part {
            is_finished: true,
            times: (10, 20),
            ..Part::everything(1)
        };
        let narrow = |from, until| {
            let within = Condition::Between(Slot::Time, from, until);
            let narrow = Narrow::of(&within, &part, &|_| Found::Anything);
            (narrow.sql, narrow.is_none)
        };
        assert_eq!(narrow(10, 20), ("1".into(), false));
        assert_eq!(narrow(21, 30), ("0".into(), true));
        assert_eq!(narrow(0, 9), ("0".into(), true));
        assert_eq!(narrow(11, 30), ("(time >= ? AND time <= ?)".into(), false));
    }

    #[test]
    fn the_text_behind_a_prefix_is_behind_all_that_begin_with_it() {
        assert_eq!(behind("ab").as_deref(), Some("ac"));
        assert_eq!(behind("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(behind("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(behind("\u{10ffff}"), None);
        assert_eq!(behind(""), None);
    }

    #[test]
    fn a_number_beyond_what_sqlite_has_is_looked_at_again() {
        let between = |from, until| sql(&Condition::Between(Slot::DurationNs, from, until));
        assert_eq!(between(5, u64::MAX), ("duration_ns >= ?".into(), true));
        assert_eq!(
            between(5, 9),
            ("(duration_ns >= ? AND duration_ns <= ?)".into(), true)
        );
        assert!(!between(u64::MAX - 1, u64::MAX).1);
        assert!(!between(0, u64::MAX - 1).1);
        assert_eq!(between(9, 5).0, "0");
    }
}
