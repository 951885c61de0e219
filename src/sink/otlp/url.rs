//! Where a collector is: the parts of an `http` or `https` URL.

use std::fmt;

use crate::error::{Error, Result};

/// A collector's address. Shown without what stands behind a question mark, which may be a key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Url {
    /// Who named it: a variable, or a setting. For errors.
    pub(super) place: String,
    pub(super) is_https: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    /// Host and port as they stand in the URL.
    pub(super) authority: String,
    /// What stands behind the authority, from the slash or the question mark on; empty where the URL ends with the authority.
    pub(super) path: String,
}

impl Url {
    /// Reads a URL; `place` is what an error names.
    pub(super) fn parse(place: &str, text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            let shown = Shown(text);
            Error::config(format!(
                "{place}: `{shown}` {why}; write it as http://host:4318 or https://host/path"
            ))
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("has no scheme"))?;
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong("is neither http nor https")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if path.contains('#') {
            return Err(wrong("has a fragment"));
        }
        let is_plain = |byte: u8| byte.is_ascii_graphic();
        if !rest.bytes().all(is_plain) {
            return Err(wrong("has a character that a URL cannot hold"));
        }
        if authority.contains('@') {
            // Nothing of the URL: it holds a password.
            return Err(Error::config(format!(
                "{place}: the URL holds a name or a password; send it as the header `authorization` instead"
            )));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or_else(|| wrong("has no `]`"))?,
            None => authority
                .split_at_checked(authority.find(':').unwrap_or(authority.len()))
                .unwrap_or_default(),
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().ok().filter(|port| *port > 0),
            None if port.is_empty() => Some(if is_https { 443 } else { 80 }),
            None => None,
        };
        if host.is_empty() {
            return Err(wrong("names no host"));
        }
        Ok(Self {
            place: place.to_owned(),
            is_https,
            host: host.to_owned(),
            port: port.ok_or_else(|| wrong("has a port that is not a number from 1 to 65535"))?,
            authority: authority.to_owned(),
            path: path.to_owned(),
        })
    }

    /// The path, and the question mark with what stands behind it.
    fn parts(&self) -> (&str, &str) {
        let at = self.path.find('?').unwrap_or(self.path.len());
        self.path.split_at_checked(at).unwrap_or_default()
    }

    /// Whether it has no path but the slash.
    pub(super) fn is_bare(&self) -> bool {
        matches!(self.parts().0, "" | "/")
    }

    /// The URL with so much behind its path.
    pub(super) fn below(mut self, path: &str) -> Self {
        let (base, query) = self.parts();
        self.path = [base.trim_end_matches('/'), path, query].concat();
        self
    }

    /// What a request over HTTP/1.1 names: the path with what stands behind the question mark.
    pub(super) fn target(&self) -> String {
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        [slash, &self.path].concat()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)?;
        Shown(&self.path).fmt(f)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What may be shown of a text that may be a URL: nothing if it could hold a password, and nothing behind a question mark.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_once('?') {
            _ if self.0.contains('@') => f.write_str("…@…"),
            Some((before, _)) => write!(f, "{before}?…"),
            None => f.write_str(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_in_its_parts() {
        let parts = |text| {
            let url = Url::parse("here", text).unwrap();
            (url.is_https, url.host, url.port, url.path)
        };
        assert_eq!(parts("http://c:4318"), (false, "c".into(), 4318, String::new()));
        assert_eq!(
            parts("HTTPS://c/a/b?x=1"),
            (true, "c".into(), 443, "/a/b?x=1".into())
        );
        assert_eq!(parts("http://[::1]:80/"), (false, "::1".into(), 80, "/".into()));
        assert_eq!(parts("http://[::1]"), (false, "::1".into(), 80, String::new()));
        assert_eq!(parts("http://c?x"), (false, "c".into(), 80, "?x".into()));
        for (text, target, is_bare, below) in [
            ("http://c", "/", true, "/v1/logs"),
            ("http://c/", "/", true, "/v1/logs"),
            ("http://c?key=a/b", "/?key=a/b", true, "/v1/logs?key=a/b"),
            ("http://c/?key=a", "/?key=a", true, "/v1/logs?key=a"),
            (
                "http://c/otlp/?key=a",
                "/otlp/?key=a",
                false,
                "/otlp/v1/logs?key=a",
            ),
        ] {
            let url = Url::parse("here", text).unwrap();
            assert_eq!((url.target(), url.is_bare()), (target.into(), is_bare), "{text}");
            assert_eq!(url.below("/v1/logs").target(), below, "{text}");
        }
        let below = Url::parse("here", "http://c:1/base/").unwrap().below("/v1/logs");
        assert_eq!(below.to_string(), "http://c:1/base/v1/logs");
    }

    #[test]
    fn what_is_no_url_is_refused_with_its_place_and_the_remedy_and_a_password_is_not_repeated() {
        for wrong in [
            "c:4318",
            "ftp://c",
            "http://",
            "http://c:0",
            "http://c:x",
            "http://c:99999",
            "http://[::1",
            "http://c/#f",
            "http://c d",
            "http://c\r\n",
        ] {
            let text = Url::parse("SOME_VARIABLE", wrong).unwrap_err().to_string();
            assert!(
                text.contains("SOME_VARIABLE") && text.contains("write it as"),
                "{text}"
            );
        }
        let text = Url::parse("SOME_VARIABLE", "http://me:opensesame@c")
            .unwrap_err()
            .to_string();
        assert!(
            !text.contains("opensesame") && text.contains("authorization"),
            "{text}"
        );
    }

    #[test]
    fn no_password_and_no_key_of_a_url_is_shown_whatever_else_is_wrong_with_it() {
        for wrong in [
            "me:opensesame@c:4318",
            "ftp://me:opensesame@c",
            "http://me:opensesame@c/#f",
            "http://me:open#opensesame@c",
            "http://me:opensesame @c",
            "http://me:x/opensesame@c",
            "http://c:x/?key=opensesame",
        ] {
            let text = Url::parse("SOME_VARIABLE", wrong).unwrap_err().to_string();
            assert!(
                text.contains("SOME_VARIABLE") && !text.contains("opensesame"),
                "{text}"
            );
        }
        let url = Url::parse("here", "http://c/a?key=opensesame").unwrap();
        assert_eq!(format!("{url} {url:?}"), "http://c/a?… http://c/a?…");
        let builder = crate::sink::OtlpSink::builder().endpoint("http://me:opensesame@c");
        assert!(!format!("{builder:?}").contains("opensesame"));
    }
}
