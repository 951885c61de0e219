//! Classes of data: what a value is to somebody, from which follows what may stay of it.

use parking_lot::Mutex;
use std::fmt;
use std::str::FromStr;

use super::scan::hits::Sort;
use crate::error::{Error, Result};
use crate::record::FieldClass;

/// The eight classes; what an application adds are labels under one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ClassKind {
    /// Anybody may know it.
    Public,
    /// Of the application's own making: ids, kinds, states.
    Internal,
    /// Says something of a person.
    Personal,
    /// Says what people are discriminated or persecuted for: health, faith, origin, biometrics.
    Special,
    /// Cards, accounts.
    Financial,
    /// Addresses of machines, which lead to persons.
    Network,
    /// Gives access to whoever knows it.
    Secret,
    /// Nobody has said.
    Unclassified,
}

impl ClassKind {
    /// Every kind with its word, in the order of declaration.
    const ALL: &[(Self, &str)] = &[
        (Self::Public, "public"),
        (Self::Internal, "internal"),
        (Self::Personal, "personal"),
        (Self::Special, "special"),
        (Self::Financial, "financial"),
        (Self::Network, "network"),
        (Self::Secret, "secret"),
        (Self::Unclassified, "unclassified"),
    ];

    /// The word for the kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Personal => "personal",
            Self::Special => "special",
            Self::Financial => "financial",
            Self::Network => "network",
            Self::Secret => "secret",
            Self::Unclassified => "unclassified",
        }
    }
}

/// The class of a value: a kind, and a label that tells values of one kind apart. Its text is `personal:email`, or
/// `secret` where there is no label.
///
/// An application makes classes of its own by giving labels: `Class::personal("loyalty-card")`. What is done to a
/// class is the policy's to say, see [`Policy::class`](super::Policy::class).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Class {
    kind: ClassKind,
    label: &'static str,
}

impl Class {
    /// Anybody may know it.
    pub const PUBLIC: Self = Self::of(ClassKind::Public, "");
    /// The application's own ids, kinds and states.
    pub const INTERNAL: Self = Self::of(ClassKind::Internal, "");
    /// Passwords, tokens, keys.
    pub const SECRET: Self = Self::of(ClassKind::Secret, "");
    /// Cards and accounts.
    pub const FINANCIAL: Self = Self::of(ClassKind::Financial, "");
    /// IP and hardware addresses.
    pub const NETWORK: Self = Self::of(ClassKind::Network, "");
    /// Nobody has said what it is.
    pub const UNCLASSIFIED: Self = Self::of(ClassKind::Unclassified, "");

    /// A class with a label, which is one to 32 lower-case letters, digits, `-`, `_` or `.`; none is `""`.
    #[must_use]
    pub const fn of(kind: ClassKind, label: &'static str) -> Self {
        Self { kind, label }
    }

    /// Personal data of a category: `email`, `name`, `phone`, `address`, `ssn` …
    #[must_use]
    pub const fn personal(category: &'static str) -> Self {
        Self::of(ClassKind::Personal, category)
    }

    /// Data of a special category: `health`, `biometrics` …
    #[must_use]
    pub const fn special(category: &'static str) -> Self {
        Self::of(ClassKind::Special, category)
    }

    /// The class of a kind by its word, with a label.
    pub(super) fn of_words(kind: &str, label: &'static str) -> Self {
        let known = ClassKind::ALL.iter().find(|(_, word)| *word == kind);
        Self::of(known.map_or(ClassKind::Unclassified, |&(kind, _)| kind), label)
    }

    /// The class as a field of a typed event states it.
    pub(super) const fn field(self) -> FieldClass {
        FieldClass::new(self.kind.as_str(), self.label)
    }

    /// The kind.
    #[must_use]
    pub const fn kind(self) -> ClassKind {
        self.kind
    }

    /// The label; `""` where there is none.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.label
    }

    /// The word for what this is in a marker and in `pii.categories`: the label, else the kind.
    #[must_use]
    pub fn word(self) -> &'static str {
        if self.label.is_empty() {
            self.kind.as_str()
        } else {
            self.label
        }
    }

    /// Whether a record that holds such a value concerns a person.
    pub(crate) fn is_pii(self) -> bool {
        matches!(
            self.kind,
            ClassKind::Personal | ClassKind::Special | ClassKind::Financial
        )
    }

    /// Whether a value may be shown to whoever reads the application's own output.
    pub(super) fn is_open(self) -> bool {
        matches!(self.kind, ClassKind::Public | ClassKind::Internal)
    }

    /// The class of what the value engine found.
    pub(crate) fn found(sort: Sort, rule: &'static str) -> Self {
        let label = rule.rsplit('.').next().unwrap_or(rule);
        match sort {
            Sort::Secret => Self::SECRET,
            Sort::Financial => Self::FINANCIAL,
            Sort::Network => Self::NETWORK,
            Sort::Personal if matches!(label, "personal" | "secret") => Self::personal(""),
            Sort::Personal => Self::personal(label),
        }
    }

    /// The class that a field's name proves, by the words of the vocabulary that stand in it.
    pub(crate) fn named<'w>(sort: Sort, mut words: impl Iterator<Item = &'w str>) -> Self {
        match sort {
            Sort::Secret => return Self::SECRET,
            Sort::Financial => return Self::FINANCIAL,
            Sort::Network => return Self::NETWORK,
            Sort::Personal => {}
        }
        words
            .find_map(|word| {
                LABELS
                    .iter()
                    .find(|(_, words)| words.split(' ').any(|known| known == word))
            })
            .map_or(Self::personal(""), |&(class, _)| class)
    }
}

/// Words of names, and the class that they stand for.
const LABELS: &[(Class, &str)] = &[
    (Class::personal("email"), "email mail emailaddress"),
    (
        Class::personal("phone"),
        "phone phonenumber telephone tel mobile cell cellphone msisdn fax",
    ),
    (Class::personal("ssn"), "ssn social socialsecuritynumber"),
    (Class::personal("birth"), "birth birthday birthdate dob born"),
    (
        Class::personal("address"),
        "address street postal zip zipcode postcode",
    ),
    (
        Class::personal("government"),
        "tax taxid itin national nationalid identity personal personnummer government insurance nino nhs steuer \
         aadhaar cpf passport driver licence license",
    ),
    (
        Class::personal("name"),
        "name surname forename firstname lastname fullname",
    ),
    (Class::special("health"), "diagnosis medical blood"),
    (Class::special("origin"), "ethnicity religion"),
];

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        if self.label.is_empty() {
            return Ok(());
        }
        write!(f, ":{}", self.label)
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Class {
    type Err = Error;

    /// Reads `personal:email`, `secret` and the like.
    fn from_str(text: &str) -> Result<Self> {
        let (kind, label) = text.split_once(':').unwrap_or((text, ""));
        let Some(&(kind, _)) = ClassKind::ALL.iter().find(|(_, word)| *word == kind) else {
            let known: Vec<_> = ClassKind::ALL.iter().map(|(_, word)| *word).collect();
            return Err(Error::config(format!(
                "`{text}` is no class; write one of {}, with a label behind a colon if need be: `personal:email`",
                known.join(", ")
            )));
        };
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        if (label.is_empty() && text.contains(':')) || label.len() > 32 || !label.bytes().all(allowed) {
            return Err(Error::config(format!(
                "`{text}` has no label of 1 to 32 lower-case letters, digits, `-`, `_` or `.` behind the colon"
            )));
        }
        Ok(Self::of(kind, interned(label)))
    }
}

/// The same text for the life of the process. Only what a policy's source says comes here, so it is little; each text
/// is kept once.
pub(super) fn interned(text: &str) -> &'static str {
    static KEPT: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    if text.is_empty() {
        return "";
    }
    let mut kept = KEPT.lock();
    if let Some(same) = kept.iter().find(|kept| **kept == text) {
        return same;
    }
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    kept.push(text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_read_back_from_its_text() {
        for class in [
            Class::SECRET,
            Class::personal("email"),
            Class::special("health"),
            Class::of(ClassKind::Internal, "tier-2"),
        ] {
            assert_eq!(class.to_string().parse::<Class>().unwrap(), class);
        }
        for wrong in ["", "secrets", "personal:", "personal:E-Mail", "personal:a b"] {
            let error = wrong.parse::<Class>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{wrong}`")), "{error}");
        }
    }

    #[test]
    fn a_name_says_what_kind_of_personal_data_it_holds() {
        let class = |name: &str| Class::named(Sort::Personal, name.split(' '));
        assert_eq!(class("customer email"), Class::personal("email"));
        assert_eq!(class("home phone number"), Class::personal("phone"));
        assert_eq!(class("diagnosis"), Class::special("health"));
        assert_eq!(class("something else"), Class::personal(""));
    }
}
