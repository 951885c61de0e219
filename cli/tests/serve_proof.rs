//! `serve` over a trail that the library sealed: what is told of one record, what is proven of it, and of all of them.
#![cfg(feature = "serve")]

#[path = "support/client.rs"]
mod client;
#[path = "support/trails.rs"]
mod trails;

use std::fs;

use client::{Server, hrefs};
use tracing_audit::Audit;
use tracing_audit::format::SigningKey;
use tracing_audit::record::{CallNode, CallStack, Record, Slot};
use trails::{run, stdout};

/// A trail that the library wrote, signed and ended: 61 records with what it adds of its own. And the key that tells.
fn sealed() -> (tempfile::TempDir, String) {
    let root = tempfile::tempdir().expect("a directory");
    let key = SigningKey::generate("example.com/docs").expect("a key");
    let told = key.verifier().to_string();
    let audit = Audit::builder()
        .directory(root.path())
        .service("docs")
        .signing_key(key);
    let audit = audit.start().expect("starts");
    for number in 0..58_u64 {
        let search = CallNode::new("2", "tool", "search").duration_ns(1_500_000);
        let mut record = Record::builder("document.update")
            .actor("user", format!("u-{}", number % 5))
            .resource("document", format!("d \"{number}\""))
            .outcome(if number % 9 == 0 { "denied" } else { "success" })
            .set(Slot::ActorIp, "192.0.2.17")
            .set(Slot::DurationNs, 1_000 * number)
            .set(Slot::RequestId, format!("req-{number}"))
            .call_stack(CallStack::of([CallNode::new("1", "llm", "claude").child(search)]))
            .attribute("password", ["hunter", "2"].concat())
            .attribute("port", number)
            .attribute("is fine", number % 2 == 0)
            .label("team", "core (docs)");
        if number % 2 == 0 {
            record = record
                .set(Slot::ChangedFields, vec!["body", "title"])
                .set(Slot::Reason, "a * is no star");
        }
        audit.emit(record.build()).expect("kept");
    }
    audit.shutdown(client::DEADLINE).expect("ends");
    (root, told)
}

#[test]
fn every_link_of_a_value_finds_the_record_that_it_stands_in_and_its_opposite_does_not() {
    let (root, _) = sealed();
    let server = Server::start(root.path(), &[]);
    let list = server.get("/?n=40");
    let opens: Vec<String> = hrefs(list.text(), "class=\"day\"");
    assert_eq!(opens.len(), 40);
    for open in opens.iter().step_by(13) {
        let record = server.get(open);
        let place = open
            .split("open=")
            .nth(1)
            .and_then(|rest| rest.split('&').next())
            .expect("a place");
        let only = hrefs(record.text(), "title=\"Only records with this value\"");
        let without = hrefs(record.text(), "title=\"Only records without it\"");
        assert!(only.len() > 8 && only.len() == without.len(), "{open}");
        for (href, finds) in only
            .iter()
            .map(|href| (href, true))
            .chain(without.iter().map(|href| (href, false)))
        {
            let found = server.get(&format!("{}&n=500", href.replace("n=40", "all=1")));
            assert_eq!(found.status, 200, "{href}");
            let has = found.text().contains(&format!("data-open=\"{place}\""));
            assert_eq!(has, finds, "{href}");
        }
    }
}

#[test]
fn one_record_tells_its_sentence_its_steps_its_redactions_and_what_is_proven_of_it() {
    let (root, key) = sealed();
    let (server, knowing) = (
        Server::start(root.path(), &[]),
        Server::start(root.path(), &["--key", &key]),
    );
    let list = server.get("/?q=event%3Ddocument.update+outcome%3Dsuccess");
    let opens = hrefs(list.text(), "class=\"day\"");
    let page = server.get(opens.get(1).expect("a record"));
    let text = page.text();
    for told in [
        "updated document d",
        "Sealed, inclusion proven.",
        "by a key that was not given",
        "Changed fields",
        "Call stack",
        "claude",
        "search",
        "1.5ms",
        "truncate-ip",
        "rule name.network",
        "Belongs together",
        "/line?open=",
    ] {
        assert!(text.contains(told), "{told} in {text}");
    }
    assert!(!text.contains(&["hunter", "2"].concat()) && text.contains("password"));
    assert!(
        knowing
            .get(&opens[1])
            .text()
            .contains("It is signed by a key that was given.")
    );
    let part = server.get(&format!("{}&part=1", opens[1]));
    assert!(
        part.text().starts_with("<header class=\"record\">"),
        "{}",
        part.text()
    );
    let line = server.get(&hrefs(text, "Save")[0]);
    assert!(
        line.header("content-disposition")
            .is_some_and(|value| value.starts_with("attachment"))
    );
    let shown = stdout(&run(&["show", "--json", "-n", "0"], root.path()));
    assert!(shown.lines().any(|known| known.as_bytes() == line.body));
    assert_eq!(server.get("/record?open=5-5-main").status, 404);
}

#[test]
fn a_line_that_was_changed_behind_the_seal_is_contradicted_where_it_is_looked_at() {
    let (root, _) = sealed();
    let stream = root.path().join("main");
    let path = fs::read_dir(&stream)
        .expect("listed")
        .flatten()
        .map(|entry| entry.path());
    let path = path
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .expect("a segment");
    let text = fs::read_to_string(&path).expect("text");
    let changed = text.replacen("\"outcome\":\"denied\"", "\"outcome\":\"failed\"", 1);
    assert_ne!(text, changed);
    fs::write(&path, changed).expect("written");
    let server = Server::start(root.path(), &[]);
    let list = server.get("/?q=outcome%3Dfailed");
    let page = server.get(&hrefs(list.text(), "class=\"day\"")[0]);
    assert!(page.text().contains("Contradicted."), "{}", page.text());
    let overview = server.get("/overview?run=verify");
    assert!(
        overview.text().contains("Tampered with or corrupt"),
        "{}",
        overview.text()
    );
}

#[test]
fn the_overview_counts_verifies_and_says_what_it_cannot_know() {
    let (root, key) = sealed();
    let server = Server::start(root.path(), &["--key", &key]);
    let page = server.get("/overview?run=verify");
    let text = page.text();
    for told in [
        "61</span><span>records in the trail",
        "By outcome",
        "By category",
        "in the last hour",
        "Verified</p>",
        "Completeness",
        "Complete</p>",
        "signed by a given key",
        "Not known here",
        "audit.stats()",
    ] {
        assert!(text.contains(told), "{told} in {text}");
    }
    let page = server.get("/overview?q=outcome%3Ddenied");
    assert!(
        !page.text().contains("badge success"),
        "only what the filter finds"
    );
}
