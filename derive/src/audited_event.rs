//! `audit!`: one event in the vocabulary of the record, or an event of a type.

use std::collections::HashSet;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Expr, Ident, LitStr, Result, Token};

use crate::audited_args::{astray, filled, text};
use crate::audited_names::is_astray;
use crate::audited_value::{
    Field, Form, Name, Value, check_outcome, forms_of_values, level, resource, support,
};

/// What `audit!(…)` was given.
enum Given {
    /// An event of a type.
    Typed(Expr),
    Fields(Box<Event>),
}

struct Event {
    name: Option<LitStr>,
    target: TokenStream,
    level: TokenStream,
    parent: Option<Expr>,
    fields: Vec<Field>,
    names: HashSet<String>,
    /// The message's format and arguments.
    message: Option<TokenStream>,
}

pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    if input.is_empty() {
        return Err(Error::new(
            Span::call_site(),
            "nothing is said: `audit!(action = \"document.delete\", resource = (\"document\", id), outcome = \"success\")`, \
             or an event of a type: `audit!(event)`",
        ));
    }
    match syn::parse2(input)? {
        Given::Typed(event) => {
            let support = support();
            Ok(quote!({
                use #support::Typed as _;
                (#event).audit_record()
            }))
        }
        Given::Fields(event) => Ok(event.tokens()),
    }
}

/// Whether a name with a value, or a field by its sigil, stands here.
fn is_item(input: ParseStream<'_>) -> bool {
    if input.peek(Token![%]) || input.peek(Token![?]) {
        return true;
    }
    let ahead = input.fork();
    ahead.parse::<Name>().is_ok()
        && ahead.peek(Token![=])
        && !ahead.peek(Token![==])
        && !ahead.peek(Token![=>])
}

impl Parse for Given {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !is_item(input) && !input.peek(LitStr) {
            let ahead = input.fork();
            let is_alone = ahead.parse::<Expr>().is_ok() && (ahead.is_empty() || is_last_comma(&ahead));
            if is_alone {
                let event = input.parse()?;
                input.parse::<Option<Token![,]>>()?;
                return Ok(Self::Typed(event));
            }
        }
        Event::parse(input).map(|event| Self::Fields(Box::new(event)))
    }
}

fn is_last_comma(input: ParseStream<'_>) -> bool {
    input.parse::<Token![,]>().is_ok() && input.is_empty()
}

impl Event {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let support = support();
        let mut event = Self {
            name: None,
            target: quote!("audit"),
            level: quote!(#support::tracing::Level::INFO),
            parent: None,
            fields: Vec::new(),
            names: HashSet::new(),
            message: None,
        };
        while !input.is_empty() {
            if input.peek(LitStr) {
                event.message = Some(input.parse()?);
                break;
            }
            event.item(input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if event.is_nameless() {
            return Err(Error::new(
                Span::call_site(),
                "what was done is not said: begin with `action = \"document.delete\"`",
            ));
        }
        Ok(event)
    }

    fn is_nameless(&self) -> bool {
        let named = ["action", "event", "event.name", "event_name", "event_type"];
        self.name.is_none() && !named.into_iter().any(|name| self.names.contains(name))
    }

    fn take(&mut self, field: Field) -> Result<()> {
        if !self.names.insert(field.name.bare().to_owned()) {
            return Err(Error::new(
                field.name.span,
                format!("`{}` is given twice", field.name.text),
            ));
        }
        self.fields.push(field);
        Ok(())
    }

    fn item(&mut self, input: ParseStream<'_>) -> Result<()> {
        let form = Form::parse(input)?;
        if form != Form::Found || !is_item(input) {
            return self.variable(form, input);
        }
        let name: Name = input.parse()?;
        if is_astray(&name.text) {
            return Err(astray(&name));
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
            "resource" => {
                for field in resource(&name, input)? {
                    self.take(field)?;
                }
            }
            "actor" => {
                let value = input.parse()?;
                self.take(Field::new(Name::made("actor.id", name.span), &value))?;
            }
            "changed" => {
                let value = input.parse()?;
                self.take(Field::new(Name::made("changed_fields", name.span), &value))?;
            }
            _ => {
                let value: Value = input.parse()?;
                if name.is("outcome") {
                    check_outcome(&value)?;
                }
                if name.is("action") {
                    filled(&name, &value)?;
                    if self.name.is_none() {
                        self.name = value.text().cloned();
                    }
                }
                self.take(Field::new(name, &value))?;
            }
        }
        Ok(())
    }

    /// A variable that gives a field its name and its value.
    fn variable(&mut self, form: Form, input: ParseStream<'_>) -> Result<()> {
        let wrong = |span| {
            Error::new(
                span,
                "expected `name = value`, a variable such as `id` or `%id`, or the message, which comes last",
            )
        };
        if !input.peek(Ident::peek_any) {
            return Err(wrong(input.span()));
        }
        let begin = input.span();
        let name: Name = input.parse()?;
        if !(input.is_empty() || input.peek(Token![,])) {
            let next = input.cursor().token_tree().map(|(next, _)| next);
            return Err(wrong(next.as_ref().map_or(begin, TokenTree::span)));
        }
        let expr = syn::parse2(quote!(#name))?;
        self.take(Field::new(name, &Value { form, expr }))
    }

    fn tokens(&self) -> TokenStream {
        let support = support();
        let Self {
            target,
            level,
            fields,
            ..
        } = self;
        let forms = forms_of_values();
        let name = self.name.iter().map(|name| quote!(name: #name,));
        let parent = self.parent.iter().map(|parent| quote!(parent: #parent,));
        // In braces, and behind the message: a name with a dot may not come first otherwise.
        let message = self
            .message
            .iter()
            .map(|message| quote!(message = ::core::format_args!(#message),));
        quote!({
            #forms
            #support::tracing::event!(#(#name)* target: #target, #(#parent)* #level, { #(#message)* #(#fields)* })
        })
    }
}
