//! Tests of whole documents: the corpus, the schemas beside the parser, misspelt keys, changed documents.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod actions;
mod examples;
mod pages;
mod reference;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::node::{Data, Entry};
use super::*;
use crate::diagnostic::{Diagnostic, Source};

fn corpus(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases").join(folder)
}

fn case(name: &str) -> String {
    fs::read_to_string(corpus("parse").join(name)).unwrap()
}

fn kind_of_file(name: &str) -> Option<Kind> {
    name.starts_with("workspace").then_some(Kind::Workspace)
}

fn parsed(name: &str, text: &str) -> (Option<Opened>, Vec<Diagnostic>) {
    let mut problems = Problems::new(Arc::new(Source { name: name.to_owned(), text: text.to_owned() }));
    let document = read(&mut problems, kind_of_file(name));
    (document, problems.into_sorted())
}

fn in_words(problems: &[Diagnostic]) -> Vec<String> {
    let words = |problem: &Diagnostic| {
        let (line, column) = problem.place.line_column();
        format!("{} {line}:{column}", problem.code)
    };
    problems.iter().map(words).collect()
}

/// Each file says in its first lines what is wrong with it: `# expect: CODE LINE:COLUMN`, one a line.
fn expected(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix("# expect: ")).map(str::to_owned).collect()
}

fn cases(folder: &str) -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = fs::read_dir(corpus(folder)).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let named =
        |path: PathBuf| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap());
    files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).map(named).collect()
}

fn library() -> Shelf {
    let mut shelf = Shelf::default();
    for (name, text) in cases("meaning/library") {
        let (opened, problems) = open(&Arc::new(Source { name: format!("<{name}>"), text }), None);
        assert_eq!(problems, [], "{name}");
        shelf.put(opened.unwrap());
    }
    shelf
}

/// What a whole check says of a document. The file may say in its first lines where it stands: `# path: PATH`.
fn checked(name: &str, text: &str) -> (Option<Document>, Vec<Diagnostic>) {
    let path = text.lines().find_map(|line| line.strip_prefix("# path: ")).map_or(format!("<{name}>"), str::to_owned);
    let source = Arc::new(Source { name: path, text: text.to_owned() });
    let mut library = library();
    if let (Some(opened), _) = open(&source, kind_of_file(name)) {
        library.put(opened);
    }
    check(&source, kind_of_file(name), &actions::registry(), &library)
}

#[test]
fn every_document_means_what_it_says_or_is_refused() {
    let mut wrong = String::new();
    for (name, text) in cases("meaning") {
        let (document, problems) = checked(&name, &text);
        let errors = problems.iter().any(|problem| problem.severity == crate::diagnostic::Severity::Error);
        assert_eq!(document.is_some(), !errors, "{name}");
        let found = in_words(&problems);
        if found != expected(&text) {
            wrong += &format!("{name}: found {found:#?}\n");
            problems.iter().for_each(|p| wrong += &format!("   {}: {} ({:?})\n", p.code, p.message, p.help));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_documents_of_the_library_are_valid() {
    for (name, text) in cases("meaning/library") {
        let (_, problems) = checked(&name, &text);
        let circle = name.starts_with("kora.back");
        assert!(problems.is_empty() || circle, "{name}: {problems:#?}");
    }
}

#[test]
fn every_case_of_the_corpus_has_the_problems_that_it_says() {
    let mut wrong = String::new();
    for (name, text) in cases("parse") {
        let (_, problems) = parsed(&name, &text);
        let found = in_words(&problems);
        if found != expected(&text) {
            wrong += &format!("{name}: found {found:#?}\n");
            problems.iter().for_each(|p| wrong += &format!("   {}: {} ({:?})\n", p.code, p.message, p.help));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The codes that a JSON Schema cannot find: they are about the text, or about what the document means.
fn found_by_a_schema(code: &str) -> bool {
    matches!(
        code,
        "unknown-key"
            | "missing-key"
            | "conflicting-keys"
            | "wrong-type"
            | "unknown-word"
            | "malformed"
            | "empty"
            | "out-of-range"
            | "unknown-version"
    )
}

#[test]
fn the_schemas_judge_every_case_as_the_parser_does() {
    let mut judged = 0;
    for (name, text) in cases("parse") {
        let (document, problems) = parsed(&name, &text);
        let Some(document) = document else { continue };
        if problems.iter().any(|problem| !found_by_a_schema(problem.code)) {
            continue;
        }
        // As written: what was opened has its mistyped keys put right.
        let mut problems_of_text = Problems::new(Arc::new(Source { name: name.clone(), text }));
        let written = yaml::read(&mut problems_of_text).unwrap();
        let valid = jsonschema::is_valid(&schema::schema(document.kind), &written.to_json());
        assert_eq!(valid, problems.is_empty(), "{name}: {problems:#?}");
        judged += 1;
    }
    assert!(judged > 10, "only {judged}");
}

#[test]
fn the_whole_language_is_in_the_samples() {
    let mut used = Vec::new();
    let mut keys = Vec::new();
    for kind in Kind::ALL {
        let name = format!("{}_with_every_key.yaml", kind.as_str());
        used.extend(language_keys(&parsed(&name, &case(&name)).0.unwrap().tree));
        keys.extend(all_properties(&schema::schema(kind)));
    }
    keys.retain(|key| !used.iter().any(|(used, _)| used == key));
    assert_eq!(keys, Vec::<String>::new());
}

fn all_properties(schema: &serde_json::Value) -> Vec<String> {
    let mut found = Vec::new();
    match schema {
        serde_json::Value::Object(members) => {
            if let Some(serde_json::Value::Object(properties)) = members.get("properties") {
                found.extend(properties.keys().cloned());
            }
            found.extend(members.values().flat_map(all_properties));
        }
        serde_json::Value::Array(items) => found.extend(items.iter().flat_map(all_properties)),
        _ => {}
    }
    found
}

/// The keys that are the language's, not the author's, with their places.
fn language_keys(tree: &Node) -> Vec<(String, std::ops::Range<usize>)> {
    fn walk(node: &Node, named: bool, found: &mut Vec<(String, std::ops::Range<usize>)>) {
        match &node.data {
            Data::Mapping(entries) => {
                for Entry { key, key_span, value } in entries {
                    if !named {
                        found.push((key.clone(), key_span.clone()));
                    }
                    let free = ["with", "outputs", "results", "default", "env", "headers", "x-team", "x-note"]
                        .contains(&key.as_str());
                    let names = [
                        "parameters",
                        "targets",
                        "secrets",
                        "answer",
                        "secret_outputs",
                        "actors",
                        "bindings",
                        "witnesses",
                    ];
                    if !named && (free || key == "answers") {
                        continue;
                    }
                    let says = |key: &str| value.get(key).is_some_and(|value| value.as_str().is_some());
                    let in_case = says("workspace_id") && !says("kind") || says("reason");
                    if !in_case {
                        let steps = key == "steps" && matches!(value.data, Data::Mapping(_));
                        walk(value, !named && (steps || names.contains(&key.as_str())), found);
                    }
                }
            }
            Data::Sequence(items) => items.iter().for_each(|item| walk(item, false, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(tree, false, &mut found);
    found.retain(|(key, _)| !key.starts_with("x-"));
    found
}

#[test]
fn a_key_with_one_wrong_letter_is_refused_and_the_right_one_suggested() {
    for kind in Kind::ALL {
        let name = format!("{}_with_every_key.yaml", kind.as_str());
        let text = case(&name);
        let mut keys = language_keys(&parsed(&name, &text).0.unwrap().tree);
        let mut seen = HashSet::new();
        keys.retain(|(key, _)| seen.insert(key.clone()));
        let (mut tried, mut suggested, mut wrong) = (0, 0, Vec::new());
        for (key, span) in keys {
            for mutated in mutations(&key) {
                let changed = format!("{}{mutated}{}", &text[..span.start], &text[span.end..]);
                let (_, problems) = parsed(&name, &changed);
                assert!(!problems.is_empty(), "`{mutated}` for `{key}` was taken");
                let help = format!("did you mean `{key}`?");
                tried += 1;
                let at_key = |problem: &&Diagnostic| problem.place.span.start == span.start;
                match problems.iter().filter(at_key).find(|problem| problem.help.as_ref() == Some(&help)) {
                    Some(_) => suggested += 1,
                    None => wrong.push(format!("{key} → {mutated}: {:?}", in_words(&problems))),
                }
            }
        }
        assert!(suggested * 100 >= tried * 95, "{suggested} of {tried} in {name}: {wrong:#?}");
    }
}

fn mutations(key: &str) -> Vec<String> {
    let letters: Vec<char> = key.chars().collect();
    let mut found = Vec::new();
    for at in [0, letters.len() / 2, letters.len() - 1] {
        let mut fewer = letters.clone();
        fewer.remove(at);
        let mut doubled = letters.clone();
        doubled.insert(at, letters[at]);
        let mut other = letters.clone();
        other[at] = 'q';
        let mut swapped = letters.clone();
        if at > 0 {
            swapped.swap(at, at - 1);
        }
        found.extend([fewer, doubled, other, swapped].map(|letters| letters.into_iter().collect::<String>()));
    }
    found.retain(|mutated| mutated != key && !mutated.is_empty());
    found
}

#[test]
fn a_misspelt_key_does_not_bring_other_problems() {
    let text = case("procedure_with_every_key.yaml").replace("\nparameters:", "\nparametres:");
    let (document, problems) = parsed("a.yaml", &text);
    assert_eq!(in_words(&problems), ["unknown-key 18:1"]);
    let Some(Raw::Procedure(procedure)) = document.unwrap().raw else { panic!("no raw form") };
    assert_eq!(procedure.parameters.unwrap().len(), 5);
}

#[test]
fn a_raw_form_holds_what_was_written() {
    let (document, _) = parsed("a.yaml", &case("procedure_with_every_key.yaml"));
    let Some(Raw::Procedure(procedure)) = document.unwrap().raw else { panic!("no raw form") };
    assert_eq!(procedure.name.as_str(), "kora.every_key");
    assert_eq!(procedure.steps.len(), 4);
    assert_eq!(procedure.steps[1].undo.as_ref().unwrap().0.len(), 2);
    assert_eq!(procedure.do_not.unwrap()[0].waivable, Some(raw::guard::Waivable::No));
}

#[test]
fn a_document_that_was_kept_as_a_value_reads_back() {
    for (name, text) in cases("meaning").into_iter().chain(cases("parse")) {
        let (Some(Document::Procedure(procedure)), _) = checked(&name, &text) else { continue };
        let source = yaml::frozen("<kept>", &procedure.document);
        let (again, problems) = check(&source, None, &actions::registry(), &library());
        // A draft says what is open, whenever it is read.
        let open = |problem: &&Diagnostic| !["draft", "to-do"].contains(&problem.code);
        assert_eq!(problems.iter().filter(open).collect::<Vec<_>>(), Vec::<&Diagnostic>::new());
        let Some(Document::Procedure(again)) = again else { panic!("{name}") };
        assert_eq!(again.document, procedure.document);
        assert_eq!(again.digest(), procedure.digest());
    }
    let hidden = serde_json::json!({ "a": "x\u{200b}\u{7f}\u{2028}\n\"🦀" });
    let mut problems = Problems::new(yaml::frozen("<kept>", &hidden));
    assert_eq!(yaml::read(&mut problems).map(|tree| tree.to_json()), Some(hidden));
}

#[test]
fn a_call_to_a_procedure_that_is_wrong_itself_says_so_and_no_more() {
    let mut shelf = Shelf::default();
    let broken = "kind: procedure\nname: broken\nsteps: 7\n".to_owned();
    shelf.put(open(&Arc::new(Source { name: "broken.yaml".to_owned(), text: broken }), None).0.unwrap());
    let text = "runwarden: v1\nkind: procedure\nname: a\ntitle: A\nversion: 1.0.0\nsummary: S\nowner: me\nrisk: low\n\
                steps:\n  - { id: one, call: broken }\n";
    let source = Arc::new(Source { name: "a.yaml".to_owned(), text: text.to_owned() });
    let (document, problems) = check(&source, None, &actions::registry(), &shelf);
    assert!(document.is_none());
    assert_eq!(in_words(&problems), ["unknown-procedure 10:22"]);
    assert_eq!(problems[0].message, "`broken` has errors of its own");
}

#[test]
fn a_procedure_has_at_most_ten_thousand_steps() {
    let head =
        "runwarden: v1\nkind: procedure\nname: a\ntitle: A\nversion: 1.0.0\nsummary: S\nowner: me\nrisk: low\nsteps:\n";
    let steps = |count: usize| {
        let steps: String = (0..count).map(|step| format!("  - {{ id: s{step}, wait: 1s }}\n")).collect();
        in_words(&checked("a", &format!("{head}{steps}")).1)
    };
    assert_eq!(steps(10_000), Vec::<String>::new());
    assert_eq!(steps(10_001), ["too-many-steps 10010:11"]);
}

#[test]
fn a_library_of_many_ways_is_looked_through_once() {
    let head = "runwarden: v1\nkind: procedure\ntitle: A\nversion: 1.0.0\nsummary: S\nowner: me\nrisk: low\n";
    let mut shelf = Shelf::default();
    let mut first = None;
    for level in 0..40 {
        let next = level + 1;
        let text =
            format!("{head}name: p{level}\nsteps:\n  - {{ id: a, call: p{next} }}\n  - {{ id: b, call: p{next} }}\n");
        let source = Arc::new(Source { name: format!("p{level}.yaml"), text });
        shelf.put(open(&source, None).0.unwrap());
        first.get_or_insert(source);
    }
    let last = format!("{head}name: p40\nsteps:\n  - {{ id: a, wait: 1s }}\n");
    shelf.put(open(&Arc::new(Source { name: "p40.yaml".to_owned(), text: last }), None).0.unwrap());
    assert_eq!(check(&first.unwrap(), None, &actions::registry(), &shelf).1, []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn checking_a_changed_procedure_never_panics(
        which in 0_usize..64,
        at in 0_usize..4000,
        length in 0_usize..12,
        new in r#"([a-z]|[-?:,\[\]{}#'"| \n.]|steps\.|result|\{\{ | \}\}|é|null|12|\{% if ){0,4}"#,
    ) {
        let cases = cases("meaning");
        let (name, text) = &cases[which % cases.len()];
        let from = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let to = (0..=(from + length).min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(from);
        let changed = format!("{}{new}{}", &text[..from], &text[to.max(from)..]);
        let (document, problems) = checked(name, &changed);
        let errors = problems.iter().any(|problem| problem.severity == crate::diagnostic::Severity::Error);
        prop_assert_eq!(document.is_some(), !errors);
        for problem in problems {
            prop_assert!(changed.get(problem.place.span.clone()).is_some(), "{:?}", problem);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn reading_a_changed_procedure_never_panics(
        at in 0_usize..6000,
        length in 0_usize..30,
        new in r#"([a-z]|[-?:,\[\]{}#&*!|>'"%@`\\ \n\t]|: |\n  |\{\{|é|null|true|12){0,8}"#,
    ) {
        let text = case("procedure_with_every_key.yaml");
        let start = at.min(text.len());
        let end = (start + length).min(text.len());
        let changed = format!("{}{new}{}", &text[..start], &text[end..]);
        let (document, problems) = parsed("a.yaml", &changed);
        let whole = document.is_some_and(|document| document.raw.is_some());
        prop_assert!(whole || !problems.is_empty());
        for problem in problems {
            prop_assert!(changed.get(problem.place.span.clone()).is_some(), "{problem:?}");
        }
    }
}
