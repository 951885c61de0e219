-- Ten questions of an auditor, over the view of docs/collector/clickhouse.sql. In ClickHouse's dialect: `{name:Type}` is a
-- parameter, `SET param_name = …` or `--param_name=…` gives it. tests/otlp_recipes.rs asks them all, and knows the answers.

-- 1. Who did this to that thing, and when?
SELECT time, actor_type, actor_id, event, action, outcome
FROM audit.trail
WHERE target_type = {target_type:String} AND target_id = {target_id:String}
ORDER BY time, stream, seq;

-- 2. What did this person do, between two moments?
SELECT time, event, action, target_type, target_id, outcome
FROM audit.trail
WHERE actor_id = {actor:String} AND time >= {since:DateTime64(9)} AND time < {until:DateTime64(9)}
ORDER BY time, stream, seq;

-- 3. What was refused, to whom, how often?
SELECT actor_id, action, count() AS times, min(time) AS first, max(time) AS last
FROM audit.trail
WHERE outcome = 'denied'
GROUP BY actor_id, action
ORDER BY times DESC, actor_id, action;

-- 4. Who had three refusals or more and a success with the same action within the ten minutes after the third?
SELECT actor_id, action, min(success) AS success
FROM (
    SELECT actor_id, action, time AS success,
        arrayCount(refused -> refused <= time AND refused > time - INTERVAL 10 MINUTE, refusals) AS before
    FROM audit.trail AS one
    INNER JOIN (
        SELECT actor_id, action, groupArray(time) AS refusals
        FROM audit.trail
        WHERE outcome = 'denied'
        GROUP BY actor_id, action
    ) AS many USING (actor_id, action)
    WHERE outcome = 'success'
)
WHERE before >= 3
GROUP BY actor_id, action
ORDER BY actor_id, action;

-- 5. From which addresses did each person act?
SELECT actor_id, actor_ip, count() AS times
FROM audit.trail
WHERE actor_ip != ''
GROUP BY actor_id, actor_ip
ORDER BY actor_id, actor_ip;

-- 6. Who acted with what belongs to several tenants?
SELECT actor_id, arraySort(groupUniqArray(tenant)) AS tenants
FROM audit.trail
WHERE tenant != ''
GROUP BY actor_id
HAVING length(tenants) > 1
ORDER BY actor_id;

-- 7. What else happened in the same trace?
SELECT stream, seq, event, actor_id, action, outcome
FROM audit.trail
WHERE trace_id = {trace:String}
ORDER BY time, stream, seq;

-- 8. Is a number of a stream missing here? Each row is a hole: what this table never had, or no longer has.
SELECT service, host, stream, previous + 1 AS first_missing, seq - 1 AS last_missing
FROM (
    SELECT service, host, stream, seq,
        lagInFrame(toInt64(seq), 1, toInt64(-1)) OVER (
            PARTITION BY service, host, stream ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS previous
    FROM audit.trail
)
WHERE toInt64(seq) > previous + 1
ORDER BY service, host, stream, first_missing;

-- 9. What does the trail say of itself: was it opened, closed, interrupted, did it lose or refuse anything?
SELECT time, service, host, stream, event, summary
FROM audit.trail
WHERE startsWith(event, 'audit.')
ORDER BY time, stream, seq;

-- 10. How much was recorded on each day, by each service, and how much of it did not succeed?
SELECT toDate(time) AS day, service, count() AS records, countIf(outcome NOT IN ('success', '')) AS not_a_success
FROM audit.trail
GROUP BY day, service
ORDER BY day, service;
