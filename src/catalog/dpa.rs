//! The strict entry: what an agreement on data processing (DPA) asks of an access to data, and no place for the data.
//!
//! An [`Entry`] says who did what to which thing, for whom and from where, whether personal data is in it, and how it
//! ended. A part that is missing is a compile error that names it. Contents, bodies, old and new values cannot be given,
//! because there is nothing that takes them. [`crate::guide::dpa`] has the whole story.
//!
//! ```
//! use tracing_audit::catalog::dpa::{Entry, Outcome};
//! use tracing_audit::testing::MemoryEmitter;
//!
//! # fn main() -> tracing_audit::Result<()> {
//! let entry = Entry::update("patient")
//!     .resource_id("p-17")
//!     .changed_fields(["address"])
//!     .user("u-4")
//!     .roles(["nurse"])
//!     .feature("admissions")
//!     .environment("production")
//!     .tenant("st-mary")
//!     .from_address("203.0.113.7", "Firefox/131")
//!     .contains_pii(true)
//!     .outcome(Outcome::Success)
//!     .build()?;
//! MemoryEmitter::new().audit().emit(entry)?;
//! # Ok(())
//! # }
//! ```

mod parts;

use std::fmt;
use std::str::FromStr;

pub use parts::{EntryBuilder, Given, Missing, Other, Update};

use tracing_core::Metadata;
use tracing_core::field::{DebugValue, FieldSet, debug};
use tracing_core::metadata::Kind;

use crate::capture::typed::Callsite;
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Record, Slot, Value};

/// The tenant of an application that has only one.
pub const SINGLE_TENANT: &str = "default";

/// What stands for an address where there was no request.
pub const NO_ADDRESS: &str = "system";

/// What stands for the user agent where there was no request.
pub const NO_USER_AGENT: &str = "background-job";

/// What stands for an address or a user agent that a request had, and that cannot be stated.
pub const UNKNOWN: &str = "unknown";

/// What the record's `profile` says.
pub const PROFILE: &str = "dpa";

/// What stands before the event's last word: `data_access.view`.
const FAMILY: &str = "data_access";

macro_rules! words {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(clippy::exhaustive_enums, reason = "closed on purpose: auditors sample by these words")]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every one, in the order of the agreement.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// All the words, for an error.
            pub(super) fn words() -> Vec<&'static str> {
                Self::ALL.iter().map(|known| known.as_str()).collect()
            }

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// # Errors
            ///
            /// The word is not one of [`Self::ALL`]. The message names those.
            fn from_str(word: &str) -> Result<Self> {
                let known = Self::ALL.iter().copied().find(|known| known.as_str() == word);
                known.ok_or_else(|| unknown($what, word, &Self::words()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What was done. Closed: a new word is a new version of this crate, so that an auditor who samples by word misses
    /// none. Other records of the trail have open vocabularies.
    Action, "action" {
        /// Read.
        View = "VIEW",
        /// Made.
        Create = "CREATE",
        /// Changed.
        Update = "UPDATE",
        /// Removed.
        Delete = "DELETE",
        /// Taken out of the system.
        Export = "EXPORT",
        /// Rights were given or taken.
        PermissionChange = "PERMISSION_CHANGE",
        /// A person agreed (GDPR, article 7).
        ConsentGrant = "CONSENT_GRANT",
        /// A person withdrew the agreement (GDPR, article 7).
        ConsentWithdraw = "CONSENT_WITHDRAW",
        /// Processing was restricted (GDPR, article 18).
        Restrict = "RESTRICT",
        /// The restriction ended (GDPR, article 18).
        Unrestrict = "UNRESTRICT",
    }
}

words! {
    /// How it ended. Closed.
    Outcome, "outcome" {
        /// It was done.
        Success = "success",
        /// It was not allowed.
        Denied = "denied",
        /// It failed.
        Error = "error",
    }
}

words! {
    /// What kind of subject acted. Closed.
    ActorType, "actor type" {
        /// A person.
        User = "user",
        /// The application itself.
        System = "system",
        /// Another program.
        Service = "service",
    }
}

impl Action {
    /// The name of the record's event: `data_access.view`, `data_access.permission_change` and so on.
    #[must_use]
    pub fn event(self) -> String {
        format!("{FAMILY}.{}", self.as_str().to_ascii_lowercase())
    }
}

impl Outcome {
    /// The trail's own word: what is an error here is a failure there.
    #[must_use]
    pub fn in_a_record(self) -> crate::record::Outcome {
        match self {
            Self::Success => crate::record::Outcome::Success,
            Self::Denied => crate::record::Outcome::Denied,
            Self::Error => crate::record::Outcome::Failure,
        }
    }
}

#[cold]
fn unknown(what: &str, word: &str, known: &[&str]) -> Error {
    let known = known.join(", ");
    let message = format!("unknown {what} `{word}`; known are {known}, in exactly this spelling");
    Error::new(ErrorKind::Format, message)
}

/// An access to data, complete. It can be handed over as a value (`audit.emit(entry)`) and recorded through
/// `tracing` ([`Entry::record`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    record: Record,
}

macro_rules! beginnings {
    ($($name:ident: $action:ident $text:literal,)*) => {$(
        #[doc = $text]
        ///
        /// `resource` is the type of the thing that it was done to.
        pub fn $name(resource: impl Into<String>) -> EntryBuilder<Other> {
            EntryBuilder::begin(Action::$action, resource)
        }
    )*};
}

impl Entry {
    beginnings! {
        view: View "Begins an entry about data that was read.",
        create: Create "Begins an entry about data that was made.",
        delete: Delete "Begins an entry about data that was removed.",
        export: Export "Begins an entry about data that was taken out of the system.",
        permission_change: PermissionChange "Begins an entry about rights that were given or taken.",
        consent_grant: ConsentGrant "Begins an entry about a person who agreed.",
        consent_withdraw: ConsentWithdraw "Begins an entry about a person who withdrew the agreement.",
        restrict: Restrict "Begins an entry about processing that was restricted.",
        unrestrict: Unrestrict "Begins an entry about a restriction that ended.",
    }

    /// Begins an entry about data that was changed: the only one that can name changed fields.
    ///
    /// `resource` is the type of the thing that it was done to.
    pub fn update(resource: impl Into<String>) -> EntryBuilder<Update> {
        EntryBuilder::begin(Action::Update, resource)
    }

    /// Begins an entry about an action that is known at run time only. It cannot name changed fields.
    pub fn of(action: Action, resource: impl Into<String>) -> EntryBuilder<Other> {
        EntryBuilder::begin(action, resource)
    }

    /// What was done.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        self.record.text(Slot::Action)?.parse().ok()
    }

    /// The record that is written.
    #[must_use]
    pub fn as_record(&self) -> &Record {
        &self.record
    }

    /// Records the entry through `tracing`: an ordinary event with the target `audit` and the level `info`, whose
    /// fields other layers see too. Neither [`AuditBuilder::allow_module`](crate::AuditBuilder::allow_module) nor a feature
    /// `max_level_*` of `tracing` keeps it out of a trail.
    pub fn record(&self) {
        if !CALLSITE.is_enabled() {
            return;
        }
        let values = SLOTS.map(|slot| Shown::of(&self.record, slot));
        CALLSITE.dispatch(&values.each_ref().map(Shown::value));
    }
}

macro_rules! shown {
    ($($name:literal $slot:ident,)*) => {
        /// What an entry says, as other layers call it.
        const NAMES: &[&str] = &[$($name,)*];
        /// Where it stands.
        const SLOTS: [Slot; NAMES.len()] = [$(Slot::$slot,)*];
    };
}

shown! {
    "event" Event,
    "action" Action,
    "actor.id" ActorId,
    "actor.type" ActorType,
    "actor.roles" ActorRoles,
    "actor.ip" ActorIp,
    "actor.ip_prefix_len" ActorIpPrefixLen,
    "actor.user_agent" ActorUserAgent,
    "resource.type" ResourceType,
    "resource.id" ResourceId,
    "changed_fields" ChangedFields,
    "scope.feature" ScopeFeature,
    "scope.environment" ScopeEnvironment,
    "scope.tenant" ScopeTenant,
    "pii.contains" PiiContains,
    "pii.categories" PiiCategories,
    "outcome" Outcome,
    "error.code" ErrorCode,
    "reason" Reason,
    "correlation_id" CorrelationId,
    "request_id" RequestId,
    "profile" Profile,
}

/// Not one of `tracing`'s macros: a feature of that crate would leave it out.
static CALLSITE: Callsite = Callsite::named(&METADATA);
static METADATA: Metadata<'static> = Metadata::new(
    concat!("event ", file!(), ":", line!()),
    "audit",
    tracing_core::Level::INFO,
    Some(file!()),
    Some(line!()),
    Some(module_path!()),
    FieldSet::new(NAMES, tracing_core::callsite::Identifier(&CALLSITE)),
    Kind::EVENT,
);

/// A value of an entry as `tracing` takes it.
enum Shown<'r> {
    Nothing,
    Text(&'r str),
    Texts(DebugValue<Vec<&'r str>>),
    Bool(bool),
    Number(u64),
}

impl<'r> Shown<'r> {
    fn of(record: &'r Record, slot: Slot) -> Self {
        match record.get(slot) {
            None => Self::Nothing,
            Some(Value::Str(text)) => Self::Text(text),
            Some(Value::Bool(truth)) => Self::Bool(*truth),
            Some(Value::List(_)) => Self::Texts(debug(record.texts(slot).unwrap_or_default())),
            Some(number) => number.as_u64().map_or(Self::Nothing, Self::Number),
        }
    }

    fn value(&self) -> Option<&dyn tracing_core::field::Value> {
        Some(match self {
            Self::Nothing => return None,
            Self::Text(text) => text,
            Self::Texts(texts) => texts,
            Self::Bool(truth) => truth,
            Self::Number(number) => number,
        })
    }
}

impl From<Entry> for Record {
    fn from(entry: Entry) -> Self {
        entry.record
    }
}

impl From<&Entry> for Record {
    fn from(entry: &Entry) -> Self {
        entry.record.clone()
    }
}
