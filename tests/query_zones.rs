//! Times of named zones: what their clocks leave out and show twice, as Python reads it too.

#[path = "support/python.rs"]
mod python;

use proptest::prelude::*;
use tracing_audit::ErrorKind;
use tracing_audit::Query;
use tracing_audit::query::parse_time;
use tracing_audit::record::Record;

const SECOND: u64 = 1_000_000_000;
const NOW: u64 = 1_763_768_700 * SECOND; // 2025-11-21T23:45:00Z

/// Whether the system has files of time zones. Without them every name but `UTC` is unknown.
fn is_there() -> bool {
    let is_there = jiff::tz::db().get("Europe/Berlin").is_ok();
    if !is_there {
        println!("SKIPPED: this system has no files of time zones");
    }
    is_there
}

#[track_caller]
fn read(text: &str) -> String {
    let nanos = parse_time(text, NOW).unwrap();
    jiff::Timestamp::from_nanosecond(i128::from(nanos))
        .unwrap()
        .to_string()
}

#[test]
fn a_time_is_read_by_the_clocks_of_the_zone_that_is_named() {
    if !is_there() {
        return;
    }
    for (text, time) in [
        ("2026-11-21 09:00 Europe/Berlin", "2026-11-21T08:00:00Z"),
        ("2026-11-21T09:00[Europe/Berlin]", "2026-11-21T08:00:00Z"),
        ("2026-07-21 09:00:00.5 europe/berlin", "2026-07-21T07:00:00.5Z"),
        ("2026-11-21 Asia/Kathmandu", "2026-11-20T18:15:00Z"),
        ("today Europe/Berlin", "2025-11-21T23:00:00Z"),
        ("yesterday Europe/Berlin", "2025-11-20T23:00:00Z"),
        ("today America/New_York", "2025-11-21T05:00:00Z"),
        ("today[UTC]", "2025-11-21T00:00:00Z"),
        // Left out: 03:00 followed 02:00. The offset from before holds.
        ("2026-03-29 02:30 Europe/Berlin", "2026-03-29T01:30:00Z"),
        ("2026-03-29 03:30 Europe/Berlin", "2026-03-29T01:30:00Z"),
        // Twice: the first one, unless the offset says which.
        ("2026-10-25 02:30 Europe/Berlin", "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:30+02:00[Europe/Berlin]", "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:30+01:00[Europe/Berlin]", "2026-10-25T01:30:00Z"),
        // Days that had no midnight, and two of them.
        ("2018-11-04 America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        ("2018-02-18 America/Sao_Paulo", "2018-02-18T03:00:00Z"),
        ("2018-11-04 America/Havana", "2018-11-04T04:00:00Z"),
    ] {
        assert_eq!(read(text), time, "{text}");
    }
}

#[test]
fn a_zone_that_is_unknown_or_does_not_fit_is_an_error_with_its_column_and_a_remedy() {
    let said = |text: &str| {
        let error = parse_time(text, NOW).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Query, "{text}");
        error.to_string()
    };
    let unknown = said(" 2026-11-21 09:00 Mars/Base");
    assert!(
        unknown.starts_with("column 19 of ")
            && unknown.contains("`Mars/Base`")
            && unknown.contains("`+01:00`"),
        "{unknown}"
    );
    for odd in [
        "2026-11-21[../../etc/passwd]",
        "2026-11-21[]",
        "2026-11-21[/etc/localtime]",
    ] {
        assert!(said(odd).starts_with("column 12 of "), "{}", said(odd));
    }
    if !is_there() {
        return;
    }
    let near = said("2026-11-21 Europe/Berln");
    assert!(
        near.starts_with("column 12 of ") && near.ends_with("did you mean `Europe/Berlin`?"),
        "{near}"
    );
    let other = said("2026-11-21T09:00+05:00[Europe/Berlin]");
    assert!(
        other.starts_with("column 24 of ") && other.contains("another offset"),
        "{other}"
    );
    let error = Query::parse_at("event=e time>=\"2026-11-21 Europe/Berln\"", NOW).unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("column 15: unknown time zone `Europe/Berln`"),
        "{error}"
    );
}

#[test]
fn a_query_with_a_zone_is_written_as_the_time_that_it_is() {
    if !is_there() {
        return;
    }
    for text in [
        "time>=\"2026-11-21 09:00 Europe/Berlin\"",
        "time>=2026-11-21T09:00[Europe/Berlin]",
    ] {
        let query = Query::parse_at(text, NOW).unwrap();
        assert_eq!(query.to_string(), "time>=2026-11-21T08:00:00Z", "{text}");
        assert_eq!(Query::parse_at(&query.to_string(), 0).unwrap(), query);
    }
}

const ZONES: &[&str] = &[
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "UTC",
];

/// Days about which clocks are put forward and back.
const DAYS: &[&str] = &[
    "2026-03-29",
    "2026-10-25",
    "2026-03-08",
    "2026-11-01",
    "2018-11-04",
    "2018-02-18",
    "2026-04-05",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn a_time_of_a_zone_is_the_one_that_python_reads(
        zone in prop::sample::select(ZONES),
        day in prop_oneof![
            prop::sample::select(DAYS).prop_map(str::to_owned),
            (1971..2037_u32, 1..13_u32, 1..29_u32).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}")),
        ],
        time in prop::option::of((0..5_u32, 0..4_u32)),
        is_bracketed in any::<bool>(),
    ) {
        if !is_there() {
            return Ok(());
        }
        let time = time.map_or_else(String::new, |(hour, quarter)| format!("T{hour:02}:{:02}", quarter * 15));
        let text = if is_bracketed { format!("{day}{time}[{zone}]") } else { format!("{day}{time} {zone}") };
        let read = parse_time(&text, NOW).unwrap();
        let lines: Vec<String> = (0..3)
            .map(|at| {
                let record = Record::builder("e").time(read - 1 + at).build();
                let line = tracing_audit::format::write_line(&record, "main", at, read - 1 + at, uuid::Uuid::nil());
                String::from_utf8(line).unwrap()
            })
            .collect();
        let found = python::found(&format!("time=\"{text}\""), &lines);
        if let Some(found) = found {
            let found: Vec<u64> = found.iter().map(|place| place.seq).collect();
            prop_assert_eq!(found, [1], "{}", text);
        }
    }
}
