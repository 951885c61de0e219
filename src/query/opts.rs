//! Questions as values: what programs ask that have fields to fill in and no language to write, as conditions.

use crate::error::{Error, ErrorKind, Result};
use crate::record::{Level, Slot};
use crate::store::List;

use super::ast::{Bound, Expr, Field, Order, Pattern, Test, Wanted};
use super::{Query, field};

/// What a list of events asks for: each field narrows, several words in one are either of them, and an empty one is no
/// filter. `Query::from(&opts)` is the condition, [`ListOpts::list`] the page.
///
/// Words are compared whole and as they stand: `*`, `%` and `_` are characters like others. Blanks around a word do not
/// count, and a blank word is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListOpts {
    /// `category`.
    pub categories: Vec<String>,
    /// `agent.name`, whole: `main` is not `main#dryrun`.
    pub agents: Vec<String>,
    /// `outcome`. `ok` also means `success`, and `error` also `failure`.
    pub statuses: Vec<String>,
    /// `source`.
    pub sources: Vec<String>,
    /// `source` is none of these. A record without a source is not left out.
    pub exclude_sources: Vec<String>,
    /// `summary` contains this, whatever the case.
    pub search: Option<String>,
    /// `time` is this or later, in nanoseconds since the Unix epoch; 0 is the epoch. As [`Query::since`].
    pub since: Option<u64>,
    /// `time` is before this, in nanoseconds since the Unix epoch.
    pub until: Option<u64>,
    /// The most events of a page, up to [`MAX_LIMIT`](crate::store::MAX_LIMIT). Default, 0: the 50 of [`List`].
    pub limit: usize,
    /// How many events to skip. Default: 0.
    pub offset: u64,
}

impl ListOpts {
    /// No filter.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more category to take.
    #[must_use]
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.categories.push(category.into());
        self
    }

    /// One more agent to take, by its whole name.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agents.push(agent.into());
        self
    }

    /// One more outcome to take.
    #[must_use]
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.statuses.push(status.into());
        self
    }

    /// One more source to take.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.sources.push(source.into());
        self
    }

    /// One more source to leave out.
    #[must_use]
    pub fn exclude_source(mut self, source: impl Into<String>) -> Self {
        self.exclude_sources.push(source.into());
        self
    }

    /// What the summary must contain.
    #[must_use]
    pub fn search(mut self, text: impl Into<String>) -> Self {
        self.search = Some(text.into());
        self
    }

    /// The first time inside, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn since(mut self, since: impl Into<Option<u64>>) -> Self {
        self.since = since.into();
        self
    }

    /// The first time behind, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn until(mut self, until: impl Into<Option<u64>>) -> Self {
        self.until = until.into();
        self
    }

    /// The most events of a page. Default, also for 0: 50.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// How many events to skip. Default: 0.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// The page that is asked for, newest first, with the exact total of what `Query::from` wants.
    #[must_use]
    pub fn list(&self) -> List {
        let list = List::default().offset(self.offset).total(true);
        match self.limit {
            0 => list,
            limit => list.limit(limit),
        }
    }
}

impl From<&ListOpts> for Query {
    fn from(opts: &ListOpts) -> Self {
        let mut statuses = opts.statuses.clone();
        for (word, outcome) in [("ok", "success"), ("error", "failure")] {
            if opts.statuses.iter().any(|status| status.trim() == word) {
                statuses.push(outcome.to_owned());
            }
        }
        let sets = [
            one_of(Slot::Category, &opts.categories),
            one_of(Slot::AgentName, &opts.agents),
            one_of(Slot::Outcome, &statuses),
            one_of(Slot::Source, &opts.sources),
            one_of(Slot::Source, &opts.exclude_sources).map(|these| Expr::Not(Box::new(these))),
            opts.search
                .as_deref()
                .and_then(|text| contains(Slot::Summary, text)),
        ];
        let all = Expr::And(sets.into_iter().flatten().collect());
        Self::from(all).between(opts.since, opts.until)
    }
}

/// Which level events must have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LevelTest {
    /// This one.
    Exactly(Level),
    /// This one or a more severe one.
    AtLeast(Level),
}

/// What an agent's trail is asked: each field narrows, several event types are either of them, and an empty set is no
/// filter. `Query::try_from(&query)` is the condition.
///
/// Words are compared as those of [`ListOpts`] are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditQuery {
    /// `time` is this or later, in nanoseconds since the Unix epoch; 0 is the epoch. As [`Query::since`].
    pub start: Option<u64>,
    /// `time` is before this, in nanoseconds since the Unix epoch.
    pub end: Option<u64>,
    /// `event`.
    pub event_types: Vec<String>,
    /// `session_id`. Events that name no session do not satisfy it.
    pub session: Option<String>,
    /// `detail.tool.name`.
    pub tool: Option<String>,
    /// `level`.
    pub level: Option<LevelTest>,
}

impl AuditQuery {
    /// No filter.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The first time inside, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn start(mut self, start: impl Into<Option<u64>>) -> Self {
        self.start = start.into();
        self
    }

    /// The first time behind, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn end(mut self, end: impl Into<Option<u64>>) -> Self {
        self.end = end.into();
        self
    }

    /// One more type of event to take.
    #[must_use]
    pub fn event_type(mut self, event: impl Into<String>) -> Self {
        self.event_types.push(event.into());
        self
    }

    /// The session.
    #[must_use]
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// The tool's name.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<String>) -> Self {
        self.tool = Some(tool.into());
        self
    }

    /// The level: `LevelTest::Exactly(level)`, or `LevelTest::AtLeast(level)` for a threshold.
    #[must_use]
    pub fn level(mut self, level: LevelTest) -> Self {
        self.level = Some(level);
        self
    }
}

impl TryFrom<&AuditQuery> for Query {
    type Error = Error;

    /// # Errors
    ///
    /// [`ErrorKind::Query`] for a level that is none of the five, as in the language.
    fn try_from(asked: &AuditQuery) -> Result<Self> {
        let tool = Field::Detail("tool.name".to_owned());
        let sets = [
            one_of(Slot::Event, &asked.event_types),
            one_of(Slot::SessionId, asked.session.as_slice()),
            members(tool, asked.tool.as_slice()),
            asked.level.as_ref().map(level).transpose()?,
        ];
        let all = Expr::And(sets.into_iter().flatten().collect());
        Ok(Self::from(all).between(asked.start, asked.end))
    }
}

impl Query {
    fn between(self, since: Option<u64>, until: Option<u64>) -> Self {
        let begun = match since {
            Some(since) => self.since(since),
            None => self,
        };
        match until {
            Some(until) => begun.until(until),
            None => begun,
        }
    }
}

fn level(test: &LevelTest) -> Result<Expr> {
    let (LevelTest::Exactly(level) | LevelTest::AtLeast(level)) = test;
    let word = level.as_str();
    if level.rank() == 0 {
        let meant = field::nearest(word, field::LEVELS.into_iter())
            .map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
        let known = field::LEVELS.join(", ");
        return Err(Error::new(
            ErrorKind::Query,
            format!("`{word}` is no level; levels are {known}{meant}"),
        ));
    }
    let field = Field::Slot(Slot::Level);
    Ok(match test {
        LevelTest::Exactly(_) => is(field, vec![exact(word)]),
        LevelTest::AtLeast(_) => Expr::Field(field, Test::Order(Order::AtLeast, Bound::Level(level.rank()))),
    })
}

/// `None` where every word is blank: an empty set is no filter.
fn one_of(slot: Slot, words: &[String]) -> Option<Expr> {
    members(Field::Slot(slot), words)
}

fn members(field: Field, words: &[String]) -> Option<Expr> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for word in words
        .iter()
        .map(|word| word.trim())
        .filter(|word| !word.is_empty())
    {
        let word = exact(word);
        if !wanted.contains(&word) {
            wanted.push(word);
        }
    }
    (!wanted.is_empty()).then(|| is(field, wanted))
}

fn is(field: Field, wanted: Vec<Wanted>) -> Expr {
    Expr::Field(field, Test::In(wanted))
}

fn exact(word: &str) -> Wanted {
    Wanted::Text(Pattern::exact(word))
}

fn contains(slot: Slot, text: &str) -> Option<Expr> {
    let text = text.trim();
    (!text.is_empty()).then(|| Expr::Field(Field::Slot(slot), Test::Contains(Pattern::exact(text).folded())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(query: impl Into<Query>) -> String {
        query.into().to_string()
    }

    /// T001-03.
    #[test]
    fn blank_words_and_empty_sets_are_no_filter() {
        assert_eq!(Query::from(&ListOpts::new()), Query::all());
        let blank = ListOpts::new()
            .category("")
            .category("  ")
            .agent(" ")
            .exclude_source("")
            .search(" ");
        assert_eq!(Query::from(&blank), Query::all());
        let blank = AuditQuery::new().event_type(" ").session("").tool(" ");
        assert_eq!(Query::try_from(&blank).unwrap(), Query::all());
    }

    #[test]
    fn every_field_becomes_its_condition_and_the_text_of_it_is_read_back() {
        let opts = ListOpts::new()
            .category(" llm ")
            .category("tool_call")
            .category("llm")
            .agent("main")
            .status("denied")
            .source("chat")
            .exclude_source("dryrun")
            .exclude_source("eval")
            .search("50%_*");
        let text = said(&opts);
        assert_eq!(
            text,
            "category in (llm, tool_call) and agent.name=main and outcome=denied and source=chat \
             and not source in (dryrun, eval) and summary~\"50%_\\*\""
        );
        assert_eq!(Query::parse(&text).unwrap(), Query::from(&opts));
        assert_eq!(said(&ListOpts::new().status("ok")), "outcome in (ok, success)");
        let asked = AuditQuery::new()
            .event_type("tool.start")
            .session("s-1")
            .tool("grep")
            .level(LevelTest::AtLeast(Level::Warn));
        assert_eq!(
            Query::try_from(&asked).unwrap().to_string(),
            "event=tool.start and session_id=s-1 and detail.tool.name=grep and level>=warn"
        );
    }

    #[test]
    fn a_level_that_is_none_is_an_error_and_never_everything() {
        for level in [LevelTest::AtLeast, LevelTest::Exactly] {
            let asked = AuditQuery::new().level(level(Level::from("wran")));
            let error = Query::try_from(&asked).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Query);
            assert!(error.to_string().contains("did you mean `warn`"), "{error}");
        }
        let exact = AuditQuery::new().level(LevelTest::Exactly(Level::Warn));
        assert_eq!(Query::try_from(&exact).unwrap().to_string(), "level=warn");
    }
}
