//! Peer `slog-async`: slog's JSON drain behind its queue; spans are child loggers, which is how slog users carry context.

use std::fs::File;
use std::io::BufWriter;

use slog::{Drain, Logger, o};
use slog_async::{Async, AsyncGuard, OverflowStrategy};

use crate::event::{Event, Sample};
use crate::output::{BUFFER, QUEUE};

/// Starts the drain's thread, which ends when the guard is dropped.
pub fn start(file: File) -> (Logger, AsyncGuard) {
    let json = slog_json::Json::default(BufWriter::with_capacity(BUFFER, file)).fuse();
    let (drain, guard) = Async::new(json)
        .chan_size(QUEUE)
        .overflow_strategy(OverflowStrategy::Block)
        .build_with_guard();
    (Logger::root(drain.fuse(), o!()), guard)
}

/// The logger inside both spans.
pub fn inside(root: &Logger, sample: &Sample) -> Logger {
    let request = root.new(o!(
        "method" => sample.request.method,
        "path" => sample.request.path.clone(),
        "request_id" => sample.request.request_id.clone(),
    ));
    request.new(o!(
        "table" => sample.db.table,
        "statement" => sample.db.statement,
        "shard" => sample.db.shard,
    ))
}

/// Logs the event.
#[inline]
pub fn log(logger: &Logger, event: &Event<'_>) {
    slog::info!(logger, "";
        "actor.id" => event.actor_id,
        "action" => event.action,
        "resource.type" => event.resource_type,
        "resource.id" => event.resource_id,
        "outcome" => event.outcome,
        "tenant" => event.tenant,
        "bytes" => event.bytes,
        "attempt" => event.attempt,
        "cached" => event.cached,
        "ratio" => event.ratio,
    );
}
