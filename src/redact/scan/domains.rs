//! What decides where an e-mail address begins and ends, and whether it is one: the ends of names that are none, and the script
//! of the sentence around it.

use super::lexicon::Lexicon;

/// Last labels that are the ends of file and unit names.
pub(super) static FILES: Lexicon = Lexicon::of(&[
    "automount",
    "bmp",
    "conf",
    "css",
    "device",
    "dll",
    "exe",
    "gif",
    "html",
    "ico",
    "jar",
    "jpeg",
    "jpg",
    "js",
    "json",
    "lock",
    "log",
    "mount",
    "png",
    "scope",
    "service",
    "slice",
    "socket",
    "svg",
    "swap",
    "target",
    "timer",
    "toml",
    "txt",
    "webp",
    "xml",
    "yaml",
    "yml",
]);

/// Domains whose addresses are the names of algorithms.
pub(super) const ALGORITHMS: &[&str] = &["openssh.com", "libssh.org", "lysator.liu.se"];

/// Last labels that an address in words must have, so that prose stays prose.
pub(super) const COMMON: &[&str] = &[
    "com", "org", "net", "edu", "gov", "io", "de", "uk", "fr", "it", "es", "nl", "ch", "at", "eu", "us",
    "ca", "au", "jp", "cn", "in", "br", "ru", "pl", "se", "no", "dk", "fi", "be", "info", "biz", "dev",
    "app", "co", "me", "example", "test", "invalid",
];

/// Whether a character begins so that is of a script without letters of ASCII, and without spaces between its words: kana, Han,
/// Hangul. What of it stands beside an address in ASCII is the sentence around it.
pub(super) const fn is_east_asian(byte: u8) -> bool {
    byte >= 0xE3 && byte <= 0xED
}

/// Where in the local part of an address the sentence before it ends: `先はbob`.
pub(super) fn sentence_before(local: &[u8]) -> usize {
    let last = local.iter().rposition(|byte| is_east_asian(*byte));
    let end = last.map_or(0, |at| local.len().min(at + 3));
    let rest = local.get(end..).unwrap_or_default();
    // An address may be all in such a script.
    if !rest.is_empty() && rest.is_ascii() {
        end
    } else {
        0
    }
}

/// Where in a domain the sentence behind it begins: `example.deです`.
pub(super) fn sentence_behind(domain: &[u8]) -> usize {
    let first = domain.iter().position(|byte| is_east_asian(*byte));
    let Some(first) = first else {
        return domain.len();
    };
    let before = domain.get(..first).unwrap_or_default();
    // `example.com。谢谢`: a reader sees a point there.
    let before = before.strip_suffix(b".").unwrap_or(before);
    let top = before.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let is_whole = before.is_ascii()
        && top.len() >= 2
        && top.len() < before.len()
        && top.iter().all(u8::is_ascii_alphabetic);
    if is_whole { first } else { domain.len() }
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn a_sentence_without_spaces_is_no_part_of_an_address() {
        check(&[
            ("message", "お問い合わせ先は«emily90@uni-hamburg.de»です。"),
            ("message", "请联系«bob.w@example.com»谢谢"),
            ("message", "联系邮箱:«li.wei@example.com»。谢谢"),
            ("message", "메일은 «bob@example.co.kr»입니다"),
            ("message", "«用户@例え.jp»"),
            ("message", "«田中@example.jp» へ"),
            ("message", "to «jürgen@example.de» and"),
        ]);
    }
}
