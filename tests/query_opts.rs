//! Questions that are values, not text: every field of the seeds' narrows alone and with others, and an empty one does not.

#[path = "support/trail.rs"]
mod trail;

use tracing_audit::Query;
use tracing_audit::query::{AuditQuery, LevelTest, ListOpts};
use tracing_audit::record::{Level, Record, Slot};
use trail::{Trail, detail};

const SECOND: u64 = 1_000_000_000;

/// Events at 0, 1, 2 … seconds after 1970.
fn hosted() -> Trail {
    let trail = Trail::new();
    let events = [
        (
            "tool_call.execute",
            "success",
            "main",
            Some("chat"),
            "ran grep over the notes",
        ),
        ("llm.round", "failure", "helper", Some("chat"), "asked the model"),
        (
            "approval.deny",
            "denied",
            "main#dryrun",
            Some("dryrun"),
            "100%_sure it said no",
        ),
        (
            "safety.panic",
            "success",
            "main",
            None,
            "stopped 100 things surely",
        ),
        ("llm.round", "success", "main", Some("eval"), "a * in it"),
    ];
    for (at, (event, outcome, agent, source, summary)) in events.into_iter().enumerate() {
        let record = Record::builder(event)
            .outcome(outcome)
            .set(Slot::AgentName, agent)
            .summary(summary)
            .time(SECOND * at as u64);
        trail.submit(match source {
            Some(source) => record.set(Slot::Source, source).build(),
            None => record.build(),
        });
    }
    trail
}

/// The seconds of the events that are found.
fn seconds(trail: &Trail, query: Query) -> Vec<u64> {
    let found = trail.asked(query);
    found
        .iter()
        .map(|record| record.uint(Slot::Time).unwrap() / SECOND)
        .collect()
}

/// T001-03, T001-16, T001-17, T001-18, T001-19, T001-20, T001-21, T001-22, T001-26, T001-27, T001-28.
#[test]
fn every_field_of_a_list_narrows_alone_and_with_others_and_an_empty_one_does_not() {
    let trail = hosted();
    let of = |opts: ListOpts| seconds(&trail, Query::from(&opts));
    let opts = ListOpts::new;
    assert_eq!(of(opts()), [0, 1, 2, 3, 4], "empty sets match everything");
    assert_eq!(of(opts().category("").source(" ").search("")), [0, 1, 2, 3, 4]);
    assert_eq!(of(opts().category("llm")), [1, 4]);
    assert_eq!(of(opts().category("llm").category("safety")), [1, 3, 4]);
    assert_eq!(of(opts().agent("main")), [0, 3, 4], "and not its dry runs");
    assert_eq!(of(opts().status("ok")), [0, 3, 4]);
    assert_eq!(of(opts().status("error").status("denied")), [1, 2]);
    assert_eq!(of(opts().source("chat")), [0, 1]);
    assert_eq!(of(opts().exclude_source("dryrun")), [0, 1, 3, 4]);
    assert_eq!(
        of(opts().exclude_source("dryrun").exclude_source("eval")),
        [0, 1, 3]
    );
    assert_eq!(of(opts().search("OVER the")), [0]);
    assert_eq!(of(opts().since(2 * SECOND)), [2, 3, 4]);
    assert_eq!(of(opts().until(2 * SECOND)), [0, 1], "its end is outside");
    assert_eq!(of(opts().category("llm").status("success").since(SECOND)), [4]);
}

/// T001-23.
#[test]
fn pages_of_a_list_are_disjoint_and_its_total_stays_whatever_the_page() {
    let trail = hosted();
    let page = |opts: &ListOpts| trail.page(&Query::from(opts), &opts.list());
    let opts = || ListOpts::new().source("chat").source("eval").source("dryrun");
    let newest = |page: &tracing_audit::store::Page| -> Vec<u64> {
        let times = page.records.iter().map(|stored| stored.record.uint(Slot::Time));
        times.map(|time| time.unwrap() / SECOND).collect()
    };
    let first = page(&opts().limit(3));
    assert_eq!((newest(&first), first.total), (vec![4, 2, 1], Some(4)));
    let second = page(&opts().limit(3).offset(3));
    assert_eq!(
        (newest(&second), second.total, second.offset),
        (vec![0], Some(4), 3)
    );
    assert_eq!(
        page(&opts()).limit,
        50,
        "the default, and what was in effect is told"
    );
    let above = opts().limit(tracing_audit::store::MAX_LIMIT + 1);
    trail.audit.flush(trail::LONG).unwrap();
    let store = tracing_audit::store::DirStore::open(trail.path()).unwrap();
    let error = tracing_audit::store::Store::list(&store, &Query::from(&above), &above.list()).unwrap_err();
    assert_eq!(
        error.kind(),
        tracing_audit::ErrorKind::Query,
        "an error, and not another limit"
    );
}

/// T001-21. What stands for any text elsewhere stands for itself here.
#[test]
fn signs_that_stand_for_any_text_elsewhere_are_characters_in_a_list() {
    let trail = hosted();
    let of = |opts: ListOpts| seconds(&trail, Query::from(&opts));
    assert_eq!(of(ListOpts::new().search("100%_sure")), [2]);
    assert_eq!(of(ListOpts::new().search("100%sure")), [0_u64; 0]);
    assert_eq!(of(ListOpts::new().search("*")), [4]);
    assert_eq!(of(ListOpts::new().agent("main*")), [0_u64; 0]);
    assert_eq!(of(ListOpts::new().category("l_m")), [0_u64; 0]);
}

/// T000-06.
#[test]
fn every_field_of_an_agents_question_narrows_alone_and_zero_is_the_epoch() {
    let trail = Trail::new();
    for (at, (event, session, tool, level)) in [
        ("tool.start", "s-1", "grep", Level::Info),
        ("tool.error", "s-1", "curl", Level::Error),
        ("tool.start", "s-2", "grep", Level::Debug),
        ("cron.trigger", "s-2", "curl", Level::Warn),
    ]
    .into_iter()
    .enumerate()
    {
        let record = Record::builder(event)
            .session_id(session)
            .level(&level)
            .time(SECOND * at as u64)
            .detail(detail("tool", [("name", tool.into())]));
        trail.submit(record.build());
    }
    let of = |asked: AuditQuery| seconds(&trail, Query::try_from(&asked).unwrap());
    let asked = AuditQuery::new;
    assert_eq!(of(asked()), [0, 1, 2, 3]);
    assert_eq!(of(asked().start(0)), [0, 1, 2, 3], "0 is a time, and no absence");
    assert_eq!(of(asked().end(0)), [0_u64; 0], "until the epoch there is nothing");
    assert_eq!(of(asked().start(SECOND).end(3 * SECOND)), [1, 2]);
    assert_eq!(
        of(asked().event_type("tool.error").event_type("cron.trigger")),
        [1, 3]
    );
    assert_eq!(of(asked().session("s-2")), [2, 3]);
    assert_eq!(of(asked().tool("grep")), [0, 2]);
    assert_eq!(of(asked().level(LevelTest::Exactly(Level::Warn))), [3]);
    assert_eq!(of(asked().level(LevelTest::AtLeast(Level::Warn))), [1, 3]);
    assert_eq!(
        of(asked()
            .tool("grep")
            .session("s-1")
            .level(LevelTest::AtLeast(Level::Info))),
        [0]
    );
}
