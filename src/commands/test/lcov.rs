//! What the cases reach, by line, as LCOV's tools and those that read their files take it: a line for whatever can be
//! reached, a branch for each way it can come out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use engine::diagnostic::Source;
use engine::id::Name;
use engine::library::{Library, Origin};
use engine::parse::node::{Data, Node};
use engine::parse::{self, Opened};
use engine::rehearse::coverage::{Kind, Point};

use super::Tested;
use crate::refusal::Refusal;

/// The text of a file for LCOV. What is built in has no file, and no record in it.
pub fn render(results: &[Tested], library: &Library) -> Result<String, Refusal> {
    let mut all: BTreeMap<&Name, Vec<&Tested>> = BTreeMap::new();
    for tested in results {
        all.entry(&tested.procedure).or_default().push(tested);
    }
    let mut text = String::new();
    for (name, tests) in all {
        if let Some(Origin::File(path)) = library.origin(name) {
            let source = library.source(name)?;
            let (opened, _) = parse::open(&source, None);
            if let Some(opened) = opened {
                record(&mut text, path, &Document { source: &source, opened: &opened }, &tests);
            }
        }
    }
    Ok(text)
}

struct Document<'a> {
    source: &'a Source,
    opened: &'a Opened,
}

fn record(text: &mut String, path: &str, document: &Document<'_>, tests: &[&Tested]) {
    let taken = |point: &Point| {
        let outcomes = tests.iter().flat_map(|tested| &tested.outcomes);
        outcomes.filter(|outcome| outcome.reached.contains(point)).count()
    };
    let points: BTreeSet<&Point> = tests.iter().flat_map(|tested| &tested.points).collect();
    let mut lines: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for point in points {
        lines.entry(document.line(point)).or_default().push(taken(point));
    }
    // A string takes all that is written to it.
    let _ = writeln!(text, "TN:\nSF:{path}");
    for (line, branches) in &lines {
        for (branch, taken) in branches.iter().enumerate() {
            let _ = writeln!(text, "BRDA:{line},0,{branch},{taken}");
        }
    }
    let branches = || lines.values().flatten();
    let _ = writeln!(text, "BRF:{}\nBRH:{}", branches().count(), branches().filter(|taken| **taken > 0).count());
    for (line, branches) in &lines {
        let _ = writeln!(text, "DA:{line},{}", branches.iter().max().unwrap_or(&0));
    }
    let hit = lines.values().filter(|branches| branches.iter().any(|taken| *taken > 0)).count();
    let _ = writeln!(text, "LF:{}\nLH:{hit}\nend_of_record", lines.len());
}

impl Document<'_> {
    /// Where something that can be reached is written, from 1; the beginning where it is not found.
    fn line(&self, point: &Point) -> usize {
        let at = self.place(point).map_or(0, |node| node.span.start);
        self.source.text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
    }

    fn place(&self, point: &Point) -> Option<&Node> {
        let tree = &self.opened.tree;
        let in_list = |list: &str| by(tree.get(list)?, "id", &point.id);
        match point.kind {
            Kind::Guard => in_list("do_not"),
            Kind::Item => in_list("items"),
            Kind::FailureMode => by(tree.get("failure_modes")?, "title", &point.id),
            Kind::Step | Kind::Branch | Kind::Undo => self.step(&point.id),
            Kind::Precondition | Kind::Verify => {
                let list = if point.kind == Kind::Precondition { "preconditions" } else { "verify" };
                match point.id.split_once('.') {
                    Some((step, check)) => by(self.step(step)?.get(list)?, "id", check),
                    None => in_list(list),
                }
            }
        }
    }

    fn step(&self, id: &str) -> Option<&Node> {
        let tree = &self.opened.tree;
        ["steps", "finally"].into_iter().find_map(|list| step(tree.get(list)?, id))
    }
}

fn step<'a>(list: &'a Node, id: &str) -> Option<&'a Node> {
    by(list, "id", id).or_else(|| items(list).find_map(|item| step(item.get("parallel")?, id)))
}

fn by<'a>(list: &'a Node, key: &str, value: &str) -> Option<&'a Node> {
    items(list).find(|item| item.get(key).and_then(Node::as_str) == Some(value))
}

fn items(list: &Node) -> impl Iterator<Item = &Node> {
    match &list.data {
        Data::Sequence(items) => items.as_slice(),
        _ => &[],
    }
    .iter()
}
