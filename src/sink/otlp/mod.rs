//! OTLP: entries to an OpenTelemetry collector, over HTTP and, with the feature `otlp-grpc`, over gRPC.

mod ahead;
mod anchor;
mod answer;
mod builder;
mod connection;
mod delivery;
mod encode;
mod environment;
#[cfg(feature = "exporter")]
mod exporter;
#[cfg(feature = "exporter-otlp")]
mod exporter_client;
#[cfg(feature = "exporter")]
mod exporter_record;
#[cfg(feature = "otlp-grpc")]
mod grpc;
mod headers;
mod http;
mod mapping;
mod progress;
mod resource;
mod runtime;
mod talk;
mod tls;
mod transport;
mod url;
mod value;
mod wire;

pub use anchor::Anchors;
pub use builder::{Compression, OtlpBuilder, Protocol};
#[cfg(feature = "exporter")]
pub use exporter::ExporterSink;
pub use mapping::{DRAFT, MAPPING, PREFIX};

use std::io;

use ahead::Encode;
use answer::Verdict;
use delivery::Delivery;
use encode::Encoder;
use transport::{Exchange as _, Packing, Transport};

use super::{Accepted, Sink, SinkError};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Entry;

/// Sends records to an OpenTelemetry collector.
///
/// Each record becomes one `LogRecord`, encoded straight from its line; `docs/opentelemetry.md` says which key goes where.
/// Beside a journal the sink follows it: a collector that is slow or away delays nobody and loses nothing. Without one it
/// takes from the writer, in mode `bounded` as every sink there.
///
/// ```no_run
/// use tracing_audit::Audit;
/// use tracing_audit::sink::OtlpSink;
///
/// # fn main() -> tracing_audit::Result<()> {
/// let collector = OtlpSink::builder().endpoint("http://collector:4318").build()?;
/// let audit = Audit::builder().service("documents").sink(collector).start()?;
/// # drop(audit);
/// # Ok(())
/// # }
/// ```
///
/// # What becomes of a record
///
/// - The collector answers 200: it has taken the record. Most collectors keep it in memory only at that moment.
/// - 400, 413, 422, or a partial success: the batch is sent again in halves until it shows which records are at fault. These
///   are *refused*: counted, named, and the trail says so in `audit.refused`. A record that nothing but its own answer speaks
///   against is refused only after the collector has taken an empty request, so that a proxy which answers 400 to everything
///   discards nothing.
/// - Anything else (429, 5xx, no connection, no answer in time; 401, 403, 404, certificates that do not fit): the batch is
///   offered again, with growing pauses, up to 5 s for what passes by itself, up to a minute for what needs somebody, and not
///   before `Retry-After`. Nothing is skipped, however long that takes.
///
/// A request is sent once; who repeats it is the trail's own thread for the sink, and nobody else. So a record arrives at
/// least once, and can arrive twice: its id, as `log.record.uid`, is the same.
///
/// # What it does not do
///
/// It uses no proxy from the environment, and compresses by nothing but gzip. It needs no runtime of the
/// application's, and reports nothing through `tracing`: over HTTP the client does not, and what the one for gRPC, or TLS,
/// reports on the sink's thread goes to nobody.
#[derive(Debug)]
pub struct OtlpSink {
    name: String,
    endpoint: String,
    writer: Writer,
    /// Write beside the first, where several requests wait.
    others: Vec<Writer>,
    transport: Transport,
    delivery: Delivery,
    anchors: Anchors,
}

/// So many threads write requests where several wait: packing them takes longer than sending them.
const WRITERS: usize = 2;

/// Writes requests, packed as they are sent.
#[derive(Debug)]
struct Writer {
    encoder: Encoder,
    packing: Packing,
}

impl Writer {
    fn write(&mut self, entries: &[Entry<'_>], out: &mut Vec<u8>) -> io::Result<()> {
        let encoder = &mut self.encoder;
        self.packing.pack(out, |out| encoder.request(entries, out))
    }
}

impl OtlpSink {
    /// The settings, with their defaults.
    pub fn builder() -> OtlpBuilder {
        OtlpBuilder::new()
    }

    /// Where requests go; without what stands behind a question mark, which may be a key.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Takes checkpoints that the sink is to send beside the records, so that a copy of each is kept elsewhere:
    ///
    /// ```no_run
    /// # use tracing_audit::{Audit, sink::OtlpSink};
    /// # fn main() -> tracing_audit::Result<()> {
    /// let collector = OtlpSink::builder().build()?;
    /// let anchors = collector.anchors();
    /// let audit = Audit::builder().on_checkpoint(move |note| anchors.send(note)).sink(collector).start()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A checkpoint is sent behind the next records, or the next flush, as a record `audit.checkpoint` without a place in the
    /// stream. It holds nothing up: where it cannot be sent, it or a newer one is sent later.
    #[must_use]
    pub fn anchors(&self) -> Anchors {
        self.anchors.clone()
    }

    /// Sends a request that `write` writes.
    fn send(packing: &mut Packing, transport: &mut Transport, write: impl FnOnce(&mut Vec<u8>)) -> Verdict {
        let mut request = Vec::new();
        match packing.pack(&mut request, write) {
            Ok(()) => transport.exchange(&request),
            Err(error) => Verdict::Person(format!("the request could not be written: {error}")),
        }
    }

    /// Sends the checkpoint that waits, if one does.
    fn send_anchor(&mut self) {
        let Some(note) = self.anchors.take() else { return };
        let Writer { encoder, packing } = &mut self.writer;
        match Self::send(packing, &mut self.transport, |out| encoder.anchor(&note, out)) {
            Verdict::Later { .. } | Verdict::Person(_) | Verdict::Fewer(_) => self.anchors.give_back(note),
            // What is refused once is refused again.
            Verdict::Taken { .. } | Verdict::Split(_) => {}
        }
    }

    /// Sends a request without records, to find out whether a collector is there and takes requests from us.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Sink`] where it does not, with its answer.
    pub fn probe(&mut self) -> Result<()> {
        let why = match Self::send(&mut self.writer.packing, &mut self.transport, |_| ()) {
            Verdict::Taken { .. } => return Ok(()),
            Verdict::Split(why) | Verdict::Fewer(why) | Verdict::Person(why) => why,
            Verdict::Later { why, .. } => why,
        };
        Err(Error::new(ErrorKind::Sink, format!("{}: {why}", self.endpoint)))
    }
}

impl Sink for OtlpSink {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> std::result::Result<Accepted, SinkError> {
        fn write(writer: &mut Writer) -> impl Encode {
            |entries: &[Entry<'_>], out: &mut Vec<u8>| writer.write(entries, out)
        }
        let mut others: Vec<_> = self.others.iter_mut().map(write).collect();
        let writers = (&mut write(&mut self.writer), others.as_mut_slice());
        self.delivery.deliver(batch, writers, &mut self.transport)
    }

    /// What was delivered, the collector has acknowledged. A checkpoint may wait.
    fn flush(&mut self) -> std::result::Result<(), SinkError> {
        self.send_anchor();
        Ok(())
    }

    /// The next request is written while one is under way.
    fn gathers(&self) -> bool {
        true
    }

    fn name(&self) -> &str {
        &self.name
    }
}
