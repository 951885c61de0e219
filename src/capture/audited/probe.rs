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

use crate::record::AuditError;
use crate::redact::Sourced;

/// A value whose type is asked.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// How a call ended, by what it returned.
pub enum End<'a, T: ?Sized, E: ?Sized> {
    /// Well.
    Returned(&'a T),
    /// With an error.
    Failed(&'a E),
    /// It has not: what was returned is a future.
    LeftOpen,
}

/// Without what was returned.
impl<T: ?Sized, E: ?Sized> Debug for End<'_, T, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Returned(_) => "Returned",
            Self::Failed(_) => "Failed",
            Self::LeftOpen => "LeftOpen",
        })
    }
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
        end_of(self.0)
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

// An error whose type, and those of its sources, can be asked for.
forms! {
    "What holds an error." HeldError audit_error [E: AsRef<dyn Error>] for (&&&&) E => &'a (dyn Error + 'static),
        |error| error.as_ref();
    "What holds an error that can be sent." HeldSendError audit_error [E: AsRef<dyn Error + Send>] for (&&&) E
        => &'a (dyn Error + 'static), |error| error.as_ref();
    "What holds an error that can be sent and shared." HeldSyncError audit_error [E: AsRef<dyn Error + Send + Sync>] for (&&) E
        => &'a (dyn Error + 'static), |error| error.as_ref();
    "An error." AnError audit_error [E: Error + 'static] for (&) E => &'a (dyn Error + 'static), |error| error;
}

// A value that an attribute names. There is no `Debug` among the forms: it shows more than somebody may have thought of.
forms! {
    "As it is." Plain audit_value [T: Value] for (&&&) T => &'a T, |value| value;
    "By its `Display` form." Displayed audit_value [T: Display] for (&&) T => DisplayValue<&'a T>, field::display;
    "By the `Display` form of what it holds." Held audit_value [T: Display] for (&) Option<T> => Option<DisplayValue<&'a T>>,
        |value| value.as_ref().map(field::display);
}

// Names of fields that changed.
forms! {
    "As a text." AsText audit_names [T: AsRef<str>] for (&&&) T => &'a str, |names| names.as_ref();
    "Name by name, behind a reference." ListedBehind audit_names ['r, T: ?Sized] for (&&) &'r T => DebugValue<Listed<'r, T>>,
        |names| field::debug(Listed(names)), &'r T;
    "Name by name." ListedIn audit_names [T] for (&) T => DebugValue<Listed<'a, T>>,
        |names| field::debug(Listed(names)), &'a T;
}

macro_rules! refusals {
    ($($name:ident $method:ident $wanted:ident $made:ty, $make:expr;)*) => {$(
        /// Not at all: the compiler says what is wanted.
        pub trait $name<'a> {
            /// The type that is asked.
            type Asked;

            /// Never called.
            fn $method(&self) -> $made
            where
                Self::Asked: $wanted;
        }

        impl<'a, T> $name<'a> for Probe<'a, T> {
            type Asked = T;

            fn $method(&self) -> $made
            where
                T: $wanted,
            {
                $make
            }
        }
    )*};
}

refusals! {
    Unshown audit_value Recordable field::Empty, field::Empty;
    Unlisted audit_names Nameable field::Empty, field::Empty;
    NoError audit_error Holding &'a (dyn Error + 'static), &std::fmt::Error;
    Infallibly audit_failure Fallible End<'a, (), Infallible>, End::LeftOpen;
}

/// What no type is that has a form to record.
#[diagnostic::on_unimplemented(
    message = "this value is neither a number, a truth value nor a text, and has no `Display` form",
    label = "`{Self}` cannot be recorded as it is",
    note = "write `?value` to record its `Debug` form, if you know all that this shows, or record a part of it"
)]
pub trait Recordable {}

/// What no type is that has names to give.
#[diagnostic::on_unimplemented(
    message = "`changed` takes names of fields: a text, or an array, a slice or another collection of texts",
    label = "`{Self}` has no names to give",
    note = "names and never values: what has changed is said by `[\"title\", \"body\"]`"
)]
pub trait Nameable {}

/// What no type is that is an error, or holds one.
#[diagnostic::on_unimplemented(
    message = "`errors` looks for types among an error and its sources, and `{Self}` is no error",
    label = "`{Self}` neither implements `Error` nor holds what does",
    note = "return a type that implements `Error`, or a box of one; `denied = |error| …` takes an error of any type"
)]
pub trait Holding {}

/// What no type is but a `Result`.
#[diagnostic::on_unimplemented(
    message = "`denied` and `errors` are about an error, and this function returns no `Result`",
    label = "`{Self}` is not a `Result`",
    note = "leave them out, or return a `Result` whose error says why"
)]
pub trait Fallible {}

/// By the variant of the `Result`, where it must be one.
pub trait Fallibly<'a> {
    /// What it is when it went well.
    type Value;
    /// What it is when it did not.
    type Error;

    /// How the call ended.
    fn audit_failure(&self) -> End<'a, Self::Value, Self::Error>;
}

impl<'a, T, E> Fallibly<'a> for &Probe<'a, Result<T, E>> {
    type Value = T;
    type Error = E;

    #[inline]
    fn audit_failure(&self) -> End<'a, T, E> {
        end_of(self.0)
    }
}

#[inline]
const fn end_of<T, E>(returned: &Result<T, E>) -> End<'_, T, E> {
    match returned {
        Ok(value) => End::Returned(value),
        Err(error) => End::Failed(error),
    }
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
