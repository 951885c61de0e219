//! Control records: what the trail says about itself, as ordinary records of the family `audit`.

use crate::capture::Pause;
use crate::config::Part;
use crate::error::Error;
use crate::format::SegmentName;
use crate::record::{Map, Record, RecordBuilder, Slot, Value};
use crate::sink::file::{Erased, FileEvent, Opened, Space};

use super::clock_watch::Step;
use super::effective::Effective;
use super::losses::LossRow;
use super::space_watch::Crossing;

/// The actor of every control record.
const SELF: (&str, &str) = ("system", "tracing-audit");

fn control(event: &str) -> RecordBuilder {
    let builder = Record::builder(event).category("audit").actor(SELF.0, SELF.1);
    builder.level(&crate::record::Level::Info).outcome("success")
}

/// The trail begins, or begins again.
pub(super) fn open(cause: &str, opened: Option<&Opened>, bound: u64, effective: &Effective) -> Record {
    let mut record = control("audit.open")
        .attribute("cause", cause)
        .attribute("library", concat!("tracing-audit ", env!("CARGO_PKG_VERSION")))
        .attribute("pid", std::process::id())
        .attribute("config", Value::Map(effective.clone()));
    if let Some(opened) = opened {
        record = record
            .attribute("clean", opened.clean)
            .attribute("first", opened.first);
        if !opened.clean {
            // Everything that the last run can have accepted and not written. What was written and not confirmed is
            // gone only where the machine failed as well, and nobody can know that.
            record = record.attribute("missing_at_most", bound);
        }
        if let Some(torn) = &opened.torn {
            let fragment = Map::from([
                ("segment".to_owned(), Value::from(torn.segment.to_string())),
                ("offset".to_owned(), Value::from(torn.offset)),
                ("len".to_owned(), Value::from(torn.len)),
                ("sha256".to_owned(), Value::from(torn.sha256_hex.clone())),
            ]);
            record = record.attribute("torn", Value::Map(fragment));
        }
        if opened.tiles_rebuilt {
            record = record.attribute("tiles_rebuilt", true);
        }
        if let Some((first, last)) = opened.missing {
            record = record.attribute("missing", Value::List(vec![first.into(), last.into()]));
        }
    }
    record.build()
}

/// The trail ends, and how much it wrote, lost and, where it was paused, left out.
pub(super) fn close(cause: &str, taken: u64, lost: u64, paused: u64) -> Record {
    let record = control("audit.close")
        .attribute("cause", cause)
        .attribute("records", taken)
        .attribute("lost", lost);
    if paused == 0 {
        return record.build();
    }
    record.attribute("paused", paused).build()
}

/// A part of the trail is left out from here on.
pub(super) fn pause(part: &Part, reason: &str, by: Option<String>) -> Record {
    let record = control("audit.pause")
        .attribute("part", part.to_string())
        .set(Slot::Reason, reason);
    asked_by(record, by).build()
}

/// Who asked for it, where that is known.
fn asked_by(record: RecordBuilder, by: Option<String>) -> RecordBuilder {
    match by {
        Some(actor) => record.attribute("by", actor),
        None => record,
    }
}

/// A pause ends, and what it left out.
pub(super) fn resume(pause: &Pause, cause: &str, by: Option<String>) -> Record {
    let row = |(category, n): &(String, u64)| {
        Value::Map(Map::from([
            ("category".to_owned(), Value::from(category.as_str())),
            ("left_out".to_owned(), Value::from(*n)),
        ]))
    };
    let by_category: Vec<Value> = pause.by_category.iter().map(row).collect();
    let record = control("audit.resume")
        .attribute("part", pause.part.to_string())
        .attribute("cause", cause)
        .attribute("left_out", pause.left_out)
        .attribute("by_category", by_category);
    asked_by(record, by).build()
}

/// A pause that was announced and did not begin.
pub(super) fn not_paused(part: &Part) -> Record {
    let pause = Pause {
        part: part.clone(),
        left_out: 0,
        by_category: Vec::new(),
    };
    resume(&pause, "not_begun", None)
}

/// Values of a subject were erased, or could not be. The subject stands there as a pseudonym, or not at all.
pub(super) fn erase(done: Result<&Erased, &Error>, subject: Option<String>) -> Record {
    let record = match subject {
        Some(pseudonym) => control("audit.erase").attribute("subject", pseudonym),
        None => control("audit.erase"),
    };
    match done {
        Ok(erased) => {
            let record = record
                .attribute("records", erased.records)
                .attribute("values", erased.values)
                .attribute("followers", erased.followers.clone());
            match erased.range {
                Some((first, last)) => record.attribute("first", first).attribute("last", last).build(),
                None => record.build(),
            }
        }
        Err(error) => record
            .outcome("failure")
            .attribute("error", error.to_string())
            .build(),
    }
}

/// Nothing was written since.
pub(super) fn heartbeat(last: u64) -> Record {
    control("audit.heartbeat").attribute("last", time(last)).build()
}

/// Records are known to be missing here.
pub(super) fn gap(row: &LossRow) -> Record {
    let builder = control("audit.gap")
        .outcome("failure")
        .attribute("lost", row.lost)
        .attribute("cause", row.cause);
    let builder = builder
        .attribute("first_time", time(row.first))
        .attribute("last_time", time(row.last));
    if row.category.is_empty() {
        builder.build()
    } else {
        builder.attribute("of_category", &*row.category).build()
    }
}

/// A sink has missed entries that stand in the stream.
pub(super) fn sink_gap(sink: &str, lost: u64, cause: &str) -> Record {
    let builder = control("audit.gap")
        .outcome("failure")
        .attribute("lost", lost)
        .attribute("cause", cause);
    builder.attribute("sink", sink).build()
}

/// A sink's receiver has refused entries that stand in the stream.
///
/// `records` are the numbers of the first of them, where the sink named them.
pub(super) fn sink_refused(sink: &str, refused: u64, records: &[u64]) -> Record {
    let mut builder = control("audit.refused")
        .outcome("failure")
        .attribute("sink", sink)
        .attribute("refused", refused);
    if !records.is_empty() {
        let records = records.iter().map(|seq| Value::from(*seq)).collect();
        builder = builder.attribute("records", Value::List(records));
    }
    builder.build()
}

/// A follower does not take what waits for it in the journal; `error` is why, where its last delivery said so.
pub(super) fn sink_degraded(
    sink: &str,
    cause: &str,
    waiting: u64,
    since: Option<u64>,
    error: Option<&str>,
) -> Record {
    let mut record = control("audit.degraded")
        .outcome("failure")
        .attribute("cause", cause)
        .attribute("sink", sink)
        .attribute("waiting", waiting);
    if let Some(since) = since {
        record = record.attribute("since", time(since));
    }
    if let Some(error) = error {
        record = record.attribute("error", error);
    }
    record.build()
}

/// A follower that stood still takes entries again.
pub(super) fn sink_recovered(sink: &str, waiting: u64) -> Record {
    control("audit.degraded")
        .attribute("cause", "sink_recovered")
        .attribute("sink", sink)
        .attribute("waiting", waiting)
        .build()
}

/// What retention left and took, as far as followers are concerned.
fn of_followers(event: &FileEvent) -> Option<Record> {
    match event {
        FileEvent::Held {
            segment,
            sinks,
            cause,
        } => {
            let builder = control("audit.degraded").outcome("failure");
            let builder = builder
                .attribute("cause", "retention_held")
                .attribute("limit", cause.as_str());
            let builder = builder.attribute("segment", segment.to_string());
            Some(builder.attribute("sinks", sinks.clone()).build())
        }
        FileEvent::NotShipped { sink, lost } => Some(sink_gap(sink, *lost, "not_kept")),
        _ => None,
    }
}

/// The wall clock has stepped against the monotonic one.
pub(super) fn clock(step: Step) -> Record {
    control("audit.clock")
        .attribute("cause", "step")
        .attribute("before", time(step.before))
        .attribute("after", time(step.after))
        .attribute("direction", step.direction())
        .build()
}

/// The journal's file system has become fuller than a threshold, or is below it again.
pub(super) fn disk_space(crossing: Crossing, space: Space) -> Record {
    let outcome = if crossing.is_over { "success" } else { "failure" };
    control("audit.degraded")
        .outcome(outcome)
        .attribute("cause", "disk_space")
        .attribute("state", crossing.fill.word())
        .attribute("threshold_percent", crossing.threshold)
        .attribute("used_percent", space.percent())
        .attribute("used_bytes", space.used)
        .attribute("free_bytes", space.free)
        .build()
}

/// What the file sink did. `None` for what the trail need not tell.
pub(super) fn file(event: &FileEvent) -> Option<Record> {
    Some(match event {
        FileEvent::Rolled {
            cause,
            closed,
            opened,
            copied,
        } => {
            let builder = control("audit.rotate").attribute("cause", cause.as_str());
            let builder = builder
                .attribute("closed", closed.to_string())
                .attribute("opened", opened.to_string());
            match copied {
                Some((first, last)) => builder
                    .attribute("copied", Value::List(vec![(*first).into(), (*last).into()]))
                    .build(),
                None => builder.build(),
            }
        }
        FileEvent::Unconfirmed { first, last } => control("audit.degraded")
            .outcome("failure")
            .attribute("cause", "unconfirmed")
            .attribute("records", Value::List(vec![(*first).into(), (*last).into()]))
            .build(),
        FileEvent::Removing {
            segments,
            records,
            bytes,
            cause,
        } => removing(segments, *records, *bytes, cause.as_str()),
        // It was stated before.
        FileEvent::Removed { .. } => return None,
        FileEvent::RetentionSuspended { before, after } => control("audit.clock")
            .attribute("cause", "step_forward")
            .attribute("before", time(*before))
            .attribute("after", time(*after))
            .attribute("age_retention", "suspended")
            .build(),
        FileEvent::KeyBegan { key, first, previous } => key_began(key, *first, previous.as_deref()),
        FileEvent::NotSealed { size, cause } => control("audit.degraded")
            .outcome("failure")
            .attribute("cause", "not_sealed")
            .attribute("sealed", *size)
            .attribute("error", cause.as_str())
            .build(),
        FileEvent::NotRemoved { segment, cause } => control("audit.degraded")
            .outcome("failure")
            .attribute("cause", "not_removed")
            .attribute("segment", segment.to_string())
            .attribute("error", cause.as_str())
            .build(),
        FileEvent::RemainsStay { cause } => control("audit.degraded")
            .outcome("failure")
            .attribute("cause", "remains_stay")
            .attribute("error", cause.as_str())
            .build(),
        FileEvent::Held { .. } | FileEvent::NotShipped { .. } => return of_followers(event),
    })
}

/// Segments that go as soon as this record is on disk.
fn removing(segments: &[SegmentName], records: Option<(u64, u64)>, bytes: u64, cause: &str) -> Record {
    let names: Vec<String> = segments.iter().map(ToString::to_string).collect();
    let builder = control("audit.retention")
        .attribute("cause", cause)
        .attribute("bytes", bytes)
        .attribute("segments", names);
    match records {
        Some((first, last)) => builder
            .attribute("records", Value::List(vec![first.into(), last.into()]))
            .build(),
        None => builder.build(),
    }
}

fn key_began(key: &str, first: u64, previous: Option<&str>) -> Record {
    let builder = control("audit.key")
        .attribute("vkey", key)
        .attribute("first", first);
    match previous {
        Some(previous) => builder.attribute("previous", previous).build(),
        None => builder.build(),
    }
}

/// A time as lines state it.
fn time(nanos: u64) -> Value {
    let stamp = jiff::Timestamp::from_nanosecond(i128::from(nanos));
    stamp.map_or(Value::from(nanos), |stamp| Value::from(format!("{stamp:.9}")))
}

/// The time that a record given as a value states for itself.
pub(super) fn stated_time(record: &Record) -> Option<u64> {
    record.uint(Slot::Time)
}
