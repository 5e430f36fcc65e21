//! Lines of JSON as they are read: what is one, and what is told of one that is none.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::shown::{time_of, to_json};
use super::*;

/// Every line as number, text, length and end.
fn lines(bytes: &[u8]) -> Vec<(u64, String, u64, End)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let mut lines = Lines::open(file.path()).unwrap();
    let mut found = Vec::new();
    while let Some(line) = lines.read_next().unwrap() {
        found.push((line.number, String::from_utf8_lossy(line.bytes).into_owned(), line.length, line.end));
    }
    found
}

fn examined(bytes: &[u8], number: u64, end: End) -> (Content, Vec<Fault>) {
    let (content, faults) = examine(&Line { number, bytes, length: bytes.len() as u64, end });
    (content, faults.into_iter().map(|(fault, _)| fault).collect())
}

#[test]
fn lines_end_as_pythons_do() {
    let texts = |bytes: &[u8]| lines(bytes).into_iter().map(|(_, text, _, end)| (text, end)).collect::<Vec<_>>();
    let line = |text: &str, end| (text.to_owned(), end);
    assert_eq!(
        texts(b"a\nb\r\nc\rd\n\ne"),
        [
            line("a", End::LineFeed),
            line("b", End::CarriageReturn),
            line("c", End::CarriageReturn),
            line("d", End::LineFeed),
            line("", End::LineFeed),
            line("e", End::Nothing)
        ]
    );
    assert_eq!(texts(b""), []);
    assert_eq!(texts(b"\r"), [line("", End::CarriageReturn)]);
}

#[test]
fn an_end_of_two_bytes_may_lie_across_two_reads() {
    let long = "x".repeat(64 * 1024 - 1);
    let found = lines(format!("{long}\r\ny\n").as_bytes());
    assert_eq!(found.iter().map(|(number, _, length, _)| (*number, *length)).collect::<Vec<_>>(), [(1, 65535), (2, 1)]);
}

#[test]
fn of_a_huge_line_only_its_length_is_kept_and_the_next_one_is_read() {
    let huge = MAX_LINE + 3;
    let found = lines(format!("{}\n{{}}\n", "x".repeat(huge)).as_bytes());
    assert_eq!((found[0].1.len(), found[0].2), (MAX_LINE, huge as u64));
    assert_eq!((found[1].0, found[1].1.as_str()), (2, "{}"));
    let (content, faults) = examine(&Line { number: 1, bytes: b"{}", length: huge as u64, end: End::LineFeed });
    assert_eq!((content, faults[0].0), (Content::Dark, Fault::LineTooLong));
}

#[test]
fn what_a_line_holds_is_told_apart() {
    let faults = |bytes: &[u8], end| examined(bytes, 2, end).1;
    assert_eq!(faults(b"{\"a\":1}", End::LineFeed), []);
    assert_eq!(faults(b" \t ", End::LineFeed), [Fault::BlankLine]);
    assert_eq!(faults("\u{1c}\u{85}\u{a0}".as_bytes(), End::LineFeed), [Fault::BlankLine]);
    assert_eq!(faults(b"{\"a\":1,\"a\":2}", End::LineFeed), [Fault::DuplicateJsonKeys]);
    assert_eq!(faults(b"{\"a\":", End::LineFeed), [Fault::NotJson]);
    assert_eq!(faults(b"{\"a\":", End::Nothing), [Fault::HalfWrittenLine]);
    assert_eq!(faults(b"{\"a\":\"\xc3", End::Nothing), [Fault::HalfWrittenLine]);
    assert_eq!(faults(b"{\"a\":\"\xc3\"}", End::LineFeed), [Fault::NotUtf8]);
    assert_eq!(faults(b"{\"a\":1}", End::Nothing), [Fault::UnterminatedLine]);
    assert_eq!(faults(b"\"\\ud800\"", End::LineFeed), [Fault::BeyondReader]);
    assert_eq!(faults("[".repeat(200).as_bytes(), End::LineFeed), [Fault::BeyondReader]);
    assert_eq!(faults(b"[NaN,-Infinity,1e999]", End::LineFeed), []);
    let bom = "\u{feff}{}".as_bytes();
    assert_eq!(examined(bom, 1, End::LineFeed).1, [Fault::ByteOrderMark, Fault::NotJson]);
    assert_eq!(faults(bom, End::LineFeed), [Fault::NotJson]);
}

#[test]
fn times_are_read_in_the_spellings_that_are_found() {
    let same = ["2025-11-15T12:08:39.485262Z", "2025-11-15T12:08:39.485262+00:00", "2025-11-15T12:08:39.485262+00:00Z"];
    for spelling in same {
        assert_eq!(time_of(&json!(spelling)).unwrap().to_string(), "2025-11-15T12:08:39.485262Z", "{spelling}");
    }
    assert_eq!(time_of(&json!(1_764_550_000)).unwrap().to_string(), "2025-12-01T00:46:40.000000Z");
    assert_eq!(time_of(&json!(1_764_550_000.5)).unwrap().to_string(), "2025-12-01T00:46:40.500000Z");
    for wrong in [json!(null), json!("yesterday"), json!(i64::MAX), json!(1e300), json!([1])] {
        assert_eq!(time_of(&wrong), None, "{wrong}");
    }
}

#[test]
fn numbers_that_do_not_fit_are_shown_as_they_were_written() {
    let parsed =
        python_json::parse_as_python("[123456789012345678901234567890, -1, 18446744073709551615, NaN]").unwrap();
    let huge = json!({ "$number": "123456789012345678901234567890" });
    assert_eq!(to_json(&parsed.value), json!([huge, -1, u64::MAX, { "$number": "NaN" }]));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic_or_lose_count(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let found = lines(&bytes);
        prop_assert_eq!(found.last().map_or(0, |line| line.0), found.len() as u64);
        for (number, text, _, end) in found {
            let _ = examined(text.as_bytes(), number, end);
        }
    }
}
