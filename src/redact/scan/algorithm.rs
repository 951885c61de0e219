//! Names of algorithms, formats and versions, which are no secrets.

/// Whether the value is the whole name of an algorithm, a format or a version: `sha256`, `AES-256-GCM`, `v1.2`. A token
/// may begin like one.
pub(super) fn is_algorithm(value: &str) -> bool {
    const NUMBERED: &[&str] = &[
        "sha", "md", "bcrypt", "argon", "scrypt", "oauth", "base", "utf", "pbkdf", "hs", "rs", "es", "ps",
        "v", "http", "id", "tls", "ssl", "x", "aes", "rsa", "p", "secp", "hmac",
    ];
    const WHOLE: &[&str] = &[
        "2fa", "argon2id", "argon2i", "argon2d", "ed25519", "ed448", "x25519", "p256k1",
    ];
    let value = value.trim_end_matches(['.', ',', '!', '?', ':', ';']);
    if value.len() > 32 {
        return false;
    }
    let is_any = |names: &[&str], part: &str| names.iter().any(|name| name.eq_ignore_ascii_case(part));
    let is_known = |part: &str| {
        let name = part.trim_end_matches(|char: char| char.is_ascii_digit());
        part.len() - name.len() <= 3 && is_any(NUMBERED, name) || is_any(WHOLE, part)
    };
    let is_detail = |part: &str| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        let letters = part.bytes().all(|byte| byte.is_ascii_alphabetic());
        digits && part.len() <= 4 || letters && part.len() <= 6
    };
    let mut parts = value.split(['-', '_', '.', '/', ':', '+']);
    parts.next().is_some_and(is_known) && parts.all(|part| is_known(part) || is_detail(part))
}
