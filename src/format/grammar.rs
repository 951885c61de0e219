//! The slow way through a line: from one value to the next as the grammar has it.

use std::borrow::Cow;

use super::json::{Json, Parsed, Parser};

/// The members of an object with a longer key are not read one by one.
pub(super) const LONGEST_KEY: usize = 256;

/// What a step leads to.
pub(super) struct Next<'a> {
    pub(super) key: Cow<'a, str>,
    /// Whether it stands behind the key before it in the order of keys.
    pub(super) rises: bool,
    pub(super) kind: StepKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepKind {
    /// The same bytes lead there in every line.
    Certain,
    /// The same, unless an object stands behind them.
    Open,
    /// What lies further on decides.
    Odd,
}

/// Steps behind a value, or into the line, to the next value; `None` at the end of the line. `object` is where the value
/// stands, and becomes where the next one does; `enters` says which objects are read member by member.
pub(super) fn next<'a>(
    parser: &mut Parser<'a>,
    object: &mut Option<Box<str>>,
    before: Option<&str>,
    enters: impl FnOnce(&str) -> bool,
) -> Parsed<Option<Next<'a>>> {
    let mut before: Option<Cow<'_, str>> = before.map(Cow::Borrowed);
    parser.space();
    if before.is_none() {
        if !parser.eat(b'{') {
            return Err(parser.expected("an object"));
        }
        parser.space();
        if parser.eat(b'}') {
            parser.space();
            return Ok(None);
        }
    } else {
        while parser.eat(b'}') {
            parser.space();
            match object.take() {
                Some(left) => before = Some(Cow::Owned(left.into_string())),
                None => return Ok(None),
            }
        }
        if !parser.eat(b',') {
            return Err(parser.expected("`,` or `}`"));
        }
        parser.space();
    }
    let key = parser.key()?;
    let rises = before.is_none_or(|before| *before < *key);
    if object.is_some() || key.len() > LONGEST_KEY || !enters(&key) {
        return Ok(Some(Next {
            key,
            rises,
            kind: StepKind::Certain,
        }));
    }
    // Whether it is entered, its value says.
    let is_object = parser.peek() == Some(b'{');
    if !is_object || is_value(parser) {
        let kind = if is_object { StepKind::Odd } else { StepKind::Open };
        return Ok(Some(Next { key, rises, kind }));
    }
    *object = Some(key.into());
    parser.eat(b'{');
    parser.space();
    let key = parser.key()?;
    let kind = if key.starts_with('$') {
        StepKind::Odd
    } else {
        StepKind::Certain
    };
    Ok(Some(Next { key, rises, kind }))
}

/// Whether the object that stands here has no member, or a single one whose key begins with `$`.
fn is_value(parser: &Parser<'_>) -> bool {
    let mut ahead = parser.clone();
    match ahead.value(1) {
        Ok(Json::Object(members)) => match members.as_slice() {
            [] => true,
            [(key, _)] => key.starts_with('$'),
            _ => false,
        },
        // What is wrong with it shows when it is read.
        _ => false,
    }
}
