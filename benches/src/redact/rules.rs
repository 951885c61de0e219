//! The rules that the rivals are given: patterns of our own for the families that the value engine knows.

use super::checks::Check;

/// A rule: its name, its pattern, and what must hold of a match beside it.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The name.
    pub name: &'static str,
    /// The pattern. Where it has the group [`GROUP`], only that group is cut.
    pub pattern: &'static str,
    /// The checksum.
    pub check: Check,
}

/// The group that is cut; the name is the only one that `sds` takes.
pub const GROUP: &str = "sds_match";

impl Rule {
    /// Whether only a group of the match is cut.
    #[must_use]
    pub fn has_group(&self) -> bool {
        self.pattern.contains(GROUP)
    }

    /// The pattern with word boundaries of ASCII: with Unicode's, the fast automata of `regex` give up at the first byte
    /// that is not ASCII.
    #[must_use]
    pub fn ascii(&self) -> String {
        self.pattern.replace(r"\b", r"(?-u:\b)")
    }

    /// The same without the boundary before it, so that a token is found behind other letters too. A rule that ends at a
    /// boundary (a number, an address) keeps both.
    #[must_use]
    pub fn free(&self) -> String {
        let both = self.pattern.ends_with(r"\b");
        self.ascii().replacen(r"(?-u:\b)", "", usize::from(!both))
    }
}

const fn rule(name: &'static str, pattern: &'static str) -> Rule {
    checked(name, pattern, Check::None)
}

const fn checked(name: &'static str, pattern: &'static str, check: Check) -> Rule {
    Rule { name, pattern, check }
}

/// Every rule.
pub const RULES: &[Rule] = &[
    rule("github", r"\bgh[opusr]_[A-Za-z0-9]{30,}"),
    rule("github-pat", r"\bgithub_pat_[A-Za-z0-9_]{40,}"),
    rule(
        "gitlab",
        r"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_-]{18,}",
    ),
    rule("slack", r"\bxox[abceoprs]-[A-Za-z0-9-]{16,}"),
    rule("slack-app", r"\bxapp-[A-Za-z0-9-]{16,}"),
    rule("slack-hook", r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
    rule("stripe", r"\b[rs]k_(?:live|test|prod)_[A-Za-z0-9]{16,}"),
    rule("stripe-hook", r"\bwhsec_[A-Za-z0-9+/=]{20,}"),
    rule("aws", r"\bA(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}\b"),
    rule("google", r"\bAIza[A-Za-z0-9_-]{33,}"),
    rule("google-oauth", r"\bya29\.[A-Za-z0-9._-]{20,}"),
    rule("google-secret", r"\bGOCSPX-[A-Za-z0-9_-]{20,}"),
    rule(
        "openai",
        r"\bsk-(?:proj|svcacct|service|admin)-[A-Za-z0-9_-]{20,}",
    ),
    rule("anthropic", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    rule("openrouter", r"\bsk-or-v1-[0-9a-f]{32,}"),
    rule("huggingface", r"\bhf_[A-Za-z0-9]{28,}"),
    rule("replicate", r"\br8_[A-Za-z0-9]{30,}"),
    rule("groq", r"\bgsk_[A-Za-z0-9]{32,}"),
    rule("npm", r"\bnpm_[A-Za-z0-9]{30,}"),
    rule("pypi", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    rule("docker", r"\bdckr_pat_[A-Za-z0-9_-]{20,}"),
    rule("digitalocean", r"\bdo[opr]_v1_[0-9a-f]{60,}"),
    rule("sendgrid", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    rule("shopify", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    rule("hashicorp", r"\bhv[bs]\.[A-Za-z0-9_-]{24,}"),
    rule("databricks", r"\bdapi[0-9a-f]{32}"),
    rule("grafana", r"\bgl(?:c|sa)_[A-Za-z0-9+/=_]{32,}"),
    rule("linear", r"\blin_api_[A-Za-z0-9]{32,}"),
    rule("telegram", r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{32,}"),
    rule("age", r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    rule(
        "jwt",
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    ),
    rule(
        "pem",
        r"-----BEGIN [A-Z ]{0,24}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{40,}",
    ),
    rule(
        "header",
        r#"(?i)\b(?:authorization|x-api-key|set-cookie)["']?\s*[=:]\s*["']?(?:basic |bearer |token )?(?<sds_match>[A-Za-z0-9._~+/=-]{8,})"#,
    ),
    rule(
        "key-value",
        r#"(?i)\b(?:password|passwd|pwd|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key)s?["']?\s*[=:]\s*["']?(?<sds_match>[^\s"'&;,]{4,})"#,
    ),
    rule(
        "signature",
        r"(?i)[?&](?:sig|signature|x-amz-signature|x-goog-signature)=(?<sds_match>[A-Za-z0-9%/+=_-]{16,})",
    ),
    rule(
        "userinfo",
        r"\b[a-z][a-z0-9+.-]{1,15}://[^\s/:@]{1,64}:(?<sds_match>[^\s/@]{1,128})@",
    ),
    checked(
        "card",
        r"\b[3-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,7}\b",
        Check::Luhn,
    ),
    checked(
        "iban",
        r"\b[A-Z]{2}[0-9]{2} ?(?:[A-Z0-9]{4} ?){2,7}[A-Z0-9]{1,4}\b",
        Check::Iban,
    ),
    rule(
        "email",
        r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}\b",
    ),
    rule(
        "ipv4",
        r"\b(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\b",
    ),
    rule(
        "ipv6",
        r"\b(?:[0-9a-fA-F]{1,4}:){2,6}(?:(?::[0-9a-fA-F]{1,4}){1,5}|[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})+)\b",
    ),
    rule("ssn", r"\b[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}\b"),
];

/// Tokens known by what stands in their middle, so that a pattern for them begins with a class of characters. Ours knows
/// them too.
pub const MIDDLES: &[Rule] = &[
    rule("terraform", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{50,}"),
    rule("mailchimp", r"[0-9a-f]{32}-us[0-9]{1,2}"),
    rule("azure", r"[A-Za-z0-9~._-]{4,8}Q~[A-Za-z0-9~._-]{28,}"),
];
