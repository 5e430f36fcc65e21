//! People: who is asked, and what they say. How they are asked is the caller's affair.

use std::path::PathBuf;

use async_trait::async_trait;
use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::id::Id;
use crate::procedure::parameter::Parameter;
use crate::procedure::step::Evidence;

/// A question to a person.
pub struct Asked<'a> {
    /// The step, or the place of the check.
    pub path: &'a str,
    /// Its title.
    pub title: Option<&'a str>,
    /// The words.
    pub ask: &'a str,
    /// The answers that are wanted.
    pub answers: &'a IndexMap<Id, Parameter>,
    /// A value that must be typed exactly.
    pub read_back: Option<&'a str>,
    /// Files that must be attached.
    pub evidence: Option<&'a Evidence>,
}

/// What a person says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The answers, by name, as given; they are checked again.
    pub answers: IndexMap<String, Json>,
    /// The value typed back.
    pub read_back: Option<String>,
    /// Files to attach.
    pub evidence: Vec<PathBuf>,
}

/// Who answers.
#[async_trait]
pub trait People: Send + Sync {
    /// Asks; none when there is nobody to answer.
    async fn ask(&self, asked: &Asked<'_>) -> Option<Answer>;
}
