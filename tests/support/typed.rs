//! A trail with a key beside a stock `fmt` layer, for the tests of values with a class.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io;
use std::sync::{Arc, Mutex};

use tracing_audit::AuditedExt;
use tracing_audit::redact::sensitive::{Email, Phone};
use tracing_audit::redact::{Class, Classified, Policy, Sensitive};
use tracing_audit::testing::{CapturedRecord, Recording};
use tracing_subscriber::prelude::*;

pub(crate) const KEY: [u8; 32] = [7; 32];
pub(crate) const ADDRESS: &str = "ann@example.com";
pub(crate) const MARKER: &str = "[REDACTED:email]";

pub(crate) fn keyed(policy: Policy) -> Policy {
    policy.key("k1", &KEY).unwrap()
}

pub(crate) fn with(policy: Policy) -> Recording {
    Recording::with(|audit| audit.policy(policy))
}

pub(crate) fn pseudonym(class: Class, value: &str) -> String {
    keyed(Policy::balanced()).pseudonym(class, None, value).unwrap()
}

pub(crate) fn email() -> Sensitive<&'static str, Email> {
    Email::of(ADDRESS)
}

/// A struct of which types state a part.
#[derive(Debug)]
#[expect(dead_code, reason = "its Debug form is what counts")]
pub(crate) struct User {
    id: u64,
    email: Sensitive<String, Email>,
    phone: Option<Sensitive<String, Phone>>,
}

pub(crate) fn user() -> User {
    User {
        id: 7,
        email: Sensitive::new(ADDRESS.to_owned()),
        phone: Some(Phone::of("+49 30 123456".to_owned())),
    }
}

/// Field, rule, action, number and category of each remark, sorted.
pub(crate) fn remarks(record: &CapturedRecord) -> Vec<String> {
    let line: serde_json::Value = serde_json::from_str(record.line()).unwrap();
    let list = line["redaction"]["fields"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let word = |remark: &serde_json::Value, key: &str| {
        let value = &remark[key];
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    };
    let mut remarks: Vec<_> = list
        .iter()
        .map(|remark| {
            ["field", "rule", "action", "n"]
                .map(|key| word(remark, key))
                .join(" ")
        })
        .collect();
    remarks.sort();
    remarks
}

/// What a stock `fmt` layer wrote.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The trail with the `fmt` layer beside it, and what that will have written.
pub(crate) fn beside(recording: &Recording) -> (tracing::Dispatch, Written) {
    let written = Written::default();
    let writer = written.clone();
    let fmt = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry()
        .with(fmt)
        .audited(recording.audit());
    (tracing::Dispatch::new(subscriber), written)
}

/// Runs under a trail and a stock `fmt` layer, and gives back what that wrote.
pub(crate) fn beside_fmt(recording: &Recording, run: impl FnOnce()) -> String {
    let (dispatch, written) = beside(recording);
    tracing::dispatcher::with_default(&dispatch, run);
    written.text()
}
