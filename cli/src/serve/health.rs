//! For other programs: what the files tell, as metrics and as one word.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use tracing_audit::clock::{Clock as _, SystemClock};
use tracing_audit::store::Extent;

use super::App;
use crate::heads::{self, Head, Signed};
use crate::out::Failure;

/// Nanoseconds as seconds. The whole seconds apart, so that a quarter is a quarter.
fn seconds(nanos: u64) -> f64 {
    (nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9
}

/// What the ends of the files tell.
struct Ends {
    extents: Vec<Extent>,
    heads: Vec<Head>,
}

fn ends(app: &App) -> Result<Ends, Failure> {
    // The heads first: a writer that runs goes on, and its next checkpoint covers records that come later.
    let heads = heads::heads(&app.dir, &app.keys);
    let extents = app.store()?.extents()?;
    Ok(Ends { extents, heads })
}

/// OpenMetrics.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let (ends, up) = match app.read(ends).await {
        Ok(ends) => (ends, true),
        Err(_) => {
            let none = Ends {
                extents: Vec::new(),
                heads: Vec::new(),
            };
            (none, false)
        }
    };
    let mut text = Metrics::default();
    text.family(
        "tracing_audit_trail_readable",
        "Whether the trail could be read: 1, or 0.",
    );
    text.sample(&[], f64::from(u8::from(up)));
    of_streams(&mut text, &ends);
    of_seals(&mut text, &ends);
    of_checks(&mut text, &app);
    text.0.push_str("# EOF\n");
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], text.0).into_response()
}

/// Whether the trail can be read, in a word, and how old its newest record is.
pub(super) async fn healthz(State(app): State<Arc<App>>) -> Response {
    let (status, answer) = match app.read(ends).await {
        Ok(ends) => {
            let now = SystemClock.now();
            let newest = ends.extents.iter().map(|extent| extent.last.observed_at).max();
            let answer = json!({
                "status": "ok",
                "streams": ends.extents.len(),
                "records": ends.extents.iter().map(Extent::records).sum::<u64>(),
                "newest_record_age_seconds": newest.map(|newest| seconds(now.saturating_sub(newest))),
            });
            (StatusCode::OK, answer)
        }
        Err(failure) => {
            let answer = json!({"status": "unreadable", "why": failure.to_string()});
            (StatusCode::SERVICE_UNAVAILABLE, answer)
        }
    };
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        format!("{answer}\n"),
    )
        .into_response()
}

/// Families of gauges in the text format of OpenMetrics, which readers of the older Prometheus format take as well.
#[derive(Default)]
struct Metrics(String, &'static str);

impl Metrics {
    fn family(&mut self, name: &'static str, help: &str) {
        self.1 = name;
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let _ = match labels.as_slice() {
            [] => writeln!(self.0, "{} {value}", self.1),
            labels => writeln!(self.0, "{}{{{}}} {value}", self.1, labels.join(",")),
        };
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn of_streams(text: &mut Metrics, ends: &Ends) {
    type Of = fn(&Extent) -> f64;
    let families: [(&'static str, &str, Of); 4] = [
        (
            "tracing_audit_trail_records",
            "Records that the numbers of the stream span, by its first and last line.",
            |extent| extent.records() as f64,
        ),
        (
            "tracing_audit_trail_bytes",
            "Bytes of the stream's segments.",
            |extent| extent.bytes as f64,
        ),
        (
            "tracing_audit_trail_first_timestamp_seconds",
            "When the oldest record that is there was observed.",
            |extent| seconds(extent.first.observed_at),
        ),
        (
            "tracing_audit_trail_last_timestamp_seconds",
            "When the newest record was observed.",
            |extent| seconds(extent.last.observed_at),
        ),
    ];
    for (name, help, of) in families {
        text.family(name, help);
        for extent in &ends.extents {
            text.sample(&[("stream", &extent.stream)], of(extent));
        }
    }
}

fn of_seals(text: &mut Metrics, ends: &Ends) {
    let end = |head: &Head| {
        let extent = ends.extents.iter().find(|extent| *extent.stream == head.stream);
        extent.map_or(0, |extent| extent.last.seq.saturating_add(1))
    };
    text.family(
        "tracing_audit_trail_sealed_records",
        "Records below the newest checkpoint.",
    );
    for head in &ends.heads {
        text.sample(&[("stream", &head.stream)], head.sealed() as f64);
    }
    text.family(
        "tracing_audit_trail_unsealed_records",
        "Records behind the newest checkpoint.",
    );
    for head in &ends.heads {
        text.sample(
            &[("stream", &head.stream)],
            end(head).saturating_sub(head.sealed()) as f64,
        );
    }
    text.family(
        "tracing_audit_trail_checkpoint_signed",
        "Whether the newest checkpoint is signed: 1, or 0.",
    );
    for head in &ends.heads {
        let signed = u8::from(head.signed != Signed::Not);
        text.sample(&[("stream", &head.stream)], f64::from(signed));
    }
    text.family(
        "tracing_audit_trail_follower_behind_records",
        "Records that a sink beside the journal has not taken.",
    );
    for head in &ends.heads {
        for (sink, next) in &head.followers {
            let behind = end(head).saturating_sub(next.unwrap_or(0)) as f64;
            text.sample(&[("stream", &head.stream), ("sink", sink)], behind);
        }
    }
    text.family(
        "tracing_audit_trail_requests_waiting",
        "Jobs that other processes asked of the writer.",
    );
    for head in &ends.heads {
        text.sample(&[("stream", &head.stream)], heads::requests(&head.home) as f64);
    }
}

/// The last verification by this server, if there was one.
fn of_checks(text: &mut Metrics, app: &App) {
    let known = app.checks.verified.known();
    let Some(Ok(found)) = &known.found else { return };
    text.family(
        "tracing_audit_trail_verified",
        "Whether the last verification by this server found what was sealed: 1, or 0.",
    );
    text.sample(
        &[],
        f64::from(u8::from(matches!(found.kind, "good" | "consistent" | "lossy"))),
    );
    text.family(
        "tracing_audit_trail_verified_timestamp_seconds",
        "When that verification ended.",
    );
    text.sample(&[], seconds(found.at));
    text.family(
        "tracing_audit_trail_verified_records",
        "How many sealed records it found, by stream.",
    );
    for (stream, _, sealed) in &found.sizes {
        text.sample(&[("stream", stream)], *sealed as f64);
    }
}
