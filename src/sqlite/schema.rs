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
        next_seq INTEGER NOT NULL,
        last_observed INTEGER NOT NULL
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

/// The most parts that one view joins: SQLite joins 500 at most, and a view is made anew with each of its parts.
const MOST_JOINED: i64 = 64;

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
    view_again(conn, part)
}

/// Refuses changes to lines: against a slip, not against somebody who means it.
pub(super) fn guard(conn: &Connection, part: i64) -> rusqlite::Result<()> {
    conn.execute_batch(&format!(
        "CREATE TRIGGER IF NOT EXISTS lines_{part}_kept BEFORE DELETE ON lines_{part}
         BEGIN SELECT RAISE(ABORT, 'lines are removed by a prune only'); END;
         CREATE TRIGGER IF NOT EXISTS lines_{part}_same BEFORE UPDATE ON lines_{part}
         BEGIN SELECT RAISE(ABORT, 'a line is never changed'); END;"
    ))
}

/// Lets lines of a part be removed, until [`guard`].
pub(super) fn unguard(conn: &Connection, part: i64) -> rusqlite::Result<()> {
    conn.execute_batch(&format!("DROP TRIGGER IF EXISTS lines_{part}_kept;"))
}

/// Makes the two views for other programs, `records` with every column and `lines`, anew, as far as they name this part.
pub(super) fn view_again(conn: &Connection, part: i64) -> rusqlite::Result<()> {
    let columns: String = COLUMNS
        .iter()
        .map(|column| format!(", {}", column.name))
        .collect();
    let place = "(SELECT stream FROM streams WHERE no = id >> 48) AS stream, id & 281474976710655 AS seq";
    let moment = "strftime('%Y-%m-%dT%H:%M:%fZ', time / 1000000000.0, 'unixepoch') AS at";
    join(conn, "records", part, |part| {
        format!("SELECT {place}, {moment}, observed_at, time{columns} FROM entries_{part}")
    })?;
    join(conn, "lines", part, |part| {
        format!("SELECT {place}, CAST(line AS TEXT) AS line FROM lines_{part}")
    })
}

/// A view over the views of groups of parts, of which the one with this part is made anew.
fn join(conn: &Connection, name: &str, part: i64, select: impl Fn(i64) -> String) -> rusqlite::Result<()> {
    let group = (part - 1) / MOST_JOINED;
    let (first, last) = (group * MOST_JOINED + 1, (group + 1) * MOST_JOINED);
    let selects: Vec<String> = conn
        .prepare_cached("SELECT part FROM parts WHERE part BETWEEN ?1 AND ?2 ORDER BY part")?
        .query_map([first, last], |row| row.get(0).map(&select))?
        .collect::<rusqlite::Result<_>>()?;
    conn.execute_batch(&format!("DROP VIEW IF EXISTS group_{group}_of_{name}"))?;
    if !selects.is_empty() {
        let selects = selects.join(" UNION ALL ");
        conn.execute_batch(&format!("CREATE VIEW group_{group}_of_{name} AS {selects}"))?;
    }
    let groups: Vec<String> = conn
        .prepare_cached("SELECT DISTINCT (part - 1) / ?1 FROM parts ORDER BY 1")?
        .query_map([MOST_JOINED], |row| {
            let group: i64 = row.get(0)?;
            Ok(format!("SELECT * FROM group_{group}_of_{name}"))
        })?
        .collect::<rusqlite::Result<_>>()?;
    conn.execute_batch(&format!(
        "DROP VIEW IF EXISTS {name}; CREATE VIEW {name} AS {}",
        groups.join(" UNION ALL ")
    ))
}
