//! The resource: what every record of a request has in common, from configuration, environment and the lines themselves.

use std::borrow::Cow;

use super::value::{pair, string};
use super::wire;
use crate::error::{Error, Result};

const RESOURCE: u32 = 1;
const ATTRIBUTES: u32 = 1;

/// What was configured. `service.name` and `host.name` come from the lines where they are not.
#[derive(Debug, Clone, Default)]
pub(super) struct Resource {
    attributes: Vec<(String, String)>,
}

impl Resource {
    /// Sets an attribute; a later value replaces an earlier one.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        match self.attributes.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.attributes.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Sets an attribute unless it is there.
    pub(super) fn fill(&mut self, name: &str, value: &str) {
        if self.get(name).is_none() {
            self.set(name, value);
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the resource of a line states this value of it, so that the record need not.
    pub(super) fn says(&self, name: &str, value: &str) -> bool {
        self.get(name).is_none_or(|configured| configured == value)
    }

    /// The resource of lines by this service on this host.
    pub(super) fn write(&self, out: &mut Vec<u8>, service: Option<&str>, host: Option<&str>) {
        let attribute = |out: &mut Vec<u8>, name: &str, value: &str| {
            pair(out, ATTRIBUTES, &[name], |out| string(out, value));
        };
        wire::message(out, RESOURCE, |out| {
            for (name, value) in [("service.name", service), ("host.name", host)] {
                if let (Some(value), None) = (value, self.get(name)) {
                    attribute(out, name, value);
                }
            }
            for (name, value) in &self.attributes {
                attribute(out, name, value);
            }
        });
    }

    /// Fills what `OTEL_RESOURCE_ATTRIBUTES` says: pairs `name=value` with commas between them, percent-encoded where they
    /// must be.
    pub(super) fn fill_from(&mut self, variable: &str, text: &str) -> Result<()> {
        let wrong = |part: &str, what: &str| {
            Error::config(format!(
                "{variable}: `{part}` {what}; write name=value, with commas between pairs, and other characters as %XX"
            ))
        };
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(wrong(part, "has no `=`"));
            };
            let (name, value) = (name.trim(), value.trim());
            if name.is_empty() {
                return Err(wrong(part, "has no name"));
            }
            let decode =
                |text| percent_decoded(text).ok_or_else(|| wrong(part, "is not percent-encoded UTF-8"));
            self.fill(&decode(name)?, &decode(value)?);
        }
        Ok(())
    }
}

/// The text behind a percent-encoded one; `None` where it is not UTF-8, or a `%` has no two hex digits behind it.
pub(super) fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_attributes_are_read_as_the_standard_writes_them_and_what_is_wrong_is_named() {
        let mut resource = Resource::default();
        resource.set("a", "builder");
        resource
            .fill_from("OTEL_RESOURCE_ATTRIBUTES", " a=env , b=1%2C2%20x,c = ,")
            .unwrap();
        let said = |name| resource.get(name).unwrap_or("absent");
        assert_eq!([said("a"), said("b"), said("c")], ["builder", "1,2 x", ""]);
        for wrong in ["noequals", "=x", "a=%zz", "a=%C3", "a=%4"] {
            let error = Resource::default()
                .fill_from("OTEL_RESOURCE_ATTRIBUTES", wrong)
                .unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("OTEL_RESOURCE_ATTRIBUTES")
                    && text.contains(wrong)
                    && text.contains("name=value"),
                "{text}"
            );
        }
    }
}
