//! `#[sensitive_instrument]`: an `#[instrument]` that records what is named and nothing else.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::{Error, Result};

/// The function under `#[instrument(skip_all, …)]` with the given arguments.
pub(crate) fn expand(arguments: &TokenStream, function: &TokenStream) -> Result<TokenStream> {
    let mut begins = true;
    for token in arguments.clone() {
        if let TokenTree::Ident(word) = &token
            && begins
            && (word == "skip" || word == "skip_all")
        {
            let message =
                format!("`{word}` has no place here: no argument is recorded unless `fields(…)` names it");
            return Err(Error::new(word.span(), message));
        }
        begins = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',');
    }
    Ok(quote! {
        #[::tracing::instrument(skip_all, #arguments)]
        #function
    })
}
