//! A stencil writes what the general writer writes: each line here is written by both.

use proptest::prelude::*;

use super::line::{LineWriter, Place};
use super::spelled::tests::numbered;
use crate::record::frame::{Put, tag};
use crate::record::{Kind, Slot, Value};

const TIME: u64 = 1_795_251_600_000_000_001;

/// A part of a record and the kind of its value: what a field of a callsite is.
#[derive(Debug, Clone)]
enum Field {
    Slot(Slot),
    /// An attribute or a label, and which kind of value it has.
    Key(Slot, String, u8),
}

/// A value to draw from: each field takes of it what it can hold.
#[derive(Debug, Clone)]
struct Draw {
    text: String,
    number: u64,
    float: f64,
    truth: bool,
    bytes: Vec<u8>,
}

fn field() -> impl Strategy<Value = Field> {
    let maps = prop::sample::select(vec![Slot::Attributes, Slot::Labels, Slot::Hashes]);
    let key = "[$a-d\u{e000}😀\"]{0,3}|[a-z_.]{9,30}";
    prop_oneof![
        prop::sample::select(Slot::ALL.to_vec()).prop_map(Field::Slot),
        prop::sample::select(vec![
            Slot::Event,
            Slot::Action,
            Slot::ActorId,
            Slot::Category,
            Slot::ResourceId
        ])
        .prop_map(Field::Slot),
        (maps, key, any::<u8>()).prop_map(|(slot, key, kind)| Field::Key(slot, key, kind)),
        ("[a-c$](\\x00[a-c-]{1,2}){0,2}", any::<u8>()).prop_map(|(key, kind)| Field::Key(
            Slot::Detail,
            key,
            kind
        )),
    ]
}

fn draw() -> impl Strategy<Value = Draw> {
    let text = prop_oneof![
        8 => "[a-z.]{0,40}",
        1 => "[a-z,\\[\\]\"\\\\\n\u{0}é😀]{0,9}",
        1 => "\\PC{0,70}",
    ];
    let number = prop_oneof![any::<u64>(), 0..10_000_u64, Just((1 << 53) - 1), Just(1 << 53)];
    let float = prop_oneof![any::<f64>(), (0..10_000_u32).prop_map(|n| f64::from(n) / 64.0)];
    let bytes = prop::collection::vec(any::<u8>(), 0..20);
    (text, number, float, any::<bool>(), bytes).prop_map(|(text, number, float, truth, bytes)| Draw {
        text,
        number,
        float,
        truth,
        bytes,
    })
}

fn put(buf: &mut Vec<u8>, field: &Field, draw: &Draw) {
    let text = |buf: &mut Vec<u8>| {
        Put::str(buf, &draw.text);
        if draw.truth {
            // It came from `Debug` or `Display` this time.
            let at = buf.len() - draw.text.len() - 5;
            buf[at] = tag::FORMATTED;
        }
    };
    match field {
        Field::Slot(slot) => {
            buf.push(slot.index());
            match slot.kind() {
                Kind::Id if draw.number.is_multiple_of(5) => Put::u64(buf, draw.number),
                Kind::Id if draw.number % 5 == 1 => Put::i64(buf, draw.number as i64),
                Kind::Uint | Kind::Time => Put::u64(buf, draw.number),
                Kind::Bool => Put::bool(buf, draw.truth),
                Kind::Hex => Put::bytes(buf, &draw.bytes),
                _ => text(buf),
            }
        }
        Field::Key(slot, key, kind) => {
            Put::keyed(buf, *slot, key);
            match kind % 8 {
                0 => Put::u64(buf, draw.number),
                1 => Put::i64(buf, draw.number as i64),
                2 => Put::f64(buf, draw.float),
                3 => Put::bool(buf, draw.truth),
                4 => Put::bytes(buf, &draw.bytes),
                5 => Put::value(buf, &Value::from(vec![draw.number]), 0),
                _ => text(buf),
            }
        }
    }
}

fn frame(fields: &[Field], draws: &[Draw], shift: usize) -> Vec<u8> {
    let mut frame = (TIME + draws.get(shift).map_or(0, |draw| draw.number / 4))
        .to_le_bytes()
        .to_vec();
    for (field, draw) in fields.iter().zip(draws.iter().cycle().skip(shift)) {
        put(&mut frame, field, draw);
    }
    frame
}

fn line(writer: &mut LineWriter, frame: &[u8], seq: u64) -> (String, super::line::Written) {
    let place = Place {
        stream: "main \"1\"",
        seq,
        observed_at: TIME + seq / 2,
        id: uuid::Uuid::from_u128(0x0123_4567_89AB_CDEF << 60 | u128::from(seq)),
    };
    let mut out = b"before".to_vec();
    let written = writer.write(frame, &place, &mut out);
    (String::from_utf8(out.split_off(6)).unwrap(), written)
}

fn writer(service: &str) -> LineWriter {
    LineWriter::new(service, "", &["drop"])
}

fn knows(writer: &mut LineWriter, frame: &[u8]) -> bool {
    let mut copy = frame.to_vec();
    copy.extend_from_slice(&[0; 64]);
    writer.stencils.find(&copy, frame.len()).is_some()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_written_before_a_line_is_the_one_that_a_new_writer_gives(
        shapes in prop::collection::vec(prop::collection::vec(field(), 0..14), 1..5),
        draws in prop::collection::vec(draw(), 5..9),
    ) {
        let mut old = writer("service");
        for round in 0..12_usize {
            let shape = &shapes[round % shapes.len()];
            let frame = frame(shape, &draws, round % draws.len());
            let seq = (1 << 53) - 7 + round as u64;
            let new = line(&mut writer("service"), &frame, seq);
            prop_assert_eq!(line(&mut old, &frame, seq), new.clone());
            // With numbers for heads the frame says the same, also when its like is known.
            let numbered = numbered(&frame, 2 + round % 5);
            prop_assert_eq!(line(&mut old, &numbered, seq), new.clone());
            prop_assert_eq!(line(&mut old, &numbered, seq), new);
        }
    }
}

#[test]
fn a_shape_with_numbers_for_heads_is_known_once_it_was_written() {
    let mut writer = writer("service");
    let spelled = frame(&usual(), &[plain("document.share")], 0);
    let short = numbered(&spelled, usize::MAX);
    assert!(short.len() != spelled.len() && !knows(&mut writer, &short));
    let (first, _) = line(&mut writer, &short, 0);
    assert!(knows(&mut writer, &short) && !knows(&mut writer, &spelled));
    assert_eq!(line(&mut writer, &short, 0).0, first);
    assert_eq!(line(&mut writer, &spelled, 0).0, first);
}

/// The fields of a usual event.
fn usual() -> Vec<Field> {
    let key = |key: &str, kind| Field::Key(Slot::Attributes, key.to_owned(), kind);
    vec![
        Field::Slot(Slot::Level),
        Field::Slot(Slot::ActorId),
        Field::Slot(Slot::Action),
        Field::Slot(Slot::ActorRoles),
        key("bytes", 0),
        key("a key of more than sixteen bytes", 1),
        key("ratio", 2),
        key("cached", 3),
        key("path", 6),
        Field::Slot(Slot::TraceId),
        Field::Slot(Slot::DurationNs),
    ]
}

fn plain(text: &str) -> Draw {
    Draw {
        text: text.to_owned(),
        number: 7_777_777_777,
        float: 0.25,
        truth: false,
        bytes: vec![0xAB; 16],
    }
}

#[test]
fn a_shape_is_known_once_it_was_written_and_its_values_have_no_bearing() {
    let mut writer = writer("service");
    let first = frame(&usual(), &[plain("document.share")], 0);
    assert!(!knows(&mut writer, &first));
    line(&mut writer, &first, 0);
    for text in ["x.y", "a \"quoted\" part.of it", &"long.".repeat(100)] {
        let other = frame(
            &usual(),
            &[Draw {
                truth: true,
                number: u64::MAX - 2,
                ..plain(text)
            }],
            0,
        );
        assert!(knows(&mut writer, &other), "{text}");
    }
    // Without a family the line has other keys: that is learned beside the first.
    let bare = frame(&usual(), &[plain("share")], 0);
    assert!(!knows(&mut writer, &bare));
    line(&mut writer, &bare, 1);
    assert!(knows(&mut writer, &bare) && knows(&mut writer, &first));
    // An empty name stands for none, so that another name is written.
    assert!(!knows(&mut writer, &frame(&usual(), &[plain("")], 0)));
    // Nor is there a stencil for a beginning of the frame, or for more.
    let mut more = first.clone();
    put(&mut more, &Field::Slot(Slot::Reason), &plain("x"));
    assert!(!knows(&mut writer, &more) && !knows(&mut writer, &first[..first.len() - 9]));
}

#[test]
fn shapes_without_end_neither_pile_up_nor_spoil_a_line() {
    let mut old = writer("service");
    for round in 0..6_000_u32 {
        let fields: Vec<Field> = (0..=round % 7)
            .map(|at| Field::Key(Slot::Attributes, format!("key{}", round / (at + 1)), 6))
            .collect();
        let frame = frame(&fields, &[plain("value")], 0);
        let seq = u64::from(round);
        if round % 64 == 0 {
            assert_eq!(
                line(&mut old, &frame, seq),
                line(&mut writer("service"), &frame, seq)
            );
        } else {
            line(&mut old, &frame, seq);
        }
        assert!(
            old.stencils.size() <= 4_608,
            "{} steps and stencils",
            old.stencils.size()
        );
    }
}

#[test]
fn another_stream_has_other_lines() {
    let mut writer = writer("service");
    let frame = frame(&usual(), &[plain("a.b")], 0);
    let mut of = |stream| {
        let (seq, observed_at, id) = (1, TIME, uuid::Uuid::nil());
        let place = Place {
            stream,
            seq,
            observed_at,
            id,
        };
        let mut out = Vec::new();
        writer.write(&frame, &place, &mut out);
        String::from_utf8(out).unwrap()
    };
    for stream in ["one", "one", "two", "two"] {
        assert!(of(stream).contains(&format!("\"stream\":\"{stream}\"")));
    }
}

#[test]
fn ids_that_are_said_to_be_unknown_are_in_no_line_however_often_its_like_is_written() {
    let draw = Draw {
        text: "x".to_owned(),
        number: 7,
        float: 0.5,
        truth: true,
        bytes: vec![7; 8],
    };
    let slots = [Slot::TraceId, Slot::SpanId, Slot::TraceUnavailable].map(Field::Slot);
    let frame = frame(&slots, &[draw], 0);
    let mut old = writer("service");
    for seq in 0..200 {
        let (line, _) = line(&mut old, &frame, seq);
        assert!(
            !line.contains("trace_id") && !line.contains("span_id"),
            "{seq}: {line}"
        );
        assert!(line.contains("\"trace_unavailable\":true"), "{seq}: {line}");
    }
}
