//! Where the values of an event's fields go: the attributes of its fields.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned as _;
use syn::{Error, Ident, LitStr, Result, Type};

use crate::event::{audit, doc};
use crate::expand::all;
use crate::field::{Read, Said, knows, unknown};

/// A field of an event.
pub(crate) struct Field<'i> {
    pub(crate) name: &'i Ident,
    pub(crate) ty: &'i Type,
    /// `None` where the field is left out.
    pub(crate) place: Option<Place>,
    said: Said,
    doc: String,
}

/// Where a value goes.
pub(crate) struct Place {
    kind: Kind,
    key: LitStr,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Slot,
    Detail,
    Attribute,
    Label,
    Hash,
    /// A member of a struct inside an event.
    Key,
}

/// The kinds of place: the attribute's word, the beginning of the path, that of the name in `tracing`.
const KINDS: &[(Kind, &str, &str, &str)] = &[
    (Kind::Slot, "slot", "", ""),
    (Kind::Detail, "detail", "detail.", "detail."),
    (Kind::Attribute, "attribute", "attributes.", ""),
    (Kind::Label, "label", "labels.", "label."),
    (Kind::Hash, "hash", "hashes.", "hash."),
    (Kind::Key, "key", "", ""),
];

/// The remedies for a field without a place.
const REMEDY: &str = "write #[audit(…)] with slot = \"actor.id\", detail = \"tool.name\", attribute = \"x\", label = \"x\" or \
                      hash = \"x\" beside its class, or skip";

/// Reads the fields of an event.
pub(crate) fn fields<'i>(fields: &[&'i syn::Field], of: Of) -> Result<Vec<Field<'i>>> {
    let fields = all(fields.iter().map(|field| one(field, of)))?;
    let paths = || fields.iter().filter_map(|field| field.place.as_ref());
    let conflicts = paths().enumerate().map(|(at, place)| {
        let conflict = paths().take(at).find_map(|other| {
            let (own, other) = (place.path(), other.path());
            let is_inside = |inner: &str, outer: &str| {
                inner
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.starts_with('.'))
            };
            match () {
                () if own == other => Some(format!("another field goes to `{other}` already")),
                () if is_inside(&own, &other) || is_inside(&other, &own) => Some(format!(
                    "`{own}` and `{other}` cannot both hold a value: one stands inside the other"
                )),
                () => None,
            }
        });
        conflict.map_or(Ok(()), |message| Err(Error::new(place.key.span(), message)))
    });
    all(conflicts)?;
    Ok(fields)
}

/// What the fields are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Event,
    Part,
}

/// The error for a word that is neither a class nor a place here.
fn misplaced(meta: &ParseNestedMeta<'_>, of: Of) -> Error {
    let is_elsewhere = KINDS.iter().any(|(_, word, ..)| meta.path.is_ident(word));
    match of {
        Of::Event if is_elsewhere => meta.error(format!("`key` is for the fields of a part: {REMEDY}")),
        Of::Part if is_elsewhere => meta.error(
            "a field of a part stands inside the part, under its name or `key = \"…\"`: leave its place out",
        ),
        Of::Event => {
            let places = KINDS.iter().filter(|(kind, ..)| *kind != Kind::Key);
            let places: Vec<_> = places.map(|(_, word, ..)| *word).collect();
            unknown(meta, &places)
        }
        Of::Part => unknown(meta, &[]),
    }
}

fn one(field: &syn::Field, of: Of) -> Result<Field<'_>> {
    let Some(name) = &field.ident else {
        return Err(Error::new(field.span(), "the fields of an event have names"));
    };
    let mut read = Read::default();
    let mut place: Option<Place> = None;
    for attribute in audit(&field.attrs) {
        attribute.parse_nested_meta(|meta| {
            let known = KINDS.iter().find(|(kind, word, ..)| {
                meta.path.is_ident(word) && (*kind == Kind::Key) == (of == Of::Part)
            });
            let Some((kind, ..)) = known else {
                return match knows(&meta) {
                    true => read.take(&meta),
                    false => Err(misplaced(&meta, of)),
                };
            };
            let key: LitStr = meta.value()?.parse()?;
            if place.is_some() {
                return Err(Error::new(key.span(), "a field has one place"));
            }
            checked(*kind, &key)?;
            place = Some(Place { kind: *kind, key });
            Ok(())
        })?;
    }
    let said = read.end(field)?;
    if of == Of::Part && place.is_none() && !matches!(said, Said::Skip) {
        let key = name.to_string();
        let key = LitStr::new(key.trim_start_matches("r#"), name.span());
        place = Some(Place { kind: Kind::Key, key });
    }
    match (&place, &said) {
        (Some(place), Said::Skip) => {
            let message = "a field that is left out has no place";
            return Err(Error::new(place.key.span(), message));
        }
        (Some(place), Said::Nested) if !matches!(place.kind, Kind::Detail | Kind::Key) => {
            let message =
                "a struct with classes of its own stands inside `detail`: write detail = \"…\", nested";
            return Err(Error::new(place.key.span(), message));
        }
        (None, Said::Skip) | (Some(_), _) => {}
        (None, _) => {
            let message = format!("nothing says where `{name}` goes: {REMEDY}");
            return Err(Error::new(field.span(), message));
        }
    }
    Ok(Field {
        name,
        ty: &field.ty,
        place,
        said,
        doc: doc(&field.attrs),
    })
}

/// Refuses a key that a place cannot have.
fn checked(kind: Kind, key: &LitStr) -> Result<()> {
    let text = key.value();
    let is_word = |word: &str| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        !word.is_empty() && word.bytes().all(allowed)
    };
    let is_good = match kind {
        Kind::Slot => true,
        Kind::Key => is_word(&text) && text.len() <= 100,
        Kind::Detail => text.len() <= 200 && text.split('.').count() <= 15 && text.split('.').all(is_word),
        _ => !text.is_empty() && text.len() <= 200 && !text.contains(char::is_control),
    };
    if is_good {
        return Ok(());
    }
    let message = match kind {
        Kind::Detail => format!(
            "`{text}` is no place inside `detail`: write words of lower-case letters, digits and `_`, with dots between \
             them, such as \"tool.name\""
        ),
        Kind::Key => format!("`{text}` is no key: write lower-case letters, digits and `_`"),
        _ => format!("`{text}` is no key: write 1 to 200 bytes"),
    };
    Err(Error::new(key.span(), message))
}

impl Place {
    fn prefixed(
        &self,
        by: impl Fn(&(Kind, &'static str, &'static str, &'static str)) -> &'static str,
    ) -> String {
        let kind = KINDS.iter().find(|(kind, ..)| *kind == self.kind);
        format!("{}{}", kind.map_or("", by), self.key.value())
    }

    pub(crate) fn path(&self) -> String {
        self.prefixed(|kind| kind.2)
    }
}

impl Field<'_> {
    /// Whether the field fills this slot.
    pub(crate) fn fills(&self, slot: &str) -> bool {
        let place = self.place.as_ref();
        place.is_some_and(|place| place.kind == Kind::Slot && place.key.value() == slot)
    }

    /// What other layers call the field.
    pub(crate) fn shown(&self) -> String {
        self.place
            .as_ref()
            .map_or_else(String::new, |place| place.prefixed(|kind| kind.3))
    }

    /// What the field is, as an expression.
    pub(crate) fn meta(&self) -> TokenStream {
        let name = self.name.to_string();
        let name = name.trim_start_matches("r#");
        let (ty, path, doc) = (self.ty, self.place.as_ref().map(Place::path), &self.doc);
        let class = self.class();
        let more = match &self.said {
            Said::Class {
                action: Some(action), ..
            } => quote!(.action(#action)),
            Said::Nested => {
                quote_spanned!(self.ty.span()=> .parts(::tracing_audit::__event::parts_of::<#ty>()))
            }
            _ => quote!(),
        };
        let is_slot = self.place.as_ref().is_some_and(|place| place.kind == Kind::Slot);
        let path = match is_slot {
            true => quote_spanned!(self.ty.span()=> ::tracing_audit::__event::slot_for::<#ty>(#path)),
            false => quote!(#path),
        };
        quote_spanned! {self.ty.span()=>
            ::tracing_audit::record::FieldMeta::new::<#ty>(
                #name,
                #path,
                ::tracing_audit::__event::class_of::<#ty>(#class),
            )
            .doc(#doc)
            #more
        }
    }

    /// The class that is said of the field, as an expression.
    fn class(&self) -> TokenStream {
        let (kind, label) = match &self.said {
            Said::Class { class, .. } => (class.word, class.label.as_str()),
            Said::Nested => ("internal", ""),
            Said::Typed | Said::Skip => ("unclassified", ""),
        };
        quote!(::tracing_audit::record::FieldClass::new(#kind, #label))
    }

    /// What must hold for a field that is of one class as a whole, as a statement for where its type can be named.
    pub(crate) fn whole(&self) -> Option<TokenStream> {
        let Said::Class { .. } = self.said else {
            return None;
        };
        let (ty, class) = (self.ty, self.class());
        Some(quote_spanned!(self.ty.span()=> ::tracing_audit::__event::whole::<#ty>(#class);))
    }

    /// What must hold for the field, checked where the compiler knows it.
    pub(crate) fn check(&self) -> Option<TokenStream> {
        let place = self.place.as_ref().filter(|place| place.kind == Kind::Slot)?;
        let key = &place.key;
        let message = format!(
            "`{}` is no slot that a field can fill: docs/fields.md lists them; what is particular to the event goes to \
             detail = \"…\", anything else to attribute = \"…\"",
            key.value()
        );
        Some(quote_spanned! {key.span()=>
            const _: () = ::core::assert!(::tracing_audit::__event::is_slot(#key), #message);
        })
    }
}
