//! Keyed pseudonyms: HMAC-SHA-256 under a key with an id, in the form `hmac-sha256:<key id>:<hex>`.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::record::frame::Out;

/// Separates the parts of the message: it cannot stand in a class, and a value comes last.
const SEPARATOR: u8 = 0x1F;

/// The least number of bytes of a key.
const MIN_KEY: usize = 32;

/// The key for pseudonyms, if there is one.
#[derive(Clone, Default)]
pub(crate) struct Keys {
    key: Option<Key>,
}

#[derive(Clone)]
struct Key {
    id: String,
    /// The state after the key block, cloned for each value: hashing the key again would double the cost.
    state: Hmac<Sha256>,
    /// Kept only so that the bytes are wiped with the last clone.
    _secret: std::sync::Arc<Zeroizing<Vec<u8>>>,
}

impl Keys {
    pub(crate) fn new(id: &str, secret: &[u8]) -> Result<Self> {
        let allowed = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
        if id.is_empty() || id.len() > 32 || !id.chars().all(allowed) {
            return Err(Error::config(format!(
                "key id `{id}` is not 1 to 32 letters, digits, `-` or `_`"
            )));
        }
        if secret.len() < MIN_KEY {
            let len = secret.len();
            return Err(Error::config(format!(
                "key `{id}` has {len} bytes; give at least {MIN_KEY} random bytes"
            )));
        }
        let state = Hmac::<Sha256>::new_from_slice(secret)
            .map_err(|_| Error::config(format!("key `{id}` has a length that HMAC-SHA-256 does not take")))?;
        let secret = std::sync::Arc::new(Zeroizing::new(secret.to_vec()));
        Ok(Self {
            key: Some(Key {
                id: id.to_owned(),
                state,
                _secret: secret,
            }),
        })
    }

    /// The id of the key, which is no secret: it stands in each pseudonym.
    pub(crate) fn id(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.id.as_str())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.key.is_none()
    }

    /// Appends the pseudonym of `value` within `class`. Answers `false`, and appends nothing, without a key.
    pub(crate) fn pseudonym(&self, class: &str, value: &[u8], into: &mut impl Out) -> bool {
        let Some(key) = &self.key else { return false };
        let mut mac = key.state.clone();
        for part in [b"audit/v1".as_slice(), class.as_bytes()] {
            mac.update(part);
            mac.update(&[SEPARATOR]);
        }
        mac.update(value);
        into.extend(b"hmac-sha256:");
        into.extend(key.id.as_bytes());
        into.extend(b":");
        for byte in mac.finalize().into_bytes() {
            let digit = |nibble: u8| {
                if nibble < 10 {
                    b'0' + nibble
                } else {
                    b'a' + nibble - 10
                }
            };
            into.extend(&[digit(byte >> 4), digit(byte & 15)]);
        }
        true
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.key.iter().map(|key| &key.id))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_stable_and_differs_between_classes_and_keys() {
        let pseudonym = |secret: u8, class: &str| {
            let mut text = Vec::new();
            assert!(
                Keys::new("k1", &[secret; 32])
                    .unwrap()
                    .pseudonym(class, b"192.0.2.7", &mut text)
            );
            String::from_utf8(text).unwrap()
        };
        assert_eq!(pseudonym(7, "network"), pseudonym(7, "network"));
        assert_ne!(pseudonym(7, "network"), pseudonym(7, "secret"));
        assert_ne!(pseudonym(7, "network"), pseudonym(8, "network"));
        assert!(pseudonym(7, "network").starts_with("hmac-sha256:k1:"));
        assert_eq!(pseudonym(7, "network").len(), "hmac-sha256:k1:".len() + 64);
    }

    #[test]
    fn a_short_key_is_refused_and_never_shown() {
        let error = Keys::new("k1", &[0x5A; 31]).unwrap_err().to_string();
        assert!(error.contains("31 bytes") && error.contains("32"), "{error}");
        let shown = format!("{:?}", Keys::new("k1", &[0x5A; 32]).unwrap());
        assert_eq!(shown, "[\"k1\"]");
    }
}
