//! Times as people write them: `now`, `-2h`, a date, RFC 3339.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::zone::{self, Wrong};
use crate::clock::MAX_TIME;
use crate::error::{Error, ErrorKind, Result};

const SECOND: i128 = 1_000_000_000;

/// Units of relative times, longest name first. A day is 24 hours: everything here is UTC.
const UNITS: &[(&str, i128)] = &[
    ("ms", SECOND / 1000),
    ("us", SECOND / 1_000_000),
    ("ns", 1),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
    ("d", 86_400 * SECOND),
    ("w", 7 * 86_400 * SECOND),
];

/// Reads a time, in nanoseconds since the Unix epoch.
///
/// Relative to `now`: `now`, `today`, `yesterday`, `-2h`, `-30m`, `-7d`, `-1h30m` (units ns, us, ms, s, m, h, d,
/// w; `+` lies ahead). Absolute: `2026-11-21`, `2026-11-21T10:00`, either with `Z` or an offset such as `+01:00`
/// and in UTC without one; `@1763719200` counts seconds from the epoch, and `0` is the epoch. A space may stand
/// for the `T`.
///
/// A day or a time of a named zone is one with the name behind it: `2026-11-21 09:00 Europe/Berlin`,
/// `2026-11-21T09:00[Europe/Berlin]`, `today Europe/Berlin`. Its rules are read from the system's files (`TZDIR`,
/// `/usr/share/zoneinfo`). A time that the zone's clocks showed twice is the first one; one that they left out has the offset
/// from before they were put forward. With an offset and a zone, `2026-10-25T02:30+01:00[Europe/Berlin]`, the two must agree.
///
/// # Errors
///
/// [`ErrorKind::Query`] for other text, with the column of a zone that is not known here, and for times before 1970 or after
/// 2262-04-11.
pub fn parse_time(text: &str, now: u64) -> Result<u64> {
    read_time(text, now).map_err(|Wrong { at, message }| {
        let place = match at {
            0 => String::new(),
            at => {
                let before = text.trim_start().get(..at).unwrap_or_default();
                let spaces = text.len() - text.trim_start().len();
                format!("column {} of `{text}`: ", spaces + before.chars().count() + 1)
            }
        };
        Error::new(ErrorKind::Query, format!("{place}{message}"))
    })
}

/// The same, with the place of the mistake in the text apart.
pub(super) fn read_time(text: &str, now: u64) -> Result<u64, Wrong> {
    let text = text.trim();
    let wrong = |message: String| Wrong { at: 0, message };
    let nanos = match (text, zone::split(text)) {
        (_, Some((time, name))) => zone::instant(text, time, name, now)?,
        ("now", _) => Some(i128::from(now)),
        ("today", _) => Some(midnight(now)),
        ("yesterday", _) => Some(midnight(now) - 86_400 * SECOND),
        ("0", _) => Some(0),
        _ => relative(text, now)
            .or_else(|| epoch(text))
            .or_else(|| absolute(text)),
    };
    let Some(nanos) = nanos else {
        return Err(wrong(format!(
            "`{text}` is not a time; write `-2h`, `-7d`, `now`, `2026-11-21`, `2026-11-21T10:00:00+01:00` or \
             `2026-11-21 10:00 Europe/Berlin`"
        )));
    };
    match u64::try_from(nanos) {
        Ok(nanos) if nanos <= MAX_TIME => Ok(nanos),
        _ => Err(wrong(format!(
            "`{text}` lies outside 1970-01-01 to 2262-04-11, the times that a record can have"
        ))),
    }
}

fn midnight(now: u64) -> i128 {
    let now = i128::from(now);
    now - now % (86_400 * SECOND)
}

fn relative(text: &str, now: u64) -> Option<i128> {
    let (sign, length) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => return None,
    };
    i128::from(now).checked_add(parse_length(length)?.checked_mul(sign)?)
}

/// Reads a length of time such as `250ms`, `1h30m` or `7d`, in nanoseconds.
///
/// # Errors
///
/// [`ErrorKind::Query`] for other text, for none at all, and for more than a record's time can count.
pub fn parse_duration(text: &str) -> Result<u64> {
    let nanos = parse_length(text.trim()).and_then(|nanos| u64::try_from(nanos).ok());
    nanos
        .filter(|nanos| (1..=MAX_TIME).contains(nanos))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Query,
                format!("`{text}` is not a length of time; write `15m`, `1h`, `1h30m` or `7d`"),
            )
        })
}

pub(super) fn parse_length(text: &str) -> Option<i128> {
    let mut rest = text;
    let mut sum: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i128 = rest.get(..digits)?.parse().ok()?;
        let unit = rest.get(digits..)?;
        let end = unit
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(unit.len());
        let (name, after) = unit.split_at_checked(end)?;
        let (_, nanos) = UNITS.iter().find(|(known, _)| *known == name)?;
        sum = sum.checked_add(count.checked_mul(*nanos)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

fn epoch(text: &str) -> Option<i128> {
    let seconds = text.strip_prefix('@')?;
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    let fraction: i128 = format!("{fraction:0<9}").parse().ok()?;
    whole.checked_mul(SECOND)?.checked_add(fraction)
}

fn absolute(text: &str) -> Option<i128> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_nanosecond());
    }
    // A date alone must have no time behind it: jiff's date parser would ignore one.
    let civil = if text.len() == "2026-11-21".len() {
        text.parse::<Date>()
            .ok()?
            .to_datetime(jiff::civil::Time::midnight())
    } else {
        text.parse::<DateTime>().ok()?
    };
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_nanosecond())
}

/// The time as RFC 3339 in UTC, with as many digits of the fraction as it needs.
pub(super) fn write_time(nanos: u64) -> String {
    match Timestamp::from_nanosecond(i128::from(nanos)) {
        Ok(time) => time.to_string(),
        Err(_) => format!("@{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_763_719_200_000_000_000; // 2025-11-21T10:00:00Z

    #[test]
    fn times_are_read_as_people_write_them() {
        let hour = 3_600_000_000_000;
        for (text, expected) in [
            ("now", NOW),
            ("-2h", NOW - 2 * hour),
            ("-1h30m", NOW - hour - hour / 2),
            ("-7d", NOW - 7 * 24 * hour),
            ("+500ms", NOW + 500_000_000),
            ("today", NOW - 10 * hour),
            ("yesterday", NOW - 34 * hour),
            ("2025-11-21", NOW - 10 * hour),
            ("2025-11-21T10:00", NOW),
            ("2025-11-21 10:00", NOW),
            ("2025-11-21T10:00Z", NOW),
            ("2025-11-21T10:00+01:00", NOW - hour),
            ("2025-11-21T10:00:00.000000001Z", NOW + 1),
            ("@1763719200", NOW),
            ("@1763719200.5", NOW + 500_000_000),
            ("0", 0),
            ("1970-01-01", 0),
            ("2262-04-11T23:47:16.854775807Z", MAX_TIME),
        ] {
            assert_eq!(parse_time(text, NOW).ok(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_time_is_an_error_and_not_a_guess() {
        for text in [
            "",
            "-",
            "2025-11-21T10:00[",
            "2025-11-21T10:00]",
            "now UTC",
            "-2h UTC",
            "@5 UTC",
            "UTC",
            " UTC",
            "2h",
            "-2",
            "-2x",
            "-h",
            "tomorrow",
            "2025-13-01",
            "2025-11-21T",
            "2025-11-21T25:00",
            "12",
            "1969-12-31",
            "2262-04-12",
            "-999999d",
            "@",
            "@1.2.3",
            "@-5",
            "-99999999999999999999999999999999999999999d",
        ] {
            let error = parse_time(text, NOW).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Query, "{text}");
        }
    }

    #[test]
    fn a_length_of_time_is_some_time_or_an_error() {
        assert_eq!(parse_duration("1h30m").unwrap(), 5_400_000_000_000);
        for wrong in ["", "0s", "1", "h", "-1h", "1000000d", "1fortnight"] {
            let error = parse_duration(wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Query, "{wrong}");
        }
    }

    #[test]
    fn a_written_time_is_read_back() {
        for nanos in [0, 1, NOW, NOW + 1, MAX_TIME] {
            assert_eq!(parse_time(&write_time(nanos), 0).ok(), Some(nanos));
        }
    }
}
