//! Records as CSV (RFC 4180): fixed columns, and everything else as JSON in the last two.
//!
//! | columns | hold |
//! |---|---|
//! | `stream`, `seq`, `observed_at`, `id` | the record's place in its trail, and its id |
//! | `time` to `profile` | the slots of those names; lists as JSON |
//! | `attributes` | the attributes, as a JSON object |
//! | `other` | every other slot that is filled, by its path, as a JSON object |
//!
//! A cell that a spreadsheet would take for a formula, one that begins with `=`, `+`, `-`, `@`, their full-width forms, a
//! tab or a line break, has an apostrophe in front. So has one that begins with an apostrophe: taking one apostrophe
//! away from each cell that begins with one gives back what the record says. [`restore`] does it.

use std::borrow::Cow;

use crate::format::canonical_json;
use crate::record::{Map, Record, Slot, Value};

/// The columns that are slots of their own, in their order.
const COLUMNS: &[Slot] = &[
    Slot::Stream,
    Slot::Seq,
    Slot::ObservedAt,
    Slot::Id,
    Slot::Time,
    Slot::Level,
    Slot::Event,
    Slot::Category,
    Slot::Action,
    Slot::Outcome,
    Slot::ActorType,
    Slot::ActorId,
    Slot::ActorRoles,
    Slot::ActorIp,
    Slot::AgentId,
    Slot::AgentName,
    Slot::ResourceType,
    Slot::ResourceId,
    Slot::ChangedFields,
    Slot::Reason,
    Slot::ReasonCode,
    Slot::ErrorCode,
    Slot::ErrorMessage,
    Slot::Summary,
    Slot::DurationNs,
    Slot::DecisionEnforced,
    Slot::ScopeTenant,
    Slot::ScopeEnvironment,
    Slot::SessionId,
    Slot::RequestId,
    Slot::CorrelationId,
    Slot::ExecutionId,
    Slot::ConversationId,
    Slot::TraceId,
    Slot::SpanId,
    Slot::Source,
    Slot::Service,
    Slot::Host,
    Slot::Profile,
];

/// The first line: the names of the columns, without a line break.
#[must_use]
pub fn header() -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|slot| slot.path()).collect();
    format!("{},attributes,other", names.join(","))
}

/// A record's line, without a line break (RFC 4180 ends lines with CR and LF). An absent value is an empty cell.
///
/// # Errors
///
/// [`ErrorKind::Format`](crate::ErrorKind::Format) for a value that is nested over 128 levels deep; no record of a trail
/// is.
pub fn row(record: &Record) -> crate::Result<String> {
    let mut line = String::new();
    for slot in COLUMNS {
        let text = match record.get(*slot) {
            None => Cow::Borrowed(""),
            Some(value) => text(*slot, value)?,
        };
        cell(&text, &mut line);
        line.push(',');
    }
    if let Some(attributes) = record.map(Slot::Attributes).filter(|map| !map.is_empty()) {
        cell(&canonical_json(&Value::Map(attributes.clone()))?, &mut line);
    }
    line.push(',');
    let mut other = Map::new();
    for slot in Slot::ALL {
        if let (false, Some(value)) = (is_shown(*slot), record.get(*slot)) {
            other.insert(slot.path().to_owned(), value.clone());
        }
    }
    if !other.is_empty() {
        cell(&canonical_json(&Value::Map(other))?, &mut line);
    }
    Ok(line)
}

fn is_shown(slot: Slot) -> bool {
    slot == Slot::Attributes || COLUMNS.contains(&slot)
}

fn text(slot: Slot, value: &Value) -> crate::Result<Cow<'_, str>> {
    Ok(match (slot, value) {
        (Slot::Time | Slot::ObservedAt, value) => match value.as_u64() {
            Some(nanos) => Cow::Owned(time(nanos)),
            None => Cow::Owned(canonical_json(value)?),
        },
        (_, Value::Str(text)) => Cow::Borrowed(text),
        (_, value) => Cow::Owned(canonical_json(value)?),
    })
}

/// A time as a trail's lines state it, with nine digits.
fn time(nanos: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanos)).map_or_else(
        |_| nanos.to_string(),
        |time| time.strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string(),
    )
}

/// Whether a cell needs an apostrophe in front.
fn is_marked(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠'])
}

fn cell(text: &str, line: &mut String) {
    let mark = if is_marked(text) { "'" } else { "" };
    if !text.contains(['"', ',', '\r', '\n']) {
        line.push_str(mark);
        line.push_str(text);
        return;
    }
    line.push('"');
    line.push_str(mark);
    line.push_str(&text.replace('"', "\"\""));
    line.push('"');
}

/// What the record says, of a cell that was read: takes the mark away that keeps a spreadsheet from computing it.
#[must_use]
pub fn restore(cell: &str) -> &str {
    cell.strip_prefix('\'').unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells of a line, as RFC 4180 says.
    fn cells(line: &str) -> Vec<String> {
        let mut cells = vec![String::new()];
        let mut quoted = false;
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            let last = cells.last_mut().expect("there is one");
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => last.extend(chars.next()),
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(String::new()),
                c => last.push(c),
            }
        }
        assert!(!quoted, "{line}");
        cells
    }

    #[test]
    fn every_cell_comes_back_and_none_is_a_formula() {
        for hostile in [
            "=cmd|' /C calc'!A0",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1",
            "'=1",
            "''",
            "a\"b,c\r\nd",
            "\"=1\"",
            " =1",
            "plain",
        ] {
            let record = Record::builder("x")
                .reason(hostile)
                .attribute("k", hostile)
                .build();
            let line = row(&record).expect("a row");
            let cells = cells(&line);
            let names = header();
            let names: Vec<&str> = names.split(',').collect();
            assert_eq!(cells.len(), names.len());
            let at = |name| names.iter().position(|known| *known == name).expect("a column");
            assert_eq!(restore(&cells[at("reason")]), hostile);
            assert!(
                cells
                    .iter()
                    .all(|cell| cell.starts_with('\'') || !is_marked(cell)),
                "{line}"
            );
            let attributes: serde_json::Value = serde_json::from_str(&cells[at("attributes")]).expect("JSON");
            assert_eq!(attributes["k"], hostile);
        }
    }

    #[test]
    fn nothing_of_a_record_is_left_out() {
        let mut record = Record::default();
        for slot in Slot::ALL {
            record.put(*slot, Value::from(format!("value of {}", slot.path())));
        }
        record.put(Slot::Time, Value::from(1_250_000_000_u64));
        record.put(
            Slot::Attributes,
            Value::Map(Map::from([("k".to_owned(), Value::from(7))])),
        );
        let line = row(&record).expect("a row");
        for slot in Slot::ALL {
            if !matches!(slot, Slot::Time | Slot::Attributes) {
                assert!(line.contains(&format!("value of {}", slot.path())), "{slot:?}");
            }
        }
        assert!(line.contains("1970-01-01T00:00:01.250000000Z"), "{line}");
    }
}
