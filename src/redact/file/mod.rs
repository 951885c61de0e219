//! A policy as a file: the same model as the builder's, in TOML, with examples that are run when it is read.

mod pattern;
mod rule;
mod table;

use std::path::Path;

use self::table::{Given, Source, Table};
use super::class::Class;
use super::policy::Policy;
use crate::error::{Error, Result};
use crate::record::frame::MAX_VALUE;

const POLICY: &[&str] = &[
    "mode",
    "scan_limit",
    "tenant",
    "key",
    "class",
    "rule",
    "allow",
    "declassify",
    "pattern",
    "dry_run",
];
const KEY: &[&str] = &["id", "file", "env"];
const CLASS: &[&str] = &["name", "action"];
const ALLOW: &[&str] = &["fields", "target", "category", "event"];
const DECLASSIFY: &[&str] = &["name", "reason"];

/// The longest policy file, in bytes: what is longer is no policy.
const LONGEST: u64 = 1 << 20;

impl Policy {
    /// Reads a policy from TOML. [`guide::policy_file`](crate::guide::policy_file) has every key.
    ///
    /// Each rule and each pattern carries examples, which are run here: names that it must fit and names that it must
    /// not, texts that must be cut and texts that must stay. Keys for pseudonyms are read here too. Paths in the text are
    /// relative to the directory of the process.
    ///
    /// ```
    /// use tracing_audit::redact::Policy;
    ///
    /// let policy = Policy::from_toml(r#"
    ///     [[rule]]
    ///     words = "insurance number"
    ///     class = "personal:insurance"
    ///     positives = ["x_insurance_number", "insuranceNumber"]
    ///     negatives = ["insurance", "number"]
    /// "#)?;
    /// let done = policy.redact("insuranceNumber", "QQ 12 34 56 C");
    /// assert_eq!(done.value.as_deref(), Some("[REDACTED:insurance]"));
    /// # Ok::<(), tracing_audit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for what is not TOML, a key that is not known (with the one that was
    /// probably meant), a value that cannot work, and an example that fails. The message names line, key and remedy.
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) for the file of a key or of a trial that cannot be read.
    pub fn from_toml(text: &str) -> Result<Self> {
        let source = Source {
            name: "the policy".to_owned(),
            base: None,
            text,
        };
        Self::from_source(&source, true)
    }

    /// Reads a policy from a file: see [`Self::from_toml`]. Paths in it are relative to its directory.
    ///
    /// # Errors
    ///
    /// As [`Self::from_toml`], with the file's name; a file that cannot be read, is no UTF-8 or has over 1 MiB.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_file(path.as_ref(), true)
    }

    fn load_file(path: &Path, may_try: bool) -> Result<Self> {
        let unread = |error| Error::io("the policy file cannot be read:", path, error);
        let file = std::fs::File::open(path).map_err(unread)?;
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::io::Read::take(file, LONGEST + 1), &mut text)
            .map_err(unread)?;
        if text.len() as u64 > LONGEST {
            return Err(Error::config(format!(
                "the policy file `{}` has over {LONGEST} bytes; is it another file?",
                path.display()
            )));
        }
        let source = Source {
            name: path.display().to_string(),
            base: path.parent().map(Path::to_path_buf),
            text: &text,
        };
        Self::from_source(&source, may_try)
    }

    fn from_source(source: &Source<'_>, may_try: bool) -> Result<Self> {
        let tree = source.parse()?;
        let table = Table::new(source, "", 0, tree.get_ref(), POLICY)?;
        let hash = super::hmac::sha256(source.text.as_bytes());
        let policy = read(&table)?.with_file_hash(&hash);
        if !may_try && table.has("dry_run") {
            return Err(table.wrong(
                "dry_run",
                0,
                "stands in a policy that is under trial itself; there is one trial",
            ));
        }
        match trial(&table)? {
            Some(trial) => Ok(policy.dry_run(trial)),
            None => Ok(policy),
        }
    }
}

/// Everything but the policy under trial.
fn read(table: &Table<'_, '_>) -> Result<Policy> {
    let mut policy = mode(table)?;
    if let Some(limit) = table.number("scan_limit")? {
        if !(256..=MAX_VALUE).contains(&limit.value) {
            let message = format!("is {}; allowed are 256 to {MAX_VALUE} bytes", limit.value);
            return Err(table.wrong("scan_limit", limit.at, message));
        }
        policy = policy.scan_limit(limit.value);
    }
    if let Some(tenant) = table.text("tenant")? {
        policy = policy
            .tenant(tenant.value)
            .map_err(|error| table.source.because(tenant.at, &error))?;
    }
    for key in table.tables("key", KEY)? {
        policy = add_key(policy, &key)?;
    }
    let mut known: Vec<Class> = Vec::new();
    for class in table.tables("class", CLASS)? {
        let name = class.needed("name", "personal:loyalty-card")?;
        let action = class.needed("action", "hmac")?;
        let (class_of, action_of) = (parsed(&class, &name)?, parsed(&class, &action)?);
        if known.contains(&class_of) {
            return Err(class.wrong(
                "name",
                name.at,
                format!("is `{}` a second time; keep one", name.value),
            ));
        }
        known.push(class_of);
        if class_of.kind() == super::ClassKind::Secret && !super::policy::hides(action_of) {
            let message = format!(
                "is `{}`, which leaves a secret readable; write drop, marker, mask or hmac",
                action.value
            );
            return Err(class.wrong("action", action.at, message));
        }
        policy = policy.class(class_of, action_of);
    }
    for name in table.tables("declassify", DECLASSIFY)? {
        let words = name.needed("name", "api token style")?;
        let reason = name.needed("reason", "the name of a style sheet")?;
        if super::words::Words::of(words.value).iter().next().is_none() {
            return Err(name.wrong(
                "name",
                words.at,
                format!("is `{}`, which has no word", words.value),
            ));
        }
        policy = policy.declassify(words.value, reason.value);
    }
    let (mut policy, rules) = rule::read(policy, table)?;
    for allow in table.tables("allow", ALLOW)? {
        policy = rule::allow(policy, &allow)?;
    }
    let policy = pattern::read(policy, table)?;
    rule::check(&policy, &rules)?;
    Ok(policy)
}

fn mode(table: &Table<'_, '_>) -> Result<Policy> {
    let Some(mode) = table.text("mode")? else {
        return Ok(Policy::balanced());
    };
    match mode.value {
        "balanced" => Ok(Policy::balanced()),
        "strict" => Ok(Policy::strict()),
        "off" => Err(table.wrong(
            "mode",
            mode.at,
            "is `off`; a file cannot say that, an application can: `Policy::off` takes a reason",
        )),
        other => Err(table.wrong("mode", mode.at, format!("is `{other}`; write balanced or strict"))),
    }
}

fn add_key(policy: Policy, key: &Table<'_, '_>) -> Result<Policy> {
    let id = key.needed("id", "k1")?;
    let because = |at: usize| move |error: Error| key.source.because(at, &error);
    match (key.text("file")?, key.text("env")?) {
        (Some(file), None) => policy
            .key_file(id.value, key.source.path(file.value))
            .map_err(because(file.at)),
        (None, Some(variable)) => policy
            .key_env(id.value, variable.value)
            .map_err(because(variable.at)),
        (None, None) => {
            let message =
                "says neither `file` nor `env`; name the file or the environment variable that holds the key";
            Err(key.error(message))
        }
        (Some(_), Some(_)) => {
            Err(key.error("says both `file` and `env`; a key is in one place: remove one of the two"))
        }
    }
}

/// The policy under trial: another file, or a table with the keys of a policy.
fn trial(table: &Table<'_, '_>) -> Result<Option<Policy>> {
    if let Some((members, at)) = table.table("dry_run") {
        let inner = Table::new(table.source, "dry_run", at, members, POLICY)?;
        if inner.has("dry_run") {
            return Err(inner.error("has a trial of its own; there is one trial"));
        }
        return read(&inner).map(Some);
    }
    let Some(path) = table.text("dry_run")? else {
        return Ok(None);
    };
    Policy::load_file(&table.source.path(path.value), false)
        .map(Some)
        .map_err(|error| table.source.because(path.at, &error))
}

/// Reads a value that has a form of its own: a class, an action, an alphabet.
fn parsed<T: std::str::FromStr<Err = Error>>(table: &Table<'_, '_>, text: &Given<&str>) -> Result<T> {
    text.value
        .parse()
        .map_err(|error: Error| table.source.because(text.at, &error))
}

/// The examples that a rule or a pattern must have, of one kind.
fn examples<'s>(table: &Table<'s, '_>, key: &str, what: &str) -> Result<Vec<Given<&'s str>>> {
    match table.texts(key)? {
        Some(examples) if !examples.is_empty() => Ok(examples),
        _ => Err(table.error(format_args!(
            "has no `{key}`; give at least one {what}, it is tried when the policy is read"
        ))),
    }
}
