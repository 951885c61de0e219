//! A query as what a store can look up: never less than the query wants, and exactly that where it can be said.

use std::net::IpAddr;

use crate::record::{Kind, Level, Slot};
use crate::store::Condition;

use super::ast::{Bound, Expr, Field, Net, Order, Pattern, Test, Wanted};
use super::field::LEVELS;
use super::value::is_star;

/// What every record that satisfies the tree satisfies.
pub(super) fn condition(expr: &Expr) -> Condition {
    match expr {
        Expr::And(members) => Condition::All(members.iter().map(condition).collect()),
        Expr::Or(members) => Condition::Any(members.iter().map(condition).collect()),
        Expr::Not(inner) => Condition::Not(Box::new(condition(inner))),
        Expr::Text(pattern) => Condition::Says(pattern.parts().to_vec()),
        Expr::Field(Field::Slot(slot), test) => of_slot(*slot, test),
        Expr::Field(Field::Resource, Test::In(wanted)) => any(wanted, of_resource),
        Expr::Field(..) => Condition::Unknown,
    }
}

fn any<T>(of: &[T], condition: impl Fn(&T) -> Condition) -> Condition {
    let mut words: Option<(Slot, Vec<String>)> = None;
    let mut members = Vec::new();
    for one in of {
        match (condition(one), &mut words) {
            (Condition::Is(slot, mut more), Some((known, words))) if slot == *known => {
                words.append(&mut more)
            }
            (Condition::Is(slot, more), None) => words = Some((slot, more)),
            (other, _) => members.push(other),
        }
    }
    members.extend(words.map(|(slot, words)| Condition::Is(slot, words)));
    match (members.len(), members.pop()) {
        (1, Some(only)) => only,
        (_, last) => Condition::Any(members.into_iter().chain(last).collect()),
    }
}

fn maybe(condition: Condition) -> Condition {
    Condition::Maybe(Box::new(condition))
}

fn of_slot(slot: Slot, test: &Test) -> Condition {
    let holds_text = matches!(slot.kind(), Kind::Text | Kind::Id | Kind::Hex);
    match test {
        Test::In(wanted) => any(wanted, |wanted| match wanted {
            Wanted::Text(pattern) if is_star(pattern) => Condition::Has(slot),
            Wanted::Text(pattern) if holds_text => of_pattern(slot, pattern),
            Wanted::Uint(number) | Wanted::Time(number) if !holds_text => {
                Condition::Between(slot, *number, *number)
            }
            Wanted::Net(net) if holds_text => of_net(slot, net),
            _ => Condition::Unknown,
        }),
        Test::Contains(pattern) if holds_text || slot.kind() == Kind::Texts => {
            maybe(Condition::Says(pattern.parts().to_vec()))
        }
        Test::Order(order, Bound::Uint(bound) | Bound::Time(bound)) if !holds_text => {
            between(slot, *order, *bound)
        }
        Test::Order(order, Bound::Level(rank)) if holds_text => {
            let words = LEVELS.into_iter().filter(|word| {
                let found = Level::from(*word).rank();
                match order {
                    Order::Less => found < *rank,
                    Order::AtMost => found <= *rank,
                    Order::More => found > *rank,
                    Order::AtLeast => found >= *rank,
                }
            });
            Condition::Is(slot, words.map(str::to_owned).collect())
        }
        _ => Condition::Unknown,
    }
}

fn of_pattern(slot: Slot, pattern: &Pattern) -> Condition {
    match pattern.parts() {
        [text] => Condition::Is(slot, vec![text.clone()]),
        [first, last] if last.is_empty() && !first.is_empty() => Condition::Begins(slot, first.clone()),
        [first, ..] if !first.is_empty() => maybe(Condition::Begins(slot, first.clone())),
        _ => Condition::Unknown,
    }
}

fn between(slot: Slot, order: Order, bound: u64) -> Condition {
    let none = Condition::Any(Vec::new());
    match order {
        Order::Less => bound
            .checked_sub(1)
            .map_or(none, |last| Condition::Between(slot, 0, last)),
        Order::AtMost => Condition::Between(slot, 0, bound),
        Order::More => bound
            .checked_add(1)
            .map_or(none, |first| Condition::Between(slot, first, u64::MAX)),
        Order::AtLeast => Condition::Between(slot, bound, u64::MAX),
    }
}

/// The octets that are fixed, as text; an address can also stand as one of IPv6, in several forms.
fn of_net(slot: Slot, net: &Net) -> Condition {
    let IpAddr::V4(address) = net.address() else {
        return Condition::Unknown;
    };
    let fixed = usize::from(net.bits() / 8);
    if fixed == 0 {
        return Condition::Unknown;
    }
    let octets = address.octets();
    let mut text = String::new();
    for octet in octets.iter().take(fixed) {
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(&octet.to_string());
    }
    let own = if fixed == octets.len() {
        Condition::Is(slot, vec![text])
    } else {
        Condition::Begins(slot, format!("{text}."))
    };
    let mapped = [":", "0"].map(|first| Condition::Begins(slot, first.to_owned()));
    maybe(Condition::Any(std::iter::once(own).chain(mapped).collect()))
}

/// `type`, `id` or `type/id`.
fn of_resource(wanted: &Wanted) -> Condition {
    let Wanted::Text(pattern) = wanted else {
        return Condition::Unknown;
    };
    let (kind, id) = (Slot::ResourceType, Slot::ResourceId);
    if is_star(pattern) {
        return Condition::Any(vec![Condition::Has(kind), Condition::Has(id)]);
    }
    let Some(first) = pattern.parts().first().filter(|first| !first.is_empty()) else {
        return match pattern.as_exact() {
            Some(text) => Condition::Any(vec![
                Condition::Is(kind, vec![text.to_owned()]),
                Condition::Is(id, vec![text.to_owned()]),
            ]),
            None => Condition::Unknown,
        };
    };
    let is_exact = pattern.as_exact().is_some();
    let like = |slot| match is_exact {
        true => Condition::Is(slot, vec![first.clone()]),
        false => Condition::Begins(slot, first.clone()),
    };
    let mut members = vec![like(kind), like(id)];
    for (slash, _) in first.match_indices('/') {
        let (Some(before), Some(behind)) = (first.get(..slash), first.get(slash + 1..)) else {
            continue;
        };
        let behind = match (is_exact, behind) {
            (true, behind) => Condition::Is(id, vec![behind.to_owned()]),
            (false, "") => Condition::Has(id),
            (false, behind) => Condition::Begins(id, behind.to_owned()),
        };
        members.push(Condition::All(vec![
            Condition::Is(kind, vec![before.to_owned()]),
            behind,
        ]));
    }
    match is_exact {
        true => Condition::Any(members),
        false => maybe(Condition::Any(members)),
    }
}
