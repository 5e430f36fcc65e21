//! Dotenv files as they are found, with the traps that are known of them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::{Lines, quote};

#[track_caller]
fn value(text: &str, key: &str, expected: &str) {
    let lines = Lines::parse(text.to_owned()).unwrap();
    assert_eq!(lines.value(key), Ok(Some(expected)), "{text}");
}

#[track_caller]
fn refused(text: &str, key: &str, expected: &str) {
    let lines = Lines::parse(text.to_owned()).unwrap();
    let why = lines.value(key).unwrap_err();
    assert!(why.contains(expected), "{text}: {why}");
}

#[track_caller]
fn set(text: &str, key: &str, to: &str, expected: &str) {
    let mut lines = Lines::parse(text.to_owned()).unwrap();
    lines.set(key, &quote(to, false).unwrap()).unwrap();
    assert_eq!(lines.text(), expected);
    assert_eq!(lines.value(key), Ok(Some(to)));
}

#[test]
fn values_are_read_as_their_readers_read_them() {
    value("A=plain", "A", "plain");
    value("  export  A = spaced out  # a comment\n", "A", "spaced out");
    value("A='it # is $HOME'\n", "A", "it # is $HOME");
    value("A=\"two\\nlines\" # said\n", "A", "two\nlines");
    value("A='first\nsecond=2\n'\nB=2\n", "A", "first\nsecond=2\n");
    value("A='first\nsecond=2\n'\nB=2\n", "B", "2");
    value("\u{feff}A=1\r\nB=2\r\n", "A", "1");
    value("\u{feff}A=1\r\nB=2\r\n", "B", "2");
    value("A=\n", "A", "");
    value("A=a=b==\n", "A", "a=b==");
    value("A=\"say \\\"hi\\\"\"\n", "A", "say \"hi\"");
    value("A=pa$$1$\n", "A", "pa$$1$");
    value("# A=1\nexported=1\n", "exported", "1");
}

#[test]
fn what_readers_read_differently_is_an_error() {
    refused("A=token#1234\n", "A", "unquoted `#`");
    refused("A=#none\n", "A", "unquoted `#`");
    refused("A=pa$word\n", "A", "replace by a variable");
    refused("A=\"${HOME}/x\"\n", "A", "replace by a variable");
    refused("A='a'b\n", "A", "after its closing quote");
    refused("A='a'#b\n", "A", "after its closing quote");
    refused("A=\"\\d\"\n", "A", "escape");
    refused("A=1\nB=2\nA=3\n", "A", "twice (lines 1 and 3)");
    refused("SIGNING_KEY_PATH: /keys/a.pem\n", "SIGNING_KEY_PATH", "no assignment");
    assert!(Lines::parse("A='never closed\nB=1\n".to_owned()).is_err());
}

#[test]
fn one_wrong_line_leaves_the_others_readable() {
    value("A: 1\nB=tok#en\nC=good\n", "C", "good");
    let lines = Lines::parse("A: 1\nB=tok#en\nC=good\n".to_owned()).unwrap();
    assert_eq!(lines.names(), ["B", "C"]);
    assert_eq!(lines.value("D"), Ok(None));
}

#[test]
fn a_change_touches_nothing_but_the_value() {
    set("A=1\nexport B = 'old' # why\n\n#C=3\n", "B", "new#1", "A=1\nexport B = 'new#1' # why\n\n#C=3\n");
    set("A=1\r\nB=2\r\n", "A", "9", "A=9\r\nB=2\r\n");
    set("A=1\r\n", "B", "2", "A=1\r\nB=2\r\n");
    set("A=1", "B", "two words", "A=1\nB='two words'\n");
    set("", "B", "", "B=''\n");
    set("A=\"x\ny\"\nB=1\n", "A", "it's", "A=\"it's\"\nB=1\n");
    set("A=\n", "A", "x", "A=x\n");
}

#[test]
fn a_removed_assignment_goes_with_all_its_lines() {
    let mut lines = Lines::parse("A=1\nexport B='x\ny' # z\nC=3".to_owned()).unwrap();
    lines.remove("B").unwrap();
    assert_eq!(lines.text(), "A=1\nC=3");
    lines.remove("C").unwrap();
    lines.remove("D").unwrap();
    assert_eq!(lines.text(), "A=1\n");
}

#[test]
fn what_cannot_be_written_alike_for_all_is_refused_unless_escapes_are_undone() {
    for value in ["both ' and \"", "back\\slash'", "it's $5 and \"", "a\rb"] {
        assert!(quote(value, false).is_err(), "{value}");
        let line = format!("A={}\n", *quote(value, true).unwrap());
        assert_eq!(Lines::parse(line).unwrap().value("A"), Ok(Some(value)));
    }
    assert!(quote("it's $HOME \"", true).is_err());
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(value in "[a-z'\"\\\\$# =\n\r{é]{0,12}", escapes: bool, before in "(A=1\n)?(# x\n)?") {
        if let Ok(quoted) = quote(&value, escapes) {
            let mut lines = Lines::parse(before.clone()).unwrap();
            lines.set("KEY", &quoted).unwrap();
            prop_assert_eq!(lines.value("KEY"), Ok(Some(value.as_str())));
            lines.remove("KEY").unwrap();
            prop_assert_eq!(lines.text(), before);
        }
    }

    #[test]
    fn no_file_makes_it_panic(text in "[A-C='\"\\\\$# \n\r:é]{0,60}") {
        if let Ok(mut lines) = Lines::parse(text.clone()) {
            prop_assert_eq!(lines.text(), text);
            for key in ["A", "B", "AB"] {
                let _ = lines.value(key);
                let _ = lines.set(key, "x");
                let _ = lines.remove(key);
            }
        }
    }
}
