//! Rows of the side table of erasable values: a value with its salt, and whose it is. `docs/format.md` has the form.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::erase;
use super::json::{Json, parse};
use super::read::value_of;
use super::text;
use crate::error::{Error, ErrorKind, Result};
use crate::record::Value;

/// The directory of the side table, in that of its stream.
pub(crate) const ROWS: &str = "erasable";

/// How many bytes a salt has.
pub(super) const SALT: usize = 32;

/// The longest row that is read: a value that a frame takes, with every byte escaped.
pub(crate) const MAX_ROW: usize = 1024 * 1024;

/// A row: what stands in the place of a commitment as long as nobody erased it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Where the commitment stands in the line.
    pub(crate) field: String,
    /// The record's id and number.
    pub(crate) id: uuid::Uuid,
    pub(crate) seq: u64,
    pub(crate) salt: [u8; SALT],
    /// Whose value it is.
    pub(crate) subject: String,
    /// The value's canonical JSON.
    pub(crate) value: Vec<u8>,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("field", &self.field)
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}

impl Row {
    /// What stands in the line in the value's place.
    pub(crate) fn commitment(&self) -> [u8; 32] {
        erase::commitment(&self.salt, &self.value)
    }

    /// Appends the row as a line.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"field\":");
        text::string(out, self.field.as_bytes());
        out.extend_from_slice(format!(",\"id\":\"{}\",\"salt\":\"", self.id.hyphenated()).as_bytes());
        out.extend_from_slice(STANDARD.encode(self.salt).as_bytes());
        out.extend_from_slice(format!("\",\"seq\":{},\"subject\":", self.seq).as_bytes());
        text::string(out, self.subject.as_bytes());
        out.extend_from_slice(b",\"value\":");
        out.extend_from_slice(&self.value);
        out.extend_from_slice(b"}\n");
    }

    /// Reads a row, with or without its newline.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] where the line is none. What stands there is not said: it may be personal.
    pub(crate) fn read(line: &[u8]) -> Result<Self> {
        row(line).ok_or_else(|| {
            Error::new(
                ErrorKind::Format,
                "a line of the side table is not a row with field, id, salt, seq, subject and value",
            )
        })
    }

    /// The value.
    pub(crate) fn value(&self) -> Option<Value> {
        value_of(&self.field, parse(&self.value).ok()?).ok()
    }
}

fn row(line: &[u8]) -> Option<Row> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    // The value is the last member, and kept as it stands: its bytes are what was committed to. In the texts before it
    // every quote has a backslash, so that this stands there once.
    let behind = memchr::memmem::find(line, b",\"value\":")?;
    let Json::Object(members) = parse(line).ok()? else {
        return None;
    };
    let text = |name: &str| {
        members.iter().find_map(|(key, json)| match json {
            Json::Str(text) if key == name => Some(text.clone().into_owned()),
            _ => None,
        })
    };
    let seq = members.iter().find_map(|(key, json)| match json {
        Json::Number(number) if key == "seq" => number.parse().ok(),
        _ => None,
    })?;
    let value = line.get(behind + 9..line.len().checked_sub(1)?)?.to_vec();
    Some(Row {
        field: text("field")?,
        id: text("id")?.parse().ok()?,
        salt: STANDARD.decode(text("salt")?).ok()?.try_into().ok()?,
        seq,
        subject: text("subject")?,
        value,
    })
}

/// The name of a file of the side table: the number of its first row's record, and a count that tells files of one
/// number apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowsName {
    pub(crate) first_seq: u64,
    pub(crate) copy: u32,
}

impl fmt::Display for RowsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rows-{:020}-{}.jsonl", self.first_seq, self.copy)
    }
}

impl FromStr for RowsName {
    type Err = ();

    fn from_str(name: &str) -> std::result::Result<Self, ()> {
        let middle = name
            .strip_prefix("rows-")
            .and_then(|rest| rest.strip_suffix(".jsonl"));
        let (seq, copy) = middle.and_then(|middle| middle.split_once('-')).ok_or(())?;
        let read = Self {
            first_seq: seq.parse().map_err(drop)?,
            copy: copy.parse().map_err(drop)?,
        };
        // One name for each: no sign, no other number of zeros.
        if read.to_string() == name {
            Ok(read)
        } else {
            Err(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(value: &[u8]) -> Row {
        Row {
            field: "attributes.e\"mail".to_owned(),
            id: uuid::Uuid::from_u128(7),
            seq: 42,
            salt: [9; SALT],
            subject: "u-17,\"value\":1".to_owned(),
            value: value.to_vec(),
        }
    }

    #[test]
    fn a_row_is_read_back_with_the_bytes_that_were_committed_to() {
        for value in [
            &b"\"ana\""[..],
            b"{\"$int\":\"18446744073709551615\"}",
            b"{\"a\":{\"b\":1,\"value\":2}}",
            b"[1,{\"value\":\"},\\\"value\\\":\"}]",
        ] {
            let row = sample(value);
            let mut line = Vec::new();
            row.write(&mut line);
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            let read = Row::read(&line).unwrap();
            assert_eq!(read, row, "{}", String::from_utf8_lossy(&line));
            assert_eq!(read.commitment(), row.commitment());
        }
    }

    #[test]
    fn what_is_no_row_is_an_error_that_does_not_say_what_stands_there() {
        for wrong in ["", "{}", "{\"value\":1}", "[]", "ana@example.com"] {
            let error = Row::read(wrong.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Format);
            assert!(!error.to_string().contains("ana"), "{error}");
        }
    }

    #[test]
    fn a_file_of_rows_has_one_name() {
        let name = RowsName {
            first_seq: 42,
            copy: 3,
        };
        assert_eq!(name.to_string(), "rows-00000000000000000042-3.jsonl");
        assert_eq!(name.to_string().parse(), Ok(name));
        for wrong in [
            "rows-42-3.jsonl",
            "rows-00000000000000000042-03.jsonl",
            "rows-00000000000000000042-3.jsonl.new",
            "audit-2026-11-21-00000000000000000042.jsonl",
            "rows-00000000000000000042.jsonl",
        ] {
            assert_eq!(wrong.parse::<RowsName>(), Err(()), "{wrong}");
        }
    }
}
