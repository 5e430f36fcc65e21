//! The steps of a report as a page.

use engine::action::EffectClass;
use engine::report::Report;
use engine::report::steps::{Attempt, Doubt, Manual, Step, Undo};

use super::cells::{Block, Cell, Pair, Tone, code, of_state, pair, prose, state_word, text, time, took, word};
use super::page::{checks, table};

pub fn blocks(report: &Report) -> Vec<Block> {
    let step = |(at, step): (usize, &Step)| Block::Step {
        number: at + 1,
        path: step.path.clone(),
        title: step.title.clone(),
        word: word(state_word(step.state), of_state(step.state)),
        blocks: parts(step),
    };
    report.steps.iter().enumerate().map(step).collect()
}

fn parts(step: &Step) -> Vec<Block> {
    let effect = match step.effect {
        Some(EffectClass::Read) => ", reads only",
        Some(EffectClass::Mutate) => ", changes something",
        Some(EffectClass::Irreversible) => ", cannot be taken back",
        None => "",
    };
    let mut rows = vec![pair("Action", code(step.action.as_str()).text(effect))];
    rows.extend(step.because.as_ref().map(|because| pair("Because", prose(because))));
    rows.extend(step.manual.iter().flat_map(manual));
    rows.extend(step.doubts.iter().map(doubt));
    let mut blocks = vec![Block::Pairs { rows }];
    if !step.attempts.is_empty() {
        blocks.push(table(
            "Attempts",
            vec!["Attempt", "Result", "Input and output", "When"],
            step.attempts.iter().map(attempt).collect(),
        ));
    }
    blocks.extend(checks("Checks of this step", &step.checks));
    if !step.undo.is_empty() {
        blocks.push(table(
            "Undo",
            vec!["Act", "Result", "Input and output", "When"],
            step.undo.iter().map(undo).collect(),
        ));
    }
    blocks
}

fn attempt(attempt: &Attempt) -> Vec<Cell> {
    let mut result = match attempt.state {
        Some(state) => Cell::default().word(state_word(state), of_state(state)),
        None => Cell::default().word("no result", Tone::Bad),
    };
    if let Some(error) = &attempt.error {
        result = result.then().prose(&error.message).then().code(error.code.as_str());
    }
    let mut data = Cell::default();
    if let Some(with) = &attempt.with {
        data = data.text("in ").value(with);
    }
    if let Some(output) = attempt.output.as_ref().filter(|output| !output.is_null()) {
        data = data.then().text("out ").value(output);
    }
    if let Some(digest) = &attempt.with_digest {
        data = data.then().text("input ").code(digest.as_str());
    }
    let mut when = time(attempt.started_at);
    if let Some(length) = attempt.took {
        when = when.then().text(format!("took {}", took(length)));
    }
    let entries: Vec<String> = [attempt.intent, attempt.result].iter().flatten().map(ToString::to_string).collect();
    let noun = if entries.len() == 1 { "entry" } else { "entries" };
    when = when.then().text(format!("{noun} {}", entries.join(", ")));
    if data.parts.is_empty() {
        data = Cell::none();
    }
    vec![text(attempt.number.to_string()), result, data, when]
}

fn manual(asked: &Manual) -> Vec<Pair> {
    let mut rows = Vec::new();
    if let Some(ask) = &asked.ask {
        let cell = text(ask.as_str());
        rows.push(pair("Asked", asked.asked_at.map_or(cell.clone(), |at| cell.then().time(at))));
    }
    let Some(at) = asked.answered_at else {
        rows.push(pair("Answered", Cell::default().word("not answered", Tone::Warn)));
        return rows;
    };
    let mut cell = text(format!("by {} ", asked.by.as_deref().unwrap_or("somebody"))).time(at);
    for (name, value) in &asked.answer {
        cell = cell.then().text(format!("{name}: ")).value(value);
    }
    if asked.read_back {
        cell = cell.then().text("a value was read back exactly");
    }
    for digest in &asked.evidence {
        cell = cell.then().text("evidence ").code(digest.as_str());
    }
    rows.push(pair("Answered", cell));
    rows
}

fn doubt(doubt: &Doubt) -> Pair {
    let mut cell = Cell::default().word("nobody knew whether it happened", Tone::Bad);
    if let Some(at) = doubt.at {
        cell = cell.text(" since ").time(at);
    }
    if let Some(detail) = &doubt.detail {
        cell = cell.then().prose(detail);
    }
    let cell = match &doubt.resolved {
        None => cell.then().word("still so", Tone::Bad),
        Some(found) => {
            let happened = if found.happened { "it had happened" } else { "it had not happened" };
            let by = match found.by.as_str() {
                "person" => format!(", said by {}", found.actor.as_deref().unwrap_or("somebody")),
                "probe" => ", found by the action itself".to_owned(),
                _ => ", and doing it again comes to the same".to_owned(),
            };
            let cell = cell.then().word(happened, Tone::Warn).text(format!("{by} ")).time(found.at);
            found.reason.as_ref().map_or(cell.clone(), |reason| cell.then().text(reason.as_str()))
        }
    };
    pair("In doubt", cell)
}

fn undo(undo: &Undo) -> Vec<Cell> {
    let (mut act, mut data) = (Cell::default(), Cell::default());
    for one in &undo.acts {
        act = act.then().code(one.action.as_str());
        data = data.then().text("in ").value(&one.with);
    }
    if let Some(output) = undo.output.as_ref().filter(|output| !output.is_null()) {
        data = data.then().text("out ").value(output);
    }
    let mut result = match undo.state {
        Some(state) => Cell::default().word(state_word(state), of_state(state)),
        None => Cell::default().word("no result", Tone::Bad),
    };
    if let Some(error) = &undo.error {
        result = result.then().prose(&error.message).then().code(error.code.as_str());
    }
    let mut when = undo.acts.first().map_or_else(Cell::default, |one| time(one.at));
    if let Some(ended) = undo.ended_at {
        when = when.then().text("to ").time(ended);
    }
    let or_none = |cell: Cell| if cell.parts.is_empty() { Cell::none() } else { cell };
    vec![or_none(act), result, or_none(data), or_none(when)]
}
