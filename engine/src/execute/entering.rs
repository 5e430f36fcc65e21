//! Entering a called procedure: what it requires holds as if it were run by name, and it counts under its own name.

use std::sync::Arc;

use super::holding::busy;
use super::{Halt, Runner};
use crate::event::fact::{Event, PlanRecorded};
use crate::event::held::Called;
use crate::event::state::{Failure, StepState, Verdict};
use crate::frame::Frame;
use crate::plan::requires::{LockName, judge_limit, lock_name};
use crate::procedure::guard::Moment;

impl Runner<'_> {
    /// Limits, locks, and the record that it begins; once for each call, also when the run goes on.
    pub(super) async fn enter_call(&self, callee: &Arc<Frame>, path: &str) -> Result<(), Halt> {
        let is_new = !self.book().run.calls.contains_key(path);
        // While it did nothing it did not count, and another may have run meanwhile.
        if !self.book().run.had_effect_in(path) {
            let others = |(at, called): (&String, &Called)| (at != path).then(|| called.clone());
            let own: Vec<Called> = self.book().run.calls.iter().filter_map(others).collect();
            self.ask_limits(callee, &own, Some(path))?;
        }
        self.take_locks_of(callee, path)?;
        if !is_new {
            // Its run goes on: what its own guards hold then is asked as of any other.
            let own = callee.guards().into_iter().filter(|held| Arc::ptr_eq(&held.frame, callee));
            for held in own.filter(|held| held.guard().enforce.contains(&Moment::Resume)) {
                self.guard_state_at(&held, "resume").await?;
            }
        }
        let mut book = self.book();
        if is_new && let Some(content) = book.run.frozen.clone() {
            let call = Called { procedure: callee.procedure.name.clone(), parameters: callee.parameters.clone() };
            let recorded = PlanRecorded { digest: callee.procedure.digest(), content, call: Some(call) };
            book.note(Some(path), None, Event::PlanRecorded(recorded))?;
        }
        Ok(())
    }

    /// Whether what a frame runs may run once more; `own` are procedures that this run has entered besides.
    pub(super) fn ask_limits(&self, frame: &Frame, own: &[Called], path: Option<&str>) -> Result<(), Halt> {
        for limit in &frame.procedure.requires.limits {
            let judged = judge_limit(frame, limit, self.means.history, own);
            if judged.verdict != Verdict::Passed {
                return Err(refused("limit", judged.detail.unwrap_or_default(), path));
            }
        }
        Ok(())
    }

    /// The plan took those that it knew of; what depended on a step is taken here.
    fn take_locks_of(&self, callee: &Arc<Frame>, path: &str) -> Result<(), Halt> {
        let scope = callee.scope();
        let mut wanted = Vec::new();
        for template in &callee.procedure.requires.locks {
            match lock_name(template, &scope) {
                LockName::Known(name) => wanted.push(name),
                LockName::Undecided(because) => return Err(refused("undecidable", because.join("; "), Some(path))),
                LockName::Wrong(why) => return Err(refused("undecidable", why, Some(path))),
            }
        }
        let masker = self.means.setting.custody.masker();
        if wanted.iter().any(|name| masker.bytes(name.as_bytes()).is_some()) {
            return Err(refused("undecidable", "the name of a lock holds a secret".to_owned(), Some(path)));
        }
        match self.take_locks(&wanted)? {
            // They are its own once they are durable.
            None if !wanted.is_empty() => Ok(self.book().flush()?),
            None => Ok(()),
            Some(held) => Err(busy(&held, Some(path))),
        }
    }
}

fn refused(code: &str, message: String, path: Option<&str>) -> Halt {
    let failure = Failure {
        code: code.to_owned(),
        message,
        step: path.map(str::to_owned),
        check: None,
        guard: None,
        attempt: None,
    };
    Halt::of(failure, StepState::Refused)
}
