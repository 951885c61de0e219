//! Code of the application's that panics costs its own value alone, and what stands beside a value is evidence: keys,
//! options, names of pairs, the other links of an error's chain.

use std::error::Error;
use std::fmt;

use tracing::{field, info, info_span};
use tracing_audit::record::{Map, Record, Slot, Value};
use tracing_audit::redact::Policy;
use tracing_audit::testing::{Captured, Recording};

const KEY: [u8; 32] = [7; 32];

/// An error of which one part panics, after it has shown some.
#[derive(Debug, Clone, Copy)]
struct Fails {
    message: bool,
    source: bool,
    inner: Option<&'static Fails>,
}

impl fmt::Display for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half of a secret")?;
        assert!(!self.message, "on purpose");
        Ok(())
    }
}

impl Error for Fails {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        assert!(!self.source, "on purpose");
        self.inner.map(|inner| inner as _)
    }
}

const FINE: Fails = Fails {
    message: false,
    source: false,
    inner: None,
};

/// Panics with what panics again when it is dropped.
struct Twice;

impl Drop for Twice {
    fn drop(&mut self) {
        assert!(
            std::thread::panicking(),
            "dropped behind the panic that it was part of"
        );
    }
}

struct Shows(fn(&mut fmt::Formatter<'_>) -> fmt::Result);

impl fmt::Debug for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

impl fmt::Display for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

/// Values whose code panics after it has shown some.
fn panicking() -> [(&'static str, Shows); 3] {
    let half = Shows(|f| {
        f.write_str("half of a secret")?;
        panic!("on purpose")
    });
    let items = Shows(|f| {
        let items = (0..9).map(|at| {
            if at < 5 {
                "half of a secret"
            } else {
                panic!("on purpose")
            }
        });
        f.debug_list().entries(items).finish()
    });
    let twice = Shows(|f| {
        f.write_str("half of a secret")?;
        std::panic::panic_any(Twice)
    });
    [("half", half), ("items", items), ("twice", twice)]
}

/// G7: a marker, a counter, and the record with all its other values.
#[test]
fn whatever_panics_inside_of_a_value_costs_that_value_alone_and_shows_nothing_of_it() {
    static MESSAGE: Fails = Fails {
        message: true,
        ..FINE
    };
    let recording = Recording::new();
    recording.run(|| {
        for (name, value) in &panicking() {
            let name = *name;
            info!(target: "audit", event = name, bad = field::debug(value), good = 1);
            info!(target: "audit", event = name, bad = field::display(value), good = 1);
            info!(target: "audit", event = name, password = field::display(value), bad = field::debug(value), good = 1);
            info!(target: "audit", event = name, good = 1, "{value}");
            drop(info_span!(target: "audit", "span", event = name, bad = ?value, good = 1));
        }
        for (name, error) in [
            ("message", MESSAGE),
            ("source", Fails { source: true, ..FINE }),
            ("link", Fails { inner: Some(&MESSAGE), ..FINE }),
        ] {
            info!(target: "audit", event = name, err = &error as &(dyn Error + 'static), good = 1);
        }
    });
    let captured = recording.captured();
    captured.count(3 * 5 + 3);
    for record in &captured {
        record.assert_attribute("good", 1_u64);
    }
    for event in ["half", "items", "twice", "message"] {
        for record in &captured.with_event(event) {
            record.assert_hides("half of a secret");
            assert!(record.line().contains("[PANICKED]"), "{record:?}");
        }
    }
    let link = captured.with_event("link");
    link.only()
        .assert_has(Slot::ErrorChain, vec!["half of a secret", "[PANICKED]"]);
    // A source whose code panics is none; the message is not its doing.
    captured
        .with_event("source")
        .only()
        .assert_has(Slot::ErrorMessage, "half of a secret");
    assert!(recording.audit().stats().panicked >= 3 * 5 + 2);
}

/// How many values, and parts of values, the only record says were redacted.
fn count(captured: &Captured) -> u64 {
    let redaction = captured.only().map(Slot::Redaction);
    redaction
        .and_then(|redaction| redaction.get("count")?.as_u64())
        .unwrap_or(0)
}

/// A token, made when the test runs.
fn token() -> String {
    ["gh", "p_", "abcdEFGH1234", "abcdEFGH1234", "abcdEFGH1234"].concat()
}

#[test]
fn a_secret_that_is_a_key_is_cut_and_no_value_is_lost_by_it() {
    let tokens: Vec<String> = ["1", "2", "3"]
        .iter()
        .map(|end| token()[..39].to_owned() + end)
        .collect();
    for policy in [Policy::balanced(), Policy::strict().key("k1", &KEY).unwrap()] {
        let recording = Recording::with(|audit| audit.policy(policy));
        let map = || Map::from_iter(tokens.iter().map(|token| (token.clone(), Value::from(1_u64))));
        let mut builder = Record::builder("keys").attribute("nested", map()).detail(map());
        for token in &tokens {
            builder = builder
                .attribute(token.as_str(), 1_u64)
                .label(token.as_str(), "x")
                .hash(token, "x");
        }
        recording.audit().submit(builder.build()).unwrap();
        let captured = recording.captured();
        captured.only().assert_hides(&token()[4..39]);
        assert!(count(&captured) >= 3, "{captured:?}");
    }
    let recording = Recording::new();
    let map = Map::from_iter(tokens.iter().map(|token| (token.clone(), Value::from("kept"))));
    recording
        .audit()
        .submit(Record::builder("x").attribute("nested", map).build())
        .unwrap();
    let captured = recording.captured();
    let nested = captured
        .only()
        .attribute("nested")
        .and_then(Value::as_map)
        .unwrap()
        .len();
    assert_eq!(nested, 3);
}

#[test]
fn the_option_before_an_argument_and_the_name_of_a_pair_are_evidence() {
    let recording = Recording::new();
    let map = |pairs: &[(&str, &str)]| -> Value {
        let members = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
        Value::Map(members.collect())
    };
    let record = Record::builder("x")
        .attribute("argv", vec!["mysql", "--password", "hunter2", "--host", "db1"])
        .attribute(
            "env",
            vec![
                map(&[("name", "DB_PASSWORD"), ("value", "hunter2")]),
                map(&[("name", "LANG"), ("value", "en")]),
            ],
        )
        .attribute(
            "headers",
            Value::List(vec![
                Value::from(vec!["Authorization", "hunter2"]),
                Value::from(vec!["Accept", "*/*"]),
            ]),
        );
    recording.audit().submit(record.build()).unwrap();
    let captured = recording.captured();
    captured.only().assert_hides("hunter2");
    assert_eq!(count(&captured), 3);
    for kept in ["\"db1\"", "\"en\"", "\"*/*\"", "\"mysql\"", "\"DB_PASSWORD\""] {
        assert!(captured.only().line().contains(kept), "{kept}: {captured:?}");
    }
}

#[test]
fn where_a_link_of_an_errors_chain_is_cut_no_half_of_a_secret_is_left() {
    #[derive(Debug)]
    struct Outer(Inner);
    #[derive(Debug)]
    struct Inner(String);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }
    impl fmt::Display for Inner {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }
    impl Error for Inner {}
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
    let recording = Recording::new();
    recording.run(|| {
        for before in 4_050..4_096 {
            for fill in ["a ", "a/"] {
                let filled: String = fill.chars().cycle().take(before).collect();
                let error = Outer(Inner(format!("{filled} {}", token())));
                info!(target: "audit", event = "link", err = &error as &(dyn Error + 'static));
            }
        }
    });
    let captured = recording.captured();
    captured.count(2 * 46);
    for record in &captured {
        record.assert_hides(&token()[..8]);
        assert!(record.get(Slot::ErrorChain).is_some());
    }
}
