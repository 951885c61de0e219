//! The state that an address holds: what is asked, from where to where, which page, which record is open.

use axum::http::Uri;
use tracing_audit::Query;
use tracing_audit::clock::{Clock as _, SystemClock};
use tracing_audit::query::{Expr, parse_time};
use tracing_audit::store::Cursor;

use super::places::Places;
use crate::out::Failure;
use crate::words::harmless;

/// How many rows a page has unless it is said.
const ROWS: usize = 50;

/// The most rows that a page has.
const MOST_ROWS: usize = 500;

/// The longest filter, in bytes: what a person would type, and a link can hold.
const LONGEST: usize = 4096;

/// What an address asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// The filter, in the language of the command line.
    pub(super) filter: String,
    pub(super) since: String,
    pub(super) until: String,
    /// Go on behind this place.
    pub(super) after: Option<Cursor>,
    /// What a reader of the live page has.
    pub(super) seen: Option<Places>,
    /// The record whose details are shown.
    pub(super) open: Option<Cursor>,
    pub(super) rows: Option<usize>,
    /// Whether everything is counted, however long it takes.
    pub(super) all: bool,
    /// Whether records are looked for that were observed more than a day behind their time.
    pub(super) late: bool,
    /// What else the page is asked for: `verify`, `complete`.
    pub(super) run: String,
    /// For an export.
    pub(super) format: String,
    /// Whether only the part that the script puts in place is wanted.
    pub(super) part: bool,
    pub(super) now: u64,
}

/// A question that was understood.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) query: Query,
    pub(super) since: Option<u64>,
    pub(super) until: Option<u64>,
}

impl Asked {
    /// Reads an address. Unknown parameters are an error: nothing that was asked is left out in silence.
    pub(super) fn of(uri: &Uri) -> Result<Self, Failure> {
        let mut asked = Self {
            now: SystemClock.now(),
            ..Self::default()
        };
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let is_set = value == "1";
            match &*name {
                "q" => asked.filter = value.into_owned(),
                "since" => asked.since = value.trim().to_owned(),
                "until" => asked.until = value.trim().to_owned(),
                "after" => asked.after = Some(value.parse()?),
                "seen" => asked.seen = Some(value.parse()?),
                "open" => asked.open = Some(value.parse()?),
                "n" => asked.rows = Some(rows(&value)?),
                "all" => asked.all = is_set,
                "late" => asked.late = is_set,
                "part" => asked.part = is_set,
                "run" => asked.run = value.into_owned(),
                "format" => asked.format = value.into_owned(),
                _ => {
                    return Err(Failure::Usage(format!(
                        "the address has an unknown part `{}`; known are q, since, until, after, seen, open, n, all, late, \
                         part, run and format",
                        harmless(&name)
                    )));
                }
            }
        }
        Ok(asked)
    }

    /// Reads the filter and the range.
    pub(super) fn question(&self) -> Result<Question, Failure> {
        if self.filter.len() > LONGEST {
            let why = format!(
                "the filter has {} bytes; at most {LONGEST} are read",
                self.filter.len()
            );
            return Err(Failure::Usage(why));
        }
        if harmless(&self.filter) != self.filter {
            // What a person cannot see must not decide what they are shown.
            let why = "the filter holds characters that cannot be seen; put `*` in their place";
            return Err(Failure::Usage(why.to_owned()));
        }
        let time = |text: &str| match text {
            "" => Ok(None),
            text => parse_time(text, self.now).map(Some),
        };
        let (since, until) = (time(&self.since)?, time(&self.until)?);
        let mut query = Query::parse_at(&self.filter, self.now)?;
        if let Some(since) = since {
            query = query.since(since);
        }
        if let Some(until) = until {
            query = query.until(until);
        }
        Ok(Question { query, since, until })
    }

    /// How many rows a page has.
    pub(super) fn rows(&self) -> usize {
        self.rows.unwrap_or(ROWS)
    }

    /// The same question on its first page with nothing open.
    pub(super) fn first(&self) -> Self {
        Self {
            after: None,
            seen: None,
            open: None,
            part: false,
            run: String::new(),
            format: String::new(),
            ..self.clone()
        }
    }

    /// The question with one more term.
    pub(super) fn with(&self, term: &str) -> Self {
        let filter = self.filter.trim();
        let filter = if filter.is_empty() {
            term.to_owned()
        } else if filter.split(' ').any(|known| known == term) {
            filter.to_owned()
        } else if self.is_choice() {
            format!("({filter}) and {term}")
        } else {
            format!("{filter} {term}")
        };
        Self {
            filter,
            ..self.first()
        }
    }

    /// Whether a term behind the filter would belong to its last choice only.
    pub(super) fn is_choice(&self) -> bool {
        let query = Query::parse_at(&self.filter, self.now);
        query.is_ok_and(|query| matches!(query.expr(), Expr::Or(_) | Expr::Not(_)))
    }

    /// The terms that must all hold, each with the question that lacks it.
    pub(super) fn terms(&self) -> Vec<(String, Self)> {
        let Ok(query) = Query::parse_at(&self.filter, self.now) else {
            return Vec::new();
        };
        let members = match query.expr() {
            Expr::And(members) => members.clone(),
            other => vec![other.clone()],
        };
        let wrapped = |member: &Expr| match member {
            Expr::Or(_) if members.len() > 1 => format!("({member})"),
            member => member.to_string(),
        };
        let all: Vec<String> = members.iter().map(wrapped).collect();
        let without = |index: usize| {
            let others = all.iter().enumerate().filter(|(at, _)| *at != index);
            let others: Vec<&str> = others.map(|(_, term)| term.as_str()).collect();
            Self {
                filter: others.join(" and "),
                ..self.first()
            }
        };
        (0..)
            .zip(&all)
            .map(|(index, term)| (term.clone(), without(index)))
            .collect()
    }

    /// Another filter over the same range.
    pub(super) fn only(&self, filter: &str) -> Self {
        Self {
            filter: filter.to_owned(),
            ..self.first()
        }
    }

    /// The same page with nothing open.
    pub(super) fn closed(self) -> Self {
        Self { open: None, ..self }
    }

    /// The question over another range.
    pub(super) fn between(&self, since: impl Into<String>, until: impl Into<String>) -> Self {
        Self {
            since: since.into(),
            until: until.into(),
            ..self.first()
        }
    }

    /// The address of a page for this question.
    pub(super) fn href(&self, path: &str) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let texts = [
            ("q", self.filter.as_str()),
            ("since", &self.since),
            ("until", &self.until),
            ("run", &self.run),
            ("format", &self.format),
        ];
        for (name, value) in texts {
            if !value.is_empty() {
                pairs.append_pair(name, value);
            }
        }
        for (name, cursor) in [("after", &self.after), ("open", &self.open)] {
            if let Some(cursor) = cursor {
                pairs.append_pair(name, &cursor.to_string());
            }
        }
        if let Some(seen) = &self.seen {
            pairs.append_pair("seen", &seen.to_string());
        }
        if let Some(rows) = self.rows {
            pairs.append_pair("n", &rows.to_string());
        }
        for (name, is_set) in [("all", self.all), ("late", self.late), ("part", self.part)] {
            if is_set {
                pairs.append_pair(name, "1");
            }
        }
        match pairs.finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }
}

fn rows(text: &str) -> Result<usize, Failure> {
    let rows = text.parse().ok().filter(|rows| (1..=MOST_ROWS).contains(rows));
    rows.ok_or_else(|| {
        Failure::Usage(format!(
            "`{}` is no number of rows; a page has 1 to {MOST_ROWS}",
            harmless(text)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Asked {
        let uri = format!("/?{query}").parse().expect("an address");
        Asked::of(&uri).expect("understood")
    }

    #[test]
    fn an_address_that_is_written_is_read_back() {
        let first = asked(
            "q=actor%3Da+or+%22x%26y%22&since=-2h&until=now&after=5-7-s&seen=each%2C5-7-s%2C6-8-t&open=5-8-s&n=100&all=1&late=1",
        );
        let again = asked(first.href("/").split_once('?').expect("a query").1);
        assert_eq!(first.href("/"), again.href("/"));
        assert_eq!(again.filter, "actor=a or \"x&y\"");
        assert_eq!(again.rows(), 100);
    }

    #[test]
    fn a_term_that_is_added_narrows_what_is_there_whatever_it_is() {
        assert_eq!(asked("").with("a=1").filter, "a=1");
        assert_eq!(
            asked("q=outcome%3Ddenied").with("actor.id=u").filter,
            "outcome=denied actor.id=u"
        );
        assert_eq!(
            asked("q=actor%3Da+or+actor%3Db").with("outcome=denied").filter,
            "(actor=a or actor=b) and outcome=denied"
        );
        assert_eq!(
            asked("q=x+outcome%3Ddenied").with("outcome=denied").filter,
            "x outcome=denied"
        );
    }

    #[test]
    fn each_term_can_be_taken_away() {
        let terms = asked("q=actor%3Da+(outcome%3Ddenied+or+level%3E%3Dwarn)+timeout").terms();
        let named: Vec<&str> = terms.iter().map(|(term, _)| term.as_str()).collect();
        assert_eq!(
            named,
            ["actor.id=a", "(outcome=denied or level>=warn)", "timeout"]
        );
        let rest: Vec<&str> = terms.iter().map(|(_, rest)| rest.filter.as_str()).collect();
        assert_eq!(
            rest,
            [
                "(outcome=denied or level>=warn) and timeout",
                "actor.id=a and timeout",
                "actor.id=a and (outcome=denied or level>=warn)"
            ]
        );
    }

    #[test]
    fn what_is_not_understood_is_never_left_out() {
        for wrong in ["x=1", "n=0", "n=501", "after=1", "open=x"] {
            let uri = format!("/?{wrong}").parse().expect("an address");
            assert!(Asked::of(&uri).is_err(), "{wrong}");
        }
        for wrong in ["q=nosuch%3D1", "since=yesteryear", "q=a%E2%80%AEb"] {
            assert!(asked(wrong).question().is_err(), "{wrong}");
        }
    }
}
