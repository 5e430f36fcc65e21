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

/// A place in a text that is looked through from its start.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the start of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Goes over these bytes if they are next; gives them as they stand in the text.
    pub fn eat(&mut self, bytes: &[u8]) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let eaten = rest.as_bytes().starts_with(bytes).then(|| rest.get(..bytes.len()))??;
        self.at += bytes.len();
        Some(eaten)
    }

    /// Goes over these if they are next: as [`Self::eat`], for what is always the same.
    #[inline]
    pub fn eat_word<const N: usize>(&mut self, word: &[u8; N]) -> Option<()> {
        let is_next = self.text.as_bytes().get(self.at..)?.first_chunk::<N>()? == word;
        self.at += if is_next { N } else { 0 };
        is_next.then_some(())
    }

    /// Goes over a string, an integer or an object of an entry if that is next and canonical; gives it as spelled. The
    /// members of an object are shown as those of `data`.
    pub fn eat_value(&mut self, first: u8, visit: Visit<'a, '_>) -> Option<&'a str> {
        let start = self.at;
        match self.peek()? {
            found if found != first && !(first == b'0' && found.is_ascii_digit()) => return None,
            b'{' => self.object(2, Some((Path::Data, visit))),
            _ => self.value(2),
        }
        .ok()?;
        self.text.get(start..self.at)
    }

    /// Whether nothing follows.
    pub fn is_done(&self) -> bool {
        self.at == self.text.len()
    }

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
        let mut previous: Option<Name<'_>> = None;
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.flaw("expected a member's name"));
            }
            let name_at = self.at;
            let name = Name::of(self.string()?);
            if previous.is_some_and(|previous| !previous.comes_before(name)) {
                return Err(Flaw { at: name_at, why: "names are not in order, or one is there twice" });
            }
            previous = Some(name);
            self.expect(b':', "expected `:`")?;
            let start = self.at;
            match &mut visit {
                Some((Path::Top, visit)) if name.text == "data" && self.peek() == Some(b'{') => {
                    self.object(depth + 1, Some((Path::Data, &mut **visit)))?;
                }
                _ => self.value(depth + 1)?,
            }
            if let Some((path, visit)) = &mut visit {
                visit(*path, name.text, &self.text[start..self.at]);
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

    fn string(&mut self) -> Result<Spelled<'a>, Flaw> {
        self.at += 1;
        let start = self.at;
        let mut has_escapes = false;
        let bytes = self.text.as_bytes();
        loop {
            self.skip_plain();
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Spelled { text: &self.text[start..self.at - 1], has_escapes });
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                Some(b' '..) => self.at += 1,
                Some(_) => return Err(self.flaw("a control character that is not escaped")),
                None => return Err(self.flaw("a string without end")),
            }
        }
    }

    /// Goes on to near the next byte that is not a string's inside, most often right to it.
    fn skip_plain(&mut self) {
        let bytes = self.text.as_bytes();
        // Most strings are short. In those that are not, larger pieces are looked at.
        for _ in 0..4 {
            let Some(eight) = bytes[self.at..].first_chunk::<8>() else { return };
            let plain = plain_prefix(*eight);
            self.at += plain;
            if plain < 8 {
                return;
            }
        }
        while bytes[self.at..].first_chunk::<32>().is_some_and(is_plain) {
            self.at += 32;
        }
        while let Some(eight) = bytes[self.at..].first_chunk::<8>() {
            let plain = plain_prefix(*eight);
            self.at += plain;
            if plain < 8 {
                return;
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

/// How many of eight bytes come before one that ends a string, begins an escape or is a control character. All eight are
/// looked at in one go, since most of a ledger is the inside of strings.
fn plain_prefix(eight: [u8; 8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let word = u64::from_le_bytes(eight);
    // A byte below `limit` (at most 0x80) borrows into its own highest bit; only those after the first may be wrong.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHS;
    let quote = below(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    ((quote | backslash | below(word, b' ')).trailing_zeros() / 8) as usize
}

/// Whether all of these are a string's inside. Without a branch, so that the compiler looks at many at once.
fn is_plain(bytes: &[u8; 32]) -> bool {
    let ends = |byte: u8| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    bytes.iter().fold(0, |found, byte| found | ends(*byte)) == 0
}

/// A string as spelled, without its quotes.
#[derive(Clone, Copy)]
struct Spelled<'a> {
    text: &'a str,
    has_escapes: bool,
}

/// The name of a member.
#[derive(Clone, Copy)]
struct Name<'a> {
    /// As spelled, without its quotes.
    text: &'a str,
    /// Whether its bytes are what it is sorted by.
    is_plain: bool,
}

impl<'a> Name<'a> {
    fn of(spelled: Spelled<'a>) -> Self {
        Self { text: spelled.text, is_plain: !spelled.has_escapes && spelled.text.is_ascii() }
    }

    /// Whether it sorts before another: by UTF-16 code units (RFC 8785 section 3.2.3).
    fn comes_before(self, other: Self) -> bool {
        if self.is_plain && other.is_plain { self.text < other.text } else { utf16(self.text).lt(utf16(other.text)) }
    }
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
