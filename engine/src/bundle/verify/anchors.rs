//! The receipts of anchors: what was handed over is here, is an anchor of this run, and is what the receipt is of.

use super::{Asked, Findings};
use crate::bundle::story::{Received, Story};
use crate::bundle::{Bundle, Statement};
use crate::event::Kind;
use crate::id::Digest;
use crate::ledger::entry::Entry;
use crate::ledger::report::Status;
use crate::ledger::signed;
use crate::merkle::tlog_proof::TlogProof;
use crate::target::anchor_store::rekor;

/// Judges each receipt; a statement without one has no place here.
pub(super) fn judge(bundle: &Bundle, entries: &[Entry], story: &Story, asked: &Asked<'_>, findings: &mut Findings) {
    for statement in &bundle.anchors {
        let times = bundle.anchors.iter().filter(|other| other.receipt == statement.receipt).count();
        if times > 1 || !story.receipts.iter().any(|received| received.seq == statement.receipt) {
            let detail = format!("a statement names entry {}, which is no receipt or has another", statement.receipt);
            findings.wrong("anchors", Status::Broken, detail);
        }
    }
    for received in &story.receipts {
        let receipt = &received.receipt;
        let named = format!("{} ({}, {})", receipt.store, receipt.driver, receipt.place);
        match bundle.anchors.iter().find(|statement| statement.receipt == received.seq) {
            None => findings.ok("not_shown", format!("what {named} took, whose digest is {}", receipt.sha256)),
            Some(statement) => match one(bundle, entries, story, statement, received, asked) {
                Ok(detail) => findings.ok("anchors", format!("{named} took the anchor that is here{detail}")),
                Err(why) => findings.wrong("anchors", Status::Broken, format!("{named}: {why}")),
            },
        }
    }
}

fn one(
    bundle: &Bundle,
    entries: &[Entry],
    story: &Story,
    statement: &Statement,
    received: &Received,
    asked: &Asked<'_>,
) -> Result<String, String> {
    let receipt = &received.receipt;
    let bytes = statement.tlog_proof.as_bytes();
    if Digest::of(bytes).hex() != receipt.sha256 || bytes.len() as u64 != receipt.bytes {
        return Err("what is here is not what the receipt is of".to_owned());
    }
    let proof = TlogProof::parse(bytes).map_err(|error| error.to_string())?;
    let place = entries.iter().position(|entry| entry.seq == proof.index());
    let is_end = |place: &usize| {
        let entry = &entries[*place];
        entry.kind == Kind::RunEnd && entry.run.as_ref() == Some(&bundle.run)
    };
    let body = place.filter(is_end).and_then(|place| bundle.entries.get(place));
    let body = body.ok_or("it is of an entry that does not end this run")?;
    proof.check(body.body.as_bytes()).map_err(|error| error.to_string())?;
    signed::check_ranges(proof.note(), proof.checkpoint(), &story.keys.signers()).map_err(|why| why.to_string())?;
    let Some(log) = receipt.details.get("entry").filter(|_| receipt.driver == "rekor" && !asked.logs.is_empty()) else {
        return Ok(String::new());
    };
    let logged = asked.logs.iter().map(|key| (key, rekor::judge(log, bytes, key)));
    let mut why_not = String::new();
    for (key, judged) in logged {
        match judged {
            Ok(logged) => return Ok(format!(", as entry {} of {}", logged.index, key.name())),
            Err(why) => why_not = why,
        }
    }
    Err(format!("the log's entry: {why_not}"))
}
