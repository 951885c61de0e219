//! Words of vocabularies as the values of typed events' fields.

use super::field_type::FieldType;
use super::field_value::{FieldValue, Misfit, View};
use super::value::Value;

/// A word of a vocabulary, open or closed: a text form, and the way back.
///
/// ```
/// use tracing_audit::record::{FieldValue, Value, Word};
///
/// #[derive(Debug, PartialEq)]
/// enum Phase {
///     Install,
///     Execute,
///     Other(String),
/// }
///
/// impl Word for Phase {
///     fn word(&self) -> &str {
///         match self {
///             Self::Install => "install",
///             Self::Execute => "execute",
///             Self::Other(word) => word,
///         }
///     }
///
///     fn of_word(word: &str) -> Option<Self> {
///         Some(match word {
///             "install" => Self::Install,
///             "execute" => Self::Execute,
///             _ => Self::Other(word.to_owned()),
///         })
///     }
/// }
///
/// let phase = Phase::from_value(&Value::from("verify"));
/// assert_eq!(phase, Ok(Phase::Other("verify".to_owned())));
/// ```
pub trait Word: Sized {
    /// The word.
    fn word(&self) -> &str;

    /// What the word means; `None` where the vocabulary is closed and does not have it.
    fn of_word(word: &str) -> Option<Self>;
}

// Where a type is no field's, the lack of `Word` is not the reason that the compiler should give.
#[diagnostic::do_not_recommend]
impl<W: Word> FieldValue for W {
    const TYPE: FieldType = FieldType::Word;
    const IS_TEXT: bool = true;

    #[inline]
    fn view(&self) -> View<'_> {
        View::Text(self.word())
    }

    fn from_value(value: &Value) -> Result<Self, Misfit> {
        let word = value.as_str().ok_or_else(Misfit::of::<Self>)?;
        Self::of_word(word).ok_or_else(|| Misfit::new("the word is not one of its vocabulary"))
    }
}
