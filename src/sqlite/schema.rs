//! The tables: what is made in a new file, and how an older one is brought up to date.

use rusqlite::Connection;

use super::columns::COLUMNS;

/// What a file of this crate's says of itself: `TAud` in ASCII.
pub(super) const APPLICATION: i64 = 0x5441_7564;

/// The version that this crate writes. Each step of [`STEPS`] leads to the next.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// What leads from one version to the next; the first begins with an empty file.
pub(super) const STEPS: &[&str] = &["
    CREATE TABLE streams (
        no INTEGER PRIMARY KEY,
        stream TEXT NOT NULL UNIQUE,
        next_seq INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE parts (
        part INTEGER PRIMARY KEY,
        finished INTEGER NOT NULL DEFAULT 0,
        first INTEGER,
        last INTEGER,
        first_time INTEGER,
        last_time INTEGER
    ) STRICT;
    CREATE TABLE words (
        part INTEGER PRIMARY KEY,
        words BLOB NOT NULL
    ) STRICT;
    CREATE TABLE gaps (
        id INTEGER PRIMARY KEY,
        part INTEGER NOT NULL,
        observed_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE pruned (
        stream TEXT NOT NULL,
        first_seq INTEGER NOT NULL,
        last_seq INTEGER NOT NULL,
        before INTEGER NOT NULL,
        at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE leaves (
        id INTEGER PRIMARY KEY,
        hash BLOB NOT NULL
    ) STRICT;
    CREATE TABLE about (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
"];

/// The most parts that one view joins: SQLite joins 500 at most.
const MOST_JOINED: usize = 256;

/// Makes the tables of a part. The line stands apart from its columns, so that a scan of them passes no lines.
pub(super) fn create_part(conn: &Connection, part: i64) -> rusqlite::Result<()> {
    let columns: String = COLUMNS
        .iter()
        .map(|column| {
            let kind = if column.is_number { "INTEGER" } else { "TEXT" };
            format!(", {} {kind}", column.name)
        })
        .collect();
    conn.execute_batch(&format!(
        "CREATE TABLE entries_{part} (
            id INTEGER PRIMARY KEY, observed_at INTEGER NOT NULL, time INTEGER NOT NULL{columns}
         ) STRICT;
         CREATE INDEX entries_{part}_observed_at ON entries_{part} (observed_at);
         CREATE TABLE lines_{part} (id INTEGER PRIMARY KEY, line BLOB NOT NULL) STRICT;
         INSERT INTO parts (part) VALUES ({part});"
    ))?;
    guard(conn, part)?;
    views(conn)
}

/// Refuses changes to lines: against a slip, not against somebody who means it.
pub(super) fn guard(conn: &Connection, part: i64) -> rusqlite::Result<()> {
    conn.execute_batch(&format!(
        "CREATE TRIGGER lines_{part}_kept BEFORE DELETE ON lines_{part}
         BEGIN SELECT RAISE(ABORT, 'lines are removed by a prune only'); END;
         CREATE TRIGGER lines_{part}_same BEFORE UPDATE ON lines_{part}
         BEGIN SELECT RAISE(ABORT, 'a line is never changed'); END;"
    ))
}

/// Lets lines of a part be removed, until [`guard`].
pub(super) fn unguard(conn: &Connection, part: i64) -> rusqlite::Result<()> {
    conn.execute_batch(&format!("DROP TRIGGER IF EXISTS lines_{part}_kept;"))
}

/// Makes the two views for other programs anew: `records`, with every column, and `lines`.
pub(super) fn views(conn: &Connection) -> rusqlite::Result<()> {
    let parts: Vec<i64> = conn
        .prepare("SELECT part FROM parts ORDER BY part")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let old: Vec<String> = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'view' AND (name GLOB 'records*' OR name GLOB 'lines*')")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for name in old {
        conn.execute_batch(&format!("DROP VIEW \"{}\"", name.replace('"', "\"\"")))?;
    }
    let columns: String = COLUMNS
        .iter()
        .map(|column| format!(", {}", column.name))
        .collect();
    let place = "(SELECT stream FROM streams WHERE no = id >> 48) AS stream, id & 281474976710655 AS seq";
    let moment = "strftime('%Y-%m-%dT%H:%M:%fZ', time / 1000000000.0, 'unixepoch') AS at";
    view(conn, "records", &parts, |part| {
        format!("SELECT {place}, {moment}, observed_at, time{columns} FROM entries_{part}")
    })?;
    view(conn, "lines", &parts, |part| {
        format!("SELECT {place}, CAST(line AS TEXT) AS line FROM lines_{part}")
    })
}

fn view(
    conn: &Connection,
    name: &str,
    parts: &[i64],
    select: impl Fn(i64) -> String,
) -> rusqlite::Result<()> {
    let mut joined = Vec::new();
    for (at, parts) in parts.chunks(MOST_JOINED).enumerate() {
        let selects: Vec<String> = parts.iter().map(|part| select(*part)).collect();
        let inner = format!("{name}_{at}");
        conn.execute_batch(&format!("CREATE VIEW {inner} AS {}", selects.join(" UNION ALL ")))?;
        joined.push(format!("SELECT * FROM {inner}"));
    }
    conn.execute_batch(&format!("CREATE VIEW {name} AS {}", joined.join(" UNION ALL ")))
}
