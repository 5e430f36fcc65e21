//! How long files may be, what they may be called, and what stands in none of them.

use std::path::Path;

use super::source::all;
use super::{files, has_extension, none, text};

const MAX_LINES: usize = 400;
const MAX_TEST_LINES: usize = 800;
const MAX_README_LINES: usize = 150;

/// Names that say nothing about what is in a file.
const EMPTY_NAMES: [&str; 8] = ["mod", "util", "utils", "common", "helper", "helpers", "types", "imp"];

#[test]
fn a_file_is_short_enough_to_be_read() {
    let mut broken = Vec::new();
    for source in all() {
        let most = if source.is_test { MAX_TEST_LINES } else { MAX_LINES };
        let lines = source.lines();
        if lines > most {
            broken.push(format!("{}: {lines} lines, at most {most}", source.path.display()));
        }
    }
    let readme = text("README.md").lines().count();
    if readme > MAX_README_LINES {
        broken.push(format!("README.md: {readme} lines, at most {MAX_README_LINES}"));
    }
    none("split by concept:", &broken);
}

#[test]
fn a_file_is_named_after_what_is_in_it() {
    let is_empty = |name: &std::ffi::OsStr| {
        EMPTY_NAMES.iter().any(|empty| Path::new(name).with_extension("").as_os_str() == *empty)
    };
    let broken: Vec<String> = files()
        .iter()
        .filter(|path| has_extension(path, "rs") && path.iter().any(is_empty))
        .map(|path| path.display().to_string())
        .collect();
    none("file = concept = main type:", &broken);
}

#[test]
fn every_file_is_compiled() {
    let sources = all();
    let declares = |parent: &Path, name: &str| {
        let line = format!("mod {name};");
        let of_parent = sources.iter().find(|source| source.path == parent);
        of_parent.is_some_and(|source| source.code.lines().any(|code| code.trim_start().ends_with(&line)))
    };
    let mut broken = Vec::new();
    for path in sources.iter().map(|source| source.path.as_path()) {
        let (Some(folder), Some(name)) = (path.parent(), path.file_stem().and_then(std::ffi::OsStr::to_str)) else {
            continue;
        };
        let in_a_crate = path.starts_with("engine/src") || path.starts_with("src");
        if !in_a_crate || matches!(name, "lib" | "main") {
            continue;
        }
        let parents = [folder.with_extension("rs"), folder.join("lib.rs"), folder.join("main.rs")];
        if !parents.iter().any(|parent| declares(parent, name)) {
            broken.push(format!("{}: no `mod {name};`", path.display()));
        }
    }
    none("a file that no module declares is not part of the program:", &broken);
}

#[test]
fn every_file_says_what_it_is_for() {
    let begins = |text: &str| text.starts_with("//! ");
    let broken: Vec<String> =
        all().iter().filter(|source| !begins(&source.text)).map(|source| source.path.display().to_string()).collect();
    none("a file begins with `//!`:", &broken);
}

#[test]
fn no_lint_is_silenced_for_good() {
    let mut broken = Vec::new();
    for source in all() {
        for (at, line) in source.code.lines().enumerate() {
            if line.contains("#[allow(") || line.contains("#![allow(") {
                broken.push(format!("{}:{}", source.path.display(), at + 1));
            }
        }
    }
    none("`#[expect(lint, reason = \"…\")]` in place of allow:", &broken);
}

#[test]
fn nothing_is_left_to_be_done_in_a_comment() {
    let markers = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    let mut broken = Vec::new();
    for path in files().iter().filter(|path| super::words::is_written(path)) {
        let text = text(path);
        for (at, line) in text.lines().enumerate() {
            if let Some(marker) = markers.iter().find(|marker| line.contains(**marker)) {
                broken.push(format!("{}:{}: {marker}", path.display(), at + 1));
            }
        }
    }
    none("what is to be done is an issue:", &broken);
}
