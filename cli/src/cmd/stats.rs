//! `stats`: how many records there are, of what kind, and how complete they are.

use serde_json::{Map, Value, json};
use tracing_audit::store::{Completeness, Extent, RecordStats, StatsOpts, Store as _, Tally, Verdict};

use super::count::write;
use super::tally::Bar;
use crate::asking::Stats;
use crate::grid::{Grid, bold};
use crate::out::{Failure, Out, code};
use crate::words::{self, count, counted, harmless, percent, stamp};

pub(crate) fn run(stats: &Stats) -> Result<u8, Failure> {
    let asked = &stats.counting;
    let query = super::question(&asked.filter, &asked.range)?;
    let store = super::open(&stats.dir)?;
    let extents = store.extents()?;
    let opts = StatsOpts::default().most(stats.limit.max(1)).completeness(true);
    let found = {
        let bar = Bar::over(&store)?;
        store.stats(&bar.watch(&query), &opts)?
    };
    let mut out = Out::paged(asked.color, asked.answer.no_pager || asked.json);
    if asked.json {
        out.json(&whole(&found, &extents))?;
    } else {
        let bytes = tracing_audit::store::DirStore::bytes(&store);
        tell(&mut out, &found, &extents, bytes)?;
    }
    out.flush()?;
    drop(out);
    if found.totals.records == 0 {
        super::tell_slips(&query);
    }
    Ok(if found.totals.records == 0 && asked.answer.fail_if_empty {
        code::EMPTY
    } else {
        code::OK
    })
}

fn tell(out: &mut Out, found: &RecordStats, extents: &[Extent], bytes: u64) -> Result<(), Failure> {
    let totals = &found.totals;
    let all: u64 = extents.iter().map(Extent::records).sum();
    let of = if totals.records < all {
        format!(" of {}", count(all))
    } else {
        String::new()
    };
    let first = extents.iter().map(|extent| extent.first.observed_at).min();
    let last = extents.iter().map(|extent| extent.last.observed_at).max();
    let mut facts = vec![("records", format!("{}{of}", count(totals.records)))];
    facts.push(("last hour", count(found.last_hour)));
    facts.push((
        "lost",
        format!("{} in {}", count(totals.lost), counted(totals.gaps, "gap record")),
    ));
    facts.push(("findings", count(totals.findings)));
    if let Some((first, last)) = first.zip(last) {
        facts.push((
            "trail",
            format!("{} to {} UTC", words::time(first), words::time(last)),
        ));
    }
    facts.push((
        "files",
        format!(
            "{}, {}",
            counted(extents.len() as u64, "stream"),
            words::bytes(bytes)
        ),
    ));
    if let Some(verdict) = &found.verdict {
        facts.push(("complete", harmless(&verdict.to_string())));
    }
    for (name, fact) in facts {
        let name = bold(&format!("{name:<10}"), out.color());
        out.line(&format!("{name}  {fact}"))?;
    }
    for (name, tally) in [
        ("OUTCOME", &found.by_outcome),
        ("CATEGORY", &found.by_category),
        ("ACTION", &found.by_action),
        ("ACTOR", &found.by_actor),
    ] {
        block(out, name, tally, totals.records)?;
    }
    Ok(())
}

fn block(out: &mut Out, name: &str, tally: &Tally, records: u64) -> Result<(), Failure> {
    let mut grid = Grid::new([name, "#RECORDS", "#SHARE"]);
    let rest = [("(others)", tally.other), ("(none)", tally.none)];
    let words = tally
        .words
        .iter()
        .map(|(word, records)| (harmless(word), *records));
    let rest = rest.into_iter().map(|(word, records)| (word.to_owned(), records));
    for (word, number) in words.chain(rest.filter(|(_, records)| *records > 0)) {
        grid.weighted(vec![word, count(number), percent(number, records)], number);
    }
    if grid.is_empty() {
        return Ok(());
    }
    out.line("")?;
    write(out, &grid)
}

/// The statistics as one object. Its keys are documented in docs/cli.md.
fn whole(found: &RecordStats, extents: &[Extent]) -> Value {
    let tally = |tally: &Tally| {
        let words: Map<String, Value> = tally
            .words
            .iter()
            .map(|(word, records)| (word.clone(), json!(records)))
            .collect();
        json!({"words": words, "other": tally.other, "none": tally.none})
    };
    json!({
        "records": found.totals.records,
        "last_hour": found.last_hour,
        "gaps": found.totals.gaps,
        "lost": found.totals.lost,
        "findings": found.totals.findings,
        "by_outcome": tally(&found.by_outcome),
        "by_category": tally(&found.by_category),
        "by_action": tally(&found.by_action),
        "by_actor": tally(&found.by_actor),
        "completeness": found.verdict.as_ref().map(verdict),
        "streams": extents.iter().map(|extent| json!({
            "stream": &*extent.stream,
            "records": extent.records(),
            "first": stamp(extent.first.observed_at),
            "last": stamp(extent.last.observed_at),
            "bytes": extent.bytes,
        })).collect::<Vec<_>>(),
    })
}

/// A verdict as data.
pub(super) fn verdict(verdict: &Verdict) -> Value {
    let losses = verdict.losses.iter();
    let losses =
        losses.map(|lost| json!({"cause": lost.cause, "category": lost.category, "records": lost.records}));
    json!({
        "verdict": word(verdict.completeness()),
        "lost": verdict.lost(),
        "losses": losses.collect::<Vec<_>>(),
        "doubts": verdict.doubts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "more_doubts": verdict.more_doubts,
    })
}

pub(super) fn word(completeness: Completeness) -> &'static str {
    match completeness {
        Completeness::Complete => "complete",
        Completeness::Lossy => "lossy",
        Completeness::Unknown => "unknown",
    }
}
