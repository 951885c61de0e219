//! The parser of the query language: recursive descent over the characters, with the column of every mistake.

use crate::error::{Error, ErrorKind, Result};
use crate::record::Naming;

use super::ast::{Expr, Field, Order, Test};
use super::field;
use super::raw::{Raw, Reader};
use super::value;

/// The deepest nesting of parentheses and `not`.
const MAX_DEPTH: usize = 64;

/// Words that mean something where a term may stand.
pub(super) fn is_keyword(word: &str) -> bool {
    ["and", "or", "not", "in"]
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// Reads each argument and puts them together as adjacent terms.
pub(super) fn terms<T: AsRef<str>>(terms: impl IntoIterator<Item = T>, now: u64) -> Result<Expr> {
    let terms: Vec<T> = terms.into_iter().collect();
    let mut all = Vec::new();
    for term in &terms {
        let text = term.as_ref();
        let expr = Parser::new(text, now).whole().map_err(|mistake| {
            let place = if terms.len() > 1 {
                format!(" of `{text}`")
            } else {
                String::new()
            };
            Error::new(
                ErrorKind::Query,
                format!("column {}{place}: {}", mistake.column, mistake.message),
            )
        })?;
        match expr {
            Expr::And(members) if members.is_empty() => {}
            expr => adjoin(&mut all, expr),
        }
    }
    Ok(Expr::And(all))
}

/// Adds an adjacent term. A second `=` on the same field widens the first; anything else must hold as well.
fn adjoin(members: &mut Vec<Expr>, term: Expr) {
    if let Expr::Field(field, Test::In(wanted)) = &term {
        let same = members.iter_mut().find_map(|member| match member {
            Expr::Field(other, Test::In(values)) if other == field => Some(values),
            _ => None,
        });
        if let Some(values) = same {
            values.extend(wanted.iter().cloned());
            return;
        }
    }
    members.push(term);
}

/// What is wrong, and where: the column counts characters from 1.
pub(super) struct Mistake {
    column: usize,
    message: String,
}

type Parsed<T> = std::result::Result<T, Mistake>;

#[derive(Clone, Copy)]
enum Relation {
    Equal,
    NotEqual,
    Contains,
    ContainsNot,
    Order(Order),
}

struct Parser<'a> {
    text: &'a str,
    /// Bytes that were read.
    at: usize,
    now: u64,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, now: u64) -> Self {
        Self {
            text,
            at: 0,
            now,
            depth: 0,
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Takes a word of the language, which must end there.
    fn eat_keyword(&mut self, keyword: &str) -> bool {
        let rest = self.rest();
        let found = rest
            .get(..keyword.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(keyword))
            && rest
                .get(keyword.len()..)
                .and_then(|after| after.chars().next())
                .is_none_or(|next| next.is_whitespace() || matches!(next, '(' | ')' | '"'));
        if found {
            self.at += keyword.len();
        }
        found
    }

    fn wrong<T>(&self, at: usize, message: impl Into<String>) -> Parsed<T> {
        Err(Mistake {
            column: self.text.get(..at).map_or(0, |before| before.chars().count()) + 1,
            message: message.into(),
        })
    }

    fn whole(mut self) -> Parsed<Expr> {
        let expr = self.either()?;
        self.skip_space();
        match self.peek() {
            None => Ok(expr),
            Some(')') => self.wrong(self.at, "`)` closes nothing"),
            Some(other) => self.wrong(
                self.at,
                format!("`{other}` cannot stand here; put text in quotes"),
            ),
        }
    }

    fn either(&mut self) -> Parsed<Expr> {
        let first = self.all()?;
        let mut members = Vec::new();
        loop {
            self.skip_space();
            let at = self.at;
            if !self.eat_keyword("or") {
                break;
            }
            if members.is_empty() && is_nothing(&first) {
                return self.wrong(
                    at,
                    "nothing stands before `or`; put the word in quotes to search for it",
                );
            }
            let next = self.all()?;
            if is_nothing(&next) {
                return self.wrong(
                    at,
                    "nothing stands behind `or`; put the word in quotes to search for it",
                );
            }
            members.push(next.opened());
        }
        if members.is_empty() {
            return Ok(first.opened());
        }
        members.insert(0, first.opened());
        Ok(Expr::Or(members))
    }

    /// Terms joined by `and` or by standing side by side.
    fn all(&mut self) -> Parsed<Terms> {
        let mut members = Vec::new();
        loop {
            self.skip_space();
            let at = self.at;
            let joined = self.eat_keyword("and");
            if joined && members.is_empty() {
                return self.wrong(
                    at,
                    "nothing stands before `and`; put the word in quotes to search for it",
                );
            }
            self.skip_space();
            match self.term()? {
                Some(term) if joined => members.push(term),
                Some(term) => adjoin(&mut members, term),
                None if joined => {
                    return self.wrong(
                        at,
                        "nothing stands behind `and`; put the word in quotes to search for it",
                    );
                }
                None => return Ok(Terms(members)),
            }
        }
    }

    fn term(&mut self) -> Parsed<Option<Expr>> {
        let at = self.at;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.wrong(at, format!("nested more than {MAX_DEPTH} deep"));
        }
        let term = if self.peek().is_none_or(|next| next == ')') || self.at_or() {
            None
        } else if self.eat_keyword("not") {
            self.skip_space();
            match self.term()? {
                Some(term) => Some(Expr::Not(Box::new(term))),
                None => {
                    return self.wrong(
                        at,
                        "nothing stands behind `not`; put the word in quotes to search for it",
                    );
                }
            }
        } else if self.eat("(") {
            let inner = self.either()?;
            self.skip_space();
            if !self.eat(")") {
                return self.wrong(at, "`(` is not closed");
            }
            Some(inner)
        } else {
            Some(self.condition()?)
        };
        self.depth -= 1;
        Ok(term)
    }

    fn at_or(&mut self) -> bool {
        let at = self.at;
        let found = self.eat_keyword("or");
        self.at = at;
        found
    }

    /// `field op value`, or a text to search for.
    fn condition(&mut self) -> Parsed<Expr> {
        let at = self.at;
        let head = match self.peek() {
            Some('"' | '\'') => self.quoted()?,
            _ => self.word(),
        };
        let end = self.at;
        self.skip_space();
        let relation_at = self.at;
        if self.eat_keyword("in") {
            return self.list(at, &head.text, relation_at);
        }
        let Some(relation) = self.relation() else {
            self.at = end;
            return self.search(at, end, head);
        };
        self.skip_space();
        let (field, naming) = self.field(at, &head.text)?;
        let value_at = self.at;
        // `actor= and x` is a value left out; `actor=and` is the value `and`.
        let apart = self
            .text
            .get(..value_at)
            .is_some_and(|read| read.ends_with(char::is_whitespace));
        if matches!(self.peek(), Some('=' | '<' | '>' | '~')) {
            let operator = self.text.get(relation_at..=value_at).unwrap_or_default();
            return self.wrong(
                relation_at,
                format!("`{operator}` is no operator; known are = != ~ !~ < <= > >= and `in (…)`"),
            );
        }
        let given = self.value(false)?;
        let bare = self.text.get(value_at..self.at).unwrap_or_default();
        let Some(raw) = given.filter(|_| !(apart && is_keyword(bare))) else {
            let name = field::name(&field);
            return self.wrong(
                value_at,
                format!(
                    "`{name}` has no value; write `{name}=\"\"` for the empty text, `{name}!=*` for absent"
                ),
            );
        };
        let now = self.now;
        let expr = match relation {
            Relation::Equal => value::equal(field, naming, &raw, now),
            Relation::NotEqual => value::equal(field, naming, &raw, now).map(negated),
            Relation::Contains => value::contains(field, &raw),
            Relation::ContainsNot => value::contains(field, &raw).map(negated),
            Relation::Order(order) => value::order(field, naming, order, &raw, now),
        };
        expr.or_else(|message| self.wrong(value_at, message))
    }

    /// What stands in the parentheses behind `in`.
    fn list(&mut self, at: usize, name: &str, in_at: usize) -> Parsed<Expr> {
        let (field, naming) = self.field(at, name)?;
        self.skip_space();
        if !self.eat("(") {
            return self.wrong(in_at, "`in` needs a list: write `in (a, b)`");
        }
        let mut members = Vec::new();
        loop {
            self.skip_space();
            let value_at = self.at;
            let Some(raw) = self.value(true)? else {
                return self.wrong(value_at, "a value is missing in the list; write `in (a, b)`");
            };
            let expr = value::equal(field.clone(), naming, &raw, self.now)
                .or_else(|message| self.wrong(value_at, message))?;
            adjoin(&mut members, expr);
            self.skip_space();
            if self.eat(")") {
                return Ok(Expr::Or(members).normal());
            }
            if !self.eat(",") {
                return self.wrong(self.at, "expected `,` or `)` in the list");
            }
        }
    }

    fn field(&self, at: usize, name: &str) -> Parsed<(Field, Naming)> {
        match field::resolve(name) {
            Some(found) => Ok(found),
            None if name.is_empty() => self.wrong(at, "a field's name is missing before the operator"),
            None => self.wrong(at, format!("unknown field `{name}`; {}", field::suggest(name))),
        }
    }

    fn search(&self, at: usize, end: usize, head: Raw) -> Parsed<Expr> {
        let text = self.text.get(at..end).unwrap_or_default();
        let quoted = text.starts_with(['"', '\'']);
        if text.is_empty() {
            let found = self.peek().unwrap_or(' ');
            return self.wrong(at, format!("`{found}` cannot stand here; put text in quotes"));
        }
        if is_keyword(text) {
            return self.wrong(at, format!("put `{text}` in quotes to search for the word"));
        }
        if let Some((name, value)) = text.split_once(':').filter(|_| !quoted)
            && field::resolve(name).is_some()
        {
            return self.wrong(
                at,
                format!("`{text}` names a field; write `{name}={value}`, or put it in quotes to search for the text"),
            );
        }
        Ok(Expr::Text(head.pattern.folded()))
    }

    fn relation(&mut self) -> Option<Relation> {
        const RELATIONS: [(&str, Relation); 8] = [
            ("!=", Relation::NotEqual),
            ("!~", Relation::ContainsNot),
            ("<=", Relation::Order(Order::AtMost)),
            (">=", Relation::Order(Order::AtLeast)),
            ("=", Relation::Equal),
            ("~", Relation::Contains),
            ("<", Relation::Order(Order::Less)),
            (">", Relation::Order(Order::More)),
        ];
        RELATIONS
            .into_iter()
            .find_map(|(token, relation)| self.eat(token).then_some(relation))
    }

    /// A value; `None` where there is none. In a list a comma ends it.
    fn value(&mut self, in_list: bool) -> Parsed<Option<Raw>> {
        if let Some('"' | '\'') = self.peek() {
            let raw = self.quoted()?;
            let ends = |next: char| next.is_whitespace() || next == ')' || (in_list && next == ',');
            return match self.peek() {
                Some(next) if !ends(next) => self.wrong(self.at, "text follows the closing quote"),
                _ => Ok(Some(raw)),
            };
        }
        let start = self.at;
        let raw =
            self.until(|c, _| c.is_whitespace() || matches!(c, '(' | ')' | '"') || (in_list && c == ','));
        match self.peek() {
            Some(found @ ('(' | '"')) => self.wrong(
                self.at,
                format!("`{found}` cannot stand in a value without quotes"),
            ),
            _ => Ok((self.at > start).then_some(raw)),
        }
    }

    fn word(&mut self) -> Raw {
        self.until(|c, rest| {
            c.is_whitespace()
                || matches!(c, '(' | ')' | '"' | '=' | '<' | '>' | '~')
                || (c == '!' && (rest.starts_with("!=") || rest.starts_with("!~")))
        })
    }

    /// Text up to a character that ends it, its escapes and stars read.
    fn until(&mut self, ends: impl Fn(char, &str) -> bool) -> Raw {
        let mut reader = Reader::default();
        while let Some(next) = self.peek() {
            if ends(next, self.rest()) {
                break;
            }
            self.at += reader.take(self.rest());
        }
        reader.end()
    }

    /// A text in quotes of either kind; those of the other kind are characters in it.
    fn quoted(&mut self) -> Parsed<Raw> {
        let start = self.at;
        let quote = if self.eat("'") { '\'' } else { '"' };
        if quote == '"' {
            self.eat("\"");
        }
        let mut reader = Reader::default();
        loop {
            match self.peek() {
                None => return self.wrong(start, "the quote is not closed"),
                Some(next) if next == quote => break,
                Some(_) => self.at += reader.take(self.rest()),
            }
        }
        self.at += quote.len_utf8();
        Ok(reader.end())
    }
}

/// Terms that were read, not yet a tree: so that the caller sees whether there were any.
struct Terms(Vec<Expr>);

impl Terms {
    fn opened(mut self) -> Expr {
        match self.0.len() {
            1 => self.0.pop().unwrap_or(Expr::And(Vec::new())),
            _ => Expr::And(self.0),
        }
    }
}

fn is_nothing(terms: &Terms) -> bool {
    terms.0.is_empty()
}

fn negated(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}
