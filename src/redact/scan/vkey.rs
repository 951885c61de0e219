//! Public keys of signers in the notation of signed notes, `<name>+<8 hexadecimal digits>+<base64 of 0x01 and the key>`. Each
//! states a hash of itself: where that is right it is such a key, which everybody may read, whatever its letters look like.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::hits::Hits;

/// Digits of the hash that a key states.
const ID: usize = 8;

/// The base64 of a byte for the kind of key and 32 for the key.
const KEY: usize = 44;

/// The longest name that is read, in bytes: as long as a signer's may be.
const NAME: usize = 200;

/// Where such keys stand in a text, in its order.
fn keys(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    memchr::memchr_iter(b'+', text).filter_map(|plus| key(text, plus))
}

/// Leaves of settled hits what does not lie within such a key.
pub(super) fn spare(text: &[u8], hits: &mut Hits) {
    for key in keys(text) {
        hits.retain(|hit| hit.start < key.start || hit.end > key.end);
    }
}

/// The key whose name ends at `plus`.
fn key(text: &[u8], plus: usize) -> Option<Range<usize>> {
    let (id, rest) = text.get(plus + 1..)?.split_at_checked(ID)?;
    let (key, rest) = rest.strip_prefix(b"+")?.split_at_checked(KEY)?;
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    if rest.first().is_some_and(goes_on) {
        return None;
    }
    let mut bytes = [0; 33];
    let len = STANDARD_NO_PAD.decode_slice(key, &mut bytes).ok()?;
    let stated = u32::from_str_radix(std::str::from_utf8(id).ok()?, 16).ok()?;
    let named = text.get(plus.saturating_sub(NAME + 1)..plus)?;
    let name = named
        .rsplit(|byte| byte.is_ascii_whitespace() || b"\"'`=,;()[]{}<>\\".contains(byte))
        .next()?;
    if len != bytes.len() || name.is_empty() || name.len() > NAME {
        return None;
    }
    let hash = Sha256::new()
        .chain_update(name)
        .chain_update(b"\n")
        .chain_update(bytes)
        .finalize();
    (hash.first_chunk() == Some(&stated.to_be_bytes())).then(|| plus - name.len()..plus + 1 + ID + 1 + KEY)
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;
    use super::super::scan;

    /// A key whose letters look like Atlassian's token, Azure's and nobody's.
    const KEYS: [&str; 3] = [
        concat!(
            "example.com/payments+c8f7c4c6+AT",
            "BB47VxPBXDVS36V4XnwcDo93tvuafPguAfZiu1t909"
        ),
        concat!(
            "example.com/payments+9cd6e6a6+AVU9I/zBC4H",
            "+AEhyEM/CZD7RzH0h1/mhqepVDNf+RPtX"
        ),
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ];

    #[test]
    fn a_signers_public_key_stays_whatever_its_letters_look_like() {
        for key in KEYS {
            for text in [
                key.to_owned(),
                format!("signed by {key}"),
                format!("vkey=\"{key}\", size=12"),
                format!("signing_key: {key}\n"),
                format!("[\"{key}\",\"{key}\"]"),
            ] {
                assert_eq!(scan("message", &text).value, text);
            }
        }
    }

    #[test]
    fn what_stands_beside_a_public_key_and_what_is_none_is_cut() {
        let [atlassian, azure, plain] = KEYS;
        check(&[
            ("message", &format!("{plain} password=«hunter2» {azure}")),
            ("message", &format!("password=«hunter2», {atlassian}")),
            ("signing_key", &format!("«{plain}»")),
        ]);
        // Of another name, with another hash, with a letter more and with one less.
        let (name, rest) = atlassian.split_once('+').unwrap();
        for text in [
            format!("{name}s+{rest}"),
            format!("{name}+{}", rest.replace("c8f7", "c8f8")),
            format!("{atlassian}A"),
            atlassian.strip_suffix('9').unwrap().to_owned(),
        ] {
            assert_eq!(scan("message", &text).redactions.len(), 1, "{text}");
        }
    }
}
