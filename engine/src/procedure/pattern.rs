//! Which acts a guard means: `family.verb`, `family.*`, `*`, `manual`, `call.NAME`.

use std::fmt;

use crate::id::{ActionName, Id, Name, NotAName};

/// A pattern over acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// Every act that is not a read.
    Any,
    /// Every act of one family.
    Family(Id),
    /// One action.
    Action(ActionName),
    /// A manual step.
    Manual,
    /// A call of one procedure.
    Call(Name),
    /// A call of any procedure.
    AnyCall,
}

/// An act as guards see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActKind<'a> {
    /// A built-in action, by name.
    Action {
        /// `family.verb`.
        name: &'a str,
        /// Whether it changes nothing.
        is_read: bool,
    },
    /// A manual step.
    Manual,
    /// A call, by the callee's name.
    Call(&'a str),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let wrong = |_| NotAName {
            found: text.to_owned(),
            expected: "a pattern of acts: `family.verb`, `family.*`, `*`, `manual`, or `call.NAME`",
        };
        match text {
            "*" => Ok(Self::Any),
            "manual" => Ok(Self::Manual),
            "call.*" => Ok(Self::AnyCall),
            _ => match (text.strip_prefix("call."), text.strip_suffix(".*")) {
                (Some(name), _) => Name::parse(name).map(Self::Call).map_err(wrong),
                (None, Some(family)) => Id::parse(family).map(Self::Family).map_err(wrong),
                (None, None) => ActionName::parse(text).map(Self::Action).map_err(wrong),
            },
        }
    }

    /// Whether an act is meant.
    #[must_use]
    pub fn matches(&self, act: ActKind<'_>) -> bool {
        match (self, act) {
            (Self::Any, ActKind::Action { is_read, .. }) => !is_read,
            (Self::Any, ActKind::Manual | ActKind::Call(_))
            | (Self::Manual, ActKind::Manual)
            | (Self::AnyCall, ActKind::Call(_)) => true,
            (Self::Family(family), ActKind::Action { name, .. }) => {
                name.split_once('.').is_some_and(|(of, _)| of == family.as_str())
            }
            (Self::Action(action), ActKind::Action { name, .. }) => action.as_str() == name,
            (Self::Call(procedure), ActKind::Call(name)) => procedure.as_str() == name,
            _ => false,
        }
    }

    /// Whether this pattern and another can mean the same act: for `acts_as`, which says patterns too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Family(a), Self::Family(b)) => a == b,
            (Self::Family(family), Self::Action(action)) | (Self::Action(action), Self::Family(family)) => {
                action.as_str().split_once('.').is_some_and(|(of, _)| of == family.as_str())
            }
            (Self::AnyCall, Self::Call(_)) => true,
            (a, b) => a == b,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Family(family) => write!(f, "{family}.*"),
            Self::Action(action) => action.fmt(f),
            Self::Manual => f.write_str("manual"),
            Self::Call(name) => write!(f, "call.{name}"),
            Self::AnyCall => f.write_str("call.*"),
        }
    }
}
