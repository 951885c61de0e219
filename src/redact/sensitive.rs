//! Values whose class is part of their type: whoever shows one shows a marker, and a trail gets what its policy leaves.

use std::fmt;
use std::marker::PhantomData;

use super::class::{Class, ClassKind};
use super::recording::{self, Show};
use crate::record::{FieldClass, FieldType, FieldValue, Misfit, Plaintext, Value, View};

/// A type that stands for a class of data. Those of this module are the usual ones; an application makes its own:
///
/// ```
/// use tracing_audit::redact::{Class, Classified, Sensitive};
///
/// struct LoyaltyCard;
///
/// impl Classified for LoyaltyCard {
///     const CLASS: Class = Class::personal("loyalty-card");
/// }
///
/// let card = LoyaltyCard::of("4711");
/// assert_eq!(format!("{card} {card:?}"), "[REDACTED:loyalty-card] [REDACTED:loyalty-card]");
/// ```
pub trait Classified {
    /// The class.
    const CLASS: Class;

    /// Wraps a value of this class: short for [`Sensitive::new`].
    fn of<T: fmt::Display>(value: T) -> Sensitive<T, Self>
    where
        Self: Sized,
    {
        Sensitive::new(value)
    }
}

macro_rules! classes {
    ($($name:ident: $class:expr, $text:literal;)*) => {$(
        #[doc = $text]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {}

        impl Classified for $name {
            const CLASS: Class = $class;
        }
    )*};
}

classes! {
    Public: Class::PUBLIC, "Anybody may know it.";
    Internal: Class::INTERNAL, "The application's own ids, kinds and states.";
    Secret: Class::SECRET, "Passwords, tokens, keys.";
    Email: Class::personal("email"), "An e-mail address.";
    Phone: Class::personal("phone"), "A telephone number.";
    PersonName: Class::personal("name"), "The name of a person.";
    PostalAddress: Class::personal("address"), "Where somebody lives.";
    Birth: Class::personal("birth"), "When somebody was born.";
    GovernmentId: Class::personal("government"), "A number that a state gave somebody.";
    Health: Class::special("health"), "Says something of somebody's health.";
    Card: Class::of(ClassKind::Financial, "card"), "The number of a payment card.";
    Account: Class::of(ClassKind::Financial, "account"), "The number of a bank account.";
    IpAddress: Class::NETWORK, "The address of a machine, which leads to a person.";
}

/// A value of a class, of which nothing is shown by accident.
///
/// `Debug`, `Display` and, with the feature `config`, `Serialize` write the marker of the class, `[REDACTED:email]`,
/// whoever asks and however the program was built. Only a trail that records a field is given what its policy leaves of
/// values of the class: a pseudonym, a mask, a shorter address, the marker. That holds for the value alone, within a
/// struct with `derive(Debug)`, within a message and within the text of an error.
///
/// ```
/// use tracing_audit::redact::{Classified, Policy, Sensitive};
/// use tracing_audit::redact::sensitive::{Email, IpAddress};
/// use tracing_audit::testing::Recording;
///
/// #[derive(Debug)]
/// struct Login {
///     email: Sensitive<String, Email>,
///     attempts: u32,
/// }
///
/// let login = Login { email: Sensitive::new("ann@example.com".to_owned()), attempts: 2 };
/// assert_eq!(format!("{login:?}"), "Login { email: [REDACTED:email], attempts: 2 }");
///
/// let recording = Recording::new(); // the balanced policy, without a key for pseudonyms
/// recording.run(|| {
///     tracing::info!(target: "audit", event = "user.login", ?login, from = %IpAddress::of("203.0.113.77"));
/// });
/// recording.captured().only()
///     .assert_attribute("login", "Login { email: [REDACTED:email], attempts: 2 }")
///     .assert_attribute("from", "203.0.113.0/24")
///     .assert_hides("ann@example.com");
/// ```
///
/// The class is a type parameter, [`Secret`] where nothing is said. Compare and hash what [`expose`](Self::expose)
/// gives: whether two secrets may be compared, and how, is for their owner to say. Memory is wiped where `T` does it:
/// wrap a type that does.
pub struct Sensitive<T, C = Secret> {
    value: T,
    show: Option<fn(&T, &mut dyn fmt::Write) -> fmt::Result>,
    class: PhantomData<fn() -> C>,
}

impl<T, C> Sensitive<T, C> {
    /// A value whose text is its `Display` form.
    pub fn new(value: T) -> Self
    where
        T: fmt::Display,
    {
        Self::with(value, |value, out| write!(out, "{value}"))
    }

    /// A value whose text is its `Debug` form.
    pub fn debug(value: T) -> Self
    where
        T: fmt::Debug,
    {
        Self::with(value, |value, out| write!(out, "{value:?}"))
    }

    /// Bytes, whose text is what they say in UTF-8, else their digits in small hexadecimal.
    pub fn bytes(value: T) -> Self
    where
        T: AsRef<[u8]>,
    {
        Self::with(value, |value, out| write_bytes(value.as_ref(), out))
    }

    /// A value whose text is what `show` writes.
    pub const fn with(value: T, show: fn(&T, &mut dyn fmt::Write) -> fmt::Result) -> Self {
        Self {
            value,
            show: Some(show),
            class: PhantomData,
        }
    }

    /// A value without a text: a trail gets the marker too.
    pub const fn opaque(value: T) -> Self {
        Self {
            value,
            show: None,
            class: PhantomData,
        }
    }

    /// The value itself, for whoever needs it. What is shown of it from here on is shown.
    pub const fn expose(&self) -> &T {
        &self.value
    }

    /// Gives the value back, without its class.
    pub fn into_exposed(self) -> T {
        self.value
    }

    fn text(&self) -> Option<impl Fn(&mut dyn fmt::Write) -> fmt::Result + '_> {
        let show = self.show?;
        Some(move |out: &mut dyn fmt::Write| show(&self.value, out))
    }
}

/// As a field of a typed event: its class is stated, and its text is what a trail gets.
impl<T: FieldValue + fmt::Display, C: Classified> FieldValue for Sensitive<T, C> {
    const TYPE: FieldType = FieldType::Text;
    const CLASS: Option<FieldClass> = Some(C::CLASS.field());

    fn view(&self) -> View<'_> {
        let text = self.text().and_then(|show| Plaintext::of(&show));
        View::Made(Value::from(text.as_ref().map_or("", |text| text.as_str())))
    }

    /// Reads what stands there, which is what the policy left.
    fn from_value(value: &Value) -> Result<Self, Misfit> {
        T::from_value(value).map(Self::new)
    }
}

/// A value with a class, whatever its types are.
pub(super) trait Classy {
    /// Writes its text; `None` where it has none.
    fn show(&self, out: &mut dyn fmt::Write) -> Option<fmt::Result>;
}

impl<T, C: Classified> Classy for Sensitive<T, C> {
    fn show(&self, out: &mut dyn fmt::Write) -> Option<fmt::Result> {
        self.text().map(|text| text(out))
    }
}

/// Writes bytes as text where they are, else in hexadecimal.
pub(super) fn write_bytes(bytes: &[u8], out: &mut dyn fmt::Write) -> fmt::Result {
    match std::str::from_utf8(bytes) {
        Ok(text) => out.write_str(text),
        Err(_) => bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}")),
    }
}

impl<T, C: Classified> fmt::Debug for Sensitive<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        recording::state(f, C::CLASS, None, text.as_ref().map(|text| text as Show<'_>))
    }
}

impl<T, C: Classified> fmt::Display for Sensitive<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl<T: Clone, C> Clone for Sensitive<T, C> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            show: self.show,
            class: PhantomData,
        }
    }
}

impl<T: Copy, C> Copy for Sensitive<T, C> {}

impl<T: Default + fmt::Display, C> Default for Sensitive<T, C> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Display, C> From<T> for Sensitive<T, C> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Writes the marker of the class, as `Debug` does.
#[cfg(feature = "config")]
impl<T, C: Classified> serde::Serialize for Sensitive<T, C> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut marker = String::new();
        let _ = recording::marker(C::CLASS, &mut marker);
        serializer.serialize_str(&marker)
    }
}

/// Reads the value itself: what is read goes in, and does not come out again.
#[cfg(feature = "config")]
impl<'de, T: serde::Deserialize<'de> + fmt::Display, C> serde::Deserialize<'de> for Sensitive<T, C> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}
