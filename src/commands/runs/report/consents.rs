//! Approvals, rejections and waivers of a report as a page.

use engine::report::Report;
use engine::report::people::{Consent, Signature, Waiver};

use super::cells::{Block, Cell, Tone, text, time};
use super::page::table;

pub fn blocks(report: &Report) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !report.consents.is_empty() {
        let rows = report.consents.iter().map(one_consent).collect();
        blocks.push(table(
            "Approvals and rejections",
            vec!["Who", "What was signed", "When", "Signature", "Why"],
            rows,
        ));
    }
    if !report.waivers.is_empty() {
        let rows = report.waivers.iter().map(one_waiver).collect();
        blocks.push(table("Uses of waivers", vec!["Who", "What was waived", "When", "Signature", "Why"], rows));
    }
    blocks
}

fn one_consent(given: &Consent) -> Vec<Cell> {
    let word = if given.consents { ("approved", Tone::Good) } else { ("rejected", Tone::Bad) };
    let what = match &given.step {
        Some(step) => Cell::default().word(word.0, word.1).text(" step ").code(step.as_str()),
        None => Cell::default().word(word.0, word.1).text(" the plan"),
    };
    let digest = given.inputs.as_ref().or(given.plan.as_ref());
    let what = digest.map_or(what.clone(), |digest| what.then().code(digest.as_str()));
    let mut when = given.signed_at.map_or_else(|| text("recorded ").time(given.recorded_at), time);
    when = given.not_after.map_or(when.clone(), |until| when.then().text("good until ").time(until));
    when = match given.spent_at {
        Some(spent) => when.then().text("spent ").time(spent),
        None => when.then().word("not spent", Tone::Quiet),
    };
    vec![
        text(given.approver.as_str()).text(format!(" as {}", given.role)),
        what,
        when,
        signature(Cell::default(), given.signature, given.key.as_deref()),
        text(given.reason.as_str()).then().text("id ").code(given.id.as_str()),
    ]
}

fn one_waiver(used: &Waiver) -> Vec<Cell> {
    let what = Cell::default().word("waived", Tone::Warn).text(" guard ").code(used.guard.as_str());
    let what = what.text(" for ").code(used.act.as_str()).then();
    let mut when = text("used ").time(used.used_at);
    if let (Some(from), Some(until)) = (used.not_before, used.not_after) {
        when = when.then().text("good from ").time(from).then().text("to ").time(until);
    }
    let why = text(used.reason.as_str()).then().text("id ").code(used.id.as_str());
    vec![
        text(used.approver.as_str()),
        what.text(format!("use {} of at most {}", used.number, used.max_uses)),
        when,
        signature(Cell::default(), used.signature, used.key.as_deref()),
        used.ticket.as_ref().map_or(why.clone(), |ticket| why.then().text(format!("ticket {ticket}"))),
    ]
}

/// What stands under a document, and whose key it is.
pub fn signature(cell: Cell, signature: Signature, key: Option<&str>) -> Cell {
    let cell = match signature {
        Signature::Good => cell.word("signed", Tone::Good),
        Signature::Bad => cell.word("signature is wrong", Tone::Bad),
        Signature::None => cell.word("not signed", Tone::Quiet),
    };
    match key {
        Some(key) => cell.text(" by ").code(key),
        None => cell,
    }
}
