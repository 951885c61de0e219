//! The places a record has: one table, from which the line, its reader, the accessors and `docs/fields.md` follow.

/// What kind of value a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Text. A number for it is a wrong type.
    Text,
    /// An identifier: text, or an integer that is written as decimal text.
    Id,
    /// A list of texts: a comma-separated text, or the `Debug` form of a list of strings.
    Texts,
    /// An integer from 0 to 2^64 − 1.
    Uint,
    /// A truth value.
    Bool,
    /// Nanoseconds since the Unix epoch, written as RFC 3339 with nine digits.
    Time,
    /// Raw bytes, written as lower-case hex.
    Hex,
    /// Named values.
    Map,
    /// Any value.
    Any,
}

/// Who can fill a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fill {
    /// A field of a span or event with one of the slot's names.
    Field,
    /// A field, and it is handed down to spans and events inside the span.
    Inherited,
    /// Only this crate. A field with the slot's name goes to `attributes`.
    Reserved,
}

macro_rules! slots {
    ($($slot:ident $path:literal $kind:ident $fill:ident [$($alias:literal),*] $doc:literal;)*) => {
        /// A place in a record, named by its path in the line. Declared in the order of the line.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Slot {
            $(#[doc = $doc] $slot,)*
        }

        impl Slot {
            /// Every slot, in the order of the line.
            pub const ALL: &[Self] = &[$(Self::$slot,)*];

            /// Where the slot stands in a line: a top-level key, or `object.key`.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self { $(Self::$slot => $path,)* }
            }

            /// What the slot holds.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$slot => Kind::$kind,)* }
            }

            /// Who can fill the slot.
            #[must_use]
            pub const fn fill(self) -> Fill {
                match self { $(Self::$slot => Fill::$fill,)* }
            }

            /// Field names that fill the slot, beside its path and the path behind `audit.`.
            #[must_use]
            pub const fn aliases(self) -> &'static [&'static str] {
                match self { $(Self::$slot => &[$($alias),*],)* }
            }

            /// What the slot says, in one sentence.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$slot => $doc,)* }
            }
        }
    };
}

// Sorted by object, then key: the order of RFC 8785 for these ASCII names, so that the writer never sorts them.
slots! {
    Action "action" Text Field [] "What was done, as a verb or a dotted name; a span's name where nothing is given.";
    ActorChannel "actor.channel" Text Inherited [] "The channel through which the actor came.";
    ActorClientHash "actor.client_hash" Text Inherited ["client_id_hash"] "A hash that stands for the client's key or id.";
    ActorFrontend "actor.frontend" Text Inherited ["frontend"] "The user interface in use.";
    ActorId "actor.id" Id Inherited ["actor", "user.id", "enduser.id", "enduser.pseudo.id"] "Who acted: an id, never a name or an address.";
    ActorIp "actor.ip" Text Inherited ["client.address", "ip_truncated"] "The actor's address, truncated unless the policy keeps it: IPv4 to /24, IPv6 to /48, and 6to4, whose prefix is an IPv4 address, to /40.";
    ActorIpPrefixLen "actor.ip_prefix_len" Uint Inherited [] "How many bits of the address are left.";
    ActorPeer "actor.peer" Text Inherited [] "The actor's counterpart in a channel.";
    ActorRoles "actor.roles" Texts Inherited ["user.roles"] "The actor's roles at the time of the action.";
    ActorType "actor.type" Text Inherited [] "What kind of subject acted: user, system, service, agent or another word.";
    ActorUserAgent "actor.user_agent" Text Inherited ["user_agent.original", "user_agent"] "The program that the actor used.";
    AgentId "agent.id" Id Inherited ["gen_ai.agent.id"] "The autonomous agent that acted.";
    AgentIdentityAssurance "agent.identity_assurance" Text Inherited [] "How the agent's identity is known: unspecified, unattributed, asserted or bound.";
    AgentName "agent.name" Text Inherited ["gen_ai.agent.name"] "The agent's name.";
    AgentOrg "agent.org" Text Inherited [] "The organisation that the agent belongs to.";
    AgentTeam "agent.team" Text Inherited [] "The team that the agent belongs to.";
    AgentTier "agent.tier" Text Inherited ["agent_tier"] "The agent's tier of trust.";
    Attributes "attributes" Map Reserved [] "Every field that no slot recognises, under its own name.";
    CallStack "call_stack" Any Reserved [] "The tree of steps that led here.";
    Category "category" Text Field [] "The family of the action; the target's suffix or the event name's prefix where nothing is given.";
    ChangedFields "changed_fields" Texts Field [] "Names of the fields that changed, never their values.";
    CodeFile "code.file" Text Reserved [] "The source file of the callsite.";
    CodeLine "code.line" Uint Reserved [] "The line of the callsite.";
    CodeModule "code.module" Text Reserved [] "The module of the callsite.";
    CodeTarget "code.target" Text Reserved [] "The target of the callsite, where it is not `audit`.";
    ConversationId "conversation_id" Id Inherited ["gen_ai.conversation.id"] "The conversation that this belongs to.";
    CorrelationId "correlation_id" Id Inherited [] "What ties records of one request together; the trace id where nothing is given.";
    DecisionDryRun "decision.dry_run" Bool Field ["dry_run"] "Whether nothing was really done.";
    DecisionEnforced "decision.enforced" Text Field ["decision"] "What the policy said and was obeyed: allow, deny, pending, redact or another word.";
    DecisionPolicyId "decision.policy_id" Text Field [] "The policy that decided.";
    DecisionPolicyVersion "decision.policy_version" Text Field [] "The version of that policy.";
    DecisionRuleId "decision.rule_id" Text Field [] "The rule that decided.";
    DecisionShadow "decision.shadow" Text Field [] "What a policy under trial would have said.";
    Detail "detail" Any Reserved [] "What is particular to the kind of event (field `detail.NAME`).";
    DurationNs "duration_ns" Uint Field [] "How long the action took, in nanoseconds.";
    ErrorChain "error.chain" Texts Reserved [] "The messages of the error's sources, outermost first.";
    ErrorCode "error.code" Id Field ["error.type", "error_code"] "A stable word or number for the error.";
    ErrorMessage "error.message" Text Field ["error", "err", "exception.message", "error_message"] "The error's message.";
    Event "event" Text Field ["event.name", "event_name", "event_type"] "The name of what happened, never empty.";
    ExecutionId "execution_id" Id Field [] "What ties the start and the end of one execution together.";
    Hashes "hashes" Map Reserved [] "Named hashes that stand for contents (field `hash.NAME`).";
    Host "host" Text Reserved [] "The host that wrote the line.";
    Id "id" Text Reserved [] "The record's own id: a UUID, unique in the world.";
    Labels "labels" Map Reserved [] "Key and value pairs attached by the caller (field `label.NAME`), inherited.";
    Level "level" Text Reserved [] "The level of the callsite: trace, debug, info, warn or error.";
    LineageDelegationReason "lineage.delegation_reason" Text Inherited [] "Why the work was delegated.";
    LineageDepth "lineage.depth" Uint Inherited [] "How many delegations deep the agent stands.";
    LineageParent "lineage.parent" Id Inherited [] "The agent that delegated.";
    LineageRoot "lineage.root" Id Inherited [] "The agent at the root of the delegation.";
    LineageSpawnedBy "lineage.spawned_by" Id Inherited [] "What started the agent.";
    ObservedAt "observed_at" Time Reserved [] "When the writer took the record; never decreases within a stream.";
    Outcome "outcome" Text Field [] "success, failure, denied, pending, unknown or another word; only from evidence.";
    ParentSpanId "parent_span_id" Hex Reserved [] "The parent of the span.";
    Phase "phase" Text Reserved [] "`start` for the record that stands before what it is about: of a span with `start = true`, of a mandatory one, of `Audit::begin`.";
    PiiCategories "pii.categories" Texts Field ["pii_categories"] "The kinds of personal data in the record.";
    PiiContains "pii.contains" Bool Field ["contains_pii"] "Whether the record contains personal data.";
    PiiUndeclared "pii.undeclared" Bool Reserved [] "Present, and true, where redaction saw personal data although the caller declared none.";
    Profile "profile" Text Field [] "The vocabulary in which the record was given, for an export in the same words.";
    Reason "reason" Text Field [] "Why, in words.";
    ReasonCode "reason_code" Id Field [] "Why, as a stable word.";
    Redaction "redaction" Any Reserved [] "What redaction did: a count, and a bounded list of field, rule, action and n.";
    RequestId "request_id" Id Inherited ["http.request.id"] "The request that this belongs to.";
    ResourceId "resource.id" Id Field [] "The thing that was acted on.";
    ResourceType "resource.type" Text Field ["resource"] "What kind of thing was acted on.";
    Schema "schema" Uint Reserved [] "The version of the line's form.";
    ScopeEnvironment "scope.environment" Text Inherited ["environment", "deployment.environment.name"] "The environment: production, staging or another word.";
    ScopeFeature "scope.feature" Text Inherited ["feature"] "The feature of the application.";
    ScopeTenant "scope.tenant" Id Inherited ["tenant", "tenant.id", "tenant_id"] "The tenant on whose behalf this was done.";
    Seq "seq" Uint Reserved [] "The record's place in its stream, from 0, without holes.";
    Service "service" Text Reserved [] "The service that wrote the line.";
    SessionId "session_id" Id Inherited ["session.id"] "The session that this belongs to.";
    Source "source" Text Inherited [] "Which part of the system reported this.";
    SpanId "span_id" Hex Reserved [] "The W3C id of the span.";
    Stream "stream" Text Reserved [] "The id of the stream that `seq` counts in.";
    Summary "summary" Text Field ["message"] "One sentence for people; an event's message.";
    Time "time" Time Reserved [] "When it happened, on the thread that reported it; for a span, when it closed.";
    TraceFlags "trace_flags" Uint Reserved [] "W3C trace flags: 1 says that the trace is sampled.";
    TraceId "trace_id" Hex Reserved [] "The W3C id of the trace.";
    TraceUnavailable "trace_unavailable" Bool Reserved [] "Present, and true, where a tracer's ids could not be known: then the ids of the trace are absent, because wrong ones are worse.";
    Truncated "truncated" Any Reserved [] "Which values were cut, and how long they were.";
}

// Frames use the numbers above for marks of their own.
const _: () = assert!(Slot::COUNT < 200);

impl Slot {
    /// How many slots there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The slot with this number in [`Slot::ALL`].
    #[must_use]
    #[inline]
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// The slot's number in [`Slot::ALL`].
    #[must_use]
    #[inline]
    pub const fn index(self) -> u8 {
        self as u8
    }

    /// The object that the slot stands in, and its key there.
    #[must_use]
    pub fn place(self) -> (Option<&'static str>, &'static str) {
        match self.path().split_once('.') {
            Some((object, key)) => (Some(object), key),
            None => (None, self.path()),
        }
    }

    /// Whether a policy can make the slot's value erasable: a text or an id that can tell of a person. What says what a
    /// record is (its event, action, outcome, times, ids of traces) always stands in the line itself.
    #[must_use]
    pub const fn is_erasable(self) -> bool {
        let is_said_of_the_record = matches!(
            self,
            Self::Action
                | Self::Category
                | Self::DecisionEnforced
                | Self::DecisionShadow
                | Self::Event
                | Self::Level
                | Self::Outcome
                | Self::Phase
                | Self::PiiCategories
                | Self::Profile
                | Self::CallStack
        );
        let is_of_a_person = matches!(self.kind(), Kind::Text | Kind::Id | Kind::Texts | Kind::Any);
        is_of_a_person && !is_said_of_the_record && !matches!(self.fill(), Fill::Reserved)
            || matches!(self, Self::ErrorChain | Self::Detail)
    }

    /// The slot at this path of a line.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|slot| slot.path() == path)
    }

    /// Whether the slot's value is handed down to spans and events inside a span.
    #[must_use]
    pub const fn is_inherited(self) -> bool {
        matches!(self.fill(), Fill::Inherited) || matches!(self, Self::Labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_declared_in_the_order_of_the_line() {
        let order = |slot: &Slot| slot.path().replace('.', "\u{1}");
        assert!(Slot::ALL.windows(2).all(|pair| order(&pair[0]) < order(&pair[1])));
    }
}
