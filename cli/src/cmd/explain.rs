//! `explain`: what a policy does to fields, and why.

use serde_json::{Value, json};
use tracing_audit::redact::{Explained, Policy, Treatment};

use crate::args::Explain;
use crate::out::{Failure, Out, code};
use crate::words::{self, harmless};

pub(crate) fn run(args: &Explain) -> Result<u8, Failure> {
    let policy = args.policy.as_ref().map(Policy::load).transpose()?;
    let policy = policy.unwrap_or_default();
    let explained = args
        .fields
        .iter()
        .map(|field| policy.explain(field, args.event.as_deref(), args.category.as_deref()));
    let explained: Vec<Explained> = explained.collect();
    let mut out = Out::new(crate::args::Color::Never);
    if args.json {
        for field in &explained {
            out.json(&json_of(field))?;
        }
    } else {
        for line in table(&explained) {
            out.line(&line)?;
        }
    }
    out.flush()?;
    Ok(code::OK)
}

fn json_of(field: &Explained) -> Value {
    let mut object = json!({
        "field": field.field,
        "place": field.place,
        "text": treatment(&field.text),
        "number": treatment(&field.number),
    });
    if let (Some(trial), Some(object)) = (&field.trial, object.as_object_mut()) {
        let trial = json!({"text": treatment(&trial.0), "number": treatment(&trial.1)});
        object.insert("trial".to_owned(), trial);
    }
    object
}

fn treatment(treatment: &Treatment) -> Value {
    json!({
        "class": treatment.class.to_string(),
        "action": treatment.action.to_string(),
        "rule": treatment.rule,
        "sought": treatment.sought.as_str(),
    })
}

/// A row for each field and kind of value that is treated in a way of its own.
fn table(explained: &[Explained]) -> Vec<String> {
    let mut rows = vec![
        [
            "FIELD",
            "PLACE",
            "VALUES",
            "CLASS",
            "ACTION",
            "RULE",
            "LOOKED FOR",
        ]
        .map(str::to_owned),
    ];
    for field in explained {
        let mut row = |values: &str, treatment: &Treatment| {
            rows.push([
                harmless(&field.field),
                harmless(&field.place),
                values.to_owned(),
                treatment.class.to_string(),
                treatment.action.to_string(),
                treatment.rule.unwrap_or("-").to_owned(),
                treatment.sought.as_str().to_owned(),
            ]);
        };
        if field.text == field.number {
            row("all", &field.text);
        } else {
            row("texts", &field.text);
            row("numbers", &field.number);
        }
        match field.trial.as_deref() {
            Some((text, number)) if text == number => row("all, on trial", text),
            Some((text, number)) => {
                row("texts, on trial", text);
                row("numbers, on trial", number);
            }
            None => {}
        }
    }
    words::aligned(&rows)
}
