//! `waiver list`: the waivers that were used, by what the ledger says.

use engine::event::{Kind, recall};
use engine::id::RunId;
use engine::ledger::reader::Filter;
use engine::time::Timestamp;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use crate::commands::Context;
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::setup::{self, own_ledger};
use crate::ui::table::table;
use crate::workspace;

/// What `waiver list` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The waivers that were used, the last used first.
    waivers: Vec<UsedView>,
}

/// A waiver that was used.
#[derive(Debug, Serialize, JsonSchema)]
struct UsedView {
    /// Its id.
    id: String,
    /// The guard that it let pass.
    guard: String,
    /// Who gave it.
    approver: String,
    /// Why.
    reason: String,
    /// How often it was used.
    uses: u64,
    /// How often it may be.
    max_uses: u64,
    /// When it was used last.
    last_used_at: Timestamp,
    /// In which run.
    last_run: Option<RunId>,
}

pub fn list(context: &Context) -> Result<Exit, Refusal> {
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let records = own_ledger::records(&workspace, &setup::reading_machine())?;
    let mut used: IndexMap<String, UsedView> = IndexMap::new();
    if let Some(records) = &records {
        let filter = Filter { kind: Some(Kind::WaiverUsed), newest_first: true, ..Filter::default() };
        let content = records.reader.content();
        records.reader.each(&filter, |stored| {
            let entry = stored.entry(records.reader.path())?;
            let data = recall(&content.unfit(&Json::Object(entry.data))?);
            let text = |name: &str| data.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
            let one = used.entry(text("id")).or_insert_with(|| UsedView {
                id: text("id"),
                guard: text("guard"),
                approver: text("approver"),
                reason: text("reason"),
                uses: 0,
                max_uses: data.get("max_uses").and_then(Json::as_u64).unwrap_or_default(),
                last_used_at: entry.ts,
                last_run: entry.run,
            });
            one.uses += 1;
            Ok::<(), Refusal>(())
        })?;
    }
    let ui = &context.ui;
    let waivers: Vec<UsedView> = used.into_values().collect();
    if !ui.is_human() {
        ui.json(&View { waivers });
        return Ok(Exit::Done);
    }
    if waivers.is_empty() {
        ui.note("no waiver was ever used");
        return Ok(Exit::Done);
    }
    let cells: Vec<Vec<String>> = waivers
        .iter()
        .map(|one| {
            let uses = format!("{} of {}", one.uses, one.max_uses);
            vec![one.id.clone(), one.guard.clone(), one.approver.clone(), uses, one.last_used_at.to_string()]
        })
        .collect();
    ui.data(&table(ui.out, &["WAIVER", "GUARD", "BY", "USES", "LAST"], &cells));
    Ok(Exit::Done)
}
