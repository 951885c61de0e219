//! What asking for the exported ids costs the caller's thread in allocations: nothing.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/otel.rs"]
mod otel;

use counting::allocations;
use otel::{Form, Stage, Traces};
use tracing::{info, info_span};

#[test]
fn an_event_under_exported_ids_allocates_nothing_wherever_they_come_from() {
    for attach in [true, false] {
        for form in Form::ALL {
            let traces = Traces {
                attach,
                // The layer itself allocates for every event that it hears of.
                filter: true,
                ..Traces::default()
            };
            let stage = Stage::new(form, traces);
            let report = |parent: &tracing::Span| {
                for _ in 0..100 {
                    info!(target: "audit::hidden", event = "event", actor.id = "u-1");
                    info!(target: "audit::hidden", parent: parent, event = "named", actor.id = "u-1");
                }
            };
            let allocated = stage.run(|| {
                let named = info_span!("named");
                let _span = info_span!("span").entered();
                report(&named);
                allocations(|| report(&named))
            });
            assert_eq!(allocated, 0, "{form:?}, contexts are attached: {attach}");
            let records = stage.records();
            assert_eq!(records.len(), 400);
            let span = stage.span("span").span_context.span_id().to_string();
            let of_span = records
                .iter()
                .filter(|record| otel::ids(record).1.as_ref() == Some(&span));
            assert_eq!(of_span.count(), 200);
        }
    }
}
