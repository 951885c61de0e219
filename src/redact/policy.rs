//! Policy: which action a field's name calls for. Decided once per callsite, never per value.

use std::fmt;

use super::hmac::Keys;
use super::words::{self, Words};
use crate::record::Slot;

/// What is done to a field's value on the calling thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Action {
    /// The value stays as it is.
    Keep,
    /// The field is left out; the record says that it was.
    Drop,
    /// A fixed text stands in the value's place.
    Marker,
    /// A keyed pseudonym stands in the value's place: equal values stay equal, and nobody without the key can guess.
    Hmac,
    /// An IP address keeps its first 24 (v4) or 48 (v6) bits; anything else becomes the marker.
    TruncateIp,
}

impl Action {
    /// The words under which actions stand in a line, by number.
    pub(crate) const WORDS: &[&str] = &["keep", "drop", "marker", "hmac", "truncate-ip"];
}

/// Why an action was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Rule {
    /// No rule.
    None,
    /// The name is that of a secret: a password, a token, a key.
    Secret,
    /// The name is that of a network address.
    Network,
    /// A rule of the application's.
    Custom,
}

impl Rule {
    /// The words under which rules stand in a line, by number.
    pub(crate) const WORDS: &[&str] = &["none", "name.secret", "name.network", "custom"];

    /// What stands in the place of a value that this rule removed.
    pub(crate) const fn marker(self) -> &'static str {
        match self {
            Self::Secret => "[REDACTED:secret]",
            Self::Network => "[REDACTED:network]",
            Self::None | Self::Custom => "[REDACTED]",
        }
    }

    /// The class that a pseudonym under this rule belongs to: equal values of two classes differ.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Network => "network",
            Self::None | Self::Custom => "unclassified",
        }
    }
}

/// The decision for one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) action: Action,
    pub(crate) rule: Rule,
}

const KEEP: Decision = Decision {
    action: Action::Keep,
    rule: Rule::None,
};

/// Rules by field name. The default, *balanced*, puts a marker in the place of secrets and truncates addresses.
///
/// Names are compared by their words, so that `userPassword`, `user-password` and `user.password` are one name
/// and `password_policy` is none of them.
#[derive(Clone, Default)]
pub struct Policy {
    custom: Vec<(Words, Action)>,
    keys: Keys,
}

impl Policy {
    /// The balanced policy.
    #[must_use]
    pub fn balanced() -> Self {
        Self::default()
    }

    /// Adds a rule: a field whose name contains these words, in this order, is given this action.
    ///
    /// The first rule that matches decides, except that no rule keeps what a secret's name forbids: `Action::Keep`
    /// for such a name is ignored.
    #[must_use]
    pub fn field(mut self, name: &str, action: Action) -> Self {
        self.custom.push((Words::of(name), action));
        self
    }

    /// Gives the key for pseudonyms: an id that stands in each pseudonym, and at least 32 secret bytes.
    ///
    /// Without a key, [`Action::Hmac`] puts the marker in the value's place; it never falls back to a bare hash.
    ///
    /// # Errors
    ///
    /// A key under 32 bytes, or an id that is not one to 32 letters, digits, `-` or `_`.
    pub fn key(mut self, id: &str, secret: &[u8]) -> crate::Result<Self> {
        self.keys = Keys::new(id, secret)?;
        Ok(self)
    }

    /// The application's rules, in their order: the words of the field's name, and the action.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (String, &'static str)> {
        self.custom.iter().map(|(words, action)| {
            let word = Action::WORDS.get(*action as usize).copied();
            (words.joined(), word.unwrap_or_default())
        })
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Decides about a field that fills `slot`, or about an attribute, label or nested key.
    pub(crate) fn decide(&self, name: &str, slot: Option<Slot>) -> Decision {
        let words = Words::of(name);
        let secret = slot.is_none() && words::is_secret(&words);
        let custom = self.custom.iter().find(|(rule, _)| words.contains(rule));
        match custom {
            Some(&(_, action)) if !(secret && action == Action::Keep) => {
                let rule = if action == Action::Keep {
                    Rule::None
                } else {
                    Rule::Custom
                };
                Decision {
                    action: self.available(action),
                    rule,
                }
            }
            _ if secret => Decision {
                action: Action::Marker,
                rule: Rule::Secret,
            },
            _ if slot == Some(Slot::ActorIp) || (slot.is_none() && words::is_address(&words)) => Decision {
                action: Action::TruncateIp,
                rule: Rule::Network,
            },
            _ => KEEP,
        }
    }

    fn available(&self, action: Action) -> Action {
        if action == Action::Hmac && self.keys.is_empty() {
            Action::Marker
        } else {
            action
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("rules", &self.custom.len())
            .field("keys", &self.keys)
            .finish()
    }
}
