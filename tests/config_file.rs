//! The configuration file: seed 000's keys as they stand, ours beside them, and an error for everything else.
#![cfg(feature = "config")]

use std::path::Path;

use tracing_audit::ErrorKind;
use tracing_audit::config::{CallStacks, Config, Mode, RedactionMode};
use tracing_audit::record::Level;

/// The error of a configuration that must be refused.
fn refused(text: &str) -> String {
    let error = Config::from_json(text).expect_err(text);
    assert_eq!(error.kind(), ErrorKind::Config, "{text}");
    error.to_string()
}

/// Asserts that a refusal names each of the parts.
fn refused_with(text: &str, parts: &[&str]) {
    let message = refused(text);
    for part in parts {
        assert!(
            message.contains(part),
            "`{message}` does not say `{part}` about {text}"
        );
    }
}

#[test]
fn the_audit_config_of_seed_000_is_read_as_it_stands() {
    let config = Config::from_json(
        r#"{
            "enabled": true,
            "path": "~/.local/share/flynn/audit.log",
            "max_size_mb": 10,
            "keep_days": 30,
            "levels": { "tools": "info", "sessions": "debug", "automation": "error" }
        }"#,
    )
    .unwrap();
    assert_eq!(config.enabled, Some(true));
    assert_eq!(
        config.path.as_deref(),
        Some(Path::new("~/.local/share/flynn/audit.log"))
    );
    assert_eq!(config.max_size_mb, Some(10));
    assert_eq!(config.keep_days, Some(30));
    assert_eq!(config.levels.tools, Some(Level::Info));
    assert_eq!(config.levels.sessions, Some(Level::Debug));
    assert_eq!(config.levels.automation, Some(Level::Error));
    let floors = config.floors();
    assert!(!floors.admits("tool.start", &Level::Debug));
    assert!(floors.admits("session.message", &Level::Debug));
    assert!(!floors.admits("gmail.poll", &Level::Warn));
    assert!(
        floors.admits("system.start", &Level::Trace),
        "a family without a knob has no floor"
    );
}

#[test]
fn every_key_is_read() {
    let config = Config::from_json(
        r#"{
            "enabled": false, "path": "/var/audit", "max_size_mb": 1, "keep_days": 0,
            "levels": {"tools": "warn", "sessions": null},
            "levels_by_event": {"order.*": "info", "order.line.*": "error"},
            "stream": "billing-2", "service": "billing", "queue_records": 16, "queue_bytes": 262144,
            "mode": "lossy",
            "modes": [{"event": "tool.denied", "mode": "durable"}, {"category": "auth*", "mode": "bounded"}],
            "keep_bytes": 1048576, "keep_segments": 3, "commit_interval_ms": 10, "guard_timeout_ms": 1,
            "disk_warn_percent": 60, "disk_critical_percent": 61,
            "redaction": {"mode": "balanced", "key_file": "/run/secrets/audit"},
            "targets": ["security"], "allow_modules": ["app::billing"], "allow_log": true, "lend": ["order.id"],
            "require_actor": true,
            "call_stacks": {"nodes": 80, "depth": 24, "targets": ["agent"], "every_span": true, "of": ["turn", "job.*"]}
        }"#,
    )
    .unwrap();
    assert_eq!(config.enabled, Some(false));
    assert_eq!(config.levels.sessions, None);
    assert_eq!(
        (config.stream.as_deref(), config.service.as_deref()),
        (Some("billing-2"), Some("billing"))
    );
    assert_eq!(
        (config.queue_records, config.queue_bytes),
        (Some(16), Some(262_144))
    );
    assert_eq!(
        (config.keep_bytes, config.keep_segments),
        (Some(1_048_576), Some(3))
    );
    assert_eq!(
        (config.commit_interval_ms, config.guard_timeout_ms),
        (Some(10), Some(1))
    );
    assert_eq!(config.disk_warn_percent, Some(60));
    assert_eq!(config.disk_critical_percent, Some(61));
    assert_eq!(config.redaction.mode, Some(RedactionMode::Balanced));
    assert_eq!(
        config.redaction.key_file.as_deref(),
        Some(Path::new("/run/secrets/audit"))
    );
    assert_eq!(config.targets.as_deref(), Some(&["security".to_owned()][..]));
    assert_eq!(
        config.allow_modules.as_deref(),
        Some(&["app::billing".to_owned()][..])
    );
    assert_eq!(config.lend.as_deref(), Some(&["order.id".to_owned()][..]));
    assert_eq!((config.allow_log, config.require_actor), (Some(true), Some(true)));
    let stacks = CallStacks::new().nodes(80).depth(24).target("agent");
    assert_eq!(
        config.call_stacks,
        Some(stacks.every_span(true).of("turn").of("job.*"))
    );
    let modes = config.modes();
    assert_eq!(modes.of("tool.denied", Some("auth")), Mode::Durable);
    assert_eq!(modes.of("login", Some("authentication")), Mode::Bounded);
    assert_eq!(modes.of("login", None), Mode::Lossy);
}

#[test]
fn what_is_mandatory_is_durable() {
    let config = Config::from_json(r#"{"mode": "lossy", "mandatory": ["billing.*"]}"#).unwrap();
    assert_eq!(config.mandatory.as_deref(), Some(&["billing.*".to_owned()][..]));
    assert_eq!(config.modes().of("billing.refund", None), Mode::Durable);
    assert_eq!(config.modes().of("login", None), Mode::Lossy);
}

#[test]
fn an_empty_object_of_call_stacks_gathers_with_the_defaults() {
    let config = Config::from_json(r#"{"call_stacks": {}}"#).unwrap();
    assert_eq!(config.call_stacks, Some(CallStacks::new()));
    assert_eq!(
        Config::from_json(r#"{"call_stacks": null}"#).unwrap(),
        Config::default()
    );
}

#[test]
fn an_empty_file_sets_nothing() {
    assert_eq!(Config::from_json("{}").unwrap(), Config::default());
}

#[test]
fn the_most_specific_pattern_decides_whatever_its_place_in_the_file() {
    for text in [
        r#"{"levels_by_event": {"*": "error", "tool.*": "info"}, "levels": {"tools": "warn"}}"#,
        r#"{"levels_by_event": {"tool.*": "info", "*": "error"}, "levels": {"tools": "warn"}}"#,
    ] {
        let floors = Config::from_json(text).unwrap().floors();
        assert_eq!(floors.floor("tool.start"), Some(Level::Info), "{text}");
        assert_eq!(floors.floor("order.paid"), Some(Level::Error), "{text}");
        assert_eq!(floors.floor("security.elevation.enabled"), None, "{text}");
    }
}

#[test]
fn an_unknown_key_is_refused_and_the_meant_one_suggested() {
    for (text, suggestion) in [
        (r#"{"keep_dys": 3}"#, "did you mean `keep_days`?"),
        (r#"{"maxSizeMb": 3}"#, "did you mean `max_size_mb`?"),
        (r#"{"Path": "x"}"#, "did you mean `path`?"),
        (
            r#"{"levels": {"tool": "warn"}}"#,
            "unknown key `levels.tool`; did you mean `levels.tools`?",
        ),
        (
            r#"{"redaction": {"keyfile": "x"}}"#,
            "did you mean `redaction.key_file`?",
        ),
        (
            r#"{"call_stacks": {"is_every": true}}"#,
            "known keys are nodes, depth, targets, every_span, of",
        ),
        (
            r#"{"call_stacks": {"target": ["agent"]}}"#,
            "did you mean `call_stacks.targets`?",
        ),
        (
            r#"{"modes": [{"event": "a", "mode": "lossy"}, {"evnt": "a"}]}"#,
            "did you mean `modes[1].event`?",
        ),
        (
            r#"{"levels": {"web": "warn"}}"#,
            "known keys are tools, sessions, automation",
        ),
    ] {
        refused_with(text, &["unknown key `", suggestion]);
    }
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    refused_with(
        r#"{"keep_days": 3, "keep_days": 4}"#,
        &["duplicate field `keep_days`"],
    );
}

#[test]
fn what_is_not_a_json_object_is_refused() {
    refused_with("keep_days = 3", &["not JSON", "line 1 column 1"]);
    refused_with(r#"{"keep_days": 3"#, &["not JSON"]);
    refused_with("[]", &["not a JSON object", "write it as"]);
    refused_with("null", &["not a JSON object"]);
}

#[test]
fn a_value_of_the_wrong_type_is_refused_by_its_key() {
    refused_with(r#"{"enabled": "yes"}"#, &["`enabled`", "\"yes\"", "boolean"]);
    refused_with(
        r#"{"keep_days": -1}"#,
        &["`keep_days`", "-1", "0 to 36500 days", "for ever"],
    );
    refused_with(
        r#"{"keep_days": 1.5}"#,
        &["`keep_days`", "1.5", "0 to 36500 days"],
    );
    refused_with(
        r#"{"queue_records": "many"}"#,
        &["`queue_records`", "\"many\"", "default 8192"],
    );
    refused_with(r#"{"levels": "warn"}"#, &["`levels`"]);
    refused_with(
        r#"{"levels": {"tools": "info", "sessions": "loud"}}"#,
        &["`levels.sessions`", "loud", "`warn`"],
    );
    refused_with(
        r#"{"levels_by_event": {"a.*": "WARN"}}"#,
        &["`levels_by_event.a.*`", "WARN", "`warn`"],
    );
    refused_with(
        r#"{"mode": "safe"}"#,
        &["`mode`", "safe", "`durable`", "`bounded`", "`lossy`"],
    );
    refused_with(
        r#"{"modes": [{"event": "a", "mode": "safe"}]}"#,
        &["`modes[0]`", "safe", "`durable`"],
    );
    refused_with(
        r#"{"redaction": {"mode": "none"}}"#,
        &["`redaction.mode`", "none", "`balanced`"],
    );
    refused_with(
        r#"{"call_stacks": true}"#,
        &["`call_stacks`", "boolean", "an object; `{}` has the defaults"],
    );
    refused_with(
        r#"{"call_stacks": {"nodes": "many"}}"#,
        &["`call_stacks.nodes`", "\"many\"", "1 to 80 steps", "default 64"],
    );
    refused_with(r#"{"lend": ["a", 3]}"#, &["`lend[1]`", "string"]);
}

#[test]
fn a_list_in_the_place_of_an_object_is_refused() {
    for (text, key) in [
        (r#"{"levels": ["warn"]}"#, "levels"),
        (r#"{"redaction": ["balanced"]}"#, "redaction"),
        (r#"{"call_stacks": [1, 2]}"#, "call_stacks"),
        (r#"{"modes": [["tool.*", null, "lossy"]]}"#, "modes[0]"),
        (r#"{"streams": [["side", 1, 2, 3, 4]]}"#, "streams[0]"),
        (
            r#"{"routes": [["tool.*", null, null, null, "side"]]}"#,
            "routes[0]",
        ),
    ] {
        refused_with(text, &[&format!("`{key}` is a list"), "write an object"]);
    }
}

#[test]
fn a_number_out_of_range_is_refused_with_its_range_and_remedy() {
    for (text, key, value) in [
        (r#"{"queue_records": 15}"#, "queue_records", "15"),
        (r#"{"queue_records": 1048577}"#, "queue_records", "1048577"),
        (r#"{"queue_bytes": 0}"#, "queue_bytes", "is 0"),
        (r#"{"max_size_mb": 0}"#, "max_size_mb", "is 0"),
        (r#"{"keep_days": 36501}"#, "keep_days", "36501"),
        (
            r#"{"keep_bytes": 18446744073709551615}"#,
            "keep_bytes",
            "18446744073709551615",
        ),
        (r#"{"keep_segments": 1000001}"#, "keep_segments", "1000001"),
        (r#"{"commit_interval_ms": 0}"#, "commit_interval_ms", "is 0"),
        (r#"{"disk_warn_percent": 101}"#, "disk_warn_percent", "is 101"),
        (r#"{"guard_timeout_ms": 0}"#, "guard_timeout_ms", "is 0"),
        (r#"{"call_stacks": {"nodes": 81}}"#, "call_stacks.nodes", "is 81"),
        (r#"{"call_stacks": {"depth": 0}}"#, "call_stacks.depth", "is 0"),
        (r#"{"call_stacks": {"depth": -1}}"#, "call_stacks.depth", "is -1"),
    ] {
        refused_with(
            text,
            &[&format!("`{key}`"), value, "allowed are", "default", "; "],
        );
    }
}

#[test]
fn a_total_below_one_segment_is_refused() {
    refused_with(
        r#"{"keep_bytes": 1048576}"#,
        &["`keep_bytes` is 1048576", "67108864 bytes", "`max_size_mb` 64"],
    );
    Config::from_json(r#"{"keep_bytes": 1048576, "max_size_mb": 1}"#).unwrap();
    Config::from_json(r#"{"keep_bytes": 0}"#).unwrap();
}

#[test]
fn a_stream_that_could_leave_its_directory_is_refused() {
    let long = "a".repeat(65);
    for name in [
        "", ".", "..", "a/b", "../x", "Ä", "UPPER", "-x", "a b", "a\\\\b", "a\\u0000", &long,
    ] {
        refused_with(
            &format!(r#"{{"stream": "{name}"}}"#),
            &["`stream`", "a-z", "rename"],
        );
    }
    Config::from_json(&format!(r#"{{"stream": "{}"}}"#, "a".repeat(64))).unwrap();
    Config::from_json(r#"{"stream": "9.eu-west_1"}"#).unwrap();
}

#[test]
fn an_empty_text_is_refused_where_a_name_is_meant() {
    for (text, key) in [
        (r#"{"path": ""}"#, "`path`"),
        (r#"{"service": " "}"#, "`service`"),
        (r#"{"targets": ["a", ""]}"#, "`targets[1]`"),
        (r#"{"allow_modules": [""]}"#, "`allow_modules[0]`"),
        (r#"{"lend": [" "]}"#, "`lend[0]`"),
        (
            r#"{"call_stacks": {"targets": ["a", " "]}}"#,
            "`call_stacks.targets[1]`",
        ),
        (r#"{"call_stacks": {"of": [""]}}"#, "`call_stacks.of[0]`"),
        (r#"{"levels_by_event": {"": "warn"}}"#, "`levels_by_event`"),
        (r#"{"redaction": {"key_file": ""}}"#, "`redaction.key_file`"),
        (r#"{"redaction": {"key_env": ""}}"#, "`redaction.key_env`"),
    ] {
        refused_with(text, &[key, "empty text; "]);
    }
}

#[test]
fn a_mode_rule_says_one_selector_and_a_mode() {
    for (text, fault) in [
        (r#"{"modes": [{"event": "a"}]}"#, "has no `mode`"),
        (
            r#"{"modes": [{"mode": "lossy"}]}"#,
            "neither `event` nor `category`",
        ),
        (
            r#"{"modes": [{"event": "a", "category": "b", "mode": "lossy"}]}"#,
            "both `event` and `category`",
        ),
        (r#"{"modes": [{"event": "", "mode": "lossy"}]}"#, "empty pattern"),
        (
            r#"{"modes": [{"category": "", "mode": "lossy"}]}"#,
            "empty pattern",
        ),
    ] {
        refused_with(text, &["`modes[0]`", fault, "; "]);
    }
}

#[test]
fn two_sources_for_one_key_are_refused() {
    let text = r#"{"redaction": {"key_file": "/k", "key_env": "AUDIT_KEY"}}"#;
    refused_with(text, &["`/k`", "`AUDIT_KEY`", "remove one"]);
}

#[test]
fn the_environment_precedes_the_file() {
    let file = Config::from_json(r#"{"keep_days": 7, "service": "billing"}"#).unwrap();
    let set = |name: &str| (name == "AUDIT_LOG_RETENTION_DAYS").then(|| "0".into());
    let both = file.clone().with_environment(set).unwrap();
    assert_eq!(both.keep_days, Some(0));
    assert_eq!(both.service.as_deref(), Some("billing"));
    assert_eq!(file.clone().with_environment(|_| None).unwrap(), file);
    let error = file.with_environment(|_| Some("a week".into())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error
            .to_string()
            .contains("AUDIT_LOG_RETENTION_DAYS is \"a week\""),
        "{error}"
    );
}

#[test]
fn a_struct_that_embeds_the_configuration_refuses_unknown_keys_too() {
    #[derive(Debug, serde::Deserialize)]
    struct Application {
        audit: Config,
    }
    let good: Application = serde_json::from_str(r#"{"audit": {"keep_days": 1}}"#).unwrap();
    assert_eq!(good.audit.keep_days, Some(1));
    let error = serde_json::from_str::<Application>(r#"{"audit": {"keep_dys": 1}}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `keep_dys`"), "{error}");
}

#[test]
fn the_seal_takes_its_keys_from_one_place_each_and_says_which_key_is_wrong() {
    let wrong = |text: &str| Config::from_json(text).unwrap_err().to_string();
    let both = wrong(r#"{"seal": {"key_file": "a", "key_env": "B"}}"#);
    assert!(
        both.contains("`seal.key_file` is `a` and `seal.key_env` is `B`"),
        "{both}"
    );
    let both = wrong(r#"{"seal": {"retiring_key_file": "a", "retiring_key_env": "B"}}"#);
    assert!(both.contains("seal.retiring_key_env"), "{both}");
    let meant = wrong(r#"{"seal": {"keyfile": "a"}}"#);
    assert!(meant.contains("did you mean `seal.key_file`"), "{meant}");
    let empty = wrong(r#"{"seal": {"key_env": ""}}"#);
    assert!(empty.contains("`seal.key_env`"), "{empty}");
    let config = Config::from_json(r#"{"seal": {"key_file": "/none/key", "heartbeat_s": 60}}"#).unwrap();
    let error = tracing_audit::Audit::builder().config(&config).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the file of the signing key cannot be read"),
        "{error}"
    );
}

#[test]
fn a_warning_of_the_disk_behind_its_critical_threshold_is_refused() {
    for text in [
        r#"{"disk_warn_percent": 91}"#,
        r#"{"disk_warn_percent": 60, "disk_critical_percent": 59}"#,
    ] {
        let error = Config::from_json(text).unwrap_err().to_string();
        assert!(
            error.contains("`disk_critical_percent` is") && error.contains("raise the other"),
            "{error}"
        );
    }
    Config::from_json(r#"{"disk_warn_percent": 95, "disk_critical_percent": 0}"#).unwrap();
}
