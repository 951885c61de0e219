//! One process, one scanner, one case: what the parent process starts.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::scanners::Scanner;
use super::{cost, inputs, scanners};
use crate::results::Measured;

/// One run.
#[derive(Debug, Clone, Args)]
pub struct Scan {
    /// The scanner.
    #[arg(long)]
    pub scanner: String,
    /// What it scans. One case's name begins with hyphens.
    #[arg(long, allow_hyphen_values = true)]
    pub case: String,
    /// About how long, in milliseconds; one turn through the values is measured in any case.
    #[arg(long, default_value_t = 200)]
    pub budget: u64,
}

impl Scan {
    /// Scans the values in turn.
    ///
    /// # Errors
    /// When the scanner or the case is unknown, or the scanner fails.
    pub fn run(&self) -> Result<Measured> {
        let mut scanner = scanners::start(&self.scanner)?;
        if let Some(name) = inputs::grown(&self.case) {
            return Ok(Measured {
                growth: Some(self.growth(name, &mut *scanner)?),
                ..Measured::default()
            });
        }
        let values = inputs::values(&self.case)?;
        // This turn is the one that may fail, and it is where the scanner builds what it builds on first use.
        let mut found = 0;
        for value in &values {
            found += u64::from(scanner.scan(value)? > 0);
        }
        let turn = cost::nanos(Duration::from_millis(self.budget), || {
            for value in &values {
                let _ = black_box(scanner.scan(black_box(value)));
            }
        });
        let bytes: usize = values.iter().map(String::len).sum();
        Ok(Measured {
            nanos: Some(turn / values.len() as f64),
            bytes: Some(bytes as f64 / values.len() as f64),
            changed: Some(found as f64 / values.len() as f64),
            ..Measured::default()
        })
    }

    /// How many times as long a byte takes in the second and third of the sizes as in the first. As many bytes are scanned of
    /// each.
    fn growth(&self, name: &str, scanner: &mut dyn Scanner) -> Result<[f64; 2]> {
        let sizes: Vec<_> = inputs::KIB
            .into_iter()
            .map(|kib| inputs::values(&inputs::adversarial(name, kib)))
            .collect::<Result<_>>()?;
        let bytes = |size: &[String]| size.iter().map(String::len).sum::<usize>();
        let most = sizes.iter().map(|size| bytes(size)).max().unwrap_or_default();
        let times: Vec<_> = sizes.iter().map(|size| most / bytes(size).max(1)).collect();
        for value in sizes.iter().flatten() {
            scanner.scan(value)?;
        }
        Ok(cost::ratios(Duration::from_millis(self.budget), |number| {
            let (Some(times), Some(size)) = (times.get(number), sizes.get(number)) else {
                return;
            };
            for value in (0..*times).flat_map(|_| size) {
                let _ = black_box(scanner.scan(black_box(value)));
            }
        }))
    }
}
