//! The reading half: text to value, as Python's `json.loads` does it. How values are spelled is not known here.

use indexmap::IndexMap;

use super::{NotJson, Parsed, Value};

/// How deep arrays and objects may stand in each other.
const MAX_DEPTH: usize = 128;
/// How many digits Python turns into an integer before it refuses (CPython's `sys.int_info.default_max_str_digits`).
const MAX_DIGITS: usize = 4300;

/// What Python writes for a double that is no number.
const WORDS: [(&str, f64); 3] = [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];

/// The whole of a text as one value; `infinite` says whether a number may lie beyond a double, or be none.
pub(super) fn read(text: &str, infinite: bool) -> Result<Parsed, NotJson> {
    let mut reader = Reader { text, at: 0, infinite, duplicate_keys: Vec::new() };
    let value = reader.value(0)?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.wrong("the end"));
    }
    Ok(Parsed { value, duplicate_keys: reader.duplicate_keys })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    infinite: bool,
    duplicate_keys: Vec<String>,
}

impl Reader<'_> {
    fn wrong(&self, expected: &'static str) -> NotJson {
        NotJson { at: self.at, expected, limit: false }
    }

    fn here(&self, word: &str) -> bool {
        self.text.as_bytes()[self.at..].starts_with(word.as_bytes())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Result<Value, NotJson> {
        if depth > MAX_DEPTH {
            return Err(NotJson { at: self.at, expected: "fewer levels", limit: true });
        }
        self.blank();
        if self.infinite
            && let Some((word, number)) = WORDS.into_iter().find(|(word, _)| self.here(word))
        {
            self.at += word.len();
            return Ok(Value::Float(number));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value, NotJson> {
        for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if self.here(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.wrong("a value"))
    }

    fn object(&mut self, depth: usize) -> Result<Value, NotJson> {
        self.at += 1;
        let mut members = IndexMap::new();
        self.blank();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.blank();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a key in double quotes"));
            }
            let key = self.string()?;
            self.blank();
            if !self.take(b':') {
                return Err(self.wrong("`:`"));
            }
            let member = self.value(depth + 1)?;
            if members.contains_key(&key) {
                self.duplicate_keys.push(key.clone());
            }
            members.insert(key, member);
            self.blank();
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return Err(self.wrong("`,` or `}`"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, NotJson> {
        self.at += 1;
        let mut items = Vec::new();
        self.blank();
        if self.take(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blank();
            if self.take(b']') {
                return Ok(Value::List(items));
            }
            if !self.take(b',') {
                return Err(self.wrong("`,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Result<String, NotJson> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | ..0x20)) {
                self.at += 1;
            }
            // Both ends stand beside ASCII bytes, which are never inside a character.
            out.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return Err(self.wrong("no bare control character")),
                None => return Err(self.wrong("`\"`")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, NotJson> {
        let start = self.at;
        self.at += 1;
        let escaped = self.peek();
        self.at += 1;
        match escaped {
            Some(byte @ (b'"' | b'\\' | b'/')) => return Ok(char::from(byte)),
            Some(b'n') => return Ok('\n'),
            Some(b'r') => return Ok('\r'),
            Some(b't') => return Ok('\t'),
            Some(b'b') => return Ok('\u{8}'),
            Some(b'f') => return Ok('\u{c}'),
            Some(b'u') => {}
            _ => {
                let expected = "one of `\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u`";
                return Err(NotJson { at: start, expected, limit: false });
            }
        }
        let lone = NotJson { at: start, expected: "no lone surrogate", limit: true };
        match self.unit()? {
            high @ 0xD800..=0xDBFF => {
                if !(self.take(b'\\') && self.take(b'u')) {
                    return Err(lone);
                }
                let low = self.unit()?;
                char::decode_utf16([high, low]).next().and_then(Result::ok).ok_or(lone)
            }
            unit => char::from_u32(u32::from(unit)).ok_or(lone),
        }
    }

    fn unit(&mut self) -> Result<u16, NotJson> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let unit = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)).and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u16::from_str_radix(digits, 16).ok()
        });
        let unit = unit.ok_or_else(|| self.wrong("four hex digits"))?;
        self.at += 4;
        Ok(unit)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value, NotJson> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return Err(self.wrong("a digit"));
        }
        let whole = self.at;
        // As Python's reader: a point or an exponent without digits after it is not part of the number.
        if self.take(b'.') && self.digits() == 0 {
            self.at = whole;
        }
        let fraction = self.at;
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'-') || self.take(b'+');
            if self.digits() == 0 {
                self.at = fraction;
            }
        }
        let written = &self.text[start..self.at];
        if self.at == whole {
            let digits = written.trim_start_matches('-');
            if digits.len() > MAX_DIGITS {
                return Err(NotJson { at: start, expected: "at most 4300 digits", limit: true });
            }
            return Ok(Value::Integer(if digits == "0" { digits } else { written }.to_owned()));
        }
        match written.parse::<f64>() {
            Ok(number) if number.is_finite() || self.infinite => Ok(Value::Float(number)),
            _ => Err(NotJson { at: start, expected: "a number within a double", limit: false }),
        }
    }
}
