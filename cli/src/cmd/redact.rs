//! `redact`: what the balanced policy's value engine makes of given values, as a filter: JSON lines in, JSON lines out.

use std::io::BufRead as _;

use serde_json::Value;
use tracing_audit::redact::scan;

use crate::out::{Failure, Out, code};

pub(crate) fn run() -> Result<u8, Failure> {
    let mut out = Out::new(crate::args::Color::Never);
    for (number, line) in (1_u64..).zip(std::io::stdin().lock().lines()) {
        let line = line.map_err(|error| Failure::Input(format!("line {number}: {error}")))?;
        if !line.trim().is_empty() {
            let answer = answer(&line).map_err(|why| Failure::Input(format!("line {number}: {why}")))?;
            out.line(&answer.to_string())?;
        }
    }
    out.flush()?;
    Ok(code::OK)
}

/// The answer to one question; other keys of it are left alone.
fn answer(line: &str) -> Result<Value, String> {
    let question: Value = serde_json::from_str(line).map_err(|error| {
        format!(r#"not a JSON object ({error}); expected {{"id":…,"field":"…","value":"…"}}"#)
    })?;
    let text = |key: &str| {
        question.get(key).and_then(Value::as_str).ok_or_else(|| {
            format!(r#"`{key}` is missing or not a text; expected {{"id":…,"field":"…","value":"…"}}"#)
        })
    };
    let scanned = scan(text("field")?, text("value")?);
    let redactions: u64 = scanned
        .redactions
        .iter()
        .map(|redaction| u64::from(redaction.n))
        .sum();
    Ok(serde_json::json!({
        "id": question.get("id").cloned().unwrap_or(Value::Null),
        "value": scanned.value,
        "redactions": redactions,
    }))
}
