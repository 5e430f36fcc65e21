//! What came of the checklists that were asked, as every format reads it.

use std::time::Duration;

use engine::diagnostic::Source;
use engine::event::gate::{GateCounts, GateResult, ItemStatus};
use engine::execute::Ended;
use engine::id::{Digest, Name, RunId};
use engine::parse::Opened;
use engine::plan::{Plan, judging};
use engine::procedure::Work;
use engine::procedure::check::{Check, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::Exit;

/// All checklists of one call.
#[derive(Default)]
pub struct Report {
    /// In the order in which they were asked.
    pub checklists: Vec<Checklist>,
    /// Whether several were asked for.
    pub several: bool,
}

/// One checklist, and what came of it.
pub struct Checklist {
    pub name: Name,
    pub title: String,
    pub version: String,
    /// Its file; none of what is built in.
    pub file: Option<String>,
    pub exit: Exit,
    pub run: Option<RunId>,
    pub plan: Digest,
    pub checkpoint: Option<(u64, std::path::PathBuf)>,
    /// Why it is shut, where it is.
    pub error: Option<Error>,
    pub items: Vec<Item>,
    pub took: Duration,
}

/// One item, and what came of it.
pub struct Item {
    pub id: String,
    pub title: Option<String>,
    pub group: Option<String>,
    pub required: bool,
    pub status: ItemStatus,
    pub detail: Option<String>,
    pub help: Option<String>,
    /// Where it is written, from 1.
    pub line: Option<usize>,
}

/// Why a gate is shut.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Error {
    /// `gate`, `precondition`, `guard`, `nothing_checked`, `cancelled`.
    pub code: String,
    /// In words.
    pub message: String,
}

/// What is known besides the run itself.
pub struct Circumstances {
    pub source: Option<(std::sync::Arc<Source>, Opened)>,
    pub file: Option<String>,
    pub recorded: bool,
    pub took: Duration,
}

/// What `gate` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// What the exit code says.
    status: Status,
    /// Every item of every checklist, in order.
    items: Vec<ItemView>,
    /// The items in numbers; together they are all items.
    counts: GateCounts,
    /// The checklists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checklists: Vec<ChecklistView>,
}

/// How a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is open: every required item that was asked passed.
    Passed,
    /// A required item did not pass.
    Failed,
    /// A precondition is not met.
    Refused,
    /// A guard says no.
    Guarded,
    /// No required item was asked.
    NothingChecked,
    /// It was stopped.
    Cancelled,
}

/// One item.
#[derive(Debug, Serialize, JsonSchema)]
struct ItemView {
    /// Its id.
    id: String,
    /// What came of it.
    status: ItemStatus,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Of several checklists: whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    checklist: Option<Name>,
    /// `advisory` where it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    /// The question for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// The heading it stands under.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// What to do, where it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

/// One checklist.
#[derive(Debug, Serialize, JsonSchema)]
struct ChecklistView {
    /// Its name.
    name: Name,
    /// How its gate stands.
    status: Status,
    /// The exit code it would have alone.
    exit: u8,
    /// Digest of the plan: the checklist, what it was given and what it found.
    plan: Digest,
    /// The run that is on record; none with `--no-record`.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
    /// How many entries the signed checkpoint covers.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<u64>,
    /// Why it is shut.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

impl Status {
    /// The word for an exit code of a gate.
    pub fn of(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::Passed,
            Exit::Refused => Self::Refused,
            Exit::Guard => Self::Guarded,
            Exit::NothingChecked => Self::NothingChecked,
            Exit::Cancelled => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}

impl Item {
    /// Whether it shuts the gate.
    pub fn shuts(&self) -> bool {
        self.required && self.status.shuts()
    }

    /// What is asked: its title, or its id.
    pub fn words(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.id)
    }
}

impl Checklist {
    /// How its gate stands.
    pub fn status(&self) -> Status {
        Status::of(self.exit)
    }

    /// Why it is shut although no item says so: a precondition, a guard, nothing checked, or stopped.
    pub fn shut_otherwise(&self) -> Option<&Error> {
        let by_item = self.items.iter().any(Item::shuts);
        self.error.as_ref().filter(|_| self.exit != Exit::Done && !(by_item && self.exit == Exit::Failed))
    }

    /// The items in numbers.
    pub fn counts(&self) -> GateCounts {
        let mut counts = GateCounts::default();
        self.items.iter().for_each(|item| counts.add(item.status));
        counts
    }
}

impl Report {
    /// The highest exit code of all; of none, nothing was checked.
    pub fn exit(&self) -> Exit {
        self.checklists.iter().map(|checklist| checklist.exit).max().unwrap_or(Exit::NothingChecked)
    }

    /// As JSON says it.
    pub fn view(&self) -> View {
        let mut counts = GateCounts::default();
        let mut items = Vec::new();
        for checklist in &self.checklists {
            for item in &checklist.items {
                counts.add(item.status);
                items.push(ItemView {
                    id: item.id.clone(),
                    status: item.status,
                    detail: item.detail.clone(),
                    checklist: self.several.then(|| checklist.name.clone()),
                    severity: (!item.required).then_some("advisory"),
                    title: item.title.clone(),
                    group: item.group.clone(),
                    help: item.help.clone(),
                });
            }
        }
        let of = |checklist: &Checklist| ChecklistView {
            name: checklist.name.clone(),
            status: checklist.status(),
            exit: checklist.exit.code(),
            plan: checklist.plan.clone(),
            run: checklist.run.clone(),
            checkpoint: checklist.checkpoint.as_ref().map(|(size, _)| *size),
            error: checklist.error.clone(),
        };
        View { status: Status::of(self.exit()), items, counts, checklists: self.checklists.iter().map(of).collect() }
    }
}

/// What came of one checklist. Where it was not asked to its end, the items say so.
pub fn checklist(plan: &Plan, ended: &Ended, result: Option<&GateResult>, known: &Circumstances) -> Checklist {
    let procedure = &plan.root.procedure;
    let checks: &[Check] = match &procedure.work {
        Work::Items(items) => items,
        Work::Steps(_) => &[],
    };
    let why = ended.failure.as_ref().map(|failure| failure.message.as_str()).unwrap_or_default();
    let item = |(at, check): (usize, &Check)| {
        let found = result.and_then(|result| result.items.get(at));
        let status = found.map_or(ItemStatus::Skipped, |found| found.status);
        let help = check.help.as_ref().filter(|_| status.shuts()).map(|help| judging::rule(help, &plan.root.scope()));
        Item {
            id: check.id.to_string(),
            title: check.title.clone(),
            group: check.group.clone(),
            required: check.severity == Severity::Required,
            status,
            detail: found.map_or_else(|| Some(format!("not asked: {why}")), |found| found.detail.clone()),
            help: help.map(|help| help.trim().to_owned()),
            line: known.source.as_ref().and_then(|(source, opened)| line(source, opened, at)),
        }
    };
    let made = ended.checkpoint.as_ref().filter(|_| known.recorded);
    Checklist {
        name: procedure.name.clone(),
        title: procedure.title.clone(),
        version: procedure.version.clone(),
        file: known.file.clone(),
        exit: Exit::of_run(ended.status, ended.failure.as_ref()),
        run: known.recorded.then(|| ended.run.id.clone()),
        plan: plan.view.digest.clone(),
        checkpoint: made.map(|made| (made.size, made.path.clone())),
        error: ended.failure.as_ref().map(|it| Error { code: it.code.clone(), message: it.message.clone() }),
        items: checks.iter().enumerate().map(item).collect(),
        took: known.took,
    }
}

fn line(source: &Source, opened: &Opened, at: usize) -> Option<usize> {
    let engine::parse::node::Data::Sequence(items) = &opened.tree.get("items")?.data else { return None };
    let start = items.get(at)?.span.start;
    Some(source.text.get(..start)?.matches('\n').count() + 1)
}
