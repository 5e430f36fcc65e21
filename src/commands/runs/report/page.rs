//! A report as a page: which sections it has and what they say.

use engine::report::Report;
use engine::report::proof::Stored;
use engine::report::steps::{Check, Guard};
use serde_json::Value as Json;

use super::super::{EntryView, story};
use super::cells::{
    Block, Cell, Page, Pair, Section, Tone, code, of_status, pair, prose, text, time, took, verdict, word,
};
use super::{consents, proofs, steps};
use crate::ui::{Paint, count};

/// The page of a report; `told` are the entries as the story of the run has them.
pub fn of(report: &Report, told: &[EntryView]) -> Page {
    let is_checklist = report.procedure.kind.as_deref() == Some("checklist");
    let mut page = Page {
        title: report.procedure.title.clone().unwrap_or_else(|| report.procedure.name.to_string()),
        name: report.procedure.name.to_string(),
        run: report.run.to_string(),
        word: word(report.status.as_str(), of_status(&report.status)),
        meaning: report.meaning.clone(),
        alarms: proofs::alarms(report),
        facts: facts(report),
        sections: Vec::new(),
        foot: format!(
            "Made by runwarden {} from the ledger {}, which had {} entries. Times are in UTC.",
            env!("CARGO_PKG_VERSION"),
            report.ledger,
            report.record.entries
        ),
    };
    let waits = matches!(report.status.as_str(), "suspended" | "running");
    let title = if waits { "What it waits for, and what next" } else { "What went wrong, and what next" };
    page.put("outcome", title, outcome(report));
    page.put("inputs", "Inputs", inputs(report));
    page.put("consent", "Approvals and waivers", consents::blocks(report));
    page.put("preconditions", "Preconditions", checks("", &report.preconditions));
    page.put("guards", "Guards", guards(&report.guards));
    page.put("steps", "Steps", steps::blocks(report));
    let items = if is_checklist { "Items" } else { "Checks at the end" };
    page.put("checks", items, checks("", &report.checks));
    page.put("outputs", "Outputs", values(report.outputs.iter().map(|(name, value)| (name.as_str(), value))));
    page.put("locks", "Locks", locks(report));
    page.put("timeline", "Timeline", timeline(told));
    page.put("record", "The record and its proofs", proofs::blocks(report));
    page.put("missing", "What could not be told", missing(report));
    page
}

impl Page {
    fn put(&mut self, id: &'static str, title: &'static str, blocks: Vec<Block>) {
        if !blocks.is_empty() {
            self.sections.push(Section { id, title, blocks });
        }
    }
}

fn facts(report: &Report) -> Vec<Pair> {
    let about = &report.procedure;
    let procedure = code(about.name.as_str()).text(format!(" version {}", about.version));
    let procedure = match about.risk {
        Some(risk) => procedure.text(format!(", {} risk", crate::commands::list::risk_word(risk))),
        None => procedure,
    };
    let mut rows = vec![pair("Procedure", procedure)];
    rows.extend(about.summary.as_ref().map(|summary| pair("What it is for", text(summary.as_str()))));
    rows.extend(
        about
            .source
            .as_ref()
            .map(|source| pair("Made from", text(format!("{}, section {}", source.document, source.section)))),
    );
    rows.extend(about.owner.as_ref().map(|owner| pair("Owner", text(owner.as_str()))));
    rows.push(pair("Environment", text(report.environment.as_str())));
    rows.extend(report.workspace.as_ref().map(|folder| pair("Workspace", code(folder.as_str()))));
    rows.push(pair("Started", time(report.started_at)));
    let ended = match (report.ended_at, report.took) {
        (Some(ended), Some(length)) => time(ended).text(format!(", after {}", took(length))),
        (Some(ended), None) => time(ended),
        (None, _) => Cell::default().word("not ended", Tone::Warn),
    };
    rows.push(pair("Ended", ended));
    rows.push(pair("Run by", actor(report)));
    if let Some(by) = &report.plan.made_by {
        rows.push(pair("Planned by", text(by.as_str())));
    }
    rows.push(pair("Plan", code(report.plan.digest.as_str())));
    rows.push(pair("Document", code(about.document.as_str())));
    rows.extend(report.engine.as_ref().map(|version| pair("Engine", text(format!("runwarden {version}")))));
    rows.push(pair("Ledger", code(report.ledger.as_str())));
    rows.push(pair("Record", proofs::record_cell(report)));
    rows.push(pair("Anchors", anchors(report)));
    rows
}

fn actor(report: &Report) -> Cell {
    let actor = &report.actor;
    let cell = text(actor.name.as_deref().unwrap_or("nobody is on record"));
    consents::signature(cell.text(", "), actor.signature, actor.key.as_deref())
}

fn anchors(report: &Report) -> Cell {
    let named = |state: Stored| {
        let of_state = report.anchors.iter().filter(|anchor| anchor.state == state);
        of_state.map(|anchor| anchor.store.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut cell = Cell::default();
    for (state, tone, said) in [
        (Stored::Stored, Tone::Good, "stored in"),
        (Stored::Failed, Tone::Bad, "failed in"),
        (Stored::Missing, Tone::Bad, "missing from"),
    ] {
        let stores = named(state);
        if !stores.is_empty() {
            cell = cell.then().word(said, tone).text(format!(" {stores}"));
        }
    }
    if report.anchors.is_empty() { Cell::default().word("none asked for, none stored", Tone::Quiet) } else { cell }
}

fn outcome(report: &Report) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(error) = &report.error {
        let mut rows = vec![pair("What", prose(&error.message)), pair("Code", code(error.code.as_str()))];
        for (name, place) in [("Step", &error.step), ("Check", &error.check), ("Guard", &error.guard)] {
            rows.extend(place.as_ref().map(|place| pair(name, code(place.as_str()))));
        }
        blocks.push(Block::Pairs { rows });
    }
    if let Some(advice) = &report.advice {
        blocks.push(Block::Heading { text: advice.title.clone() });
        blocks.push(Block::Text { cell: text(advice.text.as_str()) });
    }
    if let Some(next) = &report.next {
        blocks.push(Block::Heading { text: "What next".to_owned() });
        blocks.push(Block::Text { cell: prose(&sentence(next)) });
    }
    blocks
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| format!("{}{}.", first.to_uppercase(), rest.as_str())).unwrap_or_default()
}

fn inputs(report: &Report) -> Vec<Block> {
    let mut blocks = values(report.parameters.iter().map(|(name, value)| (name.as_str(), value)));
    if !report.targets.is_empty() {
        let or_unknown = |said: &Option<String>| said.as_deref().map_or_else(Cell::none, code);
        let row = |target: &engine::report::inputs::Bound| {
            vec![
                code(target.name.as_str()),
                code(target.to.as_str()),
                or_unknown(&target.kind),
                or_unknown(&target.driver),
                or_unknown(&target.identity),
            ]
        };
        let rows = report.targets.iter().map(row).collect();
        blocks.push(table("Targets", vec!["Target", "Bound to", "Kind", "Driver", "Identity"], rows));
    }
    if !report.secrets.is_empty() {
        let row = |secret: &engine::report::inputs::SecretUse| {
            let fingerprint = secret.fingerprint.as_ref().map(ToString::to_string);
            let by = secret.by.iter().enumerate().fold(Cell::default(), |cell, (at, by)| {
                if at == 0 { cell.code(by.as_str()) } else { cell.text(", ").code(by.as_str()) }
            });
            vec![
                code(secret.name.as_str()),
                code(secret.store.as_str()).text(" ").code(secret.key.as_str()),
                fingerprint.map_or_else(Cell::none, code),
                if secret.by.is_empty() { Cell::default().word("not read", Tone::Quiet) } else { by },
            ]
        };
        let rows = report.secrets.iter().map(row).collect();
        blocks.push(table(
            "Secrets, without their values",
            vec!["Secret", "Store and key", "Fingerprint", "Read by"],
            rows,
        ));
    }
    if blocks.is_empty() {
        blocks.push(Block::Text { cell: text("It takes no parameters, targets or secrets.") });
    }
    blocks
}

/// Names and values, each on a row.
fn values<'a>(values: impl Iterator<Item = (&'a str, &'a Json)>) -> Vec<Block> {
    let rows: Vec<Pair> = values.map(|(name, value)| pair(name, Cell::default().value(value))).collect();
    if rows.is_empty() { Vec::new() } else { vec![Block::Pairs { rows }] }
}

/// Checks as rows: what was expected, what was found.
pub fn checks(name: &str, checks: &[Check]) -> Vec<Block> {
    if checks.is_empty() {
        return Vec::new();
    }
    let rows = checks.iter().map(one_check).collect();
    vec![table(name, vec!["Check", "Verdict", "Expected", "Found", "When"], rows)]
}

fn one_check(check: &Check) -> Vec<Cell> {
    let id = code(check.id.as_str());
    let id = check.title.as_ref().map_or(id.clone(), |title| id.then().text(title.as_str()));
    let mut decided = Cell::default();
    decided.parts.push(verdict(check.verdict));
    if !check.required {
        decided = decided.then().text("advisory");
    }
    let expected = check.expected.as_ref().map_or_else(Cell::none, |expected| code(expected.as_str()));
    let mut found = Cell::default();
    if let Some(read) = &check.read {
        found = found.text("asked ").code(read.as_str());
    }
    if let Some(value) = &check.found {
        found = found.then().value(value);
    }
    if let Some(detail) = &check.detail {
        found = found.then().prose(detail);
    }
    if let Some(subject) = &check.subject {
        found = found.then().text("read ").code(subject.as_str());
    }
    if let Some(help) = &check.help {
        found = found.then().text(format!("Help: {help}"));
    }
    if found.parts.is_empty() {
        found = Cell::none();
    }
    vec![id, decided, expected, found, time(check.at)]
}

/// Guards, and how often each was asked; the same verdict at the same moment stands in one row.
fn guards(guards: &[Guard]) -> Vec<Block> {
    let mut rows = Vec::new();
    for guard in guards {
        let rule = code(guard.id.as_str());
        let rule = guard.rule.as_ref().map_or(rule.clone(), |rule_text| rule.then().text(rule_text.trim()));
        let mut same: Vec<Vec<&engine::report::steps::Judged>> = Vec::new();
        for judged in &guard.asked {
            let fits = |group: &&mut Vec<&engine::report::steps::Judged>| {
                let known = group[0];
                (known.verdict, &known.moment, &known.detail) == (judged.verdict, &judged.moment, &judged.detail)
            };
            match same.iter_mut().find(fits) {
                Some(group) => group.push(judged),
                None => same.push(vec![judged]),
            }
        }
        if same.is_empty() {
            rows.push(vec![rule, Cell::default().word("not asked", Tone::Quiet), Cell::none(), Cell::none()]);
            continue;
        }
        for (at, group) in same.iter().enumerate() {
            let (first, last) = (group[0], group[group.len() - 1]);
            let mut decided = Cell::default();
            decided.parts.push(verdict(first.verdict));
            if let Some(detail) = &first.detail {
                decided = decided.then().prose(detail);
            }
            let mut acts: Vec<&str> = group.iter().filter_map(|judged| judged.act.as_deref()).collect();
            acts.dedup();
            let asked = moment(&first.moment);
            let asked = acts
                .iter()
                .enumerate()
                .fold(text(asked), |cell, (at, act)| cell.text(if at == 0 { " " } else { ", " }).code(*act));
            let mut when = time(first.at);
            if group.len() > 1 {
                when = when.then().text("to ").time(last.at).then().text(count(group.len(), "time"));
            }
            rows.push(vec![if at == 0 { rule.clone() } else { code(guard.id.as_str()) }, decided, asked, when]);
        }
    }
    if rows.is_empty() { Vec::new() } else { vec![table("", vec!["Guard", "Verdict", "Asked", "When"], rows)] }
}

fn moment(moment: &str) -> String {
    match moment {
        "plan" => "when planned".to_owned(),
        "resume" => "when it went on".to_owned(),
        "undo" => "before undoing".to_owned(),
        moment => moment.to_owned(),
    }
}

fn locks(report: &Report) -> Vec<Block> {
    if report.locks.is_empty() {
        return Vec::new();
    }
    let row = |lock: &engine::report::inputs::Lock| {
        let after = match (&lock.broken, lock.released_at) {
            (Some(broken), _) => {
                let by = broken.by.as_deref().unwrap_or("somebody");
                let cell = Cell::default().word("taken away", Tone::Bad).text(format!(" by {by} "));
                cell.time(broken.at).then().prose(&broken.reason)
            }
            (None, Some(released)) => text("given back ").time(released),
            (None, None) => Cell::default().word("still held", Tone::Warn),
        };
        vec![code(lock.lock.as_str()), text(lock.fence.to_string()), time(lock.taken_at), after]
    };
    vec![table("", vec!["Lock", "Fencing number", "Taken", "After"], report.locks.iter().map(row).collect())]
}

fn timeline(told: &[EntryView]) -> Vec<Block> {
    let row = |entry: &EntryView| {
        vec![
            text(entry.seq.to_string()),
            time(entry.ts),
            prose(&story::told(entry, Paint::PLAIN)),
            code(entry.kind.as_str()),
            entry.actor.as_deref().map_or_else(Cell::none, text),
        ]
    };
    vec![table("", vec!["Entry", "Time", "What", "Kind", "By"], told.iter().map(row).collect())]
}

fn missing(report: &Report) -> Vec<Block> {
    report.missing.iter().map(|what| Block::Text { cell: prose(&sentence(what)) }).collect()
}

/// A table.
pub fn table(name: &str, head: Vec<&'static str>, rows: Vec<Vec<Cell>>) -> Block {
    Block::Table { name: name.to_owned(), head, rows }
}
