//! Cases over scripted actions: what comes out, what is said where it does not, and what is reached.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::coverage::{self, Point};
use super::{Ending, Outcome, Rehearsal};
use crate::action::Registry;
use crate::diagnostic::Source;
use crate::id::Name;
use crate::parse::raw::test::Test;
use crate::parse::{self, Document, Shelf};
use crate::procedure::Procedure;

mod consents;
mod faults;
mod findings;
mod kept;
mod lives;
mod situations;

/// A procedure and what was made of its cases.
pub(super) struct Trial {
    pub procedure: Arc<Procedure>,
    pub outcomes: Vec<Outcome>,
}

/// Runs the cases of a test, over a procedure; the heads that every document needs are added.
#[track_caller]
pub(super) fn rehearse(procedure: &str, cases: &str) -> Trial {
    let registry = Registry::builtin();
    let mut shelf = Shelf::default();
    let procedure = source(
        "ops/trial.yaml",
        &format!(
            "runwarden: v1\nkind: procedure\nname: ops.trial\ntitle: A trial\nversion: 1.0.0\nsummary: Tries.\nowner: ops\nrisk: low\n{procedure}"
        ),
    );
    shelf.put(parse::open(&procedure, None).0.unwrap());
    let cases = source(
        "ops/trial.test.yaml",
        &format!(
            "runwarden: v1\nkind: test\nname: ops.trial.test\ntitle: A trial\nversion: 1.0.0\nsummary: Tries.\nowner: ops\nprocedure: ops.trial\n{cases}"
        ),
    );
    let procedure = match read(&procedure, &registry, &shelf) {
        Document::Procedure(procedure) => Arc::new(*procedure),
        other => panic!("no procedure: {other:?}"),
    };
    let test: Test = match read(&cases, &registry, &shelf) {
        Document::Test(test) => *test,
        other => panic!("no test: {other:?}"),
    };
    let name = Name::parse("ops.trial").unwrap();
    let procedures = BTreeMap::from([(name.clone(), Arc::clone(&procedure))]);
    let rehearsal = Rehearsal {
        registry: &registry,
        library: &shelf,
        procedures: &procedures,
        procedure: &name,
        exit: &|ending| match ending {
            Ending::Run(status, _) => status as u8,
            Ending::NoPlan(_) => 100,
        },
    };
    let outcomes = test.cases.iter().map(|case| rehearsal.run(test.defaults.as_ref(), case)).collect();
    Trial { procedure, outcomes }
}

fn source(name: &str, text: &str) -> Arc<Source> {
    Arc::new(Source { name: name.to_owned(), text: text.to_owned() })
}

#[track_caller]
fn read(source: &Arc<Source>, registry: &Registry, shelf: &Shelf) -> Document {
    let (document, diagnostics) = parse::check(source, None, registry, shelf);
    let said: Vec<String> = diagnostics.iter().map(|it| format!("{}: {} {}", it.code, it.message, it.label)).collect();
    document.unwrap_or_else(|| panic!("{}\n{}", source.text, said.join("\n")))
}

impl Trial {
    /// Every case came out as expected.
    #[track_caller]
    pub fn passes(self) -> Self {
        assert_eq!(self.said(), Vec::<String>::new());
        self
    }

    /// What is said of all cases, a line each.
    pub fn said(&self) -> Vec<String> {
        let mut said = Vec::new();
        for outcome in &self.outcomes {
            said.extend(outcome.problems.iter().map(|problem| format!("{}: {problem}", outcome.case)));
            said.extend(
                outcome
                    .differences
                    .iter()
                    .map(|it| format!("{}: {}: expected {}, found {}", outcome.case, it.what, it.expected, it.found)),
            );
            let failure = outcome.failure.iter().filter(|_| !outcome.differences.is_empty());
            said.extend(failure.map(|failure| format!("{}: {failure}", outcome.case)));
        }
        said
    }

    /// What no case reaches, a line each.
    pub fn missed(&self) -> Vec<String> {
        let reached: BTreeSet<&Point> = self.outcomes.iter().flat_map(|outcome| &outcome.reached).collect();
        coverage::points(&self.procedure)
            .iter()
            .filter(|point| !reached.contains(point))
            .map(|point| format!("{} {}: {}", point.kind.as_str(), point.id, point.what))
            .collect()
    }
}
