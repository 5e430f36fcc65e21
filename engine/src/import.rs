//! Markdown to drafts: a runbook in prose becomes procedures that somebody still has to finish.
//!
//! What is a plain command becomes one; all else becomes a question to a person in the words of the source. Nothing is
//! made up: what the prose does not say is left open, and said to be. Nothing here opens a file.

mod build;
mod command;
mod draft;
mod markdown;
mod outline;
mod placeholder;
mod words;
mod write;
mod yaml;

use std::collections::{BTreeMap, HashSet};

use crate::diagnostic::did_you_mean;
use crate::id::Name;
use outline::{Section, outline, units, without_contents};
use words::{heading, slug};

/// The largest document that is read, in bytes.
pub const MAX_TEXT: usize = 4 * 1024 * 1024;
/// The most parts that one draft may have: more than that nobody reviews.
const MOST_PARTS: usize = 400;
/// The most drafts that are made at once.
const MOST_DRAFTS: usize = 200;

/// What is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'r> {
    /// What the document is called.
    pub document: &'r str,
    /// What the drafts are called; where there are several, a word for its section follows.
    pub name: Name,
    /// The heading of the one section that is wanted.
    pub section: Option<&'r str>,
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The drafts, in the order of their sections.
    pub drafts: Vec<Draft>,
    /// What became of each heading.
    pub headings: Vec<Heading>,
    /// How many characters that are not shown were written out.
    pub hidden: usize,
}

/// A draft of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its name.
    pub name: Name,
    /// `procedure` or `checklist`.
    pub kind: &'static str,
    /// The document in YAML, laid out.
    pub text: String,
    /// Its steps, or the items of a checklist.
    pub steps: usize,
    /// Of them, those that run a program.
    pub commands: usize,
    /// Its checks: preconditions, those of steps and those at the end.
    pub checks: usize,
    /// Its prohibitions.
    pub guards: usize,
    /// Its parameters.
    pub parameters: usize,
    /// Its failure modes.
    pub failure_modes: usize,
    /// What was kept as comments.
    pub notes: usize,
    /// What is still to be decided.
    pub to_dos: usize,
}

/// What became of a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Its line, from 1.
    pub line: u32,
    /// Its words.
    pub text: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of what stands under a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is in a draft; which.
    Imported(Name),
    /// It is in a draft, as comments alone.
    Kept(Name),
    /// It is in none: it has no steps, or was not asked for.
    LeftOut,
    /// Nothing stands between it and the next heading.
    Empty,
}

/// Why nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is too long.
    #[error("it has {found} bytes, more than the {MAX_TEXT} that are read")]
    TooLarge {
        /// How long it is.
        found: usize,
    },
    /// It is no UTF-8.
    #[error("it is not UTF-8 text: byte {at} fits nowhere")]
    NotText {
        /// The first byte that fits nowhere, from 0.
        at: usize,
    },
    /// It has a NUL, which no text has.
    #[error("line {line} has a NUL character, so it is no text")]
    Nul {
        /// Which line, from 1.
        line: usize,
    },
    /// There are no steps in it.
    #[error("no section has steps: numbered items, boxes, things to do, or commands")]
    Nothing,
    /// There is no such heading.
    #[error("no heading is `{wanted}`")]
    NoSection {
        /// What was asked for.
        wanted: String,
        /// What may have been meant.
        near: Option<String>,
    },
    /// There are several such headings.
    #[error("`{wanted}` is the heading of {}", in_lines(lines))]
    SeveralSections {
        /// What was asked for.
        wanted: String,
        /// Their lines.
        lines: Vec<u32>,
    },
    /// One section is too much for one draft.
    #[error("section `{section}` has {found} parts, more than the {MOST_PARTS} of one draft")]
    TooMany {
        /// The section.
        section: String,
        /// How many parts.
        found: usize,
    },
    /// There are too many sections with steps for one call.
    #[error("it has {found} sections with steps, more than the {MOST_DRAFTS} of one import")]
    TooManyDrafts {
        /// How many.
        found: usize,
    },
    /// What was written cannot be read: a mistake of this program.
    #[error("what was made of it is no document ({why}); please report it")]
    Unwritten {
        /// What is wrong with it.
        why: String,
    },
}

fn in_lines(lines: &[u32]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("line {line}")).collect();
    lines.join(", ")
}

/// Makes drafts of a document.
///
/// # Errors
/// When it is no text, is too large, has nothing to be done in it, or lacks the section that is asked for.
pub fn import(bytes: &[u8], request: &Request<'_>) -> Result<Imported, Error> {
    let (text, hidden) = readable(bytes)?;
    let whole = outline(without_contents(markdown::read(&text)));
    let (chosen, forced) = match request.section {
        Some(wanted) => (vec![(find(&whole, wanted)?, None)], true),
        None => (units(&whole), false),
    };
    if chosen.len() > MOST_DRAFTS {
        return Err(Error::TooManyDrafts { found: chosen.len() });
    }
    let mut made = Vec::new();
    for (section, above) in chosen {
        let draft = build::build(section, above, forced);
        if draft.parts() > MOST_PARTS {
            return Err(Error::TooMany { section: heading(&section.heading), found: draft.parts() });
        }
        let is_something = !draft.steps.is_empty() || draft.checklist;
        if is_something {
            made.push((section, draft));
        }
    }
    if made.is_empty() {
        return Err(Error::Nothing);
    }
    let names = names(&request.name, &made);
    let mut drafts = Vec::new();
    let mut fates = BTreeMap::new();
    for ((section, draft), name) in made.iter().zip(names) {
        tell(section, draft, &name, &mut fates);
        let (text, to_dos) = write::document(draft, &name, request.document)?;
        drafts.push(Draft { to_dos, ..summed(draft, text, name) });
    }
    let mut headings = Vec::new();
    list(&whole, &fates, &mut headings);
    Ok(Imported { drafts, headings, hidden })
}

/// A name of the words of each part; `imported` where a part has none.
#[must_use]
pub fn name_of(parts: &[&str]) -> Name {
    let words: Vec<String> = parts.iter().map(|part| slug(part, 6, "imported")).collect();
    match Name::parse(&words.join(".")) {
        Ok(name) => name,
        // No parts at all: the slug of nothing is an id.
        Err(_) => name_of(&[""]),
    }
}

/// The text without a byte order mark, with one kind of line end, and with what is not shown written out.
fn readable(bytes: &[u8]) -> Result<(String, usize), Error> {
    if bytes.len() > MAX_TEXT {
        return Err(Error::TooLarge { found: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Error::NotText { at: error.valid_up_to() })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = text.find('\0') {
        return Err(Error::Nul { line: text[..at].matches('\n').count() + 1 });
    }
    let mut hidden = 0;
    let mut out = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").replace('\r', "\n").chars() {
        if crate::parse::yaml::characters::is_hidden(character) {
            hidden += 1;
            out.push_str(&format!("[U+{:04X}]", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    Ok((out, hidden))
}

/// The one section with that heading, whatever its number and the case of its letters.
fn find<'s>(whole: &'s Section, wanted: &str) -> Result<&'s Section, Error> {
    let mut all = Vec::new();
    collect(whole, &mut all);
    let same = |section: &&&Section| {
        let (one, other) = (section.heading.to_lowercase(), wanted.to_lowercase());
        one == other || heading(&one) == heading(&other)
    };
    let found: Vec<&&Section> = all.iter().filter(same).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let known: Vec<String> = all.iter().map(|section| heading(&section.heading)).collect();
            let near = did_you_mean(&heading(wanted), known.iter().map(String::as_str)).map(str::to_owned);
            Err(Error::NoSection { wanted: wanted.to_owned(), near })
        }
        several => {
            let lines = several.iter().map(|section| section.line).collect();
            Err(Error::SeveralSections { wanted: wanted.to_owned(), lines })
        }
    }
}

fn collect<'s>(section: &'s Section, all: &mut Vec<&'s Section>) {
    if section.level > 0 {
        all.push(section);
    }
    section.inner.iter().for_each(|inner| collect(inner, all));
}

/// The name alone of one draft; of several, each with a word for its section.
fn names(base: &Name, made: &[(&Section, draft::Draft)]) -> Vec<Name> {
    if made.len() == 1 {
        return vec![base.clone()];
    }
    let mut taken = HashSet::new();
    let of = |(section, _): &(&Section, draft::Draft)| {
        let word = slug(&heading(&section.heading), 5, "section");
        let mut number = 1;
        loop {
            let candidate = if number == 1 { word.clone() } else { format!("{word}_{number}") };
            number += 1;
            if taken.insert(candidate.clone()) {
                // An id after a dot makes a name of a name.
                break Name::parse(&format!("{base}.{candidate}")).unwrap_or_else(|_| base.clone());
            }
        }
    };
    made.iter().map(of).collect()
}

fn summed(draft: &draft::Draft, text: String, name: Name) -> Draft {
    let is_command = |body: &draft::Body| matches!(body, draft::Body::Run(_));
    let of_steps: usize = draft.steps.iter().map(|step| step.verify.len()).sum();
    let (steps, before) = match draft.checklist {
        true => (draft.preconditions.len(), 0),
        false => (draft.steps.len(), draft.preconditions.len()),
    };
    Draft {
        to_dos: 0,
        kind: if draft.checklist { "checklist" } else { "procedure" },
        steps,
        commands: draft.steps.iter().filter(|step| is_command(&step.body)).count(),
        checks: of_steps + before + draft.verify.len(),
        guards: draft.do_not.len(),
        parameters: draft.slots.by_id.len(),
        failure_modes: draft.failure_modes.len(),
        notes: draft.notes.len(),
        name,
        text,
    }
}

/// What became of the headings of a section that is a draft.
fn tell(section: &Section, draft: &draft::Draft, name: &Name, fates: &mut BTreeMap<u32, Fate>) {
    let lines: Vec<u32> = origins(draft);
    fn walk(
        section: &Section,
        draft: &draft::Draft,
        lines: &[u32],
        end: u32,
        fates: &mut BTreeMap<u32, Fate>,
        name: &Name,
    ) {
        let until = section.inner.first().map_or(end, |inner| inner.line);
        let summary = section.blocks.iter().any(|block| matches!(block.what, markdown::What::Paragraph(_)));
        let taken = lines.iter().any(|line| *line >= section.line && *line < until);
        let said = match section.role() {
            Some(outline::Role::When) => summary,
            Some(outline::Role::Undo) => !draft.undo.is_empty(),
            _ => summary && section.line == draft.origin.line && !draft.summary.is_empty(),
        };
        let fate = match (section.blocks.is_empty(), taken || said) {
            (true, _) => Fate::Empty,
            (false, true) => Fate::Imported(name.clone()),
            (false, false) => Fate::Kept(name.clone()),
        };
        fates.insert(section.line, fate);
        for (at, inner) in section.inner.iter().enumerate() {
            let end = section.inner.get(at + 1).map_or(end, |next| next.line);
            walk(inner, draft, lines, end, fates, name);
        }
    }
    walk(section, draft, &lines, u32::MAX, fates, name);
}

fn origins(draft: &draft::Draft) -> Vec<u32> {
    let checks = draft.preconditions.iter().chain(&draft.verify).map(|check| check.origin.line);
    let steps = draft
        .steps
        .iter()
        .flat_map(|step| std::iter::once(step.origin.line).chain(step.verify.iter().map(|check| check.origin.line)));
    let guards = draft.do_not.iter().map(|guard| guard.origin.line);
    let modes = draft.failure_modes.iter().map(|mode| mode.origin.line);
    let slots = draft.slots.by_id.values().map(|slot| slot.line);
    checks.chain(steps).chain(guards).chain(modes).chain(slots).collect()
}

fn list(section: &Section, fates: &BTreeMap<u32, Fate>, out: &mut Vec<Heading>) {
    let fate = match fates.get(&section.line) {
        Some(fate) => fate.clone(),
        None if section.blocks.is_empty() => Fate::Empty,
        None => Fate::LeftOut,
    };
    if section.level > 0 || !section.blocks.is_empty() {
        out.push(Heading { line: section.line, text: section.heading.clone(), fate });
    }
    section.inner.iter().for_each(|inner| list(inner, fates, out));
}

#[cfg(test)]
mod tests;
