//! The macros of `tracing-audit`, which exports them: depend on that crate with its feature `derive`.

mod audited;
mod audited_args;
mod audited_event;
mod audited_names;
mod audited_value;
mod event;
mod expand;
mod field;
mod instrument;
mod part;
mod place;

use proc_macro::TokenStream;

/// Implements `AuditFields`: every field of the struct, or of each variant of the enum, says of what class it is, or
/// that it is left out. A field that says nothing does not compile.
///
/// ```
/// use tracing_audit::redact::AuditFields;
///
/// #[derive(AuditFields)]
/// struct Customer {
///     #[audit(internal)]
///     id: u64,
///     #[audit(personal = "email")]
///     email: String,
///     #[audit(personal = "phone", action = "keep-last-4")]
///     phone: Option<String>,
///     #[audit(special = "health", action = "drop")]
///     allergies: Vec<String>,
///     #[audit(secret)]
///     password: String,
///     #[audit(skip)]
///     cache: Vec<u8>,
/// }
///
/// let customer = Customer {
///     id: 7,
///     email: "ann@example.com".to_owned(),
///     phone: None,
///     allergies: vec!["nuts".to_owned()],
///     password: "hunter2".to_owned(),
///     cache: Vec::new(),
/// };
/// let shown = format!("{:?}", customer.audit_view());
/// assert_eq!(
///     shown,
///     "Customer { id: 7, email: [REDACTED:email], allergies: [REDACTED:health], password: [REDACTED:secret] }"
/// );
/// ```
///
/// | attribute | the field is |
/// |---|---|
/// | `public`, `internal` | shown to everybody; a trail looks through it for secrets |
/// | `personal = "email"`, `special = "health"` | data of a person, with the category that `pii.categories` states |
/// | `financial`, `network`, `secret` | of that class; `financial = "iban"` gives it a label |
/// | `unclassified` | nobody knows: a strict policy drops it |
/// | `nested` | a struct that derives `AuditFields` itself |
/// | `skip` | left out |
///
/// A field of the type `Sensitive<…>` needs no attribute: its type states the class. `action = "…"`, beside a class, is
/// done where the policy would leave more of the field: `drop`, `marker`, `mask`, `keep-last-4`, `hmac`, `truncate-ip`,
/// `truncate-64`, `erasable`. It cannot make a policy milder.
///
/// The text that a policy works on is the `Display` form where the type has one, what the bytes say where it is
/// `AsRef<[u8]>`, else its `Debug` form; `Some` is what it holds, and `None` is left out.
#[proc_macro_derive(AuditFields, attributes(audit))]
pub fn audit_fields(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::expand(&input)
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// Implements `AuditEvent`: the struct is an event with a name, a category, an action, a level and an outcome, and every
/// field says where its value goes and of what class it is.
///
/// ```
/// use tracing_audit::record::{AuditEvent, Value};
///
/// /// An agent calls a tool.
/// #[derive(AuditEvent)]
/// #[audit(event = "tool.start", category = "tool", action = "start", level = "info", outcome = "pending")]
/// struct ToolStart {
///     /// The tool's name.
///     #[audit(detail = "tool.name", internal)]
///     tool_name: String,
///     #[audit(detail = "tool.args", secret)]
///     tool_args: Value,
///     #[audit(slot = "execution_id", internal)]
///     execution_id: Option<String>,
///     #[audit(attribute = "round", public)]
///     round: u32,
/// }
///
/// let event = ToolStart {
///     tool_name: "search".to_owned(),
///     tool_args: Value::from("for the key"),
///     execution_id: None,
///     round: 1,
/// };
/// event.record(); // through `tracing`
/// let record = event.to_record();
/// assert_eq!(record.at("detail.tool.name").and_then(Value::as_str), Some("search"));
/// assert_eq!(ToolStart::META.fields.len(), 4);
/// ```
///
/// On the struct stand `event`, `category`, `action` and `level` (`trace`, `debug`, `info`, `warn`, `error`), and
/// `outcome`, unless a field fills the slot `outcome`. On a field stand its place and its class:
///
/// | place | the value goes to |
/// |---|---|
/// | `slot = "actor.id"` | a place that every record has: a name of `docs/fields.md` |
/// | `detail = "tool.name"` | what is particular to the kind of event |
/// | `attribute = "x"`, `label = "x"`, `hash = "x"` | the map of that name |
///
/// Classes and the action beside them are those of `derive(AuditFields)`; a field of the type `Sensitive<…>` states its
/// own. `nested`, inside `detail`, stands for a struct that derives `EventPart`. `skip` leaves a field out, which has its
/// default when the event is read back. Types are texts, numbers, truth values, `Duration`, words of a vocabulary
/// (`Word`), `Option`, `Vec`, `BTreeMap`, `Value`, and what else implements `FieldValue`.
#[proc_macro_derive(AuditEvent, attributes(audit))]
pub fn audit_event(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    event::expand(&input)
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// Makes a struct a value inside the events that have it for a field with `nested`: named values, each of its own class.
///
/// ```
/// use tracing_audit::record::{AuditEvent, EventPart, Value};
///
/// #[derive(EventPart)]
/// struct ToolResult {
///     #[audit(public)]
///     success: bool,
///     #[audit(secret)]
///     output: String,
///     #[audit(internal, key = "error")]
///     failed_with: Option<String>,
/// }
///
/// #[derive(AuditEvent)]
/// #[audit(event = "tool.success", category = "tool", action = "success", level = "info", outcome = "success")]
/// struct ToolSuccess {
///     #[audit(detail = "tool.result", nested)]
///     result: ToolResult,
/// }
///
/// let result = ToolResult { success: true, output: "42".to_owned(), failed_with: None };
/// let record = ToolSuccess { result }.to_record();
/// assert_eq!(record.at("detail.tool.result.success"), Some(&Value::from(true)));
/// ```
///
/// A field's key is its name, unless `key = "…"` says otherwise. Classes and types are those of `derive(AuditEvent)`.
#[proc_macro_derive(EventPart, attributes(audit))]
pub fn event_part(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    part::expand(&input)
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// `#[tracing::instrument]` that records no argument unless `fields(…)` names it: it adds `skip_all` and hands
/// everything else on.
///
/// ```
/// use tracing_audit::redact::Classified as _;
/// use tracing_audit::redact::sensitive::Email;
/// use tracing_audit::sensitive_instrument;
/// use tracing_audit::testing::capture;
///
/// #[sensitive_instrument(target = "audit", name = "user.invite", err, fields(resource.id = id, to = %Email::of(email)))]
/// fn invite(id: u64, email: &str, password: &str) -> Result<(), std::fmt::Error> {
///     Ok(())
/// }
///
/// let captured = capture(|| invite(7, "ann@example.com", "hunter2").unwrap());
/// captured.only().assert_attribute("to", "[REDACTED:email]").assert_hides("password");
/// ```
#[proc_macro_attribute]
pub fn sensitive_instrument(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let function = function.into();
    instrument::expand(&arguments.into(), &function)
        .unwrap_or_else(|error| {
            let error = error.into_compile_error();
            // The function stays, so that not everything that calls it is wrong as well.
            quote::quote!(#error #function)
        })
        .into()
}

/// Makes each call of a function one record that knows how the call ended: success, failure, denied, a panic, or a future
/// that was cancelled.
///
/// ```
/// use tracing_audit::audited;
/// use tracing_audit::record::Slot;
/// use tracing_audit::testing::capture;
///
/// #[audited(action = "document.rename", resource = ("document", id), changed = ["title"])]
/// fn rename(id: u64, title: &str) -> Result<(), String> {
///     if title.is_empty() { Err(format!("no title for {id}")) } else { Ok(()) }
/// }
///
/// let captured = capture(|| {
///     rename(7, "Report").unwrap();
///     rename(8, "").unwrap_err();
/// });
/// captured.with_outcome("success").only().assert_has(Slot::ChangedFields, vec!["title"]);
/// captured.with_outcome("failure").only().assert_has(Slot::ErrorMessage, "no title for 8");
/// ```
///
/// | key | says |
/// |---|---|
/// | `action = "document.rename"` | what was done; the name of the span and of the record too. Default: the function's name |
/// | `name = "…"` | another name |
/// | `resource = "document"`, `resource = ("document", id)` | what was acted on |
/// | `actor = id` | who acts, where no scope says so |
/// | `changed = names`, `changed = \|returned\| names` | names of fields that changed, never their values |
/// | `denied = \|error\| …` | which errors are refusals; `AuditError` for the error's type says so everywhere |
/// | `errors = [Refused, Locked]` | types with `AuditError` that are looked for in a box, and among an error's sources |
/// | `reason = …`, `category = …`, `tenant = …`, … | any other place of the record |
/// | `level = "info"`, `target = "audit"`, `parent = id` | as for a span, with their defaults |
/// | `start = true` | a record at the beginning too, under the same `execution_id` |
/// | `fields(size = len, kind = %kind)` | fields of your own |
///
/// No argument is recorded unless a key names it, and what is returned never is. Values are taken as they are, or by their
/// `Display` form; `?value` asks for `Debug`. The guide `short_forms` of `tracing-audit` says the rest.
#[proc_macro_attribute]
pub fn audited(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let function: proc_macro2::TokenStream = function.into();
    audited::expand(arguments.into(), function.clone())
        .unwrap_or_else(|error| {
            let error = error.into_compile_error();
            // The function stays, so that not everything that calls it is wrong as well.
            quote::quote!(#error #function)
        })
        .into()
}

/// Records one event in the vocabulary of the record, or an event of a type.
///
/// ```
/// use tracing_audit::audit;
/// use tracing_audit::record::Slot;
/// use tracing_audit::testing::capture;
///
/// let (id, size) = (7, 4096);
/// let captured = capture(|| {
///     audit!(actor.id = "ana", action = "document.export", resource = ("document", id), outcome = "success", size, "exported {id}");
/// });
/// captured
///     .only()
///     .assert_has(Slot::ResourceId, "7")
///     .assert_has(Slot::Summary, "exported 7")
///     .assert_attribute("size", 4096_i64);
/// ```
///
/// The keys are those of [`macro@audited`] but `denied`, `errors`, `start` and `fields`, and in addition `outcome` and `error`. A name with a dot
/// may come first; a name that no place of the record has is an attribute, unless it could only be a slip
/// (`resource.kind`). `audit!(event)` records what derives `AuditEvent`. The guide `short_forms` of `tracing-audit` says the
/// rest.
#[proc_macro]
pub fn audit(input: TokenStream) -> TokenStream {
    audited_event::expand(input.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}
