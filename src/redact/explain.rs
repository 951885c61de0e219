//! Plans as plain data: what a policy does to a field, and why.

use std::fmt;

use super::action::Action;
use super::class::Class;
use super::field::{FieldPlan, Of};
use super::judge::{Decision, Judged, Look};
use super::policy::Policy;
use super::rule::About;

/// What a policy does to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explained {
    /// The field's name.
    pub field: String,
    /// Where its value stands in the line: the path of a slot, or a key of `attributes`, `labels` or `hashes`.
    pub place: String,
    /// What is done to texts, bytes and what is shown by `Debug` or `Display`.
    pub text: Treatment,
    /// What is done to numbers and truth values.
    pub number: Treatment,
    /// What a policy under trial would do.
    pub trial: Option<Box<(Treatment, Treatment)>>,
}

/// What is done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Treatment {
    /// What the name says that the value is.
    pub class: Class,
    /// What is done.
    pub action: Action,
    /// The rule that decides; `None` where none says anything.
    pub rule: Option<&'static str>,
    /// What is looked for in a value that is kept.
    pub sought: Sought,
}

/// What is looked for in a value that is kept, or kept in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sought {
    /// Nothing: it comes from a closed set, is not kept, or redaction is off.
    Nothing,
    /// Secrets: the value is an id or a word of the application's own.
    Secrets,
    /// Secrets, personal and financial data, addresses.
    All,
}

impl Policy {
    /// What this policy does to a field of this name. The event's name and the category count for rules that ask for them;
    /// where they are not known, those rules apply that remove something.
    ///
    /// ```
    /// use tracing_audit::redact::{Action, Policy, Sought};
    ///
    /// let policy = Policy::balanced();
    /// let plan = policy.explain("user.password", None, None);
    /// assert_eq!((plan.text.action, plan.text.rule), (Action::Marker, Some("name.secret")));
    /// let plan = policy.explain("actor.id", None, None);
    /// assert_eq!((plan.text.action, plan.text.sought), (Action::Keep, Sought::Secrets));
    /// ```
    #[must_use]
    pub fn explain(&self, field: &str, event: Option<&str>, category: Option<&str>) -> Explained {
        let of = Of {
            policy: self,
            about: About { event, category },
        };
        FieldPlan::new(field, of).explain()
    }
}

impl FieldPlan {
    /// The plan as plain data.
    pub(crate) fn explain(&self) -> Explained {
        let judged = self.judged();
        let both = |judged: &Judged| (Treatment::from(judged.text), Treatment::from(judged.number));
        let (text, number) = both(judged);
        Explained {
            field: self.name().to_owned(),
            place: self.place().to_owned(),
            text,
            number,
            trial: judged.trial.as_deref().map(|trial| Box::new(both(trial))),
        }
    }
}

impl From<Decision> for Treatment {
    fn from(decision: Decision) -> Self {
        Self {
            class: decision.class,
            action: decision.action,
            rule: Some(decision.rule).filter(|rule| !rule.is_empty()),
            sought: match decision.look {
                Look::None => Sought::Nothing,
                Look::Secrets => Sought::Secrets,
                Look::All => Sought::All,
            },
        }
    }
}

impl Sought {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Secrets => "secrets",
            Self::All => "all",
        }
    }
}

impl fmt::Display for Treatment {
    /// `hmac as personal:email by member-mail`, `keep and look for secrets`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.action)?;
        if self.class != Class::UNCLASSIFIED {
            write!(f, " as {}", self.class)?;
        }
        if let Some(rule) = self.rule {
            write!(f, " by {rule}")?;
        }
        match self.sought {
            Sought::Nothing => Ok(()),
            Sought::Secrets => f.write_str(", look for secrets"),
            Sought::All => f.write_str(", look for everything"),
        }
    }
}

impl fmt::Display for Explained {
    /// One line; numbers and the trial only where they differ.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}: {}", self.field, self.place, self.text)?;
        if self.number != self.text {
            write!(f, "; numbers: {}", self.number)?;
        }
        match &self.trial {
            Some(trial) if trial.0 != self.text => write!(f, "; on trial: {}", trial.0),
            _ => Ok(()),
        }
    }
}
