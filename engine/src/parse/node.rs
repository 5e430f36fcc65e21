//! A YAML document as a tree in which every part knows the bytes it was read from.
//!
//! Only what a procedure may hold: no anchors, aliases or tags, keys are strings, depth and size are bounded by the
//! reader. What the parts mean is not known here.

use std::ops::Range;

use serde_json::Value;

/// A part of a document and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it holds.
    pub data: Data,
    /// The bytes of the text it was read from: quotes and brackets included, the `|` or `>` of a block not; empty
    /// where nothing was written (`key:`).
    pub span: Range<usize>,
}

/// What a part of a document holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `null`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number that reads back exactly as it was written.
    Number(serde_json::Number),
    /// Text, and how it was written.
    String(String, Style),
    /// A list.
    Sequence(Vec<Node>),
    /// A map in the order written; its keys are unique.
    Mapping(Vec<Entry>),
    /// Something that was refused with a diagnostic of its own: it fits everywhere, so that nothing more is said of it.
    Refused,
}

/// How text was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In `'…'`.
    SingleQuoted,
    /// In `"…"`, with escapes.
    DoubleQuoted,
    /// After `|` or `>`.
    Block,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The bytes of the key, quotes included.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Node,
}

impl Data {
    /// What sort of thing it is, with its article.
    #[must_use]
    pub fn in_words(&self) -> &'static str {
        match self {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::String(..) => "text",
            Data::Sequence(_) => "a list",
            Data::Mapping(_) => "a map",
            Data::Refused => "a value",
        }
    }
}

impl Node {
    /// The value under a key of a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key of a map with its value.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.data {
            Data::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text, _) => Some(text),
            _ => None,
        }
    }

    /// The same as a JSON value, keys in the order written; what was refused is `null`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.data {
            Data::Null | Data::Refused => Value::Null,
            Data::Bool(truth) => Value::Bool(*truth),
            Data::Number(number) => Value::Number(number.clone()),
            Data::String(text, _) => Value::String(text.clone()),
            Data::Sequence(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Data::Mapping(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect())
            }
        }
    }

    /// The part at a JSON pointer (RFC 6901), and the place of its key if it has one.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<Found<'_>> {
        let mut found = Found { key_span: None, node: self };
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            found = match &found.node.data {
                Data::Mapping(_) => {
                    let entry = found.node.entry(&token)?;
                    Found { key_span: Some(entry.key_span.clone()), node: &entry.value }
                }
                Data::Sequence(items) => Found { key_span: None, node: items.get(token.parse::<usize>().ok()?)? },
                _ => return None,
            };
        }
        Some(found)
    }

    /// The part reached by these keys and indexes, or as far as they lead: the bytes to point at, and what to call it.
    #[must_use]
    pub fn nearest(&self, path: impl IntoIterator<Item = String>) -> (Range<usize>, String) {
        let (mut node, mut span, mut name) = (self, self.head(), "the document".to_owned());
        for segment in path {
            node = match &node.data {
                Data::Mapping(_) => {
                    let Some(entry) = node.entry(&segment) else { break };
                    name = format!("`{segment}`");
                    span = if entry.value.span.is_empty() { entry.key_span.clone() } else { entry.value.head() };
                    &entry.value
                }
                Data::Sequence(items) => {
                    let Some(item) = segment.parse::<usize>().ok().and_then(|index| items.get(index)) else { break };
                    span = item.head();
                    item
                }
                _ => break,
            };
        }
        (span, name)
    }

    /// The bytes a reader looks at when told of this part: text and numbers whole, of a map its first key, of a list
    /// its first item's beginning.
    #[must_use]
    pub fn head(&self) -> Range<usize> {
        match &self.data {
            Data::Mapping(entries) => entries.first().map_or(self.span.clone(), |entry| entry.key_span.clone()),
            Data::Sequence(items) => items.first().map_or(self.span.clone(), Node::head),
            _ => self.span.clone(),
        }
    }

    /// The bytes in the file of bytes `part` of this node's text, exact in every style; the whole node where there is
    /// no such part.
    ///
    /// Folding, indentation and line ends change blanks only, so the n-th character that is not blank is the same
    /// one in the file and in the text that was read.
    #[must_use]
    pub fn within(&self, file: &str, part: Range<usize>) -> Range<usize> {
        let Data::String(text, style) = &self.data else { return self.span.clone() };
        let (Some(before), Some(inside)) = (text.get(..part.start), text.get(part)) else { return self.span.clone() };
        let skipped = inked(before);
        let length = inked(inside).max(1);
        let mut marks = written_characters(file, &self.span, *style).skip(skipped);
        match marks.next() {
            Some(first) => {
                let last = marks.nth(length.saturating_sub(2)).filter(|_| length > 1);
                first.start..last.map_or(first.end, |last| last.end)
            }
            None => self.span.clone(),
        }
    }
}

/// A part found by its pointer.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// The bytes of its key, if it is a value of a map.
    pub key_span: Option<Range<usize>>,
    /// The part.
    pub node: &'a Node,
}

fn inked(text: &str) -> usize {
    text.chars().filter(|c| !is_blank(*c)).count()
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// The characters of a scalar that are not blank, each with the bytes it was written as.
fn written_characters<'a>(
    file: &'a str,
    span: &Range<usize>,
    style: Style,
) -> Box<dyn Iterator<Item = Range<usize>> + 'a> {
    let raw = file.get(span.clone()).unwrap_or_default();
    let (from, raw) = match style {
        Style::Plain | Style::Block => (span.start, raw),
        Style::SingleQuoted | Style::DoubleQuoted => {
            (span.start + 1, raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default())
        }
    };
    let mut rest = raw.char_indices().peekable();
    Box::new(std::iter::from_fn(move || {
        loop {
            let (start, first) = rest.next()?;
            let mut blank = is_blank(first);
            match (style, first) {
                (Style::SingleQuoted, '\'') => drop(rest.next()),
                (Style::DoubleQuoted, '\\') => {
                    let (_, escape) = rest.next()?;
                    let digits = match escape {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    let code: String = rest.by_ref().take(digits).map(|(_, digit)| digit).collect();
                    blank = matches!(escape, 'n' | 't' | 'r' | ' ' | '\t' | '\n' | '\r')
                        || u32::from_str_radix(&code, 16).is_ok_and(|code| matches!(code, 9 | 10 | 13 | 32));
                }
                _ => {}
            }
            if !blank {
                let end = rest.peek().map_or(raw.len(), |(next, _)| *next);
                return Some(from + start..from + end);
            }
        }
    }))
}
