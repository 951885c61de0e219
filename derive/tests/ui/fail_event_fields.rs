//! Fields of events that say no class, no place, or what cannot be.

use tracing_audit::record::{AuditEvent, EventPart};

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", action = "start", level = "info", outcome = "pending")]
struct Wrong {
    #[audit(detail = "tool.name")]
    unclassified: String,
    #[audit(internal)]
    nowhere: String,
    nothing: String,
    #[audit(detail = "tool.a", attribute = "a", internal)]
    two_places: String,
    #[audit(detail = "tool.b", internal, secret)]
    two_classes: String,
    #[audit(detail = "tool..c", internal)]
    empty_key: String,
    #[audit(detail = "Tool.Name", internal)]
    capitals: String,
    #[audit(attribute = "", internal)]
    no_key: String,
    #[audit(detail = "tool.d", skip)]
    left_out: String,
    #[audit(attribute = "part", nested)]
    nested: String,
    #[audit(key = "x", internal)]
    key: String,
    #[audit(detail = "tool.e", privat)]
    odd_class: String,
    #[audit(detail = "tool.f", internal, action = "keep")]
    milder: String,
    #[audit(attribut = "x", internal)]
    slip: String,
    #[audit(detail = "tool.g", pii)]
    no_word: String,
}

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", action = "start", level = "info", outcome = "pending")]
struct Conflicts {
    #[audit(detail = "tool", internal)]
    whole: String,
    #[audit(detail = "tool.name", internal)]
    inside: String,
    #[audit(slot = "actor.id", internal)]
    actor: String,
    #[audit(slot = "actor.id", internal)]
    again: String,
}

#[derive(EventPart)]
struct Part {
    unclassified: String,
    #[audit(detail = "x", internal)]
    place: String,
}

#[derive(EventPart)]
enum NoPart {}

fn main() {}
