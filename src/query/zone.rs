//! Times in a named time zone, by the files that the system has of them.

use jiff::tz::{TimeZone, db};
use jiff::{Timestamp, Zoned};

use super::field::nearest;

/// What is wrong, and before which byte of the text.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) message: String,
}

/// The time before a zone, and the zone: `2026-11-21 09:00 Europe/Berlin`, `2026-11-21T09:00[Europe/Berlin]`.
///
/// `None` where no zone is named, also for `today` and whatever else is one word.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_suffix(']') {
        let (time, zone) = inner.split_once('[')?;
        return Some((time.trim_end(), zone));
    }
    let (time, zone) = text.rsplit_once(char::is_whitespace)?;
    zone.starts_with(|first: char| first.is_alphabetic())
        .then_some((time.trim_end(), zone))
}

/// A time of a zone's clocks, in nanoseconds since the Unix epoch; `None` where it is no time.
///
/// What its clocks never showed is read with the offset from before they were put forward: 02:30 where 03:00 followed 02:00
/// is half past three. What they showed twice is the first of the two. An offset beside the zone says which is meant.
pub(super) fn instant(text: &str, time: &str, name: &str, now: u64) -> Result<Option<i128>, Wrong> {
    let at = text.len() - name.len() - usize::from(text.ends_with(']'));
    let Ok(zone) = db().get(name) else {
        let message = unknown(name);
        return Err(Wrong { at, message });
    };
    let found = match time {
        "today" => day(&zone, now, 0),
        "yesterday" => day(&zone, now, 1),
        _ => format!("{time}[{name}]").parse::<Zoned>().ok(),
    };
    if found.is_none() && time.parse::<Timestamp>().is_ok() {
        let message = format!("`{name}` has another offset then; leave out one of the two");
        return Err(Wrong { at, message });
    }
    Ok(found.map(|found| found.timestamp().as_nanosecond()))
}

/// The begin of the day that it is in a zone, or of one before.
fn day(zone: &TimeZone, now: u64, before: i32) -> Option<Zoned> {
    let now = Timestamp::from_nanosecond(i128::from(now)).ok()?;
    let mut day = now.to_zoned(zone.clone()).date();
    for _ in 0..before {
        day = day.yesterday().ok()?;
    }
    day.to_zoned(zone.clone()).ok()
}

fn unknown(name: &str) -> String {
    let names: Vec<String> = db().available().map(|known| known.to_string()).collect();
    if names.len() <= 2 {
        return format!(
            "this machine has no files of time zones (`TZDIR`, `/usr/share/zoneinfo`) to look `{name}` up in; write an offset such \
             as `+01:00`"
        );
    }
    match nearest(name, names.iter().map(String::as_str)) {
        Some(known) => format!("unknown time zone `{name}`; did you mean `{known}`?"),
        None => format!(
            "unknown time zone `{name}`; write a name such as `Europe/Berlin`, or an offset such as `+01:00`"
        ),
    }
}
