//! Validation: values that have the right type and still cannot work.

use super::file::{Config, ModeRule, RedactionMode};
use super::{CallStacks, limits};
use crate::error::{Error, Result};

impl Config {
    /// Checks every value that is set, by itself and against the others.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for the first value that cannot work, naming the key, the
    /// value, what is allowed and the remedy. Whether the directory can be written is found out when it is opened.
    pub fn validate(&self) -> Result<()> {
        self.numbers()?;
        self.names()?;
        self.call_stacks.as_ref().map_or(Ok(()), call_stacks)?;
        for (at, rule) in self.modes.iter().enumerate() {
            mode_rule(at, rule)?;
        }
        self.streams_and_routes()?;
        let megabytes = self.max_size_mb.unwrap_or(limits::MAX_SIZE_MB.default);
        size_against_segment(self.keep_bytes, megabytes)?;
        if let (Some(file), Some(mode)) = (&self.redaction.policy_file, self.redaction.mode) {
            let mode = match mode {
                RedactionMode::Strict => "strict",
                RedactionMode::Balanced => "balanced",
            };
            return Err(Error::config(format!(
                "`redaction.policy_file` is `{}` and `redaction.mode` is `{mode}`; the file says its mode itself: remove \
                 `redaction.mode`",
                file.display()
            )));
        }
        if let (Some(file), Some(variable)) = (&self.redaction.key_file, &self.redaction.key_env) {
            return Err(Error::config(format!(
                "`redaction.key_file` is `{}` and `redaction.key_env` is `{variable}`; there is one key: remove one \
                 of the two",
                file.display()
            )));
        }
        let seal = &self.seal;
        let pairs = [
            ("key", &seal.key_file, &seal.key_env),
            ("retiring_key", &seal.retiring_key_file, &seal.retiring_key_env),
        ];
        for (name, file, variable) in pairs {
            if let (Some(file), Some(variable)) = (file, variable) {
                return Err(Error::config(format!(
                    "`seal.{name}_file` is `{}` and `seal.{name}_env` is `{variable}`; there is one key: remove one of the \
                     two",
                    file.display()
                )));
            }
            let is_empty = file.as_ref().is_some_and(|file| file.as_os_str().is_empty());
            not_empty(
                &format!("seal.{name}_file"),
                is_empty,
                "name the file that holds the key",
            )?;
            let is_empty = variable.as_ref().is_some_and(String::is_empty);
            let remedy = "name the environment variable that holds the key";
            not_empty(&format!("seal.{name}_env"), is_empty, remedy)?;
        }
        Ok(())
    }

    fn numbers(&self) -> Result<()> {
        let given = [
            (self.queue_records, limits::QUEUE_RECORDS),
            (self.queue_bytes, limits::QUEUE_BYTES),
            (self.max_size_mb, limits::MAX_SIZE_MB),
            (self.keep_days, limits::KEEP_DAYS),
            (self.keep_bytes, limits::KEEP_BYTES),
            (self.keep_segments, limits::KEEP_SEGMENTS),
            (self.commit_interval_ms, limits::COMMIT_INTERVAL_MS),
            (self.guard_timeout_ms, limits::GUARD_TIMEOUT_MS),
            (self.disk_warn_percent, limits::DISK_WARN_PERCENT),
            (self.disk_critical_percent, limits::DISK_CRITICAL_PERCENT),
        ];
        for (value, limit) in given {
            if let Some(value) = value {
                limit.check(value)?;
            }
        }
        limits::disk_percents(
            self.disk_warn_percent
                .unwrap_or(limits::DISK_WARN_PERCENT.default),
            self.disk_critical_percent
                .unwrap_or(limits::DISK_CRITICAL_PERCENT.default),
        )
    }

    fn names(&self) -> Result<()> {
        if let Some(path) = &self.path {
            not_empty(
                "path",
                path.as_os_str().is_empty(),
                "name a directory, such as `./audit`",
            )?;
        }
        if let Some(file) = &self.redaction.key_file {
            let empty = file.as_os_str().is_empty();
            not_empty("redaction.key_file", empty, "name the file that holds the key")?;
        }
        if let Some(file) = &self.redaction.policy_file {
            let empty = file.as_os_str().is_empty();
            not_empty(
                "redaction.policy_file",
                empty,
                "name the file that holds the policy",
            )?;
        }
        if let Some(variable) = &self.redaction.key_env {
            let remedy = "name the environment variable that holds the key";
            not_empty("redaction.key_env", variable.is_empty(), remedy)?;
        }
        if let Some(service) = &self.service {
            not_empty(
                "service",
                service.trim().is_empty(),
                "name the service or remove the key",
            )?;
        }
        if let Some(stream) = &self.stream {
            super::streams::stream_name(stream)?;
        }
        for (key, list) in [
            ("targets", &self.targets),
            ("allow_modules", &self.allow_modules),
            ("lend", &self.lend),
            ("mandatory", &self.mandatory),
        ] {
            for (at, text) in list.iter().flatten().enumerate() {
                not_empty(
                    &format!("{key}[{at}]"),
                    text.trim().is_empty(),
                    "remove the entry",
                )?;
            }
        }
        for pattern in self.levels_by_event.keys() {
            let remedy = "name an event or a pattern, such as `order.*`";
            not_empty("levels_by_event", pattern.is_empty(), remedy)?;
        }
        Ok(())
    }

    /// What can be known before the builder has added its own.
    fn streams_and_routes(&self) -> Result<()> {
        let otherwise = self.max_size_mb.unwrap_or(limits::MAX_SIZE_MB.default);
        for (at, stream) in self.streams.iter().enumerate() {
            let of_stream = |error: Error| Error::config(format!("`streams[{at}]`: {error}"));
            stream.check().map_err(of_stream)?;
            let megabytes = stream.max_size_mb.unwrap_or(otherwise);
            size_against_segment(stream.keep_bytes, megabytes).map_err(of_stream)?;
        }
        for (at, rule) in self.routes.iter().enumerate() {
            rule.read()
                .map_err(|fault| Error::config(format!("`routes[{at}]` {fault}")))?;
        }
        Ok(())
    }
}

/// The newest segment is never removed, so a total below one segment could not be kept.
fn size_against_segment(keep_bytes: Option<u64>, megabytes: u64) -> Result<()> {
    let segment = megabytes.saturating_mul(1 << 20);
    match keep_bytes {
        Some(keep) if keep != 0 && keep < segment => Err(Error::config(format!(
            "`keep_bytes` is {keep}, less than one segment of {segment} bytes (`max_size_mb` {megabytes}); allow \
             at least one segment, make segments smaller, or use 0 for no limit by size"
        ))),
        _ => Ok(()),
    }
}

fn call_stacks(stacks: &CallStacks) -> Result<()> {
    stacks.check()?;
    for (at, target) in stacks.targets().0.iter().enumerate() {
        let key = format!("call_stacks.targets[{at}]");
        not_empty(&key, target.trim().is_empty(), "remove the entry")?;
    }
    for (at, root) in stacks.roots().iter().enumerate() {
        let key = format!("call_stacks.of[{at}]");
        not_empty(&key, root.as_str().is_empty(), "remove the entry")?;
    }
    Ok(())
}

fn not_empty(key: &str, empty: bool, remedy: &str) -> Result<()> {
    if empty {
        return Err(Error::config(format!("`{key}` holds an empty text; {remedy}")));
    }
    Ok(())
}

fn mode_rule(at: usize, rule: &ModeRule) -> Result<()> {
    let fault = match rule {
        ModeRule { mode: None, .. } => "has no `mode`; add one of durable, bounded, lossy",
        ModeRule {
            event: None,
            category: None,
            ..
        } => "says neither `event` nor `category`; add one, or set `mode` beside `modes` for all records",
        ModeRule {
            event: Some(_),
            category: Some(_),
            ..
        } => "says both `event` and `category`; write two rules, the first that fits decides",
        ModeRule {
            event: Some(pattern), ..
        }
        | ModeRule {
            category: Some(pattern),
            ..
        } if pattern.is_empty() => {
            "has an empty pattern; name an event or a category, `*` stands for any number of characters"
        }
        _ => return Ok(()),
    };
    Err(Error::config(format!("`modes[{at}]` {fault}")))
}
