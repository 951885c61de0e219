//! `#[derive(AuditFields)]`: what it says of structs and enums, and what trails and others see of them.

use tracing::info;
use tracing_audit::record::{Record, Slot};
use tracing_audit::redact::sensitive::Email;
use tracing_audit::redact::{Action, AuditFields, Class, ClassKind, Policy, Sensitive};
use tracing_audit::testing::Recording;

#[derive(AuditFields)]
struct Customer {
    #[audit(internal)]
    id: u64,
    #[audit(personal = "name")]
    name: String,
    email: Sensitive<String, Email>,
    other: Option<Sensitive<String, Email>>,
    #[audit(personal = "phone", action = "keep-last-4")]
    phone: Option<String>,
    #[audit(special = "health", action = "drop")]
    allergies: Vec<String>,
    #[audit(financial = "card")]
    card: &'static str,
    #[audit(network)]
    from: std::net::IpAddr,
    #[audit(secret)]
    key: [u8; 4],
    #[audit(public)]
    motto: &'static str,
    #[audit(nested)]
    plan: Plan,
    #[audit(skip)]
    cache: std::cell::Cell<u8>,
}

#[derive(AuditFields)]
enum Plan {
    #[expect(dead_code, reason = "a variant without fields has a view too")]
    Free,
    Paid(#[audit(internal)] u32, #[audit(personal = "name")] &'static str),
}

#[derive(AuditFields)]
enum Never {}

#[derive(AuditFields)]
struct Of<'a, T: std::fmt::Display>(#[audit(internal)] &'a T);

fn customer() -> Customer {
    Customer {
        id: 7,
        name: "Ann Other".to_owned(),
        email: Sensitive::new("ann@example.com".to_owned()),
        other: None,
        phone: Some("+49 30 1234567890".to_owned()),
        allergies: vec!["nuts".to_owned()],
        card: "4111111111111111",
        from: std::net::Ipv4Addr::new(203, 0, 113, 77).into(),
        key: [0, 159, 146, 150],
        motto: "tell \"all\", email: nobody",
        plan: Plan::Paid(12, "Bob"),
        cache: std::cell::Cell::default(),
    }
}

fn recording() -> Recording {
    let phone = Class::personal("phone");
    let policy = Policy::balanced()
        .class(phone, Action::TruncateLen(64))
        .key("k1", &[7; 32]);
    let policy = policy.expect("a key");
    Recording::with(|audit| audit.policy(policy))
}

fn pseudonym(class: Class, value: &str) -> String {
    let policy = Policy::balanced().key("k1", &[7; 32]).expect("a key");
    policy.pseudonym(class, None, value).expect("a pseudonym")
}

#[test]
fn others_see_what_is_public_or_internal_and_markers() {
    let shown = format!("{:?}", customer().audit_view());
    assert_eq!(
        shown,
        "Customer { id: 7, name: [REDACTED:name], email: [REDACTED:email], phone: [REDACTED:phone], \
         allergies: [REDACTED:health], card: [REDACTED:card], from: [REDACTED:network], key: [REDACTED:secret], \
         motto: tell \"all\", email: nobody, plan: Paid { 0: 12, 1: [REDACTED:name] } }"
    );
    assert_eq!(format!("{:?}", Of(&7).audit_view()), "Of { 0: 7 }");
    let _empty: fn(&Never) -> &'static str = Never::audit_name;
}

#[test]
fn a_trail_sees_what_its_policy_leaves_of_each_field() {
    let recording = recording();
    recording.run(|| info!(target: "audit", event = "x", customer = ?customer().audit_view()));
    let name = |who| pseudonym(Class::personal("name"), who);
    let expected = format!(
        "Customer {{ id: 7, name: {}, email: {}, phone: ****7890, allergies: [REDACTED:health], card: ****1111, \
         from: 203.0.113.0, key: [REDACTED:secret], motto: \"tell \\\"all\\\", email: nobody\", \
         plan: Paid {{ 0: 12, 1: {} }} }}",
        name("Ann Other"),
        pseudonym(Class::personal("email"), "ann@example.com"),
        name("Bob"),
    );
    let captured = recording.captured();
    captured.only().assert_attribute("customer", expected.as_str());
    let line = captured.only().line();
    assert!(
        line.contains("\"action\":\"hmac\",\"field\":\"customer\",\"n\":3,\"rule\":\"type\""),
        "{line}"
    );
}

#[test]
fn an_emitted_record_has_an_attribute_for_each_field() {
    let recording = recording();
    let record = Record::builder("x")
        .fields("customer", &customer())
        .fields("", &Plan::Paid(1, "Bob"));
    recording.audit().emit(record.build()).expect("a receipt");
    let captured = recording.captured();
    captured
        .only()
        .assert_attribute("customer.id", "7")
        .assert_attribute("customer.phone", "****7890")
        .assert_attribute("customer.from", "203.0.113.0/24")
        .assert_attribute("customer.plan.1", pseudonym(Class::personal("name"), "Bob"))
        .assert_attribute("0", "1");
    for absent in ["customer.allergies", "customer.other", "customer.cache"] {
        assert_eq!(captured.only().attribute(absent), None);
    }
}

#[test]
fn each_field_says_its_class() {
    let customer = customer();
    let classes: Vec<_> = customer
        .audit_fields()
        .iter()
        .map(|field| format!("{} {}", field.name(), field.class()))
        .collect();
    assert_eq!(
        classes,
        [
            "id internal",
            "name personal:name",
            "email personal:email",
            "other personal:email",
            "phone personal:phone",
            "allergies special:health",
            "card financial:card",
            "from network",
            "key secret",
            "motto public",
            "plan internal",
        ]
    );
    assert_eq!(Class::of(ClassKind::Network, ""), Class::NETWORK);
}

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
    #[audit(public)]
    e: Sensitive<String>,
}

#[derive(AuditFields)]
struct Unnamed(#[audit(secret)] Vec<u8>, #[audit(skip)] std::sync::Mutex<()>);

#[derive(AuditFields)]
struct Unit;

#[test]
fn every_attribute_is_taken_on_fields_with_names_and_without() {
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

#[test]
fn what_says_no_class_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/fail_*.rs");
}

#[tracing_audit::sensitive_instrument(target = "audit", name = "user.invite", err, fields(number = id, skip = true))]
fn invite(id: u64, password: &str) -> Result<(), String> {
    if password.is_empty() {
        return Err(format!("no password for {id}"));
    }
    Ok(())
}

#[test]
fn an_instrumented_function_records_what_is_named() {
    let recording = recording();
    recording.run(|| {
        assert_eq!(invite(7, "hunter2"), Ok(()));
        assert!(invite(8, "").is_err());
    });
    let captured = recording.captured();
    captured.count(2);
    for record in &captured {
        let attributes = record.map(Slot::Attributes).expect("attributes");
        let names: Vec<_> = attributes.keys().map(String::as_str).collect();
        assert_eq!(names, ["number", "skip"], "{record:?}");
        record.assert_hides("hunter2").assert_hides("password\"");
    }
    captured.with_outcome("failure").count(1);
}
