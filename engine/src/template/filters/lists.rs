//! Filters of lists and maps.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::Call;
use crate::template::error::Problem;
use crate::template::operators::{self, Arithmetic, Refusal};
use crate::template::value::{Repr, Value};

pub(super) fn length(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let length = match &value.0 {
        Repr::String(text) => {
            call.fuel.spend_text(text.len())?;
            text.chars().count()
        }
        Repr::List(items) => items.len(),
        Repr::Map(members) => members.len(),
        _ => return Err(call.takes("a string, list or map", value)),
    };
    Ok((length as u64).into())
}

pub(super) fn first(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let found = match &value.0 {
        Repr::String(text) => text.chars().next().map(|letter| letter.to_string().into()),
        Repr::List(items) => items.first().cloned(),
        _ => return Err(call.takes("a list or string", value)),
    };
    found.ok_or_else(|| call.wrong("there is nothing in it"))
}

pub(super) fn last(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let found = match &value.0 {
        Repr::String(text) => text.chars().next_back().map(|letter| letter.to_string().into()),
        Repr::List(items) => items.last().cloned(),
        _ => return Err(call.takes("a list or string", value)),
    };
    found.ok_or_else(|| call.wrong("there is nothing in it"))
}

pub(super) fn reverse(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    match &value.0 {
        Repr::String(text) => call.fuel.string(text.chars().rev().collect()),
        Repr::List(items) => call.fuel.list(items.iter().rev().cloned().collect()),
        _ => Err(call.takes("a list or string", value)),
    }
}

pub(super) fn list(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    match &value.0 {
        Repr::List(_) => Ok(value.clone()),
        Repr::Map(members) => call.fuel.list(members.keys().map(|name| (&**name).into()).collect()),
        Repr::String(text) => {
            call.fuel.spend_text(text.len())?;
            call.fuel.allow_list(text.chars().count())?;
            Ok(Value::list(text.chars().map(|letter| letter.to_string().into())))
        }
        _ => Err(call.takes("a list, map or string", value)),
    }
}

pub(super) fn items(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let Repr::Map(members) = &value.0 else { return Err(call.takes("a map", value)) };
    call.fuel.list(members.iter().map(|(name, value)| Value::list([(&**name).into(), value.clone()])).collect())
}

pub(super) fn dictsort(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let Repr::Map(members) = &value.0 else { return Err(call.takes("a map", value)) };
    let mut pairs: Vec<_> = members.iter().collect();
    pairs.sort_by_key(|(name, _)| *name);
    call.fuel.list(pairs.into_iter().map(|(name, value)| Value::list([(&**name).into(), value.clone()])).collect())
}

pub(super) fn batch(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let items = call.items(value)?;
    match call.take_count("count")? {
        Some(count) if count > 0 => {
            call.fuel.list(items.chunks(count).map(|chunk| Value::list(chunk.to_vec())).collect())
        }
        _ => Err(call.wrong("needs a count from 1 on")),
    }
}

pub(super) fn map(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let items = call.items(value)?;
    if let Some(attribute) = call.take_named("attribute") {
        let path = call.text(&attribute)?;
        let picked = items.iter().map(|item| call.member(item, &path)).collect::<Result<_, _>>()?;
        return call.fuel.list(picked);
    }
    let name = call.take_needed_text("filter")?;
    let filter = super::named(&name).map_err(|_| call.wrong("there is no filter of that name"))?;
    if filter.name == "map" {
        return Err(call.wrong("does not map `map` over lists"));
    }
    let positional: Vec<Value> = call.positional.by_ref().collect();
    let named = std::mem::take(&mut call.named);
    let mut changed = Vec::with_capacity(items.len());
    for item in items {
        let inner = Call {
            name: filter.name,
            positional: positional.clone().into_iter(),
            named: named.clone(),
            fuel: &mut *call.fuel,
        };
        changed.push(inner.run(filter, item)?);
    }
    call.fuel.list(changed)
}

pub(super) fn select(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    keep(value, call, false, true)
}

pub(super) fn reject(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    keep(value, call, false, false)
}

pub(super) fn selectattr(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    keep(value, call, true, true)
}

pub(super) fn rejectattr(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    keep(value, call, true, false)
}

/// The items whose test, or whose member's test, has the wanted answer.
fn keep(value: &Value, call: &mut Call<'_>, of_member: bool, wanted: bool) -> Result<Value, Problem> {
    let items = call.items(value)?;
    let path = if of_member { Some(call.take_needed_text("attribute")?) } else { None };
    let test = call.take_test()?;
    let mut kept = Vec::new();
    for item in items {
        let answer = match (&path, &test) {
            // Whether the member is there at all is for these two to ask.
            (Some(path), Some((predicate, _))) if matches!(predicate.name, "defined" | "undefined") => {
                call.member(item, path).is_ok() == (predicate.name == "defined")
            }
            (Some(path), _) => {
                let member = call.member(item, path)?;
                call.ask(test.as_ref(), &member)?
            }
            (None, _) => call.ask(test.as_ref(), item)?,
        };
        if answer == wanted {
            kept.push(item.clone());
        }
    }
    call.fuel.list(kept)
}

/// Items with what they are sorted or compared by.
fn keyed(value: &Value, call: &mut Call<'_>) -> Result<Vec<(Value, Value)>, Problem> {
    let items = call.items(value)?;
    let attribute = call.take_text("attribute")?;
    items
        .iter()
        .map(|item| match &attribute {
            Some(path) => Ok((call.member(item, path)?, item.clone())),
            None => Ok((item.clone(), item.clone())),
        })
        .collect()
}

/// Refuses keys that have no order between them; afterwards every two have one.
fn check_order(keys: &[(Value, Value)], call: &mut Call<'_>) -> Result<(), Problem> {
    let Some((first, _)) = keys.first() else { return Ok(()) };
    for (key, _) in keys {
        call.fuel.spend(1)?;
        if operators::order(first, key).is_none() {
            let message = if first.kind() == key.kind() {
                format!("a {} has no order", key.kind())
            } else {
                format!("there is no order between a {} and a {}", first.kind(), key.kind())
            };
            return Err(call.wrong(message));
        }
    }
    Ok(())
}

fn order_of((left, _): &(Value, Value), (right, _): &(Value, Value)) -> Ordering {
    operators::order(left, right).unwrap_or(Ordering::Equal)
}

pub(super) fn sort(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let reverse = call.take_flag("reverse")?;
    let mut keys = keyed(value, call)?;
    check_order(&keys, call)?;
    call.fuel.spend(keys.len() * 16)?;
    keys.sort_by(|left, right| if reverse { order_of(right, left) } else { order_of(left, right) });
    call.fuel.list(keys.into_iter().map(|(_, item)| item).collect())
}

pub(super) fn min(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let keys = keyed(value, call)?;
    check_order(&keys, call)?;
    let least = keys.into_iter().min_by(order_of);
    least.map(|(_, item)| item).ok_or_else(|| call.wrong("there is nothing in it"))
}

pub(super) fn max(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let keys = keyed(value, call)?;
    check_order(&keys, call)?;
    let greatest = keys.into_iter().max_by(order_of);
    greatest.map(|(_, item)| item).ok_or_else(|| call.wrong("there is nothing in it"))
}

pub(super) fn unique(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let keys = keyed(value, call)?;
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Value> = Vec::new();
    let mut kept_keys: Vec<Value> = Vec::new();
    for (key, item) in keys {
        // Strings, the common case, by a set; the rest by looking at each, which costs steps.
        let new = if let Repr::String(text) = &key.0 {
            seen.insert(text.clone())
        } else {
            let mut new = true;
            for known in &kept_keys {
                new &= !operators::same(known, &key, call.fuel)?;
            }
            kept_keys.extend(new.then_some(key));
            new
        };
        kept.extend(new.then_some(item));
    }
    call.fuel.list(kept)
}

pub(super) fn sum(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let keys = keyed(value, call)?;
    let mut total: Option<Value> = None;
    for (key, _) in keys {
        if !matches!(key.0, Repr::Integer(_) | Repr::Float(_) | Repr::Duration(_)) {
            return Err(call.takes("numbers or durations to add up", &key));
        }
        total = Some(match total {
            None => key,
            Some(total) => {
                operators::arithmetic(Arithmetic::Add, &total, &key, call.fuel).map_err(|refusal| match refusal {
                    Refusal::Problem(problem) => problem,
                    Refusal::Kinds => call.wrong("adds up numbers, or durations, not both"),
                })?
            }
        });
    }
    Ok(total.unwrap_or_else(|| 0_i64.into()))
}
