//! The commands, and what they share: opening a trail, reading the question, telling what else was met.

pub(crate) mod about;
pub(crate) mod completions;
pub(crate) mod count;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod erase;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod fields;
pub(crate) mod hash;
pub(crate) mod import;
pub(crate) mod prune;
pub(crate) mod redact;
pub(crate) mod report;
pub(crate) mod seal;
#[cfg(feature = "serve")]
pub(crate) mod serve;
pub(crate) mod ship;
pub(crate) mod show;
pub(crate) mod stats;
mod streams;
pub(crate) mod tail;
mod tally;
pub(crate) mod trace;
pub(crate) mod verify;

use std::collections::BTreeMap;
use std::path::Path;

use tracing_audit::Query;
use tracing_audit::clock::{Clock as _, SystemClock};
use tracing_audit::format::SegmentName;
use tracing_audit::query::parse_time;
use tracing_audit::store::{
    DirStore, Direction, Filter as _, Finding, FindingKind, Item, Store as _, Stored, Window,
};

use crate::asking::Range;
use crate::out::{Failure, code};
use crate::words::{self, counted, harmless};

/// How many findings are told one by one.
const TOLD: usize = 5;

/// Reads the filter and the range.
fn question(filter: &[String], range: &Range) -> Result<Query, Failure> {
    let now = SystemClock.now();
    let mut query = Query::parse_terms(filter, now)?;
    if let Some(since) = &range.since {
        query = query.since(parse_time(since, now)?);
    }
    if let Some(until) = &range.until {
        query = query.until(parse_time(until, now)?);
    }
    Ok(query)
}

/// The window that was asked for. Records can be observed long behind their time, so a query has no end of its own.
fn asked_window(range: &Range, query: &Query) -> Result<Window, Failure> {
    let mut window = query.window();
    if let Some(until) = &range.until {
        window.until = window.until.min(parse_time(until, SystemClock.now())?);
    }
    Ok(window)
}

/// Opens a trail that must be there.
fn open(dir: &Path) -> Result<DirStore, Failure> {
    if !dir.exists() {
        return Err(Failure::NoTrail(format!(
            "`{}` does not exist; name the directory that the application writes its trail to (its default is `./audit`)",
            dir.display()
        )));
    }
    let store = DirStore::open(dir)?;
    if store.streams() == 0 {
        return Err(Failure::NoTrail(format!(
            "no trail in `{dir}`: looked for files `audit-YYYY-MM-DD-<20 digits>.jsonl` in it and in its directories; \
             check the path, or run `tracing-audit tail -f {dir}` to wait for the first record",
            dir = dir.display()
        )));
    }
    if let Some(finding) = nothing_but(&store)? {
        return Err(Failure::NoTrail(format!(
            "`{}` is not a trail: at byte {}, {}, and nothing behind it is a record; name the directory that the application writes \
             its trail to, or one of the files `audit-YYYY-MM-DD-<20 digits>.jsonl` in it",
            dir.display(),
            finding.offset,
            finding.kind
        )));
    }
    Ok(store)
}

/// What stands where records should, if there is not one record. A trail that has just begun may be empty, or end inside
/// its first line.
fn nothing_but(store: &DirStore) -> Result<Option<Finding>, Failure> {
    if !store.extents()?.is_empty() {
        return Ok(None);
    }
    let is_segment = store.path().is_dir() || is_segment(store.path());
    for item in store.walk(&Query::all(), Direction::OldestFirst, None)? {
        match item? {
            Item::Finding(finding) if is_segment && matches!(finding.kind, FindingKind::Torn { .. }) => {}
            Item::Finding(finding) => return Ok(Some(finding)),
            // It was written just now.
            _ => return Ok(None),
        }
    }
    Ok(None)
}

fn is_segment(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.and_then(SegmentName::parse).is_some()
}

/// Says of a question that found nothing what may be meant by it.
fn tell_slips(query: &Query) {
    for (value, word) in query.slips() {
        crate::out::note(&format!(
            "did you mean `{word}` instead of `{}`?",
            harmless(&value)
        ));
    }
}

/// Says beside the data what may be missing from it.
fn tell(met: &Met) {
    met.gaps()
        .iter()
        .chain(&met.findings())
        .for_each(|line| crate::out::note(line));
}

/// What a walk met beside the wanted records.
#[derive(Debug, Default)]
struct Met {
    /// Gap records and the records that they say were lost, by cause.
    gaps: BTreeMap<String, (u64, u64)>,
    findings: Vec<Finding>,
    more_findings: u64,
}

impl Met {
    /// Takes an item; gives the record back if it is wanted.
    fn take(&mut self, item: Item) -> Option<Stored> {
        match item {
            Item::Record(stored) => {
                self.gap(&stored);
                Some(stored)
            }
            Item::Gap(stored) => {
                self.gap(&stored);
                None
            }
            Item::Finding(finding) if self.findings.len() < TOLD => {
                self.findings.push(finding);
                None
            }
            _ => {
                self.more_findings += 1;
                None
            }
        }
    }

    fn gap(&mut self, stored: &Stored) {
        if let Some((lost, cause)) = stored.lost() {
            // Causes are few; a hostile file may say otherwise.
            let cause = if self.gaps.len() < 16 {
                cause
            } else {
                "other causes"
            };
            let (records, sum) = self.gaps.entry(cause.to_owned()).or_default();
            *records += 1;
            *sum = sum.saturating_add(lost);
        }
    }

    /// The exit code for what was met: what is damaged precedes what is lost, or wants to be looked at.
    fn code(&self) -> u8 {
        let is_damage =
            |finding: &Finding| !matches!(finding.kind, FindingKind::Torn { .. } | FindingKind::NotAFile);
        if self.more_findings > 0 || self.findings.iter().any(is_damage) {
            return code::CORRUPT;
        }
        let is_stray = |finding: &Finding| finding.kind == FindingKind::NotAFile;
        if self.findings.iter().any(is_stray) || self.gaps.values().any(|(_, lost)| *lost > 0) {
            return code::LOSSY;
        }
        code::OK
    }

    /// `1 gap record: 17 lost (queue_full)`.
    fn gaps(&self) -> Option<String> {
        if self.gaps.is_empty() {
            return None;
        }
        let records = self.gaps.values().map(|(records, _)| records).sum();
        let causes: Vec<String> = self
            .gaps
            .iter()
            .map(|(cause, (_, lost))| format!("{} lost ({})", words::count(*lost), harmless(cause)))
            .collect();
        Some(format!(
            "{}: {}",
            counted(records, "gap record"),
            causes.join(", ")
        ))
    }

    /// One line for each finding, and one for those that are not told.
    fn findings(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .findings
            .iter()
            .map(|finding| format!("finding: {}", harmless(&finding.to_string())))
            .collect();
        if self.more_findings > 0 {
            lines.push(format!("and {}", counted(self.more_findings, "more finding")));
        }
        lines
    }
}
