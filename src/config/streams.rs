//! Several streams in one trail: those beside the main one, and which records go where.

use std::fmt;

use super::{Glob, limits};
use crate::error::{Error, Result};

/// The most streams that a trail has, the main one counted: each has a queue and threads of its own.
pub const MAX_STREAMS: usize = 16;

/// A stream beside the main one: its name, and how long it is kept. What is not set is as for the main stream.
///
/// ```
/// use tracing_audit::config::Stream;
///
/// let personal = Stream::named("personal").keep_days(90);
/// # assert_eq!(personal.keep_days, Some(90));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Stream {
    /// The name, which is also its directory's: 1 to 64 of `a-z`, `0-9`, `-`, `_` and `.`, the first a letter or a digit.
    pub name: String,
    /// The size at which a segment is closed, in mebibytes.
    pub max_size_mb: Option<u64>,
    /// The age in days at which a closed segment is removed; 0 keeps all for ever.
    pub keep_days: Option<u64>,
    /// The total size in bytes above which the oldest closed segments are removed; 0 sets no limit.
    pub keep_bytes: Option<u64>,
    /// The number of segments above which the oldest closed ones are removed; 0 sets no limit.
    pub keep_segments: Option<u64>,
}

impl Stream {
    /// A stream that is kept as the main one is.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// The size in mebibytes at which a segment is closed.
    #[must_use]
    pub fn max_size_mb(mut self, mebibytes: u64) -> Self {
        self.max_size_mb = Some(mebibytes);
        self
    }

    /// The age in days at which a closed segment is removed; 0 = never.
    #[must_use]
    pub fn keep_days(mut self, days: u64) -> Self {
        self.keep_days = Some(days);
        self
    }

    /// The total size in bytes above which the oldest closed segments are removed; 0 = no limit.
    #[must_use]
    pub fn keep_bytes(mut self, bytes: u64) -> Self {
        self.keep_bytes = Some(bytes);
        self
    }

    /// The number of segments above which the oldest closed ones are removed; 0 = no limit.
    #[must_use]
    pub fn keep_segments(mut self, segments: u64) -> Self {
        self.keep_segments = Some(segments);
        self
    }

    /// Checks what can be known of the stream alone.
    pub(super) fn check(&self) -> Result<()> {
        stream_name(&self.name)?;
        let given = [
            (self.max_size_mb, limits::MAX_SIZE_MB),
            (self.keep_days, limits::KEEP_DAYS),
            (self.keep_bytes, limits::KEEP_BYTES),
            (self.keep_segments, limits::KEEP_SEGMENTS),
        ];
        for (value, limit) in given {
            value
                .map_or(Ok(0), |value| limit.check(value))
                .map_err(|error| Error::config(format!("stream `{}`: {error}", self.name)))?;
        }
        Ok(())
    }
}

/// Which records a rule sends to a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Selection {
    /// Records whose event's name fits.
    Event(Glob),
    /// Records whose category fits: the one that was given, else what stands before the last dot of the event's name.
    Category(Glob),
    /// Records with personal data: declared (`pii.contains`, `pii.categories`), or seen by redaction, also where the caller
    /// declared none (`pii.undeclared`).
    Pii,
    /// Records with a kind of personal data that fits: declared in `pii.categories`, or seen by redaction.
    PiiCategory(Glob),
}

impl Selection {
    /// Whether every record that `other` fits fits this one as well.
    fn takes_all_of(&self, other: &Self) -> bool {
        // A star in the other pattern can only be taken by a star here: nothing else in a pattern stands for it.
        match (self, other) {
            (Self::Event(one), Self::Event(other))
            | (Self::Category(one), Self::Category(other))
            | (Self::PiiCategory(one), Self::PiiCategory(other)) => one.matches(other.as_str()),
            // Every record has an event.
            (Self::Event(one), _) => one.as_str().bytes().all(|byte| byte == b'*'),
            (Self::Pii, Self::Pii | Self::PiiCategory(_)) => true,
            _ => false,
        }
    }

    fn pattern(&self) -> Option<&Glob> {
        match self {
            Self::Event(glob) | Self::Category(glob) | Self::PiiCategory(glob) => Some(glob),
            Self::Pii => None,
        }
    }
}

impl fmt::Display for Selection {
    /// As messages and `audit.open` state it: `event user.*`, `category billing`, `pii`, `pii_category health`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(glob) => write!(f, "event {glob}"),
            Self::Category(glob) => write!(f, "category {glob}"),
            Self::Pii => f.write_str("pii"),
            Self::PiiCategory(glob) => write!(f, "pii_category {glob}"),
        }
    }
}

/// One rule of [`Config::routes`](super::Config::routes): the records that it is about, by one of the first four, and their
/// stream.
#[cfg(feature = "config")]
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RouteRule {
    /// [`Selection::Event`].
    pub event: Option<String>,
    /// [`Selection::Category`].
    pub category: Option<String>,
    /// [`Selection::Pii`]: true, or not there.
    pub pii: Option<bool>,
    /// [`Selection::PiiCategory`].
    pub pii_category: Option<String>,
    /// The name of the stream.
    pub stream: Option<String>,
}

#[cfg(feature = "config")]
impl RouteRule {
    /// What the rule says; or, in words, what is wrong with it.
    pub(crate) fn read(&self) -> std::result::Result<(Selection, String), &'static str> {
        let glob = |pattern: &Option<String>, of: fn(Glob) -> Selection| {
            pattern.as_deref().map(|pattern| of(Glob::new(pattern)))
        };
        let mut said = [
            glob(&self.event, Selection::Event),
            glob(&self.category, Selection::Category),
            glob(&self.pii_category, Selection::PiiCategory),
            self.pii.map(|_| Selection::Pii),
        ]
        .into_iter()
        .flatten();
        let selection = said.next().ok_or(
            "says none of `event`, `category`, `pii` and `pii_category`; add one: what no rule fits goes to the main stream",
        )?;
        if said.next().is_some() {
            return Err(
                "says more than one of `event`, `category`, `pii` and `pii_category`; write a rule for each, the \
                        first that fits decides",
            );
        }
        if self.pii == Some(false) {
            return Err(
                "says `pii` false; write true, and put what has none under a rule of its own or under none",
            );
        }
        if selection.pattern().is_some_and(|glob| glob.as_str().is_empty()) {
            return Err(
                "has an empty pattern; name an event or a category, `*` stands for any number of characters",
            );
        }
        let stream = self
            .stream
            .as_ref()
            .ok_or("has no `stream`; name the one that these records go to")?;
        Ok((selection, stream.clone()))
    }
}

/// Checks streams and rules against each other, and gives each rule the number of its stream: 0 is the main one.
///
/// # Errors
///
/// `Config` for names that are no names or stand twice, for a rule to a stream that is not there, for one that can never
/// fit because an earlier one takes all of its records, and for a stream to which no rule leads.
pub(crate) fn check(main: &str, beside: &[Stream], routes: &[(Selection, String)]) -> Result<Vec<usize>> {
    if beside.len() >= MAX_STREAMS {
        return Err(Error::config(format!(
            "the trail has {} streams; allowed are {MAX_STREAMS}, for each has a queue and threads of its own: keep what \
             is kept equally long in one stream",
            beside.len() + 1
        )));
    }
    let names: Vec<&str> = std::iter::once(main)
        .chain(beside.iter().map(|stream| stream.name.as_str()))
        .collect();
    for (at, stream) in beside.iter().enumerate() {
        stream.check()?;
        if names.iter().take(at + 1).any(|name| *name == stream.name) {
            return Err(Error::config(format!(
                "two streams have the name `{}`; rename one of them",
                stream.name
            )));
        }
    }
    let mut numbers = Vec::new();
    for (at, (selection, to)) in routes.iter().enumerate() {
        rule(selection, to, routes.iter().take(at))?;
        let Some(number) = names.iter().position(|name| name == to) else {
            return Err(Error::config(format!(
                "the rule `{selection}` leads to the stream `{to}`, which is not there; streams are {}: add it, or correct \
                 the rule",
                names.join(", ")
            )));
        };
        numbers.push(number);
    }
    match (1..names.len()).find(|number| !numbers.contains(number)) {
        Some(alone) => Err(Error::config(format!(
            "no rule leads to the stream `{}`; say which records go there, or leave it out",
            names.get(alone).copied().unwrap_or_default()
        ))),
        None => Ok(numbers),
    }
}

fn rule<'r>(
    selection: &Selection,
    to: &str,
    mut before: impl Iterator<Item = &'r (Selection, String)>,
) -> Result<()> {
    if selection.pattern().is_some_and(|glob| glob.as_str().is_empty()) {
        return Err(Error::config(format!(
            "a rule to the stream `{to}` has an empty pattern; name an event or a category, or leave it out"
        )));
    }
    match before.find(|(earlier, _)| earlier.takes_all_of(selection)) {
        Some((earlier, taken_to)) => Err(Error::config(format!(
            "the rule `{selection}` to the stream `{to}` can never fit: the earlier rule `{earlier}` to `{taken_to}` takes all \
             of its records, and the first that fits decides; put it before that one, or remove it"
        ))),
        None => Ok(()),
    }
}

/// A stream's name becomes a directory under `path`, on file systems that disagree about everything but these
/// characters.
pub(super) fn stream_name(name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit());
    if starts_well && name.len() <= 64 && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(Error::config(format!(
        "`stream` is {name:?}; allowed are 1 to 64 of the characters a-z, 0-9, `-`, `_` and `.`, the first a letter or \
         a digit, because the name becomes a directory; rename the stream"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(beside: &[Stream], routes: &[(Selection, &str)]) -> String {
        let routes: Vec<_> = routes
            .iter()
            .map(|(rule, to)| (rule.clone(), (*to).to_owned()))
            .collect();
        let error = check("main", beside, &routes).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Config);
        error.to_string()
    }

    fn event(glob: &str) -> Selection {
        Selection::Event(glob.into())
    }

    fn category(glob: &str) -> Selection {
        Selection::Category(glob.into())
    }

    #[test]
    fn rules_are_given_the_numbers_of_their_streams() {
        let beside = [Stream::named("personal"), Stream::named("billing")];
        let routes = [
            (event("login"), "main".to_owned()),
            (Selection::Pii, "personal".to_owned()),
            (category("bill*"), "billing".to_owned()),
        ];
        assert_eq!(check("main", &beside, &routes).unwrap(), [0, 1, 2]);
        assert_eq!(check("main", &[], &[]).unwrap(), [0_usize; 0]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_name_of_it() {
        let two = [Stream::named("a"), Stream::named("b")];
        type Case<'c> = (&'c [Stream], &'c [(Selection, &'c str)], &'c str);
        let cases: &[Case<'_>] = &[
            (&[Stream::named("main")], &[], "two streams have the name `main`"),
            (&[Stream::named("a"), Stream::named("a")], &[], "the name `a`"),
            (&[Stream::named("No")], &[], "\"No\""),
            (&[Stream::named("")], &[], "\"\""),
            (
                &[Stream::named("a").keep_days(1 << 40)],
                &[],
                "stream `a`: `keep_days` is",
            ),
            (&two, &[(Selection::Pii, "a")], "no rule leads to the stream `b`"),
            (
                &two,
                &[(Selection::Pii, "c")],
                "the stream `c`, which is not there; streams are main, a, b",
            ),
            (&two, &[(event(""), "a")], "an empty pattern"),
            (
                &two,
                &[(event("*"), "a"), (Selection::Pii, "b")],
                "the earlier rule `event *` to `a`",
            ),
        ];
        for (beside, routes, said) in cases {
            let told = refused(beside, routes);
            assert!(told.contains(said), "`{told}` does not say `{said}`");
        }
        let many: Vec<_> = (0..MAX_STREAMS).map(|n| Stream::named(format!("s{n}"))).collect();
        assert!(refused(&many, &[]).contains("17 streams"));
    }

    #[test]
    fn a_rule_that_an_earlier_one_leaves_nothing_is_known_and_one_that_it_leaves_something_is_not_refused() {
        let pii = |glob: &str| Selection::PiiCategory(glob.into());
        for (earlier, later, takes_all) in [
            (event("tool.*"), event("tool.start"), true),
            (event("tool.*"), event("tool.*.end"), true),
            (event("*.end"), event("tool.*.end"), true),
            (event("tool.*.end"), event("tool.*"), false),
            (event("tool.*"), event("*"), false),
            (event("tool.*"), category("tool"), false),
            (category("*"), event("tool.*"), false),
            (category("*"), category("tool"), true),
            (event("**"), Selection::Pii, true),
            (Selection::Pii, pii("health"), true),
            (pii("health"), Selection::Pii, false),
            (pii("h*"), pii("health"), true),
        ] {
            assert_eq!(
                earlier.takes_all_of(&later),
                takes_all,
                "{earlier} before {later}"
            );
        }
    }
}
