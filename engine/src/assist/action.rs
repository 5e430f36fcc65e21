//! What is said of an action and of a procedure, in Markdown.

use super::World;
use super::fit::{Fit, output};
use crate::action::{Action, Contract, EffectClass, Fidelity, Repeat};
use crate::parse::Opened;
use crate::parse::node::Node;

/// What an action promises, in a line.
pub(super) fn contract(action: &Action) -> String {
    let Contract { effect, repeat, preview, .. } = action.contract;
    let effect = match effect {
        EffectClass::Read => return "read".to_owned(),
        EffectClass::Mutate => "mutate",
        EffectClass::Irreversible => "irreversible",
    };
    let repeat = match repeat {
        Repeat::Idempotent => "idempotent",
        Repeat::Keyed => "keyed",
        Repeat::Once => "once",
    };
    let preview = match preview {
        Fidelity::Exact => "preview exact",
        Fidelity::Estimated => "preview estimated",
        Fidelity::None => "no preview",
    };
    format!("{effect}, {repeat}, {preview}")
}

/// An action: what it does, what it promises, what it takes and gives.
pub(super) fn about(action: &Action, world: &World<'_>) -> String {
    let mut parts = vec![format!("**{}** ({})", action.name, contract(action))];
    parts.extend(summary(action, world));
    let sections = [("Takes", output(action.params())), ("Gives", output(action.output()))];
    parts.extend(sections.iter().filter_map(|(heading, fit)| table(heading, fit)));
    parts.join("\n\n")
}

/// What an action does: the first paragraph of its page.
pub(super) fn summary(action: &Action, world: &World<'_>) -> Option<String> {
    let page = (world.page)(action.name)?;
    let section = page.split("## What it does\n").nth(1)?.trim_start();
    section.split("\n\n").next().map(str::to_owned)
}

/// A procedure: what it is for, and what it takes.
pub(super) fn procedure(opened: &Opened) -> String {
    let text = |key: &str| opened.tree.get(key).and_then(Node::as_str).unwrap_or_default();
    let risk = opened.tree.get("risk").and_then(Node::as_str);
    let risk = risk.map_or_else(String::new, |risk| format!(", risk {risk}"));
    let mut parts = vec![format!("**{}** ({}{risk})", text("name"), opened.kind.as_str())];
    parts
        .extend([text("title"), text("summary")].iter().filter(|text| !text.is_empty()).map(|text| (*text).to_owned()));
    parts.extend(table("Takes", &output(&super::fit::inputs_of(&opened.tree))));
    parts.join("\n\n")
}

/// The keys that something has, as a list.
fn table(heading: &str, fit: &Fit) -> Option<String> {
    let keys = fit.keys();
    if keys.is_empty() {
        return None;
    }
    let line = |key: &super::fit::Key<'_>| {
        let optional = if key.required { "" } else { ", optional" };
        let about = key.fit.about().map_or_else(String::new, |about| format!(": {}", about.replace('\n', " ")));
        format!("- `{}` ({}{optional}){about}", key.name, key.fit.in_words())
    };
    Some(format!("{heading}\n\n{}", keys.iter().map(line).collect::<Vec<_>>().join("\n")))
}
