//! A query as text: what the parser reads back.

use std::fmt::{Display, Formatter, Result};

use super::ast::{Bound, Expr, Field, Number, Order, Pattern, Test, Wanted};
use super::field::{LEVELS, name};
use super::time::write_time;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::And(members) => joined(f, members, " and "),
            // No record satisfies an empty `or`; the language writes that as the negation of everything.
            Self::Or(members) if members.is_empty() => f.write_str("not ()"),
            Self::Or(members) => joined(f, members, " or "),
            Self::Not(inner) => match &**inner {
                Self::Field(field, Test::In(values)) if matches!(values.as_slice(), [_]) => {
                    write_name(f, field)?;
                    f.write_str("!=")?;
                    values.iter().try_for_each(|value| value.fmt(f))
                }
                Self::And(members) if members.is_empty() => f.write_str("not ()"),
                inner => {
                    f.write_str("not ")?;
                    nested(f, inner)
                }
            },
            Self::Field(field, test) => {
                write_name(f, field)?;
                test.fmt(f)
            }
            Self::Text(pattern) => write_text(f, pattern, true),
        }
    }
}

fn joined(f: &mut Formatter<'_>, members: &[Expr], word: &str) -> Result {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        nested(f, member)?;
    }
    Ok(())
}

fn nested(f: &mut Formatter<'_>, expr: &Expr) -> Result {
    match expr {
        Expr::And(_) => write!(f, "({expr})"),
        Expr::Or(members) if !members.is_empty() => write!(f, "({expr})"),
        _ => expr.fmt(f),
    }
}

/// A name with a character that ends a bare word stands in quotes.
fn write_name(f: &mut Formatter<'_>, field: &Field) -> Result {
    let name = name(field);
    let plain = name
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '#'));
    if plain {
        return f.write_str(&name);
    }
    f.write_str("\"")?;
    escaped(f, &name)?;
    f.write_str("\"")
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::In(values) => match values.as_slice() {
                [value] => write!(f, "={value}"),
                values => {
                    for (index, value) in values.iter().enumerate() {
                        f.write_str(if index == 0 { " in (" } else { ", " })?;
                        value.fmt(f)?;
                    }
                    f.write_str(")")
                }
            },
            Self::Contains(pattern) => {
                f.write_str("~")?;
                write_text(f, pattern, false)
            }
            Self::Order(order, bound) => write!(f, "{order}{bound}"),
        }
    }
}

impl Display for Wanted {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Text(pattern) => write_text(f, pattern, false),
            Self::Uint(number) => number.fmt(f),
            Self::Bool(truth) => truth.fmt(f),
            Self::Time(nanos) => f.write_str(&write_time(*nanos)),
            Self::Net(net) if net.is_host() => net.address().fmt(f),
            Self::Net(net) => write!(f, "{}/{}", net.address(), net.bits()),
        }
    }
}

impl Display for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        })
    }
}

impl Display for Bound {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Uint(number) => number.fmt(f),
            Self::Time(nanos) => f.write_str(&write_time(*nanos)),
            Self::Level(rank) => {
                let index = usize::from(*rank).saturating_sub(1);
                f.write_str(LEVELS.get(index).copied().unwrap_or("error"))
            }
            Self::Number(Number::Int(number)) => number.fmt(f),
            // `{:?}` keeps the `.0` that tells a float from an integer.
            Self::Number(Number::Float(number)) => write!(f, "{number:?}"),
        }
    }
}

/// Writes a pattern, in quotes unless every character is one that a bare value may have.
///
/// `alone`: it stands as a term of its own, where more characters and the words of the language mean something.
fn write_text(f: &mut Formatter<'_>, pattern: &Pattern, alone: bool) -> Result {
    let plain = |c: char| {
        c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '#' | '@' | '+') || (c == ':' && !alone)
    };
    let empty = pattern.parts().iter().all(String::is_empty);
    let bare = pattern.parts().iter().all(|part| part.chars().all(plain));
    let word = alone && pattern.as_exact().is_some_and(super::parse::is_keyword);
    if bare && !word && !(empty && (alone || pattern.as_exact().is_some())) {
        return write_parts(f, pattern, false);
    }
    f.write_str("\"")?;
    write_parts(f, pattern, true)?;
    f.write_str("\"")
}

fn write_parts(f: &mut Formatter<'_>, pattern: &Pattern, quoted: bool) -> Result {
    for (index, part) in pattern.parts().iter().enumerate() {
        if index > 0 {
            f.write_str("*")?;
        }
        if quoted {
            escaped(f, part)?;
        } else {
            f.write_str(part)?;
        }
    }
    Ok(())
}

fn escaped(f: &mut Formatter<'_>, text: &str) -> Result {
    text.chars().try_for_each(|c| match c {
        '"' | '\\' | '*' => write!(f, "\\{c}"),
        c => write!(f, "{c}"),
    })
}
