//! What is written for people: no machine of ours in it, links that lead somewhere, decisions with their price.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{files, has_extension, none, root, text};

/// Files that people write, as opposed to locks and data.
pub fn is_written(path: &Path) -> bool {
    let extensions = ["rs", "md", "toml", "yaml", "yml", "sh"];
    extensions.iter().any(|extension| has_extension(path, extension)) || path.starts_with(".ci")
}

#[test]
fn no_place_on_somebodys_machine_is_named() {
    let places = [concat!("../", "shared"), concat!("/wo", "rk/"), concat!("/tmp/", "wt"), concat!("/home/", "user")];
    let mut broken = Vec::new();
    for path in files().iter().filter(|path| is_written(path)) {
        let text = text(path);
        for (at, line) in text.lines().enumerate() {
            if let Some(place) = places.iter().find(|place| line.contains(**place)) {
                broken.push(format!("{}:{}: {place}", path.display(), at + 1));
            }
        }
    }
    none("only the project is spoken of:", &broken);
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for path in files().iter().filter(|path| has_extension(path, "md")) {
        let text = text(path);
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let aim = if file.is_empty() { path.clone() } else { plain(&path.parent().unwrap().join(file)) };
            let found = root().join(&aim);
            let leads = match heading {
                None => found.exists(),
                Some(heading) => found.is_file() && headings(&super::text(&aim)).contains(heading),
            };
            if !leads {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    none("links that lead nowhere:", &broken);
}

/// The aims of the links of a page, outside fenced code.
fn links(page: &str) -> Vec<&str> {
    let outside = page.split("```").step_by(2);
    outside.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split(')').next()).collect()
}

/// The headings of a page as GitHub makes anchors of them.
fn headings(page: &str) -> BTreeSet<String> {
    let titles = page.split("```").step_by(2).flat_map(str::lines).filter(|line| line.starts_with('#'));
    titles
        .map(|title| {
            let kept = title.trim_start_matches('#').trim().to_lowercase();
            kept.chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(plain.pop()),
            std::path::Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn a_decision_says_its_context_and_its_price() {
    let mut broken = Vec::new();
    let pages: Vec<PathBuf> = files().into_iter().filter(|path| path.starts_with("docs/decisions")).collect();
    // Numbers are given once; pages that are written side by side may leave gaps.
    let mut before = 0;
    for path in &pages {
        let page = text(path);
        let found: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        if found != ["## Context", "## Decision", "## Price"] {
            broken.push(format!("{}: headings {found:?}", path.display()));
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match name.split_once('-').and_then(|(number, _)| Some((number.len(), number.parse::<u32>().ok()?))) {
            Some((4, number)) if number > before => before = number,
            _ => broken.push(format!("{}: expected a number of four digits after {before:04}", path.display())),
        }
        if !page.starts_with("# ") || page.lines().count() > 60 {
            broken.push(format!("{}: a title and one page of text are wanted", path.display()));
        }
    }
    assert!(!pages.is_empty(), "there are no decisions");
    none("a decision has a number, a title, context, decision and price:", &broken);
}
