//! The fixtures of `tests/seeds/`: what each of the five documents declares, type by type.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

/// The number of each document, and the profile that has its words.
pub(crate) const SYSTEMS: [(&str, &str); 5] = [
    ("000", "flynn"),
    ("001", "denkeeper"),
    ("002", "code_executor"),
    ("003", "aaasm"),
    ("004", "dpa"),
];

/// A type that a document declares.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) system: String,
    pub(crate) name: String,
    /// `vocabulary`, `record`, `payload`, `config`, `query`, `result`, `fragment`, `interface`, `emitter` or `store`.
    pub(crate) kind: String,
    pub(crate) literals: Vec<String>,
    /// The event types whose payload it is.
    pub(crate) events: Vec<String>,
    pub(crate) fields: Vec<Field>,
    pub(crate) methods: Vec<String>,
}

/// A field of such a type.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) is_optional: bool,
    pub(crate) literals: Vec<String>,
    /// The fields of a type without a name that is written in place.
    pub(crate) fields: Vec<Field>,
}

impl Declared {
    /// The paths of the fields that hold values: `levels.tools`, not `levels`.
    pub(crate) fn leaves(&self) -> Vec<String> {
        leaves("", &self.fields)
    }
}

fn leaves(prefix: &str, fields: &[Field]) -> Vec<String> {
    let leaf = |field: &Field| match field.fields.as_slice() {
        [] => vec![format!("{prefix}{}", field.name)],
        inner => leaves(&format!("{prefix}{}.", field.name), inner),
    };
    fields.iter().flat_map(leaf).collect()
}

/// Every type of one document.
pub(crate) fn of(system: &str) -> Vec<Declared> {
    let number = SYSTEMS.iter().find(|(_, name)| *name == system);
    let (number, _) = number.expect("one of the five");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/seeds/{number}.json"));
    let document: Json = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(document["system"], system);
    let types = document["types"].as_array().unwrap();
    types.iter().map(|ty| declared(system, ty)).collect()
}

/// The type of this name in one document.
pub(crate) fn named(system: &str, name: &str) -> Declared {
    let found = of(system).into_iter().find(|ty| ty.name == name);
    found.unwrap_or_else(|| panic!("{system} declares no {name}"))
}

fn declared(system: &str, ty: &Json) -> Declared {
    let methods = ty["methods"].as_array().into_iter().flatten();
    Declared {
        system: system.to_owned(),
        name: text(&ty["type"]),
        kind: text(&ty["kind"]),
        literals: texts(&ty["literals"]),
        events: texts(&ty["events"]),
        fields: fields(&ty["fields"]),
        methods: methods.map(|method| text(&method["method"])).collect(),
    }
}

fn fields(json: &Json) -> Vec<Field> {
    let members = json.as_array().into_iter().flatten();
    members
        .map(|field| Field {
            name: text(&field["field"]),
            is_optional: field["optional"].as_bool().unwrap(),
            literals: texts(&field["literals"]),
            fields: fields(&field["fields"]),
        })
        .collect()
}

fn text(json: &Json) -> String {
    json.as_str().unwrap().to_owned()
}

fn texts(json: &Json) -> Vec<String> {
    json.as_array().into_iter().flatten().map(text).collect()
}
