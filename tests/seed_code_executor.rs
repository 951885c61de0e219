//! Acceptance cases of seed 002, code-executor, beside those that other tests serve: docs/seeds.md lists all.

#[path = "support/trail.rs"]
mod trail;

use std::collections::HashSet;
use std::time::Duration;

use tracing_audit::clock::ManualClock;
use tracing_audit::format::segments;
use tracing_audit::record::{Record, Slot};
use tracing_audit::redact::{scan, sha256};
use trail::{LONG, Trail};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// 2026-11-21T12:00:00Z.
const NOON: u64 = 1_795_262_400_000_000_000;

/// The days in the names of the files.
fn days(trail: &Trail) -> Vec<String> {
    let segments = segments(trail.audit.path().unwrap()).unwrap();
    segments
        .iter()
        .map(|segment| segment.name.date.to_string())
        .collect()
}

/// T002-01 and T002-02.
#[test]
fn the_file_of_a_record_is_named_after_the_utc_day() {
    let clock = ManualClock::new(NOON);
    let trail = Trail::with(|audit| audit.clock(clock.clone()));
    trail.audit.emit(Record::builder("auth_failure").build()).unwrap();
    assert_eq!(days(&trail), ["2026-11-21"]);
    // Half a second before midnight, and half a second behind it.
    clock.set(NOON + 43_199_500_000_000);
    trail.audit.emit(Record::builder("auth_failure").build()).unwrap();
    assert_eq!(days(&trail), ["2026-11-21"]);
    clock.advance(Duration::from_secs(1));
    trail.audit.emit(Record::builder("auth_failure").build()).unwrap();
    assert_eq!(days(&trail), ["2026-11-21", "2026-11-22"]);
}

/// T002-03.
#[test]
fn what_was_written_before_and_after_a_rotation_is_there() {
    let trail = Trail::new();
    trail
        .audit
        .emit(Record::builder("tool_call").request_id("before").build())
        .unwrap();
    let rotated = trail.audit.rotate().unwrap();
    assert!(rotated.closed.is_some());
    trail
        .audit
        .emit(Record::builder("tool_call").request_id("after").build())
        .unwrap();
    let found = trail.ask("event=tool_call");
    let ids: Vec<_> = found
        .iter()
        .filter_map(|record| record.text(Slot::RequestId))
        .collect();
    assert_eq!(ids, ["before", "after"]);
    assert_eq!(segments(trail.audit.path().unwrap()).unwrap().len(), 2);
}

/// The days that are left of a trail that wrote a record on each of these days before the last.
fn left(keep: u64, ages: &[u64]) -> Vec<u64> {
    let first = NOON - ages.iter().max().unwrap() * DAY.as_nanos() as u64;
    let clock = ManualClock::new(first);
    let trail = Trail::with(|audit| audit.clock(clock.clone()).keep_days(keep));
    // A step of more than a day is believed only when a day has passed: each day of the trail is lived.
    let oldest = *ages.iter().max().unwrap();
    for age in (0..=oldest).rev() {
        clock.set(NOON - age * DAY.as_nanos() as u64);
        if ages.contains(&age) {
            trail
                .audit
                .emit(Record::builder("tool_call").attribute("age", age).build())
                .unwrap();
        } else {
            trail.audit.flush(LONG).unwrap();
        }
        trail.audit.rotate().unwrap();
    }
    trail.audit.cleanup().unwrap();
    let found = trail.ask("event=tool_call");
    found
        .iter()
        .filter_map(|record| record.attribute("age")?.as_u64())
        .collect()
}

/// T002-04, T002-05, T002-06.
#[test]
fn files_older_than_the_days_that_are_kept_go_and_the_others_stay() {
    assert_eq!(left(30, &[35, 0]), [0]);
    assert_eq!(left(7, &[10, 5]), [5]);
    assert_eq!(left(30, &[29, 15, 1, 0]), [29, 15, 1, 0]);
}

/// T002-07, T002-08, T002-09, T002-10.
#[test]
fn a_hundred_tasks_that_write_at_once_leave_a_hundred_whole_lines() {
    let trail = Trail::new();
    std::thread::scope(|scope| {
        for task in 0..100_usize {
            let audit = trail.audit.clone();
            scope.spawn(move || {
                let record = Record::builder("tool_call")
                    .request_id(format!("r-{task}"))
                    .attribute("text", "word ".repeat(task * 20));
                audit.emit(record.build()).unwrap();
            });
        }
    });
    let text = trail.text();
    let mut ids = HashSet::new();
    for line in text.lines() {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in ["time", "event", "outcome", "seq", "id"] {
            assert!(key == "outcome" || json.get(key).is_some(), "{key} in {line}");
        }
        assert!(json.is_object(), "no array around the records");
        ids.extend(json["request_id"].as_str().map(str::to_owned));
    }
    assert_eq!(ids.len(), 100);
    assert!(text.ends_with('\n'));
    let numbers: Vec<_> = trail
        .ask("")
        .iter()
        .map(|record| record.uint(Slot::Seq).unwrap())
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
}

/// T002-13.
#[test]
fn a_hash_has_64_digits_is_stable_and_holds_nothing_of_what_it_is_made_of() {
    let hash = sha256(b"the prompt of a model");
    let digits = hash.strip_prefix("sha256:").unwrap_or(&hash);
    assert_eq!(digits.len(), 64);
    assert!(digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(hash, sha256(b"the prompt of a model"));
    assert_ne!(hash, sha256(b"the prompt of a mode1"));
    assert!(!hash.contains("prompt"));
}

/// T002-15.
#[test]
fn the_message_of_an_error_is_written_without_the_key_that_stands_in_it() {
    let trail = Trail::new();
    let key = ["sk", "proj", "Tn4Xw9KqLz7RbVf2Hs8JpMc3"].join("-");
    let message = format!("401 from the model: bad api_key={key}");
    trail.submit(
        Record::builder("tool_call")
            .outcome("failure")
            .error_message(message)
            .build(),
    );
    let [found] = trail.ask("outcome=failure").try_into().unwrap();
    let message = found.text(Slot::ErrorMessage).unwrap();
    assert!(message.starts_with("401 from the model"), "{message}");
    assert!(!trail.text().contains(&key));
}

/// One text for each of the seven kinds that the seed looks for, assembled so that no secret stands in this file.
fn seven() -> [(&'static str, String); 7] {
    let letters = "Tn4Xw9KqLz7RbVf2Hs8JpMc3Yd6GaBe5Uk1o";
    let part = |len: usize| letters.get(..len).unwrap_or(letters).to_owned();
    let encoded = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    let token = [
        encoded(r#"{"alg":"HS256","typ":"JWT"}"#),
        encoded(r#"{"sub":"1234567890"}"#),
        part(36),
    ];
    [
        ("openai_key", format!("sk-{}T3BlbkFJ{}", part(20), part(20))),
        ("github_token", format!("ghp_{}", part(36))),
        ("aws_key", ["AKIA", "Z7QW3MN5RT2XK8LP"].concat()),
        ("jwt", token.join(".")),
        ("email", ["ann", "example.com"].join("@")),
        ("ssn", ["219", "09", "9999"].join("-")),
        ("credit_card", ["4111", "1111", "1111", "1111"].join(" ")),
    ]
}

/// T002-16, T002-18 and T002-20.
#[test]
fn each_kind_that_the_seed_looks_for_is_cut_and_named_alone_and_in_company() {
    let mut together = String::new();
    let mut rules = HashSet::new();
    for (kind, secret) in seven() {
        let text = format!("the answer held {secret} and went on");
        let scanned = scan("output", &text);
        assert!(!scanned.value.contains(&secret), "{kind}: {}", scanned.value);
        assert!(scanned.value.starts_with("the answer held"), "{}", scanned.value);
        assert_eq!(scanned.redactions.len(), 1, "{kind}: {:?}", scanned.redactions);
        rules.insert(scanned.redactions[0].rule);
        together.push_str(&text);
        together.push('\n');
    }
    assert_eq!(rules.len(), 7, "each kind has a name of its own: {rules:?}");
    let scanned = scan("output", &together);
    for (kind, secret) in seven() {
        assert!(!scanned.value.contains(&secret), "{kind}: {}", scanned.value);
    }
}

/// T002-17 and T002-19: who wants to refuse an answer counts what the scan found, and shows nothing of it.
#[test]
fn what_a_scan_found_can_be_counted_and_refused_without_being_shown() {
    let refused = |text: &str| -> Result<(), String> {
        let found: u32 = scan("output", text).redactions.iter().map(|found| found.n).sum();
        if found == 0 {
            Ok(())
        } else {
            Err(format!("{found} violations"))
        }
    };
    assert_eq!(refused("nothing to see"), Ok(()));
    let [.., (_, token), _, _, _, _, (_, card)] = &seven()[1..] else {
        panic!()
    };
    let text = format!("first {token}, then {card}, again {card}");
    assert_eq!(refused(&text), Err("3 violations".to_owned()));
}

/// T002-22, T002-23, T002-24.
#[test]
fn the_end_of_a_trail_is_a_record_and_everything_before_it_is_on_disk() {
    let trail = Trail::new();
    trail.submit(Record::builder("shutdown").correlation_id("shutdown").build());
    let report = trail.audit.shutdown(LONG).unwrap();
    let text = format!("{report:?}");
    let lines = trail.memory.records();
    assert_eq!(lines.last().unwrap().event(), "audit.close", "{text}");
    let store = tracing_audit::store::DirStore::open(trail.path()).unwrap();
    let query = tracing_audit::Query::parse("event=shutdown correlation_id=shutdown").unwrap();
    use tracing_audit::store::Store as _;
    assert_eq!(store.totals(&query).unwrap().records, 1);
}
