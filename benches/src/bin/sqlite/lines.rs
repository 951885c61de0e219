//! The generator of `bench-sqlite`: the line of a number, the same for each run, as a service with some 20,000 users leaves it.

use anyhow::{Result, ensure};
use tracing_audit::format::{read_line, write_line};

/// 2026-11-21T00:00:00Z
pub(crate) const START: u64 = 1_795_219_200_000_000_000;
/// From one record to the next, in nanoseconds: 345,600 a day.
pub(crate) const BETWEEN: u64 = 250_000_000;
const STREAM: &str = "0192f0c1-2b5e-7c3a-8f00-0123456789ab";

const DEPARTMENTS: &[&str] = &[
    "accounting",
    "sales",
    "legal",
    "support",
    "engineering",
    "marketing",
    "logistics",
    "security",
    "research",
    "design",
];

/// The line of a number, without its newline.
pub(crate) fn line(seq: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seq);
    let nanos = START + seq * BETWEEN;
    let at = written(nanos);
    let action = ["read", "update", "create", "delete", "login"][random.usize(..5)];
    let kind = ["invoice", "document", "account", "order"][random.usize(..4)];
    let (outcome, level) = match random.u32(..100) {
        0..90 => ("success", "info"),
        90..96 => ("failure", "warn"),
        _ => ("denied", "warn"),
    };
    let error = match (outcome, seq % 50_000) {
        ("success", _) => "",
        (_, 77) => r#""error":{"message":"the quota flumphed"},"#,
        _ => r#""error":{"message":"not allowed for this role"},"#,
    };
    let (actor, resource) = (random.u32(..20_000), random.u32(..1_000_000));
    let (session, request) = (random.u32(..200_000), random.u64(..));
    let (trace, span, duration) = (random.u128(1..), random.u64(1..), random.u64(10_000..900_000_000));
    let department = DEPARTMENTS[random.usize(..DEPARTMENTS.len())];
    let id = uuid::Builder::from_unix_timestamp_millis(
        nanos / 1_000_000,
        &random.u128(..).to_le_bytes()[..10].try_into().unwrap_or_default(),
    );
    let id = id.into_uuid();
    format!(
        concat!(
            r#"{{"action":"{kind}.{action}","actor":{{"id":"u-{actor}","type":"user"}},"category":"{kind}","#,
            r#""duration_ns":{duration},{error}"event":"{kind}.{action}","host":"host","id":"{id}","level":"{level}","#,
            r#""observed_at":"{at}","outcome":"{outcome}","request_id":"{request:016x}","#,
            r#""resource":{{"id":"{resource}","type":"{kind}"}},"schema":1,"seq":{seq},"service":"service","#,
            r#""session_id":"s-{session:08x}","span_id":"{span:016x}","stream":"{stream}","#,
            r#""summary":"{action} of {kind} by the {department} department","time":"{at}","trace_flags":1,"#,
            r#""trace_id":"{trace:032x}"}}"#
        ),
        kind = kind,
        action = action,
        actor = actor,
        duration = duration,
        error = error,
        id = id,
        level = level,
        at = at,
        outcome = outcome,
        request = request,
        resource = resource,
        seq = seq,
        session = session,
        span = span,
        stream = STREAM,
        department = department,
        trace = trace,
    )
    .into_bytes()
}

/// A time of November or December 2026 in the form of a line.
fn written(nanos: u64) -> String {
    let (seconds, fraction) = ((nanos - START) / 1_000_000_000, (nanos - START) % 1_000_000_000);
    let (day, of_day) = (21 + seconds / 86_400, seconds % 86_400);
    let (month, day) = if day > 30 { (12, day - 30) } else { (11, day) };
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("2026-{month}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:09}Z")
}

/// Checks that the lines are those that the writer would write.
pub(crate) fn check() -> Result<()> {
    for seq in (0..200).chain([77, 4_000_000, 10_000_000]) {
        let line = line(seq);
        let record = read_line(&line)?;
        let id = record.text(tracing_audit::record::Slot::Id).unwrap_or_default();
        let again = write_line(&record, STREAM, seq, START + seq * BETWEEN, id.parse()?);
        ensure!(
            line == again,
            "{}\n{}",
            String::from_utf8_lossy(&line),
            String::from_utf8_lossy(&again)
        );
    }
    Ok(())
}
