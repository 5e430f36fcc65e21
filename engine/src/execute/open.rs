//! Intents without outcome, of steps and of their undo: looked into before a run does anything else.

use std::collections::BTreeMap;

use super::resume::Resolution;
use super::{Halt, Runner, undo};
use crate::action::{Looking, Reconciled, Repeat};
use crate::event::fact::{Event, OutcomeResolved, StepIntent, UndoIntent};
use crate::event::state::Failure;
use crate::event::{recall, record};
use crate::procedure::step::{Body, Undo};
use crate::run::StepRecord;

impl Runner<'_> {
    /// Every intent without outcome: asked of the action's own probe, then of the person; repeated where that is the same.
    pub(super) async fn look_into_open_intents(&self, resolutions: &BTreeMap<String, Resolution>) -> Result<(), Halt> {
        let open: Vec<(String, StepRecord)> = {
            let book = self.book();
            // What is open in a call is told by the steps within.
            let open = book.run.steps().filter(|(_, record)| record.is_open && !record.is_call());
            open.map(|(path, record)| (path.to_owned(), record.clone())).collect()
        };
        let mut unknown = None;
        for (path, record) in open {
            let resolved = match (resolutions.get(&path), &record) {
                (Some(said), _) => Some(OutcomeResolved {
                    happened: said.happened,
                    by: "person".to_owned(),
                    reason: Some(said.reason.clone()),
                    output: None,
                }),
                (None, StepRecord { is_undoing: true, undo: Some(undo), .. }) => {
                    self.reconcile_undo(&path, undo).await?
                }
                (None, StepRecord { intent: Some(intent), .. }) => self.reconcile(&path, intent).await?,
                (None, _) => None,
            };
            match resolved {
                Some(resolved) => {
                    let mut book = self.book();
                    let attempt = (!record.is_undoing).then_some(record.attempts);
                    book.note(Some(&path), attempt, Event::OutcomeResolved(resolved))?;
                    book.flush()?;
                }
                None => unknown = unknown.or(Some(path)),
            }
        }
        match unknown {
            Some(path) => Err(Halt::Unknown(Box::new(Failure {
                code: "unknown_outcome".to_owned(),
                message: format!(
                    "nobody can tell whether {}step `{path}` happened; look, then say so with `--resolve {path}=happened` or `{path}=not_happened` and `--reason`",
                    if self.is_undo_open(&path) { "the undo of " } else { "" }
                ),
                step: Some(path),
                check: None,
                guard: None,
                attempt: None,
            }))),
            None => Ok(()),
        }
    }

    async fn reconcile(&self, path: &str, intent: &StepIntent) -> Result<Option<OutcomeResolved>, Halt> {
        let Some(action) = self.means.setting.registry.get(&intent.action) else { return Ok(None) };
        let resolved =
            |happened, by: &str, output| OutcomeResolved { happened, by: by.to_owned(), reason: None, output };
        if action.contract.reconcile
            && let Some(place) = self.place_of(path)
            && let Some(Body::Action(act)) = place.frame.procedure.find_step(&place.step).map(|step| &step.body)
        {
            let mut facts = self.asking.facts(&place.frame, act, path, intent.idempotency_key.clone());
            let mut scope = place.frame.scope();
            if let Some((name, item)) = &place.item {
                scope = scope.with(name.as_str(), item.clone());
            }
            if let Some(step) = place.frame.procedure.find_step(&place.step) {
                facts.secrets.kept = self.kept(&place.frame, step, path, &scope)?;
            }
            let looking = Looking { facts: &facts, probe: self.means.host };
            match self.promptly(action.reconcile(&intent.with, &looking)).await? {
                Ok(Reconciled::Happened(output)) => {
                    return Ok(Some(resolved(true, "probe", Some(recall(&record(&output))))));
                }
                Ok(Reconciled::NotHappened) => return Ok(Some(resolved(false, "probe", None))),
                Ok(Reconciled::CannotTell) | Err(_) => {}
            }
        }
        Ok((intent.repeat != "once").then(|| resolved(false, "repeatable", None)))
    }

    fn is_undo_open(&self, path: &str) -> bool {
        self.book().run.step(path).is_some_and(|record| record.is_undoing)
    }

    /// Whether an act of an undo happened: its own action looks, or it may be done again.
    async fn reconcile_undo(&self, path: &str, intent: &UndoIntent) -> Result<Option<OutcomeResolved>, Halt> {
        let resolved =
            |happened, by: &str, output| OutcomeResolved { happened, by: by.to_owned(), reason: None, output };
        let Some(action) = self.means.setting.registry.get(&intent.action) else { return Ok(None) };
        let place = self.place_of(path);
        let body = place.as_ref().and_then(|place| match &place.frame.procedure.find_step(&place.step)?.undo {
            Undo::Bodies(bodies) => Some((place, bodies.get(intent.part as usize)?)),
            Undo::Unsaid | Undo::None(_) => None,
        });
        if action.contract.reconcile
            && let Some((place, Body::Action(act))) = body
        {
            let facts =
                self.asking.facts(&place.frame, act, &undo::by(path, intent.part), undo::key(&intent.with_digest));
            let looking = Looking { facts: &facts, probe: self.means.host };
            match self.promptly(action.reconcile(&intent.with, &looking)).await? {
                Ok(Reconciled::Happened(output)) => {
                    return Ok(Some(resolved(true, "probe", Some(recall(&record(&output))))));
                }
                Ok(Reconciled::NotHappened) => return Ok(Some(resolved(false, "probe", None))),
                Ok(Reconciled::CannotTell) | Err(_) => {}
            }
        }
        Ok((action.contract.repeat != Repeat::Once).then(|| resolved(false, "repeatable", None)))
    }
}
