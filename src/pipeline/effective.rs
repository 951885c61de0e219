//! The configuration in effect, as `audit.open` states it: whole, with the ids of keys and without the keys.

use std::time::Duration;

use super::builder::AuditBuilder;
use super::start::Checked;
use crate::capture::Ids;
use crate::config::Family;
use crate::record::{Map, Value};

/// What a trail is configured to do.
pub(super) type Effective = Map;

impl AuditBuilder {
    /// What `audit.open` states. What is not set and has no default is left out.
    pub(super) fn effective(&self, checked: &Checked) -> Effective {
        let mut all = Map::new();
        self.queue_in_effect(checked, &mut all);
        self.files_in_effect(checked, &mut all);
        self.capture_in_effect(&mut all);
        all.insert("redaction".to_owned(), self.policy_in_effect().into());
        all
    }

    fn queue_in_effect(&self, checked: &Checked, into: &mut Map) {
        let modes = self.modes.iter().map(|(glob, is_event, mode)| {
            let by = if *is_event { "event" } else { "category" };
            map([(by, glob.as_str().into()), ("mode", mode.as_str().into())])
        });
        let mandatory: Vec<String> = self
            .mandatory
            .iter()
            .map(|glob| glob.as_str().to_owned())
            .collect();
        let sinks: Vec<String> = self
            .sinks
            .iter()
            .map(|given| given.sink.name().to_owned())
            .collect();
        into.extend(rows([
            ("queue_records", checked.capacity.records.into()),
            ("queue_bytes", checked.capacity.bytes.into()),
            ("mode", self.mode.unwrap_or_default().as_str().into()),
            ("modes", list(modes)),
            ("mandatory", mandatory.into()),
            ("room_timeout_ms", millis(self.patience.room)),
            ("commit_timeout_ms", millis(self.patience.commit)),
            ("commit_interval_ms", millis(checked.commit_interval)),
            ("guard_timeout_ms", millis(checked.guard_timeout)),
            ("sinks", sinks.into()),
        ]));
    }

    fn files_in_effect(&self, checked: &Checked, into: &mut Map) {
        into.extend(rows([
            ("journal", self.has_journal.into()),
            ("stream", checked.stream.as_str().into()),
            ("service", checked.service.as_str().into()),
            ("host", checked.host.as_str().into()),
        ]));
        self.streams_in_effect(into);
        if !self.has_journal {
            return;
        }
        into.extend(rows([
            ("path", checked.directory.display().to_string().into()),
            ("max_size_mb", checked.max_size_mb.into()),
            ("keep_days", checked.keep_days.into()),
            ("keep_bytes", checked.keep_bytes.into()),
            ("keep_segments", checked.keep_segments.into()),
            ("unshipped", self.unshipped.unwrap_or_default().as_str().into()),
            ("disk_warn_percent", checked.thresholds.warn.into()),
            ("disk_critical_percent", checked.thresholds.critical.into()),
            ("roll", vec!["midnight_utc", "max_size_mb"].into()),
            (
                "file_mode",
                format!("{:04o}", self.file_mode.unwrap_or(0o600)).into(),
            ),
        ]));
        self.seal_in_effect(into);
        if let Some(group) = self.file_group {
            into.extend(rows([("file_group", group.into())]));
        }
    }

    fn capture_in_effect(&self, into: &mut Map) {
        let families = self.families.iter().map(|(family, level)| {
            map([
                ("family", Family::key(*family).into()),
                ("level", level.as_str().into()),
            ])
        });
        let by_event = self
            .floors
            .iter()
            .map(|(glob, level)| map([("event", glob.as_str().into()), ("level", level.as_str().into())]));
        let ids = match &self.ids {
            Ids::Own => "own",
            Ids::Given => "given",
            Ids::Source(_) => "source",
        };
        let clock = if self.clock.is_some() { "given" } else { "system" };
        let mut targets = vec!["audit".to_owned()];
        targets.extend(self.targets.iter().flatten().cloned());
        into.extend(rows([
            ("levels", list(families)),
            ("levels_by_event", list(by_event)),
            ("targets", targets.into()),
            ("allow_log", self.allow_log.unwrap_or(false).into()),
            ("lend", self.lend.clone().unwrap_or_default().into()),
            ("require_actor", self.require_actor.unwrap_or(false).into()),
            ("callsite", self.callsite.into()),
            ("ids", ids.into()),
            ("id_kind", self.id_kind.unwrap_or_default().as_str().into()),
            ("clock", clock.into()),
        ]));
        if let Some(stacks) = &self.call_stacks {
            let ((nodes, depth), (targets, every)) = (stacks.limits(), stacks.targets());
            let of: Vec<String> = stacks.roots().iter().map(ToString::to_string).collect();
            let stated = map([
                ("nodes", nodes.into()),
                ("depth", depth.into()),
                ("targets", targets.to_vec().into()),
                ("every_span", every.into()),
                ("of", of.into()),
            ]);
            into.extend(rows([("call_stacks", stated)]));
        }
        if let Some(modules) = &self.allow_modules {
            into.extend(rows([("allow_modules", modules.clone().into())]));
        }
    }

    fn policy_in_effect(&self) -> Map {
        let policy = self.policy.clone().unwrap_or_default();
        let pairs =
            |pairs: &mut dyn Iterator<Item = (String, String)>, key: &'static str, value: &'static str| {
                list(pairs.map(|(one, other)| map([(key, one.into()), (value, other.into())])))
            };
        let (name, reason) = policy.name();
        let mut stated = rows([
            ("policy", name.into()),
            ("rules", pairs(&mut policy.rules(), "field", "action")),
        ]);
        if let Some(reason) = reason {
            stated.extend(rows([("reason", reason.into())]));
        }
        if policy.classes().next().is_some() {
            stated.extend(rows([(
                "classes",
                pairs(&mut policy.classes(), "class", "action"),
            )]));
        }
        if policy.patterns().next().is_some() {
            stated.extend(rows([(
                "patterns",
                pairs(&mut policy.patterns(), "pattern", "class"),
            )]));
        }
        if let Some(hash) = policy.file_hash() {
            stated.extend(rows([("policy_file", hash.into())]));
        }
        if policy.declassified().next().is_some() {
            let mut names = policy.declassified().map(|(name, why)| (name, why.to_owned()));
            stated.extend(rows([("declassified", pairs(&mut names, "field", "reason"))]));
        }
        if let Some(id) = policy.keys().id() {
            let ids: Vec<String> = policy.keys().ids().map(str::to_owned).collect();
            stated.extend(rows([("pseudonyms", id.into()), ("keys", ids.into())]));
        }
        if let Some(trial) = policy.trial() {
            stated.extend(rows([("trial", trial.name().0.into())]));
        }
        stated
    }
}

fn rows<const N: usize>(rows: [(&str, Value); N]) -> Map {
    rows.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn map<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    rows(pairs).into()
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::List(values.collect())
}

fn millis(duration: Duration) -> Value {
    duration.as_millis().into()
}
