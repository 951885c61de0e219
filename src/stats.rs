//! One counter for every fate of a record, each with the sentence that explains it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::shard::Sharded;

/// The kind of a counter: `sharded` are those that callers add to again and again.
macro_rules! kind {
    () => {
        AtomicU64
    };
    (sharded) => {
        Sharded
    };
}

macro_rules! counters {
    ($($name:ident $($kind:ident)? $unit:literal $doc:literal;)*) => {
        /// The live counters. Writers add; nobody resets.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            /// Not a count: how far the newest checkpoint reaches.
            pub(crate) sealed: AtomicU64,
            $(pub(crate) $name: kind!($($kind)?),)*
        }

        /// What became of every record so far: a snapshot.
        ///
        /// Every record that was submitted is in exactly one place. What configuration leaves out (`below_level`,
        /// `not_allowed`) is not submitted.
        ///
        /// ```text
        /// submitted() = taken + in_queue + rejected() + paused + lost() - lost_taken
        /// taken       = durable + unconfirmed + lost_taken + records that the writer holds or has just written
        /// ```
        ///
        /// The second line holds with a journal; its last term is 0 after a flush that answered `Ok`, and after the end.
        /// There a sink counts what it is given, of this run and of those before; `waiting` is how far it lags behind what
        /// the disk has confirmed. Without a journal, every sink has an account of its own, which counts control records as well; after a flush that
        /// was answered, and after the end, for each sink
        ///
        /// ```text
        /// taken + control = accepted + refused + missed + waiting
        /// ```
        ///
        /// A snapshot is not taken at one instant: while records are under way, its sums can be off by those.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Stats {
            $(#[doc = $doc] pub $name: u64,)*
            /// Records that wait in the queue now.
            pub in_queue: u64,
            /// Bytes of credit that waiting records hold now.
            pub queue_bytes: u64,
            /// Bytes that can still be written to the journal's file system, as the writer saw them within the last second; 0
            /// without a journal, and where the system does not tell.
            pub disk_free_bytes: u64,
            /// Bytes in use there.
            pub disk_used_bytes: u64,
            /// Pauses in effect now.
            pub pauses: u64,
            /// How many records of the stream, from its beginning on, the newest checkpoint covers; of several streams, the sum.
            pub sealed: u64,
            /// What each sink did, by name.
            pub sinks: Vec<SinkStats>,
            /// What each rule of redaction did, sorted by rule; only those that did something. The rule
            /// `pii.undeclared` counts records declared to be without personal data in which redaction saw some.
            pub redactions: Vec<RuleStats>,
        }

        impl Stats {
            /// Adds what another stream of the same trail counted. The disk is one.
            pub(crate) fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
                self.in_queue += other.in_queue;
                self.queue_bytes += other.queue_bytes;
                self.sealed += other.sealed;
                for (sink, other) in self.sinks.iter_mut().zip(&other.sinks) {
                    sink.add(other);
                }
            }
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> Stats {
                Stats {
                    $($name: self.$name.total(),)*
                    in_queue: 0,
                    queue_bytes: 0,
                    disk_free_bytes: 0,
                    disk_used_bytes: 0,
                    pauses: 0,
                    sealed: self.sealed.load(Ordering::Acquire),
                    sinks: Vec::new(),
                    redactions: Vec::new(),
                }
            }
        }

        /// Name, unit of the name, sentence and value of each counter.
        fn rows(stats: &Stats) -> Vec<(&'static str, &'static str, &'static str, u64)> {
            vec![$((stringify!($name), $unit, $doc, stats.$name),)*]
        }
    };
}

counters! {
    taken "records" "Records that the writer took from the queue and gave a place in the stream.";
    durable "records" "Taken records whose bytes the disk has confirmed (fdatasync).";
    control "records" "Control records (`audit.open`, `audit.gap`, …) that the writer added.";
    rejected_full "records" "Refused because the queue stayed full; the caller was told.";
    rejected_tripped "records" "Refused at once because an earlier wait expired and the writer has not moved since; the caller was told.";
    rejected_closed "records" "Refused because the trail was shut down; the caller was told.";
    rejected_policy "records" "Refused because the policy requires an actor and there was none, or because its time cannot be stated (behind 2262); the caller was told.";
    rejected_reentrant "records" "Refused because the call came from inside a value that was being recorded or from our own thread; the caller was told.";
    rejected_forked "records" "Refused because the process was forked and has no writer; the caller was told.";
    rejected_memory "records" "Refused because an allocation failed that the record needed; the caller was told.";
    lost_forked "records" "Lost through a layer in a forked child, which has no writer: a record in mode `durable`, or one that met a full queue. No gap record can follow, only this counter. What the child's own copy of the queue took is in `in_queue`, and nobody will write it.";
    lost_full "records" "Lost through a layer because the queue stayed full; counted in a gap record.";
    lost_tripped "records" "Lost through a layer at once because an earlier wait expired; counted in a gap record.";
    lost_policy "records" "Lost through a layer because the policy requires an actor; counted in a gap record.";
    lost_reentrant "records" "Lost through a layer because recording nested too deeply; counted in a gap record.";
    lost_memory "records" "Lost through a layer because an allocation failed that the record needed; counted in a gap record.";
    lost_write "records" "Still in the queue when the shutdown's time was up or the writer panicked, and never taken from it. A gap record counts them, if it could be written.";
    lost_taken "records" "Taken and given a place, but not written when the shutdown's time was up or the writer panicked; they are in `taken` as well. No gap record can follow.";
    unconfirmed "records" "Taken records that were written and that the disk did not confirm: they could not be repeated, or the shutdown's time was up. They may be in the file or not. Their callers were told.";
    lost_closed "records" "Reported through a layer after the shutdown: no gap record can follow, only this counter.";
    gap_recorded "records" "Lost records that a gap record accounts for, once the disk has confirmed it; without a journal, once it was handed to the sinks.";
    paused "records" "Left out because a pause covers them; whoever called `emit` or `submit` was told. The `audit.resume` record that ends the pause says how many.";
    below_level "records" "Left out because the level is below its family's floor.";
    not_allowed "records" "Left out because the module is not in `allow_modules`, or the report came from a thread of the trail's own.";
    missing_actor sharded "records" "Written with the actor `unknown`, because nobody was named.";
    trace_unavailable sharded "records" "Written without ids of a trace, and marked `trace_unavailable`, because the tracer's could not be known.";
    wrong_type sharded "fields" "Fields whose type their slot does not take; they went to `attributes`.";
    reserved_name "fields" "Fields with a reserved name; they went to `attributes`.";
    duplicate_name "fields" "Fields whose name occurs twice at a callsite; the later ones were renamed `name#2`.";
    redacted sharded "values" "Values, and parts of values, that redaction replaced, cut or dropped.";
    truncated "fields" "Values that were cut to fit.";
    panicked "fields" "Values whose `Debug` or `Display` panicked; a marker stands in their place.";
    too_deep "fields" "Fields of spans that were reported too deep inside the recording of another value; the span's record, or what inherits from it, is without them.";
    not_handed_down "records" "Records and spans that were written, or opened, without what the span that they stand in hands down, because an allocation failed for it; they name no actor but their own.";
    pool_empty "buffers" "Frames that needed a new buffer because the pool had none left.";
    large_frames "buffers" "Frames above the pooled size; their buffers are not kept.";
    clock_backwards "steps" "Times that the writer's clock went backwards; `observed_at` stood still.";
    disk_filled "crossings" "Times that the journal's file system became fuller than a threshold (`disk_warn_percent`, `disk_critical_percent`).";
    write_errors "errors" "Failed writes to the journal; the records were kept and written again.";
    heartbeats "records" "Control records `audit.heartbeat`, which say that nothing happened.";
    sync_errors "errors" "Failed fdatasyncs; final for their segment.";
}

/// What one rule of redaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleStats {
    /// The rule's id: `name.secret`, `token.github`, `email`, `strict.unlisted`, or that of a rule of the application's.
    pub rule: String,
    /// Values, and parts of values, that it replaced, cut or dropped.
    pub redactions: u64,
    /// Those that it would have, as part of a policy under trial.
    pub trial: u64,
}

/// What one sink did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStats {
    /// The sink's name.
    pub name: String,
    /// Entries that it accepted.
    pub accepted: u64,
    /// Entries that its receiver refused for good.
    pub refused: u64,
    /// Entries that it will never be given: beside a journal, those that the journal no longer had; without one, those
    /// that it was too slow for, or that came after it had failed. Where a journal or another sink is left to take it, an
    /// `audit.gap` record names the sink and the number.
    pub missed: u64,
    /// Deliveries that were tried again.
    pub retries: u64,
    /// Entries that wait for it now: beside a journal, its lag, those that the disk has confirmed and it has not taken.
    pub waiting: u64,
    /// Whether it failed for good. Beside a journal it goes on after the next start.
    pub failed: bool,
    /// Why its last delivery has to be tried again, or why it failed for good; `None` where it went well.
    pub trouble: Option<String>,
}

impl SinkStats {
    /// Adds what the same sink did with the entries of another stream.
    fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.missed += other.missed;
        self.retries += other.retries;
        self.waiting += other.waiting;
        self.failed |= other.failed;
        self.trouble = self.trouble.take().or_else(|| other.trouble.clone());
    }
}

impl Stats {
    /// Records that were refused and whose caller was told.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected_full
            + self.rejected_tripped
            + self.rejected_closed
            + self.rejected_policy
            + self.rejected_reentrant
            + self.rejected_forked
            + self.rejected_memory
    }

    /// Records that were lost, whether or not a gap record accounts for them yet.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost_full
            + self.lost_tripped
            + self.lost_policy
            + self.lost_reentrant
            + self.lost_closed
            + self.lost_forked
            + self.lost_memory
            + self.lost_write
            + self.lost_taken
    }

    /// Records that were submitted: through a macro, a span, `emit` or `submit`. Each is in exactly one place.
    #[must_use]
    pub fn submitted(&self) -> u64 {
        // What was lost after it was taken is in both sums.
        (self.taken + self.in_queue + self.rejected() + self.paused + self.lost())
            .saturating_sub(self.lost_taken)
    }

    /// Records that neither the disk has confirmed nor anybody has been told of: in the queue, in the writer's hands, or
    /// just written. Of use with a journal; without one, see [`SinkStats::waiting`].
    #[must_use]
    pub fn in_memory(&self) -> u64 {
        let settled = self.durable + self.unconfirmed + self.lost_taken;
        self.in_queue + self.taken.saturating_sub(settled)
    }

    /// The counters in OpenMetrics text form, each with its sentence.
    #[must_use]
    pub fn openmetrics(&self) -> String {
        let mut text = String::new();
        for (name, unit, doc, value) in rows(self) {
            let _ = writeln!(text, "# HELP tracing_audit_{unit}_{name} {doc}");
            let _ = writeln!(text, "# TYPE tracing_audit_{unit}_{name} counter");
            let _ = writeln!(text, "tracing_audit_{unit}_{name}_total {value}");
        }
        for (name, doc, value) in [
            ("in_queue", "Records that wait in the queue now.", self.in_queue),
            (
                "queue_bytes",
                "Bytes of credit that waiting records hold now.",
                self.queue_bytes,
            ),
            (
                "disk_free_bytes",
                "Bytes that can still be written to the journal's file system.",
                self.disk_free_bytes,
            ),
            (
                "disk_used_bytes",
                "Bytes in use in the journal's file system.",
                self.disk_used_bytes,
            ),
            ("pauses", "Pauses in effect now.", self.pauses),
            (
                "sealed",
                "Records of the stream, from its beginning on, that the newest checkpoint covers.",
                self.sealed,
            ),
        ] {
            let _ = writeln!(
                text,
                "# HELP tracing_audit_{name} {doc}\n# TYPE tracing_audit_{name} gauge"
            );
            let _ = writeln!(text, "tracing_audit_{name} {value}");
        }
        self.sinks_openmetrics(&mut text);
        self.rules_openmetrics(&mut text);
        text.push_str("# EOF\n");
        text
    }

    fn rules_openmetrics(&self, text: &mut String) {
        type Read = fn(&RuleStats) -> u64;
        let families: [(&str, &str, Read); 2] = [
            (
                "redactions",
                "Values, and parts of values, that a rule redacted.",
                |rule| rule.redactions,
            ),
            (
                "redactions_trial",
                "What a rule of the policy under trial would have redacted.",
                |rule| rule.trial,
            ),
        ];
        for (name, doc, read) in families {
            let _ = writeln!(
                text,
                "# HELP tracing_audit_{name} {doc}\n# TYPE tracing_audit_{name} counter"
            );
            for rule in self.redactions.iter().filter(|rule| read(rule) > 0) {
                let id = label(&rule.rule);
                let _ = writeln!(text, "tracing_audit_{name}_total{{rule=\"{id}\"}} {}", read(rule));
            }
        }
    }

    fn sinks_openmetrics(&self, text: &mut String) {
        type Read = fn(&SinkStats) -> u64;
        let families: [(&str, &str, &str, Read); 6] = [
            ("accepted", "counter", "Entries that the sink accepted.", |sink| {
                sink.accepted
            }),
            (
                "refused",
                "counter",
                "Entries that the sink's receiver refused for good.",
                |sink| sink.refused,
            ),
            ("missed", "counter", "Entries that the sink missed.", |sink| {
                sink.missed
            }),
            (
                "retries",
                "counter",
                "Deliveries that were tried again.",
                |sink| sink.retries,
            ),
            (
                "waiting",
                "gauge",
                "Entries that wait for the sink now.",
                |sink| sink.waiting,
            ),
            ("failed", "gauge", "1 where the sink failed for good.", |sink| {
                u64::from(sink.failed)
            }),
        ];
        for (name, kind, doc, read) in families {
            let _ = writeln!(
                text,
                "# HELP tracing_audit_sink_{name} {doc}\n# TYPE tracing_audit_sink_{name} {kind}"
            );
            let total = if kind == "counter" { "_total" } else { "" };
            for sink in &self.sinks {
                let sink_name = label(&sink.name);
                let _ = writeln!(
                    text,
                    "tracing_audit_sink_{name}{total}{{sink=\"{sink_name}\"}} {}",
                    read(sink)
                );
            }
        }
    }
}

/// Something that counts. Counters order nothing, so relaxed is enough; [`Stats`] is read after a flush's own fences.
pub(crate) trait Counter {
    fn count(&self, count: u64);
    fn total(&self) -> u64;
}

impl Counter for AtomicU64 {
    #[inline]
    fn count(&self, count: u64) {
        self.fetch_add(count, Ordering::Relaxed);
    }

    fn total(&self) -> u64 {
        self.load(Ordering::Acquire)
    }
}

impl Counter for Sharded {
    #[inline]
    fn count(&self, count: u64) {
        self.add(count);
    }

    fn total(&self) -> u64 {
        self.sum()
    }
}

/// Adds to a counter. Nothing is not added: it would take as long.
#[inline]
pub(crate) fn add(counter: &impl Counter, count: u64) {
    if count > 0 {
        counter.count(count);
    }
}

/// A label's value, escaped as the text form wants it.
fn label(text: &str) -> String {
    text.replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}
