//! Filters of strings.

use super::Call;
use crate::template::error::Problem;
use crate::template::value::{Repr, Value};

pub(super) fn upper(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let text = call.text(value)?;
    call.fuel.string(text.to_uppercase())
}

pub(super) fn lower(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let text = call.text(value)?;
    call.fuel.string(text.to_lowercase())
}

pub(super) fn capitalize(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let text = call.text(value)?;
    let mut letters = text.chars();
    let changed = letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters.as_str().chars().flat_map(char::to_lowercase)).collect()
    });
    call.fuel.string(changed)
}

pub(super) fn trim(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let text = call.text(value)?;
    let trimmed = match call.take_text("chars")? {
        Some(chars) => {
            call.fuel.spend(chars.len())?;
            text.trim_matches(|letter| chars.contains(letter)).to_owned()
        }
        None => text.trim().to_owned(),
    };
    call.fuel.string(trimmed)
}

pub(super) fn replace(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let text = call.text(value)?;
    let from = call.take_needed_text("from")?;
    let to = call.take_needed_text("to")?;
    call.fuel.spend_text(text.len())?;
    if from.is_empty() {
        return Err(call.wrong("replaces a string that is not empty"));
    }
    let found = text.matches(&*from).count();
    call.fuel.allow_string((text.len() - found * from.len()).saturating_add(found.saturating_mul(to.len())))?;
    Ok(text.replace(&*from, &to).into())
}

pub(super) fn split(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let text = call.text(value)?;
    call.fuel.spend_text(text.len())?;
    let parts: Vec<Value> = match call.take_text("split")? {
        Some(separator) if separator.is_empty() => return Err(call.wrong("splits at a string that is not empty")),
        Some(separator) => text.split(&*separator).map(Value::from).collect(),
        None => text.split_whitespace().map(Value::from).collect(),
    };
    call.fuel.list(parts)
}

pub(super) fn lines(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let text = call.text(value)?;
    call.fuel.spend_text(text.len())?;
    call.fuel.list(text.lines().map(Value::from).collect())
}

pub(super) fn indent(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let text = call.text(value)?;
    let width = call.take_count("width")?.unwrap_or(4);
    let breaks = text.matches('\n').count();
    call.fuel.allow_string(text.len().saturating_add(breaks.saturating_mul(width)))?;
    let margin = " ".repeat(if breaks > 0 { width } else { 0 });
    let mut indented = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            indented.push('\n');
            if !line.is_empty() {
                indented.push_str(&margin);
            }
        }
        indented.push_str(line);
    }
    Ok(indented.into())
}

pub(super) fn join(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let items = call.items(value)?;
    let separator = call.take_text("separator")?.unwrap_or_else(|| "".into());
    let attribute = call.take_text("attribute")?;
    let mut joined = String::new();
    for (number, item) in items.iter().enumerate() {
        let text = match &attribute {
            Some(path) => call.member(item, path)?.to_text(),
            None => item.to_text(),
        };
        let Some(text) = text else { return Err(call.takes("strings, numbers and booleans to join", item)) };
        if number > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&text);
        // Looked at as it grows, so that what is refused is never built.
        if joined.len() > 1 << 20 {
            break;
        }
    }
    call.fuel.string(joined)
}

pub(super) fn string(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    match &value.0 {
        Repr::String(_) => Ok(value.clone()),
        _ => value.to_text().map(|text| Value(Repr::String(text))).ok_or_else(|| {
            call.takes("a string, number, boolean, duration, timestamp or version (`tojson` takes all)", value)
        }),
    }
}

pub(super) fn tojson(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let indented = call.take_flag("indent")?;
    weigh(value, call)?;
    let json = value.to_json();
    let text = if indented { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) };
    call.fuel.string(text.map_err(|error| call.wrong(error.to_string()))?)
}

/// Takes the steps of walking over all of a value.
fn weigh(value: &Value, call: &mut Call<'_>) -> Result<(), Problem> {
    call.fuel.spend(1)?;
    match &value.0 {
        Repr::String(text) => call.fuel.spend_text(text.len()),
        Repr::List(items) => items.iter().try_for_each(|item| weigh(item, call)),
        Repr::Map(members) => members.values().try_for_each(|member| weigh(member, call)),
        _ => Ok(()),
    }
}
