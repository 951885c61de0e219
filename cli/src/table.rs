//! Records as a table that fits the terminal.

use tracing_audit::record::Slot;
use tracing_audit::store::Stored;

use crate::words::{self, width};

const HEAD: [&str; COLUMNS] = [
    "TIME (UTC)",
    "OUTCOME",
    "ACTOR",
    "ACTION",
    "RESOURCE",
    "TOOK",
    "TRACE",
    "WHY",
];
const COLUMNS: usize = 8;

/// The least width of a column, and the most that it may take where the terminal is wide enough.
const SPAN: [(usize, usize); COLUMNS] = [
    (23, 23),
    (7, 12),
    (6, 28),
    (8, 36),
    (8, 40),
    (4, 7),
    (8, 8),
    (0, usize::MAX),
];

/// Widths below which a column does not read well any more.
const WELL: [usize; COLUMNS] = [SHORT_TIME, 7, 10, 15, 14, 4, 8, 10];

/// Which columns can give up width: who, what, on what, and why.
const YIELD: [usize; 5] = [WHY, 4, 3, 2, 1];

const TIME: usize = 0;
const RESOURCE: usize = 4;
const TOOK: usize = 5;
const TRACE: usize = 6;
const WHY: usize = 7;

/// `11-21 10:00:00`, in the place of `2026-11-21 10:00:00.000`.
const SHORT_TIME: usize = 14;

const GAP: usize = 2;

/// One row, made harmless.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    cells: [String; COLUMNS],
    color: &'static str,
}

impl Row {
    /// What of a record a row is made of, and what tells whether its execution has ended.
    pub(crate) const SLOTS: [Slot; 16] = [
        Slot::Action,
        Slot::ActorId,
        Slot::ActorType,
        Slot::ChangedFields,
        Slot::DurationNs,
        Slot::ErrorMessage,
        Slot::ExecutionId,
        Slot::Outcome,
        Slot::Phase,
        Slot::Reason,
        Slot::ReasonCode,
        Slot::ResourceId,
        Slot::ResourceType,
        Slot::Summary,
        Slot::Time,
        Slot::TraceId,
    ];

    pub(crate) fn of(stored: &Stored) -> Self {
        Self::with_outcome(stored, stored.record.text(Slot::Outcome).unwrap_or("-"))
    }

    /// A row that states another outcome than its record: what is known by now.
    pub(crate) fn with_outcome(stored: &Stored, outcome: &str) -> Self {
        let record = &stored.record;
        let trace = record.text(Slot::TraceId).and_then(|trace| trace.get(..8));
        Self {
            color: color_of(outcome, stored.is_gap()),
            cells: [
                words::time(record.uint(Slot::Time).unwrap_or(stored.place.observed_at)),
                words::harmless(outcome),
                words::actor(record),
                words::action(record),
                words::resource(record),
                record
                    .uint(Slot::DurationNs)
                    .map_or_else(|| "-".to_owned(), words::duration),
                trace.map_or_else(|| "-".to_owned(), words::harmless),
                words::detail(record),
            ],
        }
    }
}

/// What happened is told by the word; the colour only helps the eye.
fn color_of(outcome: &str, gap: bool) -> &'static str {
    match outcome {
        _ if gap => "\x1b[1;33m",
        "success" => "\x1b[32m",
        "failure" => "\x1b[31m",
        "denied" => "\x1b[1;31m",
        "pending" => "\x1b[36m",
        _ => "\x1b[33m",
    }
}

/// The widths of a table's columns, fixed by its first rows so that a table can be written as it is read.
#[derive(Debug)]
pub(crate) struct Table {
    widths: [usize; COLUMNS],
    /// Whether a cell that does not fit is cut; else it pushes the rest of its row to the right.
    cut: bool,
    color: bool,
}

impl Table {
    /// Takes the widths from these rows. `columns`: what the terminal has, `None` to cut nothing.
    pub(crate) fn fit(rows: &[Row], columns: Option<usize>, color: bool) -> Self {
        let mut widths = HEAD.map(width);
        for row in rows {
            for ((have, cell), (_, most)) in widths.iter_mut().zip(&row.cells).zip(SPAN) {
                *have = (*have).max(width(cell).min(most));
            }
        }
        for (have, (least, _)) in widths.iter_mut().zip(SPAN) {
            *have = (*have).max(least);
        }
        let mut table = Self {
            widths,
            cut: columns.is_some(),
            color,
        };
        if let Some(columns) = columns {
            table.shrink(columns, rows.iter().any(|row| !row.cells[WHY].is_empty()));
        }
        table
    }

    /// Widths for rows that are not known yet.
    pub(crate) fn roomy(rows: &[Row], columns: Option<usize>, color: bool) -> Self {
        let blank = |columns: usize| "x".repeat(columns);
        let mut rows = rows.to_vec();
        rows.push(Row {
            cells: [23, 8, 16, 24, 24, 6, 8, 24].map(blank),
            color: "",
        });
        Self::fit(&rows, columns, color)
    }

    fn total(&self) -> usize {
        let shown = self.widths.iter().filter(|width| **width > 0);
        shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
    }

    /// Takes away what tells least until the table fits: width down to what reads well, the trace, the year and the
    /// fractions of the time, how long it took (or why, where no row says why), width down to the least, whole columns.
    fn shrink(&mut self, columns: usize, has_why: bool) {
        let (third, fourth) = if has_why { (TOOK, WHY) } else { (WHY, TOOK) };
        let mut wanted = self.widths;
        for less in [None, Some(TRACE), Some(TIME), Some(third)] {
            if let Some(width) = less.and_then(|index| wanted.get_mut(index)) {
                *width = if less == Some(TIME) { SHORT_TIME } else { 0 };
            }
            self.widths = wanted;
            self.give(columns, &WELL);
            if self.total() <= columns {
                return;
            }
        }
        self.give(columns, &SPAN.map(|(least, _)| least));
        for index in [fourth, RESOURCE] {
            if self.total() > columns {
                self.leave(index);
            }
        }
    }

    /// Takes width from the widest column that has more than its least, again and again.
    fn give(&mut self, columns: usize, least: &[usize; COLUMNS]) {
        while self.total() > columns {
            let room = |index: &usize| {
                let least = least.get(*index).copied().unwrap_or_default();
                self.widths.get(*index).filter(|width| **width > least).copied()
            };
            let widest = YIELD
                .into_iter()
                .filter(|index| room(index).is_some())
                .max_by_key(room);
            let Some(width) = widest.and_then(|index| self.widths.get_mut(index)) else {
                return;
            };
            *width -= 1;
        }
    }

    fn leave(&mut self, index: usize) {
        if let Some(width) = self.widths.get_mut(index) {
            *width = 0;
        }
    }

    pub(crate) fn head(&self) -> String {
        let head = self.write(HEAD.map(str::to_owned).as_ref(), None);
        if self.color {
            format!("\x1b[1m{head}\x1b[0m")
        } else {
            head
        }
    }

    pub(crate) fn row(&self, row: &Row) -> String {
        self.write(&row.cells, self.color.then_some(row.color))
    }

    fn write(&self, cells: &[String], color: Option<&str>) -> String {
        let mut line = String::new();
        let mut pad = 0;
        for (index, (cell, width_of)) in cells.iter().zip(self.widths).enumerate() {
            if width_of == 0 && self.cut {
                continue;
            }
            if index > 0 {
                line.extend(std::iter::repeat_n(' ', pad + GAP));
            }
            let short = cell.get(5..5 + SHORT_TIME);
            let text = if let Some(short) = short.filter(|_| index == TIME && width_of == SHORT_TIME) {
                short.to_owned()
            } else if self.cut {
                words::cut(cell, width_of)
            } else {
                cell.clone()
            };
            pad = width_of.saturating_sub(width(&text));
            match color.filter(|_| index == 1) {
                Some(color) => {
                    line.push_str(color);
                    line.push_str(&text);
                    line.push_str("\x1b[0m");
                }
                None => line.push_str(&text),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [&str; COLUMNS]) -> Row {
        Row {
            cells: cells.map(str::to_owned),
            color: "",
        }
    }

    fn rows() -> Vec<Row> {
        vec![
            row([
                "2026-11-21 10:00:00.000",
                "success",
                "u-1",
                "document.read",
                "document/1",
                "1.2ms",
                "4bf92f35",
                "",
            ]),
            row([
                "2026-11-21 10:00:01.000",
                "denied",
                "service:nightly-report-generator",
                "permission.grant",
                "permission/0193f1d2-aaaa-bbbb-cccc-0123456789ab",
                "-",
                "-",
                "the actor is not the owner of the document",
            ]),
        ]
    }

    #[test]
    fn a_table_fits_every_width_from_fifty_columns_on_and_keeps_its_columns_in_line() {
        for columns in 50..240 {
            let table = Table::fit(&rows(), Some(columns), false);
            for line in std::iter::once(table.head()).chain(rows().iter().map(|row| table.row(row))) {
                assert!(width(&line) <= columns, "{columns}: {line}");
            }
        }
        let table = Table::fit(&rows(), Some(100), false);
        let at = table.head().find("OUTCOME");
        assert_eq!(table.row(&rows()[1]).find("denied"), at);
    }

    #[test]
    fn in_eighty_columns_who_did_what_to_what_and_why_can_be_read() {
        let table = Table::fit(&rows(), Some(80), false);
        assert_eq!(
            table.row(&rows()[0]),
            "11-21 10:00:00  success  u-1         document.read    document/1"
        );
        let denied = table.row(&rows()[1]);
        assert!(
            denied.starts_with("11-21 10:00:01  denied   service:"),
            "{denied}"
        );
        assert!(
            denied.contains("permission.gra") && denied.contains("permission/01"),
            "{denied}"
        );
        assert!(denied.contains("  the actor"), "{denied}");
        // Where nobody says why there is room for how long it took.
        let table = Table::fit(&rows()[..1], Some(80), false);
        assert!(
            table.row(&rows()[0]).ends_with("document/1  1.2ms"),
            "{}",
            table.row(&rows()[0])
        );
    }

    #[test]
    fn without_a_terminal_nothing_is_cut() {
        let table = Table::fit(&rows(), None, false);
        let line = table.row(&rows()[1]);
        assert!(
            line.contains("0123456789ab") && line.ends_with("of the document"),
            "{line}"
        );
    }
}
