//! Whole records through the policy: what `emit` and `submit` take, with keys inside values as evidence.

use super::policy::Action;
use super::{FieldPlan, Redacting};
use crate::record::frame::{MAX_DEPTH, Put, TOO_DEEP};
use crate::record::{Record, Slot, Value};

impl Redacting<'_> {
    /// Writes a record that was given as a value. Slots pass under their path's rule, members of maps under
    /// their key's, at any depth.
    pub(crate) fn record(&mut self, record: &Record) {
        for (slot, value) in record.slots() {
            match (slot, value) {
                (Slot::Time, _) => {}
                (Slot::Attributes | Slot::Labels | Slot::Hashes, Value::Map(members)) => {
                    let prefix = match slot {
                        Slot::Labels => "label.",
                        Slot::Hashes => "hash.",
                        _ => "",
                    };
                    for (key, value) in members {
                        let plan = match slot {
                            Slot::Attributes => FieldPlan::attribute(key, key, self.policy),
                            _ => FieldPlan::new(&format!("{prefix}{key}"), self.policy),
                        };
                        self.value(&plan, value);
                    }
                }
                _ => self.value(&FieldPlan::for_slot(slot, self.policy), value),
            }
        }
    }

    fn value(&mut self, plan: &FieldPlan, value: &Value) {
        if let Value::Str(text) = value {
            return self.str(plan, text);
        }
        if !plan.is_kept() {
            // The text of a structure is not a value that anybody could look up: a marker or a drop, no pseudonym
            // of a rendering that may change.
            return self.act(plan, true, text_of(value).as_bytes());
        }
        let value = self.nested(value, 0);
        self.put(plan, true, |buf| Put::value(buf, &value, 0));
    }

    /// A copy in which every member under a secret's name has its marker.
    fn nested(&mut self, value: &Value, depth: usize) -> Value {
        match value {
            Value::List(_) | Value::Map(_) if depth >= MAX_DEPTH => {
                self.tally.truncated += 1;
                Value::from(TOO_DEEP)
            }
            Value::List(values) => {
                Value::List(values.iter().map(|value| self.nested(value, depth + 1)).collect())
            }
            Value::Map(members) => {
                let member = |(key, value): (&String, &Value)| {
                    let decision = self.policy.decide(key, None);
                    let value = match decision.action {
                        Action::Keep => self.nested(value, depth + 1),
                        Action::Drop => return None,
                        Action::TruncateIp => {
                            let kept = value.as_str().and_then(super::truncate_ip);
                            kept.map_or(Value::from(decision.rule.marker()), |(address, _)| {
                                Value::Str(address)
                            })
                        }
                        Action::Marker | Action::Hmac => Value::from(decision.rule.marker()),
                    };
                    if decision.action != Action::Keep {
                        self.tally.redacted += 1;
                    }
                    Some((key.clone(), value))
                };
                Value::Map(members.iter().filter_map(member).collect())
            }
            value => value.clone(),
        }
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => String::new(),
    }
}
