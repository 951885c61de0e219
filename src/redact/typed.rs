//! Records of typed events that were given as values: each value under the class of its field.

use super::action::Action;
use super::class::Class;
use super::field::{FieldPlan, Of, STEP_TEXT};
use super::judge::{Decision, Judged, Look};
use super::plans::EventPlans;
use super::policy::Policy;
use super::recording;
use super::redacting::Redacting;
use crate::record::{EventMeta, FieldMeta, Map, Value};

/// The plans of a typed event's fields.
pub(super) struct Typed {
    event: &'static EventMeta,
    /// Each with its place. Those inside a struct stand for it.
    plans: EventPlans,
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
            let mut plans = Vec::new();
            for field in event.fields {
                plan(field.path, event, field, of, &mut plans);
            }
            plans.into()
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
        let found = self.plans.iter().find(|(own, _)| **own == *path);
        found.map(|(_, plan)| plan)
    }

    /// The field at this place.
    pub(super) fn field(&self, path: &str) -> Option<(&'static EventMeta, &'static FieldMeta)> {
        self.event.at(path).map(|field| (self.event, field))
    }

    /// Whether a field stands inside this place.
    pub(super) fn leads_on(&self, path: &str) -> bool {
        let is_inside = |own: &str| own.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        self.plans.iter().any(|(own, _)| is_inside(own))
    }
}

/// Plans a field, or those inside it.
fn plan(
    path: &str,
    event: &'static EventMeta,
    field: &'static FieldMeta,
    of: Of<'_>,
    plans: &mut Vec<(Box<str>, FieldPlan)>,
) {
    if field.parts.is_empty() {
        return plans.push((path.into(), FieldPlan::at_path(path, event, field, of)));
    }
    for part in field.parts {
        plan(&format!("{path}.{}", part.path), event, part, of, plans);
    }
}

impl Way {
    /// The way to this place inside `detail`.
    pub(super) fn to(keys: &str) -> Self {
        Self {
            path: format!(".{keys}"),
            keys: keys.replace('.', STEP_TEXT),
        }
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

/// The verdict on a field whose class is stated beforehand, where the name alone leads to `judged`.
pub(super) fn judge(
    policy: &Policy,
    class: Class,
    asked: Option<Action>,
    judged: Judged,
    name: &str,
) -> Judged {
    let listed = judged.is_unlisted().then(|| judged.listed(name));
    let mut judged = listed.unwrap_or(judged);
    let own = recording::decide(policy, class, asked);
    let stated = |named: Decision, look| Decision {
        look: named.look.max(look),
        ..recording::stricter(own, named)
    };
    judged.text = stated(judged.text, Look::Secrets);
    judged.number = stated(judged.number, Look::None);
    judged.trial = judged.trial.take().map(|trial| match policy.trial() {
        Some(policy) => Box::new(judge(policy, class, asked, *trial, name)),
        None => trial,
    });
    judged
}
