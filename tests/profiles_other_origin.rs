//! Records that no profile read, given in each shape: what an application names as it likes is not what a shape means by
//! that name, and what a shape cannot say is said.

use serde_json::{Value, json};
use tracing_audit::catalog::profile::{Exported, Profile, Why};
use tracing_audit::record::{Record, Slot, Value as Held};

fn line(exported: &Exported) -> Value {
    serde_json::from_str(&exported.line).expect("JSON")
}

fn said(exported: &Exported) -> Vec<(&str, Why)> {
    let unfit = exported.unfit.iter();
    unfit.map(|unfit| (unfit.path.as_str(), unfit.why)).collect()
}

/// A record with attributes that have the names of the shapes' own fields.
fn impostor() -> Record {
    Record::builder("data_access.view")
        .category("tool_call")
        .action("view")
        .actor("user", "ana")
        .resource("document", "42")
        .outcome("success")
        .reason("asked for")
        .set(Slot::PiiContains, true)
        .set(Slot::ErrorMessage, "told")
        .set(Slot::SessionId, "s-1")
        .attribute("actorId", "mallory")
        .attribute("clientId", "mallory")
        .attribute("sender", "mallory")
        .attribute("session_id", "s-2")
        .attribute("containsPii", false)
        .attribute("reason", "other")
        .attribute("error", "other")
        .build()
}

#[test]
fn an_attribute_with_the_name_of_a_field_does_not_take_its_place() {
    let dpa = Profile::Dpa.export(&impostor()).expect("exports");
    let given = line(&dpa);
    assert_eq!(given["actorId"], "ana");
    assert_eq!(given["containsPii"], true);
    assert_eq!(given["reason"], "asked for");
    for name in [
        "attributes.actorId",
        "attributes.containsPii",
        "attributes.reason",
    ] {
        assert!(said(&dpa).contains(&(name, Why::NoPlace)), "{name}");
    }

    let aaasm = Profile::Aaasm.export(&impostor()).expect("exports");
    assert!(
        said(&aaasm).contains(&("attributes.reason", Why::NoPlace)),
        "{:?}",
        aaasm.unfit
    );

    let entry = Profile::CodeExecutor.export(&impostor()).expect("exports");
    let given = line(&entry);
    assert_eq!(given.get("clientId"), None);
    assert_eq!(given["metadata"]["clientId"], "mallory");
    assert_eq!(given["metadata"]["actor.id"], "ana");
}

#[test]
fn in_a_free_part_an_attribute_keeps_its_name_unless_a_field_has_it_which_is_said() {
    let flynn = Profile::Flynn.export(&impostor()).expect("exports");
    let event = &line(&flynn)["event"];
    assert_eq!(
        (&event["sender"], &event["session_id"]),
        (&json!("ana"), &json!("s-1"))
    );
    assert_eq!(
        (&event["reason"], &event["error"]),
        (&json!("asked for"), &json!("other"))
    );
    assert_eq!(
        said(&flynn),
        [
            ("attributes.reason", Why::NoPlace),
            ("attributes.sender", Why::NoPlace),
            ("attributes.session_id", Why::NoPlace),
        ]
    );

    let denkeeper = Profile::Denkeeper.export(&impostor()).expect("exports");
    let detail: Value =
        serde_json::from_str(line(&denkeeper)["detail"].as_str().expect("text")).expect("JSON");
    assert_eq!(
        (&detail["error"], &detail["reason"]),
        (&json!("told"), &json!("asked for"))
    );
    assert_eq!(
        (&detail["sender"], &detail["session_id"]),
        (&json!("mallory"), &json!("s-1"))
    );
    assert_eq!(
        said(&denkeeper),
        [
            ("attributes.error", Why::NoPlace),
            ("attributes.reason", Why::NoPlace),
            ("attributes.session_id", Why::NoPlace),
        ]
    );
}

#[test]
fn what_json_has_no_words_for_is_said_also_where_the_json_stands_in_a_text() {
    let record = Record::builder("tool_call.execute")
        .category("tool_call")
        .attribute("digest", Held::Bytes(vec![1, 2]))
        .attribute("nested", Held::List(vec![Held::Float(f64::NAN)]))
        .build();
    let denkeeper = Profile::Denkeeper.export(&record).expect("exports");
    assert_eq!(
        said(&denkeeper),
        [("detail.digest", Why::Replaced), ("detail.nested", Why::Replaced)]
    );
    let args = Held::Map([("args".to_owned(), Held::Bytes(vec![1, 2]))].into());
    let record = Record::builder("tool_call").detail(Held::Map([("tool".to_owned(), args)].into()));
    let aaasm = Profile::Aaasm.export(&record.build()).expect("exports");
    assert_eq!(line(&aaasm)["toolCall"]["argsJson"], "{\"$bytes\":\"AQI=\"}");
    assert_eq!(said(&aaasm), [("detail.tool.args", Why::Replaced)]);
}
