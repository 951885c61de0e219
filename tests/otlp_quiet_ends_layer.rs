//! What an OTLP sink does at its end is nobody's record, log line or span. A file of its own: it sets what is global in a
//! process, here where the trail is a layer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

#[path = "support/quiet_ends.rs"]
mod quiet_ends;

use tracing_subscriber::layer::SubscriberExt as _;

#[test]
fn what_a_sink_over_grpc_does_at_its_end_is_reported_to_nobody_where_the_trail_is_a_layer() {
    quiet_ends::nothing_is_heard(|audit, hears| {
        let subscriber = tracing_subscriber::registry().with(hears).with(audit.layer());
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}
