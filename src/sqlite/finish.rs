//! Finishing a part: its indexes and its text, made at once.

use rusqlite::{Connection, params};

use super::columns::indexes;
use super::row;
use super::text::Texts;

/// How much text is collected before SQLite writes it out, in bytes.
const TEXT_BUFFER: i64 = 64 * 1024 * 1024;

/// Makes the indexes and the text of a part, and notes what it spans. `texts` are the words of its records, where they are
/// all known.
pub(super) fn finish(conn: &Connection, part: i64, texts: Option<&Texts>) -> rusqlite::Result<()> {
    for index in indexes(part) {
        conn.execute_batch(&index)?;
    }
    match texts {
        Some(texts) => index_text(conn, part, texts)?,
        None => index_text(conn, part, &read_texts(conn, part)?)?,
    }
    note(conn, part)
}

/// Notes what a part spans, so that it can be passed over.
pub(super) fn note(conn: &Connection, part: i64) -> rusqlite::Result<()> {
    conn.execute_batch(&format!(
        "UPDATE parts SET finished = 1, (first, last, first_time, last_time) =
            (SELECT min(observed_at), max(observed_at), min(time), max(time) FROM entries_{part})
         WHERE part = {part}"
    ))
}

/// The words of a part's records, from their lines.
pub(super) fn read_texts(conn: &Connection, part: i64) -> rusqlite::Result<Texts> {
    let mut texts = Texts::default();
    let mut lines = conn.prepare(&format!("SELECT id, line FROM lines_{part} ORDER BY id"))?;
    let mut rows = lines.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(record) = row::read(row.get_ref(1)?.as_blob()?) {
            texts.add(row.get(0)?, &record);
        }
    }
    Ok(texts)
}

/// Indexes the words of a part's records. What stood there before is replaced.
pub(super) fn index_text(conn: &Connection, part: i64, texts: &Texts) -> rusqlite::Result<()> {
    // Without the text itself, and without the places of words in it: both can be had from the line.
    conn.execute_batch(&format!(
        "DROP TABLE IF EXISTS text_{part};
         CREATE VIRTUAL TABLE text_{part} USING fts5
            (words, content='', columnsize=0, detail=none, tokenize='ascii');
         INSERT INTO text_{part} (text_{part}, rank) VALUES ('hashsize', {TEXT_BUFFER});"
    ))?;
    let mut insert = conn.prepare(&format!("INSERT INTO text_{part} (rowid, words) VALUES (?1, ?2)"))?;
    for (id, words) in texts.rows() {
        insert.execute(params![id, words])?;
    }
    conn.execute(
        "INSERT OR REPLACE INTO words VALUES (?1, ?2)",
        params![part, texts.list()],
    )?;
    Ok(())
}
