//! The verdict on a field: what its name says, before a value is there. Reached once for each callsite.

use std::sync::Arc;

use super::action::Action;
use super::class::{Class, ClassKind};
use super::policy::{Inner, Stance, hides};
use super::rule::{Asked, FieldRule, ValueType};
use super::scan::Field;
use super::scan::hits::Sort;
use super::words::{self, Force, Named, Words};
use crate::record::{Kind, Slot};

/// Which detectors look at a value that its name does not condemn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// None: the value comes from a closed set, or redaction is off.
    None,
    /// Those for secrets: ids and words of the application's own.
    Secrets,
    /// All.
    All,
}

/// What is done to the values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) action: Action,
    /// The rule's id, as the record and the counters state it; `""` where no rule says anything.
    pub(crate) rule: &'static str,
    pub(crate) class: Class,
    /// What is looked for in a value that is kept.
    pub(crate) look: Look,
}

/// The verdict on a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    /// What is done to texts, bytes and what is shown.
    pub(crate) text: Decision,
    /// What is done to numbers and truth values.
    pub(crate) number: Decision,
    /// What the value engine knows of the field, where it is asked.
    pub(crate) field: Option<Arc<Field>>,
    /// The class that the name points to, where the value has to prove it.
    pub(crate) named: Class,
    /// What another policy would have done, where one is under trial.
    pub(crate) trial: Option<Box<Judged>>,
}

/// The rule by which a strict policy drops what nobody listed.
pub(super) const UNLISTED: &str = "strict.unlisted";

const KEEP: Decision = Decision {
    action: Action::Keep,
    rule: "",
    class: Class::UNCLASSIFIED,
    look: Look::None,
};

impl Judged {
    /// Whether nothing but the want of a listing speaks against a text.
    pub(super) fn is_unlisted(&self) -> bool {
        self.text.rule == UNLISTED
    }

    /// What a strict policy says where the types of the values list the field.
    pub(super) fn listed(&self, name: &str) -> Self {
        let kept = Decision {
            look: Look::Secrets,
            ..KEEP
        };
        Self {
            text: kept,
            number: kept,
            field: Some(Arc::new(Field::of(name))),
            ..self.clone()
        }
    }
}

#[cfg(feature = "config")]
impl Judged {
    /// The verdict on a text whose field says nothing: everything is looked for in it.
    pub(super) fn free_text() -> Self {
        let text = Decision {
            look: Look::All,
            ..KEEP
        };
        Self {
            text,
            number: text,
            field: Some(Arc::new(Field::of(""))),
            named: Class::UNCLASSIFIED,
            trial: None,
        }
    }
}

/// Decides about a field that fills `slot`, or about an attribute, label or nested key.
pub(super) fn judge(policy: &Inner, asked: &Asked<'_>, slot: Option<Slot>) -> Judged {
    let words = Words::of(asked.name);
    let named = words::named_of(&words).filter(|_| slot.is_none());
    let judged = Judged {
        text: decide(policy, asked, slot, &words, named, ValueType::Text),
        number: decide(policy, asked, slot, &words, named, ValueType::Number),
        field: None,
        named: named.map_or(Class::UNCLASSIFIED, |named| {
            Class::named(named.sort, words.iter())
        }),
        trial: None,
    };
    // The name of a slot proves nothing of its value: `session_id` is no session's key. Nor does a declassified one.
    let is_silent = slot.is_some() || policy.is_declassified(&words);
    let field = (judged.text.look.max(judged.number.look) > Look::None)
        .then(|| Arc::new(Field::of(if is_silent { "" } else { asked.name })));
    let trial = policy
        .trial
        .as_ref()
        .map(|trial| Box::new(trial.judge(asked, slot)));
    Judged {
        field,
        trial,
        ..judged
    }
}

fn decide(
    policy: &Inner,
    asked: &Asked<'_>,
    slot: Option<Slot>,
    words: &Words,
    named: Option<Named>,
    values: ValueType,
) -> Decision {
    if matches!(policy.stance, Stance::Off(_)) {
        return KEEP;
    }
    let declassified = policy.is_declassified(words);
    let secret = named.is_some_and(|named| is_secret(named, values)) && !declassified;
    let can_be = |action| slot.is_none_or(Slot::is_erasable) || !matches!(action, Action::Erasable(_));
    let rule = best(policy, asked, words, values).filter(|(_, action)| can_be(*action));
    if let Some((rule, action)) = rule {
        let class = rule.class.unwrap_or(Class::UNCLASSIFIED);
        if secret && !hides(action) {
            return by_name(policy, Class::SECRET);
        }
        return Decision {
            action: policy.available(action),
            rule: rule.id,
            class,
            look: look(action),
        };
    }
    if secret {
        return by_name(policy, Class::SECRET);
    }
    let named = named.filter(|named| !(declassified && named.sort == Sort::Secret));
    let network = named.is_some_and(|named| named.sort == Sort::Network) || slot == Some(Slot::ActorIp);
    if network {
        return by_name(policy, Class::NETWORK);
    }
    if slot.is_some() || policy.stance == Stance::Strict {
        return listed(policy, words, named, slot, values);
    }
    let is_proof_needed =
        named.is_some_and(|named| named.force != Force::Certain || named.sort != Sort::Secret);
    Decision {
        // A number under a name that needs proof is looked at as the text that it would be.
        look: if values == ValueType::Text || is_proof_needed {
            Look::All
        } else {
            Look::None
        },
        ..KEEP
    }
}

/// Decides about a slot, and about what no rule of a strict policy lists: there a name is proof enough.
fn listed(
    policy: &Inner,
    words: &Words,
    named: Option<Named>,
    slot: Option<Slot>,
    values: ValueType,
) -> Decision {
    match (slot, named) {
        (Some(slot), _) => Decision {
            class: Class::INTERNAL,
            look: if values == ValueType::Text {
                look_at(slot, policy)
            } else {
                Look::None
            },
            ..KEEP
        },
        (None, Some(named)) => by_name(policy, Class::named(named.sort, words.iter())),
        (None, None) => Decision {
            action: policy.action_for(Class::UNCLASSIFIED),
            rule: UNLISTED,
            ..KEEP
        },
    }
}

/// Whether the name alone condemns such a value. `tokens: 5` says how many there are.
fn is_secret(named: Named, values: ValueType) -> bool {
    named.sort == Sort::Secret
        && named.force == Force::Certain
        && !(named.plural && values == ValueType::Number)
}

/// The rule that decides, and what it says: the one that names the field most narrowly, and the strictest of those.
fn best<'p>(
    policy: &'p Inner,
    asked: &Asked<'_>,
    words: &Words,
    values: ValueType,
) -> Option<(&'p FieldRule, Action)> {
    let fitting = policy.rules.iter().filter_map(|rule| {
        let narrow = rule.fit(asked, words)?;
        let action = rule
            .action
            .or_else(|| rule.class.map(|class| policy.action_for(class)))?;
        let removes = action != Action::Keep;
        rule.holds(asked.about, values, removes)
            .then_some((narrow, action, rule))
    });
    let mut best: Option<(u8, Action, &FieldRule)> = None;
    for (narrow, action, rule) in fitting {
        let is_better =
            best.is_none_or(|(known, old, _)| (narrow, action.strictness()) > (known, old.strictness()));
        if is_better {
            best = Some((narrow, action, rule));
        }
    }
    best.map(|(_, action, rule)| (rule, action))
}

fn by_name(policy: &Inner, class: Class) -> Decision {
    let action = policy.action_for(class);
    Decision {
        action,
        rule: match class.kind() {
            _ if action == Action::Keep => "",
            ClassKind::Network => "name.network",
            ClassKind::Secret => "name.secret",
            ClassKind::Financial => "name.financial",
            _ => "name.personal",
        },
        class,
        look: look(action),
    }
}

/// What is looked for in a value that a rule keeps, or keeps part of.
fn look(action: Action) -> Look {
    match action {
        Action::TruncateLen(_) => Look::All,
        // Whoever keeps a field knows what stands in it; secrets are looked for all the same.
        Action::Keep | Action::Erasable(_) => Look::Secrets,
        _ => Look::None,
    }
}

/// What is looked for in a slot: everything where people write freely, secrets where ids and words stand. A text that
/// comes where numbers and truth values belong becomes an attribute, so everything is looked for in it. A strict policy
/// takes no person's address or number for an actor's id.
fn look_at(slot: Slot, policy: &Inner) -> Look {
    match slot {
        Slot::ActorId if policy.stance == Stance::Strict => Look::All,
        Slot::Summary
        | Slot::Reason
        | Slot::ErrorMessage
        | Slot::ErrorChain
        | Slot::Detail
        | Slot::CallStack
        | Slot::LineageDelegationReason
        | Slot::ActorUserAgent
        | Slot::Attributes
        | Slot::Labels => Look::All,
        slot => match slot.kind() {
            Kind::Uint | Kind::Bool | Kind::Time | Kind::Map => Look::All,
            Kind::Text | Kind::Id | Kind::Texts | Kind::Any | Kind::Hex => Look::Secrets,
        },
    }
}
