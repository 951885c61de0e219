//! The builder of an entry: which parts were given is in its type.

use std::fmt;
use std::marker::PhantomData;

use super::{Action, ActorType, Entry, NO_ADDRESS, NO_USER_AGENT, Outcome, PROFILE, SINGLE_TENANT, UNKNOWN};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Record, RecordBuilder, Slot, Value};
use crate::redact::truncate_ip;

/// A part that must be given, and was.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Given;

/// A part that must be given, and was not yet.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Missing;

/// The entry is about an `UPDATE`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Update;

/// The entry is about another action.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Other;

// The traits are not reachable from outside, so that nobody can say that a part was given.

#[diagnostic::on_unimplemented(
    message = "the entry does not say who acted",
    label = "who acted is missing",
    note = "call `.user(id)`, `.system()` or `.service(name)` before `.build()`"
)]
pub trait HasActor {}

#[diagnostic::do_not_recommend]
impl HasActor for Given {}

#[diagnostic::on_unimplemented(
    message = "the entry does not say which roles the actor held",
    label = "the roles are missing",
    note = "call `.roles([…])` before `.build()`; somebody without a role has the empty list, `.no_roles()`"
)]
pub trait HasRoles {}

#[diagnostic::do_not_recommend]
impl HasRoles for Given {}

#[diagnostic::on_unimplemented(
    message = "the entry does not say in which feature of the application this was done",
    label = "the feature is missing",
    note = "call `.feature(name)` before `.build()`"
)]
pub trait HasFeature {}

#[diagnostic::do_not_recommend]
impl HasFeature for Given {}

#[diagnostic::on_unimplemented(
    message = "the entry does not say in which environment this was done",
    label = "the environment is missing",
    note = "call `.environment(name)` before `.build()`, such as `production`"
)]
pub trait HasEnvironment {}

#[diagnostic::do_not_recommend]
impl HasEnvironment for Given {}

#[diagnostic::on_unimplemented(
    message = "the entry does not say for which tenant this was done",
    label = "the tenant is missing",
    note = "call `.tenant(id)` before `.build()`, or `.single_tenant()` where there is only one"
)]
pub trait HasTenant {}

#[diagnostic::do_not_recommend]
impl HasTenant for Given {}

#[diagnostic::on_unimplemented(
    message = "the entry does not say where this came from",
    label = "the origin is missing",
    note = "call `.from_address(ip, user_agent)` before `.build()`, or `.from_background_job()` where there was no request"
)]
pub trait HasOrigin {}

#[diagnostic::do_not_recommend]
impl HasOrigin for Given {}

#[diagnostic::on_unimplemented(
    message = "the entry does not say whether personal data is in what was touched",
    label = "the declaration of personal data is missing",
    note = "call `.contains_pii(true)` or `.contains_pii(false)` before `.build()`"
)]
pub trait HasPii {}

#[diagnostic::do_not_recommend]
impl HasPii for Given {}

#[diagnostic::on_unimplemented(
    message = "the entry does not say how it ended",
    label = "the outcome is missing",
    note = "call `.outcome(Outcome::…)` before `.build()`"
)]
pub trait HasOutcome {}

#[diagnostic::do_not_recommend]
impl HasOutcome for Given {}

#[diagnostic::on_unimplemented(
    message = "only an `UPDATE` has changed fields",
    label = "this entry is not about an `UPDATE`",
    note = "begin with `Entry::update(…)`, or leave `.changed_fields(…)` out"
)]
pub trait IsUpdate {}

#[diagnostic::do_not_recommend]
impl IsUpdate for Update {}

/// Collects the parts of an [`Entry`].
///
/// The type says what the entry is about (`W`) and which parts were given: actor, roles, feature, environment, tenant,
/// origin, declaration of personal data and outcome. [`build`](Self::build) exists only where all of them were.
#[must_use = "a builder does nothing until `build` is called"]
pub struct EntryBuilder<
    W,
    A = Missing,
    R = Missing,
    F = Missing,
    E = Missing,
    T = Missing,
    O = Missing,
    P = Missing,
    C = Missing,
> {
    record: RecordBuilder,
    #[expect(clippy::type_complexity, reason = "one mark for each part")]
    parts: PhantomData<(W, A, R, F, E, T, O, P, C)>,
}

impl<W> EntryBuilder<W> {
    pub(super) fn begin(action: Action, resource: impl Into<String>) -> Self {
        let record = Record::builder(action.event())
            .action(action.as_str())
            .set(Slot::ResourceType, resource.into())
            .set(Slot::Profile, PROFILE);
        Self {
            record,
            parts: PhantomData,
        }
    }
}

impl<W, A, R, F, E, T, O, P, C> EntryBuilder<W, A, R, F, E, T, O, P, C> {
    /// Fills a slot; where it is a part's, the part is given then.
    fn fill<A2, R2, F2, E2, T2, O2, P2, C2>(
        self,
        slot: Slot,
        value: impl Into<Value>,
    ) -> EntryBuilder<W, A2, R2, F2, E2, T2, O2, P2, C2> {
        EntryBuilder {
            record: self.record.set(slot, value),
            parts: PhantomData,
        }
    }

    fn actor(self, kind: ActorType, id: String) -> EntryBuilder<W, Given, R, F, E, T, O, P, C> {
        let typed: Self = self.fill(Slot::ActorType, kind.as_str());
        typed.fill(Slot::ActorId, id)
    }

    /// A person acted, known by an id: never an e-mail address or a name. What looks like an address is refused by
    /// [`build`](Self::build).
    pub fn user(self, id: impl Into<String>) -> EntryBuilder<W, Given, R, F, E, T, O, P, C> {
        self.actor(ActorType::User, id.into())
    }

    /// The application itself acted: its id is `system`, and it has no roles.
    pub fn system(self) -> EntryBuilder<W, Given, Given, F, E, T, O, P, C> {
        self.actor(ActorType::System, "system".to_owned()).no_roles()
    }

    /// Another program acted: its id is `service-NAME`, and it has no roles unless [`roles`](Self::roles) follows.
    pub fn service(self, name: &str) -> EntryBuilder<W, Given, Given, F, E, T, O, P, C> {
        self.actor(ActorType::Service, format!("service-{name}"))
            .no_roles()
    }

    /// The roles that the actor held when it acted.
    pub fn roles<N: Into<String>>(
        self,
        roles: impl IntoIterator<Item = N>,
    ) -> EntryBuilder<W, A, Given, F, E, T, O, P, C> {
        self.fill(Slot::ActorRoles, list(roles))
    }

    /// The actor held no role.
    pub fn no_roles(self) -> EntryBuilder<W, A, Given, F, E, T, O, P, C> {
        self.fill(Slot::ActorRoles, Value::List(Vec::new()))
    }

    /// The feature of the application in which it was done.
    pub fn feature(self, name: impl Into<String>) -> EntryBuilder<W, A, R, Given, E, T, O, P, C> {
        self.fill(Slot::ScopeFeature, name.into())
    }

    /// The environment in which it was done: `production`, `staging` or another word.
    pub fn environment(self, name: impl Into<String>) -> EntryBuilder<W, A, R, F, Given, T, O, P, C> {
        self.fill(Slot::ScopeEnvironment, name.into())
    }

    /// The tenant on whose behalf it was done.
    pub fn tenant(self, id: impl Into<String>) -> EntryBuilder<W, A, R, F, E, Given, O, P, C> {
        self.fill(Slot::ScopeTenant, id.into())
    }

    /// There is only one tenant: `default`.
    pub fn single_tenant(self) -> EntryBuilder<W, A, R, F, E, Given, O, P, C> {
        self.tenant(SINGLE_TENANT)
    }

    /// The request's address and user agent. The address loses its last bits here ([`truncate_ip`]): IPv4 keeps 24,
    /// IPv6 keeps 48. What is no address is never kept: the word `unknown` stands for it, and for an empty user agent.
    pub fn from_address(
        self,
        ip: &str,
        user_agent: impl Into<String>,
    ) -> EntryBuilder<W, A, R, F, E, T, Given, P, C> {
        let (address, bits) = truncate_ip(ip).unwrap_or_else(|| (UNKNOWN.to_owned(), None));
        let mut user_agent = user_agent.into();
        if user_agent.is_empty() {
            UNKNOWN.clone_into(&mut user_agent);
        }
        let mut to: Self = self.fill(Slot::ActorIp, address);
        if let Some(bits) = bits {
            to = to.fill(Slot::ActorIpPrefixLen, bits);
        }
        to.fill(Slot::ActorUserAgent, user_agent)
    }

    /// There was no request: the address is `system`, and the user agent is `background-job`.
    pub fn from_background_job(self) -> EntryBuilder<W, A, R, F, E, T, Given, P, C> {
        let at: Self = self.fill(Slot::ActorIp, NO_ADDRESS);
        at.fill(Slot::ActorUserAgent, NO_USER_AGENT)
    }

    /// Whether personal data is in what was touched.
    pub fn contains_pii(self, contains: bool) -> EntryBuilder<W, A, R, F, E, T, O, Given, C> {
        self.fill(Slot::PiiContains, contains)
    }

    /// How it ended.
    pub fn outcome(self, outcome: Outcome) -> EntryBuilder<W, A, R, F, E, T, O, P, Given> {
        self.fill(Slot::Outcome, outcome.in_a_record().as_str())
    }

    /// The id of the thing that it was done to. Default: absent, for what has no id, such as a list.
    pub fn resource_id(self, id: impl Into<String>) -> Self {
        self.fill(Slot::ResourceId, id.into())
    }

    /// The names of the fields that changed, never their values. Only where the entry began with
    /// [`Entry::update`]. Default: absent.
    pub fn changed_fields<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self
    where
        W: IsUpdate,
    {
        self.fill(Slot::ChangedFields, list(names))
    }

    /// The kinds of personal data in it: `email`, `name`, `phone`, `address`, `ssn`, `financial`, `health` or other
    /// words. Default: absent.
    pub fn pii_categories<N: Into<String>>(self, categories: impl IntoIterator<Item = N>) -> Self {
        self.fill(Slot::PiiCategories, list(categories))
    }

    /// Why, in words; never with data of a person. Default: absent.
    pub fn reason(self, reason: impl Into<String>) -> Self {
        self.fill(Slot::Reason, reason.into())
    }

    /// The request that this belongs to. Default: what the surrounding span or
    /// [`AuditContext`](crate::AuditContext) says.
    pub fn request_id(self, id: impl Into<String>) -> Self {
        self.fill(Slot::RequestId, id.into())
    }

    /// What ties the records of one request together. Default: the trace id of the surrounding span or
    /// [`AuditContext`](crate::AuditContext), as [`Record::correlation_id`] gives it.
    pub fn correlation_id(self, id: impl Into<String>) -> Self {
        self.fill(Slot::CorrelationId, id.into())
    }

    /// A stable word for what went wrong. Default: absent.
    pub fn error_code(self, code: impl Into<String>) -> Self {
        self.fill(Slot::ErrorCode, code.into())
    }

    /// Ends the builder.
    ///
    /// # Errors
    ///
    /// `Refused`: the actor's id looks like an e-mail address, or a part that must be given is empty. The message never
    /// repeats the id.
    pub fn build(self) -> Result<Entry>
    where
        A: HasActor,
        R: HasRoles,
        F: HasFeature,
        E: HasEnvironment,
        T: HasTenant,
        O: HasOrigin,
        P: HasPii,
        C: HasOutcome,
    {
        let record = self.record.build();
        check(&record)?;
        Ok(Entry { record })
    }
}

impl<W, A, R, F, E, T, O, P, C> fmt::Debug for EntryBuilder<W, A, R, F, E, T, O, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EntryBuilder").field(&self.record).finish()
    }
}

impl<W, A, R, F, E, T, O, P, C> Clone for EntryBuilder<W, A, R, F, E, T, O, P, C> {
    fn clone(&self) -> Self {
        Self {
            record: self.record.clone(),
            parts: PhantomData,
        }
    }
}

fn list<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Value {
    Value::List(names.into_iter().map(|name| Value::Str(name.into())).collect())
}

/// What each text must not be without, and what to do about it.
const NEEDED: &[(Slot, &str)] = &[
    (Slot::ActorId, "give the id that stands for the person or program"),
    (Slot::ResourceType, "say what kind of thing was touched"),
    (Slot::ScopeFeature, "name the feature"),
    (
        Slot::ScopeEnvironment,
        "name the environment, such as `production`",
    ),
    (Slot::ScopeTenant, "name the tenant, or call `single_tenant`"),
];

fn check(record: &Record) -> Result<()> {
    let is_empty = |slot| record.text(slot).is_none_or(|text| text.trim().is_empty());
    if let Some((slot, remedy)) = NEEDED.iter().find(|(slot, _)| is_empty(*slot)) {
        let message = format!("the entry's `{}` is empty; {remedy}", slot.path());
        return Err(Error::new(ErrorKind::Refused, message));
    }
    if record.text(Slot::ActorId).is_some_and(looks_like_an_address) {
        return Err(Error::new(
            ErrorKind::Refused,
            "the entry's `actor.id` looks like an e-mail address; give the id that stands for the person, such as the \
             key of the user's row, and keep the address out of the trail",
        ));
    }
    Ok(())
}

/// Whether an id could be an e-mail address: by its sign in any of its spellings, or to the eye of the value engine.
fn looks_like_an_address(id: &str) -> bool {
    let folded = id.replace(['\u{ff20}', '\u{fe6b}'], "@").replace("%40", "@");
    let has_sign = folded
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    has_sign || {
        let found = crate::redact::scan("actor.id", id);
        // What was not looked at, for its length or for want of memory, could be one.
        found.dropped > 0 || found.redactions.iter().any(|redaction| redaction.rule == "email")
    }
}
