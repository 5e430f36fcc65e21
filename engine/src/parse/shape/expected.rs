//! What a rule takes, and how to say it.

use super::rule::{Rule, Rules};
use crate::parse::node::{Data, Node, Style};
use crate::parse::problems::structure as problem;

impl Rules {
    /// Whether a rule takes values of this type at all.
    pub(super) fn takes(&self, rule: &Rule, node: &Node) -> bool {
        if let Some(target) = self.followed(rule) {
            return self.takes(target, node);
        }
        let named = |name: &str| match (&node.data, name) {
            (Data::Null, "null")
            | (Data::Bool(_), "boolean")
            | (Data::Number(_), "number")
            | (Data::String(..), "string")
            | (Data::Sequence(_), "array")
            | (Data::Mapping(_), "object")
            | (Data::Refused, _) => true,
            (Data::Number(number), "integer") => number.is_i64(),
            _ => false,
        };
        if let Some(branches) = &rule.any_of {
            return branches.iter().any(|branch| self.takes(branch, node));
        }
        if !rule.words.is_empty() {
            return named("string");
        }
        if rule.constant.as_ref().is_some_and(|constant| constant != &node.to_json()) {
            return false;
        }
        rule.types.as_ref().is_none_or(|names| names.iter().any(|name| named(name)))
    }

    /// What a rule takes, in words.
    pub(super) fn expected(&self, rule: &Rule) -> String {
        if let Some(words) = &rule.in_words {
            return words.clone();
        }
        if let Some(target) = self.followed(rule) {
            return self.expected(target);
        }
        if let Some(branches) = &rule.any_of {
            return branches.iter().map(|branch| self.expected(branch)).collect::<Vec<_>>().join(" or ");
        }
        if !rule.words.is_empty() {
            return problem::either(&rule.words.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let type_name = |name: &str| match name {
            "string" => "text",
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "`true` or `false`",
            "array" => "a list",
            "object" => "a map",
            _ => "another type",
        };
        match &rule.types {
            Some(names) => names.iter().map(|name| type_name(name)).collect::<Vec<_>>().join(" or "),
            None => "a value".to_owned(),
        }
    }

    pub(super) fn remedy(&self, rule: &Rule, node: &Node, expected: &str) -> Option<String> {
        let takes = |data: Data| self.takes(rule, &Node { data, span: 0..0 });
        let text = Data::String(String::new(), Style::Plain);
        match &node.data {
            Data::Number(number) if expected.starts_with("a duration") => Some(format!("did you mean `{number}s`?")),
            Data::Number(number) if takes(text.clone()) => Some(format!("put it in quotes: `'{number}'`")),
            Data::Bool(truth) if expected == "an expression" => Some(format!(
                "a condition that is always {truth} decides nothing; write what it depends on, or remove it"
            )),
            Data::Bool(truth) if takes(text.clone()) => Some(format!("put it in quotes: `'{truth}'`")),
            Data::Null if takes(Data::Sequence(Vec::new())) || takes(Data::Mapping(Vec::new())) => {
                Some("put something under it, or remove the key".to_owned())
            }
            Data::Null => Some("give it a value, or remove the key".to_owned()),
            Data::String(..) | Data::Mapping(_)
                if takes(Data::Sequence(Vec::new())) && !takes(Data::Mapping(Vec::new())) =>
            {
                Some("write a list: each entry on a line that begins with `- `".to_owned())
            }
            Data::Sequence(_) if takes(Data::Mapping(Vec::new())) => {
                Some("write a map: `key: value`, without `- `".to_owned())
            }
            _ => None,
        }
    }
}

/// What a key of a map of names must be.
pub(super) fn name_of(pattern: &str) -> &'static str {
    match pattern {
        "^[a-z][a-z0-9_]*$" => "an id: a lowercase letter, then lowercase letters, digits and `_` (like `bump_epoch`)",
        "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*$" => "a name: ids joined by dots (like `kora.dr_epoch_bump`)",
        _ => "a name as it should be",
    }
}

/// What was found, in words.
pub(super) fn found(node: &Node) -> String {
    match &node.data {
        Data::Null => "nothing".to_owned(),
        Data::Bool(truth) => format!("`{truth}`"),
        Data::Number(number) => format!("the number {number}"),
        Data::String(..) => "text".to_owned(),
        Data::Sequence(_) => "a list".to_owned(),
        Data::Mapping(_) => "a map".to_owned(),
        Data::Refused => "a value".to_owned(),
    }
}
