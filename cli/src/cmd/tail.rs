//! `tail`: the newest records, and with `-f` those to come, across segments and streams.

use std::time::Duration;

use tracing_audit::store::{Follow, Item, Stored};

use super::Met;
use crate::args::Tail;
use crate::out::{Failure, Out, code, note, wait};
use crate::table::{Row, Table};

/// How long to wait where nothing new is there.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) fn run(tail: &Tail) -> Result<u8, Failure> {
    let query = super::question(&tail.source.filter, None, None)?;
    let dir = &tail.source.dir;
    // What is a directory may become a trail while it is followed.
    if !tail.follow || !dir.is_dir() {
        super::open(dir)?;
    }
    let mut follow = Follow::from_end(dir.clone())?;
    let before = follow.history(&query, tail.lines)?;
    let mut out = Out::new(tail.source.color);
    let rows: Vec<Row> = before.iter().map(Row::of).collect();
    let table = (!tail.source.json).then(|| Table::roomy(&rows, out.columns(), out.color()));
    if let Some(table) = &table {
        out.line(&table.head())?;
    }
    for stored in &before {
        write(&mut out, table.as_ref(), stored)?;
    }
    out.flush()?;
    if !tail.follow {
        return Ok(code::OK);
    }
    let mut items = Vec::new();
    loop {
        let more = follow.poll(&query, &mut items)?;
        for item in items.drain(..) {
            new(&mut out, table.as_ref(), item)?;
        }
        out.flush()?;
        if !more {
            wait(PAUSE)?;
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
        None => out.bytes(&stored.line),
    }
}
