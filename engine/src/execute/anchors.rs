//! What the ledger says of anchors that a run's own steps store, besides the step's intent and result.

use serde_json::Value as Json;

use crate::action::anchor::store::Store;
use crate::action::{Effect as _, Facts};
use crate::event::anchoring::{AnchorFailed, AnchorIntent, AnchorReceipt};
use crate::event::fact::Event;
use crate::event::state::Failure;
use crate::frame::Frame;
use crate::id::Id;

fn text(value: &Json, pointer: &str) -> String {
    value.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// That an anchor is about to be stored, of the one action that does so.
pub(super) fn intent(action: &str, with: &Json, facts: &Facts) -> Option<Event> {
    if action != Store::NAME {
        return None;
    }
    let store = Id::parse(&text(with, "/target")).ok().and_then(|name| facts.targets.get(&name));
    let store = store.map(|target| target.name.clone()).unwrap_or_default();
    Some(Event::AnchorIntent(AnchorIntent { store, of: text(with, "/run"), name: None }))
}

/// What came of it.
pub(super) fn outcome(
    action: &str,
    with: Option<&Json>,
    frame: &Frame,
    output: Option<&Json>,
    error: Option<&Failure>,
) -> Option<Event> {
    let with = with.filter(|_| action == Store::NAME)?;
    let of = text(with, "/run");
    if let Some(output) = output {
        let bytes = output.pointer("/receipt/size").and_then(Json::as_u64).unwrap_or_default();
        let details = output.pointer("/receipt/details").and_then(Json::as_object).cloned().unwrap_or_default();
        let existed = output.get("existed").and_then(Json::as_bool).unwrap_or_default();
        return Some(Event::AnchorReceipt(AnchorReceipt {
            store: text(output, "/receipt/store"),
            driver: text(output, "/receipt/driver"),
            of,
            name: output.pointer("/receipt/name").and_then(Json::as_str).map(str::to_owned),
            place: text(output, "/receipt/path"),
            sha256: text(output, "/receipt/sha256"),
            bytes,
            trust: text(output, "/receipt/trust"),
            existed,
            details,
        }));
    }
    let store = Id::parse(&text(with, "/target")).ok().and_then(|name| frame.targets.get(&name));
    let store = store.map(|target| target.name.clone()).unwrap_or_default();
    Some(Event::AnchorFailed(AnchorFailed { store, of, detail: error?.message.clone() }))
}
