//! Changes of a JSON value that a script of bytes asks for, so that noise meets what stands behind the first parser.

use serde_json::{Value, json};

/// Four bytes are one change: which value (two), what is done, and with what.
const EDIT: usize = 4;

/// The value after the changes of a script; those within texts that are JSON themselves are made there.
pub fn edited(value: &Value, script: &[u8]) -> Value {
    let mut changed = value.clone();
    for edit in script.chunks_exact(EDIT).take(8) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]]));
        edit_at(&mut changed, at, edit[2], edit[3]);
    }
    changed
}

fn edit_at(value: &mut Value, at: usize, what: u8, with: u8) {
    let mut count = 0;
    each(value, &mut |_| count += 1);
    let (mut seen, wanted, mut other) = (0, at % count, Value::Null);
    // A value from elsewhere in the same document, which is the best of lies.
    each(value, &mut |found| {
        if seen == (at.wrapping_mul(31) + usize::from(with)) % count {
            other = found.clone();
        }
        seen += 1;
    });
    seen = 0;
    each(value, &mut |found| {
        if seen == wanted {
            change(found, what, with, &other);
        }
        seen += 1;
    });
}

fn change(found: &mut Value, what: u8, with: u8, other: &Value) {
    if let Value::String(text) = found
        && let Ok(mut inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
        && what & 0x80 != 0
    {
        edit_at(&mut inner, usize::from(with) * 7 + usize::from(what), what & 0x7f, with);
        *text = String::from_utf8(serde_json_canonicalizer::to_vec(&inner).unwrap_or_default()).unwrap_or_default();
        return;
    }
    match (what % 8, &mut *found) {
        (0, Value::Array(items)) if !items.is_empty() => drop(items.remove(usize::from(with) % items.len())),
        (0, Value::Object(members)) if !members.is_empty() => {
            let name = members.keys().nth(usize::from(with) % members.len()).cloned();
            name.and_then(|name| members.remove(&name));
        }
        (1, Value::Array(items)) if !items.is_empty() => {
            let again = items[usize::from(with) % items.len()].clone();
            items.push(again);
        }
        (1, Value::Array(items)) => items.push(other.clone()),
        (1, Value::Object(members)) => drop(members.insert(format!("x{with}"), other.clone())),
        (2, Value::Array(items)) => items.reverse(),
        (3, Value::String(text)) => {
            let at = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).nth(usize::from(with)).unwrap_or(0);
            text.truncate(at);
        }
        (4, Value::String(text)) => text.push(char::from(with)),
        (5, Value::Number(number)) => {
            let changed = number.as_i64().unwrap_or(0).wrapping_add(i64::from(with.cast_signed()));
            *found = json!(changed);
        }
        (6, _) => *found = other.clone(),
        _ => {
            let values = [
                json!(null),
                json!(true),
                json!(0),
                json!(-1),
                json!(u64::MAX),
                json!(9_007_199_254_740_991_i64),
                json!(1.5),
                json!(""),
                json!("a"),
                json!("{{ x }}"),
                json!([]),
                json!({}),
                json!("\u{0}\u{feff}"),
                json!("sha256:0000000000000000000000000000000000000000000000000000000000000000"),
                json!({ "$number": "1e999" }),
                json!("9999-12-31T23:59:59.999999Z"),
            ];
            *found = values[usize::from(with) % values.len()].clone();
        }
    }
}

/// Every value, from the outside in.
fn each(value: &mut Value, see: &mut dyn FnMut(&mut Value)) {
    see(value);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, see)),
        Value::Object(members) => members.values_mut().for_each(|member| each(member, see)),
        _ => {}
    }
}
