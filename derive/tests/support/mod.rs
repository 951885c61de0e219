//! Errors for the tests of the short forms, and what is asserted of nearly every record.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use tracing_audit::AuditError;
use tracing_audit::record::{Outcome, Slot};
use tracing_audit::testing::CapturedRecord;

/// An error with a cause.
#[derive(Debug)]
pub(crate) struct Failed {
    message: String,
    cause: Option<Box<Failed>>,
}

impl Failed {
    pub(crate) fn new(message: String) -> Self {
        Self { message, cause: None }
    }

    pub(crate) fn because(mut self, cause: Self) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

pub(crate) fn failed(message: &str) -> Failed {
    Failed::new(message.to_owned()).because(Failed::new("the disk is full".to_owned()))
}

/// An error that knows more than that it is one.
#[derive(Debug)]
pub(crate) enum Refusal {
    NeedsRole,
    Broken,
    Waiting,
    NotModified,
    Other,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is {self:?}")
    }
}

impl Error for Refusal {}

impl AuditError for Refusal {
    fn outcome(&self) -> Outcome {
        match self {
            Self::NeedsRole => Outcome::Denied,
            Self::Broken => Outcome::Failure,
            Self::Waiting => Outcome::Pending,
            Self::NotModified => Outcome::Success,
            Self::Other => Outcome::Other("quarantined".to_owned()),
        }
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::NeedsRole => Some(Cow::Borrowed("needs_role")),
            Self::Broken => Some(Cow::Owned("broken".to_owned())),
            _ => None,
        }
    }
}

#[track_caller]
pub(crate) fn assert_outcome(record: &CapturedRecord, outcome: &str, reason_code: Option<&str>) {
    record.assert_has(Slot::Outcome, outcome);
    assert_eq!(record.text(Slot::ReasonCode), reason_code, "{record:?}");
}
