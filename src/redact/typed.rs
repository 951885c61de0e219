//! Records of typed events that were given as values: each value under the class of its field.

use std::sync::Arc;

use super::field::{FieldPlan, Of, STEP_TEXT};
use super::redacting::Redacting;
use crate::record::{EventMeta, FieldMeta, Map, Value};

/// The plans of a typed event's fields.
pub(super) struct Typed {
    event: &'static EventMeta,
    plans: Arc<[FieldPlan]>,
}

/// Where in `detail` one is.
#[derive(Default)]
pub(super) struct Way {
    /// The keys down to here, with dots between them; and with [`STEP_TEXT`] between them.
    path: String,
    keys: String,
}

/// The longest key of a frame's entry.
const MAX_KEY: usize = 255;

impl Typed {
    /// The plans for this event, made now or kept by the policy.
    pub(super) fn of(event: &'static EventMeta, of: Of<'_>) -> Self {
        let make = || {
            let fields = event.fields.iter();
            fields
                .map(|field| FieldPlan::of_event(event, field, of))
                .collect()
        };
        Self {
            event,
            plans: match of.policy.plans() {
                Some(plans) => plans.event(event, make),
                None => make(),
            },
        }
    }

    /// The plan for the field at this place.
    pub(super) fn at(&self, path: &str) -> Option<&FieldPlan> {
        let at = self.event.fields.iter().position(|field| field.path == path)?;
        self.plans.get(at)
    }

    /// The field at this place.
    pub(super) fn field(&self, path: &str) -> Option<(&'static EventMeta, &'static FieldMeta)> {
        self.event.at(path).map(|field| (self.event, field))
    }

    /// Whether a field stands inside this place.
    pub(super) fn leads_on(&self, path: &str) -> bool {
        self.event.leads_on(path)
    }
}

impl Redacting<'_> {
    /// What stands in `detail`, place by place as far as fields stand there.
    pub(super) fn places(&mut self, members: &Map, way: &mut Way, typed: Option<&Typed>, of: Of<'_>) {
        for (key, value) in members {
            let outside = (way.path.len(), way.keys.len());
            if !way.keys.is_empty() {
                way.keys.push_str(STEP_TEXT);
            }
            way.path.push('.');
            way.path.push_str(key);
            way.keys.push_str(key);
            let path = format!("detail{}", way.path);
            match (typed.and_then(|typed| typed.at(&path)), value) {
                (Some(plan), _) => self.value(plan, value, of.about),
                (None, Value::Map(inner))
                    if !inner.is_empty() && typed.is_some_and(|typed| typed.leads_on(&path)) =>
                {
                    self.places(inner, way, typed, of);
                }
                _ => {
                    let is_long = way.keys.len() > MAX_KEY || key.contains(STEP_TEXT);
                    let plan = match is_long {
                        true => FieldPlan::attribute(&path, &path, of),
                        false => FieldPlan::detail(&path, &way.keys, of),
                    };
                    self.value(&plan, value, of.about);
                }
            }
            way.path.truncate(outside.0);
            way.keys.truncate(outside.1);
        }
    }
}
