//! Input that nobody should send: every line stays valid JSON and a record, nothing is lost, what was cut is said.

use std::fmt;

use tracing::{Level, event, field, info, info_span};
use tracing_audit::ErrorKind;
use tracing_audit::clock::ManualClock;
use tracing_audit::format::read_line;
use tracing_audit::record::{Map, Record, Slot, Value};
use tracing_audit::testing::{CapturedRecord, Recording};

const MIB: usize = 1 << 20;
/// The longest line, without its newline.
const LONGEST: usize = 65_535;
/// How much of a text without a gap is kept: what is scanned, without the margin in which half of a token could stand.
const SCANNED: usize = 12 * 1024;

/// Runs bad input, and checks what holds for every line: it is JSON for others and a record for us, it is not too long,
/// and none is missing.
#[track_caller]
fn survive(expected: usize, recording: &Recording, run: impl FnOnce()) -> Vec<CapturedRecord> {
    recording.run(run);
    let captured = recording.captured();
    captured.count(expected);
    for record in &captured {
        let json: serde_json::Value = serde_json::from_str(record.line()).unwrap();
        assert!(json.is_object());
        read_line(record.line().as_bytes()).unwrap();
        assert!(record.line().len() <= LONGEST);
        assert!(!record.line().contains('\n'));
    }
    assert_eq!(recording.audit().stats().lost(), 0);
    captured.records().to_vec()
}

/// The list of what was cut, as field and original length.
fn cut(record: &CapturedRecord) -> Vec<(String, Option<u64>)> {
    let Some(Value::List(rows)) = record.get(Slot::Truncated) else {
        return Vec::new();
    };
    let row = |row: &Value| {
        let row = row.as_map().unwrap();
        let text = row.get("path").and_then(Value::as_str).unwrap();
        (text.to_owned(), row.get("original_len").and_then(Value::as_u64))
    };
    rows.iter().map(row).collect()
}

#[test]
fn a_text_of_a_mebibyte_is_cut_on_a_character_boundary_and_listed() {
    // Three bytes each, so that no power of two is a boundary.
    let long = "→".repeat(MIB / 3);
    let recording = Recording::new();
    let records = survive(4, &recording, || {
        info!(target: "audit", event = "str", note = long.as_str(), small = "kept");
        info!(target: "audit", event = "shown", note = %long, small = "kept");
        info!(target: "audit", event = "slot", reason = long.as_str(), small = "kept");
        drop(info_span!(target: "audit", "span", note = long.as_str(), small = "kept"));
    });
    for record in &records {
        let field = if record.event() == "slot" {
            "reason"
        } else {
            "attributes.note"
        };
        let value = record.attribute("note").or(record.get(Slot::Reason)).unwrap();
        let text = value.as_str().unwrap();
        assert!(
            text.len() > SCANNED - 1024 && text.chars().all(|char| char == '→'),
            "{}",
            text.len()
        );
        assert_eq!(
            cut(record),
            [(field.to_owned(), Some(long.len() as u64))],
            "{}",
            record.event()
        );
        record.assert_attribute("small", "kept");
    }
    assert!(recording.audit().stats().truncated >= 4);
}

#[test]
fn many_long_texts_are_all_listed_and_the_short_ones_stay() {
    let long = "x".repeat(MIB);
    let recording = Recording::new();
    let records = survive(1, &recording, || {
        info!(
            target: "audit", event = "x", a = long.as_str(), b = long.as_str(), c = long.as_str(), d = long.as_str(),
            e = long.as_str(), f = long.as_str(), small = "kept"
        );
    });
    let fields: Vec<String> = cut(&records[0]).into_iter().map(|(field, _)| field).collect();
    let all = ["a", "b", "c", "d", "e", "f"].map(|name| format!("attributes.{name}"));
    assert_eq!(fields, all);
    records[0].assert_attribute("small", "kept");
}

#[test]
fn long_bytes_are_cut_and_listed() {
    let long = vec![0xA5_u8; MIB];
    let recording = Recording::new();
    let records = survive(
        1,
        &recording,
        || info!(target: "audit", event = "x", body = long.as_slice()),
    );
    let Some(Value::Bytes(kept)) = records[0].attribute("body") else {
        panic!("{:?}", records[0]);
    };
    assert!(kept.len() > LONGEST / 3 && kept.iter().all(|byte| *byte == 0xA5));
    assert_eq!(
        cut(&records[0]),
        [("attributes.body".to_owned(), Some(MIB as u64))]
    );
}

/// Writes ten megabytes, a piece at a time.
struct Huge;

impl fmt::Debug for Huge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let piece = "debug ".repeat(1024);
        (0..1_700).try_for_each(|_| f.write_str(&piece))
    }
}

#[test]
fn a_debug_form_of_ten_megabytes_is_bounded_and_listed() {
    let recording = Recording::new();
    let records = survive(2, &recording, || {
        info!(target: "audit", event = "event", huge = ?Huge, small = "kept");
        let span = info_span!(target: "audit", "span", huge = field::Empty, small = "kept");
        span.record("huge", field::debug(Huge));
    });
    for record in &records {
        record.assert_attribute("small", "kept");
        let expected = 1_700 * 6 * 1024;
        assert_eq!(cut(record), [("attributes.huge".to_owned(), Some(expected))]);
    }
}

#[test]
fn nul_and_control_characters_come_back_unchanged() {
    let all: String = (0..=0x9F_u8)
        .map(char::from)
        .chain("\u{2028}\u{FFFF}\u{10FFFF}\u{202E}".chars())
        .collect();
    let recording = Recording::new();
    let records = survive(1, &recording, || {
        info!(target: "audit", event = "x", reason = all.as_str(), note = all.as_str(), label.note = all.as_str());
    });
    records[0]
        .assert_has(Slot::Reason, all.as_str())
        .assert_attribute("note", all.as_str());
    assert!(!records[0].line().bytes().any(|byte| byte < 0x20));
}

#[test]
fn bytes_that_are_no_text_come_back_unchanged() {
    let bytes: Vec<u8> = (0..=255).collect();
    let recording = Recording::new();
    let records = survive(2, &recording, || {
        info!(target: "audit", event = "attribute", body = bytes.as_slice());
        info!(target: "audit", event = "slot", actor.id = &b"\xFF\xFEalice"[..], reason = &b"\xFF"[..]);
    });
    records[0].assert_attribute("body", Value::Bytes(bytes));
    records[1]
        .assert_attribute("actor.id", Value::Bytes(b"\xFF\xFEalice".to_vec()))
        .assert_attribute("reason", Value::Bytes(vec![0xFF]))
        .assert_has(Slot::ActorId, "unknown");
    assert_eq!(recording.audit().stats().wrong_type, 2);
}

#[test]
fn numbers_at_their_ends_come_back_exactly() {
    let recording = Recording::new();
    let records = survive(1, &recording, || {
        info!(
            target: "audit", event = "x", u64 = u64::MAX, i64 = i64::MIN, u128 = u128::MAX, i128 = i128::MIN,
            edge = 9_007_199_254_740_993_u64, least = f64::MIN_POSITIVE, most = f64::MAX, minus_zero = -0.0,
            infinite = f64::INFINITY, minus = f64::NEG_INFINITY, nan = f64::NAN, whole = 3.0
        );
    });
    let record = &records[0];
    record
        .assert_attribute("u64", u64::MAX)
        .assert_attribute("i64", i64::MIN)
        .assert_attribute("u128", u128::MAX)
        .assert_attribute("i128", i128::MIN)
        .assert_attribute("edge", 9_007_199_254_740_993_u64)
        .assert_attribute("least", f64::MIN_POSITIVE)
        .assert_attribute("most", f64::MAX)
        .assert_attribute("infinite", f64::INFINITY)
        .assert_attribute("minus", f64::NEG_INFINITY)
        .assert_attribute("whole", 3.0);
    let float = |name| match record.attribute(name) {
        Some(Value::Float(number)) => *number,
        other => panic!("{name}: {other:?}"),
    };
    assert!(float("nan").is_nan());
    assert!(float("minus_zero").is_sign_negative() && float("minus_zero") == 0.0);
}

#[test]
fn an_event_with_thirty_two_fields_keeps_them_all() {
    let recording = Recording::new();
    let records = survive(1, &recording, || {
        event!(
            target: "audit", Level::INFO,
            f1 = 1, f2 = 2, f3 = 3, f4 = 4, f5 = 5, f6 = 6, f7 = 7, f8 = 8, f9 = 9, f10 = 10, f11 = 11, f12 = 12,
            f13 = 13, f14 = 14, f15 = 15, f16 = 16, f17 = 17, f18 = 18, f19 = 19, f20 = 20, f21 = 21, f22 = 22,
            f23 = 23, f24 = 24, f25 = 25, f26 = 26, f27 = 27, f28 = 28, f29 = 29, f30 = 30, f31 = 31, f32 = 32
        );
    });
    for n in 1..=32_u64 {
        records[0].assert_attribute(&format!("f{n}"), n);
    }
}

#[test]
fn awkward_event_names_stay_names() {
    let names = [
        "line\nbreak",
        "tab\tand \"quotes\"",
        ".",
        "a..b",
        "\0",
        "ünïcode.→",
        " ",
    ];
    let recording = Recording::new();
    let records = survive(names.len() * 2, &recording, || {
        for name in names {
            info!(target: "audit", event = name);
            recording.audit().emit(Record::builder(name).build()).unwrap();
        }
    });
    for (name, pair) in names.iter().zip(records.chunks(2)) {
        pair[0].assert_has(Slot::Event, *name);
        pair[1].assert_has(Slot::Event, *name);
    }
}

#[test]
fn an_empty_name_is_replaced_because_no_record_is_without_one() {
    let recording = Recording::new();
    let records = survive(4, &recording, || {
        info!(target: "audit", event = "");
        recording.audit().emit(Record::builder("").build()).unwrap();
        recording
            .audit()
            .emit(Record::builder("").action("user.login").build())
            .unwrap();
        drop(info_span!(target: "audit", ""));
    });
    let names: Vec<_> = records.iter().map(|record| record.event()).collect();
    assert_eq!(names, ["event", "event", "user.login", "event"]);
}

/// Lists and maps in turn, one inside the other.
fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::from("bottom"), |value, level| {
        if level % 2 == 0 {
            Value::from(vec![value])
        } else {
            Value::from(Map::from([("in".to_owned(), value)]))
        }
    })
}

#[test]
fn a_value_ten_thousand_levels_deep_is_cut_and_does_not_overflow_the_stack() {
    let recording = Recording::new();
    let audit = recording.audit();
    let records = survive(4, &recording, || {
        audit
            .emit(
                Record::builder("attribute")
                    .attribute("deep", nested(10_000))
                    .build(),
            )
            .unwrap();
        audit
            .emit(Record::builder("detail").detail(nested(10_000)).build())
            .unwrap();
        audit
            .submit(
                Record::builder("secret")
                    .attribute("password", nested(10_000))
                    .build(),
            )
            .unwrap();
        drop(audit.emit_async(Record::builder("never polled").detail(nested(10_000)).build()));
        audit
            .emit(Record::builder("shallow").detail(nested(40)).build())
            .unwrap();
    });
    assert!(records[0].line().contains("[TOO DEEP]") && records[1].line().contains("[TOO DEEP]"));
    assert_eq!(cut(&records[0]), [("attributes.deep".to_owned(), None)]);
    assert_eq!(cut(&records[1]), [("detail".to_owned(), None)]);
    records[2].assert_attribute("password", "[REDACTED:secret]");
    records[3].assert_has(Slot::Detail, nested(40));
    // A record that is dropped unwritten, and one whose deep value is replaced.
    let deep = Record::builder("x").attribute("deep", nested(10_000));
    drop(deep.attribute("deep", "replaced").detail(nested(10_000)).build());
}

#[test]
fn a_value_far_above_the_frame_is_bounded_and_listed() {
    let recording = Recording::with(|audit| audit.queue_bytes(1 << 20));
    let text = "x".repeat(50_000);
    let wide = || Value::from(vec![text.clone(); 400]);
    let many: Map = (0..100_000)
        .map(|n| (format!("key {n}"), Value::from(n as u64)))
        .collect();
    let audit = recording.audit();
    let records = survive(3, &recording, || {
        audit
            .emit(
                Record::builder("wide")
                    .attribute("wide", wide())
                    .attribute("zoom", "kept")
                    .build(),
            )
            .unwrap();
        audit.emit(Record::builder("many").detail(many).build()).unwrap();
        audit
            .submit(Record::builder("wide").detail(wide()).build())
            .unwrap();
    });
    for record in &records {
        assert!(!cut(record).is_empty(), "{}", record.line().len());
    }
    records[0].assert_attribute("zoom", "kept");
}

#[test]
fn what_a_record_is_found_by_stays_whatever_stands_beside_it() {
    let recording = Recording::with(|audit| audit.queue_bytes(4 << 20));
    let large = |count: usize, len: usize| {
        let mut record = Record::builder("pay.important").outcome("denied");
        for n in 0..count {
            record = record.attribute(format!("a{n}"), "x".repeat(len));
        }
        record.reason("why not").resource("account", "acc-4").build()
    };
    let records = survive(3, &recording, || {
        for (count, len) in [(200, 2_000), (600, 900), (40, 60_000)] {
            recording.audit().emit(large(count, len)).unwrap();
        }
    });
    let found_by = [
        (Slot::Event, "pay.important"),
        (Slot::Outcome, "denied"),
        (Slot::Reason, "why not"),
        (Slot::ResourceId, "acc-4"),
    ];
    for record in &records {
        assert!(record.get(Slot::Truncated).is_some());
        for (slot, text) in found_by {
            record.assert_has(slot, text);
        }
    }
}

#[test]
fn times_at_their_ends_are_stated_and_a_time_beyond_them_is_refused() {
    const MAX: u64 = tracing_audit::clock::MAX_TIME;
    let clock = ManualClock::new(1);
    let recording = Recording::with(|audit| audit.clock(clock.clone()));
    let times = [1, 0, MAX, 1_795_219_200_000_000_000];
    let records = survive(times.len(), &recording, || {
        for time in times {
            clock.set(time);
            info!(target: "audit", event = "x");
            // Each is observed before the clock moves on.
            assert!(!recording.captured().is_empty());
        }
    });
    let stated: Vec<_> = records
        .iter()
        .map(|record| record.uint(Slot::Time).unwrap())
        .collect();
    assert_eq!(stated, times);
    assert!(
        records[2]
            .line()
            .contains("\"time\":\"2262-04-11T23:47:16.854775807Z\"")
    );
    let observed: Vec<_> = records
        .iter()
        .map(|record| record.uint(Slot::ObservedAt).unwrap())
        .collect();
    assert!(observed.is_sorted(), "{observed:?}");
    assert!(recording.audit().stats().clock_backwards >= 2);
    let refused = recording
        .audit()
        .emit(Record::builder("late").time(MAX + 1).build())
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert!(refused.to_string().contains("2262-04-11"), "{refused}");
    recording
        .audit()
        .emit(Record::builder("last").time(MAX).build())
        .unwrap();
}

#[test]
fn a_clock_above_the_last_time_is_stated_as_the_last() {
    let clock = ManualClock::new(u64::MAX);
    let recording = Recording::with(|audit| audit.clock(clock.clone()));
    let records = survive(3, &recording, || {
        info!(target: "audit", event = "event");
        drop(info_span!(target: "audit", "span"));
        recording
            .audit()
            .emit(Record::builder("emitted").build())
            .unwrap();
    });
    for record in records {
        record.assert_has(Slot::Time, tracing_audit::clock::MAX_TIME);
    }
}

/// A value whose code panics after it has written something.
struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half a sec")?;
        panic!("on purpose");
    }
}

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[derive(Debug)]
struct Chained;

impl fmt::Display for Chained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("chained")
    }
}

impl std::error::Error for Chained {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        panic!("on purpose");
    }
}

#[test]
fn a_value_whose_code_panics_is_a_marker_and_counted() {
    let recording = Recording::new();
    let records = survive(4, &recording, || {
        info!(target: "audit", event = "debug", value = ?Panics, small = "kept");
        info!(target: "audit", event = "display", actor.id = %Panics, small = "kept");
        drop(info_span!(target: "audit", "span", value = ?Panics, small = "kept"));
        let chained: &(dyn std::error::Error + 'static) = &Chained;
        info!(target: "audit", event = "source", error = chained, small = "kept");
    });
    for record in &records {
        record
            .assert_attribute("small", "kept")
            .assert_hides("half a sec");
    }
    records[0].assert_attribute("value", "[PANICKED]");
    records[1].assert_has(Slot::ActorId, "[PANICKED]");
    records[2].assert_attribute("value", "[PANICKED]");
    records[3]
        .assert_has(Slot::ErrorMessage, "chained")
        .assert_lacks(Slot::ErrorChain);
    assert_eq!(recording.audit().stats().panicked, 3);
}

#[test]
fn keys_that_look_like_the_lines_own_forms_come_back_unchanged() {
    let forms = ["$int", "$f64", "$bytes", "$map", "$new", "", "a.b", "\0"];
    let detail = |key: &str| Value::from(Map::from([(key.to_owned(), Value::from("1"))]));
    let recording = Recording::new();
    let records = survive(forms.len(), &recording, || {
        for key in forms {
            let record = Record::builder("x").attribute(key, "mine").detail(detail(key));
            recording.audit().emit(record.build()).unwrap();
        }
    });
    for (key, record) in forms.iter().zip(&records) {
        record
            .assert_attribute(key, "mine")
            .assert_has(Slot::Detail, detail(key));
    }
}
