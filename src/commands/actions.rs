//! `actions`: what can be done, and what an action takes, gives and promises.

use engine::action::{Action, Contract, EffectClass, Fidelity, Registry, Repeat};
use engine::diagnostic::did_you_mean;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::Context;
use crate::args::Actions;
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::shipped;
use crate::ui::table::{pairs, table};
use crate::ui::{inline, markdown};

/// What `actions` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// By name.
    actions: Vec<Row>,
}

/// One action.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// `family.verb`.
    name: &'static str,
    /// What it promises.
    contract: Contract,
}

/// What `actions NAME` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OneView {
    /// `family.verb`.
    name: &'static str,
    /// What it promises.
    contract: Contract,
    /// JSON Schema of what it takes.
    params: Json,
    /// JSON Schema of what it gives.
    output: Json,
    /// Its page, in Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'static str>,
}

pub fn run(context: &Context, args: &Actions) -> Result<Exit, Refusal> {
    let registry = Registry::builtin();
    match &args.name {
        None => all(context, &registry),
        Some(name) => one(context, registry.get(name).ok_or_else(|| unknown(&registry, name))?),
    }
    Ok(Exit::Done)
}

fn unknown(registry: &Registry, name: &str) -> Refusal {
    let refusal = Refusal::invalid("unknown-action", format!("there is no action `{name}`"));
    match did_you_mean(name, registry.iter().map(|action| action.name)) {
        Some(near) => refusal.help(format!("did you mean `{near}`?")),
        None => refusal.help("`runwarden actions` shows what there is"),
    }
}

fn all(context: &Context, registry: &Registry) {
    let ui = &context.ui;
    if !ui.is_human() {
        let row = |action: &Action| Row { name: action.name, contract: action.contract };
        return ui.json(&View { actions: registry.iter().map(row).collect() });
    }
    let row = |action: &Action| {
        let Contract { effect, repeat, preview, reconcile, .. } = action.contract;
        let reconcile = if reconcile { "yes" } else { "no" };
        let cells = [action.name, effect_word(effect), repeat_word(repeat), preview_word(preview), reconcile];
        cells.map(str::to_owned).to_vec()
    };
    let rows: Vec<Vec<String>> = registry.iter().map(row).collect();
    ui.data(&table(ui.out, &["ACTION", "EFFECT", "REPEAT", "PREVIEW", "RECONCILE"], &rows));
}

fn one(context: &Context, action: &Action) {
    let ui = &context.ui;
    let page = shipped::action_page(action.name);
    if !ui.is_human() {
        let (params, output) = (action.params().clone(), action.output().clone());
        return ui.json(&OneView { name: action.name, contract: action.contract, params, output, page });
    }
    if let Some(page) = page {
        ui.data(&markdown::render(page, ui.out));
        return;
    }
    let Contract { effect, repeat, preview, reconcile, version } = action.contract;
    let contract = [
        ("effect", effect_word(effect).to_owned()),
        ("repeat", repeat_word(repeat).to_owned()),
        ("preview", preview_word(preview).to_owned()),
        ("reconcile", if reconcile { "yes" } else { "no" }.to_owned()),
        ("version", version.to_string()),
    ];
    let contract: Vec<_> = contract.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut sections = vec![ui.out.bold(action.name), pairs("  ", &contract)];
    for (heading, schema) in [("takes", action.params()), ("gives", action.output())] {
        let properties = properties(schema);
        if !properties.is_empty() {
            sections.push(format!("{}\n{}", ui.out.bold(heading), pairs("  ", &properties)));
        }
    }
    ui.data(&sections.join("\n"));
}

/// The properties of a schema, with their types and what is said of them.
fn properties(schema: &Json) -> Vec<(String, String)> {
    let required = |name: &str| {
        schema.get("required").and_then(Json::as_array).is_some_and(|names| names.iter().any(|known| known == name))
    };
    let line = |(name, property): (&String, &Json)| {
        let kind = property.get("type").map(inline).unwrap_or_default();
        let optional = if required(name) { "" } else { ", optional" };
        let description = property.get("description").and_then(Json::as_str).unwrap_or_default().replace('\n', " ");
        (name.clone(), format!("{kind}{optional}: {description}"))
    };
    schema.get("properties").and_then(Json::as_object).into_iter().flatten().map(line).collect()
}

fn effect_word(effect: EffectClass) -> &'static str {
    match effect {
        EffectClass::Read => "read",
        EffectClass::Mutate => "mutate",
        EffectClass::Irreversible => "irreversible",
    }
}

fn repeat_word(repeat: Repeat) -> &'static str {
    match repeat {
        Repeat::Idempotent => "idempotent",
        Repeat::Keyed => "keyed",
        Repeat::Once => "once",
    }
}

fn preview_word(preview: Fidelity) -> &'static str {
    match preview {
        Fidelity::Exact => "exact",
        Fidelity::Estimated => "estimated",
        Fidelity::None => "none",
    }
}
