//! The journal's seal, as a trail has it: the settings, receipts with leaves, heads beside the writing and at the end.

#[cfg(feature = "config")]
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::builder::AuditBuilder;
use super::control;
use super::writer::{Phase, Writer};
use crate::error::{Error, Result};
use crate::format::SigningKey;
use crate::record::{Map, Value};
use crate::sink::FileSink;
use crate::sink::file::FileSinkBuilder;
use crate::stats::add;

/// Silence is sealed too: so long after the last record.
const HEARTBEAT: Duration = Duration::from_secs(3_600);

/// The application's call for each checkpoint.
type OnCheckpoint = Arc<dyn Fn(&str) + Send + Sync>;

/// What the builder was told of the seal.
#[derive(Clone, Default)]
pub(super) struct Seal {
    is_on: Option<bool>,
    pub(super) signing: Option<SigningKey>,
    pub(super) retiring: Option<SigningKey>,
    hook: Option<OnCheckpoint>,
    heartbeat: Option<Duration>,
}

impl Seal {
    fn is_on(&self) -> bool {
        self.is_on.unwrap_or(true)
    }

    fn heartbeat(&self) -> Duration {
        self.heartbeat.unwrap_or(HEARTBEAT)
    }

    /// Takes what a configuration says wherever the builder was not told otherwise.
    #[cfg(feature = "config")]
    pub(super) fn configure(&mut self, config: &crate::config::Seal) -> Result<()> {
        let key = |file: &Option<PathBuf>, variable: &Option<String>| match (file, variable) {
            (Some(file), _) => SigningKey::from_file(file).map(Some),
            (None, Some(variable)) => SigningKey::from_env(variable).map(Some),
            (None, None) => Ok(None),
        };
        self.is_on = self.is_on.or(config.enabled);
        self.heartbeat = self.heartbeat.or(config.heartbeat_s.map(Duration::from_secs));
        if self.signing.is_none() {
            self.signing = key(&config.key_file, &config.key_env)?;
            self.retiring = key(&config.retiring_key_file, &config.retiring_key_env)?;
        }
        Ok(())
    }
}

impl AuditBuilder {
    /// Whether the journal is sealed: a Merkle tree over its lines, its tiles, and checkpoints
    /// ([`guide::format`](crate::guide::format)). Default: yes. A stream that was sealed once and is not any more removes no
    /// segment until it is sealed again, and says so where one is due: no checkpoint would cover the record of it.
    pub fn sealed(mut self, is_sealed: bool) -> Self {
        self.seal.is_on = Some(is_sealed);
        self
    }

    /// The key that signs checkpoints. Default: none; then whoever can write to the directory can also write another
    /// history, and `tracing-audit verify` says so.
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.seal.signing = Some(key);
        self
    }

    /// The key that signed until now, where [`Self::signing_key`] takes over from it. It signs once more, together with the
    /// new one, and may be forgotten when the trail has started and been sealed.
    pub fn retiring_key(mut self, key: SigningKey) -> Self {
        self.seal.retiring = Some(key);
        self
    }

    /// Called with each checkpoint that was written, about once a second while records arrive: to keep it where nobody who
    /// can write to this directory can reach. Its text is the signed note, or where there is no key the checkpoint's three
    /// lines; of a trail with several streams, the first line says of which. It runs on the thread that seals; what it costs delays the next checkpoint and nothing else.
    pub fn on_checkpoint(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.seal.hook = Some(Arc::new(hook));
        self
    }

    /// After how long without a record an `audit.heartbeat` is written, so that silence is sealed as well. Default: an
    /// hour; zero turns it off.
    pub fn heartbeat(mut self, after: Duration) -> Self {
        self.seal.heartbeat = Some(after);
        self
    }

    pub(super) fn check_seal(&self) -> Result<()> {
        let Seal {
            signing, retiring, ..
        } = &self.seal;
        if signing.is_some() && !(self.seal.is_on() && self.has_journal) {
            return Err(Error::config(
                "a signing key is given, and nothing is sealed; leave `sealed(false)` or `without_journal` out, or the key",
            ));
        }
        if signing.is_none() && retiring.is_some() {
            return Err(Error::config(
                "a retiring key is given, and no signing key that takes over from it; give the one that signs from now on",
            ));
        }
        Ok(())
    }

    pub(super) fn seal_file(&self, file: FileSinkBuilder) -> FileSinkBuilder {
        let Seal {
            is_on,
            signing,
            retiring,
            hook,
            ..
        } = self.seal.clone();
        let file = file.sealed(is_on.unwrap_or(true));
        let file = signing.into_iter().fold(file, FileSinkBuilder::signing_key);
        let file = retiring.into_iter().fold(file, FileSinkBuilder::retiring_key);
        hook.into_iter()
            .fold(file, |file, hook| file.on_checkpoint(move |text| hook(text)))
    }

    /// What `audit.open` states.
    pub(super) fn seal_in_effect(&self, into: &mut Map) {
        let kind = match (self.seal.is_on(), &self.seal.signing) {
            (false, _) => "off",
            (true, None) => "unsigned",
            (true, Some(_)) => "signed",
        };
        into.insert("seal".to_owned(), kind.into());
        if let Some(key) = &self.seal.signing {
            into.insert("signed_by".to_owned(), key.verifier().to_string().into());
        }
        let seconds = self.seal.heartbeat().as_secs();
        into.insert("heartbeat_s".to_owned(), Value::from(seconds));
    }

    pub(super) fn heartbeat_ns(&self) -> u64 {
        u64::try_from(self.seal.heartbeat().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Writer {
    /// The records that somebody waits for get the hashes of their lines, which the journal has just taken.
    pub(super) fn take_leaves(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        for (_, place) in self
            .state
            .waiting
            .iter_mut()
            .filter(|(_, place)| place.leaf.is_none())
        {
            place.leaf = journal.leaf(place.seq);
        }
    }

    /// Lets the journal publish a head, and tells what it did.
    pub(super) fn seal_behind(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.seal_behind();
            self.sealed();
            self.remove_stated();
        }
    }

    /// The trail ends, perhaps with the process: what is on disk is sealed before anybody is told so.
    pub(super) fn seal_end(&mut self) {
        let is_due = self.state.phase == Phase::Resting && !self.state.is_dirty && self.batch.is_empty();
        let Some(journal) = self.journal.as_mut().filter(|_| is_due) else {
            return;
        };
        if let Err(error) = journal.seal() {
            (self.report)(&format!(
                "the end of the audit trail could not be sealed: {error}"
            ));
        }
        self.sealed();
    }

    /// Passes on what the journal knows of its seal.
    pub(super) fn sealed(&mut self) {
        let counters = &self.inbox.counters;
        if let Some(size) = self.journal.as_ref().and_then(FileSink::sealed) {
            counters.sealed.store(size, Ordering::Release);
        }
        if self.state.phase == Phase::Open {
            self.tell_file_events();
        }
    }

    /// A record that says that nothing happened, once nothing has for so long.
    pub(super) fn beat(&mut self, now: u64) {
        let is_due = self.heartbeat > 0 && now.saturating_sub(self.observed_at) >= self.heartbeat;
        if is_due && self.state.phase == Phase::Open && self.journal.is_some() {
            let record = control::heartbeat(self.observed_at);
            self.control(&record);
            add(&self.inbox.counters.heartbeats, 1);
        }
    }
}
