//! A question with a yes/no answer.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::guard::Waivable;
use super::parameter::Parameter;
use crate::id::{ActionName, Id};
use crate::template::Template;
use crate::template::data::Data;
use crate::template::expression::Expression;
use crate::template::text::Text;

/// A read-only action that is asked for a check or guard, or the action of a step.
#[derive(Debug, Clone)]
pub struct Act {
    /// Which.
    pub action: ActionName,
    /// Its input.
    pub with: Data,
}

/// A question with a yes/no answer.
#[derive(Debug, Clone)]
pub struct Check {
    /// Unique in its list.
    pub id: Id,
    /// The question for people.
    pub title: Option<String>,
    /// How it is decided.
    pub question: Question,
    /// What to do when it is not met.
    pub help: Option<Text>,
    /// Whether it counts.
    pub severity: Severity,
    /// Skips it when false; a skipped check has not passed.
    pub when: Option<Expression>,
    /// Asked again until it is met.
    pub wait: Option<Poll>,
    /// Of a precondition: must still hold on resume after the first effect.
    pub hold: bool,
    /// Of a checklist's item: the heading it stands under.
    pub group: Option<String>,
    /// Of a checklist's item: who may lift it, if anybody.
    pub waivable: Option<Waivable>,
}

/// How a check is decided.
#[derive(Debug, Clone)]
pub enum Question {
    /// By an expression over the context and, as `result`, over what a read found.
    Expect {
        /// The read, if there is one.
        read: Option<Act>,
        /// Must be true.
        expect: Expression,
    },
    /// By a person.
    Manual {
        /// What the person is asked.
        ask: Text,
        /// The typed answers.
        answer: IndexMap<Id, Parameter>,
        /// Must be true; `answer.K` are the answers.
        expect: Expression,
    },
}

/// Whether a check counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Not met: the step, run or gate fails.
    Required,
    /// Not met: it is said, and nothing else happens.
    Advisory,
}

/// Asking again and again.
#[derive(Debug, Clone)]
pub struct Poll {
    /// Time between two questions.
    pub every: Template,
    /// When to give up.
    pub timeout: Template,
}
