//! The types of a typed event's fields: how their values stand in a record, and how they are read back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::event::{FieldClass, FieldMeta};
pub(super) use super::field_type::FieldType;
use super::value::{Map, Value};

/// A type that a field of a typed event can have.
#[diagnostic::on_unimplemented(
    message = "no field of a typed event can be of the type `{Self}`",
    label = "neither text, number, truth value, address, duration, list, `BTreeMap`, `Value`, word nor part",
    note = "implement `Word` for an enum of words, derive `EventPart` for a struct, or give the field as a `String` or a `Value`"
)]
pub trait FieldValue: Sized {
    /// What its values are.
    const TYPE: FieldType;
    /// Whether a value may be absent.
    const IS_OPTIONAL: bool = false;
    /// The class of its values, where the type states it.
    const CLASS: Option<FieldClass> = None;
    /// The fields of a value, where it is a struct, and of the structs in it, where it is a list or a map of them. Their
    /// places are counted from the struct's own.
    const PARTS: &'static [FieldMeta] = &[];
    /// Whether every value is a text that stands in it as it is, so that lists of them are written without a copy.
    const IS_TEXT: bool = false;

    /// The value as a record takes it.
    fn view(&self) -> View<'_>;

    /// The value that stands in a record.
    ///
    /// # Errors
    ///
    /// Another value stands there.
    fn from_value(value: &Value) -> Result<Self, Misfit>;

    /// What an absent value is read back as; `None` where it must not be absent.
    fn absent() -> Option<Self> {
        None
    }
}

/// A value of a field, lent.
#[derive(Clone)]
#[non_exhaustive]
pub enum View<'a> {
    /// No value: the field is left out.
    Absent,
    /// A truth value.
    Bool(bool),
    /// An integer of 64 bits.
    U64(u64),
    /// An integer of 64 bits.
    I64(i64),
    /// An integer of 128 bits.
    U128(u128),
    /// An integer of 128 bits.
    I128(i128),
    /// A number with a fraction.
    F64(f64),
    /// A text.
    Text(&'a str),
    /// A list of texts.
    Texts(&'a dyn Texts),
    /// Any value.
    Value(&'a Value),
    /// A value that was made for this.
    Made(Value),
}

impl View<'_> {
    /// The value itself; `None` where there is none.
    #[must_use]
    pub fn into_value(self) -> Option<Value> {
        Some(match self {
            Self::Absent => return None,
            Self::Bool(truth) => Value::from(truth),
            Self::U64(number) => Value::from(number),
            Self::I64(number) => Value::from(number),
            Self::U128(number) => Value::from(number),
            Self::I128(number) => Value::from(number),
            Self::F64(number) => Value::from(number),
            Self::Text(text) => Value::from(text),
            Self::Texts(texts) => {
                Value::List((0..texts.count()).map(|at| Value::from(texts.text(at))).collect())
            }
            Self::Value(value) => value.clone(),
            Self::Made(value) => value,
        })
    }
}

/// What is lent is not shown: it may be sensitive.
impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

/// A list of texts.
pub trait Texts {
    /// How many there are.
    fn count(&self) -> usize;

    /// The text at this place; `""` behind the last.
    fn text(&self, at: usize) -> &str;
}

/// Why a value is not one of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit(String);

impl Misfit {
    /// The type takes something else: says what, as in `it takes an integer from 0 to 255`.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// The type takes something else.
    pub(super) fn of<T: FieldValue>() -> Self {
        Self(format!("it takes {}", T::TYPE))
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FieldValue for String {
    const TYPE: FieldType = FieldType::Text;
    const IS_TEXT: bool = true;

    #[inline]
    fn view(&self) -> View<'_> {
        View::Text(self)
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        value.as_str().map(str::to_owned).ok_or_else(Misfit::of::<Self>)
    }
}

impl FieldValue for Cow<'_, str> {
    const TYPE: FieldType = FieldType::Text;
    const IS_TEXT: bool = true;

    #[inline]
    fn view(&self) -> View<'_> {
        View::Text(self)
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        String::from_value(value).map(Cow::Owned)
    }
}

/// Nobody keeps the text that a record would lend.
fn borrowed<T>() -> Result<T, Misfit> {
    Err(Misfit::new(
        "it is borrowed, so it cannot be read back: make it a `String` or a `Cow<str>`, or a `Vec` of them",
    ))
}

impl FieldValue for &str {
    const TYPE: FieldType = FieldType::Text;
    const IS_TEXT: bool = true;

    #[inline]
    fn view(&self) -> View<'_> {
        View::Text(self)
    }

    fn from_value(_: &Value) -> Result<Self, Misfit> {
        borrowed()
    }
}

macro_rules! addresses {
    ($($address:ty),*) => {$(
        /// By its text. What redaction left of it is read back where it is an address still.
        impl FieldValue for $address {
            const TYPE: FieldType = FieldType::Text;

            fn view(&self) -> View<'_> {
                View::Made(Value::from(self.to_string()))
            }

            fn from_value(value: &Value) -> Result<Self, Misfit> {
                let text = value.as_str().ok_or_else(Misfit::of::<Self>)?;
                text.parse().map_err(|_| Misfit::new("the text is no address of its kind"))
            }
        }
    )*};
}

addresses!(IpAddr, Ipv4Addr, Ipv6Addr);

macro_rules! integers {
    ($($int:ty, $view:ident, $wide:ty;)*) => {$(
        impl FieldValue for $int {
            const TYPE: FieldType = FieldType::Integer { min: <$int>::MIN as i128, max: <$int>::MAX as u128 };

            #[inline]
            fn view(&self) -> View<'_> {
                View::$view(*self as $wide)
            }

            fn from_value(value: &Value) -> Result<Self, Misfit> {
                let number = match value {
                    Value::Int(number) => Self::try_from(*number).ok(),
                    Value::Uint(number) => Self::try_from(*number).ok(),
                    _ => None,
                };
                number.ok_or_else(Misfit::of::<Self>)
            }
        }
    )*};
}

integers! {
    u8, U64, u64; u16, U64, u64; u32, U64, u64; u64, U64, u64; usize, U64, u64; u128, U128, u128;
    i8, I64, i64; i16, I64, i64; i32, I64, i64; i64, I64, i64; isize, I64, i64; i128, I128, i128;
}

impl FieldValue for f64 {
    const TYPE: FieldType = FieldType::Float;

    #[inline]
    fn view(&self) -> View<'_> {
        View::F64(*self)
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        let number = match value {
            Value::Float(number) => Some(*number),
            // Another program may have written `1` for 1.0; what a float cannot say exactly is refused.
            #[expect(clippy::cast_precision_loss, reason = "what is lost shows on the way back")]
            Value::Int(number) => Some(*number as Self).filter(|float| *float as i128 == *number),
            _ => None,
        };
        number.ok_or_else(Misfit::of::<Self>)
    }
}

impl FieldValue for f32 {
    const TYPE: FieldType = FieldType::Float;

    #[inline]
    fn view(&self) -> View<'_> {
        View::F64(f64::from(*self))
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        let wide = f64::from_value(value)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what is lost shows on the way back"
        )]
        let number = wide as Self;
        let is_same = f64::from(number) == wide || wide.is_nan();
        is_same.then_some(number).ok_or_else(Misfit::of::<Self>)
    }
}

impl FieldValue for bool {
    const TYPE: FieldType = FieldType::Bool;

    #[inline]
    fn view(&self) -> View<'_> {
        View::Bool(*self)
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        value.as_bool().ok_or_else(Misfit::of::<Self>)
    }
}

/// In nanoseconds.
impl FieldValue for Duration {
    const TYPE: FieldType = FieldType::Duration;

    #[inline]
    fn view(&self) -> View<'_> {
        match u64::try_from(self.as_nanos()) {
            Ok(nanos) => View::U64(nanos),
            Err(_) => View::U128(self.as_nanos()),
        }
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        const SECOND: u128 = 1_000_000_000;
        let nanos = u128::from_value(value).map_err(|_| Misfit::of::<Self>())?;
        let seconds = u64::try_from(nanos / SECOND).map_err(|_| Misfit::of::<Self>())?;
        Ok(Self::new(seconds, u32::try_from(nanos % SECOND).unwrap_or(0)))
    }
}

impl FieldValue for Value {
    const TYPE: FieldType = FieldType::Any;

    #[inline]
    fn view(&self) -> View<'_> {
        View::Value(self)
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        Ok(value.clone())
    }
}

impl<T: FieldValue> FieldValue for Option<T> {
    const TYPE: FieldType = T::TYPE;
    const IS_OPTIONAL: bool = true;
    const CLASS: Option<FieldClass> = T::CLASS;
    const PARTS: &'static [FieldMeta] = T::PARTS;

    #[inline]
    fn view(&self) -> View<'_> {
        self.as_ref().map_or(View::Absent, T::view)
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        T::from_value(value).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// What an item of a list is; an absent one is `null`.
fn item(value: &impl FieldValue) -> Value {
    value.view().into_value().unwrap_or(Value::Null)
}

fn list<T: FieldValue>(value: &Value) -> Result<Vec<T>, Misfit> {
    let values = value.as_list().ok_or_else(Misfit::of::<Vec<T>>)?;
    let read = |value: &Value| match value {
        Value::Null => T::absent().map_or_else(|| T::from_value(value), Ok),
        _ => T::from_value(value),
    };
    values.iter().map(read).collect()
}

fn text<T: FieldValue>(values: &[T], at: usize) -> &str {
    match values.get(at).map(T::view) {
        Some(View::Text(text)) => text,
        _ => "",
    }
}

macro_rules! lists {
    ($([$($of:tt)*] $list:ty, $read:expr;)*) => {$(
        impl<T: FieldValue $($of)*> FieldValue for $list {
            const TYPE: FieldType = FieldType::List(&T::TYPE);
            const CLASS: Option<FieldClass> = T::CLASS;
            const PARTS: &'static [FieldMeta] = T::PARTS;

            #[inline]
            fn view(&self) -> View<'_> {
                if T::IS_TEXT {
                    return View::Texts(self);
                }
                View::Made(Value::List(self.iter().map(item).collect()))
            }

            fn from_value(value: &Value) -> Result<Self, Misfit> {
                let read: fn(&Value) -> Result<Self, Misfit> = $read;
                read(value)
            }
        }

        impl<T: FieldValue $($of)*> Texts for $list {
            fn count(&self) -> usize {
                self.len()
            }

            fn text(&self, at: usize) -> &str {
                text(self, at)
            }
        }
    )*};
}

lists! {
    [] Vec<T>, list;
    [] &[T], |_| borrowed();
    [, const N: usize] [T; N], |value| {
        list(value)?.try_into().map_err(|_| Misfit::new(format!("it takes a list of {N}")))
    };
}

impl<T: FieldValue> FieldValue for BTreeMap<String, T> {
    const TYPE: FieldType = FieldType::Map(&T::TYPE);
    const CLASS: Option<FieldClass> = T::CLASS;
    const PARTS: &'static [FieldMeta] = T::PARTS;

    fn view(&self) -> View<'_> {
        let members = self
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.view().into_value()?)));
        View::Made(Value::Map(members.collect::<Map>()))
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        let members = value.as_map().ok_or_else(Misfit::of::<Self>)?;
        let read = |(key, value): (&String, &Value)| Ok((key.clone(), T::from_value(value)?));
        members.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_only_where_it_is_exact() {
        assert_eq!(
            f64::from_value(&Value::from(1_u64 << 53)),
            Ok(9_007_199_254_740_992.0)
        );
        assert!(f64::from_value(&Value::from((1_u64 << 53) + 1)).is_err());
        assert_eq!(f32::from_value(&Value::from(0.5)), Ok(0.5));
        assert!(f32::from_value(&Value::from(0.1)).is_err());
        assert_eq!(u8::from_value(&Value::from(255)), Ok(255));
        for wrong in [
            Value::from(256),
            Value::from(-1),
            Value::from(1.0),
            Value::from("1"),
            Value::Null,
        ] {
            assert!(u8::from_value(&wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(u128::from_value(&Value::from(u128::MAX)), Ok(u128::MAX));
        let long = Duration::new(u64::MAX, 999_999_999);
        let value = long.view().into_value().unwrap();
        assert_eq!(Duration::from_value(&value), Ok(long));
        assert!(Duration::from_value(&Value::from(u128::MAX)).is_err());
    }

    #[test]
    fn what_is_borrowed_and_what_has_another_length_is_refused_in_words() {
        let said = |error: Misfit| error.to_string();
        assert!(said(<&str>::from_value(&Value::from("x")).unwrap_err()).contains("Cow<str>"));
        assert!(said(<&[u8]>::from_value(&Value::List(vec![])).unwrap_err()).contains("Vec"));
        let two = Value::from(vec![1, 2]);
        assert_eq!(<[u8; 2]>::from_value(&two), Ok([1, 2]));
        assert_eq!(
            said(<[u8; 3]>::from_value(&two).unwrap_err()),
            "it takes a list of 3"
        );
        let with_null = Value::List(vec![Value::from(1), Value::Null]);
        assert_eq!(Vec::<Option<u8>>::from_value(&with_null), Ok(vec![Some(1), None]));
        assert_eq!(
            said(Vec::<u8>::from_value(&with_null).unwrap_err()),
            "it takes an integer from 0 to 255"
        );
    }

    #[test]
    fn every_type_has_words() {
        let said = |ty: FieldType| ty.to_string();
        assert_eq!(
            said(<Vec<Option<i8>>>::TYPE),
            "a list, each an integer from -128 to 127"
        );
        assert_eq!(
            said(<BTreeMap<String, Duration>>::TYPE),
            "named values, each nanoseconds"
        );
        assert_eq!(said(<Option<super::super::Outcome>>::TYPE), "a word");
        assert_eq!([<Option<u8>>::IS_OPTIONAL, u8::IS_OPTIONAL], [true, false]);
    }
}
