//! Names of types and verdicts, which stand behind a colon where a secret might: `token: CancellationToken`, `password: Option`.

use super::about::is_word_about;
use super::lexicon::Lexicon;

/// Words that such names are made of, beside those that are said about secrets.
static PIECES: [Lexicon; 2] = [
    Lexicon::of(&[
        "accepted", "access", "account", "action", "active", "address", "any", "anzeigen", "api", "app",
        "array", "arrow", "auth", "back", "bad", "base", "basic", "bearer", "binary", "blob", "bool",
        "boolean", "brace", "bracket", "broken", "buffer", "builder", "byte", "bytes", "callable",
        "callback", "cancel", "cell", "change", "changed", "char", "checksum", "cipher", "claims", "class",
        "client", "clob", "code", "colon", "column", "comma", "command", "complete", "config", "confirm",
        "context", "continue", "cookie", "copy", "correct", "counter", "create", "crypto", "csrf", "data",
        "date", "decimal", "declined", "default", "delete", "deleted", "denied", "dict", "digest",
        "disabled", "done", "dot", "double", "dto", "edit", "eingeben", "email", "empty", "enabled",
        "encoded", "encoder", "end", "enforced", "engine", "enter", "entfernt", "entity", "enum", "eof",
        "equals", "erneuert", "error", "event", "existing", "expired", "exposed", "external", "factory",
        "failed", "failing", "failure", "falsch", "false", "fehlt", "field", "file", "filter", "float",
        "flow", "forgot", "form", "format", "found", "function", "future", "generate", "generic", "gesetzt",
        "gesperrt", "good", "grant", "granted", "group", "guid", "handle", "handler", "hash", "hashed",
        "hasher", "header", "helper", "hidden", "hide", "history", "hook", "id", "identity", "ignored",
        "illegal", "inactive", "info", "input", "integer", "internal", "invalid", "issued", "issuer", "item",
        "iterable", "iterator", "ja", "json", "jwt", "keine", "key", "keys", "keyword", "kind", "leaked",
        "leer", "left", "length", "limit", "list", "literal", "loaded", "lock", "locked", "login", "long",
        "manager", "manual", "map", "mapping", "masked", "match", "material", "maximum", "medium", "memory",
        "message", "minimum", "minus", "mismatch", "missing", "mode", "model", "modified", "module", "mutex",
        "name", "needed", "nein", "newline", "next", "node", "nonce", "none", "not", "nothing", "null",
        "nullable", "number", "object", "offered", "ok", "okay", "old", "only", "opaque", "openid",
        "operator", "option", "optional", "options", "order", "outdated", "pair", "params", "paren", "parse",
        "parser", "passed", "password", "paste", "path", "pending", "pepper", "personal", "plain", "plus",
        "pointer", "policy", "present", "private", "promise", "property", "protocol", "provided", "provider",
        "public", "query", "queue", "quote", "random", "read", "reader", "record", "redacted", "ref",
        "refresh", "refused", "rejected", "reminder", "remove", "removed", "rename", "renewed", "repeat",
        "repeated", "replaced", "request", "required", "reserved", "reset", "resolver", "resource",
        "response", "restored", "result", "results", "reused", "reveal", "revoke", "revoked", "richtig",
        "right", "role", "rotate", "rotated", "rotation", "rule", "safe", "salt", "save", "saved", "schema",
        "schwach", "scope", "secret", "secrets", "secure", "security", "select", "self", "sent", "service",
        "session", "set", "settings", "shared", "short", "show", "signed", "signer", "signing", "simple",
        "some", "source", "spanned", "spec", "staging", "stale", "stark", "state", "status", "store",
        "stored", "str", "strategy", "stream", "string", "strong", "struct", "subject", "submit", "success",
        "symbol", "system", "table", "task", "template", "test", "text", "timeout", "token", "tokens", "too",
        "tree", "true", "trusted", "tuple", "type", "union", "unknown", "unlocked", "unsafe", "unset",
        "unsigned", "unused", "update", "updated", "updater", "upload", "used", "user", "uuid", "valid",
        "value", "values", "varchar", "variable", "vault", "vec", "vector", "verified", "verifier",
        "version", "view", "visible", "void", "wait", "weak", "weiter", "where", "widget", "word", "wrapper",
        "writer", "wrong", "yes",
    ]),
    Lexicon::of(&[
        "abbrechen",
        "abgelaufen",
        "abgelehnt",
        "aktiviert",
        "akzeptiert",
        "algorithm",
        "anonymous",
        "attribute",
        "authenticated",
        "authentication",
        "authority",
        "authorization",
        "cancellation",
        "certificate",
        "characters",
        "completed",
        "compromised",
        "configured",
        "container",
        "controller",
        "credential",
        "credentials",
        "deaktiviert",
        "definition",
        "deprecated",
        "duplicate",
        "encrypted",
        "encryption",
        "erfolgreich",
        "erforderlich",
        "exception",
        "exchanged",
        "fehlgeschlagen",
        "generated",
        "generator",
        "identifier",
        "implementation",
        "incorrect",
        "interface",
        "observable",
        "parameter",
        "parenthesis",
        "permanent",
        "permission",
        "pflichtfeld",
        "plaintext",
        "principal",
        "processor",
        "production",
        "protected",
        "reference",
        "regenerate",
        "registered",
        "repository",
        "requirement",
        "sanitized",
        "semicolon",
        "sensitive",
        "serializer",
        "signature",
        "specified",
        "speichern",
        "symmetric",
        "temporary",
        "timestamp",
        "tokenizer",
        "transport",
        "unauthenticated",
        "unauthorized",
        "unchanged",
        "unchecked",
        "undefined",
        "unencoded",
        "unencrypted",
        "unexpected",
        "unregistered",
        "unsupported",
        "untrusted",
        "unverifiable",
        "unverified",
        "validated",
        "validation",
        "validator",
        "vergessen",
        "whitespace",
        "wiederholen",
        "zeroizing",
    ]),
];

/// Whether the value begins with a capital, and is a word of such names or several of which one is. A password of letters is
/// none, whatever its letters are.
pub(super) fn is_type_or_verdict(value: &str) -> bool {
    /// A shorter word may stand in letters that say nothing.
    const TELLING: usize = 4;
    let is_letters = value.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !is_letters || !value.starts_with(|first: char| first.is_ascii_uppercase()) {
        return false;
    }
    let is_known = |piece: &str| PIECES.iter().any(|words| words.has(piece)) || is_word_about(piece);
    let (mut all, mut any) = (true, false);
    for piece in Pieces(value) {
        let known = is_known(piece);
        all &= known;
        any |= known && piece.len() >= TELLING;
    }
    all || any
}

/// `secret: SigningKey = …`, `token: Where {`, `tokens: ParseResults):`: whether what stands behind a word with a capital says that
/// it is a type.
pub(super) fn is_type_by_place(value: &str, behind: &[u8]) -> bool {
    const SIGNS: [&[u8]; 8] = [b"<", b" {", b" + ", b" = ", b"):", b") ->", b") {", b") =>"];
    value.starts_with(|first: char| first.is_ascii_uppercase())
        && value.bytes().all(|byte| byte.is_ascii_alphabetic())
        && SIGNS.iter().any(|sign| behind.starts_with(sign))
}

/// `OAuthToken` is `O`, `Auth` and `Token`; `JWTToken` is `JWT` and `Token`.
struct Pieces<'v>(&'v str);

impl<'v> Iterator for Pieces<'v> {
    type Item = &'v str;

    fn next(&mut self) -> Option<&'v str> {
        let bytes = self.0.as_bytes();
        let begins = |at: &usize| {
            let (before, this) = (bytes.get(at - 1)?, bytes.get(*at)?);
            let next = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            (this.is_ascii_uppercase() && (before.is_ascii_lowercase() || next)).then_some(())
        };
        let end = (1..bytes.len()).find(|at| begins(at).is_some());
        let (piece, rest) = self.0.split_at_checked(end.unwrap_or(bytes.len()))?;
        self.0 = rest;
        (!piece.is_empty()).then_some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_several_words_is_taken_to_pieces_where_they_begin() {
        let pieces = |value| Pieces(value).collect::<Vec<_>>().join(" ");
        for (value, wanted) in [
            ("OAuthToken", "O Auth Token"),
            ("JWTToken", "JWT Token"),
            ("VARCHAR", "VARCHAR"),
            ("A", "A"),
            ("InvalidFormat", "Invalid Format"),
            ("", ""),
        ] {
            assert_eq!(pieces(value), wanted);
        }
    }

    #[test]
    fn types_and_verdicts_are_told_from_passwords_of_letters() {
        for value in [
            "String",
            "CancellationToken",
            "InvalidFormat",
            "Required",
            "JwtToken",
            "VARCHAR",
            "OAuthToken",
        ] {
            assert!(is_type_or_verdict(value), "{value}");
        }
        for value in [
            "Liverpool",
            "GScpIdgZLwNAqN",
            "WinterIsComing",
            "Sonnenschein",
            "HCOqZBBmtYxunq",
            "string",
            "Token1",
        ] {
            assert!(!is_type_or_verdict(value), "{value}");
        }
    }
}
