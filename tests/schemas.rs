//! The schemas in `schemas/` are those of the language. `UPDATE_SCHEMAS=1 cargo test --test schemas` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use engine::parse::{Kind, schema};

#[test]
fn the_schemas_on_disk_are_those_of_the_language() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut stale = Vec::new();
    for kind in Kind::ALL {
        let path = folder.join(format!("{}.schema.json", kind.as_str()));
        let text = serde_json::to_string_pretty(&schema::schema(kind)).unwrap() + "\n";
        if fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, text).unwrap();
        } else {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "stale: {stale:?}; run `UPDATE_SCHEMAS=1 cargo test --test schemas`");
}

#[test]
fn every_schema_is_one() {
    for kind in Kind::ALL {
        let schema = schema::schema(kind);
        assert!(jsonschema::meta::is_valid(&schema), "{}", kind.as_str());
    }
}
