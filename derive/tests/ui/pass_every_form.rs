//! Every attribute, on named and unnamed fields.

use tracing_audit::redact::{AuditFields, Sensitive};

#[derive(AuditFields)]
struct Named<T: std::fmt::Debug> {
    #[audit(public)]
    a: &'static str,
    #[audit(internal = "tier-2")]
    b: T,
    #[audit(special = "health", action = "truncate-64")]
    c: Option<String>,
    #[audit(unclassified)]
    r#type: f64,
    #[audit(nested)]
    d: Option<Unnamed>,
    e: Sensitive<String>,
}

#[derive(AuditFields)]
struct Unnamed(#[audit(secret)] Vec<u8>, #[audit(skip)] std::sync::Mutex<()>);

#[derive(AuditFields)]
struct Unit;

fn main() {
    let named = Named {
        a: "a",
        b: [1],
        c: None,
        r#type: 0.5,
        d: Some(Unnamed(vec![1], std::sync::Mutex::default())),
        e: Sensitive::default(),
    };
    assert_eq!(
        format!("{:?} {:?}", named.audit_view(), Unit.audit_view()),
        "Named { a: a, b: [1], type: [REDACTED], d: Unnamed { 0: [REDACTED:secret] }, e: [REDACTED:secret] } Unit"
    );
}
