//! A query against one record, and the window of observation times that a query can reach.

use std::net::IpAddr;

use crate::clock::MAX_TIME;
use crate::record::{Level, Map, Record, Slot, Value};
use crate::store::Window;

use super::ast::{Bound, Expr, Field, Number, Order, Pattern, Test, Wanted};
use super::value::is_star;

pub(super) fn matches(expr: &Expr, record: &Record) -> bool {
    match expr {
        Expr::And(members) => members.iter().all(|member| matches(member, record)),
        Expr::Or(members) => members.iter().any(|member| matches(member, record)),
        Expr::Not(inner) => !matches(inner, record),
        Expr::Field(field, test) => field_passes(field, test, record),
        Expr::Text(pattern) => record.slots().any(|(_, value)| says(value, pattern)),
    }
}

/// Whether any text inside the value contains the pattern.
fn says(value: &Value, pattern: &Pattern) -> bool {
    match value {
        Value::Str(text) => pattern.found_in(text),
        Value::List(values) => values.iter().any(|value| says(value, pattern)),
        Value::Map(map) => map.values().any(|value| says(value, pattern)),
        _ => false,
    }
}

fn field_passes(field: &Field, test: &Test, record: &Record) -> bool {
    let member = |slot: Slot, key: &str| record.map(slot).and_then(|map| map.get(key));
    match field {
        Field::Slot(Slot::CorrelationId) => record.correlation_id().is_some_and(|id| text_passes(id, test)),
        Field::Slot(slot) => record.get(*slot).is_some_and(|value| passes(value, test)),
        Field::Resource => resource_passes(record, test),
        Field::Label(key) => member(Slot::Labels, key).is_some_and(|value| passes(value, test)),
        Field::Hash(key) => member(Slot::Hashes, key).is_some_and(|value| passes(value, test)),
        Field::Attribute(key) => record
            .map(Slot::Attributes)
            .is_some_and(|map| at_path(map, key, test)),
        Field::Detail(key) => record
            .map(Slot::Detail)
            .is_some_and(|map| at_path(map, key, test)),
    }
}

/// The name as it stands; where there is none, the longest head that names a map, and the rest inside it.
fn at_path(map: &Map, path: &str, test: &Test) -> bool {
    if let Some(value) = map.get(path) {
        return passes(value, test);
    }
    path.rmatch_indices('.').any(|(dot, _)| {
        let (Some(head), Some(rest)) = (path.get(..dot), path.get(dot + 1..)) else {
            return false;
        };
        matches!(map.get(head), Some(Value::Map(inner)) if at_path(inner, rest, test))
    })
}

fn resource_passes(record: &Record, test: &Test) -> bool {
    let kind = record.text(Slot::ResourceType);
    let id = record.text(Slot::ResourceId);
    kind.is_some_and(|kind| text_passes(kind, test))
        || id.is_some_and(|id| text_passes(id, test))
        || kind
            .zip(id)
            .is_some_and(|(kind, id)| text_passes(&format!("{kind}/{id}"), test))
}

fn text_passes(text: &str, test: &Test) -> bool {
    match test {
        Test::In(wanted) => wanted.iter().any(|wanted| text_is(text, wanted)),
        Test::Contains(pattern) => pattern.found_in(text),
        Test::Order(order, Bound::Level(rank)) => {
            let found = Level::from(text).rank();
            found > 0 && holds(*order, found.cmp(rank))
        }
        Test::Order(..) => false,
    }
}

fn text_is(text: &str, wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Text(pattern) => pattern.matches(text),
        Wanted::Net(net) => text.parse::<IpAddr>().is_ok_and(|address| net.contains(address)),
        _ => false,
    }
}

fn passes(value: &Value, test: &Test) -> bool {
    match (value, test) {
        (_, Test::In(wanted)) if wanted.iter().any(is_any) => true,
        (Value::Str(text), _) => text_passes(text, test),
        (Value::List(values), _) => values.iter().any(|value| passes(value, test)),
        (Value::Map(_) | Value::Bytes(_) | Value::Commitment(_), _) => false,
        (_, Test::In(wanted)) => wanted.iter().any(|wanted| scalar_is(value, wanted)),
        (_, Test::Contains(pattern)) => pattern.found_in(&scalar_text(value)),
        (_, Test::Order(order, bound)) => bound_cmp(value, bound).is_some_and(|found| holds(*order, found)),
    }
}

fn is_any(wanted: &Wanted) -> bool {
    matches!(wanted, Wanted::Text(pattern) if is_star(pattern))
}

fn scalar_is(value: &Value, wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Text(pattern) => {
            pattern.matches(&scalar_text(value))
                || match (value, pattern.as_exact().map(str::parse::<f64>)) {
                    (Value::Float(found), Some(Ok(number))) => *found == number,
                    _ => false,
                }
        }
        Wanted::Uint(number) | Wanted::Time(number) => value.as_u64() == Some(*number),
        Wanted::Bool(truth) => value.as_bool() == Some(*truth),
        Wanted::Net(_) => false,
    }
}

/// A value that is neither text nor a structure, as text.
fn scalar_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        _ => String::new(),
    }
}

fn bound_cmp(value: &Value, bound: &Bound) -> Option<std::cmp::Ordering> {
    match (value, bound) {
        (_, Bound::Uint(bound) | Bound::Time(bound)) => Some(value.as_u64()?.cmp(bound)),
        (Value::Int(found), Bound::Number(Number::Int(bound))) => Some(found.cmp(bound)),
        // Larger than any `i128`.
        (Value::Uint(_), Bound::Number(Number::Int(_))) => Some(std::cmp::Ordering::Greater),
        (_, Bound::Number(bound)) => {
            let bound = match bound {
                Number::Int(number) => *number as f64,
                Number::Float(number) => *number,
            };
            let found = match value {
                Value::Int(number) => *number as f64,
                Value::Uint(number) => *number as f64,
                Value::Float(number) => *number,
                _ => return None,
            };
            found.partial_cmp(&bound)
        }
        (_, Bound::Level(_)) => None,
    }
}

fn holds(order: Order, found: std::cmp::Ordering) -> bool {
    match order {
        Order::Less => found.is_lt(),
        Order::AtMost => found.is_le(),
        Order::More => found.is_gt(),
        Order::AtLeast => found.is_ge(),
    }
}

/// The observation times that a record which satisfies the query can have; `None` if there is none.
pub(super) fn window(expr: &Expr) -> Option<Window> {
    match expr {
        Expr::And(members) => members.iter().try_fold(Window::ALL, |all, member| {
            let member = window(member)?;
            let both = Window {
                from: all.from.max(member.from),
                until: all.until.min(member.until),
            };
            (both.from < both.until).then_some(both)
        }),
        Expr::Or(members) => members.iter().filter_map(window).reduce(|all, member| Window {
            from: all.from.min(member.from),
            until: all.until.max(member.until),
        }),
        Expr::Field(Field::Slot(Slot::ObservedAt), Test::Order(order, Bound::Time(time))) => {
            let (from, until) = match order {
                Order::Less => (0, *time),
                Order::AtMost => (0, time.saturating_add(1)),
                Order::More => (time.saturating_add(1), MAX_TIME + 1),
                Order::AtLeast => (*time, MAX_TIME + 1),
            };
            (from < until).then_some(Window { from, until })
        }
        _ => Some(Window::ALL),
    }
}
