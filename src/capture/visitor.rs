//! The visitor: every kind of `tracing` value, by its callsite's plan, into a frame.

use std::error::Error;
use std::fmt::Debug;

use tracing_core::field::{Field, Visit};

use super::plan::Plan;
use crate::redact::{FieldPlan, Redacting};

/// Takes a callsite's values through its plan. All methods of [`Visit`] are overridden: the defaults go through
/// `Debug`, which loses the kind.
pub(super) struct Visitor<'v, 'p> {
    fields: &'static [Option<FieldPlan>],
    into: &'v mut Redacting<'p>,
}

impl<'v, 'p> Visitor<'v, 'p> {
    #[inline]
    pub(super) fn new(plan: &'static Plan, into: &'v mut Redacting<'p>) -> Self {
        Self {
            fields: &plan.fields,
            into,
        }
    }

    #[inline]
    fn plan(&self, field: &Field) -> Option<&'static FieldPlan> {
        self.fields.get(field.index())?.as_ref()
    }
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

impl Visit for Visitor<'_, '_> {
    visit! {
        record_f64(f64) f64
        record_i64(i64) i64
        record_u64(u64) u64
        record_i128(i128) i128
        record_u128(u128) u128
        record_bool(bool) bool
        record_str(&str) str
        record_bytes(&[u8]) bytes
        record_error(&(dyn Error + 'static)) error
        record_debug(&dyn Debug) debug
    }
}
