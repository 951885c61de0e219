//! What a reader sees stays as it was, while others write.

use rusqlite::Connection;

use crate::error::Result;
use crate::sqlite::Database;

/// Keeps what is read as it was at the first read, whatever is written meanwhile: also the tables, which a prune removes.
pub(super) struct Snapshot<'s>(&'s Connection);

impl<'s> Snapshot<'s> {
    pub(super) fn begin(database: &'s Database) -> Result<Self> {
        let conn = database.conn();
        conn.execute_batch("SAVEPOINT snapshot")
            .map_err(|error| database.failed("could not read", error))?;
        Ok(Self(conn))
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // One that was begun before this one may have ended it already.
        let _ = self.0.execute_batch("RELEASE snapshot");
    }
}
