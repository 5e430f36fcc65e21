//! The workspace file: every name in it stands for something.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Checker;
use super::at::At;
use super::document::{actor_class, environment, target_kind};
use super::scope::Scope;
use crate::id::{Id, Name};
use crate::merkle::cosignature::WitnessKey;
use crate::parse::problems::structure::malformed;
use crate::parse::problems::{input, meaning as problem};
use crate::parse::raw::procedure::{Secret as SecretSlot, Target as TargetSlot};
use crate::parse::raw::words::{Instant, TargetKind as Kind};
use crate::parse::raw::workspace as raw;
use crate::parse::{Opened, Raw};
use crate::procedure::workspace::{
    Actor, Anchors, Binding, LedgerPlace, Policy, Requirement, SecretEntry, TargetEntry, Witness, Workspace,
};
use crate::procedure::{Environment, TargetKind};
use crate::sign::actor_key::ActorPublic;
use crate::target::drivers;
use crate::time::Timestamp;

impl<'a> Checker<'a, '_> {
    pub(super) fn workspace(&mut self, raw: &'a raw::Workspace, opened: &Opened, at: At<'_>) -> Option<Workspace> {
        let targets = self.targets(raw.targets.as_ref(), at.get("targets"));
        let kinds: IndexMap<&'a str, Kind> =
            raw.targets.iter().flatten().filter_map(|(id, target)| Some((id.as_str(), kind_of(target)?))).collect();
        self.names.targets = kinds;
        let actors = self.actors(raw.actors.as_ref(), at.get("actors"));
        let secrets: IndexMap<Id, SecretEntry> = raw
            .secrets
            .iter()
            .flatten()
            .map(|(id, secret)| {
                self.bound_target(&secret.from, &[Kind::SecretStore], at.get("secrets").get(id.as_str()).get("from"));
                (id.clone(), SecretEntry { from: secret.from.clone(), key: secret.key.clone() })
            })
            .collect();
        self.credentials(raw, at.get("targets"));
        let bindings = self.bindings(raw, at.get("bindings"));
        let witnesses = self.witnesses(raw, at.get("ledger").get("witnesses"));
        let count = raw.ledger.witnesses.as_ref().map_or(0, IndexMap::len);
        let policy = self.policy(raw.policy.as_ref(), count, at.get("policy"));
        Some(Workspace {
            environment: raw.environment.map(environment),
            ledger: LedgerPlace {
                path: raw.ledger.path.clone(),
                key: raw.ledger.key.clone(),
                origin: raw.ledger.origin.0.clone(),
                witnesses: witnesses?,
            },
            procedures: raw.procedures.clone().unwrap_or_else(|| vec!["procedures".to_owned()]),
            actors: actors?,
            targets: targets?,
            secrets,
            bindings,
            policy: policy?,
            document: opened.tree.to_json(),
        })
    }

    /// The secrets that anchor stores take their credentials from are there.
    fn credentials(&mut self, raw: &raw::Workspace, at: At<'_>) {
        for (id, target) in
            raw.targets.iter().flatten().filter(|(_, target)| kind_of(target) == Some(Kind::AnchorStore))
        {
            for (name, setting) in &target.0 {
                if let Some(secret) = setting.get("secret").and_then(Value::as_str) {
                    self.bound_secret(raw, secret, at.get(id.as_str()).get(name).get("secret"));
                }
            }
        }
    }

    /// The workspace has a secret of that name.
    fn bound_secret(&mut self, raw: &raw::Workspace, secret: &str, at: At<'_>) {
        let known: Vec<&str> = raw.secrets.iter().flat_map(|all| all.keys()).map(Id::as_str).collect();
        if !known.contains(&secret) {
            let place = self.place(at.span());
            self.problems.push(problem::unbound(place, "secret", secret, &known));
        }
    }

    /// Who cosigns: keys that can be read, and that nobody else has.
    fn witnesses(&mut self, raw: &raw::Workspace, at: At<'_>) -> Option<IndexMap<Id, Witness>> {
        let mut holders: Vec<(String, [u8; 32])> = Vec::new();
        for (id, actor) in raw.actors.iter().flatten() {
            let public = actor.key.as_ref().and_then(|key| ActorPublic::parse(&key.0).ok());
            holders.extend(public.map(|public| (format!("actor `{id}`"), *public.bytes())));
        }
        let mut valid: Vec<Option<(Id, Witness)>> = Vec::new();
        for (id, witness) in raw.ledger.witnesses.iter().flatten() {
            let place = self.place(at.get(id.as_str()).get("key").span());
            let name = format!("witness `{id}`");
            let key = match WitnessKey::parse(&witness.key.0) {
                Ok(key) => key,
                Err(error) => {
                    let expected = "the key of a witness";
                    self.problems.push(malformed(place, &witness.key.0, expected, Some(error.to_string())));
                    valid.push(None);
                    continue;
                }
            };
            let shared = holders.iter().find(|(_, public)| public == key.public());
            if let Some((other, _)) = shared {
                self.problems.push(problem::shared_key(place, other, &name));
            }
            valid
                .push(shared.is_none().then(|| (id.clone(), Witness { url: witness.url.0.clone(), key: key.clone() })));
            holders.push((name, *key.public()));
        }
        valid.into_iter().collect()
    }

    fn targets(&mut self, raw: Option<&'a IndexMap<Id, raw::Target>>, at: At<'_>) -> Option<IndexMap<Id, TargetEntry>> {
        let valid: Vec<_> = raw
            .into_iter()
            .flatten()
            .map(|(id, target)| Some((id.clone(), self.target(target, at.get(id.as_str()))?)))
            .collect();
        valid.into_iter().collect()
    }

    fn target(&mut self, raw: &raw::Target, at: At<'_>) -> Option<TargetEntry> {
        let kind = target_kind(kind_of(raw)?);
        let driver = raw.0.get("driver").and_then(Value::as_str).map(str::to_owned);
        let known = drivers(kind);
        if let Some(driver) = &driver
            && !known.contains(&driver.as_str())
            && !known.is_empty()
        {
            let place = self.place(at.get("driver").span());
            self.problems.push(problem::unknown_driver(place, driver, kind.as_str(), known));
        }
        let settings: Map<String, Value> = raw
            .0
            .iter()
            .filter(|(name, _)| !["kind", "driver", "environment"].contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let environment = raw.0.get("environment").and_then(|word| serde_json::from_value(word.clone()).ok());
        Some(TargetEntry { kind, driver, environment, settings })
    }

    fn actors(&mut self, raw: Option<&IndexMap<Id, raw::Actor>>, at: At<'_>) -> Option<IndexMap<Id, Actor>> {
        let valid: Vec<_> = raw
            .into_iter()
            .flatten()
            .map(|(id, actor)| {
                let at = at.get(id.as_str());
                let not_after = self.instant(actor.not_after.as_ref(), at.get("not_after"));
                let revoked_at = self.instant(actor.revoked_at.as_ref(), at.get("revoked_at"));
                let valid = Actor {
                    class: actor_class(actor.class),
                    roles: actor.roles.clone().unwrap_or_default(),
                    key: actor.key.as_ref().map(|key| key.0.clone()),
                    not_after: not_after?,
                    revoked_at: revoked_at?,
                };
                Some((id.clone(), valid))
            })
            .collect();
        valid.into_iter().collect()
    }

    /// An instant that is written like one may still be none, like the 31st of February.
    pub(super) fn instant(&mut self, raw: Option<&Instant>, at: At<'_>) -> Option<Option<Timestamp>> {
        let Some(raw) = raw else { return Some(None) };
        match Timestamp::parse(&raw.0) {
            Ok(instant) => Some(Some(instant)),
            Err(error) => {
                let place = self.place(at.span());
                let expected = error.expected;
                self.problems.push(malformed(place, &raw.0, expected, None));
                None
            }
        }
    }

    /// A name of a target of the workspace, of one of some kinds.
    fn bound_target(&mut self, name: &Id, kinds: &[Kind], at: At<'_>) {
        let place = self.place(at.span());
        match self.names.targets.get(name.as_str()) {
            Some(kind) if kinds.contains(kind) => {}
            Some(kind) => {
                let expected: Vec<&str> = kinds.iter().map(|kind| super::input::word(*kind)).collect();
                let found = super::input::word(*kind);
                self.problems.push(input::wrong_target_kind(place, "this", name.as_str(), found, &expected));
            }
            None => {
                let known: Vec<&str> = self.names.targets.keys().copied().collect();
                self.problems.push(problem::unbound(place, "target", name.as_str(), &known));
            }
        }
    }

    fn bindings(&mut self, raw: &'a raw::Workspace, at: At<'_>) -> IndexMap<Name, Binding> {
        let mut bindings = IndexMap::new();
        for (name, binding) in raw.bindings.iter().flatten() {
            let at = at.get(name.as_str());
            let slots = self.slots(name, at);
            for (slot, target) in binding.targets.iter().flatten() {
                let at = at.get("targets").get(slot.as_str());
                let kinds = match slots.map(|(targets, _)| targets) {
                    Some(targets) => {
                        let slots: Vec<&str> = targets.into_iter().flatten().map(|(id, _)| id.as_str()).collect();
                        self.slot("target", slot, &slots, at);
                        targets.and_then(|targets| targets.get(slot)).map(|target| vec![target.kind])
                    }
                    None => None,
                };
                self.bound_target(target, &kinds.unwrap_or_else(all_kinds), at);
            }
            for (slot, secret) in binding.secrets.iter().flatten() {
                let at = at.get("secrets").get(slot.as_str());
                if let Some((_, secrets)) = slots {
                    let slots: Vec<&str> = secrets.into_iter().flat_map(|all| all.keys()).map(Id::as_str).collect();
                    self.slot("secret", slot, &slots, at);
                }
                self.bound_secret(raw, secret.as_str(), at);
            }
            let valid = Binding {
                targets: binding.targets.clone().unwrap_or_default(),
                secrets: binding.secrets.clone().unwrap_or_default(),
            };
            bindings.insert(name.clone(), valid);
        }
        bindings
    }

    /// What a procedure declares, if it is there; a binding of one that is not is refused.
    fn slots(&mut self, name: &Name, at: At<'_>) -> Option<Slots<'a>> {
        let library = self.library;
        match library.find(name).map(|opened| opened.raw.as_ref()) {
            Some(Some(Raw::Procedure(raw))) => Some((raw.targets.as_ref(), raw.secrets.as_ref())),
            Some(Some(Raw::Checklist(raw))) => Some((raw.targets.as_ref(), raw.secrets.as_ref())),
            // What is wrong with it is reported where it is; who gives no library asks about the file alone.
            Some(_) => None,
            None if library.names().is_empty() => None,
            None => {
                let names = library.names();
                let known: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                let place = self.place(at.key());
                self.problems.push(input::unknown_procedure(place, name.as_str(), &known));
                None
            }
        }
    }

    fn slot(&mut self, what: &str, slot: &Id, known: &[&str], at: At<'_>) {
        if !known.contains(&slot.as_str()) {
            let place = self.place(at.key());
            self.problems.push(problem::unbound(place, &format!("{what} of the procedure"), slot.as_str(), known));
        }
    }

    fn policy(&mut self, raw: Option<&'a raw::Policy>, witnesses: usize, at: At<'_>) -> Option<Policy> {
        let Some(raw) = raw else { return Some(Policy::default()) };
        let scope = Scope { workspace: true, ..Scope::default() };
        let do_not = self.guards(raw.do_not.as_ref(), at.get("do_not"), &scope);
        let requirements = raw.require.as_ref().map(|require| {
            [
                (Environment::Development, "development", require.development.as_ref()),
                (Environment::Staging, "staging", require.staging.as_ref()),
                (Environment::Production, "production", require.production.as_ref()),
            ]
        });
        let mut require = IndexMap::new();
        for (environment, word, requirement) in requirements.into_iter().flatten() {
            let Some(requirement) = requirement else { continue };
            let at = at.get("require").get(word);
            if let Some(asked) = requirement.witnesses.as_ref().map(|asked| asked.at_least)
                && asked as usize > witnesses
            {
                let place = self.place(at.get("witnesses").get("at_least").span());
                self.problems.push(problem::too_many_witnesses(place, asked, witnesses));
            }
            let valid = self.requirement(requirement, at, &scope)?;
            require.insert(environment, valid);
        }
        if let Some(store) = &raw.anchor_after_run {
            self.bound_target(store, &[Kind::AnchorStore], at.get("anchor_after_run"));
        }
        Some(Policy {
            do_not: do_not?,
            require,
            anchor_after_run: raw.anchor_after_run.clone(),
            allow_hosts: raw.allow_hosts.clone(),
            allow_commands: raw.allow_commands.clone(),
        })
    }

    fn requirement(&mut self, raw: &'a raw::Requirement, at: At<'_>, scope: &Scope<'a>) -> Option<Requirement> {
        let approvals = match &raw.approvals {
            Some(approvals) => self.approvals(approvals, at.get("approvals"), scope).map(Some),
            None => Some(None),
        };
        let anchors = match &raw.anchors {
            Some(anchors) => self.anchors(anchors, at.get("anchors"), scope).map(Some),
            None => Some(None),
        };
        Some(Requirement {
            approvals: approvals?,
            signed_actor: raw.signed_actor.unwrap_or(false),
            anchors: anchors?,
            witnesses: raw.witnesses.as_ref().map(|witnesses| witnesses.at_least),
        })
    }

    fn anchors(&mut self, raw: &'a raw::Anchors, at: At<'_>, scope: &Scope<'a>) -> Option<Anchors> {
        for (index, store) in raw.of.iter().enumerate() {
            self.bound_target(store, &[Kind::AnchorStore], at.get("of").item(index));
        }
        let at_least = raw.at_least.unwrap_or(u32::try_from(raw.of.len()).unwrap_or(u32::MAX));
        if at_least as usize > raw.of.len() {
            let place = self.place(at.get("at_least").span());
            self.problems.push(problem::too_many_anchors(place, at_least, raw.of.len()));
        }
        let within = self.optional_duration(raw.within.as_ref(), at.get("within"), scope)?;
        Some(Anchors { of: raw.of.clone(), at_least, within })
    }
}

type Slots<'a> = (Option<&'a IndexMap<Id, TargetSlot>>, Option<&'a IndexMap<Id, SecretSlot>>);

fn kind_of(raw: &raw::Target) -> Option<Kind> {
    serde_json::from_value(raw.0.get("kind")?.clone()).ok()
}

fn all_kinds() -> Vec<Kind> {
    TargetKind::ALL.into_iter().filter_map(|kind| serde_json::from_value(Value::from(kind.as_str())).ok()).collect()
}
