-- The table that an OpenTelemetry collector's clickhouse exporter writes a trail into, and the view that an auditor asks.
-- docs/collector/gateway.yaml has the exporter, with `create_schema: false`; docs/collector/auditor.sql has ten questions.
-- tests/otlp_recipes.rs runs both in ClickHouse's engine over what a trail exported.
--
-- The first columns are those that the exporter writes (its `logs_insert.sql`, and `EventName`, which it writes where the table has
-- that column, since v0.131.0: an older one loses the name of the event). The others are made from them on the way in.
--
-- A record can come twice: whoever sends it is not always told that it has arrived. The place in the stream makes it one: rows
-- with the same service, host, stream and number are merged, and the view takes each once, merged or not.
--
-- What an answer of the exporter is worth here: `fsync_after_insert` has ClickHouse sync what it wrote before it answers; without
-- it a power failure takes the last minutes of what was answered for. On one server that is one copy. Who can write to this
-- table can change it without a trace: it is for questions. What proves the trail is the journal with its checkpoints.

CREATE DATABASE IF NOT EXISTS audit;

CREATE TABLE IF NOT EXISTS audit.records (
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TimestampTime DateTime DEFAULT toDateTime(Timestamp),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    TraceFlags UInt8,
    SeverityText LowCardinality(String) CODEC(ZSTD(1)),
    SeverityNumber UInt8,
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    Body String CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    EventName LowCardinality(String) CODEC(ZSTD(1)),

    Host LowCardinality(String) MATERIALIZED if(LogAttributes['audit.host'] != '', LogAttributes['audit.host'], ResourceAttributes['host.name']),
    Stream LowCardinality(String) MATERIALIZED LogAttributes['audit.sequence.stream_id'],
    -- A checkpoint has no place in the stream, and its size says where it belongs.
    Seq UInt64 MATERIALIZED toUInt64OrZero(if(EventName = 'audit.checkpoint', LogAttributes['audit.checkpoint.size'], LogAttributes['audit.sequence.number'])),
    ActorId String MATERIALIZED LogAttributes['audit.actor.id'],
    TargetId String MATERIALIZED LogAttributes['audit.target.id'],

    INDEX by_actor ActorId TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_target TargetId TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_trace TraceId TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree
-- Only rows of one month are merged with each other; a record that comes again has its time again.
PARTITION BY toYYYYMM(TimestampTime)
-- No TTL: how long a trail is kept is decided by whoever answers for it.
ORDER BY (ServiceName, Host, Stream, Seq, EventName)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE VIEW IF NOT EXISTS audit.trail AS
SELECT
    Timestamp AS time,
    ServiceName AS service,
    Host AS host,
    Stream AS stream,
    Seq AS seq,
    EventName AS event,
    Body AS summary,
    LogAttributes['audit.record.id'] AS id,
    LogAttributes['audit.action'] AS action,
    LogAttributes['audit.outcome'] AS outcome,
    LogAttributes['audit.category'] AS category,
    LogAttributes['audit.reason'] AS reason,
    ActorId AS actor_id,
    LogAttributes['audit.actor.type'] AS actor_type,
    LogAttributes['audit.source.id'] AS actor_ip,
    TargetId AS target_id,
    LogAttributes['audit.target.type'] AS target_type,
    LogAttributes['audit.scope.tenant'] AS tenant,
    LogAttributes['session.id'] AS session_id,
    LogAttributes['audit.request_id'] AS request_id,
    TraceId AS trace_id,
    LogAttributes AS attributes
FROM audit.records FINAL
WHERE EventName != 'audit.checkpoint';
