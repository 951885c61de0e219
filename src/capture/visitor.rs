//! The visitor: every kind of `tracing` value, by its callsite's plan, into a frame.

use std::error::Error;
use std::fmt::Debug;

use tracing_core::field::{Field, Visit};

use super::plan::Plan;
use crate::redact::{Counted, FieldPlan, Lending, Redacting, Shortcut};

/// Takes a callsite's values through its plan. All methods of [`Visit`] are overridden: the defaults go through
/// `Debug`, which loses the kind.
pub(super) struct Visitor<'v, 'p> {
    shortcuts: &'static [Shortcut],
    fields: &'static [Option<FieldPlan>],
    into: &'v mut Redacting<'p>,
}

impl<'v, 'p> Visitor<'v, 'p> {
    #[inline]
    pub(super) fn new(plan: &'static Plan, into: &'v mut Redacting<'p>) -> Self {
        Self {
            shortcuts: &plan.shortcuts,
            fields: &plan.fields,
            into,
        }
    }

    #[inline]
    fn plan(&self, field: &Field) -> Option<&'static FieldPlan> {
        self.fields.get(field.index())?.as_ref()
    }

    #[inline(always)]
    fn shortcut(&self, field: &Field) -> Option<&'static Shortcut> {
        self.shortcuts.get(field.index())
    }

    #[inline(never)]
    fn counted_str(&mut self, field: &Field, text: &str, counted: Counted) {
        if let Some(plan) = self.plan(field) {
            self.into.counted_str(plan, text, counted);
        }
    }
}

/// Methods for values that may take the short way, and what they do where they cannot: at the end, in another function, so that
/// who can has no registers to save.
macro_rules! visit_short {
    ($($method:ident($value:ty) $short:ident $into:ident)*) => {$(
        #[inline]
        fn $method(&mut self, field: &Field, value: $value) {
            let is_written = self.shortcut(field).is_some_and(|cut| self.into.$short(cut, value));
            if !is_written {
                self.$into(field, value);
            }
        }
    )*};
}

macro_rules! visit {
    ($($method:ident($value:ty) $into:ident)*) => {$(
        #[inline]
        fn $method(&mut self, field: &Field, value: $value) {
            if let Some(plan) = self.plan(field) {
                self.into.$into(plan, value);
            }
        }
    )*};
}

macro_rules! long {
    ($($into:ident($value:ty))*) => {$(
        #[inline(never)]
        fn $into(&mut self, field: &Field, value: $value) {
            if let Some(plan) = self.plan(field) {
                self.into.$into(plan, value);
            }
        }
    )*};
}

impl Visitor<'_, '_> {
    long! {
        f64(f64)
        i64(i64)
        u64(u64)
        bool(bool)
        str(&str)
    }
}

impl Visit for Visitor<'_, '_> {
    visit_short! {
        record_f64(f64) short_f64 f64
        record_i64(i64) short_i64 i64
        record_u64(u64) short_u64 u64
        record_bool(bool) short_bool bool
    }

    visit! {
        record_i128(i128) i128
        record_u128(u128) u128
        record_bytes(&[u8]) bytes
        record_error(&(dyn Error + 'static)) error
        record_debug(&dyn Debug) debug
    }

    #[inline]
    fn record_str(&mut self, field: &Field, text: &str) {
        let Some(shortcut) = self.shortcut(field).filter(|cut| cut.takes_words()) else {
            return self.str(field, text);
        };
        let counted = Counted::of(text);
        if !self.into.short_str(shortcut, counted, text) {
            self.counted_str(field, text, counted);
        }
    }
}

/// Takes what an ordinary span lends into words, where all of it takes the short way. It runs nobody's code: a value whose own
/// code would run is given up.
pub(super) struct LendingVisitor<'v, 'w> {
    shortcuts: &'static [Shortcut],
    fields: &'static [Option<FieldPlan>],
    into: &'v mut Lending<'w>,
}

impl<'v, 'w> LendingVisitor<'v, 'w> {
    #[inline(always)]
    pub(super) fn new(plan: &'static Plan, into: &'v mut Lending<'w>) -> Self {
        Self {
            shortcuts: &plan.shortcuts,
            fields: &plan.fields,
            into,
        }
    }

    /// Whether the field is taken at all.
    #[inline(always)]
    fn is_taken(&self, field: &Field) -> bool {
        self.fields.get(field.index()).is_some_and(Option::is_some)
    }

    #[inline(never)]
    fn give_up(&mut self, field: &Field) {
        if self.is_taken(field) {
            self.into.give_up();
        }
    }
}

macro_rules! lend {
    ($($method:ident($value:ty) $into:ident)*) => {$(
        #[inline]
        fn $method(&mut self, field: &Field, value: $value) {
            if self.is_taken(field)
                && let Some(cut) = self.shortcuts.get(field.index())
            {
                self.into.$into(cut, value);
            }
        }
    )*};
}

macro_rules! give_up {
    ($($method:ident($value:ty))*) => {$(
        #[inline]
        fn $method(&mut self, field: &Field, _: $value) {
            self.give_up(field);
        }
    )*};
}

impl Visit for LendingVisitor<'_, '_> {
    lend! {
        record_str(&str) str
        record_u64(u64) u64
        record_i64(i64) i64
        record_f64(f64) f64
        record_bool(bool) bool
    }

    give_up! {
        record_i128(i128)
        record_u128(u128)
        record_bytes(&[u8])
        record_error(&(dyn Error + 'static))
        record_debug(&dyn Debug)
    }
}
