//! The implementation that `derive(AuditEvent)` writes.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Data, DeriveInput, Error, Fields, GenericParam, Ident, Lifetime, LitStr, Member, Result,
};

use crate::place::{Field, Of, fields};

/// What stands on the struct.
struct Head {
    name: LitStr,
    category: LitStr,
    action: LitStr,
    level: Ident,
    outcome: Option<LitStr>,
}

/// The levels, as the attribute has them and as variants.
const LEVELS: &[(&str, &str, &str)] = &[
    ("trace", "Trace", "TRACE"),
    ("debug", "Debug", "DEBUG"),
    ("info", "Info", "INFO"),
    ("warn", "Warn", "WARN"),
    ("error", "Error", "ERROR"),
];

/// The outcomes, as the attribute has them and as variants.
const OUTCOMES: &[(&str, &str)] = &[
    ("success", "Success"),
    ("failure", "Failure"),
    ("denied", "Denied"),
    ("pending", "Pending"),
    ("unknown", "Unknown"),
];

/// What the attribute of an event looks like.
const EXAMPLE: &str = "#[audit(event = \"tool.start\", category = \"tool\", action = \"start\", level = \"info\", outcome = \"pending\")]";

/// Reads the struct and writes the implementation. A field of a type that no field can have does not compile:
///
/// ```compile_fail,E0277
/// struct Own;
///
/// #[derive(tracing_audit::record::AuditEvent)]
/// #[audit(event = "own", category = "own", action = "own", level = "info", outcome = "success")]
/// struct Event {
///     #[audit(attribute = "own", internal)]
///     own: Own,
/// }
/// ```
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        let message =
            "an event is a struct: AuditEvent is not for enums and unions; write one struct for each event";
        return Err(Error::new(input.ident.span(), message));
    };
    let named = match &data.fields {
        Fields::Named(named) => named.named.iter().collect(),
        Fields::Unit => Vec::new(),
        Fields::Unnamed(unnamed) => {
            let message = "the fields of an event have names: write `struct Name { field: Type }`";
            return Err(Error::new(unnamed.span(), message));
        }
    };
    for parameter in &input.generics.params {
        if !matches!(parameter, GenericParam::Lifetime(_)) {
            let message = "an event has lifetimes for parameters at most: its fields have one type each";
            return Err(Error::new(parameter.span(), message));
        }
    }
    let fields = fields(&named, Of::Event);
    let head = head(input, fields.as_deref().unwrap_or_default());
    let (head, fields) = match (head, fields) {
        (Ok(head), Ok(fields)) => (head, fields),
        (Err(mut error), Err(other)) => {
            error.combine(other);
            return Err(error);
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    Ok(Event { input, head, fields }.tokens())
}

/// Reads what stands on the struct.
fn head(input: &DeriveInput, fields: &[Field<'_>]) -> Result<Head> {
    let words = ["event", "category", "action", "level", "outcome"];
    let mut given: [Option<LitStr>; 5] = Default::default();
    for attribute in audit(&input.attrs) {
        attribute.parse_nested_meta(|meta| {
            let at = words.iter().position(|word| meta.path.is_ident(word));
            let Some(place) = at.and_then(|at| given.get_mut(at)) else {
                return Err(meta.error(format!("an event has no such part: write {EXAMPLE}")));
            };
            let text: LitStr = meta.value()?.parse()?;
            if place.is_some() {
                return Err(Error::new(
                    text.span(),
                    "this part of the event is stated already",
                ));
            }
            let value = text.value();
            if value.is_empty() || value.len() > 255 || value.contains(char::is_whitespace) {
                let message = format!("`{value}` is not one word of 1 to 255 bytes");
                return Err(Error::new(text.span(), message));
            }
            *place = Some(text);
            Ok(())
        })?;
    }
    let [name, category, action, level, outcome] = given;
    let missing = |part: &str| {
        let message = format!("the event has no `{part}`: write {EXAMPLE}");
        Error::new(input.ident.span(), message)
    };
    if outcome.is_none() && !fields.iter().any(|field| field.fills("outcome")) {
        let message = format!(
            "nothing says what became of the event: write `outcome = \"success\"` (or failure, denied, pending, \
             unknown) in {EXAMPLE}, or `slot = \"outcome\"` on a field"
        );
        return Err(Error::new(input.ident.span(), message));
    }
    let level = level.ok_or_else(|| missing("level"))?;
    let word = level.value();
    let Some((_, variant, _)) = LEVELS.iter().find(|(known, ..)| *known == word) else {
        let message = format!("`{word}` is no level: write trace, debug, info, warn or error");
        return Err(Error::new(level.span(), message));
    };
    Ok(Head {
        name: name.ok_or_else(|| missing("event"))?,
        category: category.ok_or_else(|| missing("category"))?,
        action: action.ok_or_else(|| missing("action"))?,
        level: Ident::new(variant, level.span()),
        outcome,
    })
}

/// The attributes that are ours.
pub(crate) fn audit(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("audit"))
}

/// The documentation in one line.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let value = &attribute.meta.require_name_value().ok()?.value;
        let syn::Expr::Lit(literal) = value else {
            return None;
        };
        let syn::Lit::Str(text) = &literal.lit else {
            return None;
        };
        attribute
            .path()
            .is_ident("doc")
            .then(|| text.value().trim().to_owned())
    });
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// An event that was read.
struct Event<'i> {
    input: &'i DeriveInput,
    head: Head,
    fields: Vec<Field<'i>>,
}

impl Event<'_> {
    fn tokens(&self) -> TokenStream {
        let name = &self.input.ident;
        let (generics, arguments, conditions) = self.input.generics.split_for_impl();
        let (statics, implementation) = (self.statics(), self.implementation());
        let metas = self.placed().map(Field::meta);
        let wholes = self.placed().filter_map(Field::whole);
        let checks = self.placed().filter_map(Field::check);
        let count = self.placed().count();
        quote! {
            #[automatically_derived]
            #[allow(clippy::all, reason = "written by a derive")]
            const _: () = {
                #statics
                #(#checks)*

                impl #generics #name #arguments #conditions {
                    const __AUDIT_FIELDS: [::tracing_audit::record::FieldMeta; #count] = {
                        #(#wholes)*
                        [#(#metas),*]
                    };
                }

                impl #generics ::tracing_audit::record::AuditEvent for #name #arguments #conditions {
                    #implementation
                }

                impl #generics ::core::convert::From<#name #arguments> for ::tracing_audit::record::Record #conditions {
                    fn from(event: #name #arguments) -> Self {
                        ::tracing_audit::record::AuditEvent::to_record(&event)
                    }
                }

                impl #generics ::core::convert::From<&#name #arguments> for ::tracing_audit::record::Record #conditions {
                    fn from(event: &#name #arguments) -> Self {
                        ::tracing_audit::record::AuditEvent::to_record(event)
                    }
                }
            };
        }
    }

    /// The fields that have a place.
    fn placed(&self) -> impl Iterator<Item = &Field<'_>> {
        self.fields.iter().filter(|field| field.place.is_some())
    }

    /// The names of what stands before the fields for other layers: the record has it from the event itself.
    fn constants(&self) -> Vec<(&'static str, &LitStr)> {
        let given = [
            ("event", Some(&self.head.name)),
            ("outcome", self.head.outcome.as_ref()),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given
            .filter(|(name, _)| !self.placed().any(|field| field.shown() == *name))
            .collect()
    }

    fn statics(&self) -> TokenStream {
        let Head {
            name,
            category,
            action,
            level,
            outcome,
        } = &self.head;
        let ty = &self.input.ident;
        let lifetimes = self
            .input
            .generics
            .lifetimes()
            .map(|_| Lifetime::new("'static", Span::call_site()));
        let outcome = outcome.as_ref().map_or_else(
            || quote!(::core::option::Option::None),
            |given| {
                let word = given.value();
                let Some((_, variant)) = OUTCOMES.iter().find(|(known, _)| *known == word) else {
                    let message =
                        format!("`{word}` is no outcome: write success, failure, denied, pending or unknown");
                    return Error::new(given.span(), message).into_compile_error();
                };
                let variant = Ident::new(variant, Span::call_site());
                quote!(::core::option::Option::Some(::tracing_audit::record::Outcome::#variant))
            },
        );
        let upper = LEVELS.iter().find(|(_, variant, _)| level == variant);
        let upper = Ident::new(upper.map_or("INFO", |(_, _, upper)| upper), level.span());
        let doc = doc(&self.input.attrs);
        let constants = self.constants();
        let names = constants.iter().map(|(name, _)| (*name).to_owned());
        let names = names.chain(self.placed().map(Field::shown));
        quote! {
            static META: ::tracing_audit::record::EventMeta = ::tracing_audit::record::EventMeta::new(
                #name, #category, #action, ::tracing_audit::record::Level::#level, #outcome, #doc,
                &<#ty<#(#lifetimes),*>>::__AUDIT_FIELDS,
            );
            static CALLSITE: ::tracing_audit::__event::Callsite =
                ::tracing_audit::__event::Callsite::new(&METADATA, &META);
            static METADATA: ::tracing_audit::__event::Metadata<'static> = ::tracing_audit::__event::Metadata::new(
                #name, "audit", ::tracing_audit::__event::Level::#upper,
                ::core::option::Option::Some(::core::file!()),
                ::core::option::Option::Some(::core::line!()),
                ::core::option::Option::Some(::core::module_path!()),
                ::tracing_audit::__event::FieldSet::new(
                    &[#(#names),*],
                    ::tracing_audit::__event::Identifier(&CALLSITE),
                ),
                ::tracing_audit::__event::Kind::EVENT,
            );
        }
    }

    fn implementation(&self) -> TokenStream {
        let constants = self.constants().into_iter().map(|(_, value)| value);
        let numbered = || self.placed().enumerate();
        let puts = numbered().map(|(at, field)| {
            let member = field.name;
            quote!(record.put_field(const { &Self::__AUDIT_FIELDS[#at] }, &self.#member);)
        });
        let takes = numbered().map(|(at, field)| {
            let member = Member::from(field.name.clone());
            quote_spanned! {field.ty.span()=>
                #member: record.take_field(META.name, const { &Self::__AUDIT_FIELDS[#at] })?
            }
        });
        let skipped = self
            .fields
            .iter()
            .filter(|field| field.place.is_none())
            .map(|field| {
                let member = field.name;
                quote_spanned!(field.ty.span()=> #member: ::core::default::Default::default())
            });
        let places: Vec<Ident> = numbered().map(|(at, _)| format_ident!("held_{at}")).collect();
        let holds = numbered().zip(&places).map(|((at, field), place)| {
            let member = field.name;
            quote! {
                let #place = ::tracing_audit::__event::Held::of(
                    &self.#member,
                    const { Self::__AUDIT_FIELDS[#at].class },
                    const { Self::__AUDIT_FIELDS[#at].parts },
                );
            }
        });
        quote! {
            const META: &'static ::tracing_audit::record::EventMeta = &META;

            fn to_record(&self) -> ::tracing_audit::record::Record {
                #[allow(unused_mut, reason = "an event may have no fields")]
                let mut record = ::tracing_audit::record::Record::of_event(&META);
                #(#puts)*
                record
            }

            fn from_record(record: &::tracing_audit::record::Record) -> ::tracing_audit::Result<Self> {
                record.expect_event(&META)?;
                ::core::result::Result::Ok(Self { #(#takes,)* #(#skipped,)* })
            }

            fn record(&self) {
                if CALLSITE.is_enabled() {
                    #(#holds)*
                    CALLSITE.dispatch(&[
                        #(::core::option::Option::Some(&#constants as &dyn ::tracing_audit::__event::Value),)*
                        #(#places.value(),)*
                    ]);
                }
            }
        }
    }
}
