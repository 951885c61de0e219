//! Which form of a field's type gives its text: what `derive(AuditFields)` writes asks here, and nobody else need.
//!
//! The compiler prefers the method that needs the fewest references taken, so a derive that calls it on `&&&&&Probe`
//! is given the class that the type states where it does, then `Display` where the type has it, then what an `Option` holds, then bytes, then `Debug`.

use std::fmt;

use super::class::Class;
use super::sensitive::{Classified, Sensitive};
use super::view::AuditField;

/// A field whose type is asked.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// A reference to a field whose type states its class.
pub trait Typed<'a> {
    /// The field.
    fn typed(self, name: &'static str) -> AuditField<'a>;
}

impl<'a, T, C: Classified> Typed<'a> for &'a Sensitive<T, C> {
    fn typed(self, name: &'static str) -> AuditField<'a> {
        AuditField::typed(name, self)
    }
}

impl<'a, T, C: Classified> Typed<'a> for &'a Option<Sensitive<T, C>> {
    fn typed(self, name: &'static str) -> AuditField<'a> {
        match self {
            Some(value) => AuditField::typed(name, value),
            None => AuditField::absent(name, C::CLASS),
        }
    }
}

/// By the class that its type states, whatever else is said.
pub trait ByType<'a> {
    /// The field.
    fn field(&self, name: &'static str, class: Class) -> AuditField<'a>;
}

impl<'a, T> ByType<'a> for &&&&Probe<'a, T>
where
    &'a T: Typed<'a>,
{
    fn field(&self, name: &'static str, _: Class) -> AuditField<'a> {
        self.0.typed(name)
    }
}

macro_rules! forms {
    ($($doc:literal $name:ident<$type:ident: $bound:path> for ($($reference:tt)*) $asked:ty, $make:expr;)*) => {$(
        #[doc = $doc]
        pub trait $name<'a> {
            /// The field.
            fn field(&self, name: &'static str, class: Class) -> AuditField<'a>;
        }

        impl<'a, $type: $bound> $name<'a> for $($reference)* Probe<'a, $asked> {
            fn field(&self, name: &'static str, class: Class) -> AuditField<'a> {
                let make: fn(&'static str, Class, &'a $asked) -> AuditField<'a> = $make;
                make(name, class, self.0)
            }
        }
    )*};
}

forms! {
    "By its `Display` form." ByDisplay<T: fmt::Display> for (&&&) T,
        |name, class, value| AuditField::display(name, class, value);
    "By the `Display` form of what it holds." ByOption<T: fmt::Display> for (&&) Option<T>,
        |name, class, value| match value {
            Some(value) => AuditField::display(name, class, value),
            None => AuditField::absent(name, class),
        };
    "By what its bytes say." ByBytes<T: AsRef<[u8]>> for (&) T,
        |name, class, value| AuditField::bytes(name, class, value.as_ref());
    "By its `Debug` form." ByDebug<T: fmt::Debug> for () T,
        |name, class, value| AuditField::debug(name, class, value);
}
