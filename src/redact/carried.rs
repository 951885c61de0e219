//! Values of typed events on their way through `tracing`, which knows neither lists nor structures nor classes: other
//! layers are shown a text or the marker of a class, and our writer is handed the value.

use std::fmt::{self, Write as _};

use zeroize::Zeroize as _;

use super::class::Class;
use super::field::{FieldPlan, Of};
use super::recording::{self, Heard, Told, Wish};
use super::redacting::Redacting;
use super::typed::{Typed, Way};
use super::{beside, sift, text};
use crate::memory;
use crate::record::frame::{Out as _, Put, tag};
use crate::record::{FieldClass, FieldMeta, Kind, Place, Value, View};

/// A value of a typed event as `tracing` is given it.
pub struct Carry<'a> {
    view: View<'a>,
    class: FieldClass,
    parts: &'static [FieldMeta],
}

/// A value that was handed over.
#[derive(Debug, Clone)]
pub(super) struct Carried {
    pub(super) value: Value,
    class: FieldClass,
    parts: &'static [FieldMeta],
}

impl<'a> Carry<'a> {
    /// A value of this class, in which these parts have classes of their own.
    #[must_use]
    pub const fn new(view: View<'a>, class: FieldClass, parts: &'static [FieldMeta]) -> Self {
        Self { view, class, parts }
    }

    /// Hands the value to a writer of ours. Texts are lent: nobody is left with a copy to wipe.
    fn hand(&self, f: &mut fmt::Formatter<'_>, wish: Wish) -> fmt::Result {
        match (&self.view, wish) {
            (View::Texts(texts), Wish::Parts) => {
                let count = texts.count();
                recording::hands(f, Told::Texts(count))?;
                return (0..count).try_for_each(|at| f.write_str(texts.text(at)));
            }
            (View::Text(text), Wish::Parts | Wish::Text) => {
                recording::hands(f, Told::Text)?;
                return f.write_str(text);
            }
            _ => {}
        }
        if !memory::is_enough(self.weight()) {
            return Ok(());
        }
        let Some(value) = self.view.clone().into_value() else {
            return Ok(());
        };
        recording::hands(
            f,
            Told::Carried(Carried {
                value,
                class: self.class,
                parts: self.parts,
            }),
        )
    }

    /// About how much memory a copy takes.
    fn weight(&self) -> usize {
        match &self.view {
            View::Text(text) => text.len(),
            View::Texts(texts) => (0..texts.count())
                .map(|at| size_of::<Value>() + texts.text(at).len())
                .sum(),
            View::Value(value) => value.weight(usize::MAX, usize::MAX),
            View::Made(value) => value.weight(usize::MAX, usize::MAX),
            _ => 0,
        }
    }

    /// Shows the value to everybody.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let View::Texts(texts) = &self.view
            && self.class.is_open()
        {
            let texts = (0..texts.count()).map(|at| texts.text(at));
            return f.debug_list().entries(texts).finish();
        }
        match &self.view {
            View::Value(value) => fmt::Debug::fmt(&self.shown(value), f),
            view => match view.clone().into_value() {
                Some(value) => fmt::Debug::fmt(&self.shown(&value), f),
                None => Ok(()),
            },
        }
    }

    fn shown<'v>(&self, value: &'v Value) -> Shown<'v> {
        Shown {
            value,
            class: self.class,
            parts: self.parts,
        }
    }
}

impl fmt::Debug for Carry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(wish) = recording::asks(f)? {
            return self.hand(f, wish);
        }
        self.show(f)
    }
}

impl Drop for Carried {
    /// The copy was made for us, so nothing of it outlives us.
    fn drop(&mut self) {
        // What does not fit there is left to the usual way of dropping it, and is nobody's loss.
        memory::apart(|| {
            let mut rest = Vec::new();
            let mut next = Some(&mut self.value);
            while let Some(value) = next {
                match value {
                    Value::Str(text) => text.zeroize(),
                    Value::Bytes(bytes) => bytes.zeroize(),
                    Value::List(values) => values.iter_mut().for_each(|value| memory::push(&mut rest, value)),
                    Value::Map(members) => members
                        .values_mut()
                        .for_each(|value| memory::push(&mut rest, value)),
                    _ => {}
                }
                next = rest.pop();
            }
        });
        std::mem::replace(&mut self.value, Value::Null).dismantle();
    }
}

impl Carried {
    /// What stands for the value where it is part of a text.
    pub(super) fn text(&self) -> String {
        let shown = Shown {
            value: &self.value,
            class: self.class,
            parts: self.parts,
        };
        let mut text = memory::Text::default();
        let _ = write!(text, "{shown:?}");
        text.0
    }
}

/// A value as people read it: nearly as in a line, without its forms for numbers that JSON does not have, and with
/// markers in the place of what not everybody may see.
struct Shown<'v> {
    value: &'v Value,
    class: FieldClass,
    parts: &'static [FieldMeta],
}

impl<'v> Shown<'v> {
    fn inside(&self, value: &'v Value) -> Self {
        Self {
            value,
            class: self.class,
            parts: &[],
        }
    }

    fn member(&self, key: &str, value: &'v Value) -> Self {
        let part = self.parts.iter().find(|part| part.path == key);
        part.map_or_else(
            || self.inside(value),
            |part| Self {
                value,
                class: part.class,
                parts: part.parts,
            },
        )
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.class.is_open() {
            return recording::marker(Class::of_words(self.class.kind, self.class.label), f);
        }
        match self.value {
            Value::Null => f.write_str("null"),
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Int(number) => write!(f, "{number}"),
            Value::Uint(number) => write!(f, "{number}"),
            Value::Float(number) => write!(f, "{number}"),
            Value::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Value::Commitment(_) => f.write_str("[COMMITMENT]"),
            Value::Str(text) => write!(f, "{text:?}"),
            Value::List(values) => f
                .debug_list()
                .entries(values.iter().map(|value| self.inside(value)))
                .finish(),
            Value::Map(members) => f
                .debug_map()
                .entries(members.iter().map(|(key, value)| (key, self.member(key, value))))
                .finish(),
        }
    }
}

/// What a [`Carry`] has handed over.
enum Taken {
    /// Nothing, or not all of it.
    Nothing,
    /// A text, which is written.
    Text,
    /// A list of texts, which is written.
    Texts,
    Value(Carried),
}

/// Takes what a [`Carry`] hands over, straight into the frame where it is a text or a list of texts.
struct Taking<'t, 'p> {
    into: &'t mut Redacting<'p>,
    plan: &'t FieldPlan,
    wish: Wish,
    /// How many texts of a list there are.
    count: usize,
    /// How many of them are still to come.
    left: usize,
    /// Whether a text is to come that is no list's.
    is_next: bool,
    taken: Taken,
}

impl fmt::Write for Taking<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match recording::hear(text, self.wish) {
            Heard::Question => {}
            Heard::Told(Told::Carried(carried)) => self.taken = Taken::Value(carried),
            Heard::Told(Told::Text) => self.is_next = true,
            Heard::Told(Told::Texts(count)) => {
                (self.count, self.left, self.taken) = (count, count, Taken::Texts);
                self.into.head(self.plan, true);
                let [a, b, c, d] = u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
                self.into.ink.extend(&[tag::LIST, a, b, c, d]);
            }
            Heard::Told(_) => {}
            Heard::Text if std::mem::take(&mut self.is_next) => {
                self.into.str(self.plan, text);
                self.taken = Taken::Text;
            }
            Heard::Text => self.item(text),
        }
        Ok(())
    }
}

impl Taking<'_, '_> {
    fn item(&mut self, text: &str) {
        if !matches!(self.taken, Taken::Texts) {
            return;
        }
        let (policy, plan) = (self.into.policy, self.plan);
        let is_kept = text.len() <= self.into.free(plan)
            && sift::passes(policy, &plan.judged, plan.memo, text)
            && !self.condemns_next(text);
        if !is_kept || self.left == 0 {
            // One that cannot stay: the whole is needed.
            self.taken = Taken::Nothing;
            return;
        }
        self.left -= 1;
        Put::str(&mut self.into.ink, text);
    }

    /// Whether the text says that the one behind it is a secret: then all of them are looked at together.
    fn condemns_next(&self, text: &str) -> bool {
        let name = beside::names_next(text, self.count);
        name.is_some_and(|name| {
            self.into
                .is_secrets_name(name, &self.plan.name, self.plan.about())
        })
    }
}

impl Redacting<'_> {
    /// A value of a typed event that `tracing` has no kind for, or that it must not show.
    pub(super) fn carried(&mut self, plan: &FieldPlan, value: &dyn fmt::Debug) {
        self.take_carried(plan, value);
        self.settle();
    }

    fn take_carried(&mut self, plan: &FieldPlan, value: &dyn fmt::Debug) {
        let start = self.ink.len();
        let takes_texts = plan.keeps_text()
            && plan.judged.trial.is_none()
            && plan
                .kind
                .is_none_or(|kind| matches!(kind, Kind::Texts | Kind::Any));
        let wish = match takes_texts {
            true => Wish::Parts,
            false => Wish::Text,
        };
        match self.taken(plan, value, wish) {
            Taken::Text => return,
            Taken::Texts => return self.done(plan, true, start),
            Taken::Value(carried) => return self.whole(plan, &carried.value),
            Taken::Nothing => self.ink.wipe_back(start),
        }
        match self.taken(plan, value, Wish::Whole) {
            Taken::Value(carried) => self.whole(plan, &carried.value),
            _ => {
                self.ink.wipe_back(start);
                self.tally.panicked += 1;
                self.put(plan, true, |ink| Put::str(ink, text::PANICKED));
            }
        }
    }

    /// What a value hands over. Its own code runs here.
    fn taken(&mut self, plan: &FieldPlan, value: &dyn fmt::Debug, wish: Wish) -> Taken {
        let mut taking = Taking {
            into: self,
            plan,
            wish,
            count: 0,
            left: 0,
            is_next: false,
            taken: Taken::Nothing,
        };
        let _ = text::caught(|| write!(taking, "{value:?}"));
        match taking.taken {
            Taken::Texts if taking.left > 0 => Taken::Nothing,
            taken => taken,
        }
    }

    /// A value in the form that a record has it in.
    fn whole(&mut self, plan: &FieldPlan, value: &Value) {
        match *value {
            Value::Bool(truth) => return self.bool(plan, truth),
            Value::Int(number) => return self.i128(plan, number),
            Value::Uint(number) => return self.u128(plan, number),
            Value::Float(number) => return self.f64(plan, number),
            _ => {}
        }
        let (Value::Map(members), Some((event, field))) = (value, plan.typed) else {
            return self.value(plan, value, plan.about());
        };
        let of = Of {
            policy: self.policy,
            about: plan.about(),
        };
        match (Place::of(field.path), plan.kind) {
            (Place::Slot(slot), Some(Kind::Map)) => {
                self.members(slot, members, Some(&Typed::of(event, of)), of)
            }
            (Place::Detail(keys), _) if !field.parts.is_empty() && !members.is_empty() => {
                self.places(members, &mut Way::to(keys), Some(&Typed::of(event, of)), of);
            }
            _ => self.value(plan, value, of.about),
        }
    }
}
