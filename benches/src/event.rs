//! The work that every peer does: one believable audit event of ten fields inside two spans of three fields each.

use serde::Serialize;
use tracing::{info, info_span, instrument};

/// A text that stands in every line of an event and in no other line: the outside reader counts it.
pub const MARKER: &str = "document.share";

/// What must stand in a line for each of the event's ten fields: its value where that tells it, else its name.
pub const EVENT_TRACES: [&str; 10] = [
    "u-1",
    MARKER,
    "\"document\"",
    "doc-",
    "outcome\"",
    "tenant-",
    "bytes\"",
    "attempt\"",
    "cached\"",
    "ratio\"",
];

/// The same for what [`Described`] has beside them.
pub const DESCRIBED_TRACES: [&str; 2] = ["shared folder", "order_id\""];

/// The same for the six fields of the two spans.
pub const SPAN_TRACES: [&str; 6] = [
    "POST",
    "/v1/documents/",
    "req-",
    "\"shares\"",
    "insert into",
    "shard\"",
];

/// The event: ten fields of the kinds that an audit event has.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Event<'a> {
    /// Who acted.
    #[serde(rename = "actor.id")]
    pub actor_id: &'a str,
    /// What was done.
    pub action: &'a str,
    /// What kind of thing was acted on.
    #[serde(rename = "resource.type")]
    pub resource_type: &'a str,
    /// Which thing.
    #[serde(rename = "resource.id")]
    pub resource_id: &'a str,
    /// How it ended.
    pub outcome: &'a str,
    /// For whom.
    pub tenant: &'a str,
    /// How many bytes were moved: the event's number, so that no two events are equal.
    pub bytes: u64,
    /// Which attempt this was.
    pub attempt: i64,
    /// Whether a cache answered.
    pub cached: bool,
    /// A share between 0 and 1.
    pub ratio: f64,
}

/// The event with what redaction has to look into: a message of some 40 bytes with numbers in it, and an id that is a text.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// The ten fields.
    pub event: Event<'a>,
    /// What happened, in words; harmless.
    pub message: &'a str,
    /// The id of another thing; a UUID.
    pub order_id: &'a str,
}

/// The fields of the outer span.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    /// The HTTP method.
    pub method: &'static str,
    /// The HTTP path.
    pub path: String,
    /// The request's id.
    pub request_id: String,
}

/// The fields of the inner span.
#[derive(Debug, Clone, Serialize)]
pub struct Db {
    /// The table.
    pub table: &'static str,
    /// The statement's text.
    pub statement: &'static str,
    /// The shard's number.
    pub shard: u64,
}

/// What one event and its spans are made of.
#[derive(Debug, Clone)]
pub struct Sample {
    actor_id: String,
    resource_id: String,
    tenant: String,
    outcome: &'static str,
    ratio: f64,
    message: String,
    order_id: String,
    /// The outer span.
    pub request: Request,
    /// The inner span.
    pub db: Db,
}

impl Sample {
    fn new(number: u32) -> Self {
        Self {
            actor_id: format!("u-{:06}", 100_003 + number * 7),
            resource_id: format!("doc-{:08x}", number.wrapping_mul(2_654_435_761)),
            tenant: format!("tenant-{:02}", number % 10),
            outcome: if number.is_multiple_of(8) {
                "denied"
            } else {
                "success"
            },
            // Never a whole number: a float without a fraction has a form of its own in our lines.
            ratio: (f64::from(number) * 2.0 + 1.0) / 128.0,
            message: format!(
                "shared folder {} with {} people of the team",
                4_100 + number,
                number % 9 + 2
            ),
            order_id: format!(
                "{:08x}-5c1e-4b7a-9f02-{:012x}",
                number.wrapping_mul(2_246_822_519),
                u64::from(number).wrapping_mul(3_266_489_917)
            ),
            request: Request {
                method: "POST",
                path: format!("/v1/documents/{number}/shares"),
                request_id: format!("req-{:08x}-{number:04}", number.wrapping_mul(40_503)),
            },
            db: Db {
                table: "shares",
                statement: "insert into shares values ($1, $2, $3)",
                shard: u64::from(number % 16),
            },
        }
    }

    /// The event with this number.
    #[inline]
    #[must_use]
    pub fn event(&self, number: u64) -> Event<'_> {
        Event {
            actor_id: &self.actor_id,
            action: MARKER,
            resource_type: "document",
            resource_id: &self.resource_id,
            outcome: self.outcome,
            tenant: &self.tenant,
            bytes: number,
            attempt: 1,
            cached: false,
            ratio: self.ratio,
        }
    }
}

impl Sample {
    /// The event with this number, with a message and an id.
    #[inline]
    #[must_use]
    pub fn described(&self, number: u64) -> Described<'_> {
        Described {
            event: self.event(number),
            message: &self.message,
            order_id: &self.order_id,
        }
    }
}

/// Sixty-four samples, taken in turn, so that no peer sees the same texts twice in a row.
#[derive(Debug)]
pub struct Samples(Vec<Sample>);

impl Default for Samples {
    fn default() -> Self {
        Self((0..64).map(Sample::new).collect())
    }
}

impl Samples {
    /// The sample for the event with this number.
    #[inline]
    #[must_use]
    #[allow(clippy::indexing_slicing, reason = "the remainder is below the length")]
    pub fn at(&self, number: u64) -> &Sample {
        &self.0[number as usize % self.0.len()]
    }
}

/// What reports itself through `tracing`.
pub trait Report {
    /// Reports it.
    fn report(&self);
}

impl Report for Event<'_> {
    #[inline]
    fn report(&self) {
        info!(
            target: "audit",
            // `info!` with a target takes no dotted name in the first place.
            action = self.action,
            actor.id = self.actor_id,
            resource.type = self.resource_type,
            resource.id = self.resource_id,
            outcome = self.outcome,
            tenant = self.tenant,
            bytes = self.bytes,
            attempt = self.attempt,
            cached = self.cached,
            ratio = self.ratio,
        );
    }
}

impl Report for Described<'_> {
    #[inline]
    fn report(&self) {
        let event = &self.event;
        info!(
            target: "audit",
            action = event.action,
            actor.id = event.actor_id,
            resource.type = event.resource_type,
            resource.id = event.resource_id,
            outcome = event.outcome,
            tenant = event.tenant,
            bytes = event.bytes,
            attempt = event.attempt,
            cached = event.cached,
            ratio = event.ratio,
            order_id = self.order_id,
            "{}",
            self.message,
        );
    }
}

/// The outer span as an application writes it; the work goes on in [`db`].
#[instrument(target = "shop", skip(inner, event))]
pub fn request<R: Report>(method: &str, path: &str, request_id: &str, inner: &Db, event: &R) {
    db(inner.table, inner.statement, inner.shard, event);
}

/// The inner span as an application writes it, with the event in it.
#[instrument(target = "shop", skip(event))]
pub fn db<R: Report>(table: &str, statement: &str, shard: u64, event: &R) {
    event.report();
}

/// Both spans open and entered on this thread; the inner one is closed first.
#[derive(Debug)]
pub struct OpenSpans {
    _db: tracing::span::EnteredSpan,
    _request: tracing::span::EnteredSpan,
}

impl OpenSpans {
    /// Opens and enters both spans.
    #[must_use]
    pub fn open(sample: &Sample) -> Self {
        let Request {
            method,
            path,
            request_id,
        } = &sample.request;
        let Db {
            table,
            statement,
            shard,
        } = &sample.db;
        let request = info_span!(target: "shop", "request", method, path, request_id).entered();
        let db = info_span!(target: "shop", "db", table, statement, shard).entered();
        Self {
            _db: db,
            _request: request,
        }
    }
}

/// What a `?field` prints, for [`report_rich`].
#[derive(Debug)]
pub struct Change<'a> {
    /// The role before.
    pub before: &'a str,
    /// The roles after.
    pub after: [&'a str; 2],
    /// How often it was changed.
    pub revision: u32,
}

/// An event with a `Debug` struct and a text of 1 KiB: nothing in it may allocate either.
pub fn report_rich(change: &Change<'_>, text: &str) {
    info!(target: "audit", action = MARKER, change = ?change, text);
}
