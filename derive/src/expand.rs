//! The implementation that the derive writes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Error, Fields, Ident, Result};

use crate::field::said;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let arms: Vec<(TokenStream, String, Vec<TokenStream>)> = match &input.data {
        Data::Struct(data) => vec![arm(&quote!(Self), &input.ident, &data.fields)?],
        Data::Enum(data) => {
            let arms = data.variants.iter().map(|variant| {
                let name = &variant.ident;
                arm(&quote!(Self::#name), name, &variant.fields)
            });
            all(arms)?
        }
        Data::Union(_) => {
            let message = "nobody knows which field of a union holds: AuditFields is for structs and enums";
            return Err(Error::new(input.ident.span(), message));
        }
    };
    let name = &input.ident;
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    let names = arms.iter().map(|(pattern, name, _)| quote!(#pattern => #name));
    let fields = arms
        .iter()
        .map(|(pattern, _, fields)| quote!(#pattern => ::std::vec![#(#fields),*]));
    // An enum without variants has no value to match.
    let (names, fields) = if arms.is_empty() {
        (quote!(match *self {}), quote!(match *self {}))
    } else {
        (
            quote!(match self { #(#names),* }),
            quote!(match self { #(#fields),* }),
        )
    };
    Ok(quote! {
        #[automatically_derived]
        #[allow(unused_variables, clippy::all, reason = "written by a derive; not every field is read")]
        impl #generics ::tracing_audit::redact::AuditFields for #name #arguments #conditions {
            fn audit_name(&self) -> &'static str {
                #names
            }

            fn audit_fields(&self) -> ::std::vec::Vec<::tracing_audit::redact::AuditField<'_>> {
                #[allow(unused_imports, reason = "which of them is needed depends on the types")]
                use ::tracing_audit::redact::probe::{ByBytes as _, ByDebug as _, ByDisplay as _, ByOption as _, ByType as _};
                #fields
            }
        }
    })
}

/// The pattern of a struct or variant, its name, and an expression for each of its fields.
fn arm(path: &TokenStream, name: &Ident, fields: &Fields) -> Result<(TokenStream, String, Vec<TokenStream>)> {
    let mut bound = Vec::new();
    let read = fields.iter().enumerate().map(|(at, field)| {
        let said = said(field)?;
        let place = format_ident!("field_{at}");
        let member = field
            .ident
            .clone()
            .map_or_else(|| syn::Member::from(at), syn::Member::from);
        bound.push(quote!(#member: #place));
        let shown = field.ident.as_ref().map_or_else(
            || at.to_string(),
            |name| name.to_string().trim_start_matches("r#").to_owned(),
        );
        Ok(said.expression(&shown, &quote_spanned!(field.ty.span()=> #place), field.ty.span()))
    });
    let expressions = all(read)?.into_iter().flatten().collect();
    Ok((quote!(#path { #(#bound),* }), name.to_string(), expressions))
}

/// Everything, or all that is wrong at once.
pub(crate) fn all<T>(results: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut good = Vec::new();
    let mut wrong: Option<Error> = None;
    for result in results {
        match (result, &mut wrong) {
            (Ok(value), _) => good.push(value),
            (Err(error), Some(wrong)) => wrong.combine(error),
            (Err(error), None) => wrong = Some(error),
        }
    }
    wrong.map_or(Ok(good), Err)
}
