//! Acceptance cases of seed 001, denkeeper, beside those that other tests serve: docs/seeds.md lists all.

#[path = "support/trail.rs"]
mod trail;

use tracing_audit::clock::ManualClock;
use tracing_audit::query::parse_time;
use tracing_audit::record::{Level, Record, Slot, Value};
use tracing_audit::store::{Direction, List};
use tracing_audit::{ErrorKind, Query};
use trail::{Trail, detail};

/// What most cases of the seed's store begin with.
fn stored() -> Trail {
    let trail = Trail::new();
    let events = [
        (
            "tool_call.execute",
            "success",
            "main",
            "chat",
            "ran grep over the notes",
        ),
        ("tool_call.execute", "failure", "main", "chat", "ran curl"),
        ("llm.round", "success", "helper", "schedule", "asked the model"),
        (
            "approval.request",
            "pending",
            "main",
            "chat",
            "waits for a person",
        ),
        (
            "approval.deny",
            "denied",
            "main#dryrun",
            "dryrun",
            "100%_sure it said no",
        ),
        (
            "safety.panic",
            "success",
            "helper#eval:b",
            "eval",
            "stopped everything",
        ),
    ];
    for (at, (event, outcome, agent, source, summary)) in events.into_iter().enumerate() {
        trail.submit(
            Record::builder(event)
                .outcome(outcome)
                .set(Slot::AgentName, agent)
                .set(Slot::Source, source)
                .summary(summary)
                .time(1_000_000_000 * at as u64)
                .level(&Level::Info)
                .build(),
        );
    }
    trail
}

/// T001-16, T001-17, T001-18, T001-19.
#[test]
fn events_are_found_by_category_by_status_and_by_several_of_each_without_leakage() {
    let trail = stored();
    assert_eq!(trail.ask("category=tool_call").len(), 2);
    assert_eq!(trail.events("outcome=pending"), ["approval.request"]);
    assert_eq!(
        trail.events("category in (approval, safety)"),
        ["approval.request", "approval.deny", "safety.panic"]
    );
    assert_eq!(
        trail.events("outcome=denied outcome=failure"),
        ["tool_call.execute", "approval.deny"]
    );
    assert_eq!(
        trail.events("category=approval outcome in (denied, success)"),
        ["approval.deny"],
        "both must hold"
    );
    assert_eq!(
        trail.events("category in (approval)"),
        trail.events("category=approval")
    );
}

/// T001-01, T001-02 and T001-04.
#[test]
fn a_list_in_a_question_is_either_of_its_values_whatever_the_blanks() {
    let trail = stored();
    let both = ["tool_call.execute", "tool_call.execute", "safety.panic"];
    for question in [
        "category in (tool_call,safety)",
        "category in ( safety ,  tool_call )",
        "category in (tool_call, safety, tool_call)",
        "category=safety category=tool_call category=safety",
    ] {
        assert_eq!(trail.events(question), both, "{question}");
    }
    assert!(
        Query::parse("category in ()").is_err(),
        "an empty list is no way to say everything"
    );
}

/// T001-07. Nobody said how it ended, so the trail does not say that it went well; the profile of the seed does.
#[test]
fn a_record_without_status_or_time_is_stated_as_unknown_and_now() {
    let trail = Trail::with(|audit| audit.clock(ManualClock::new(1_795_262_400_000_000_000)));
    trail.run(|| {
        tracing::info_span!(target: "audit", "tool_call.execute").in_scope(|| ());
    });
    let [found] = trail.ask("category=tool_call").try_into().unwrap();
    assert_eq!(found.text(Slot::Outcome), Some("unknown"));
    assert_eq!(found.uint(Slot::Time), Some(1_795_262_400_000_000_000));
}

/// T001-21. What stands for any text in SQL stands for itself here.
#[test]
fn a_text_finds_the_summaries_that_contain_it_and_nothing_is_a_wildcard_by_accident() {
    let trail = stored();
    assert_eq!(trail.events("summary~\"over the NOTES\""), ["tool_call.execute"]);
    assert_eq!(trail.events("summary~\"%_sure\""), ["approval.deny"]);
    assert_eq!(trail.events("summary~\"ran%\""), [""; 0]);
}

/// T001-22. A fraction of a second on either side of the edge is on its own side.
#[test]
fn a_range_leaves_out_what_is_older_to_the_nanosecond() {
    let trail = Trail::new();
    let edge = parse_time("2026-11-21T00:00:00Z", 0).unwrap();
    for (event, time) in [
        ("a.before", edge - 1),
        ("a.at", edge),
        ("a.within", edge + 500_000_000),
    ] {
        trail.submit(Record::builder(event).time(time).build());
    }
    let events = |query: Query| -> Vec<String> {
        let found = trail.asked(query);
        found.iter().map(|record| record.event().to_owned()).collect()
    };
    assert_eq!(events(Query::all().since(edge)), ["a.at", "a.within"]);
    assert_eq!(events(Query::all().until(edge)), ["a.before"]);
    let zoned = parse_time("2026-11-21T01:00:00+01:00", 0).unwrap();
    assert_eq!(zoned, edge, "an offset is another name for the same instant");
}

/// T001-23, for pages by cursor; equal times neither repeat nor vanish.
#[test]
fn pages_are_disjoint_and_whole_also_where_all_times_are_equal() {
    let trail = Trail::new();
    for at in 0..10_u64 {
        trail.submit(
            Record::builder("tool_call.execute")
                .time(7)
                .attribute("at", at)
                .build(),
        );
    }
    let query = Query::parse("category=tool_call").unwrap();
    let (mut seen, mut after, mut sizes) = (Vec::new(), None, Vec::new());
    loop {
        let list = List::default()
            .direction(Direction::NewestFirst)
            .limit(3)
            .after(after);
        let page = trail.page(&query, &list);
        sizes.push(page.records.len());
        let numbers = page
            .records
            .iter()
            .map(|stored| stored.record.attribute("at").unwrap().as_u64().unwrap());
        seen.extend(numbers);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [3, 3, 3, 1]);
    assert_eq!(seen, (0..10).rev().collect::<Vec<_>>());
}

/// T001-26, T001-27, T001-28.
#[test]
fn sources_are_left_out_one_or_several_and_an_agent_is_not_its_dry_runs() {
    let trail = stored();
    assert_eq!(trail.ask("source!=dryrun").len(), 5);
    assert_eq!(trail.ask("not source in (dryrun, eval)").len(), 4);
    assert_eq!(trail.ask("agent.name=main").len(), 3);
    assert_eq!(trail.events("agent.name=\"main#dryrun\""), ["approval.deny"]);
    assert_eq!(
        trail.ask("agent.name=\"main*\"").len(),
        4,
        "who wants both says so"
    );
}

/// T001-33.
#[test]
fn a_time_that_is_none_is_an_error_and_no_question_without_a_bound() {
    for text in ["yesterday-ish", "2026-13-01", "", "12"] {
        let error = parse_time(text, 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Query, "{text:?}");
    }
    assert!(Query::parse("time>=whenever").is_err());
}

/// T001-13, T001-14 and T001-15, for the direct door.
#[test]
fn three_records_in_a_row_are_three_lines_and_none_is_none() {
    let trail = Trail::new();
    assert_eq!(trail.ask("").len(), 0);
    for event in ["a.one", "a.two", "a.three"] {
        trail.audit.emit(Record::builder(event).build()).unwrap();
    }
    assert_eq!(trail.events(""), ["a.one", "a.two", "a.three"]);
}

/// T001-36, T001-37, T001-38: what the seed packs into a text of JSON stays structured.
#[test]
fn details_of_tools_and_models_come_back_by_their_parts() {
    let trail = Trail::new();
    let arguments = trail::map([("pattern", "\"quoted\"".into()), ("depth", 3.into())]);
    trail.submit(
        Record::builder("tool_call.execute")
            .detail(detail(
                "tool",
                [
                    ("name", "grep".into()),
                    ("server", "local".into()),
                    ("args", arguments.clone().into()),
                    ("result", "three lines".into()),
                    ("result_truncated", true.into()),
                ],
            ))
            .build(),
    );
    for round in 1..=3_u64 {
        let text = format!("answer {round}");
        let llm = [("round", round.into()), ("response_text", text.into())];
        trail.submit(Record::builder("llm.round").detail(detail("llm", llm)).build());
    }
    let [tool] = trail.ask("detail.tool.server=local").try_into().unwrap();
    let part = |record: &Record, variant: &str, name: &str| -> Option<Value> {
        record
            .map(Slot::Detail)?
            .get(variant)?
            .as_map()?
            .get(name)
            .cloned()
    };
    assert_eq!(part(&tool, "tool", "args"), Some(arguments.into()));
    assert_eq!(part(&tool, "tool", "result"), Some("three lines".into()));
    assert_eq!(part(&tool, "tool", "result_truncated"), Some(true.into()));
    let rounds = trail.ask("event=llm.round");
    let texts: Vec<_> = rounds
        .iter()
        .map(|record| part(record, "llm", "response_text").unwrap())
        .collect();
    assert_eq!(texts, ["answer 1", "answer 2", "answer 3"].map(Value::from));
    assert_eq!(trail.ask("detail.llm.round=2").len(), 1);
}
