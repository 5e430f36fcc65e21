//! Which module of the engine may know which, and what some of them must not know at all.

use super::source::{Source, all};
use super::{none, text};

/// The engine's modules in reading order. A module uses modules on lines before its own; those on one line do not know
/// each other. docs/architecture.md has the same table, with what each is for.
const LINES: &[&[&str]] = &[
    &["id"],
    &["diagnostic", "time", "secret"],
    &["template", "sign", "host"],
    &["event", "merkle"],
    &["procedure"],
    &["consent", "ledger"],
    &["target"],
    &["action"],
    &["parse"],
    &["frame", "guard", "past", "library", "import", "assist"],
    &["question"],
    &["plan"],
    &["run"],
    &["bundle", "execute"],
    &["rehearse", "report"],
];

/// Modules that take time, files and chance as arguments and never from the system.
const PURE: &[&str] = &["procedure", "event", "merkle", "consent", "parse", "guard", "import", "run", "bundle"];

/// The system, as a pure module could reach it.
const SYSTEM: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "std::net",
    "std::os",
    "std::io::stdin",
    "std::time::SystemTime",
    "std::time::Instant",
    "tokio",
    "rand",
    "getrandom",
    "rustix",
];

/// The modules that may name the trait that has effects. The plan is not among them: it cannot do anything.
/// A rehearsal brings a host that has nothing on it.
const DOERS: &[&str] = &["host", "target", "action", "execute", "rehearse"];

fn line_of(module: &str) -> Option<usize> {
    LINES.iter().position(|line| line.contains(&module))
}

/// The code of the engine that is not for tests, by module.
fn engine() -> Vec<(String, Source)> {
    let of_engine = |source: Source| Some((source.engine_module()?, source));
    all().into_iter().filter(|source| !source.is_test).filter_map(of_engine).collect()
}

#[test]
fn every_module_of_the_engine_has_a_line() {
    let declared = text("engine/src/lib.rs");
    let declared = declared.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let broken: Vec<String> = declared.filter(|module| line_of(module).is_none()).map(str::to_owned).collect();
    none("engine/src/lib.rs has modules that stand on no line of LINES:", &broken);
}

#[test]
fn a_module_uses_only_modules_on_lines_before_its_own() {
    let mut broken = Vec::new();
    for (module, source) in engine() {
        for (line, names) in source.paths() {
            let Some(used) = used_module(&source, &names) else { continue };
            let (Some(own), Some(other)) = (line_of(&module), line_of(&used)) else { continue };
            if used != module && other >= own {
                broken.push(format!("{}:{line}: `{module}` uses `{used}`", source.path.display()));
            }
        }
    }
    none("a module uses modules on lower-numbered lines only:", &broken);
}

/// The module of the engine that a path begins in.
fn used_module(source: &Source, names: &[String]) -> Option<String> {
    if names[0] == "crate" {
        return names.get(1).cloned();
    }
    let supers = names.iter().take_while(|name| *name == "super").count();
    let depth = source.path.components().count() - "engine/src".split('/').count();
    if supers > 0 && supers == depth { names.get(supers).cloned() } else { None }
}

#[test]
fn pure_modules_ask_nothing_of_the_system() {
    let mut broken = Vec::new();
    for (module, source) in engine().iter().filter(|(module, _)| PURE.contains(&module.as_str())) {
        for (line, names) in source.paths() {
            let path = names.join("::");
            let reached = SYSTEM.iter().find(|system| path == **system || path.starts_with(&format!("{system}::")));
            if let Some(system) = reached {
                broken.push(format!("{}:{line}: `{module}` uses `{system}`", source.path.display()));
            }
        }
    }
    none("pure modules take time, files and chance as arguments:", &broken);
}

#[test]
fn only_what_acts_can_name_what_has_effects() {
    let mut broken = Vec::new();
    for (module, source) in engine().iter().filter(|(module, _)| !DOERS.contains(&module.as_str())) {
        for (line, names) in source.paths() {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            if let ["crate", "host", "Host" | "machine", ..] | ["crate", "action", "Doing", ..] = names[..] {
                broken.push(format!("{}:{line}: `{module}` names `{}`", source.path.display(), names.join("::")));
            }
        }
    }
    none(&format!("only {DOERS:?} may name `Host`, a machine or `Doing`:"), &broken);
}

#[test]
fn nothing_in_the_engine_prints() {
    let mut broken = Vec::new();
    for (_, source) in engine() {
        for (line, names) in source.paths() {
            if names.len() > 2 && names[..2] == ["std", "io"] && matches!(names[2].as_str(), "stdout" | "stderr") {
                broken.push(format!("{}:{line}: {}", source.path.display(), names.join("::")));
            }
        }
    }
    none("the engine tells its observers and never prints:", &broken);
}

#[test]
fn the_page_on_architecture_has_the_same_lines() {
    let page = text("docs/architecture.md");
    let rows = page.lines().filter_map(|row| {
        let mut cells = row.strip_prefix("| ")?.split(" | ");
        let number: usize = cells.next()?.parse().ok()?;
        let modules: Vec<&str> = cells.next()?.split('`').skip(1).step_by(2).collect();
        Some((number, modules))
    });
    let rows: Vec<(usize, Vec<&str>)> = rows.collect();
    let lines: Vec<(usize, Vec<&str>)> = LINES.iter().enumerate().map(|(at, line)| (at + 1, line.to_vec())).collect();
    assert_eq!(rows, lines, "docs/architecture.md and LINES differ");
}
