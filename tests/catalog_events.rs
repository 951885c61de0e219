//! The catalogue of events: what each is called, what it hides by default, and what its readers see.
#![cfg(feature = "catalog")]

#[path = "support/docs.rs"]
mod docs;
#[path = "support/trail.rs"]
mod trail;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use tracing_audit::catalog::{
    Category, CronTrigger, EVENTS, FileOp, FileOperation, GmailNewEmail, HeartbeatCheck, HeartbeatCycle,
    InstallPhase, InstallStatus, LlmCall, NotBlank, OperatorChange, SessionDelete, SkillCommandResult,
    Status, ToolApproval, ToolCall, ToolError, ToolSource, ToolStart, ToolSuccess, Violation, WebhookReceive,
};
use tracing_audit::record::{AuditEvent, CallNode, EventMeta, Level, Outcome, Record, Slot, Value, Verdict};
use tracing_audit::redact::{Action, Class, Policy};
use tracing_audit::testing::Recording;
use trail::{Trail, map};

/// The page of events, as `tracing-audit events --md` prints it.
fn page() -> String {
    tracing_audit::catalog::page()
}

#[test]
fn the_page_of_events_is_what_the_catalogue_says() {
    docs::assert_current("docs/events.md", &page());
}

/// T003-01.
#[test]
fn no_two_typed_events_share_a_name_and_every_name_stands_on_the_page() {
    let names: BTreeSet<_> = EVENTS.iter().map(|meta| meta.name).collect();
    assert_eq!(names.len(), EVENTS.len());
    let page = page();
    for meta in EVENTS {
        assert!(
            page.contains(&format!("\n### `{}`\n", meta.name)),
            "{}",
            meta.name
        );
        assert!(!meta.doc.is_empty() && !meta.category.is_empty() && !meta.action.is_empty());
        for field in meta.fields {
            assert!(
                page.contains(&format!("| `{}` |", field.path)),
                "{} {}",
                meta.name,
                field.path
            );
            assert!(!field.doc.is_empty(), "{} {}", meta.name, field.name);
            assert_ne!(field.class.kind, "unclassified", "{} {}", meta.name, field.name);
        }
    }
}

/// A tool can give a result and complain; whatever else went wrong did not go well.
#[test]
fn no_event_that_always_says_success_can_say_what_went_wrong() {
    let both = EVENTS.iter().filter(|meta| {
        meta.outcome == Some(Outcome::Success)
            && meta.fields.iter().any(|field| field.path == "error.message")
    });
    let names: Vec<_> = both.map(|meta| meta.name).collect();
    assert_eq!(names, ["tool.success"]);
}

/// What the seeds name beside the event types of 000: the families of 001, the types of 002 and 003, the actions of 004.
#[test]
fn every_word_that_the_seeds_have_for_a_kind_of_event_has_a_typed_event() {
    let named = |word: &str, of: fn(&EventMeta) -> &str| EVENTS.iter().any(|meta| of(meta) == word);
    for category in Category::KNOWN {
        assert!(
            named(category, |meta| meta.category),
            "no event of the category {category}"
        );
    }
    for event in [
        "auth_failure",
        "rate_limited",
        "circuit_open",
        "queue_full",
        "tool_call",
        "shutdown",
        "discovery",
        "llm_call",
        "file_op",
        "network_call",
        "process_exec",
        "agent_spawn",
        "tool_result",
        "policy_violation",
    ] {
        assert!(named(event, |meta| meta.name), "no event {event}");
    }
    for action in [
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
    ] {
        assert!(
            named(action, |meta| meta.action),
            "no event with the action {action}"
        );
    }
    let outcomes: Vec<Outcome> = Status::KNOWN
        .iter()
        .map(|word| Status::from(*word).into())
        .collect();
    assert_eq!(outcomes.len(), 4);
}

/// Events that hold what a person said or sent, which must not show.
fn telling(text: &'static str) -> [Record; 6] {
    [
        (&WebhookReceive::new("deploy", text, true, "telegram", "p-4")).into(),
        (&GmailNewEmail::new("m-1", text, text, ["inbox"])).into(),
        (&CronTrigger::new("digest", "0 7 * * *", text, "telegram", "p-4")).into(),
        (&ToolStart::new("send", map([("text", text.into())]))).into(),
        (&ToolSuccess::new("read", text, Duration::ZERO)).into(),
        (&LlmCall::new("m-large", Outcome::Success)
            .response_text(text)
            .thinking(text))
            .into(),
    ]
}

#[test]
fn what_a_person_said_is_hidden_unless_a_policy_says_otherwise() {
    let text = "Dear Ann, I cannot come on Monday";
    let hiding = Recording::new();
    let emit = |recording: &Recording| {
        for record in telling(text) {
            recording.audit().submit(record).unwrap();
        }
    };
    emit(&hiding);
    let captured = hiding.captured();
    captured.count(6);
    for record in captured.records() {
        record.assert_hides(text).assert_hides("Monday");
        assert!(record.get(Slot::Redaction).is_some(), "{record:?}");
    }
    let content = Policy::balanced()
        .class(Class::personal("content"), Action::Keep)
        .class(Class::personal("email"), Action::Keep);
    let keeping = Recording::with(|audit| audit.policy(content));
    emit(&keeping);
    for record in keeping.captured().records() {
        assert!(record.line().contains(text), "{record:?}");
    }
}

/// T000-09, for the typed event: the arguments are kept by a policy that says so, and secrets in them are not.
#[test]
fn a_policy_that_keeps_arguments_keeps_no_secret_among_them() {
    let policy = Policy::balanced().class(Class::personal("content"), Action::Keep);
    let recording = Recording::with(|audit| audit.policy(policy));
    let secret = ["hunter", "2"].concat();
    let args = map([("user", "ann".into()), ("password", secret.as_str().into())]);
    recording.audit().submit(ToolStart::new("login", args)).unwrap();
    let captured = recording.captured();
    let record = captured.only();
    record.assert_hides(&secret);
    assert_eq!(record.at("detail.tool.args.user"), Some(&Value::from("ann")));
    let count = record
        .map(Slot::Redaction)
        .and_then(|redaction| redaction.get("count"));
    assert_eq!(count, Some(&Value::from(1)));
}

/// T000-08.
#[test]
fn a_tool_call_without_an_end_is_found_by_its_execution_id() {
    let trail = Trail::new();
    let emit = |record: Record| trail.submit(record);
    for id in ["x-1", "x-2", "x-3"] {
        emit((&ToolStart::new("grep", "a").execution_id(id)).into());
    }
    emit((&ToolSuccess::new("grep", "b", Duration::ZERO).execution_id("x-1")).into());
    emit((&ToolError::new("grep", "c", Duration::ZERO).execution_id("x-3")).into());
    let ids = |query: &str| -> BTreeSet<String> {
        let found = trail.ask(query);
        found
            .iter()
            .map(|record| record.text(Slot::ExecutionId).unwrap().to_owned())
            .collect()
    };
    let (begun, ended) = (
        ids("event=tool.start outcome=pending"),
        ids("category=tool outcome!=pending"),
    );
    assert_eq!(begun.difference(&ended).collect::<Vec<_>>(), ["x-2"]);
    assert_eq!(
        trail.ask("resource=tool/grep").len(),
        5,
        "what was acted on is the tool"
    );
}

/// T002-12 and T002-14.
#[test]
fn samples_of_a_model_are_recorded_with_hashes_violations_and_their_own_status() {
    let trail = Trail::new();
    let hash = tracing_audit::redact::sha256(b"a prompt");
    let sample = |status: &'static str, outcome: Outcome| {
        LlmCall::new("m-large", outcome)
            .status(status)
            .round(2)
            .prompt_hash(hash.as_str())
            .tokens_total(31)
    };
    let violations = vec![Violation::new("email", 2), Violation::new("openai_key", 1)];
    trail.submit((&sample("success", Outcome::Success).violations(violations.clone())).into());
    trail.submit((&sample("error", Outcome::Failure).error_message("the model is gone")).into());
    trail.submit((&sample("rate_limited", Outcome::Failure)).into());
    let statuses: Vec<_> = trail
        .ask("event=llm_call")
        .iter()
        .map(|record| {
            (
                record.text(Slot::Outcome).unwrap().to_owned(),
                record.text(Slot::ReasonCode).unwrap().to_owned(),
            )
        })
        .collect();
    let expected = [
        ("success", "success"),
        ("failure", "error"),
        ("failure", "rate_limited"),
    ];
    assert_eq!(
        statuses,
        expected.map(|(outcome, status)| (outcome.to_owned(), status.to_owned()))
    );
    let [first, second, _] = trail.ask("event=llm_call").try_into().unwrap();
    assert_eq!(LlmCall::from_record(&first).unwrap().violations, Some(violations));
    assert_eq!(first.at("hashes.prompt"), Some(&Value::from(hash.as_str())));
    assert_eq!(second.at("detail.llm.violations"), None, "none is absent");
    assert!(!trail.text().contains("a prompt"));
}

/// T003-11.
#[test]
fn a_change_by_an_operator_has_a_reason_and_shows_no_credential() {
    for blank in ["", "  ", "\t\n"] {
        assert!(NotBlank::new(blank).is_err(), "{blank:?}");
    }
    let token = ["ghp", "0123456789abcdefghijABCDEFGHIJ012345"].join("_");
    let reason = NotBlank::new(format!("rotated after {token} leaked")).unwrap();
    let change = OperatorChange::new("op-1", "suspend_agent", "agent-7", reason)
        .tenant("acme")
        .before("active")
        .after("suspended");
    let trail = Trail::new();
    trail.submit((&change).into());
    let [found] = trail.ask("resource.id=agent-7").try_into().unwrap();
    let texts = [Slot::ActorId, Slot::ScopeTenant].map(|slot| found.text(slot).unwrap().to_owned());
    assert_eq!(texts, ["op-1", "acme"]);
    assert_eq!(found.at("detail.config.before"), Some(&Value::from("active")));
    assert_eq!(found.at("detail.config.after"), Some(&Value::from("suspended")));
    assert!(found.text(Slot::Reason).unwrap().starts_with("rotated after"));
    assert!(!trail.text().contains(&token));
    let blank = Record::builder("governance.change").reason("   ").build();
    let error = OperatorChange::from_record(&blank).unwrap_err().to_string();
    assert!(error.contains("operator"), "{error}");
}

#[test]
fn what_an_agent_did_comes_back_with_decision_lineage_labels_and_steps() {
    let hears = CallNode::new("2", "telepathy", "hears").omitted(4);
    let steps = [CallNode::new("1", "llm", "plans").duration_ns(9).child(hears)];
    let call = ToolCall::new("grep", Outcome::Denied)
        .tool_source(ToolSource::Mcp)
        .agent_id("agent-2")
        .team_id("blue")
        .decision(Verdict::Allow)
        .shadow_decision(Verdict::from("budget_block"))
        .dry_run(true)
        .rule_id("r-7")
        .root_agent_id("agent-0")
        .parent_agent_id("agent-1")
        .depth(2)
        .labels(BTreeMap::from([("team".to_owned(), "core".to_owned())]))
        .call_stack(steps);
    let trail = Trail::new();
    trail.audit.emit(&call).unwrap();
    trail.run(|| call.record());
    let [emitted, traced] = trail.ask("event=tool_call").try_into().unwrap();
    for record in [emitted, traced] {
        assert_eq!(ToolCall::from_record(&record).unwrap(), call);
        assert_eq!(record.text(Slot::DecisionShadow), Some("budget_block"));
        assert_eq!(record.at("labels.team"), Some(&Value::from("core")));
    }
    let file = FileOp::new(FileOperation::Write, "/srv/notes", Outcome::Success).bytes(12);
    trail.submit((&file).into());
    assert_eq!(trail.ask("resource=file/%2Fsrv").len(), 0);
    assert_eq!(
        trail
            .ask("detail.file.operation=write resource.id=\"/srv/notes\"")
            .len(),
        1
    );
}

#[test]
fn a_typed_event_says_its_level_and_what_follows_from_what_it_was_given() {
    assert_eq!(ToolError::META.level, Level::Error);
    let outcome = |approved: bool| ToolApproval::new("grep", approved).outcome;
    assert_eq!(
        [outcome(true), outcome(false)],
        [Outcome::Success, Outcome::Denied]
    );
    let healthy = |healthy: bool| {
        let check = HeartbeatCheck::new("disk", healthy, "", Duration::ZERO).outcome;
        assert_eq!(HeartbeatCycle::new(1, ["disk"], healthy, 0).outcome, check);
        check
    };
    assert_eq!(
        [healthy(true), healthy(false)],
        [Outcome::Success, Outcome::Failure]
    );
    let command = |status: &str| {
        let phase = InstallPhase::Install;
        SkillCommandResult::new("notes", phase, "npm", "npm ci", InstallStatus::from(status), "").outcome
    };
    assert_eq!(
        ["succeeded", "failed", "blocked", "skipped", "odd"].map(command),
        [
            Outcome::Success,
            Outcome::Failure,
            Outcome::Denied,
            Outcome::Unknown,
            Outcome::Unknown
        ]
    );
    let trail = Trail::new();
    trail.submit((&ToolError::new("grep", "x", Duration::ZERO)).into());
    assert_eq!(trail.ask("level>=error outcome=failure").len(), 1);
}

#[test]
fn shown_to_people_an_event_shows_what_is_open_and_the_class_of_the_rest() {
    let mut shown = String::new();
    write!(
        shown,
        "{:?}",
        WebhookReceive::new("deploy", "who knows", true, "telegram", "p-4")
    )
    .unwrap();
    assert_eq!(
        shown,
        "WebhookReceive { webhook_name: \"deploy\", body: [personal:content], signature_verified: true, output_channel: \
         \"telegram\", output_peer: \"p-4\", resource_type: Some(\"webhook\"), resource_id: Some(\"deploy\") }"
    );
    let text = format!("{:?}", SessionDelete::new("s-1", 7));
    assert!(text.contains("message_count: 7"), "{text}");
}
