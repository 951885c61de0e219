//! `history` and `who`: the records of one resource or one actor, and what they come to.

use tracing_audit::Query;
use tracing_audit::query::Field;
use tracing_audit::record::Slot;
use tracing_audit::store::DirStore;

use super::tally::{self, Tally};
use super::{Met, show};
use crate::asking::{History, Listing, Show, Who};
use crate::out::{Failure, Out};
use crate::words::{self, count};

/// How many values of a kind are named.
const NAMED: usize = 5;

/// A question about many records: a word, and the field whose values answer it.
type Sum = (&'static str, Slot);

pub(crate) fn history(history: &History) -> Result<u8, Failure> {
    const SUMS: [Sum; 3] = [
        ("by", Slot::ActorId),
        ("did", Slot::Event),
        ("ended", Slot::Outcome),
    ];
    listed(
        &history.listing,
        &history.dir,
        "resource",
        &history.resource,
        &SUMS,
    )
}

pub(crate) fn who(who: &Who) -> Result<u8, Failure> {
    const SUMS: [Sum; 6] = [
        ("did", Slot::Event),
        ("ended", Slot::Outcome),
        ("to", Slot::ResourceId),
        ("from", Slot::ActorIp),
        ("session", Slot::SessionId),
        ("as", Slot::ActorRoles),
    ];
    listed(&who.listing, &who.dir, "actor.id", &who.actor, &SUMS)
}

fn listed(
    listing: &Listing,
    dir: &std::path::Path,
    field: &str,
    value: &str,
    sums: &[Sum],
) -> Result<u8, Failure> {
    if value.is_empty() {
        return Err(Failure::Usage(format!(
            "no {field} has the empty text as its name; `tracing-audit show DIR '{field}!=*'` shows what has none"
        )));
    }
    let show = Show {
        source: listing.source(dir, format!("{field}={}", quoted(value))),
        range: listing.range.clone(),
        limit: listing.limit,
        oldest_first: false,
        sentences: false,
        open: false,
        answer: listing.answer.clone(),
    };
    show::with(&show, |out, store, query| match listing.json {
        true => Ok(()),
        false => summary(out, store, query, sums),
    })
}

/// What all of the records come to, also of those that were not shown.
fn summary(out: &mut Out, store: &DirStore, query: &Query, sums: &[Sum]) -> Result<(), Failure> {
    let mut tallies: Vec<Tally> = sums.iter().map(|_| Tally::default()).collect();
    let (mut records, mut first, mut last) = (0_u64, u64::MAX, 0_u64);
    let slots = sums.iter().map(|(_, slot)| *slot);
    tally::each(store, query, slots, &mut Met::default(), |record, observed_at| {
        let time = record.uint(Slot::Time).unwrap_or(observed_at);
        (first, last) = (first.min(time), last.max(time));
        records += 1;
        for ((_, slot), tally) in sums.iter().zip(&mut tallies) {
            let texts = Field::Slot(*slot).texts(record);
            texts.into_iter().for_each(|text| tally.one(text));
        }
        Ok(())
    })?;
    if records == 0 {
        return Ok(());
    }
    out.line("")?;
    let (first, last) = (words::time(first), words::time(last));
    out.line(&format!(
        "in all   {}, from {first} to {last} UTC",
        words::counted(records, "record")
    ))?;
    for ((word, _), tally) in sums.iter().zip(&tallies) {
        if !tally.is_empty() {
            out.line(&format!("{word:<8} {}", tally.said(NAMED)))?;
        }
    }
    let silent = tallies
        .iter()
        .zip(sums)
        .find(|(_, (_, slot))| *slot == Slot::ActorId);
    match silent {
        Some((tally, _)) if tally.total < records => out.line(&format!(
            "nobody   {} without an actor",
            count(records - tally.total)
        )),
        _ => Ok(()),
    }
}

/// The value for the language: in quotes, its stars as they are.
pub(super) fn quoted(value: &str) -> String {
    let mut quoted = String::from("\"");
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' if chars.peek() != Some(&'*') => quoted.push_str("\\\\"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_value_is_read_as_it_was_given_and_its_stars_as_stars() {
        assert_eq!(quoted("invoice/9"), "\"invoice/9\"");
        assert_eq!(quoted("a\" or \"b"), "\"a\\\" or \\\"b\"");
        assert_eq!(quoted("a\\b*"), "\"a\\\\b*\"");
        assert_eq!(quoted("a\\*"), "\"a\\*\"");
    }
}
