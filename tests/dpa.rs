//! The strict entry about an access to data: what it says, what it refuses, and what fills its correlation id.

use std::str::FromStr as _;

use tracing_audit::catalog::dpa::{Action, ActorType, Entry, EntryBuilder, Given, Missing, Outcome, Update};
use tracing_audit::config::Stream;
use tracing_audit::record::{Record, Slot, Value};
use tracing_audit::redact::Policy;
use tracing_audit::testing::{CapturedRecord, Recording};
use tracing_audit::{Audit, AuditContext, AuditedExt as _, ErrorKind, Ids};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// All that is needed, but for who acted and where it came from.
fn begun() -> EntryBuilder<Update, Missing, Missing, Given, Given, Given, Missing, Given, Given> {
    Entry::update("patient")
        .feature("admissions")
        .environment("production")
        .tenant("st-mary")
        .contains_pii(true)
        .outcome(Outcome::Success)
}

fn by(id: &str) -> tracing_audit::Result<Entry> {
    begun().user(id).no_roles().from_background_job().build()
}

fn full() -> Entry {
    begun()
        .resource_id("p-17")
        .changed_fields(["address", "phone, private"])
        .user("u-4")
        .roles(["nurse", "night, shift"])
        .from_address("203.0.113.77", "Firefox/131")
        .pii_categories(["health"])
        .reason("moved")
        .request_id("r-9")
        .error_code("E0")
        .build()
        .unwrap()
}

/// The entry handed over as a value and through `tracing`.
fn both(entry: &Entry) -> [CapturedRecord; 2] {
    let recording = Recording::new();
    recording.audit().emit(entry).unwrap();
    recording.run(|| entry.record());
    recording
        .captured()
        .count(2)
        .records()
        .to_vec()
        .try_into()
        .unwrap()
}

#[test]
fn a_declaration_that_redaction_contradicts_is_flagged_as_a_value_and_through_tracing() {
    let declared = |reason: &str| {
        let none = begun().contains_pii(false).reason(reason);
        none.system().no_roles().from_background_job().build().unwrap()
    };
    for record in both(&declared("wrote to ann@example.com")) {
        record
            .assert_has(Slot::PiiContains, false)
            .assert_has(Slot::PiiUndeclared, true);
    }
    for record in both(&declared("wrote to nobody")) {
        record.assert_lacks(Slot::PiiUndeclared);
    }
    let policy = Policy::strict().key("k1", &[7; 32]).unwrap();
    let strict = Recording::with(|audit| audit.policy(policy));
    strict.audit().emit(declared("wrote to ann@example.com")).unwrap();
    strict
        .captured()
        .only()
        .assert_has(Slot::PiiContains, true)
        .assert_has(Slot::PiiUndeclared, true);
}

#[test]
fn t004_03_an_entry_says_the_same_as_a_value_and_through_tracing() {
    for record in both(&full()) {
        record
            .assert_has(Slot::Event, "data_access.update")
            .assert_has(Slot::Category, "data_access")
            .assert_has(Slot::Action, "UPDATE")
            .assert_has(Slot::Level, "info")
            .assert_has(Slot::ActorId, "u-4")
            .assert_has(Slot::ActorType, "user")
            .assert_has(Slot::ActorRoles, vec!["nurse", "night, shift"])
            .assert_has(Slot::ActorIp, "203.0.113.0")
            .assert_has(Slot::ActorIpPrefixLen, 24_u8)
            .assert_has(Slot::ActorUserAgent, "Firefox/131")
            .assert_has(Slot::ResourceType, "patient")
            .assert_has(Slot::ResourceId, "p-17")
            .assert_has(Slot::ChangedFields, vec!["address", "phone, private"])
            .assert_has(Slot::ScopeFeature, "admissions")
            .assert_has(Slot::ScopeEnvironment, "production")
            .assert_has(Slot::ScopeTenant, "st-mary")
            .assert_has(Slot::PiiContains, true)
            .assert_has(Slot::PiiCategories, vec!["health"])
            .assert_has(Slot::Outcome, "success")
            .assert_has(Slot::ErrorCode, "E0")
            .assert_has(Slot::Reason, "moved")
            .assert_has(Slot::RequestId, "r-9")
            .assert_has(Slot::Profile, "dpa")
            .assert_lacks(Slot::CorrelationId)
            .assert_lacks(Slot::Attributes)
            .assert_lacks(Slot::Detail)
            .assert_lacks(Slot::Redaction);
    }
}

#[test]
fn t004_04_what_is_optional_is_absent_where_it_is_not_given() {
    let optional = [
        Slot::ResourceId,
        Slot::ChangedFields,
        Slot::Reason,
        Slot::CorrelationId,
        Slot::RequestId,
        Slot::PiiCategories,
        Slot::ErrorCode,
    ];
    for record in both(&by("u-4").unwrap()) {
        for slot in optional {
            record.assert_lacks(slot);
        }
        record.assert_has(Slot::ActorRoles, Value::List(Vec::new()));
    }
}

#[test]
fn t004_01_the_actions_are_these_ten_and_another_word_is_refused_with_their_names() {
    let words: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
    assert_eq!(
        words,
        [
            "VIEW",
            "CREATE",
            "UPDATE",
            "DELETE",
            "EXPORT",
            "PERMISSION_CHANGE",
            "CONSENT_GRANT",
            "CONSENT_WITHDRAW",
            "RESTRICT",
            "UNRESTRICT",
        ]
    );
    for action in Action::ALL {
        assert_eq!(Action::from_str(action.as_str()).unwrap(), *action);
        let entry = Entry::of(*action, "patient")
            .system()
            .feature("f")
            .environment("e")
            .single_tenant()
            .from_background_job()
            .contains_pii(false)
            .outcome(Outcome::Success)
            .build()
            .unwrap();
        assert_eq!(entry.action(), Some(*action));
        assert_eq!(entry.as_record().event(), action.event());
    }
    for wrong in ["view", "PRINT", "", "VIEW "] {
        let error = Action::from_str(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Format);
        let text = error.to_string();
        assert!(text.contains(&format!("`{wrong}`")), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}

#[test]
fn each_beginning_says_its_action() {
    fn said<W>(begun: EntryBuilder<W>) -> Option<Action> {
        let entry = begun
            .system()
            .feature("f")
            .environment("e")
            .single_tenant()
            .from_background_job()
            .contains_pii(false)
            .outcome(Outcome::Denied)
            .build();
        entry.unwrap().action()
    }
    let said = [
        said(Entry::view("x")),
        said(Entry::create("x")),
        said(Entry::update("x")),
        said(Entry::delete("x")),
        said(Entry::export("x")),
        said(Entry::permission_change("x")),
        said(Entry::consent_grant("x")),
        said(Entry::consent_withdraw("x")),
        said(Entry::restrict("x")),
        said(Entry::unrestrict("x")),
    ];
    let all: Vec<_> = Action::ALL.iter().copied().map(Some).collect();
    assert_eq!(said.as_slice(), all);
}

#[test]
fn the_outcomes_and_the_types_of_actors_are_closed() {
    for outcome in Outcome::ALL {
        assert_eq!(Outcome::from_str(outcome.as_str()).unwrap(), *outcome);
    }
    for kind in ActorType::ALL {
        assert_eq!(ActorType::from_str(kind.as_str()).unwrap(), *kind);
    }
    assert!(
        Outcome::from_str("failure")
            .unwrap_err()
            .to_string()
            .contains("success, denied, error")
    );
    assert!(
        ActorType::from_str("agent")
            .unwrap_err()
            .to_string()
            .contains("user, system, service")
    );
}

#[test]
fn an_id_that_looks_like_an_e_mail_address_is_refused_and_not_repeated() {
    for id in [
        "ann@example.com",
        "ann@localhost",
        "Ann Other <ann@example.com>",
        "ann%40example.com",
        "ann\u{ff20}example.com",
        "mailto:ann@example.com",
    ] {
        let error = by(id).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{id}");
        let text = error.to_string();
        assert!(
            text.contains("an e-mail address; give the id that stands for the person"),
            "{text}"
        );
        assert!(!text.contains("ann"), "{text}");
    }
    for id in [
        "u-17",
        "4711",
        "5f0c3a52-7c1e-4b1e-9a51-0a1b2c3d4e5f",
        "@",
        "ann@",
        "system",
    ] {
        by(id).unwrap();
    }
}

#[test]
fn a_mandatory_text_that_is_empty_is_refused_by_its_name() {
    let cases: [(tracing_audit::Result<Entry>, &str); 5] = [
        (by(""), "actor.id"),
        (by(" \t"), "actor.id"),
        (
            begun()
                .user("u")
                .no_roles()
                .tenant("")
                .from_background_job()
                .build(),
            "scope.tenant",
        ),
        (
            begun()
                .user("u")
                .no_roles()
                .feature("")
                .from_background_job()
                .build(),
            "scope.feature",
        ),
        (
            begun()
                .user("u")
                .no_roles()
                .environment("")
                .from_background_job()
                .build(),
            "scope.environment",
        ),
    ];
    for (built, path) in cases {
        let error = built.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(
            error.to_string().contains(&format!("`{path}` is empty;")),
            "{error}"
        );
    }
}

#[test]
fn programs_and_background_jobs_have_words_of_their_own() {
    let entry = begun().system().from_background_job().build().unwrap();
    let service = begun()
        .service("billing")
        .roles(["biller"])
        .from_background_job()
        .build()
        .unwrap();
    for record in both(&entry) {
        record
            .assert_has(Slot::ActorId, "system")
            .assert_has(Slot::ActorType, "system")
            .assert_has(Slot::ActorRoles, Value::List(Vec::new()))
            .assert_has(Slot::ActorIp, "system")
            .assert_lacks(Slot::ActorIpPrefixLen)
            .assert_has(Slot::ActorUserAgent, "background-job");
    }
    for record in both(&service) {
        record
            .assert_has(Slot::ActorId, "service-billing")
            .assert_has(Slot::ActorType, "service")
            .assert_has(Slot::ActorRoles, vec!["biller"]);
    }
}

#[test]
fn t004_02_t004_09_an_address_loses_its_last_bits_and_what_is_none_is_not_kept() {
    for (raw, kept, bits) in [
        ("10.1.2.3", "10.1.2.0", Some(24_u8)),
        ("2001:db8:1:2::3", "2001:db8:1::", Some(48)),
        ("::ffff:10.1.2.3", "10.1.2.0", Some(24)),
        ("ann's laptop", "unknown", None),
        ("", "unknown", None),
    ] {
        let entry = begun()
            .user("u-4")
            .no_roles()
            .from_address(raw, "")
            .build()
            .unwrap();
        for record in both(&entry) {
            record
                .assert_has(Slot::ActorIp, kept)
                .assert_has(Slot::ActorUserAgent, "unknown");
            match bits {
                Some(bits) => record.assert_has(Slot::ActorIpPrefixLen, bits),
                None => record.assert_lacks(Slot::ActorIpPrefixLen),
            };
            record.assert_lacks(Slot::Redaction);
        }
    }
}

/// The records of an entry inside a remote trace, and inside an audit span with ids of its own.
fn traced(entry: &Entry) -> Vec<CapturedRecord> {
    let recording = Recording::with(|audit| audit.ids(Ids::Own));
    let emit = || {
        entry.record();
        recording.audit().emit(entry).unwrap();
    };
    recording.run(|| {
        AuditContext::new().traceparent(PARENT).sync_scope(emit);
        tracing::info_span!("request", traceparent = PARENT).in_scope(emit);
        tracing::info_span!(target: "audit", "document.open", traceparent = PARENT).in_scope(emit);
    });
    let captured = recording.captured();
    captured.with_event("data_access.update").records().to_vec()
}

#[test]
fn t004_08_the_trace_fills_the_correlation_id_and_an_explicit_one_wins() {
    let filled = traced(&by("u-4").unwrap());
    let inside: Vec<_> = filled
        .iter()
        .filter(|record| record.record().text(Slot::TraceId).is_some())
        .collect();
    assert!(inside.len() >= 4, "{filled:?}");
    for record in inside {
        assert_eq!(record.record().correlation_id(), Some(TRACE));
    }
    let explicit = begun()
        .user("u-4")
        .no_roles()
        .from_background_job()
        .correlation_id("order-5")
        .build();
    for record in traced(&explicit.unwrap()) {
        assert_eq!(record.record().correlation_id(), Some("order-5"));
    }
}

#[test]
fn t004_10_an_entry_has_no_place_for_contents() {
    let record = Record::from(full());
    let free = [
        Slot::Attributes,
        Slot::Detail,
        Slot::Labels,
        Slot::Hashes,
        Slot::Summary,
        Slot::CallStack,
    ];
    assert!(free.iter().all(|slot| record.get(*slot).is_none()));
}

#[test]
fn where_modules_are_restricted_an_entry_is_recorded_all_the_same() {
    for module in ["app", "tracing_audit::catalog"] {
        let recording = Recording::with(|audit| audit.allow_module(module));
        recording.run(|| full().record());
        recording.captured().count(1);
    }
}

#[test]
fn what_an_entry_says_of_personal_data_decides_how_long_it_is_kept() {
    let place = tempfile::tempdir().unwrap();
    let audit = Audit::builder()
        .directory(place.path())
        .stream_beside(Stream::named("health").keep_days(30))
        .stream_beside(Stream::named("personal").keep_days(90))
        .stream_of_pii_category("health", "health")
        .stream_of_pii("personal")
        .start()
        .unwrap();
    let none = Entry::view("timetable")
        .feature("admissions")
        .environment("production")
        .tenant("st-mary")
        .contains_pii(false)
        .outcome(Outcome::Success);
    let none = none.system().no_roles().from_background_job().build().unwrap();
    for (entry, stream) in [
        (full(), "health"),
        (by("u-4").unwrap(), "personal"),
        (none, "main"),
    ] {
        let as_value = audit.emit(&entry).unwrap();
        let name = as_value.stream().unwrap().rsplit_once('-').unwrap().0;
        assert_eq!(name, stream);
        let of_stream = |name: &str| {
            let of = audit.streams().into_iter().find(|of| of.name() == name).unwrap();
            of.stats().taken
        };
        let before = of_stream(stream);
        let subscriber = tracing_subscriber::registry().audited(&audit);
        tracing::subscriber::with_default(subscriber, || entry.record());
        audit.flush(std::time::Duration::from_secs(30)).unwrap();
        assert_eq!(of_stream(stream), before + 1);
    }
}
