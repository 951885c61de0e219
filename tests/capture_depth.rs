//! What is reported too deep inside the recording of a value: counted, and evidence all the same. The dispatcher is the
//! process's own: under a thread's, `tracing` itself drops what is reported inside a report.

#[path = "support/torture.rs"]
mod torture;

use std::fmt::{Debug, Formatter};

use torture::{records, trail_with};
use tracing::field::{Empty, debug};
use tracing::{Span, error, info, info_span};
use tracing_audit::AuditedExt;
use tracing_audit::record::{Record, Slot};

/// A value whose `Debug` records another such value on the span, so many levels deep, and then runs something.
struct Nested<'n> {
    on: &'n Span,
    levels: u32,
    innermost: &'n dyn Fn(),
}

impl Debug for Nested<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        if self.levels == 0 {
            (self.innermost)();
        } else {
            let levels = self.levels - 1;
            self.on.record("nested", debug(&Nested { levels, ..*self }));
        }
        f.write_str("formatted")
    }
}

/// Runs something as deep as recording may nest.
fn deep(innermost: &dyn Fn()) {
    let on = info_span!(target: "audit", "outer", nested = Empty);
    let levels = 3;
    on.record(
        "nested",
        debug(&Nested {
            on: &on,
            levels,
            innermost,
        }),
    );
}

/// A span, and deep inside a value an event that its own line reports: what `#[instrument]` does with `err` and `ret`.
macro_rules! instrumented {
    ($name:literal, $($event:tt)*) => {{
        let span = info_span!(target: "audit", $name);
        deep(&|| span.in_scope(|| info!(target: "audit", $($event)*)));
    }};
}

fn one<'r>(records: &'r [Record], event: &str) -> &'r Record {
    let mut found = records.iter().filter(|record| record.event() == event);
    let record = found
        .next()
        .unwrap_or_else(|| panic!("no {event} among {records:?}"));
    assert!(found.next().is_none(), "{event} is there twice");
    record
}

#[test]
fn what_is_reported_too_deep_inside_a_value_is_counted_and_still_is_evidence() {
    let (audit, sink) = trail_with(|builder| builder.lend("tenant"));
    let registry = tracing_subscriber::registry();
    tracing::subscriber::set_global_default(registry.audited(&audit)).unwrap();
    let take = || {
        let records = records(&audit, &sink);
        sink.clear();
        records
    };

    // Three levels and the outermost one are recorded; what is deeper is not.
    let late = info_span!(target: "audit", "late", a = Empty, b = Empty);
    deep(&|| {
        late.record("a", 1);
    });
    assert_eq!(audit.stats().too_deep, 1);
    late.record("b", 2);
    drop(late);
    let found = take();
    assert_eq!(one(&found, "late").attribute("a"), None);
    assert!(one(&found, "late").attribute("b").is_some());
    assert!(one(&found, "outer").attribute("nested").is_some());

    instrumented!("fails", error = "no");
    let failed = take();
    assert_eq!(one(&failed, "fails").text(Slot::Outcome), Some("failure"));
    assert_eq!(one(&failed, "fails").text(Slot::ErrorMessage), None);
    assert_eq!(audit.stats().too_deep, 2, "the text of the error");

    instrumented!("answers", return = 1);
    let answered = take();
    assert_eq!(one(&answered, "answers").text(Slot::Outcome), Some("success"));
    assert_eq!(
        audit.stats().too_deep,
        2,
        "the value of a success is nobody's business"
    );

    // An ordinary span that lends: its fields are missing in what is reported inside it.
    deep(&|| drop(info_span!("lender", tenant = "t-1", other = 1)));
    assert_eq!(audit.stats().too_deep, 3);
    assert_eq!(audit.stats().lost(), 0);
    // A record as a whole is lost, as before.
    deep(&|| error!(target: "audit", "too deep"));
    assert_eq!(audit.stats().lost_reentrant, 1);
}
