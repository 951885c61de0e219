//! The policy: what is done to a field, by its name, by its class, and by what its value turns out to hold.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use zeroize::{Zeroize as _, Zeroizing};

use super::action::Action;
use super::class::{Class, ClassKind};
use super::counts::Counts;
use super::hmac::{Keys, Pseudonym};
use super::judge::{Judged, judge};
use super::plans::Plans;
use super::rule::{Asked, FieldRule};
use super::scan::Engine;
use super::words::Words;
use crate::error::{Error, Result};
use crate::record::Slot;

/// What redaction does.
///
/// Three kinds of evidence count: a field's name, the shape of its value, and the keys inside of its value. Names are
/// compared by their words, so that `userPassword`, `user-password` and `user.password` are one name and
/// `password_policy` is none of them.
///
/// *Balanced* is the default: what is recognised is replaced, the rest stays. *Strict* is an allow-list: a field that
/// neither belongs to the vocabulary nor is classified by a rule is dropped and counted.
#[derive(Clone, Default)]
pub struct Policy {
    inner: Arc<Inner>,
}

#[derive(Clone, Default)]
pub(super) struct Inner {
    pub(super) stance: Stance,
    pub(super) rules: Vec<FieldRule>,
    pub(super) classes: Vec<(Class, Action)>,
    pub(super) declassified: Vec<Declassified>,
    pub(super) keys: Keys,
    pub(super) engine: Engine,
    /// `None` where the application gave none: then a text costs nothing for them.
    pub(super) patterns: Option<Arc<super::pattern::Patterns>>,
    /// The hash of the file that the policy was read from.
    pub(super) file_hash: Option<Box<str>>,
    pub(super) trial: Option<Policy>,
    pub(super) counts: Counts,
    pub(super) plans: Plans,
}

/// What a policy does with what nobody classified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Stance {
    #[default]
    Balanced,
    Strict,
    /// Nothing is redacted, for the reason given.
    Off(String),
}

/// A name that says secret and is none.
#[derive(Debug, Clone)]
pub(super) struct Declassified {
    pub(super) words: Words,
    pub(super) reason: String,
}

impl Policy {
    /// The balanced policy.
    #[must_use]
    pub fn balanced() -> Self {
        Self::default()
    }

    /// The strict policy: an allow-list. It needs a key for pseudonyms; a trail refuses to start without one.
    #[must_use]
    pub fn strict() -> Self {
        Self::default().with(|inner| inner.stance = Stance::Strict)
    }

    /// Redacts nothing. The reason stands in `audit.open`, for whoever reads the trail later.
    #[must_use]
    pub fn off(reason: &str) -> Self {
        Self::default().with(|inner| inner.stance = Stance::Off(reason.to_owned()))
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }

    fn with(mut self, then: impl FnOnce(&mut Inner)) -> Self {
        then(self.changed());
        self
    }

    /// What is about to change, so that no plan holds that was made before.
    fn changed(&mut self) -> &mut Inner {
        let inner = Arc::make_mut(&mut self.inner);
        inner.plans = Plans::default();
        inner
    }

    /// Adds a rule: a field whose name contains these words, in this order, is given this action. Short for
    /// [`FieldRule::words`] with an action.
    #[must_use]
    pub fn field(self, name: &str, action: Action) -> Self {
        self.rule(FieldRule::words(name).action(action))
    }

    /// Adds a rule. See [`FieldRule`] for which one decides where several fit.
    ///
    /// No rule loosens what a secret's name forbids: there only drop, marker, mask and pseudonym count. See
    /// [`Self::declassify`].
    #[must_use]
    pub fn rule(self, rule: FieldRule) -> Self {
        self.with(|inner| inner.rules.push(rule))
    }

    /// Says that fields are public: a strict policy keeps them, and looks into their values for secrets only.
    #[must_use]
    pub fn allow<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Self {
        names.into_iter().fold(self, |policy, name| {
            policy.rule(FieldRule::path(name).id("allowed").class(Class::PUBLIC))
        })
    }

    /// Sets what is done to a class, by name or by shape. A class without a label stands for all its labels that are
    /// not given themselves. What is recognised as a secret is never kept.
    #[must_use]
    pub fn class(self, class: Class, action: Action) -> Self {
        self.with(|inner| {
            inner.classes.retain(|(known, _)| *known != class);
            inner.classes.push((class, action));
        })
    }

    /// Says that fields whose name contains these words are no secrets, although they are called so. The reason
    /// stands in `audit.open`. Their values are still scanned.
    #[must_use]
    pub fn declassify(self, name: &str, reason: &str) -> Self {
        let declassified = Declassified {
            words: Words::of(name),
            reason: reason.to_owned(),
        };
        self.with(|inner| inner.declassified.push(declassified))
    }

    /// Adds a pattern, which is searched in every text that is looked into.
    ///
    /// # Errors
    ///
    /// A pattern that cannot work: its id is that of a rule that is there already, its literal is shorter than three
    /// bytes, its length is none, its class is not one that hides.
    pub fn pattern(self, pattern: super::Pattern) -> Result<Self> {
        let patterns = self.inner.patterns.as_deref().cloned().unwrap_or_default();
        let patterns = Arc::new(patterns.and(pattern)?);
        Ok(self.with(|inner| inner.patterns = Some(patterns)))
    }

    /// Sets how many bytes of a text are scanned: 16 KiB where nothing is said. What lies beyond is not kept, for
    /// nobody looked at it; the record lists it in `truncated`.
    #[must_use]
    pub fn scan_limit(self, bytes: usize) -> Self {
        self.with(|inner| inner.engine = Engine::with_cap(bytes.clamp(256, crate::record::frame::MAX_VALUE)))
    }

    /// Runs another policy beside this one, whose decisions are counted by rule and change nothing:
    /// [`Stats::redactions`](crate::Stats::redactions) says what it would have done. The way from balanced to strict.
    #[must_use]
    pub fn dry_run(self, trial: Self) -> Self {
        self.with(|inner| inner.trial = Some(trial))
    }

    /// Adds a key for pseudonyms: an id that stands in each pseudonym, and at least 32 secret bytes. The key added
    /// last makes pseudonyms; those before it stay for looking old ones up.
    ///
    /// Without a key, [`Action::Hmac`] puts the marker in the value's place; it never falls back to a bare hash.
    ///
    /// # Errors
    ///
    /// A key under 32 bytes, an id that is not one to 32 letters, digits, `-` or `_`, or one that is there already.
    pub fn key(mut self, id: &str, secret: &[u8]) -> Result<Self> {
        self.changed().keys.add(id, secret)?;
        Ok(self)
    }

    /// Adds a key from a file, which nobody but its owner may read or write (mode 0600 or 0400). White space around
    /// the key is not part of it.
    ///
    /// # Errors
    ///
    /// As [`Self::key`]; a file that cannot be read, or that others can.
    pub fn key_file(self, id: &str, path: impl AsRef<Path>) -> Result<Self> {
        let secret = crate::secret::file(&format!("key `{id}`"), path.as_ref())?;
        self.key(id, &secret)
    }

    /// Adds a key from an environment variable.
    ///
    /// # Errors
    ///
    /// As [`Self::key`]; a variable that is not set.
    pub fn key_env(self, id: &str, variable: &str) -> Result<Self> {
        let remedy = "set it to at least 32 random bytes";
        let secret = crate::secret::env(&format!("key `{id}`"), variable, remedy)?;
        self.key(id, &secret)
    }

    /// Adds a key that the application fetches: from a vault, a key service, an encrypted file.
    ///
    /// # Errors
    ///
    /// As [`Self::key`]; whatever `fetch` reports.
    pub fn key_from<E: fmt::Display>(
        self,
        id: &str,
        fetch: impl FnOnce() -> std::result::Result<Vec<u8>, E>,
    ) -> Result<Self> {
        let secret = fetch().map_err(|error| Error::config(format!("key `{id}` cannot be had: {error}")))?;
        self.key(id, &Zeroizing::new(secret))
    }

    /// Sets the tenant whose pseudonyms these are: the same value of two tenants has two pseudonyms.
    ///
    /// # Errors
    ///
    /// A name with control characters, or over 128 bytes.
    pub fn tenant(mut self, tenant: &str) -> Result<Self> {
        if tenant.len() > 128 || tenant.chars().any(char::is_control) {
            return Err(Error::config(format!(
                "tenant {tenant:?} has control characters or over 128 bytes; give the tenant's id"
            )));
        }
        self.changed().keys.set_tenant(tenant);
        Ok(self)
    }

    /// The pseudonym of a value of this class, by the key in use or by the one with this id: for looking up what a
    /// trail says of a known value. `None` where there is no such key.
    ///
    /// The value is brought into the form that the class has in a trail: an e-mail address in small letters, a
    /// telephone number without its spaces, an IP address as it is written shortest.
    #[must_use]
    pub fn pseudonym(&self, class: Class, key: Option<&str>, value: &str) -> Option<String> {
        let mut value = super::normal::normal(class, value);
        let keys = &self.inner.keys;
        let mut text = Vec::new();
        let is_made = match key {
            Some(id) => keys.pseudonym_by(id, class, value.as_bytes(), &mut text),
            None => keys.pseudonym(class, value.as_bytes(), &mut text),
        };
        if let Cow::Owned(copy) = &mut value {
            // The value itself in another form.
            copy.zeroize();
        }
        String::from_utf8(text).ok().filter(|_| is_made)
    }

    /// The pseudonym of a value that stands in its normal form already, without any memory; `None` where it may be in
    /// another form, or a pseudonym, or there is no key.
    pub(super) fn short_pseudonym(&self, class: Class, value: &str) -> Option<Pseudonym> {
        if !super::normal::is_normal(class, value) || super::hmac::is_pseudonym(value.as_bytes()) {
            return None;
        }
        Pseudonym::of(&self.inner.keys, class, value.as_bytes())
    }

    /// Whether a trail can start with this policy.
    ///
    /// # Errors
    ///
    /// A strict policy without a key.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_strict() && self.inner.keys.is_empty() {
            return Err(Error::config(
                "the strict policy has no key for pseudonyms; give one by `key`, `key_file`, `key_env` or `key_from`",
            ));
        }
        self.inner
            .trial
            .as_ref()
            .map_or(Ok(()), |trial| match trial.inner.trial {
                Some(_) => Err(Error::config(
                    "a policy under trial has a trial of its own; give one",
                )),
                None => Ok(()),
            })
    }

    /// Whether anything makes values erasable, so that there must be a side table to put them into.
    pub(crate) fn has_erasable(&self) -> bool {
        let is = |action: &Action| matches!(action, Action::Erasable(_));
        let by_rule = self
            .inner
            .rules
            .iter()
            .any(|rule| rule.action.as_ref().is_some_and(is));
        by_rule || self.inner.classes.iter().any(|(_, action)| is(action))
    }

    /// The same policy with counters of its own.
    pub(crate) fn afresh(&self) -> Self {
        self.clone().with(|inner| inner.counts = Counts::default())
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.inner.counts
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.inner.stance == Stance::Strict
    }

    /// The policy's name, and the reason where it is off.
    pub(crate) fn name(&self) -> (&'static str, Option<&str>) {
        match &self.inner.stance {
            Stance::Balanced => ("balanced", None),
            Stance::Strict => ("strict", None),
            Stance::Off(reason) => ("off", Some(reason)),
        }
    }

    /// The application's rules, in their order: the fields they name, and what is done.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (String, String)> {
        self.inner.rules.iter().map(|rule| {
            let action = rule.action.map(|action| action.to_string());
            let class = rule.class.map(|class| class.to_string());
            (rule.target(), action.or(class).unwrap_or_default())
        })
    }

    /// What was set for classes.
    pub(crate) fn classes(&self) -> impl Iterator<Item = (String, String)> {
        let classes = self.inner.classes.iter();
        classes.map(|(class, action)| (class.to_string(), action.to_string()))
    }

    /// The patterns, in their order: their ids, and the classes of what they find.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = (String, String)> {
        let patterns = self.inner.patterns.iter().flat_map(|patterns| patterns.iter());
        patterns.map(|(id, class)| (id.to_owned(), class.to_string()))
    }

    /// The names that were declassified, and why.
    pub(crate) fn declassified(&self) -> impl Iterator<Item = (String, &str)> {
        let names = self.inner.declassified.iter();
        names.map(|name| (name.words.joined(), name.reason.as_str()))
    }

    /// The same policy, read from a file with this hash.
    #[cfg(feature = "config")]
    pub(super) fn with_file_hash(self, hash: &str) -> Self {
        self.with(|inner| inner.file_hash = Some(hash.into()))
    }

    /// The hash of the file that the policy was read from, so that a trail says which version of it was in force.
    pub(crate) fn file_hash(&self) -> Option<&str> {
        self.inner.file_hash.as_deref()
    }

    /// The ids of the keys for pseudonyms, oldest first: the last one makes them.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.inner.keys.ids()
    }

    /// The policy that runs beside this one.
    pub(crate) fn trial(&self) -> Option<&Self> {
        self.inner.trial.as_ref()
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    /// The plans that do not depend on the record; `None` where a rule asks about it.
    pub(super) fn plans(&self) -> Option<&Plans> {
        let trial = self.inner.trial.iter().flat_map(|trial| &trial.inner.rules);
        let is_conditional = self
            .inner
            .rules
            .iter()
            .chain(trial)
            .any(FieldRule::is_conditional);
        (!is_conditional).then_some(&self.inner.plans)
    }

    /// Decides about a field that fills `slot`, or about an attribute, label or nested key.
    pub(crate) fn judge(&self, asked: &Asked<'_>, slot: Option<Slot>) -> Judged {
        judge(&self.inner, asked, slot)
    }

    /// What is done to a value of this class. [`Action::Keep`] for secrets is not an answer.
    pub(crate) fn action_for(&self, class: Class) -> Action {
        self.inner.action_for(class)
    }
}

impl Inner {
    /// What is done to a value of this class: what the application said, else what the stance says.
    pub(super) fn action_for(&self, class: Class) -> Action {
        if matches!(self.stance, Stance::Off(_)) {
            return Action::Keep;
        }
        let bare = Class::of(class.kind(), "");
        let said = |wanted: Class| self.classes.iter().find(|(known, _)| *known == wanted);
        let said = said(class).or_else(|| said(bare)).map(|&(_, action)| action);
        let strict = self.stance == Stance::Strict;
        let action = said.unwrap_or(match class.kind() {
            ClassKind::Public | ClassKind::Internal => Action::Keep,
            ClassKind::Unclassified if strict => Action::Drop,
            ClassKind::Unclassified => Action::Keep,
            ClassKind::Secret | ClassKind::Special | ClassKind::Financial if strict => Action::Drop,
            ClassKind::Personal | ClassKind::Special => Action::Hmac,
            ClassKind::Financial => Action::KeepLast(4),
            ClassKind::Network => Action::TruncateIp,
            ClassKind::Secret => Action::Marker,
        });
        let action = if class.kind() == ClassKind::Secret && !hides(action) {
            Action::Marker
        } else {
            action
        };
        self.available(action)
    }

    /// Whether a name that says secret was said to be none.
    pub(super) fn is_declassified(&self, words: &Words) -> bool {
        self.declassified.iter().any(|name| words.contains(&name.words))
    }

    /// What is done instead, where there is no key for a pseudonym.
    pub(super) fn available(&self, action: Action) -> Action {
        if action == Action::Hmac && self.keys.is_empty() {
            Action::Marker
        } else {
            action
        }
    }
}

/// Whether nothing of a value can be read after the action.
pub(super) const fn hides(action: Action) -> bool {
    matches!(
        action,
        Action::Drop | Action::Marker | Action::Mask | Action::Hmac
    )
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("name", &self.name().0)
            .field("rules", &self.inner.rules.len())
            .field("keys", &self.inner.keys)
            .finish_non_exhaustive()
    }
}
