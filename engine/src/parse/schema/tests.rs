//! Tests of the schemas: which keywords they use, and that editors have something to show.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

/// The keywords that the walk of the tree knows, or that say nothing about what is allowed.
const KNOWN: [&str; 23] = [
    "$schema",
    "$defs",
    "$ref",
    "title",
    "description",
    "x-runwarden",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "items",
    "minItems",
    "minLength",
    "minimum",
    "maximum",
    "pattern",
    "enum",
    "const",
    "oneOf",
    "anyOf",
    "allOf",
    "default",
];

#[test]
fn the_schemas_use_only_keywords_that_are_checked() {
    fn walk(schema: &Value) {
        let Value::Object(members) = schema else { return };
        for (key, value) in members {
            assert!(KNOWN.contains(&key.as_str()) || key == "dependentRequired", "`{key}` in {schema}");
            match key.as_str() {
                "properties" | "$defs" | "patternProperties" => value.as_object().unwrap().values().for_each(walk),
                "oneOf" | "anyOf" => value.as_array().unwrap().iter().for_each(walk),
                // Each chooses a definition by the words of a map, and does nothing else.
                "allOf" => value.as_array().unwrap().iter().for_each(|choice| {
                    assert!(choice.as_object().unwrap().keys().eq(["if", "then"]), "{choice}");
                    assert!(choice["then"]["$ref"].is_string(), "{choice}");
                }),
                "items" | "additionalProperties" => walk(value),
                _ => {}
            }
        }
    }
    Kind::ALL.into_iter().for_each(|kind| walk(&schema(kind)));
}

#[test]
fn every_reference_leads_to_a_definition() {
    fn walk(root: &Value, schema: &Value) {
        match schema {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref") {
                    let name = reference.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    assert!(root["$defs"].get(name).is_some(), "{reference}");
                }
                members.values().for_each(|member| walk(root, member));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(root, item)),
            _ => {}
        }
    }
    for schema in Kind::ALL.into_iter().map(schema) {
        walk(&schema, &schema);
    }
}

#[test]
fn every_key_is_described_for_editors() {
    fn walk(schema: &Value) {
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for (key, property) in properties {
                assert!(property.get("description").is_some() || property.get("$ref").is_some(), "{key}: {property}");
            }
        }
        match schema {
            Value::Object(members) => members.iter().filter(|(key, _)| *key != "if").for_each(|(_, value)| walk(value)),
            Value::Array(items) => items.iter().for_each(walk),
            _ => {}
        }
    }
    Kind::ALL.into_iter().for_each(|kind| walk(&schema(kind)));
}

#[test]
fn maps_of_the_language_take_extension_keys_and_maps_of_names_do_not() {
    let procedure = schema(Kind::Procedure);
    assert_eq!(procedure["patternProperties"]["^x-"], true);
    assert_eq!(procedure["$defs"]["Step"]["patternProperties"]["^x-"], true);
    assert!(procedure["properties"]["parameters"]["patternProperties"].get("^x-").is_none());
}
