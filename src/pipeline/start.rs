//! Starting a trail: settings are checked, the journal is opened, threads begin.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::Mutex;

use super::builder::AuditBuilder;
use super::effective::Effective;
use super::follower::{self, Follower};
use super::handle::{Audit, Inner};
use super::inbox::Inbox;
use super::ports::{Port, Report};
use super::routes::{Router, Routes};
use super::shared_sink;
use super::space_watch::Thresholds;
use super::stream::Stream;
use super::streams::Streams;
use super::writer::{self, Writer};
use crate::capture::{Capture, Outlet, Settings};
use crate::clock::SharedClock;
use crate::config::{CallStacks, Floors, Modes, limits};
use crate::error::{Error, Result};
use crate::format::{self, LineWriter};
use crate::queue::Credit;
use crate::record::make_names;
use crate::redact::{Action, Policy, make_tables};
use crate::sink::FileSink;

impl AuditBuilder {
    /// Checks every setting, opens the journal and starts the writer.
    ///
    /// # Errors
    ///
    /// `Config` for a value out of range or a set-up that cannot work, `Locked` where another process writes to the
    /// directory, `Io` where the directory cannot be used. Each names the value, the place and the remedy.
    pub fn start(self) -> Result<Audit> {
        if self.enabled == Some(false) {
            return Ok(Audit::disabled());
        }
        let checked = self.check()?;
        let (each, routes) = self.check_streams(&checked)?;
        let report = once_in_a_row(self.diagnostics.clone());
        let clock = self.clock.clone();
        let clock = clock.map_or(SharedClock::System, SharedClock::Custom);
        // Before any thread of ours could be about to make them while the process forks.
        make_tables();
        format::make_tables();
        make_names();
        clock.monotonic();
        let journals = each.iter().map(|stream| self.open_journal(stream));
        let journals = journals.collect::<Result<Vec<_>>>()?;
        let effective: Vec<Effective> = each.iter().map(|stream| self.effective(stream)).collect();
        let main = Arc::new(Inbox::new(
            checked.capacity,
            clock.clone(),
            Arc::default(),
            self.patience,
            Arc::clone(&report),
        ));
        let beside: Vec<_> = each.iter().skip(1).map(|_| Arc::new(main.beside())).collect();
        let outlet: Arc<dyn Outlet> = if beside.is_empty() {
            Arc::clone(&main) as Arc<dyn Outlet>
        } else {
            let router = Router::new(Arc::clone(&main), beside.clone(), Arc::clone(&routes));
            Arc::new(router)
        };
        let counters = Arc::clone(&main.counters);
        let capture = Capture::new(self.settings(), self.ids.clone(), outlet, clock, counters);
        let opened = each.into_iter().zip(journals).zip(effective);
        let inboxes = std::iter::once(main).chain(beside);
        let opened = opened
            .zip(inboxes)
            .map(|(((checked, journal), effective), inbox)| Opened {
                report: self.report_of(&checked.stream, &report),
                checked,
                journal,
                effective,
                inbox,
            });
        let opened = opened.collect();
        let streams = self.start_streams(opened, routes)?;
        Ok(Audit::running(Inner {
            streams,
            capture: Arc::new(capture),
            guard_timeout: checked.guard_timeout,
            is_closed: AtomicBool::new(false),
            pausing: Mutex::new(()),
        }))
    }

    /// Starts the sinks and the writers: the sinks of all streams are ready before the first of them is given anything, and
    /// all sinks before the first writer.
    fn start_streams(mut self, opened: Vec<Opened>, routes: Arc<Routes>) -> Result<Streams> {
        let sinks = shared_sink::share(std::mem::take(&mut self.sinks), opened.len());
        let ready = opened.into_iter().zip(sinks).map(|(mut opened, sinks)| {
            let ready = follower::ready(sinks, opened.journal.as_mut(), &opened.report)?;
            Ok((opened, ready))
        });
        let ready = ready.collect::<Result<Vec<_>>>()?;
        let started = ready.into_iter().map(|(opened, ready): (Opened, _)| {
            let sinks = ready.start(&opened.report)?;
            Ok((opened, sinks))
        });
        let started = started.collect::<Result<Vec<_>>>()?;
        let mut streams = Vec::new();
        for (number, (opened, sinks)) in started.into_iter().enumerate() {
            streams.push(self.start_writer(number == 0, opened, sinks)?);
        }
        let beside = streams.split_off(1.min(streams.len()));
        let main = streams
            .pop()
            .ok_or_else(|| Error::config("a trail has a main stream"))?;
        Ok(Streams::new(main, beside, routes))
    }

    fn start_writer(
        &self,
        is_main: bool,
        opened: Opened,
        sinks: (Vec<Port>, Vec<Follower>),
    ) -> Result<Stream> {
        let Opened {
            report,
            checked,
            journal,
            effective,
            inbox,
        } = opened;
        let ports = sinks.0.iter().map(|port| &port.state);
        let followers = sinks.1.iter().map(|follower| &follower.state);
        let states: Vec<_> = ports.chain(followers).map(Arc::clone).collect();
        let id: Arc<str> = match &journal {
            Some(journal) => journal.stream_id().into(),
            None => unfiled_stream(&checked.stream).into(),
        };
        let path = journal.as_ref().map(|journal| journal.path().to_owned());
        let (commands, received) = crossbeam_channel::unbounded();
        // The disk is watched once, as the clock is.
        let thresholds = checked.thresholds.filter(is_main);
        let writer = Writer::new(
            Arc::clone(&inbox),
            received,
            LineWriter::new(&checked.service, &checked.host, Action::WORDS),
            journal,
            sinks,
            Arc::clone(&id),
            checked.commit_interval,
            effective,
            self.id_kind.unwrap_or_default(),
            checked.heartbeat,
            report,
            (thresholds, self.failure_of(&checked.stream), is_main),
            self.policy.clone().unwrap_or_default(),
        );
        writer::spawn("audit-writer", move || writer.run())?;
        Ok(Stream {
            name: checked.stream,
            id,
            path,
            inbox,
            commands,
            told: Mutex::new(vec![(0, 0); states.len()]),
            sinks: states,
        })
    }

    fn check(&self) -> Result<Checked> {
        if !self.has_journal && self.sinks.is_empty() {
            return Err(Error::config(
                "a trail without a journal needs a sink; add `.sink(…)`, or leave `without_journal` out",
            ));
        }
        if self.has_journal {
            follower::check(&self.sinks)?;
        }
        let of = |limit: &limits::Limit, value: Option<u64>| limit.check(value.unwrap_or(limit.default));
        let millis = |duration: Option<Duration>| {
            duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
        };
        self.check_names()?;
        self.policy.as_ref().map_or(Ok(()), Policy::check)?;
        self.check_erasable()?;
        self.check_seal()?;
        self.call_stacks.as_ref().map_or(Ok(()), CallStacks::check)?;
        let keep_days = match self.keep_days {
            Some(days) => Some(days),
            None => crate::config::retention_days(|name| std::env::var_os(name))?,
        };
        Ok(Checked {
            heartbeat: self.heartbeat_ns(),
            capacity: Credit {
                records: of(&limits::QUEUE_RECORDS, self.queue_records)?,
                bytes: of(&limits::QUEUE_BYTES, self.queue_bytes)?,
            },
            max_size_mb: of(&limits::MAX_SIZE_MB, self.max_size_mb)?,
            keep_days: of(&limits::KEEP_DAYS, keep_days)?,
            keep_bytes: of(&limits::KEEP_BYTES, self.keep_bytes)?,
            keep_segments: of(&limits::KEEP_SEGMENTS, self.keep_segments)?,
            commit_interval: Duration::from_millis(of(
                &limits::COMMIT_INTERVAL_MS,
                millis(self.commit_interval),
            )?),
            thresholds: thresholds(
                of(&limits::DISK_WARN_PERCENT, self.disk_warn_percent)?,
                of(&limits::DISK_CRITICAL_PERCENT, self.disk_critical_percent)?,
            )?,
            guard_timeout: Duration::from_millis(of(&limits::GUARD_TIMEOUT_MS, millis(self.guard_timeout))?),
            stream: self.stream.clone().unwrap_or_else(|| "main".to_owned()),
            service: self.service.clone().unwrap_or_else(executable),
            host: self.host.clone().unwrap_or_else(hostname),
            directory: self.directory.clone().unwrap_or_else(|| PathBuf::from("./audit")),
        })
    }

    /// No list of names holds an empty one.
    fn check_names(&self) -> Result<()> {
        if self.mandatory.iter().any(|glob| glob.as_str().is_empty()) {
            return Err(Error::config("`mandatory` holds an empty pattern; leave it out"));
        }
        let lists = [
            ("target", &self.targets),
            ("allow_module", &self.allow_modules),
            ("lend", &self.lend),
        ];
        let has_empty = |names: &Option<Vec<String>>| names.iter().flatten().any(String::is_empty);
        match lists.iter().find(|(_, names)| has_empty(names)) {
            Some((name, _)) => Err(Error::config(format!(
                "`{name}` holds an empty name; leave it out"
            ))),
            None => Ok(()),
        }
    }

    /// Values that can be erased are kept beside the journal: without one, nobody could give them back.
    fn check_erasable(&self) -> Result<()> {
        let has_erasable = self.policy.as_ref().is_some_and(Policy::has_erasable);
        if has_erasable && !self.has_journal && !self.forgets_erasable {
            return Err(Error::config(
                "the policy makes values erasable, and a trail without a journal has no place for them; leave \
                 `without_journal` out, or have the policy drop, mark or hash these fields",
            ));
        }
        Ok(())
    }

    fn open_journal(&self, checked: &Checked) -> Result<Option<FileSink>> {
        if !self.has_journal {
            return Ok(None);
        }
        let mut file = FileSink::builder(&checked.directory)
            .stream(&checked.stream)
            .segment_bytes(checked.max_size_mb << 20)
            .keep_days(u32::try_from(checked.keep_days).unwrap_or(u32::MAX))
            .keep_bytes(checked.keep_bytes)
            .keep_segments(checked.keep_segments)
            .states_removal()
            .unshipped(self.unshipped.unwrap_or_default());
        if let Some(mode) = self.file_mode {
            file = file.mode(mode);
        }
        if let Some(group) = self.file_group {
            file = file.group(group);
        }
        if let Some(clock) = &self.clock {
            file = file.clock(Arc::clone(clock));
        }
        #[cfg(test)]
        if let Some(fs) = self.file_system_for(&checked.stream) {
            file = file.in_memory(fs);
        }
        self.seal_file(file).open().map(Some)
    }

    fn settings(&self) -> Settings {
        let mut modes = Modes::new(self.mode.unwrap_or_default());
        for (glob, is_event, mode) in &self.modes {
            modes = if *is_event {
                modes.event(glob.clone(), *mode)
            } else {
                modes.category(glob.clone(), *mode)
            };
        }
        for glob in &self.mandatory {
            modes = modes.mandatory(glob.clone());
        }
        let mut floors = Floors::new();
        for (family, level) in &self.families {
            floors = floors.family(*family, level.clone());
        }
        for (glob, level) in &self.floors {
            floors = floors.event(glob.clone(), level.clone());
        }
        Settings {
            targets: self.targets.clone().unwrap_or_default(),
            allow_modules: self.allow_modules.clone(),
            allow_log: self.allow_log.unwrap_or(false),
            lend: self.lend.clone().unwrap_or_default(),
            require_actor: self.require_actor.unwrap_or(false),
            callsite: self.callsite,
            floors,
            modes,
            policy: self.policy.clone().unwrap_or_default().afresh(),
            call_stacks: self.call_stacks.clone(),
        }
    }
}

/// A stream whose journal is open.
struct Opened {
    report: Report,
    checked: Checked,
    journal: Option<FileSink>,
    effective: Effective,
    inbox: Arc<Inbox>,
}

/// Settings that were found good, as one stream has them.
#[derive(Clone)]
pub(super) struct Checked {
    /// As [`Writer`] has it.
    pub(super) heartbeat: u64,
    pub(super) capacity: Credit,
    pub(super) max_size_mb: u64,
    pub(super) keep_days: u64,
    pub(super) keep_bytes: u64,
    pub(super) keep_segments: u64,
    pub(super) commit_interval: Duration,
    pub(super) guard_timeout: Duration,
    pub(super) thresholds: Thresholds,
    pub(super) stream: String,
    pub(super) service: String,
    pub(super) host: String,
    pub(super) directory: PathBuf,
}

fn thresholds(warn: u64, critical: u64) -> Result<Thresholds> {
    limits::disk_percents(warn, critical)?;
    Ok(Thresholds { warn, critical })
}

/// A stream id for a trail without a directory: new each time.
fn unfiled_stream(name: &str) -> String {
    format!("{name}-{:012x}", rand::random::<u64>() >> 16)
}

fn executable() -> String {
    let path = std::env::current_exe().ok();
    path.as_deref()
        .and_then(|path| path.file_stem())
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

/// The host's name without a system call of our own: the environment's, or what Linux shows as a file.
fn hostname() -> String {
    let from_file = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = std::env::var("HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty())
        .or_else(from_file);
    name.map_or_else(String::new, |name| name.trim().to_owned())
}

/// Passes sentences on, but the same one only once in a row.
fn once_in_a_row(given: Option<Report>) -> Report {
    let report = given.unwrap_or_else(|| Arc::new(|sentence: &str| eprintln!("tracing-audit: {sentence}")));
    let last = Mutex::new(String::new());
    Arc::new(move |sentence: &str| {
        let is_new = {
            let mut last = last.lock();
            let is_new = *last != sentence;
            if is_new {
                sentence.clone_into(&mut last);
            }
            is_new
        };
        if is_new {
            // The application's code, on the writer's thread: its panic must not end the trail.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| report(sentence)));
        }
    })
}
