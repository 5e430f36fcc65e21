//! Whether each line names the one before it, and what happened where it does not.
//!
//! A link that does not fit is told at once where its neighbours show why; else a second pass over the file looks for
//! the hash that is named, so that a removed line is told from one that was moved. Only such links are held in memory.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::{Content, Fault, Findings, Lines, Link, Recipe, examine, read_link, tell};
use crate::target::findings::MAX_PROBLEMS;

/// What is known of the line before.
enum Head {
    /// There was none.
    None,
    /// It could not be read.
    Unknown,
    Line(Link),
}

/// A link that does not fit, for a reason that its neighbours do not show.
struct Odd {
    line: u64,
    run: Option<String>,
    link: Link,
    expected: String,
}

/// Where a hash that is looked for stands, and who names it.
#[derive(Default)]
struct Seen {
    /// The first two lines that bear it.
    bearers: Vec<u64>,
    /// The first two different hashes of lines that name it.
    namers: Vec<String>,
}

pub(super) struct Links {
    recipe: Recipe,
    head: Head,
    odd: Vec<Odd>,
}

impl Links {
    pub fn new(recipe: Recipe) -> Self {
        Self { recipe, head: Head::None, odd: Vec::new() }
    }

    /// A line could not be read: what the next one names cannot be compared.
    pub fn lost(&mut self) {
        self.head = Head::Unknown;
    }

    /// Compares a line with the one before it, and goes on from what it says of itself, so that one fault is told once.
    pub fn take(&mut self, findings: &mut Findings, line: u64, run: Option<&str>, link: Link) {
        let restarts = link.previous == self.recipe.genesis();
        let fault = match &self.head {
            Head::None if restarts => None,
            Head::Unknown if !restarts => None,
            Head::Line(head) if head.hash == link.previous => None,
            Head::Line(head) if *head == link => {
                Some((Fault::DuplicateLine, format!("line {line} is the line before it once more")))
            }
            Head::Line(head) if head.previous == link.previous => Some((
                Fault::Fork,
                format!("line {line} and the line before it both name {:?} as the one before them", link.previous),
            )),
            Head::Unknown | Head::Line(_) if restarts => Some((
                Fault::ChainRestart,
                format!("line {line} begins the chain anew: it names no line before it, though it is not the first"),
            )),
            Head::None => Some((
                Fault::MissingLine,
                format!(
                    "line {line}, the first, names {:?} as the one before it: the begin was removed",
                    link.previous
                ),
            )),
            Head::Line(head) if self.odd.len() < MAX_PROBLEMS => {
                let (run, expected) = (run.map(ToOwned::to_owned), head.hash.clone());
                self.odd.push(Odd { line, run, link: link.clone(), expected });
                None
            }
            Head::Unknown | Head::Line(_) => {
                Some((Fault::MissingLine, format!("line {line} does not name the line before it")))
            }
        };
        if let Some((fault, detail)) = fault {
            tell(findings, fault, Some(line), run, detail);
        }
        self.head = Head::Line(link);
    }

    /// Looks through the file once more for the lines that odd links name, and tells what happened.
    pub fn explain(self, findings: &mut Findings, copy: &Path) -> io::Result<()> {
        if self.odd.is_empty() {
            return Ok(());
        }
        let mut seen: HashMap<String, Seen> = HashMap::new();
        for odd in &self.odd {
            seen.entry(odd.link.previous.clone()).or_default();
            seen.entry(odd.link.hash.clone()).or_default();
        }
        let mut lines = Lines::open(copy)?;
        while let Some(line) = lines.read_next()? {
            let (Content::Value(parsed), _) = examine(&line) else { continue };
            let Ok((link, _)) = read_link(self.recipe, parsed.value) else { continue };
            if let Some(seen) = seen.get_mut(&link.hash)
                && seen.bearers.len() < 2
            {
                seen.bearers.push(line.number);
            }
            if let Some(seen) = seen.get_mut(&link.previous)
                && seen.namers.len() < 2
                && !seen.namers.contains(&link.hash)
            {
                seen.namers.push(link.hash);
            }
        }
        for odd in &self.odd {
            let (fault, detail) = odd.explain(&seen);
            tell(findings, fault, Some(odd.line), odd.run.as_deref(), detail);
        }
        Ok(())
    }
}

impl Odd {
    fn explain(&self, seen: &HashMap<String, Seen>) -> (Fault, String) {
        let of = |hash: &str| seen.get(hash);
        let (line, named) = (self.line, &self.link.previous);
        if let Some(other) = of(&self.link.hash).and_then(|seen| seen.bearers.first().filter(|first| **first != line)) {
            return (Fault::DuplicateLine, format!("line {line} stands in the file already, as line {other}"));
        }
        let bearer = of(named).and_then(|seen| seen.bearers.first());
        match bearer {
            None => {
                let detail = format!(
                    "line {line} names {named:?} as the one before it, which no line bears; the line before it bears \
                     {:?}: lines between them were removed, or the one before was replaced",
                    self.expected
                );
                (Fault::MissingLine, detail)
            }
            Some(bearer) if of(named).is_some_and(|seen| seen.namers.len() > 1) => {
                let detail = format!("line {line} names line {bearer} as the one before it, and so does another line");
                (Fault::Fork, detail)
            }
            Some(bearer) => {
                let detail = format!("line {line} names line {bearer} as the one before it, which stands elsewhere");
                (Fault::OutOfOrder, detail)
            }
        }
    }
}
