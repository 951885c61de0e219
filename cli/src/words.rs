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
        None => String::new(),
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
    fn numbers_have_their_thousands_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(12_345_678), "12,345,678");
        assert_eq!(counted(1, "record"), "1 record");
        assert_eq!(counted(2_000, "record"), "2,000 records");
    }
}
