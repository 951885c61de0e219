//! What both short forms share: names with dots, values with or without a sigil, levels, resources.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitInt, LitStr, Result, Token, parenthesized, token};

/// What generated code calls.
pub(crate) fn support() -> TokenStream {
    quote!(::tracing_audit::__audited)
}

/// A name such as `resource.id`, whose words may be keywords.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
    words: Punctuated<Ident, Token![.]>,
}

impl Name {
    /// A name that no attribute spells out.
    pub(crate) fn made(text: &str, span: Span) -> Self {
        Self {
            text: text.to_owned(),
            span,
            words: text.split('.').map(|word| Ident::new(word, span)).collect(),
        }
    }

    /// The name without `audit.`, which may stand before every name that fills a place of the record.
    pub(crate) fn bare(&self) -> &str {
        self.text.strip_prefix("audit.").unwrap_or(&self.text)
    }

    pub(crate) fn is(&self, text: &str) -> bool {
        self.bare() == text
    }
}

impl Parse for Name {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let words = Punctuated::<Ident, Token![.]>::parse_separated_nonempty_with(input, Ident::parse_any)?;
        let text = words
            .iter()
            .map(|word| word.unraw().to_string())
            .collect::<Vec<_>>();
        Ok(Self {
            text: text.join("."),
            span: words.span(),
            words,
        })
    }
}

impl ToTokens for Name {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.words.to_tokens(tokens);
    }
}

/// How a value is shown.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Form {
    /// As it is, or by its `Display` form.
    Found,
    Display,
    Debug,
}

impl Form {
    /// The sigil that stands here, if one does.
    pub(crate) fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.parse::<Option<Token![%]>>()?.is_some() {
            Ok(Self::Display)
        } else if input.parse::<Option<Token![?]>>()?.is_some() {
            Ok(Self::Debug)
        } else {
            Ok(Self::Found)
        }
    }
}

/// A value, as `tracing` takes it behind a name.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) form: Form,
    pub(crate) expr: Expr,
}

impl Parse for Value {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Ok(Self {
            form: Form::parse(input)?,
            expr: input.parse()?,
        })
    }
}

impl Value {
    /// The literal that it is. What a macro hands on stands in a group that nobody sees.
    fn literal(&self) -> Option<&Lit> {
        let mut expr = &self.expr;
        while let Expr::Group(group) = expr {
            expr = &group.expr;
        }
        match expr {
            Expr::Lit(ExprLit { lit, .. }) => Some(lit),
            _ => None,
        }
    }

    /// The literal text that it is.
    pub(crate) fn text(&self) -> Option<&LitStr> {
        match (self.literal(), self.form) {
            (Some(Lit::Str(text)), Form::Found) => Some(text),
            _ => None,
        }
    }

    /// The value as a field.
    pub(crate) fn field(&self) -> TokenStream {
        let (expr, support) = (&self.expr, support());
        let span = expr.span();
        match self.form {
            Form::Display => quote_spanned!(span=> #support::tracing::field::display(&(#expr))),
            Form::Debug => quote_spanned!(span=> #support::tracing::field::debug(&(#expr))),
            Form::Found => match self.literal() {
                Some(Lit::Str(_) | Lit::Int(_) | Lit::Float(_) | Lit::Bool(_)) => quote!(#expr),
                _ => quote_spanned!(span=> (&&&&#support::probe::Probe(&(#expr))).audit_value()),
            },
        }
    }

    /// The value as an error with its sources.
    pub(crate) fn error(&self) -> TokenStream {
        let (expr, support) = (&self.expr, support());
        match self.form {
            Form::Found if self.text().is_none() => {
                quote_spanned!(expr.span()=> (&&&&&&&#support::probe::Probe(&(#expr))).audit_message())
            }
            _ => self.field(),
        }
    }

    /// The value as a list of names.
    pub(crate) fn names(&self) -> TokenStream {
        let (expr, support) = (&self.expr, support());
        match self.form {
            Form::Found => quote_spanned!(expr.span()=> (&&&&#support::probe::Probe(&(#expr))).audit_names()),
            _ => self.field(),
        }
    }
}

/// What the forms above are found by, where a value is written.
pub(crate) fn forms_of_values() -> TokenStream {
    let support = support();
    quote! {
        #[allow(unused_imports)]
        use #support::probe::{
            AsText as _, ByDebug as _, ByDisplay as _, ByError as _, ByHeld as _, ByHeldSend as _, ByHeldSync as _,
            ByNothing as _, Displayed as _, Held as _, ListedBehind as _, ListedIn as _, Plain as _, Unlisted as _,
            Unshown as _,
        };
    }
}

/// A name and what it has.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: Name,
    /// The value, as tokens.
    pub(crate) value: TokenStream,
}

impl Field {
    pub(crate) fn new(name: Name, value: &Value) -> Self {
        let value = match name.bare() {
            "error" | "err" | "error.message" | "error_message" | "exception.message" => value.error(),
            "changed_fields" => value.names(),
            _ => value.field(),
        };
        Self { name, value }
    }

    /// A field that is filled later, if at all.
    pub(crate) fn empty(name: Name) -> Self {
        let support = support();
        Self {
            name,
            value: quote!(#support::EMPTY),
        }
    }
}

impl ToTokens for Field {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { name, value } = self;
        tokens.extend(quote!(#name = #value,));
    }
}

/// `"document"`, or `("document", id)`.
pub(crate) fn resource(name: &Name, input: ParseStream<'_>) -> Result<Vec<Field>> {
    let kind = Name::made("resource.type", name.span);
    if input.peek(token::Paren) {
        let ahead = input.fork();
        let inside;
        parenthesized!(inside in ahead);
        let pair = Punctuated::<Value, Token![,]>::parse_terminated(&inside);
        let is_all = ahead.is_empty() || ahead.peek(Token![,]);
        if let Ok(pair) = pair
            && is_all
            && (pair.len() != 1 || pair.trailing_punct())
        {
            syn::parse::discouraged::Speculative::advance_to(input, &ahead);
            let mut pair = pair.into_iter();
            return match (pair.next(), pair.next(), pair.next()) {
                (Some(of), Some(id), None) => {
                    let id = Field::new(Name::made("resource.id", name.span), &id);
                    Ok(vec![Field::new(kind, &of), id])
                }
                _ => Err(Error::new(
                    name.span,
                    "a resource is its type, or its type and its id: `resource = (\"document\", id)`",
                )),
            };
        }
    }
    Ok(vec![Field::new(kind, &input.parse()?)])
}

/// The levels, as they are written in small letters.
const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// `"info"`, `3`, `INFO` or a path to a level.
pub(crate) fn level(input: ParseStream<'_>) -> Result<TokenStream> {
    let support = support();
    let known = |word: &str| {
        let word = word.to_lowercase();
        let word = LEVELS.contains(&&*word).then(|| word.to_uppercase())?;
        let word = Ident::new(&word, Span::call_site());
        Some(quote!(#support::tracing::Level::#word))
    };
    const REMEDY: &str = "a level is one of \"trace\", \"debug\", \"info\", \"warn\" and \"error\", or a path such as `Level::INFO`";
    if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        return known(&text.value()).ok_or_else(|| Error::new(text.span(), REMEDY));
    }
    if input.peek(LitInt) {
        let number: LitInt = input.parse()?;
        let word = number
            .base10_parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        let word = word.and_then(|at| LEVELS.get(at));
        return word
            .and_then(|word| known(word))
            .ok_or_else(|| Error::new(number.span(), REMEDY));
    }
    let path: syn::Path = input.parse().map_err(|error| Error::new(error.span(), REMEDY))?;
    Ok(match path.get_ident() {
        Some(word) => known(&word.to_string()).unwrap_or_else(|| quote!(#path)),
        None => quote!(#path),
    })
}

/// Refuses a word that is nearly one of the known outcomes.
pub(crate) fn check_outcome(value: &Value) -> Result<()> {
    use crate::audited_names::distance;
    const KNOWN: [&str; 5] = ["success", "failure", "denied", "pending", "unknown"];
    let Some(text) = value.text() else { return Ok(()) };
    let word = text.value();
    match KNOWN
        .into_iter()
        .find(|known| (1..=2).contains(&distance(&word, known)))
    {
        Some(known) => Err(Error::new(
            text.span(),
            format!(
                "is the outcome `{word}` meant to be `{known}`? If it is a word of your own, give it as an expression: \
                 `outcome = {{\"{word}\"}}`"
            ),
        )),
        None => Ok(()),
    }
}
