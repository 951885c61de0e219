//! Signed notes (C2SP `signed-note`) with Ed25519 keys, and the keys' text forms.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use super::signing::PREFIX;
use crate::error::{Error, ErrorKind, Result};

/// The byte before an Ed25519 key in its text forms.
pub(super) const ED25519: u8 = 1;

/// No note of ours, and no key of anybody's, is longer.
pub const MAX_NOTE: usize = 64 * 1024;

/// How a signature's line begins: an em dash and a space.
const SIGNATURE: &str = "\u{2014} ";

/// Who signs, as everybody may know it: a name and an Ed25519 public key. Its text form is a *vkey*,
/// `<name>+<key id>+<base64 of 0x01 and the key>`.
///
/// ```
/// use tracing_audit::format::VerifierKey;
///
/// let key: VerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse()?;
/// assert_eq!(key.name(), "PeterNeumann");
/// # Ok::<(), tracing_audit::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl VerifierKey {
    /// The key of this name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for a name that a note cannot hold, and for bytes that are no point of the curve.
    pub fn new(name: &str, key: &[u8; 32]) -> Result<Self> {
        check_name(name)?;
        let key = VerifyingKey::from_bytes(key)
            .map_err(|_| malformed("a public key", name, "it is no Ed25519 key"))?;
        Ok(Self {
            id: key_id(name, &key),
            name: name.to_owned(),
            key,
        })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of the SHA-256 of name and key: what signatures state.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The 32 bytes of the public key.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether `signature` is this key's for `text`.
    #[must_use]
    pub fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id);
        write!(f, "{}+{id:08x}+{}", self.name, encoded(self.key.as_bytes()))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why| malformed("a verifier key", text, why);
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("write it as `<name>+<8 hexadecimal digits>+<base64>`"));
        };
        let key =
            decoded(key).ok_or_else(|| wrong("the last part is not the base64 of 0x01 and 32 bytes"))?;
        let key = Self::new(name, &key)?;
        if id.len() != 8 || format!("{:08x}", u32::from_be_bytes(key.id)) != id {
            return Err(wrong(
                "the middle part is not the id of this name and key; copy all of it",
            ));
        }
        Ok(key)
    }
}

/// The base64 of the type byte and a key.
pub(super) fn encoded(key: &[u8; 32]) -> String {
    let mut bytes = [ED25519; 33];
    for (slot, byte) in bytes.iter_mut().skip(1).zip(key) {
        *slot = *byte;
    }
    BASE64.encode(bytes)
}

pub(super) fn decoded(text: &str) -> Option<[u8; 32]> {
    let bytes = zeroize::Zeroizing::new(BASE64.decode(text).ok()?);
    let (first, rest) = bytes.split_first()?;
    (*first == ED25519).then_some(())?;
    rest.try_into().ok()
}

pub(super) fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update([b'\n', ED25519]);
    hash.update(key.as_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    hash.first_chunk().copied().unwrap_or_default()
}

/// Names stand in lines, before a space and before a plus.
pub(super) fn check_name(name: &str) -> Result<()> {
    let is_bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.len() > 200 || name.contains(is_bad) {
        return Err(malformed(
            "a key's name",
            name,
            "use 1 to 200 bytes without white space and `+`, such as `example.com/payments`",
        ));
    }
    Ok(())
}

/// What is said of a text that is not what it should be. The text itself is shown escaped, and not beyond 80 characters,
/// and not at all where it is a secret key that was given in the place of something else.
pub(super) fn malformed(what: &str, text: &str, why: &str) -> Error {
    if text.contains(PREFIX) {
        return malformed(what, "[a secret key]", why);
    }
    let shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    Error::new(ErrorKind::Format, format!("`{shown}` is not {what}: {why}"))
}

/// A signature of a note: by whom, and the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The signer's name.
    pub name: String,
    /// The key's id.
    pub id: [u8; 4],
    /// The signature itself: 64 bytes where it is Ed25519's.
    pub bytes: Vec<u8>,
}

/// A text and its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text: whole lines, the last newline included. This is what is signed.
    pub text: String,
    /// The signatures, at least one.
    pub signatures: Vec<Signature>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for bytes that are no note, or more than [`MAX_NOTE`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let wrong = |why| malformed("a signed note", &String::from_utf8_lossy(bytes), why);
        if bytes.len() > MAX_NOTE {
            return Err(wrong("it is longer than 65,536 bytes"));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
        if note.contains(|c: char| c != '\n' && c.is_ascii_control()) {
            return Err(wrong("it has control characters"));
        }
        let Some(at) = note.rfind("\n\n") else {
            return Err(wrong("there is no empty line before signatures"));
        };
        let (text, lines) = note.split_at(at + 1);
        let lines = lines.strip_prefix('\n').unwrap_or(lines);
        let lines = lines
            .strip_suffix('\n')
            .ok_or_else(|| wrong("its last line has no end"))?;
        let signatures = lines
            .split('\n')
            .map(|line| signature(line).ok_or_else(|| wrong("a signature's line is malformed")));
        Ok(Self {
            text: text.to_owned(),
            signatures: signatures.collect::<Result<_>>()?,
        })
    }

    /// Whether the key has signed this note. Signatures of others are not looked at.
    #[must_use]
    pub fn is_signed_by(&self, key: &VerifierKey) -> bool {
        let mut by = self
            .signatures
            .iter()
            .filter(|by| by.name == key.name() && by.id == key.id());
        by.any(|by| key.verifies(&self.text, &by.bytes))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for Signature { name, id, bytes } in &self.signatures {
            let bytes = [id, bytes.as_slice()].concat();
            writeln!(f, "{SIGNATURE}{name} {}", BASE64.encode(bytes))?;
        }
        Ok(())
    }
}

fn signature(line: &str) -> Option<Signature> {
    let (name, bytes) = line.strip_prefix(SIGNATURE)?.split_once(' ')?;
    check_name(name).ok()?;
    let bytes = BASE64.decode(bytes).ok()?;
    let (id, bytes) = bytes.split_first_chunk::<4>()?;
    Some(Signature {
        name: name.to_owned(),
        id: *id,
        bytes: bytes.to_vec(),
    })
}
