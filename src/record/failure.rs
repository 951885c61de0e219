//! What an error says of itself to the trail.

use std::borrow::Cow;

use super::vocabulary::Outcome;

/// An error that knows more of how a call ended than that it failed.
///
/// A function under `#[audited]` (feature `derive`) that returns an `Err` is a failure, whatever the error's type. Where the
/// type of the error implements this trait, it is asked. The message is taken from its `Display` form in any case.
///
/// In a `Box<dyn Error>`, an `anyhow::Error` or an error that has another one for its source, the compiler does not see the
/// type any more: `#[audited(errors = [Refusal])]` names the types that are looked for there. They implement
/// [`Error`](std::error::Error) besides.
///
/// ```
/// use std::borrow::Cow;
/// use tracing_audit::AuditError;
/// use tracing_audit::record::Outcome;
///
/// enum Refusal {
///     NeedsRole(&'static str),
///     Locked,
/// }
///
/// impl AuditError for Refusal {
///     fn outcome(&self) -> Outcome {
///         match self {
///             Self::NeedsRole(_) => Outcome::Denied,
///             Self::Locked => Outcome::Failure,
///         }
///     }
///
///     fn code(&self) -> Option<Cow<'_, str>> {
///         Some(Cow::Borrowed(match self {
///             Self::NeedsRole(_) => "needs_role",
///             Self::Locked => "locked",
///         }))
///     }
/// }
/// # let _ = [Refusal::NeedsRole("editor"), Refusal::Locked].map(|refusal| (refusal.outcome(), refusal.code().map(Cow::into_owned)));
/// ```
pub trait AuditError {
    /// How the call ended that returned this error. By default: [`Outcome::Failure`]. [`Outcome::Success`] is for what is
    /// no failure though it travels as an `Err`, such as "not modified": then no message is recorded.
    fn outcome(&self) -> Outcome {
        Outcome::Failure
    }

    /// A stable word or number for the error, which becomes `error.code`. By default: none. It is kept as a word of the
    /// application's own, so nothing of a request belongs in it.
    fn code(&self) -> Option<Cow<'_, str>> {
        None
    }
}

impl<E: AuditError + ?Sized> AuditError for &E {
    fn outcome(&self) -> Outcome {
        (**self).outcome()
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        (**self).code()
    }
}

impl<E: AuditError + ?Sized> AuditError for Box<E> {
    fn outcome(&self) -> Outcome {
        (**self).outcome()
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        (**self).code()
    }
}

impl<E: AuditError + ?Sized> AuditError for std::sync::Arc<E> {
    fn outcome(&self) -> Outcome {
        (**self).outcome()
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        (**self).code()
    }
}
