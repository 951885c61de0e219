//! `doctor`: what an operator would look at first, in a trail that is written to or not. It reads ends and small files only,
//! and changes nothing.

use std::fs;
use std::path::Path;

use serde_json::json;
use tracing_audit::clock::{Clock as _, SystemClock};
use tracing_audit::format::strays;
use tracing_audit::store::{DirStore, Direction, Extent, Finding, FindingKind, List, Store as _};

use super::streams;
use crate::args::{Color, Doctor};
use crate::heads::{self, Head, Signed, small};
use crate::out::{Failure, Out, code};
use crate::words::{self, counted, harmless};

/// A checkpoint that is older than this while records follow it is late: one is due each second.
const LATE: u64 = 60_000_000_000;

/// What is said, and how many lines want something done.
struct Told {
    out: Out,
    wanting: u64,
    /// The stream that is spoken of, if it is one, where this is told as data.
    json: Option<Option<String>>,
}

impl Told {
    fn fine(&mut self, text: &str) -> Result<(), Failure> {
        if let Some(stream) = &self.json {
            return self
                .out
                .json(&json!({"stream": stream, "ok": true, "said": text}));
        }
        self.out.line(&format!("  ok     {}", harmless(text)))
    }

    /// Something that somebody should look at, and the remedy.
    fn wants(&mut self, text: &str) -> Result<(), Failure> {
        self.wanting += 1;
        if let Some(stream) = &self.json {
            return self
                .out
                .json(&json!({"stream": stream, "ok": false, "said": text}));
        }
        self.out.line(&format!("  LOOK   {}", harmless(text)))
    }
}

pub(crate) fn run(args: &Doctor) -> Result<u8, Failure> {
    let mut told = Told {
        out: Out::new(Color::Never),
        wanting: 0,
        json: args.json.then_some(None),
    };
    for stream in streams::of(&args.dir)? {
        let name = stream.display().to_string();
        match &mut told.json {
            Some(of) => *of = Some(name),
            None => told.out.line(&harmless(&name))?,
        }
        access(&mut told, &stream)?;
        // Before the records are: a writer that runs goes on, and its next checkpoint covers records that come later.
        let head = heads::head(&stream, &[]);
        let store = DirStore::open(&stream)?;
        let extent = store.extents()?.into_iter().next();
        records(&mut told, &store, extent.as_ref())?;
        others(&mut told, &stream)?;
        holder(&mut told, &stream)?;
        if let Some(extent) = &extent {
            seal(&mut told, &head, extent)?;
            followers(&mut told, &stream, extent)?;
        }
        requests(&mut told, &stream)?;
    }
    if let Some(endpoint) = &args.otlp {
        collector(&mut told, endpoint.as_deref())?;
    }
    let wanting = told.wanting;
    let closing = match wanting {
        0 => "nothing here wants to be looked at; `tracing-audit verify` reads all of it".to_owned(),
        _ => format!("{} to look at", counted(wanting, "thing")),
    };
    if !args.json {
        told.out.line(&closing)?;
    }
    told.out.flush()?;
    Ok(if wanting > 0 { code::LOSSY } else { code::OK })
}

/// Whether the collector takes requests. A setting that cannot work is wrong usage.
fn collector(told: &mut Told, endpoint: Option<&str>) -> Result<(), Failure> {
    match &mut told.json {
        Some(of) => *of = None,
        None => told.out.line("the collector")?,
    }
    match super::ship::probe(endpoint) {
        Ok(endpoint) => told.fine(&format!(
            "{endpoint} takes requests; that it keeps what it takes, it does not say"
        )),
        Err(Failure::Audit(error)) if error.kind() == tracing_audit::ErrorKind::Sink => {
            told.wants(&error.to_string())
        }
        Err(failure) => Err(failure),
    }
}

/// Who may read and write.
fn access(told: &mut Told, stream: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(stream).map_or(0, |about| about.permissions().mode() & 0o7777);
        if mode & 0o002 != 0 {
            return told.wants(&format!(
                "everybody may write here (mode {mode:04o}), and so replace the trail: chmod o-w"
            ));
        }
        if mode & 0o007 != 0 {
            return told.wants(&format!(
                "everybody may look in here (mode {mode:04o}): chmod o-rx"
            ));
        }
        told.fine(&format!("mode {mode:04o}"))?;
    }
    let _ = (told, stream);
    Ok(())
}

/// How far the records go, and how they end.
fn records(told: &mut Told, store: &DirStore, extent: Option<&Extent>) -> Result<(), Failure> {
    let Some(extent) = extent else {
        return told.wants(
            "no record yet: does the application tag anything with the target `audit`? `audit.check()` says",
        );
    };
    told.fine(&format!(
        "records {} to {}, the newest of {}, in {} bytes",
        words::count(extent.first.seq),
        words::count(extent.last.seq),
        words::time(extent.last.observed_at),
        words::count(extent.bytes)
    ))?;
    let everything = |_: &tracing_audit::record::Record| true;
    let list = List::default().direction(Direction::NewestFirst).limit(1);
    let page = store.list(&everything, &list)?;
    // Of those, `others` speaks.
    let is_here = |finding: &&Finding| finding.kind != FindingKind::NotAFile;
    for finding in page.findings.iter().filter(is_here).take(3) {
        told.wants(&format!("at its end: {finding}"))?;
    }
    let is_closed = page
        .records
        .first()
        .is_some_and(|last| last.record.event() == "audit.close");
    if is_closed {
        return told.fine("its last run ended in order");
    }
    told.fine("no end: it is written to now, or its process was killed; the next `audit.open` will say which")
}

/// What has a segment's name and is none.
fn others(told: &mut Told, stream: &Path) -> Result<(), Failure> {
    for path in strays(stream)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        told.wants(&format!(
            "`{name}` is named like a segment and is no regular file: it is never read; put the segment back, or remove it"
        ))?;
    }
    Ok(())
}

/// Who took the lock last.
fn holder(told: &mut Told, stream: &Path) -> Result<(), Failure> {
    match small(&stream.join("lock")) {
        Some(text) => told.fine(&format!("written last by {}", text.trim())),
        None => told.wants("no lock that can be read: no writer has been here, or you may not read it"),
    }
}

/// How far the newest checkpoint reaches, and who signed it.
fn seal(told: &mut Told, head: &Head, extent: &Extent) -> Result<(), Failure> {
    let end = extent.last.seq + 1;
    let is_signed = head.signed != Signed::Not;
    let Some(head) = &head.checkpoint else {
        return told.wants("no checkpoint: the trail is not sealed, or has just begun");
    };
    let age = SystemClock.now().saturating_sub(extent.last.observed_at);
    match end.checked_sub(head.size) {
        None => told.wants(&format!(
            "{} are sealed and only {end} are there: records are missing; run `tracing-audit verify`",
            counted(head.size, "record")
        ))?,
        Some(behind) if behind > 0 && age > LATE => told.wants(&format!(
            "the last {} are not sealed, the newest of {} ago: they are when the writer starts again",
            counted(behind, "record"),
            words::duration(age)
        ))?,
        Some(_) => told.fine(&format!("sealed up to {}", counted(head.size, "record")))?,
    }
    if is_signed {
        return told.fine(&format!("checkpoints are signed as `{}`", head.origin));
    }
    told.wants(
        "checkpoints are not signed: whoever can write here can write another history; make a key with `tracing-audit keygen`",
    )
}

/// How far the sinks beside the journal have come.
fn followers(told: &mut Told, stream: &Path, extent: &Extent) -> Result<(), Failure> {
    let end = extent.last.seq + 1;
    for (name, next) in heads::followers(stream, usize::MAX) {
        match next {
            None => told.wants(&format!("the cursor of sink `{name}` cannot be read: it will begin at the oldest record"))?,
            Some(next) if next >= end => told.fine(&format!("sink `{name}` has taken everything"))?,
            Some(next) => told.wants(&format!(
                "sink `{name}` lacks {}; its segments are kept until it has them. Where it is gone for good, remove \
                 `cursors/{name}` while no process writes here",
                counted(end - next, "record")
            ))?,
        }
    }
    Ok(())
}

/// What other processes have asked for and nobody has done.
fn requests(told: &mut Told, stream: &Path) -> Result<(), Failure> {
    let waiting = heads::requests(stream);
    if waiting == 0 {
        return Ok(());
    }
    told.wants(&format!(
        "{} for the writer: no writer runs, or it is busy",
        counted(waiting as u64, "request")
    ))
}
