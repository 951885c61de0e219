//! What one more field costs inside a record, through the real layer: the same event without and with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use quanta::Clock;
use tracing::info;
use tracing::subscriber::set_global_default;
use tracing_audit::redact::{Action, Policy};
use tracing_audit::{Audit, AuditedExt as _};
use tracing_subscriber::registry;

use crate::event::MARKER;
use crate::measure::{BURST, Pause};
use crate::results::{Measured, Spread};
use crate::run::WARM_UP;

/// The field that is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Added {
    /// A number: kept because of its type.
    Number,
    /// A text whose name is that of a secret: a marker because of its name.
    Secret,
    /// An IP address that a rule of the application's pseudonymises.
    Ip,
}

/// One run.
#[derive(Debug, Clone, Args)]
pub struct Field {
    /// The field that is added.
    #[arg(long)]
    pub added: Added,
    /// Pairs of bursts of 64 events.
    #[arg(long, default_value_t = 600)]
    pub pairs: u64,
    /// An existing empty directory for the trail.
    #[arg(long)]
    pub out: PathBuf,
}

/// Longer than any run.
const PATIENCE: Duration = Duration::from_secs(120);

/// Texts that are taken in turn.
#[derive(Debug)]
pub struct Texts {
    secrets: Vec<String>,
    addresses: Vec<String>,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            secrets: (0..64)
                .map(|number| format!("correct-horse-{number:04}"))
                .collect(),
            addresses: (0..64).map(|number| format!("203.0.113.{number}")).collect(),
        }
    }
}

/// Starts the trail with the balanced policy and one rule, as the global subscriber.
///
/// # Errors
/// When the trail cannot start or a subscriber is already installed.
pub fn install(out: &Path) -> Result<Audit> {
    let key: Vec<u8> = (1..=32).collect();
    let policy = Policy::balanced()
        .field("gateway ip", Action::Hmac)
        .key("k1", &key)?;
    let audit = Audit::builder().directory(out).policy(policy).start()?;
    set_global_default(registry().audited(&audit))?;
    Ok(audit)
}

/// Ends the trail.
///
/// # Errors
/// When it does not end.
pub fn end(audit: &Audit) -> Result<()> {
    let report = audit.shutdown(PATIENCE);
    report
        .map(|_| ())
        .map_err(|error| anyhow!("the trail did not end: {error}"))
}

/// Reports the event: five fields, and the added one.
#[inline(never)]
pub fn report(added: Option<Added>, texts: &Texts, number: u64) {
    match added {
        None => info!(
            target: "audit", action = MARKER, actor.id = "u-100003", resource.type = "document",
            resource.id = "doc-0b1c2d3e", outcome = "success",
        ),
        Some(Added::Number) => info!(
            target: "audit", action = MARKER, actor.id = "u-100003", resource.type = "document",
            resource.id = "doc-0b1c2d3e", outcome = "success", items = number,
        ),
        Some(Added::Secret) => info!(
            target: "audit", action = MARKER, actor.id = "u-100003", resource.type = "document",
            resource.id = "doc-0b1c2d3e", outcome = "success", user_password = turn(&texts.secrets, number),
        ),
        Some(Added::Ip) => info!(
            target: "audit", action = MARKER, actor.id = "u-100003", resource.type = "document",
            resource.id = "doc-0b1c2d3e", outcome = "success", gateway.ip = turn(&texts.addresses, number),
        ),
    }
}

fn turn(texts: &[String], number: u64) -> &str {
    texts.get(number as usize % 64).map_or("", String::as_str)
}

impl Field {
    /// Times bursts without and with the field in turn; the figure is the median of the pairs' differences.
    ///
    /// # Errors
    /// When the trail cannot start or end.
    pub fn run(&self) -> Result<Measured> {
        let audit = install(&self.out)?;
        let (clock, texts) = (Clock::new(), Texts::default());
        let burst = |added: Option<Added>| {
            let start = clock.raw();
            for number in 0..BURST {
                report(added, &texts, number);
            }
            let time = clock.delta_as_nanos(start, clock.raw()) as f64 / BURST as f64;
            Pause::Spin.take();
            time
        };
        let pair = |number: u64| {
            // The one that comes second must not always be the same.
            let (first, second) = if number.is_multiple_of(2) {
                (None, Some(self.added))
            } else {
                (Some(self.added), None)
            };
            let (one, other) = (burst(first), burst(second));
            if first.is_none() { other - one } else { one - other }
        };
        for number in 0..WARM_UP / BURST {
            pair(number);
        }
        let differences = (0..self.pairs).map(pair).collect();
        burst(Some(self.added));
        end(&audit)?;
        Ok(Measured {
            expected: (WARM_UP / BURST + self.pairs) * 2 * BURST + BURST,
            nanos: Spread::of(differences).map(|spread| spread.median),
            ..Measured::default()
        })
    }
}
