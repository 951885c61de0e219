//! What the line writer makes of frames that no `Record` gives: overrides, formatted lists, remarks, wrong kinds.

use proptest::prelude::*;

use super::line::{LineWriter, MAX_LINE, Place, Written};
use super::read::read_line;
use crate::record::frame::{Put, mark, tag};
use crate::record::{Kind, Map, Record, Slot, Value};

const RULES: &[&str] = &["secret", "ip"];
const ACTIONS: &[&str] = &["drop", "mask"];
const TIME: u64 = 1_795_251_600_000_000_001;

fn writer() -> LineWriter {
    LineWriter::new("", "", ACTIONS)
}

fn place() -> Place<'static> {
    Place {
        stream: "s",
        seq: 3,
        observed_at: TIME + 1,
        id: uuid::Uuid::nil(),
    }
}

fn frame(fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut frame = TIME.to_le_bytes().to_vec();
    fill(&mut frame);
    frame
}

fn written(writer: &mut LineWriter, frame: &[u8]) -> (String, Written) {
    let mut line = b"before".to_vec();
    let written = writer.write(frame, &place(), &mut line);
    (String::from_utf8(line.split_off(6)).unwrap(), written)
}

fn line(fill: impl FnOnce(&mut Vec<u8>)) -> String {
    written(&mut writer(), &frame(fill)).0
}

fn record(fill: impl FnOnce(&mut Vec<u8>)) -> Record {
    read_line(line(fill).as_bytes()).unwrap()
}

fn text(buf: &mut Vec<u8>, slot: Slot, text: &str) {
    buf.push(slot.index());
    Put::str(buf, text);
}

fn formatted(buf: &mut Vec<u8>, text: &str) {
    Put::str(buf, text);
    let at = buf.len() - text.len() - 5;
    buf[at] = tag::FORMATTED;
}

fn remark(buf: &mut Vec<u8>, rule: usize, action: u8, field: &str) {
    remark_of(buf, RULES.get(rule).unwrap_or(&"other"), action, 1, "", field);
}

fn remark_of(buf: &mut Vec<u8>, rule: &str, action: u8, n: u16, pii: &str, field: &str) {
    let [low, high] = n.to_le_bytes();
    buf.extend_from_slice(&[mark::REMARK, action, low, high]);
    [rule, pii, field]
        .into_iter()
        .for_each(|text| Put::key(buf, text));
}

fn cut(buf: &mut Vec<u8>, len: u64, field: &str) {
    buf.push(mark::CUT);
    buf.extend_from_slice(&len.to_le_bytes());
    Put::key(buf, field);
}

#[test]
fn an_empty_frame_is_a_whole_line() {
    assert_eq!(
        line(|_| {}),
        concat!(
            r#"{"action":"event","actor":{"id":"unknown"},"event":"event","id":"00000000-0000-0000-0000-000000000000","#,
            r#""observed_at":"2026-11-21T09:00:00.000000002Z","schema":1,"seq":3,"stream":"s","#,
            r#""time":"2026-11-21T09:00:00.000000001Z"}"#
        )
    );
    let (line, done) = written(&mut writer(), &[]);
    assert!(
        line.contains(r#""time":"1970-01-01T00:00:00.000000000Z""#),
        "{line}"
    );
    assert!(done.actor_missing);
}

#[test]
fn a_later_entry_for_the_same_slot_or_key_wins() {
    let record = record(|buf| {
        text(buf, Slot::Event, "first");
        Put::keyed(buf, Slot::Attributes, "k");
        Put::i64(buf, 1);
        Put::keyed(buf, Slot::Attributes, "a");
        Put::i64(buf, 3);
        text(buf, Slot::Event, "second.word");
        Put::keyed(buf, Slot::Attributes, "k");
        Put::i64(buf, 2);
    });
    assert_eq!(record.event(), "second.word");
    assert_eq!(record.text(Slot::Category), Some("second"));
    assert_eq!(record.text(Slot::Action), Some("word"));
    assert_eq!(record.map(Slot::Attributes).map(Map::len), Some(2));
    assert_eq!(record.attribute("k"), Some(&Value::from(2)));
}

#[test]
fn a_value_that_its_slot_does_not_take_becomes_an_attribute() {
    let record = record(|buf| {
        for (slot, number) in [
            (Slot::Reason, 1),
            (Slot::DurationNs, -1),
            (Slot::PiiContains, 1),
            (Slot::ResourceId, -5),
        ] {
            buf.push(slot.index());
            Put::i64(buf, number);
        }
        buf.push(Slot::LineageDepth.index());
        Put::i128(buf, i128::from(u64::MAX));
        buf.push(Slot::ActorRoles.index());
        Put::value(buf, &Value::from(vec![1, 2]), 0);
        buf.push(Slot::TraceId.index());
        Put::bytes(buf, &[0xAB; 16]);
        text(buf, Slot::Id, "no uuid");
        text(buf, Slot::Seq, "the writer's");
    });
    assert_eq!(record.attribute("reason"), Some(&Value::from(1)));
    assert_eq!(record.attribute("duration_ns"), Some(&Value::from(-1)));
    assert_eq!(record.attribute("pii.contains"), Some(&Value::from(1)));
    assert_eq!(record.attribute("actor.roles"), Some(&Value::from(vec![1, 2])));
    assert_eq!(record.attribute("id"), Some(&Value::from("no uuid")));
    assert_eq!(record.attribute("seq"), None);
    assert_eq!(record.uint(Slot::Seq), Some(3));
    assert_eq!(record.uint(Slot::LineageDepth), Some(u64::MAX));
    assert_eq!(record.text(Slot::ResourceId), Some("-5"));
    assert_eq!(record.text(Slot::TraceId), Some("ab".repeat(16).as_str()));
}

#[test]
fn lists_of_texts_are_read_from_their_three_forms() {
    let record = record(|buf| {
        text(buf, Slot::ActorRoles, "admin, ops");
        buf.push(Slot::ChangedFields.index());
        formatted(buf, r#"["a, b", "c\"\u{1b}"]"#);
        buf.push(Slot::PiiCategories.index());
        Put::value(buf, &Value::from(vec!["x,y", ""]), 0);
    });
    assert_eq!(record.texts(Slot::ActorRoles), Some(vec!["admin", "ops"]));
    assert_eq!(record.texts(Slot::ChangedFields), Some(vec!["a, b", "c\"\u{1b}"]));
    assert_eq!(record.texts(Slot::PiiCategories), Some(vec!["x,y", ""]));
}

#[test]
fn a_given_uuid_is_the_id_in_its_usual_spelling() {
    let given = "0192F0C1-2B5E-7C3A-8F00-0123456789AB";
    let record = record(|buf| text(buf, Slot::Id, given));
    assert_eq!(record.text(Slot::Id), Some(given.to_lowercase().as_str()));
}

#[test]
fn remarks_are_counted_by_kind_and_bounded() {
    let fill = |buf: &mut Vec<u8>| {
        remark(buf, 0, 0, "password");
        remark(buf, 1, 1, "actor.ip");
        remark(buf, 0, 0, "password");
        remark(buf, 9, 9, "later");
        cut(buf, 70_000, "summary");
        cut(buf, 0, "attributes.body");
        cut(buf, 80_000, "summary");
    };
    let (line, done) = written(&mut writer(), &frame(fill));
    let redaction = concat!(
        r#""redaction":{"count":4,"fields":[{"action":"drop","field":"password","n":2,"rule":"secret"},"#,
        r#"{"action":"mask","field":"actor.ip","n":1,"rule":"ip"},"#,
        r#"{"action":"other","field":"later","n":1,"rule":"other"}]}"#
    );
    assert!(line.contains(redaction), "{line}");
    let truncated = r#""truncated":[{"path":"attributes.body"},{"original_len":80000,"path":"summary"}]"#;
    assert!(line.ends_with(&format!("{truncated}}}")), "{line}");
    assert_eq!((done.redacted, done.truncated), (4, 2));

    let record = record(|buf| (0..50).for_each(|n| remark(buf, 0, 0, &format!("field{n}"))));
    let redaction = record.get(Slot::Redaction).and_then(Value::as_map).unwrap();
    assert_eq!(redaction["fields"].as_list().map(<[_]>::len), Some(16));
    assert_eq!(
        (redaction["count"].as_u64(), redaction["more"].as_u64()),
        (Some(50), Some(34))
    );
}

#[test]
fn personal_data_that_redaction_saw_is_declared_where_nobody_did() {
    let seen = |buf: &mut Vec<u8>| {
        remark_of(buf, "phone", 1, 2, "phone", "summary");
        remark_of(buf, "email", 1, 1, "email", "summary");
        remark_of(buf, "email", 1, 1, "email", "note");
        remark_of(buf, "type", 0, 0, "health", "state");
    };
    let line = line(seen);
    assert!(
        line.contains(r#""pii":{"categories":["email","health","phone"],"contains":true}"#),
        "{line}"
    );
    assert!(
        line.contains(r#""count":4"#) && !line.contains(r#""field":"state""#),
        "{line}"
    );
    let declared = record(|buf| {
        buf.push(Slot::PiiContains.index());
        Put::bool(buf, false);
        seen(buf);
    });
    assert_eq!(declared.get(Slot::PiiContains), Some(&Value::Bool(false)));
}

#[test]
fn the_length_of_a_redacted_value_is_never_stated() {
    let fill = |buf: &mut Vec<u8>| {
        for name in ["token", "plain"] {
            Put::keyed(buf, Slot::Attributes, name);
            Put::str(buf, &"x".repeat(60_000));
        }
        text(buf, Slot::Summary, &"y".repeat(60_000));
        remark(buf, 0, 1, "token");
        remark(buf, 0, 1, "message");
    };
    let (line, done) = written(&mut writer(), &frame(fill));
    assert!(line.len() <= MAX_LINE);
    for entry in [
        r#"{"path":"attributes.token"}"#,
        r#"{"path":"summary"}"#,
        r#"{"original_len":60000,"path":"attributes.plain"}"#,
    ] {
        assert!(line.contains(entry), "{entry} in {}", &line[line.len() - 400..]);
    }
    assert_eq!(done.truncated, 3);
}

#[test]
fn a_writer_keeps_nothing_of_an_earlier_line() {
    let mut writer = writer();
    let small = frame(|buf| text(buf, Slot::Event, "small.one"));
    let before = written(&mut writer, &small);
    let large = frame(|buf| {
        for index in 0..40 {
            Put::keyed(buf, Slot::Attributes, &format!("k{index}"));
            Put::str(buf, &"x".repeat(4_000));
            remark(buf, 0, 0, "k");
        }
        Put::keyed(buf, Slot::Labels, "l");
        Put::value(buf, &Value::Map(Map::from([("$a".to_owned(), Value::Null)])), 0);
    });
    assert!(written(&mut writer, &large).1.truncated > 0);
    assert_eq!(written(&mut writer, &small), before);
}

#[test]
fn a_malformed_frame_reads_as_ending_early() {
    let whole = frame(|buf| {
        text(buf, Slot::Event, "a.b");
        Put::keyed(buf, Slot::Attributes, "m");
        Put::value(
            buf,
            &Value::Map(Map::from([("k".to_owned(), Value::from(vec![1, 2]))])),
            0,
        );
        remark(buf, 0, 0, "f");
        cut(buf, 9, "g");
    });
    for len in 0..whole.len() {
        let (line, _) = written(&mut writer(), &whole[..len]);
        read_line(line.as_bytes()).unwrap();
    }
}

#[test]
fn an_unknown_tag_ends_the_frame_whatever_slot_it_stands_in() {
    for tag in 13..=u8::MAX {
        let record = record(|buf| {
            text(buf, Slot::Event, "a.b");
            let at = buf.len();
            text(buf, Slot::Reason, "lost");
            buf[at + 1] = tag;
            text(buf, Slot::Summary, "lost too");
        });
        assert_eq!(record.event(), "a.b");
        assert_eq!(
            (record.get(Slot::Reason), record.get(Slot::Summary)),
            (None, None)
        );
    }
}

/// One entry of a frame, of any kind in any slot.
fn entry() -> impl Strategy<Value = Vec<u8>> {
    let scalar = prop_oneof![
        "[a-z,\\[\\]\"\\\\\u{0}é😀]{0,9}".prop_map(Value::Str),
        any::<i128>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..5).prop_map(Value::Bytes),
        prop::collection::vec("[a-z]{0,3}", 0..3).prop_map(Value::from),
        prop::collection::btree_map("[$a-c\u{e000}😀]{0,2}", any::<u8>().prop_map(Value::from), 0..4)
            .prop_map(Value::Map),
    ];
    let slots = 0..Slot::ALL.len();
    (
        slots,
        scalar,
        prop::option::of("[$a-c\u{e000}😀]{0,2}"),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(slot, value, key, in_place, is_formatted)| {
            let mut buf = Vec::new();
            let slot = Slot::ALL[slot];
            match key {
                Some(key) => {
                    let maps = [Slot::Attributes, Slot::Labels, Slot::Hashes];
                    Put::keyed(&mut buf, maps[usize::from(slot.index()) % 3], &key);
                }
                None => buf.push(slot.index()),
            }
            match value {
                Value::Str(text) if is_formatted => formatted(&mut buf, &text),
                value => Put::value(&mut buf, &value, 0),
            }
            if in_place {
                remark(&mut buf, usize::from(slot.index()), 0, slot.path());
            }
            buf
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_frame_gives_a_canonical_line_that_reads_back_by_kind(entries in prop::collection::vec(entry(), 0..30)) {
        let frame = frame(|buf| entries.iter().for_each(|entry| buf.extend_from_slice(entry)));
        let (line, _) = written(&mut writer(), &frame);
        let tree: serde_json::Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(serde_jcs::to_string(&tree).unwrap(), line.as_str());
        let record = read_line(line.as_bytes()).unwrap();
        for (slot, value) in record.slots() {
            let fits = match slot.kind() {
                Kind::Texts => value.as_list().is_some(),
                Kind::Map => value.as_map().is_some(),
                Kind::Uint | Kind::Time => value.as_u64().is_some(),
                Kind::Bool => value.as_bool().is_some(),
                Kind::Any => true,
                _ => value.as_str().is_some(),
            };
            prop_assert!(fits, "{}", slot.path());
        }
    }
}

/// A frame as a request handler inside two spans gives it.
fn typical() -> Vec<u8> {
    frame(|buf| {
        for (slot, value) in [
            (Slot::Event, "document.delete"),
            (Slot::Level, "info"),
            (Slot::ActorId, "user-48213"),
            (Slot::ActorType, "user"),
            (Slot::ScopeTenant, "acme"),
            (Slot::RequestId, "req-7f3a9c20b1"),
            (Slot::SessionId, "sess-001122"),
            (Slot::ResourceType, "document"),
            (Slot::ResourceId, "doc-9981"),
            (Slot::Outcome, "success"),
            (Slot::CodeModule, "store::documents"),
        ] {
            text(buf, slot, value);
        }
        buf.push(Slot::TraceId.index());
        Put::bytes(buf, &[0x5A; 16]);
        buf.push(Slot::SpanId.index());
        Put::bytes(buf, &[0xA5; 8]);
        Put::keyed(buf, Slot::Attributes, "bytes");
        Put::u64(buf, 123_456);
        Put::keyed(buf, Slot::Attributes, "path");
        Put::str(buf, "/documents/9981");
    })
}

#[test]
#[ignore = "a measurement: cargo test --release --lib line_tests -- --ignored --nocapture"]
fn nanoseconds_per_line() {
    let (frame, mut writer, mut out) = (typical(), writer(), Vec::with_capacity(1 << 16));
    // First one line always in the same place, then lines behind one another as in a batch: there the place of a line
    // has no bearing on the result.
    for limit in [0, 0, 0, 0, 0, 0, 0, 1 << 18, 1 << 18, 1 << 18] {
        let start = std::time::Instant::now();
        let rounds = 50_000_u64;
        for seq in 0..rounds {
            if out.len() >= limit {
                out.clear();
            }
            let observed_at = TIME + seq * 1_000;
            writer.write(
                &frame,
                &Place {
                    seq,
                    observed_at,
                    ..place()
                },
                &mut out,
            );
        }
        let took = start.elapsed().as_nanos() as f64 / rounds as f64;
        println!("{took:.0} ns, up to {limit} bytes in the batch");
    }
    out.clear();
    writer.write(&frame, &place(), &mut out);
    println!("{}", String::from_utf8_lossy(&out));
    let start = std::time::Instant::now();
    for _ in 0..10_000 {
        std::hint::black_box(read_line(&out).unwrap());
    }
    println!("read: {} ns", start.elapsed().as_nanos() / 10_000);
    assert!(out.len() > 500);
}
