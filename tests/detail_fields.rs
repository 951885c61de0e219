//! Fields named `detail.a.b`: places inside `detail`, like any other field to redaction, to the cut and to readers.

use serde_json::json;
use tracing::{info, info_span};
use tracing_audit::format::read_line;
use tracing_audit::record::Value;
use tracing_audit::redact::{Action, FieldRule, Policy};
use tracing_audit::testing::{CapturedRecord, Recording};

fn json_of(record: &CapturedRecord) -> serde_json::Value {
    serde_json::from_str(record.line()).unwrap()
}

#[test]
fn dotted_names_become_objects_inside_each_other_and_every_line_of_a_callsite_is_canonical() {
    let recording = Recording::new();
    recording.run(|| {
        for n in 0..3_u64 {
            info!(
                target: "audit", event = "tool.call", detail.tool.round = n, detail.tool.name = "search",
                detail.tool_x.a = "behind `tool.` in the order of bytes, before it by segments", audit.detail.cached = false,
                detail.tool.share = 0.5, detail.tool.offset = -1_i64, detail.a.b.c.d = "deep", plain = "beside",
            );
        }
    });
    let captured = recording.captured();
    for (n, record) in captured.records().iter().enumerate() {
        let detail = json!({
            "a": {"b": {"c": {"d": "deep"}}},
            "cached": false,
            "tool": {"name": "search", "offset": -1, "round": n, "share": 0.5},
            "tool_x": {"a": "behind `tool.` in the order of bytes, before it by segments"},
        });
        assert_eq!(json_of(record)["detail"], detail);
        let tree: serde_json::Value = serde_json::from_str(record.line()).unwrap();
        assert_eq!(serde_jcs::to_string(&tree).unwrap(), record.line());
        let read = read_line(record.line().as_bytes()).unwrap();
        assert_eq!(read.at("detail.tool.name"), Some(&Value::from("search")));
        assert_eq!(read.at("detail.tool.none"), None);
        assert_eq!(read.at("detail.tool.name.none"), None);
        record.assert_attribute("plain", "beside");
    }
    assert_eq!(captured.len(), 3);
}

#[test]
fn a_field_that_is_an_object_too_is_kept_as_an_attribute_and_counted() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", event = "x", detail.tool = "whole", detail.tool.name = "search", detail.tools = 1);
    });
    let captured = recording.captured();
    let line = json_of(captured.only());
    assert_eq!(line["detail"], json!({"tool": {"name": "search"}, "tools": 1}));
    assert_eq!(line["attributes"], json!({"detail.tool": "whole"}));
    assert_eq!(recording.audit().stats().duplicate_name, 1);
}

#[test]
fn a_name_that_leads_nowhere_is_an_attribute() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", event = "x", detail = "all of it", "detail." = 1, "detail..x" = 2);
    });
    let line = json_of(recording.captured().only());
    assert_eq!(
        line["attributes"],
        json!({"detail": "all of it", "detail.": 1, "detail..x": 2})
    );
    assert_eq!(line.get("detail"), None);
}

#[test]
fn a_spans_details_are_its_own() {
    let recording = Recording::with(|audit| audit.lend("detail.tool.name"));
    recording.run(|| {
        let lending = info_span!(target: "app", "outer", detail.tool.name = "lent", other = 1).entered();
        let span = info_span!(target: "audit", "tool.call", detail.tool.name = "search", detail.tool.late = tracing::field::Empty);
        span.record("detail.tool.late", 7);
        span.in_scope(|| info!(target: "audit", event = "inside", detail.tool.name = "other"));
        drop((span, lending));
    });
    let captured = recording.captured();
    let span = json_of(captured.with_event("tool.call").only());
    assert_eq!(span["detail"], json!({"tool": {"late": 7, "name": "search"}}));
    assert_eq!(span["attributes"], json!({"detail.tool.name": "lent"}));
    assert_eq!(
        json_of(captured.with_event("inside").only())["detail"],
        json!({"tool": {"name": "other"}})
    );
}

#[test]
fn redaction_sees_details_by_name_by_path_and_by_value() {
    let token = ["ghp", "_", "16C7e42F292c6912E7710c838347Ae178B4a"].concat();
    let policy = Policy::balanced()
        .rule(FieldRule::path("detail.webhook.body").action(Action::Drop))
        .field("remark", Action::Mask);
    let recording = Recording::with(|audit| audit.policy(policy));
    recording.run(|| {
        info!(
            target: "audit", event = "x", detail.webhook.body = "a body", detail.webhook.password = "hunter2",
            detail.webhook.remark = "a remark", detail.webhook.text = %format!("with {token} in it"), detail.webhook.name = "orders",
        );
    });
    let captured = recording.captured();
    let record = captured.only();
    let line = json_of(record);
    assert_eq!(
        line["detail"]["webhook"],
        json!({"name": "orders", "password": "[REDACTED:secret]", "remark": "****", "text": "with [REDACTED:secret] in it"})
    );
    assert_eq!(line["redaction"]["count"], 4);
    for hidden in ["a body", "hunter2", "a remark", &token] {
        record.assert_hides(hidden);
    }
    let fields = line["redaction"]["fields"].as_array().unwrap();
    assert!(
        fields
            .iter()
            .any(|remark| remark["field"] == "detail.webhook.body" && remark["action"] == "drop")
    );
}

#[test]
fn long_details_are_cut_and_listed_and_many_are_left_out_by_name() {
    let recording = Recording::new();
    let long = "x y ".repeat(15_000);
    recording.run(|| {
        info!(target: "audit", event = "x", detail.a.text = %long, detail.a.other = %long, detail.a.short = "stays");
    });
    let captured = recording.captured();
    let record = captured.only();
    assert!(record.line().len() <= 65_535);
    let line = json_of(record);
    assert_eq!(line["detail"]["a"]["short"], "stays");
    let truncated = line["truncated"].as_array().unwrap();
    let mut cut: Vec<_> = truncated
        .iter()
        .map(|cut| cut["path"].as_str().unwrap())
        .collect();
    cut.sort_unstable();
    assert_eq!(cut, ["detail.a.other", "detail.a.text"]);
    assert!(truncated.iter().all(|cut| cut["original_len"] == 60_000));
    read_line(record.line().as_bytes()).unwrap();
}
