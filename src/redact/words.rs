//! Field names as words: `apiKey`, `api-key`, `API_KEY` and `x.api_key` all say "api key".

/// The words of a name, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Words(Vec<String>);

impl Words {
    /// Splits at everything that is not alphanumeric, before a capital that follows a small letter or digit, and
    /// before the last capital of a run that a small letter follows (`HTTPToken` is "http token").
    pub(crate) fn of(name: &str) -> Self {
        let mut words = vec![String::new()];
        let chars: Vec<char> = name.chars().collect();
        for (at, &char) in chars.iter().enumerate() {
            let before = at
                .checked_sub(1)
                .and_then(|at| chars.get(at))
                .copied()
                .unwrap_or(' ');
            let after = chars.get(at + 1).copied().unwrap_or(' ');
            let starts = char.is_uppercase()
                && (before.is_lowercase()
                    || before.is_numeric()
                    || (before.is_uppercase() && after.is_lowercase()));
            if starts || !char.is_alphanumeric() {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut().filter(|_| char.is_alphanumeric()) {
                word.extend(char.to_lowercase());
            }
        }
        words.retain(|word| !word.is_empty());
        Self(words)
    }

    /// The words with dots between them.
    pub(crate) fn joined(&self) -> String {
        self.0.join(".")
    }

    /// Whether these words contain the others, one behind the other.
    pub(crate) fn contains(&self, others: &Self) -> bool {
        !others.0.is_empty()
            && self
                .0
                .windows(others.0.len())
                .any(|window| window == others.0.as_slice())
    }

    /// The words themselves, first to last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn has(&self, sequence: &str) -> bool {
        let count = sequence.split(' ').count();
        let is_it = |window: &[String]| {
            window
                .iter()
                .zip(sequence.split(' '))
                .all(|(word, wanted)| is_word(word, wanted))
        };
        self.0.windows(count).any(is_it)
    }
}

/// Whether a word is the wanted one, in the plural or with a number behind it as well (`tokens`, `password2`).
fn is_word(word: &str, wanted: &str) -> bool {
    let bare = word.trim_end_matches(|char: char| char.is_ascii_digit());
    bare == wanted
        || bare.strip_suffix('s') == Some(wanted)
        || (wanted == "password" && bare.ends_with(wanted))
}

/// Names of things that nobody but their owner may know. One entry is one or more words in a row.
const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "passwort",
    "pwd",
    "passphrase",
    "passcode",
    "pass",
    "secret",
    "secrets",
    "token",
    "tokens",
    "apikey",
    "api key",
    "apitoken",
    "access key",
    "accesskey",
    "secret key",
    "secretkey",
    "private key",
    "privatekey",
    "signing key",
    "encryption key",
    "auth key",
    "credential",
    "credentials",
    "authorization",
    "bearer",
    "jwt",
    "otp",
    "totp",
    "cvv",
    "cvc",
    "pin",
    "cookie",
    "cookies",
    "set cookie",
    "session key",
    "client key",
    "shared key",
    "connection string",
    "dsn",
    "mnemonic",
    "creds",
    "pw",
    "ssh key",
    "seed phrase",
];

/// Words before a secret's name that make it the name of something about the secret.
const HEADS: &[&str] = &[
    "max", "min", "has", "is", "num", "total", "count", "requires", "needs",
];

/// Words behind a secret's name that make it the name of something about the secret.
const TAILS: &[&str] = &[
    "count", "used", "type", "id", "name", "version", "at", "policy", "enabled", "verified", "ttl", "length",
    "len", "expiry", "expires", "age", "limit", "usage", "required", "valid", "status", "kind", "strength",
    "attempts",
];

/// Names of network addresses.
const ADDRESSES: &[&str] = &[
    "ip",
    "ip address",
    "ipaddress",
    "ipaddr",
    "ip addr",
    "remote addr",
    "remote address",
    "client addr",
    "client address",
    "peer addr",
    "peer address",
    "source address",
    "forwarded for",
];

/// Whether the name is that of a secret itself, not of something about one.
pub(crate) fn is_secret(words: &Words) -> bool {
    SECRETS.iter().any(|secret| words.has(secret)) && !is_about(words)
}

/// Whether the name is that of a network address.
pub(crate) fn is_address(words: &Words) -> bool {
    ADDRESSES.iter().any(|address| words.has(address)) && !is_about(words)
}

fn is_about(words: &Words) -> bool {
    let is_one_of =
        |word: Option<&String>, list: &[&str]| word.is_some_and(|word| list.contains(&word.as_str()));
    words.0.len() > 1 && (is_one_of(words.0.first(), HEADS) || is_one_of(words.0.last(), TAILS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str) -> bool {
        is_secret(&Words::of(name))
    }

    #[test]
    fn a_secret_is_recognised_in_every_spelling_of_its_name() {
        for name in [
            "password",
            "userPassword",
            "user-password",
            "user.password",
            "USER_PASSWORD",
            "apiKey",
            "api_key",
            "APIKey",
            "x-api-key",
            "db.connectionString",
            "authToken",
            "HTTPAuthorization",
            "privateKey",
            "otp",
            "passwords",
            "password1",
            "token2",
            "api_keys",
            "primary_access_key",
            "primary.password",
            "creds",
            "dbpassword",
            "ssh_key",
        ] {
            assert!(secret(name), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_only_about_a_secret_is_left_alone() {
        for name in [
            "password_policy",
            "token_count",
            "max_tokens",
            "tokens_used",
            "has_password",
            "secretary",
            "tokenizer",
            "compass",
            "passenger",
            "pinned",
            "public_key",
            "api_key_id",
            "password_changed_at",
            "monkey",
            "spinner",
        ] {
            assert!(!secret(name), "{name}");
        }
    }

    #[test]
    fn names_are_split_at_marks_and_at_case_boundaries() {
        assert_eq!(
            Words::of("HTTPTokenV2-last.used").0,
            ["http", "token", "v2", "last", "used"]
        );
        assert_eq!(Words::of("").0, Vec::<String>::new());
        assert_eq!(Words::of("größeMax").0, ["größe", "max"]);
    }
}
