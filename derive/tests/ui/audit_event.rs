//! What `audit!` cannot mean.

use tracing_audit::audit;

fn main() {
    let id = 7;
    audit!();
    audit!(resource = ("document", id));
    audit!("a message alone");
    audit!(action = "x", resource.kind = "document");
    audit!(action = "x", actor.nmae = "ana");
    audit!(action = "x", outcome = "sucess");
    audit!(action = "x", action = "y");
    audit!(action = "x", id + 1);
    audit!(action = "");
    audit!(action = "x", level = "loud");
    audit!(action = "x", audit.action = "y");
    audit!(action = "x", audit.outcome = "sucess");
}
