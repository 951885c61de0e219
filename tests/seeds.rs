//! What the five documents declare, counted: the fixtures that everything else about the seeds is checked against.

#[path = "support/seeds.rs"]
mod seeds;

use std::collections::HashSet;

use seeds::{Declared, named, of};

fn of_kind(system: &str, kind: &str) -> Vec<Declared> {
    of(system).into_iter().filter(|ty| ty.kind == kind).collect()
}

fn fields(system: &str, name: &str) -> usize {
    named(system, name).fields.len()
}

fn optional(ty: &Declared) -> Vec<&str> {
    let optional = ty.fields.iter().filter(|field| field.is_optional);
    optional.map(|field| field.name.as_str()).collect()
}

#[test]
fn flynn_declares_35_event_types_and_21_payloads_with_112_fields() {
    let events = named("flynn", "AuditEventType").literals;
    assert_eq!(events.len(), 35);
    assert_eq!(events.iter().collect::<HashSet<_>>().len(), 35);
    let payloads = of_kind("flynn", "payload");
    assert_eq!(payloads.len(), 21);
    assert_eq!(payloads.iter().map(|ty| ty.fields.len()).sum::<usize>(), 112);
    // A tool's result is one field with three of its own.
    assert_eq!(payloads.iter().map(|ty| ty.leaves().len()).sum::<usize>(), 114);
    let covered: HashSet<_> = payloads.iter().flat_map(|ty| &ty.events).collect();
    assert_eq!(covered.len(), 24);
    assert!(covered.iter().all(|event| events.contains(event)));
    let untyped: Vec<_> = events.iter().filter(|event| !covered.contains(event)).collect();
    assert_eq!(
        untyped,
        [
            "session.transfer",
            "cron.sent",
            "cron.add",
            "cron.remove",
            "webhook.sent",
            "webhook.not_found",
            "webhook.denied",
            "gmail.error",
            "system.start",
            "system.stop",
            "system.config"
        ]
    );
}

#[test]
fn flynn_declares_7_settings_6_questions_and_4_levels() {
    assert_eq!(named("flynn", "AuditConfig").leaves().len(), 7);
    assert_eq!(fields("flynn", "AuditQuery"), 6);
    assert_eq!(optional(&named("flynn", "AuditQuery")).len(), 6);
    assert_eq!(fields("flynn", "AuditEvent"), 4);
    assert_eq!(named("flynn", "AuditLevel").literals.len(), 4);
    let payloads = of_kind("flynn", "payload");
    let literals = payloads.iter().flat_map(|ty| &ty.fields);
    let literals = literals.filter(|field| !field.literals.is_empty());
    assert_eq!(literals.count(), 13, "fields with a closed list of words");
    let optional = payloads.iter().flat_map(|ty| &ty.fields);
    let leaves = optional.filter(|field| field.is_optional);
    assert_eq!(leaves.count(), 34, "fields that may be absent");
}

#[test]
fn denkeeper_declares_11_fields_9_filters_and_two_answers_of_4() {
    assert_eq!(fields("denkeeper", "Event"), 11);
    assert_eq!(fields("denkeeper", "ListOpts"), 9);
    assert_eq!(optional(&named("denkeeper", "ListOpts")), ["Since", "Until"]);
    assert_eq!(fields("denkeeper", "ListResult"), 4);
    assert_eq!(fields("denkeeper", "Stats"), 4);
    assert_eq!(named("denkeeper", "Category").literals.len(), 10);
    assert_eq!(named("denkeeper", "Status").literals.len(), 4);
    let methods = of("denkeeper");
    let methods = methods.iter().filter(|ty| !ty.methods.is_empty());
    let methods: Vec<_> = methods.map(|ty| (ty.name.as_str(), ty.methods.len())).collect();
    assert_eq!(
        methods,
        [
            ("BufferedEmitter", 5),
            ("Emitter", 1),
            ("NopEmitter", 1),
            ("SQLiteStore", 8),
            ("Store", 6)
        ]
    );
}

#[test]
fn code_executor_declares_11_fields_4_methods_7_events_and_3_statuses() {
    let entry = named("code_executor", "AuditLogEntry");
    assert_eq!(entry.fields.len(), 11);
    assert_eq!(optional(&entry).len(), 7);
    assert_eq!(named("code_executor", "IAuditLogger").methods.len(), 4);
    assert_eq!(named("code_executor", "AuditEventType").literals.len(), 7);
    assert_eq!(named("code_executor", "AuditStatus").literals.len(), 3);
}

#[test]
fn aaasm_declares_9_fields_of_which_5_may_be_absent() {
    let event = named("aaasm", "AuditEvent");
    assert_eq!(event.fields.len(), 9);
    assert_eq!(
        optional(&event),
        ["callStack", "labels", "parentSpanId", "spanId", "traceId"]
    );
}

#[test]
fn dpa_declares_20_leaves_of_which_7_may_be_absent() {
    let entry = named("dpa", "AuditEntry");
    assert_eq!(entry.leaves().len(), 20);
    assert_eq!(
        optional(&entry),
        [
            "changedFields",
            "reason",
            "correlationId",
            "requestId",
            "piiCategories",
            "errorCode"
        ],
        "and an id inside of `resource`"
    );
    assert_eq!(named("dpa", "AuditAction").literals.len(), 6);
    assert_eq!(named("dpa", "AuditFrom").leaves(), ["ipTruncated", "userAgent"]);
}
