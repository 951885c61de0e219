//! The builder: every setting with its default, checked before anything is created.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::failure::{Failure, OnFailure};
use super::follower::Given;
use super::inbox::Patience;
use super::ports::Report;
use crate::capture::Ids;
use crate::clock::Clock;
use crate::config::{CallStacks, Family, Glob, IdKind, Mode, Selection, Stream};
use crate::record::Level;
use crate::redact::Policy;
use crate::sink::file::Unshipped;
use crate::sink::{MemorySink, Sink};

/// Sets a trail up. Made by [`Audit::builder`](super::Audit::builder), ended by [`AuditBuilder::start`].
#[must_use = "a builder does nothing until `start` is called"]
pub struct AuditBuilder {
    pub(super) enabled: Option<bool>,
    pub(super) directory: Option<PathBuf>,
    pub(super) has_journal: bool,
    pub(super) stream: Option<String>,
    pub(super) streams: Vec<Stream>,
    pub(super) routes: Vec<(Selection, String)>,
    pub(super) service: Option<String>,
    pub(super) host: Option<String>,
    pub(super) queue_records: Option<u64>,
    pub(super) queue_bytes: Option<u64>,
    pub(super) max_size_mb: Option<u64>,
    pub(super) keep_days: Option<u64>,
    pub(super) keep_bytes: Option<u64>,
    pub(super) keep_segments: Option<u64>,
    pub(super) unshipped: Option<Unshipped>,
    pub(super) file_mode: Option<u32>,
    pub(super) file_group: Option<u32>,
    pub(super) commit_interval: Option<Duration>,
    pub(super) guard_timeout: Option<Duration>,
    pub(super) patience: Patience,
    pub(super) mode: Option<Mode>,
    pub(super) modes: Vec<(Glob, bool, Mode)>,
    pub(super) mandatory: Vec<Glob>,
    pub(super) families: Vec<(Family, Level)>,
    pub(super) floors: Vec<(Glob, Level)>,
    pub(super) targets: Option<Vec<String>>,
    pub(super) allow_modules: Option<Vec<String>>,
    pub(super) allow_log: Option<bool>,
    pub(super) lend: Option<Vec<String>>,
    pub(super) require_actor: Option<bool>,
    pub(super) callsite: bool,
    pub(super) policy: Option<Policy>,
    pub(super) call_stacks: Option<CallStacks>,
    pub(super) ids: Ids,
    pub(super) id_kind: Option<IdKind>,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) sinks: Vec<Given>,
    /// For tests: erasable values leave their commitments, and are kept nowhere.
    pub(super) forgets_erasable: bool,
    pub(super) diagnostics: Option<Report>,
    pub(super) seal: super::seal::Seal,
    pub(super) on_failure: Option<OnFailure>,
    pub(super) disk_warn_percent: Option<u64>,
    pub(super) disk_critical_percent: Option<u64>,
    #[cfg(test)]
    pub(super) file_system: Option<crate::sink::file::memfs::MemFs>,
    /// Of streams that have one of their own.
    #[cfg(test)]
    pub(super) file_systems: Vec<(String, crate::sink::file::memfs::MemFs)>,
}

impl Default for AuditBuilder {
    fn default() -> Self {
        Self {
            enabled: None,
            directory: None,
            has_journal: true,
            stream: None,
            streams: Vec::new(),
            routes: Vec::new(),
            service: None,
            host: None,
            queue_records: None,
            queue_bytes: None,
            max_size_mb: None,
            keep_days: None,
            keep_bytes: None,
            keep_segments: None,
            unshipped: None,
            file_mode: None,
            file_group: None,
            commit_interval: None,
            guard_timeout: None,
            patience: Patience {
                room: Duration::from_secs(1),
                commit: Duration::from_secs(30),
            },
            mode: None,
            modes: Vec::new(),
            mandatory: Vec::new(),
            families: Vec::new(),
            floors: Vec::new(),
            targets: None,
            allow_modules: None,
            allow_log: None,
            lend: None,
            require_actor: None,
            callsite: false,
            policy: None,
            call_stacks: None,
            ids: Ids::default(),
            id_kind: None,
            clock: None,
            sinks: Vec::new(),
            forgets_erasable: false,
            diagnostics: None,
            seal: super::seal::Seal::default(),
            on_failure: None,
            disk_warn_percent: None,
            disk_critical_percent: None,
            #[cfg(test)]
            file_system: None,
            #[cfg(test)]
            file_systems: Vec::new(),
        }
    }
}

impl std::fmt::Debug for AuditBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditBuilder")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

impl AuditBuilder {
    /// Whether anything is recorded. Where false, no file and no thread is created. Default: true.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    /// The directory of the journal. Default: `./audit`.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// No journal: records go only to the sinks, and `durable` means delivered to each of them.
    pub fn without_journal(mut self) -> Self {
        self.has_journal = false;
        self
    }

    /// The name of the main stream, which is also its directory in the journal. Default: `main`. There can be
    /// [others beside it](Self::stream_beside).
    pub fn stream(mut self, name: impl Into<String>) -> Self {
        self.stream = Some(name.into());
        self
    }

    /// The service's name, in every line. Default: the name of the executable.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = Some(name.into());
        self
    }

    /// The host's name, in every line. Default: the system's, where it is known.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.host = Some(name.into());
        self
    }

    /// How many records may wait for the writer. Default: 8,192.
    pub fn queue_records(mut self, records: u64) -> Self {
        self.queue_records = Some(records);
        self
    }

    /// How many bytes waiting records may hold. Default: 16 MiB.
    pub fn queue_bytes(mut self, bytes: u64) -> Self {
        self.queue_bytes = Some(bytes);
        self
    }

    /// The size in mebibytes at which a segment is closed. Default: 64.
    pub fn max_size_mb(mut self, mebibytes: u64) -> Self {
        self.max_size_mb = Some(mebibytes);
        self
    }

    /// The age in days at which a closed segment is removed; 0 = never. Default: 30.
    pub fn keep_days(mut self, days: u64) -> Self {
        self.keep_days = Some(days);
        self
    }

    /// The total size in bytes above which the oldest closed segments are removed; 0 = no limit, the default.
    pub fn keep_bytes(mut self, bytes: u64) -> Self {
        self.keep_bytes = Some(bytes);
        self
    }

    /// The number of segments above which the oldest closed ones are removed; 0 = no limit, the default.
    pub fn keep_segments(mut self, segments: u64) -> Self {
        self.keep_segments = Some(segments);
        self
    }

    /// The permissions of the journal's files, such as `0o640`. Default: `0o600`; no effect on Windows.
    pub fn file_mode(mut self, mode: u32) -> Self {
        self.file_mode = Some(mode);
        self
    }

    /// The group of the journal's files, by number. Default: the process's; no effect on Windows.
    pub fn file_group(mut self, group: u32) -> Self {
        self.file_group = Some(group);
        self
    }

    /// How long a written record waits at most before the fdatasync begins that makes it durable. Default: 50 ms.
    pub fn commit_interval(mut self, interval: Duration) -> Self {
        self.commit_interval = Some(interval);
        self
    }

    /// Lets a trail without a journal start although its policy makes values erasable: for tests, which have no use for
    /// the values.
    pub(crate) fn forget_erasable(mut self) -> Self {
        self.forgets_erasable = true;
        self
    }

    /// How long a dropped [`Guard`](super::Guard) waits for the writer. Default: 5 s.
    pub fn guard_timeout(mut self, timeout: Duration) -> Self {
        self.guard_timeout = Some(timeout);
        self
    }

    /// How long a `bounded` caller waits for room in a full queue. Default: 1 s.
    pub fn room_timeout(mut self, timeout: Duration) -> Self {
        self.patience.room = timeout;
        self
    }

    /// How long a `durable` caller, and `emit`, wait for the disk. Default: 30 s.
    pub fn commit_timeout(mut self, timeout: Duration) -> Self {
        self.patience.commit = timeout;
        self
    }

    /// What happens to a record when the queue is full. Default: [`Mode::Bounded`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// The mode of events whose name fits a pattern (`*` stands for any text). The first rule that fits decides.
    pub fn mode_of_event(mut self, pattern: impl Into<Glob>, mode: Mode) -> Self {
        self.modes.push((pattern.into(), true, mode));
        self
    }

    /// The mode of records whose category fits a pattern. The first rule that fits decides.
    pub fn mode_of_category(mut self, pattern: impl Into<Glob>, mode: Mode) -> Self {
        self.modes.push((pattern.into(), false, mode));
        self
    }

    /// Makes the records mandatory whose event name or category fits a pattern, such as `billing.*`: they are written in
    /// [`Mode::Durable`], whatever the other rules say, no floor and no pause leaves them out, and a span among them has a
    /// durable start record before its body runs. Only [`Audit::begin`](super::Audit::begin) can keep an action from being
    /// done where its record cannot be written: a macro has no way to answer. Default: none.
    pub fn mandatory(mut self, pattern: impl Into<Glob>) -> Self {
        self.mandatory.push(pattern.into());
        self
    }

    /// The level floor of a family of events. Default: none.
    pub fn family_floor(mut self, family: Family, level: Level) -> Self {
        self.families.push((family, level));
        self
    }

    /// The level floor of events whose name fits a pattern. Security events and control records have none.
    pub fn event_floor(mut self, pattern: impl Into<Glob>, level: Level) -> Self {
        self.floors.push((pattern.into(), level));
        self
    }

    /// A target that marks audit spans and events, beside `audit` and `audit::…`.
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.targets.get_or_insert_default().push(target.into());
        self
    }

    /// A module (with all below it) that may write to the trail; once one is named, others may not. A guard against
    /// accident, not a security boundary. Default: every module may, and [`Audit::check`](super::Audit::check) says so.
    pub fn allow_module(mut self, module: impl Into<String>) -> Self {
        self.allow_modules.get_or_insert_default().push(module.into());
        self
    }

    /// Whether `log` records with an audit target count. Default: false.
    pub fn allow_log(mut self, allow: bool) -> Self {
        self.allow_log = Some(allow);
        self
    }

    /// A field that ordinary spans hand to the records inside them.
    pub fn lend(mut self, field: impl Into<String>) -> Self {
        self.lend.get_or_insert_default().push(field.into());
        self
    }

    /// Whether a record without an actor is refused. Default: false: it is written with the actor `unknown`.
    pub fn require_actor(mut self, require: bool) -> Self {
        self.require_actor = Some(require);
        self
    }

    /// Whether file, line, module and target of the callsite stand in each record. Default: false.
    pub fn callsite(mut self, callsite: bool) -> Self {
        self.callsite = callsite;
        self
    }

    /// What redaction does. Default: [`Policy::balanced`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Gathers the spans inside an outermost audit span as the tree of steps that its record states in `call_stack`: see
    /// [`CallStacks`]. Default: off, and then it costs nothing.
    pub fn call_stacks(mut self, stacks: CallStacks) -> Self {
        self.call_stacks = Some(stacks);
        self
    }

    /// Where trace ids come from. Default: [`Ids::Own`].
    pub fn ids(mut self, ids: Ids) -> Self {
        self.ids = ids;
        self
    }

    /// Which kind of UUID a record is given as its id, where its caller gave none. Default: [`IdKind::V7`], which sorts
    /// by the record's time; [`IdKind::V4`] where an id must not tell when something happened.
    pub fn id_kind(mut self, kind: IdKind) -> Self {
        self.id_kind = Some(kind);
        self
    }

    /// The clock. Default: the system's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// A sink beside the journal, or instead of it. Each runs on a thread of its own; see [`Sink`] for its duties.
    ///
    /// Beside a journal it *follows*: it is given what stands there, from where it was when the last trail in this
    /// directory ended, however that ended; a sink that is new there begins at the oldest record that is kept. A slow one
    /// lags, and loses nothing. How far it is stands in `cursors/<name>`, so its [`name`](Sink::name) must be a file's, and
    /// no other sink's. A sink that has nothing to [resume](Sink::resumes) begins with what is written from now on.
    pub fn sink(mut self, sink: impl Sink + 'static) -> Self {
        self.sinks.push(Given {
            sink: Box::new(sink),
            from_now: false,
        });
        self
    }

    /// As [`sink`](Self::sink); but where the sink is new to the directory, it begins with what is written from now on
    /// and is not given what stands there already.
    pub fn sink_from_now(mut self, sink: impl Sink + 'static) -> Self {
        self.sinks.push(Given {
            sink: Box::new(sink),
            from_now: true,
        });
        self
    }

    /// What retention does with segments that a sink has not passed. Default: [`Unshipped::Keep`]: they stay, beyond
    /// every limit.
    pub fn unshipped(mut self, unshipped: Unshipped) -> Self {
        self.unshipped = Some(unshipped);
        self
    }

    /// A memory sink, without a journal: for tests.
    pub fn memory(self, sink: &MemorySink) -> Self {
        self.without_journal().sink(sink.clone())
    }

    /// Where the journal's files are, for tests of failures.
    #[cfg(test)]
    pub(super) fn file_system(mut self, fs: &crate::sink::file::memfs::MemFs) -> Self {
        self.file_system = Some(fs.clone());
        self
    }

    /// Where the files of one stream are, if not there.
    #[cfg(test)]
    pub(super) fn file_system_of(mut self, stream: &str, fs: &crate::sink::file::memfs::MemFs) -> Self {
        self.file_systems.push((stream.to_owned(), fs.clone()));
        self
    }

    /// Takes the sentences that people should know: a journal that cannot be written, a sink that failed. They never
    /// travel through `tracing`. Default: standard error, each different sentence once in a row.
    pub fn diagnostics(mut self, report: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.diagnostics = Some(Arc::new(report));
        self
    }

    /// Takes failures of auditing itself, at once, as something that a program can act on: a journal that cannot be written or
    /// confirmed, records that were lost, a disk that fills up, a sink beside the journal that takes nothing; and the end of those
    /// that have one. What they say goes to the diagnostics as well, but for losses, which the trail states itself, and for a first
    /// threshold that was passed before the start.
    ///
    /// It runs on the writer's thread, which is idle for no longer than 50 ms and looks at the disk once a second: it must
    /// return soon, and it cannot wait for the trail. While a call to the operating system hangs, nothing is told. A panic in it
    /// is caught. Default: none.
    pub fn on_failure(mut self, told: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        self.on_failure = Some(Arc::new(told));
        self
    }

    /// How full the journal's file system may be, in percent of what this process could use, before the trail says so, by
    /// `audit.degraded` and [`on_failure`](Self::on_failure); 0 = never. Where it is fuller at the start already, `audit.open`
    /// states `disk_used_percent` instead. Default: 75.
    pub fn disk_warn_percent(mut self, percent: u64) -> Self {
        self.disk_warn_percent = Some(percent);
        self
    }

    /// The same for the second threshold, behind which records will soon wait in memory. Default: 90.
    pub fn disk_critical_percent(mut self, percent: u64) -> Self {
        self.disk_critical_percent = Some(percent);
        self
    }
}
