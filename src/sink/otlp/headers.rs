//! The headers of a request that are the user's: checked once, and never shown.

use std::fmt;

use super::resource::percent_decoded;
use crate::error::{Error, Result};

/// What the transport itself says.
const OURS: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// What is shorter is no secret, and would be found in any text.
const SHORTEST: usize = 6;

/// Names and values; no name twice, all in lower case.
#[derive(Default, Clone)]
pub(super) struct Headers {
    pairs: Vec<(String, String)>,
    /// What else an answer must not have shown.
    others: Vec<String>,
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names are not shown either: whoever takes one for the other puts the secret there.
        f.debug_tuple("Headers").field(&self.pairs.len()).finish()
    }
}

impl Headers {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Has a text of the URL's, such as a key, hidden as a value is.
    pub(super) fn hide(&mut self, secret: &str) {
        self.others.push(secret.to_owned());
    }

    /// A text without what only the request should say: values, and each word of one behind its first, which is a scheme.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        let values = self.pairs.iter().map(|(_, value)| value.as_str());
        let words = self.pairs.iter().flat_map(|(_, value)| value.split(' ').skip(1));
        let others = self.others.iter().map(String::as_str);
        let secrets = values.chain(words).chain(others);
        let secrets = secrets.filter(|secret| secret.len() >= SHORTEST);
        let mut secrets: Vec<&str> = secrets.collect();
        // The longest first: what is a part of another one would leave the rest of that.
        secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        let hidden = |text: String, secret: &str| text.replace(secret, "…");
        secrets.into_iter().fold(text.to_owned(), hidden)
    }

    /// Sets a header. `place` is what an error names.
    pub(super) fn set(&mut self, place: &str, name: &str, value: &str) -> Result<()> {
        let name = name.trim().to_ascii_lowercase();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let wrong = |why: &str| {
            Err(Error::config(format!(
                "{place}: {why}; its value is not shown here"
            )))
        };
        if name.is_empty() || !name.bytes().all(is_token) {
            return wrong("a header has a name that is not one: letters, digits and `-` make one");
        }
        if OURS.contains(&name.as_str()) {
            return wrong(&format!("the header `{name}` is the sink's own: leave it out"));
        }
        let value = value.trim_matches([' ', '\t']);
        if !value.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
            return wrong(&format!(
                "the header `{name}` has a character that is not printable ASCII: leave it out"
            ));
        }
        match self.pairs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.pairs.push((name, value.to_owned())),
        }
        Ok(())
    }

    /// Adds what a variable says and is not set yet: pairs `name=value` with commas between them, percent-encoded.
    pub(super) fn fill_from(&mut self, variable: &str, text: &str) -> Result<()> {
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let pair = part.split_once('=');
            let pair = pair.and_then(|(name, value)| Some((name.trim(), percent_decoded(value)?)));
            let Some((name, value)) = pair else {
                return Err(Error::config(format!(
                    "{variable}: a part of it is not name=value, percent-encoded, with commas between pairs; it is not shown here"
                )));
            };
            if !self
                .pairs
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
            {
                self.set(variable, name, &value)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_names_nor_values_are_shown_because_one_may_stand_in_the_place_of_the_other() {
        let mut headers = Headers::default();
        let secret = ["open", "sesame"].concat();
        headers.set("here", &secret, "x").unwrap();
        headers.set("here", "x", &secret).unwrap();
        assert_eq!(format!("{headers:?}"), "Headers(2)");
    }

    #[test]
    fn a_value_that_another_one_begins_with_is_hidden_whole() {
        let mut headers = Headers::default();
        headers.set("here", "x-tenant", "acme-org").unwrap();
        headers.set("here", "x-key", "acme-org-opensesame").unwrap();
        headers
            .set("here", "authorization", "Bearer acme-org-open")
            .unwrap();
        let hidden = headers.hidden_in("acme-org has no key acme-org-opensesame, nor Bearer acme-org-open");
        assert_eq!(hidden, "… has no key …, nor …");
    }
}
