//! Context for a request or job: who acts, for whom, under which ids. Set once, inherited by every record inside.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use super::core::Capture;
use super::local;
use super::place::Spot;
use crate::record::{ActorType, Record, RecordBuilder, Slot, TraceContext, Value};
use crate::redact::{Policy, RedactedFields, Redacting, Tally};

/// Who acts: an id, a type, and the roles held at the time.
///
/// ```
/// use tracing_audit::Actor;
///
/// let actor = Actor::user("u-17").role("editor");
/// actor.sync_scope(|| { /* every record in here names u-17, unless it names somebody itself */ });
/// ```
#[derive(Debug, Clone)]
#[must_use = "an actor does nothing until a scope is opened"]
pub struct Actor {
    context: AuditContext,
}

impl Actor {
    /// An actor of any type.
    pub fn new(kind: &ActorType, id: impl Into<String>) -> Self {
        let context = AuditContext::new()
            .set(Slot::ActorType, kind.as_str())
            .set(Slot::ActorId, id.into());
        Self { context }
    }

    /// A person, by id: never by name or e-mail address.
    pub fn user(id: impl Into<String>) -> Self {
        Self::new(&ActorType::User, id)
    }

    /// The application itself.
    pub fn system() -> Self {
        Self::new(&ActorType::System, "system")
    }

    /// Another program: its id is `service-NAME`.
    pub fn service(name: &str) -> Self {
        Self::new(&ActorType::Service, format!("service-{name}"))
    }

    /// An autonomous agent.
    pub fn agent(id: impl Into<String>) -> Self {
        Self::new(&ActorType::Agent, id)
    }

    /// Adds a role that the actor holds now.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        let mut roles = match self.context.record.get(Slot::ActorRoles) {
            Some(Value::List(roles)) => roles.clone(),
            _ => Vec::new(),
        };
        roles.push(Value::Str(role.into()));
        self.context = self.context.set(Slot::ActorRoles, Value::List(roles));
        self
    }

    /// The address that the actor came from; the policy truncates it.
    pub fn ip(self, address: impl Into<String>) -> Self {
        Self {
            context: self.context.set(Slot::ActorIp, address.into()),
        }
    }

    /// The program that the actor uses.
    pub fn user_agent(self, agent: impl Into<String>) -> Self {
        Self {
            context: self.context.set(Slot::ActorUserAgent, agent.into()),
        }
    }

    /// Runs a future as this actor, on whichever threads it is polled.
    pub fn scope<F: Future>(self, future: F) -> Scoped<F> {
        self.context.scope(future)
    }

    /// Runs a closure as this actor, on this thread.
    pub fn sync_scope<R>(self, run: impl FnOnce() -> R) -> R {
        self.context.sync_scope(run)
    }
}

/// Everything that a request or job hands down to its records.
#[derive(Debug, Clone, Default)]
#[must_use = "a context does nothing until a scope is opened"]
pub struct AuditContext {
    record: Record,
    trace: Option<TraceContext>,
}

macro_rules! context_setters {
    ($($name:ident: $slot:ident $text:literal,)*) => {$(
        #[doc = $text]
        pub fn $name(self, value: impl Into<String>) -> Self {
            self.set(Slot::$slot, value.into())
        }
    )*};
}

impl AuditContext {
    /// An empty context.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who acts.
    pub fn actor(mut self, actor: Actor) -> Self {
        for (slot, value) in actor.context.record.slots() {
            self.record.put(slot, value.clone());
        }
        self
    }

    context_setters! {
        tenant: ScopeTenant "The tenant on whose behalf this is done.",
        feature: ScopeFeature "The feature of the application.",
        environment: ScopeEnvironment "The environment.",
        session_id: SessionId "The session.",
        request_id: RequestId "The request.",
        correlation_id: CorrelationId "What ties the records of one request together; else the trace id does.",
        conversation_id: ConversationId "The conversation.",
        source: Source "Which part of the system reports.",
    }

    /// A label on every record inside.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.record
            .put_member(Slot::Labels, name.into(), Value::Str(value.into()));
        self
    }

    /// The remote trace that this continues: a W3C `traceparent` header. One that is not valid is ignored, as the
    /// recommendation asks.
    pub fn traceparent(mut self, header: &str) -> Self {
        self.trace = TraceContext::parse(header).or(self.trace);
        self
    }

    /// Any slot that is inherited. Another slot becomes an attribute of every record inside.
    pub fn set(mut self, slot: Slot, value: impl Into<Value>) -> Self {
        let slots = RecordBuilder::over(self.record);
        self.record = if slot.is_inherited() {
            slots.set(slot, value).build()
        } else {
            slots.attribute(slot.path(), value).build()
        };
        self
    }

    /// Runs a future in this context, on whichever threads it is polled.
    pub fn scope<F: Future>(self, future: F) -> Scoped<F> {
        Scoped {
            fields: ScopeFields::alone(self),
            future: Box::pin(future),
        }
    }

    /// Runs a closure in this context, on this thread.
    pub fn sync_scope<R>(self, run: impl FnOnce() -> R) -> R {
        let _inside = Inside::enter(ScopeFields::alone(self));
        run()
    }

    /// The context in a form that a closure and a future can share.
    #[cfg(feature = "tower")]
    pub(super) fn shared(self) -> SharedContext {
        SharedContext(ScopeFields::alone(self))
    }
}

/// A context that is opened twice: around the call that makes a future, and around the future.
#[cfg(feature = "tower")]
pub(super) struct SharedContext(Scopes);

#[cfg(feature = "tower")]
impl SharedContext {
    pub(super) fn enter<R>(&self, run: impl FnOnce() -> R) -> R {
        let _inside = Inside::enter(Arc::clone(&self.0));
        run()
    }

    pub(super) fn scope<F: Future>(self, future: F) -> Scoped<F> {
        Scoped {
            fields: self.0,
            future: Box::pin(future),
        }
    }
}

/// The context that the current thread is in, to be carried to another thread or task: what its scopes and its audit
/// spans hand down now.
///
/// Where it is opened under another trail than it was captured under, that trail takes the scopes, by its own policy,
/// and nothing of what spans handed down: that has passed the policy of the first trail. Where such a span knew an actor,
/// the other trail knows none, and says and counts that, rather than name the one outside.
#[derive(Debug, Clone)]
pub struct CurrentContext {
    fields: Scopes,
}

impl CurrentContext {
    /// What a record that is reported here and now would inherit, from the trail that is installed on this thread.
    #[must_use]
    pub fn capture() -> Self {
        let capture = tracing::dispatcher::get_default(super::installed);
        let fields = match &capture {
            Some(capture) => {
                let traced = capture.traced_here();
                local::current(capture.instance, |spot| carried(capture, spot, traced))
            }
            None => local::held(|held| local::scopes(held).map(Arc::clone).collect()),
        };
        Self { fields }
    }

    /// Runs a closure in that context, on this thread.
    pub fn sync_scope<R>(self, run: impl FnOnce() -> R) -> R {
        let _inside = Inside::enter(self.fields);
        run()
    }
}

impl Capture {
    /// What a record that is given as a value would inherit here and now.
    pub(crate) fn context_here(&self) -> CurrentContext {
        let beside = self.entered_beside();
        let here = beside.as_deref().unwrap_or(self);
        let traced = here.traced_here();
        let fields = local::current(here.instance, |spot| carried(here, spot, traced));
        CurrentContext { fields }
    }
}

/// The scopes of a place, with what its span hands down among them.
fn carried(capture: &Capture, spot: Spot<'_>, traced: Option<TraceContext>) -> Scopes {
    let span = capture.carried(spot.tracked);
    let is_scoped = span.as_ref().is_some_and(|span| span.is_scoped);
    let outer = local::scopes(if is_scoped { &[] } else { spot.outer }).map(Arc::clone);
    let span = span.map(|mut span| {
        if let Some(trace) = traced {
            span.fields.trace(trace, None);
            span.trace = Some(trace);
        }
        Arc::new(ScopeFields {
            context: AuditContext::default(),
            redacted: OnceLock::from((capture.trail, span.fields)),
            of: capture.trail,
            has_actor: span.has_actor,
            trace: span.trace,
        })
    });
    outer
        .chain(span)
        .chain(local::scopes(spot.inside).map(Arc::clone))
        .collect()
}

/// Carries the current context along with a future that is spawned elsewhere.
pub trait WithContext: Future + Sized {
    /// Runs the future in the context that the current thread is in now: see [`CurrentContext`].
    fn with_current_actor(self) -> Scoped<Self> {
        Scoped {
            fields: CurrentContext::capture().fields,
            future: Box::pin(self),
        }
    }
}

impl<F: Future> WithContext for F {}

/// A future that runs in a context.
#[must_use = "futures do nothing unless polled"]
pub struct Scoped<F> {
    fields: Scopes,
    // Boxed because pinning a field without `unsafe` needs either this or a macro; one allocation per request.
    future: Pin<Box<F>>,
}

impl<F> std::fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scoped")
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _inside = Inside::enter(Arc::clone(&self.fields));
        self.future.as_mut().poll(context)
    }
}

/// Leaves the scope when dropped, also by a panic.
struct Inside(Scopes);

impl Inside {
    fn enter(fields: Scopes) -> Self {
        for scope in fields.iter() {
            local::push_scope(scope);
        }
        Self(fields)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        for scope in self.0.iter().rev() {
            local::pop_scope(scope);
        }
    }
}

/// Scopes that are opened together, outermost first.
type Scopes = Arc<[Arc<ScopeFields>]>;

/// A context's fields, redacted once for the trail that meets them first.
pub(crate) struct ScopeFields {
    context: AuditContext,
    redacted: OnceLock<(u32, RedactedFields)>,
    /// The only trail that may read this; 0 = every one. What a span handed down has passed the policy of its own
    /// trail and exists in that form only: another trail, whose policy may be stricter, must not write it.
    of: u32,
    has_actor: bool,
    trace: Option<TraceContext>,
}

impl ScopeFields {
    pub(super) fn new(context: AuditContext) -> Self {
        Self {
            has_actor: context.record.get(Slot::ActorId).is_some(),
            trace: context.trace,
            context,
            of: 0,
            redacted: OnceLock::new(),
        }
    }

    fn alone(context: AuditContext) -> Scopes {
        Arc::new([Arc::new(Self::new(context))])
    }

    /// Calls `with` with the fields as the policy of this trail leaves them, and `count` with what that took, each time
    /// that they are made: usually once.
    pub(super) fn with_fields(
        &self,
        (trail, policy): (u32, &Policy),
        count: impl Fn(Tally),
        with: impl FnOnce(&RedactedFields),
    ) {
        if let Some((made_for, fields)) = self.redacted.get()
            && *made_for == trail
        {
            return with(fields);
        }
        let fields = self.redact(policy, &count);
        with(&fields);
        // A second trail in the same process has a policy of its own. What there was no memory for is tried again.
        if !fields.is_lost() {
            let _ = self.redacted.set((trail, fields));
        }
    }

    fn redact(&self, policy: &Policy, count: impl Fn(Tally)) -> RedactedFields {
        let mut into = Redacting::fields(RedactedFields::default(), RedactedFields::default(), policy);
        into.record(&self.context.record);
        count(into.tally);
        let (mut fields, _) = into.finish_fields();
        if let Some(trace) = self.context.trace {
            fields.trace(trace, None);
        }
        fields
    }

    pub(super) fn has_actor(&self) -> bool {
        self.has_actor
    }

    /// Whether this belongs to another trail, which alone can tell what stands in it.
    #[inline]
    pub(super) fn is_foreign(&self, trail: u32) -> bool {
        self.of != 0 && self.of != trail
    }

    pub(super) fn trace(&self) -> Option<TraceContext> {
        self.trace
    }
}

impl std::fmt::Debug for ScopeFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ScopeFields").field(&self.context.record).finish()
    }
}
