//! What the type of secrets promises, and what the masker lets out: nothing, however it is written and cut.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use serde_json::json;

use super::custody::Custody;
use super::masker::{Masker, Stream};
use super::{MIN_BYTES, Secret, TooShort};

const JSON_SECRET: &str = r#"{"user": "ops", "pass": "a\"b"}"#;
const LINES: &str = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\r\nhkiG9w0BAQEFAASC\n-----END KEY-----\n";

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

fn masker(text: &str) -> Masker {
    Masker::new(&[secret(text)])
}

#[track_caller]
fn masked(secret: &str, text: &str, expected: &str) {
    assert_eq!(masker(secret).text(text).as_deref().unwrap_or(text), expected);
}

/// Every form of a value that something outside might write.
fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(value).into_owned();
    let once = json!(text).to_string();
    let ascii: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let all_percent: String = value.iter().map(|byte| format!("%{byte:02X}")).collect();
    let some_percent: String = value
        .iter()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("%{byte:02x}") })
        .collect();
    let wrapped = |text: String| {
        let lines: Vec<&[u8]> = text.as_bytes().chunks(7).collect();
        lines.join(&b'\n')
    };
    let mut forms = vec![
        value.to_vec(),
        once.as_bytes()[1..once.len() - 1].to_vec(),
        {
            let twice = json!(once).to_string();
            twice.as_bytes()[3..twice.len() - 3].to_vec()
        },
        ascii.into_bytes(),
        all_percent.into_bytes(),
        some_percent.replace("%20", "+").into_bytes(),
        some_percent.into_bytes(),
        hex::encode(value).into_bytes(),
        hex::encode_upper(value).into_bytes(),
        wrapped(hex::encode(value)),
    ];
    for before in ["", "x", "xy", "xyz: "] {
        for after in ["", "z", "zz"] {
            let whole = [before.as_bytes(), value, after.as_bytes()].concat();
            forms.push(STANDARD.encode(&whole).into_bytes());
            forms.push(URL_SAFE.encode(&whole).into_bytes());
            forms.push(wrapped(STANDARD.encode(&whole)));
        }
    }
    forms
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_secret_shows_as_stars_and_knows_its_equal() {
    let secret = secret("correct horse");
    assert_eq!(format!("{secret:?}"), "***");
    assert_eq!(format!("{:?}", Some(&secret)), "Some(***)");
    assert_eq!(secret, self::secret("correct horse"));
    assert_ne!(secret, self::secret("correct horsf"));
    assert_ne!(secret, self::secret("correct hors"));
}

#[test]
fn a_value_under_eight_bytes_is_no_secret() {
    assert_eq!(MIN_BYTES, 8);
    assert_eq!(secret("1234567").fit(), Err(TooShort { found: 7 }));
    assert_eq!(secret("12345678").fit(), Ok(()));
    assert!(masker("1234567").is_empty());
}

#[test]
fn every_form_of_every_sort_of_value_is_masked() {
    for value in ["s3cr3t-value", "it's \"quoted\" # not", " spaces  within ", "ünïcode ☃ 漢字", JSON_SECRET, LINES]
    {
        let masker = masker(value);
        for form in forms(value.as_bytes()) {
            let text = [b"before >".as_slice(), &form, b"< after"].concat();
            let out = masker.bytes(&text).unwrap_or_else(|| text.clone());
            let shown = String::from_utf8_lossy(&text).into_owned();
            assert!(out.starts_with(b"before >") && out.ends_with(b"< after"), "{shown}");
            assert!(contains(&out, b"***"), "{value:?} shows in {shown:?}");
            assert!(!contains(&out, value.trim().as_bytes()), "{shown}");
        }
    }
}

#[test]
fn each_line_of_several_is_masked_alone() {
    masked(LINES, "key: MIIEvQIBADANBgkq.", "key: ***.");
    masked(LINES, "  hkiG9w0BAQEFAASC  ", "  ***  ");
    masked(LINES, "short lines stay", "short lines stay");
}

#[test]
fn what_overlaps_or_touches_is_one_mask() {
    let two = Masker::new(&[secret("abcdefgh12"), secret("12345678zz")]);
    assert_eq!(two.text("<abcdefgh12345678zz>").unwrap(), "<***>");
    assert_eq!(two.text("<abcdefgh1212345678zz>").unwrap(), "<***>");
    assert_eq!(two.text("<abcdefgh12 12345678zz>").unwrap(), "<*** ***>");
    let nested = Masker::new(&[secret("abcdefgh"), secret("abcdefghijkl")]);
    assert_eq!(nested.text("abcdefghijkl abcdefghij").unwrap(), "*** ***ij");
}

#[test]
fn a_begin_of_a_secret_at_a_cut_is_not_shown() {
    let masker = masker("correct horse battery");
    let cut = |text: &str| masker.cut_bytes(text.as_bytes()).map(|out| String::from_utf8(out).unwrap());
    assert_eq!(cut("the pass is correct hor").as_deref(), Some("the pass is ***"));
    assert_eq!(cut("the pass is corr").as_deref(), Some("the pass is ***"));
    assert_eq!(cut("the pass is cor"), None);
    assert_eq!(masker.text("the pass is correct hor"), None);
    let encoded = STANDARD.encode("correct horse battery");
    assert_eq!(cut(&encoded[..20]).as_deref(), Some("***"));
}

#[test]
fn values_of_json_are_masked_keys_and_numbers_included() {
    let masker = Masker::new(&[secret("1234567890"), secret("s3cr3t-value")]);
    let mut value =
        json!({ "n": 1_234_567_890, "s3cr3t-value": ["a s3cr3t-value", true, null, 12], "k": { "d": 1.5 } });
    masker.clean_json(&mut value);
    assert_eq!(value, json!({ "n": "***", "***": ["a ***", true, null, 12], "k": { "d": 1.5 } }));
}

#[test]
fn a_stream_says_the_same_wherever_it_is_cut() {
    for value in ["it's \"quoted\" # not", "ünïcode ☃ 漢字", LINES] {
        let masker = masker(value);
        for form in forms(value.as_bytes()) {
            let text = [b"b\\\\efore %25 \\\"".as_slice(), &form, b"\\u00e9< after"].concat();
            let whole = masker.bytes(&text).unwrap();
            for at in 0..=text.len() {
                let mut stream = Stream::of(&masker);
                let mut out = stream.push(&text[..at]);
                out.extend(stream.push(&text[at..]));
                out.extend(stream.finish(false));
                assert_eq!(out, whole, "cut at {at} of {:?}", String::from_utf8_lossy(&text));
            }
        }
    }
}

#[test]
fn custody_masks_what_it_has_learned_from_then_on() {
    let custody = Custody::default();
    assert!(custody.masker().is_empty());
    custody.learn(&secret("short"));
    assert!(custody.masker().is_empty());
    custody.learn(&secret("s3cr3t-value"));
    assert_eq!(custody.masker().text("a s3cr3t-value").unwrap(), "a ***");
    custody.learn(&secret("another-value"));
    assert_eq!(custody.masker().text("s3cr3t-value another-value").unwrap(), "*** ***");
}

#[test]
fn a_megabyte_is_masked_in_a_moment() {
    let masker = Masker::new(&[secret(LINES), secret("s3cr3t-value")]);
    let mut text = "a line of %41 log with \\\"escapes\\\" and + signs\n".repeat(25_000).into_bytes();
    text.extend_from_slice(b"s3cr3t-value");
    let begun = std::time::Instant::now();
    assert!(masker.bytes(&text).unwrap().ends_with(b"***"));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "\\PC{8,40}".prop_map(String::into_bytes),
        "[a-c\"\\\\/%+ \n]{8,20}".prop_map(String::into_bytes),
        "[ab]{8,12}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_form_of_a_secret_gets_through_in_pieces(
        value in any_value(),
        around in ("[ -~]{0,12}", "[ -~]{0,12}"),
        pick in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let masker = Masker::new(&[Secret::new(value.clone())]);
        let forms = forms(&value);
        let form = pick.get(&forms);
        let text = [around.0.as_bytes(), form, around.1.as_bytes()].concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        let (mut stream, mut out, mut from) = (Stream::of(&masker), Vec::new(), 0);
        for to in cuts.into_iter().chain([text.len()]) {
            out.extend(stream.push(&text[from..to]));
            from = to;
        }
        out.extend(stream.finish(false));
        prop_assert!(!contains(&out, form), "{:?} in {:?}", form, out);
        prop_assert!(contains(&out, b"***"));
        prop_assert_eq!(out, masker.bytes(&text).unwrap());
    }

    #[test]
    fn other_text_passes_as_it_is(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let masker = masker("a-value-that-no-chance-will-write");
        let mut stream = Stream::of(&masker);
        let mut out = Vec::new();
        for piece in text.chunks(3) {
            out.extend(stream.push(piece));
        }
        out.extend(stream.finish(false));
        prop_assert_eq!(out, text);
    }
}
