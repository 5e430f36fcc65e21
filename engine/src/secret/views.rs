//! The ways a text can be written that still say the same: each view undoes one, and remembers which bytes of the text
//! each of its own came from.

/// A byte of a view, and the bytes of the text that it was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    pub byte: u8,
    pub start: u32,
    pub end: u32,
}

/// One way to write text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Line breaks may stand anywhere, as in wrapped base64.
    Wrapped,
    /// `%2F` is `/`.
    Percent,
    /// The same, and `+` is a blank.
    Form,
    /// `\n`, `\"` and `\u00e9`, as in JSON and in most languages' string literals.
    Escaped,
}

/// What a layer makes of a text.
pub struct View {
    pub units: Vec<Unit>,
    /// Where a sequence begins that the text's end cuts off.
    pub open: Option<u32>,
}

/// The text as it stands.
pub fn plain(text: &[u8]) -> View {
    let units = (0..).zip(text).map(|(at, byte)| Unit { byte: *byte, start: at, end: at + 1 }).collect();
    View { units, open: None }
}

impl Layer {
    /// Whether a text can be written differently in this layer at all.
    pub fn is_in(self, text: &[u8]) -> bool {
        let has = |wanted: &[u8]| text.iter().any(|byte| wanted.contains(byte));
        match self {
            Self::Wrapped => has(b"\r\n"),
            Self::Percent => has(b"%"),
            Self::Form => has(b"%+"),
            Self::Escaped => has(b"\\"),
        }
    }

    /// Undoes this layer. At the `end` of a text, a sequence that is cut off stands for itself.
    pub fn undo(self, view: &View, end: bool) -> View {
        let mut made = View { units: Vec::with_capacity(view.units.len()), open: view.open };
        let mut rest = view.units.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let found = match (self, first.byte) {
                (Self::Wrapped, b'\r' | b'\n') => Found::Bytes(1, Vec::new()),
                (Self::Form, b'+') => Found::Bytes(1, vec![b' ']),
                (Self::Percent | Self::Form, b'%') => percent(after),
                (Self::Escaped, b'\\') => escape(after),
                _ => Found::Itself,
            };
            match found {
                Found::Itself => {
                    made.units.push(*first);
                    rest = after;
                }
                Found::Bytes(taken, bytes) => {
                    let last = rest[taken - 1];
                    let whole = |byte| Unit { byte, start: first.start, end: last.end };
                    made.units.extend(bytes.into_iter().map(whole));
                    rest = &rest[taken..];
                }
                Found::CutOff if end => {
                    made.units.push(*first);
                    rest = after;
                }
                Found::CutOff => {
                    made.open = Some(made.open.map_or(first.start, |open| open.min(first.start)));
                    break;
                }
            }
        }
        made
    }
}

/// What a sequence stands for.
enum Found {
    Itself,
    /// So many units of the text, the first included, are these bytes.
    Bytes(usize, Vec<u8>),
    CutOff,
}

fn digits(units: &[Unit]) -> Option<u32> {
    units.iter().try_fold(0_u32, |sum, unit| Some((sum << 4) | char::from(unit.byte).to_digit(16)?))
}

fn percent(after: &[Unit]) -> Found {
    match after {
        [] => Found::CutOff,
        [a] if a.byte.is_ascii_hexdigit() => Found::CutOff,
        [a, b, ..] => match digits(&[*a, *b]) {
            Some(byte) => Found::Bytes(3, vec![byte as u8]),
            None => Found::Itself,
        },
        _ => Found::Itself,
    }
}

fn escape(after: &[Unit]) -> Found {
    let Some(kind) = after.first() else { return Found::CutOff };
    let one = |byte: u8| Found::Bytes(2, vec![byte]);
    match kind.byte {
        b'n' => one(b'\n'),
        b't' => one(b'\t'),
        b'r' => one(b'\r'),
        b'b' => one(8),
        b'f' => one(12),
        b'0' => one(0),
        byte @ (b'"' | b'\\' | b'/' | b'\'' | b'$' | b'`') => one(byte),
        b'x' => match after.get(1..3) {
            Some(two) => digits(two).map_or(Found::Itself, |byte| Found::Bytes(4, vec![byte as u8])),
            None if digits(&after[1..]).is_some() => Found::CutOff,
            None => Found::Itself,
        },
        b'u' if after.get(1).is_some_and(|unit| unit.byte == b'{') => braced(after),
        b'u' => unicode(after),
        _ => Found::Itself,
    }
}

/// `\u{e9}`.
fn braced(after: &[Unit]) -> Found {
    const MOST: usize = 6;
    let inner = &after[2..];
    let length = inner.iter().take_while(|unit| unit.byte.is_ascii_hexdigit()).count();
    match inner.get(length) {
        _ if length > MOST => Found::Itself,
        None => Found::CutOff,
        Some(close) if close.byte == b'}' && length > 0 => character(digits(&inner[..length]), length + 4),
        Some(_) => Found::Itself,
    }
}

/// `\u00e9`, or two halves of a character.
fn unicode(after: &[Unit]) -> Found {
    let Some(four) = after.get(1..5) else {
        return if digits(&after[1..]).is_some() { Found::CutOff } else { Found::Itself };
    };
    let Some(first) = digits(four) else { return Found::Itself };
    if !(0xd800..0xdc00).contains(&first) {
        return character(Some(first), 6);
    }
    let second = &after[5..];
    let begins_alike = second.iter().zip(*b"\\u").all(|(unit, byte)| unit.byte == byte);
    match second.get(2..6) {
        Some(four) if begins_alike => match digits(four) {
            Some(second @ 0xdc00..0xe000) => {
                character(Some(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)), 12)
            }
            _ => Found::Itself,
        },
        None if begins_alike && digits(second.get(2..).unwrap_or_default()).is_some() => Found::CutOff,
        _ => Found::Itself,
    }
}

fn character(code: Option<u32>, taken: usize) -> Found {
    match code.and_then(char::from_u32) {
        Some(character) => Found::Bytes(taken, character.to_string().into_bytes()),
        None => Found::Itself,
    }
}
