//! Where each key of a line goes in OTLP: the one table, and the revision of the draft that it follows.

/// The version of the mapping. It rises with every change that a receiver can see.
pub const MAPPING: u32 = 1;

/// The revision of the OpenTelemetry Audit Logging draft (OTEP 0267) whose names are used where it has any.
pub const DRAFT: &str = "1d9c5a731174d92e1c3f71989b4be0dfa87b6245";

/// What every name begins with that no OpenTelemetry convention has, the draft's among them.
pub const PREFIX: &str = "audit.";

/// The record's id once more, under the name by which receivers know copies of a record.
pub(super) const UID: &str = "log.record.uid";

/// The kind of address that the draft's `source.id` is; it follows from the value.
pub(super) const SOURCE_TYPE: &str = "source.type";

/// A field whose name is taken is sent with this behind the prefix.
pub(super) const ATTRIBUTE: &str = "attribute.";

/// The name of an event that stands for a line that is not a record; the line is its body.
pub(super) const UNREADABLE: &str = "audit.unreadable_line";

/// The name of an event that stands for a checkpoint of the trail.
pub(super) const ANCHOR: &str = "audit.checkpoint";

/// Where a key of the line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `time_unix_nano`.
    Time,
    /// `observed_time_unix_nano`.
    Observed,
    /// `event_name`.
    EventName,
    /// `body`.
    Body,
    /// `trace_id`, where it is one of W3C's; else an attribute.
    TraceId,
    /// `span_id`, where it and the trace id are W3C's; else an attribute.
    SpanId,
    /// `flags`, where the trace id stands in its field and the flags are not 0; else an attribute.
    Flags,
    /// An attribute; by option, severity.
    Level,
    /// The resource, as this attribute; where that was configured otherwise, an attribute of the record.
    Resource(&'static str),
    /// The record's id: two attributes.
    Id,
    /// A number that is sent as text.
    Schema,
    /// An address, with its kind.
    Address,
    /// An attribute of this name behind the prefix.
    Own(&'static str),
    /// An attribute of this name, from the semantic conventions.
    Standard(&'static str),
    /// An attribute named by its path in the line, behind the prefix.
    Path,
    /// Each member is an attribute: its name behind the prefix and this.
    Each(&'static str),
    /// Each member is an attribute of its own name.
    AsGiven,
}

/// The objects of a line whose members have places of their own.
pub(super) const GROUPS: [&str; 10] = [
    "actor",
    "agent",
    "code",
    "decision",
    "error",
    "lineage",
    "pii",
    "redaction",
    "resource",
    "scope",
];

/// Where a key that stands by itself goes.
pub(super) fn place(key: &str) -> Place {
    match key {
        "time" => Place::Time,
        "observed_at" => Place::Observed,
        "event" => Place::EventName,
        "summary" => Place::Body,
        "trace_id" => Place::TraceId,
        "span_id" => Place::SpanId,
        "trace_flags" => Place::Flags,
        "level" => Place::Level,
        "service" => Place::Resource("service.name"),
        "host" => Place::Resource("host.name"),
        "id" => Place::Id,
        "schema" => Place::Schema,
        "seq" => Place::Own("sequence.number"),
        "stream" => Place::Own("sequence.stream_id"),
        "session_id" => Place::Standard("session.id"),
        "conversation_id" => Place::Standard("gen_ai.conversation.id"),
        "attributes" => Place::AsGiven,
        "detail" => Place::Each("detail."),
        "hashes" => Place::Each("hash."),
        "labels" => Place::Each("label."),
        _ => Place::Path,
    }
}

/// Where a key within an object goes.
pub(super) fn place_in(object: &str, key: &str) -> Place {
    match (object, key) {
        ("actor", "ip") => Place::Address,
        ("actor", "roles") => Place::Standard("user.roles"),
        ("actor", "client_hash") => Place::Standard("user.hash"),
        ("actor", "user_agent") => Place::Standard("user_agent.original"),
        ("agent", "id") => Place::Standard("gen_ai.agent.id"),
        ("agent", "name") => Place::Standard("gen_ai.agent.name"),
        ("code", "file") => Place::Standard("code.file.path"),
        ("code", "line") => Place::Standard("code.line.number"),
        ("error", "code") => Place::Standard("error.type"),
        ("resource", "id") => Place::Own("target.id"),
        ("resource", "type") => Place::Own("target.type"),
        ("scope", "environment") => Place::Standard("deployment.environment.name"),
        _ => Place::Path,
    }
}

/// The names of the conventions that the table gives to keys of the line.
const STANDARD: [&str; 12] = [
    "code.file.path",
    "code.line.number",
    "deployment.environment.name",
    "error.type",
    "gen_ai.agent.id",
    "gen_ai.agent.name",
    "gen_ai.conversation.id",
    UID,
    "session.id",
    "user.hash",
    "user.roles",
    "user_agent.original",
];

/// Whether a field of the application's own cannot be sent under its own name, because the table gives it to a key.
pub(super) fn is_taken(name: &str) -> bool {
    name.is_empty() || name.starts_with(PREFIX) || STANDARD.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Slot;
    use std::collections::BTreeSet;

    fn places() -> impl Iterator<Item = (Slot, Place)> {
        Slot::ALL.iter().map(|slot| match slot.place() {
            (Some(object), key) => (*slot, place_in(object, key)),
            (None, key) => (*slot, place(key)),
        })
    }

    /// The second column of the table in `docs/opentelemetry.md`.
    fn said(slot: Slot, place: Place) -> String {
        let path = slot.path();
        match place {
            Place::Time => "`time_unix_nano`".into(),
            Place::Observed => "`observed_time_unix_nano`".into(),
            Place::EventName => "`event_name`".into(),
            Place::Body => "`body`".into(),
            Place::TraceId => format!("`trace_id` where it is one of W3C's, else `{PREFIX}{path}`"),
            Place::SpanId => format!("`span_id` where it and the trace id are W3C's, else `{PREFIX}{path}`"),
            Place::Flags => {
                format!("`flags` beside a `trace_id` where they are not 0, else `{PREFIX}{path}`")
            }
            Place::Level => format!("`{PREFIX}{path}`; by option `severity_number` and `severity_text`"),
            Place::Resource(name) => {
                format!("resource `{name}`; `{PREFIX}{path}` where another one is configured")
            }
            Place::Id => format!("`{PREFIX}record.id` and `{UID}`"),
            Place::Schema => format!("`{PREFIX}schema.version`, as text"),
            Place::Address => format!("`{PREFIX}source.id`, and `{PREFIX}{SOURCE_TYPE}` (`ipv4`, `ipv6`)"),
            Place::Own(name) => format!("`{PREFIX}{name}`"),
            Place::Standard(name) => format!("`{name}`"),
            Place::Path if slot == Slot::Redaction => format!("`{PREFIX}{path}.count`, `.fields`, `.more`"),
            Place::Path => format!("`{PREFIX}{path}`"),
            Place::Each(name) => format!("`{PREFIX}{name}NAME`, each"),
            Place::AsGiven => {
                format!("each under its own name; `{PREFIX}{ATTRIBUTE}NAME` where that is taken")
            }
        }
    }

    #[test]
    fn the_table_in_the_document_is_the_one_in_use() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/opentelemetry.md");
        let text = std::fs::read_to_string(path).unwrap();
        let begin =
            "<!-- the table: UPDATE_DOCS=1 cargo test --features otlp the_table_in_the_document -->\n";
        let (before, rest) = text.split_once(begin).unwrap();
        let (_, after) = rest.split_once("<!-- end of the table -->").unwrap();
        let mut table = String::from("| key of the line | OTLP |\n|---|---|\n");
        for (slot, place) in places() {
            table.push_str(&format!("| `{}` | {} |\n", slot.path(), said(slot, place)));
        }
        let wanted = format!("{before}{begin}{table}<!-- end of the table -->{after}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &wanted).unwrap();
        }
        assert_eq!(text, wanted, "UPDATE_DOCS=1 writes it");
        assert!(text.contains(DRAFT) && text.contains(&format!("Version {MAPPING} of the mapping")));
    }

    #[test]
    fn no_name_stands_for_two_keys_and_every_name_of_the_table_is_kept_from_fields() {
        let mut names = BTreeSet::new();
        for (slot, place) in places() {
            let name = match place {
                Place::Own(name) => format!("{PREFIX}{name}"),
                Place::Standard(name) => {
                    assert!(is_taken(name), "{name}");
                    name.to_owned()
                }
                Place::Each(name) => format!("{PREFIX}{name}"),
                Place::Id => format!("{PREFIX}record.id"),
                Place::Schema => format!("{PREFIX}schema.version"),
                Place::Address => format!("{PREFIX}source.id"),
                _ => format!("{PREFIX}{}", slot.path()),
            };
            assert!(names.insert(name.clone()), "{name}");
        }
        assert!(
            names.insert(format!("{PREFIX}{SOURCE_TYPE}")) && names.insert(format!("{PREFIX}{ATTRIBUTE}"))
        );
        let used: BTreeSet<_> = places()
            .filter_map(|(_, place)| match place {
                Place::Standard(name) => Some(name),
                _ => None,
            })
            .chain([UID])
            .collect();
        assert_eq!(used, STANDARD.into_iter().collect(), "the list of names in use");
    }

    #[test]
    fn every_object_of_a_line_is_a_known_one() {
        let objects: BTreeSet<_> = Slot::ALL
            .iter()
            .filter_map(|slot| slot.place().0)
            .chain(["redaction"])
            .collect();
        assert_eq!(objects, GROUPS.into_iter().collect());
    }
}
