//! `Config` to builder: what a file says, under what the builder was told.

use std::time::Duration;

use super::builder::AuditBuilder;
use crate::config::{Config, Family, Glob, RedactionMode};
use crate::error::{Error, Result};
use crate::redact::Policy;

impl AuditBuilder {
    /// Takes the settings of a configuration wherever the builder was not told otherwise. Rules are added behind
    /// those that are already there.
    ///
    /// # Errors
    ///
    /// A value out of range, or a key for pseudonyms that cannot be read. The message names the key of the
    /// configuration and the remedy.
    pub fn config(mut self, config: &Config) -> Result<Self> {
        config.validate()?;
        let config = config.clone().with_environment(|name| std::env::var_os(name))?;
        self.duties(&config);
        self.streams_of(&config);
        self.enabled = self.enabled.or(config.enabled);
        self.directory = self.directory.or_else(|| config.path.clone());
        self.service = self.service.or_else(|| config.service.clone());
        self.queue_records = self.queue_records.or(config.queue_records);
        self.queue_bytes = self.queue_bytes.or(config.queue_bytes);
        self.max_size_mb = self.max_size_mb.or(config.max_size_mb);
        self.keep_days = self.keep_days.or(config.keep_days);
        self.keep_bytes = self.keep_bytes.or(config.keep_bytes);
        self.keep_segments = self.keep_segments.or(config.keep_segments);
        self.commit_interval = self
            .commit_interval
            .or(config.commit_interval_ms.map(Duration::from_millis));
        self.guard_timeout = self
            .guard_timeout
            .or(config.guard_timeout_ms.map(Duration::from_millis));
        self.mode = self.mode.or(config.mode);
        self.targets = self.targets.or_else(|| config.targets.clone());
        self.allow_modules = self.allow_modules.or_else(|| config.allow_modules.clone());
        self.allow_log = self.allow_log.or(config.allow_log);
        self.lend = self.lend.or_else(|| config.lend.clone());
        self.require_actor = self.require_actor.or(config.require_actor);
        self.id_kind = self.id_kind.or(config.id_kind);
        self.call_stacks = self.call_stacks.or_else(|| config.call_stacks.clone());
        for rule in &config.modes {
            let Some(mode) = rule.mode else { continue };
            self.modes.extend(
                rule.event
                    .iter()
                    .map(|glob| (Glob::new(glob.as_str()), true, mode)),
            );
            self.modes.extend(
                rule.category
                    .iter()
                    .map(|glob| (Glob::new(glob.as_str()), false, mode)),
            );
        }
        for &family in Family::ALL {
            if let Some(level) = config.levels.of(family) {
                self.families.push((family, level.clone()));
            }
        }
        // The most specific pattern first: the first rule that fits decides.
        let mut by_event: Vec<_> = config.levels_by_event.iter().collect();
        by_event.sort_by_key(|(glob, _)| std::cmp::Reverse(glob.chars().filter(|&char| char != '*').count()));
        self.floors.extend(
            by_event
                .into_iter()
                .map(|(glob, level)| (Glob::new(glob.as_str()), level.clone())),
        );
        if self.policy.is_none() {
            self.policy = policy(&config)?;
        }
        self.seal.configure(&config.seal)?;
        Ok(self)
    }

    /// The streams beside the main one, and what goes there.
    fn streams_of(&mut self, config: &Config) {
        self.stream = self.stream.take().or_else(|| config.stream.clone());
        self.streams.extend(config.streams.iter().cloned());
        let routes = config.routes.iter().filter_map(|rule| rule.read().ok());
        self.routes.extend(routes);
    }

    /// What the trail must write whatever other rules say, and what it watches.
    fn duties(&mut self, config: &Config) {
        let mandatory = config.mandatory.iter().flatten();
        self.mandatory
            .extend(mandatory.map(|glob| Glob::new(glob.as_str())));
        self.disk_warn_percent = self.disk_warn_percent.or(config.disk_warn_percent);
        self.disk_critical_percent = self.disk_critical_percent.or(config.disk_critical_percent);
    }
}

/// The policy that the configuration describes; `None` where it says nothing of one.
fn policy(config: &Config) -> Result<Option<Policy>> {
    let redaction = &config.redaction;
    let policy = match (&redaction.policy_file, redaction.mode) {
        (Some(path), _) => Policy::load(path)?,
        (None, Some(RedactionMode::Strict)) => Policy::strict(),
        _ => Policy::balanced(),
    };
    let (key, policy) = match (&redaction.key_file, &redaction.key_env) {
        (Some(_), _) | (None, Some(_)) if policy.key_ids().next().is_some() => {
            return Err(Error::config(
                "`redaction.key_file` or `redaction.key_env` gives a key, and so does `redaction.policy_file`; keep one \
                 place for keys",
            ));
        }
        (Some(path), _) => (true, policy.key_file("k1", path)?),
        (None, Some(variable)) => (true, policy.key_env("k1", variable)?),
        (None, None) => (false, policy),
    };
    let is_said = key || redaction.mode.is_some() || redaction.policy_file.is_some();
    Ok(is_said.then_some(policy))
}
