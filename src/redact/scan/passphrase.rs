//! Secrets of several words, where something says how far they reach.

use super::bytes::{at as byte, run};
use super::hits::Sort;
use super::joint::Site;
use super::plausible::Joint;
use super::value::Extent;
use crate::redact::words::Named;

/// `<password>correct horse 86</password>`, `;Password=correct horse 86;Database=x`: a secret of several words, where its end is
/// clear. That its first word is one was found before.
pub(super) fn whole(bytes: &[u8], named: Named, site: Site, found: Extent) -> Extent {
    /// The most that is read of them.
    const LONGEST: usize = 96;
    if site.joint == Joint::Colon && named.sort == Sort::Secret {
        let end = block_end(bytes, site, found).unwrap_or(found.end);
        return Extent { end, ..found };
    }
    let is_bare = site.joint == Joint::Assigned && !found.quoted && byte(bytes, found.end) == b' ';
    if !is_bare || named.sort != Sort::Secret {
        return found;
    }
    let ahead = bytes.get(found.end..bytes.len().min(found.end + LONGEST));
    let ahead = ahead.unwrap_or_default();
    let words = ahead
        .iter()
        .take_while(|byte| {
            **byte >= b' ' && !matches!(byte, b'<' | b'>' | b'"' | b'\\' | b';' | b'=' | b',' | b'[')
        })
        .count();
    let (said, rest) = ahead.split_at_checked(words).unwrap_or_default();
    let is_element = || {
        let name = bytes.get(site.from..site.to).unwrap_or_default();
        let tag = rest.strip_prefix(b"</").and_then(|tag| tag.strip_prefix(name));
        byte(bytes, site.at.saturating_sub(1)) == b'>' && tag.is_some_and(|tag| tag.starts_with(b">"))
    };
    let is_setting = || {
        let name = run(rest, 1, 32, |byte| byte.is_ascii_alphabetic() || byte == b' ');
        let goes_on = name > 1 && byte(rest, 1 + name) == b'=' && byte(rest, 1).is_ascii_uppercase();
        byte(rest, 0) == b';' && goes_on && is_one_of_settings(bytes, site.from)
    };
    match is_element() || is_setting() {
        true => Extent {
            end: found.end + said.trim_ascii_end().len(),
            ..found
        },
        false => found,
    }
}

/// `password: |` and lines further in: where the last of them ends.
fn block_end(bytes: &[u8], site: Site, found: Extent) -> Option<usize> {
    /// The most that is read of them.
    const LONGEST: usize = 4096;
    let gap = bytes.get(site.at..found.start)?;
    let line = memchr::memchr(b'\n', gap)?;
    let (mark, indent) = gap.split_at_checked(line + 1)?;
    let head = bytes.get(site.from.saturating_sub(256)..site.from)?;
    let line = memchr::memrchr(b'\n', head).map_or(0, |at| at + 1);
    let outer = run(head, line, 256, |byte| byte == b' ');
    let is_block =
        indent.len() > outer && matches!(mark.trim_ascii(), b"|" | b">" | b"|-" | b">-" | b"|+" | b">+");
    if !is_block || indent.is_empty() || indent.iter().any(|byte| *byte != b' ') {
        return None;
    }
    let ahead = bytes.get(found.start..bytes.len().min(found.start + LONGEST))?;
    let mut end = 0;
    for line in ahead.split_inclusive(|byte| *byte == b'\n') {
        let is_inside = end == 0 || line.starts_with(indent) || line.trim_ascii().is_empty();
        if !is_inside {
            break;
        }
        end += line.len();
    }
    let lines = ahead.get(..end)?.trim_ascii_end();
    Some(found.start + lines.len()).filter(|end| *end > found.end)
}

/// Whether the name begins with a capital behind `;` or at the beginning, as those of a connection string do.
fn is_one_of_settings(bytes: &[u8], from: usize) -> bool {
    let is_first = from == 0 || matches!(byte(bytes, from - 1), b';' | b'"' | b'\'');
    is_first && byte(bytes, from).is_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn a_secret_of_several_words_is_cut_whole_where_its_end_is_clear() {
        check(&[
            ("message", "<password>«Cobalt Horse Staple 86»</password>"),
            (
                "message",
                "<db><password>«correct horse battery»</password><user>x</user></db>",
            ),
            (
                "message",
                "Server=db;Password=«Tundra Correct Anchor 96»;Database=x",
            ),
            ("message", "Password=«Tundra Correct Anchor 96»;Initial Catalog=x"),
            ("message", "<password>This field is required</password>"),
            (
                "config",
                "jwt_secret: |\n  «eyQ9xPabcd12\n  lines9X of it\n\n  and more»\nttl: 3600\n",
            ),
            (
                "config",
                "a:\n  jwt_secret: >-\n    «eyQ9xPabcd12\n      x»\n  b: c",
            ),
            ("config", "jwt_secret: |\n  «eyQ9xPabcd12»"),
            ("config", "jwt_secret:\n  «eyQ9xPabcd12»\n  x: y"),
            ("message", "<password>«hunter22x» was <b>refused</b></password>"),
            ("message", "password=«hunter22x» was refused; user=bob"),
            ("message", "id=1; password=«hunter22x» was refused; user=bob"),
        ]);
    }
}
