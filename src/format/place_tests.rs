//! What a frame says of `detail` place by place, and what it says in one value, is one line.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::line::{LineWriter, Place};
use crate::record::frame::Put;
use crate::record::{Map, Slot, Value};

fn line(writer: &mut LineWriter, frame: &[u8]) -> String {
    let place = Place {
        stream: "main",
        seq: 7,
        observed_at: 9,
        id: uuid::Uuid::from_u128(7),
    };
    let mut out = Vec::new();
    writer.write(frame, &place, &mut out);
    String::from_utf8(out).unwrap()
}

/// Words of which some are the beginning of others, and some stand around the dot in the order of bytes.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "ab",
        "a-b",
        "a!",
        "b",
        "\u{e000}",
        "\u{10000}",
        "a.b",
        "$int",
        "$map",
    ])
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::from),
        "[a-z\"]{0,9}".prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::Map(Map::new())),
        prop::collection::vec("[a-z]{0,3}", 0..3).prop_map(Value::from),
    ]
}

type Places = BTreeMap<Vec<&'static str>, Value>;

fn whole(places: &Places) -> Map {
    let mut whole = Map::new();
    for (keys, value) in places {
        let (last, objects) = keys.split_last().unwrap();
        let mut map = &mut whole;
        for key in objects {
            let inner = map
                .entry((*key).to_owned())
                .or_insert_with(|| Value::Map(Map::new()));
            let Value::Map(inner) = inner else {
                unreachable!("no place is inside another")
            };
            map = inner;
        }
        map.insert((*last).to_owned(), value.clone());
    }
    whole
}

fn frame_of(places: &[(&Vec<&'static str>, &Value)]) -> Vec<u8> {
    let mut frame = 5_u64.to_le_bytes().to_vec();
    for (keys, value) in places {
        Put::keyed(&mut frame, Slot::Detail, &keys.join("\0"));
        Put::value(&mut frame, value, 0);
    }
    frame
}

proptest! {
    #[test]
    fn places_and_one_value_are_one_line(
        all in prop::collection::btree_map(prop::collection::vec(word(), 1..4), value(), 1..8),
        turn in any::<u8>(),
    ) {
        let leads_on = |keys: &Vec<&str>| all.keys().any(|other| other.len() > keys.len() && other.starts_with(keys));
        let places: Places = all.iter().filter(|(keys, _)| !leads_on(keys)).map(|(keys, value)| (keys.clone(), value.clone())).collect();
        let mut given: Vec<_> = places.iter().collect();
        let by = usize::from(turn) % given.len();
        given.rotate_left(by);
        let frame = frame_of(&given);
        let mut one = 5_u64.to_le_bytes().to_vec();
        one.push(Slot::Detail.index());
        Put::value(&mut one, &Value::Map(whole(&places)), 0);
        let mut writer = LineWriter::new("", "", &[]);
        let expected = line(&mut LineWriter::new("", "", &[]), &one);
        // First in the general way, then by what is known of the shape.
        prop_assert_eq!(line(&mut writer, &frame), expected.clone());
        prop_assert_eq!(line(&mut writer, &frame), expected.clone());
        let record = super::read_line(expected.as_bytes()).unwrap();
        prop_assert_eq!(format!("{:?}", record.get(Slot::Detail)), format!("{:?}", Some(Value::Map(whole(&places)))));
    }
}

#[test]
fn a_place_inside_another_and_a_value_that_is_all_of_it_are_not_lost() {
    let [leaf, inside, all] = [Value::from(1), Value::from(2), Value::from("all")];
    let mut frame = frame_of(&[(&vec!["a", "b"], &inside), (&vec!["a"], &leaf)]);
    frame.push(Slot::Detail.index());
    Put::value(&mut frame, &all, 0);
    let mut writer = LineWriter::new("", "", &[]);
    for _ in 0..2 {
        let line = line(&mut writer, &frame);
        assert!(line.contains(r#""detail":{"":"all","a":{"":1,"b":2}}"#), "{line}");
    }
}

#[test]
fn keys_count_as_they_do_in_one_value() {
    let mut frame = 5_u64.to_le_bytes().to_vec();
    let mut map = Map::new();
    for n in 0..300 {
        Put::keyed(&mut frame, Slot::Detail, &format!("{n}\0x"));
        Put::value(&mut frame, &Value::from(n), 0);
        map.insert(
            n.to_string(),
            Value::Map(Map::from([("x".to_owned(), Value::from(n))])),
        );
    }
    let mut one = 5_u64.to_le_bytes().to_vec();
    one.push(Slot::Detail.index());
    Put::value(&mut one, &Value::Map(map), 0);
    let mut writer = LineWriter::new("", "", &[]);
    let places = line(&mut writer, &frame);
    assert_eq!(places, line(&mut writer, &one));
    assert!(places.contains(r#""truncated""#));
}
