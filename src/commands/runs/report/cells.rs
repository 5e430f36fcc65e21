//! A report as a page: headings, tables, pairs and words, before it is HTML or Markdown.
//!
//! Every text in it is text and no markup; whoever writes it out escapes it.

use engine::event::state::{StepState, Verdict};
use engine::time::{Duration, Timestamp};
use serde::Serialize;
use serde_json::Value as Json;

use crate::ui::inline;

/// The longest value that is shown in full, in characters; the JSON form has all of it.
const LONGEST: usize = 4000;

/// How something is meant. It is never said by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// To be looked at.
    Warn,
    /// Neither.
    Quiet,
}

/// The page.
#[derive(Debug, Serialize)]
pub struct Page {
    /// What was run.
    pub title: String,
    /// Its name.
    pub name: String,
    /// The run.
    pub run: String,
    /// How it ended.
    pub word: Part,
    /// The same in words.
    pub meaning: String,
    /// What must be read before anything else.
    pub alarms: Vec<String>,
    /// The head.
    pub facts: Vec<Pair>,
    /// The rest.
    pub sections: Vec<Section>,
    /// Where it is from.
    pub foot: String,
}

/// A part of the page with a heading.
#[derive(Debug, Serialize)]
pub struct Section {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What is in it.
    pub blocks: Vec<Block>,
}

/// A name, and what stands for it.
#[derive(Debug, Serialize)]
pub struct Pair {
    /// The name.
    pub name: String,
    /// What stands for it.
    pub cell: Cell,
}

/// What a section is made of.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Block {
    /// A paragraph.
    Text { cell: Cell },
    /// A heading below the section's.
    Heading { text: String },
    /// Names and values.
    Pairs { rows: Vec<Pair> },
    /// Rows and columns; without a name where the section's is enough.
    Table { name: String, head: Vec<&'static str>, rows: Vec<Vec<Cell>> },
    /// Text as it is, line by line.
    Exact { name: String, text: String },
    /// A step.
    Step { number: usize, path: String, title: Option<String>, word: Part, blocks: Vec<Block> },
}

/// What stands in one place: parts after each other.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cell {
    /// The parts.
    pub parts: Vec<Part>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// How it is shown.
    pub form: Shape,
    /// The text.
    pub text: String,
    /// Of a word: how it is meant.
    pub tone: Tone,
    /// Of a time: to the microsecond.
    pub exact: String,
}

/// How a part is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Prose.
    Text,
    /// A value, name or digest.
    Code,
    /// One of our own words.
    Word,
    /// An instant.
    Time,
    /// What follows stands on a line of its own.
    Break,
}

impl Cell {
    /// Nothing there.
    pub fn none() -> Self {
        Self::default().word("none", Tone::Quiet)
    }

    /// With prose.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.and(Shape::Text, text.into(), Tone::Quiet)
    }

    /// With a message, in which names stand between backticks.
    #[must_use]
    pub fn prose(self, text: &str) -> Self {
        let text = cut(text);
        let pieces: Vec<&str> = text.split('`').collect();
        if pieces.len().is_multiple_of(2) {
            // One is left over: it is no mark of ours.
            return self.text(text);
        }
        pieces.iter().enumerate().filter(|(_, piece)| !piece.is_empty()).fold(self, |cell, (at, piece)| match at % 2 {
            0 => cell.text(*piece),
            _ => cell.code(*piece),
        })
    }

    /// With a value, name or digest.
    #[must_use]
    pub fn code(self, text: impl Into<String>) -> Self {
        self.and(Shape::Code, text.into(), Tone::Quiet)
    }

    /// With one of our own words.
    #[must_use]
    pub fn word(self, text: impl Into<String>, tone: Tone) -> Self {
        self.and(Shape::Word, text.into(), tone)
    }

    /// With an instant.
    #[must_use]
    pub fn time(mut self, at: Timestamp) -> Self {
        let exact = at.to_string();
        self.parts.push(Part { form: Shape::Time, text: shown_time(&exact), tone: Tone::Quiet, exact });
        self
    }

    /// With a value, as long as it may be here.
    #[must_use]
    pub fn value(self, value: &Json) -> Self {
        self.code(cut(&inline(value)))
    }

    /// What follows stands on a line of its own.
    #[must_use]
    pub fn then(self) -> Self {
        if self.parts.is_empty() { self } else { self.and(Shape::Break, String::new(), Tone::Quiet) }
    }

    fn and(mut self, form: Shape, text: String, tone: Tone) -> Self {
        self.parts.push(Part { form, text, tone, exact: String::new() });
        self
    }
}

/// A word by itself.
pub fn word(text: impl Into<String>, tone: Tone) -> Part {
    Part { form: Shape::Word, text: text.into(), tone, exact: String::new() }
}

/// A pair of a name and prose.
pub fn pair(name: impl Into<String>, cell: Cell) -> Pair {
    Pair { name: name.into(), cell }
}

/// Prose.
pub fn text(text: impl Into<String>) -> Cell {
    Cell::default().text(text)
}

/// A message, in which names stand between backticks.
pub fn prose(text: &str) -> Cell {
    Cell::default().prose(text)
}

/// A value, name or digest.
pub fn code(text: impl Into<String>) -> Cell {
    Cell::default().code(text)
}

/// An instant.
pub fn time(at: Timestamp) -> Cell {
    Cell::default().time(at)
}

/// To the millisecond, in UTC: `2026-11-20 09:35:12.000Z`.
fn shown_time(exact: &str) -> String {
    match exact.strip_suffix('Z').and_then(|bare| bare.split_once('T')) {
        Some((day, hour)) => format!("{day} {}Z", hour.get(..12).unwrap_or(hour)),
        None => exact.to_owned(),
    }
}

/// How long something took, for people.
pub fn took(took: Duration) -> String {
    super::super::rounded(took)
}

/// A text that is not longer than may be.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}… (all of it is in the JSON form)", &text[..at]),
        None => text.to_owned(),
    }
}

/// How a run's status is meant.
pub fn of_status(status: &str) -> Tone {
    match status {
        "succeeded" => Tone::Good,
        "running" | "suspended" => Tone::Warn,
        _ => Tone::Bad,
    }
}

/// How a step's state is meant.
pub fn of_state(state: StepState) -> Tone {
    match state {
        StepState::Succeeded => Tone::Good,
        StepState::NoChange | StepState::Skipped | StepState::Pending => Tone::Quiet,
        StepState::Waiting | StepState::Undone => Tone::Warn,
        StepState::Refused
        | StepState::Failed
        | StepState::TimedOut
        | StepState::Cancelled
        | StepState::Unknown
        | StepState::UndoFailed => Tone::Bad,
    }
}

/// A step's state for people.
pub fn state_word(state: StepState) -> String {
    match state {
        StepState::Pending => "not begun".to_owned(),
        StepState::UndoFailed => "could not be undone".to_owned(),
        state => spaced(state.as_str()),
    }
}

/// A verdict for people.
pub fn verdict(verdict: Verdict) -> Part {
    let tone = match verdict {
        Verdict::Passed => Tone::Good,
        Verdict::NotMet | Verdict::Violated | Verdict::Undecidable => Tone::Bad,
        Verdict::Waived | Verdict::Undecided => Tone::Warn,
        Verdict::Skipped => Tone::Quiet,
    };
    word(spaced(verdict.as_str()), tone)
}

/// A word of the record for people.
pub fn spaced(text: &str) -> String {
    text.replace('_', " ")
}
