//! What `#[audited(…)]` says.

use std::collections::HashSet;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, LitStr, Result, Token, Type, bracketed, parenthesized, token};

use crate::audited_names::{NAMES, beside, is_astray, is_core, nearest};
use crate::audited_value::{Field, Form, Name, Value, level, resource, support};

/// The keys that are no names of fields.
const KEYS: [&str; 12] = [
    "action", "name", "target", "level", "parent", "resource", "actor", "changed", "denied", "errors",
    "start", "fields",
];

/// What the macro finds out by itself.
const FOUND: [&str; 12] = [
    "outcome",
    "error",
    "err",
    "error.message",
    "error_message",
    "error.code",
    "error.type",
    "error_code",
    "exception.message",
    "duration_ns",
    "duration_ms",
    "latency_ms",
];

/// The changed fields: names that are known when the call begins, or only once it has returned.
pub(crate) enum Changed {
    Before,
    After(Expr),
}

pub(crate) struct Args {
    pub(crate) action: Option<Value>,
    category: Option<LitStr>,
    name: Option<LitStr>,
    pub(crate) target: TokenStream,
    pub(crate) level: TokenStream,
    pub(crate) parent: Option<Expr>,
    pub(crate) denied: Option<(Span, Expr)>,
    pub(crate) errors: Option<(Span, Vec<Type>)>,
    pub(crate) changed: Option<Changed>,
    pub(crate) fields: Vec<Field>,
    given: HashSet<String>,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let support = support();
        let mut args = Self {
            action: None,
            category: None,
            name: None,
            target: quote!("audit"),
            level: quote!(#support::tracing::Level::INFO),
            parent: None,
            denied: None,
            errors: None,
            changed: None,
            fields: Vec::new(),
            given: HashSet::new(),
        };
        while !input.is_empty() {
            args.item(input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(args)
    }
}

impl Args {
    /// What is asked about errors, and so needs a `Result`: the key, and where it stands.
    pub(crate) fn asks_errors(&self) -> Option<(&'static str, Span)> {
        let denied = self.denied.as_ref().map(|(span, _)| ("denied", *span));
        denied.or_else(|| self.errors.as_ref().map(|(span, _)| ("errors", *span)))
    }

    /// Whether a field is called so.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name.text == name)
    }

    /// The span's name: what it is called, else what was done, else the function's.
    pub(crate) fn span_name(&self, function: &str) -> LitStr {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let Some(action) = self.action.as_ref().and_then(Value::text) else {
            return LitStr::new(function, Span::call_site());
        };
        match &self.category {
            Some(category) if !action.value().contains('.') => {
                LitStr::new(&format!("{}.{}", category.value(), action.value()), action.span())
            }
            _ => action.clone(),
        }
    }

    fn once(&mut self, name: &Name) -> Result<()> {
        if self.given.insert(name.bare().to_owned()) {
            return Ok(());
        }
        Err(Error::new(name.span, format!("`{}` is given twice", name.text)))
    }

    fn item(&mut self, input: ParseStream<'_>) -> Result<()> {
        if input.peek(LitStr) {
            let action: LitStr = input.parse()?;
            return Err(Error::new(
                action.span(),
                format!("what was done is said by `action = {:?}`", action.value()),
            ));
        }
        let name: Name = input.parse()?;
        self.check(&name)?;
        self.once(&name)?;
        if name.is("fields") {
            return self.fields(&name, input);
        }
        if !input.peek(Token![=]) {
            return Err(Error::new(
                name.span,
                format!("`{0}` needs a value: `{0} = …`", name.text),
            ));
        }
        input.parse::<Token![=]>()?;
        match &*name.text {
            "name" => self.name = Some(text(&name, input)?),
            "target" => {
                let target: Expr = input.parse()?;
                self.target = quote!(#target);
            }
            "level" => self.level = level(input)?,
            "parent" => self.parent = Some(input.parse()?),
            "denied" => self.denied = Some((name.span, input.parse()?)),
            "errors" => self.errors = Some((name.span, types(&name, input)?)),
            "changed" | "changed_fields" => self.changed(&name, input)?,
            "resource" => {
                for field in resource(&name, input)? {
                    self.once(&field.name)?;
                    self.fields.push(field);
                }
            }
            "actor" => {
                let name = Name::made("actor.id", name.span);
                self.once(&name)?;
                self.fields.push(Field::new(name, &input.parse()?));
            }
            _ => {
                let value: Value = input.parse()?;
                if name.is("action") {
                    filled(&name, &value)?;
                    self.action = Some(value.clone());
                }
                if name.is("category") {
                    self.category = value.text().cloned();
                }
                self.fields.push(Field::new(name, &value));
            }
        }
        Ok(())
    }

    /// Refuses a key that is none, and says what may have been meant.
    fn check(&self, name: &Name) -> Result<()> {
        let text = &*name.text;
        let message = match name.bare() {
            "skip" | "skip_all" => {
                format!("`{text}` has no place here: no argument is recorded unless something names it")
            }
            "err" | "ret" => {
                format!(
                    "`{text}` has no place here: how a call ends is always recorded, and what it returns never is"
                )
            }
            "event" | "event.name" | "event_name" | "event_type" => {
                format!("the record is called by `name = \"…\"`, not `{text}`")
            }
            found if FOUND.contains(&found) => format!(
                "`{text}` is found out by the macro itself: `denied = |error| …` says which errors are refusals, and \
                 `tracing::Span::current().record(\"outcome\", …)` in the body states another outcome"
            ),
            _ if KEYS.contains(&text) || is_core(text) => return Ok(()),
            _ if is_astray(text) => return Err(astray(name)),
            _ => match nearest(text, KEYS.into_iter().chain(NAMES.iter().copied())) {
                Some(near) => format!(
                    "there is no key `{text}`: did you mean `{near}`? A field of your own goes into `fields({text} = …)`"
                ),
                None => {
                    format!("there is no key `{text}`: a field of your own goes into `fields({text} = …)`")
                }
            },
        };
        Err(Error::new(name.span, message))
    }

    fn changed(&mut self, name: &Name, input: ParseStream<'_>) -> Result<()> {
        let field = Name::made("changed_fields", name.span);
        if name.is("changed") {
            self.once(&field)?;
        }
        let value: Value = input.parse()?;
        if matches!(value.expr, Expr::Closure(_)) && value.form == Form::Found {
            self.fields.push(Field::empty(field));
            self.changed = Some(Changed::After(value.expr));
        } else {
            self.fields.push(Field::new(field, &value));
            self.changed = Some(Changed::Before);
        }
        Ok(())
    }

    /// The application's own fields: as those of `#[instrument]`.
    fn fields(&mut self, name: &Name, input: ParseStream<'_>) -> Result<()> {
        if !input.peek(token::Paren) {
            return Err(Error::new(
                name.span,
                "fields are listed in parentheses: `fields(size = len, kind = %kind)`",
            ));
        }
        let inside;
        parenthesized!(inside in input);
        while !inside.is_empty() {
            let form = Form::parse(&inside)?;
            let name: Name = inside.parse()?;
            if FOUND.contains(&name.bare()) {
                self.check(&name)?;
            }
            if is_astray(&name.text) {
                return Err(astray(&name));
            }
            self.once(&name)?;
            let field = if inside.peek(Token![=]) && form == Form::Found {
                inside.parse::<Token![=]>()?;
                Field::new(name, &inside.parse()?)
            } else if form == Form::Found {
                Field::empty(name)
            } else {
                let expr = syn::parse2(quote!(#name))?;
                Field::new(name, &Value { form, expr })
            };
            self.fields.push(field);
            if !inside.is_empty() {
                inside.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }
}

/// A type, or several in brackets.
fn types(name: &Name, input: ParseStream<'_>) -> Result<Vec<Type>> {
    if !input.peek(token::Bracket) {
        return Ok(vec![input.parse()?]);
    }
    let inside;
    bracketed!(inside in input);
    let types = Punctuated::<Type, Token![,]>::parse_terminated(&inside)?;
    match types.is_empty() {
        true => Err(Error::new(
            name.span,
            "`errors` names no type: `errors = [Refused]`",
        )),
        false => Ok(types.into_iter().collect()),
    }
}

/// An error for a name that can only be meant for a place of the record, and is none.
pub(crate) fn astray(name: &Name) -> Error {
    let text = &name.text;
    let hint = match nearest(text, NAMES.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match beside(text) {
            beside if beside.is_empty() => "docs/fields.md lists them".to_owned(),
            beside => format!("there are `{}`", beside.join("`, `")),
        },
    };
    Error::new(
        name.span,
        format!("a record has no place called `{text}`: {hint}"),
    )
}

/// The text that a key must have, where a program must be able to name it.
pub(crate) fn text(name: &Name, input: ParseStream<'_>) -> Result<LitStr> {
    let text: LitStr = input
        .parse()
        .map_err(|error| Error::new(error.span(), format!("`{}` is a text in quotes", name.text)))?;
    if text.value().trim().is_empty() {
        return Err(Error::new(text.span(), format!("`{}` is empty", name.text)));
    }
    Ok(text)
}

/// Refuses an empty text.
pub(crate) fn filled(name: &Name, value: &Value) -> Result<()> {
    match value.text() {
        Some(text) if text.value().trim().is_empty() => {
            Err(Error::new(text.span(), format!("`{}` is empty", name.text)))
        }
        _ => Ok(()),
    }
}
