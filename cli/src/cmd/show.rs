//! `show`: the records that a filter finds, as a table or as their lines.

use std::collections::{HashMap, VecDeque};

use tracing_audit::Query;
use tracing_audit::catalog::Sentences;
use tracing_audit::record::{Record, Slot};
use tracing_audit::store::{Cursor, DirStore, Direction, Extent, Filter, Store as _, Stored, Window};

use super::Met;
use crate::args::Show;
use crate::out::{Failure, Out, code, note};
use crate::table::{Row, Table};
use crate::words::{self, counted, harmless};

/// How many rows decide the widths of a table that is written while it is read.
const SAMPLE: usize = 1000;

pub(crate) fn run(show: &Show) -> Result<u8, Failure> {
    let query = super::question(&show.source.filter, show.since.as_deref(), show.until.as_deref())?;
    let store = super::open(&show.source.dir)?;
    let mut met = Met::default();
    let mut output = Output::new(show);
    let shown = if show.open {
        output.all(open_starts(&store, &query, show, &mut met)?)?
    } else if show.limit == 0 || show.oldest_first {
        in_order(&store, &query, show.limit, &mut met, &mut output)?
    } else {
        output.all(newest(&store, &query, show.limit, &mut met)?)?
    };
    output.end()?;
    let extents = store.extents()?;
    for line in closing(show, &query, shown, &extents, &met) {
        // Where the lines are data, what is said about them is not.
        if show.source.json {
            note(&line);
        } else {
            output.out.line(&line)?;
        }
    }
    output.out.flush()?;
    Ok(if shown == 0 && show.fail_if_empty {
        code::EMPTY
    } else {
        code::OK
    })
}

/// The newest records, oldest of them first.
fn newest(store: &DirStore, query: &Query, limit: usize, met: &mut Met) -> Result<VecDeque<Stored>, Failure> {
    let mut found = VecDeque::new();
    for item in store.walk(query, Direction::NewestFirst, None)? {
        if let Some(stored) = met.take(item?) {
            found.push_front(stored);
            if found.len() == limit {
                break;
            }
        }
    }
    Ok(found)
}

/// Records as they are read, from the oldest on.
fn in_order(
    store: &DirStore,
    query: &Query,
    limit: usize,
    met: &mut Met,
    output: &mut Output,
) -> Result<u64, Failure> {
    let mut shown = 0;
    for item in store.walk(query, Direction::OldestFirst, None)? {
        if let Some(stored) = met.take(item?) {
            output.one(stored)?;
            shown += 1;
            if limit > 0 && shown == limit as u64 {
                break;
            }
        }
    }
    Ok(shown)
}

/// Everything that belongs to an execution. The window has no end: an end may come long after its start.
struct Executions {
    from: u64,
}

impl Filter for Executions {
    fn matches(&self, record: &Record) -> bool {
        record.get(Slot::ExecutionId).is_some()
    }

    fn window(&self) -> Window {
        Window {
            from: self.from,
            ..Window::ALL
        }
    }
}

/// Wanted starts whose execution has no end anywhere behind them. Memory grows with executions that run at the same
/// time, not with the trail.
fn open_starts(
    store: &DirStore,
    query: &Query,
    show: &Show,
    met: &mut Met,
) -> Result<VecDeque<Stored>, Failure> {
    let filter = Executions {
        from: query.window().from,
    };
    let mut open: HashMap<String, Stored> = HashMap::new();
    for item in store.walk(&filter, Direction::OldestFirst, None)? {
        let Some(stored) = met.take(item?) else { continue };
        let Some(id) = stored.record.text(Slot::ExecutionId).map(str::to_owned) else {
            continue;
        };
        if stored.record.text(Slot::Phase) != Some("start") {
            open.remove(&id);
        } else if query.matches(&stored.record) {
            open.insert(id, stored);
        }
    }
    let mut found: Vec<Stored> = open.into_values().collect();
    found.sort_by(|left, right| left.place.cmp(&right.place));
    let mut found = VecDeque::from(found);
    if show.limit > 0 && show.oldest_first {
        found.truncate(show.limit);
    } else if show.limit > 0 {
        found.drain(..found.len().saturating_sub(show.limit));
    }
    Ok(found)
}

/// Where the records go.
struct Output {
    out: Out,
    json: bool,
    sentences: Option<Sentences>,
    table: Option<Table>,
    /// Rows that wait until the widths are known.
    rows: Vec<Row>,
}

impl Output {
    fn new(show: &Show) -> Self {
        Self {
            out: Out::new(show.source.color),
            json: show.source.json,
            sentences: show.sentences.then(Sentences::builtin),
            table: None,
            rows: Vec::new(),
        }
    }

    fn all(&mut self, records: VecDeque<Stored>) -> Result<u64, Failure> {
        let count = records.len() as u64;
        if self.json || self.sentences.is_some() {
            records.into_iter().try_for_each(|stored| self.one(stored))?;
        } else {
            self.rows = records.iter().map(Row::of).collect();
        }
        Ok(count)
    }

    fn one(&mut self, stored: Stored) -> Result<(), Failure> {
        if self.json {
            return self.out.bytes(&stored.line);
        }
        if let Some(sentences) = &self.sentences {
            return self.out.line(&words::sentence(sentences, &stored.record));
        }
        let row = Row::of(&stored);
        if let Some(table) = &self.table {
            return self.out.line(&table.row(&row));
        }
        self.rows.push(row);
        if self.rows.len() == SAMPLE {
            self.rows()?;
        }
        Ok(())
    }

    /// Fixes the widths and writes what waited for them.
    fn rows(&mut self) -> Result<(), Failure> {
        let table = Table::fit(&self.rows, self.out.columns(), self.out.color());
        self.out.line(&table.head())?;
        for row in self.rows.drain(..) {
            self.out.line(&table.row(&row))?;
        }
        self.table = Some(table);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.rows()
    }
}

/// What is said behind the records. Gaps and findings are told in either form, the rest only under a table or where
/// nothing was found.
fn closing(show: &Show, query: &Query, shown: u64, extents: &[Extent], met: &Met) -> Vec<String> {
    let mut lines = Vec::new();
    let total: u64 = extents.iter().map(Extent::records).sum();
    if shown == 0 {
        lines.push(nothing(show, total, extents));
        for (value, word) in query.slips() {
            lines.push(format!(
                "did you mean `{word}` instead of `{}`?",
                harmless(&value)
            ));
        }
    }
    let gaps = met.gaps();
    if !show.source.json && shown > 0 {
        let streams = counted(extents.len() as u64, "stream");
        let of = if shown < total {
            format!("{} of {}", words::count(shown), counted(total, "record"))
        } else {
            counted(shown, "record")
        };
        let limited = show.limit > 0 && shown == show.limit as u64 && shown < total;
        let more = if limited { " (--limit 0 shows all)" } else { "" };
        let gaps = gaps.map_or_else(String::new, |gaps| format!("; {gaps}"));
        lines.push(format!("{of}, {streams}{more}{gaps}"));
    } else {
        lines.extend(gaps);
    }
    lines.extend(met.findings());
    lines
}

/// An answer to "why is nothing there?".
fn nothing(show: &Show, total: u64, extents: &[Extent]) -> String {
    let what = if show.open { "no open start" } else { "no record" };
    let first: Option<&Cursor> = extents.iter().map(|extent| &extent.first).min();
    let last: Option<&Cursor> = extents.iter().map(|extent| &extent.last).max();
    let mut asked: Vec<String> = show.source.filter.iter().map(|term| harmless(term)).collect();
    asked.extend(
        show.since
            .iter()
            .map(|since| format!("--since {}", harmless(since))),
    );
    asked.extend(
        show.until
            .iter()
            .map(|until| format!("--until {}", harmless(until))),
    );
    let asked = if asked.is_empty() {
        String::new()
    } else {
        format!(" for `{}`", asked.join(" "))
    };
    let there = first.zip(last).map_or_else(
        || "no record at all".to_owned(),
        |(first, last)| {
            format!(
                "{} from {} to {} UTC",
                counted(total, "record"),
                words::time(first.observed_at),
                words::time(last.observed_at)
            )
        },
    );
    format!("{what} found{asked}; `{}` has {there}", show.source.dir.display())
}
