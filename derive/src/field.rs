//! What the attribute of a field says.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned as _;
use syn::{Error, Field, GenericArgument, LitStr, PathArguments, Result, Type};

use crate::audited_names::nearest;

/// What is to be done with a field.
pub(crate) enum Said {
    Skip,
    Nested,
    /// Its type states the class.
    Typed,
    Class {
        class: Stated,
        action: Option<LitStr>,
    },
}

/// A class, as a word of [`CLASSES`] and a label.
pub(crate) struct Stated {
    pub(crate) word: &'static str,
    kind: &'static str,
    pub(crate) label: String,
}

/// The remedies that an error names.
const REMEDY: &str = "write #[audit(…)] with one of public, internal, personal = \"email\", special = \"health\", \
                      financial, network, secret, unclassified, nested or skip";

/// The classes, the function or constant of each, and whether a label must stand behind it.
const CLASSES: &[(&str, &str, Label)] = &[
    ("public", "Public", Label::None),
    ("internal", "Internal", Label::May),
    ("personal", "Personal", Label::Must),
    ("special", "Special", Label::Must),
    ("financial", "Financial", Label::May),
    ("network", "Network", Label::May),
    ("secret", "Secret", Label::May),
    ("unclassified", "Unclassified", Label::None),
];

#[derive(Clone, Copy, PartialEq)]
enum Label {
    None,
    May,
    Must,
}

/// What has been read of a field's attributes.
#[derive(Default)]
pub(crate) struct Read {
    said: Option<Said>,
    action: Option<LitStr>,
}

/// Reads what a field says; an error where it says nothing, or more than one thing.
pub(crate) fn said(field: &Field) -> Result<Said> {
    let mut read = Read::default();
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("audit"))
    {
        attribute.parse_nested_meta(|meta| read.take(&meta))?;
    }
    read.end(field)
}

impl Read {
    /// What was read of a field, once all of it was.
    pub(crate) fn end(self, field: &Field) -> Result<Said> {
        match (self.said, self.action) {
            (Some(Said::Class { class, .. }), action) => Ok(Said::Class { class, action }),
            (_, Some(action)) => Err(Error::new(action.span(), "an action stands beside a class")),
            (Some(said), None) => Ok(said),
            (None, None) if is_sensitive(&field.ty) => Ok(Said::Typed),
            (None, None) => {
                let name = field
                    .ident
                    .as_ref()
                    .map_or_else(|| "this field".to_owned(), |name| format!("the field `{name}`"));
                Err(Error::new(
                    field.span(),
                    format!("{name} has no class for the audit trail: {REMEDY}"),
                ))
            }
        }
    }

    pub(crate) fn take(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("action") {
            let text: LitStr = meta.value()?.parse()?;
            if self.action.is_some() {
                return Err(Error::new(text.span(), "a field has one action"));
            }
            action_of(&text)?;
            self.action = Some(text);
            return Ok(());
        }
        let new = if meta.path.is_ident("skip") {
            Said::Skip
        } else if meta.path.is_ident("nested") {
            Said::Nested
        } else {
            Said::Class {
                class: class(meta)?,
                action: None,
            }
        };
        if self.said.is_some() {
            return Err(meta.error("a field has one class"));
        }
        self.said = Some(new);
        Ok(())
    }
}

/// What stands in an attribute beside classes.
const BESIDE: [&str; 3] = ["action", "nested", "skip"];

/// Whether [`Read::take`] knows the word.
pub(crate) fn knows(meta: &ParseNestedMeta<'_>) -> bool {
    let classes = CLASSES.iter().map(|(word, ..)| *word);
    classes.chain(BESIDE).any(|word| meta.path.is_ident(word))
}

/// The error for a word that is no class, and no place where there are such.
pub(crate) fn unknown(meta: &ParseNestedMeta<'_>, places: &[&str]) -> Error {
    let word = meta
        .path
        .get_ident()
        .map_or_else(|| "this".to_owned(), |word| format!("`{word}`"));
    let what = match places {
        [] => "no class",
        _ => "neither a place nor a class",
    };
    let classes = CLASSES.iter().map(|(word, ..)| *word);
    let known = classes.chain(BESIDE).chain(places.iter().copied());
    let hint = match nearest(word.trim_matches('`'), known) {
        Some(near) => format!("did you mean `{near}`? Or "),
        None => String::new(),
    };
    meta.error(format!("{word} is {what}: {hint}{REMEDY}"))
}

fn class(meta: &ParseNestedMeta<'_>) -> Result<Stated> {
    let known = CLASSES.iter().find(|(word, ..)| meta.path.is_ident(word));
    let Some((word, kind, wanted)) = known else {
        return Err(unknown(meta, &[]));
    };
    let given = meta.input.peek(syn::Token![=]);
    let label = match (given, wanted) {
        (true, Label::None) => return Err(meta.error(format!("`{word}` has no label"))),
        (true, _) => label(&meta.value()?.parse()?)?,
        (false, Label::Must) => {
            let example = if *word == "personal" { "email" } else { "health" };
            return Err(meta.error(format!("`{word}` needs a category: {word} = \"{example}\"")));
        }
        (false, _) => String::new(),
    };
    Ok(Stated { word, kind, label })
}

impl Stated {
    fn tokens(&self) -> TokenStream {
        let (kind, label) = (syn::Ident::new(self.kind, Span::call_site()), &self.label);
        quote!(::tracing_audit::redact::Class::of(::tracing_audit::redact::ClassKind::#kind, #label))
    }
}

/// A label as a class takes it.
fn label(text: &LitStr) -> Result<String> {
    let label = text.value();
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if label.is_empty() || label.len() > 32 || !label.bytes().all(allowed) {
        let message = format!("`{label}` is not 1 to 32 lower-case letters, digits, `-`, `_` or `.`");
        return Err(Error::new(text.span(), message));
    }
    Ok(label)
}

/// The action that a policy file would call so.
fn action_of(text: &LitStr) -> Result<TokenStream> {
    let word = text.value();
    let last = word.strip_prefix("keep-last-").and_then(|n| n.parse::<u8>().ok());
    let len = word
        .strip_prefix("truncate-")
        .and_then(|len| len.parse::<u16>().ok());
    let subject = word.strip_prefix("erasable-").filter(|field| {
        !field.is_empty()
            && !field
                .chars()
                .any(|char| char.is_whitespace() || char.is_control())
    });
    let action = match (word.as_str(), last, len) {
        ("erasable", ..) => quote!(Erasable("actor.id")),
        _ if subject.is_some() => quote!(Erasable(#subject)),
        ("drop", ..) => quote!(Drop),
        ("marker", ..) => quote!(Marker),
        ("mask", ..) => quote!(Mask),
        ("hmac", ..) => quote!(Hmac),
        ("truncate-ip", ..) => quote!(TruncateIp),
        (_, Some(n @ 1..=4), _) => quote!(KeepLast(#n)),
        (_, _, Some(len)) => quote!(TruncateLen(#len)),
        _ => {
            let message = format!(
                "`{word}` is no action: write drop, marker, mask, keep-last-1 to keep-last-4, hmac, truncate-ip, \
                 truncate-N with N bytes up to 65535, erasable or erasable-FIELD"
            );
            return Err(Error::new(text.span(), message));
        }
    };
    Ok(quote!(::tracing_audit::redact::Action::#action))
}

/// Whether the type is written as `Sensitive<…>`, or an `Option` of it. Another type of that name does not compile
/// further on:
///
/// ```compile_fail,E0277
/// struct Sensitive<T>(T);
///
/// #[derive(tracing_audit::redact::AuditFields)]
/// struct Login {
///     password: Sensitive<String>,
/// }
/// ```
fn is_sensitive(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else {
        return false;
    };
    let inner = match &last.arguments {
        PathArguments::AngleBracketed(arguments) if last.ident == "Option" => arguments.args.first(),
        _ => return last.ident == "Sensitive",
    };
    matches!(inner, Some(GenericArgument::Type(inner)) if is_sensitive(inner))
}

impl Said {
    /// The expression for the field's value, which `place` refers to; `None` where it is left out.
    pub(crate) fn expression(&self, name: &str, place: &TokenStream, span: Span) -> Option<TokenStream> {
        match self {
            Self::Skip => None,
            Self::Nested => Some(quote_spanned! {span=>
                ::tracing_audit::redact::AuditField::nested(#name, #place)
            }),
            Self::Typed => Some(quote_spanned! {span=>
                ::tracing_audit::redact::probe::Typed::typed(#place, #name)
            }),
            Self::Class { class, action } => {
                let class = class.tokens();
                // It was read once before, so it can be read.
                let action = action.as_ref().and_then(|text| action_of(text).ok());
                let action = action.map(|action| quote!(.action(#action)));
                Some(quote_spanned! {span=>
                    (&&&&&::tracing_audit::redact::probe::Probe(#place)).field(#name, #class)#action
                })
            }
        }
    }
}
