//! Values of a query: each is read as the kind of its field, or refused with a remedy.

use std::net::IpAddr;

use crate::record::{Kind, Naming, Slot, TraceContext};

use super::ast::{Bound, Expr, Field, Net, Number, Order, Pattern, Test, Wanted};
use super::field::{LEVELS, name, nearest};
use super::raw::Raw;
use super::time::{parse_length, read_time};

/// A condition, or what is wrong with the value.
type Read<T> = Result<T, String>;

/// `field=value`.
pub(super) fn equal(field: Field, naming: Naming, raw: &Raw, now: u64) -> Read<Expr> {
    if is_star(&raw.pattern) {
        return Ok(one(field, Wanted::Text(raw.pattern.clone())));
    }
    match naming {
        Naming::Start => return start(raw),
        Naming::Traceparent => {
            let context = TraceContext::parse(&raw.text)
                .ok_or_else(|| format!("`{}` is not a traceparent; `trace=` takes the id alone", raw.text))?;
            let wanted = Wanted::Text(Pattern::exact(context.trace_id.to_string()));
            return Ok(one(field, wanted));
        }
        _ => {}
    }
    let Field::Slot(slot) = field else {
        return Ok(one(field, Wanted::Text(raw.pattern.clone())));
    };
    let wanted = match slot.kind() {
        _ if slot == Slot::ActorIp => address(raw)?,
        _ if slot == Slot::Level => level_pattern(raw)?,
        Kind::Uint => Wanted::Uint(uint(slot, naming, &raw.text)?),
        Kind::Time => Wanted::Time(time(&raw.text, now)?),
        Kind::Hex => Wanted::Text(hex(slot, raw)?),
        Kind::Bool => match raw.text.as_str() {
            "true" => Wanted::Bool(true),
            "false" => Wanted::Bool(false),
            other => return Err(format!("`{other}` is neither `true` nor `false`")),
        },
        Kind::Map | Kind::Any => return Err(members(slot)),
        _ => Wanted::Text(raw.pattern.clone()),
    };
    Ok(one(Field::Slot(slot), wanted))
}

/// `field~text`.
pub(super) fn contains(field: Field, raw: &Raw) -> Read<Expr> {
    if let Field::Slot(slot) = field {
        match slot.kind() {
            Kind::Map | Kind::Any => return Err(members(slot)),
            Kind::Uint | Kind::Bool | Kind::Time => {
                return Err(format!("`{}` holds no text; `~` does not apply", slot.path()));
            }
            _ => {}
        }
    }
    Ok(Expr::Field(field, Test::Contains(raw.pattern.folded())))
}

/// `field<value` and its relatives.
pub(super) fn order(field: Field, naming: Naming, order: Order, raw: &Raw, now: u64) -> Read<Expr> {
    let bound = match &field {
        Field::Slot(Slot::Level) => Bound::Level(rank(&raw.text)?),
        Field::Slot(slot) => match slot.kind() {
            _ if naming == Naming::Start || naming == Naming::Traceparent => {
                return Err("has no order; use `=`".to_owned());
            }
            Kind::Uint => Bound::Uint(uint(*slot, naming, &raw.text)?),
            Kind::Time => Bound::Time(time(&raw.text, now)?),
            Kind::Map | Kind::Any => return Err(members(*slot)),
            _ => {
                return Err(format!(
                    "`{}` holds text, which has no order here; use `=`, `!=`, `~` or `in`",
                    slot.path()
                ));
            }
        },
        Field::Attribute(_) | Field::Detail(_) => Bound::Number(number(&raw.text)?),
        Field::Resource | Field::Label(_) | Field::Hash(_) => {
            return Err(format!(
                "`{}` holds text, which has no order here; use `=`, `!=`, `~` or `in`",
                name(&field)
            ));
        }
    };
    Ok(Expr::Field(field, Test::Order(order, bound)))
}

fn one(field: Field, wanted: Wanted) -> Expr {
    Expr::Field(field, Test::In(vec![wanted]))
}

/// Whether the pattern is `*`: any value at all, of whatever kind.
pub(super) fn is_star(pattern: &Pattern) -> bool {
    matches!(pattern.parts(), [first, last] if first.is_empty() && last.is_empty())
}

fn start(raw: &Raw) -> Read<Expr> {
    let phase = one(Field::Slot(Slot::Phase), Wanted::Text(Pattern::exact("start")));
    match raw.text.as_str() {
        "true" => Ok(phase),
        "false" => Ok(Expr::Not(Box::new(phase))),
        other => Err(format!("`{other}` is neither `true` nor `false`")),
    }
}

fn members(slot: Slot) -> String {
    match slot {
        Slot::Labels => "`labels` has members; write `label.NAME=…`".to_owned(),
        Slot::Hashes => "`hashes` has members; write `hash.NAME=…`".to_owned(),
        Slot::Attributes => "`attributes` has members; write `attributes.NAME=…`".to_owned(),
        Slot::Detail => "`detail` has members; write `detail.NAME=…`".to_owned(),
        other => format!(
            "`{path}` holds a structure; only `{path}=*` (present) and `{path}!=*` (absent) apply",
            path = other.path()
        ),
    }
}

/// An address, a network, or a text such as a pseudonym that cannot be meant as an address.
fn address(raw: &Raw) -> Read<Wanted> {
    let text = raw.text.as_str();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Wanted::Net(Net::host(address)));
    }
    if let Some((address, bits)) = text.split_once('/') {
        let net = address
            .parse::<IpAddr>()
            .ok()
            .zip(bits.parse::<u8>().ok())
            .and_then(|(address, bits)| Net::new(address, bits));
        return net
            .map(Wanted::Net)
            .ok_or_else(|| format!("`{text}` is not a network; write `10.0.0.0/8` or `2001:db8::/32`"));
    }
    let like_an_address = |c: char| c.is_ascii_digit() || c == '.';
    if raw.pattern.as_exact().is_some() && text.chars().all(like_an_address) {
        return Err(format!(
            "`{text}` is not an address; write `10.1.2.3`, `10.0.0.0/8` or `10.1.*`"
        ));
    }
    Ok(Wanted::Text(raw.pattern.clone()))
}

fn level_pattern(raw: &Raw) -> Read<Wanted> {
    if raw.pattern.as_exact().is_none() {
        return Ok(Wanted::Text(raw.pattern.folded()));
    }
    rank(&raw.text).map(|_| Wanted::Text(raw.pattern.folded()))
}

fn rank(text: &str) -> Read<u8> {
    let word = text.to_ascii_lowercase();
    let found = LEVELS.iter().position(|level| *level == word);
    found
        .and_then(|index| u8::try_from(index + 1).ok())
        .ok_or_else(|| match nearest(&word, LEVELS.into_iter()) {
            Some(level) => format!("unknown level `{text}`; did you mean `{level}`?"),
            None => format!("unknown level `{text}`; known are {}", LEVELS.join(", ")),
        })
}

/// An integer; for a duration also a length of time, and milliseconds under the names that say so.
fn uint(slot: Slot, naming: Naming, text: &str) -> Read<u64> {
    let scale = if naming == Naming::Millis { 1_000_000 } else { 1 };
    let plain = text
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(scale));
    if slot != Slot::DurationNs {
        return plain.ok_or_else(|| format!("`{text}` is not an integer from 0 to 2^64 − 1"));
    }
    plain
        .or_else(|| u64::try_from(parse_length(text)?).ok())
        .ok_or_else(|| format!("`{text}` is not a length of time; write `250ms`, `1m30s` or nanoseconds"))
}

fn time(text: &str, now: u64) -> Read<u64> {
    read_time(text, now).map_err(|wrong| wrong.message)
}

/// Hex digits; fewer than the id has are its beginning.
fn hex(slot: Slot, raw: &Raw) -> Read<Pattern> {
    let full = if slot == Slot::TraceId { 32 } else { 16 };
    let digits = raw
        .pattern
        .parts()
        .iter()
        .all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let given: usize = raw.pattern.parts().iter().map(String::len).sum();
    if !digits || given > full || given == 0 {
        return Err(format!(
            "`{}` is not a {}: {full} hex digits, or the first few of them",
            raw.text,
            slot.path()
        ));
    }
    match raw.pattern.as_exact() {
        Some(text) if text.len() < full => Ok(Pattern::new(vec![text.to_ascii_lowercase(), String::new()])),
        _ => Ok(raw.pattern.folded()),
    }
}

fn number(text: &str) -> Read<Number> {
    if let Ok(number) = text.parse::<i128>() {
        return Ok(Number::Int(number));
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Number::Float(number)),
        _ => Err(format!(
            "`{text}` is not a number, and only numbers have an order here"
        )),
    }
}
