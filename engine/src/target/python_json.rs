//! JSON as Python reads and spells it: what foreign ledgers hash is text from `json.dumps`.
//!
//! A reader that keeps what serde_json loses (integers of any size, duplicate keys) and a writer that spells as Python
//! does. `NaN` and `Infinity`, which Python takes, are read by [`parse_as_python`] alone. Left out: lone surrogates,
//! which Python takes and no Rust text can hold; the reader says that this is its own limit.

use std::fmt::Write as _;

use indexmap::IndexMap;

mod reader;

/// A JSON value, as Python's `json.loads` understands it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of any size, in decimal digits without a plus sign, leading zeros or `-0`.
    Integer(String),
    /// A number written with a point or an exponent; finite, unless it was read by [`parse_as_python`].
    Float(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Value>),
    /// An object; of a key written twice the last value counts, in the place of the first.
    Object(IndexMap<String, Value>),
}

impl Value {
    /// A string.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// An object of these members.
    #[must_use]
    pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(key, member)| (key.to_owned(), member)).collect())
    }
}

/// What was read, and what Python would not have told.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The value.
    pub value: Value,
    /// Keys that stand more than once in one object, in the order they were met.
    pub duplicate_keys: Vec<String>,
}

/// Why a text is not the JSON it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no JSON: expected {expected} at byte {at}")]
pub struct NotJson {
    /// How many bytes were good.
    pub at: usize,
    /// What would have been right.
    pub expected: &'static str,
    /// Whether this is a limit of the reader: Python may take the text for JSON all the same.
    pub limit: bool,
}

/// Reads one JSON value that fills the whole text.
///
/// # Errors
/// Where Python's `json.loads` fails; and at `NaN`, `Infinity`, numbers beyond a double, lone surrogates, and more
/// than 128 levels.
pub fn parse(text: &str) -> Result<Parsed, NotJson> {
    reader::read(text, false)
}

/// [`parse`], but for `NaN`, `Infinity`, `-Infinity` and numbers beyond a double, which are read as Python reads them.
///
/// # Errors
/// Where Python's `json.loads` fails; and, told as [`NotJson::limit`], at lone surrogates, integers of more than 4300
/// digits, and more than 128 levels.
pub fn parse_as_python(text: &str) -> Result<Parsed, NotJson> {
    reader::read(text, true)
}

/// The spelling that is hashed: `json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)`.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

/// [`canonical`] with every character as it is: `ensure_ascii=False`, to be encoded as UTF-8.
#[must_use]
pub fn canonical_utf8(value: &Value) -> String {
    let mut out = String::new();
    write(value, &CANONICAL_UTF8, &mut out);
    out
}

/// [`canonical`], at the end of a text.
pub fn write_canonical(value: &Value, out: &mut String) {
    write(value, &CANONICAL, out);
}

/// The spelling that is stored in columns: `json.dumps(value)`.
#[must_use]
pub fn stored(value: &Value) -> String {
    let mut out = String::new();
    write(value, &STORED, &mut out);
    out
}

/// The spelling of files that people read: `json.dumps(value, indent=2, sort_keys=True)`.
#[must_use]
pub fn indented(value: &Value) -> String {
    let mut out = String::new();
    write_indented(value, 0, &mut out);
    out
}

fn write_indented(value: &Value, depth: usize, out: &mut String) {
    let line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::List(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(depth + 1, out);
                write_indented(item, depth + 1, out);
            }
            line(depth, out);
            out.push(']');
        }
        Value::Object(members) if !members.is_empty() => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, member)) in members.into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(depth + 1, out);
                write_text(key, out);
                out.push_str(": ");
                write_indented(member, depth + 1, out);
            }
            line(depth, out);
            out.push('}');
        }
        _ => write_canonical(value, out),
    }
}

/// A string in quotes, ASCII only, as both spellings write it.
pub fn write_text(text: &str, out: &mut String) {
    write_quoted(text, out, |byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\'));
}

/// A string in quotes; `escaped` says of ASCII bytes which are, and of all others the same.
fn write_quoted(text: &str, out: &mut String, escaped: impl Fn(u8) -> bool) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(&escaped) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = special.chars();
        if let Some(character) = characters.next() {
            write_escape(character, out);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn write_escape(character: char, out: &mut String) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

struct Style {
    sorted: bool,
    ascii: bool,
    comma: &'static str,
    colon: &'static str,
}

const CANONICAL: Style = Style { sorted: true, ascii: true, comma: ",", colon: ":" };
const CANONICAL_UTF8: Style = Style { ascii: false, ..CANONICAL };
const STORED: Style = Style { sorted: false, ascii: true, comma: ", ", colon: ": " };

impl Style {
    fn write_text(&self, text: &str, out: &mut String) {
        match self.ascii {
            true => write_text(text, out),
            false => write_quoted(text, out, |byte| matches!(byte, ..b' ' | b'"' | b'\\')),
        }
    }
}

fn write(value: &Value, style: &Style, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Integer(digits) => out.push_str(digits),
        Value::Float(number) => out.push_str(&python_float(*number)),
        Value::Text(text) => style.write_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(style.comma);
                }
                write(item, style, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if style.sorted {
                // The order of UTF-8 bytes is the order of code points.
                members.sort_unstable_by_key(|(key, _)| *key);
            }
            out.push('{');
            for (index, (key, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push_str(style.comma);
                }
                style.write_text(key, out);
                out.push_str(style.colon);
                write(member, style, out);
            }
            out.push('}');
        }
    }
}

/// Python's `repr` of a float: the shortest digits that read back the same, with an exponent below 1e-4 and from 1e16.
fn python_float(number: f64) -> String {
    if !number.is_finite() {
        let word = if number.is_nan() { "NaN" } else { "Infinity" };
        return format!("{}{word}", if number == f64::NEG_INFINITY { "-" } else { "" });
    }
    let shortest = format!("{number:e}");
    // Where two shortest spellings are equally near, Python takes the even one, as exact rounding does.
    let decimals = shortest.split_once('e').map_or(0, |(mantissa, _)| mantissa.trim_start_matches('-').len());
    let rounded = format!("{number:.0$e}", decimals.saturating_sub(2));
    let scientific = if rounded.parse() == Ok(number) { rounded } else { shortest };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    let places = exponent.unsigned_abs() as usize;
    match exponent {
        -4..0 => format!("{sign}0.{}{digits}", "0".repeat(places - 1)),
        0..16 if digits.len() > places + 1 => {
            format!("{sign}{}.{}", &digits[..=places], &digits[places + 1..])
        }
        0..16 => format!("{sign}{digits}{}.0", "0".repeat(places + 1 - digits.len())),
        _ => format!("{sign}{mantissa}e{}{places:02}", if exponent < 0 { '-' } else { '+' }),
    }
}

#[cfg(test)]
mod tests;
