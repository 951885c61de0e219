//! `events`: the events that are ready to be recorded, as the library knows them.

use serde_json::{Value, json};
use tracing_audit::catalog::EVENTS;
use tracing_audit::config::Glob;
use tracing_audit::record::{EventMeta, FieldMeta};

use crate::args::Events;
use crate::out::{Failure, Out, code};
use crate::words;

pub(crate) fn run(args: &Events) -> Result<u8, Failure> {
    let mut out = Out::new(crate::args::Color::Never);
    if args.md {
        for line in tracing_audit::catalog::page().lines() {
            out.line(line)?;
        }
        out.flush()?;
        return Ok(code::OK);
    }
    let wanted = wanted(&args.names)?;
    if args.json {
        for meta in &wanted {
            out.line(&json_of(meta).to_string())?;
        }
    } else if args.names.is_empty() {
        lines(&mut out, list(&wanted))?;
    } else {
        for (at, meta) in wanted.iter().enumerate() {
            if at > 0 {
                out.line("")?;
            }
            lines(&mut out, whole(meta))?;
        }
    }
    out.flush()?;
    Ok(code::OK)
}

/// Writes lines, as far as the terminal is wide.
fn lines(out: &mut Out, lines: Vec<String>) -> Result<(), Failure> {
    for line in lines {
        match out.columns() {
            Some(columns) => out.line(&words::cut(&line, columns))?,
            None => out.line(&line)?,
        }
    }
    Ok(())
}

/// The events whose names fit, in the order of the page.
fn wanted(names: &[String]) -> Result<Vec<&'static EventMeta>, Failure> {
    let globs: Vec<Glob> = names.iter().map(|name| Glob::new(name.as_str())).collect();
    for glob in &globs {
        if !EVENTS.iter().any(|meta| glob.matches(meta.name)) {
            return Err(Failure::Usage(format!(
                "no event of the catalogue is called `{}`; `tracing-audit events` lists them, and `*` stands for any text",
                glob.as_str()
            )));
        }
    }
    let fits = |meta: &&EventMeta| globs.is_empty() || globs.iter().any(|glob| glob.matches(meta.name));
    Ok(EVENTS.iter().copied().filter(fits).collect())
}

/// A row for each event.
fn list(events: &[&EventMeta]) -> Vec<String> {
    let head = ["EVENT", "LEVEL", "OUTCOME", "FIELDS", "SAYS"].map(str::to_owned);
    let rows = events.iter().map(|meta| {
        [
            meta.name.to_owned(),
            meta.level.to_string(),
            outcome(meta).to_owned(),
            meta.fields.len().to_string(),
            meta.doc.to_owned(),
        ]
    });
    words::aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

/// What becomes of the event, where its name says it.
fn outcome(meta: &EventMeta) -> &str {
    meta.outcome
        .as_ref()
        .map_or("a field", |outcome| outcome.as_str())
}

/// All of one event.
fn whole(meta: &EventMeta) -> Vec<String> {
    let mut lines = vec![
        format!("{}: {}", meta.name, meta.doc),
        format!(
            "category {}, action {}, level {}, outcome {}",
            meta.category,
            meta.action,
            meta.level,
            outcome(meta)
        ),
    ];
    let head = ["FIELD", "PLACE", "TAKES", "", "CLASS", "SAYS"].map(str::to_owned);
    let row = |field: &FieldMeta| {
        [
            field.name.to_owned(),
            field.path.to_owned(),
            field.ty.to_string().replace(&u64::MAX.to_string(), "2^64 − 1"),
            if field.is_optional { "may" } else { "must" }.to_owned(),
            field.class.to_string(),
            field.doc.to_owned(),
        ]
    };
    let rows = std::iter::once(head).chain(meta.fields.iter().map(row));
    lines.extend(words::aligned(&rows.collect::<Vec<_>>()));
    lines
}

fn json_of(meta: &EventMeta) -> Value {
    let fields = meta.fields.iter().map(|field| {
        json!({
            "name": field.name,
            "place": field.path,
            "takes": field.ty.to_string(),
            "optional": field.is_optional,
            "class": field.class.to_string(),
            "says": field.doc,
        })
    });
    json!({
        "event": meta.name,
        "category": meta.category,
        "action": meta.action,
        "level": meta.level.as_str(),
        "outcome": meta.outcome.as_ref().map(|outcome| outcome.as_str()),
        "says": meta.doc,
        "fields": fields.collect::<Vec<_>>(),
    })
}
