//! Pruning: records older than a time are removed, and that they were stays known.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::columns::number;
use super::open::PATIENCE;
use super::schema::{guard, unguard, view_again};
use super::{Database, finish, unkey};
use crate::error::Result;
use crate::format::leaf_hash;

impl Database {
    /// Removes the records whose `time` lies before `before`, and says how many those were. Of each, the hash of its line
    /// stays, so that what is left can still be verified; nothing else, once no reader looks at what was there before.
    ///
    /// # Errors
    ///
    /// As [`Database::append`]; then nothing was removed.
    pub(crate) fn prune_before(&mut self, before: u64, at: u64) -> Result<u64> {
        self.begin()?;
        let removed = self
            .remove(before, at)
            .map_err(|error| self.failed("could not prune", error));
        let removed = self.end(removed, "could not prune")?;
        if removed > 0 {
            self.known.version = -1;
            self.empty_log();
        }
        Ok(removed)
    }

    /// Empties the log, which has pages as they were before. Where somebody still reads them, it is tried again behind the
    /// next write: nobody waits for it.
    pub(super) fn empty_log(&mut self) {
        let emptied = || -> rusqlite::Result<bool> {
            self.conn.busy_timeout(Duration::ZERO)?;
            let emptied = self
                .conn
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
            self.conn.busy_timeout(PATIENCE)?;
            Ok(emptied? == 0)
        };
        self.is_log_old = !emptied().unwrap_or(false);
    }

    fn remove(&self, before: u64, at: u64) -> rusqlite::Result<u64> {
        let conn = &self.conn;
        let parts: Vec<(i64, bool)> = conn
            .prepare("SELECT part, finished FROM parts WHERE finished = 0 OR first_time < ?1 ORDER BY part")?
            .query_map(params![number(before)], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut removed = 0;
        for (part, is_finished) in parts {
            let ids = old(conn, part, before)?;
            if ids.is_empty() {
                continue;
            }
            removed += ids.len() as u64;
            keep_hashes(conn, part, &ids)?;
            keep_ranges(conn, &ids, before, at)?;
            let left: i64 = conn.query_row(
                &format!("SELECT count(*) FROM entries_{part} WHERE time >= ?1"),
                params![number(before)],
                |row| row.get(0),
            )?;
            if is_finished && left == 0 {
                drop_part(conn, part)?;
                view_again(conn, part)?;
            } else {
                thin(conn, part, before, is_finished)?;
            }
        }
        Ok(removed)
    }
}

fn old(conn: &Connection, part: i64, before: u64) -> rusqlite::Result<Vec<i64>> {
    conn.prepare(&format!(
        "SELECT id FROM entries_{part} WHERE time < ?1 ORDER BY id"
    ))?
    .query_map(params![number(before)], |row| row.get(0))?
    .collect()
}

fn keep_hashes(conn: &Connection, part: i64, ids: &[i64]) -> rusqlite::Result<()> {
    let mut line = conn.prepare(&format!("SELECT line FROM lines_{part} WHERE id = ?1"))?;
    let mut keep = conn.prepare("INSERT OR REPLACE INTO leaves VALUES (?1, ?2)")?;
    for id in ids {
        let hash = line.query_row([id], |row| Ok(leaf_hash(row.get_ref(0)?.as_blob()?)))?;
        keep.execute(params![id, hash.as_slice()])?;
    }
    Ok(())
}

/// Notes which numbers were removed, each run of them once.
fn keep_ranges(conn: &Connection, ids: &[i64], before: u64, at: u64) -> rusqlite::Result<()> {
    let mut keep =
        conn.prepare("INSERT INTO pruned SELECT stream, ?2, ?3, ?4, ?5 FROM streams WHERE no = ?1")?;
    for run in ids.chunk_by(|left, right| left + 1 == *right) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        let (stream, first) = unkey(*first);
        let (_, last) = unkey(*last);
        keep.execute(params![
            stream,
            number(first),
            number(last),
            number(before),
            number(at)
        ])?;
    }
    Ok(())
}

fn drop_part(conn: &Connection, part: i64) -> rusqlite::Result<()> {
    conn.execute_batch(&format!(
        "DROP TABLE IF EXISTS text_{part};
         DROP TABLE entries_{part};
         DROP TABLE lines_{part};
         DELETE FROM words WHERE part = {part};
         DELETE FROM gaps WHERE part = {part};
         DELETE FROM parts WHERE part = {part};"
    ))
}

fn thin(conn: &Connection, part: i64, before: u64, is_finished: bool) -> rusqlite::Result<()> {
    unguard(conn, part)?;
    for table in ["lines", "gaps"] {
        let from = if table == "lines" {
            format!("lines_{part}")
        } else {
            "gaps".to_owned()
        };
        conn.execute(
            &format!("DELETE FROM {from} WHERE id IN (SELECT id FROM entries_{part} WHERE time < ?1)"),
            params![number(before)],
        )?;
    }
    conn.execute(
        &format!("DELETE FROM entries_{part} WHERE time < ?1"),
        params![number(before)],
    )?;
    guard(conn, part)?;
    if is_finished {
        finish::index_text(conn, part, &finish::read_texts(conn, part)?)?;
        finish::note(conn, part)?;
    }
    Ok(())
}
