//! Times as ISO 8601 texts, and SHA-256 hashes as hex digits: what two shapes share.

use super::giving::{Giving, time_text};
use super::taking::{Fault, Filling, Taking};
use crate::clock::MAX_TIME;
use crate::record::{Map, Slot, Value};

const EXPECTED: &str = "a time in ISO 8601 with its offset and at most nine digits of a second, from 1970 to 2262, \
                        such as \"2026-11-21T09:00:00.123Z\": correct it in the source";

/// Takes the time of the record. A text that is not the one that export writes is kept beside it.
pub(super) fn take_time(
    taking: &mut Taking<'_>,
    key: &'static str,
    filling: &mut Filling,
) -> Result<(), Fault> {
    let (given, nanos) = taking.need(key, EXPECTED, |value| match value {
        Value::Str(given) => nanos_of(&given)
            .map(|nanos| (given.clone(), nanos))
            .ok_or(Value::Str(given)),
        value => Err(value),
    })?;
    filling.put(Slot::Time, nanos);
    if text_of(nanos) != given {
        taking.rest.insert(key.to_owned(), Value::Str(given));
    }
    Ok(())
}

fn nanos_of(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    let nanos = u64::try_from(time.as_nanosecond()).ok()?;
    (nanos <= MAX_TIME).then_some(nanos)
}

/// The time of the record.
pub(super) fn give_time(giving: &mut Giving<'_>) -> String {
    text_of(giving.uint(Slot::Time).unwrap_or(0))
}

/// As `Date.prototype.toISOString` writes it: three digits of a second; more where there are more.
fn text_of(nanos: u64) -> String {
    if !nanos.is_multiple_of(1_000_000) {
        return time_text(nanos);
    }
    match jiff::Timestamp::from_nanosecond(i128::from(nanos)) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => nanos.to_string(),
    }
}

const ALGORITHM: &str = "sha256:";

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Takes 64 hex digits into `hashes`, behind the name of their algorithm. Digits that have that name already are taken
/// and kept, because export writes none. Anything else is no hash, and is left.
pub(super) fn take_hash(fields: &mut Map, key: &str, name: &str, filling: &mut Filling) {
    let Some(Value::Str(text)) = fields.get(key) else {
        return;
    };
    if is_hash(text) {
        filling.member(Slot::Hashes, name, format!("{ALGORITHM}{text}"));
        fields.remove(key);
    } else if text.strip_prefix(ALGORITHM).is_some_and(is_hash) {
        filling.member(Slot::Hashes, name, text.clone());
    }
}

/// The digits of a hash; of another algorithm with its name.
pub(super) fn give_hash(giving: &Giving<'_>, name: &str) -> Option<String> {
    let text = giving.record().map(Slot::Hashes)?.get(name)?.as_str()?;
    let digits = text.strip_prefix(ALGORITHM).filter(|digits| is_hash(digits));
    Some(digits.unwrap_or(text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_a_script_writes_them_and_with_more_digits_where_there_are_more() {
        for (given, written) in [
            ("2026-11-21T09:00:00Z", "2026-11-21T09:00:00.000Z"),
            ("2026-11-21T11:00:00.1+02:00", "2026-11-21T09:00:00.100Z"),
            ("2026-11-21T09:00:00.123456789Z", "2026-11-21T09:00:00.123456789Z"),
            ("1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(nanos_of(given).map(text_of).as_deref(), Some(written));
        }
        for wrong in [
            "",
            "2026-11-21",
            "yesterday",
            "1969-12-31T23:59:59.999Z",
            "2300-01-01T00:00:00Z",
        ] {
            assert_eq!(nanos_of(wrong), None, "{wrong}");
        }
    }
}
