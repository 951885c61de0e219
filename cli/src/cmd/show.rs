//! `show`: the records that a filter finds, as a table or as their lines.

use std::collections::{BTreeSet, HashMap, VecDeque};

use tracing_audit::Query;
use tracing_audit::catalog::Sentences;
use tracing_audit::record::{Record, Slot};
use tracing_audit::store::{
    Cursor, DirStore, Direction, Extent, Filter, Only, Store as _, Stored, Verdict, Window, completeness,
};

use super::Met;
use crate::asking::Show;
use crate::out::{Failure, Out, code, note};
use crate::table::{Row, Table};
use crate::words::{self, counted, harmless};

/// How many rows decide the widths of a table that is written while it is read.
const SAMPLE: usize = 1000;

pub(crate) fn run(show: &Show) -> Result<u8, Failure> {
    with(show, |_, _, _| Ok(()))
}

/// Shows records, with more behind them that `more` says.
pub(super) fn with(
    show: &Show,
    more: impl FnOnce(&mut Out, &DirStore, &Query) -> Result<(), Failure>,
) -> Result<u8, Failure> {
    let query = super::question(&show.source.filter, &show.range)?;
    let store = super::open(&show.source.dir)?;
    let mut met = Met::default();
    let mut output = Output::new(show);
    let few = Only::new(&query, Row::SLOTS);
    // A sentence can be made of any field.
    let wanted: &dyn Filter = if show.sentences { &query } else { &few };
    let asked = super::asked_window(&show.range, &query)?;
    let (shown, verdict) = if show.limit == 0 && !show.open {
        let verdict = completeness(&store, asked)?;
        output.unknown.clone_from(&verdict.without_outcome);
        (in_order(&store, wanted, &mut met, &mut output)?, verdict)
    } else {
        let found = if show.open {
            open_starts(&store, &query, show, &mut met)?
        } else if show.oldest_first {
            oldest(&store, wanted, show.limit, &mut met)?
        } else {
            newest(&store, wanted, show.limit, &mut met)?
        };
        let verdict = completeness(&store, shown_window(show, asked, &found))?;
        output.unknown.clone_from(&verdict.without_outcome);
        (output.all(found)?, verdict)
    };
    output.end()?;
    let extents = store.extents()?;
    let mut lines = closing(show, &query, shown, &extents, &met);
    lines.push(harmless(&verdict_of(&verdict)));
    for line in lines {
        // Where the lines are data, what is said about them is not.
        if show.source.json {
            note(&line);
        } else {
            output.out.line(&line)?;
        }
    }
    more(&mut output.out, &store, &query)?;
    output.out.flush()?;
    Ok(if shown == 0 && show.answer.fail_if_empty {
        code::EMPTY
    } else {
        code::OK
    })
}

/// The newest records, oldest of them first.
fn newest(
    store: &DirStore,
    query: &dyn Filter,
    limit: usize,
    met: &mut Met,
) -> Result<VecDeque<Stored>, Failure> {
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

/// The oldest records.
fn oldest(
    store: &DirStore,
    query: &dyn Filter,
    limit: usize,
    met: &mut Met,
) -> Result<VecDeque<Stored>, Failure> {
    let mut found = VecDeque::new();
    for item in store.walk(query, Direction::OldestFirst, None)? {
        if let Some(stored) = met.take(item?) {
            found.push_back(stored);
            if found.len() == limit {
                break;
            }
        }
    }
    Ok(found)
}

/// All records as they are read, from the oldest on.
fn in_order(
    store: &DirStore,
    query: &dyn Filter,
    met: &mut Met,
    output: &mut Output,
) -> Result<u64, Failure> {
    let mut shown = 0;
    for item in store.walk(query, Direction::OldestFirst, None)? {
        if let Some(stored) = met.take(item?) {
            output.one(stored)?;
            shown += 1;
        }
    }
    Ok(shown)
}

/// The window that the shown records lie in: where there are more of them than wanted, it ends with those that are shown.
fn shown_window(show: &Show, asked: Window, found: &VecDeque<Stored>) -> Window {
    let mut window = asked;
    if show.open || found.len() < show.limit {
        return window;
    }
    match (found.front(), found.back()) {
        (_, Some(last)) if show.oldest_first => window.until = last.place.observed_at.saturating_add(1),
        (Some(first), _) => window.from = first.place.observed_at,
        _ => {}
    }
    window
}

/// How complete the window is.
fn verdict_of(verdict: &Verdict) -> String {
    let Window { from, until } = verdict.window;
    let from = if from == 0 {
        "the beginning".to_owned()
    } else {
        words::time(from)
    };
    let until = if until >= Window::ALL.until {
        "the end".to_owned()
    } else {
        words::time(until)
    };
    format!("completeness from {from} to {until}: {verdict}")
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
    /// Executions whose starts have no end anywhere: what came of them is unknown.
    unknown: BTreeSet<String>,
    /// Rows that wait until the widths are known.
    rows: Vec<Row>,
}

impl Output {
    fn new(show: &Show) -> Self {
        Self {
            out: Out::paged(show.source.color, show.answer.no_pager),
            json: show.source.json,
            sentences: show.sentences.then(Sentences::builtin),
            table: None,
            unknown: BTreeSet::new(),
            rows: Vec::new(),
        }
    }

    fn all(&mut self, records: VecDeque<Stored>) -> Result<u64, Failure> {
        let count = records.len() as u64;
        if self.json || self.sentences.is_some() {
            records.into_iter().try_for_each(|stored| self.one(stored))?;
        } else {
            self.rows = records.iter().map(|stored| self.row(stored)).collect();
        }
        Ok(count)
    }

    fn one(&mut self, stored: Stored) -> Result<(), Failure> {
        if self.json {
            return self.out.record(&stored.line);
        }
        if let Some(sentences) = &self.sentences {
            return self.out.line(&words::sentence(sentences, &stored.record));
        }
        let row = self.row(&stored);
        if let Some(table) = &self.table {
            return self.out.line(&table.row(&row));
        }
        self.rows.push(row);
        if self.rows.len() == SAMPLE {
            self.rows()?;
        }
        Ok(())
    }

    fn row(&self, stored: &Stored) -> Row {
        let is_unknown = || {
            let id = stored.record.text(Slot::ExecutionId);
            id.is_some_and(|id| self.unknown.contains(id)) && stored.record.text(Slot::Phase) == Some("start")
        };
        if is_unknown() {
            Row::with_outcome(stored, "unknown")
        } else {
            Row::of(stored)
        }
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
        show.range
            .since
            .iter()
            .map(|since| format!("--since {}", harmless(since))),
    );
    asked.extend(
        show.range
            .until
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
