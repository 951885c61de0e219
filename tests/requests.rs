//! Jobs that another process asks of the writer: a file in `requests/`, carried out by whoever holds the stream.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tracing_audit::config::Stream;
use tracing_audit::record::{Record, Value};
use tracing_audit::redact::{Action, Policy};
use tracing_audit::store::{DirStore, List, Store as _};
use tracing_audit::{Audit, Done, ErrorKind, Query, Request};

const LONG: Duration = Duration::from_secs(60);

fn trail(dir: &Path) -> Audit {
    Audit::builder()
        .directory(dir)
        .policy(Policy::balanced().field("email", Action::Erasable("actor.id")))
        .keep_segments(1)
        .start()
        .unwrap()
}

fn emit(audit: &Audit, actor: &str) {
    let record = Record::builder("mail")
        .actor("user", actor)
        .attribute("email", "ana@example.com");
    audit.emit(record.build()).unwrap();
}

fn left(stream: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(stream.join("requests")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn events(dir: &Path, event: &str) -> usize {
    let query = Query::parse(&format!("event={event}")).unwrap();
    let list = List::default().limit(0);
    DirStore::open(dir)
        .unwrap()
        .list(&query, &list)
        .unwrap()
        .records
        .len()
}

#[test]
fn a_running_writer_erases_what_another_process_asks_for_and_leaves_no_trace_of_whom() {
    let place = tempfile::tempdir().unwrap();
    let audit = trail(place.path());
    emit(&audit, "u-17");
    emit(&audit, "u-18");
    let stream = audit.path().unwrap();
    let Done::Erased(erased) = Request::Erase("u-17".to_owned()).ask(stream, LONG).unwrap() else {
        panic!("it was asked to erase");
    };
    assert_eq!((erased.records, erased.values), (1, 1));
    assert_eq!(left(stream), Vec::<PathBuf>::new());
    assert_eq!(events(place.path(), "audit.erase"), 1);
    assert_eq!(audit.erase("u-18").unwrap().values, 1);
}

#[test]
fn a_running_writer_prunes_by_its_own_limits() {
    let place = tempfile::tempdir().unwrap();
    let audit = trail(place.path());
    let stream = audit.path().unwrap();
    emit(&audit, "u-17");
    let oldest = fs::read_dir(stream)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .unwrap();
    let copy = fs::read(&oldest).unwrap();
    audit.rotate().unwrap();
    // Somebody put back what was removed when the next segment began.
    assert!(!oldest.exists());
    fs::write(&oldest, copy).unwrap();
    let Done::Pruned(cleaned) = Request::Prune.ask(stream, LONG).unwrap() else {
        panic!("it was asked to prune");
    };
    assert_eq!((cleaned.removed.len(), cleaned.kept), (1, 1));
    assert!(!oldest.exists());
}

#[test]
fn a_request_to_prune_a_stream_beside_the_main_one_is_carried_out_there_and_nowhere_else() {
    let place = tempfile::tempdir().unwrap();
    let side = Stream::named("side").keep_segments(1);
    let builder = Audit::builder().directory(place.path()).stream_beside(side);
    let audit = builder.stream_of_event("side.*", "side").start().unwrap();
    let listed = |stream: &str| {
        let listed = tracing_audit::format::segments(&place.path().join(stream)).unwrap();
        listed.into_iter().map(|segment| segment.path).collect::<Vec<_>>()
    };
    for event in ["side.step", "main.step"] {
        audit
            .emit(Record::builder(event).actor("user", "u").build())
            .unwrap();
    }
    let oldest = listed("side").remove(0);
    let copy = fs::read(&oldest).unwrap();
    audit.rotate().unwrap();
    // Somebody put back what was removed when the next segment began.
    assert!(!oldest.exists());
    fs::write(&oldest, copy).unwrap();
    let main = listed("main");
    let Done::Pruned(cleaned) = Request::Prune.ask(&place.path().join("side"), LONG).unwrap() else {
        panic!("it was asked to prune");
    };
    assert_eq!((cleaned.removed.len(), cleaned.kept), (1, 1));
    assert!(!oldest.exists());
    assert_eq!(listed("main"), main, "the other stream is as it was");
    assert_eq!(left(&place.path().join("side")), Vec::<PathBuf>::new());
    audit.shutdown(LONG).unwrap();
    let query = Query::parse("event=audit.retention").unwrap();
    for (stream, states) in [("side", true), ("main", false)] {
        let store = DirStore::open(place.path().join(stream)).unwrap();
        let found = store.list(&query, &List::default().limit(0)).unwrap();
        assert_eq!(!found.records.is_empty(), states, "{stream}");
    }
}

#[test]
fn values_of_records_that_retention_removed_go_with_them() {
    let place = tempfile::tempdir().unwrap();
    let audit = trail(place.path());
    let stream = audit.path().unwrap().to_owned();
    emit(&audit, "u-17");
    assert_eq!(tracing_audit::store::erasable(&stream, "u-17").unwrap().values, 1);
    audit.rotate().unwrap();
    assert_eq!(tracing_audit::store::erasable(&stream, "u-17").unwrap().values, 0);
    emit(&audit, "u-17");
    assert_eq!(tracing_audit::store::erasable(&stream, "u-17").unwrap().values, 1);
}

#[test]
fn a_request_of_an_unknown_form_is_answered_with_an_error() {
    let place = tempfile::tempdir().unwrap();
    let audit = trail(place.path());
    let requests = audit.path().unwrap().join("requests");
    fs::create_dir_all(&requests).unwrap();
    let name = "0192f0c1-2b5e-7c3a-8f00-aaaabbbbcccc";
    fs::write(requests.join("not-a-uuid.json"), "{}").unwrap();
    fs::write(
        requests.join(format!("{name}.json")),
        r#"{"job":"burn","schema":1}"#,
    )
    .unwrap();
    let answer = requests.join(format!("{name}.done"));
    let deadline = Instant::now() + LONG;
    while !answer.exists() {
        assert!(Instant::now() < deadline, "no answer");
        std::thread::yield_now();
    }
    let answer: serde_json::Value = serde_json::from_slice(&fs::read(answer).unwrap()).unwrap();
    assert!(
        answer["error"].as_str().unwrap().contains("known form"),
        "{answer}"
    );
    assert!(
        requests.join("not-a-uuid.json").exists(),
        "a file of another name is left alone"
    );
}

#[test]
fn a_request_that_nobody_answers_is_taken_back() {
    let place = tempfile::tempdir().unwrap();
    let error = Request::Erase("u-17".to_owned())
        .ask(place.path(), Duration::ZERO)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(!error.to_string().contains("u-17"));
    assert_eq!(left(place.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_request_that_waited_for_a_writer_is_carried_out_by_the_next_one() {
    let place = tempfile::tempdir().unwrap();
    let audit = trail(place.path());
    emit(&audit, "u-17");
    let stream = audit.path().unwrap().to_owned();
    audit.shutdown(LONG).unwrap();
    let asking = {
        let stream = stream.clone();
        std::thread::spawn(move || Request::Erase("u-17".to_owned()).ask(&stream, LONG))
    };
    let audit = trail(place.path());
    let done = asking.join().unwrap().unwrap();
    assert!(matches!(done, Done::Erased(erased) if erased.values == 1));
    let told = Query::parse("event=audit.erase").unwrap();
    let page = DirStore::open(place.path())
        .unwrap()
        .list(&told, &List::default())
        .unwrap();
    assert_eq!(page.records[0].record.attribute("values"), Some(&Value::from(1)));
    drop(audit);
}

/// Leaves requests as another process does.
fn leave(requests: &Path, name: &str, text: &str) -> PathBuf {
    fs::create_dir_all(requests).unwrap();
    let path = requests.join(format!("{name}.json"));
    fs::write(requests.join(name), text).unwrap();
    fs::rename(requests.join(name), &path).unwrap();
    path
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

const NAME: &str = "0192f0c1-2b5e-7c3a-8f00-aaaabbbbcccc";
const ERASE: &str = r#"{"job":"erase","schema":1,"subject":"u-17"}"#;

#[test]
fn what_a_writer_left_that_was_killed_while_it_answered_is_in_nobodys_way() {
    let place = tempfile::tempdir().unwrap();
    let audit = trail(place.path());
    let requests = audit.path().unwrap().join("requests");
    fs::create_dir_all(&requests).unwrap();
    fs::write(requests.join(format!(".{NAME}.done")), "{").unwrap();
    let request = leave(&requests, NAME, ERASE);
    wait_for("no answer", || !request.exists());
    assert!(requests.join(format!("{NAME}.done")).exists());
    assert_eq!(events(place.path(), "audit.erase"), 1);
}

#[test]
fn a_request_whose_answer_cannot_be_written_is_carried_out_once_and_answered_later() {
    let place = tempfile::tempdir().unwrap();
    let (says, said) = std::sync::mpsc::channel();
    let audit = Audit::builder()
        .directory(place.path())
        .diagnostics(move |sentence| drop(says.send(sentence.to_owned())))
        .start()
        .unwrap();
    let requests = audit.path().unwrap().join("requests");
    let obstacle = requests.join(format!(".{NAME}.done"));
    fs::create_dir_all(&obstacle).unwrap();
    let request = leave(&requests, NAME, ERASE);
    // A file system that is nearly full is told of as well.
    while !said.recv_timeout(LONG).unwrap().contains("could not be answered") {}
    // The writer looks again; it has another request to show for it.
    let other = leave(
        &requests,
        "f192f0c1-2b5e-7c3a-8f00-aaaabbbbcccc",
        r#"{"job":"prune","schema":1}"#,
    );
    wait_for("no second look", || !other.exists());
    assert!(request.exists());
    fs::remove_dir(&obstacle).unwrap();
    wait_for("no answer", || !request.exists());
    assert_eq!(events(place.path(), "audit.erase"), 1);
}

#[test]
fn a_request_that_was_taken_back_is_not_carried_out() {
    let place = tempfile::tempdir().unwrap();
    let (says, said) = std::sync::mpsc::channel();
    let (goes_on, waits) = std::sync::mpsc::channel::<()>();
    let waits = std::sync::Mutex::new(waits);
    let audit = Audit::builder()
        .directory(place.path())
        .diagnostics(move |sentence| {
            // A file system that is nearly full is told of as well.
            if !sentence.contains("could not be answered") {
                return;
            }
            // The writer is held up between finding the requests and carrying them out.
            let _ = says.send(sentence.to_owned());
            let _ = waits.lock().unwrap().recv_timeout(LONG);
        })
        .start()
        .unwrap();
    let requests = audit.path().unwrap().join("requests");
    let unknown = "f192f0c1-2b5e-7c3a-8f00-aaaabbbbcccc";
    fs::create_dir_all(requests.join(format!(".{unknown}.done"))).unwrap();
    let request = leave(&requests, NAME, ERASE);
    leave(&requests, unknown, "{}");
    said.recv_timeout(LONG).unwrap();
    // A look between the two has carried it out already.
    let was_done_before = !request.exists();
    let _ = fs::remove_file(&request);
    drop(goes_on);
    audit.flush(LONG).unwrap();
    assert_eq!(events(place.path(), "audit.erase"), usize::from(was_done_before));
}
