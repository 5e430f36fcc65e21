//! The rules of the house that a compiler does not know: layers, owners of crates, purity, sizes, pages, words.
//!
//! Each rule reads the files as they are and lists everything that breaks it. A rule that gets in the way is changed
//! here, in the same commit and with its page of docs/architecture.md; no file is excused by name.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "tidy/crates.rs"]
mod crates;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/words.rs"]
mod words;

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours, wherever they are.
const NOT_OURS: [&str; 3] = [".git", ".runwarden", "node_modules"];

/// What is built lies at the root; the engine has a module of the same name.
fn is_not_ours(folder: &Path) -> bool {
    folder == root().join("target")
        || NOT_OURS.iter().any(|name| folder.file_name().is_some_and(|found| found == *name))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the project as a path from its root, sorted; folders and links are not listed.
fn files() -> Vec<PathBuf> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !is_not_ours(&entry.path()) {
                collect(&entry.path(), found);
            } else if kind.is_file() {
                found.push(entry.path().strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    collect(root(), &mut found);
    found.sort();
    found
}

fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic_with(&format!("{}: {error}", path.display())))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

#[track_caller]
fn none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}\n  {}", broken.join("\n  "));
}

#[track_caller]
#[expect(clippy::panic, reason = "a test fails by panicking")]
fn panic_with(message: &str) -> ! {
    panic!("{message}")
}
