//! The peers of `bench otlp`.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::ValueEnum;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::logs::{BatchConfigBuilder, BatchLogProcessor, SdkLoggerProvider};
use tracing::subscriber::set_global_default;
use tracing_audit::sink::OtlpSink;
use tracing_audit::sink::otlp::Compression;
use tracing_audit::{Audit, AuditedExt as _};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

use crate::output::Close;

/// A peer and what it is.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Its name on the command line and in the tables.
    pub name: &'static str,
    /// For the reader of the tables.
    pub about: &'static str,
}

/// Without a journal.
pub const DIRECT: &str = "audit-direct";

/// Behind one.
pub const JOURNAL: &str = "audit-journal";

/// The rivals, by how much their queue and a batch of theirs hold.
pub const RIVALS: &[&str] = &["appender-default", "appender-8192", "appender-generous"];

/// Every peer, in the order of the tables.
pub const PEERS: &[Spec] = &[
    Spec {
        name: DIRECT,
        about: "this crate's `OtlpSink` without a journal, as it is by default: callers wait where its queue is full",
    },
    Spec {
        name: LARGE,
        about: "the same with 8,192 records in a request",
    },
    Spec {
        name: JOURNAL,
        about: "`audit-direct` behind a sealed journal: what it sends is on the disk first",
    },
    Spec {
        name: "appender-default",
        about: "opentelemetry-appender-tracing, the SDK's `BatchLogProcessor` as it is by default: 2,048 in its queue, 512 in a batch",
    },
    Spec {
        name: "appender-8192",
        about: "the same with 8,192 and 2,048",
    },
    Spec {
        name: "appender-generous",
        about: "the same with 1,048,576 and 8,192: every event of the run has room in its queue",
    },
];

/// Without a journal, with requests as large as the largest of a rival's.
pub const LARGE: &str = "audit-direct-large";

/// How requests are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Packing {
    /// Not at all.
    None,
    /// By gzip.
    Gzip,
}

/// The names of [`Packing`], which are the cases; with [`LATE`] behind it, the receiver decodes when all is over.
pub const PACKINGS: [&str; 4] = ["none", "gzip", "none-late", "gzip-late"];

/// The end of the name of a case that is about the sender alone.
pub const LATE: &str = "-late";

/// How long the end of a peer may take: longer than any run.
const PATIENCE: Duration = Duration::from_secs(300);

/// Installs the peer as the global subscriber. `dir` is for the journal, if there is one.
///
/// # Errors
/// When the name is unknown, or the peer cannot start.
pub fn install(name: &str, packing: Packing, at: SocketAddr, dir: &Path) -> Result<Close> {
    match name {
        DIRECT | JOURNAL | LARGE => ours(name, packing, at, dir),
        "appender-default" => appender(packing, at, 2_048, 512),
        "appender-8192" => appender(packing, at, 8_192, 2_048),
        "appender-generous" => appender(packing, at, 1 << 20, 8_192),
        other => bail!("no peer is called {other}"),
    }
}

fn ours(name: &str, packing: Packing, at: SocketAddr, dir: &Path) -> Result<Close> {
    let compression = match packing {
        Packing::None => Compression::None,
        Packing::Gzip => Compression::Gzip,
    };
    let sink = OtlpSink::builder()
        .endpoint(format!("http://{at}"))
        .compression(compression);
    let sink = if name == LARGE {
        sink.batch_records(8_192).batch_bytes(16 << 20)
    } else {
        sink
    };
    let builder = Audit::builder().service("bench").sink(sink.build_with(|_| None)?);
    let builder = if name == JOURNAL {
        builder.directory(dir)
    } else {
        builder.without_journal()
    };
    let audit = builder.start()?;
    set_global_default(registry().audited(&audit))?;
    Ok(Close::new(move || {
        // Behind a journal, a shutdown waits for what is delivered only for a moment; a flush waits for all of it.
        let ended = audit
            .flush(PATIENCE)
            .and_then(|_| audit.shutdown(PATIENCE).map(drop));
        ended.map_err(|error| anyhow!("the trail did not end: {error}"))
    }))
}

fn appender(packing: Packing, at: SocketAddr, queue: usize, batch: usize) -> Result<Close> {
    let exporter = LogExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("http://{at}/v1/logs"));
    let exporter = match packing {
        Packing::None => exporter,
        Packing::Gzip => exporter.with_compression(opentelemetry_otlp::Compression::Gzip),
    };
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(queue)
        .with_max_export_batch_size(batch);
    let processor = BatchLogProcessor::builder(exporter.build()?).with_batch_config(config.build());
    let provider = SdkLoggerProvider::builder()
        .with_log_processor(processor.build())
        .build();
    set_global_default(registry().with(OpenTelemetryTracingBridge::new(&provider)))?;
    Ok(Close::new(move || Ok(provider.shutdown_with_timeout(PATIENCE)?)))
}
