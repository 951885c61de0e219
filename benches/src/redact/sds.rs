//! Peer `sds`: Datadog's scanner, with our rules and its own validators.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use dd_sds::{MatchAction, RegexRuleConfig, RootRuleConfig, RuleConfig, SecondaryValidator};

use super::checks::Check;
use super::rules::{GROUP, RULES, Rule};
use super::scanners::Scanner;

/// The scanner, and the buffer that it changes in place.
pub struct Sds {
    scanner: dd_sds::Scanner,
    buffer: String,
}

impl std::fmt::Debug for Sds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sds")
    }
}

impl Sds {
    /// Compiles the rules.
    ///
    /// # Errors
    /// When it does not take one.
    pub fn new() -> Result<Self> {
        let rules: Vec<_> = RULES.iter().map(configured).collect();
        let scanner = dd_sds::Scanner::builder(&rules).build();
        Ok(Self {
            scanner: scanner
                .map_err(|error| anyhow!("{error:?}"))
                .context("sds does not take our rules")?,
            buffer: String::new(),
        })
    }
}

fn configured(rule: &Rule) -> RootRuleConfig<Arc<dyn RuleConfig>> {
    let config = RegexRuleConfig::new(rule.pattern).with_validator(match rule.check {
        Check::None => None,
        Check::Luhn => Some(SecondaryValidator::LuhnChecksum),
        Check::Iban => Some(SecondaryValidator::IbanChecker),
    });
    let config = if rule.has_group() {
        config.with_pattern_capture_group(GROUP)
    } else {
        config
    };
    RootRuleConfig::new(config.build()).match_action(MatchAction::redact("[REDACTED]"))
}

impl Scanner for Sds {
    fn scan(&mut self, value: &str) -> Result<usize> {
        self.buffer.clear();
        self.buffer.push_str(value);
        let found = self.scanner.scan(&mut self.buffer);
        let found = found.map_err(|error| anyhow!("sds: {error:?}"))?;
        black_box(&self.buffer);
        Ok(found.len())
    }
}
