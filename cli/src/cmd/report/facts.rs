//! What a report counts, in one walk through the window.

use std::collections::BTreeMap;

use tracing_audit::catalog::Sentences;
use tracing_audit::format::read_line;
use tracing_audit::record::{Record, Slot, Value};
use tracing_audit::store::{DirStore, Direction, Store as _};
use tracing_audit::store::{Filter, Item, Only, Stored};

use crate::cmd::Met;
use crate::cmd::tally::{Bar, Tally};
use crate::out::Failure;
use crate::words;

/// The most events of the trail's own that are told one by one, of each kind.
const MOST_TOLD: usize = 100;

/// The most different rules of redaction and days.
const MOST_ROWS: usize = 10_000;

/// The trail's own events that a report tells one by one.
pub(super) const TOLD: [&str; 9] = [
    "audit.clock",
    "audit.degraded",
    "audit.erase",
    "audit.gap",
    "audit.key",
    "audit.pause",
    "audit.refused",
    "audit.resume",
    "audit.retention",
];

/// The records of a day.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Day {
    pub(super) records: u64,
    pub(super) denied: u64,
    pub(super) failed: u64,
}

/// One of the trail's own events.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) time: u64,
    pub(super) stream: String,
    pub(super) said: String,
}

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) records: u64,
    pub(super) outcomes: Tally,
    pub(super) categories: Tally,
    pub(super) actions: Tally,
    pub(super) actors: Tally,
    pub(super) days: BTreeMap<u64, Day>,
    /// Days that there is no row for.
    pub(super) other_days: Day,
    /// By actor and event.
    pub(super) denied: Tally,
    /// Records of applications that name nobody, by their event.
    pub(super) nobody: Tally,
    /// By rule and what it did: how often, and in how many records.
    pub(super) redactions: BTreeMap<(String, String), (u64, u64)>,
    /// Records in which something was redacted, and remarks that no rule is named for.
    pub(super) redacted: u64,
    pub(super) unnamed: u64,
    pub(super) told: BTreeMap<&'static str, (u64, Vec<Told>)>,
    pub(super) opened: u64,
    pub(super) closed: u64,
    pub(super) unclean: u64,
    /// The configuration that the newest start of each stream stated.
    pub(super) config: BTreeMap<String, Value>,
    pub(super) met: Met,
}

/// The slots that are counted.
const SLOTS: [Slot; 7] = [
    Slot::Outcome,
    Slot::Category,
    Slot::Action,
    Slot::ActorId,
    Slot::ActorType,
    Slot::Redaction,
    Slot::Profile,
];

impl Facts {
    pub(super) fn of(store: &DirStore, filter: &dyn Filter) -> Result<Self, Failure> {
        let mut facts = Self::default();
        let few = Only::new(filter, SLOTS);
        let bar = Bar::over(store)?;
        let watched = bar.watch(&few);
        for item in store.walk(&watched, Direction::OldestFirst, None)? {
            let item = item?;
            if let Item::Gap(stored) = &item {
                facts.own(stored);
            }
            if let Some(stored) = facts.met.take(item) {
                facts.take(&stored);
            }
        }
        Ok(facts)
    }

    fn take(&mut self, stored: &Stored) {
        let record = &stored.record;
        self.records += 1;
        let outcome = record.text(Slot::Outcome);
        for (tally, slot) in [
            (&mut self.outcomes, Slot::Outcome),
            (&mut self.categories, Slot::Category),
            (&mut self.actions, Slot::Action),
        ] {
            tally.one(record.text(slot).unwrap_or("(none)").to_owned());
        }
        let day = record.uint(Slot::Time).unwrap_or(stored.place.observed_at) / DAY;
        let day = if self.days.len() < MOST_ROWS || self.days.contains_key(&day) {
            self.days.entry(day).or_default()
        } else {
            &mut self.other_days
        };
        day.records += 1;
        day.denied += u64::from(outcome == Some("denied"));
        day.failed += u64::from(outcome == Some("failure"));
        self.actor(record, outcome == Some("denied"));
        self.redaction(record);
        self.own(stored);
    }

    fn actor(&mut self, record: &Record, is_denied: bool) {
        let id = record.text(Slot::ActorId);
        let is_unknown = id.is_none() && matches!(record.text(Slot::ActorType), None | Some("unknown"));
        if is_unknown {
            self.nobody.one(record.event().to_owned());
        }
        let actor = words::actor(record);
        if is_denied {
            self.denied.add(vec![actor.clone(), record.event().to_owned()]);
        }
        self.actors.one(actor);
    }

    fn redaction(&mut self, record: &Record) {
        let Some(redaction) = record.map(Slot::Redaction) else {
            return;
        };
        self.redacted += 1;
        let number = |value: Option<&Value>| value.and_then(Value::as_u64).unwrap_or(0);
        self.unnamed = self.unnamed.saturating_add(number(redaction.get("more")));
        for remark in redaction
            .get("fields")
            .and_then(Value::as_list)
            .unwrap_or_default()
        {
            let Some(remark) = remark.as_map() else { continue };
            let word = |name: &str| remark.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
            let key = (word("rule"), word("action"));
            let n = number(remark.get("n")).max(1);
            if self.redactions.len() < MOST_ROWS || self.redactions.contains_key(&key) {
                let (times, records) = self.redactions.entry(key).or_default();
                *times = times.saturating_add(n);
                *records += 1;
            } else {
                self.unnamed = self.unnamed.saturating_add(n);
            }
        }
    }

    /// What the trail says of itself. Events of the same name that were imported are another system's.
    fn own(&mut self, stored: &Stored) {
        let event = stored.record.event();
        if !event.starts_with("audit.") || stored.record.get(Slot::Profile).is_some() {
            return;
        }
        let Ok(record) = read_line(&stored.line) else {
            return;
        };
        match event {
            "audit.open" => {
                self.opened += 1;
                let is_clean = record.attribute("clean").and_then(Value::as_bool);
                self.unclean += u64::from(is_clean == Some(false));
                let stream = stored.place.stream.to_string();
                if let Some(config) = record.attribute("config")
                    && (self.config.len() < MOST_TOLD || self.config.contains_key(&stream))
                {
                    self.config.insert(stream, config.clone());
                }
            }
            "audit.close" => self.closed += 1,
            _ => {}
        }
        if let Some(kind) = TOLD.into_iter().find(|kind| *kind == event) {
            let (count, told) = self.told.entry(kind).or_default();
            *count += 1;
            if told.len() < MOST_TOLD {
                told.push(Told {
                    time: record.uint(Slot::Time).unwrap_or(stored.place.observed_at),
                    stream: stored.place.stream.to_string(),
                    said: said(&record),
                });
            }
        }
    }
}

pub(super) const DAY: u64 = 86_400_000_000_000;

/// The sentence of an event, and what it states beside it.
fn said(record: &Record) -> String {
    let mut said = Sentences::builtin().tell(record);
    let stated = record.map(Slot::Attributes).into_iter().flatten();
    let stated: Vec<String> = stated
        .filter_map(|(name, value)| {
            let text = match value {
                Value::Str(text) => text.clone(),
                Value::Int(number) => number.to_string(),
                Value::Uint(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                _ => return None,
            };
            Some(format!("{name} {text}"))
        })
        .collect();
    if !stated.is_empty() {
        said.push_str(&format!(" ({})", words::cut(&stated.join(", "), 400)));
    }
    said
}
