//! Types that redact themselves: a class for each value, in events, in structs, in errors and in functions.
//!
//! `cargo run --example sensitive_types --features derive`

use std::fmt;

use tracing::{error, info};
use tracing_audit::record::Slot;
use tracing_audit::redact::sensitive::{Email, IpAddress};
use tracing_audit::redact::{AuditFields, Class, Classified, Policy, Sensitive};
use tracing_audit::testing::Recording;
use tracing_audit::{AuditedExt, sensitive_instrument};
use tracing_subscriber::prelude::*;

/// A class of the application's own.
enum LoyaltyCard {}

impl Classified for LoyaltyCard {
    const CLASS: Class = Class::personal("loyalty-card");
}

/// What is stored. Every field says what it is; one that does not, does not compile.
#[derive(AuditFields)]
struct Customer {
    #[audit(internal)]
    id: u64,
    #[audit(personal = "name")]
    name: String,
    #[audit(special = "health", action = "drop")]
    allergies: Vec<String>,
    email: Sensitive<String, Email>,
    card: Option<Sensitive<String, LoyaltyCard>>,
}

/// An error that names somebody: its text holds the address for the trail's policy and for nobody else.
#[derive(Debug)]
struct Bounced(Sensitive<String, Email>);

impl fmt::Display for Bounced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mail to {} bounced", self.0)
    }
}

impl std::error::Error for Bounced {}

/// Nothing of the arguments is recorded but what `fields` names.
#[sensitive_instrument(target = "audit", name = "customer.write", err,
                       fields(resource.type = "customer", resource.id = customer.id, from = %IpAddress::of(from)))]
fn write_to(customer: &Customer, from: &str, _text: &str) -> Result<(), Bounced> {
    Err(Bounced(customer.email.clone()))
}

fn main() -> tracing_audit::Result<()> {
    // From a vault; at least 32 random bytes.
    let policy = Policy::balanced().key("k1", &[7; 32])?;
    let recording = Recording::with(|audit| audit.policy(policy.clone()));
    // Beside the trail stands the layer that writes to standard output: look at what it shows.
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer())
        .audited(recording.audit());
    let customer = Customer {
        id: 7,
        name: "Ann Other".to_owned(),
        allergies: vec!["nuts".to_owned()],
        email: Sensitive::new("ann@example.com".to_owned()),
        card: Some(LoyaltyCard::of("4711-0815".to_owned())),
    };
    tracing::subscriber::with_default(subscriber, || {
        info!(target: "audit", event = "customer.create", customer = ?customer.audit_view(), "{} is new", customer.email);
        if let Err(bounced) = write_to(&customer, "203.0.113.77", "hello") {
            error!(%bounced, "seen by the application's own log only");
        }
    });
    let captured = recording.captured();
    for record in &captured {
        println!("{record:?}");
        for plain in [
            "Ann Other",
            "nuts",
            "ann@example.com",
            "4711-0815",
            "203.0.113.77",
            "hello",
        ] {
            record.assert_hides(plain);
        }
    }
    let pseudonym = policy.pseudonym(Class::personal("email"), None, "ann@example.com");
    let failed = captured.with_event("customer.write");
    failed.only().assert_has(
        Slot::ErrorMessage,
        format!("mail to {} bounced", pseudonym.unwrap_or_default()),
    );
    Ok(())
}
