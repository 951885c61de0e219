//! Keyed pseudonyms: HMAC-SHA-256 under a key with an id, in the form `hmac-sha256:<key id>:<hex>`.

use std::fmt;
use std::sync::Arc;

use super::class::Class;
use super::mac::{Beginning, MacKey, Short};
use crate::error::{Error, Result};
use crate::record::frame::Out;
use sha2::{Digest as _, Sha256};

/// Ends the parts of the message: it cannot stand in a class, and a value comes last.
const SEPARATOR: u8 = 0x1F;

/// The least number of bytes of a key.
const MIN_KEY: usize = 32;

/// The longest id of a key, in bytes.
const MAX_ID: usize = 32;

/// The keys for pseudonyms: the last one given makes them, the others are for looking old ones up.
#[derive(Clone, Default)]
pub(crate) struct Keys {
    keys: Vec<Key>,
    tenant: String,
    /// Made anew with every change, so that what was made beforehand under others is known by it.
    made: Option<Arc<Made>>,
}

/// What pseudonyms are made with, but for the key itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Made {
    id: String,
    tenant: String,
}

#[derive(Clone)]
pub(super) struct Key {
    id: String,
    mac: MacKey,
}

impl Key {
    /// The digits of the pseudonym of a value, by its message, which is used up.
    pub(super) fn digits(&self, message: &mut Short) -> [u8; 64] {
        hex(self.mac.of_short(message))
    }
}

impl Keys {
    /// Adds a key, which makes all pseudonyms from now on.
    pub(crate) fn add(&mut self, id: &str, secret: &[u8]) -> Result<()> {
        let allowed = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
        if id.is_empty() || id.len() > MAX_ID || !id.chars().all(allowed) {
            // Not stated: whoever mistakes the order of the two gives the key as the id.
            let len = id.len();
            return Err(Error::config(format!(
                "the id of a key, of {len} bytes, is not 1 to 32 letters, digits, `-` or `_`; the id comes first, the key second"
            )));
        }
        if self.keys.iter().any(|key| key.id == id) {
            return Err(Error::config(format!(
                "key id `{id}` is given twice; a new key needs a new id, or old pseudonyms could not be told from new ones"
            )));
        }
        if secret.len() < MIN_KEY {
            let len = secret.len();
            return Err(Error::config(format!(
                "key `{id}` has {len} bytes; give at least {MIN_KEY} random bytes"
            )));
        }
        self.keys.push(Key {
            id: id.to_owned(),
            mac: MacKey::new(secret),
        });
        self.changed();
        Ok(())
    }

    /// Sets the tenant that all pseudonyms belong to.
    pub(crate) fn set_tenant(&mut self, tenant: &str) {
        tenant.clone_into(&mut self.tenant);
        self.changed();
    }

    fn changed(&mut self) {
        self.made = self.id().map(|id| {
            Arc::new(Made {
                id: id.to_owned(),
                tenant: self.tenant.clone(),
            })
        });
    }

    /// What pseudonyms are made with; `None` without a key.
    pub(super) fn made(&self) -> Option<&Arc<Made>> {
        self.made.as_ref()
    }

    /// The key in use; `None` where this was made under other keys.
    pub(super) fn under(&self, made: &Arc<Made>) -> Option<&Key> {
        let is_it = self.made.as_ref().is_some_and(|mine| Arc::ptr_eq(mine, made));
        self.keys.last().filter(|_| is_it)
    }

    /// The id of the key in use, which is no secret: it stands in each pseudonym.
    pub(crate) fn id(&self) -> Option<&str> {
        self.keys.last().map(|key| key.id.as_str())
    }

    /// The ids of all keys, oldest first.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Appends the pseudonym of `value` within `class`. Answers `false`, and appends nothing, without a key.
    pub(crate) fn pseudonym(&self, class: Class, value: &[u8], into: &mut impl Out) -> bool {
        let key = self.keys.last();
        key.is_some_and(|key| {
            self.by(key, class, value, into);
            true
        })
    }

    /// As [`Self::pseudonym`], by the key with this id; `false` where there is none.
    pub(crate) fn pseudonym_by(&self, id: &str, class: Class, value: &[u8], into: &mut impl Out) -> bool {
        let key = self.keys.iter().find(|key| key.id == id);
        key.is_some_and(|key| {
            self.by(key, class, value, into);
            true
        })
    }

    fn by(&self, key: &Key, class: Class, value: &[u8], into: &mut impl Out) {
        let [a, b, c, d, e, f, g, h] = parts(class, &self.tenant);
        let code = key.mac.of(&[a, b, c, d, e, f, g, h, value]);
        into.extend(FORM);
        into.extend(key.id.as_bytes());
        into.extend(b":");
        into.extend(&hex(code));
    }
}

/// What every pseudonym begins with.
const FORM: &[u8] = b"hmac-sha256:";

/// What stands before the value in a message.
fn parts(class: Class, tenant: &str) -> [&[u8]; 8] {
    let label = class.label();
    [
        b"audit/v1",
        &[SEPARATOR],
        class.kind().as_str().as_bytes(),
        if label.is_empty() { b"" } else { b":" },
        label.as_bytes(),
        &[SEPARATOR],
        tenant.as_bytes(),
        &[SEPARATOR],
    ]
}

impl Made {
    /// How the message of every value of this class begins; `None` where that is long.
    pub(super) fn beginning(&self, class: Class) -> Option<Beginning> {
        Beginning::of(&parts(class, &self.tenant))
    }

    /// A pseudonym with zeros for digits.
    pub(super) fn blank(&self) -> String {
        let form = String::from_utf8_lossy(FORM);
        format!("{form}{}:{:064}", self.id, 0)
    }
}

/// A pseudonym on the stack. It hides its value, so it need not be wiped.
pub(super) struct Pseudonym {
    bytes: [u8; Self::LONGEST],
    len: usize,
}

impl Pseudonym {
    /// The form's name, a key's id and the code, with what stands between them.
    const LONGEST: usize = 12 + MAX_ID + 1 + 64;

    /// Of a value that is in its normal form already; `None` without a key.
    pub(super) fn of(keys: &Keys, class: Class, value: &[u8]) -> Option<Self> {
        let mut new = Self {
            bytes: [0; Self::LONGEST],
            len: 0,
        };
        keys.pseudonym(class, value, &mut new).then_some(new)
    }

    pub(super) fn text(&self) -> &str {
        let text = self.bytes.get(..self.len).map(std::str::from_utf8);
        text.and_then(std::result::Result::ok).unwrap_or_default()
    }
}

impl Out for Pseudonym {
    fn extend(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if let Some(place) = self.bytes.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
            self.len = end;
        }
    }
}

/// Whether a text is a pseudonym already, to the last digit: one that came with an imported record, say. Then it stays,
/// because a pseudonym of a pseudonym could not be found by anybody who looks the value up.
pub(super) fn is_pseudonym(text: &[u8]) -> bool {
    let parts = text.strip_prefix(b"hmac-sha256:").and_then(|rest| {
        rest.iter()
            .position(|&byte| byte == b':')
            .map(|at| rest.split_at(at))
    });
    let is_id = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    parts.is_some_and(|(id, hash)| {
        let hash = hash.get(1..).unwrap_or_default();
        (1..=MAX_ID).contains(&id.len())
            && id.iter().all(is_id)
            && hash.len() == 64
            && hash.iter().all(is_digit)
    })
}

/// The bare hash of a value, in the form `sha256:<hex>`, without a key: whoever can list the values that are possible
/// finds the one behind it. All IPv4 addresses are tried in minutes on one core. It is here for reading and making what
/// another system compares with; a policy never writes it. [`Policy::pseudonym`](super::Policy::pseudonym) is the form
/// that keeps a value from being guessed.
#[must_use]
pub fn sha256(value: &[u8]) -> String {
    let hex = hex(Sha256::digest(value).into());
    format!("sha256:{}", String::from_utf8_lossy(&hex))
}

/// The digits of a hash. Two of them are one word of a vector: so written, the compiler does many bytes at once.
fn hex(bytes: [u8; 32]) -> [u8; 64] {
    let mut hex = [0; 64];
    for (place, byte) in hex.as_chunks_mut().0.iter_mut().zip(bytes) {
        *place = digits(byte).to_le_bytes();
    }
    hex
}

/// The digits of a byte, the first one lowest.
const fn digits(byte: u8) -> u16 {
    const EACH: u16 = 0x0101;
    let byte = byte as u16;
    let nibbles = (byte >> 4 | byte << 8) & (EACH * 0x0F);
    let letters = (nibbles + EACH * 6) >> 4 & EACH;
    nibbles + EACH * b'0' as u16 + letters * (b'a' - b'0' - 10) as u16
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};

    use super::*;

    fn keys(id: &str, secret: &[u8]) -> Keys {
        let mut keys = Keys::default();
        keys.add(id, secret).unwrap();
        keys
    }

    fn made(keys: &Keys, class: Class) -> String {
        let mut text = Vec::new();
        assert!(keys.pseudonym(class, b"192.0.2.7", &mut text));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_pseudonym_is_stable_and_differs_between_classes_keys_and_tenants() {
        let one = keys("k1", &[7; 32]);
        let stable = made(&one, Class::NETWORK);
        assert_eq!(stable, made(&one, Class::NETWORK));
        assert_ne!(stable, made(&one, Class::SECRET));
        assert_ne!(stable, made(&keys("k1", &[8; 32]), Class::NETWORK));
        let mut other = one.clone();
        other.set_tenant("acme");
        assert_ne!(stable, made(&other, Class::NETWORK));
        assert!(stable.starts_with("hmac-sha256:k1:"));
        assert_eq!(stable.len(), "hmac-sha256:k1:".len() + 64);
        assert_ne!(
            made(&one, Class::personal("email")),
            made(&one, Class::personal("phone"))
        );
    }

    #[test]
    fn a_new_key_makes_pseudonyms_and_an_old_one_still_finds_them() {
        let mut both = keys("k1", &[7; 32]);
        let old = made(&both, Class::NETWORK);
        both.add("k2", &[8; 32]).unwrap();
        assert!(made(&both, Class::NETWORK).starts_with("hmac-sha256:k2:"));
        let mut found = Vec::new();
        assert!(both.pseudonym_by("k1", Class::NETWORK, b"192.0.2.7", &mut found));
        assert_eq!(found, old.as_bytes());
        assert!(!both.pseudonym_by("k3", Class::NETWORK, b"192.0.2.7", &mut found));
        let twice = both.add("k1", &[9; 32]).unwrap_err().to_string();
        assert!(twice.contains("given twice"), "{twice}");
    }

    #[test]
    fn a_pseudonym_is_the_mac_that_the_documentation_describes() {
        // The same by hand: the message is `audit/v1`, class, tenant and value, each but the last ended by 0x1F.
        for (class, tenant, message) in [
            (
                Class::personal("email"),
                "acme",
                "audit/v1\x1Fpersonal:email\x1Facme\x1Fv",
            ),
            (Class::NETWORK, "", "audit/v1\x1Fnetwork\x1F\x1Fv"),
        ] {
            let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
            mac.update(message.as_bytes());
            let expected: String = mac
                .finalize()
                .into_bytes()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let mut keys = keys("k1", &[7; 32]);
            keys.set_tenant(tenant);
            let mut text = Vec::new();
            keys.pseudonym(class, b"v", &mut text);
            assert_eq!(text, format!("hmac-sha256:k1:{expected}").as_bytes());
        }
    }

    #[test]
    fn a_pseudonym_is_recognised_and_nothing_like_it() {
        let made = made(&keys("k-1_x", &[7; 32]), Class::NETWORK);
        assert!(is_pseudonym(made.as_bytes()));
        let short = &made[..made.len() - 1];
        for other in [
            short,
            &format!("{made}0"),
            &format!(" {made}"),
            &made.to_uppercase(),
            &made.replace("k-1_x", ""),
        ] {
            assert!(!is_pseudonym(other.as_bytes()), "{other}");
        }
        for other in ["", "hmac-sha256:", "hmac-sha256:k1", &sha256(b"x")] {
            assert!(!is_pseudonym(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_short_key_is_refused_and_never_shown() {
        let error = Keys::default().add("k1", &[0x5A; 31]).unwrap_err().to_string();
        assert!(error.contains("31 bytes") && error.contains("32"), "{error}");
        assert_eq!(format!("{:?}", keys("k1", &[0x5A; 32])), "[\"k1\"]");
    }
}
