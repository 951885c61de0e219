//! `tail`: the newest records, and with `-f` those to come, across segments and streams.

mod place;

use std::time::Duration;

use tracing_audit::Query;
use tracing_audit::clock::{Clock as _, SystemClock};
use tracing_audit::store::{Follow, Item, Stored};

use super::Met;
use crate::asking::Tail;
use crate::out::{Failure, Out, code, note, wait};
use crate::table::{Row, Table};

/// How long to wait where nothing new is there.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) fn run(tail: &Tail) -> Result<u8, Failure> {
    let query = Query::parse_terms(&tail.source.filter, SystemClock.now())?;
    let dir = &tail.source.dir;
    // What is a directory may become a trail while it is followed.
    if !tail.follow || !dir.is_dir() {
        super::open(dir)?;
    }
    let known = match &tail.cursor_file {
        Some(file) => place::read(file)?,
        None => None,
    };
    let mut follow = match &known {
        Some(places) => Follow::after(dir.clone(), places)?,
        None => Follow::from_end(dir.clone())?,
    };
    let before = match known {
        // What comes behind the places is all new.
        Some(_) => Vec::new(),
        None => follow.history(&query, tail.lines)?,
    };
    let mut out = Out::new(tail.source.color);
    let rows = before.iter().filter_map(|item| match item {
        Item::Record(stored) => Some(Row::of(stored)),
        _ => None,
    });
    let rows: Vec<Row> = rows.collect();
    let table = (!tail.source.json).then(|| Table::roomy(&rows, out.columns(), out.color()));
    if let Some(table) = &table {
        out.line(&table.head())?;
    }
    for item in before {
        new(&mut out, table.as_ref(), item)?;
    }
    out.flush()?;
    let mut items = Vec::new();
    let mut kept = Vec::new();
    loop {
        let more = (tail.follow || tail.cursor_file.is_some()) && follow.poll(&query, &mut items)?;
        for item in items.drain(..) {
            new(&mut out, table.as_ref(), item)?;
        }
        out.flush()?;
        // Behind what was written, never before it: a record may come twice, and none is left out.
        if let Some(file) = &tail.cursor_file {
            let places = follow.places();
            if places != kept {
                place::write(file, &places)?;
                kept = places;
            }
        }
        match (more, tail.follow) {
            (true, _) => {}
            (false, true) => wait(PAUSE)?,
            (false, false) => return Ok(code::OK),
        }
    }
}

fn new(out: &mut Out, table: Option<&Table>, item: Item) -> Result<(), Failure> {
    let mut met = Met::default();
    if let Some(stored) = met.take(item) {
        return write(out, table, &stored);
    }
    // Beside the data: what may be missing from it.
    met.gaps()
        .iter()
        .chain(&met.findings())
        .for_each(|line| note(line));
    Ok(())
}

fn write(out: &mut Out, table: Option<&Table>, stored: &Stored) -> Result<(), Failure> {
    match table {
        Some(table) => out.line(&table.row(&Row::of(stored))),
        None => out.record(&stored.line),
    }
}
