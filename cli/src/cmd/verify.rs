//! `verify`: whether what stands in a trail is what was sealed, and what that is proven by.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tracing_audit::format::VerifierKey;
use tracing_audit::verify::{
    Anchor, Finding, Options, Outcome, Progress, Receipt, Report, StreamReport, Weight, verify,
};
use tracing_audit::{Error, ErrorKind};

use crate::args::Color;
use crate::out::{Failure, Out, code};
use crate::sealing::Verify;
use crate::words::{counted, harmless, harmless_json};

pub(crate) fn run(args: &Verify) -> Result<u8, Failure> {
    let keys = args
        .key
        .iter()
        .map(|text| key(text))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(path) = &args.receipt {
        return receipt(path, &keys, args.json);
    }
    let Some(dir) = &args.dir else {
        return Err(Failure::Usage("name a trail".to_owned()));
    };
    let mut options = with_anchors(keys, &args.anchor)?.strict(args.strict);
    if let Some(records) = args.min_size {
        options = options.min_size(records);
    }
    if !dir.exists() {
        let why = format!(
            "`{}` does not exist; name the directory that the application writes its trail to",
            dir.display()
        );
        return Err(Failure::NoTrail(why));
    }
    let report = with_progress(dir, options)?;
    let mut out = Out::new(Color::Never);
    if args.json {
        out.json(&whole(&report))?;
    } else {
        for stream in &report.streams {
            tell(&mut out, stream, args.strict)?;
        }
        for finding in &report.findings {
            out.line(&told(finding))?;
        }
    }
    out.flush()?;
    Ok(code_of(report.outcome()))
}

/// What to verify with: keys and checkpoints that were kept elsewhere.
pub(super) fn options(keys: &[String], anchors: &[PathBuf]) -> Result<Options, Failure> {
    let keys = keys.iter().map(|text| key(text)).collect::<Result<Vec<_>, _>>()?;
    with_anchors(keys, anchors)
}

fn with_anchors(keys: Vec<VerifierKey>, paths: &[PathBuf]) -> Result<Options, Failure> {
    let mut options = keys.into_iter().fold(Options::new(), Options::key);
    for path in paths {
        let anchors = Anchor::parse(&read(path)?)
            .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        options = anchors.into_iter().fold(options, Options::anchor);
    }
    Ok(options)
}

/// Verifies, and says on a terminal how far it is.
pub(super) fn with_progress(dir: &Path, mut options: Options) -> Result<Report, Failure> {
    let is_told = std::io::stderr().is_terminal();
    if is_told {
        let bar = Bar::new();
        options = options.progress(move |progress| bar.tell(progress));
    }
    let report = verify(dir, &options);
    if is_told {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    Ok(report?)
}

/// The key's text, or a file that holds it on its first line that is not a comment.
pub(super) fn key(text: &str) -> Result<VerifierKey, Failure> {
    let wrong = |error: &Error| Failure::Usage(format!("--key: {error}"));
    match text.parse() {
        Ok(key) => Ok(key),
        Err(error) if !Path::new(text).exists() => Err(wrong(&error)),
        Err(_) => {
            let bytes = read(Path::new(text))?;
            let content = String::from_utf8_lossy(&bytes);
            let mut lines = content.lines().map(str::trim);
            let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
            line.unwrap_or_default().parse().map_err(|error| wrong(&error))
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::Input(format!("could not read `{}`: {error}", path.display())))
}

fn code_of(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Verified => code::OK,
        Outcome::Lossy => code::LOSSY,
        Outcome::Tampered => code::CORRUPT,
        _ => code::IO,
    }
}

pub(super) fn verdict(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Verified => "verified",
        Outcome::Lossy => "verified, but not complete",
        Outcome::Tampered => "TAMPERED WITH OR CORRUPT",
        _ => "CANNOT DECIDE",
    }
}

fn tell(out: &mut Out, stream: &StreamReport, strict: bool) -> Result<(), Failure> {
    out.line(&format!(
        "{}: {}",
        harmless(&stream.stream),
        verdict(stream.outcome(strict))
    ))?;
    for sentence in stream.sentences() {
        out.line(&format!("  {}", harmless(&sentence)))?;
    }
    for finding in &stream.findings {
        out.line(&format!("  {}", told(finding)))?;
    }
    if stream.more_findings > 0 {
        out.line(&format!(
            "  and {}",
            counted(stream.more_findings, "more finding")
        ))?;
    }
    Ok(())
}

fn told(finding: &Finding) -> String {
    let word = match finding.kind.weight() {
        Weight::Note => "note",
        _ => "finding",
    };
    format!("{word}: {}", harmless(&finding.to_string()))
}

/// The verdict as data. Its keys are documented in docs/format.md.
fn whole(report: &Report) -> Value {
    let streams: Vec<Value> = report
        .streams
        .iter()
        .map(|stream| of_stream(stream, report))
        .collect();
    let findings: Vec<Value> = report.findings.iter().map(of_finding).collect();
    json!({"verdict": report.outcome().as_str(), "streams": streams, "findings": findings})
}

fn of_stream(stream: &StreamReport, report: &Report) -> Value {
    let keys = stream.keys.iter().map(|key| {
        json!({
            "vkey": key.key.to_string(),
            "first": key.first,
            "sizes": key.signed.map(|(first, last)| [first, last]),
            "checkpoints": key.checkpoints,
            "trusted": key.trusted,
        })
    });
    let sealed = stream.sealed.as_ref();
    json!({
        "stream": &*stream.stream,
        "path": stream.path.to_string_lossy(),
        "verdict": stream.outcome(report.is_strict()).as_str(),
        "proof": stream.proof.as_str(),
        "sealed": sealed.map(|sealed| sealed.size),
        "first_time": stream.first_time,
        "last_time": sealed.and_then(|sealed| sealed.last_time.as_deref()),
        "removed": stream.removed,
        "records": stream.records,
        "unsealed": stream.unsealed(),
        "gaps": stream.gaps,
        "lost": stream.lost,
        "checkpoints": stream.checkpoints,
        "anchored": stream.anchored,
        "keys": keys.collect::<Vec<_>>(),
        "copies": stream.copies,
        "torn_regions": stream.torn_regions,
        "findings": stream.findings.iter().map(of_finding).collect::<Vec<_>>(),
        "more_findings": stream.more_findings,
        "sentences": stream.sentences(),
    })
}

fn of_finding(finding: &Finding) -> Value {
    let weight = match finding.kind.weight() {
        Weight::Note => "note",
        Weight::Undecided => "undecided",
        _ => "tampered",
    };
    json!({
        "kind": finding.kind.as_str(),
        "rule": finding.kind.rule(),
        "weight": weight,
        "stream": &*finding.stream,
        "first": finding.seqs.as_ref().map(|seqs| seqs.start),
        "last": finding.seqs.as_ref().map(|seqs| seqs.end.saturating_sub(1).max(seqs.start)),
        "file": finding.file,
        "offset": finding.offset,
        "sentence": finding.sentence,
    })
}

fn receipt(path: &Path, keys: &[VerifierKey], as_json: bool) -> Result<u8, Failure> {
    let receipt = Receipt::parse(&read(path)?)?;
    let checked = receipt.check(keys);
    let mut out = Out::new(Color::Never);
    let (code, line) = match &checked {
        Ok(checked) if as_json => {
            let json = json!({"verdict": "verified", "origin": checked.origin, "index": receipt.index, "size": checked.size, "signed": checked.signed});
            (code::OK, json.to_string())
        }
        Ok(checked) => {
            let by = if checked.signed {
                "signed by a key that was given"
            } else {
                "no key was given: whoever wrote the receipt could have made it up"
            };
            let line = format!(
                "verified: record {} of {} stands among its first {} records; {by}",
                receipt.index, checked.origin, checked.size
            );
            (code::OK, line)
        }
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            let line = if as_json {
                json!({"verdict": "tampered", "sentence": error.to_string()}).to_string()
            } else {
                error.to_string()
            };
            (code::CORRUPT, line)
        }
        Err(error) => return Err(Failure::Input(error.to_string())),
    };
    // Written out as for people it would be JSON no more.
    out.line(&if as_json {
        harmless_json(&line)
    } else {
        harmless(&line)
    })?;
    out.flush()?;
    Ok(code)
}

/// A line on a terminal that says how far it is, not more than ten times a second.
struct Bar {
    told: std::sync::Mutex<Option<Instant>>,
}

impl Bar {
    fn new() -> Self {
        Self {
            told: std::sync::Mutex::new(None),
        }
    }

    fn tell(&self, progress: &Progress<'_>) {
        let Ok(mut told) = self.told.lock() else { return };
        if told.is_some_and(|at| at.elapsed() < Duration::from_millis(100)) {
            return;
        }
        *told = Some(Instant::now());
        let percent = (progress.done.saturating_mul(100))
            .checked_div(progress.total)
            .unwrap_or(100);
        let filled = usize::try_from(percent / 5).unwrap_or(20).min(20);
        let mut stderr = std::io::stderr();
        let _ = write!(
            stderr,
            "\r{} [{}{}] {percent}%\x1b[K",
            harmless(progress.stream),
            "#".repeat(filled),
            ".".repeat(20 - filled)
        );
        let _ = stderr.flush();
    }
}
