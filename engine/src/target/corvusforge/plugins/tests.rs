//! Registries as Corvusforge 0.4 writes them, and what must not be taken for one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use super::{Error, Registry, manifest, manifest_hash};

/// Two plugins, spelled as Python's `json.dumps(…, indent=2, sort_keys=True)` spells them.
const REGISTRY: &str = r#"{
  "a": {
    "author": "caf\u00e9",
    "description": "",
    "enabled": true,
    "entry_point": "a:A",
    "installed_at": "2026-02-26T12:01:00.000001Z",
    "kind": "sink",
    "metadata": {},
    "name": "a",
    "plugin_id": "plg-000000000001",
    "signature": "",
    "verified": false,
    "version": "1.0.0"
  },
  "b": {
    "author": "x",
    "description": "kept",
    "enabled": true,
    "entry_point": "b:B",
    "installed_at": "2026-02-26T12:01:00Z",
    "kind": "reporter",
    "metadata": {
      "dependencies": [
        "requests>=2"
      ],
      "manifest_hash": "00",
      "weight": 1.5
    },
    "name": "b",
    "plugin_id": "plg-000000000002",
    "signature": "",
    "verified": false,
    "version": "1.0.0"
  }
}"#;

#[test]
fn what_is_written_is_what_was_read_to_the_byte() {
    assert_eq!(Registry::parse(REGISTRY.as_bytes()).unwrap().to_text(), REGISTRY);
}

#[test]
fn a_plugin_is_disabled_and_nothing_else_changes() {
    let mut registry = Registry::parse(REGISTRY.as_bytes()).unwrap();
    registry.disable("b").unwrap();
    let expected = REGISTRY.rsplitn(2, "\"enabled\": true").collect::<Vec<_>>();
    assert_eq!(registry.to_text(), format!("{}\"enabled\": false{}", expected[1], expected[0]));
    assert_eq!(registry.disable("c"), Err(Error::NoPlugin("c".to_owned())));
}

#[test]
fn a_removed_plugin_is_gone_and_the_other_stays() {
    let mut registry = Registry::parse(REGISTRY.as_bytes()).unwrap();
    registry.remove("a").unwrap();
    let names: Vec<String> = registry.plugins().unwrap().into_iter().map(|plugin| plugin.name).collect();
    assert_eq!(names, ["b"]);
    assert_eq!(registry.remove("a"), Err(Error::NoPlugin("a".to_owned())));
}

#[test]
fn what_is_no_registry_is_an_error_and_never_an_empty_one() {
    for (text, why) in [
        ("", "is no JSON"),
        ("[]", "is no object"),
        ("{\"a\": 1}", "that is no object"),
        ("{\"a\": {}}", "`enabled` is neither"),
        (&REGISTRY.replacen("\"a\": {", "\"z\": {", 1), "under the key"),
        (&REGISTRY.replacen("\"b\": {", "\"a\": {", 1), "more than once"),
        (&REGISTRY.replacen("\"1.0.0\"", "1", 1), "`version` is no text"),
    ] {
        let error = Registry::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(why), "{text:?}: {error}");
    }
    assert!(Registry::parse(b"\xff").is_err());
}

#[test]
fn the_manifest_leaves_the_signature_out_and_is_sorted() {
    // The digest is what Corvusforge 0.4.0 computed over a package of these two files.
    let files = BTreeMap::from(
        [
            ("plugin.py", "ec9ff29112fdd3ef8d0747648c220c242742e74ca9995d33868c59b8da0631ae"),
            ("manifest.json", "44177e3532f35060b7472827c009a3c15489b24132bcc82f86aa5fc2cc7c03cb"),
            ("signature.sig", "3d40dddcd75bb9af1d0685f2034695f92e3abeb7ef245125dabc418cfa2e0f56"),
        ]
        .map(|(name, hash)| (name.to_owned(), hash.to_owned())),
    );
    assert!(!manifest(&files).contains("signature"));
    assert_eq!(manifest_hash(&files), "1573d0d88c64304243018a348b6552b89d9b9831d05faed0f0c609ff01292b17");
}

#[test]
fn the_registrys_own_check_covers_no_code() {
    let plugin = Registry::parse(REGISTRY.as_bytes()).unwrap().plugin("a").unwrap();
    assert_eq!(plugin.entry_bytes(), r#"{"entry_point":"a:A","name":"a","version":"1.0.0"}"#);
}
