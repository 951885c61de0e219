//! Several streams, as a trail is told of them and as its handle names them.

use std::path::Path;
use std::sync::Arc;

use super::builder::AuditBuilder;
use super::commands::Command;
use super::failure::{self, OnFailure};
use super::handle::{Audit, Inner};
use super::ports::Report;
use super::routes::Routes;
use super::start::Checked;
use super::stream::Stream;
use crate::config::{self, Glob, Selection, check_streams};
use crate::error::Result;
use crate::record::{Map, Value};
use crate::sink::file::{Cleaned, Rotated};
use crate::stats::Stats;

impl AuditBuilder {
    /// A stream beside the main one, with a retention of its own; say by [`stream_of_event`](Self::stream_of_event) and the
    /// like which records go there. It is whole by itself: a directory beside the main one's, with its own segments, numbers,
    /// seal, cursors and requests, which can be verified, shipped and removed alone. Where its disk fails, the other streams
    /// go on. It costs a writer thread, a queue of the configured size, and a thread for each sink. Default: none.
    ///
    /// Whatever is configured for the trail holds for each stream; a sink is given the entries of all of them, those of one
    /// stream in their order. What the trail has to say of itself as a whole (pauses, steps of the clock, the room of the disk,
    /// losses of records that were never complete) stands in the main one. A stream that is configured no longer stays on disk
    /// as it is, and nothing in it is removed by age any more.
    ///
    /// ```no_run
    /// use tracing_audit::Audit;
    /// use tracing_audit::config::Stream;
    ///
    /// # fn main() -> tracing_audit::Result<()> {
    /// let audit = Audit::builder()
    ///     .keep_days(3650)
    ///     .stream_beside(Stream::named("personal").keep_days(90))
    ///     .stream_of_category("security", "main") // the first rule that fits decides
    ///     .stream_of_pii("personal")
    ///     .start()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream_beside(mut self, stream: config::Stream) -> Self {
        self.streams.push(stream);
        self
    }

    /// The stream of events whose name fits a pattern (`*` stands for any text). Of all rules about streams the first that
    /// fits decides; what none fits goes to the main stream.
    pub fn stream_of_event(self, pattern: impl Into<Glob>, stream: impl Into<String>) -> Self {
        self.route(Selection::Event(pattern.into()), stream)
    }

    /// The stream of records whose category fits a pattern: the category that was given, else what stands before the last
    /// dot of the event's name.
    pub fn stream_of_category(self, pattern: impl Into<Glob>, stream: impl Into<String>) -> Self {
        self.route(Selection::Category(pattern.into()), stream)
    }

    /// The stream of records with personal data: declared (`pii.contains`, `pii.categories`), or seen by redaction, also
    /// where the caller declared none.
    pub fn stream_of_pii(self, stream: impl Into<String>) -> Self {
        self.route(Selection::Pii, stream)
    }

    /// The stream of records with a kind of personal data that fits a pattern: declared in `pii.categories`, or seen by
    /// redaction.
    pub fn stream_of_pii_category(self, pattern: impl Into<Glob>, stream: impl Into<String>) -> Self {
        self.route(Selection::PiiCategory(pattern.into()), stream)
    }

    fn route(mut self, selection: Selection, stream: impl Into<String>) -> Self {
        self.routes.push((selection, stream.into()));
        self
    }

    /// The settings of each stream, the main one first, and the rules between them.
    pub(super) fn check_streams(&self, main: &Checked) -> Result<(Vec<Checked>, Arc<Routes>)> {
        let numbers = check_streams(&main.stream, &self.streams, &self.routes)?;
        let rules = self.routes.iter().map(|(selection, _)| selection.clone());
        let routes = Routes::new(rules.zip(numbers).collect());
        let beside = self.streams.iter().map(|stream| Checked {
            stream: stream.name.clone(),
            max_size_mb: stream.max_size_mb.unwrap_or(main.max_size_mb),
            keep_days: stream.keep_days.unwrap_or(main.keep_days),
            keep_bytes: stream.keep_bytes.unwrap_or(main.keep_bytes),
            keep_segments: stream.keep_segments.unwrap_or(main.keep_segments),
            ..main.clone()
        });
        let each = std::iter::once(main.clone()).chain(beside).collect();
        Ok((each, Arc::new(routes)))
    }

    /// Takes a stream's sentences for people: with its name, where there are several.
    pub(super) fn report_of(&self, stream: &str, report: &Report) -> Report {
        let (report, stream) = (Arc::clone(report), stream.to_owned());
        if self.streams.is_empty() {
            return report;
        }
        Arc::new(move |sentence: &str| report(&format!("stream `{stream}`: {sentence}")))
    }

    /// The same for its failures.
    pub(super) fn failure_of(&self, stream: &str) -> Option<OnFailure> {
        let told = self.on_failure.clone();
        if self.streams.is_empty() {
            return told;
        }
        failure::of_stream(told, stream)
    }

    /// What `audit.open` states of them, in each stream.
    pub(super) fn streams_in_effect(&self, into: &mut Map) {
        if self.streams.is_empty() {
            return;
        }
        let names = self
            .streams
            .iter()
            .map(|stream| Value::from(stream.name.as_str()));
        let rules = self.routes.iter().map(|(selection, stream)| {
            Value::Map(Map::from([
                ("of".to_owned(), Value::from(selection.to_string())),
                ("stream".to_owned(), Value::from(stream.as_str())),
            ]))
        });
        into.insert("streams_beside".to_owned(), Value::List(names.collect()));
        into.insert("routes".to_owned(), Value::List(rules.collect()));
    }

    #[cfg(test)]
    pub(super) fn file_system_for(&self, stream: &str) -> Option<&crate::sink::file::memfs::MemFs> {
        let own = self.file_systems.iter().find(|(name, _)| name == stream);
        own.map(|(_, fs)| fs).or(self.file_system.as_ref())
    }
}

/// One stream of a running trail: see [`Audit::streams`].
#[derive(Debug, Clone, Copy)]
pub struct AuditStream<'a> {
    inner: &'a Inner,
    stream: &'a Stream,
}

impl Audit {
    /// The trail's streams, the main one first; none where the trail is off.
    #[must_use]
    pub fn streams(&self) -> Vec<AuditStream<'_>> {
        let Some(inner) = self.inner() else {
            return Vec::new();
        };
        let streams = inner.streams.iter();
        streams.map(|stream| AuditStream { inner, stream }).collect()
    }
}

impl<'a> AuditStream<'a> {
    /// The name that it was configured with.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.stream.name
    }

    /// Its id, as its lines and receipts state it.
    #[must_use]
    pub fn id(&self) -> &'a str {
        &self.stream.id
    }

    /// Its directory; `None` without a journal.
    #[must_use]
    pub fn path(&self) -> Option<&'a Path> {
        self.stream.path.as_deref()
    }

    /// What became of the records that went to this stream. What was refused or lost before anybody knew its stream is the
    /// main one's.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stream.stats()
    }

    /// As [`Audit::rotate`], for this stream alone.
    ///
    /// # Errors
    ///
    /// As [`Audit::rotate`].
    pub fn rotate(&self) -> Result<Rotated> {
        self.inner.may_ask()?;
        self.stream.request(Command::Rotate)
    }

    /// As [`Audit::cleanup`], for this stream alone.
    ///
    /// # Errors
    ///
    /// As [`Audit::cleanup`].
    pub fn cleanup(&self) -> Result<Cleaned> {
        self.inner.may_ask()?;
        self.stream.request(Command::Cleanup)
    }
}
