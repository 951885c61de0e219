//! Who gets an answer: whoever has the token, asks by a name that is ours, and comes from no other site.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use rand::TryRng as _;

use crate::out::Failure;

/// The fewest characters of a token that is given.
const SHORTEST: usize = 32;

/// What opens the page.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    /// 256 random bits.
    pub(super) fn random() -> Result<Self, Failure> {
        let mut bits = [0_u8; 32];
        let filled = rand::rngs::SysRng.try_fill_bytes(&mut bits);
        filled.map_err(|error| Failure::Input(format!("the system gives no random numbers: {error}")))?;
        Ok(Self(bits.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The token that a file holds.
    pub(super) fn from_file(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path);
        let text =
            text.map_err(|error| Failure::Input(format!("cannot read `{}`: {error}", path.display())))?;
        let token = text.trim();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if token.len() < SHORTEST || !token.chars().all(is_plain) {
            return Err(Failure::Usage(format!(
                "`{}` holds no token: it needs at least {SHORTEST} letters, digits, `-` or `_`",
                path.display()
            )));
        }
        Ok(Self(token.to_owned()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Compares in a time that says nothing of where the two differ.
    fn is(&self, other: &str) -> bool {
        let pairs = self.0.bytes().zip(other.bytes());
        let differ = pairs.fold(0, |differ, (own, given)| differ | (own ^ given));
        self.0.len() == other.len() && differ == 0
    }
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is answered.
    Welcome,
    /// It brought the token in its address: it gets a cookie, and the address without the token.
    Enter {
        /// The rest of the address.
        to: String,
    },
    /// It gets nothing but this status, and perhaps a word to the person in front of it.
    Refused(StatusCode, &'static str),
}

/// The door.
#[derive(Clone)]
pub(super) struct Guard {
    token: Token,
    /// The names by which the page is asked for, with ports, in lower case.
    hosts: Vec<String>,
    cookie: String,
}

impl Guard {
    /// For a server that listens here, under these further names.
    pub(super) fn new(token: Token, address: SocketAddr, names: &[String]) -> Self {
        let port = address.port();
        let mut hosts: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        if !address.ip().is_unspecified() {
            hosts.push(address.to_string());
        }
        if address.ip().is_loopback() || address.ip().is_unspecified() {
            let local = ["127.0.0.1", "[::1]", "localhost"];
            hosts.extend(local.map(|name| format!("{name}:{port}")));
            // A browser leaves the scheme's own port out.
            if port == 80 {
                hosts.extend(local.map(str::to_owned));
            }
        }
        Self {
            token,
            hosts,
            // Cookies do not tell ports apart: two servers must not overwrite each other's.
            cookie: format!("tracing-audit-{port}"),
        }
    }

    /// What to set where the token was in the address.
    pub(super) fn set_cookie(&self) -> String {
        format!(
            "{}={}; Path=/; HttpOnly; SameSite=Strict",
            self.cookie,
            self.token.text()
        )
    }

    /// Judges a request by its head.
    pub(super) fn judge(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Verdict {
        // A name that somebody else made point here, or another site's script: DNS rebinding, forged requests.
        if !self.is_host(headers) || !self.is_origin(headers) || is_foreign(headers) {
            return Verdict::Refused(StatusCode::FORBIDDEN, "");
        }
        if method != Method::GET {
            return Verdict::Refused(StatusCode::METHOD_NOT_ALLOWED, "");
        }
        let (given, rest) = token_of(uri);
        match given {
            Some(given) if self.token.is(&given) => return Verdict::Enter { to: rest },
            None if self.has_token(headers) => return Verdict::Welcome,
            _ => {}
        }
        Verdict::Refused(
            StatusCode::UNAUTHORIZED,
            "Open the whole address that `tracing-audit serve` printed, with its token.\n",
        )
    }

    fn is_host(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        let host = host.to_str().unwrap_or_default().to_ascii_lowercase();
        self.hosts.contains(&host)
    }

    fn is_origin(&self, headers: &HeaderMap) -> bool {
        headers.get_all(ORIGIN).iter().all(|origin| {
            let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
            let host = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"));
            host.is_some_and(|host| self.hosts.iter().any(|known| known == host))
        })
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get_all(AUTHORIZATION).iter();
        let mut bearer = bearer.filter_map(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let cookies = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut cookies = cookies
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.cookie);
        bearer.any(|given| self.token.is(given.trim())) || cookies.any(|(_, given)| self.token.is(given))
    }
}

/// Whether a browser says that another site's page asks, unless a person followed a link there.
fn is_foreign(headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let followed = said("sec-fetch-mode") == Some("navigate") && said("sec-fetch-dest") == Some("document");
    matches!(said("sec-fetch-site"), Some("cross-site" | "same-site")) && !followed
}

/// The token in the address, and the address without it.
fn token_of(uri: &Uri) -> (Option<String>, String) {
    let mut given = None;
    let mut rest = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if name == "token" {
            given = Some(value.into_owned());
        } else {
            rest.append_pair(&name, &value);
        }
    }
    // Two slashes at the beginning would name another host.
    let path = format!("/{}", uri.path().trim_start_matches('/'));
    match rest.finish() {
        query if query.is_empty() => (given, path),
        query => (given, format!("{path}?{query}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn guard() -> Guard {
        let address = "127.0.0.1:7878".parse().expect("an address");
        Guard::new(
            Token(TOKEN.to_owned()),
            address,
            &["audit.example.com".to_owned()],
        )
    }

    fn judged(uri: &str, lines: &[(&'static str, &str)]) -> Verdict {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a value"));
        }
        guard().judge(&Method::GET, &uri.parse().expect("an address"), &headers)
    }

    fn is_refused(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Refused(..))
    }

    #[test]
    fn only_the_whole_token_opens_the_door() {
        let host = ("host", "127.0.0.1:7878");
        let cookie = format!("other=1; tracing-audit-7878={TOKEN}");
        assert_eq!(judged("/", &[host, ("cookie", &cookie)]), Verdict::Welcome);
        let bearer = format!("Bearer {TOKEN}");
        assert_eq!(
            judged("/metrics", &[host, ("authorization", &bearer)]),
            Verdict::Welcome
        );
        let to = "/?q=a%3Db".to_owned();
        assert_eq!(
            judged(&format!("/?q=a%3Db&token={TOKEN}"), &[host]),
            Verdict::Enter { to }
        );
        let to = "/evil.example".to_owned();
        assert_eq!(
            judged(&format!("//evil.example?token={TOKEN}"), &[host]),
            Verdict::Enter { to }
        );
        for wrong in ["", "0", &TOKEN[1..], &format!("{TOKEN}0"), &TOKEN.to_uppercase()] {
            let cookie = format!("tracing-audit-7878={wrong}");
            assert!(is_refused(&judged("/", &[host, ("cookie", &cookie)])), "{wrong}");
            assert!(
                is_refused(&judged(&format!("/?token={wrong}"), &[host])),
                "{wrong}"
            );
        }
        let other = format!("tracing-audit-1={TOKEN}");
        assert!(is_refused(&judged("/", &[host, ("cookie", &other)])));
        assert!(is_refused(&judged("/", &[host])));
    }

    #[test]
    fn another_name_another_origin_and_another_site_get_nothing_even_with_the_token() {
        let cookie = format!("tracing-audit-7878={TOKEN}");
        let own = ("host", "localhost:7878");
        let nothing = Verdict::Refused(StatusCode::FORBIDDEN, "");
        for host in [
            "evil.example",
            "127.0.0.1",
            "127.0.0.1:7879",
            "localhost:7878.evil.example",
            "",
        ] {
            assert_eq!(
                judged("/", &[("host", host), ("cookie", &cookie)]),
                nothing,
                "{host}"
            );
        }
        assert_eq!(judged("/", &[("cookie", &cookie)]), nothing);
        assert_eq!(judged("/", &[own, own, ("cookie", &cookie)]), nothing);
        for origin in ["http://evil.example", "null", "http://localhost:3000", "file://"] {
            assert_eq!(
                judged("/", &[own, ("origin", origin), ("cookie", &cookie)]),
                nothing,
                "{origin}"
            );
        }
        for site in ["cross-site", "same-site"] {
            let lines = [
                own,
                ("sec-fetch-site", site),
                ("sec-fetch-mode", "cors"),
                ("cookie", &cookie),
            ];
            assert_eq!(judged("/", &lines), nothing);
        }
        for good in ["localhost:7878", "[::1]:7878", "AUDIT.example.com"] {
            let lines = [
                ("host", good),
                ("origin", "http://localhost:7878"),
                ("cookie", &cookie),
            ];
            assert_eq!(judged("/", &lines), Verdict::Welcome, "{good}");
        }
        let link = [
            own,
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("cookie", &cookie),
        ];
        assert_eq!(judged("/", &link), Verdict::Welcome);
    }
}
