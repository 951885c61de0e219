//! The plan for one field: where its value goes and what is done to it, decided once.

use std::sync::Arc;

use super::action::Action;
use super::class::Class;
use super::head::Head;
use super::hmac::Made;
use super::judge::{Judged, Look};
use super::memo;
use super::pattern::Patterns;
use super::policy::Policy;
use super::ready::{Marked, Pseudonymous};
use super::rule::{About, Asked};
use super::typed;
use crate::record::frame::{Put, STEP};
use crate::record::{EventMeta, FieldMeta, Kind, Naming, Place, Resolved, Slot};

/// Bits for slots whose being filled has consequences.
pub(crate) mod sees {
    pub(crate) const ACTOR: u16 = 1;
    pub(crate) const OUTCOME: u16 = 2;
    pub(crate) const EVENT: u16 = 4;
    pub(crate) const EXECUTION: u16 = 8;
    pub(crate) const DURATION: u16 = 16;
    pub(crate) const CATEGORY: u16 = 32;
    pub(crate) const ACTION: u16 = 64;
    pub(crate) const DECISION: u16 = 128;
    pub(crate) const PII: u16 = 256;
    /// Redaction hid something, and did not only shorten it.
    pub(crate) const HIDDEN: u16 = 512;
    /// Redaction saw personal data.
    pub(crate) const PERSONAL: u16 = 1024;
    /// The caller declared that there is no personal data.
    pub(crate) const DECLARED_NONE: u16 = 2048;
    /// The actor's id was a person's address or number.
    pub(crate) const ACTOR_PERSONAL: u16 = 4096;
    /// The actor's address lost its last bits, and how many are left was said.
    pub(crate) const SHORTENED: u16 = 8192;
    /// What rules about records are looked up by.
    pub(crate) const NAMES: u16 = EVENT | CATEGORY | ACTION;
}

/// What a plan is made under: the policy, and what is known of the records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Of<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) about: About<'a>,
}

impl Of<'_> {
    pub(super) fn judge(self, name: &str, slot: Option<Slot>) -> Judged {
        let asked = Asked {
            name,
            path: name,
            about: self.about,
        };
        self.policy.judge(&asked, slot)
    }
}

/// How a field of a callsite is written.
///
/// Most values ask for its [`Shortcut`](super::short::Shortcut) only. What every other one asks for stands first and fills one line
/// of memory, in which the compiler also finds whether there is a plan at all: the first of the truth values says so, where there
/// is none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct FieldPlan {
    pub(super) head: Head,
    /// Which kinds of value take the short way: bits of [`fast`].
    pub(super) fast: u16,
    pub(super) sees: u16,
    /// The number under which a thread remembers a text of the field.
    pub(super) memo: memo::Number,
    /// The field's name, as redaction remarks state it.
    pub(super) name: Box<str>,
    /// Where the value stands in the line, as a cut is reported.
    pub(super) path: Box<str>,
    pub(super) slot: Option<Slot>,
    /// What the slot takes; `None` for a member of a map, which takes anything.
    pub(super) kind: Option<Kind>,
    pub(super) naming: Naming,
    /// What the policy says of the name.
    pub(super) judged: Judged,
    /// What else texts are looked through for: tokens of the application's own. Plans that differ here are not the same,
    /// and what passed under one has not passed under the other.
    patterns: Option<Arc<Patterns>>,
    /// What stands for every text of the field, where that is one marker.
    pub(super) marked: Option<Box<Marked>>,
    /// As [`Self::marked`], where it is a pseudonym.
    pub(super) pseudonymous: Option<Box<Pseudonymous>>,
    made: Option<Arc<Made>>,
    /// The head for a value of a wrong type: the attribute of that name.
    pub(super) fallback: Head,
    /// Whether the head gets a number.
    is_numbered: bool,
    pub(super) inherited: bool,
    /// Whether the values are erasable: their entries say so, and name the subject's field, before all else.
    pub(super) erasable: bool,
    /// The typed event that it is a field of, where it is one: its values come in the form that `carried.rs` knows.
    pub(super) typed: Option<(&'static EventMeta, &'static FieldMeta)>,
}

const _: () = assert!(size_of::<Option<FieldPlan>>() == size_of::<FieldPlan>());
const _: () = assert!(std::mem::offset_of!(FieldPlan, memo) < 64);

/// Bits for kinds of value that a field keeps as they are, with nothing else to consider.
pub(super) mod fast {
    pub(in crate::redact) const STR: u16 = 1;
    pub(in crate::redact) const U64: u16 = 2;
    pub(in crate::redact) const I64: u16 = 4;
    pub(in crate::redact) const BOOL: u16 = 8;
    pub(in crate::redact) const F64: u16 = 16;
    /// In a text of one short word the value engine finds nothing; never without [`STR`] and [`LOOK`].
    pub(in crate::redact) const WORD: u16 = 32;
    /// A text is kept if the value engine finds nothing in it.
    pub(in crate::redact) const LOOK: u16 = 64;
    /// Something depends on the entry: it is handed down, or a name that rules go by.
    pub(in crate::redact) const MORE: u16 = 128;
    /// Only secrets are looked for.
    pub(in crate::redact) const SECRETS: u16 = 256;
    /// A marker stands for every text of the field.
    pub(in crate::redact) const MARKED: u16 = 512;
}

impl FieldPlan {
    /// Plans the field `name`. `inherits` says that it belongs to a span whose insides inherit it.
    pub(crate) fn new(name: &str, of: Of<'_>) -> Self {
        Self::resolved(name, of).hastened()
    }

    fn resolved(name: &str, of: Of<'_>) -> Self {
        match Resolved::of(name) {
            Resolved::Slot(slot, naming) => Self {
                path: slot.path().into(),
                kind: Some(slot.kind()),
                naming,
                judged: of.judge(name, Some(slot)),
                head: Head::new(&[slot.index()]),
                inherited: slot.is_inherited(),
                sees: bit(slot),
                ..Self::keyed(name, Slot::Attributes, name, Some(slot), of)
            },
            Resolved::Label(key) => Self {
                inherited: true,
                ..Self::keyed(name, Slot::Labels, key, None, of)
            },
            Resolved::Hash(key) => Self::keyed(name, Slot::Hashes, key, None, of),
            // With its slot: a span that only lends it must not fill the place in another's record.
            Resolved::Detail(path) => Self::detail(name, &path.replace('.', STEP_TEXT), of),
            Resolved::Attribute(key) => Self::keyed(name, Slot::Attributes, key, None, of),
        }
    }

    /// Plans a slot that a record given as a value fills.
    pub(crate) fn for_slot(slot: Slot, of: Of<'_>) -> Self {
        Self {
            path: slot.path().into(),
            kind: Some(Kind::Any),
            judged: of.judge(slot.path(), Some(slot)),
            head: Head::new(&[slot.index()]),
            sees: bit(slot),
            ..Self::keyed(slot.path(), Slot::Attributes, slot.path(), Some(slot), of)
        }
    }

    /// Plans a place inside `detail`, by the keys that lead there with [`STEP`] between them.
    pub(super) fn detail(name: &str, keys: &str, of: Of<'_>) -> Self {
        Self {
            path: format!("{}.{}", Slot::Detail.path(), keys.replace(STEP_TEXT, ".")).into(),
            ..Self::keyed(name, Slot::Detail, keys, Some(Slot::Detail), of)
        }
    }

    /// Plans a field that no slot may take: a duplicate, under a name of its own.
    pub(crate) fn attribute(name: &str, key: &str, of: Of<'_>) -> Self {
        Self::keyed(name, Slot::Attributes, key, None, of).hastened()
    }

    /// Plans a field that an ordinary span lends to the records inside it.
    pub(crate) fn lent(name: &str, of: Of<'_>) -> Self {
        let planned = Self::new(name, of);
        if planned.inherited || planned.slot.is_none() {
            let planned = Self {
                inherited: true,
                ..planned
            };
            return planned.hastened();
        }
        // A slot that is not handed down (an action, an outcome) would overwrite what the record itself says.
        let planned = Self {
            inherited: true,
            ..Self::attribute(name, name, of)
        };
        planned.hastened()
    }

    /// The same field where less depends on it: what it belongs to has nothing to hand down beside itself, or no rule
    /// about records goes by their names.
    pub(crate) fn plainer(mut self, hands_down: bool, by_names: bool) -> Self {
        self.inherited &= hands_down;
        if !by_names {
            self.sees &= !sees::NAMES;
        }
        // Only here: what is planned by data must not use the numbers up.
        self.is_numbered = true;
        self.hastened()
    }

    /// Notes which kinds of value need no second look.
    fn hastened(mut self) -> Self {
        self.fast = 0;
        self.mark_erasable();
        if self.is_numbered && !self.erasable {
            self.head = self.head.by_number();
        }
        self.marked = Marked::of(&self);
        if self.marked.is_some() {
            self.fast |= fast::MARKED;
        }
        self.pseudonymous = match self.is_ready() {
            true => Pseudonymous::of(&self, self.made.as_ref()),
            false => None,
        };
        if self.erasable {
            // What was done is said of each value, which takes the long way.
            return self;
        }
        // Under a trial every value goes the long way, which counts what the other policy would do.
        let is_short = self.head.is_short() || self.head.numbered != 0;
        if is_short && self.naming == Naming::Plain && self.judged.trial.is_none() {
            let takes = match self.kind {
                None | Some(Kind::Any) => fast::STR | fast::U64 | fast::I64 | fast::BOOL | fast::F64,
                Some(Kind::Text | Kind::Texts) => fast::STR,
                Some(Kind::Id) => fast::STR | fast::U64 | fast::I64,
                Some(Kind::Uint) => fast::U64,
                Some(Kind::Bool) if self.sees & sees::PII == 0 => fast::BOOL,
                Some(Kind::Bool) => 0,
                Some(Kind::Time | Kind::Hex | Kind::Map) => 0,
            };
            if self.keeps_text() {
                self.fast |= takes & fast::STR;
            }
            if self.keeps_number() && self.judged.number.look < Look::All && self.judged.trial.is_none() {
                self.fast |= takes & !fast::STR;
            }
            self.fast |= self.looks();
            if self.fast & fast::STR == 0 {
                self.fast &= !fast::WORD;
            }
            if self.inherited || self.sees & sees::NAMES != 0 {
                self.fast |= fast::MORE;
            }
        }
        self
    }

    /// Whether the values fill a slot, and no member of a map.
    pub(super) fn is_own_slot(&self) -> bool {
        self.head.len() == 1
    }

    /// Whether what stands for the field's texts can be made beforehand.
    pub(super) fn is_ready(&self) -> bool {
        let takes_texts = self
            .kind
            .is_none_or(|kind| matches!(kind, Kind::Text | Kind::Id | Kind::Texts | Kind::Any));
        takes_texts && self.judged.trial.is_none() && self.naming == Naming::Plain
    }

    /// How a text of the field is looked through.
    fn looks(&mut self) -> u16 {
        let Some(field) = &self.judged.field else {
            return 0;
        };
        let word = match field.is_plain() && self.patterns.is_none() {
            true => fast::WORD,
            false => 0,
        };
        if !self.memo.is_some() {
            self.memo = memo::Number::next();
        }
        match self.judged.text.look {
            Look::None => 0,
            Look::Secrets => fast::LOOK | fast::SECRETS | word,
            Look::All => fast::LOOK | word,
        }
    }

    fn keyed(name: &str, map: Slot, key: &str, slot: Option<Slot>, of: Of<'_>) -> Self {
        let head = |map: Slot, key: &str| {
            let mut head = Vec::new();
            Put::keyed(&mut head, map, key);
            Head::new(&head)
        };
        Self {
            name: name.into(),
            path: format!("{}.{key}", map.path()).into(),
            slot,
            kind: None,
            naming: Naming::Plain,
            judged: of.judge(name, None),
            head: head(map, key),
            fallback: head(Slot::Attributes, name),
            fast: 0,
            memo: memo::Number::NONE,
            patterns: of.policy.inner().patterns.clone(),
            marked: None,
            pseudonymous: None,
            made: of.policy.keys().made().cloned(),
            is_numbered: false,
            inherited: false,
            sees: 0,
            erasable: false,
            typed: None,
        }
    }

    /// Plans a field of a typed event: what is said of its class counts, or what its name says where that is stricter.
    pub(crate) fn of_event(event: &'static EventMeta, field: &'static FieldMeta, of: Of<'_>) -> Self {
        Self::at_path(field.path, event, field, of)
    }

    /// As [`Self::of_event`], for one that may stand inside another, at this path.
    pub(super) fn at_path(
        path: &str,
        event: &'static EventMeta,
        field: &'static FieldMeta,
        of: Of<'_>,
    ) -> Self {
        let place = Place::of(path);
        let name = place.field_name(path);
        let plan = match place {
            Place::Slot(slot) => Self {
                path: slot.path().into(),
                kind: Some(slot.kind()),
                judged: of.judge(&name, Some(slot)),
                head: Head::new(&[slot.index()]),
                inherited: slot.is_inherited(),
                sees: bit(slot),
                ..Self::keyed(&name, Slot::Attributes, &name, Some(slot), of)
            },
            Place::Member(map, key) => Self::keyed(&name, map, key, None, of),
            Place::Detail(keys) => Self::detail(&name, &keys.replace('.', STEP_TEXT), of),
            Place::Nowhere => Self::keyed(&name, Slot::Attributes, &name, None, of),
        };
        plan.of_class(event, field, of.policy)
    }

    /// The same field where its class is stated.
    pub(super) fn of_class(
        mut self,
        event: &'static EventMeta,
        field: &'static FieldMeta,
        policy: &Policy,
    ) -> Self {
        let class = Class::of_words(field.class.kind, field.class.label);
        // What the code asks for and nobody understands is no reason to keep more.
        let asked = field
            .action
            .map(|action| action.parse().unwrap_or(Action::Marker));
        self.judged = typed::judge(policy, class, asked, self.judged, &self.name);
        self.sees |= if class.is_pii() { sees::PERSONAL } else { 0 };
        self.typed = Some((event, field));
        self.memo = memo::Number::NONE;
        self.hastened()
    }

    /// The same field where the types of its values list it.
    pub(super) fn listed(&self) -> Self {
        Self {
            judged: self.judged.listed(&self.name),
            memo: memo::Number::NONE,
            marked: None,
            pseudonymous: None,
            ..self.clone()
        }
    }

    /// What is known of the records that hold the field.
    pub(super) fn about(&self) -> About<'static> {
        self.typed.map_or_else(About::default, |(event, _)| About {
            event: Some(event.name),
            category: Some(event.category),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn slot(&self) -> Option<Slot> {
        self.slot
    }

    pub(super) fn judged(&self) -> &Judged {
        &self.judged
    }

    /// Where the value stands in the line.
    pub(super) fn place(&self) -> &str {
        &self.path
    }

    /// Whether this field names the actor.
    pub(crate) fn names_actor(&self) -> bool {
        self.sees & sees::ACTOR != 0
    }

    /// Whether a text stays, but for what the value engine finds in it.
    #[inline]
    pub(super) fn keeps_text(&self) -> bool {
        self.keeps(self.judged.text.action)
    }

    #[inline]
    pub(super) fn keeps_number(&self) -> bool {
        self.keeps(self.judged.number.action)
    }

    #[inline]
    fn keeps(&self, action: Action) -> bool {
        action == Action::Keep || self.erasable && matches!(action, Action::Erasable(_))
    }

    pub(super) fn takes_ids(&self) -> bool {
        self.naming == Naming::Plain && self.kind.is_none_or(|kind| matches!(kind, Kind::Id | Kind::Any))
    }
}

/// [`STEP`] as a text.
pub(super) const STEP_TEXT: &str = "\0";
const _: () = assert!(matches!(STEP_TEXT.as_bytes(), [STEP]));

fn bit(slot: Slot) -> u16 {
    match slot {
        Slot::ActorId => sees::ACTOR,
        Slot::Outcome => sees::OUTCOME,
        Slot::Event => sees::EVENT,
        Slot::ExecutionId => sees::EXECUTION,
        Slot::DurationNs => sees::DURATION,
        Slot::Category => sees::CATEGORY,
        Slot::Action => sees::ACTION,
        Slot::DecisionEnforced => sees::DECISION,
        Slot::PiiContains => sees::PII,
        _ => 0,
    }
}
