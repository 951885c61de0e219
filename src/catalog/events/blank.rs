//! A text that says something.

use std::fmt;

use super::Text;
use crate::error::{Error, ErrorKind, Result};
use crate::record::{FieldType, FieldValue, Misfit, Value, View};

/// A text that is not blank: for a reason that must be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotBlank<'a>(Text<'a>);

impl<'a> NotBlank<'a> {
    /// The text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] where it is empty or nothing but blanks.
    pub fn new(text: impl Into<Text<'a>>) -> Result<Self> {
        let text = text.into();
        if text.trim().is_empty() {
            let message = "the reason is blank; say why this was done";
            return Err(Error::new(ErrorKind::Refused, message));
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NotBlank<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FieldValue for NotBlank<'_> {
    const TYPE: FieldType = FieldType::Text;
    const IS_TEXT: bool = true;

    fn view(&self) -> View<'_> {
        View::Text(&self.0)
    }

    fn from_value(value: &Value) -> std::result::Result<Self, Misfit> {
        let text = value.as_str().filter(|text| !text.trim().is_empty());
        let text = text.ok_or_else(|| Misfit::new("it takes a text that is not blank"))?;
        Ok(Self(Text::Owned(text.to_owned())))
    }
}
