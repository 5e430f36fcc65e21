//! Inputs and previews as lines: what is not known yet and what is secret in words, and what is long one member a line.

use serde_json::Value as Json;

use crate::ui::inline;

/// Longer than this a list or map is shown a member a line.
const AT_MOST: usize = 140;

/// The same value with words in the place of markers.
pub fn as_words(value: &Json) -> Json {
    match value {
        Json::Object(members) => match marker(members) {
            Some(words) => Json::String(words),
            None => Json::Object(members.iter().map(|(name, value)| (name.clone(), as_words(value))).collect()),
        },
        Json::Array(items) => Json::Array(items.iter().map(as_words).collect()),
        other => other.clone(),
    }
}

fn marker(members: &serde_json::Map<String, Json>) -> Option<String> {
    let of = |name: &str| members.get(name).and_then(Json::as_str);
    let secret = || of("$secret").filter(|_| members.len() == 1).map(|name| format!("(secret `{name}`)"));
    of("$undecided").map(|because| format!("(not known yet: {because})")).or_else(secret)
}

/// A value after its label: in one line, or the members of what is long below it.
pub fn lines(label: &str, value: &Json) -> Vec<String> {
    let line = inline(value);
    let members: Vec<String> = match value {
        _ if line.chars().count() <= AT_MOST => Vec::new(),
        Json::Array(items) => items.iter().flat_map(|item| lines("- ", item)).collect(),
        Json::Object(members) => {
            members.iter().flat_map(|(name, member)| lines(&format!("{name} = "), member)).collect()
        }
        _ => Vec::new(),
    };
    if members.is_empty() {
        return vec![format!("{label}{line}")];
    }
    let indent = " ".repeat(label.len() - label.trim_start().len() + 2);
    let below = members.iter().map(|member| format!("{indent}{member}"));
    std::iter::once(label.trim_end().to_owned()).chain(below).collect()
}

#[cfg(test)]
mod tests {
    use super::{as_words, lines};
    use serde_json::json;

    #[test]
    fn what_is_short_stands_in_one_line() {
        assert_eq!(lines("     after   ", &json!({ "exists": true })), ["     after   {\"exists\":true}"]);
    }

    #[test]
    fn what_is_long_has_a_line_for_each_member() {
        let files = json!({ "exists": true, "files": [{ "name": "a".repeat(60) }, { "name": "b".repeat(60) }] });
        let expected = [
            "     after".to_owned(),
            "       exists = true".to_owned(),
            "       files =".to_owned(),
            format!("         - {{\"name\":\"{}\"}}", "a".repeat(60)),
            format!("         - {{\"name\":\"{}\"}}", "b".repeat(60)),
        ];
        assert_eq!(lines("     after   ", &files), expected);
    }

    #[test]
    fn a_long_text_stays_in_one_line() {
        assert_eq!(lines("     why = ", &json!("x".repeat(200))), [format!("     why = {}", "x".repeat(200))]);
    }

    #[test]
    fn markers_are_said_in_words() {
        let value = json!({ "h": { "$secret": "token" }, "b": [{ "$undecided": "step `a` has not run" }] });
        let words = json!({ "h": "(secret `token`)", "b": ["(not known yet: step `a` has not run)"] });
        assert_eq!(as_words(&value), words);
    }
}
