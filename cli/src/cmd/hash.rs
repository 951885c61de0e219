//! `hash`: the pseudonym that a trail has for a known value.

use std::io::Read as _;

use serde_json::Value as Json;
use tracing_audit::format::canonical_json;
use tracing_audit::record::{Map, Value};
use tracing_audit::redact::{Class, Policy, sha256};

use crate::args::{Algorithm, Hash};
use crate::out::{Failure, Out, code, note};

pub(crate) fn run(args: &Hash) -> Result<u8, Failure> {
    let hash = match args.algorithm {
        Algorithm::HmacSha256 => keyed(args)?,
        Algorithm::Sha256 => bare(args)?,
    };
    let mut out = Out::new(crate::args::Color::Never);
    out.line(&hash)?;
    out.flush()?;
    Ok(code::OK)
}

fn keyed(args: &Hash) -> Result<String, Failure> {
    let class: Option<Class> = args.class.as_deref().map(str::parse).transpose()?;
    if class.is_none() && !args.json {
        return Err(Failure::Usage(
            "--class is missing; name what the value is, such as --class personal:email, or say --json for parameters"
                .to_owned(),
        ));
    }
    let policy = policy(args)?;
    let key = args.key.as_deref().filter(|_| args.policy.is_some());
    let value = value(args)?;
    let hash = match class {
        Some(class) => policy.pseudonym(class, key, &value),
        None => policy.params_hash(key, &parameters(&value)?),
    };
    hash.ok_or_else(|| {
        let known: Vec<_> = policy.key_ids().collect();
        Failure::Usage(match (key, known.as_slice()) {
            (_, []) => {
                "the policy has no key; add `[[key]]` to it, or give --key-file or --key-env".to_owned()
            }
            (Some(id), known) => format!("no key `{id}`; the policy's keys are {}", known.join(", ")),
            (None, _) => "the value cannot be hashed".to_owned(),
        })
    })
}

/// The keys and the tenant.
fn policy(args: &Hash) -> Result<Policy, Failure> {
    if let Some(path) = &args.policy {
        return Ok(Policy::load(path)?);
    }
    let id = args.key.as_deref().unwrap_or("k1");
    let policy = match (&args.key_file, &args.key_env) {
        (Some(path), _) => Policy::balanced().key_file(id, path)?,
        (None, Some(variable)) => Policy::balanced().key_env(id, variable)?,
        (None, None) => {
            return Err(Failure::Usage(
                "no key; give --key-file, --key-env, or --policy, which names the keys".to_owned(),
            ));
        }
    };
    match &args.tenant {
        Some(tenant) => Ok(policy.tenant(tenant)?),
        None => Ok(policy),
    }
}

/// A hash without a key, for comparing with what another system wrote.
fn bare(args: &Hash) -> Result<String, Failure> {
    if args.key_file.is_some() || args.key_env.is_some() || args.policy.is_some() || args.key.is_some() {
        return Err(Failure::Usage(
            "--algorithm sha256 takes no key; remove it, or remove --algorithm for a keyed hash".to_owned(),
        ));
    }
    let value = value(args)?;
    let hash = if args.json {
        let text = canonical_json(&parameters(&value)?)?;
        sha256(text.as_bytes())
    } else {
        sha256(value.as_bytes())
    };
    note(
        "warning: a hash without a key can be guessed: all IPv4 addresses are tried in minutes on one core; for a trail use \
         a key",
    );
    Ok(hash)
}

/// The value: the argument, or what standard input holds without its last line's end.
fn value(args: &Hash) -> Result<String, Failure> {
    if args.value != "-" {
        return Ok(args.value.clone());
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| Failure::Input(format!("standard input: {error}")))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// Parameters from JSON.
fn parameters(text: &str) -> Result<Value, Failure> {
    let json: Json = serde_json::from_str(text)
        // The error's text has a line and a column, and nothing of the value.
        .map_err(|error| Failure::Usage(format!("the value is not JSON: {error}")))?;
    Ok(of(json))
}

fn of(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::from(truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::from(number),
            (None, Some(number)) => Value::from(number),
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text),
        Json::Array(values) => Value::List(values.into_iter().map(of).collect()),
        Json::Object(members) => {
            let members = members.into_iter().map(|(key, value)| (key, of(value)));
            Value::Map(members.collect::<Map>())
        }
    }
}
