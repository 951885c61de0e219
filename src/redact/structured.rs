//! Whole records through the policy: what `emit` and `submit` take, with keys inside values as evidence.

use super::policy::Action;
use super::{FieldPlan, Redacting};
use crate::record::frame::{MAX_DEPTH, MAX_VALUE, Put, TOO_DEEP, cut};
use crate::record::{Map, Record, Slot, Value};

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
        let mut room = Room {
            left: super::redacting::MAX_FRAME
                .saturating_sub(self.ink.len())
                .max(self.free()),
            is_short: false,
        };
        let value = self.nested(value, 0, &mut room);
        if room.is_short {
            // How long the whole would have been is nobody's question; which value was cut is.
            self.cut(plan, 0);
        }
        self.put(plan, true, |buf| Put::value(buf, &value, 0));
    }

    /// A copy in which every member under a secret's name has its marker, as far as there is room for it.
    fn nested(&mut self, value: &Value, depth: usize, room: &mut Room) -> Value {
        match value {
            Value::List(_) | Value::Map(_) if depth >= MAX_DEPTH => {
                room.is_short = true;
                Value::from(TOO_DEEP)
            }
            Value::List(values) => {
                let mut kept = Vec::new();
                for value in values {
                    if !room.take(ITEM) {
                        break;
                    }
                    kept.push(self.nested(value, depth + 1, room));
                }
                Value::List(kept)
            }
            Value::Map(members) => {
                let mut kept = Map::new();
                for (key, value) in members {
                    if !room.take(ITEM + key.len()) {
                        break;
                    }
                    if let Some(value) = self.member(key, value, depth, room) {
                        kept.insert(key.clone(), value);
                    }
                }
                Value::Map(kept)
            }
            Value::Str(text) => Value::from(cut(text, room.upto(text.len()))),
            Value::Bytes(bytes) => Value::from(bytes.get(..room.upto(bytes.len())).unwrap_or_default()),
            value => value.clone(),
        }
    }

    /// A map's member, under the rule of its key; `None` where it is dropped.
    fn member(&mut self, key: &str, value: &Value, depth: usize, room: &mut Room) -> Option<Value> {
        let decision = self.policy.decide(key, None);
        if decision.action == Action::Keep {
            return Some(self.nested(value, depth + 1, room));
        }
        self.remark_of(key, decision);
        let marker = Value::from(decision.rule.marker());
        match decision.action {
            Action::Drop => None,
            Action::TruncateIp => {
                let kept = value.as_str().and_then(super::truncate_ip);
                Some(kept.map_or(marker, |(address, _)| Value::Str(address)))
            }
            Action::Keep | Action::Marker | Action::Hmac => Some(marker),
        }
    }
}

/// What a value's copy may still hold.
struct Room {
    left: usize,
    is_short: bool,
}

/// More than any scalar takes, and the heads of an item.
const ITEM: usize = 24;

impl Room {
    /// Takes so many bytes, or says that they are not there.
    fn take(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(0);
        self.is_short |= left.is_none();
        left.is_some()
    }

    /// Takes at most so many bytes, and never more than one value may have.
    fn upto(&mut self, bytes: usize) -> usize {
        let given = bytes.min(self.left).min(MAX_VALUE);
        self.left -= given;
        self.is_short |= given < bytes;
        given
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
