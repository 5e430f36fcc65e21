//! Names that stand outside of expressions: words, actions, procedures, targets, roles, and what tests and the
//! workspace file name.

use super::action;
use super::complete::{Place, Proposal, Sort};
use super::declared::{self, Declared, Item};
use super::fit::Fit;
use super::references::Sort as Reference;
use crate::id::Name;
use crate::parse::node::Node;
use crate::parse::{Kind, Opened};
use crate::procedure::TargetKind;
use crate::target::drivers;

/// What may stand where a value stands that is no expression.
pub(super) fn values(place: &Place<'_, '_>, fit: Option<&Fit>, before: &str, quoted: bool) -> Vec<Proposal> {
    let mut all = named(place);
    let Some(fit) = fit else { return all };
    let span = place.word();
    if let Some(kinds) = fit.target_kinds() {
        all.extend(targets(place, &Declared::of(place.trail.root).targets, &kinds));
    }
    if fit.takes_secret() && before.trim().is_empty() {
        all.extend(Declared::of(place.trail.root).secrets.iter().map(|item| secret(place, item, quoted)));
    }
    let words = fit.words();
    all.extend(words.iter().map(|(word, about)| Proposal::new(word, Sort::Word, &span).about(*about)));
    if fit.is_boolean() {
        all.extend(["true", "false"].map(|word| Proposal::new(word, Sort::Word, &span)));
    }
    match fit.sort() {
        Some(sort) if sort.starts_with("the name of an action") => all.extend(actions(place)),
        Some(sort) if sort.starts_with("a pattern of acts") => all.extend(patterns(place)),
        _ => {}
    }
    all
}

/// Names of a place that the schema knows as any name.
fn named(place: &Place<'_, '_>) -> Vec<Proposal> {
    let path = place.trail.names();
    let span = place.word();
    let root = place.trail.root;
    let of_test = |pick: fn(&Tested<'_>) -> Vec<String>| {
        let names = tested(place).map(|tested| pick(&tested)).unwrap_or_default();
        names.iter().map(|name| Proposal::new(name, Sort::Name(Reference::Step), &span)).collect()
    };
    match (place.kind, path.as_slice()) {
        (Kind::Workspace, ["secrets", _, "from"]) => targets(place, &Declared::of(root).targets, &["secret_store"]),
        (Kind::Workspace, ["policy", "anchor_after_run"] | ["policy", "require", _, "anchors", "of", "*"]) => {
            targets(place, &Declared::of(root).targets, &["anchor_store"])
        }
        (Kind::Workspace, ["bindings", name, "targets", slot]) => {
            let kind =
                opened(place, name).and_then(|opened| opened.tree.get("targets")?.get(slot)?.get("kind")?.as_str());
            targets(place, &Declared::of(root).targets, kind.as_slice())
        }
        (Kind::Workspace, ["bindings", _, "secrets", _]) => {
            names(place, &Declared::of(root).secrets, Reference::Secret)
        }
        (Kind::Workspace, ["targets", _, "driver"]) => {
            let written = place.trail.parent().get("kind").and_then(Node::as_str);
            let kind = TargetKind::ALL.into_iter().find(|kind| Some(kind.as_str()) == written);
            let known = kind.map(drivers).unwrap_or_default();
            known.iter().map(|driver| Proposal::new(driver, Sort::Word, &span)).collect()
        }
        (Kind::Test, ["procedure"]) => procedures(place, |kind| matches!(kind, Kind::Procedure | Kind::Checklist)),
        (Kind::Test, [.., "expect", "guards", "*"] | [.., "waivers", "*", "guard"]) => {
            of_test(|tested| tested.guards())
        }
        (Kind::Test, [.., "approvals", "*", "step"]) => of_test(|tested| tested.steps()),
        (Kind::Test, [.., "expect", "checks", "*"]) => of_test(|tested| tested.checks()),
        (_, [.., "call"]) => procedures(place, |kind| kind == Kind::Procedure),
        (_, [.., "secret_outputs", _, "store"]) => targets(place, &Declared::of(root).targets, &["secret_store"]),
        (_, [.., "secret_outputs", _, "from"]) => {
            let step = place.trail.node_after(place.trail.links.len().saturating_sub(3));
            let given = step.get("action").and_then(Node::as_str).and_then(|name| place.world.registry.get(name));
            let fit = given.map(|action| super::fit::output(action.output()));
            let of = |key: &super::fit::Key<'_>| {
                Proposal::new(key.name, Sort::Name(Reference::Member), &span).about(key.fit.about())
            };
            fit.iter().flat_map(|fit| fit.keys().iter().map(of).collect::<Vec<_>>()).collect()
        }
        (_, [.., "from" | "by" | "roles", "*"] | [.., "role"]) => roles(place),
        _ => Vec::new(),
    }
}

/// Keys that are names: of what a test scripts, of what the workspace file binds, of what a step's outputs become.
pub(super) fn keys(place: &Place<'_, '_>, links: usize) -> Vec<Proposal> {
    let names = place.trail.names();
    let path = names.get(..links).unwrap_or_default();
    let span = place.word();
    let key = |name: &str| {
        let mut proposal = Proposal::new(name, Sort::Key, &span);
        proposal.text = format!("{name}: ");
        proposal
    };
    let of = |items: &[Item<'_>]| items.iter().map(|item| key(item.name).about(item.about())).collect::<Vec<_>>();
    match (place.kind, path) {
        (Kind::Workspace, ["bindings"]) => procedures(place, |kind| matches!(kind, Kind::Procedure | Kind::Checklist))
            .into_iter()
            .map(|proposal| Proposal { text: format!("{}:", proposal.label), ..proposal })
            .collect(),
        (Kind::Workspace, ["bindings", name, list @ ("targets" | "secrets")]) => {
            let slots = opened(place, name).map(|opened| declared::named(opened.tree.get(list)));
            of(&slots.unwrap_or_default())
        }
        (Kind::Test, ["defaults", rest @ ..] | ["cases", "*", rest @ ..]) => {
            let Some(tested) = tested(place) else { return Vec::new() };
            match rest {
                ["parameters"] => of(&tested.declared.parameters),
                ["targets"] => of(&tested.declared.targets),
                ["env"] => of(&tested.declared.env),
                ["expect", "steps"] => tested.steps().iter().map(|name| key(name)).collect(),
                ["expect", "outputs"] => of(&declared::named(tested.tree.get("outputs"))),
                ["expect", "items"] => of(&declared::with_ids(tested.tree.get("items"))),
                ["answers"] => tested.asked().iter().map(|name| key(name)).collect(),
                ["results"] => {
                    let actions = place.world.registry.iter().map(|action| action.name.to_owned());
                    let used: Vec<String> = actions.filter(|name| tested.text.contains(name.as_str())).collect();
                    tested.scripted().iter().chain(&used).map(|name| key(name)).collect()
                }
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// Actions; only those that look, where nothing may be done.
fn actions(place: &Place<'_, '_>) -> Vec<Proposal> {
    let path = place.trail.names();
    let acts = match path.as_slice() {
        [.., list, "*", "action"] => matches!(*list, "steps" | "finally" | "parallel" | "undo" | "adds"),
        [.., holder, "action"] => *holder == "undo",
        _ => false,
    };
    let span = place.word();
    let all = place.world.registry.iter().filter(|action| acts || action.is_read());
    all.map(|action| {
        let proposal = Proposal::new(action.name, Sort::Action, &span).detail(&action::contract(action));
        proposal.about(action::summary(action, place.world).as_deref())
    })
    .collect()
}

/// Patterns of acts.
fn patterns(place: &Place<'_, '_>) -> Vec<Proposal> {
    let span = place.word();
    let effects = || place.world.registry.iter().filter(|action| !action.is_read()).map(|action| action.name);
    let mut families: Vec<String> =
        effects().filter_map(|name| name.split_once('.')).map(|(family, _)| format!("{family}.*")).collect();
    families.sort();
    families.dedup();
    let fixed = ["*", "manual", "call.*"].map(str::to_owned);
    let known = place.world.library.names().into_iter().map(|name| format!("call.{name}"));
    let all = effects().map(str::to_owned).chain(families).chain(fixed).chain(known);
    all.map(|pattern| Proposal::new(&pattern, Sort::Action, &span)).collect()
}

/// The documents of some kinds.
fn procedures(place: &Place<'_, '_>, wanted: fn(Kind) -> bool) -> Vec<Proposal> {
    let span = place.word();
    let library = place.world.library;
    let known = library.names().into_iter().filter_map(|name| Some((name, library.find(name)?)));
    let wanted = known.filter(|(_, opened)| wanted(opened.kind));
    wanted
        .map(|(name, opened)| {
            let title = opened.tree.get("title").and_then(Node::as_str).unwrap_or_default();
            let about = opened.tree.get("summary").and_then(Node::as_str);
            Proposal::new(name.as_str(), Sort::Procedure, &span).detail(title).about(about)
        })
        .collect()
}

fn targets(place: &Place<'_, '_>, declared: &[Item<'_>], kinds: &[&str]) -> Vec<Proposal> {
    let span = place.word();
    let kind = |item: &Item<'_>| item.node.get("kind").and_then(Node::as_str).unwrap_or_default().to_owned();
    let fits = declared.iter().filter(|item| kinds.is_empty() || kinds.contains(&kind(item).as_str()));
    fits.map(|item| {
        Proposal::new(item.name, Sort::Name(Reference::Target), &span).detail(&kind(item)).about(item.about())
    })
    .collect()
}

fn names(place: &Place<'_, '_>, declared: &[Item<'_>], sort: Reference) -> Vec<Proposal> {
    let span = place.word();
    declared.iter().map(|item| Proposal::new(item.name, Sort::Name(sort), &span).about(item.about())).collect()
}

fn secret(place: &Place<'_, '_>, item: &Item<'_>, quoted: bool) -> Proposal {
    let proposal = Proposal::new(item.name, Sort::Name(Reference::Secret), &place.word());
    let whole = format!("{{{{ secrets.{} }}}}", item.name);
    let text = if quoted { whole } else { format!("'{whole}'") };
    Proposal { text, ..proposal.detail("secret").about(item.about()) }
}

/// The roles that somebody has, or that the document names already.
fn roles(place: &Place<'_, '_>) -> Vec<Proposal> {
    let span = place.word();
    let workspace = if place.kind == Kind::Workspace { Some(place.trail.root) } else { place.world.workspace };
    let actors = declared::named(workspace.and_then(|tree| tree.get("actors")));
    let mut found: Vec<&str> = actors
        .iter()
        .flat_map(|actor| declared::items(actor.node.get("roles")))
        .filter_map(Node::as_str)
        .filter(|role| !role.contains(super::repair::MARK))
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(|role| Proposal::new(role, Sort::Role, &span)).collect()
}

fn opened<'w>(place: &Place<'w, '_>, name: &str) -> Option<&'w Opened> {
    place.world.library.find(&Name::parse(name).ok()?)
}

/// The procedure that a test is of.
struct Tested<'w> {
    tree: &'w Node,
    declared: Declared<'w>,
    /// The whole of it, to see which actions it names.
    text: String,
}

fn tested<'w>(place: &Place<'w, '_>) -> Option<Tested<'w>> {
    let name = place.trail.root.get("procedure")?.as_str()?;
    let tree = &opened(place, name)?.tree;
    Some(Tested { tree, declared: Declared::of(tree), text: tree.to_json().to_string() })
}

impl Tested<'_> {
    fn steps(&self) -> Vec<String> {
        self.declared.steps.iter().map(|step| step.item.name.to_owned()).collect()
    }

    fn guards(&self) -> Vec<String> {
        self.declared.guards.iter().map(|item| item.name.to_owned()).collect()
    }

    /// Checks of the procedure, and of its steps as `step.check`.
    fn checks(&self) -> Vec<String> {
        let own = self.declared.checks.iter().map(|item| item.name.to_owned());
        let of_steps = self.declared.steps.iter().flat_map(|step| {
            let lists =
                ["preconditions", "verify"].iter().flat_map(|list| declared::with_ids(step.item.node.get(list)));
            lists.map(|check| format!("{}.{}", step.item.name, check.name)).collect::<Vec<_>>()
        });
        own.chain(of_steps).collect()
    }

    /// What a result may be scripted for by name.
    fn scripted(&self) -> Vec<String> {
        self.steps().into_iter().chain(self.checks()).chain(self.guards()).collect()
    }

    /// Who may be asked.
    fn asked(&self) -> Vec<String> {
        let is_manual = |item: &Item<'_>| item.node.get("manual").is_some();
        let steps = self.declared.steps.iter().map(|step| &step.item);
        steps.chain(&self.declared.checks).filter(|item| is_manual(item)).map(|item| item.name.to_owned()).collect()
    }
}
