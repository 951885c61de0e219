//! A struct keeps the classes of its parts.

use std::collections::BTreeMap;

use tracing_audit::record::{AuditEvent, EventPart};

#[derive(EventPart)]
struct Login {
    #[audit(internal)]
    name: String,
    #[audit(secret)]
    password: String,
}

#[derive(EventPart)]
struct Address {
    #[audit(personal = "address")]
    street: String,
    #[audit(internal, action = "drop")]
    note: String,
}

#[derive(AuditEvent)]
#[audit(event = "user.login", category = "user", action = "login", level = "info", outcome = "success")]
struct Whole {
    #[audit(detail = "login", internal)]
    login: Login,
}

#[derive(AuditEvent)]
#[audit(event = "user.login", category = "user", action = "login", level = "info", outcome = "success")]
struct Listed {
    #[audit(detail = "all", secret)]
    hidden: Vec<Login>,
    #[audit(detail = "logins", personal = "login")]
    logins: Option<Vec<Login>>,
}

#[derive(AuditEvent)]
#[audit(event = "user.move", category = "user", action = "move", level = "info", outcome = "success")]
struct Named {
    #[audit(detail = "addresses", personal = "address")]
    addresses: BTreeMap<String, Address>,
}

fn main() {}
