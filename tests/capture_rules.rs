//! Which spans and events are records: targets, modules, floors, required actors; and what a record says of its origin.

use tracing::{Level, debug, error, event, info, info_span, trace, warn};
use tracing_audit::config::{Family, Mode};
use tracing_audit::record::{self, Record, Slot};
use tracing_audit::testing::{Recording, capture};
use tracing_audit::{Actor, ErrorKind, State};

#[test]
fn the_audit_target_and_what_lies_below_it_are_records() {
    let captured = capture(|| {
        info!(target: "audit", event = "audit");
        info!(target: "audit::billing", event = "below");
        info!(target: "audit::billing::refund", event = "further below");
        info!(target: "auditor", event = "another word");
        info!(target: "my::audit", event = "not at the front");
        info!(event = "this module");
        drop(info_span!(target: "audit::jobs", "job"));
        drop(info_span!("ordinary"));
    });
    captured.count(4);
    for (event, category) in [
        ("audit", None),
        ("below", Some("billing")),
        ("further below", Some("billing::refund")),
        ("job", Some("jobs")),
    ] {
        assert_eq!(captured.with_event(event).only().text(Slot::Category), category);
    }
}

#[test]
fn further_targets_are_records_where_they_are_named() {
    let recording = Recording::with(|audit| audit.target("compliance"));
    recording.run(|| {
        info!(target: "compliance", event = "a");
        info!(target: "compliance::kyc", event = "b");
        info!(target: "audit", event = "c");
        info!(target: "compliances", event = "d");
    });
    recording.captured().count(3);
}

#[test]
fn only_the_modules_that_are_allowed_may_write() {
    mod allowed {
        pub(super) fn write() {
            tracing::info!(target: "audit", event = "allowed");
            drop(tracing::info_span!(target: "audit", "allowed span"));
        }

        pub(super) mod below {
            pub(crate) fn write() {
                tracing::info!(target: "audit", event = "below");
            }
        }
    }
    let module = concat!(module_path!(), "::allowed");
    let recording = Recording::with(|audit| audit.allow_module(module));
    recording.run(|| {
        allowed::write();
        allowed::below::write();
        info!(target: "audit", event = "elsewhere");
        drop(info_span!(target: "audit", "span elsewhere"));
    });
    recording.captured().count(3);
    assert_eq!(recording.audit().stats().not_allowed, 2);
    assert_eq!(recording.audit().stats().lost(), 0);
    let remark = |recording: &Recording| {
        let check = recording.run(|| recording.audit().check());
        assert!(check.is_live(), "{check}");
        check.remarks.iter().any(|remark| remark.contains("every module"))
    };
    assert!(!remark(&recording));
    assert!(remark(&Recording::new()));
}

#[test]
fn a_floor_leaves_out_what_is_below_it_and_counts_it() {
    let recording = Recording::with(|audit| {
        audit
            .family_floor(Family::Tools, record::Level::Warn)
            .event_floor("noise.*", record::Level::Error)
    });
    recording.run(|| {
        info!(target: "audit", event = "tool.run");
        warn!(target: "audit", event = "tool.run");
        warn!(target: "audit", event = "noise.tick");
        error!(target: "audit", event = "noise.tick");
        trace!(target: "audit", event = "other");
        debug!(target: "audit", event = "security.login");
        event!(name: "tool.named", target: "audit", Level::INFO, x = 1);
    });
    let captured = recording.captured();
    let found: Vec<_> = captured
        .records()
        .iter()
        .map(|record| (record.event(), record.text(Slot::Level).unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("tool.run", "warn"),
            ("noise.tick", "error"),
            ("other", "trace"),
            ("security.login", "debug")
        ]
    );
    assert_eq!(recording.audit().stats().below_level, 3);
    assert_eq!(recording.audit().stats().lost(), 0);
}

#[test]
fn a_record_is_weighed_by_the_event_name_that_its_line_states() {
    let recording = Recording::with(|audit| audit.event_floor("noise.*", record::Level::Error));
    recording.run(|| {
        drop(info_span!(target: "audit", "by name", event = "noise.tick"));
        drop(info_span!(target: "audit", "noise.span"));
        let late = info_span!(target: "audit", "late", event = tracing::field::Empty);
        late.record("event", "noise.late");
        drop(late);
        drop(info_span!(target: "audit", "noise.renamed", event = "signal"));
        info!(target: "audit", action = "noise.action");
        info!(target: "audit", event = "", action = "noise.action");
    });
    recording.captured().only().assert_has(Slot::Event, "signal");
    assert_eq!(recording.audit().stats().below_level, 5);
}

#[test]
fn a_mode_by_category_looks_at_the_category_that_a_field_gives() {
    // A durable record is delivered when the macro returns, without a flush.
    let recording = Recording::with(|audit| audit.mode_of_category("money", Mode::Durable));
    recording.run(|| {
        info!(target: "audit", event = "paid", category = "money");
        let stats = recording.audit().stats();
        assert_eq!(stats.taken, 1, "{stats:?}");
        drop(info_span!(target: "audit", "span", category = "money"));
        assert_eq!(recording.audit().stats().taken, 2);
        info!(target: "audit", event = "money.spent");
        assert_eq!(
            recording.audit().stats().taken,
            3,
            "the line derives the category"
        );
    });
}

#[test]
fn a_record_without_an_actor_says_unknown_and_is_counted() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", event = "event");
        drop(info_span!(target: "audit", "span"));
        recording
            .audit()
            .emit(Record::builder("emitted").build())
            .unwrap();
        info!(target: "audit", event = "named", actor.id = "alice");
    });
    let captured = recording.captured();
    captured.count(4).with_actor("unknown").count(3);
    assert_eq!(recording.audit().stats().missing_actor, 3);
}

#[test]
fn where_an_actor_is_required_a_record_without_one_is_refused_and_counted() {
    let recording = Recording::with(|audit| audit.require_actor(true));
    let emit = || recording.audit().emit(Record::builder("emitted").build());
    recording.run(|| {
        info!(target: "audit::login", event = "event");
        drop(info_span!(target: "audit::login", "span"));
        assert_eq!(emit().unwrap_err().kind(), ErrorKind::Refused);
        Actor::user("alice").sync_scope(|| {
            info!(target: "audit", event = "event");
            drop(info_span!(target: "audit", "span"));
            emit().unwrap();
        });
        info!(target: "audit", event = "event", actor.id = "bob");
    });
    recording.captured().count(4).with_actor("alice").count(3);
    let stats = recording.audit().stats();
    assert_eq!((stats.lost_policy, stats.rejected_policy), (2, 1));
    assert_eq!(stats.gap_recorded, 2);
    let gaps = recording.control().with_event("audit.gap");
    let lost: u64 = gaps
        .records()
        .iter()
        .map(|gap| gap.attribute("lost").and_then(|lost| lost.as_u64()).unwrap())
        .sum();
    assert_eq!(lost, 2);
    gaps.first()
        .assert_attribute("cause", "actor_required")
        .assert_attribute("of_category", "login");
}

#[test]
fn an_emitted_record_below_its_floor_is_left_out_and_its_caller_told() {
    let recording = Recording::with(|audit| audit.event_floor("noise.*", record::Level::Warn));
    let emit = |level| {
        let record = Record::builder("noise.tick").level(&level).build();
        recording.audit().emit(record).unwrap().state()
    };
    assert_eq!(emit(record::Level::Info), State::BelowLevel);
    assert_eq!(emit(record::Level::Error), State::Delivered);
    recording.captured().count(1);
    assert_eq!(recording.audit().stats().below_level, 1);
}

#[test]
fn a_record_names_its_callsite_where_that_is_asked_for() {
    let write = || {
        info!(target: "audit::here", event = "event");
        drop(info_span!(target: "audit", "span"));
    };
    let with = Recording::with(|audit| audit.callsite(true));
    with.run(write);
    let captured = with.captured();
    for record in &captured {
        record
            .assert_has(Slot::CodeFile, file!())
            .assert_has(Slot::CodeModule, module_path!());
        assert!(record.uint(Slot::CodeLine).unwrap() > 1);
    }
    captured
        .with_event("event")
        .only()
        .assert_has(Slot::CodeTarget, "audit::here");
    let without = Recording::new();
    without.run(write);
    for record in &without.captured() {
        for slot in [Slot::CodeFile, Slot::CodeLine, Slot::CodeModule, Slot::CodeTarget] {
            record.assert_lacks(slot);
        }
    }
}

#[test]
fn a_record_says_its_level_and_what_the_macro_was_named() {
    let captured = capture(|| {
        event!(name: "user.login", target: "audit", Level::DEBUG, "hello {}", 1);
        warn!(target: "audit", action = "document.delete", "gone");
        error!(target: "audit", "only a message");
    });
    captured
        .with_event("user.login")
        .only()
        .assert_has(Slot::Level, "debug")
        .assert_has(Slot::Summary, "hello 1")
        .assert_has(Slot::Action, "login")
        .assert_has(Slot::Category, "user");
    captured
        .with_action("document.delete")
        .only()
        .assert_has(Slot::Level, "warn")
        .assert_has(Slot::Summary, "gone");
    let bare = captured.with(Slot::Summary, "only a message");
    assert!(!bare.only().event().is_empty());
}

#[test]
fn an_event_without_a_name_is_called_event_in_the_family_that_its_target_names() {
    let recording = Recording::with(|audit| audit.event_floor("billing.*", record::Level::Warn));
    recording.run(|| {
        info!(target: "audit", "plain");
        warn!(target: "audit::billing", "charged");
        warn!(target: "audit::billing::refund", "paid back");
        // Weighed by that name as well.
        info!(target: "audit::billing", "left out");
        // What says its name or action by a field is called that.
        warn!(target: "audit::billing", action = "charge", "an action");
        warn!(target: "audit::billing", event_name = "billing.named", "a name");
        event!(name: "billing.macro", target: "audit::billing", Level::WARN, "the macro's name");
    });
    let captured = recording.captured();
    let found: Vec<_> = captured
        .records()
        .iter()
        .map(|record| {
            let text = |slot| record.text(slot).unwrap_or_default();
            (
                text(Slot::Summary),
                record.event(),
                text(Slot::Action),
                text(Slot::Category),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("plain", "event", "event", ""),
            ("charged", "billing.event", "event", "billing"),
            ("paid back", "billing.refund.event", "event", "billing::refund"),
            ("an action", "charge", "charge", "billing"),
            ("a name", "billing.named", "named", "billing"),
            ("the macro's name", "billing.macro", "macro", "billing"),
        ]
    );
    assert_eq!(recording.audit().stats().below_level, 1);

    let recording = Recording::with(|audit| audit.event_floor("event", record::Level::Error));
    recording.run(|| info!(target: "audit", "as its line would call it"));
    recording.captured().none();
    assert_eq!(recording.audit().stats().below_level, 1);
}
