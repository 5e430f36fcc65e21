//! What a report says about the record itself: whether it is whole, where its anchors are, how to check it.

use engine::ledger::report::Status;
use engine::report::Report;
use engine::report::people::Signature;
use engine::report::proof::{Anchored, Proof, Stored};

use super::cells::{Block, Cell, Tone, code, pair, prose, spaced, text, time, word};
use super::page::table;

/// What must be read before anything else.
pub fn alarms(report: &Report) -> Vec<String> {
    let mut alarms = Vec::new();
    let record = &report.record;
    if !record.status.is_sound() {
        alarms.push(format!(
            "The ledger is {}. What this report says is what the ledger says, and the ledger is not to be trusted as it is.",
            spaced(record.status.as_str())
        ));
    }
    if record.run == Status::UnknownOutcome {
        alarms.push("An effect of this run has no outcome on record.".to_owned());
    }
    let signed = report.consents.iter().map(|given| given.signature);
    let signed = signed.chain(report.waivers.iter().map(|used| used.signature)).chain([report.actor.signature]);
    if signed.into_iter().any(|signature| signature == Signature::Bad) {
        alarms.push("A signature in this report is wrong.".to_owned());
    }
    alarms
}

/// The record in one place: is it whole, and is this run covered?
pub fn record_cell(report: &Report) -> Cell {
    let record = &report.record;
    let cell = Cell::default().word(spaced(record.status.as_str()), tone(record.status));
    let last = report.entries.last().map_or(0, |entry| entry.seq);
    cell.text(match record.status {
        Status::Ok if record.anchored > last => ": it is whole, and an anchor from elsewhere covers all of this run",
        Status::Ok => ": it is whole, and anchors from elsewhere cover its beginning, but not all of this run",
        Status::SelfConsistentOnly => {
            ": it agrees with itself, and no anchor from elsewhere was given to compare it with"
        }
        Status::NeverSealed => ": nothing in it was ever sealed",
        _ => ": something is wrong with it; see the problems below",
    })
}

fn tone(status: Status) -> Tone {
    match status {
        Status::Ok => Tone::Good,
        Status::SelfConsistentOnly | Status::NeverSealed => Tone::Warn,
        _ => Tone::Bad,
    }
}

pub fn blocks(report: &Report) -> Vec<Block> {
    let record = &report.record;
    let reach = match (&record.anchored_at, record.anchored) {
        (_, 0) => Cell::default().word("no anchor was given", Tone::Warn),
        (Some(at), size) => text(format!("the first {size} entries, as of {at}")),
        (None, size) => text(format!("the first {size} entries")),
    };
    let mut rows = vec![
        pair("Ledger", record_cell(report)),
        pair("Entries", text(format!("{}, of which {} are this run's", record.entries, record.run_entries))),
        pair("Anchored", reach),
        pair("This run", Cell::default().word(spaced(record.run.as_str()), tone(record.run))),
    ];
    for key in &record.keys {
        let to = key.to.map_or_else(|| "on".to_owned(), |to| format!("to {to}"));
        rows.push(pair(
            "Key of the ledger",
            code(key.vkey.as_str()).text(format!(" for sizes from {} {to}", key.from)),
        ));
    }
    let mut blocks = vec![Block::Pairs { rows }];
    if !record.problems.is_empty() {
        let row = |problem: &engine::ledger::report::Problem| {
            let seq = problem.seq.map_or_else(Cell::none, |seq| text(seq.to_string()));
            vec![Cell::default().word(spaced(&problem.code), Tone::Bad), seq, prose(&problem.detail)]
        };
        blocks.push(table(
            "Problems",
            vec!["Problem", "Entry", "What was found"],
            record.problems.iter().map(row).collect(),
        ));
    }
    if !record.anchors.is_empty() {
        let row = |anchor: &engine::ledger::report::AnchorReport| {
            vec![
                code(anchor.source.as_str()),
                Cell::default().word(spaced(anchor.status.as_str()), tone(anchor.status)),
                text(anchor.size.to_string()),
                prose(&anchor.detail),
            ]
        };
        let head = vec!["Anchor", "Verdict", "Entries", "What was found"];
        blocks.push(table("Compared with", head, record.anchors.iter().map(row).collect()));
    }
    if !report.anchors.is_empty() {
        let rows = report.anchors.iter().map(stored).collect();
        blocks.push(table("Anchor of this run", vec!["Store", "State", "Place", "SHA-256", "When"], rows));
    }
    blocks.extend(report.proofs.iter().flat_map(proof));
    if !report.proofs.is_empty() {
        blocks.push(Block::Heading { text: "How to check it".to_owned() });
        blocks.push(Block::Text { cell: text(HOW) });
    }
    blocks
}

/// How a reader checks a proof without us.
const HOW: &str = "The leaf hash is SHA-256 over a zero byte and the exact bytes of the entry. Hashed with the hashes of the \
    proof as RFC 9162 says, it gives the root that stands in the checkpoint, a signed note whose signature any C2SP tool \
    checks with the key of the ledger. Take that key from somewhere else than this report.";

fn stored(anchor: &Anchored) -> Vec<Cell> {
    let (said, tone) = match anchor.state {
        Stored::Stored => ("stored", Tone::Good),
        Stored::Failed => ("failed", Tone::Bad),
        Stored::Missing => ("missing", Tone::Bad),
    };
    let mut state = Cell::default();
    state.parts.push(word(said, tone));
    if let Some(trust) = &anchor.trust {
        state = state.then().text(format!("trust {trust}"));
    }
    let store = code(anchor.store.as_str());
    let place = anchor.place.as_ref().or(anchor.detail.as_ref());
    vec![
        anchor.driver.as_ref().map_or(store.clone(), |driver| store.then().text(driver.as_str())),
        state,
        place.map_or_else(Cell::none, |place| code(place.as_str())),
        anchor.sha256.as_ref().map_or_else(Cell::none, |sha256| code(sha256.as_str())),
        anchor.at.map_or_else(Cell::none, time),
    ]
}

fn proof(proof: &Proof) -> Vec<Block> {
    let hashes = proof.proof.iter().enumerate().fold(Cell::default(), |cell, (at, hash)| {
        if at == 0 { cell.code(hash.as_str()) } else { cell.then().code(hash.as_str()) }
    });
    let rows = vec![
        pair("Leaf", text(proof.seq.to_string())),
        pair("Leaf hash", code(proof.leaf_hash.as_str())),
        pair("Inclusion proof", if proof.proof.is_empty() { Cell::none() } else { hashes }),
        pair("Root", code(proof.root.as_str()).text(format!(" of {} entries", proof.size))),
    ];
    vec![
        Block::Heading { text: format!("Proof of {}, entry {}", proof.of.as_str(), proof.seq) },
        Block::Pairs { rows },
        Block::Exact { name: "The entry, to the byte".to_owned(), text: proof.entry.clone() },
        Block::Exact { name: "The signed checkpoint".to_owned(), text: proof.checkpoint.clone() },
    ]
}
