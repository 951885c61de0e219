//! `ship` and `doctor --otlp` as processes, with a collector of our own.

#[path = "../../tests/support/collector.rs"]
mod collector;
#[path = "support/trails.rs"]
mod trails;

/// What the collector of the tests holds of a record; here its number is enough.
mod otlp {
    use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
    use opentelemetry_proto::tonic::logs::v1::LogRecord;

    #[derive(Debug, Clone)]
    #[allow(dead_code, reason = "the collector fills it")]
    pub(crate) struct Held {
        pub(crate) resource: Vec<KeyValue>,
        pub(crate) record: LogRecord,
    }

    impl Held {
        pub(crate) fn seq(&self) -> i64 {
            let is_number = |pair: &&KeyValue| pair.key == "audit.sequence.number";
            let pair = self.record.attributes.iter().find(is_number).expect("a number");
            match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
                Some(Value::IntValue(seq)) => *seq,
                other => panic!("{other:?}"),
            }
        }
    }
}

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use collector::{Call, Collector, Reply};
use otlp::Held;
use serde_json::Value;
use tracing_audit::Audit;
use tracing_audit::record::Record;
use trails::binary;

/// Writes so many more records, `bad.step` at 7, and ends the trail.
fn write(dir: &Path, count: u64) {
    let audit = Audit::builder().directory(dir).start().expect("starts");
    for n in 0..count {
        let event = if n == 7 { "bad.step" } else { "good.step" };
        audit
            .submit(Record::builder(event).actor("user", "u-1").build())
            .expect("taken");
    }
    audit.shutdown(Duration::from_secs(60)).expect("ends");
}

fn run(args: &[&str], dir: &Path) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = binary().args(args).arg(dir).output().expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code().expect("a code"), text(stdout), text(stderr))
}

fn ship(collector: &Collector, state: &Path, dir: &Path) -> (i32, String) {
    let (url, state) = (collector.url(), state.display().to_string());
    let (code, _, told) = run(
        &["ship", "--endpoint", &url, "--state", &state, "--patience", "0"],
        dir,
    );
    (code, told)
}

fn seqs(collector: &Collector) -> Vec<i64> {
    collector.took().iter().map(Held::seq).collect()
}

#[test]
fn what_is_there_is_shipped_once_and_the_next_run_ships_what_came_since() {
    let place = tempfile::tempdir().expect("a directory");
    let (dir, state) = (place.path().join("audit"), place.path().join("state"));
    write(&dir, 3_000);
    let collector = Collector::good();
    assert_eq!(
        ship(&collector, &state, &dir),
        (0, "3,002 records shipped\n".into())
    );
    write(&dir, 10);
    assert_eq!(ship(&collector, &state, &dir), (0, "12 records shipped\n".into()));
    assert_eq!(ship(&collector, &state, &dir), (0, "0 records shipped\n".into()));
    assert_eq!(seqs(&collector), (0..3_014).collect::<Vec<_>>());
}

#[test]
fn a_trail_that_is_older_than_the_one_that_was_shipped_before_is_shipped_as_well() {
    let place = tempfile::tempdir().expect("a directory");
    let path = |name: &str| place.path().join(name).join("audit");
    let state = place.path().join("state");
    write(&path("older"), 1_500);
    write(&path("newer"), 10);
    let collector = Collector::good();
    assert_eq!(
        ship(&collector, &state, &path("newer")),
        (0, "12 records shipped\n".into())
    );
    let (code, told) = ship(&collector, &state, &path("older"));
    assert!(
        code == 0
            && told.contains("another one than was shipped before")
            && told.ends_with("1,502 records shipped\n"),
        "{code} {told}"
    );
    assert_eq!(
        ship(&collector, &state, &path("older")),
        (0, "0 records shipped\n".into())
    );
    assert_eq!(seqs(&collector), (0..12).chain(0..1_502).collect::<Vec<_>>());
}

#[test]
fn a_collector_that_takes_nothing_is_told_and_the_next_run_goes_on_from_there() {
    let place = tempfile::tempdir().expect("a directory");
    let (dir, state) = (place.path().join("audit"), place.path().join("state"));
    write(&dir, 20);
    let away = Collector::start(|_| (false, Reply::status(503)));
    let (code, told) = ship(&away, &state, &dir);
    assert!(
        code == 3 && told.contains("503") && told.contains("goes on from there"),
        "{told}"
    );
    let collector = Collector::good();
    assert_eq!(ship(&collector, &state, &dir).0, 0);
    assert_eq!(seqs(&collector), (0..22).collect::<Vec<_>>());
}

#[test]
fn a_record_that_the_collector_refuses_is_written_down_and_the_exit_code_says_so() {
    let place = tempfile::tempdir().expect("a directory");
    let (dir, state) = (place.path().join("audit"), place.path().join("state"));
    write(&dir, 20);
    let is_bad = |call: &Call| {
        call.records
            .iter()
            .any(|held| held.record.event_name == "bad.step")
    };
    let picky = Collector::start(move |call| {
        if is_bad(call) {
            (false, Reply::status(400))
        } else {
            (true, Reply::ok())
        }
    });
    let (code, told) = ship(&picky, &state, &dir);
    assert!(
        code == 2 && told.contains("refused 1 record") && told.contains("21 records shipped"),
        "{told}"
    );
    let refused = std::fs::read_to_string(place.path().join("state.refused")).expect("it is there");
    assert!(
        refused.starts_with("{\"seq\":8,\"stream\":\"main-") && refused.lines().count() == 1,
        "{refused}"
    );
    assert_eq!(seqs(&picky).len(), 21);
}

#[test]
fn records_that_were_removed_before_they_were_shipped_are_named() {
    let place = tempfile::tempdir().expect("a directory");
    let (dir, state) = (place.path().join("audit"), place.path().join("state"));
    write(&dir, 10);
    let collector = Collector::good();
    ship(&collector, &state, &dir);
    for _ in 0..2 {
        let audit = Audit::builder().directory(&dir).start().expect("starts");
        audit.rotate().expect("a new segment");
        audit.shutdown(Duration::from_secs(60)).expect("ends");
    }
    let stream = dir.join("main");
    let listed = tracing_audit::format::segments(&stream).expect("listed");
    for segment in listed.iter().take(listed.len() - 1) {
        std::fs::remove_file(&segment.path).expect("removed");
    }
    let (code, told) = ship(&collector, &state, &dir);
    assert!(code == 2 && told.contains("are no longer there"), "{code} {told}");
}

#[test]
fn records_that_are_missing_between_others_are_named_at_the_first_run_too() {
    let place = tempfile::tempdir().expect("a directory");
    let (dir, state) = (place.path().join("audit"), place.path().join("state"));
    write(&dir, 10);
    for _ in 0..2 {
        let audit = Audit::builder().directory(&dir).start().expect("starts");
        audit.rotate().expect("a new segment");
        audit.shutdown(Duration::from_secs(60)).expect("ends");
    }
    let listed = tracing_audit::format::segments(&dir.join("main")).expect("listed");
    assert!(listed.len() > 2, "{listed:?}");
    let between = listed.iter().rev().nth(1).expect("one between others");
    std::fs::remove_file(&between.path).expect("removed");
    let collector = Collector::good();
    let (code, told) = ship(&collector, &state, &dir);
    assert!(code == 2 && told.contains("no longer there"), "{code} {told}");
    let seqs = seqs(&collector);
    assert!(seqs.windows(2).any(|pair| pair[1] > pair[0] + 1), "{seqs:?}");
}

#[test]
fn a_collector_that_names_a_time_beyond_the_patience_is_not_waited_for() {
    let place = tempfile::tempdir().expect("a directory");
    let (dir, state) = (place.path().join("audit"), place.path().join("state"));
    write(&dir, 1);
    let busy = Collector::start(|_| {
        let after = vec![("retry-after", "3".to_owned())];
        (false, Reply::Answer(429, after, Vec::new()))
    });
    let (url, file) = (busy.url(), state.display().to_string());
    let (code, _, told) = run(
        &["ship", "--endpoint", &url, "--state", &file, "--patience", "2"],
        &dir,
    );
    assert!(code == 3 && told.contains("429"), "{told}");
    assert_eq!(
        busy.calls().len(),
        1,
        "it was asked again, later than it may be waited for"
    );
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_the_exit_code_says_so() {
    let place = tempfile::tempdir().expect("a directory");
    let (dir, state) = (place.path().join("audit"), place.path().join("state"));
    write(&dir, 20);
    let listed = tracing_audit::format::segments(&dir.join("main")).expect("listed");
    let path = &listed.first().expect("a segment").path;
    let text = std::fs::read_to_string(path).expect("text");
    let mut lines: Vec<&str> = text.lines().collect();
    lines[0] = "not a record";
    lines[9] = "not a record";
    lines[10] = "not a record";
    std::fs::write(path, format!("{}\n", lines.join("\n"))).expect("written");
    let collector = Collector::good();
    let (code, told) = ship(&collector, &state, &dir);
    assert_eq!(seqs(&collector).len(), 19);
    assert!(code == 2 && told.contains("19 records shipped"), "{code} {told}");
    for part in ["record 0 is", "records 9 to 10 are"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // What was named is not named again; what nothing follows yet is named as long as that is so.
    assert_eq!(ship(&collector, &state, &dir), (0, "0 records shipped\n".into()));
    trails::append(path, "not a record\n");
    let (code, told) = ship(&collector, &state, &dir);
    assert!(
        code == 2 && told.contains("behind its last record"),
        "{code} {told}"
    );
}

/// A trail that was shipped, removed and begun anew in its place.
struct Anew {
    collector: Collector,
    place: tempfile::TempDir,
    /// The first segment of the new one.
    first: tracing_audit::format::Segment,
}

impl Anew {
    fn begin() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let (dir, collector) = (place.path().join("audit"), Collector::good());
        write(&dir, 20);
        assert_eq!(ship(&collector, &place.path().join("state"), &dir).0, 0);
        std::fs::remove_dir_all(&dir).expect("removed");
        write(&dir, 10);
        let mut listed = tracing_audit::format::segments(&dir.join("main")).expect("listed");
        let first = listed.remove(0);
        Self {
            collector,
            place,
            first,
        }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.first.path).expect("text")
    }

    fn ship(&self) -> (i32, String) {
        let dir = self.place.path().join("audit");
        ship(&self.collector, &self.place.path().join("state"), &dir)
    }
}

#[test]
fn what_is_missing_of_a_trail_that_was_begun_anew_is_named_whatever_was_shipped_of_the_one_before() {
    let anew = Anew::begin();
    let text = anew.text();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[5] = "not a record";
    std::fs::write(&anew.first.path, format!("{}\n", lines.join("\n"))).expect("written");
    let (code, told) = anew.ship();
    assert!(code == 2 && told.contains("record 5 is"), "{code} {told}");
}

#[test]
fn what_retention_removed_of_a_trail_that_was_begun_anew_is_named() {
    let anew = Anew::begin();
    let (first, text) = (&anew.first, anew.text());
    let kept: Vec<&str> = text.split_inclusive('\n').skip(4).collect();
    let name = first
        .name
        .to_string()
        .replace(&format!("{:020}", 0), &format!("{:020}", 4));
    std::fs::write(first.path.with_file_name(name), kept.concat()).expect("written");
    std::fs::remove_file(&first.path).expect("removed");
    let (code, told) = anew.ship();
    assert!(
        code == 2 && told.contains("records 0 to 3 are no longer there"),
        "{code} {told}"
    );
}

#[test]
#[cfg(unix)]
fn what_only_has_a_segments_name_is_named_at_every_run_and_not_shipped() {
    let place = tempfile::tempdir().expect("a directory");
    let (dir, state) = (place.path().join("audit"), place.path().join("state"));
    let collector = Collector::good();
    write(&dir, 5);
    let listed = tracing_audit::format::segments(&dir.join("main")).expect("listed");
    let path = &listed.first().expect("a segment").path;
    let stray = path.with_file_name(format!("audit-2099-01-01-{:020}.jsonl", 500));
    std::os::unix::fs::symlink(path, stray).expect("a link");
    let before = seqs(&collector).len();
    for _ in 0..2 {
        let (code, told) = ship(&collector, &state, &dir);
        assert!(
            code == 2 && told.contains("is no regular file: it is never read, nor shipped"),
            "{code} {told}"
        );
    }
    // The trail's own two, and no line twice.
    assert_eq!(seqs(&collector).len() - before, 7);
}

#[test]
fn a_wrong_setting_and_a_state_that_is_none_are_told_and_ship_nothing() {
    let place = tempfile::tempdir().expect("a directory");
    let (dir, state) = (place.path().join("audit"), place.path().join("state"));
    write(&dir, 1);
    let state_of = state.display().to_string();
    let (code, _, told) = run(
        &["ship", "--endpoint", "collector:4318", "--state", &state_of],
        &dir,
    );
    assert!(code == 4 && told.contains("http://host:4318"), "{told}");
    std::fs::write(&state, "{}").expect("written");
    let (code, told) = ship(&Collector::good(), &state, &dir);
    assert!(code == 3 && told.contains("move it away"), "{told}");
}

#[test]
fn the_doctor_says_whether_the_collector_takes_requests() {
    let place = tempfile::tempdir().expect("a directory");
    write(place.path(), 1);
    let doctor = |collector: &Collector| {
        let (code, said, _) = run(&["doctor", &format!("--otlp={}", collector.url())], place.path());
        (code, said)
    };
    let (code, said) = doctor(&Collector::good());
    // The one thing is that nothing is signed.
    assert!(
        code == 2 && said.contains("takes requests") && said.contains("1 thing"),
        "{said}"
    );
    let collector = Collector::good();
    let (_, data, _) = run(
        &["doctor", "--json", &format!("--otlp={}", collector.url())],
        place.path(),
    );
    let data = data
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<Value>, _>>();
    let data = data.expect("each line is JSON");
    let last = data.last().expect("a line");
    assert!(last["stream"].is_null() && last["ok"] == true, "{last}");
    assert!(
        data[0]["stream"]
            .as_str()
            .is_some_and(|stream| stream.ends_with("main"))
    );
    let (code, said) = doctor(&Collector::start(|_| (false, Reply::status(401))));
    assert!(
        code == 2 && said.contains("401") && said.contains("credentials"),
        "{said}"
    );
}
