//! Records through an exporter of the OpenTelemetry SDK, for applications that have configured theirs.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource as SdkResource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{LogBatch, LogExporter};

use super::answer::{Verdict, said};
use super::builder::LONGEST;
use super::delivery::Delivery;
use super::encode::Encoder;
use super::exporter_record::{Group, Reader};
use super::headers::Headers;
use super::resource::Resource;
use super::transport::Exchange;
use crate::format::Entry;
use crate::sink::{Accepted, Sink, SinkError};

/// How many names of events a process gives to the SDK, unless told otherwise.
const EVENT_NAMES: usize = 1024;

/// Sends records through any [`LogExporter`] of the OpenTelemetry SDK, by the same mapping as [`OtlpSink`](super::OtlpSink).
///
/// For applications that have an exporter already. Where a collector is the aim, [`OtlpSink`](super::OtlpSink) promises more
/// and is many times as fast. `ExporterSink::otlp` (feature `exporter-otlp`) is the one for opentelemetry-otlp.
///
/// ```
/// use opentelemetry_sdk::logs::InMemoryLogExporter;
/// use tracing_audit::Audit;
/// use tracing_audit::sink::ExporterSink;
///
/// # fn main() -> tracing_audit::Result<()> {
/// let exporter = InMemoryLogExporter::default(); // or your own
/// let audit = Audit::builder().without_journal().sink(ExporterSink::new(exporter.clone())).start()?;
/// tracing_audit::Emitter::emit(&audit, tracing_audit::record::Record::builder("doc.read").build())?;
/// # audit.shutdown(std::time::Duration::from_secs(5))?;
/// # Ok(())
/// # }
/// ```
///
/// # What it cannot promise
///
/// The SDK decides what a record can hold, and what an exporter tells:
///
/// - An exporter says that it failed, not why: nothing is known to be about a record, so none is ever refused, and a batch that
///   the receiver will never take is offered for ever. One that says it worked may have lost records, as those of
///   opentelemetry-otlp do on a partial success; `ExporterSink::otlp` sees both, by a client of its own.
/// - An exporter that tries again by itself does so within one call, which ends after [`timeout`](Self::timeout): what it has
///   sent until then is sent once more.
/// - The names of events live as long as the process: after [`event_names`](Self::event_names) different ones, others are the
///   attribute `audit.event`.
/// - A null is the one-key map `{"$null":true}`, and maps have no order. A trace id without a span id has one of zeros.
/// - Every record has an observed timestamp: that of its line.
/// - The exporter's resource is replaced by ours: `service.name` and `host.name` of the lines, and [`resource`](Self::resource).
///
/// It is called on the sink's own thread, under a context in which telemetry is suppressed, within the tokio runtime that
/// [`ExporterSink::new`] was called in, if it was in one.
pub struct ExporterSink<E> {
    name: String,
    encoder: Encoder,
    delivery: Delivery,
    way: Exporting<E>,
}

/// What an answer means that an exporter did not tell.
pub(super) type Overheard = Box<dyn FnMut() -> Option<Verdict> + Send>;

/// An exporter as a way for requests.
struct Exporting<E> {
    exporter: E,
    reader: Reader,
    scope: InstrumentationScope,
    resource: Option<Vec<KeyValue>>,
    timeout: Duration,
    runtime: Option<tokio::runtime::Handle>,
    overheard: Option<Overheard>,
    is_shut_down: bool,
}

impl<E: LogExporter> ExporterSink<E> {
    /// A sink around an exporter that nobody else uses.
    #[must_use]
    pub fn new(exporter: E) -> Self {
        Self {
            name: "exporter".to_owned(),
            encoder: Encoder::new(Resource::default(), false),
            delivery: Delivery::new(512, 1024 * 1024),
            way: Exporting {
                exporter,
                reader: Reader::new(EVENT_NAMES),
                scope: InstrumentationScope::builder("").build(),
                resource: None,
                timeout: Duration::from_secs(30),
                runtime: tokio::runtime::Handle::try_current().ok(),
                overheard: None,
                is_shut_down: false,
            },
        }
    }

    /// The name of the sink, and of its cursor. Default: `exporter`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How long one call of the exporter may take; never more than an hour. Default: 30 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.way.timeout = timeout.min(LONGEST);
        self
    }

    /// An attribute of the resource. Default: `service.name` and `host.name` as the lines state them.
    #[must_use]
    pub fn resource(mut self, name: &str, value: &str) -> Self {
        self.encoder.resource.set(name, value);
        self
    }

    /// Whether a record's level is sent as severity instead of the attribute `audit.level`. Default: false.
    #[must_use]
    pub fn severity(mut self, severity: bool) -> Self {
        self.encoder.severity = severity;
        self
    }

    /// How many different names of events this process may give to the SDK, which keeps them for ever. Default: 1,024.
    #[must_use]
    pub fn event_names(mut self, most: usize) -> Self {
        self.way.reader.names.0 = most;
        self
    }

    #[cfg(feature = "exporter-otlp")]
    pub(super) fn overhearing(mut self, overheard: Overheard) -> Self {
        self.way.overheard = Some(overheard);
        self
    }
}

impl<E: LogExporter> Sink for ExporterSink<E> {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        let encoder = &mut self.encoder;
        let mut encode = |entries: &[Entry<'_>], out: &mut Vec<u8>| {
            encoder.request(entries, out);
            Ok(())
        };
        let delivered = self
            .delivery
            .deliver(batch, (&mut encode, &mut []), &mut self.way);
        if self.way.is_shut_down {
            return Err(SinkError::fatal(
                "the exporter was shut down by somebody else; give the sink one of its own",
            ));
        }
        delivered
    }

    /// Nothing to do: what was delivered, the exporter has answered for.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl<E> fmt::Debug for ExporterSink<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExporterSink")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<E: LogExporter> Exporting<E> {
    fn group(&mut self, group: Group) -> Verdict {
        let resource = Some(group.resource).filter(|resource| Some(resource) != self.resource.as_ref());
        if let Some(resource) = resource.filter(|resource| !resource.is_empty()) {
            let attributes = SdkResource::builder_empty().with_attributes(resource.clone());
            self.exporter.set_resource(&attributes.build());
            self.resource = Some(resource);
        }
        let batch: Vec<_> = group.records.iter().map(|record| (record, &self.scope)).collect();
        let Self {
            exporter, timeout, ..
        } = self;
        let _quiet = opentelemetry::Context::enter_telemetry_suppressed_scope();
        let _runtime = self.runtime.as_ref().map(tokio::runtime::Handle::enter);
        let exported = catch_unwind(AssertUnwindSafe(|| {
            wait(pin!(exporter.export(LogBatch::new(&batch))), *timeout)
        }));
        let overheard = self.overheard.as_mut().and_then(|overheard| overheard());
        match exported {
            Ok(Some(exported)) => self.verdict(exported, overheard),
            Ok(None) => later(format!("the exporter did not end within {timeout:?}")),
            Err(_) => later("the exporter panicked".to_owned()),
        }
    }

    fn verdict(&mut self, exported: OTelSdkResult, overheard: Option<Verdict>) -> Verdict {
        match (exported, overheard) {
            (Err(OTelSdkError::AlreadyShutdown), _) => {
                self.is_shut_down = true;
                later("the exporter was shut down".to_owned())
            }
            // Whoever failed has not delivered, whatever was overheard before.
            (Err(error), None | Some(Verdict::Taken { .. })) => {
                later(said(&error.to_string(), &Headers::default()))
            }
            (_, Some(verdict)) => verdict,
            (Ok(()), None) => Verdict::Taken {
                refused: 0,
                why: String::new(),
            },
        }
    }
}

fn later(why: String) -> Verdict {
    Verdict::Later { after: None, why }
}

impl<E: LogExporter> Exchange for Exporting<E> {
    fn exchange(&mut self, request: &[u8]) -> Verdict {
        let Some(mut groups) = self.reader.read(request) else {
            return Verdict::Split("the request could not be read back".to_owned());
        };
        if groups.is_empty() {
            groups.push(Group::default());
        }
        let mut verdict = Verdict::Taken {
            refused: 0,
            why: String::new(),
        };
        for group in groups {
            verdict = match (verdict, self.group(group)) {
                (Verdict::Taken { refused, .. }, Verdict::Taken { refused: more, why }) => Verdict::Taken {
                    refused: refused + more,
                    why,
                },
                (_, verdict) => return verdict,
            };
        }
        verdict
    }
}

/// Wakes the thread that waits.
struct Waking(Thread);

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread; `None` where it takes longer.
fn wait<F: Future>(mut future: Pin<&mut F>, timeout: Duration) -> Option<F::Output> {
    let until = Instant::now() + timeout;
    let waker = Waker::from(Arc::new(Waking(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        std::thread::park_timeout(left);
    }
}
