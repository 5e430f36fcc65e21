//! What a runbook leaves to be filled in: `<name>`, `$NAME`, `${NAME}`. Each becomes a parameter, wherever it stands.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::words::slug;
use crate::secret::name::looks_secret;

/// A parameter to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// As the document writes it.
    pub written: String,
    /// What is said of it.
    pub description: String,
    /// The value where none is given.
    pub default: Option<String>,
    /// Where it was met first.
    pub line: u32,
    /// Whether anything refers to it.
    pub used: bool,
}

/// The parameters of one procedure, as they are found.
#[derive(Debug, Clone, Default)]
pub(super) struct Slots {
    /// By their ids.
    pub by_id: IndexMap<String, Slot>,
    /// What looks like a secret.
    pub secrets: BTreeSet<String>,
}

impl Slots {
    /// The id of what the document calls by a name; declared where it is new.
    pub(super) fn of(&mut self, written: &str, line: u32) -> String {
        let id = id_of(written);
        let slot = self.by_id.entry(id.clone()).or_insert_with(|| Slot {
            written: written.to_owned(),
            description: String::new(),
            default: None,
            line,
            used: false,
        });
        slot.used = true;
        id
    }

    /// Notes what a table or list says of a name; false of a secret, which becomes no parameter.
    pub(super) fn declare(&mut self, written: &str, line: u32, description: &str, default: Option<String>) -> bool {
        if self.is_secret(written) {
            return false;
        }
        let id = id_of(written);
        let slot = self.by_id.entry(id).or_insert_with(|| Slot {
            written: written.to_owned(),
            description: String::new(),
            default: None,
            line,
            used: false,
        });
        let other = default.as_ref().filter(|default| slot.default.as_ref().is_some_and(|before| before != *default));
        for said in [Some(description), other.map(String::as_str)].into_iter().flatten().filter(|said| !said.is_empty())
        {
            if !slot.description.is_empty() {
                slot.description.push_str("; ");
            }
            slot.description.push_str(said);
        }
        slot.default = slot.default.take().or(default);
        true
    }

    /// Whether a name is likely to be that of a secret; it is remembered then, and becomes no parameter.
    pub(super) fn is_secret(&mut self, written: &str) -> bool {
        let name: String = written.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let secret = looks_secret(&name);
        if secret {
            self.secrets.insert(written.to_owned());
        }
        secret
    }

    /// Text for people, with what is to be filled in referred to.
    pub(super) fn text(&mut self, text: &str, line: u32) -> String {
        let mut out = String::new();
        for piece in pieces(text) {
            match piece.slot {
                Some(slot) if !self.is_secret(slot) => {
                    let id = self.of(slot, line);
                    super::words::refer(&mut out, &format!("{{{{ parameters.{id} }}}}"));
                }
                _ => out.push_str(&super::words::escaped(piece.text)),
            }
        }
        out
    }
}

/// A parameter's id: never a word of expressions.
fn id_of(written: &str) -> String {
    let id = slug(written, 6, "value");
    let taken = ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "for"];
    if taken.contains(&id.as_str()) { format!("{id}_value") } else { id }
}

/// A part of a text: as written, and the name where it is one to be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'t> {
    /// As it is written.
    pub text: &'t str,
    /// The name in it.
    pub slot: Option<&'t str>,
}

/// Tags of HTML, which are no placeholders.
const TAGS: [&str; 44] = [
    "a", "b", "body", "br", "center", "code", "col", "dd", "del", "details", "div", "dl", "dt", "em", "font", "h1",
    "h2", "h3", "h4", "h5", "h6", "head", "hr", "html", "i", "img", "input", "kbd", "li", "ol", "p", "pre", "s",
    "script", "small", "span", "strong", "style", "sub", "summary", "sup", "table", "u", "ul",
];

/// A text in parts.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(next) = text[at..].find(['<', '$']) {
        let start = at + next;
        // `List<item>` is a type of a program.
        let after_word = text[start..].starts_with('<') && text[..start].ends_with(|c: char| c.is_ascii_alphanumeric());
        match slot(&text[start..]).filter(|_| !after_word) {
            Some((length, name)) => {
                if from < start {
                    found.push(Piece { text: &text[from..start], slot: None });
                }
                found.push(Piece { text: &text[start..start + length], slot: Some(name) });
                from = start + length;
                at = from;
            }
            None => at = start + 1,
        }
    }
    if from < text.len() {
        found.push(Piece { text: &text[from..], slot: None });
    }
    found
}

/// The placeholder that a text begins with: its length, and the name in it.
fn slot(text: &str) -> Option<(usize, &str)> {
    const LONGEST: usize = 48;
    if let Some(inner) = text.strip_prefix('<') {
        let end = inner.bytes().take(LONGEST).position(|byte| byte == b'>')?;
        let name = &inner[..end];
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
        let fits = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(letters);
        let tag = name.split(' ').next().unwrap_or_default().to_ascii_lowercase();
        return (fits && !name.ends_with(' ') && !TAGS.contains(&tag.as_str())).then_some((end + 2, name));
    }
    let inner = text.strip_prefix('$')?;
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().any(|byte| byte.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if let Some(braced) = inner.strip_prefix('{') {
        let end = braced.bytes().take(LONGEST).position(|byte| byte == b'}')?;
        return is_name(&braced[..end]).then_some((end + 3, &braced[..end]));
    }
    let end = inner.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_')).unwrap_or(inner.len());
    let name = &inner[..end];
    let shouted = !name.bytes().any(|byte| byte.is_ascii_lowercase());
    (end <= LONGEST && shouted && is_name(name)).then_some((end + 1, name))
}
