//! What can be wrong with an expression: how it is written, and what it meets.
//!
//! Neither says a value: a value could be private. They say names, kinds, and the source as written.

use std::ops::Range;

use super::value::Kind;

/// Why a text is no expression, template or text field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong, in one line.
    pub message: String,
    /// Where: bytes of the source.
    pub span: Range<usize>,
    /// A remedy one can follow.
    pub help: Option<String>,
}

impl SyntaxError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { message: message.into(), span, help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: {problem}")]
pub struct EvaluationError {
    /// What is wrong.
    pub problem: Problem,
    /// The part of the source that it is wrong with, as written (cut when long).
    pub text: String,
    /// Where that part is: bytes of the source.
    pub span: Range<usize>,
}

impl EvaluationError {
    pub(super) fn new(problem: Problem, source: &str, span: &Range<usize>) -> Self {
        let span = whole_parentheses(source, span);
        Self { problem, text: excerpt(&source[span.clone()]), span }
    }
}

/// The ways in which an evaluation fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The scope has no such name.
    #[error("`{name}` is not known here")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A member or item that is not there, and that no `is defined` asks for.
    #[error("{of} has no {member}")]
    Missing {
        /// What was asked, as written or by its kind.
        of: String,
        /// What was asked for, as written.
        member: String,
    },
    /// A condition that is no boolean: there is no truthiness.
    #[error("a condition must be a boolean, this is a {found}")]
    NotBoolean {
        /// What it is.
        found: Kind,
    },
    /// An operator between two kinds for which it has no meaning.
    #[error("`{operator}` has no meaning between `{left_text}` (a {left}) and `{right_text}` (a {right})")]
    Operands {
        /// The operator as written.
        operator: &'static str,
        /// The kind on its left.
        left: Kind,
        /// The kind on its right.
        right: Kind,
        /// The left operand as written.
        left_text: Box<str>,
        /// The right operand as written.
        right_text: Box<str>,
    },
    /// An operator before a kind for which it has no meaning.
    #[error("`{operator}` has no meaning for a {found}")]
    Operand {
        /// The operator as written.
        operator: &'static str,
        /// What it was given.
        found: Kind,
    },
    /// A number, duration or timestamp beyond what can be held.
    #[error("the result is beyond what can be held")]
    Overflow,
    /// A division by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A filter, test or function that was given what it cannot use.
    #[error("`{name}`: {message}")]
    Argument {
        /// The filter, test or function.
        name: String,
        /// What it takes and what it got, by kind.
        message: String,
    },
    /// A function or method of the scope said no.
    #[error("`{name}`: {message}")]
    Host {
        /// The function or method.
        name: String,
        /// What it said.
        message: String,
    },
    /// Something that can only be asked (like `history`) was used as a value.
    #[error("this can be asked, but has no value of its own")]
    NotAValue,
    /// A method call on what has no methods.
    #[error("there is no method `{method}` here; filters are written `value | filter`")]
    NoMethod {
        /// The method's name.
        method: String,
    },
    /// A none, list or map inside a longer string.
    #[error("a {found} cannot stand inside a longer string")]
    NotAScalar {
        /// What it is.
        found: Kind,
    },
    /// A secret was rendered.
    #[error("a secret has no value here")]
    Secret,
    /// A value with a key that only the engine writes.
    #[error("a map has the key `{key}`, which only the engine writes")]
    ReservedKey {
        /// The key.
        key: &'static str,
    },
    /// A result larger than a value may be.
    #[error("the result is larger than {limit}")]
    TooLarge {
        /// The limit in words.
        limit: &'static str,
    },
    /// The evaluation took more steps than one may.
    #[error("the evaluation takes too long")]
    OutOfFuel,
}

/// The longest source that a message repeats, in characters.
const EXCERPT: usize = 80;

/// The source of a part, on one line, cut when long.
pub(super) fn excerpt(source: &str) -> String {
    let one_line = source.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line,
    }
}

/// The span of a part whose first operand may stand in parentheses that its own span leaves out.
fn whole_parentheses(source: &str, span: &Range<usize>) -> Range<usize> {
    let mut span = span.start.min(source.len())..span.end.min(source.len());
    let mut missing = 0_usize;
    let mut open = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for byte in source.as_bytes()[span.clone()].iter().copied() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if byte == b'\\' => escaped = true,
            Some(mark) if byte == mark => quote = None,
            Some(_) => {}
            None => match byte {
                b'\'' | b'"' => quote = Some(byte),
                b'(' => open += 1,
                b')' if open > 0 => open -= 1,
                b')' => missing += 1,
                _ => {}
            },
        }
    }
    while missing > 0 {
        let before = source[..span.start].trim_end();
        let Some(rest) = before.strip_suffix('(') else { break };
        span.start = rest.len();
        missing -= 1;
    }
    span
}
