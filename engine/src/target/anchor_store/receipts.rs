//! Receipts in our own ledger, and what a store has now held against them.

use serde_json::Value;

use super::own::Found;
use crate::event::anchoring::AnchorReceipt;
use crate::event::{Kind, recall};
use crate::id::Digest;
use crate::ledger::error::Error;
use crate::ledger::reader::{Filter, Reader};
use crate::ledger::signed::Given;
use crate::ledger::verify::Anchors;
use crate::merkle::tlog_proof::TlogProof;
use crate::time::Timestamp;

/// A receipt, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its entry.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub receipt: AnchorReceipt,
}

/// The receipts of a ledger, in their order: all, or those of a run's anchors.
///
/// # Errors
/// When the ledger cannot be read. An entry that is no receipt is passed over: `verify` names it.
pub fn receipts(reader: &Reader, of: Option<&str>) -> Result<Vec<Recorded>, Error> {
    let (mut found, content) = (Vec::new(), reader.content());
    let filter = Filter { kind: Some(Kind::AnchorReceipt), ..Filter::default() };
    reader.each(&filter, |stored| {
        let entry = stored.entry(reader.path())?;
        let data = recall(&content.unfit(&Value::Object(entry.data))?);
        let receipt: Option<AnchorReceipt> = serde_json::from_value(data).ok();
        let wanted = receipt.filter(|receipt| of.is_none_or(|of| receipt.of == of));
        found.extend(wanted.map(|receipt| Recorded { seq: stored.seq, at: entry.ts, receipt }));
        Ok::<(), Error>(())
    })?;
    Ok(found)
}

/// Adds what a store has to what a ledger is judged by, and names what it should have and has not.
pub fn hold(anchors: &mut Anchors, store: &str, found: Vec<Found>, receipts: &[Recorded]) {
    let of_store = |recorded: &&Recorded| recorded.receipt.store == store && recorded.receipt.name.is_some();
    let mut nothing = found.is_empty();
    for recorded in receipts.iter().filter(of_store) {
        nothing = false;
        let receipt = &recorded.receipt;
        let there = found.iter().find(|found| receipt.name.as_ref() == Some(&found.name));
        match there.map(|found| &found.proof) {
            None => anchors.missing.push(format!("{} (receipt: entry {})", receipt.place, recorded.seq)),
            Some(Ok(proof)) if Digest::of(proof).hex() != receipt.sha256 => {
                let detail = format!("it was overwritten: it is not what the receipt in entry {} says", recorded.seq);
                anchors.altered.push((receipt.place.clone(), detail));
            }
            Some(_) => {}
        }
    }
    if nothing {
        anchors.missing.push(format!("any anchor in store `{store}`"));
    }
    for Found { place, proof, entry, .. } in found {
        let bytes = match proof {
            Ok(bytes) => bytes,
            Err(damage) => {
                anchors.altered.push((place, damage.detail));
                continue;
            }
        };
        // What is no proof is named when it is judged.
        let proven = TlogProof::parse(&bytes).ok();
        match (proven, entry) {
            (Some(_), None) => anchors.altered.push((place.clone(), "its entry is missing beside it".to_owned())),
            (Some(proof), Some(entry)) if proof.check(&entry).is_err() => {
                anchors.altered.push((place.clone(), "the entry beside it is another than it proves".to_owned()));
            }
            _ => {}
        }
        anchors.given.push(Given { source: place, bytes });
    }
}
