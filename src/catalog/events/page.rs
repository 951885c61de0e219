//! The page of events, `docs/events.md`: written from what the events say of themselves.

use std::fmt::Write as _;

use super::EVENTS;
use crate::record::{EventMeta, FieldMeta};

const HEAD: &str = "\
<!-- Generated from src/catalog/events: UPDATE_DOCS=1 cargo test --features catalog --test catalog_events -->
# Events

The events of `tracing_audit::catalog` (feature `catalog`): structs whose fields have their places in a record, so that two
applications say the same thing in the same words. Each is recorded by `event.record()`, through `tracing`, or by
`audit.emit(&event)`, which answers with a receipt. An event of your own is a struct with `#[derive(AuditEvent)]`; nothing
here is a closed list. `tracing-audit events` lists them in a terminal.

```rust
# #[cfg(feature = \"catalog\")]
# fn main() -> tracing_audit::Result<()> {
use tracing_audit::catalog::{ToolApproval, ToolDenied, DenialType};
use tracing_audit::record::AuditEvent as _;
use tracing_audit::testing::MemoryEmitter;

let audit = MemoryEmitter::new();
audit.audit().emit(ToolApproval::new(\"deploy\", true).session_id(\"s-1\").reason(\"asked and answered\"))?;
// Inside a trail's subscriber: for every layer, and for the trail.
ToolDenied::new(\"rm\", \"outside of the workspace\", DenialType::Policy).record();
# Ok(())
# }
# #[cfg(not(feature = \"catalog\"))]
# fn main() {}
```

*May* says that a field can be absent. The class decides what the trail's policy does with a value: what is `personal` is
replaced by a marker, or with a key by a pseudonym, unless the policy keeps its class, as in
`Policy::balanced().class(Class::personal(\"content\"), Action::Keep)`. What stays is looked through for secrets.
";

/// The families, and what is said above them.
const FAMILIES: &[(&str, &str)] = &[
    ("tool", "Tools"),
    ("security", "Security"),
    ("skill", "Skills"),
    ("session", "Sessions"),
    ("cron", "Jobs"),
    ("webhook", "Webhooks"),
    ("heartbeat", "Health"),
    ("gmail", "Mail"),
    ("system", "System and configuration"),
    ("agent", "Models, and agents under rules"),
    ("approval", "Decisions"),
    ("safety", "Channels and safety"),
    ("data_access", "Access to data"),
];

/// The family of an event, as the page orders them.
fn family(meta: &EventMeta) -> &'static str {
    match meta.category.split('.').next().unwrap_or_default() {
        "tool" | "tool_call" | "tool_result" => "tool",
        "security" => "security",
        "skills" | "skill" => "skill",
        "session" => "session",
        "cron" | "schedule" => "cron",
        "webhook" => "webhook",
        "heartbeat" | "mcp" => "heartbeat",
        "gmail" => "gmail",
        "system" | "config" | "governance" => "system",
        "approval" | "supervisor" => "approval",
        "safety" | "channel" => "safety",
        "data_access" => "data_access",
        _ => "agent",
    }
}

/// The page: every event of the catalogue with its fields, as Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for (key, title) in FAMILIES {
        let _ = write!(page, "\n## {title}\n");
        for meta in EVENTS.iter().filter(|meta| family(meta) == *key) {
            event(&mut page, meta);
        }
    }
    page
}

fn event(page: &mut String, meta: &EventMeta) {
    let outcome = match &meta.outcome {
        Some(outcome) => format!("outcome `{outcome}`"),
        None => "the outcome is a field".to_owned(),
    };
    let _ = write!(
        page,
        "\n### `{}`\n\n{} Category `{}`, action `{}`, level `{}`, {outcome}.\n\n",
        meta.name,
        meta.doc,
        meta.category,
        meta.action,
        meta.level.as_str(),
    );
    page.push_str("| field | place | takes | | class | says |\n|---|---|---|---|---|---|\n");
    for field in meta.fields {
        let may = if field.is_optional { "may" } else { "" };
        let _ = writeln!(
            page,
            "| `{}` | `{}` | {} | {may} | {} | {} |",
            field.name,
            field.path,
            takes(field),
            field.class,
            field.doc
        );
    }
}

/// What a field takes, in words that are not longer than they must be.
fn takes(field: &FieldMeta) -> String {
    field.ty.to_string().replace(&u64::MAX.to_string(), "2^64 − 1")
}
