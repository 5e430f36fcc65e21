//! Secret outputs of a step: where they go, that guards see the putting too, and that a resumed run masks what was made.

use std::sync::Arc;

use super::act::Attempt;
use super::guards::Act as Guarded;
use super::{Halt, Runner};
use crate::action::kept::KeptOutput;
use crate::action::sealed::Secrets;
use crate::event::state::StepState;
use crate::frame::Frame;
use crate::plan::judging;
use crate::procedure::pattern::ActKind;
use crate::procedure::step::Step;
use crate::template::Outcome as Known;
use crate::template::scope::Scope;

impl Runner<'_> {
    /// The secret outputs of a step, and where they go.
    pub(super) fn kept(&self, frame: &Frame, step: &Step, path: &str, scope: &Scope) -> Result<Vec<KeptOutput>, Halt> {
        let why = match frame.kept(step, scope) {
            Ok(Known::Known(kept)) => return Ok(kept),
            Ok(Known::Undecided(because)) => because.join("; "),
            Err(why) => why,
        };
        Err(Halt::failed("undecidable", why, Some(path)))
    }

    /// What is put into a store is put, whoever does it: guards over `secrets.put` hold here too.
    pub(super) async fn guard_keeping(&self, attempt: &Attempt<'_>, kept: &[KeptOutput]) -> Result<(), Halt> {
        for kept in kept {
            let (with, digest) = judging::putting(kept, &self.means.setting.registry, attempt.frame);
            let act = Guarded {
                kind: ActKind::Action { name: judging::PUT, is_read: false },
                acts_as: &[],
                with: &with,
                with_digest: Some(&digest),
                subject: None,
                path: attempt.path,
            };
            self.guard_before(attempt.frame, &act).await?;
        }
        Ok(())
    }

    /// A process that takes a run up has read no secret that the run made, and what is not known is not masked. What
    /// cannot be read now is an error where it is used.
    pub(super) async fn learn_made(&self) {
        let ended: Vec<String> = {
            let book = self.book();
            let begun = book.run.steps().filter(|(_, record)| record.state != StepState::Skipped);
            begun.map(|(path, _)| path.to_owned()).collect()
        };
        for path in ended {
            let Some(place) = self.place_of(&path) else { continue };
            let mut scope = place.frame.scope();
            if let Some((name, item)) = place.item {
                scope = scope.with(name, item);
            }
            let procedure = Arc::clone(&place.frame.procedure);
            let Some(step) = procedure.find_step(&place.step).filter(|step| !step.secret_outputs.is_empty()) else {
                continue;
            };
            let Ok(Known::Known(kept)) = place.frame.kept(step, &scope) else { continue };
            let secrets = Secrets {
                custody: Arc::clone(&self.means.setting.custody),
                by: "run".to_owned(),
                ..Secrets::default()
            };
            for KeptOutput { name, place, .. } in kept {
                let _ = secrets.fetch(Some(&name), &place.store, &place.key, self.means.host).await;
            }
        }
    }
}
