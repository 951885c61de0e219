//! What the environment may say. It precedes a file and gives way to the builder.

use std::ffi::OsString;

use super::limits::KEEP_DAYS;
use crate::error::{Error, Result};

/// The environment variable that sets how many days a closed segment is kept; 0 keeps all for ever.
pub const RETENTION_DAYS: &str = "AUDIT_LOG_RETENTION_DAYS";

/// Reads [`RETENTION_DAYS`] through `lookup`; `None` where the variable is not set.
///
/// ```
/// let days = tracing_audit::config::retention_days(|name| std::env::var_os(name))?;
/// # Ok::<(), tracing_audit::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) where the variable is set to anything but an integer in the
/// range of [`KEEP_DAYS`]. An empty value is an error too: whoever set it meant something.
pub fn retention_days(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Option<u64>> {
    let Some(given) = lookup(RETENTION_DAYS) else {
        return Ok(None);
    };
    let days = given
        .to_str()
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .and_then(|days| KEEP_DAYS.check(days).ok());
    match days {
        Some(days) => Ok(Some(days)),
        None => Err(Error::config(format!(
            "environment variable {RETENTION_DAYS} is {given:?}; {}; {}, or unset the variable",
            KEEP_DAYS.allowed(),
            KEEP_DAYS.remedy
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Option<u64>> {
        retention_days(|name| (name == RETENTION_DAYS).then(|| value.into()))
    }

    #[test]
    fn a_variable_that_is_not_set_says_nothing() {
        assert_eq!(retention_days(|_| None).unwrap(), None);
    }

    #[test]
    fn an_integer_from_zero_on_is_taken() {
        assert_eq!(read("0").unwrap(), Some(0));
        assert_eq!(read("365").unwrap(), Some(365));
        assert_eq!(read("0030").unwrap(), Some(30));
    }

    #[test]
    fn anything_else_is_an_error_that_names_variable_value_range_and_remedy() {
        for value in [
            "",
            " 30",
            "-1",
            "+1",
            "3.5",
            "thirty",
            "36501",
            "99999999999999999999",
        ] {
            let message = read(value).unwrap_err().to_string();
            for part in [RETENTION_DAYS, &format!("{value:?}"), "0 to 36500 days", "unset"] {
                assert!(message.contains(part), "`{message}` does not say {part}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_an_error_not_absence() {
        use std::os::unix::ffi::OsStringExt;
        let given = || Some(OsString::from_vec(vec![b'3', 0xff]));
        retention_days(|_| given()).unwrap_err();
    }
}
