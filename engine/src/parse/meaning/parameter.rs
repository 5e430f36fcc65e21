//! Parameters and answers: their limits fit their type, and their default fits both.

use indexmap::IndexMap;
use serde_json::Value;

use super::Checker;
use super::at::At;
use crate::id::Id;
use crate::parse::problems::expression as problem;
use crate::parse::raw::parameter::{self as raw, Sort};
use crate::procedure::parameter::{Parameter, Type};
use crate::time::{Duration, Timestamp};

impl Checker<'_, '_> {
    pub(super) fn parameters(&mut self, raw: Option<&raw::Parameters>, at: At<'_>) -> Option<IndexMap<Id, Parameter>> {
        let valid: Vec<Option<(Id, Parameter)>> = raw
            .into_iter()
            .flatten()
            .map(|(id, raw)| Some((id.clone(), self.parameter(id.as_str(), raw, at.get(id.as_str()))?)))
            .collect();
        valid.into_iter().collect()
    }

    fn parameter(&mut self, name: &str, raw: &raw::Parameter, at: At<'_>) -> Option<Parameter> {
        self.refuse_stray_limits(name, raw, at);
        let mut parameter = Parameter::of(type_of(raw.sort));
        parameter.description = raw.description.as_ref().map(|text| text.0.clone());
        parameter.min_length = raw.min_length;
        parameter.max_length = raw.max_length;
        if let (Some(min), Some(max)) = (raw.min_length, raw.max_length)
            && min > max
        {
            self.refuse(at.get("max_length"), name, &format!("`max_length` {max} is less than `min_length` {min}"));
        }
        parameter.values = self.values(name, raw, at);
        let items = raw.items.as_ref().map(|items| self.parameter(&format!("items of {name}"), items, at.get("items")));
        parameter.items = match items {
            Some(items) => Some(Box::new(items?)),
            None => None,
        };
        if let Some(pattern) = &raw.pattern {
            match Parameter::whole_pattern(pattern) {
                Ok(pattern) => parameter.pattern = Some(pattern),
                Err(error) => {
                    let why = format!("`{pattern}` is no regular expression: {}", last_line(&error));
                    self.refuse(at.get("pattern"), name, &why);
                    return None;
                }
            }
        }
        parameter.min = self.bound(name, raw.sort, raw.min.as_ref(), at.get("min"));
        parameter.max = self.bound(name, raw.sort, raw.max.as_ref(), at.get("max"));
        if let (Some(min), Some(max)) = (&parameter.min, &parameter.max)
            && is_less(raw.sort, max, min)
        {
            self.refuse(at.get("max"), name, &format!("`max` {} is less than `min` {}", shown(max), shown(min)));
            return None;
        }
        if let Some(default) = &raw.default {
            match parameter.accept(default) {
                Ok(accepted) => parameter.default = Some(accepted),
                Err(why) => self.refuse(at.get("default"), name, &format!("its default does not fit: {why}")),
            }
        }
        Some(parameter)
    }

    fn refuse_stray_limits(&mut self, name: &str, raw: &raw::Parameter, at: At<'_>) {
        const ORDERED: [&str; 3] = ["integer", "duration", "timestamp"];
        const LONG: [&str; 5] = ["string", "path", "url", "list", "map"];
        let sort = type_of(raw.sort).as_str();
        let limits: [(&str, bool, &[&str]); 7] = [
            ("pattern", raw.pattern.is_some(), &LONG[..3]),
            ("min", raw.min.is_some(), &ORDERED),
            ("max", raw.max.is_some(), &ORDERED),
            ("min_length", raw.min_length.is_some(), &LONG),
            ("max_length", raw.max_length.is_some(), &LONG),
            ("values", raw.values.is_some(), &["enum"]),
            ("items", raw.items.is_some(), &LONG[3..]),
        ];
        for (limit, there, sorts) in limits {
            if there && !sorts.contains(&sort) {
                let place = self.place(at.get(limit).key());
                self.problems.push(problem::stray_limit(place, name, limit, sort, sorts));
            }
        }
    }

    fn values(&mut self, name: &str, raw: &raw::Parameter, at: At<'_>) -> Vec<String> {
        let values = raw.values.clone().unwrap_or_default();
        if raw.sort == Sort::Enum && values.is_empty() {
            self.refuse(at, name, "an `enum` needs its `values`");
        }
        for (index, value) in values.iter().enumerate() {
            if values[..index].contains(value) {
                self.refuse(at.get("values").item(index), name, &format!("the value `{value}` stands twice"));
            }
        }
        values
    }

    fn bound(&mut self, name: &str, sort: Sort, raw: Option<&raw::Bound>, at: At<'_>) -> Option<Value> {
        let value = &raw?.0;
        let fits = match (sort, value) {
            (Sort::Integer, Value::Number(number)) => number.is_i64(),
            (Sort::Duration, Value::String(text)) => Duration::parse(text).is_ok(),
            (Sort::Timestamp, Value::String(text)) => Timestamp::parse(text).is_ok(),
            (Sort::Integer | Sort::Duration | Sort::Timestamp, _) => false,
            // Reported as a limit that the type has no use for.
            _ => return None,
        };
        if !fits {
            let expected = match sort {
                Sort::Integer => "a whole number",
                Sort::Duration => "a duration (like `90s`)",
                _ => "an instant with its offset (like `2026-11-20T09:35:12Z`)",
            };
            self.refuse(at, name, &format!("its limit must be {expected}, found {}", shown(value)));
            return None;
        }
        Some(value.clone())
    }

    fn refuse(&mut self, at: At<'_>, name: &str, why: &str) {
        let place = self.place(at.span());
        self.problems.push(problem::bad_parameter(place, name, why));
    }
}

fn is_less(sort: Sort, a: &Value, b: &Value) -> bool {
    match (sort, a.as_str(), b.as_str()) {
        (Sort::Duration, Some(a), Some(b)) => Duration::parse(a).ok() < Duration::parse(b).ok(),
        (Sort::Timestamp, Some(a), Some(b)) => Timestamp::parse(a).ok() < Timestamp::parse(b).ok(),
        _ => a.as_i64() < b.as_i64(),
    }
}

fn shown(value: &Value) -> String {
    format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// What a regular expression's error says, without the drawing above it.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().next_back().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

pub(super) fn type_of(sort: Sort) -> Type {
    match sort {
        Sort::String => Type::String,
        Sort::Integer => Type::Integer,
        Sort::Boolean => Type::Boolean,
        Sort::Duration => Type::Duration,
        Sort::Timestamp => Type::Timestamp,
        Sort::Path => Type::Path,
        Sort::Url => Type::Url,
        Sort::Enum => Type::Enum,
        Sort::List => Type::List,
        Sort::Map => Type::Map,
    }
}
