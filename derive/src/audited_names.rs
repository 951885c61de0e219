//! The names of fields that fill a place of a record, and what to say about a name that looks like one of them.

/// As the library resolves them; its own list is compared with this one by a test.
pub(crate) const NAMES: &[&str] = &[
    "action",
    "actor",
    "actor.channel",
    "actor.client_hash",
    "actor.frontend",
    "actor.id",
    "actor.ip",
    "actor.ip_prefix_len",
    "actor.peer",
    "actor.roles",
    "actor.type",
    "actor.user_agent",
    "agent.id",
    "agent.identity_assurance",
    "agent.name",
    "agent.org",
    "agent.team",
    "agent.tier",
    "agent_tier",
    "category",
    "changed_fields",
    "client.address",
    "client_id_hash",
    "contains_pii",
    "conversation_id",
    "correlation_id",
    "decision",
    "decision.dry_run",
    "decision.enforced",
    "decision.policy_id",
    "decision.policy_version",
    "decision.rule_id",
    "decision.shadow",
    "deployment.environment.name",
    "dry_run",
    "duration_ms",
    "duration_ns",
    "enduser.id",
    "enduser.pseudo.id",
    "environment",
    "err",
    "error",
    "error.code",
    "error.message",
    "error.type",
    "error_code",
    "error_message",
    "event",
    "event.name",
    "event_name",
    "event_type",
    "exception.message",
    "execution_id",
    "feature",
    "frontend",
    "gen_ai.agent.id",
    "gen_ai.agent.name",
    "gen_ai.conversation.id",
    "http.request.id",
    "ip_truncated",
    "latency_ms",
    "lineage.delegation_reason",
    "lineage.depth",
    "lineage.parent",
    "lineage.root",
    "lineage.spawned_by",
    "message",
    "outcome",
    "pii.categories",
    "pii.contains",
    "pii_categories",
    "profile",
    "reason",
    "reason_code",
    "request_id",
    "resource",
    "resource.id",
    "resource.type",
    "scope.environment",
    "scope.feature",
    "scope.tenant",
    "session.id",
    "session_id",
    "source",
    "start",
    "summary",
    "tenant",
    "tenant.id",
    "tenant_id",
    "traceparent",
    "user.id",
    "user.roles",
    "user_agent",
    "user_agent.original",
];

/// What stands before the dot of names that belong to the record: nothing of the application's own is called so.
const OBJECTS: &[&str] = &[
    "actor", "agent", "decision", "error", "lineage", "pii", "resource", "scope",
];

/// Whether the name fills a place of the record.
pub(crate) fn is_core(name: &str) -> bool {
    NAMES.contains(&name.strip_prefix("audit.").unwrap_or(name))
}

/// Whether the name can only be meant for a place of the record, and there is none.
pub(crate) fn is_astray(name: &str) -> bool {
    let bare = name.strip_prefix("audit.").unwrap_or(name);
    let object = bare.split_once('.').map(|(object, _)| object);
    !is_core(name) && (bare.len() < name.len() || object.is_some_and(|object| OBJECTS.contains(&object)))
}

/// The known word that was most likely meant: of names with a dot, one of the same object.
pub(crate) fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let parts = |word: &str| {
        let (object, last) = word.rsplit_once('.').unwrap_or(("", word));
        (object.to_owned(), last.to_owned())
    };
    let (object, last) = parts(word);
    let ranked = known.into_iter().filter_map(|candidate| {
        let (of, other) = parts(candidate);
        let far = distance(&last, &other);
        (of == object && far <= 1 + other.len() / 5).then_some((far, candidate))
    });
    ranked.min_by_key(|(far, _)| *far).map(|(_, candidate)| candidate)
}

/// The names of the same object.
pub(crate) fn beside(name: &str) -> Vec<&'static str> {
    let bare = name.strip_prefix("audit.").unwrap_or(name);
    let object = bare.split_once('.').map_or("", |(object, _)| object);
    let of = |known: &str| known.split_once('.').is_some_and(|(of, _)| of == object);
    NAMES.iter().copied().filter(|known| of(known)).collect()
}

/// How many characters must be added, taken away or replaced to make one word of the other.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, character) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (to, second) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(character != *second);
            diagonal = row[to + 1];
            row[to + 1] = replaced.min(diagonal + 1).min(row[to] + 1);
        }
    }
    row[other.len()]
}
