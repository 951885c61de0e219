//! Values as words for people: harmless in a terminal, short, aligned.

use tracing_audit::catalog::Sentences;
pub(crate) use tracing_audit::catalog::harmless;
use tracing_audit::record::{Record, Slot, Value};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How many columns the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `columns` columns, with `…` where something was left out.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        short.push(c);
    }
    if columns > 0 {
        short.push('…');
    }
    short
}

/// `2026-11-21 10:00:00.123`, in UTC.
pub(crate) fn time(nanos: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanos)).map_or_else(
        |_| nanos.to_string(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string(),
    )
}

/// JSON text in which no character can steer a terminal: those that could stand as escapes, so that it says the same.
pub(crate) fn harmless_json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut units = [0; 2];
    for c in text.chars() {
        let is_plain = (' '..='~').contains(&c);
        if is_plain || harmless(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            safe.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    safe
}

/// The time in RFC 3339, with as many digits as it needs.
pub(crate) fn stamp(nanos: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanos))
        .map_or_else(|_| nanos.to_string(), |time| time.to_string())
}

/// The begin of an interval: no finer than the interval's length asks for.
pub(crate) fn moment(nanos: u64, per: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let form = match per {
        day if day.is_multiple_of(86_400 * SECOND) => "%Y-%m-%d",
        minute if minute.is_multiple_of(60 * SECOND) => "%Y-%m-%d %H:%M",
        second if second.is_multiple_of(SECOND) => "%Y-%m-%d %H:%M:%S",
        _ => "%Y-%m-%d %H:%M:%S.%f",
    };
    jiff::Timestamp::from_nanosecond(i128::from(nanos))
        .map_or_else(|_| nanos.to_string(), |time| time.strftime(form).to_string())
}

/// `12.3%`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let tenths = u128::from(part) * 1_000 / u128::from(whole.max(1));
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// `64.0 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = None;
    for name in UNITS {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1_024;
        unit = Some(name);
    }
    match unit {
        Some(unit) => format!("{}.{} {unit}", tenths / 10, tenths % 10),
        None => format!("{bytes} bytes"),
    }
}

/// The time and the sentence of a record.
pub(crate) fn sentence(sentences: &Sentences, record: &Record) -> String {
    let time = record.uint(Slot::Time).map_or_else(|| "-".to_owned(), time);
    format!("{time}  {}", sentences.tell(record))
}

/// Three digits and a unit.
pub(crate) fn duration(nanos: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")];
    let minute = 60 * 1_000_000_000;
    match nanos {
        0..1_000 => format!("{nanos}ns"),
        hours if hours >= 60 * minute => format!("{}h{:02}m", hours / (60 * minute), hours / minute % 60),
        minutes if minutes >= minute => {
            format!("{}m{:02}s", minutes / minute, minutes / 1_000_000_000 % 60)
        }
        _ => {
            let (unit, name) = UNITS
                .into_iter()
                .find(|(unit, _)| nanos >= *unit)
                .unwrap_or((1, "ns"));
            let tenths = nanos / (unit / 10);
            if tenths < 100 {
                format!("{}.{}{name}", tenths / 10, tenths % 10)
            } else {
                format!("{}{name}", nanos / unit)
            }
        }
    }
}

/// A number with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 record`, `2 records`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", count(number))
}

/// `u-1`, with the type in front unless it is a user.
pub(crate) fn actor(record: &Record) -> String {
    let id = record.text(Slot::ActorId);
    match (record.text(Slot::ActorType), id) {
        (None | Some("user"), Some(id)) => harmless(id),
        (Some(kind), Some(id)) => format!("{}:{}", harmless(kind), harmless(id)),
        (Some(kind), None) => harmless(kind),
        (None, None) => "-".to_owned(),
    }
}

/// `type/id`.
pub(crate) fn resource(record: &Record) -> String {
    match (record.text(Slot::ResourceType), record.text(Slot::ResourceId)) {
        (Some(kind), Some(id)) => format!("{}/{}", harmless(kind), harmless(id)),
        (Some(one), None) | (None, Some(one)) => harmless(one),
        (None, None) => "-".to_owned(),
    }
}

/// What happened: the event's name; the action behind it where the name does not say it.
pub(crate) fn action(record: &Record) -> String {
    let event = record.event();
    match record.text(Slot::Action) {
        Some(action) if event.is_empty() => harmless(action),
        Some(action) if action != event && !event.ends_with(action) => {
            format!("{} ({})", harmless(event), harmless(action))
        }
        _ => harmless(event),
    }
}

/// Why, or what: the free text that is left for the end of a row.
pub(crate) fn detail(record: &Record) -> String {
    let first = [Slot::Reason, Slot::ReasonCode, Slot::ErrorMessage, Slot::Summary]
        .into_iter()
        .find_map(|slot| record.text(slot));
    match first {
        Some(text) => harmless(text),
        None if tracing_audit::store::is_gap(record) => gap(record),
        None => match record.texts(Slot::ChangedFields) {
            Some(fields) if !fields.is_empty() => format!("changed {}", harmless(&fields.join(", "))),
            _ => String::new(),
        },
    }
}

fn gap(record: &Record) -> String {
    let lost = record.attribute("lost").and_then(Value::as_u64).unwrap_or(0);
    let cause = record.attribute("cause").and_then(Value::as_str);
    format!("{lost} lost ({})", harmless(cause.unwrap_or("cause not stated")))
}

/// Rows whose columns begin under one another.
pub(crate) fn aligned<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, widest)| {
            let space = " ".repeat(widest - width(cell));
            format!("{cell}{space}")
        });
        let cells: Vec<_> = cells.collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_fits_whatever_its_characters_take() {
        for text in ["", "abc", "漢字漢字漢字", "e\u{301}e\u{301}e\u{301}x", "ab漢"] {
            for columns in 0..8 {
                let short = cut(text, columns);
                assert!(width(&short) <= columns, "{text} {columns} {short}");
                assert_eq!(short == text, width(text) <= columns);
            }
        }
    }

    #[test]
    fn lengths_of_time_have_two_or_three_digits_and_a_unit() {
        for (nanos, text) in [
            (0, "0ns"),
            (999, "999ns"),
            (1_000, "1.0µs"),
            (1_234_567, "1.2ms"),
            (12_345_678, "12ms"),
            (9_990_000_000, "9.9s"),
            (59_999_000_000, "59s"),
            (61_000_000_000, "1m01s"),
            (3_600_000_000_000, "1h00m"),
        ] {
            assert_eq!(duration(nanos), text);
        }
    }

    #[test]
    fn json_that_cannot_steer_a_terminal_says_the_same() {
        let text = serde_json::json!({"a\u{9b}": "\u{202e}x\u{e0041} \u{1b}ß漢\\u{7f}"}).to_string();
        let safe = harmless_json(&text);
        assert!(
            safe.contains("\\u009b") && safe.contains("\\u202e") && safe.contains("\\udb40\\udc41"),
            "{safe}"
        );
        assert!(safe.contains("ß漢"), "{safe}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        assert_eq!(read(&safe), read(&text));
        assert!(read(&safe).is_some());
    }

    #[test]
    fn shares_and_sizes_have_one_digit_behind_the_point() {
        assert_eq!(percent(1, 3), "33.3%");
        assert_eq!(percent(0, 0), "0.0%");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.0%");
        assert_eq!(bytes(1_023), "1023 bytes");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(bytes(450 * 1_048_576), "450.0 MiB");
    }

    #[test]
    fn the_begin_of_an_interval_is_as_fine_as_the_interval() {
        let at = 1_763_719_200_000_000_000;
        assert_eq!(moment(at, 86_400_000_000_000), "2025-11-21");
        assert_eq!(moment(at, 900_000_000_000), "2025-11-21 10:00");
        assert_eq!(moment(at, 1_000_000_000), "2025-11-21 10:00:00");
        assert_eq!(stamp(at), "2025-11-21T10:00:00Z");
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(12_345_678), "12,345,678");
        assert_eq!(counted(1, "record"), "1 record");
        assert_eq!(counted(2_000, "record"), "2,000 records");
    }
}
