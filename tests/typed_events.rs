//! Typed events: what others see of them, what policies leave, and what is read back.

#[path = "support/typed.rs"]
mod typed;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::json;
use tracing_audit::record::{AuditEvent, EventPart, Map, Outcome, Record, Slot, Value, Word};
use tracing_audit::redact::sensitive::Email;
use tracing_audit::redact::{Action, FieldRule, Policy, Sensitive};
use tracing_audit::testing::{CapturedRecord, MemoryEmitter, Recording};
use tracing_audit::{ErrorKind, State, Submitted};
use typed::{ADDRESS, KEY};

/// Somebody is invited.
#[derive(Debug, Clone, AuditEvent)]
#[audit(
    event = "user.invite",
    category = "user",
    action = "invite",
    level = "info",
    outcome = "success"
)]
struct Invite {
    #[audit(slot = "actor.id", internal)]
    actor: String,
    #[audit(detail = "invite.to")]
    to: Sensitive<String, Email>,
    #[audit(detail = "invite.key", secret)]
    key: String,
    #[audit(detail = "invite.phone", personal = "phone", action = "keep-last-4")]
    phone: Option<String>,
    #[audit(detail = "invite.age", special = "age")]
    age: u8,
    #[audit(detail = "invite.codes", secret)]
    codes: Vec<String>,
    #[audit(detail = "invite.from", network)]
    from: Option<String>,
    #[audit(detail = "invite.password", public)]
    named_as_a_secret: String,
    #[audit(detail = "invite.roles", public)]
    roles: Vec<&'static str>,
    #[audit(detail = "invite.more", internal)]
    more: Value,
    #[audit(detail = "invite.part", nested)]
    part: Part,
    #[audit(attribute = "retries", public)]
    retries: u32,
    #[audit(attribute = "unheard", unclassified)]
    unheard: String,
}

#[derive(Debug, Clone, EventPart)]
struct Part {
    #[audit(public)]
    count: u64,
    #[audit(secret)]
    body: String,
}

fn token() -> String {
    ["ghp", "_", "16C7e42F292c6912E7710c838347Ae178B4a"].concat()
}

fn invite() -> Invite {
    Invite {
        actor: "u-1".to_owned(),
        to: Sensitive::new(ADDRESS.to_owned()),
        key: "a key of nobody's".to_owned(),
        phone: Some("+49 30 1234567890".to_owned()),
        age: 41,
        codes: vec!["alpha".to_owned(), "beta".to_owned()],
        from: Some("203.0.113.77".to_owned()),
        named_as_a_secret: "hunter2".to_owned(),
        roles: vec!["editor", "a reader"],
        more: Value::Map(Map::from([
            ("password".to_owned(), Value::from("hunter3")),
            ("note".to_owned(), Value::from(format!("with {}", token()))),
            ("depth".to_owned(), Value::from(2)),
        ])),
        part: Part {
            count: 3,
            body: "a body".to_owned(),
        },
        retries: 2,
        unheard: "of".to_owned(),
    }
}

fn json_of(record: &CapturedRecord) -> serde_json::Value {
    serde_json::from_str(record.line()).unwrap()
}

/// What both doors leave of the event, under the same policy: the lines, without their places in the stream.
fn both(policy: &Policy, event: &Invite) -> [serde_json::Value; 2] {
    let recording = Recording::with(|audit| audit.policy(policy.clone()));
    recording.run(|| event.record());
    let emitter = MemoryEmitter::with(|audit| audit.policy(policy.clone()));
    emitter.audit().emit(event).unwrap();
    [recording.captured(), emitter.captured()].map(|captured| {
        let mut line = json_of(captured.only());
        let members = line.as_object_mut().unwrap();
        for key in ["id", "observed_at", "seq", "stream", "time", "code"] {
            members.remove(key);
        }
        let remarks = members
            .get_mut("redaction")
            .map(|redaction| &mut redaction["fields"]);
        if let Some(remarks) = remarks.and_then(serde_json::Value::as_array_mut) {
            remarks.sort_by_key(ToString::to_string);
        }
        line
    })
}

#[test]
fn both_doors_leave_the_same_of_every_class_under_every_policy() {
    for policy in [
        Policy::balanced(),
        typed::keyed(Policy::balanced()),
        typed::keyed(Policy::strict()),
        Policy::off("a test"),
        Policy::balanced().dry_run(Policy::strict()),
        Policy::balanced().rule(FieldRule::words("retries").event("user.*").action(Action::Drop)),
    ] {
        let [traced, emitted] = both(&policy, &invite());
        assert_eq!(traced, emitted);
    }
}

#[test]
fn a_balanced_policy_leaves_of_each_field_what_its_class_says() {
    let [line, _] = both(&Policy::balanced(), &invite());
    let marker = "[REDACTED:secret]";
    assert_eq!(
        line["detail"]["invite"],
        json!({
            "age": "[REDACTED:age]", "codes": marker, "from": "203.0.113.0/24", "key": marker,
            "more": {"depth": 2, "note": "with [REDACTED:secret]", "password": marker},
            "part": {"body": marker, "count": 3}, "password": marker, "phone": "[REDACTED:phone]",
            "roles": ["editor", "a reader"], "to": "[REDACTED:email]",
        })
    );
    assert_eq!(line["actor"]["id"], "u-1");
    assert_eq!(line["outcome"], "success");
    assert_eq!(
        [&line["event"], &line["category"], &line["action"]],
        ["user.invite", "user", "invite"]
    );
    assert_eq!(line["pii"]["contains"], true);
}

#[test]
fn a_strict_policy_keeps_what_its_class_lists_and_drops_what_nobody_knows() {
    let [line, _] = both(&typed::keyed(Policy::strict()), &invite());
    let detail = &line["detail"]["invite"];
    assert_eq!(detail["roles"], json!(["editor", "a reader"]));
    assert_eq!(detail["part"]["count"], 3);
    assert_eq!(detail.get("password"), None);
    assert_eq!(detail["part"].get("body"), None);
    assert_eq!(line["attributes"], json!({"retries": 2}));
}

#[test]
fn without_redaction_every_value_stands_as_it_is() {
    let [line, _] = both(&Policy::off("a test"), &invite());
    let detail = &line["detail"]["invite"];
    assert_eq!(detail["age"], 41);
    assert_eq!(detail["codes"], json!(["alpha", "beta"]));
    assert_eq!(detail["to"], ADDRESS);
    assert_eq!(detail["part"], json!({"body": "a body", "count": 3}));
    assert_eq!(detail["more"]["note"], format!("with {}", token()));
}

#[test]
fn other_layers_see_an_event_with_fields_and_markers_for_what_is_sensitive() {
    let recording = Recording::new();
    let written = typed::beside_fmt(&recording, || invite().record());
    for seen in [
        "event=\"user.invite\"",
        "outcome=\"success\"",
        "actor.id=\"u-1\"",
        "detail.invite.to=[REDACTED:email]",
        "detail.invite.key=[REDACTED:secret]",
        "detail.invite.age=[REDACTED:age]",
        "detail.invite.codes=[REDACTED:secret]",
        "detail.invite.roles=[\"editor\", \"a reader\"]",
        "detail.invite.part={\"body\": [REDACTED:secret], \"count\": 3}",
        "retries=2",
        " INFO ",
    ] {
        assert!(written.contains(seen), "{seen} in {written}");
    }
    for hidden in [ADDRESS, "nobody's", "=41", "alpha", "a body", "1234567890"] {
        assert!(!written.contains(hidden), "{hidden} in {written}");
    }
    recording.captured().only().assert_hides(ADDRESS);
}

#[test]
fn an_event_is_taken_by_every_way_of_handing_over() {
    let emitter = MemoryEmitter::new();
    let audit = emitter.audit();
    assert_eq!(audit.emit(invite()).unwrap().state(), State::Delivered);
    let lent = invite();
    assert_eq!(audit.submit(&lent).unwrap(), Submitted::Queued);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(audit.emit_async(invite())).unwrap();
    let object: &dyn tracing_audit::Emitter = &emitter;
    object.emit(invite().into()).unwrap();
    assert_eq!(emitter.captured().with_event("user.invite").len(), 4);
}

#[derive(Debug, PartialEq, AuditEvent)]
#[audit(
    event = "small.one",
    category = "small",
    action = "one",
    level = "info",
    outcome = "success"
)]
struct Small {
    #[audit(detail = "tool.round", public)]
    round: u8,
    #[audit(slot = "session_id", internal)]
    session: Option<u64>,
}

#[test]
fn a_record_that_is_not_the_event_is_refused_with_the_field_and_what_it_holds() {
    let detail = |round: Value| {
        let tool = Value::Map(Map::from([("round".to_owned(), round)]));
        Map::from([("tool".to_owned(), tool)])
    };
    let with = |round: Value| Record::builder("small.one").detail(detail(round)).build();
    let refused = |record: &Record| {
        let error = Small::from_record(record).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Format);
        error.to_string()
    };
    assert_eq!(
        Small::from_record(&with(Value::from(255))).unwrap(),
        Small {
            round: 255,
            session: None
        }
    );
    for (record, said) in [
        (
            Record::builder("small.two").build(),
            "the record is of the event `small.two`, not `small.one`",
        ),
        (
            Record::builder("small.one").build(),
            "the field `round` of `small.one`, at `detail.tool.round`, is absent; it takes an integer from 0 to 255",
        ),
        (
            with(Value::from(256)),
            "the field `round` of `small.one`, at `detail.tool.round`, holds an integer; it takes an integer from 0 to 255",
        ),
        (
            with(Value::from("[REDACTED:secret]")),
            "the field `round` of `small.one`, at `detail.tool.round`, holds a text that redaction put there; it takes an \
             integer from 0 to 255",
        ),
        (
            Record::builder("small.one")
                .detail(detail(Value::from(1)))
                .session_id("x")
                .build(),
            "the field `session` of `small.one`, at `session_id`, holds a text; it takes an integer from 0 to \
             18446744073709551615",
        ),
    ] {
        assert_eq!(refused(&record), said);
    }
}

#[test]
fn what_is_known_of_an_event_stands_in_its_meta() {
    let meta = Invite::META;
    assert_eq!(
        [meta.name, meta.category, meta.action, meta.doc],
        ["user.invite", "user", "invite", "Somebody is invited."]
    );
    assert_eq!(
        (meta.level.as_str(), meta.outcome.as_ref()),
        ("info", Some(&Outcome::Success))
    );
    let said: Vec<String> = meta
        .fields
        .iter()
        .map(|field| {
            let optional = if field.is_optional { "?" } else { "" };
            format!(
                "{}{optional} {} {} {}",
                field.name, field.path, field.class, field.ty
            )
        })
        .collect();
    assert_eq!(said[1], "to detail.invite.to personal:email text");
    assert_eq!(said[3], "phone? detail.invite.phone personal:phone text");
    assert_eq!(said[8], "roles detail.invite.roles public a list, each text");
    let part = meta.at("detail.invite.part").unwrap();
    assert_eq!(
        part.parts.iter().map(|part| part.path).collect::<Vec<_>>(),
        ["count", "body"]
    );
}

/// A word whose code panics.
#[derive(Debug)]
struct Panics;

impl Word for Panics {
    fn word(&self) -> &str {
        panic!("not today")
    }

    fn of_word(_: &str) -> Option<Self> {
        None
    }
}

#[derive(Debug, AuditEvent)]
#[audit(
    event = "panics",
    category = "x",
    action = "panic",
    level = "info",
    outcome = "success"
)]
struct WithPanic {
    #[audit(detail = "x.words", internal)]
    words: Vec<Panics>,
    #[audit(detail = "x.behind", internal)]
    behind: u8,
}

#[test]
fn code_of_a_value_that_panics_leaves_a_marker_and_the_rest_of_the_event() {
    let recording = Recording::new();
    let event = WithPanic {
        words: vec![Panics],
        behind: 7,
    };
    recording.run(|| event.record());
    let line = json_of(recording.captured().only());
    assert_eq!(line["detail"]["x"], json!({"behind": 7, "words": "[PANICKED]"}));
    assert_eq!(recording.audit().stats().panicked, 1);
}

#[test]
fn long_texts_and_lists_are_cut_alike_by_both_doors() {
    let event = Invite {
        roles: Vec::new(),
        more: Value::from("x y ".repeat(30_000)),
        ..invite()
    };
    let [traced, emitted] = both(&Policy::balanced(), &event);
    assert_eq!(traced, emitted);
    assert!(
        traced["truncated"]
            .as_array()
            .is_some_and(|cuts| !cuts.is_empty())
    );
    assert_eq!(traced["detail"]["invite"]["roles"], json!([]));
}

#[test]
fn a_pseudonym_of_a_typed_field_is_that_of_its_class() {
    let [line, _] = both(&typed::keyed(Policy::balanced()), &invite());
    let class = tracing_audit::redact::Class::personal("email");
    assert_eq!(line["detail"]["invite"]["to"], typed::pseudonym(class, ADDRESS));
    assert_eq!(KEY.len(), 32);
}

#[test]
fn a_record_of_a_typed_event_says_of_which_and_equals_one_that_does_not() {
    let record = Record::from(&Small {
        round: 1,
        session: Some(2),
    });
    assert_eq!(record.meta(), Some(Small::META));
    let tool = Value::Map(Map::from([("round".to_owned(), Value::from(1))]));
    let built = Record::builder("small.one")
        .category("small")
        .action("one")
        .outcome("success")
        .level(&tracing_audit::record::Level::Info)
        .detail(Map::from([("tool".to_owned(), tool)]))
        .set(Slot::SessionId, "2")
        .build();
    assert_eq!((record, built.meta()), (built.clone(), None));
}

#[test]
fn a_name_before_its_value_in_a_list_of_texts_is_evidence_by_either_way_in() {
    for roles in [
        vec!["mysql", "--password", "hunter9", "--quiet"],
        vec!["Authorization", "hunter9"],
        vec!["-token", "hunter9"],
    ] {
        let at = roles.iter().position(|role| *role == "hunter9").unwrap();
        let [traced, emitted] = both(&Policy::balanced(), &Invite { roles, ..invite() });
        assert_eq!(traced["detail"]["invite"]["roles"][at], "[REDACTED:secret]");
        assert_eq!(traced, emitted);
    }
}

/// Somebody comes from somewhere.
#[derive(Debug, Clone, PartialEq, AuditEvent)]
#[audit(
    event = "user.come",
    category = "user",
    action = "come",
    level = "info",
    outcome = "success"
)]
struct Come {
    #[audit(slot = "actor.ip", network)]
    from: IpAddr,
    #[audit(detail = "come.to", internal)]
    to: Ipv4Addr,
    #[audit(detail = "come.over", internal)]
    over: Option<Ipv6Addr>,
}

#[test]
fn addresses_are_texts_that_a_policy_shortens_and_that_come_back() {
    let event = Come {
        from: Ipv4Addr::new(203, 0, 113, 77).into(),
        to: Ipv4Addr::LOCALHOST,
        over: Some(Ipv6Addr::LOCALHOST),
    };
    let recording = Recording::with(|audit| audit.policy(Policy::off("values are compared")));
    recording.audit().emit(&event).unwrap();
    recording.run(|| event.record());
    for record in recording.captured().count(2).records() {
        assert_eq!(Come::from_record(record.record()).unwrap(), event);
    }
    let recording = Recording::new();
    recording.audit().emit(&event).unwrap();
    recording.run(|| event.record());
    for record in recording.captured().count(2).records() {
        record
            .assert_has(Slot::ActorIp, "203.0.113.0")
            .assert_has(Slot::ActorIpPrefixLen, 24_u8);
        let back = Come::from_record(record.record()).unwrap();
        assert_eq!(back.from, Ipv4Addr::new(203, 0, 113, 0));
        assert_eq!(back.to, event.to);
    }
    let other = Record::builder("user.come")
        .set(Slot::ActorIp, "somewhere")
        .build();
    let error = Come::from_record(&other).unwrap_err().to_string();
    assert!(
        error.contains("`from`") && error.contains("the text is no address of its kind"),
        "{error}"
    );
}
