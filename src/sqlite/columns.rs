//! The typed columns: which slot stands in which, and which are indexed.

use rusqlite::types::{Value as Cell, ValueRef};

use crate::record::{Record, Slot};

/// A column that holds a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) slot: Slot,
    /// Whether it holds an integer; else it holds text.
    pub(crate) is_number: bool,
    index: Index,
}

/// How a column is indexed, always followed by the observation time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Index {
    No,
    /// Every row.
    All,
    /// Rows that have a value: most have none.
    Some,
}

const fn text(name: &'static str, slot: Slot, index: Index) -> Column {
    Column {
        name,
        slot,
        is_number: false,
        index,
    }
}

/// Every column beside the key, the two times and the line. What people filter by most is indexed.
pub(crate) const COLUMNS: &[Column] = &[
    text("event", Slot::Event, Index::All),
    text("action", Slot::Action, Index::All),
    text("category", Slot::Category, Index::All),
    text("outcome", Slot::Outcome, Index::All),
    text("level", Slot::Level, Index::All),
    text("actor_type", Slot::ActorType, Index::No),
    text("actor_id", Slot::ActorId, Index::All),
    text("actor_ip", Slot::ActorIp, Index::Some),
    text("resource_type", Slot::ResourceType, Index::No),
    text("resource_id", Slot::ResourceId, Index::Some),
    text("agent_id", Slot::AgentId, Index::Some),
    text("session_id", Slot::SessionId, Index::Some),
    text("conversation_id", Slot::ConversationId, Index::Some),
    text("request_id", Slot::RequestId, Index::Some),
    text("correlation_id", Slot::CorrelationId, Index::Some),
    text("trace_id", Slot::TraceId, Index::Some),
    text("execution_id", Slot::ExecutionId, Index::Some),
    text("source", Slot::Source, Index::Some),
    text("tenant", Slot::ScopeTenant, Index::Some),
    text("service", Slot::Service, Index::No),
    text("decision", Slot::DecisionEnforced, Index::No),
    text("reason_code", Slot::ReasonCode, Index::No),
    Column {
        name: "duration_ns",
        slot: Slot::DurationNs,
        is_number: true,
        index: Index::No,
    },
];

/// The column of a slot; the two times have their own, of their names.
pub(crate) fn column_of(slot: Slot) -> Option<Column> {
    let time = |name| Column {
        name,
        slot,
        is_number: true,
        index: Index::No,
    };
    match slot {
        Slot::Time => Some(time("time")),
        Slot::ObservedAt => Some(time("observed_at")),
        slot => COLUMNS.iter().copied().find(|column| column.slot == slot),
    }
}

/// The statements that index a part.
pub(crate) fn indexes(part: i64) -> impl Iterator<Item = String> {
    // All that statistics read, in the order of time: the rows themselves lie between the lines, so that to read those of a
    // day is to read half of its lines as well.
    let counted = format!(
        "CREATE INDEX IF NOT EXISTS entries_{part}_counted
         ON entries_{part} (observed_at, time, category, outcome, action, actor_id)"
    );
    let columns = COLUMNS.iter().filter_map(move |column| {
        let name = column.name;
        let only = match column.index {
            Index::No => return None,
            Index::All => String::new(),
            Index::Some => format!(" WHERE {name} IS NOT NULL"),
        };
        Some(format!(
            "CREATE INDEX IF NOT EXISTS entries_{part}_{name} ON entries_{part} ({name}, observed_at){only}"
        ))
    });
    columns.chain([counted])
}

impl Column {
    /// Whether the rows of a finished part that have some value in it are found without looking at the others.
    pub(crate) fn is_indexed(&self) -> bool {
        self.index != Index::No
    }

    /// What a record has in this column. A number above the largest that SQLite has stands as that.
    pub(crate) fn cell<'r>(&self, record: &'r Record) -> ValueRef<'r> {
        if self.is_number {
            return record.uint(self.slot).map_or(ValueRef::Null, |number| {
                ValueRef::Integer(i64::try_from(number).unwrap_or(i64::MAX))
            });
        }
        record
            .text(self.slot)
            .map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
    }
}

/// An integer as SQLite has it: one above its largest stands as that.
pub(crate) fn number(value: u64) -> Cell {
    Cell::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}
