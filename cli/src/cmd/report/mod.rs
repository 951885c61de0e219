//! `report`: what an auditor asks about a window of a trail, with what the answers rest on.

mod doc;
mod facts;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use tracing_audit::clock::{Clock as _, SystemClock};
use tracing_audit::record::Value;
use tracing_audit::store::{Completeness, Store as _, Verdict, completeness};
use tracing_audit::verify::{Outcome, Report as Verification, Weight};

use crate::args::Color;
use crate::asking::{Report, ReportFormat};
use crate::cmd::tally::Tally;
use crate::cmd::verify::{self, verdict};
use crate::out::{Failure, Out, code};
use crate::words::{self, count, counted, percent, stamp};
use doc::Doc;
use facts::{DAY, Day, Facts, TOLD};

/// How many rows the tables of words have.
const ROWS: usize = 25;

pub(crate) fn run(report: &Report) -> Result<u8, Failure> {
    let query = super::question(&[], &report.range)?;
    let options = verify::options(&report.key, &report.anchor)?;
    let store = super::open(&report.dir)?;
    let window = super::asked_window(&report.range, &query)?;
    let verdict = completeness(&store, window)?;
    let verified = if report.dir.is_dir() {
        verify::with_progress(&report.dir, options)
    } else {
        Err(Failure::Usage(
            "one file alone cannot be verified; name its directory".to_owned(),
        ))
    };
    let facts = Facts::of(&store, &query)?;
    let mut doc = Doc::new("Audit trail report".to_owned());
    scope(&mut doc, report, &store, &facts)?;
    result(&mut doc, &verdict, verified.as_ref());
    counts(&mut doc, &facts);
    losses(&mut doc, &facts, &verdict);
    actors(&mut doc, &facts);
    redactions(&mut doc, &facts);
    retention(&mut doc, &facts);
    operation(&mut doc, &facts);
    verification(&mut doc, verified.as_ref());
    again(&mut doc, report);
    let text = match report.format {
        ReportFormat::Md => doc.markdown(),
        ReportFormat::Html => doc.html(),
        ReportFormat::Json => format!("{}\n", words::harmless_json(&doc.json().to_string())),
    };
    write(report.out.as_deref(), &text)?;
    Ok(exit(&verdict, &facts, verified.as_ref().ok()))
}

fn exit(verdict: &Verdict, facts: &Facts, verified: Option<&Verification>) -> u8 {
    let outcome = verified.map(Verification::outcome);
    match outcome {
        Some(Outcome::Tampered) => code::CORRUPT,
        _ if facts.met.code() == code::CORRUPT => code::CORRUPT,
        None | Some(Outcome::Undecided) => code::IO,
        Some(Outcome::Lossy) => code::LOSSY,
        Some(_) if verdict.lost() > 0 => code::LOSSY,
        Some(_) => code::OK,
    }
}

fn scope(
    doc: &mut Doc,
    report: &Report,
    store: &tracing_audit::store::DirStore,
    facts: &Facts,
) -> Result<(), Failure> {
    doc.heading("Scope");
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let range = |time: &Option<String>, open: &str| match time {
        Some(time) => tracing_audit::query::parse_time(time, SystemClock.now()).map(stamp),
        None => Ok(open.to_owned()),
    };
    let mut rows = vec![
        row("trail", report.dir.display().to_string()),
        row("from (inclusive)", range(&report.range.since, "the beginning")?),
        row("until (exclusive)", range(&report.range.until, "the end")?),
        row("records in this range", count(facts.records)),
        row("bytes in all files", words::bytes(store.bytes())),
        row(
            "written",
            format!(
                "{} by tracing-audit {}",
                stamp(SystemClock.now()),
                env!("CARGO_PKG_VERSION")
            ),
        ),
    ];
    for extent in store.extents()? {
        let (first, last) = (stamp(extent.first.observed_at), stamp(extent.last.observed_at));
        let stated = format!(
            "{} in all, {first} to {last}",
            counted(extent.records(), "record")
        );
        rows.push(row(&format!("stream {}", extent.stream), stated));
    }
    doc.table(&["", "value"], rows, "");
    Ok(())
}

fn result(doc: &mut Doc, verdict: &Verdict, verified: Result<&Verification, &Failure>) {
    doc.heading("Result");
    let complete = match verdict.completeness() {
        Completeness::Complete => {
            "Complete: by what the trail says of itself, every record that was submitted in this range is there."
        }
        Completeness::Lossy => "Lossy: records are missing, and the trail says how many; see Losses.",
        Completeness::Unknown => "Completeness unknown: something is not known about this range; see Losses.",
    };
    let proven = match verified {
        Ok(report) => format!(
            "Verification: {}; see Verification for what that is proven by.",
            self::verdict(report.outcome())
        ),
        Err(why) => format!("Verification: not done, because {why}"),
    };
    doc.list(vec![complete.to_owned(), proven]);
}

fn rows(tally: &Tally, whole: u64) -> Vec<Vec<String>> {
    let (most, other) = tally.most(ROWS);
    let width = most.first().map_or(1, |(key, _)| key.len());
    let row = |mut cells: Vec<String>, records: u64| {
        cells.extend([count(records), percent(records, whole)]);
        cells
    };
    let rest = (other > 0).then(|| {
        let mut cells = vec!["(others)".to_owned()];
        cells.resize(width, String::new());
        row(cells, other)
    });
    let rows = most.into_iter().map(|(key, records)| row(key.to_vec(), records));
    rows.chain(rest).collect()
}

fn counts(doc: &mut Doc, facts: &Facts) {
    for (heading, name, tally) in [
        ("Records by outcome", "outcome", &facts.outcomes),
        ("Records by category", "category", &facts.categories),
        ("Records by action", "action", &facts.actions),
    ] {
        doc.heading(heading);
        doc.table(
            &[name, "#records", "#share"],
            rows(tally, facts.records),
            "No record.",
        );
    }
    doc.heading("Records by day");
    let row =
        |day: String, sums: &Day| vec![day, count(sums.records), count(sums.denied), count(sums.failed)];
    let days = facts.days.iter();
    let days = days.map(|(day, sums)| row(words::moment(day.saturating_mul(DAY), DAY), sums));
    let others = (facts.other_days.records > 0).then(|| row("(others)".to_owned(), &facts.other_days));
    doc.table(
        &["day (UTC)", "#records", "#denied", "#failed"],
        days.chain(others).collect(),
        "No record.",
    );
    doc.heading("Denied");
    doc.table(
        &["actor", "event", "#records", "#share of all"],
        rows(&facts.denied, facts.records),
        "Nothing was denied.",
    );
}

fn losses(doc: &mut Doc, facts: &Facts, verdict: &Verdict) {
    doc.heading("Losses");
    let lost = verdict.losses.iter();
    let lost = lost.map(|lost| vec![lost.cause.clone(), lost.category.clone(), count(lost.records)]);
    doc.table(
        &["cause", "category", "#records lost"],
        lost.collect(),
        "The trail counts no record of this range as lost.",
    );
    let more = match verdict.more_doubts {
        0 => None,
        more => Some(format!("and {}", counted(more, "more doubt"))),
    };
    let doubts: Vec<String> = verdict
        .doubts
        .iter()
        .map(ToString::to_string)
        .chain(more)
        .collect();
    if !doubts.is_empty() {
        doc.text("What is not known of this range:");
    }
    doc.list(doubts);
    doc.list(facts.met.findings());
    told(doc, facts, "audit.gap", "No gap record.");
}

fn actors(doc: &mut Doc, facts: &Facts) {
    doc.heading("Actors");
    doc.text(format!(
        "{} acted.",
        counted(facts.actors.different(), "different actor")
    ));
    doc.table(
        &["actor", "#records", "#share"],
        rows(&facts.actors, facts.records),
        "No record.",
    );
    doc.heading("Records without an actor");
    doc.table(
        &["event", "#records", "#share of all"],
        rows(&facts.nobody, facts.records),
        "Every record names who acted.",
    );
}

fn redactions(doc: &mut Doc, facts: &Facts) {
    doc.heading("Redactions");
    let mut said = format!(
        "In {} of {} something was redacted before it was written",
        count(facts.redacted),
        counted(facts.records, "record")
    );
    if facts.unnamed > 0 {
        said.push_str(&format!(
            "; {} more than records can list, and by rules that are not named here",
            counted(facts.unnamed, "redaction")
        ));
    }
    doc.text(format!("{said}."));
    let rows = facts.redactions.iter().map(|((rule, action), (times, records))| {
        vec![rule.clone(), action.clone(), count(*times), count(*records)]
    });
    doc.table(
        &["rule", "what it did", "#times", "#records"],
        rows.collect(),
        "No rule had anything to do.",
    );
}

fn retention(doc: &mut Doc, facts: &Facts) {
    doc.heading("Retention and erasure");
    let stated = facts.config.iter().map(|(stream, config)| {
        let number = |name: &str| {
            let value = config.as_map().and_then(|config| config.get(name));
            match value.and_then(Value::as_u64) {
                Some(0) => "no limit".to_owned(),
                Some(number) => count(number),
                None => "not stated".to_owned(),
            }
        };
        vec![
            stream.clone(),
            number("keep_days"),
            number("keep_bytes"),
            number("keep_segments"),
        ]
    });
    doc.table(
        &["stream", "#days kept", "#bytes kept", "#segments kept"],
        stated.collect(),
        "No start in this range states how long records are kept.",
    );
    told(
        doc,
        facts,
        "audit.retention",
        "Retention removed nothing in this range.",
    );
    told(
        doc,
        facts,
        "audit.erase",
        "Nobody's values were erased in this range.",
    );
}

fn operation(doc: &mut Doc, facts: &Facts) {
    doc.heading("Starts, stops and the clock");
    doc.text(format!(
        "{}, {}; {} found that the one before had not ended in order.",
        counted(facts.opened, "start"),
        counted(facts.closed, "orderly stop"),
        counted(facts.unclean, "start")
    ));
    told(doc, facts, "audit.clock", "No step of the clock.");
    for kind in TOLD {
        let has_section = ["audit.gap", "audit.retention", "audit.erase", "audit.clock"].contains(&kind);
        if !has_section && facts.told.contains_key(kind) {
            told(doc, facts, kind, "");
        }
    }
}

/// The trail's own events of a kind, one by one.
fn told(doc: &mut Doc, facts: &Facts, kind: &'static str, none: &str) {
    let Some((number, told)) = facts.told.get(kind) else {
        return doc.text(none);
    };
    let rows = told
        .iter()
        .map(|told| vec![stamp(told.time), told.stream.clone(), told.said.clone()]);
    doc.text(format!("{kind}: {}.", counted(*number, "record")));
    doc.table(&["time", "stream", "what it says"], rows.collect(), none);
    let more = number.saturating_sub(told.len() as u64);
    if more > 0 {
        doc.text(format!("And {more} more of this kind."));
    }
}

fn verification(doc: &mut Doc, verified: Result<&Verification, &Failure>) {
    doc.heading("Verification");
    let report = match verified {
        Ok(report) => report,
        Err(why) => return doc.text(format!("Not done: {why}")),
    };
    doc.text("All of the trail is verified, not only this range.");
    for stream in &report.streams {
        let outcome = self::verdict(stream.outcome(report.is_strict()));
        doc.text(format!("Stream {}: {outcome}.", stream.stream));
        doc.list(stream.sentences());
        let findings = stream.findings.iter().take(100).map(|finding| {
            let word = match finding.kind.weight() {
                Weight::Note => "note",
                _ => "finding",
            };
            format!("{word}: {finding}")
        });
        doc.list(findings.collect());
        let more = stream.more_findings + (stream.findings.len() as u64).saturating_sub(100);
        if more > 0 {
            doc.text(format!("And {}.", counted(more, "more finding")));
        }
    }
    doc.list(report.findings.iter().map(ToString::to_string).collect());
}

fn again(doc: &mut Doc, report: &Report) {
    doc.heading("How to check this");
    doc.text("Anyone who has the files can repeat it. What a report says of completeness is what the files say of themselves.");
    let dir = report.dir.display();
    doc.list(vec![
        format!("tracing-audit verify {dir} --key VKEY --anchor CHECKPOINT"),
        format!("tracing-audit stats {dir} --json"),
        format!("tracing-audit show {dir} outcome=denied -n 0"),
    ]);
}

fn write(path: Option<&Path>, text: &str) -> Result<(), Failure> {
    let Some(path) = path else {
        let mut out = Out::new(Color::Never);
        out.line(text.trim_end())?;
        return out.flush();
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // What a trail says is for those who may read the trail.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let name = path.display();
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::Usage(format!(
            "`{name}` is there already; name another file, or remove it"
        )),
        _ => Failure::Input(format!("cannot write `{name}`: {error}")),
    })
}
