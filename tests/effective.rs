//! What `audit.open` states of the configuration in effect, and the ids that it chooses.

use std::time::Duration;

use tracing_audit::Audit;
use tracing_audit::config::{Family, IdKind, Mode};
use tracing_audit::record::{Level, Map, Record, Slot, Value};
use tracing_audit::redact::{Action, Policy};
use tracing_audit::sink::MemorySink;
use tracing_audit::testing::MemoryEmitter;
use tracing_audit::{AuditBuilder, Emitter};

const LONG: Duration = Duration::from_secs(30);

/// The configuration that the first record of a trail with these settings states.
fn stated(configure: impl FnOnce(AuditBuilder) -> AuditBuilder) -> (Map, String) {
    let sink = MemorySink::new();
    let audit = configure(Audit::builder().sink(sink.clone())).start().unwrap();
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    let open = sink.records().remove(0);
    assert_eq!(open.event(), "audit.open");
    let Some(Value::Map(config)) = open.attribute("config") else {
        panic!("{open:?}")
    };
    (config.clone(), sink.lines().remove(0))
}

fn map<const N: usize>(pairs: [(&str, Value); N]) -> Map {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[test]
fn the_first_record_states_every_default() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit");
    let given = path.clone();
    let (config, _) = stated(move |audit| audit.directory(given).service("s").host("h"));
    let none = || Value::List(Vec::new());
    let expected = map([
        ("queue_records", 8_192_u64.into()),
        ("queue_bytes", (16_u64 << 20).into()),
        ("mode", "bounded".into()),
        ("modes", none()),
        ("mandatory", none()),
        ("room_timeout_ms", 1_000_u64.into()),
        ("commit_timeout_ms", 30_000_u64.into()),
        ("commit_interval_ms", 50_u64.into()),
        ("guard_timeout_ms", 5_000_u64.into()),
        ("sinks", vec!["memory"].into()),
        ("journal", true.into()),
        ("path", path.display().to_string().into()),
        ("stream", "main".into()),
        ("service", "s".into()),
        ("host", "h".into()),
        ("max_size_mb", 64_u64.into()),
        ("keep_days", 30_u64.into()),
        ("keep_bytes", 0_u64.into()),
        ("disk_warn_percent", 75_u64.into()),
        ("disk_critical_percent", 90_u64.into()),
        ("keep_segments", 0_u64.into()),
        ("seal", "unsigned".into()),
        ("heartbeat_s", 3_600_u64.into()),
        ("unshipped", "keep".into()),
        ("roll", vec!["midnight_utc", "max_size_mb"].into()),
        ("file_mode", "0600".into()),
        ("levels", none()),
        ("levels_by_event", none()),
        ("targets", vec!["audit"].into()),
        ("allow_log", false.into()),
        ("lend", none()),
        ("require_actor", false.into()),
        ("callsite", false.into()),
        ("ids", "own".into()),
        ("id_kind", "v7".into()),
        ("clock", "system".into()),
        (
            "redaction",
            map([("policy", "balanced".into()), ("rules", none())]).into(),
        ),
    ]);
    assert_eq!(config, expected);
}

#[test]
fn of_the_policy_the_first_record_states_the_rules_and_of_a_key_only_its_id() {
    // Assembled, so that it stands nowhere as it is.
    let secret = ["very", "secret", "bytes", "of", "a", "key"].join("-").repeat(2);
    let policy = Policy::balanced()
        .field("customer_email", Action::Hmac)
        .field("note", Action::Drop)
        .key("k7", secret.as_bytes())
        .unwrap();
    let (config, line) = stated(|audit| audit.without_journal().policy(policy));
    let rule =
        |field: &str, action: &str| Value::from(map([("field", field.into()), ("action", action.into())]));
    let rules = vec![rule("customer.email", "hmac"), rule("note", "drop")];
    let redaction = map([
        ("policy", "balanced".into()),
        ("rules", rules.into()),
        ("pseudonyms", "k7".into()),
        ("keys", vec!["k7"].into()),
    ]);
    assert_eq!(config.get("redaction"), Some(&redaction.into()));
    assert!(!line.contains(&secret) && !line.contains("secret"), "{line}");
}

#[test]
fn the_first_record_states_every_setting() {
    let (config, _) = stated(|audit| {
        audit
            .without_journal()
            .queue_records(32)
            .mode(Mode::Lossy)
            .mode_of_event("money.*", Mode::Durable)
            .mode_of_category("chat", Mode::Bounded)
            .room_timeout(Duration::from_millis(7))
            .family_floor(Family::Tools, Level::Warn)
            .event_floor("noise.*", Level::Error)
            .target("billing")
            .allow_module("my_app::api")
            .allow_log(true)
            .lend("tenant")
            .require_actor(true)
            .callsite(true)
            .id_kind(IdKind::V4)
    });
    let has = |name: &str, value: Value| assert_eq!(config.get(name), Some(&value), "{name}");
    has("journal", false.into());
    for name in ["path", "keep_days", "file_mode", "roll"] {
        assert_eq!(config.get(name), None, "without a journal there is no {name}");
    }
    has("queue_records", 32_u64.into());
    has("mode", "lossy".into());
    let by_event = map([("event", "money.*".into()), ("mode", "durable".into())]);
    let by_category = map([("category", "chat".into()), ("mode", "bounded".into())]);
    has(
        "modes",
        vec![Value::from(by_event), Value::from(by_category)].into(),
    );
    has("room_timeout_ms", 7_u64.into());
    let family = map([("family", "tools".into()), ("level", "warn".into())]);
    has("levels", vec![Value::from(family)].into());
    let floor = map([("event", "noise.*".into()), ("level", "error".into())]);
    has("levels_by_event", vec![Value::from(floor)].into());
    has("targets", vec!["audit", "billing"].into());
    has("allow_modules", vec!["my_app::api"].into());
    has("lend", vec!["tenant"].into());
    for name in ["allow_log", "require_actor", "callsite"] {
        has(name, true.into());
    }
    has("id_kind", "v4".into());
}

#[test]
fn ids_are_of_version_7_unless_version_4_is_asked_for_and_a_given_one_is_kept() {
    for (kind, version) in [(IdKind::V7, 7), (IdKind::V4, 4)] {
        let emitter = MemoryEmitter::with(|audit| audit.id_kind(kind));
        let ids = [(); 3].map(|()| {
            let receipt = emitter.emit(Record::builder("x").build()).unwrap();
            receipt.id().unwrap()
        });
        assert_eq!(ids.map(|id| id.get_version_num()), [version; 3]);
        assert!(ids.iter().all(|id| id.get_variant() == uuid::Variant::RFC4122));
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
        let own = uuid::Uuid::from_u128(0x0192_f0c1_2b5e_7c3a_8f00_aaaa_bbbb_cccc);
        let given = emitter.emit(Record::builder("given").id(own).build()).unwrap();
        assert_eq!(given.id(), Some(own));
        let captured = emitter.captured();
        let written: Vec<_> = captured
            .records()
            .iter()
            .map(|record| record.text(Slot::Id).unwrap().to_owned())
            .collect();
        assert_eq!(written[..3], ids.map(|id| id.to_string()));
    }
    assert_eq!(IdKind::default(), IdKind::V7);
}

#[cfg(feature = "config")]
#[test]
fn a_configuration_chooses_the_kind_of_id_and_the_builder_precedes_it() {
    use tracing_audit::config::Config;

    let config = Config::from_json(r#"{"id_kind": "v4"}"#).unwrap();
    let kind = |configure: &dyn Fn(AuditBuilder) -> AuditBuilder| {
        let emitter = MemoryEmitter::with(configure);
        let receipt = emitter.emit(Record::builder("x").build()).unwrap();
        receipt.id().unwrap().get_version_num()
    };
    assert_eq!(kind(&|audit| audit.config(&config).unwrap()), 4);
    assert_eq!(
        kind(&|audit| audit.id_kind(IdKind::V7).config(&config).unwrap()),
        7
    );
    let error = Config::from_json(r#"{"id_kind": "v1"}"#).unwrap_err().to_string();
    assert!(error.contains("id_kind") && error.contains("v4"), "{error}");
}
