//! Procedures and checklists as wholes.

use indexmap::IndexMap;

use super::at::At;
use super::guard::reaction;
use super::input::Secrets;
use super::scope::{Scope, Steps};
use super::{Checker, Common};
use crate::id::{Id, Name};
use crate::parse::Opened;
use crate::parse::problems::meaning as problem;
use crate::parse::problems::structure::no_items;
use crate::parse::raw::procedure as raw;
use crate::parse::raw::words as word;
use crate::procedure::{
    ActorClass, Approvals, Environment, FailureMode, Limit, Origin, Procedure, Requires, Risk, SecretSlot,
    Steps as Work1, TargetKind, TargetSlot, Work,
};
use crate::secret::name::looks_secret;
use crate::template::data::Data;

/// How many steps a procedure may have.
const MOST_STEPS: usize = 10_000;

impl<'a> Checker<'a, '_> {
    pub(super) fn procedure(&mut self, raw: &'a raw::Procedure, opened: &Opened, at: At<'_>) -> Option<Procedure> {
        self.path(&raw.name, at.get("name"));
        self.draft(raw.draft, raw.todo.as_deref(), at);
        self.step_ids(raw, at);
        self.cycles(&raw.name, raw, at);
        let common = self.common(
            &Head { source: raw.source.as_ref(), requires: raw.requires.as_ref() },
            &Common {
                parameters: raw.parameters.as_ref(),
                targets: raw.targets.as_ref(),
                secrets: raw.secrets.as_ref(),
                env: raw.env.as_ref(),
                steps: &[],
                finally: &[],
            },
            at,
        );
        let start = Scope::default();
        let preconditions =
            self.checks("preconditions", raw.preconditions.iter().flatten(), at.get("preconditions"), &start);
        let do_not = self.guards(raw.do_not.as_ref(), at.get("do_not"), &start);
        let steps = self.steps(&raw.steps, at.get("steps"), &start);
        let finally = self.steps(raw.finally.as_deref().unwrap_or_default(), at.get("finally"), &start);
        let end = Scope { steps: Steps::All, ..Scope::default() };
        let verify = self.checks("verify", raw.verify.iter().flatten(), at.get("verify"), &end);
        let failed = Scope { steps: Steps::Any, error: true, ..Scope::default() };
        let failure_modes: Vec<Option<FailureMode>> = raw
            .failure_modes
            .iter()
            .flatten()
            .enumerate()
            .map(|(index, mode)| self.failure_mode(mode, at.get("failure_modes").item(index), &failed))
            .collect();
        let outputs = self.outputs(raw.outputs.as_ref(), at.get("outputs"), &end);
        let work = Work1 {
            risk: risk(raw.risk),
            steps: steps?,
            verify: verify?,
            on_failure: reaction(raw.on_failure),
            finally: finally?,
        };
        let common = common?;
        Some(Procedure {
            name: raw.name.clone(),
            title: raw.title.0.clone(),
            version: raw.version.0.clone(),
            summary: raw.summary.0.clone(),
            source: common.source,
            owner: raw.owner.0.clone(),
            draft: self.draft,
            parameters: common.parameters,
            targets: common.targets,
            secrets: common.secrets,
            env: common.env,
            requires: common.requires,
            preconditions: preconditions?,
            do_not: do_not?,
            work: Work::Steps(work),
            failure_modes: failure_modes.into_iter().collect::<Option<_>>()?,
            outputs: outputs?,
            document: opened.tree.to_json(),
        })
    }

    pub(super) fn checklist(&mut self, raw: &'a raw::Checklist, opened: &Opened, at: At<'_>) -> Option<Procedure> {
        self.path(&raw.name, at.get("name"));
        self.draft(raw.draft, raw.todo.as_deref(), at);
        let common = self.common(
            &Head { source: raw.source.as_ref(), requires: raw.requires.as_ref() },
            &Common {
                parameters: raw.parameters.as_ref(),
                targets: raw.targets.as_ref(),
                secrets: raw.secrets.as_ref(),
                env: raw.env.as_ref(),
                steps: &[],
                finally: &[],
            },
            at,
        );
        let start = Scope::default();
        let preconditions =
            self.checks("preconditions", raw.preconditions.iter().flatten(), at.get("preconditions"), &start);
        let do_not = self.guards(raw.do_not.as_ref(), at.get("do_not"), &start);
        let items = self.checks("items", raw.items.iter(), at.get("items"), &start);
        if raw.items.is_empty() {
            let place = self.place(at.get("items").span());
            self.problems.push(no_items(place));
        }
        let common = common?;
        Some(Procedure {
            name: raw.name.clone(),
            title: raw.title.0.clone(),
            version: raw.version.0.clone(),
            summary: raw.summary.0.clone(),
            source: common.source,
            owner: raw.owner.0.clone(),
            draft: self.draft,
            parameters: common.parameters,
            targets: common.targets,
            secrets: common.secrets,
            env: common.env,
            requires: common.requires,
            preconditions: preconditions?,
            do_not: do_not?,
            work: Work::Items(items?),
            failure_modes: Vec::new(),
            outputs: IndexMap::new(),
            document: opened.tree.to_json(),
        })
    }

    fn common(&mut self, head: &Head<'a>, raw: &Common<'a>, at: At<'_>) -> Option<Declared> {
        self.one_namespace(raw, at);
        for (index, name) in raw.env.into_iter().flatten().enumerate() {
            if looks_secret(&name.0) {
                let place = self.place(at.get("env").item(index).span());
                self.problems.push(problem::secret_variable(place, &name.0));
            }
        }
        let env = raw.env.into_iter().flatten().enumerate();
        self.unique("env", env.map(|(index, name)| (name.0.as_str(), at.get("env").item(index))));
        let parameters = self.parameters(raw.parameters, at.get("parameters"));
        let requires = self.requires(head.requires, at.get("requires"));
        let described = |text: &Option<word::Text>| text.as_ref().map(|text| text.0.clone());
        Some(Declared {
            source: head.source.map(|it| Origin { document: it.document.clone(), section: it.section.clone() }),
            parameters: parameters?,
            targets: raw
                .targets
                .into_iter()
                .flatten()
                .map(|(id, it)| {
                    (id.clone(), TargetSlot { kind: target_kind(it.kind), description: described(&it.description) })
                })
                .collect(),
            secrets: raw
                .secrets
                .into_iter()
                .flatten()
                .map(|(id, it)| (id.clone(), SecretSlot { description: described(&it.description) }))
                .collect(),
            env: raw.env.into_iter().flatten().map(|name| name.0.clone()).collect(),
            requires: requires?,
        })
    }

    /// A caller gives parameters, targets and secrets under one `with`, so no two of them have one name.
    fn one_namespace(&mut self, raw: &Common<'a>, at: At<'_>) {
        let lists = [
            ("parameters", raw.parameters.map(|all| all.keys().collect::<Vec<_>>())),
            ("targets", raw.targets.map(|all| all.keys().collect())),
            ("secrets", raw.secrets.map(|all| all.keys().collect())),
        ];
        let mut first: IndexMap<&str, &str> = IndexMap::new();
        for (list, ids) in lists {
            for id in ids.into_iter().flatten() {
                match first.get(id.as_str()) {
                    Some(other) => {
                        let again = self.place(at.get(list).get(id.as_str()).key());
                        let before = self.place(at.get(other).get(id.as_str()).key());
                        self.problems.push(problem::duplicate_id(
                            again,
                            before,
                            id.as_str(),
                            "parameters, targets and secrets",
                        ));
                    }
                    None => {
                        first.insert(id.as_str(), list);
                    }
                }
            }
        }
    }

    fn requires(&mut self, raw: Option<&'a raw::Requires>, at: At<'_>) -> Option<Requires> {
        let Some(raw) = raw else { return Some(Requires::default()) };
        let scope = Scope::default();
        let approvals = match &raw.approvals {
            Some(approvals) => self.approvals(approvals, at.get("approvals"), &scope).map(Some),
            None => Some(None),
        };
        let locks: Vec<_> = raw
            .locks
            .iter()
            .flatten()
            .enumerate()
            .map(|(index, lock)| self.template(&lock.0, at.get("locks").item(index), &scope))
            .collect();
        let limits: Vec<_> = raw
            .limits
            .iter()
            .flatten()
            .enumerate()
            .map(|(index, limit)| self.limit(limit, at.get("limits").item(index), &scope))
            .collect();
        Some(Requires {
            actor: raw.actor.map(actor_class),
            roles: raw.roles.clone().unwrap_or_default(),
            approvals: approvals?,
            locks: locks.into_iter().collect::<Option<_>>()?,
            limits: limits.into_iter().collect::<Option<_>>()?,
        })
    }

    fn limit(&mut self, raw: &'a raw::Limit, at: At<'_>, scope: &Scope<'a>) -> Option<Limit> {
        let per = self.duration(&raw.per, at.get("per"), scope);
        let by: Vec<_> = raw
            .by
            .iter()
            .flatten()
            .enumerate()
            .map(|(index, by)| self.expression(by, at.get("by").item(index), scope))
            .collect();
        Some(Limit { at_most: raw.at_most, per: per?, by: by.into_iter().collect::<Option<_>>()? })
    }

    /// A signed consent: one person of another mind than the one who runs it, where nothing else is said.
    pub(super) fn approvals(&mut self, raw: &'a raw::Approval, at: At<'_>, scope: &Scope<'a>) -> Option<Approvals> {
        let expires = self.optional_duration(raw.expires.as_ref(), at.get("expires"), scope);
        Some(Approvals {
            quorum: raw.quorum.unwrap_or(1),
            from: raw.from.clone(),
            exclude_initiator: raw.exclude_initiator.unwrap_or(true),
            expires: expires?,
            environments: raw.environments.iter().flatten().map(|it| environment(*it)).collect(),
        })
    }

    fn failure_mode(&mut self, raw: &'a raw::FailureMode, at: At<'_>, scope: &Scope<'a>) -> Option<FailureMode> {
        let when = self.condition(&raw.when, at.get("when"), scope);
        let inner = self.behind(Some(&raw.when), scope);
        let advice = self.text(&raw.advice, at.get("advice"), &inner);
        self.open_points(raw.todo.as_deref(), at);
        Some(FailureMode { when: when?, title: raw.title.0.clone(), advice: advice? })
    }

    fn outputs(
        &mut self,
        raw: Option<&'a IndexMap<Id, word::Template>>,
        at: At<'_>,
        scope: &Scope<'a>,
    ) -> Option<IndexMap<Id, Data>> {
        let valid: Vec<_> = raw
            .into_iter()
            .flatten()
            .map(|(id, value)| {
                let data =
                    self.data(&value.0, at.get(id.as_str()), scope, &Secrets::Nowhere("an output, which is recorded"));
                Some((id.clone(), data?))
            })
            .collect();
        valid.into_iter().collect()
    }

    /// Step ids are unique in the whole procedure, and there are not too many steps.
    fn step_ids(&mut self, raw: &'a raw::Procedure, at: At<'_>) {
        fn walk<'r, 't>(steps: &'r [super::Step], at: At<'t>, found: &mut Vec<(&'r str, At<'t>)>) {
            for (index, step) in steps.iter().enumerate() {
                let at = at.item(index);
                found.push((step.id.as_str(), at.get("id")));
                walk(step.parallel.as_deref().unwrap_or_default(), at.get("parallel"), found);
            }
        }
        let mut found = Vec::new();
        walk(&raw.steps, at.get("steps"), &mut found);
        walk(raw.finally.as_deref().unwrap_or_default(), at.get("finally"), &mut found);
        if let Some((_, at)) = found.get(MOST_STEPS) {
            let place = self.place(at.span());
            self.problems.push(problem::too_many_steps(place, found.len(), MOST_STEPS));
        }
        self.unique("the procedure", found.into_iter());
    }

    /// A document's name is where it is: `procedures/kora/dr_epoch_bump.yaml` holds `kora.dr_epoch_bump`.
    pub(super) fn path(&mut self, name: &Name, at: At<'_>) {
        let source = self.problems.source().name.clone();
        let Some(expected) = name_by_path(&source, name.as_str()) else { return };
        let place = self.place(at.span());
        self.problems.push(problem::wrong_path(place, name.as_str(), &source, &expected));
    }
}

/// The name that a file should hold, where it holds another. What is built in has no path.
fn name_by_path(source: &str, name: &str) -> Option<String> {
    let path = source.strip_suffix(".yaml").or_else(|| source.strip_suffix(".yml"))?;
    let mut parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
    let rooted = parts.iter().rposition(|part| *part == "procedures");
    if let Some(root) = rooted {
        parts.drain(..=root);
    }
    let by_path = parts.join(".");
    let fits = by_path == name || rooted.is_none() && by_path.ends_with(&format!(".{name}"));
    if fits {
        return None;
    }
    let count = name.split('.').count();
    let words: Vec<&str> = by_path.split('.').collect();
    let shown = if rooted.is_some() { words.as_slice() } else { &words[words.len().saturating_sub(count)..] };
    Some(shown.join("."))
}

struct Head<'a> {
    source: Option<&'a raw::Source>,
    requires: Option<&'a raw::Requires>,
}

/// What a document declares, valid.
struct Declared {
    source: Option<Origin>,
    parameters: IndexMap<Id, crate::procedure::parameter::Parameter>,
    targets: IndexMap<Id, TargetSlot>,
    secrets: IndexMap<Id, SecretSlot>,
    env: Vec<String>,
    requires: Requires,
}

fn risk(raw: raw::Risk) -> Risk {
    match raw {
        raw::Risk::Low => Risk::Low,
        raw::Risk::Medium => Risk::Medium,
        raw::Risk::High => Risk::High,
    }
}

pub(super) fn actor_class(raw: word::ActorClass) -> ActorClass {
    match raw {
        word::ActorClass::Operator => ActorClass::Operator,
        word::ActorClass::Automation => ActorClass::Automation,
        word::ActorClass::Auditor => ActorClass::Auditor,
    }
}

pub(super) fn environment(raw: word::Environment) -> Environment {
    match raw {
        word::Environment::Development => Environment::Development,
        word::Environment::Staging => Environment::Staging,
        word::Environment::Production => Environment::Production,
    }
}

pub(super) fn target_kind(raw: word::TargetKind) -> TargetKind {
    match raw {
        word::TargetKind::Command => TargetKind::Command,
        word::TargetKind::Ledger => TargetKind::Ledger,
        word::TargetKind::AnchorStore => TargetKind::AnchorStore,
        word::TargetKind::SecretStore => TargetKind::SecretStore,
        word::TargetKind::Epoch => TargetKind::Epoch,
        word::TargetKind::Pause => TargetKind::Pause,
        word::TargetKind::Service => TargetKind::Service,
        word::TargetKind::PluginRegistry => TargetKind::PluginRegistry,
        word::TargetKind::ArtifactStore => TargetKind::ArtifactStore,
    }
}
