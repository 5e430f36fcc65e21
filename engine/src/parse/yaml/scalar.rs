//! What a plain (unquoted) scalar is, by the core schema of YAML 1.2, and which ones are refused because readers
//! disagree on them or because they would not read back as written.

use serde_json::Number;

use crate::parse::node::Data;

/// Why a plain scalar has to be quoted, or written in another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguous {
    /// What some readers take it for, to stand under the caret.
    pub reading: &'static str,
    /// A way to write the same without doubt, beside quoting it.
    pub instead: Option<String>,
}

/// Types a plain scalar.
///
/// # Errors
/// When it does not mean the same to every reader, or a number would lose something.
pub fn plain(text: &str) -> Result<Data, Ambiguous> {
    match text {
        "" | "null" | "Null" | "NULL" => return Ok(Data::Null),
        "true" | "True" | "TRUE" => return Ok(Data::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Data::Bool(false)),
        "~" => return Err(Ambiguous { reading: "read as nothing, not as `~`", instead: Some("null".to_owned()) }),
        _ => {}
    }
    if let Some(truth) = old_truth(text) {
        return Err(Ambiguous { reading: "some readers take it for a boolean", instead: Some(truth.to_string()) });
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    match digits.as_bytes() {
        [b'0'..=b'9', ..] => number(text, digits),
        [b'.', b'0'..=b'9', ..] if is_decimal(digits) => Err(rewritten(text, "a number without its zero")),
        [b'.', ..] if matches!(digits.to_ascii_lowercase().as_str(), ".inf" | ".nan") => {
            Err(Ambiguous { reading: "some readers take it for a number", instead: None })
        }
        _ => Ok(string(text)),
    }
}

/// The truth that readers of YAML 1.1 see in a word.
#[must_use]
pub fn old_truth(text: &str) -> Option<bool> {
    let is_one_of = |words: [&str; 2]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(["yes", "on"]) {
        return Some(true);
    }
    is_one_of(["no", "off"]).then_some(false)
}

/// Text that begins like a number: a number that reads back as written, plain text, or refused.
fn number(text: &str, digits: &str) -> Result<Data, Ambiguous> {
    let reads_back = |number: Number| (number.to_string() == text).then_some(Data::Number(number));
    if !is_decimal(digits) {
        return match odd_number(digits) {
            Some(reading) => Err(Ambiguous { reading, instead: None }),
            None => Ok(string(text)),
        };
    }
    if text.starts_with('+') {
        return Err(rewritten(digits, "read as a number, and the sign is lost"));
    }
    if digits.len() > 1 && digits.starts_with('0') && digits.as_bytes().iter().all(u8::is_ascii_digit) {
        return Err(Ambiguous { reading: "octal to some readers, decimal or text to others", instead: None });
    }
    let whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole {
        let kept = text.parse::<i64>().ok().filter(|whole| whole.unsigned_abs() <= MAX_WHOLE);
        return kept
            .and_then(|whole| reads_back(whole.into()))
            .ok_or(Ambiguous { reading: "a number that not every reader keeps exactly", instead: None });
    }
    if digits.contains(['e', 'E']) {
        return Err(rewritten(text, "a number to some readers, text to others"));
    }
    text.parse::<f64>()
        .ok()
        .filter(|float| float.is_finite())
        .and_then(Number::from_f64)
        .and_then(reads_back)
        .filter(|_| text != "-0.0")
        .ok_or_else(|| rewritten(text, "a number that does not read back as it is written"))
}

/// The largest whole number that every JSON reader keeps: 2^53 − 1.
const MAX_WHOLE: u64 = 9_007_199_254_740_991;

fn string(text: &str) -> Data {
    Data::String(text.to_owned(), crate::parse::node::Style::Plain)
}

fn rewritten(text: &str, reading: &'static str) -> Ambiguous {
    let number = text.parse::<f64>().ok().filter(|float| float.is_finite()).map(|float| {
        if float.fract() == 0.0 && float.abs() < 1e15 { format!("{float:.0}") } else { float.to_string() }
    });
    Ambiguous { reading, instead: number }
}

/// Digits, an optional fraction and an optional exponent, as the core schema has it (the sign is gone already).
fn is_decimal(digits: &str) -> bool {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && all_digits(exponent)
    });
    all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_fits
}

/// Forms that only some readers take for a number.
fn odd_number(digits: &str) -> Option<&'static str> {
    let lower = digits.to_ascii_lowercase();
    let in_base = |prefix: &str, base: u32| {
        lower
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_digit(base) || c == '_'))
    };
    if in_base("0x", 16) || in_base("0o", 8) || in_base("0b", 2) {
        return Some("a number in another base to some readers, text to others");
    }
    let plain_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_' || byte == b'.');
    if lower.contains('_') && plain_number(&lower) {
        return Some("a number to some readers, text to others");
    }
    is_sexagesimal(&lower).then_some("a count to base 60 to some readers")
}

/// `12:30`, `1:20:30.5`: parts after the first are below 60.
fn is_sexagesimal(text: &str) -> bool {
    let mut parts = text.split(':');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let first = parts.next().is_some_and(digits);
    let rest: Vec<&str> = parts.collect();
    let below_60 = |part: &str| {
        let whole = part.split('.').next().unwrap_or_default();
        digits(whole) && whole.parse::<u8>().is_ok_and(|part| part < 60)
    };
    first && !rest.is_empty() && rest.iter().all(|part| below_60(part))
}
