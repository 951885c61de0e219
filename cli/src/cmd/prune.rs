//! `prune`: the segments that retention allows no longer go, now.

use std::path::Path;

use serde_json::json;
use tracing_audit::clock::{Clock as _, SystemClock};
use tracing_audit::format::{Segment, SegmentName, segments};
use tracing_audit::query::parse_time;
use tracing_audit::record::{Slot, Value};
use tracing_audit::store::{DirStore, List, Store as _};
use tracing_audit::{AuditBuilder, Done, Query, Request};

use super::streams;
use crate::args::{Color, Prune};
use crate::out::{Failure, Out, code};
use crate::words::{self, counted};

const DAY: u64 = 86_400_000_000_000;

/// What a stream may keep; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    days: u64,
    bytes: u64,
    segments: u64,
}

pub(crate) fn run(args: &Prune) -> Result<u8, Failure> {
    let mut out = Out::new(Color::Never);
    for stream in streams::of(&args.dir)? {
        let removed = if args.dry_run {
            due(&stream, limits(args, &stream)?)?
        } else {
            prune(args, &stream)?
        };
        if args.json {
            let removed: Vec<String> = removed.iter().map(ToString::to_string).collect();
            out.json(
                &json!({"stream": stream.to_string_lossy(), "dry_run": args.dry_run, "removed": removed}),
            )?;
            continue;
        }
        let what = if args.dry_run {
            "would be removed"
        } else {
            "removed"
        };
        let told = format!(
            "{}: {} {what}",
            stream.display(),
            counted(removed.len() as u64, "segment")
        );
        out.line(&words::harmless(&told))?;
        for name in removed {
            out.line(&format!("  {name}"))?;
        }
    }
    out.flush()?;
    Ok(code::OK)
}

/// Has the writer that runs do it, by its own limits, or does it in its place where none runs.
fn prune(args: &Prune, stream: &Path) -> Result<Vec<SegmentName>, Failure> {
    let limits = limits(args, stream)?;
    let before = segments(stream)?;
    let key = args.writer.signing_key.as_deref();
    let kept = |builder: AuditBuilder| {
        let builder = builder.keep_days(limits.days).keep_bytes(limits.bytes);
        builder.keep_segments(limits.segments)
    };
    let Some(audit) = streams::take_over(stream, key, kept)? else {
        if args.has_limits() {
            return Err(Failure::Usage(format!(
                "a writer runs in `{}` and has limits of its own; leave --keep-days, --keep-bytes and --keep-segments \
                 out, or stop it",
                stream.display()
            )));
        }
        return match streams::ask(&Request::Prune, stream, args.writer.patience())? {
            Done::Pruned(cleaned) => Ok(cleaned.removed),
            _ => Err(Failure::Input("the writer answered another question".to_owned())),
        };
    };
    let cleaned = audit.cleanup();
    let ended = audit.shutdown(args.writer.patience());
    cleaned?;
    ended?;
    // The start may have begun a segment, and removed others by that.
    let after: Vec<SegmentName> = segments(stream)?.iter().map(|segment| segment.name).collect();
    let names = before.into_iter().map(|segment| segment.name);
    Ok(names.filter(|name| !after.contains(name)).collect())
}

/// The limits that were given, else those that the application's last writer stated when it began.
fn limits(args: &Prune, stream: &Path) -> Result<Limits, Failure> {
    let given = Limits {
        days: args.keep_days.unwrap_or(0),
        bytes: args.keep_bytes.unwrap_or(0),
        segments: args.keep_segments.unwrap_or(0),
    };
    if args.has_limits() {
        return Ok(given);
    }
    let opened = Query::parse(&format!("event=audit.open service!={}", streams::SERVICE))?;
    let page = DirStore::open(stream)?.list(&opened, &List::default().limit(1))?;
    let config = page
        .records
        .first()
        .and_then(|stored| stored.record.attribute("config"))
        .and_then(Value::as_map);
    let Some(config) = config else {
        return Err(Failure::Usage(format!(
            "`{}` does not say what its writer keeps; give --keep-days, --keep-bytes or --keep-segments",
            stream.display()
        )));
    };
    let stated = |name: &str| config.get(name).and_then(Value::as_u64).unwrap_or(0);
    Ok(Limits {
        days: stated("keep_days"),
        bytes: stated("keep_bytes"),
        segments: stated("keep_segments"),
    })
}

/// The segments that are beyond the limits: of the closed ones, the oldest.
fn due(stream: &Path, limits: Limits) -> Result<Vec<SegmentName>, Failure> {
    let all = segments(stream)?;
    let closed = all.get(..all.len().saturating_sub(1)).unwrap_or_default();
    let mut due = 0;
    if limits.days > 0 {
        let horizon = SystemClock.now().saturating_sub(limits.days.saturating_mul(DAY));
        while let Some(segment) = closed.get(due) {
            if last_time(segment)? >= horizon {
                break;
            }
            due += 1;
        }
    }
    let surplus = |limit: u64| (all.len() as u64).saturating_sub(limit);
    if limits.segments > 0 {
        due = due.max(usize::try_from(surplus(limits.segments)).unwrap_or(usize::MAX));
    }
    if limits.bytes > 0 {
        let mut total: u64 = all.iter().skip(due).map(|segment| segment.len).sum();
        while let Some(segment) = closed.get(due).filter(|_| total > limits.bytes) {
            total = total.saturating_sub(segment.len);
            due += 1;
        }
    }
    Ok(closed.iter().take(due).map(|segment| segment.name).collect())
}

/// When the last record of a segment was taken; without one, the end of its day.
fn last_time(segment: &Segment) -> Result<u64, Failure> {
    let page = DirStore::open(&segment.path)?.list(&Query::all(), &List::default().limit(1))?;
    if let Some(time) = page
        .records
        .first()
        .and_then(|stored| stored.record.uint(Slot::ObservedAt))
    {
        return Ok(time);
    }
    let day = parse_time(&segment.name.date.to_string(), SystemClock.now())?;
    Ok(day.saturating_add(DAY))
}
