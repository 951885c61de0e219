//! How a typed event is written down: what must be said, what follows from it, and what may be said.

use std::fmt;

use crate::record::{AuditEvent, FieldValue, View};

/// Defines events. `{ … }` holds what must be said, which is what `new` takes; `on "kind" field` says what is acted on;
/// `set { … }` holds what follows from what must be said, with how; `may { … }` what may be left out. `and tool`, `and
/// agent` and `and governed` add what all events of a family may say.
macro_rules! events {
    ($(
        $(#[$meta:meta])*
        $name:ident $(<$life:lifetime>)? { $($must:tt)* }
        $(on $kind:literal $acted_on:ident)?
        $(set { $($set:tt)* })?
        $(may { $($may:tt)* })?
        $(and $family:ident)?;
    )*) => {
        $(crate::catalog::events::define::event! {
            [$($family)?] [$($kind $acted_on)?]
            [$(#[$meta])* $name $(<$life>)?] [$($must)*] [$($($set)*)?] [$($($may)*)?]
        })*

        /// What the events of this file are.
        #[allow(elided_lifetimes_in_paths, reason = "some have a lifetime, and it says nothing here")]
        pub(super) const EVENTS: &[&crate::record::EventMeta] =
            &[$(<$name as crate::record::AuditEvent>::META,)*];
    };
}

/// One event: the family's part is added, then what is acted on, then the struct is written.
macro_rules! event {
    ([governed] $on:tt [$(#[$meta:meta])* $name:ident <$life:lifetime>] $must:tt $set:tt [$($may:tt)*]) => {
        crate::catalog::events::define::event! { [agent] $on [$(#[$meta])* $name <$life>] $must $set [
            $($may)*
            /// The agent at the root of the delegation.
            #[audit(slot = "lineage.root", internal)]
            root_agent_id: crate::catalog::Text<$life>,
            /// The agent that delegated.
            #[audit(slot = "lineage.parent", internal)]
            parent_agent_id: crate::catalog::Text<$life>,
            /// How many delegations deep the agent stands.
            #[audit(slot = "lineage.depth", public)]
            depth: u64,
            /// Why the work was delegated.
            #[audit(slot = "lineage.delegation_reason", internal)]
            delegation_reason: crate::catalog::Text<$life>,
            /// What started the agent.
            #[audit(slot = "lineage.spawned_by", internal)]
            spawned_by_tool: crate::catalog::Text<$life>,
            /// Labels of the caller's own.
            #[audit(slot = "labels", internal)]
            labels: std::collections::BTreeMap<String, String>,
            /// The steps that led here.
            #[audit(slot = "call_stack", internal)]
            call_stack: crate::record::CallStack,
        ] }
    };
    ([agent] $on:tt [$(#[$meta:meta])* $name:ident <$life:lifetime>] $must:tt $set:tt [$($may:tt)*]) => {
        crate::catalog::events::define::event! { [] $on [$(#[$meta])* $name <$life>] $must $set [
            $($may)*
            /// The agent that acted.
            #[audit(slot = "agent.id", internal)]
            agent_id: crate::catalog::Text<$life>,
            /// The agent's name.
            #[audit(slot = "agent.name", internal)]
            agent_name: crate::catalog::Text<$life>,
            /// The organisation that the agent belongs to.
            #[audit(slot = "agent.org", internal)]
            org_id: crate::catalog::Text<$life>,
            /// The team that the agent belongs to.
            #[audit(slot = "agent.team", internal)]
            team_id: crate::catalog::Text<$life>,
            /// The session that this belongs to.
            #[audit(slot = "session_id", internal)]
            session_id: crate::catalog::Text<$life>,
            /// The conversation that this belongs to.
            #[audit(slot = "conversation_id", internal)]
            conversation_id: crate::catalog::Text<$life>,
            /// What ties the records of one request together.
            #[audit(slot = "correlation_id", internal)]
            correlation_id: crate::catalog::Text<$life>,
            /// Which part of the system reported this.
            #[audit(slot = "source", internal)]
            source: crate::catalog::Text<$life>,
            /// What the policy said and was obeyed.
            #[audit(slot = "decision.enforced", public)]
            decision: crate::record::Verdict,
            /// What a policy under trial would have said.
            #[audit(slot = "decision.shadow", public)]
            shadow_decision: crate::record::Verdict,
            /// Whether nothing was really done.
            #[audit(slot = "decision.dry_run", public)]
            dry_run: bool,
            /// The rule that decided.
            #[audit(slot = "decision.rule_id", internal)]
            rule_id: crate::catalog::Text<$life>,
            /// The policy that decided.
            #[audit(slot = "decision.policy_id", internal)]
            policy_id: crate::catalog::Text<$life>,
        ] }
    };
    ([tool] $on:tt [$(#[$meta:meta])* $name:ident <$life:lifetime>] $must:tt $set:tt [$($may:tt)*]) => {
        crate::catalog::events::define::event! { [] $on [$(#[$meta])* $name <$life>] $must $set [
            $($may)*
            /// What ties the records of one call together.
            #[audit(slot = "execution_id", internal)]
            execution_id: crate::catalog::Text<$life>,
            /// Where the tool runs.
            #[audit(detail = "tool.environment", public)]
            execution_environment: crate::catalog::ToolEnvironment,
            /// The skill that the tool belongs to.
            #[audit(detail = "tool.skill", internal)]
            skill_name: crate::catalog::Text<$life>,
            /// How many values the caller replaced before it recorded this.
            #[audit(detail = "tool.redactions_applied", public)]
            redactions_applied: u64,
            /// The session that the call belongs to.
            #[audit(slot = "session_id", internal)]
            session_id: crate::catalog::Text<$life>,
        ] }
    };
    ([] [$kind:literal $acted_on:ident] [$(#[$meta:meta])* $name:ident <$life:lifetime>] $must:tt [$($set:tt)*] $may:tt) => {
        crate::catalog::events::define::event! { [] [] [$(#[$meta])* $name <$life>] $must [
            $($set)*
            /// What kind of thing was acted on.
            #[audit(slot = "resource.type", public)]
            resource_type: Option<crate::catalog::Text<$life>> = Some(crate::catalog::Text::Borrowed($kind)),
            /// Which of them.
            #[audit(slot = "resource.id", internal)]
            resource_id: Option<crate::catalog::Text<$life>> = Some($acted_on.clone()),
        ] $may }
    };
    ([] [] [$(#[$meta:meta])* $name:ident $(<$life:lifetime>)?]
     [$($(#[$must_meta:meta])* $must:ident: $must_type:ty,)*]
     [$($(#[$set_meta:meta])* $set:ident: $set_type:ty = $value:expr,)*]
     [$($(#[$may_meta:meta])* $may:ident: $may_type:ty,)*]) => {
        #[derive(Clone, PartialEq, crate::record::AuditEvent)]
        $(#[$meta])*
        pub struct $name $(<$life>)? {
            $($(#[$must_meta])* pub $must: $must_type,)*
            $($(#[$set_meta])* pub $set: $set_type,)*
            $($(#[$may_meta])* pub $may: Option<$may_type>,)*
        }

        #[allow(clippy::too_many_arguments, reason = "what must be said is said at once")]
        #[allow(clippy::new_without_default, reason = "some events must say nothing")]
        impl $(<$life>)? $name $(<$life>)? {
            /// The event with what it must say. What it may say has a setter each.
            #[must_use]
            pub fn new($($must: impl crate::catalog::Given<$must_type>),*) -> Self {
                $(let $must: $must_type = $must.given();)*
                $(let $set: $set_type = $value;)*
                Self { $($must,)* $($set,)* $($may: None,)* }
            }

            $(
                #[doc = concat!("Says [`", stringify!($may), "`](Self#structfield.", stringify!($may), "). Default: nothing.")]
                #[must_use]
                pub fn $may(mut self, $may: impl crate::catalog::Given<$may_type>) -> Self {
                    self.$may = Some($may.given());
                    self
                }
            )*
        }

        impl $(<$life>)? std::fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                #[allow(unused_mut, reason = "an event may have no fields")]
                let mut shown = f.debug_struct(stringify!($name));
                $(crate::catalog::events::define::show::<Self, _>(&mut shown, stringify!($must), &self.$must);)*
                $(crate::catalog::events::define::show::<Self, _>(&mut shown, stringify!($set), &self.$set);)*
                $(crate::catalog::events::define::show::<Self, _>(&mut shown, stringify!($may), &self.$may);)*
                shown.finish()
            }
        }
    };
}

pub(super) use {event, events};

/// Shows a field to people: what is public or internal as it is, the class of anything else, and nothing where it is
/// absent. What other layers are shown of an event is the same.
pub(super) fn show<E: AuditEvent, T: FieldValue + fmt::Debug>(
    into: &mut fmt::DebugStruct<'_, '_>,
    name: &str,
    value: &T,
) {
    if matches!(value.view(), View::Absent) {
        return;
    }
    match E::META.fields.iter().find(|field| field.name == name) {
        Some(field) if field.class.is_open() => into.field(name, value),
        Some(field) => into.field(name, &format_args!("[{}]", field.class)),
        None => into.field(name, &format_args!("[unclassified]")),
    };
}
