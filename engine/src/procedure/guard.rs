//! A prohibition: what it is about, and when it is held.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Act;
use super::pattern::Pattern;
use super::step::OnFailure;
use crate::id::Id;
use crate::template::Template;
use crate::template::expression::Expression;
use crate::template::text::Text;

/// A prohibition.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Unique in its list.
    pub id: Id,
    /// The prohibition in words.
    pub rule: Text,
    /// What is forbidden.
    pub form: Form,
    /// A read evaluated for it.
    pub state: Option<Act>,
    /// When it is held.
    pub enforce: Vec<Moment>,
    /// How often it is looked at while a step runs.
    pub every: Option<Template>,
    /// What a violation does.
    pub on_violation: OnFailure,
    /// Whether a waiver can lift it.
    pub waivable: Option<Waivable>,
}

/// What a guard forbids.
#[derive(Debug, Clone)]
pub enum Form {
    /// A state that must not hold.
    Never(Expression),
    /// An act that must not be done.
    Forbid {
        /// Which acts.
        pattern: Pattern,
        /// Only where this is so.
        condition: Option<Expression>,
    },
    /// What failed is not tried again on unchanged inputs.
    OnceFailed(Pattern),
}

/// When a guard is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// While planning.
    Plan,
    /// Before each effect.
    Before,
    /// While a step runs.
    During,
    /// After each effect.
    After,
    /// When a run goes on.
    Resume,
}

impl Moment {
    /// Where nothing is said.
    pub const DEFAULT: [Self; 4] = [Self::Plan, Self::Before, Self::After, Self::Resume];
}

/// Who may lift a guard, and for how long.
#[derive(Debug, Clone)]
pub struct Waivable {
    /// Roles of which the approver has one.
    pub by: Vec<Id>,
    /// The longest a waiver may last.
    pub max_for: Option<Template>,
    /// The most uses of one waiver.
    pub max_uses: Option<u32>,
}
