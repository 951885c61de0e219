//! `erase`: the values of one subject go from the erasable fields; the log itself stays as it is.

use std::io::Read as _;
use std::path::Path;

use serde_json::json;
use tracing_audit::redact::Policy;
use tracing_audit::sink::file::Erased;
use tracing_audit::store::erasable;
use tracing_audit::{Done, Request};

use super::streams;
use crate::args::{Color, Erase};
use crate::out::{Failure, Out, code};
use crate::words::{self, counted};

pub(crate) fn run(args: &Erase) -> Result<u8, Failure> {
    let subject = subject(&args.subject)?;
    let mut out = Out::new(Color::Never);
    let mut values = 0;
    for stream in streams::of(&args.dir)? {
        let (found, told) = if args.dry_run {
            let planned = erasable(&stream, &subject)?;
            let told = planned_of(planned.records, planned.values, planned.range);
            ((planned.records, planned.values, planned.range, Vec::new()), told)
        } else {
            let erased = erase(args, &stream, &subject)?;
            let told = done(&erased);
            (
                (erased.records, erased.values, erased.range, erased.followers),
                told,
            )
        };
        values += found.1;
        if args.json {
            let (records, values, range, followers) = found;
            out.json(&json!({
                "stream": stream.to_string_lossy(),
                "dry_run": args.dry_run,
                "records": records,
                "values": values,
                "first": range.map(|(first, _)| first),
                "last": range.map(|(_, last)| last),
                "followers": followers,
            }))?;
        } else {
            out.line(&words::harmless(&format!("{}: {told}", stream.display())))?;
        }
    }
    out.flush()?;
    Ok(if values == 0 && args.fail_if_empty {
        code::EMPTY
    } else {
        code::OK
    })
}

/// The subject, which standard input can give: arguments stand in histories and in lists of processes.
fn subject(given: &str) -> Result<String, Failure> {
    let mut text = given.to_owned();
    if given == "-" {
        text.clear();
        let mut input = std::io::stdin().lock().take(64 * 1024);
        input.read_to_string(&mut text).map_err(|error| {
            Failure::Input(format!("cannot read the subject from standard input: {error}"))
        })?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
    }
    if text.is_empty() {
        return Err(Failure::Usage(
            "the subject is empty; give what the field that names subjects holds, such as the actor's id"
                .to_owned(),
        ));
    }
    Ok(text)
}

/// Has the writer that runs do it, or does it in its place where none runs.
fn erase(args: &Erase, stream: &Path, subject: &str) -> Result<Erased, Failure> {
    let policy = match &args.policy {
        Some(path) => Policy::load(path)?,
        None => Policy::balanced(),
    };
    let key = args.writer.signing_key.as_deref();
    let Some(audit) = streams::take_over(stream, key, |builder| builder.policy(policy))? else {
        let request = Request::Erase(subject.to_owned());
        return match streams::ask(&request, stream, args.writer.patience())? {
            Done::Erased(erased) => Ok(erased),
            _ => Err(Failure::Input("the writer answered another question".to_owned())),
        };
    };
    let erased = audit.erase(subject);
    let ended = audit.shutdown(args.writer.patience());
    let erased = erased?;
    ended?;
    Ok(erased)
}

fn planned_of(records: u64, values: u64, range: Option<(u64, u64)>) -> String {
    let Some((first, last)) = range else {
        return "no value of this subject".to_owned();
    };
    format!(
        "{} of {} (seq {first} to {last}) would be erased",
        counted(values, "value"),
        counted(records, "record")
    )
}

fn done(erased: &Erased) -> String {
    let Some((first, last)) = erased.range else {
        return "no value of this subject".to_owned();
    };
    let mut told = format!(
        "{} of {} (seq {first} to {last}) erased",
        counted(erased.values, "value"),
        counted(erased.records, "record")
    );
    if !erased.followers.is_empty() {
        told.push_str(&format!(
            "; given some of these records before: {}",
            erased.followers.join(", ")
        ));
    }
    told
}
