//! As `otlp_quiet.rs`, where the trail is a layer of another subscriber. A file of its own: it sets what is global in a process.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/otlp.rs"]
mod otlp;
#[path = "support/quiet.rs"]
mod quiet;

use tracing_subscriber::layer::SubscriberExt as _;

#[test]
fn what_the_sink_does_is_reported_to_nobody_where_the_trail_is_a_layer() {
    quiet::nothing_is_heard(|audit, hears| {
        let subscriber = tracing_subscriber::registry().with(hears).with(audit.layer());
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}
