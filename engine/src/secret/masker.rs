//! The masker: what was read as a secret is not let out again, however it is written and wherever the text is cut.
//!
//! It finds a value raw, in percent, JSON and string-literal escapes (twice escaped too), in hex, and in base64 of both
//! alphabets at any offset and with any line breaks; of a value of several lines also each line. It cannot find what
//! was changed otherwise: reversed, compressed, encrypted, cut into pieces.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;
use zeroize::Zeroizing;

use super::automaton::{Automaton, State};
use super::views::{self, Layer, View};
use super::{MASK, MIN_BYTES, Secret};

/// So much of a secret that is cut off at the end of a text is not shown either.
const TELLING: usize = 4;
/// What is looked at in one go.
const CHUNK: usize = 64 * 1024;

/// Layers under which a value may stand as it is.
const OF_VALUES: &[&[Layer]] =
    &[&[], &[Layer::Percent], &[Layer::Form], &[Layer::Escaped], &[Layer::Escaped, Layer::Escaped]];
/// Layers under which its base64 or hex may stand.
const OF_ENCODINGS: &[&[Layer]] = &[
    &[],
    &[Layer::Wrapped],
    &[Layer::Escaped],
    &[Layer::Escaped, Layer::Wrapped],
    &[Layer::Percent],
    &[Layer::Percent, Layer::Wrapped],
];

/// Finds secrets in what is about to leave.
#[derive(Default)]
pub struct Masker {
    values: Automaton,
    encodings: Automaton,
}

impl Masker {
    /// A masker of these values; those that are too short to be told from other text are left out.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut values: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        for secret in secrets {
            let whole = secret.expose();
            let lines = whole.split(|byte| *byte == b'\n');
            let parts = std::iter::once(whole).chain(lines.flat_map(|line| [line, line.trim_ascii()]));
            let parts = parts.chain(std::iter::once(whole.trim_ascii()));
            for part in parts.filter(|part| part.len() >= MIN_BYTES) {
                if !values.iter().any(|known| known.as_slice() == part) {
                    values.push(Zeroizing::new(part.to_vec()));
                }
            }
        }
        let encodings: Vec<Zeroizing<Vec<u8>>> = values.iter().flat_map(|value| encodings(value)).collect();
        Self {
            values: Automaton::new(values.iter().map(|value| value.as_slice())),
            encodings: Automaton::new(encodings.iter().map(|encoding| encoding.as_slice())),
        }
    }

    /// Whether there is nothing to mask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The bytes without the secrets in them; none if there are none.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.whole(bytes, false)
    }

    /// The same of bytes that were cut off, where a secret may have begun at the end.
    #[must_use]
    pub fn cut_bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.whole(bytes, true)
    }

    fn whole(&self, bytes: &[u8], cut: bool) -> Option<Vec<u8>> {
        if self.is_empty() {
            return None;
        }
        let mut stream = Stream::of(self);
        let mut masked = Vec::with_capacity(bytes.len());
        for chunk in bytes.chunks(CHUNK) {
            masked.extend(stream.push(chunk));
        }
        masked.extend(stream.finish(cut));
        (masked != bytes).then_some(masked)
    }

    /// The text without the secrets in it; none if there are none.
    #[must_use]
    pub fn text(&self, text: &str) -> Option<String> {
        self.bytes(text.as_bytes()).map(|masked| String::from_utf8_lossy(&masked).into_owned())
    }

    /// Takes the secrets out of a text.
    pub fn clean(&self, text: &mut String) {
        if let Some(masked) = self.text(text) {
            *text = masked;
        }
    }

    /// Takes the secrets out of every text in a value, keys and numbers included.
    pub fn clean_json(&self, value: &mut Value) {
        if self.is_empty() {
            return;
        }
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                if let Some(masked) = self.text(&number.to_string()) {
                    *value = Value::String(masked);
                }
            }
            Value::String(text) => self.clean(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean_json(item)),
            Value::Object(members) => {
                members.values_mut().for_each(|member| self.clean_json(member));
                if members.keys().any(|key| self.text(key).is_some()) {
                    let taken = std::mem::take(members);
                    members.extend(taken.into_iter().map(|(key, member)| (self.text(&key).unwrap_or(key), member)));
                }
            }
        }
    }

    /// The places of secrets in a text, and from where on more of it is needed to say.
    fn look(&self, text: &[u8], end: bool) -> Looked {
        let mut looked = Looked { spans: Vec::new(), open: text.len(), begun: text.len(), straddled: Vec::new() };
        let plain = views::plain(text);
        for (automaton, stacks) in [(&self.values, OF_VALUES), (&self.encodings, OF_ENCODINGS)] {
            for layers in stacks {
                match layers.split_first() {
                    None => looked.scan(automaton, &plain, text.len()),
                    // Where nothing is written in this layer, the view is one that is looked at anyway.
                    Some((first, _)) if !first.is_in(text) => {}
                    Some((first, more)) => {
                        let view = first.undo(&plain, end);
                        let view = more.iter().fold(view, |view, layer| layer.undo(&view, end));
                        looked.scan(automaton, &view, text.len());
                    }
                }
            }
        }
        looked
    }
}

/// What was found in a text.
struct Looked {
    spans: Vec<(usize, usize)>,
    /// From here on something may have begun, or cannot be read yet.
    open: usize,
    /// From here on so much of a secret may have begun that it tells something.
    begun: usize,
    /// Sequences of more than one byte, which must not be torn.
    straddled: Vec<(usize, usize)>,
}

impl Looked {
    fn scan(&mut self, automaton: &Automaton, view: &View, length: usize) {
        let units = &view.units;
        let mut state = State::START;
        for (at, unit) in units.iter().enumerate() {
            state = automaton.step(state, unit.byte);
            let found = automaton.longest(state);
            if found > 0 {
                self.spans.push((units[at + 1 - found].start as usize, unit.end as usize));
            }
            if unit.end - unit.start > 1 {
                self.straddled.push((unit.start as usize, unit.end as usize));
            }
        }
        let depth = automaton.depth(state);
        if depth > 0 {
            let begin = units[units.len() - depth].start as usize;
            self.open = self.open.min(begin);
            if depth >= TELLING {
                self.begun = self.begun.min(begin);
            }
        }
        if let Some(open) = view.open {
            self.open = self.open.min(open as usize);
        }
        debug_assert!(self.open <= length);
    }

    /// The last place before `open` that lies within no sequence.
    fn whole(&mut self) -> usize {
        // Sequences of one view overlap those of another; a sweep from the end on meets each once.
        self.straddled.sort_unstable_by_key(|(_, end)| std::cmp::Reverse(*end));
        let mut safe = self.open;
        for (start, end) in &self.straddled {
            if *start < safe && safe < *end {
                safe = *start;
            }
        }
        safe
    }
}

/// A text that comes in pieces. What may have begun at the end of one is held back until the next has come.
pub struct Stream<'m> {
    masker: &'m Masker,
    held: Zeroizing<Vec<u8>>,
    /// The last thing let out was a mask, and stands for so many of the held bytes too; none if it was something else.
    masked: Option<usize>,
}

impl<'m> Stream<'m> {
    /// A stream of which nothing has come yet.
    #[must_use]
    pub fn of(masker: &'m Masker) -> Self {
        Self { masker, held: Zeroizing::default(), masked: None }
    }

    /// Takes a piece in, and gives what can be let out.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        if self.masker.is_empty() {
            return piece.to_vec();
        }
        self.held.extend_from_slice(piece);
        let mut looked = self.masker.look(&self.held, false);
        let safe = looked.whole();
        self.let_out(looked.spans, safe)
    }

    /// Lets out what is left; of what was `cut` off, no secret's begin.
    #[must_use]
    pub fn finish(mut self, cut: bool) -> Vec<u8> {
        let mut looked = self.masker.look(&self.held, true);
        let all = self.held.len();
        if cut && looked.begun < all {
            looked.spans.push((looked.begun, all));
        }
        self.let_out(looked.spans, all)
    }

    /// Lets out what stands before `safe`: one mask for secrets that overlap or touch.
    fn let_out(&mut self, mut spans: Vec<(usize, usize)>, safe: usize) -> Vec<u8> {
        spans.sort_unstable();
        let mut out = Vec::with_capacity(safe);
        let mut covered = self.masked;
        for (start, end) in spans.into_iter().take_while(|(start, _)| *start < safe) {
            covered = match covered {
                Some(to) if start <= to => Some(to.max(end)),
                before => {
                    out.extend_from_slice(&self.held[before.unwrap_or(0)..start]);
                    out.extend_from_slice(MASK.as_bytes());
                    Some(end)
                }
            };
        }
        let rest = covered.unwrap_or(0).min(safe);
        out.extend_from_slice(&self.held[rest..safe]);
        self.masked = covered.filter(|to| *to >= safe).map(|to| to - safe);
        self.held = Zeroizing::new(self.held[safe..].to_vec());
        out
    }
}

/// Base64 at each of three offsets in both alphabets, and hex in both cases.
fn encodings(value: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut encodings = Vec::new();
    for offset in 0..3_usize {
        let mut shifted = Zeroizing::new(vec![0_u8; offset]);
        shifted.extend_from_slice(value);
        // Digits that hold bits of what stands before or after the value are not its own.
        let (from, to) = ((offset * 8).div_ceil(6), shifted.len() * 8 / 6);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = Zeroizing::new(engine.encode(&*shifted));
            encodings.push(Zeroizing::new(text.as_bytes()[from..to].to_vec()));
        }
    }
    let lower = Zeroizing::new(hex::encode(value));
    encodings.push(Zeroizing::new(lower.to_ascii_uppercase().into_bytes()));
    encodings.push(Zeroizing::new(lower.as_bytes().to_vec()));
    encodings
}
