//! Layouts by example, and every document of the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Refused, format};
use crate::diagnostic::Source;
use crate::parse::problems::Problems;
use crate::parse::yaml;

fn laid_out(text: &str) -> Result<String, Refused> {
    format(&Arc::new(Source { name: "test.yaml".to_owned(), text: text.to_owned() }))
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let once = laid_out(text).expect("it can be laid out");
    assert_eq!(once, expected);
    assert_eq!(laid_out(&once).expect("it can be laid out again"), once, "the second time it is another");
}

#[test]
fn levels_are_two_columns_deep_and_lists_stand_below_their_key() {
    check(
        "a:\n    b: 1\n    c:\n    - x\n    -   y: 1\n        z: 2\n    d:\n            e: 3\nlast: 1\n",
        "a:\n  b: 1\n  c:\n    - x\n    - y: 1\n      z: 2\n  d:\n    e: 3\nlast: 1\n",
    );
    check("- - a\n  - b\n-   - c\n", "- - a\n  - b\n- - c\n");
    check("a:\n-\n  b: 1\n-   # why\n  c: 2\n", "a:\n  -\n    b: 1\n  - # why\n    c: 2\n");
}

#[test]
fn comments_stay_with_what_they_stand_above() {
    check(
        "# head\n\na:\n     # of b\n     b: 1 # beside\n     # after b\n# of c\nc: 1\n# end\n",
        "# head\n\na:\n  # of b\n  b: 1 # beside\n  # after b\n# of c\nc: 1\n# end\n",
    );
}

#[test]
fn a_comment_below_a_block_does_not_become_its_content() {
    check("a:\n      - |\n          one\n        # two\n      - x\n", "a:\n  - |\n    one\n  # two\n  - x\n");
    check("a:\n    b: |\n         one\n      # two\n", "a:\n  b: |\n    one\n  # two\n");
}

#[test]
fn a_list_at_the_column_of_its_key_may_begin_with_brackets() {
    check("a:\n- [ ]\n- {b: 1}\n\nc: 1\n", "a:\n  - []\n  - { b: 1 }\n\nc: 1\n");
    check("a:\n  b:\n  - [1]\n  c: 2\n", "a:\n  b:\n    - [1]\n  c: 2\n");
}

#[test]
fn blank_lines_are_one_and_none_at_the_ends() {
    check("\n\na: 1\n\n\n\nb: 2   \n\n# c\n\n\n# d\n\nc: 3\n\n\n", "a: 1\n\nb: 2\n\n# c\n\n# d\n\nc: 3\n");
    check("a: 1", "a: 1\n");
    check("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n");
}

#[test]
fn texts_keep_what_is_theirs() {
    check(
        "a:\n    b: |\n        one\n          two  \n\n\n        # no comment\n    c: >-\n          folded\n          text\n    d: 1\n",
        "a:\n  b: |\n    one\n      two  \n\n\n    # no comment\n  c: >-\n    folded\n    text\n  d: 1\n",
    );
    check("a: |\n\n\n  late\n\n\nb: |+\n  kept\n\n\nc: 1\n", "a: |\n\n\n  late\n\nb: |+\n  kept\n\n\nc: 1\n");
    check("a: |+\n  kept to the end\n\n\n", "a: |+\n  kept to the end\n\n\n");
    check("a: |\n  clipped\n\n\n", "a: |\n  clipped\n");
    check("a: >-\n  one\n  two\n", "a: >-\n  one\n  two\n");
    check("a: |2\n    two more\nb: 1\n", "a: |2\n    two more\nb: 1\n");
    check("a: |\n  x\n      \nb: 1\n", "a: |\n  x\n      \nb: 1\n");
    check(
        "a:\n    \"one \\\n      two\n\n\n      three\"\nb: 'x\n\n  y'\nc: plain\n  more\n",
        "a:\n  \"one \\\n    two\n\n\n    three\"\nb: 'x\n\n  y'\nc: plain\n  more\n",
    );
    check("a: |+2\n   \n  \n\n", "a: |+2\n   \n  \n\n");
    check("a: |+\n\n\nb: 1\n", "a: |+\n\n\nb: 1\n");
    check("a: |\n\n\nb: 1\n", "a: |\n\nb: 1\n");
    check("- |\n   a\n-   >\n     b\n", "- |\n  a\n- >\n  b\n");
}

#[test]
fn quotes_and_the_order_of_keys_are_the_authors() {
    let text = "b: 'x'\na: \"y\"\nc: z\nd: '{{ parameters.x }}'\n";
    check(text, text);
}

#[test]
fn braces_have_blanks_inside_and_brackets_none() {
    check(
        "a: {b: 1, c: [ 1, { } ], d: {e: [ ]}}\nf: [\n  {x: 1},   # one\n  { y: 2 }\n]\n",
        "a: { b: 1, c: [1, {}], d: { e: [] } }\nf: [\n  { x: 1 },   # one\n  { y: 2 }\n]\n",
    );
    check("a: {b: '{c}', d: \"[ e ]\"}\n", "a: { b: '{c}', d: \"[ e ]\" }\n");
}

#[test]
fn aligned_values_stay_aligned() {
    let text = "a:       { x: 1 }   # one\nlong_one: { x: 2 }\n";
    check(text, text);
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    for text in ["a: [1", "a: 1\na: 2\n", "", "a: &x 1\n", "a:\n\t- 1\n"] {
        assert!(matches!(laid_out(text), Err(Refused::Unread(found)) if !found.is_empty()), "{text:?}");
    }
}

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|it| it == "yaml" || it == "yml") {
            found.push(path);
        }
    }
}

#[test]
fn every_document_of_this_project_keeps_its_meaning() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for folder in ["procedures", "examples", "tests/cases", "src/commands"] {
        documents(&root.join(folder), &mut found);
    }
    let mut laid = 0;
    for path in found {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        match laid_out(&text) {
            // Many cases are there to be refused.
            Err(Refused::Unread(_)) => {}
            Err(Refused::Changed) => unreachable!("{} would be another document", path.display()),
            Ok(once) => {
                laid += 1;
                assert_eq!(laid_out(&once).expect("it can be laid out again"), once, "{}", path.display());
                let json = |text: &str| {
                    let source = Arc::new(Source { name: String::new(), text: text.to_owned() });
                    yaml::read(&mut Problems::new(source)).expect("it can be read").to_json()
                };
                assert_eq!(json(&text), json(&once), "{}", path.display());
                let comments = |text: &str| text.matches('#').count();
                assert_eq!(comments(&text), comments(&once), "{}", path.display());
            }
        }
    }
    assert!(laid > 60, "{laid} documents were laid out");
}

#[test]
fn indented_in_any_way_it_comes_to_the_same() {
    // Two documents of the project, every level twice as deep.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../procedures/corvusforge");
    for name in ["export_anchor.yaml", "respond_integrity_violation.yaml"] {
        let text = fs::read_to_string(root.join(name)).expect("a shipped procedure");
        let once = laid_out(&text).expect("it can be laid out");
        let wide: String = once.lines().map(widened).collect();
        assert_ne!(wide, once);
        assert_eq!(laid_out(&wide).expect("it can be laid out"), once, "{name}");
    }
}

/// A line twice as deep, and what comes after its dash as well.
fn widened(line: &str) -> String {
    let text = line.trim_start();
    let indent = " ".repeat((line.len() - text.len()) * 2);
    match text.strip_prefix("- ") {
        Some(rest) => format!("{indent}-   {rest}\n"),
        None => format!("{indent}{text}\n"),
    }
}
