//! The entries against the checkpoints, and these against the keys.

use std::collections::BTreeMap;

use super::{Asked, Findings};
use crate::bundle::Bundle;
use crate::ledger::cosigned;
use crate::ledger::entry::Entry;
use crate::ledger::key_chain::{KeyChain, KeySpan};
use crate::ledger::report::Status;
use crate::ledger::signed::{self, Refusal};
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::cosignature::WitnessKey;
use crate::merkle::note::{Note, Signature};
use crate::merkle::proof::{check_consistency, check_inclusion};
use crate::merkle::{Hash, leaf_hash, read_hash};
use crate::sign;

/// The checkpoints that can be read, by their sizes.
pub(super) type Checkpoints = BTreeMap<u64, (Note, Checkpoint)>;

/// Reads the checkpoints, and checks that each is the beginning of the next.
pub(super) fn checkpoints(bundle: &Bundle, findings: &mut Findings) -> Checkpoints {
    let (mut read, mut problems) = (Checkpoints::new(), Vec::new());
    for (place, given) in bundle.checkpoints.iter().enumerate() {
        let (note, checkpoint) = match signed::read(given.note.as_bytes()) {
            Ok(both) => both,
            Err(why) => {
                problems.push(format!("checkpoint in place {place}: {why}"));
                continue;
            }
        };
        let size = checkpoint.size;
        if checkpoint.origin != bundle.ledger {
            problems
                .push(format!("the checkpoint of size {size} is of {}, not of {}", checkpoint.origin, bundle.ledger));
        }
        if note.to_string() != given.note {
            problems.push(format!("the checkpoint of size {size} is not in its only spelling"));
        }
        if let Err(why) = grown(read.values().next_back().map(|(_, before)| before), &checkpoint, &given.growth) {
            problems.push(format!("the checkpoint of size {size}: {why}"));
        }
        read.insert(size, (note, checkpoint));
    }
    if bundle.checkpoints.is_empty() {
        problems.push("there is no checkpoint".to_owned());
    }
    let sizes: Vec<String> = read.keys().map(u64::to_string).collect();
    findings.all("checkpoints", Status::Broken, problems, format!("of {} entries, one log", sizes.join(" and ")));
    read
}

fn grown(before: Option<&Checkpoint>, next: &Checkpoint, growth: &[String]) -> Result<(), String> {
    let proof = hashes(growth).ok_or("its proof of growth is not base64")?;
    match before {
        None if proof.is_empty() => Ok(()),
        None => Err("a proof of growth from nothing".to_owned()),
        Some(before) if before.size >= next.size => Err(format!("it stands after that of size {}", before.size)),
        Some(before) => check_consistency(before.size, next.size, &before.root, &next.root, &proof)
            .map_err(|_| format!("it is not shown to have grown from that of size {}", before.size)),
    }
}

fn hashes(spelled: &[String]) -> Option<Vec<Hash>> {
    spelled.iter().map(|text| read_hash(text)).collect()
}

/// Every entry is in the log where it says, and follows the one before where that is here.
pub(super) fn inclusion(bundle: &Bundle, entries: &[Entry], checkpoints: &Checkpoints, findings: &mut Findings) {
    let (mut problems, mut broken) = (Vec::new(), Vec::new());
    let mut before: Option<(u64, Hash)> = None;
    let mut used = std::collections::BTreeSet::new();
    for (entry, proven) in entries.iter().zip(&bundle.entries) {
        let (seq, leaf) = (entry.seq, leaf_hash(proven.body.as_bytes()));
        let shown = match (checkpoints.get(&proven.size), hashes(&proven.proof)) {
            (Some((_, to)), Some(proof)) => check_inclusion(seq, to.size, &leaf, &proof, &to.root).is_ok(),
            _ => false,
        };
        used.insert(proven.size);
        if !shown {
            problems.push(format!("entry {seq} is not shown to be in the checkpoint of size {}", proven.size));
        }
        let link = match before {
            Some((number, hash)) if number + 1 == seq => Some(hash),
            _ if seq == 0 => Some(Hash::default()),
            _ => None,
        };
        if link.is_some_and(|hash| hash != entry.prev) {
            broken.push(format!("entry {seq} does not follow the one before it"));
        }
        before = Some((seq, leaf));
    }
    for size in checkpoints.keys().filter(|size| !used.contains(size)) {
        problems.push(format!("nothing is proven by the checkpoint of size {size}"));
    }
    findings.all("inclusion", Status::Broken, problems, "every entry is in the log where it says");
    findings.all("chain", Status::Broken, broken, "neighbours name each other's hashes");
}

/// Who signed the checkpoints, and whether whoever asks knows them.
pub(super) fn keys(
    bundle: &Bundle,
    chain: &KeyChain,
    checkpoints: &Checkpoints,
    asked: &Asked<'_>,
    findings: &mut Findings,
) {
    if chain.spans().iter().any(|span| span.key.name() != bundle.ledger) {
        findings.wrong("signature", Status::Broken, "the first entry is of a ledger with another origin");
    }
    let mut last = Vec::new();
    for (size, (note, checkpoint)) in checkpoints {
        match signed::check_ranges(note, checkpoint, &chain.signers()) {
            Ok(by) => {
                let named: Vec<String> = by.iter().map(|place| chain.spans()[*place].key.to_string()).collect();
                findings.ok("signature", format!("the checkpoint of size {size} is signed by {}", named.join(" and ")));
                last = by;
            }
            Err(why) => {
                let status = match why {
                    Refusal::OutOfRange { .. } => Status::KeyOutOfRange,
                    _ => Status::Broken,
                };
                findings.wrong("signature", status, format!("the checkpoint of size {size}: {why}"));
                last = Vec::new();
            }
        }
    }
    let counts = |place: &usize| chain.spans()[*place].revoked_at.is_none();
    if !last.is_empty() && !last.iter().any(counts) {
        let detail = "the newest checkpoint is signed by a key alone that was revoked before it";
        findings.wrong("signature", Status::KeyOutOfRange, detail);
    }
    if asked.keys.is_empty() {
        findings.ok("key", "no key was given: it agrees with the keys that it carries itself, which shows no more");
        return;
    }
    let believed = believed(chain.spans(), asked);
    match last.iter().find(|place| counts(place) && believed[**place]) {
        Some(place) => {
            findings.ok("key", format!("{} is one that was given, or was named by it", chain.spans()[*place].key))
        }
        None => findings.wrong(
            "key",
            Status::Broken,
            "it is signed by none of the keys that were given, nor by their heirs",
        ),
    }
}

/// The keys that were given, and those that they named: a key that was revoked names none that is believed.
fn believed(spans: &[KeySpan], asked: &Asked<'_>) -> Vec<bool> {
    let mut believed: Vec<bool> = Vec::with_capacity(spans.len());
    for (place, span) in spans.iter().enumerate() {
        let named = place > 0 && believed[place - 1] && spans[place - 1].revoked_at.is_none();
        believed.push(named || asked.keys.contains(&span.key));
    }
    believed
}

/// Every line under a checkpoint is right, and the witnesses that were asked for are among them.
pub(super) fn witnesses(
    bundle: &Bundle,
    chain: &KeyChain,
    checkpoints: &Checkpoints,
    asked: &Asked<'_>,
    findings: &mut Findings,
) {
    let mut problems = Vec::new();
    let mut carried = Vec::new();
    for text in &bundle.witnesses {
        match WitnessKey::parse(text) {
            Ok(key) => carried.push(key),
            Err(why) => problems.push(format!("witness `{text}`: {why}")),
        }
    }
    let by_ledger = |note: &Note, line: &Signature| {
        chain.spans().iter().any(|KeySpan { key, .. }| {
            let signature: Option<[u8; 64]> = line.bytes.as_slice().try_into().ok();
            let is_its = line.name == key.name() && line.key_id == key.id();
            is_its && signature.is_some_and(|by| sign::verify(key.public(), note.text().as_bytes(), &by))
        })
    };
    for (size, (note, _)) in checkpoints {
        for line in note.signatures() {
            if !(by_ledger(note, line) || carried.iter().any(|key| cosigned::is_by(note, line, key).is_some())) {
                problems.push(format!("a line of `{}` under the checkpoint of size {size} is not right", line.name));
            }
        }
    }
    let has = |key: &WitnessKey| checkpoints.values().any(|(note, _)| cosigned::at(note, key).is_some());
    problems.extend(carried.iter().filter(|key| !has(key)).map(|key| format!("`{key}` has not cosigned")));
    problems.extend(asked.witnesses.iter().filter(|key| !has(key)).map(|key| format!("`{key}` has not cosigned")));
    let names: Vec<&str> = carried.iter().map(WitnessKey::name).collect();
    let well = match (names.is_empty(), asked.witnesses.is_empty()) {
        (true, _) => "no witness cosigned".to_owned(),
        (false, true) => format!("cosigned by {}, whose keys were not given", names.join(", ")),
        (false, false) => format!("cosigned by {}", names.join(", ")),
    };
    findings.all("witnesses", Status::Broken, problems, well);
}
