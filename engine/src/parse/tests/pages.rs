//! The pages of the diagnostics: each code has one, with the same headings, and its example prints what it says.
//!
//! `UPDATE_PAGES=1 cargo test -p runwarden-engine pages` writes what the examples print.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::parse::problems::CODES;

/// Codes whose example cannot stand in a page.
const IN_WORDS: [&str; 11] = [
    "hidden-character",
    "readers-disagree",
    "empty-document",
    "too-large",
    "not-utf8",
    "nul-character",
    "too-deep",
    "too-many-nodes",
    "too-many-problems",
    "too-many-steps",
    "unfit",
];

/// What a fragment of a document needs to be a whole one.
const REST: [(&str, &str); 10] = [
    ("runwarden", "v1"),
    ("kind", "procedure"),
    ("name", "example"),
    ("title", "An example"),
    ("version", "1.0.0"),
    ("summary", "Shows what is printed."),
    ("owner", "platform"),
    ("risk", "low"),
    ("steps", "[{ id: look, action: file.stat, with: { path: notes.txt } }]"),
    ("ledger", "{ path: ledger.db, key: ledger.key, origin: example.org/dev }"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics")
}

/// The fragment with the keys that it lacks after it, so that its lines keep their numbers.
pub(super) fn whole(fragment: &str) -> (String, Option<Kind>) {
    let workspace = fragment.starts_with("# runwarden.yaml");
    let mut text = fragment.to_owned();
    for (key, value) in REST {
        let there = fragment.lines().any(|line| line.starts_with(&format!("{key}:")));
        let wanted = match key {
            "runwarden" => true,
            "ledger" => workspace,
            "risk" | "steps" if fragment.contains("kind: checklist") || fragment.contains("kind: test") => false,
            _ => !workspace,
        };
        if wanted && !there {
            writeln!(text, "{key}: {value}").unwrap();
        }
    }
    (text, workspace.then_some(Kind::Workspace))
}

fn block<'t>(page: &'t str, fence: &str) -> Option<&'t str> {
    let start = page.find(&format!("```{fence}\n"))? + fence.len() + 4;
    let length = page[start..].find("```")?;
    Some(&page[start..start + length])
}

/// As the command line shows it.
fn shown(problem: &Diagnostic) -> String {
    let severity = if problem.severity == crate::diagnostic::Severity::Error { "error" } else { "warning" };
    let (line, column) = problem.place.line_column();
    let margin = " ".repeat(line.to_string().len());
    let text = problem.place.source.text.lines().nth(line - 1).unwrap_or_default();
    let length = problem.place.source.text[problem.place.span.clone()].chars().count();
    let carets = "^".repeat(length.clamp(1, (text.chars().count() + 2).saturating_sub(column).max(1)));
    let mut out = format!("{severity}[{}]: {}\n", problem.code, problem.message);
    writeln!(out, "{margin}--> example.yaml:{line}:{column}").unwrap();
    writeln!(out, "{margin} |\n{line} | {text}").unwrap();
    writeln!(out, "{margin} | {}{carets} {}", " ".repeat(column - 1), problem.label).unwrap();
    if let Some(help) = &problem.help {
        writeln!(out, "{margin} = help: {help}").unwrap();
    }
    out
}

fn printed(code: &str, fragment: &str) -> String {
    let (text, kind) = whole(fragment);
    let source = Arc::new(Source { name: "example.yaml".to_owned(), text });
    let mut library = library();
    if let (Some(opened), _) = open(&source, kind) {
        library.put(opened);
    }
    let (_, problems) = check(&source, kind, &Registry::builtin(), &library);
    let found = problems.iter().find(|problem| problem.code == code);
    found
        .map(shown)
        .unwrap_or_else(|| panic!("the example of `{code}` gives {:?}\n{}", in_words(&problems), source.text))
}

#[test]
fn every_code_has_a_page_and_its_example_prints_what_the_page_says() {
    for (code, _) in CODES {
        let path = folder().join(format!("{code}.md"));
        let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let prose = page.split("```").step_by(2).flat_map(str::lines);
        let headings: Vec<&str> = prose.filter(|line| line.starts_with('#')).collect();
        let title = format!("# {code}");
        assert_eq!(headings, [&*title, "## What it means", "## Example", "## How to fix it"], "{code}");
        if IN_WORDS.contains(code) {
            continue;
        }
        let printed = printed(code, block(&page, "yaml").unwrap_or_else(|| panic!("`{code}` has no example")));
        let said = block(&page, "text").unwrap_or_else(|| panic!("`{code}` does not say what is printed"));
        if said != printed && std::env::var_os("UPDATE_PAGES").is_some() {
            fs::write(&path, page.replace(&format!("```text\n{said}```"), &format!("```text\n{printed}```"))).unwrap();
        } else {
            assert_eq!(said, printed, "{code}");
        }
    }
}

#[test]
fn every_page_has_a_code_and_every_code_is_made_somewhere() {
    let pages = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    for page in pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let code = page.file_stem().unwrap().to_string_lossy().into_owned();
        let elsewhere = ["index", "README"].contains(&code.as_str());
        assert!(elsewhere || CODES.iter().any(|(known, _)| *known == code), "{code}");
    }
    let made: String = ["draft", "expression", "input", "meaning", "reference", "structure", "text"]
        .map(|file| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/parse/problems/{file}.rs"));
            fs::read_to_string(path).unwrap()
        })
        .concat();
    for (code, _) in CODES {
        assert!(made.contains(&format!("\"{code}\"")), "{code} is never made");
    }
    let used = made.match_indices("Diagnostic::error(").chain(made.match_indices("Diagnostic::warning("));
    for (at, _) in used {
        let code = made[at..].split('"').nth(1).unwrap_or_default();
        assert!(CODES.iter().any(|(known, _)| *known == code), "`{code}` is in no list");
    }
}
