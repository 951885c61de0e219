//! What the compiler is asked about types that a macro cannot see: whether what a function returned is a `Result`, how an
//! error shows itself, how a value becomes a field.
//!
//! The compiler prefers the method that needs the fewest references taken. A macro calls it on as many references as there are
//! forms, so the first form below that the type has is the one that it is given.

use std::convert::Infallible;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::Future;

use tracing::Value;
use tracing::field::{self, DebugValue, DisplayValue};

use super::Fallible;
use crate::record::AuditError;
use crate::redact::Sourced;

/// A value whose type is asked.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// How a call ended, by what it returned.
#[derive(Debug)]
pub enum End<'a, T: ?Sized, E: ?Sized> {
    /// Well.
    Returned(&'a T),
    /// With an error.
    Failed(&'a E),
    /// It has not: what was returned is a future.
    LeftOpen,
}

/// By the variant of the `Result`.
pub trait ByResult<'a> {
    /// What it is when it went well.
    type Value;
    /// What it is when it did not.
    type Error;

    /// How the call ended.
    fn audit_end(&self) -> End<'a, Self::Value, Self::Error>;
}

impl<'a, T, E> ByResult<'a> for &&Probe<'a, Result<T, E>> {
    type Value = T;
    type Error = E;

    #[inline]
    fn audit_end(&self) -> End<'a, T, E> {
        Fallible::end(self.0)
    }
}

/// Not at all: it is a future.
pub trait ByFuture<'a, T: ?Sized> {
    /// How the call ended.
    fn audit_end(&self) -> End<'a, T, Infallible>;
}

impl<'a, T: Future + ?Sized> ByFuture<'a, T> for &Probe<'a, T> {
    #[inline]
    fn audit_end(&self) -> End<'a, T, Infallible> {
        End::LeftOpen
    }
}

/// Well, as it returned.
pub trait ByReturn<'a, T: ?Sized> {
    /// How the call ended.
    fn audit_end(&self) -> End<'a, T, Infallible>;
}

impl<'a, T: ?Sized> ByReturn<'a, T> for Probe<'a, T> {
    #[inline]
    fn audit_end(&self) -> End<'a, T, Infallible> {
        End::Returned(self.0)
    }
}

/// An error that says more of itself.
pub trait Says<'a> {
    /// The error, for what it says.
    fn audit_says(&self) -> Option<&'a dyn AuditError>;
}

impl<'a, E: AuditError> Says<'a> for &Probe<'a, E> {
    #[inline]
    fn audit_says(&self) -> Option<&'a dyn AuditError> {
        Some(self.0)
    }
}

/// An error that says no more.
pub trait SaysNothing<'a> {
    /// Nothing.
    fn audit_says(&self) -> Option<&'a dyn AuditError>;
}

impl<'a, E: ?Sized> SaysNothing<'a> for Probe<'a, E> {
    #[inline]
    fn audit_says(&self) -> Option<&'a dyn AuditError> {
        None
    }
}

macro_rules! forms {
    ($($doc:literal $name:ident $method:ident [$($generics:tt)*] for ($($reference:tt)*) $asked:ty => $made:ty, $make:expr
        $(, $iterated:ty)?;)*) => {$(
        #[doc = $doc]
        pub trait $name<'a> {
            /// What becomes a field.
            type Made;

            /// The value as a field.
            fn $method(&self) -> Self::Made;
        }

        impl<'a, $($generics)*> $name<'a> for $($reference)* Probe<'a, $asked>
        where
            $($iterated: IntoIterator<Item: AsRef<str>>,)?
        {
            type Made = $made;

            #[inline]
            fn $method(&self) -> $made {
                let make: fn(&'a $asked) -> $made = $make;
                make(self.0)
            }
        }
    )*};
}

// An error's message.
forms! {
    "What holds an error, and shows it." ByHeld audit_message [E: AsRef<dyn Error>] for (&&&&&&) E => DebugValue<Sourced<'a>>,
        |error| field::debug(Sourced::new(error.as_ref()));
    "What holds an error that can be sent." ByHeldSend audit_message [E: AsRef<dyn Error + Send>] for (&&&&&) E
        => DebugValue<Sourced<'a>>, |error| field::debug(Sourced::new(error.as_ref()));
    "What holds an error that can be sent and shared." ByHeldSync audit_message [E: AsRef<dyn Error + Send + Sync>] for (&&&&) E
        => DebugValue<Sourced<'a>>, |error| field::debug(Sourced::new(error.as_ref()));
    "An error, and what it came of." ByError audit_message [E: Error] for (&&&) E => DebugValue<Sourced<'a>>,
        |error| field::debug(Sourced::new(error));
    "Its `Display` form." ByDisplay audit_message [E: Display] for (&&) E => DisplayValue<&'a E>, field::display;
    "Its `Debug` form." ByDebug audit_message [E: Debug] for (&) E => DebugValue<&'a E>, field::debug;
    "It has no text." ByNothing audit_message [E] for () E => field::Empty, |_| field::Empty;
}

// A value that an attribute names. There is no `Debug` among the forms: it shows more than somebody may have thought of.
forms! {
    "As it is." Plain audit_value [T: Value] for (&&) T => &'a T, |value| value;
    "By its `Display` form." Displayed audit_value [T: Display] for (&) T => DisplayValue<&'a T>, field::display;
    "By the `Display` form of what it holds." Held audit_value [T: Display] for () Option<T> => Option<DisplayValue<&'a T>>,
        |value| value.as_ref().map(field::display);
}

// Names of fields that changed.
forms! {
    "As a text." AsText audit_names [T: AsRef<str>] for (&&) T => &'a str, |names| names.as_ref();
    "Name by name, behind a reference." ListedBehind audit_names ['r, T: ?Sized] for (&) &'r T => DebugValue<Listed<'r, T>>,
        |names| field::debug(Listed(names)), &'r T;
    "Name by name." ListedIn audit_names [T] for () T => DebugValue<Listed<'a, T>>,
        |names| field::debug(Listed(names)), &'a T;
}

/// Names, whose `Debug` form is a list of them.
pub struct Listed<'a, T: ?Sized>(&'a T);

impl<'a, T: ?Sized> Debug for Listed<'a, T>
where
    &'a T: IntoIterator<Item: AsRef<str>>,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.into_iter().map(Name)).finish()
    }
}

struct Name<S>(S);

impl<S: AsRef<str>> Debug for Name<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Debug::fmt(self.0.as_ref(), f)
    }
}
