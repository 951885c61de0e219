//! Parts of sentences: who, what, how long, and the sentence of a record that no template is for.

use super::super::harmless;
use super::template::says_something;
use crate::record::{Record, Slot, Value};

/// The most characters of one value.
const MAX: usize = 200;

/// Verbs of which the past is known; others are named as they are.
const VERBS: &[(&str, &str)] = &[
    ("access", "accessed"),
    ("add", "added"),
    ("approve", "approved"),
    ("archive", "archived"),
    ("assign", "assigned"),
    ("block", "blocked"),
    ("cancel", "cancelled"),
    ("change", "changed"),
    ("close", "closed"),
    ("copy", "copied"),
    ("create", "created"),
    ("delete", "deleted"),
    ("deny", "denied"),
    ("deploy", "deployed"),
    ("disable", "disabled"),
    ("download", "downloaded"),
    ("edit", "edited"),
    ("enable", "enabled"),
    ("execute", "executed"),
    ("export", "exported"),
    ("fetch", "fetched"),
    ("grant", "granted"),
    ("import", "imported"),
    ("install", "installed"),
    ("invite", "invited"),
    ("list", "listed"),
    ("lock", "locked"),
    ("merge", "merged"),
    ("move", "moved"),
    ("open", "opened"),
    ("pay", "paid"),
    ("publish", "published"),
    ("query", "queried"),
    ("read", "read"),
    ("receive", "received"),
    ("reject", "rejected"),
    ("remove", "removed"),
    ("rename", "renamed"),
    ("reset", "reset"),
    ("restart", "restarted"),
    ("restore", "restored"),
    ("restrict", "restricted"),
    ("revoke", "revoked"),
    ("rotate", "rotated"),
    ("run", "ran"),
    ("save", "saved"),
    ("search", "searched"),
    ("send", "sent"),
    ("set", "set"),
    ("share", "shared"),
    ("sign", "signed"),
    ("start", "started"),
    ("stop", "stopped"),
    ("submit", "submitted"),
    ("sync", "synced"),
    ("transfer", "transferred"),
    ("trigger", "triggered"),
    ("unlock", "unlocked"),
    ("unrestrict", "unrestricted"),
    ("update", "updated"),
    ("upload", "uploaded"),
    ("verify", "verified"),
    ("view", "viewed"),
    ("write", "wrote"),
];

/// A text for a terminal, cut where it is long.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", harmless(text.get(..end).unwrap_or_default())),
        None => harmless(text),
    }
}

/// A value in words; `None` where it says nothing.
pub(super) fn value(value: &Value) -> Option<String> {
    if !says_something(value) {
        return None;
    }
    Some(match value {
        Value::Str(text) => shown(text),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(truth) => if *truth { "yes" } else { "no" }.to_owned(),
        Value::Null => return None,
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Commitment(_) => "[COMMITMENT]".to_owned(),
        Value::List(values) => {
            let texts: Vec<String> = values.iter().filter_map(self::value).collect();
            shown(&texts.join(", "))
        }
        Value::Map(members) => {
            let texts = members.iter().filter_map(|(key, value)| {
                let value = self::value(value)?;
                Some(format!("{}={value}", harmless(key)))
            });
            shown(&texts.collect::<Vec<_>>().join(" "))
        }
    })
}

/// `ana`, `service nightly`, or else the agent; `None` where nobody is named.
pub(super) fn actor(record: &Record) -> Option<String> {
    let id = record.text(Slot::ActorId);
    let Some(id) = id.filter(|id| !id.is_empty() && *id != "unknown") else {
        let agent = record
            .text(Slot::AgentName)
            .or_else(|| record.text(Slot::AgentId));
        return agent.map(|agent| format!("agent {}", shown(agent)));
    };
    Some(match record.text(Slot::ActorType) {
        None | Some("user" | "unknown") => shown(id),
        Some(kind) if kind == id => shown(id),
        Some(kind) => format!("{} {}", shown(kind), shown(id)),
    })
}

/// `document 42`.
pub(super) fn resource(record: &Record) -> Option<String> {
    match (record.text(Slot::ResourceType), record.text(Slot::ResourceId)) {
        (Some(kind), Some(id)) => Some(format!("{} {}", shown(kind), shown(id))),
        (Some(one), None) | (None, Some(one)) => Some(shown(one)),
        (None, None) => None,
    }
}

/// `2026-11-21 10:00:00 UTC`.
pub(super) fn time(nanos: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanos)).map_or_else(
        |_| nanos.to_string(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// Two or three digits and a unit.
pub(super) fn duration(nanos: u64) -> String {
    let (unit, name) = match nanos {
        0..1_000 => return format!("{nanos}ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        1_000_000_000..60_000_000_000 => (1_000_000_000, "s"),
        _ => {
            let seconds = nanos / 1_000_000_000;
            return match seconds / 3600 {
                0 => format!("{}m{:02}s", seconds / 60, seconds % 60),
                hours => format!("{hours}h{:02}m", seconds / 60 % 60),
            };
        }
    };
    let tenths = nanos / (unit / 10);
    if tenths < 100 {
        format!("{}.{}{name}", tenths / 10, tenths % 10)
    } else {
        format!("{}{name}", nanos / unit)
    }
}

/// `ana deleted document 42 (success)`.
pub(in crate::catalog) fn general(record: &Record) -> String {
    let who = actor(record).unwrap_or_else(|| "somebody".to_owned());
    let event = record.event();
    let given = record.text(Slot::Action);
    let action = given.unwrap_or_else(|| event.rsplit('.').next().unwrap_or(event));
    let word = action.to_ascii_lowercase();
    let outcome = record.text(Slot::Outcome);
    let verb = VERBS.iter().find(|(verb, _)| *verb == word);
    let did = match (verb, outcome) {
        (Some((verb, _)), Some("denied")) => format!("was not allowed to {verb}"),
        (Some((verb, _)), Some("failure")) => format!("failed to {verb}"),
        (Some((verb, _)), Some("pending")) => format!("is about to {verb}"),
        (Some((_, past)), _) => (*past).to_owned(),
        (None, _) => format!("did {}", shown(if event.is_empty() { action } else { event })),
    };
    let what = match (resource(record), verb) {
        (Some(what), Some(_)) => format!(" {what}"),
        (Some(what), None) => format!(" on {what}"),
        (None, Some(_)) if !event.is_empty() && event != action => format!(" ({})", shown(event)),
        (None, _) => String::new(),
    };
    let why = [Slot::Reason, Slot::ErrorMessage, Slot::ReasonCode]
        .iter()
        .find_map(|slot| value(record.get(*slot)?));
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let outcome = outcome.map_or_else(String::new, |outcome| format!(" ({})", shown(outcome)));
    format!("{who} {did}{what}{outcome}{why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_has_a_sentence() {
        let record = Record::builder("document.delete").actor("user", "ana");
        let cases = [
            (
                record.clone().resource("document", "42").outcome("success"),
                "ana deleted document 42 (success)",
            ),
            (
                record.clone().outcome("denied").reason("not the owner"),
                "ana was not allowed to delete (document.delete) (denied): not the owner",
            ),
            (
                record.clone().action("frobnicate").resource("x", "1"),
                "ana did document.delete on x 1",
            ),
            (
                record.actor("service", "nightly").outcome("failure"),
                "service nightly failed to delete (document.delete) (failure)",
            ),
            (Record::builder("").action("VIEW"), "somebody viewed"),
            (Record::builder(""), "somebody did "),
        ];
        for (record, sentence) in cases {
            assert_eq!(general(&record.build()), sentence);
        }
    }

    #[test]
    fn what_is_long_is_cut_before_it_is_shown() {
        let long = "ü".repeat(300);
        assert_eq!(shown(&long).chars().count(), MAX + 1);
        assert!(shown(&long).ends_with('…'));
    }

    #[test]
    fn the_verbs_are_sorted_and_none_stands_there_twice() {
        assert!(VERBS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
