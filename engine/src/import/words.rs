//! Words of runbooks: sentences, prohibitions, what begins like a question or an order, and names made of titles.

/// Text as it stands in a template: braces that would be read there are written as texts.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match characters.peek() {
            Some(next @ ('{' | '%' | '#')) if character == '{' => {
                out.push_str(&format!("{{{{ '{{{next}' }}}}"));
                characters.next();
            }
            _ => out.push(character),
        }
    }
    out
}

/// Appends what refers to a parameter; a brace before it stays one.
pub(super) fn refer(out: &mut String, reference: &str) {
    if out.ends_with('{') {
        out.pop();
        out.push_str("{{ '{' }}");
    }
    out.push_str(reference);
}

/// An id of the words of a title: lowercase, so many of them, and `empty` where there are none.
pub(super) fn slug(title: &str, most: usize, empty: &str) -> String {
    const LONGEST: usize = 40;
    const SMALL: [&str; 9] = ["a", "an", "the", "of", "to", "and", "for", "via", "with"];
    let lower = title.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let all: Vec<&str> = words.collect();
    let telling: Vec<&str> = all.iter().copied().filter(|word| !SMALL.contains(word)).collect();
    let mut id = String::new();
    for word in if telling.is_empty() { all } else { telling }.into_iter().take(most) {
        if !id.is_empty() && id.len() + word.len() >= LONGEST {
            break;
        }
        if !id.is_empty() {
            id.push('_');
        }
        id.push_str(&word[..word.len().min(LONGEST)]);
    }
    match id.bytes().next() {
        None => empty.to_owned(),
        // To some readers of YAML these are no words.
        Some(_) if ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&id.as_str()) => {
            format!("{id}_{empty}")
        }
        Some(first) if first.is_ascii_lowercase() => id,
        Some(_) => format!("{empty}_{id}"),
    }
}

/// The sentences of a text.
pub(super) fn sentences(text: &str) -> Vec<String> {
    const SHORT: [&str; 8] = ["e.g.", "i.e.", "etc.", "vs.", "cf.", "no.", "approx.", "incl."];
    let flat: Vec<&str> = text.split_whitespace().collect();
    let mut found = Vec::new();
    let mut sentence: Vec<&str> = Vec::new();
    for (at, word) in flat.iter().enumerate() {
        sentence.push(word);
        let bare = word.trim_end_matches(['*', '_', ')', '"', '\'', '`']);
        let ends = bare.ends_with(['.', '!', '?', ';']) && !SHORT.contains(&bare.to_ascii_lowercase().as_str());
        let begins = |next: &&str| !next.starts_with(|c: char| c.is_lowercase());
        if ends && (bare.ends_with(';') || flat.get(at + 1).is_none_or(begins)) {
            found.push(sentence.join(" "));
            sentence.clear();
        }
    }
    if !sentence.is_empty() {
        found.push(sentence.join(" "));
    }
    found
}

/// The prohibitions in a text, in its own words.
pub(super) fn prohibitions(text: &str) -> Vec<String> {
    sentences(text).into_iter().filter(|sentence| forbids(sentence)).collect()
}

/// Whether a sentence forbids something.
pub(super) fn forbids(sentence: &str) -> bool {
    let bare = sentence.trim_start_matches(|c: char| !c.is_alphanumeric());
    let lower = bare.to_lowercase().replace('\u{2019}', "'");
    let begins =
        ["do not ", "don't ", "never ", "never, ", "must not ", "must never ", "under no circumstances ", "avoid "];
    // Written loudly, or as a rule, it forbids in the middle of a sentence as well.
    let within = bare.contains("NEVER ") || bare.contains("DO NOT ") || bare.contains("Do NOT ");
    let rule =
        [" must not ", " must never ", " may not ", " may never ", ", do not ", ", never ", ": do not ", ": never "];
    let harmless =
        ["do not forget", "don't forget", "do not hesitate", "don't hesitate", "don't worry", "do not worry"];
    let found =
        begins.iter().any(|begin| lower.starts_with(begin)) || within || rule.iter().any(|rule| lower.contains(rule));
    found && !harmless.iter().any(|harmless| lower.contains(harmless)) && lower.split_whitespace().count() > 2
}

/// A point of a list of what is not to be done, as a prohibition.
pub(super) fn prohibition(point: &str) -> String {
    let first = sentences(point).into_iter().next().unwrap_or_default();
    let first = first.trim().to_owned();
    if forbids(&first) {
        return first;
    }
    let mut characters = first.chars();
    match characters.next() {
        Some(letter) if characters.clone().next().is_some_and(char::is_lowercase) => {
            format!("Do not {}{}", letter.to_lowercase(), characters.as_str())
        }
        Some(_) | None => format!("Do not: {first}"),
    }
}

/// Whether a text asks to see that something is so.
pub(super) fn verifies(text: &str) -> bool {
    let lower = bare_lower(text);
    let begins =
        ["verify", "confirm", "ensure", "expect", "expected", "make sure", "validate", "check that", "you should see"];
    let asks = begins.iter().any(|begin| {
        lower
            .strip_prefix(begin)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| !c.is_alphanumeric()))
    });
    // Whoever is told to go on then is told to do something.
    let goes_on = [" then ", " re-run", " rerun", " and run ", " and retry", " and restart"]
        .iter()
        .any(|word| lower.contains(word));
    asks && !goes_on
}

/// Whether a text tells somebody to do something.
pub(super) fn orders(text: &str) -> bool {
    let lower = bare_lower(text);
    let first = lower.split(|c: char| !(c.is_alphanumeric() || c == '-')).next().unwrap_or_default();
    VERBS.contains(&first)
}

/// What a paragraph says before its steps, where it names them: `Criteria: … Steps: …`.
pub(super) fn before_orders(text: &str) -> (&str, &str) {
    match text.split_once("Steps:") {
        Some((before, steps)) => (before.trim(), steps.trim()),
        None => ("", text),
    }
}

/// What a paragraph tells somebody to do, one thing after another, if that is what it does.
pub(super) fn orders_of(text: &str) -> Vec<String> {
    let all = sentences(before_orders(text).1);
    let orders = all.iter().filter(|sentence| orders(sentence)).count();
    if all.len() > 1 && orders * 3 >= all.len() * 2 { all } else { Vec::new() }
}

fn bare_lower(text: &str) -> String {
    text.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// A line of at most so many characters for a title: the first sentence, without markup and without its end.
pub(super) fn title(text: &str) -> String {
    const LONGEST: usize = 90;
    let first = sentences(text).into_iter().next().unwrap_or_default();
    let first = first.replace(['`', '*'], "");
    let first = first.trim().trim_end_matches(['.', ':', ';', ',']).trim();
    if first.chars().count() <= LONGEST {
        return first.to_owned();
    }
    let cut: String = first.chars().take(LONGEST).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(before, _)| before);
    format!("{} …", whole.trim_end_matches([',', ';', ':']))
}

/// A heading without its number and what stands in brackets after it.
pub(super) fn heading(text: &str) -> String {
    let plain = text.replace(['`', '*'], "");
    let mut rest = plain.trim();
    let numbered = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '§');
    if numbered.len() < rest.len() {
        let numbered = numbered.trim_start_matches([')', ':', '-', ' ', '\u{2013}', '\u{2014}']);
        rest = if numbered.is_empty() { rest } else { numbered };
    }
    if let Some((before, inner)) = rest.rsplit_once(" (")
        && inner.ends_with(')')
        && !before.trim().is_empty()
    {
        rest = before;
    }
    let rest = rest.trim().trim_matches(':').trim();
    let inner = rest.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(rest).to_owned()
}

/// What a heading that numbers a step calls it: `Step 3: Drain` is `Drain`.
pub(super) fn step_heading(text: &str) -> Option<String> {
    let plain = text.replace(['`', '*'], "");
    let lower = plain.trim().to_lowercase();
    let rest = lower.strip_prefix("step").or_else(|| lower.strip_prefix("phase"))?;
    let rest = rest.trim_start();
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if after.len() == rest.len() {
        return None;
    }
    let said = after.trim_start_matches([':', '.', ')', '-', ' ', '\u{2013}', '\u{2014}']);
    let from = plain.trim().len().saturating_sub(said.len());
    let named = plain.trim().get(from..).unwrap_or_default().trim();
    Some(if named.is_empty() { plain.trim().to_owned() } else { named.to_owned() })
}

/// Verbs that begin an order.
const VERBS: [&str; 142] = [
    "add",
    "analyse",
    "analyze",
    "announce",
    "append",
    "apply",
    "approve",
    "archive",
    "ask",
    "assign",
    "attach",
    "audit",
    "back",
    "block",
    "broadcast",
    "build",
    "call",
    "cancel",
    "capture",
    "change",
    "check",
    "clean",
    "clear",
    "close",
    "collect",
    "commit",
    "compare",
    "configure",
    "confirm",
    "connect",
    "contact",
    "copy",
    "create",
    "cut",
    "deactivate",
    "delete",
    "deploy",
    "destroy",
    "disable",
    "disconnect",
    "document",
    "download",
    "draft",
    "drain",
    "drop",
    "edit",
    "email",
    "enable",
    "ensure",
    "enter",
    "escalate",
    "execute",
    "export",
    "file",
    "find",
    "fix",
    "flush",
    "force",
    "freeze",
    "generate",
    "get",
    "give",
    "go",
    "identify",
    "implement",
    "import",
    "inform",
    "initiate",
    "inspect",
    "install",
    "investigate",
    "issue",
    "kill",
    "locate",
    "lock",
    "log",
    "look",
    "make",
    "mark",
    "merge",
    "migrate",
    "monitor",
    "mount",
    "move",
    "mute",
    "notify",
    "open",
    "page",
    "pause",
    "post",
    "promote",
    "publish",
    "pull",
    "push",
    "re-run",
    "re-verify",
    "read",
    "reboot",
    "rebuild",
    "record",
    "regenerate",
    "reload",
    "render",
    "repair",
    "remove",
    "rename",
    "replace",
    "reprocess",
    "request",
    "rerun",
    "reset",
    "restart",
    "restore",
    "resume",
    "retry",
    "review",
    "revoke",
    "roll",
    "rotate",
    "run",
    "save",
    "scale",
    "schedule",
    "send",
    "set",
    "shut",
    "sign",
    "snapshot",
    "start",
    "stop",
    "submit",
    "switch",
    "tag",
    "take",
    "tell",
    "test",
    "trigger",
    "turn",
    "unlock",
    "update",
    "upgrade",
    "upload",
];
