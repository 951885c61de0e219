//! The implementation that `derive(EventPart)` writes.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Error, Fields, Result};

use crate::place::{Field, Of, fields};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => fields(&named.named.iter().collect::<Vec<_>>(), Of::Part)?,
            other => {
                let message = "the fields of a part have names: write `struct Name { field: Type }`";
                return Err(Error::new(other.span(), message));
            }
        },
        Data::Enum(_) | Data::Union(_) => {
            let message = "a part of an event is a struct; for an enum of words implement `Word`";
            return Err(Error::new(input.ident.span(), message));
        }
    };
    let name = &input.ident;
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    let placed = || {
        fields
            .iter()
            .filter_map(|field| Some((field, field.place.as_ref()?.path())))
    };
    let metas = placed().map(|(field, _)| Field::meta(field));
    let views = placed().map(|(field, key)| {
        let member = field.name;
        quote!((#key, ::tracing_audit::record::FieldValue::view(&self.#member)))
    });
    // Not among the constants: a part may hold a list of its like.
    let wholes = fields
        .iter()
        .filter(|field| field.place.is_some())
        .filter_map(Field::whole);
    let reads = placed().map(|(field, key)| {
        let member = field.name;
        quote_spanned!(field.ty.span()=> #member: ::tracing_audit::__event::member(value, #key)?)
    });
    let skipped = fields.iter().filter(|field| field.place.is_none()).map(|field| {
        let member = field.name;
        quote_spanned!(field.ty.span()=> #member: ::core::default::Default::default())
    });
    Ok(quote! {
        #[automatically_derived]
        #[allow(clippy::all, reason = "written by a derive")]
        impl #generics ::tracing_audit::record::FieldValue for #name #arguments #conditions {
            const TYPE: ::tracing_audit::record::FieldType = ::tracing_audit::record::FieldType::Struct;
            const PARTS: &'static [::tracing_audit::record::FieldMeta] = &[#(#metas),*];

            fn view(&self) -> ::tracing_audit::record::View<'_> {
                const { #(#wholes)* }
                ::tracing_audit::__event::part([#(#views),*])
            }

            fn from_value(
                value: &::tracing_audit::record::Value,
            ) -> ::core::result::Result<Self, ::tracing_audit::record::Misfit> {
                ::core::result::Result::Ok(Self { #(#reads,)* #(#skipped,)* })
            }
        }
    })
}
