//! What is the same to a reader that goes along the tree is the same when two trees are compared.

use std::sync::Arc;

use proptest::prelude::*;

use super::{both, has_the_same};
use crate::diagnostic::Source;
use crate::parse::node::Node;
use crate::parse::problems::Problems;
use crate::parse::yaml;

fn tree(text: &str) -> Option<Node> {
    let source = Arc::new(Source { name: "x.yaml".to_owned(), text: text.to_owned() });
    yaml::read(&mut Problems::new(source))
}

/// The tree of one text, held against another text.
#[track_caller]
fn check(text: &str, other: &str, expected: bool) {
    let root = tree(text).unwrap_or_else(|| unreachable!("`{text}` is a document"));
    assert_eq!(has_the_same(&root, other), expected, "{text} / {other}");
    assert_eq!(both(&root, other, 0).is_none(), expected, "{text} / {other}");
}

#[test]
fn what_is_the_same_is_the_same_to_both() {
    check("a: 1", "{ \"a\": 1 }", true);
    check("a: -1\nb: 1.5\nc: [true, null, x]\n", "{ a: -1, b: 1.5, c: [ true, ~, 'x' ] }", true);
    check("a:\n", "a: null", true);
}

#[test]
fn what_differs_differs_to_both() {
    for other in [
        "a: 2",
        "a: 1.0",
        "a: '1'",
        "b: 1",
        "a: 1\nb: 2",
        "{}",
        "[1]",
        "1",
        "",
        "a: [1]",
        "a: { b: 1 }",
        "a: true",
        "a:",
        "a: !x 1",
        "a: 1\na: 1",
        "a: 1\n--- \nb: 1",
        "a: [",
        "? [a]\n: 1",
        "1: 1",
        "a: 340282366920938463463374607431768211455",
    ] {
        check("a: 1", other, false);
    }
    check("a: [1, 2]", "a: [1]", false);
    check("a: [1]", "a: [1, 2]", false);
    check("a: { b: 1, c: 2 }", "a: { c: 2, b: 1 }", false);
}

/// Bits of which small documents are made, some of them odd.
fn text() -> impl Strategy<Value = String> {
    let bit = prop::sample::select(vec![
        "a",
        "b",
        "1",
        "-1",
        "1.5",
        "0x1",
        "1e3",
        "true",
        "null",
        "~",
        "yes",
        "''",
        "'x'",
        "\"\\n\"",
        ": ",
        ":",
        "\n",
        "\n  ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "#",
        " ",
        "|\n  ",
        "&x ",
        "*x",
        "!t ",
        "<<: ",
        "9007199254740993",
        "18446744073709551615",
        "\u{e9}",
    ]);
    prop::collection::vec(bit, 1..12).prop_map(|bits| bits.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    // The other way round it need not be: a tag on a key, say, is passed over where two trees are compared.
    #[test]
    fn nothing_is_taken_that_comparing_refuses(text in text(), other in text()) {
        if let Some(root) = tree(&text) {
            prop_assert!(!has_the_same(&root, &text) || both(&root, &text, 0).is_none());
            prop_assert!(!has_the_same(&root, &other) || both(&root, &other, 0).is_none());
        }
    }
}
