//! Text to tree, refusing what people and tools do not read alike.
//!
//! Owner of saphyr-parser and serde_yaml. The first gives events with places, from which the tree is built without
//! recursion; the second reads the file again, and a file on which the two disagree is refused: what was reviewed is
//! what every reader sees. What the document says is not known here.

pub mod characters;
mod offsets;
pub mod scalar;
mod second;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use offsets::Offsets;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use crate::diagnostic::{Diagnostic, Place, Source};
use crate::parse::node::{Data, Entry, Node, Style};
use crate::parse::problems::{Problems, text as problem};

/// The most bytes a document may have: 4 MiB.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How deep lists and maps may be nested.
pub const MAX_DEPTH: usize = 64;
/// How many keys and values a document may have.
pub const MAX_NODES: usize = 250_000;

/// Takes the bytes of a file for text.
///
/// A byte order mark stays in the text and is skipped when it is read. Whoever reads the file should look at its size
/// first: [`MAX_BYTES`].
///
/// # Errors
/// One diagnostic when the file is too large or not UTF-8.
pub fn source(name: &str, bytes: Vec<u8>) -> Result<Arc<Source>, Box<Diagnostic>> {
    let named = |text: String| Arc::new(Source { name: name.to_owned(), text });
    if bytes.len() > MAX_BYTES {
        let place = Place { source: named(String::new()), span: 0..0 };
        return Err(Box::new(problem::too_large(place, bytes.len())));
    }
    String::from_utf8(bytes).map(named).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let place = Place { source: named(text), span: at..at + '\u{fffd}'.len_utf8() };
        Box::new(problem::not_utf8(place))
    })
}

/// The text of a document that is kept as a value, with a run say: JSON, which reads back as the same document.
#[must_use]
pub fn frozen(name: &str, document: &serde_json::Value) -> Arc<Source> {
    let mut text = String::new();
    for character in format!("{document:#}\n").chars() {
        if character != '\n' && characters::is_hidden(character) {
            // Only strings hold such characters, and none of them is beyond the first plane.
            text.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            text.push(character);
        }
    }
    Arc::new(Source { name: name.to_owned(), text })
}

/// Reads a document; what is wrong with it goes to `problems`, and there is no tree only where nothing can be said of
/// the rest.
pub fn read(problems: &mut Problems) -> Option<Node> {
    let source = Arc::clone(problems.source());
    let text = source.text.as_str();
    if text.len() > MAX_BYTES {
        problems.push(problem::too_large(problems.place(0..0), text.len()));
        return None;
    }
    let base = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    characters::refuse(text, base, problems);
    if text.contains('\0') {
        return None;
    }
    let body = &text[base..];
    let mut reader = Reader {
        text,
        offsets: Offsets::of(body, base),
        problems,
        open: Vec::new(),
        root: None,
        nodes: 0,
        documents: 0,
        muted: 0,
    };
    reader.read(body)?;
    let root = reader.root.take();
    let root = root.filter(|root| root.data != Data::Null);
    if root.is_none() && !problems.refused() {
        problems.push(problem::empty_document(problems.place(base..base)));
    }
    if let (Some(root), false) = (&root, problems.refused()) {
        second::compare(root, body, base, problems);
    }
    root
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A list or map that is still being read.
struct Open {
    start: usize,
    parts: Parts,
    /// A template without quotes: nothing more is said of what is in it.
    template: bool,
}

enum Parts {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, first: BTreeMap<String, Range<usize>>, key: Key },
}

/// Where the reader of a map is.
enum Key {
    Awaited,
    Read(String, Range<usize>),
    /// It was refused, and its value goes with it.
    Refused,
}

struct Reader<'a> {
    text: &'a str,
    offsets: Offsets,
    problems: &'a mut Problems,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    /// How many of the open parts are templates without quotes.
    muted: usize,
}

impl Reader<'_> {
    /// Nothing when the rest cannot be read.
    fn read(&mut self, body: &str) -> Option<()> {
        let mut parser = Parser::new_from_str(body);
        while let Some(event) = parser.next_event() {
            match event {
                Ok((event, span)) => self.take(event, &span)?,
                Err(error) => {
                    self.refuse_syntax(&error);
                    return None;
                }
            }
        }
        Some(())
    }

    fn take(&mut self, event: Event<'_>, span: &Span) -> Option<()> {
        let bytes = self.offsets.bytes(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.problem(bytes, problem::second_document);
                    return None;
                }
                self.refuse_directives(bytes.start);
            }
            Event::Alias(_) => {
                self.count(&bytes)?;
                self.problem(bytes.clone(), problem::alias);
                self.place(Node { data: Data::Refused, span: bytes });
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(&bytes)?;
                let bytes = self.refuse_properties(bytes, anchor, tag.as_deref());
                self.scalar(text, style, bytes);
            }
            Event::SequenceStart(anchor, tag) => self.begin(bytes, anchor, tag, Parts::List(Vec::new()))?,
            Event::MappingStart(anchor, tag) => {
                let map = Parts::Map { entries: Vec::new(), first: BTreeMap::new(), key: Key::Awaited };
                self.begin(bytes, anchor, tag, map)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&bytes),
        }
        Some(())
    }

    fn count(&mut self, bytes: &Range<usize>) -> Option<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.problem(bytes.start..bytes.start, problem::too_many_nodes);
            return None;
        }
        Some(())
    }

    fn begin(&mut self, bytes: Range<usize>, anchor: usize, tag: Option<Cow<'_, Tag>>, parts: Parts) -> Option<()> {
        self.count(&bytes)?;
        if self.open.len() >= MAX_DEPTH {
            self.problem(bytes.start..bytes.start + 1, problem::too_deep);
            return None;
        }
        let start = self.refuse_properties(bytes, anchor, tag.as_deref()).start;
        let template = self.text[start..].starts_with("{{");
        if template {
            self.problem(template_span(self.text, start), problem::unquoted_template);
            self.muted += 1;
        }
        self.open.push(Open { start, parts, template });
        Some(())
    }

    fn end(&mut self, bytes: &Range<usize>) {
        let Some(Open { start, parts, template }) = self.open.pop() else { return };
        if template {
            self.muted -= 1;
        }
        let (data, last) = match parts {
            Parts::List(items) => {
                let last = items.last().map(|item| item.span.end);
                (Data::Sequence(items), last)
            }
            Parts::Map { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.span.end.max(entry.key_span.end));
                (Data::Mapping(entries), last)
            }
        };
        let flow = self.text[start..].starts_with(['[', '{']);
        let end = if flow { bytes.end } else { last.unwrap_or(start) };
        let data = if template { Data::Refused } else { data };
        self.place(Node { data, span: start..end.max(start) });
    }

    /// Refuses anchors and tags; gives the place of the value itself.
    fn refuse_properties(&mut self, bytes: Range<usize>, anchor: usize, tag: Option<&Tag>) -> Range<usize> {
        if anchor == 0 && tag.is_none() {
            return bytes;
        }
        let mut rest = bytes.start;
        while let Some(word) = self.property_at(rest) {
            if self.text[word.clone()].starts_with('&') {
                self.problem(word.clone(), problem::anchor);
            } else {
                let found = self.text[word.clone()].to_owned();
                self.problem(word.clone(), |place| problem::tag(place, &found));
            }
            let after = &self.text[word.end..];
            rest = word.end + (after.len() - after.trim_start().len());
        }
        rest.min(bytes.end)..bytes.end
    }

    fn property_at(&self, at: usize) -> Option<Range<usize>> {
        let rest = self.text[at..].strip_prefix(['&', '!']).map(|_| &self.text[at..])?;
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}')).unwrap_or(rest.len());
        Some(at..at + end)
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, bytes: Range<usize>) {
        if self.awaits_key() {
            let key = self.key(&text, style, &bytes);
            self.set_key(key);
            return;
        }
        let data = match style {
            ScalarStyle::Plain => scalar::plain(&text).unwrap_or_else(|ambiguous| {
                self.problem(bytes.clone(), |place| problem::ambiguous_scalar(place, &text, &ambiguous));
                Data::Refused
            }),
            ScalarStyle::SingleQuoted => Data::String(text.into_owned(), Style::SingleQuoted),
            ScalarStyle::DoubleQuoted => Data::String(text.into_owned(), Style::DoubleQuoted),
            ScalarStyle::Literal | ScalarStyle::Folded => Data::String(text.into_owned(), Style::Block),
        };
        let written = self.text[bytes.clone()].trim_end().len();
        self.place(Node { data, span: bytes.start..bytes.start + written });
    }

    /// Takes a scalar for a key. `on` is a word of the language (`retry.on`), so as a key it stands for itself.
    fn key(&mut self, text: &str, style: ScalarStyle, bytes: &Range<usize>) -> Key {
        if text == "<<" {
            self.problem(bytes.clone(), problem::merge_key);
            return Key::Refused;
        }
        if style == ScalarStyle::Plain && text != "on" {
            match scalar::plain(text) {
                Ok(Data::String(..)) => {}
                Ok(other) => {
                    let found = other.in_words();
                    self.problem(bytes.clone(), |place| problem::non_string_key(place, found));
                    return Key::Refused;
                }
                Err(ambiguous) => {
                    self.problem(bytes.clone(), |place| problem::ambiguous_scalar(place, text, &ambiguous));
                    return Key::Refused;
                }
            }
        }
        Key::Read(text.to_owned(), bytes.clone())
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { parts: Parts::Map { key: Key::Awaited, .. }, .. }))
    }

    fn set_key(&mut self, read: Key) {
        let again = match (self.open.last_mut(), &read) {
            (Some(Open { parts: Parts::Map { first, .. }, .. }), Key::Read(name, span)) => match first.get(name) {
                Some(before) => Some((span.clone(), before.clone(), name.clone())),
                None => {
                    first.insert(name.clone(), span.clone());
                    None
                }
            },
            _ => None,
        };
        let next = match again {
            Some((span, before, name)) => {
                let before = self.problems.place(before);
                self.problem(span, |place| problem::duplicate_key(place, before, &name));
                Key::Refused
            }
            None => read,
        };
        if let Some(Open { parts: Parts::Map { key, .. }, .. }) = self.open.last_mut() {
            *key = next;
        }
    }

    /// Puts a finished part where it belongs.
    fn place(&mut self, node: Node) {
        if self.awaits_key() {
            if !matches!(node.data, Data::Refused) {
                let found = node.data.in_words();
                self.problem(node.head(), |place| problem::non_string_key(place, found));
            }
            self.set_key(Key::Refused);
            return;
        }
        match self.open.last_mut().map(|open| &mut open.parts) {
            None => self.root = Some(node),
            Some(Parts::List(items)) => items.push(node),
            Some(Parts::Map { entries, key, .. }) => {
                if let Key::Read(key, key_span) = std::mem::replace(key, Key::Awaited) {
                    entries.push(Entry { key, key_span, value: node });
                }
            }
        }
    }

    fn problem(&mut self, span: Range<usize>, make: impl FnOnce(Place) -> Diagnostic) {
        if self.muted == 0 {
            let place = self.problems.place(span);
            self.problems.push(make(place));
        }
    }

    fn refuse_directives(&mut self, document: usize) {
        let mut at = 0;
        for line in self.text[..document].split_inclusive('\n') {
            if line.trim_start_matches(BYTE_ORDER_MARK).starts_with('%') {
                self.problem(at..at + line.trim_end().len(), problem::directive);
            }
            at += line.len();
        }
    }

    fn refuse_syntax(&mut self, error: &ScanError) {
        let at = self.offsets.byte(error.marker());
        if error.info().contains("recursion limit") {
            self.problem(at..at, problem::too_deep);
            return;
        }
        let line_start = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let bare = [": {{", "- {{"].iter().filter_map(|mark| line.find(mark)).min();
        if let Some(bare) = bare {
            let start = line_start + bare + 2;
            self.problem(template_span(self.text, start), problem::unquoted_template);
            return;
        }
        let end = self.text[at..].chars().next().filter(|c| *c != '\n').map_or(at, |c| at + c.len_utf8());
        self.problem(at..end, |place| problem::syntax(place, error.info()));
    }
}

fn template_span(text: &str, start: usize) -> Range<usize> {
    let line = text[start..].lines().next().unwrap_or_default();
    start..start + line.find("}}").map_or(2, |end| end + 2)
}

#[cfg(test)]
mod tests;
