//! Tests of the reader: types, places, what is refused, hostile files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    let source = Arc::new(Source { name: "a.yaml".to_owned(), text: text.to_owned() });
    let mut problems = Problems::new(source);
    let node = read(&mut problems);
    (node, problems.into_sorted())
}

/// Each problem as `code line:column what`, where `what` is the text under the caret.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found: Vec<String> = parsed(text)
        .1
        .iter()
        .map(|problem| {
            let (line, column) = problem.place.line_column();
            let what = text.get(problem.place.span.clone()).unwrap_or("?");
            format!("{} {line}:{column} {what}", problem.code).trim_end_matches(' ').to_owned()
        })
        .collect();
    assert_eq!(found, expected, "for {text:?}");
}

#[track_caller]
fn json(text: &str) -> String {
    let (node, problems) = parsed(text);
    assert_eq!(problems, [], "for {text:?}");
    node.unwrap().to_json().to_string()
}

#[test]
fn scalars_have_the_types_of_the_core_schema() {
    assert_eq!(
        json("a: null\nb:\nc: True\nd: -12\ne: 1.5\nf: '7'\ng: 1.0.0\nh: 2026-08-01T09:00:00Z\ni: .x\n"),
        r#"{"a":null,"b":null,"c":true,"d":-12,"e":1.5,"f":"7","g":"1.0.0","h":"2026-08-01T09:00:00Z","i":".x"}"#
    );
    assert_eq!(
        json("- 8080:80\n- 12:99\n- 10m\n- 0.5\n- 1.0\n- 127.0.0.1\n- 1-2\n- yesterday\n"),
        r#"["8080:80","12:99","10m",0.5,1.0,"127.0.0.1","1-2","yesterday"]"#
    );
}

#[test]
fn what_readers_disagree_on_must_be_quoted() {
    for text in [
        "yes",
        "No",
        "ON",
        "off",
        "~",
        "0123",
        "-0123",
        "00",
        "0x1F",
        "0o17",
        "0b11",
        "12:30",
        "1:20:30",
        "-12:30",
        "190:20:30.15",
        "1_000",
        "1_0.5",
        ".inf",
        "-.INF",
        ".nan",
        "+1",
        "1e3",
        "1.5E-7",
        ".5",
        "1.",
        "1.10",
        "-0",
        "-0.0",
        "9007199254740992",
        "123456789012345678901234567890",
        "0.1234567890123456789",
    ] {
        check(&format!("a: {text}\n"), &[&format!("ambiguous-scalar 1:4 {text}")]);
        assert_eq!(json(&format!("a: '{text}'\n")), format!("{{\"a\":\"{text}\"}}"));
    }
}

#[test]
fn the_remedy_for_an_ambiguous_scalar_is_said() {
    let help = |text: &str| parsed(&format!("a: {text}")).1[0].help.clone().unwrap();
    assert_eq!(help("yes"), "quote it: `'yes'`; or write `true`");
    assert_eq!(help("1e3"), "quote it: `'1e3'`; or write `1000`");
    assert_eq!(help("1.10"), "quote it: `'1.10'`; or write `1.1`");
    assert_eq!(help("+7"), "quote it: `'+7'`; or write `7`");
    assert_eq!(help("12:30"), "quote it: `'12:30'`");
}

#[test]
fn keys_are_text_and_stand_once() {
    check("a: 1\nb: 2\na: 3\n", &["duplicate-key 3:1 a"]);
    let (_, problems) = parsed("a: 1\n\"a\": 3\n");
    assert_eq!(problems[0].related.as_ref().unwrap().0.line_column(), (1, 1));
    check(
        "1: a\ntrue: b\n? [x]\n: c\n: d\n",
        &["non-string-key 1:1 1", "non-string-key 2:1 true", "non-string-key 3:4 x", "non-string-key 5:1"],
    );
    check("yes: 1\n", &["ambiguous-scalar 1:1 yes"]);
    check("<<: { a: 1 }\n'<<': 2\n", &["merge-key 1:1 <<", "merge-key 2:1 '<<'"]);
    assert_eq!(json("on: [transient]\n"), r#"{"on":["transient"]}"#);
}

#[test]
fn what_takes_a_value_from_elsewhere_is_refused() {
    check("a: &x 1\nb: *x\n", &["anchor 1:4 &x", "alias 2:4 *x"]);
    check("a: &x\n  b: 1\n", &["anchor 1:4 &x"]);
    check("a: !!str 1\nb: !secret x\n", &["tag 1:4 !!str", "tag 2:4 !secret"]);
    check("a: !x &y 1\n", &["tag 1:4 !x", "anchor 1:7 &y"]);
    check("%YAML 1.2\n---\na: 1\n", &["directive 1:1 %YAML 1.2"]);
    check("a: 1\n---\nb: 2\n", &["second-document 2:1 ---"]);
    assert_eq!(json("---\na: 1\n...\n"), r#"{"a":1}"#);
}

#[test]
fn a_template_without_quotes_is_named_as_one() {
    check("a: {{ parameters.x }}\nb: 2\n", &["unquoted-template 1:4 {{ parameters.x }}"]);
    check("a: {{ parameters.x }}/b\n", &["unquoted-template 1:4 {{ parameters.x }}"]);
    check("- {{ x | join(',') }}\n", &["unquoted-template 1:3 {{ x | join(',') }}"]);
}

#[test]
fn a_syntax_error_has_a_place() {
    check("a: b: c\n", &["syntax 1:5 :"]);
    check("a: [1, 2\nb: 3\n", &["syntax 2:2 :"]);
    check("a: 'x' == 'y'\n", &["syntax 1:8 ="]);
    check("a: \"x\n", &["syntax 1:4 \""]);
    check("ä: \"ö\" ü: 1\n", &["syntax 1:8 ü"]);
}

#[test]
fn an_empty_file_is_no_document() {
    check("", &["empty-document 1:1"]);
    check("# nothing\n", &["empty-document 1:1"]);
    check("---\n", &["empty-document 1:1"]);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_taken() {
    assert_eq!(json("\u{feff}a: 1\r\nb: |\r\n  x\r\n  y\r\n"), r#"{"a":1,"b":"x\ny\n"}"#);
    check("\u{feff}a: yes\n", &["ambiguous-scalar 1:5 yes"]);
    check("a: \u{feff}x\n", &["hidden-character 1:4 \u{feff}", "syntax 1:4 \u{feff}"]);
}

#[test]
fn characters_that_are_not_shown_are_refused() {
    check("a: x\0y\n", &["nul-character 1:5 \0"]);
    check("a: x\u{202e}y\n", &["hidden-character 1:5 \u{202e}"]);
    check("a: x\u{7}y\u{85}\n", &["hidden-character 1:5 \u{7}", "hidden-character 1:7 \u{85}"]);
    assert_eq!(json("a: \"\\u202e\"\nb: Größe 🦀\n"), "{\"a\":\"\u{202e}\",\"b\":\"Größe 🦀\"}");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let problem = source("a.yaml", b"a: 1\nb: \xff\n".to_vec()).unwrap_err();
    assert_eq!((problem.code, problem.place.line_column()), ("not-utf8", (2, 4)));
    assert_eq!(source("a.yaml", vec![b'a'; MAX_BYTES + 1]).unwrap_err().code, "too-large");
    assert_eq!(source("a.yaml", vec![b'#'; MAX_BYTES]).unwrap().text.len(), MAX_BYTES);
}

#[test]
fn depth_ends_at_64() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(json(&nested(64)), nested(64));
    check(&nested(65), &["too-deep 1:65 ["]);
    let block: String = (0..65).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_eq!(parsed(&block).1[0].code, "too-deep");
}

#[test]
fn nodes_end_at_250_000() {
    let list = |items: usize| format!("[{}]", "a,".repeat(items));
    assert_eq!(parsed(&list(MAX_NODES - 1)).1, []);
    assert_eq!(parsed(&list(MAX_NODES)).1[0].code, "too-many-nodes");
}

#[test]
fn places_count_bytes_after_wide_characters() {
    let text = "title: Größe 🦀\nä:\n  - 'é{{x}}'\n";
    let (node, _) = parsed(text);
    let node = node.unwrap();
    let found = node.at("/ä/0").unwrap();
    assert_eq!(&text[found.node.span.clone()], "'é{{x}}'");
    assert_eq!(&text[node.at("/ä").unwrap().key_span.unwrap()], "ä");
    assert!(node.at("/b").is_none() && node.at("/ä/1").is_none() && node.at("/title/0").is_none());
}

#[track_caller]
fn within(text: &str, pointer: &str, part: &str, expected: &str) {
    let (node, problems) = parsed(text);
    assert_eq!(problems, []);
    let node = node.unwrap();
    let found = node.at(pointer).unwrap().node;
    let start = found.as_str().unwrap().find(part).unwrap();
    let bytes = found.within(text, start..start + part.len());
    let end = bytes.end;
    assert_eq!(&text[bytes], expected);
    assert!(end <= text.len());
}

#[test]
fn a_part_of_a_scalar_has_its_place_in_every_style() {
    within("a: result.x == steps.y\n", "/a", "steps.y", "steps.y");
    within("a: it is 'x' or  y\n", "/a", "'x'", "'x'");
    within("a: 'it''s {{ b }}'\n", "/a", "{{ b }}", "{{ b }}");
    within("a: 'it''s {{ b }}'\n", "/a", "'", "''");
    within("a: \"\\u00e9\\n\\x41 {{ b }}\"\n", "/a", "b", "b");
    within("a: \"\\u00e9\\n\\x41 {{ b }}\"\n", "/a", "A", "\\x41");
    within("a: >-  # folded\n  result.x\n  and steps.y\n", "/a", "steps.y", "steps.y");
    within("a: |\n    one\n      two {{ b }}\n", "/a", "{{ b }}", "{{ b }}");
    within("a: one\n  two\n  three\n", "/a", "two three", "two\n  three");
    within("a: '{{ c }}\n\n  b'\n", "/a", "b", "b");
}

/// Reads a hostile file on a small stack. A reader that took it all in would not come back within any patience.
#[track_caller]
fn withstands(text: String, code: &str) {
    let found = std::thread::Builder::new()
        .stack_size(512 * 1024)
        .spawn(move || parsed(&text).1.first().map(|problem| problem.code))
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(found, Some(code));
}

#[test]
fn hostile_files_are_refused_without_a_deep_stack() {
    withstands("[".repeat(10_000), "too-deep");
    withstands("[".repeat(MAX_BYTES), "too-deep");
    withstands("{".repeat(MAX_BYTES), "too-deep");
    withstands("{a: ".repeat(100_000), "too-deep");
    withstands("- ".repeat(10_000), "too-deep");
    withstands("- ".repeat(MAX_BYTES / 2), "too-deep");
    withstands("? ".repeat(MAX_BYTES / 2), "too-deep");
    withstands("a".repeat(100_000_000), "too-large");
    withstands("a: &a\n".repeat(100), "anchor");
    withstands("!".repeat(MAX_BYTES), "syntax");
    withstands("&a ".repeat(MAX_BYTES / 3), "anchor");
    withstands("-\n".repeat(MAX_BYTES / 2), "too-many-nodes");
    withstands("[a,".to_owned() + &"a,".repeat(MAX_BYTES / 2 - 10), "too-many-nodes");
    withstands("a: yes\n".repeat(MAX_BYTES / 7), "ambiguous-scalar");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        bomb += &format!("a{level}: &a{level} [{}]\n", format!("*a{before},").repeat(9));
    }
    withstands(bomb, "anchor");
}

#[test]
fn long_scalars_are_read() {
    for text in
        ["x".repeat(MAX_BYTES), format!("'{}'", "x\n".repeat(1_000_000)), format!("|\n{}", " x\n".repeat(1_000_000))]
    {
        let (node, problems) = parsed(&text);
        assert_eq!((node.is_some(), problems.len()), (true, 0));
    }
}

#[test]
fn what_only_one_reader_takes_is_refused() {
    // A key of more than 1,024 characters.
    let line = format!("a: {{ {}: 1 }}", "k".repeat(1100));
    check(&format!("{line}\n"), &[&format!("readers-disagree 1:1 {line}")]);
}

proptest! {
    #[test]
    fn reading_never_panics(text in r#"([a-z]|[-?:,\[\]{}#&*!|>'"%@`\\ \n\t]|: |\n  |\{\{|<<|~|---|é|0){0,60}"#) {
        let (node, problems) = parsed(&text);
        prop_assert!(node.is_some() || !problems.is_empty());
        for problem in problems {
            prop_assert!(text.get(problem.place.span.clone()).is_some(), "{problem:?}");
        }
    }

    #[test]
    fn quoted_text_reads_back(text in "[ -~é🦀]{0,40}") {
        let quoted = format!("a: '{}'\nb: {}\n", text.replace('\'', "''"), serde_json::to_string(&text).unwrap());
        let (node, problems) = parsed(&quoted);
        prop_assert_eq!(problems, vec![]);
        let node = node.unwrap();
        prop_assert_eq!(node.get("a").and_then(Node::as_str), Some(text.as_str()));
        prop_assert_eq!(node.get("b").and_then(Node::as_str), Some(text.as_str()));
        for key in ["a", "b"] {
            let part = node.get(key).unwrap();
            for (at, c) in text.char_indices().filter(|(_, c)| *c != ' ') {
                let place = part.within(&quoted, at..at + c.len_utf8());
                prop_assert!(quoted[place].contains(c));
            }
        }
    }
}
