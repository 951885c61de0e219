//! Every field name that fills a slot does so: by an event, a span and `#[instrument]`, with and without `audit.`.

#![expect(
    clippy::useless_vec,
    reason = "the lists are macros of this file, and a vector is what most callers of them need"
)]

use std::collections::BTreeSet;

use tracing::{Level, event, info_span, instrument};
use tracing_audit::record::{Naming, Resolved, Slot, Value};
use tracing_audit::testing::{CapturedRecord, Recording};

/// One name, and the three ways in which it is reported, each of which writes one record.
struct Case {
    name: String,
    report: [fn(); 3],
}

/// Cases for these names and for the same behind `audit.`, all with one value. Names are static in `tracing`'s macros:
/// hence a list, which a test below compares with the table of slots.
macro_rules! cases {
    ($value:expr; $($($part:ident).+),+ $(,)?) => {
        vec![$(
            cases!(@one $value; $($part).+),
            cases!(@one $value; audit.$($part).+),
        )+]
    };
    (@one $value:expr; $($part:ident).+) => {
        Case {
            name: [$(stringify!($part)),+].join("."),
            report: [
                || event!(target: "audit", Level::INFO, $($part).+ = $value),
                || drop(info_span!(target: "audit", "span", $($part).+ = $value)),
                || {
                    #[instrument(target = "audit", fields($($part).+ = $value))]
                    fn instrumented() {}
                    instrumented();
                },
            ],
        }
    };
}

/// The names of each kind of slot, given to a macro together with a value.
macro_rules! texts {
    ($value:expr) => {
        cases! { $value;
            action, actor.channel, actor.client_hash, client_id_hash, actor.frontend, frontend,
            actor.peer, actor.type, actor.user_agent, user_agent.original, user_agent,
            agent.identity_assurance, agent.name, gen_ai.agent.name, agent.org, agent.team,
            agent.tier, agent_tier, category, decision.enforced, decision, decision.policy_id,
            decision.policy_version, decision.rule_id, decision.shadow, error.message, error, err,
            exception.message, error_message, event, event.name, event_name, event_type,
            lineage.delegation_reason, outcome, profile, reason, resource.type, resource,
            scope.environment, environment, deployment.environment.name, scope.feature, feature,
            source, summary, message,
        }
    };
}

macro_rules! ids {
    ($value:expr) => {
        cases! { $value;
            actor.id, actor, user.id, enduser.id, enduser.pseudo.id, agent.id, gen_ai.agent.id,
            conversation_id, gen_ai.conversation.id, correlation_id, error.code, error.type,
            error_code, execution_id, lineage.parent, lineage.root, lineage.spawned_by, reason_code,
            request_id, http.request.id, resource.id, scope.tenant, tenant, tenant.id, tenant_id,
            session_id, session.id,
        }
    };
}

macro_rules! addresses {
    ($value:expr) => {
        cases! { $value;
            actor.ip, client.address, ip_truncated,
        }
    };
}

macro_rules! lists {
    ($value:expr) => {
        cases! { $value;
            actor.roles, user.roles, changed_fields, pii.categories, pii_categories,
        }
    };
}

macro_rules! numbers {
    ($value:expr) => {
        cases! { $value;
            actor.ip_prefix_len, duration_ns, lineage.depth,
        }
    };
}

macro_rules! truths {
    ($value:expr) => {
        cases! { $value;
            decision.dry_run, dry_run, pii.contains, contains_pii,
        }
    };
}

/// The slot that a name fills.
fn slot(name: &str) -> Slot {
    match Resolved::of(name) {
        Resolved::Slot(slot, Naming::Plain) => slot,
        other => panic!("`{name}` is {other:?}"),
    }
}

/// Reports every case and looks at each record. Answers how many fields had a wrong type.
#[track_caller]
fn each(cases: &[Case], look: impl Fn(&str, &CapturedRecord)) -> u64 {
    let recording = Recording::new();
    recording.run(|| {
        cases
            .iter()
            .flat_map(|case| case.report)
            .for_each(|report| report());
    });
    let captured = recording.captured();
    assert_eq!(captured.len(), cases.len() * 3);
    for (case, records) in cases.iter().zip(captured.records().chunks(3)) {
        records.iter().for_each(|record| look(&case.name, record));
    }
    recording.audit().stats().wrong_type
}

/// Every name fills its slot with `value`, and nothing goes astray.
#[track_caller]
fn fill(cases: &[Case], value: impl Into<Value>) {
    let value = value.into();
    let wrong = each(cases, |name, record| {
        record
            .assert_has(slot(name), value.clone())
            .assert_lacks(Slot::Attributes);
    });
    assert_eq!(wrong, 0);
}

/// No name fills its slot: the value is the attribute of that name, and it is counted.
#[track_caller]
fn astray(cases: &[Case], value: impl Into<Value>) {
    let value = value.into();
    let wrong = each(cases, |name, record| {
        record.assert_attribute(name, value.clone());
        assert_ne!(record.get(slot(name)), Some(&value), "{record:?}");
    });
    assert_eq!(wrong, 3 * cases.len() as u64);
}

#[test]
fn the_list_of_names_is_complete() {
    let all = [
        texts!("x"),
        ids!("x"),
        addresses!("x"),
        lists!("x"),
        numbers!(1),
        truths!(true),
    ];
    let listed: BTreeSet<String> = all.into_iter().flatten().map(|case| case.name).collect();
    let plain = Resolved::names().filter(|(.., naming)| *naming == Naming::Plain);
    let expected: BTreeSet<String> = plain
        .flat_map(|(name, ..)| [name.to_owned(), format!("audit.{name}")])
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn every_name_of_a_text_fills_its_slot() {
    fill(&texts!("some words"), "some words");
    fill(&texts!(format_args!("{} {}", "shown", 1)), "shown 1");
    fill(&texts!(tracing::field::display("shown")), "shown");
}

#[test]
fn every_name_of_an_id_takes_text_and_integers() {
    fill(&ids!("id-7"), "id-7");
    fill(&ids!(42_u64), "42");
    fill(&ids!(-42_i64), "-42");
    fill(&ids!(u128::MAX), "340282366920938463463374607431768211455");
    fill(&ids!(i128::MIN), "-170141183460469231731687303715884105728");
}

#[test]
fn every_name_of_an_address_fills_its_slot_truncated() {
    fill(&addresses!("203.0.113.77"), "203.0.113.0");
    fill(&addresses!(tracing::field::debug("203.0.113.77")), "203.0.113.0");
}

#[test]
fn every_name_of_a_list_takes_its_forms() {
    fill(&lists!("a, b"), vec!["a", "b"]);
    fill(&lists!(tracing::field::debug(["a", "b, c"])), vec!["a", "b, c"]);
}

#[test]
fn every_name_of_a_number_takes_what_fits() {
    fill(&numbers!(u64::MAX), u64::MAX);
    fill(&numbers!(7_i64), 7_u64);
    fill(&numbers!(7_u128), 7_u64);
    fill(&numbers!(7_i128), 7_u64);
}

#[test]
fn every_name_of_a_truth_value_fills_its_slot() {
    fill(&truths!(true), true);
    fill(&truths!(false), false);
}

#[test]
fn a_value_of_a_wrong_type_is_an_attribute_and_counted() {
    astray(&texts!(7_u64), 7_u64);
    astray(&texts!(true), true);
    astray(&texts!(1.5), 1.5);
    astray(&ids!(1.5), 1.5);
    astray(&ids!(true), true);
    astray(&lists!(7_u64), 7_u64);
    astray(&numbers!("seven"), "seven");
    astray(&numbers!(-7_i64), -7_i64);
    astray(&numbers!(u128::MAX), u128::MAX);
    astray(&numbers!(1.5), 1.5);
    astray(&truths!("yes"), "yes");
    astray(&truths!(1_u64), 1_u64);
}

#[test]
fn an_address_of_a_wrong_type_never_shows() {
    let wrong = each(&addresses!(3_405_803_853_u64), |name, record| {
        record
            .assert_attribute(name, "[REDACTED:network]")
            .assert_lacks(Slot::ActorIp)
            .assert_hides("3405803853");
    });
    assert_eq!(wrong, 18);
}
