//! A chain of names in an expression that is being written, like `steps.bump.ep`.

use super::{is_of_name, word_around};

/// What is being written at the end of a part of an expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The name of a filter, after `|`.
    Filter,
    /// A name, or the last of a chain: what stands before its last dot.
    Name(Vec<String>),
}

/// What is being written at the end of an expression; nothing inside a string or after a number.
pub(super) fn written(expression: &str) -> Option<Written> {
    if is_in_string(expression) {
        return None;
    }
    let start = word_around(expression, expression.len(), is_of_name).start;
    if expression[start..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let before = expression[..start].trim_end();
    if before.ends_with('|') {
        return Some(Written::Filter);
    }
    parents(&expression[..start]).map(Written::Name)
}

/// The names before the last dot; none where there is no dot. What cannot be read as names is no chain.
pub(super) fn parents(before: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let Some(mut rest) = before.strip_suffix('.') else { return Some(names) };
    loop {
        if let Some(inner) = rest.strip_suffix(']') {
            let open = inner.rfind('[')?;
            names.push(inner[open + 1..].trim().trim_matches(['\'', '"']).to_owned());
            rest = &inner[..open];
            continue;
        }
        let start = word_around(rest, rest.len(), is_of_name).start;
        if start == rest.len() {
            return None;
        }
        names.push(rest[start..].to_owned());
        match rest[..start].strip_suffix('.') {
            Some(more) => rest = more,
            None => break,
        }
    }
    names.reverse();
    Some(names)
}

/// Where the expression begins that a text ends in: the whole of a bare one, after the last `{{` of a template.
pub(super) fn expression_start(text: &str, bare: bool) -> Option<usize> {
    if bare {
        return Some(0);
    }
    let open = ["{{", "{%"].iter().filter_map(|mark| text.rfind(mark)).max()?;
    let closed = ["}}", "%}"].iter().filter_map(|mark| text.rfind(mark)).max();
    (closed.is_none_or(|closed| closed < open)).then_some(open + 2)
}

fn is_in_string(expression: &str) -> bool {
    let mut quote = None;
    let mut escaped = false;
    for c in expression.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(mark) if c == mark => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            _ => {}
        }
    }
    quote.is_some()
}
