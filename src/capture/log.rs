//! `log` records that arrive through `tracing-log`: their real target stands in a field, not in the metadata.

use std::fmt::Debug;

use tracing_core::Event;
use tracing_core::field::{Field, Visit};

use super::settings::Settings;

/// The target that every bridged `log` record has.
pub(super) const TARGET: &str = "log";

/// Whether a bridged record was written for an audit target, by a module that may write.
pub(super) fn is_audit(event: &Event<'_>, settings: &Settings) -> bool {
    let mut origin = Origin {
        settings,
        is_audit: false,
        is_allowed: settings.is_allowed(None),
    };
    event.record(&mut origin);
    origin.is_audit && origin.is_allowed
}

struct Origin<'s> {
    settings: &'s Settings,
    is_audit: bool,
    is_allowed: bool,
}

impl Visit for Origin<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "log.target" => self.is_audit = self.settings.is_audit_target(value),
            "log.module_path" => self.is_allowed = self.settings.is_allowed(Some(value)),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
