//! Commands that are given as lists of texts (`["redis-cli", "-a", "…"]`), and as a list is printed without marks
//! (`[redis-cli -a …]`).

use super::alphabet::byte;
use super::bytes::{before, run, run_back};
use super::look::Look;
use super::value::{self, Extent};

/// The longest argument, in bytes.
const LONGEST: usize = 256;

/// The longest path of a command, in bytes.
const PATH: usize = 64;

/// The argument behind the option at `option..end`, where both are texts of one list. What a colon follows is the key of
/// an object.
pub(super) fn argument(bytes: &[u8], option: usize, end: usize) -> Option<Extent> {
    let mark = option.checked_sub(1).map(|at| byte(bytes, at))?;
    let escapes = run_back(bytes, option - 1, 8, |byte| byte == b'\\');
    let is_element = matches!(mark, b'"' | b'\'')
        && run(bytes, end, 8, |byte| byte == b'\\') == escapes
        && byte(bytes, end + escapes) == mark;
    let comma = value::skip_space(bytes, end + escapes + 1, true);
    if !is_element || byte(bytes, comma) != b',' {
        return None;
    }
    let start = value::skip_space(bytes, comma + 1, true);
    let near = bytes.get(..bytes.len().min(start + LONGEST))?;
    let found = value::in_marks(near, start)?;
    let slashes = run(near, found.end, 8, |byte| byte == b'\\');
    let is_closed = slashes == escapes && matches!(byte(near, found.end + slashes), b'"' | b'\'');
    let behind = value::skip_space(bytes, found.end + slashes + 1, true);
    let goes_on = matches!(byte(bytes, behind), b',' | b']' | b')' | b'}') || behind >= bytes.len();
    (is_closed && goes_on && found.start < found.end).then_some(found)
}

/// Whether the command and its option are texts of one list, whatever is said in those between them.
pub(super) fn is_one(bytes: &[u8], command: usize, option: usize) -> bool {
    let mark = before(bytes, option, 1);
    // The mark may be part of what is looked for.
    let command = command + usize::from(byte(bytes, command) == mark);
    if before(bytes, command - path(bytes, command), 1) != mark {
        return false;
    }
    let mut is_inside = true;
    let between = bytes.get(command..option).unwrap_or_default();
    between.iter().all(|byte| {
        is_inside ^= *byte == mark;
        // The program may stand before the list of its arguments.
        is_inside || !matches!(byte, b']' | b')' | b'{' | b'}' | b':' | b';')
    })
}

/// `127.0.0.1:8080:80`, `8080`: addresses, ports and numbers of users. Many digits alone are a password.
pub(super) fn is_numbers(text: &[u8]) -> bool {
    const PORT: usize = 5;
    let is_mark = |byte: &u8| matches!(byte, b'.' | b':' | b'/');
    text.iter().all(|byte| byte.is_ascii_digit() || is_mark(byte))
        && (text.len() <= PORT || text.iter().any(is_mark))
}

/// How long the path is in front of a command's name.
fn path(bytes: &[u8], command: usize) -> usize {
    run_back(bytes, command, PATH, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.')
    })
}

/// `[redis-cli -a SECRET]`: where an argument ends without the bracket that closes the list whose first word is the command.
pub(super) fn end_in_list(look: &Look<'_, '_>, command: usize, start: usize, end: usize) -> usize {
    let is_last = end > start + 1 && byte(look.bytes, end - 1) == b']';
    let is_listed = is_last && before(look.bytes, command - path(look.bytes, command), 1) == b'[';
    end - usize::from(is_listed)
}
