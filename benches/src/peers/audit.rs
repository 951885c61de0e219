//! Ours: the wrapper, the plain layer and the filter shell, with the two spans' fields lent and without the seal, which no
//! peer has; and the wrapper with it, and a key.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing_audit::format::SigningKey;
use tracing_audit::{Audit, AuditedExt as _};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry;

use super::tracing_json::Empty;
use crate::output::Close;

/// How long a shutdown may take: longer than any run.
const PATIENCE: Duration = Duration::from_secs(120);

/// Every field of the two ordinary spans, so that our lines carry what the peers' do. An ordinary span hands down only
/// what is named here, `request_id` included.
const LENT: [&str; 6] = ["method", "path", "request_id", "table", "statement", "shard"];

/// Installs the peer `audit`, `audit-beside`, `audit-sealed` or `audit-layer` as the global subscriber.
///
/// # Errors
/// When the name is unknown, the trail cannot start or a subscriber is already installed.
pub fn install(name: &str, dir: &Path) -> Result<Close> {
    let builder = Audit::builder().directory(dir);
    let builder = match name {
        "audit-sealed" => builder.signing_key(SigningKey::generate("bench.example/trail")?),
        _ => builder.sealed(false),
    };
    let audit = LENT
        .into_iter()
        .fold(builder, |builder, name| builder.lend(name))
        .start()?;
    match name {
        "audit" | "audit-sealed" => set_global_default(registry().audited(&audit))?,
        "audit-beside" => set_global_default(registry().with(Empty).audited(&audit))?,
        "audit-layer" => set_global_default(registry().with(audit.layer()))?,
        other => bail!("no peer is called {other}"),
    }
    Ok(Close::new(move || {
        let report = audit.shutdown(PATIENCE);
        report
            .map(|_| ())
            .map_err(|error| anyhow!("the trail did not end: {error}"))
    }))
}

/// Keeps the trail of a foreign run open until the process ends.
static KEPT: OnceLock<Audit> = OnceLock::new();

/// Installs a form of `foreign::FORMS` that is ours.
///
/// # Errors
/// When the form is unknown, the trail cannot start or a subscriber is already installed.
pub fn install_form(form: &str, dir: &Path) -> Result<()> {
    let builder = Audit::builder().directory(dir);
    let builder = if form == "wrapper-lend" {
        builder.lend("table")
    } else {
        builder
    };
    let started = builder.start()?;
    let audit = KEPT.get_or_init(|| started);
    let empty = || registry().with(LevelFilter::INFO).with(Empty);
    let filtered = || registry().with(Empty.with_filter(LevelFilter::INFO));
    match form {
        "wrapper" | "wrapper-lend" => set_global_default(empty().audited(audit))?,
        "wrapper-filtered" => set_global_default(filtered().audited(audit))?,
        "layer" => set_global_default(empty().with(audit.layer()))?,
        "layer-filtered" => set_global_default(filtered().with(audit.layer()))?,
        "shell-filtered" => set_global_default(filtered().with(audit.filter_shell()))?,
        other => bail!("no form is called {other}"),
    }
    Ok(())
}
