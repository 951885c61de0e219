//! Small tables of counted things: as wide as they must be, and never wider than the terminal.

use crate::words::{cut, width};

/// The least width to which a column of text is cut.
const LEAST: usize = 8;

/// The most columns that a bar takes.
const BAR: usize = 24;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Text, which can be cut.
    Text,
    /// Text that says nothing when it is cut.
    Whole,
    /// Numbers, which stand at the right.
    Number,
}

/// Rows under a head. Cells are harmless already.
#[derive(Debug)]
pub(crate) struct Grid {
    head: Vec<String>,
    kinds: Vec<Kind>,
    rows: Vec<Vec<String>>,
    /// For each row, how long its bar is beside that of the others.
    weights: Vec<u64>,
}

impl Grid {
    /// A table with these columns; `#` before a name says that it holds numbers, `=` that it is never cut.
    pub(crate) fn new<S: AsRef<str>>(head: impl IntoIterator<Item = S>) -> Self {
        let mut grid = Self {
            head: Vec::new(),
            kinds: Vec::new(),
            rows: Vec::new(),
            weights: Vec::new(),
        };
        for name in head {
            let name = name.as_ref();
            let (kind, bare) = match name.as_bytes().first() {
                Some(b'#') => (Kind::Number, name.get(1..)),
                Some(b'=') => (Kind::Whole, name.get(1..)),
                _ => (Kind::Text, None),
            };
            grid.kinds.push(kind);
            grid.head.push(bare.unwrap_or(name).to_owned());
        }
        grid
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// A row with a bar behind it.
    pub(crate) fn weighted(&mut self, cells: Vec<String>, weight: u64) {
        self.rows.push(cells);
        self.weights.push(weight);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether it fits, cut or not.
    pub(crate) fn fits(&self, columns: Option<usize>) -> bool {
        let widths = self.widths(columns);
        let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        columns.is_none_or(|columns| total <= columns)
    }

    /// The lines, head first. `columns`: what the terminal has, `None` to cut nothing.
    pub(crate) fn lines(&self, columns: Option<usize>, color: bool) -> Vec<String> {
        let widths = self.widths(columns);
        let mut lines = vec![bold(&self.line(&self.head, &widths), color)];
        let total: usize = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        let room = columns.map_or(BAR, |columns| columns.saturating_sub(total + 2).min(BAR));
        let most = self.weights.iter().copied().max().unwrap_or(0);
        for (index, row) in self.rows.iter().enumerate() {
            let mut line = self.line(row, &widths);
            if let Some(weight) = self.weights.get(index).filter(|_| room >= 4) {
                let pad = total.saturating_sub(width(&line)) + 2;
                let bar = bar(*weight, most, room);
                if !bar.is_empty() {
                    line.push_str(&" ".repeat(pad));
                    line.push_str(&bar);
                }
            }
            lines.push(line.trim_end().to_owned());
        }
        lines
    }

    fn widths(&self, columns: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.head.iter().map(|name| width(name)).collect();
        for row in &self.rows {
            for (have, cell) in widths.iter_mut().zip(row) {
                *have = (*have).max(width(cell));
            }
        }
        let Some(columns) = columns else { return widths };
        loop {
            let total: usize = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
            let widest = widths
                .iter_mut()
                .zip(&self.kinds)
                .filter(|(have, kind)| **kind == Kind::Text && **have > LEAST)
                .max_by_key(|(have, _)| **have);
            match widest {
                Some((have, _)) if total > columns => *have -= 1,
                _ => return widths,
            }
        }
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let cells = cells.iter().zip(widths).zip(&self.kinds);
        let cells = cells.map(|((cell, have), kind)| {
            let cell = cut(cell, *have);
            let space = " ".repeat(have.saturating_sub(width(&cell)));
            if *kind == Kind::Number {
                format!("{space}{cell}")
            } else {
                format!("{cell}{space}")
            }
        });
        let cells: Vec<String> = cells.collect();
        cells.join("  ").trim_end().to_owned()
    }
}

/// Text that stands out, where there is colour.
pub(crate) fn bold(text: &str, color: bool) -> String {
    if color && !text.is_empty() {
        format!("\x1b[1m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// A bar of at most `room` columns; anything above nothing shows.
pub(crate) fn bar(weight: u64, most: u64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if weight == 0 || most == 0 {
        return String::new();
    }
    let eighths = u128::from(weight) * room as u128 * 8 / u128::from(most);
    let eighths = usize::try_from(eighths).unwrap_or(room * 8).clamp(1, room * 8);
    let rest = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    format!("{}{rest}", "█".repeat(eighths / 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(["ACTION", "OUTCOME", "#RECORDS"]);
        let long = "a.very.long.name.of.an.action.that.does.not.fit";
        grid.weighted(
            vec![long.to_owned(), "success".to_owned(), "1,000".to_owned()],
            1000,
        );
        grid.weighted(vec!["漢字".to_owned(), "denied".to_owned(), "1".to_owned()], 1);
        grid
    }

    #[test]
    fn a_grid_fits_every_width_from_forty_columns_on_and_numbers_end_in_line() {
        for columns in 40..160 {
            let lines = grid().lines(Some(columns), false);
            assert!(
                lines.iter().all(|line| width(line) <= columns),
                "{columns}: {lines:#?}"
            );
        }
        let lines = grid().lines(None, false);
        let ends = |line: &str, text: &str| line.find(text).map(|at| width(&line[..at + text.len()]));
        assert_eq!(ends(&lines[0], "RECORDS"), ends(&lines[1], "1,000"));
        assert_eq!(
            ends(&lines[1], "1,000"),
            ends(&lines[2], "1  ").map(|end| end - 2)
        );
    }

    #[test]
    fn a_bar_is_as_long_as_its_share_and_never_nothing_for_something() {
        assert_eq!(bar(0, 10, 8), "");
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(5, 10, 4), "██");
        assert_eq!(bar(1, u64::MAX, 4), "▏");
        assert_eq!(bar(u64::MAX, u64::MAX, 2), "██");
    }
}
