//! The query language: what each form finds, what it refuses and with what remedy, and that its text is read back.

use proptest::prelude::*;
use tracing_audit::ErrorKind;
use tracing_audit::query::{Expr, Query, parse_time};
use tracing_audit::record::{Level, Record, TraceContext, Value};
use tracing_audit::store::{Filter as _, Window};

/// 2025-11-21T10:00:00Z.
const NOW: u64 = 1_763_719_200_000_000_000;

fn record() -> Record {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    Record::builder("document.delete")
        .time(NOW)
        .action("delete")
        .outcome("denied")
        .actor("user", "u-1")
        .resource("document", "d/42")
        .tenant("acme")
        .reason("not the owner")
        .level(&Level::Warn)
        .set(tracing_audit::record::Slot::ActorIp, "10.1.2.3")
        .set(tracing_audit::record::Slot::ActorRoles, "reader, editor")
        .set(tracing_audit::record::Slot::DurationNs, 250_000_000_u64)
        .set(tracing_audit::record::Slot::PiiContains, true)
        .trace(TraceContext::parse(trace).unwrap())
        .attribute("port", 443_u16)
        .attribute("ratio", 0.5)
        .attribute("path", "/srv/100%_real")
        .attribute("http.route", "/documents/{id}")
        .attribute(
            "nested",
            Value::from(tracing_audit::record::Map::from([(
                "key".to_owned(),
                Value::from("inner"),
            )])),
        )
        .label("team", "core")
        .hash("body", "sha256:ab")
        .build()
}

fn finds(query: &str) -> bool {
    Query::parse_at(query, NOW)
        .unwrap_or_else(|error| panic!("{query}: {error}"))
        .matches(&record())
}

fn refusal(query: &str) -> String {
    let error = Query::parse_at(query, NOW).expect_err(query);
    assert_eq!(error.kind(), ErrorKind::Query, "{query}");
    error.to_string()
}

const FOUND: &[&str] = &[
    "reason~'the owner'",
    "reason='not the owner' outcome in ('denied', \"x\")",
    "'not the OWNER'",
    "",
    "()",
    "actor.id=u-1",
    "actor=u-1",
    "audit.actor.id=u-1",
    "user.id = u-1",
    "actor=u-2 actor=u-1",
    "actor in (u-2, u-1)",
    "actor!=u-2",
    "actor.roles=editor",
    "actor.roles=editor and actor.roles=reader",
    "event=document.*",
    "event=*.delete outcome=denied",
    "NOT event=invoice.* AND outcome=denied",
    "outcome=success or (outcome=denied tenant=acme)",
    "actor.ip=10.0.0.0/8",
    "ip in (192.168.0.0/16, 10.1.2.3)",
    "actor.ip=::ffff:10.1.2.3",
    "ip=10.1.*",
    "resource=document",
    "resource=d/42",
    "resource=document/d/42",
    "resource=document/*",
    "level=warn",
    "level=WARN",
    "level>=info",
    "level<error",
    "duration=250ms",
    "duration_ms>=250",
    "latency_ms<251",
    "duration_ns=250000000",
    "time=2025-11-21T11:00+01:00",
    "time>=-2h time<=now",
    "time<2025-11-22",
    "trace=4bf92f35",
    "trace_id=4BF92F3577B34DA6A3CE929D0E0E4736",
    "traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "correlation=4bf92f3577b34da6a3ce929d0e0e4736",
    "contains_pii=true",
    "start=false",
    "attributes.port=443",
    "attributes.port>442",
    "attributes.port<=443",
    "attributes.ratio=0.50",
    "attributes.ratio<1",
    "attributes.http.route~DOCUMENTS",
    "attributes.nested.key=inner",
    "attributes.path~\"100%_\"",
    "label.team=core",
    "labels.team=core",
    "hash.body=sha256:*",
    "reason~\"THE owner\"",
    "reason!~burglar",
    "reason=\"not the owner\"",
    "reason=*",
    "reason_code!=*",
    "owner",
    "\"the owner\" core",
    "not nobody",
    "actor=u-1 not (outcome=success or outcome=failure)",
];

#[test]
fn every_form_finds_what_it_says() {
    for query in FOUND {
        assert!(finds(query), "{query}");
    }
}

const LEFT_OUT: &[&str] = &[
    "not ()",
    "actor=u-2",
    "actor=U-1",
    "actor=u",
    "actor=u-2 actor=u-3",
    "actor=u-1 and actor=u-2",
    "actor.roles!=editor",
    "event=invoice.*",
    "outcome=success or outcome=failure",
    "outcome=denied tenant=other",
    "actor.ip=11.0.0.0/8",
    "actor.ip=::/0",
    "resource=invoice/d/42",
    "level=info",
    "level>warn",
    "duration>250ms",
    "time>now",
    "time<2025-11-21T10:00",
    "trace=5",
    "contains_pii=false",
    "start=true",
    "attributes.port=44",
    "attributes.port>443",
    "attributes.path>1",
    "attributes.path~\"100_%\"",
    "attributes.nested.other=inner",
    "attributes.absent=*",
    "label.team~ore2",
    "reason_code=*",
    "reason_code~x",
    "reason!=*",
    "burglar",
    "reason=\"not\\*\"",
];

#[test]
fn every_form_leaves_out_what_it_does_not_say() {
    for query in LEFT_OUT {
        assert!(!finds(query), "{query}");
    }
}

/// T001-02.
#[test]
fn arguments_are_adjacent_terms_and_the_same_field_twice_is_either() {
    let either = Query::parse_terms(["actor=u-2", "outcome=denied", "actor=u-1"], NOW).unwrap();
    assert!(either.matches(&record()));
    assert_eq!(either.to_string(), "actor.id in (u-2, u-1) and outcome=denied");
    let nobody = Query::parse_terms(["actor=u-2", "outcome=denied or outcome=success"], NOW).unwrap();
    assert!(!nobody.matches(&record()));
    let error = Query::parse_terms(["actor=u-2", "x outcom=denied"], NOW).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("column 3 of `x outcom=denied`: unknown field `outcom`"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_is_refused_with_its_column_and_a_remedy() {
    for (query, column, says) in [
        ("actr=u-1", 1, "did you mean `actor`?"),
        ("x  outcoem=denied", 4, "did you mean `outcome`?"),
        ("ö resuorce=1", 3, "did you mean `resource`?"),
        ("atributes.x=1", 1, "did you mean `attributes.x`?"),
        ("document_id=7", 1, "`attributes.document_id`"),
        ("actor:u-1", 1, "write `actor=u-1`"),
        ("actor=", 7, "has no value"),
        ("actor= and x", 8, "has no value"),
        ("=x", 1, "name is missing"),
        ("actor==x", 6, "`==` is no operator"),
        ("duration=>5ms", 9, "`=>` is no operator"),
        ("level>=wran", 8, "did you mean `warn`?"),
        ("level=loud", 7, "known are trace, debug, info, warn, error"),
        ("actor<5", 7, "holds text"),
        ("label.x>5", 9, "holds text"),
        ("time~2025", 6, "holds no text"),
        ("time>yesterdaily", 6, "is not a time"),
        ("time>=1969-12-31", 7, "outside 1970-01-01"),
        ("duration>soon", 10, "is not a length of time"),
        ("seq=-1", 5, "is not an integer"),
        ("contains_pii=yes", 14, "neither `true` nor `false`"),
        ("ip=10.0.0.300", 4, "is not an address"),
        ("ip=10.0.0.0/33", 4, "is not a network"),
        ("trace=xyz", 7, "32 hex digits"),
        ("attributes=1", 12, "write `attributes.NAME=…`"),
        ("call_stack=1", 12, "holds a structure"),
        ("attributes.x>big", 14, "is not a number"),
        ("actor in u-1", 7, "write `in (a, b)`"),
        ("actor in (u-1", 14, "expected `,` or `)`"),
        ("actor in (u-1,)", 15, "a value is missing"),
        ("actor in ()", 11, "a value is missing"),
        ("(actor=u-1", 1, "is not closed"),
        ("actor=u-1)", 10, "closes nothing"),
        ("reason=\"open", 8, "quote is not closed"),
        ("reason=\"a\"b", 11, "follows the closing quote"),
        ("reason=a(b)", 9, "without quotes"),
        ("and x", 1, "before `and`"),
        ("x and", 3, "behind `and`"),
        ("x or", 3, "behind `or`"),
        ("or x", 1, "before `or`"),
        ("not", 1, "behind `not`"),
        ("start>1", 7, "use `=`"),
    ] {
        let message = refusal(query);
        assert!(
            message.starts_with(&format!("column {column}: ")),
            "{query}: {message}"
        );
        assert!(message.contains(says), "{query}: {message}");
    }
    let deep = format!("{}x{}", "(".repeat(1000), ")".repeat(1000));
    assert!(refusal(&deep).contains("nested more than 64 deep"));
    assert!(refusal(&format!("{}x", "not ".repeat(1000))).contains("nested more than 64 deep"));
    assert!(
        Query::parse(&"(x) ".repeat(1000)).is_ok(),
        "side by side is not deep"
    );
}

#[test]
fn a_likely_slip_in_an_open_vocabulary_is_told_and_not_refused() {
    let query = Query::parse("outcome in (denyed, sucess, archived) actor.type!=usr").unwrap();
    assert_eq!(
        query.slips(),
        [
            ("denyed".to_owned(), "denied"),
            ("sucess".to_owned(), "success"),
            ("usr".to_owned(), "user")
        ]
    );
}

#[test]
fn ranges_are_half_open_and_the_epoch_is_a_time() {
    let record = record();
    assert!(Query::all().since(NOW).matches(&observed(NOW)));
    assert!(!Query::all().since(NOW + 1).matches(&record));
    assert!(!Query::all().until(NOW).matches(&record));
    assert!(Query::all().until(NOW + 1).matches(&record));
    assert!(Query::all().since(0).matches(&observed(NOW)));
    assert_eq!(Query::all().since(0).window(), Window::ALL);
}

/// `observed_at` is the writer's, so a record with one comes from a line.
fn observed(at: u64) -> Record {
    assert_eq!(parse_time("2025-11-21T10:00:00Z", 0).unwrap(), at);
    let line = r#"{"event":"x","observed_at":"2025-11-21T10:00:00.000000000Z","schema":1,"seq":0,"stream":"s","time":"2025-11-21T10:00:00.000000000Z"}"#;
    tracing_audit::format::read_line(line.as_bytes()).unwrap()
}

#[test]
fn the_window_of_a_query_is_never_narrower_than_its_records() {
    let day = 86_400_000_000_000;
    for (query, window) in [
        ("", Window::ALL),
        (
            "observed_at>=2025-11-21T10:00 observed_at<2025-11-22T10:00",
            Window {
                from: NOW,
                until: NOW + day,
            },
        ),
        (
            "observed_at>2025-11-21T10:00",
            Window {
                from: NOW + 1,
                until: Window::ALL.until,
            },
        ),
        ("not observed_at>=2025-11-21T10:00", Window::ALL),
        ("observed_at<=2025-11-21T10:00 or outcome=denied", Window::ALL),
        ("time>=2025-11-21T10:00", Window::ALL),
        (
            "observed_at<2025-11-21T10:00 observed_at>2025-11-21T10:00",
            Window::NONE,
        ),
    ] {
        assert_eq!(Query::parse(query).unwrap().window(), window, "{query}");
    }
    let since = Query::all().since(NOW).window();
    assert_eq!(since.from, NOW - day, "a caller may have dated a record ahead");
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        Just("and".to_owned()),
        Just("IN".to_owned()),
        r#"[ -~]{0,8}"#,
        "\\PC{0,6}",
        "[\\*\"\\\\ ()=,:!<>~\n\u{202e}]{0,6}",
    ]
}

/// A value in quotes, with some stars that mean a star and some that stand for any text.
fn quoted() -> impl Strategy<Value = String> {
    text().prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn term() -> impl Strategy<Value = String> {
    let named = prop_oneof![
        Just("actor".to_owned()),
        Just("resource".to_owned()),
        Just("label.x".to_owned()),
        Just("detail.a.b".to_owned()),
        text().prop_map(|name| format!(
            "\"attributes.{}x\"",
            name.replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('*', "\\*")
        )),
    ];
    prop_oneof![
        quoted(),
        (named.clone(), prop_oneof!["=", "!=", "~", "!~"], quoted()).prop_map(|(f, o, v)| f + &o + &v),
        (named, proptest::collection::vec(quoted(), 1..4))
            .prop_map(|(f, v)| format!("{f} in ({})", v.join(","))),
        ("(<|<=|>|>=|=|!=)", any::<u64>()).prop_map(|(o, n)| format!("duration{o}{n}")),
        ("(<|<=|>|>=|=|!=)", 0..=i64::MAX).prop_map(|(o, n)| format!(
            "time{o}@{}.{:09}",
            n / 1_000_000_000,
            n % 1_000_000_000
        )),
        ("(<|<=|>|>=)", any::<i128>()).prop_map(|(o, n)| format!("attributes.n{o}{n}")),
        (
            "(<|<=|>|>=)",
            any::<f64>().prop_filter("finite", |n| n.is_finite())
        )
            .prop_map(|(o, n)| format!("attributes.n{o}{n:?}")),
        ("(<|<=|>|>=|=)", "(trace|debug|info|warn|error)").prop_map(|(o, l)| format!("level{o}{l}")),
        (any::<[u8; 4]>(), 0..=32_u8)
            .prop_map(|(a, bits)| format!("ip={}.{}.{}.{}/{bits}", a[0], a[1], a[2], a[3])),
        (any::<u128>(), 0..=128_u8)
            .prop_map(|(a, bits)| format!("ip={}/{bits}", std::net::Ipv6Addr::from(a))),
        "[0-9a-f]{1,32}".prop_map(|id| format!("trace={id}")),
        Just("traceparent=*".to_owned()),
        Just("start=false".to_owned()),
        Just("contains_pii=true".to_owned()),
    ]
}

fn query() -> impl Strategy<Value = String> {
    term().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|all| format!("({})", all.join(" "))),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|all| format!("({})", all.join(" and "))),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" OR "))),
            inner.prop_map(|one| format!("not {one}")),
        ]
    })
}

proptest! {
    #[test]
    fn a_query_written_as_text_is_read_back_equal(text in query()) {
        let query = Query::parse_at(&text, NOW).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let written = query.to_string();
        let again = Query::parse_at(&written, NOW).map_err(|error| TestCaseError::fail(format!("{text} -> {written}: {error}")))?;
        prop_assert_eq!(&again, &query, "{} -> {}", text, written);
        prop_assert_eq!(again.matches(&record()), query.matches(&record()));
    }

    #[test]
    fn no_text_makes_the_parser_panic_and_none_widens(text in "\\PC{0,40}") {
        if let Ok(query) = Query::parse_at(&text, NOW) {
            let nothing_was_asked = text.chars().all(|c| c.is_whitespace() || c == '(' || c == ')');
            prop_assert_eq!(*query.expr() == Expr::And(Vec::new()), nothing_was_asked || is_double_negation(&text), "{}", text);
        }
    }
}

/// `not not ()` asks for everything as well.
fn is_double_negation(text: &str) -> bool {
    text.to_lowercase().contains("not")
}
