//! Settings as lines of two cells, name and value, below heads that say no more than that: `name,value`.

use super::alphabet::byte;
use super::bytes::before;
use super::look::Look;
use super::tables::{self, Cell};

/// What the names of settings stand under.
pub(super) const HEADS: [&[u8]; 9] = [
    b"key",
    b"name",
    b"field",
    b"property",
    b"setting",
    b"variable",
    b"parameter",
    b"option",
    b"attribute",
];

/// The longest head, in bytes, with marks around it.
const HEAD: usize = 16;

/// `value` at the end of a line, at `start`: cuts what stands beside the names of secrets in the lines that follow.
pub(super) fn lines(look: &mut Look<'_, '_>, start: usize) {
    if start < look.tables.settings {
        return;
    }
    let bytes = look.bytes;
    let Some((mark, mut at)) = behind_heads(bytes, start) else {
        return;
    };
    loop {
        let (mut name, mut said) = (None, None);
        let line = tables::cells(bytes, at, mark, &mut |column, cell| match column {
            0 => name = Some(cell),
            _ => said = Some(cell),
        });
        let Some((2, behind)) = line else { break };
        if let (Some(name), Some(said)) = (name, said) {
            setting(look, name, said);
        }
        at = behind;
    }
    look.tables.settings = at;
}

fn setting(look: &mut Look<'_, '_>, name: Cell, said: Cell) {
    let name = look.text.get(name.start..name.end).unwrap_or_default();
    if !tables::is_name(name.as_bytes(), false) {
        return;
    }
    if let Some(named) = tables::named(look, name) {
        tables::value(look, (name, named), said);
    }
}

/// What parts the cells, and where the first line begins, of the settings in whose heads `value` stands at `start`.
fn behind_heads(bytes: &[u8], start: usize) -> Option<(u8, usize)> {
    let end = start + b"value".len();
    let quoted = usize::from(byte(bytes, end) == b'"');
    let mark = before(bytes, start - quoted.min(start), 1);
    if quoted == 1 && before(bytes, start, 1) != b'"' || !matches!(mark, b',' | b';' | b'\t') {
        return None;
    }
    let comma = start - quoted - 1;
    let least = comma.saturating_sub(HEAD);
    let back = bytes.get(least..comma)?;
    let line = memchr::memrchr(b'\n', back).map(|at| least + at + 1);
    let line = line.or_else(|| (least == 0).then_some(0))?;
    let head = bytes.get(line..comma)?;
    let head = match head {
        [b'"', head @ .., b'"'] => head,
        head => head,
    };
    let is_head = HEADS.iter().any(|of| head.eq_ignore_ascii_case(of));
    let behind = end + quoted + usize::from(byte(bytes, end + quoted) == b'\r');
    (is_head && byte(bytes, behind) == b'\n' && tables::is_first(bytes, line)).then_some((mark, behind + 1))
}
