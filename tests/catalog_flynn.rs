//! Every field of every payload of seed 000, as a typed event, from file, memory, SQLite, a collector and the seed's own shape.
#![cfg(all(feature = "catalog", feature = "otlp", feature = "sqlite"))]

#[path = "support/came_back.rs"]
mod came_back;
#[path = "support/collector.rs"]
mod collector;
#[path = "support/elsewhere.rs"]
mod elsewhere;
#[path = "support/otlp.rs"]
mod otlp;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/trail.rs"]
mod trail;

use std::collections::BTreeSet;
use std::time::Duration;

use came_back::{Row, comes_back};
use serde_json::json;
use tracing_audit::catalog::{
    CronTrigger, DenialType, EVENTS, ElevationDisabled, ElevationEnabled, ElevationExpired, GmailNewEmail,
    GmailPoll, HeartbeatCheck, HeartbeatCycle, HeartbeatFail, HeartbeatRecover, InstallPhase, InstallStatus,
    MailMode, Role, ScanPhase, SessionCompact, SessionCreate, SessionDelete, SessionMessage,
    SkillCommandResult, SkillExecutionBlocked, SkillScanFail, SkillScanPass, SkillTier, ToolApproval,
    ToolDenied, ToolEnvironment, ToolError, ToolStart, ToolSuccess, WebhookReceive,
};
use tracing_audit::record::{AuditEvent, Map, Value};

type Seen = BTreeSet<String>;

/// What every event of a tool may say.
fn of_a_tool() -> Vec<Row<'static>> {
    vec![
        ("tool_name", json!("grep"), "detail.tool.name"),
        ("execution_id", json!("x-7"), "execution_id"),
        (
            "execution_environment",
            json!("sandbox"),
            "detail.tool.environment",
        ),
        ("skill_name", json!("notes"), "detail.tool.skill"),
        ("redactions_applied", json!(3), "detail.tool.redactions_applied"),
        ("session_id", json!("s-1"), "session_id"),
    ]
}

/// The same, said.
macro_rules! of_a_tool {
    ($event:expr) => {
        $event
            .execution_id("x-7")
            .execution_environment(ToolEnvironment::Sandbox)
            .skill_name("notes")
            .redactions_applied(3)
            .session_id("s-1")
    };
}

fn rows(more: Vec<Row<'static>>) -> Vec<Row<'static>> {
    [of_a_tool(), more].concat()
}

fn starts_and_ends_of_tools() -> Seen {
    let args = Map::from([
        ("pattern".to_owned(), Value::from("a\"b")),
        ("depth".to_owned(), Value::from(3)),
    ]);
    let start = ToolStart::new("grep", args)
        .channel("telegram")
        .sender("u-1")
        .agent_tier("trusted");
    let rows_of_start = rows(vec![
        (
            "tool_args",
            json!({"pattern": "a\"b", "depth": 3}),
            "detail.tool.args",
        ),
        ("channel", json!("telegram"), "actor.channel"),
        ("sender", json!("u-1"), "actor.id"),
        ("agent_tier", json!("trusted"), "agent.tier"),
    ]);
    let success =
        ToolSuccess::new("grep", "three lines", Duration::from_millis(12)).error("one file was locked");
    let rows_of_success = rows(vec![
        ("result.success", json!(true), "outcome"),
        ("result.output", json!("three lines"), "detail.tool.result"),
        ("result.error", json!("one file was locked"), "error.message"),
        ("duration_ms", json!(12), "duration_ns"),
    ]);
    let error = ToolError::new("grep", "no such file", Duration::from_millis(5)).reason("it was removed");
    let rows_of_error = rows(vec![
        ("error", json!("no such file"), "error.message"),
        ("duration_ms", json!(5), "duration_ns"),
        ("reason", json!("it was removed"), "reason"),
    ]);
    [
        comes_back("ToolStartEvent", &of_a_tool!(start), &rows_of_start),
        comes_back("ToolSuccessEvent", &of_a_tool!(success), &rows_of_success),
        comes_back("ToolErrorEvent", &of_a_tool!(error), &rows_of_error),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn permissions_of_tools() -> Seen {
    let denied = ToolDenied::new("grep", "outside of the workspace", DenialType::AutonomyOverride);
    let rows_of_denied = rows(vec![
        ("reason", json!("outside of the workspace"), "reason"),
        ("denial_type", json!("autonomy_override"), "reason_code"),
    ]);
    let approval = ToolApproval::new("grep", true).reason("asked and answered");
    let rows_of_approval = rows(vec![
        ("approved", json!(true), "detail.approval.approved"),
        ("reason", json!("asked and answered"), "reason"),
    ]);
    let denied = comes_back("ToolDeniedEvent", &of_a_tool!(denied), &rows_of_denied);
    let approval = comes_back("ToolApprovalEvent", &of_a_tool!(approval), &rows_of_approval);
    denied.into_iter().chain(approval).collect()
}

fn skills() -> Seen {
    let blocked = SkillExecutionBlocked::new("notes", InstallPhase::Execute, true, true, "no prompt", 4);
    let rows_of_blocked = [
        ("skill_name", json!("notes"), "detail.skill_install.skill"),
        ("phase", json!("execute"), "detail.skill_install.phase"),
        (
            "execution_requested",
            json!(true),
            "detail.skill_install.execution_requested",
        ),
        (
            "execution_enabled",
            json!(true),
            "detail.skill_install.execution_enabled",
        ),
        ("reason", json!("no prompt"), "reason"),
        (
            "attempted_command_count",
            json!(4),
            "detail.skill_install.attempted_command_count",
        ),
    ];
    let result = SkillCommandResult::new(
        "notes",
        InstallPhase::Install,
        "npm",
        "npm ci",
        InstallStatus::Succeeded,
        "all there",
    );
    let rows_of_result = [
        ("skill_name", json!("notes"), "detail.skill_install.skill"),
        ("phase", json!("install"), "detail.skill_install.phase"),
        (
            "installer_type",
            json!("npm"),
            "detail.skill_install.installer_type",
        ),
        ("command", json!("npm ci"), "detail.skill_install.command"),
        ("status", json!("succeeded"), "detail.skill_install.status"),
        ("reason", json!("all there"), "reason"),
    ];
    [
        comes_back("SkillsInstallerExecutionBlockedEvent", &blocked, &rows_of_blocked),
        comes_back("SkillsInstallerCommandResultEvent", &result, &rows_of_result),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn scans() -> Seen {
    let scan = |ok: bool| {
        vec![
            ("skill_name", json!("notes"), "detail.skill_scan.skill"),
            ("tier", json!("workspace"), "detail.skill_scan.tier"),
            ("phase", json!("install"), "detail.skill_scan.phase"),
            ("ok", json!(ok), "detail.skill_scan.ok"),
            ("error_count", json!(2), "detail.skill_scan.error_count"),
            ("warn_count", json!(1), "detail.skill_scan.warn_count"),
            (
                "issue_codes",
                json!(["E1", "W2"]),
                "detail.skill_scan.issue_codes",
            ),
        ]
    };
    let (tier, phase) = (|| SkillTier::Workspace, || ScanPhase::Install);
    let pass = SkillScanPass::new("notes", tier(), phase(), 2, 1, ["E1", "W2"]);
    let fail = SkillScanFail::new("notes", tier(), phase(), 2, 1, ["E1", "W2"]);
    let pass = comes_back("SkillsScanEvent", &pass, &scan(true));
    pass.into_iter()
        .chain(comes_back("SkillsScanEvent", &fail, &scan(false)))
        .collect()
}

fn elevations() -> Seen {
    let rows = [
        ("session_id", json!("s-1"), "session_id"),
        ("channel", json!("telegram"), "actor.channel"),
        ("sender", json!("u-1"), "actor.id"),
        ("elevation_id", json!("e-9"), "detail.elevation.id"),
        (
            "until_ms",
            json!(1_795_262_400_000_u64),
            "detail.elevation.until_ms",
        ),
        ("ttl_ms", json!(60_000), "detail.elevation.ttl_ms"),
        ("reason", json!("a repair"), "reason"),
    ];
    macro_rules! elevated {
        ($event:ident) => {
            comes_back(
                "SecurityElevationEvent",
                &$event::new("s-1", "telegram", "u-1", "e-9")
                    .until_ms(1_795_262_400_000)
                    .ttl_ms(60_000)
                    .reason("a repair"),
                &rows,
            )
        };
    }
    [
        elevated!(ElevationEnabled),
        elevated!(ElevationDisabled),
        elevated!(ElevationExpired),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn sessions() -> Seen {
    let session = || ("session_id", json!("s-1"), "session_id");
    let create = [
        session(),
        ("frontend", json!("terminal"), "actor.frontend"),
        ("user_id", json!("u-1"), "actor.id"),
    ];
    let message = [
        session(),
        ("role", json!("assistant"), "detail.session.role"),
        ("content_length", json!(480), "detail.session.content_length"),
    ];
    let delete = [
        session(),
        ("message_count", json!(7), "detail.session.message_count"),
    ];
    let compact = [
        session(),
        ("messages_before", json!(90), "detail.session.messages_before"),
        ("messages_after", json!(12), "detail.session.messages_after"),
        ("tokens_before", json!(40_000), "detail.session.tokens_before"),
        ("tokens_after", json!(6_000), "detail.session.tokens_after"),
    ];
    [
        comes_back(
            "SessionCreateEvent",
            &SessionCreate::new("s-1", "terminal", "u-1"),
            &create,
        ),
        comes_back(
            "SessionMessageEvent",
            &SessionMessage::new("s-1", Role::Assistant, 480),
            &message,
        ),
        comes_back("SessionDeleteEvent", &SessionDelete::new("s-1", 7), &delete),
        comes_back(
            "SessionCompactEvent",
            &SessionCompact::new("s-1", 90, 12, 40_000, 6_000),
            &compact,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn automation() -> Seen {
    let cron = [
        ("job_name", json!("digest"), "detail.schedule.job"),
        ("schedule", json!("0 7 * * *"), "detail.schedule.schedule"),
        ("message", json!("what happened?"), "detail.schedule.message"),
        (
            "output_channel",
            json!("telegram"),
            "detail.schedule.output_channel",
        ),
        ("output_peer", json!("p-4"), "detail.schedule.output_peer"),
    ];
    let webhook = [
        ("webhook_name", json!("deploy"), "detail.webhook.name"),
        ("body", json!("{\"ref\":\"main\"}"), "detail.webhook.body"),
        (
            "signature_verified",
            json!(true),
            "detail.webhook.signature_verified",
        ),
        (
            "output_channel",
            json!("telegram"),
            "detail.webhook.output_channel",
        ),
        ("output_peer", json!("p-4"), "detail.webhook.output_peer"),
    ];
    let poll = [
        ("mode", json!("poll"), "detail.mail.mode"),
        ("interval_ms", json!(300_000), "detail.mail.interval_ms"),
        ("emails_processed", json!(9), "detail.mail.processed"),
        ("new_emails", json!(2), "detail.mail.new"),
    ];
    let new = [
        ("email_id", json!("m-77"), "detail.mail.email_id"),
        ("from", json!("Ann <ann@example.com>"), "detail.mail.from"),
        ("subject", json!("the invoice"), "detail.mail.subject"),
        ("labels", json!(["inbox", "money"]), "detail.mail.labels"),
    ];
    let trigger = CronTrigger::new("digest", "0 7 * * *", "what happened?", "telegram", "p-4");
    let receive = WebhookReceive::new("deploy", "{\"ref\":\"main\"}", true, "telegram", "p-4");
    let polled = GmailPoll::new(MailMode::Poll, 9, 2).interval_ms(300_000);
    let came = GmailNewEmail::new("m-77", "Ann <ann@example.com>", "the invoice", ["inbox", "money"]);
    [
        comes_back("CronTriggerEvent", &trigger, &cron),
        comes_back("WebhookReceiveEvent", &receive, &webhook),
        comes_back("GmailPollEvent", &polled, &poll),
        comes_back("GmailNewEmailEvent", &came, &new),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn heartbeats() -> Seen {
    let cycle = [
        ("interval_ms", json!(30_000), "detail.health.interval_ms"),
        ("checks", json!(["disk", "mail"]), "detail.health.checks"),
        ("healthy", json!(true), "detail.health.healthy"),
        (
            "consecutive_failures",
            json!(1),
            "detail.health.consecutive_failures",
        ),
    ];
    let check = [
        ("check_name", json!("disk"), "detail.health.check"),
        ("healthy", json!(true), "detail.health.healthy"),
        ("message", json!("80 % left"), "detail.health.message"),
        ("duration_ms", json!(3), "duration_ns"),
    ];
    let fail = [
        ("checks_failed", json!(["mail"]), "detail.health.failed"),
        (
            "consecutive_failures",
            json!(3),
            "detail.health.consecutive_failures",
        ),
        ("threshold", json!(2), "detail.health.threshold"),
    ];
    let recover = [(
        "consecutive_failures_before",
        json!(5),
        "detail.health.consecutive_failures_before",
    )];
    let checked = HeartbeatCheck::new("disk", true, "80 % left", Duration::from_millis(3));
    [
        comes_back(
            "HeartbeatCycleEvent",
            &HeartbeatCycle::new(30_000, ["disk", "mail"], true, 1),
            &cycle,
        ),
        comes_back("HeartbeatCheckEvent", &checked, &check),
        comes_back("HeartbeatFailEvent", &HeartbeatFail::new(["mail"], 3, 2), &fail),
        comes_back("HeartbeatRecoverEvent", &HeartbeatRecover::new(5), &recover),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// T000-01. Fails where the document has a field that no row here has, and the other way round.
#[test]
fn every_field_of_every_payload_of_flynn_comes_back_from_everywhere_and_as_the_shape() {
    let seen = [
        starts_and_ends_of_tools(),
        permissions_of_tools(),
        skills(),
        scans(),
        elevations(),
        sessions(),
        automation(),
        heartbeats(),
    ];
    let seen: Seen = seen.into_iter().flatten().collect();
    let payloads = seeds::of("flynn").into_iter().filter(|ty| ty.kind == "payload");
    let declared: Seen = payloads
        .flat_map(|ty| {
            let name = ty.name.clone();
            ty.leaves()
                .into_iter()
                .map(move |field| format!("{name}.{field}"))
        })
        .collect();
    assert_eq!(declared.len(), 114);
    assert_eq!(seen, declared);
}

/// T000-01, for the names; the types without a payload have one each too.
#[test]
fn every_event_type_of_flynn_has_a_typed_event_of_its_name() {
    let known: BTreeSet<&str> = EVENTS.iter().map(|meta| meta.name).collect();
    let declared = seeds::named("flynn", "AuditEventType").literals;
    let missing: Vec<_> = declared
        .iter()
        .filter(|name| !known.contains(name.as_str()))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
    for meta in EVENTS
        .iter()
        .filter(|meta| declared.iter().any(|name| name == meta.name))
    {
        assert_eq!(meta.name.rsplit_once('.'), Some((meta.category, meta.action)));
    }
}

/// The words of the document are the words of ours, in the same order.
#[test]
fn every_literal_of_a_payload_is_a_word_of_its_vocabulary() {
    let known: [&[&str]; 8] = [
        ToolEnvironment::KNOWN,
        DenialType::KNOWN,
        InstallPhase::KNOWN,
        InstallStatus::KNOWN,
        SkillTier::KNOWN,
        ScanPhase::KNOWN,
        Role::KNOWN,
        MailMode::KNOWN,
    ];
    let types = seeds::of("flynn");
    let fields = types
        .iter()
        .flat_map(|ty| &ty.fields)
        .filter(|field| !field.literals.is_empty());
    for field in fields {
        assert!(
            known.iter().any(|words| **words == field.literals),
            "{}: {:?}",
            field.name,
            field.literals
        );
    }
    assert_eq!(ToolStart::META.name, "tool.start");
}
