//! A checklist as it is asked: every item in order, whatever came of those before, and one result.
//!
//! What the plan decided stands, as for preconditions; what it left open is asked now. Nothing is left for later: with
//! nobody there to answer, an item is not met.

use std::sync::Arc;

use super::{Halt, Runner};
use crate::event::fact::Event;
use crate::event::gate::GateResult;
use crate::event::state::{Checked, Verdict};
use crate::frame::Frame;
use crate::procedure::check::Check;
use crate::procedure::guard::{Form, Moment};
use crate::question;

impl Runner<'_> {
    /// Asks all items, notes what came of each, and says whether the gate is open.
    pub(super) async fn items(&self, root: &Arc<Frame>, items: &[Check]) -> Result<(), Halt> {
        self.open_guards(root).await?;
        let mut all = Vec::with_capacity(items.len());
        let mut asked = false;
        for (at, item) in items.iter().enumerate() {
            let planned = self.plan.view.verify.get(at).filter(|checked| checked.verdict != Verdict::Undecided);
            let checked = match planned {
                Some(checked) => checked.clone(),
                None => {
                    asked = true;
                    self.item(root, item).await?
                }
            };
            let checked = self.lift_item(root, checked)?;
            self.book().note(None, None, Event::VerifyResult(checked.clone()))?;
            all.push(checked);
        }
        if asked {
            self.guards_after(root).await?;
        }
        let result = GateResult::of(&all);
        let objection = result.objection();
        self.book().note(None, None, Event::GateResult(result))?;
        objection.map_or(Ok(()), |(code, message)| Err(Halt::failed(code, message, None)))
    }

    async fn item(&self, root: &Arc<Frame>, item: &Check) -> Result<Checked, Halt> {
        let checked = match self.check(root, item, &root.scope(), None).await {
            Err(Halt::Suspended { because: "answer", detail, .. }) => {
                question::answer(item, Verdict::NotMet, Some(detail))
            }
            Err(Halt::Failed { failure, .. }) if failure.code == "undecidable" => {
                question::answer(item, Verdict::Undecidable, Some(failure.message))
            }
            other => other?,
        };
        match checked.verdict {
            Verdict::Undecided => Ok(Checked { verdict: Verdict::Undecidable, ..checked }),
            _ => Ok(checked),
        }
    }

    /// States that must not be and that the plan did not decide: nothing acts in a gate, so this is the last moment.
    async fn open_guards(&self, root: &Arc<Frame>) -> Result<(), Halt> {
        for held in root.guards() {
            let id = held.id();
            let planned = self.plan.view.guards.iter().find(|guard| guard.id == id);
            let is_open = planned.is_none_or(|guard| guard.verdict == Verdict::Undecided)
                || !held.guard().enforce.contains(&Moment::Plan);
            if is_open {
                self.guard_state_at(&held, "before").await?;
            }
        }
        Ok(())
    }

    /// Items that were waited for take their time, and what held at the beginning may not hold at the end.
    async fn guards_after(&self, root: &Arc<Frame>) -> Result<(), Halt> {
        for held in root.guards() {
            if matches!(held.guard().form, Form::Never(_)) && held.guard().enforce.contains(&Moment::After) {
                self.guard_state_at(&held, "after").await?;
            }
        }
        Ok(())
    }
}
