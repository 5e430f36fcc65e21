//! Checks in a plan: asked once, and undecided where a run could still meet them.

use std::sync::Arc;

use serde_json::json;

use super::Status;
use super::planner::Planner;
use crate::event::gate::GateResult;
use crate::event::state::{Checked, Failure, Verdict};
use crate::frame::Frame;
use crate::procedure::check::{Act, Check, Question};
use crate::question::{self, Found};
use crate::template::expression::Expression;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;
use crate::template::{Outcome as Known, Template};

/// A length of time as it is now, or as it is written where that is not known.
fn as_known(time: &Template, scope: &Scope) -> String {
    match time.render(scope) {
        Ok(Known::Known(value)) => value.to_text().unwrap_or_default().to_string(),
        _ => time.source().to_owned(),
    }
}

impl Planner<'_> {
    /// Asks a check once, with the plan's own rules for what may be read; notes what stays open.
    pub async fn ask(
        &mut self,
        frame: &Arc<Frame>,
        check: &Check,
        scope: &Scope,
        place: &str,
        step: Option<&str>,
    ) -> Checked {
        let by = question::asker(frame, step, check);
        let checked = match &check.question {
            Question::Expect { read: Some(act), expect } => {
                self.ask_read(frame, check, (act, expect), scope, (place, &by)).await
            }
            _ => self.asking.ask(frame, check, scope, &by).await,
        };
        let not_yet = matches!(checked.verdict, Verdict::NotMet | Verdict::Undecidable);
        let checked = match &check.wait {
            Some(wait) if not_yet => Checked {
                verdict: Verdict::Undecided,
                detail: Some(format!("not met now; it is asked again for up to {}", as_known(&wait.timeout, scope))),
                ..checked
            },
            _ => checked,
        };
        if checked.verdict == Verdict::Undecided {
            let because = checked.detail.as_deref().unwrap_or_default();
            self.undecided.insert(format!("{place}: {because}"));
        }
        self.checks.insert(place.to_owned(), json!(checked.verdict));
        checked
    }

    /// What the items of a checklist come to, as far as they are decided.
    pub fn judge_items(&mut self) {
        if let Some((code, message)) = GateResult::foreseen(&self.verify).objection() {
            let code = code.to_owned();
            self.stop(Status::Failed, Failure { code, message, step: None, check: None, guard: None, attempt: None });
        }
    }

    async fn ask_read(
        &mut self,
        frame: &Arc<Frame>,
        check: &Check,
        (act, expect): (&Act, &Expression),
        scope: &Scope,
        (place, by): (&str, &str),
    ) -> Checked {
        if let Some(when) = &check.when {
            match when.decide(scope) {
                Ok(Known::Known(true)) => {}
                Ok(Known::Known(false)) => return self.asking.ask(frame, check, scope, by).await,
                Ok(Known::Undecided(because)) => {
                    return question::answer(check, Verdict::Undecided, Some(because.join("; ")));
                }
                Err(error) => return question::answer(check, Verdict::Undecidable, Some(error.to_string())),
            }
        }
        let look = self.look(frame, act, scope, (place, by)).await;
        let mut checked = match &look.found {
            Found::Output(output) => {
                let scope = scope.clone().with("result", Slot::Known(Value::from_json(output)));
                question::decide(check, expect, &scope)
            }
            Found::Undecided(because) => question::answer(check, Verdict::Undecided, Some(because.clone())),
            Found::Failed(error) => question::answer(check, Verdict::Undecidable, Some(error.message.clone())),
        };
        checked.subject = look.subject();
        checked.action = Some(look.action);
        checked.with_digest = Some(look.with_digest);
        checked
    }
}
