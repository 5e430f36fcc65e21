//! The items of a `for_each`, with what tells one from another.

use crate::procedure::step::ForEach;
use crate::template::Outcome as Known;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;

/// The items of a `for_each` with their keys, or why there are none to be had.
pub fn items_of(for_each: &ForEach, scope: &Scope) -> Result<Known<Vec<(String, Value)>>, String> {
    let list = match for_each.items.render(scope).map_err(|error| error.to_string())? {
        Known::Known(list) => list,
        Known::Undecided(because) => return Ok(Known::Undecided(because)),
    };
    let Some(items) = list.as_list() else {
        return Err(format!("`{}` is not a list", for_each.items.source()));
    };
    if let Some(max) = for_each.max_items.filter(|max| items.len() > *max as usize) {
        return Err(format!("there are {} items, and at most {max} are allowed", items.len()));
    }
    let mut keyed: Vec<(String, Value)> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let key = match &for_each.key {
            None => at.to_string(),
            Some(key) => {
                let scope = scope.clone().with(for_each.variable.as_str(), Slot::Known(item.clone()));
                match key.evaluate(&scope).map_err(|error| error.to_string())? {
                    Known::Known(value) => {
                        value.to_text().map(|text| text.to_string()).ok_or("a key must be text or a number")?
                    }
                    Known::Undecided(because) => return Ok(Known::Undecided(because)),
                }
            }
        };
        if keyed.iter().any(|(known, _)| *known == key) {
            return Err(format!("two items have the key `{key}`"));
        }
        keyed.push((key, item.clone()));
    }
    Ok(Known::Known(keyed))
}
