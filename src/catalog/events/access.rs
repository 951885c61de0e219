//! Access to data, as an agreement on data processing asks for it: names and no values. [`dpa`](crate::catalog::dpa) is the strict
//! form, which refuses to be incomplete.

use super::Text;
use super::define::events;
use crate::record::Outcome;

/// One event of access. They differ by their name and by the word that stands for what was done.
macro_rules! access {
    ($($(#[$doc:meta])* $event:literal $action:literal $name:ident,)*) => {
        events! {$(
            $(#[$doc])*
            #[audit(event = $event, category = "data_access", action = $action, level = "info")]
            $name<'a> {
                /// Who acted: an id, never a name or an address.
                #[audit(slot = "actor.id", internal)]
                actor_id: Text<'a>,
                /// What kind of thing was acted on.
                #[audit(slot = "resource.type", public)]
                resource_type: Text<'a>,
                /// What became of it.
                #[audit(slot = "outcome", public)]
                outcome: Outcome,
                /// Whether the thing contains personal data.
                #[audit(slot = "pii.contains", public)]
                contains_pii: bool,
            } may {
                /// Which of them.
                #[audit(slot = "resource.id", internal)]
                resource_id: Text<'a>,
                /// The names of the fields that changed, never their values.
                #[audit(slot = "changed_fields", internal)]
                changed_fields: Vec<Text<'a>>,
                /// The roles that the actor held.
                #[audit(slot = "actor.roles", internal)]
                actor_roles: Vec<Text<'a>>,
                /// The kinds of personal data in the thing.
                #[audit(slot = "pii.categories", public)]
                pii_categories: Vec<Text<'a>>,
                /// The feature of the application.
                #[audit(slot = "scope.feature", public)]
                feature: Text<'a>,
                /// The environment.
                #[audit(slot = "scope.environment", public)]
                environment: Text<'a>,
                /// The tenant.
                #[audit(slot = "scope.tenant", internal)]
                tenant: Text<'a>,
                /// Why.
                #[audit(slot = "reason", internal)]
                reason: Text<'a>,
                /// A stable word for what went wrong.
                #[audit(slot = "error.code", public)]
                error_code: Text<'a>,
            };
        )*}
    };
}

access! {
    /// Somebody saw data.
    "data_access.view" "VIEW" DataView,
    /// Somebody made data.
    "data_access.create" "CREATE" DataCreate,
    /// Somebody changed data.
    "data_access.update" "UPDATE" DataUpdate,
    /// Somebody removed data.
    "data_access.delete" "DELETE" DataDelete,
    /// Somebody took data out of the system.
    "data_access.export" "EXPORT" DataExport,
    /// Somebody gave or took rights to data.
    "data_access.permission_change" "PERMISSION_CHANGE" DataPermissionChange,
    /// Somebody agreed that data about them is processed.
    "data_access.consent_grant" "CONSENT_GRANT" DataConsentGrant,
    /// Somebody no longer agrees.
    "data_access.consent_withdraw" "CONSENT_WITHDRAW" DataConsentWithdraw,
    /// The processing of data was restricted.
    "data_access.restrict" "RESTRICT" DataRestrict,
    /// The restriction ended.
    "data_access.unrestrict" "UNRESTRICT" DataUnrestrict,
}
