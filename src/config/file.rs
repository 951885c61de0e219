//! `Config`: the configuration as a struct that an application can embed in its own file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de};

use super::{CallStacks, Family, Floors, IdKind, Mode, Modes, RouteRule, Stream, keys, retention_days};
use crate::error::Result;
use crate::record::Level;

/// The configuration of a trail as it stands in a file.
///
/// Every field may be absent; the builder's default then holds, and what was set on the builder or in the
/// environment precedes what stands here. Keys that are not known are errors.
///
/// ```
/// use tracing_audit::config::Config;
///
/// let config = Config::from_json(r#"{"path": "/var/lib/app/audit", "keep_days": 90, "levels": {"tools": "warn"}}"#)?;
/// assert_eq!(config.keep_days, Some(90));
/// # Ok::<(), tracing_audit::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Whether anything is recorded. Default: true. Where false, no file is created.
    pub enabled: Option<bool>,
    /// The directory of the trail. Default: `./audit`.
    pub path: Option<PathBuf>,
    /// The size at which a segment is closed, in mebibytes. Default: 64.
    pub max_size_mb: Option<u64>,
    /// The age in days at which a closed segment is removed; 0 keeps all for ever. Default: 30.
    pub keep_days: Option<u64>,
    /// The least level recorded, by family of events. Default: no floor.
    pub levels: Levels,
    /// The least level recorded, by pattern over event names; precedes `levels`. Of several patterns that fit, the
    /// one with the most characters beside `*` decides. Default: none.
    #[serde(deserialize_with = "levels_by_pattern")]
    pub levels_by_event: BTreeMap<String, Level>,
    /// The name of the main stream, which is also its directory under `path`. Default: the builder's.
    pub stream: Option<String>,
    /// Streams beside that one. Default: none.
    pub streams: Vec<Stream>,
    /// Which records go to which stream; the first rule that fits decides, and what none fits goes to the main one. Default:
    /// none.
    pub routes: Vec<RouteRule>,
    /// The name of the service that writes. Default: the builder's.
    pub service: Option<String>,
    /// How many records may wait in the queue. Default: 8,192.
    pub queue_records: Option<u64>,
    /// How many bytes the waiting records may hold. Default: 16 MiB.
    pub queue_bytes: Option<u64>,
    /// The mode of every record that no rule of `modes` fits. Default: bounded.
    pub mode: Option<Mode>,
    /// Modes by event name or category; the first rule that fits decides. Default: none.
    pub modes: Vec<ModeRule>,
    /// Patterns over event names and categories whose records are mandatory. Default: none.
    pub mandatory: Option<Vec<String>>,
    /// The total size in bytes above which the oldest closed segments are removed; 0 sets no limit. Default: 0.
    pub keep_bytes: Option<u64>,
    /// The number of segments above which the oldest closed ones are removed; 0 sets no limit. Default: 0.
    pub keep_segments: Option<u64>,
    /// How long a written record waits at most before the commit begins that makes it durable. Default: 50 ms.
    pub commit_interval_ms: Option<u64>,
    /// How long the guard waits for the writer when it is dropped. Default: 5,000 ms.
    pub guard_timeout_ms: Option<u64>,
    /// How full the journal's file system may be, in percent, before the trail says so; 0 = never. Default: 75.
    pub disk_warn_percent: Option<u64>,
    /// The same for the second threshold, behind which records will soon wait in memory. Default: 90.
    pub disk_critical_percent: Option<u64>,
    /// How sensitive values are treated before a record leaves its thread.
    pub redaction: Redaction,
    /// Targets that mark audit records, beside `audit` and the prefix `audit::`. Default: none.
    pub targets: Option<Vec<String>>,
    /// Modules that may write audit records. Default: all.
    pub allow_modules: Option<Vec<String>>,
    /// Whether records of the `log` crate are taken. Default: false.
    pub allow_log: Option<bool>,
    /// Fields of ordinary spans that enclosed audit records inherit. Default: none.
    pub lend: Option<Vec<String>>,
    /// Whether a record without an actor is refused. Default: false, it is recorded and counted.
    pub require_actor: Option<bool>,
    /// How the journal is sealed.
    pub seal: Seal,
    /// Which kind of UUID a record is given as its id, `v7` or `v4`. Default: `v7`.
    pub id_kind: Option<IdKind>,
    /// Which spans are gathered as the steps that led to a record. Default: none are.
    pub call_stacks: Option<CallStacks>,
}

/// The least level recorded, by family of events. Absent means no floor.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Levels {
    /// [`Family::Tools`].
    #[serde(deserialize_with = "some_level")]
    pub tools: Option<Level>,
    /// [`Family::Sessions`].
    #[serde(deserialize_with = "some_level")]
    pub sessions: Option<Level>,
    /// [`Family::Automation`].
    #[serde(deserialize_with = "some_level")]
    pub automation: Option<Level>,
}

/// One rule of [`Config::modes`]: the records it is about, by `event` or by `category`, and their mode.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ModeRule {
    /// A pattern over event names.
    pub event: Option<String>,
    /// A pattern over categories.
    pub category: Option<String>,
    /// The mode of the records that fit.
    pub mode: Option<Mode>,
}

/// How sensitive values are treated.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Redaction {
    /// The policy. Default: balanced. Not together with `policy_file`, which says it itself.
    pub mode: Option<RedactionMode>,
    /// The file that holds the policy: see [`guide::policy_file`](crate::guide::policy_file).
    pub policy_file: Option<PathBuf>,
    /// The file that holds the key for pseudonyms, whose id is `k1`. Not together with `key_env`, nor with keys in the
    /// policy file.
    pub key_file: Option<PathBuf>,
    /// The environment variable that holds the key for pseudonyms, whose id is `k1`. Not together with `key_file`, nor
    /// with keys in the policy file.
    pub key_env: Option<String>,
}

/// How the journal is sealed: see [`guide::format`](crate::guide::format).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Seal {
    /// Whether it is. Default: true.
    pub enabled: Option<bool>,
    /// The file that holds the key that signs checkpoints, as `tracing-audit keygen` makes it. Not together with
    /// `key_env`. Default: none, checkpoints are not signed.
    pub key_file: Option<PathBuf>,
    /// The environment variable that holds that key. Not together with `key_file`.
    pub key_env: Option<String>,
    /// The file that holds the key that signed until now, where another one takes over from it.
    pub retiring_key_file: Option<PathBuf>,
    /// The environment variable that holds that key. Not together with `retiring_key_file`.
    pub retiring_key_env: Option<String>,
    /// After how many seconds without a record an `audit.heartbeat` is written; 0 turns it off. Default: 3,600.
    pub heartbeat_s: Option<u64>,
}

/// The redaction policies that a configuration can name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RedactionMode {
    /// What is recognised by name, by shape or by a key beside it is replaced; the rest is kept.
    #[default]
    Balanced,
    /// Only what is listed is kept. Needs a key.
    Strict,
}

impl Config {
    /// Reads a configuration from JSON and validates it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for text that is not JSON, a key that is not known (with the
    /// one that was probably meant), a value of the wrong type, and everything that [`Config::validate`] refuses.
    pub fn from_json(text: &str) -> Result<Self> {
        let config: Self = keys::read(text)?;
        config.validate()?;
        Ok(config)
    }

    /// Lays the environment over the file: what it sets replaces what stands here.
    ///
    /// `lookup` is `|name| std::env::var_os(name)` in a program.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) where a variable is set to something that cannot be meant.
    pub fn with_environment(mut self, lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        self.keep_days = retention_days(lookup)?.or(self.keep_days);
        Ok(self)
    }

    /// The level floors that `levels` and `levels_by_event` set.
    #[must_use]
    pub fn floors(&self) -> Floors {
        // A map has no order of its own; the most specific pattern goes first so that the result does not depend
        // on how the file was written.
        let mut patterns: Vec<_> = self.levels_by_event.iter().collect();
        patterns.sort_by_key(|(pattern, _)| {
            std::cmp::Reverse(pattern.chars().filter(|&character| character != '*').count())
        });
        let rules = patterns
            .into_iter()
            .fold(Floors::new(), |floors, (pattern, level)| {
                floors.event(pattern.as_str(), level.clone())
            });
        Family::ALL
            .iter()
            .fold(rules, |floors, &family| match self.levels.of(family) {
                Some(level) => floors.family(family, level.clone()),
                None => floors,
            })
    }

    /// The modes that `mode`, `modes` and `mandatory` set. A rule that [`Config::validate`] would refuse is left out.
    #[must_use]
    pub fn modes(&self) -> Modes {
        let rules = Modes::new(self.mode.unwrap_or_default());
        let mandatory = self.mandatory.iter().flatten();
        let rules = mandatory.fold(rules, |modes, pattern| modes.mandatory(pattern.as_str()));
        self.modes.iter().fold(rules, |modes, rule| match rule {
            ModeRule {
                event: Some(event),
                category: None,
                mode: Some(mode),
            } => modes.event(event.as_str(), *mode),
            ModeRule {
                event: None,
                category: Some(category),
                mode: Some(mode),
            } => modes.category(category.as_str(), *mode),
            _ => modes,
        })
    }
}

impl Levels {
    /// The floor of a family; `None` where there is none.
    #[must_use]
    pub fn of(&self, family: Family) -> Option<&Level> {
        match family {
            Family::Tools => self.tools.as_ref(),
            Family::Sessions => self.sessions.as_ref(),
            Family::Automation => self.automation.as_ref(),
        }
    }
}

/// A level in a file: one of the five words, because a floor at a word of one's own would admit everything or
/// nothing.
struct Floor(Level);

impl<'de> Deserialize<'de> for Floor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        match Level::from(word.as_str()) {
            Level::Other(_) => Err(de::Error::unknown_variant(
                &word,
                &["trace", "debug", "info", "warn", "error"],
            )),
            level => Ok(Self(level)),
        }
    }
}

fn some_level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Level>, D::Error> {
    Ok(Option::<Floor>::deserialize(deserializer)?.map(|floor| floor.0))
}

fn levels_by_pattern<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Level>, D::Error> {
    let floors = BTreeMap::<String, Floor>::deserialize(deserializer)?;
    Ok(floors
        .into_iter()
        .map(|(pattern, floor)| (pattern, floor.0))
        .collect())
}
