//! Keys that sign checkpoints: held here, or by something that only signs (a KMS, an HSM).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

use super::checkpoint::Checkpoint;
use super::note::{Note, Signature, VerifierKey, check_name, decoded, encoded, malformed};
use crate::error::{Error, ErrorKind, Result};
use crate::secret;

/// How the text form of a secret key begins: that of Go's `golang.org/x/mod/sumdb/note`.
pub(super) const PREFIX: &str = "PRIVATE+KEY+";

/// Signs without giving the key away. Called by the thread that seals, about once a second; it may take its time.
pub trait Signer: Send + Sync {
    /// The 32 bytes of the Ed25519 public key.
    fn public_key(&self) -> [u8; 32];

    /// The Ed25519 signature (RFC 8032, pure) of `message`.
    ///
    /// # Errors
    ///
    /// A sentence for people. The checkpoint is then written later.
    fn sign(&self, message: &[u8]) -> std::result::Result<[u8; 64], String>;
}

/// The key that signs a trail's checkpoints. Its `Debug` form shows the public half.
///
/// ```
/// use tracing_audit::format::SigningKey;
///
/// let key = SigningKey::generate("example.com/payments")?;
/// let again = SigningKey::parse(&key.to_text().expect("held here"))?;
/// assert_eq!(again.verifier(), key.verifier());
/// # Ok::<(), tracing_audit::Error>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    verifier: VerifierKey,
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    /// Wiped when it is dropped.
    Held(Box<ed25519_dalek::SigningKey>),
    Elsewhere(Arc<dyn Signer>),
}

impl SigningKey {
    /// Draws a new key. The name says whose it is, and is the first part of every stream's origin: use a domain and a path,
    /// such as `example.com/payments`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for a name with white space or `+`.
    pub fn generate(name: &str) -> Result<Self> {
        let seed = Zeroizing::new(rand::random::<[u8; 32]>());
        Self::held(name, &seed)
    }

    /// Reads the text form `PRIVATE+KEY+<name>+<key id>+<base64>`, as `tracing-audit keygen` writes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for another text. The message never shows it.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why| malformed("a signing key", "[the text given]", why);
        let rest = text
            .trim()
            .strip_prefix(PREFIX)
            .ok_or_else(|| wrong("it begins with `PRIVATE+KEY+`"))?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(seed)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong(
                "write it as `PRIVATE+KEY+<name>+<8 hexadecimal digits>+<base64>`",
            ));
        };
        let seed = decoded(seed).map(Zeroizing::new);
        let seed = seed.ok_or_else(|| wrong("the last part is not the base64 of 0x01 and 32 bytes"))?;
        let key = Self::held(name, &seed)?;
        if format!("{:08x}", u32::from_be_bytes(key.verifier.id())) != id {
            return Err(wrong(
                "the key id does not belong to the name and the key; copy all of it",
            ));
        }
        Ok(key)
    }

    /// Reads the key from a file that nobody but its owner may read or write (mode 0600 or 0400).
    ///
    /// # Errors
    ///
    /// As [`Self::parse`]; a file that cannot be read, or that others can.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let text = secret::file("the signing key", path.as_ref())?;
        Self::parse(text_of(&text)?)
    }

    /// Reads the key from an environment variable.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`]; a variable that is not set.
    pub fn from_env(variable: &str) -> Result<Self> {
        let text = secret::env(
            "the signing key",
            variable,
            "set it to a key that `tracing-audit keygen` made",
        )?;
        Self::parse(text_of(&text)?)
    }

    /// A key that something else holds.
    ///
    /// # Errors
    ///
    /// As [`Self::generate`], and for bytes that are no Ed25519 public key.
    pub fn held_by(name: &str, signer: impl Signer + 'static) -> Result<Self> {
        Ok(Self {
            verifier: VerifierKey::new(name, &signer.public_key())?,
            secret: Secret::Elsewhere(Arc::new(signer)),
        })
    }

    fn held(name: &str, seed: &[u8; 32]) -> Result<Self> {
        check_name(name)?;
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        Ok(Self {
            verifier: VerifierKey::new(name, key.verifying_key().as_bytes())?,
            secret: Secret::Held(Box::new(key)),
        })
    }

    /// The public half, under the key's own name.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The same key as it signs for one stream: its name is the key's name, `/`, and the stream's id.
    ///
    /// # Errors
    ///
    /// As [`Self::generate`].
    pub fn for_stream(&self, stream: &str) -> Result<Self> {
        let name = format!("{}/{stream}", self.verifier.name());
        Ok(Self {
            verifier: VerifierKey::new(&name, self.verifier.bytes())?,
            secret: self.secret.clone(),
        })
    }

    /// The secret text form; `None` where something else holds the key.
    #[must_use]
    pub fn to_text(&self) -> Option<Zeroizing<String>> {
        let Secret::Held(key) = &self.secret else {
            return None;
        };
        let (name, id) = (self.verifier.name(), u32::from_be_bytes(self.verifier.id()));
        let seed = Zeroizing::new(encoded(key.as_bytes()));
        Some(Zeroizing::new(format!("{PREFIX}{name}+{id:08x}+{}", *seed)))
    }

    /// Signs a checkpoint: the note with this key's signature.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] where something else holds the key and did not sign, or signed with another one.
    pub fn sign(&self, checkpoint: &Checkpoint) -> Result<Note> {
        let text = checkpoint.to_string();
        let signature = self.signature(&text)?;
        Ok(Note {
            text,
            signatures: vec![signature],
        })
    }

    /// This key's signature of a text.
    ///
    /// # Errors
    ///
    /// As [`Self::sign`].
    pub fn signature(&self, text: &str) -> Result<Signature> {
        let bytes = match &self.secret {
            Secret::Held(key) => key.sign(text.as_bytes()).to_bytes(),
            Secret::Elsewhere(signer) => {
                let name = self.verifier.name();
                let failed = |why: &str| Error::new(ErrorKind::Io, format!("the signer of `{name}` {why}"));
                // The application's code: its panic must not end a thread of ours.
                let signing = AssertUnwindSafe(|| signer.sign(text.as_bytes()));
                let signed = catch_unwind(signing).unwrap_or_else(|_| Err("it panicked".to_owned()));
                let bytes = signed.map_err(|cause| failed(&format!("did not sign: {cause}")))?;
                if !self.verifier.verifies(text, &bytes) {
                    return Err(failed("gave a signature that its public key does not verify"));
                }
                bytes
            }
        };
        Ok(Signature {
            name: self.verifier.name().to_owned(),
            id: self.verifier.id(),
            bytes: bytes.to_vec(),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

fn text_of(bytes: &[u8]) -> Result<&str> {
    let wrong = || malformed("a signing key", "[the text given]", "it is not text");
    std::str::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tree::empty_root;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: "example.com/log/main-0123456789ab".to_owned(),
            size: 42,
            root: empty_root(),
        }
    }

    // The pair of keys in the documentation of Go's `golang.org/x/mod/sumdb/note`.
    const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SECRET: [&str; 2] = [
        "PRIVATE+KEY+PeterNeumann+c74f20a3+",
        "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
    ];

    #[test]
    fn a_published_pair_of_keys_is_read_as_it_stands_and_belongs_together() {
        let key: VerifierKey = PUBLIC.parse().unwrap();
        assert_eq!(key.to_string(), PUBLIC);
        let secret = SigningKey::parse(&SECRET.concat()).unwrap();
        assert_eq!(secret.verifier(), &key);
        assert_eq!(*secret.to_text().unwrap(), SECRET.concat());
        let other = PUBLIC
            .replace("c74f20a3", "c74f20a4")
            .parse::<VerifierKey>()
            .unwrap_err();
        assert!(other.to_string().contains("not the id"), "{other}");
    }

    #[test]
    fn a_note_comes_back_and_a_changed_one_is_not_signed() {
        let key = SigningKey::generate("example.com/log").unwrap();
        let key = key.for_stream("main-0123456789ab").unwrap();
        let note = key.sign(&checkpoint()).unwrap().to_string();
        let ours = Note::parse(note.as_bytes()).unwrap();
        assert_eq!(ours.to_string(), note);
        assert!(ours.is_signed_by(key.verifier()));
        let changed = note.replace("\n42\n", "\n43\n");
        assert!(
            !Note::parse(changed.as_bytes())
                .unwrap()
                .is_signed_by(key.verifier())
        );
    }

    #[test]
    fn a_key_held_elsewhere_signs_and_a_wrong_signature_of_it_is_refused() {
        struct Kms(ed25519_dalek::SigningKey, bool);
        impl Signer for Kms {
            fn public_key(&self) -> [u8; 32] {
                self.0.verifying_key().to_bytes()
            }
            fn sign(&self, message: &[u8]) -> std::result::Result<[u8; 64], String> {
                if self.1 {
                    Ok([7; 64])
                } else {
                    Ok(self.0.sign(message).to_bytes())
                }
            }
        }
        let seed = rand::random();
        let kms = |is_broken| Kms(ed25519_dalek::SigningKey::from_bytes(&seed), is_broken);
        let key = SigningKey::held_by("example.com/log", kms(false)).unwrap();
        assert!(key.sign(&checkpoint()).unwrap().is_signed_by(key.verifier()));
        assert!(key.to_text().is_none());
        let error = SigningKey::held_by("example.com/log", kms(true))
            .unwrap()
            .sign(&checkpoint())
            .unwrap_err();
        assert!(error.to_string().contains("does not verify"), "{error}");
    }

    #[test]
    fn no_error_and_no_debug_form_shows_a_secret() {
        let key = SigningKey::generate("example.com/log").unwrap();
        let text = key.to_text().unwrap();
        // The base64 may have a plus of its own.
        let seed = text.splitn(5, '+').last().unwrap().to_owned();
        assert!(!format!("{key:?}").contains(&seed));
        for broken in [
            text.replace("PRIVATE", "PUBLIC"),
            text.replace("+example", "+samples"),
            format!("{}x", *text),
        ] {
            let error = SigningKey::parse(&broken).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(&seed), "{error}");
        }
        // Given where something else is asked for.
        for error in [
            text.parse::<VerifierKey>().unwrap_err(),
            Checkpoint::parse(&text).unwrap_err(),
            Note::parse(text.as_bytes()).unwrap_err(),
        ] {
            assert!(!format!("{error} {error:?}").contains(&seed), "{error}");
        }
    }

    #[test]
    fn names_that_a_note_cannot_hold_are_refused() {
        for name in ["", "a b", "a+b", "a\nb", "a\u{2003}b"] {
            assert!(SigningKey::generate(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn what_is_not_a_note_is_refused() {
        let key = SigningKey::generate("example.com/log").unwrap();
        let good = key.sign(&checkpoint()).unwrap().to_string();
        for bad in [
            String::new(),
            "text\n".to_owned(),
            good.trim_end().to_owned(),
            good.replace('\u{2014}', "-"),
            good.replace("\n\n", "\n"),
            good.replace("42", "4\u{7}2"),
            format!("{good}\u{2014} x AAA\n"),
            "x".repeat(MAX_NOTE_PLUS),
        ] {
            assert!(Note::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(Note::parse(&[0xFF, b'\n', b'\n', b'\n']).is_err());
    }

    const MAX_NOTE_PLUS: usize = crate::format::note::MAX_NOTE + 1;
}
