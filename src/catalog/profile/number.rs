//! Milliseconds, as the shapes state times and durations, and the nanoseconds of a record.

use crate::record::Value;

/// Nanoseconds of a number of milliseconds; `None` where it is not a number, negative, too large, or finer than that.
pub(super) fn nanos_of_millis(value: &Value) -> Option<u64> {
    let text = match value {
        Value::Int(number) => {
            return u64::try_from(*number).ok()?.checked_mul(1_000_000);
        }
        Value::Float(number) if number.is_sign_positive() && number.is_finite() => {
            ryu_js::Buffer::new().format_finite(*number).to_owned()
        }
        _ => return None,
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if fraction.len() > 6 || text.contains('e') {
        return None;
    }
    let rest: u64 = format!("{fraction:0<6}").parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(rest)
}

/// The number of milliseconds: an integer, or a double where there is a fraction.
pub(super) fn millis_of_nanos(nanos: u64) -> Value {
    let (whole, rest) = (nanos / 1_000_000, nanos % 1_000_000);
    if rest == 0 {
        return Value::from(whole);
    }
    // The decimal text, so that the double is the one that a reader of that text has.
    let text = format!("{whole}.{rest:06}");
    text.parse().map_or_else(|_| Value::from(whole), Value::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_come_back_as_they_were() {
        for number in [
            Value::from(0_u64),
            Value::from(1_771_203_409_000_u64),
            Value::from(12.345),
            Value::from(0.000_001),
            Value::from(1_771_203_409_000.123_5),
        ] {
            let nanos = nanos_of_millis(&number).unwrap_or_else(|| panic!("{number:?}"));
            assert_eq!(millis_of_nanos(nanos), number);
        }
    }

    #[test]
    fn what_nanoseconds_cannot_hold_is_no_duration() {
        for number in [
            Value::from(-1),
            Value::from(-0.5),
            Value::from(-0.0),
            Value::from(0.000_000_1),
            Value::from(1.234_567_8),
            Value::from(u64::MAX),
            Value::from(f64::INFINITY),
            Value::from("5"),
            Value::Null,
        ] {
            assert_eq!(nanos_of_millis(&number), None, "{number:?}");
        }
    }
}
