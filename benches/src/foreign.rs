//! What an application pays for what is not audited, for each way of installing us.

use std::hint::black_box;
use std::sync::atomic::{Ordering, compiler_fence};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing::{debug, info, instrument};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry;

use crate::peers::tracing_json::Empty;
use crate::results::Measured;
use crate::turns;

/// What the application does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Case {
    /// A `debug!` that the application's level (info) leaves out.
    Disabled,
    /// An `info!` of another target.
    Event,
    /// An `#[instrument]` function of another target, with two fields.
    Span,
}

/// The cases, as the tables name them.
pub const CASES: [(Case, &str); 3] = [
    (Case::Disabled, "disabled"),
    (Case::Event, "event"),
    (Case::Span, "span"),
];

/// A way of installing, and the stack that it is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// The name in the tables.
    pub name: &'static str,
    /// The same stack without us; empty where the row is such a stack itself.
    pub base: &'static str,
    /// What it is.
    pub about: &'static str,
}

/// Every form, in the order of the tables.
pub const FORMS: &[Form] = &[
    form("none", "", "no subscriber"),
    form("empty", "", "registry, global level info, an empty layer"),
    form(
        "filtered",
        "",
        "registry, an empty layer with its own level filter info",
    ),
    #[cfg(feature = "ours")]
    form("wrapper", "empty", "`empty` in our wrapper"),
    #[cfg(feature = "ours")]
    form(
        "wrapper-lend",
        "empty",
        "`empty` in our wrapper, a field lent by ordinary spans",
    ),
    #[cfg(feature = "ours")]
    form("wrapper-filtered", "filtered", "`filtered` in our wrapper"),
    #[cfg(feature = "ours")]
    form("layer", "empty", "our plain layer in `empty`"),
    #[cfg(feature = "ours")]
    form("layer-filtered", "filtered", "our plain layer in `filtered`"),
    #[cfg(feature = "ours")]
    form("shell-filtered", "filtered", "our filter shell in `filtered`"),
];

const fn form(name: &'static str, base: &'static str, about: &'static str) -> Form {
    Form { name, base, about }
}

/// One run.
#[derive(Debug, Clone, Args)]
pub struct Foreign {
    /// The form.
    #[arg(long)]
    pub form: String,
    /// The case.
    #[arg(long)]
    pub case: Case,
    /// An existing empty directory, for the forms with a trail.
    #[arg(long)]
    pub out: std::path::PathBuf,
}

/// Calls in one timed chunk.
const CHUNK: u64 = 50_000;

/// How many times as many of the shortest calls: a turn of them would be over before the processor has woken up.
const DISABLED: u64 = 20;

/// Timed chunks, each in a turn of its own; the median is taken.
pub const CHUNKS: u64 = 41;

impl Foreign {
    /// Installs the form and times the case.
    ///
    /// # Errors
    /// When the form is unknown or cannot be installed.
    pub fn run(&self) -> Result<Measured> {
        self.install()?;
        // The first ones make what is made once.
        let (_, _) = (self.chunk(CHUNK), self.chunk(CHUNK));
        let (mut chunks, mut around) = (Vec::new(), Vec::new());
        turns::take(|| {
            // Another process had the caches.
            let _ = self.chunk(CHUNK / 10);
            let time = self.chunk(CHUNK);
            let off = self.around(CHUNK);
            chunks.push(time - off.unwrap_or_default());
            around.extend(off);
        })?;
        Ok(Measured {
            nanos: median(chunks),
            around: median(around),
            ..Measured::default()
        })
    }

    fn install(&self) -> Result<()> {
        match self.form.as_str() {
            "none" => Ok(()),
            "empty" => Ok(set_global_default(
                registry().with(LevelFilter::INFO).with(Empty),
            )?),
            "filtered" => Ok(set_global_default(
                registry().with(Empty.with_filter(LevelFilter::INFO)),
            )?),
            #[cfg(feature = "ours")]
            ours => crate::peers::audit::install_form(ours, &self.out),
            #[cfg(not(feature = "ours"))]
            other => bail!("no form is called {other}"),
        }
    }

    /// Nanoseconds of the loop and the call around what takes no longer than they do: taken off.
    fn around(&self, calls: u64) -> Option<f64> {
        let calls = (self.case == Case::Disabled).then_some(calls * DISABLED)?;
        let start = Instant::now();
        (0..calls).for_each(nothing);
        Some(start.elapsed().as_nanos() as f64 / calls as f64)
    }

    /// Nanoseconds of a call, over so many.
    fn chunk(&self, calls: u64) -> f64 {
        let calls = match self.case {
            Case::Disabled => calls * DISABLED,
            Case::Event | Case::Span => calls,
        };
        let start = Instant::now();
        match self.case {
            Case::Disabled => (0..calls).for_each(disabled),
            Case::Event => (0..calls).for_each(event),
            Case::Span => (0..calls).for_each(|number| {
                black_box(span(number, "shares"));
            }),
        }
        start.elapsed().as_nanos() as f64 / calls as f64
    }
}

fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

/// A function that stays one, without an instruction.
#[inline(never)]
fn nothing(number: u64) {
    let _ = number;
    compiler_fence(Ordering::SeqCst);
}

#[inline(never)]
fn disabled(number: u64) {
    debug!(target: "shop", number, table = "shares", "looked up");
}

#[inline(never)]
fn event(number: u64) {
    info!(target: "shop", number, table = "shares", "looked up");
}

#[instrument(target = "shop")]
#[inline(never)]
fn span(number: u64, table: &str) -> u64 {
    number ^ table.len() as u64
}

/// The form with this name.
///
/// # Errors
/// When there is none.
pub fn named(name: &str) -> Result<Form> {
    match FORMS.iter().copied().find(|form| form.name == name) {
        Some(form) => Ok(form),
        None => bail!("no form is called {name}"),
    }
}
