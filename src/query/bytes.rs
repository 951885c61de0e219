//! What a query says about the bytes of a line, and which slots it looks at: so that a scan reads little of most lines.

use crate::record::{Kind, Level, Slot};
use crate::store::RawTest;

use super::ast::{Bound, Expr, Field, Order, Pattern, Test, Wanted};
use super::field::LEVELS;
use super::value::is_star;

/// What a line must hold for its record to satisfy the query.
pub(super) fn raw(expr: &Expr) -> RawTest {
    match expr {
        Expr::And(members) => RawTest::all(members.iter().map(raw)),
        Expr::Or(members) => RawTest::one_of(members.iter().map(raw)),
        // That something does not hold shows in no bytes.
        Expr::Not(_) => RawTest::Any,
        Expr::Text(pattern) => folded(pattern),
        Expr::Field(field, test) => of_field(field, test),
    }
}

fn of_field(field: &Field, test: &Test) -> RawTest {
    let is_text = match field {
        // Times and addresses have more than one spelling.
        Field::Slot(Slot::ActorIp) => return RawTest::Any,
        Field::Slot(slot) => matches!(slot.kind(), Kind::Text | Kind::Texts | Kind::Id | Kind::Hex),
        Field::Resource | Field::Label(_) | Field::Hash(_) | Field::Attribute(_) | Field::Detail(_) => true,
    };
    // Fields of the application's own hold numbers as well, which are compared by their text.
    let is_own = matches!(
        field,
        Field::Label(_) | Field::Hash(_) | Field::Attribute(_) | Field::Detail(_)
    );
    match test {
        Test::In(values) => RawTest::one_of(values.iter().map(|value| match value {
            Wanted::Text(pattern) if is_star(pattern) => present(field),
            Wanted::Text(pattern) if is_text && is_own => own(pattern),
            Wanted::Text(pattern) if is_text && *field == Field::Resource => resource(pattern),
            Wanted::Text(pattern) if is_text => stands(pattern),
            _ => RawTest::Any,
        })),
        // The text of a number is not a string of the line; what stands between `/`s of a resource is.
        Test::Contains(pattern) if is_text && !is_own && *field != Field::Resource => folded(pattern),
        Test::Order(Order::AtLeast | Order::More, Bound::Level(rank)) => {
            let from = usize::from(*rank).saturating_sub(1);
            let levels = LEVELS.iter().skip(from);
            RawTest::one_of(levels.map(|level| RawTest::string(Level::from(*level).as_str(), true)))
        }
        _ => RawTest::Any,
    }
}

/// The field's key stands in the line.
fn present(field: &Field) -> RawTest {
    match field {
        Field::Slot(Slot::CorrelationId) => RawTest::Any,
        Field::Slot(slot) => RawTest::string(slot.place().1, true),
        _ => RawTest::Any,
    }
}

/// A string of the line is as the pattern says.
fn stands(pattern: &Pattern) -> RawTest {
    let [first, middle @ .., last] = pattern.parts() else {
        return pattern
            .as_exact()
            .map_or(RawTest::Any, |text| RawTest::string(text, true));
    };
    let some = |text: &String| !text.is_empty();
    let begins = some(first).then(|| RawTest::string(first, false));
    let within = middle.iter().chain([last]).filter(|text| some(text));
    RawTest::all(begins.into_iter().chain(within.map(|text| RawTest::text(text))))
}

/// A string, unless it may be a number or a truth value.
fn own(pattern: &Pattern) -> RawTest {
    match pattern.as_exact() {
        Some(text)
            if text.chars().any(|c| c.is_ascii_alphabetic())
                && text.parse::<f64>().is_err()
                && !["true", "false", "null"].contains(&text) =>
        {
            stands(pattern)
        }
        _ => RawTest::Any,
    }
}

/// The type, the id, or both with a `/` between them.
fn resource(pattern: &Pattern) -> RawTest {
    let Some(text) = pattern.as_exact() else {
        return RawTest::Any;
    };
    let both = text.match_indices('/').filter_map(|(at, _)| {
        let (kind, id) = (text.get(..at)?, text.get(at + 1..)?);
        Some(RawTest::all([
            RawTest::string(kind, true),
            RawTest::string(id, true),
        ]))
    });
    RawTest::one_of([RawTest::string(text, true)].into_iter().chain(both))
}

fn folded(pattern: &Pattern) -> RawTest {
    let parts = pattern.parts().iter().filter(|part| !part.is_empty());
    RawTest::all(parts.map(|part| RawTest::folded(part)))
}

/// The slots that the query looks at; `None` where a text is looked for in all of them.
pub(super) fn looks_at(expr: &Expr, into: &mut Vec<Slot>) -> Option<()> {
    match expr {
        Expr::And(members) | Expr::Or(members) => {
            members.iter().try_for_each(|member| looks_at(member, into))
        }
        Expr::Not(inner) => looks_at(inner, into),
        Expr::Text(_) => None,
        Expr::Field(field, _) => {
            into.extend(field.slots());
            Some(())
        }
    }
}
