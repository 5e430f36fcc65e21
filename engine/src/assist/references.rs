//! What an expression may name where it stands, and what a chain of names stands for.

use serde_json::Value;

use super::World;
use super::declared::{self, Declared, Item};
use super::fit::{Fit, listed, output};
use super::place::Trail;
use crate::id::Name;
use crate::parse::node::Node;
use crate::parse::vocabulary::{EVERYWHERE, OF_ERROR, OF_EVERY_STEP, OF_HISTORY, OF_RUN, OUTPUT};

/// What a name stands for.
pub(super) struct Meaning<'t> {
    pub(super) name: String,
    pub(super) sort: Sort,
    /// What sort of value it is, in a few words.
    pub(super) detail: String,
    pub(super) about: Option<String>,
    /// Where it is declared, if that is in the document.
    pub(super) declared: Option<Item<'t>>,
    /// What it has, as far as a schema says that.
    fit: Option<Fit>,
}

/// What sort of thing a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A name that the language has.
    Root,
    /// A parameter, a variable of the environment, an answer, an item of a list.
    Variable,
    /// A target.
    Target,
    /// A secret.
    Secret,
    /// A step.
    Step,
    /// A member of something.
    Member,
}

/// An expression in a document, and what it sees.
pub(super) struct Sight<'t, 'w> {
    declared: Declared<'t>,
    trail: &'w Trail<'t>,
    path: Vec<&'t str>,
    world: &'w World<'w>,
}

/// Which steps an expression sees.
enum Seen {
    None,
    Before { step: usize, own: bool },
    States,
    All,
}

impl<'t, 'w> Sight<'t, 'w> {
    pub(super) fn of(trail: &'w Trail<'t>, world: &'w World<'w>) -> Self {
        Self { declared: Declared::of(trail.root), trail, path: trail.names(), world }
    }

    /// The names that an expression may begin with.
    pub(super) fn roots(&self) -> Vec<Meaning<'t>> {
        let mut roots: Vec<Meaning<'t>> = Vec::new();
        let in_workspace = self.path.first() == Some(&"policy");
        for name in EVERYWHERE.iter().filter(|name| !(in_workspace && **name == "parameters")) {
            roots.push(root(name));
        }
        let there = [
            ("secrets", !in_workspace && !self.declared.secrets.is_empty()),
            ("steps", !matches!(self.seen(), Seen::None)),
            ("result", self.result().is_some()),
            ("state", self.state().is_some()),
            ("answer", self.answers().is_some()),
            ("error", self.path.first() == Some(&"failure_modes")),
            ("with", self.is_of_act()),
            ("step", self.is_of_act()),
        ];
        roots.extend(there.into_iter().filter(|(_, there)| *there).map(|(name, _)| root(name)));
        roots.extend(self.loops().into_iter().map(|name| meaning(name, Sort::Variable, "one of the `for_each`", None)));
        roots
    }

    /// What stands after a chain of names and a dot.
    pub(super) fn members(&self, chain: &[String]) -> Vec<Meaning<'t>> {
        let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
        match chain.as_slice() {
            [] => self.roots(),
            ["parameters"] => self.declared.parameters.iter().map(parameter).collect(),
            ["targets"] => self.declared.targets.iter().map(target).collect(),
            ["targets", _] => words(&["name", "kind", "driver", "identity"], "of the target"),
            ["secrets"] => self.declared.secrets.iter().map(secret).collect(),
            ["env"] => self.declared.env.iter().map(variable).collect(),
            ["run"] => words(&OF_RUN, "of the run"),
            ["history"] => words(&OF_HISTORY, "of past runs"),
            ["error"] => words(&OF_ERROR, "of what went wrong"),
            ["answer"] => self.answers().unwrap_or_default().iter().map(parameter).collect(),
            ["steps"] => self.steps(),
            ["steps", id, rest @ ..] => self.of_step(id, rest),
            ["result", rest @ ..] => self.result().flatten().map(|fit| below(fit, rest)).unwrap_or_default(),
            ["state", rest @ ..] => self.state().flatten().map(|fit| below(fit, rest)).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// What the last name of a chain stands for.
    pub(super) fn meaning(&self, chain: &[String], name: &str) -> Option<Meaning<'t>> {
        let found = self.members(chain).into_iter().find(|known| known.name == name);
        // A step that has not ended is declared all the same.
        found.or_else(|| match chain {
            [root] if root == "steps" => self.declared.step(name).map(|step| self.step(&step.item)),
            _ => None,
        })
    }

    fn seen(&self) -> Seen {
        let number = |at: usize| {
            let node = self.trail.node_after(at + 2);
            self.declared.steps.iter().position(|step| std::ptr::eq(step.item.node, node))
        };
        let pairs = self.path.windows(2).enumerate();
        let mut steps = pairs.filter(|(_, pair)| matches!(pair, ["steps" | "finally" | "parallel", "*"]));
        if let Some((at, _)) = steps.next_back() {
            let own = matches!(self.path.get(at + 2), Some(&("verify" | "undo")));
            // One that has no id yet comes after all that have one before it in the text.
            let here = self.trail.node_after(at + 2).span.start;
            let later = || self.declared.steps.iter().take_while(|step| step.item.node.span.start < here).count();
            return Seen::Before { step: number(at).unwrap_or_else(later), own };
        }
        match self.path.as_slice() {
            ["do_not", _, "never", ..] => Seen::States,
            ["do_not" | "verify" | "outputs" | "failure_modes", ..] => Seen::All,
            _ => Seen::None,
        }
    }

    fn steps(&self) -> Vec<Meaning<'t>> {
        let is_seen = |number: usize| match self.seen() {
            Seen::None => false,
            Seen::Before { step, own } => {
                number == step && own
                    || self.declared.is_before(number, step)
                    || step == self.declared.steps.len() && number < step
            }
            Seen::States | Seen::All => true,
        };
        let numbered = self.declared.steps.iter().enumerate();
        numbered.filter(|(number, _)| is_seen(*number)).map(|(_, step)| self.step(&step.item)).collect()
    }

    fn step(&self, item: &Item<'t>) -> Meaning<'t> {
        let of = ["action", "call"].iter().find_map(|key| item.node.get(key)?.as_str());
        let detail = of.map_or_else(|| "step".to_owned(), |of| format!("step: {of}"));
        let mut step = meaning(item.name, Sort::Step, &detail, item.about());
        step.declared = Some(item.clone());
        step
    }

    fn of_step(&self, id: &str, rest: &[&str]) -> Vec<Meaning<'t>> {
        let Some(step) = self.declared.step(id).map(|step| step.item.node) else { return Vec::new() };
        let only_state = matches!(self.seen(), Seen::States);
        let is_many = step.get("for_each").is_some();
        match rest {
            [] if only_state => words(&["state"], "how the step ended"),
            [] if is_many => words(&["items", "state"], "of the step"),
            [] => self.of_one(step),
            ["items", _] if is_many => self.of_one(step),
            ["items", _, rest @ ..] if is_many => self.outputs_below(step, rest),
            _ if is_many => Vec::new(),
            rest => self.outputs_below(step, rest),
        }
    }

    fn of_one(&self, step: &'t Node) -> Vec<Meaning<'t>> {
        let mut all = self.outputs(step);
        all.extend(words(&OF_EVERY_STEP, "of every step"));
        all
    }

    fn outputs_below(&self, step: &'t Node, rest: &[&str]) -> Vec<Meaning<'t>> {
        let Some((first, rest)) = rest.split_first() else { return Vec::new() };
        let found = self.outputs(step).into_iter().find(|output| output.name == *first);
        found.and_then(|output| output.fit).map(|fit| below(fit, rest)).unwrap_or_default()
    }

    /// What a step gives: outputs of its action, of the called procedure, or a person's answers.
    pub(super) fn outputs(&self, step: &'t Node) -> Vec<Meaning<'t>> {
        if let Some(action) = step.get("action").and_then(Node::as_str) {
            let Some(action) = self.world.registry.get(action) else { return Vec::new() };
            if action.output().get(OUTPUT).and_then(Value::as_str) == Some("with") {
                let given = declared::named(step.get("with"));
                return given
                    .iter()
                    .map(|item| meaning(item.name, Sort::Member, "as given under `with`", None))
                    .collect();
            }
            return members_of(&output(action.output()));
        }
        if let Some(name) = step.get("call").and_then(Node::as_str).and_then(|name| Name::parse(name).ok()) {
            let outputs = self.world.library.find(&name).map(|opened| declared::named(opened.tree.get("outputs")));
            let detail = format!("output of {name}");
            let of = |item: &Item<'_>| meaning(item.name, Sort::Member, &detail, None);
            return outputs.unwrap_or_default().iter().map(of).collect();
        }
        let answers = step.get("manual").and_then(|manual| manual.get("answer"));
        declared::named(answers).iter().map(parameter).collect()
    }

    /// What `result` is, where there is one: nothing inside where its schema is not known.
    fn result(&self) -> Option<Option<Fit>> {
        let asker = match self.path.as_slice() {
            [.., "repeat", "until"] => self.trail.node_after(self.trail.links.len().saturating_sub(2)),
            [.., "expect" | "help"] => self.trail.parent(),
            _ => return None,
        };
        let action = asker.get("action")?.as_str()?;
        Some(self.world.registry.get(action).map(|action| output(action.output())))
    }

    fn state(&self) -> Option<Option<Fit>> {
        let [.., "do_not", "*", "never" | "where"] = self.path.as_slice() else { return None };
        let action = self.trail.parent().get("state")?.get("action")?.as_str()?;
        Some(self.world.registry.get(action).map(|action| output(action.output())))
    }

    fn answers(&self) -> Option<Vec<Item<'t>>> {
        let [.., "manual", "expect"] = self.path.as_slice() else { return None };
        Some(declared::named(self.trail.parent().get("answer")))
    }

    fn is_of_act(&self) -> bool {
        matches!(self.path.as_slice(), [.., "do_not", "*", "where"])
    }

    /// What the `for_each` around it call their items.
    fn loops(&self) -> Vec<&'t str> {
        let around = (0..self.trail.links.len()).filter(|links| {
            let below: Vec<&str> = self.path[*links..].iter().copied().take(2).collect();
            below != ["for_each", "items"]
        });
        let named = around.filter_map(|links| self.trail.node_after(links).get("for_each"));
        named.map(|each| each.get("as").and_then(Node::as_str).unwrap_or("item")).collect()
    }
}

fn meaning<'t>(name: &str, sort: Sort, detail: &str, about: Option<&str>) -> Meaning<'t> {
    Meaning {
        name: name.to_owned(),
        sort,
        detail: detail.to_owned(),
        about: about.filter(|text| !text.is_empty()).map(str::to_owned),
        declared: None,
        fit: None,
    }
}

fn words<'t>(names: &[&str], detail: &str) -> Vec<Meaning<'t>> {
    names.iter().map(|name| meaning(name, Sort::Member, detail, None)).collect()
}

fn root<'t>(name: &str) -> Meaning<'t> {
    let about = match name {
        "parameters" => "What the run is given.",
        "targets" => "The things the procedure acts on: `name`, `kind`, `driver` and `identity` of each.",
        "secrets" => "A secret, alone in `'{{ secrets.NAME }}'` and in an input that takes one.",
        "env" => "Variables of the environment that the procedure declares.",
        "run" => "This run: `id`, `started_at`, `actor`, `environment`, `dry`.",
        "workspace" => "The workspace.",
        "history" => "What the ledger tells of runs before this one.",
        "steps" => "Steps that have ended: their outputs and `state`.",
        "result" => "The output of the `action` beside it.",
        "state" => "What the `state` of the guard found.",
        "answer" => "What the person answered.",
        "error" => "What went wrong.",
        "with" => "What the act is given that the guard judges.",
        "step" => "The step that the guard judges.",
        _ => "",
    };
    meaning(name, Sort::Root, "", Some(about))
}

fn parameter<'t>(item: &Item<'t>) -> Meaning<'t> {
    let sort = item.node.get("type").and_then(Node::as_str).unwrap_or("value");
    let values = item.node.get("values").map(|values| declared::items(Some(values))).unwrap_or_default();
    let values = listed(values.into_iter().filter_map(Node::as_str));
    let detail = if values.is_empty() { sort.to_owned() } else { format!("{sort}: {values}") };
    let mut found = meaning(item.name, Sort::Variable, &detail, item.about());
    found.declared = Some(item.clone());
    found
}

fn target<'t>(item: &Item<'t>) -> Meaning<'t> {
    let kind = item.node.get("kind").and_then(Node::as_str).unwrap_or_default();
    let mut found = meaning(item.name, Sort::Target, kind, item.about());
    found.declared = Some(item.clone());
    found
}

fn secret<'t>(item: &Item<'t>) -> Meaning<'t> {
    let mut found = meaning(item.name, Sort::Secret, "secret", item.about());
    found.declared = Some(item.clone());
    found
}

fn variable<'t>(item: &Item<'t>) -> Meaning<'t> {
    let mut found = meaning(item.name, Sort::Variable, "environment variable", None);
    found.declared = Some(item.clone());
    found
}

/// The members of what a chain of names leads to.
fn below<'t>(fit: Fit, chain: &[&str]) -> Vec<Meaning<'t>> {
    let mut fit = fit;
    for name in chain {
        let Some(next) = fit.member(name) else { return Vec::new() };
        fit = next;
    }
    members_of(&fit)
}

fn members_of<'t>(fit: &Fit) -> Vec<Meaning<'t>> {
    let of = |key: super::fit::Key<'_>| {
        let mut found = meaning(key.name, Sort::Member, &key.fit.in_words(), key.fit.about());
        found.fit = Some(key.fit);
        found
    };
    fit.keys().into_iter().filter(|key| !key.fit.takes_secret()).map(of).collect()
}
