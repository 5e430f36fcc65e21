//! What is made of one section: the parts of a procedure or checklist to be, with where each came from.

use super::placeholder::Slots;

/// A procedure or checklist to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    /// Whether all it has is points to tick.
    pub checklist: bool,
    /// Its title.
    pub title: String,
    /// What it is for.
    pub summary: Vec<String>,
    /// The heading and line that it came from.
    pub origin: Origin,
    /// What is filled in.
    pub slots: Slots,
    /// What must be so before.
    pub preconditions: Vec<Check>,
    /// What must not be.
    pub do_not: Vec<Guard>,
    /// What is done, or the points of a checklist.
    pub steps: Vec<Step>,
    /// What must be so after.
    pub verify: Vec<Check>,
    /// What goes wrong.
    pub failure_modes: Vec<Mode>,
    /// How it is taken back: what people are told, and commands.
    pub undo: Vec<Body>,
    /// What is kept as a comment.
    pub notes: Vec<Note>,
}

/// Where something came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// The heading it stood under.
    pub section: String,
    /// Its line, from 1.
    pub line: u32,
}

/// A step to be.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// What it does, in a line.
    pub title: String,
    /// What was said about it, as a template.
    pub why: Vec<String>,
    /// What it is.
    pub body: Body,
    /// What must be so after it.
    pub verify: Vec<Check>,
    /// What is to be decided.
    pub todo: String,
    /// Where it came from.
    pub origin: Origin,
}

/// What a step is, or what takes one back.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// A person does it: text as a template.
    Manual(String),
    /// A program is run.
    Run(Vec<String>),
}

/// A check to be.
#[derive(Debug, Clone)]
pub(super) struct Check {
    /// What is asked, in a line.
    pub title: String,
    /// A question to a person, or a program that is run.
    pub body: Body,
    /// The heading it is shown under, in a checklist.
    pub group: String,
    /// What is to be decided.
    pub todo: String,
    /// Where it came from.
    pub origin: Origin,
}

/// A prohibition to be.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    /// The rule in its own words.
    pub rule: String,
    /// Where it came from.
    pub origin: Origin,
}

/// A failure to be.
#[derive(Debug, Clone)]
pub(super) struct Mode {
    /// What it is.
    pub title: String,
    /// What to do, as a template.
    pub advice: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Something that became no part of the document.
#[derive(Debug, Clone)]
pub(super) struct Note {
    /// Its first line, from 1.
    pub line: u32,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Draft {
    /// How many parts there are.
    pub(super) fn parts(&self) -> usize {
        let steps: usize = self.steps.iter().map(|step| 1 + step.verify.len()).sum();
        let checks = self.preconditions.len() + self.verify.len();
        steps + checks + self.do_not.len() + self.failure_modes.len() + self.slots.by_id.len() + self.undo.len()
    }
}
