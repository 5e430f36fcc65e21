//! Outside crates: each has a reason, an owner, and a use.

use std::collections::BTreeMap;

use super::source::all;
use super::{none, text};

/// Crates that are part of how everything here is written.
const EVERYWHERE: &[&str] = &["async_trait", "indexmap", "schemars", "serde", "serde_json", "thiserror"];

/// The owners of a crate: where in `engine/src` it may be used. Who else needs it asks an owner.
const OWNERS: &[(&str, &[&str])] = &[
    ("base64", &["sign", "merkle", "secret", "action/file", "action/forge", "target/anchor_store"]),
    ("csv", &["action/data"]),
    ("ed25519_dalek", &["sign"]),
    ("futures_util", &["execute", "target/anchor_store"]),
    ("getrandom", &["host"]),
    ("hex", &["id", "secret", "merkle", "ledger", "target", "host", "sign", "action"]),
    ("jiff", &["time"]),
    ("jsonschema", &["action"]),
    ("lettre", &["host"]),
    ("minijinja", &["template"]),
    ("object_store", &["target/anchor_store"]),
    ("p256", &["sign"]),
    ("process_wrap", &["host"]),
    ("pulldown_cmark", &["import"]),
    ("regex", &["procedure", "parse"]),
    ("reqwest", &["host"]),
    ("rusqlite", &["ledger", "target/corvusforge", "host/machine/database"]),
    ("rustix", &["host"]),
    ("rustls", &["host"]),
    ("saphyr_parser", &["parse"]),
    ("secrecy", &["secret"]),
    ("serde_json_canonicalizer", &["procedure", "consent", "ledger", "question", "bundle"]),
    ("serde_path_to_error", &["target", "action", "parse"]),
    ("serde_yaml", &["parse", "action/data"]),
    (
        "sha2",
        &[
            "id",
            "secret",
            "merkle",
            "host",
            "target/corvusforge",
            "target/digest_log",
            "action/file",
            "ledger/evidence",
        ],
    ),
    ("sha3", &["action/agijobs"]),
    ("shell_words", &["import"]),
    ("similar", &["plan"]),
    ("ssh_key", &["sign"]),
    ("strsim", &["diagnostic"]),
    // Timers and races in `execute`, on a clock that stands still in `rehearse`; files and children in `host`; hashing
    // off the async threads in `action/file`; requests of object_store and pauses between tries in `target`.
    (
        "tokio",
        &["host", "action", "execute", "rehearse", "target/anchor_store", "target/pause_lever", "target/witness"],
    ),
    ("tokio_postgres", &["host/machine/database"]),
    ("tokio_postgres_rustls", &["host/machine/database"]),
    ("toml", &["action/data"]),
    ("uuid", &["id"]),
    (
        "zeroize",
        &["sign", "secret", "host", "ledger", "target/secret_store", "action/command", "action/secrets", "action/keys"],
    ),
];

/// The lines of a table of a manifest: name and the rest.
fn dependencies(manifest: &str, table: &str) -> Vec<(String, String)> {
    let section = manifest.split(&format!("\n[{table}]\n")).nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    section
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(['=', '.']))
        .map(|(name, rest)| (name.trim().to_owned(), rest.to_owned()))
        .collect()
}

/// Where each outside crate is used: its name in code, and the files from the project's root.
fn uses(within: &str, with_tests: bool) -> BTreeMap<String, Vec<String>> {
    let mut uses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in all() {
        if !source.path.starts_with(within) || (source.is_test && !with_tests) {
            continue;
        }
        for (line, names) in source.paths() {
            uses.entry(names[0].clone()).or_default().push(format!("{}:{line}", source.path.display()));
        }
        // `use clap;` alone, or an attribute like `#[tokio::main]`, is seen as well; a derive names no crate.
    }
    uses
}

#[test]
fn a_crate_is_used_by_its_owners_alone() {
    let uses = uses("engine/src", false);
    let mut broken = Vec::new();
    for (name, _) in dependencies(&text("engine/Cargo.toml"), "dependencies") {
        let name = name.replace('-', "_");
        if EVERYWHERE.contains(&name.as_str()) {
            continue;
        }
        let Some((_, owners)) = OWNERS.iter().find(|(owned, _)| *owned == name) else {
            broken.push(format!("`{name}` has no owner in OWNERS"));
            continue;
        };
        for place in uses.get(&name).into_iter().flatten() {
            let inner = place.strip_prefix("engine/src/").unwrap_or(place);
            let is_owner = |owner: &&str| {
                inner.strip_prefix(*owner).is_some_and(|rest| rest.starts_with('/') || rest.starts_with(".rs"))
            };
            if !owners.iter().any(is_owner) {
                broken.push(format!("{place}: uses `{name}`, which belongs to {owners:?}"));
            }
        }
    }
    none("an outside crate is used by its owners alone:", &broken);
}

#[test]
fn every_dependency_is_used() {
    let mut broken = Vec::new();
    for (manifest, within) in [("engine/Cargo.toml", "engine/src"), ("Cargo.toml", "src")] {
        let uses = uses(within, false);
        for (name, _) in dependencies(&text(manifest), "dependencies") {
            if !uses.contains_key(&name.replace('-', "_")) {
                broken.push(format!("{manifest}: `{name}` is used nowhere in {within} but perhaps in tests"));
            }
        }
    }
    none("a dependency that nothing uses is removed:", &broken);
}

#[test]
fn every_crate_says_why_it_is_here() {
    let manifest = text("Cargo.toml");
    let mut broken: Vec<String> = dependencies(&manifest, "workspace.dependencies")
        .into_iter()
        .filter(|(_, rest)| rest.split_once(" # ").is_none_or(|(_, why)| why.trim().is_empty()))
        .map(|(name, _)| format!("`{name}` has no `# why`"))
        .collect();
    for path in ["Cargo.toml", "engine/Cargo.toml"] {
        for table in ["dependencies", "dev-dependencies"] {
            let here = dependencies(&text(path), table);
            let own = here.into_iter().filter(|(_, rest)| !rest.contains("workspace"));
            broken.extend(own.map(|(name, _)| format!("{path}: `{name}` is not taken from the workspace")));
        }
    }
    none("every crate stands in [workspace.dependencies] with half a line of why:", &broken);
}
