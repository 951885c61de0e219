//! The peers that listen to `tracing` and write JSON, and the floor below them all.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::Result;
use tracing::Subscriber;
use tracing::subscriber::set_global_default;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry;
use tracing_subscriber::registry::LookupSpan;

use super::unknown;
use crate::output::{BUFFER, Close, Locked, Output, QUEUE};

/// A layer that does nothing, and is enabled for everything.
#[derive(Debug)]
pub struct Empty;

impl<S: Subscriber> Layer<S> for Empty {}

/// Installs the peer with this name as the global subscriber.
///
/// # Errors
/// When the name is unknown, the file cannot be created or a subscriber is already installed.
pub fn install(name: &str, dir: &Path) -> Result<Close> {
    if name == "noop" {
        set_global_default(registry().with(Empty))?;
        return Ok(Close::new(|| Ok(())));
    }
    let (layer, writer) = name.split_once('-').unwrap_or((name, ""));
    let Output { file, twin } = Output::create(dir)?;
    match writer {
        "nb" => behind_queue(layer, queue(file), twin),
        "nbbuf" => behind_queue(layer, queue(BufWriter::with_capacity(BUFFER, file)), twin),
        "syncbuf" => behind_mutex(layer, file, twin),
        _ => unknown(name),
    }
}

fn queue(writer: impl std::io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    let builder = NonBlockingBuilder::default().lossy(false);
    builder.buffered_lines_limit(QUEUE).finish(writer)
}

fn behind_queue(layer: &str, (writer, guard): (NonBlocking, WorkerGuard), twin: File) -> Result<Close> {
    install_layer(layer, writer)?;
    Ok(Close::and_sync(twin, move || {
        drop(guard);
        Ok(())
    }))
}

fn behind_mutex(layer: &str, file: File, twin: File) -> Result<Close> {
    let locked = Locked::leak(file);
    install_layer(layer, move || locked.writer())?;
    Ok(Close::and_sync(twin, move || {
        Ok(std::io::Write::flush(&mut locked.writer())?)
    }))
}

fn install_layer<W>(layer: &str, writer: W) -> Result<()>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    match layer {
        "fmtjson" => Ok(set_global_default(registry().with(fmt_json(writer)))?),
        "jsonsub" => {
            // Each span's fields once, as for fmt-JSON.
            let layer = json_subscriber::fmt::layer()
                .with_current_span(false)
                .with_span_list(true);
            Ok(set_global_default(registry().with(layer.with_writer(writer)))?)
        }
        other => unknown(other).map(|_| ()),
    }
}

/// The JSON formatter with each span's fields once: by default the inner span would be written twice.
pub fn fmt_json<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().json();
    layer
        .with_current_span(false)
        .with_span_list(true)
        .with_writer(writer)
}
