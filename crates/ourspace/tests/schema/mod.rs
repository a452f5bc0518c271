//! Holds answers to the schemas in `spec/schemas`, as far as these use JSON Schema.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{fs, path::Path};

use serde_json::{Map, Value};

/// Panics unless `value` is what `spec/schemas/NAME.json` says.
pub(crate) fn holds(name: &str, value: &Value) {
    check(&schema(name), value, name);
}

fn schema(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/schemas");
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn check(schema: &Value, value: &Value, at: &str) {
    let schema = schema.as_object().unwrap();
    check_keywords(schema, at);
    if let Some(other) = schema.get("$ref") {
        let name = other.as_str().unwrap();
        let name = name.strip_prefix("urn:ourspace:schema:").unwrap();
        return check(&self::schema(name), value, at);
    }
    if let Some(allowed) = schema.get("enum") {
        assert!(allowed.as_array().unwrap().contains(value), "{at}: {value}");
    }
    if let Some(wanted) = schema.get("type") {
        let kind = kind(value);
        let one = wanted == kind;
        let some = wanted
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == kind));
        assert!(one || some, "{at}: {kind}, not {wanted}");
    }
    if let (Some(object), Some(properties)) = (value.as_object(), schema.get("properties")) {
        let properties = properties.as_object().unwrap();
        for (name, value) in object {
            let inner = properties
                .get(name)
                .unwrap_or_else(|| panic!("{at}: {name} is not in the schema"));
            check(inner, value, &format!("{at}.{name}"));
        }
    }
    if let (Some(object), Some(required)) = (value.as_object(), schema.get("required")) {
        for name in required.as_array().unwrap() {
            assert!(object.contains_key(name.as_str().unwrap()), "{at}: {name}");
        }
    }
    if let (Some(list), Some(true)) = (
        value.as_array(),
        schema.get("uniqueItems").and_then(Value::as_bool),
    ) {
        let twice = |(at, one): (usize, &Value)| list.iter().skip(at + 1).any(|other| other == one);
        assert!(!list.iter().enumerate().any(twice), "{at}: {value}");
    }
    if let (Some(list), Some(items)) = (value.as_array(), schema.get("items")) {
        list.iter()
            .for_each(|value| check(items, value, &format!("{at}[]")));
    }
}

/// A keyword that is not looked at here would hold nothing.
fn check_keywords(schema: &Map<String, Value>, at: &str) {
    const KNOWN: [&str; 16] = [
        "$schema",
        "$id",
        "$ref",
        "title",
        "description",
        "type",
        "additionalProperties",
        "required",
        "properties",
        "items",
        "enum",
        "pattern",
        "format",
        "minimum",
        "maxItems",
        "uniqueItems",
    ];
    for keyword in schema.keys() {
        assert!(KNOWN.contains(&keyword.as_str()), "{at}: {keyword}");
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
