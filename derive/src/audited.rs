//! `#[audited]`: a function whose calls are records that know how they ended.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut};
use syn::{
    AttrStyle, Attribute, Block, Error, Expr, GenericArgument, Item, PathArguments, Result, ReturnType,
    Signature, Stmt, Token, Type, TypeParamBound, Visibility, braced, parse_quote,
};

use crate::audited_args::{Args, Changed};
use crate::audited_value::{Field, Name, forms_of_values, support};

/// A function, or a method, with a body.
struct Function {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    block: Block,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let what = "`#[audited]` stands on a function or a method: a call is what is recorded";
        let begin = input.span();
        let signature: Signature = input.parse().map_err(|error| {
            let mut said = Error::new(begin, what);
            said.combine(error);
            // What is no function at all needs only one sentence.
            if begin
                .source_text()
                .is_some_and(|text| matches!(&*text, "struct" | "enum" | "trait" | "impl" | "mod"))
            {
                Error::new(begin, what)
            } else {
                said
            }
        })?;
        if input.peek(Token![;]) {
            return Err(Error::new(
                signature.ident.span(),
                "this method has no body that could be recorded: put `#[audited]` on the implementations",
            ));
        }
        let inside;
        let brace_token = braced!(inside in input);
        // Those that stand inside of the body are about the function as well.
        for mut inner in inside.call(Attribute::parse_inner)? {
            inner.style = AttrStyle::Outer;
            attributes.push(inner);
        }
        let stmts = inside.call(Block::parse_within)?;
        Ok(Self {
            attributes,
            visibility,
            signature,
            block: Block { brace_token, stmts },
        })
    }
}

/// The function, each call of which is a record.
pub(crate) fn expand(arguments: TokenStream, function: TokenStream) -> Result<TokenStream> {
    let args: Args = syn::parse2(arguments)?;
    let Function {
        attributes,
        visibility,
        signature,
        block,
    } = syn::parse2(function)?;
    check(&args, &attributes, &signature)?;
    let ends = match tail(&block) {
        Some(tail) if signature.asyncness.is_none() => {
            no_other_end(&block)?;
            let statements = delayed(&args, &signature, &block, tail);
            quote!({ #statements })
        }
        _ if signature.asyncness.is_some() => {
            let body = awaited(&args, &signature, returned(&signature.output), &block);
            quote!({ #body })
        }
        _ if future(&signature.output).is_some() => {
            return Err(Error::new(
                returned(&signature.output).map_or_else(Span::call_site, Type::span),
                "the end of this future cannot be seen from here: make it an `async fn`, or let the body end with \
                 `async move { … }` or `Box::pin(async move { … })`",
            ));
        }
        _ => called(&args, &signature, &block),
    };
    Ok(quote! {
        #(#attributes)*
        #visibility #signature #ends
    })
}

/// Refuses what cannot be recorded.
fn check(args: &Args, attributes: &[Attribute], signature: &Signature) -> Result<()> {
    if let Some(constness) = &signature.constness {
        return Err(Error::new(
            constness.span(),
            "a `const fn` may run in the compiler, where nobody can record it",
        ));
    }
    if let Some((key, span)) = args.asks_errors()
        && matches!(signature.output, ReturnType::Default)
    {
        let message = format!(
            "`{key}` is about an error, and this function returns none: let it return a `Result`, or leave `{key}` out"
        );
        return Err(Error::new(span, message));
    }
    let twice = attributes.iter().find(|attribute| {
        let path = attribute.path().segments.last();
        let instruments = path.is_some_and(|last| {
            last.ident == "instrument" || last.ident == "sensitive_instrument" || last.ident == "audited"
        });
        let text = attribute.meta.to_token_stream().to_string().replace(' ', "");
        let records = ["target=\"audit\"", "target=\"audit::"];
        let records = records.into_iter().any(|target| text.contains(target));
        instruments && (records || path.is_some_and(|last| last.ident == "audited"))
    });
    match twice {
        Some(attribute) => Err(Error::new(
            attribute.span(),
            "each call of this function would be two records: leave this attribute out, or give it another target",
        )),
        None => Ok(()),
    }
}

fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The span that stands for a call.
fn span(args: &Args, signature: &Signature) -> TokenStream {
    let support = support();
    let Args {
        target,
        level,
        fields,
        ..
    } = args;
    let name = args.span_name(&signature.ident.to_string());
    let parent = args.parent.iter().map(|parent| quote!(parent: #parent,));
    // First the names without dots, and these very first: they are looked up by name when the call ends.
    let can_fail = !matches!(signature.output, ReturnType::Default);
    let mut found = vec!["outcome"];
    found.extend((!args.has("reason_code")).then_some("reason_code"));
    found.extend(can_fail.then_some(["error", "error.code"]).into_iter().flatten());
    let found = found
        .into_iter()
        .map(|name| Field::empty(Name::made(name, Span::call_site())));
    let forms = forms_of_values();
    quote!({
        #forms
        #support::tracing::span!(target: #target, #(#parent)* #level, #name, #(#found)* #(#fields)*)
    })
}

/// Looks for an error of the named types, where the error's own says nothing.
fn found(args: &Args, error: &Ident) -> Option<TokenStream> {
    let support = support();
    args.errors.as_ref().map(|(span, types)| {
        let types = types
            .iter()
            .map(|ty| quote_spanned!(ty.span()=> #support::of_type::<#ty>));
        quote_spanned! {*span=>
            .or_else(|| #support::found((&&&&#support::probe::Probe(#error)).audit_error(), &[#(#types),*]))
        }
    })
}

/// What is done once a call has returned `out`.
fn conclude(args: &Args, can_fail: bool, call: &Ident, out: &Ident) -> TokenStream {
    let support = support();
    let (value, error, names) = (local("value"), local("error"), local("names"));
    let changed = match &args.changed {
        Some(Changed::After(closure)) => {
            let forms = forms_of_values();
            Some(quote! {{
                #forms
                let #names = #support::changed(#value, #closure);
                #call.changed(&(&&&&#support::probe::Probe(&#names)).audit_names());
            }})
        }
        _ => None,
    };
    if !can_fail {
        return quote! {
            if #call.is_heard() {
                let #value = &#out;
                #changed
                #call.returned();
            }
        };
    }
    let end = match args.asks_errors() {
        Some((_, span)) => quote_spanned!(span=> (&&#support::probe::Probe(&#out)).audit_failure()),
        None => quote!((&&&#support::probe::Probe(&#out)).audit_end()),
    };
    let denied = match &args.denied {
        Some((_, denied)) => quote_spanned!(denied.span()=> #support::is_denied(#error, #denied)),
        None => quote!(false),
    };
    let found = found(args, &error);
    let forms = forms_of_values();
    quote! {
        if #call.is_heard() {
            #forms
            #[allow(unused_imports)]
            use #support::probe::{
                AnError as _, ByFuture as _, ByResult as _, ByReturn as _, Fallibly as _, HeldError as _, HeldSendError as _,
                HeldSyncError as _, Infallibly as _, NoError as _, Says as _, SaysNothing as _,
            };
            match #end {
                #support::probe::End::Returned(#value) => {
                    #changed
                    #call.returned();
                }
                #support::probe::End::Failed(#error) => #call.failed(
                    &(&&&&&&&#support::probe::Probe(#error)).audit_message(),
                    (&&#support::probe::Probe(#error)).audit_says()#found,
                    #denied,
                ),
                #support::probe::End::LeftOpen => #call.left_open(),
            }
        }
    }
}

/// Lints that are the macro's business and nobody else's.
fn allowed() -> TokenStream {
    quote! {
        #[allow(
            unknown_lints,
            unreachable_code,
            unreachable_patterns,
            unused_variables,
            clippy::diverging_sub_expression,
            clippy::empty_loop,
            clippy::let_unit_value,
            clippy::let_with_type_underscore,
            clippy::needless_return,
            clippy::redundant_closure_call,
            clippy::redundant_async_block,
            clippy::unit_arg,
            clippy::used_underscore_binding
        )]
    }
}

/// The body in braces that are ours: those of the function would be superfluous where they now stand.
fn braces(block: &Block) -> TokenStream {
    let (span, statements) = (block.brace_token.span.join(), &block.stmts);
    quote_spanned!(span.resolved_at(Span::call_site())=> { #(#statements)* })
}

/// The body as a block whose type is known before anything in it is: what `?` turns an error into depends on it.
fn typed(block: &Block, output: Option<&Type>) -> TokenStream {
    let block = braces(block);
    let Some(output) = output else {
        return block;
    };
    let mut output = output.clone();
    Unnamed.visit_type_mut(&mut output);
    let allowed = allowed();
    let value = local("value");
    let edge = quote_spanned! {output.span()=>
        #allowed
        if false {
            let #value: #output = loop {};
            return #value;
        }
    };
    quote!({ #edge #block })
}

/// Nobody can name the type that `impl Trait` stands for: it is left to the compiler.
struct Unnamed;

impl VisitMut for Unnamed {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(_) = ty {
            *ty = syn::parse_quote_spanned!(ty.span()=> _);
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }
}

/// The type that is returned; none where it is nothing at all, or nothing ever.
fn returned(output: &ReturnType) -> Option<&Type> {
    match output {
        ReturnType::Type(_, ty) if !matches!(**ty, Type::Never(_)) => Some(ty),
        _ => None,
    }
}

/// The body of a function that has returned when its call ends.
fn called(args: &Args, signature: &Signature, block: &Block) -> TokenStream {
    let support = support();
    let (call, out, inside) = (local("call"), local("out"), local("inside"));
    let (span, allowed) = (span(args, signature), allowed());
    let body = typed(block, returned(&signature.output));
    if let ReturnType::Type(_, never) = &signature.output
        && let Type::Never(_) = **never
    {
        return quote!({
            let #call = #support::Call::begin(#span);
            let #inside = #call.enter();
            #body
        });
    }
    let can_fail = !matches!(signature.output, ReturnType::Default);
    let conclude = conclude(args, can_fail, &call, &out);
    quote!({
        let mut #call = #support::Call::begin(#span);
        #[allow(clippy::let_unit_value)]
        let #out = {
            let #inside = #call.enter();
            #support::once(move || #body)
        };
        #allowed
        #conclude
        #out
    })
}

/// The body of an `async` block or function whose calls end when it does.
fn awaited(args: &Args, signature: &Signature, output: Option<&Type>, block: &Block) -> TokenStream {
    let support = support();
    let (call, out, body) = (local("call"), local("out"), local("body"));
    let (span, allowed) = (span(args, signature), allowed());
    let is_unit = signature.asyncness.is_some() && matches!(signature.output, ReturnType::Default);
    let begun = local("begun");
    if let (true, ReturnType::Type(_, never)) = (signature.asyncness.is_some(), &signature.output)
        && let Type::Never(_) = **never
    {
        let typed = typed(block, Some(&parse_quote!(::core::convert::Infallible)));
        return quote! {
            let #begun = #span;
            let #body = ::core::pin::pin!(::core::option::Option::Some(async move #typed));
            match #support::Running::new(#begun, #body).await.1 {}
        };
    }
    let typed = typed(block, output);
    let conclude = conclude(args, !is_unit, &call, &out);
    quote! {
        let #begun = #span;
        let #body = ::core::pin::pin!(::core::option::Option::Some(async move #typed));
        let (mut #call, #out) = #support::Running::new(#begun, #body).await;
        #allowed
        #conclude
        #out
    }
}

/// The statements of a function that returns a future: its last one, with the call in the place of its block.
fn delayed(args: &Args, signature: &Signature, block: &Block, tail: Tail<'_>) -> TokenStream {
    let before = block.stmts.split_last().map_or(&[][..], |(_, before)| before);
    let body = awaited(
        args,
        signature,
        future(&signature.output).flatten(),
        &tail.block.block,
    );
    let (attributes, capture) = (&tail.block.attrs, &tail.block.capture);
    let future = quote!(#(#attributes)* async #capture { #body });
    match tail.pin {
        Some(pin) => quote!(#(#before)* #pin(#future)),
        None => quote!(#(#before)* #future),
    }
}

/// Refuses a function that may return another future than its last one, whose end nobody would see.
fn no_other_end(block: &Block) -> Result<()> {
    let mut returns = Returns(None);
    let before = block.stmts.split_last().map_or(&[][..], |(_, before)| before);
    before
        .iter()
        .for_each(|statement| returns.visit_stmt_mut(&mut statement.clone()));
    returns.0.map_or(Ok(()), |span| {
        Err(Error::new(
            span,
            "the end of the future that is returned here cannot be seen: make it an `async fn`, or return from inside of \
             the last `async move { … }`",
        ))
    })
}

/// Where the function itself returns; nobody else's `return` counts.
struct Returns(Option<Span>);

impl VisitMut for Returns {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Return(_) => self.0 = self.0.or(Some(expr.span())),
            Expr::Async(_) | Expr::Closure(_) => {}
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// The `async` block that a function ends with.
struct Tail<'b> {
    block: &'b syn::ExprAsync,
    /// What it is given to: `Box::pin`.
    pin: Option<&'b Expr>,
}

fn tail(block: &Block) -> Option<Tail<'_>> {
    let Some(Stmt::Expr(last, None)) = block.stmts.last() else {
        return None;
    };
    match last {
        Expr::Async(block) => Some(Tail { block, pin: None }),
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else {
                return None;
            };
            let mut ends = path.path.segments.iter().rev().map(|segment| &segment.ident);
            let pins =
                ends.next().is_some_and(|last| last == "pin") && ends.next().is_some_and(|of| of == "Box");
            match (call.args.first(), call.args.len()) {
                (Some(Expr::Async(block)), 1) if pins => Some(Tail {
                    block,
                    pin: Some(&call.func),
                }),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether the type is a future, and what that one returns, as far as the signature says it.
fn future(output: &ReturnType) -> Option<Option<&Type>> {
    let ty = returned(output)?;
    future_of(ty)
}

fn future_of(ty: &Type) -> Option<Option<&Type>> {
    match ty {
        Type::ImplTrait(of) => bounds(of.bounds.iter()),
        Type::TraitObject(of) => bounds(of.bounds.iter()),
        Type::Paren(of) => future_of(&of.elem),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let PathArguments::AngleBracketed(of) = &last.arguments else {
                return None;
            };
            let mut types = of.args.iter().filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            });
            match &*last.ident.to_string() {
                "Pin" | "Box" => types.next().and_then(future_of),
                "BoxFuture" | "LocalBoxFuture" => Some(types.next()),
                _ => None,
            }
        }
        _ => None,
    }
}

fn bounds<'b>(mut bounds: impl Iterator<Item = &'b TypeParamBound>) -> Option<Option<&'b Type>> {
    bounds.find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let last = bound.path.segments.last().filter(|last| last.ident == "Future")?;
        let PathArguments::AngleBracketed(of) = &last.arguments else {
            return Some(None);
        };
        Some(of.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(output) if output.ident == "Output" => Some(&output.ty),
            _ => None,
        }))
    })
}
