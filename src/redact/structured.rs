//! Whole records through the policy: what `emit` and `submit` take, with keys inside values as evidence.

use super::action::Action;
use super::beside;
use super::class::Class;
use super::instead;
use super::judge::{Judged, Look};
use super::redacting::MAX_FRAME;
use super::rule::{About, Asked};
use super::sift::{self, Note};
use super::typed::{Typed, Way};
use super::{FieldPlan, Of, Redacting, sees};
use crate::memory;
use crate::record::frame::{MAX_DEPTH, MAX_VALUE, Put, TOO_DEEP, cut};
use crate::record::{Declared, Map, Plaintext, Record, Slot, Value};

impl Redacting<'_> {
    /// Writes a record that was given as a value. Slots pass under their path's rule, members of maps under
    /// their key's, at any depth.
    pub(crate) fn record(&mut self, record: &Record) {
        let text = |slot| record.text(slot).filter(|text| !text.is_empty());
        let of = Of {
            policy: self.policy,
            about: About {
                event: text(Slot::Event).or_else(|| text(Slot::Action)),
                category: text(Slot::Category),
            },
        };
        // The plans are kept by the policy, not by what is written here.
        let policy = self.policy;
        let plans = policy.plans();
        let typed = record.meta().map(|event| Typed::of(event, of));
        let typed = typed.as_ref();
        for (slot, value) in record.slots() {
            let stated = typed.and_then(|typed| typed.at(slot.path()));
            match (slot, value) {
                (Slot::Time, _) => {}
                // What the caller said was true of the whole address.
                (Slot::ActorIpPrefixLen, _) if self.seen & sees::SHORTENED != 0 => {}
                (Slot::Attributes | Slot::Labels | Slot::Hashes, Value::Map(members)) => {
                    self.members(slot, members, typed, of);
                }
                (Slot::Detail, Value::Map(members))
                    if typed.is_some_and(|typed| typed.leads_on("detail")) =>
                {
                    self.places(members, &mut Way::default(), typed, of);
                }
                _ if stated.is_some() => stated.iter().for_each(|plan| self.value(plan, value, of.about)),
                _ => match plans.and_then(|plans| plans.slot(slot, of)) {
                    Some(plan) => self.value(plan, value, of.about),
                    None => self.value(&FieldPlan::for_slot(slot, of), value, of.about),
                },
            }
        }
        record.note();
        self.settle();
        for declared in record.declared() {
            let make = || FieldPlan::attribute(&declared.name, &declared.name, of);
            match plans {
                Some(plans) => match plans.member(Slot::Attributes, &declared.name, make) {
                    Some(plan) => self.declared(&plan, declared),
                    None => self.settle(),
                },
                None => self.declared(&make(), declared),
            }
        }
    }

    /// The members of a slot that is a map.
    pub(super) fn members(&mut self, slot: Slot, members: &Map, typed: Option<&Typed>, of: Of<'_>) {
        // The plans are kept by the policy, not by what is written here.
        let policy = self.policy;
        let plans = policy.plans();
        // Where a typed event has the whole map for a field, its class is that of every member.
        let all = typed.and_then(|typed| typed.field(slot.path()));
        for (key, value) in members {
            if let Some(plan) = typed.and_then(|typed| typed.at(&format!("{}.{key}", slot.path()))) {
                self.value(plan, value, of.about);
                continue;
            }
            let (key, notes) = self.key(key, members);
            let make = || match slot {
                Slot::Labels => FieldPlan::new(&format!("label.{key}"), of),
                Slot::Hashes => FieldPlan::new(&format!("hash.{key}"), of),
                _ => FieldPlan::attribute(&key, &key, of),
            };
            match (all, plans) {
                (Some((event, field)), _) => {
                    let plan = make().of_class(event, field, policy);
                    self.value(&plan, value, of.about);
                }
                (None, Some(plans)) => match plans.member(slot, &key, make) {
                    Some(plan) => self.value(&plan, value, of.about),
                    None => self.settle(),
                },
                (None, None) => self.value(&make(), value, of.about),
            }
            notes.iter().for_each(|note| self.remark(&key, *note));
        }
    }

    /// An attribute whose class types state.
    fn declared(&mut self, plan: &FieldPlan, declared: &Declared) {
        let [kind, label] = declared.class;
        // What the code asks for and nobody understands is no reason to keep more.
        let asked = declared
            .action
            .as_deref()
            .map(|action| action.parse().unwrap_or(Action::Marker));
        let stated = (Class::of_words(kind, label), asked);
        self.typed(plan, true, stated, declared.text.as_ref());
        declared.text.iter().for_each(Plaintext::note);
        self.settle();
    }

    pub(super) fn value(&mut self, plan: &FieldPlan, value: &Value, about: About<'_>) {
        let is_number = matches!(value, Value::Int(_) | Value::Uint(_) | Value::Float(_));
        match value {
            // Of one of them something follows: that there is no personal data, which redaction may contradict.
            Value::Bool(truth) => return self.bool(plan, *truth),
            Value::Str(text) => return self.str(plan, text),
            Value::Bytes(bytes) => return self.bytes(plan, bytes),
            // A structure is redacted as a copy, made of parts that cannot be asked for one by one.
            _ if !is_number && !memory::is_enough(2 * value.weight(MAX_FRAME, MAX_VALUE)) => {
                return self.settle();
            }
            _ if is_number => self.rehearse(plan, |trial| trial.number),
            _ => self.rehearse(plan, |trial| trial.text),
        }
        match value {
            _ if is_number && !plan.keeps_number() => {
                self.act(plan, plan.judged.number, true, text_of(value).as_bytes());
                return self.settle();
            }
            // The text of a structure is not a value that anybody could look up: a marker or a drop, no pseudonym
            // of a rendering that may change.
            _ if !is_number && !plan.keeps_text() => return self.act(plan, plan.judged.text, true, &[]),
            _ => {}
        }
        let mut room = Room {
            left: MAX_FRAME.saturating_sub(self.ink.len()).max(self.free(plan)),
            is_short: false,
        };
        let mut inside = Inside {
            path: plan.name.to_string(),
            about,
            depth: 0,
            is_tried: plan
                .judged
                .trial
                .as_ref()
                .is_none_or(|trial| trial.text.action == Action::Keep),
            notes: Vec::new(),
        };
        let value = self.nested(value, &plan.judged, &mut inside, &mut room);
        if room.is_short {
            // How long the whole would have been is nobody's question; which value was cut is.
            self.cut(plan, 0);
        }
        let start = self.ink.len();
        self.head(plan, true);
        Put::value(&mut self.ink, &value, 0);
        for (field, note) in &inside.notes {
            self.remark(field, *note);
        }
        self.done(plan, true, start);
        self.settle();
    }

    /// A copy in which every member under a secret's name has its marker, and every text is sifted, as far as there is
    /// room for it.
    fn nested(&self, value: &Value, judged: &Judged, inside: &mut Inside<'_>, room: &mut Room) -> Value {
        match value {
            Value::List(_) | Value::Map(_) if inside.depth >= MAX_DEPTH => {
                room.is_short = true;
                Value::from(TOO_DEEP)
            }
            Value::List(values) => self.list(values, judged, inside, room),
            Value::Map(members) => self.map(members, inside, room),
            Value::Str(text) => match sift::sift(self.policy, judged, judged.text.look, text) {
                Some(sifted) => {
                    room.is_short |= sifted.is_short;
                    inside.note(sifted.notes);
                    Value::from(cut(&sifted.text, room.upto(sifted.text.len())))
                }
                None => Value::from(cut(text, room.upto(text.len()))),
            },
            Value::Bytes(bytes) => self.nested_bytes(bytes, judged, inside, room),
            Value::Int(_) | Value::Uint(_) | Value::Float(_) if judged.number.look == Look::All => {
                match sift::sift(self.policy, judged, Look::All, &text_of(value)) {
                    Some(sifted) => {
                        inside.note(sifted.notes);
                        Value::Str(sifted.text)
                    }
                    None => value.clone(),
                }
            }
            value => value.clone(),
        }
    }

    fn nested_bytes(&self, bytes: &[u8], judged: &Judged, inside: &mut Inside<'_>, room: &mut Room) -> Value {
        let sifted = sift::sift_bytes(self.policy, judged, bytes);
        let kept = sifted.as_ref().map_or(bytes, |sifted| sifted.text.as_bytes());
        let value = Value::from(kept.get(..room.upto(kept.len())).unwrap_or_default());
        room.is_short |= sifted.as_ref().is_some_and(|sifted| sifted.is_short);
        inside.note(sifted.into_iter().flat_map(|sifted| sifted.notes));
        value
    }

    fn list(&self, values: &[Value], judged: &Judged, inside: &mut Inside<'_>, room: &mut Room) -> Value {
        let mut kept = Vec::new();
        inside.depth += 1;
        for (at, value) in values.iter().enumerate() {
            if !room.take(ITEM) {
                break;
            }
            let name = beside::before(values, at);
            match name.filter(|name| self.is_secrets_name(name, &inside.path, inside.about)) {
                Some(name) => kept.extend(self.member(name, value, inside, room)),
                None => kept.push(self.nested(value, judged, inside, room)),
            }
        }
        inside.depth -= 1;
        Value::List(kept)
    }

    fn map(&self, members: &Map, inside: &mut Inside<'_>, room: &mut Room) -> Value {
        let mut kept = Map::new();
        inside.depth += 1;
        for (key, value) in members {
            if !room.take(ITEM + key.len()) {
                break;
            }
            let (shown, notes) = self.key(key, members);
            let stated = beside::stated(members, key);
            let stated = stated.filter(|name| self.is_secrets_name(name, &inside.path, inside.about));
            let value = self.member(stated.unwrap_or(&shown), value, inside, room);
            let notes = notes.into_iter().map(|note| (shown.clone().into_owned(), note));
            inside.notes.extend(notes);
            kept.extend(value.map(|value| (shown.into_owned(), value)));
        }
        inside.depth -= 1;
        Value::Map(kept)
    }

    /// A map's member, under the rule of its key; `None` where it is dropped.
    fn member(&self, key: &str, value: &Value, inside: &mut Inside<'_>, room: &mut Room) -> Option<Value> {
        let outside = inside.path.len();
        inside.path.push('.');
        inside.path.push_str(key);
        let asked = Asked {
            name: key,
            path: &inside.path,
            about: inside.about,
        };
        let mut judged = self.policy.judge(&asked, None);
        let is_number = matches!(
            value,
            Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Bool(_)
        );
        let decision = if is_number { judged.number } else { judged.text };
        // What the policy under trial would not keep as a whole is counted once, and not for what stands in it.
        let outside_tried = inside.is_tried;
        judged.trial = judged.trial.filter(|_| outside_tried);
        if let Some(trial) = &judged.trial {
            let tried = if is_number { trial.number } else { trial.text };
            if tried.action != Action::Keep {
                self.policy.counts().add_trial(tried.rule, 1);
                inside.is_tried = false;
            }
        }
        let is_own = decision.action != Action::Drop && value.as_str().is_some_and(instead::is_own);
        let kept = match decision.action {
            _ if is_own => Some(value.clone()),
            Action::Keep => Some(self.nested(value, &judged, inside, room)),
            action => {
                let done = Note {
                    rule: decision.rule,
                    class: decision.class,
                    action,
                    n: 1,
                };
                let text = match value {
                    Value::Str(text) => text.clone(),
                    value if is_number => text_of(value),
                    _ => String::new(),
                };
                let mut out = String::new();
                let whole = matches!(value, Value::Str(_)) || is_number;
                let hidden = if whole { action } else { Action::Marker };
                let is_done = instead::replace(self.policy, hidden, decision.class, "", &text, &mut out);
                if is_done || action == Action::Drop {
                    inside.notes.push((key.to_owned(), done));
                }
                (action != Action::Drop).then_some(Value::Str(out))
            }
        };
        inside.is_tried = outside_tried;
        inside.path.truncate(outside);
        kept
    }
}

/// Where in a value its copy is being made, and what was done there.
struct Inside<'a> {
    /// The keys down to here, joined by dots.
    path: String,
    about: About<'a>,
    depth: usize,
    /// Whether a policy under trial would keep what this stands in.
    is_tried: bool,
    /// Which field, and what. Keys that come from data are named only where a rule of the policy names them.
    notes: Vec<(String, Note)>,
}

impl Inside<'_> {
    fn note(&mut self, notes: impl IntoIterator<Item = Note>) {
        let path = self.path.split('.').next_back().unwrap_or_default().to_owned();
        self.notes
            .extend(notes.into_iter().map(|note| (path.clone(), note)));
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
