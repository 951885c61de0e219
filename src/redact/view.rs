//! Structs whose fields each have a class: as one value of a field, and as attributes of a record.

use std::fmt;

use super::action::Action;
use super::class::Class;
use super::recording;
use super::sensitive::{Classified, Classy, Sensitive, write_bytes};
use crate::record::{Declared, Plaintext, RecordBuilder};

/// A struct or an enum whose fields each say what class they are of.
///
/// `#[derive(AuditFields)]`, with the feature `derive`, implements it; a field without a class does not compile.
/// By hand:
///
/// ```
/// use tracing_audit::redact::{AuditField, AuditFields, Class};
/// use tracing_audit::testing::Recording;
///
/// struct User {
///     id: u64,
///     email: String,
/// }
///
/// impl AuditFields for User {
///     fn audit_name(&self) -> &'static str {
///         "User"
///     }
///
///     fn audit_fields(&self) -> Vec<AuditField<'_>> {
///         vec![
///             AuditField::display("id", Class::INTERNAL, &self.id),
///             AuditField::display("email", Class::personal("email"), &self.email),
///         ]
///     }
/// }
///
/// let user = User { id: 7, email: "ann@example.com".to_owned() };
/// let recording = Recording::new();
/// recording.run(|| tracing::info!(target: "audit", event = "user.created", user = ?user.audit_view()));
/// recording.captured().only().assert_attribute("user", "User { id: 7, email: [REDACTED:email] }");
/// ```
pub trait AuditFields {
    /// What the struct, or the variant of the enum, is called.
    fn audit_name(&self) -> &'static str;

    /// The fields, in their order, without those that are to be left out.
    fn audit_fields(&self) -> Vec<AuditField<'_>>;

    /// The value to record: `user = ?user.audit_view()`. Its `Debug` form is that of a struct, in which others see the
    /// fields that are public or internal and the markers of the others, and a trail what its policy leaves of each.
    fn audit_view(&self) -> AuditView<'_>
    where
        Self: Sized,
    {
        AuditView(self)
    }
}

/// What it holds, or nothing at all.
impl<T: AuditFields> AuditFields for Option<T> {
    fn audit_name(&self) -> &'static str {
        self.as_ref().map_or("None", T::audit_name)
    }

    fn audit_fields(&self) -> Vec<AuditField<'_>> {
        self.as_ref().map(T::audit_fields).unwrap_or_default()
    }
}

/// A struct as a trail may see it: see [`AuditFields::audit_view`].
#[derive(Clone, Copy)]
pub struct AuditView<'a>(&'a dyn AuditFields);

impl fmt::Debug for AuditView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        recording::cover(f, |f| {
            let mut shown = f.debug_struct(self.0.audit_name());
            for field in self.0.audit_fields() {
                if !matches!(field.value, Held::Nothing) {
                    shown.field(field.name, &field);
                }
            }
            shown.finish()
        })
    }
}

/// A field of a struct, with its class.
#[derive(Clone, Copy)]
pub struct AuditField<'a> {
    name: &'static str,
    class: Class,
    action: Option<Action>,
    value: Held<'a>,
}

/// How a field's text is had.
#[derive(Clone, Copy)]
enum Held<'a> {
    Display(&'a dyn fmt::Display),
    Debug(&'a dyn fmt::Debug),
    Bytes(&'a [u8]),
    Typed(&'a dyn Classy),
    Nested(&'a dyn AuditFields),
    Nothing,
}

impl<'a> AuditField<'a> {
    const fn of(name: &'static str, class: Class, value: Held<'a>) -> Self {
        Self {
            name,
            class,
            action: None,
            value,
        }
    }

    /// A field whose text is its `Display` form.
    #[must_use]
    pub const fn display(name: &'static str, class: Class, value: &'a dyn fmt::Display) -> Self {
        Self::of(name, class, Held::Display(value))
    }

    /// A field whose text is its `Debug` form.
    #[must_use]
    pub const fn debug(name: &'static str, class: Class, value: &'a dyn fmt::Debug) -> Self {
        Self::of(name, class, Held::Debug(value))
    }

    /// A field of bytes, whose text is what they say in UTF-8, else their digits in small hexadecimal.
    #[must_use]
    pub const fn bytes(name: &'static str, class: Class, value: &'a [u8]) -> Self {
        Self::of(name, class, Held::Bytes(value))
    }

    /// A field that has no value now: it is left out.
    #[must_use]
    pub const fn absent(name: &'static str, class: Class) -> Self {
        Self::of(name, class, Held::Nothing)
    }

    /// A field whose type states its class.
    #[must_use]
    pub const fn typed<T, C: Classified>(name: &'static str, value: &'a Sensitive<T, C>) -> Self {
        Self::of(name, C::CLASS, Held::Typed(value))
    }

    /// A field that is a struct with classes of its own.
    #[must_use]
    pub const fn nested(name: &'static str, value: &'a dyn AuditFields) -> Self {
        Self::of(name, Class::INTERNAL, Held::Nested(value))
    }

    /// What is done to the field where the policy would leave more of it.
    #[must_use]
    pub const fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// The field's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The field's class; that of a struct inside is stated by its own fields.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    fn show(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self.value {
            Held::Display(value) => write!(out, "{value}"),
            Held::Debug(value) => write!(out, "{value:?}"),
            Held::Bytes(bytes) => write_bytes(bytes, out),
            Held::Typed(value) => value.show(out).unwrap_or(Err(fmt::Error)),
            Held::Nested(_) | Held::Nothing => Ok(()),
        }
    }

    /// The field as attributes of a record, under a name that begins with `prefix`.
    fn declare(&self, prefix: &str, builder: RecordBuilder) -> RecordBuilder {
        let name = match prefix {
            "" => self.name.to_owned(),
            prefix => format!("{prefix}.{}", self.name),
        };
        match self.value {
            Held::Nothing => builder,
            Held::Nested(inner) => declare_all(&name, inner, builder),
            _ => builder.declare(Declared {
                name,
                class: [self.class.kind().as_str(), self.class.label()],
                action: self.action.map(|action| action.to_string()),
                text: Plaintext::ahead(&|out| self.show(out)),
            }),
        }
    }
}

/// As the field of an [`AuditView`] is shown.
impl fmt::Debug for AuditField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Held::Nested(inner) => AuditView(inner).fmt(f),
            Held::Nothing => f.write_str("None"),
            Held::Typed(_) => recording::state(f, self.class, self.action, Some(&|out| self.show(out))),
            _ => recording::state_field(f, self.class, self.action, &|out| self.show(out)),
        }
    }
}

fn declare_all(prefix: &str, fields: &dyn AuditFields, builder: RecordBuilder) -> RecordBuilder {
    let fields = fields.audit_fields();
    fields
        .iter()
        .fold(builder, |builder, field| field.declare(prefix, builder))
}

impl RecordBuilder {
    /// Adds an attribute whose type states its class. Its text is kept apart, is not shown, and is wiped with the
    /// record; what stands in the trail is what the policy leaves of values of the class. A rule about the name counts
    /// where it is stricter.
    ///
    /// ```
    /// use tracing_audit::Emitter;
    /// use tracing_audit::record::Record;
    /// use tracing_audit::redact::Classified;
    /// use tracing_audit::redact::sensitive::Email;
    /// use tracing_audit::testing::MemoryEmitter;
    ///
    /// let emitter = MemoryEmitter::new();
    /// let record = Record::builder("user.created").sensitive("contact", &Email::of("ann@example.com"));
    /// emitter.emit(record.build())?;
    /// emitter.captured().only().assert_attribute("contact", "[REDACTED:email]");
    /// # Ok::<(), tracing_audit::Error>(())
    /// ```
    pub fn sensitive<T, C: Classified>(self, name: impl Into<String>, value: &Sensitive<T, C>) -> Self {
        let text: &dyn Classy = value;
        self.declare(Declared {
            name: name.into(),
            class: [C::CLASS.kind().as_str(), C::CLASS.label()],
            action: None,
            text: Plaintext::ahead(&|out| text.show(out).unwrap_or(Err(fmt::Error))),
        })
    }

    /// Adds an attribute for each field of a struct, as [`Self::sensitive`] does: `user.email` for the field `email`
    /// and the prefix `user`.
    pub fn fields(self, prefix: &str, fields: &dyn AuditFields) -> Self {
        declare_all(prefix, fields, self)
    }
}
