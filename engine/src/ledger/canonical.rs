//! Whether bytes are an RFC 8785 object in our profile: one pass, nothing allocated.
//!
//! Verification asks this of every entry, so it does not parse into values and spell them again: there is one spelling,
//! and each byte is compared with what it must be. What the members mean is `entry`'s affair.

use crate::event::MAX_INTEGER;

/// How deep an entry may nest, itself included; serde_json reads to 128.
const MAX_DEPTH: usize = 100;

/// Why bytes are not in the one spelling that may be hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {why}")]
pub struct Flaw {
    /// Where, from 0.
    pub at: usize,
    /// What was found or expected.
    pub why: &'static str,
}

/// The top members of an object, as spelled, in the order of their names.
pub(super) type Visit<'a, 'v> = &'v mut dyn FnMut(Path, &'a str, &'a str);

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// In the object itself.
    Top,
    /// In the object's member `data`.
    Data,
}

/// Goes through an object once and shows each member of it, and of its `data`, with the value as it is spelled.
///
/// # Errors
/// At the first byte that RFC 8785 or the profile would have otherwise.
pub(super) fn scan<'a>(body: &'a [u8], visit: Visit<'a, '_>) -> Result<(), Flaw> {
    let text = std::str::from_utf8(body).map_err(|error| Flaw { at: error.valid_up_to(), why: "not UTF-8" })?;
    let mut scanner = Scanner { text, at: 0 };
    if scanner.peek() != Some(b'{') {
        return Err(scanner.flaw("expected an object"));
    }
    scanner.object(1, Some((Path::Top, visit)))?;
    if scanner.at == text.len() { Ok(()) } else { Err(scanner.flaw("something follows the object")) }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn flaw(&self, why: &'static str) -> Flaw {
        Flaw { at: self.at, why }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, why: &'static str) -> Result<(), Flaw> {
        if self.peek() != Some(byte) {
            return Err(self.flaw(why));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<(), Flaw> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'{') => self.object(depth, None),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.integer(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => Err(self.flaw("expected a value, without white space")),
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), Flaw> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.flaw("expected `true`, `false` or `null`"));
        }
        self.at += word.len();
        Ok(())
    }

    fn object(&mut self, depth: usize, mut visit: Option<(Path, Visit<'a, '_>)>) -> Result<(), Flaw> {
        if depth > MAX_DEPTH {
            return Err(self.flaw("nested deeper than 100"));
        }
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let mut previous: Option<&str> = None;
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.flaw("expected a member's name"));
            }
            let name_at = self.at;
            let name = self.string()?;
            if previous.is_some_and(|previous| !comes_before(previous, name)) {
                return Err(Flaw { at: name_at, why: "names are not in order, or one is there twice" });
            }
            previous = Some(name);
            self.expect(b':', "expected `:`")?;
            let start = self.at;
            match &mut visit {
                Some((Path::Top, visit)) if name == "data" && self.peek() == Some(b'{') => {
                    self.object(depth + 1, Some((Path::Data, &mut **visit)))?;
                }
                _ => self.value(depth + 1)?,
            }
            if let Some((path, visit)) = &mut visit {
                visit(*path, name, &self.text[start..self.at]);
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.flaw("expected `,` or `}`")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Flaw> {
        if depth > MAX_DEPTH {
            return Err(self.flaw("nested deeper than 100"));
        }
        self.at += 1;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.flaw("expected `,` or `]`")),
            }
        }
    }

    fn integer(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let digits = self.at;
        let mut number: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
            self.at += 1;
        }
        let count = self.at - digits;
        let padded = count > 1 && self.text.as_bytes()[digits] == b'0';
        let minus_zero = number == 0 && digits > start;
        if count == 0 || padded || minus_zero {
            return Err(Flaw { at: start, why: "not an integer as it is spelled" });
        }
        if number > MAX_INTEGER {
            return Err(Flaw { at: start, why: "an integer outside ±(2^53−1)" });
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Err(Flaw { at: start, why: "a number that is no integer" });
        }
        Ok(())
    }

    /// The string at this place, as spelled, without its quotes.
    fn string(&mut self) -> Result<&'a str, Flaw> {
        self.at += 1;
        let start = self.at;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(&self.text[start..self.at - 1]);
                }
                Some(b'\\') => self.escape()?,
                Some(b' '..) => self.at += 1,
                Some(_) => return Err(self.flaw("a control character that is not escaped")),
                None => return Err(self.flaw("a string without end")),
            }
        }
    }

    /// RFC 8785 section 3.2.2.2: two-character escapes where there is one, else `\u00xx` below U+0020, nothing else.
    fn escape(&mut self) -> Result<(), Flaw> {
        let rest = &self.text.as_bytes()[self.at + 1..];
        let length = match rest {
            [b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => 2,
            [b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', ..]
            | [b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => 6,
            _ => return Err(self.flaw("an escape that is not needed, or not in its shortest form")),
        };
        self.at += length;
        Ok(())
    }
}

/// Whether one spelled name sorts before another: by UTF-16 code units (RFC 8785 section 3.2.3).
fn comes_before(left: &str, right: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii() && byte != b'\\');
    if plain(left) && plain(right) { left < right } else { utf16(left).lt(utf16(right)) }
}

fn utf16(spelled: &str) -> impl Iterator<Item = u16> {
    let mut rest = spelled.chars();
    let unescaped = std::iter::from_fn(move || {
        let first = rest.next()?;
        if first != '\\' {
            return Some(first);
        }
        match rest.next()? {
            'b' => Some('\u{8}'),
            't' => Some('\t'),
            'n' => Some('\n'),
            'f' => Some('\u{c}'),
            'r' => Some('\r'),
            'u' => {
                let code = (0..4).try_fold(0, |code, _| Some(code * 16 + rest.next()?.to_digit(16)?))?;
                char::from_u32(code)
            }
            other => Some(other),
        }
    });
    unescaped.flat_map(|character| {
        let mut units = [0; 2];
        let count = character.encode_utf16(&mut units).len();
        units.into_iter().take(count)
    })
}
